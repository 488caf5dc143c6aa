package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority issues certificates, as Let's Encrypt does.
type Authority struct {
	Root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority that only those trust who are told to.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{key: newKey(t)}
	of := &x509.Certificate{SerialNumber: number(t), Subject: pkix.Name{CommonName: "the authority of the test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.Root = a.sign(t, of, of, a.key)
	return a
}

// Issue makes a certificate for hosts, good for a while, and its key.
func (a *Authority) Issue(t testing.TB, good time.Duration, hosts ...string) (cert *x509.Certificate, chain, key string) {
	t.Helper()
	private := newKey(t)
	of := &x509.Certificate{SerialNumber: number(t), Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(good),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			of.IPAddresses = append(of.IPAddresses, ip)
			continue
		}
		of.DNSNames = append(of.DNSNames, host)
	}
	cert = a.sign(t, of, a.Root, private)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// Certify issues a certificate as two files, as programs that speak TLS read them.
func (a *Authority) Certify(t testing.TB, chainFile, keyFile string, hosts ...string) tls.Certificate {
	t.Helper()
	_, chain, key := a.Issue(t, time.Hour, hosts...)
	certificate, err := tls.LoadX509KeyPair(Write(t, chainFile, chain), Write(t, keyFile, key))
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// PEM is the certificate of the authority as programs read it.
func (a *Authority) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Root.Raw}))
}

func (a *Authority) sign(t testing.TB, of, by *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, of, by, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func number(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
