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
	a := harness.NewAuthority(t)
	m.certified(a, time.Hour)
	m.tlsBy("nginx")
	behind(t, m, link, a.Root)
	t.Run("certbot reaches its files", func(t *testing.T) {
		b := open(t, "http://"+host, "127.0.0.9", nil)
		if b.Open("/.well-known/acme-challenge/test"); b.Status != http.StatusOK || b.Body != "challenge\n" {
			t.Errorf("it gets %d %q", b.Status, b.Body)
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
	if ada.Proto != "HTTP/2.0" {
		t.Errorf("browsers are spoken to in %s", ada.Proto)
	}

	t.Run("limits per address count the browser", func(t *testing.T) {
		// As many as password-pair takes. From the sixth on each is answered a
		// second later: they wait together.
		var tries sync.WaitGroup
		thieves := make([]*harness.Visitor, 10)
		for n := range thieves {
			b := open(t, base, "127.0.0.4", root)
			b.Forged.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", n))
			b.Open("/sign-in").Is(http.StatusOK, "sign-in")
			tries.Go(func() {
				for b.Press("Sign in", "username", "grace", "password", "not hers"); b.Page() == "busy"; b.Press("Sign in", "username", "grace", "password", "not hers") {
					time.Sleep(time.Second)
				}
			})
			thieves[n] = b
		}
		tries.Wait()
		for _, b := range thieves {
			b.Is(http.StatusUnprocessableEntity, "sign-in")
		}
		thief := open(t, base, "127.0.0.4", root)
		thief.Forged.Set("X-Forwarded-For", "203.0.113.99")
		thief.Open("/sign-in").Press("Sign in", "username", "grace", "password", "not hers").Is(http.StatusTooManyRequests, "wait")
		other := open(t, base, "127.0.0.5", root)
		other.Open("/sign-in").Press("Sign in", "username", "grace", "password", "not hers").Is(http.StatusUnprocessableEntity, "sign-in")
	})

	t.Run("http leads pages on, and takes nothing", func(t *testing.T) {
		b := open(t, "http://"+host, "127.0.0.8", root)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if b.Open("/sign-in?rd=%2Faccount"); b.Status != http.StatusMovedPermanently || b.Header.Get("Location") != base+"/sign-in?rd=%2Faccount" {
			t.Errorf("a page leads to %d %q", b.Status, b.Header.Get("Location"))
		}
		if b.Send(http.MethodPost, "http://"+host+"/sign-in", strings.NewReader("username=ada")); b.Status != http.StatusForbidden {
			t.Errorf("a form gets %d %q", b.Status, b.Header.Get("Location"))
		}
	})

	t.Run("while the portal is down nothing opens, and no log has the address", func(t *testing.T) {
		before, during := open(t, base, "127.0.0.7", root), open(t, base, "127.0.0.8", root)
		before.Open("/sign-in").Is(http.StatusOK, "sign-in")
		m.run("systemctl stop sallyport")
		during.Open("/invitation/NEVERINALOG")
		if list := during.Header.Values("Strict-Transport-Security"); during.Status != http.StatusBadGateway || len(list) != 1 {
			t.Errorf("it answers %d with %q", during.Status, list)
		}
		m.run("systemctl start sallyport")
		before.Press("Sign in", "username", "ada", "password", harness.Password).Is(http.StatusOK, "app-code")
		ada.Open("/account/security").Is(http.StatusOK, "security")
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
