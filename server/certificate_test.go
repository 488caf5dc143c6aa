package server

import (
	"crypto/tls"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/config"
)

// served is the number of the certificate that a new connection gets.
func served(t *testing.T, address string) *big.Int {
	t.Helper()
	c := dial(t, address, true).(*tls.Conn)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber
}

// later is when the files are looked at again.
func later() { time.Sleep(lookEvery + 20*time.Millisecond) }

func TestARenewedCertificateIsServedToNewConnections(t *testing.T) {
	t.Parallel()
	address, c, log := listening(t, true)
	second := certify(t, c.TLS.CertFile, c.TLS.KeyFile)
	later()
	if served(t, address).Cmp(second) != 0 {
		t.Error("the old certificate is served after the files were replaced")
	}
	// As certbot does it: the names are links, which lead elsewhere now.
	dir := t.TempDir()
	third := certify(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	for name, path := range map[string]string{"cert.pem": c.TLS.CertFile, "key.pem": c.TLS.KeyFile} {
		if err := os.Symlink(filepath.Join(dir, name), path+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	later()
	if served(t, address).Cmp(third) != 0 {
		t.Error("the old certificate is served after the links were changed")
	}
	if n := strings.Count(log.String(), "certificate replaced"); n != 2 || strings.Contains(log.String(), "WARN") {
		t.Errorf("of two renewals the log says\n%s", log)
	}
}

func TestABrokenRenewalKeepsTheOldCertificate(t *testing.T) {
	t.Parallel()
	address, c, log := listening(t, true)
	first := served(t, address)
	stays := func(what string, lines int) {
		t.Helper()
		for range 3 {
			later()
			if served(t, address).Cmp(first) != 0 {
				t.Fatalf("%s: the old certificate is gone", what)
			}
		}
		if n := strings.Count(log.String(), "certificate not replaced, the old one stays"); n != lines {
			t.Errorf("%s: told %d times in all, not %d:\n%s", what, n, lines, log)
		}
	}
	write(t, c.TLS.CertFile, "this is none\n")
	stays("a broken file", 1)
	os.Remove(c.TLS.KeyFile)
	stays("a file that is gone", 2)
	other := t.TempDir()
	certify(t, c.TLS.CertFile, filepath.Join(other, "key.pem"))
	certify(t, filepath.Join(other, "cert.pem"), c.TLS.KeyFile)
	stays("the key of another", 3)

	next := certify(t, c.TLS.CertFile, c.TLS.KeyFile)
	later()
	if served(t, address).Cmp(next) != 0 {
		t.Error("a good pair after broken ones is not served")
	}
}

// A renewal replaces one file after the other.
func TestARenewalHalfDoneIsNoCauseForAlarm(t *testing.T) {
	t.Parallel()
	address, c, log := listening(t, true)
	first, other := served(t, address), t.TempDir()
	next := certify(t, c.TLS.CertFile, filepath.Join(other, "key.pem"))
	later()
	if served(t, address).Cmp(first) != 0 {
		t.Error("the old certificate is gone before its renewal is there")
	}
	key, err := os.ReadFile(filepath.Join(other, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.TLS.KeyFile, string(key))
	later()
	if served(t, address).Cmp(next) != 0 {
		t.Error("the renewal is not served")
	}
	if strings.Contains(log.String(), "WARN") {
		t.Errorf("the log alarms:\n%s", log)
	}
}

func TestTheFilesAreNotLookedAtForEachConnection(t *testing.T) {
	c := &config.Config{}
	c.TLS.CertFile, c.TLS.KeyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	certify(t, c.TLS.CertFile, c.TLS.KeyFile)
	k, err := newCertificate(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := k.pair
	certify(t, c.TLS.CertFile, c.TLS.KeyFile)
	for _, row := range []struct {
		ago  time.Duration
		same bool
	}{{-time.Hour, true}, {lookEvery, false}} {
		k.looked = time.Now().Add(-row.ago)
		if pair, err := k.get(nil); err != nil || (pair == first) != row.same {
			t.Errorf("looked at %s ago: the old pair %v, %v", row.ago, pair == first, err)
		}
	}
}
