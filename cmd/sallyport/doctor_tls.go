package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"sallyport/config"
)

// certSoon is how long before its end a certificate is told of: a renewal every
// sixty days has then failed.
const certSoon = 21 * 24 * time.Hour

// tlsLooks is the certificate that the portal serves by itself: whether it is
// whole, for this host, and good for a while.
func tlsLooks(c *config.Config, now time.Time) []finding {
	if c.TLS.CertFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
	if err != nil {
		return []finding{fault(fmt.Errorf("tls: %w", err), "check tls.cert_file and tls.key_file")}
	}
	leaf := pair.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return []finding{fault(fmt.Errorf("tls: %w", err), "check tls.cert_file")}
		}
	}
	until := leaf.NotAfter.UTC().Format("2 January 2006 15:04 UTC")
	switch {
	case leaf.VerifyHostname(c.Hostname()) != nil:
		return []finding{{"fault", fmt.Sprintf("the certificate is not for %s, but for %v", c.Hostname(), append(leaf.DNSNames, addresses(leaf)...)), "get one for the host of url"}}
	case now.After(leaf.NotAfter):
		return []finding{{"fault", "the certificate ended on " + until, "renew it; a new file is taken without a restart"}}
	case now.Before(leaf.NotBefore):
		return []finding{{"fault", "the certificate begins on " + leaf.NotBefore.UTC().Format("2 January 2006 15:04 UTC"), "look at this machine's clock"}}
	case leaf.NotAfter.Sub(now) < certSoon:
		return []finding{{"note", "the certificate ends on " + until, "renew it; a new file is taken without a restart"}}
	}
	return []finding{{"ok", "the certificate is for " + c.Hostname() + " and good until " + until, ""}}
}

func addresses(leaf *x509.Certificate) (list []string) {
	for _, ip := range leaf.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}
