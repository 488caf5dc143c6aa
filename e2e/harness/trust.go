package harness

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/chromedp/cdproto/security"
)

// Trust lets a tab believe every certificate: the authority is the test's own, and
// what a browser thinks of it is not what is tested.
func (b *Tab) Trust() *Tab {
	b.t.Helper()
	call(b, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	return b
}

// Trusting is TLS of somebody who trusts one authority, or nobody.
func Trusting(authority *x509.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	if authority != nil {
		pool.AddCert(authority)
	}
	return &tls.Config{RootCAs: pool}
}
