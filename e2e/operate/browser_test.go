package operate

import (
	"crypto/x509"
	"testing"

	"sallyport/e2e/harness"
)

// open opens somebody's browser at an address of the network 127.0.0.0/8, from where
// every name leads to this machine.
func open(t *testing.T, base, address string, trusted *x509.Certificate) *harness.Visitor {
	t.Helper()
	return harness.Visit(t, base, address, "127.0.0.1", trusted)
}
