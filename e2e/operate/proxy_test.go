package operate

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

func TestNginxInFront(t *testing.T) {
	harness.Need(t, "nginx")
	m, link := install(t)
	a := newAuthority(t)
	m.certified(a, time.Hour)
	m.tlsBy("nginx")
	behind(t, m, link, a.root)
	t.Run("certbot reaches its files", func(t *testing.T) {
		b := open(t, "http://"+host, "127.0.0.9", nil)
		if b.visit("/.well-known/acme-challenge/test"); b.status != http.StatusOK || b.body != "challenge\n" {
			t.Errorf("it gets %d %q", b.status, b.body)
		}
	})
}

func TestCaddyInFront(t *testing.T) {
	harness.Need(t, "caddy")
	m, link := install(t)
	// Without a network Caddy has no authority to ask but its own.
	m.tlsBy("Caddy", `mkdir /tmp/docs && cp -r docs/operate /tmp/docs && cd /tmp
sed -i 's/^\tadmin off$/&\n\tlocal_certs\n\tskip_install_trust/' docs/operate/files/Caddyfile
grep -q local_certs docs/operate/files/Caddyfile`)
	var root *x509.Certificate
	m.until("Caddy has a certificate", func() bool {
		text, err := os.ReadFile(m.at("var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"))
		if err != nil {
			return false
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return false
		}
		root, err = x509.ParseCertificate(block.Bytes)
		return err == nil
	})
	behind(t, m, link, root)
}

// behind is what must hold of a portal behind a proxy.
func behind(t *testing.T, m *machine, link string, root *x509.Certificate) {
	ada := everywhere(t, m, link, root)
	if ada.proto != "HTTP/2.0" {
		t.Errorf("browsers are spoken to in %s", ada.proto)
	}

	t.Run("limits per address count the browser", func(t *testing.T) {
		// As many as password-pair takes. From the sixth on each is answered a
		// second later: they wait together.
		var tries sync.WaitGroup
		thieves := make([]*browser, 10)
		for n := range thieves {
			b := open(t, base, "127.0.0.4", root)
			b.forged.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", n))
			b.visit("/sign-in").is(http.StatusOK, "sign-in")
			tries.Go(func() {
				for b.press("Sign in", "username", "grace", "password", "not hers"); b.page() == "busy"; b.press("Sign in", "username", "grace", "password", "not hers") {
					time.Sleep(time.Second)
				}
			})
			thieves[n] = b
		}
		tries.Wait()
		for _, b := range thieves {
			b.is(http.StatusUnprocessableEntity, "sign-in")
		}
		thief := open(t, base, "127.0.0.4", root)
		thief.forged.Set("X-Forwarded-For", "203.0.113.99")
		thief.visit("/sign-in").press("Sign in", "username", "grace", "password", "not hers").is(http.StatusTooManyRequests, "wait")
		other := open(t, base, "127.0.0.5", root)
		other.visit("/sign-in").press("Sign in", "username", "grace", "password", "not hers").is(http.StatusUnprocessableEntity, "sign-in")
	})

	t.Run("http leads pages on, and takes nothing", func(t *testing.T) {
		b := open(t, "http://"+host, "127.0.0.8", root)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if b.visit("/sign-in?rd=%2Faccount"); b.status != http.StatusMovedPermanently || b.header.Get("Location") != base+"/sign-in?rd=%2Faccount" {
			t.Errorf("a page leads to %d %q", b.status, b.header.Get("Location"))
		}
		if b.send(http.MethodPost, "http://"+host+"/sign-in", strings.NewReader("username=ada")); b.status != http.StatusForbidden {
			t.Errorf("a form gets %d %q", b.status, b.header.Get("Location"))
		}
	})

	t.Run("while the portal is down nothing opens, and no log has the address", func(t *testing.T) {
		before, during := open(t, base, "127.0.0.7", root), open(t, base, "127.0.0.8", root)
		before.visit("/sign-in").is(http.StatusOK, "sign-in")
		m.run("systemctl stop sallyport")
		during.visit("/invitation/NEVERINALOG")
		if list := during.header.Values("Strict-Transport-Security"); during.status != http.StatusBadGateway || len(list) != 1 {
			t.Errorf("it answers %d with %q", during.status, list)
		}
		m.run("systemctl start sallyport")
		before.press("Sign in", "username", "ada", "password", password).is(http.StatusOK, "app-code")
		ada.visit("/account/security").is(http.StatusOK, "security")
		if found := m.run("journalctl --no-pager | grep NEVERINALOG || true"); found != "" {
			t.Errorf("the journal has it:\n%s", found)
		}
		_ = filepath.WalkDir(m.at("var/log"), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if text, _ := os.ReadFile(path); strings.Contains(string(text), "NEVERINALOG") {
					t.Errorf("%s has it", path)
				}
			}
			return nil
		})
	})

	m.ends(t)
}
