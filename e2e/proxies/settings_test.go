package proxies

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// ofThePortal is what docs/operate/tls.md prints for one of the proxies.
func ofThePortal(t testing.TB, language string) string {
	t.Helper()
	return harness.Block(t, harness.Page(t, "operate", "tls.md"), language)
}

// fill replaces what each machine has otherwise: all else is as it is printed.
func fill(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q does not stand in\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// without drops lines that are not for this machine: it may have no IPv6.
func without(t testing.TB, text, line string) string { t.Helper(); return fill(t, text, line+"\n", "") }

// settings are the lines of sallyport.yaml: the app of README.md as it is printed,
// and a few more.
func (w *world) settings(t *testing.T) string {
	t.Helper()
	text := fill(t, harness.Printed(t, "README.md")["/etc/sallyport/sallyport.yaml"], "https://wiki.example.org", w.url("wiki.example.org"))
	for _, line := range []string{
		"- id: notes", "  name: Notes", "  addresses: [" + w.url("notes.example.org") + ", " + w.url("notes.example.net") + "]", "  groups: [staff]", "  need: two", "  tell: [groups]", "  token: true",
		"- id: open", "  name: Open", "  addresses: [" + w.url("open.example.org") + "]", "  groups: [everyone]", "  need: none",
		"- id: tea", "  name: Tea", "  addresses: [" + w.url("tea.example.org") + "]", "  groups: [everyone]", "  need: two", "  share: example.org",
		"- id: cake", "  name: Cake", "  addresses: [" + w.url("cake.example.org") + "]", "  groups: [everyone]", "  need: two", "  share: example.org",
	} {
		text += "  " + line + "\n"
	}
	return text
}

func (w *world) nginx(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{name: "nginx", address: "127.0.0.2", trusted: w.authority.Root, log: filepath.Join(w.folder, "nginx", "log")}
	in := filepath.Join(w.folder, "nginx")
	listen := fmt.Sprintf("listen %s:%d ssl http2;", p.address, w.port)
	certificate := func(host string) {
		live := filepath.Join(in, "live", host)
		w.authority.Certify(t, filepath.Join(live, "fullchain.pem"), filepath.Join(live, "privkey.pem"), host)
	}
	here := []string{"listen 443 ssl http2;", listen, "/etc/letsencrypt/live", filepath.Join(in, "live")}

	site := without(t, without(t, ofThePortal(t, "nginx"), "\tlisten [::]:443 ssl http2;"), "\tlisten [::]:80;")
	harness.Write(t, filepath.Join(in, "sites", "portal"), fill(t, site, append(here, "listen 80;", fmt.Sprintf("listen %s:%d;", p.address, harness.FreePort(t)),
		"127.0.0.1:8080", w.portal.listen, "/var/log/nginx/sallyport.log", p.log)...))
	certificate("id.example.org")
	files := harness.Printed(t, "nginx.md")
	for _, a := range w.apps {
		site := without(t, files["/etc/nginx/sites-available/wiki"], "\tlisten [::]:443 ssl http2;")
		for i, host := range a.hosts {
			id := fmt.Sprint(a.id, i)
			harness.Write(t, filepath.Join(in, "sites", id), fill(t, site, append(here, "127.0.0.1:3000", a.address, "upstream wiki", "upstream "+id,
				"http://wiki;", "http://"+id+";", "wiki.example.org", host)...))
			certificate(host)
		}
	}
	for _, name := range []string{"conf.d/sallyport.conf", "snippets/sallyport-host.conf", "snippets/sallyport-app.conf"} {
		harness.Write(t, filepath.Join(in, name), fill(t, files["/etc/nginx/"+name]))
	}
	harness.Write(t, filepath.Join(in, "nginx.conf"), `daemon off;
master_process off;
pid pid;
events {
}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include conf.d/*.conf;
	include sites/*;
}
`)
	w.program(t, filepath.Join(in, "output"), nil, "nginx", "-p", in, "-e", p.log, "-c", filepath.Join(in, "nginx.conf"))
	return p
}

func (w *world) caddy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{name: "Caddy", address: "127.0.0.3", log: filepath.Join(w.folder, "caddy", "log")}
	files := harness.Printed(t, "caddy.md")
	// Without a network Caddy has no authority to ask but its own.
	text := fill(t, ofThePortal(t, "caddy"), "\tadmin off\n", fmt.Sprintf("\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tdefault_bind %s\n\thttps_port %d\n\thttp_port %d\n", p.address, w.port, harness.FreePort(t)))
	snippet, site, ok := strings.Cut(files["/etc/caddy/Caddyfile"], "\nwiki.example.org {\n")
	if !ok {
		t.Fatal("caddy.md has no site for an app")
	}
	text = fill(t, text+"\n"+snippet, "127.0.0.1:8080", w.portal.listen)
	for _, a := range w.apps {
		for _, host := range a.hosts {
			text += "\n" + fill(t, "wiki.example.org {\n"+site, "wiki.example.org", host, "127.0.0.1:3000", a.address)
		}
	}
	file := filepath.Join(w.folder, "caddy", "Caddyfile")
	harness.Write(t, file, text)
	w.program(t, p.log, []string{"XDG_DATA_HOME=" + w.folder, "XDG_CONFIG_HOME=" + w.folder, "HOME=" + w.folder}, "caddy", "run", "--adapter", "caddyfile", "--config", file)
	return p
}

// root reads the certificate of Caddy's own authority, once there is one.
func root(file string) *x509.Certificate {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	der, _ := pem.Decode(text)
	if der == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(der.Bytes)
	if err != nil {
		return nil
	}
	return cert
}

func (w *world) haproxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{name: "HAProxy", address: "127.0.0.4", trusted: w.authority.Root, log: filepath.Join(w.folder, "haproxy", "log")}
	in := filepath.Join(w.folder, "haproxy")
	hosts := []string{"id.example.org"}
	files := harness.Printed(t, "haproxy.md")
	text := without(t, without(t, files["/etc/haproxy/haproxy.cfg"], "\tuser haproxy"), "\tgroup haproxy")
	text = fill(t, text, "/etc/haproxy/", in+"/", "bind :80\n", fmt.Sprintf("bind %s:%d\n", p.address, harness.FreePort(t)), "bind :443 ", fmt.Sprintf("bind %s:%d ", p.address, w.port),
		"127.0.0.1:8080", w.portal.listen)
	use := regexp.MustCompile(`(?m)^\tuse_backend wiki .*\n`).FindString(text)
	_, backend, ok := strings.Cut(text, "\nbackend wiki\n")
	if use == "" || !ok {
		t.Fatal("haproxy.md has no app")
	}
	text = fill(t, text, use, "", "\nbackend wiki\n"+backend, "", "\nbackend sallyport\n", "MORE\nbackend sallyport\n")
	uses := ""
	for _, a := range w.apps {
		for _, host := range a.hosts {
			uses += fill(t, use, "backend wiki ", "backend "+a.id+" ", "wiki.example.org", host)
		}
		text += "\nbackend " + a.id + "\n" + fill(t, backend, "127.0.0.1:3000", a.address)
		hosts = append(hosts, a.hosts...)
	}
	_, chain, key := w.authority.Issue(t, time.Hour, hosts...)
	harness.Write(t, filepath.Join(in, "certs", "all.pem"), chain+key)
	harness.Write(t, filepath.Join(in, "sallyport.lua"), fill(t, files["/etc/haproxy/sallyport.lua"], "127.0.0.1:8080", w.portal.listen))
	harness.Write(t, filepath.Join(in, "haproxy.cfg"), fill(t, text, "MORE\n", uses+"\n"))
	w.program(t, p.log, nil, "haproxy", "-db", "-f", filepath.Join(in, "haproxy.cfg"))
	return p
}
