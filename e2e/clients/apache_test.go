package clients

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// modules are those of Debian that the page needs, after its a2enmod.
var modules = []string{"mpm_event", "authn_core", "authz_core", "authz_user", "alias", "setenvif", "socache_shmcb",
	"auth_openidc", "headers", "proxy", "proxy_http", "ssl"}

// apache starts one with a folder and port of its own, and an app behind it that
// says what it is told.
func (w *world) apache(t testing.TB) *app {
	t.Helper()
	a := w.apps["wiki"]
	if a.runs {
		return a
	}
	program := harness.Need(t, "apache2")
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	behind := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.Header.Write(rw) // to a browser that may have gone
	}), ReadHeaderTimeout: harness.Patience}
	go func() { _ = behind.Serve(echo) }() // until it is closed
	w.ending = append(w.ending, func() { _ = behind.Close() })

	files := harness.Printed(t, "apache.md")
	secret := strings.NewReplacer("the line of wiki.secret", a.secret, "the line of another openssl rand -hex 32", random(t)).Replace(files["/etc/apache2/wiki-secret.conf"])
	w.write(t, "apache/wiki-secret.conf", secret)
	if err := os.Chmod(w.write(t, "signed-out.html", files["/var/www/html/signed-out.html"]), 0o644); err != nil {
		t.Fatal(err)
	}
	w.write(t, "apache/wiki.conf", strings.NewReplacer(
		"*:443", fmt.Sprintf("127.0.0.1:%d", a.port), "/etc/ssl/wiki.example.org.crt", w.chain, "/etc/ssl/wiki.example.org.key", w.key,
		"/etc/apache2/", w.folder+"/apache/", "/var/www/html", w.folder, "http://127.0.0.1:3000", "http://"+echo.Addr().String()).Replace(w.here(files["/etc/apache2/sites-enabled/wiki.conf"])))

	var main strings.Builder
	for _, m := range modules {
		path := "/usr/lib/apache2/modules/mod_" + m + ".so"
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%s is missing; install it: apt-get install -y --no-install-recommends apache2-bin libapache2-mod-auth-openidc", path)
		}
		fmt.Fprintf(&main, "LoadModule %s_module %s\n", m, path)
	}
	folder := filepath.Join(w.folder, "apache")
	fmt.Fprintf(&main, "ServerRoot %s\nServerName localhost\nPidFile %s/pid\nErrorLog %s/error.log\nLogLevel warn auth_openidc:info\nMutex file:%s default\nListen 127.0.0.1:%d\n"+
		"StartServers 1\nThreadsPerChild 8\nMaxRequestWorkers 8\nOIDCCABundlePath %s\nInclude %s/wiki.conf\n", folder, folder, folder, folder, a.port, w.root, folder)
	if os.Getuid() == 0 {
		main.WriteString("User nobody\nGroup nogroup\n")
	}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(folder, "error.log")) // for a message alone
			t.Logf("Apache says\n%s", text)
		}
	})
	c := exec.Command(program, "-f", w.write(t, "apache/apache2.conf", main.String()), "-DFOREGROUND")
	w.begin(t, "apache", c, func() error { return w.answers(a.url + "/signed-out") })
	a.runs = true
	return a
}

func TestApacheSignsInAndOut(t *testing.T) {
	w := open(t)
	a, p := w.apache(t), w.newcomer(t)
	p.Open(a.url + "/page?x=1")
	p.arrive()
	tells := func(address string) {
		t.Helper()
		if p.At.String() != address || p.Status != http.StatusOK {
			t.Fatalf("it is %s, %d, not %s, by way of %q\n%s", p.At, p.Status, address, p.Way, p.Body)
		}
		for _, line := range []string{"Remote-User: " + p.name, "Oidc_claim_name: Ada Lovelace", "Oidc_claim_email: " + p.name + "@example.org", "Oidc_claim_groups: staff",
			"Oidc_claim_acr: urn:sallyport:two", "Oidc_claim_amr: pwd,otp,mfa", "Oidc_claim_iss: " + w.portal} {
			if !strings.Contains(p.Body, line+"\r\n") {
				t.Errorf("the app is not told %q:\n%s", line, p.Body)
			}
		}
	}
	tells(a.url + "/page?x=1")
	p.Forged.Set("Remote-User", "root")
	p.Forged.Set("Oidc_claim_groups", "admins")
	if p.Open(a.url + "/again"); len(p.Way) > 0 || strings.Contains(p.Body, "root") || strings.Contains(p.Body, "admins") {
		t.Errorf("the app believes the browser, by way of %q:\n%s", p.Way, p.Body)
	}
	tells(a.url + "/again")
	p.outAndIn(a, a.url+"/.oidc?logout="+url.QueryEscape(a.url+"/signed-out"))
	tells(a.url + "/")
}
