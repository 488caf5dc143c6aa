package operate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

const (
	host = "id.example.org"
	base = "https://" + host
)

var invitation = regexp.MustCompile(regexp.QuoteMeta(base) + `/invitation/\w+`)

// install does what install.md says up to its section about TLS, and returns the
// invitation.
func install(t *testing.T) (m *machine, link string) {
	t.Helper()
	m = newMachine(t)
	m.boot()
	before, _, ok := strings.Cut(page(t, "install.md"), "\n## 6. TLS\n")
	if !ok {
		t.Fatal("install.md has no section about TLS")
	}
	said := m.paste(before)
	if link = invitation.FindString(said); link == "" {
		t.Fatalf("there is no invitation in\n%s", said)
	}
	if !strings.Contains(said, "active (running)") || !strings.Contains(said, "sallyport is ready on "+base) {
		t.Errorf("the status is not as the page says:\n%s", said)
	}
	return m, link
}

// tlsBy does what tls.md says at its top and in one of its sections, then looks as
// install.md says.
func (m *machine) tlsBy(heading string, also ...string) {
	m.t.Helper()
	text := page(m.t, "tls.md")
	top, _, _ := strings.Cut(text, "\n## ")
	list := append(append(blocks(top, "sh"), also...), blocks(section(m.t, text, heading), "sh")...)
	m.run(strings.Join(list, "\n"))
	if said := m.paste(section(m.t, page(m.t, "install.md"), "7. What to check")); strings.Contains(said, "limits per address") {
		m.t.Errorf("people's addresses are hidden:\n%s", said)
	}
}

// certified puts a certificate where the stand-in of certbot takes it.
func (m *machine) certified(a *harness.Authority, good time.Duration) *x509.Certificate {
	m.t.Helper()
	cert, chain, key := a.Issue(m.t, good, host)
	m.write("certificate/fullchain.pem", chain)
	m.write("certificate/privkey.pem", key)
	return cert
}

// everywhere is what must hold whoever speaks TLS. It returns the browser of the
// operator, who has accepted her invitation.
func everywhere(t *testing.T, m *machine, link string, root *x509.Certificate) (ada *harness.Visitor) {
	ada = open(t, base, "127.0.0.2", root)
	app := ada.Accept(link, time.Now())
	ada.Is(http.StatusOK, "security")

	t.Run("cookies are for this host and https alone", func(t *testing.T) {
		if len(ada.Set) == 0 {
			t.Fatal("there are no cookies")
		}
		for _, c := range ada.Set {
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
				t.Errorf("a cookie is %q", c.Raw)
			}
		}
	})

	t.Run("the address of the browser counts, and no other", func(t *testing.T) {
		b := open(t, base, "127.0.0.3", root)
		b.Forged.Set("X-Forwarded-For", "203.0.113.7")
		b.Forged.Set("X-Real-Ip", "203.0.113.7")
		b.Forged.Set("Forwarded", "for=203.0.113.7")
		b.Open("/sign-in").SignIn("ada", app.Code(time.Now().Add(30*time.Second))) // the code of these 30 seconds is used up
		b.Is(http.StatusOK, "security")
		if b.Open("/account/activity").Is(http.StatusOK, "activity"); !strings.Contains(b.Body, "127.0.0.3") || strings.Contains(b.Body, "203.0.113.7") {
			t.Errorf("the page of activity has not the address of the browser\n%s", b.Body)
		}
	})

	t.Run("what is too large is answered by the portal", func(t *testing.T) {
		b := open(t, base, "127.0.0.6", root)
		for range 5 { // of two ends that close at once either may be the first
			b.Send(http.MethodPost, base+"/sign-in", strings.NewReader("username="+strings.Repeat("a", 100<<10))).Is(http.StatusRequestEntityTooLarge, "error")
		}
	})

	t.Run("every answer asks for https", func(t *testing.T) {
		b := open(t, base, "127.0.0.7", root)
		for path, status := range map[string]int{"/sign-in": 200, "/no-such-page": 404, "/healthz": 200, "/readyz": 200, "/assets/none": 404} {
			b.Open(path)
			if list := b.Header.Values("Strict-Transport-Security"); b.Status != status || len(list) != 1 || list[0] != "max-age=31536000; includeSubDomains" {
				t.Errorf("%s: %d, not %d, with %q", path, b.Status, status, list)
			}
		}
	})

	t.Run("old TLS is refused", func(t *testing.T) {
		c, err := tls.Dial("tcp", "127.0.0.1:443", &tls.Config{ServerName: host, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
		if err == nil {
			c.Close()
			t.Error("TLS 1.1 is spoken")
		}
	})
	return ada
}

// ends ends the portal, and looks how it was all the time.
func (m *machine) ends(t *testing.T) {
	t.Run("it has run in order, and ends in order", func(t *testing.T) {
		out := m.run("systemctl show -P NRestarts sallyport; systemctl stop sallyport; systemctl show -P Result -P ExecMainStatus sallyport")
		if got := strings.Join(strings.Fields(out), " "); got != "0 success 0" {
			t.Errorf("systemd says %q", got)
		}
		m.private(t)
	})
}

// private looks whether others could read what the portal has, or write to it.
func (m *machine) private(t *testing.T) {
	t.Helper()
	if open := m.run("find /etc/sallyport /var/lib/sallyport -perm /077 ! -name sallyport.yaml -o -perm /037 -o ! -user sallyport"); open != "" {
		t.Errorf("others could have\n%s", open)
	}
}

func TestTLSByItself(t *testing.T) {
	m, link := install(t)
	a := harness.NewAuthority(t)
	first := m.certified(a, time.Hour)
	m.tlsBy("Sallyport by itself")
	everywhere(t, m, link, a.Root)
	served := func() *x509.Certificate {
		c, err := tls.Dial("tcp", "127.0.0.1:443", &tls.Config{ServerName: host, InsecureSkipVerify: true}) // which one it is counts
		m.must(err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0]
	}

	t.Run("a renewal is taken while it runs", func(t *testing.T) {
		if !served().Equal(first) {
			t.Fatal("the certificate is not the one of certbot")
		}
		second := m.certified(a, 2*time.Hour)
		m.run("certbot renew -d " + host + " --deploy-hook /usr/local/sbin/sallyport-certificate")
		m.until("the new certificate is served", func() bool { return served().Equal(second) })
		open(t, base, "127.0.0.2", a.Root).Open("/sign-in").Is(http.StatusOK, "sign-in")

		m.run("echo broken >/etc/sallyport/tls/fullchain.pem")
		for range 3 {
			time.Sleep(1100 * time.Millisecond)
			if !served().Equal(second) {
				t.Fatal("a broken renewal took the certificate away")
			}
		}
		if said := m.run("journalctl --no-pager -u sallyport"); strings.Count(said, "certificate not replaced") != 1 || strings.Count(said, "certificate replaced") != 1 {
			t.Errorf("it has not told once of each:\n%s", said)
		}
	})

	t.Run("who comes without TLS is told", func(t *testing.T) {
		c, err := net.Dial("tcp", "127.0.0.1:443")
		m.must(err)
		defer c.Close()
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		c.SetDeadline(time.Now().Add(patience))
		answer := make([]byte, 100)
		n, err := c.Read(answer)
		if !strings.HasPrefix(string(answer[:n]), "HTTP/1.0 400 ") {
			t.Errorf("it is told %q, %v", answer[:n], err)
		}
	})
	m.ends(t)
}

// fails runs a script that must fail, and returns what it complains of.
func (m *machine) fails(script string) string {
	m.t.Helper()
	out, err := m.in(script).CombinedOutput()
	if err == nil {
		m.t.Errorf("%s succeeds", script)
	}
	return string(out)
}

func TestWhatNewcomersDoWrong(t *testing.T) {
	m := newMachine(t)
	m.boot()
	before, _, _ := strings.Cut(page(t, "install.md"), "\n## 4. The first operator\n")
	m.paste(before)

	// A command that root runs, in place of the portal's user, must not lock the
	// portal out of what it makes.
	m.run(`cd /etc/sallyport; umask 000; sallyport person add ada --operator`)
	m.run("systemctl start sallyport")
	m.run(`cd /etc/sallyport; sallyport person list`)
	m.private(t)
	m.run("systemctl stop sallyport")

	const portal = "cd /etc/sallyport; runuser -u sallyport -- "
	for _, row := range []struct{ name, script, complains, hint string }{
		{"a command of another user", "runuser -u nobody -- sallyport --config /etc/sallyport/sallyport.yaml person list", "cannot be read: permission denied", "sudo -u sallyport"},
		{"a port of the system", portal + "env SALLYPORT_LISTEN=:443 sallyport serve", "bind: permission denied", "docs/operate/tls.md"},
		{"the key of certbot", "mkdir -m 0700 /etc/private; touch /etc/private/key; " + portal + "env SALLYPORT_TLS_CERT_FILE=/etc/private/key SALLYPORT_TLS_KEY_FILE=/etc/private/key sallyport serve", "permission denied", "a copy of its own"},
		{"a database of root's", "chown root /var/lib/sallyport/sallyport.db; " + portal + "sallyport person list", "operation not permitted", "own the data folder"},
	} {
		if said := m.fails(row.script); !strings.Contains(said, row.complains) || !regexp.MustCompile(`hint: .*`+regexp.QuoteMeta(row.hint)).MatchString(said) {
			t.Errorf("%s: it says\n%s", row.name, said)
		}
	}
}
