// Package clients lets real clients of OpenID Connect judge the provider: each is
// set up as docs/integrate prints it, with nothing but names, ports and folders
// filled in, signs people in through the wizard's second factor, and out again.
// npm's oidc-provider runs beside ours, and what both say is compared.
package clients

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m, func() { shared.end() }) }

// world is the one portal of all tests, and the apps that sign people in by it. The
// portal is at localhost and the apps are at 127.0.0.1: to a browser these are two
// sites.
type world struct {
	folder      string
	authority   *harness.Authority
	root        string // the file of its certificate
	chain, key  string // of everything here that speaks TLS
	certificate tls.Certificate
	portal      string
	program     string
	apps        map[string]*app
	people      atomic.Int32
	ready       bool
	ending      []func()
}

// app is one of the apps: where browsers find it, and the port it listens at.
type app struct {
	id, url, secret string
	port            int
	runs            bool
	heard           *heard // what was posted to it
}

var (
	shared  = &world{}
	opening sync.Mutex
)

// open starts the portal, once.
func open(t *testing.T) *world {
	t.Helper()
	opening.Lock()
	defer opening.Unlock()
	switch {
	case shared.ready:
		return shared
	case shared.folder != "":
		t.Fatal("the portal has not started: see the test before")
	}
	folder, err := os.MkdirTemp("", "sallyport-clients-")
	if err != nil {
		t.Fatal(err)
	}
	shared.folder = folder
	shared.start(t)
	shared.ready = true
	return shared
}

// names are the apps of the pages, and which page prints them.
var names = []struct{ id, page string }{
	{"wiki", "apache.md"}, {"notes", "node.md"}, {"board", "node.md"}, {"sketch", "browser.md"}, {"ledger", "go.md"}, {"desk", "oidc.md"},
}

// settings is the file that each page prints lines of.
const settings = "/etc/sallyport/sallyport.yaml"

// pages are those that print apps, each once.
func pages() (list []string) {
	for _, n := range names {
		if !slices.Contains(list, n.page) {
			list = append(list, n.page)
		}
	}
	return list
}

func (w *world) start(t *testing.T) {
	t.Helper()
	if err := os.Chmod(w.folder, 0o755); err != nil { // Apache's workers have a user of their own
		t.Fatal(err)
	}
	w.authority = harness.NewAuthority(t)
	w.root = w.write(t, "root.pem", w.authority.PEM())
	if err := os.Chmod(w.root, 0o644); err != nil {
		t.Fatal(err)
	}
	w.chain, w.key = filepath.Join(w.folder, "chain.pem"), filepath.Join(w.folder, "key.pem")
	w.certificate = w.authority.Certify(t, w.chain, w.key, "localhost", "127.0.0.1")
	w.apps = map[string]*app{}
	for _, n := range names {
		w.apps[n.id] = &app{id: n.id, secret: random(t), heard: newHeard()}
		w.write(t, n.id+".secret", w.apps[n.id].secret+"\n")
	}
	for id, a := range w.apps {
		switch a.port = harness.FreePort(t); id {
		case "wiki":
			a.url = "https://127.0.0.1:" + fmt.Sprint(a.port) // Apache ends TLS by itself
		case "sketch":
			a.url = w.listen(t, http.FileServer(http.Dir(filepath.Join(w.folder, id))))
		default:
			a.url = w.front(t, a)
		}
	}
	w.serve(t)
}

func (w *world) end() {
	for i := len(w.ending) - 1; i >= 0; i-- {
		w.ending[i]()
	}
	if w.folder != "" {
		_ = os.RemoveAll(w.folder) // a temporary folder
	}
}

// serve starts the portal with the apps of all pages.
func (w *world) serve(t *testing.T) {
	t.Helper()
	port := harness.FreePort(t)
	w.portal, w.program = fmt.Sprintf("https://localhost:%d", port), harness.Program(t, "")
	w.run(t, "", "init", "--url", w.portal)
	text := "apps:\n"
	for _, page := range pages() {
		text += strings.ReplaceAll(harness.Printed(t, page)[settings], "apps:\n", "")
	}
	w.write(t, "sallyport.yaml", fmt.Sprintf("url: %s\nlisten: 127.0.0.1:%d\ndata: ./data\nkey_file: ./sallyport.key\ntls:\n  cert_file: %s\n  key_file: %s\n"+
		"policy:\n  phone: off\nhashing:\n  memory: 19456\n  time: 2\n", w.portal, port, w.chain, w.key)+w.here(text))
	w.begin(t, "portal", w.command("serve"), func() error { return w.answers(w.portal + "/readyz") })
}

// here replaces what each machine has otherwise: all else is as it is printed.
func (w *world) here(text string) string {
	pairs := []string{"/etc/sallyport/", w.folder + "/", "https://id.example.org", w.portal}
	for id, a := range w.apps {
		pairs = append(pairs, "https://"+id+".example.org", a.url, "/etc/"+id+"/secret", filepath.Join(w.folder, id+".secret"))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (w *world) command(args ...string) *exec.Cmd {
	c := exec.Command(w.program, args...)
	c.Dir = w.folder
	// The portal tells apps of ended sessions over https.
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+w.root)
	return c
}

// run runs a command beside the portal, and returns what it prints.
func (w *world) run(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	c := w.command(args...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("sallyport %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// begin starts a program that runs until all tests have ended, and waits for it.
func (w *world) begin(t testing.TB, name string, c *exec.Cmd, ready func() error) {
	t.Helper()
	log, err := os.Create(filepath.Join(w.folder, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // Apache has children to end
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	w.ending = append(w.ending, func() { _ = c.Process.Signal(os.Interrupt); kill(c, ended) })
	for end := time.Now().Add(harness.Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s has ended\n%s", name, w.log(name))
		default:
		}
	}
	t.Fatalf("%s is not ready: %v\n%s", name, err, w.log(name))
}

func kill(c *exec.Cmd, ended chan struct{}) {
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = c.Process.Kill()
		<-ended
	}
}

// log is what a program has said.
func (w *world) log(name string) string {
	text, _ := os.ReadFile(filepath.Join(w.folder, name+".log")) // for a message alone
	return string(text[max(0, len(text)-6000):])
}

// client trusts the authority, and keeps nothing.
func (w *world) client() *http.Client {
	return &http.Client{Timeout: harness.Patience, Transport: &http.Transport{TLSClientConfig: harness.Trusting(w.authority.Root)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *world) answers(address string) error {
	answer, err := w.client().Get(address)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode >= http.StatusInternalServerError {
		return errors.New(answer.Status)
	}
	return nil
}

// front ends https for an app that listens on loopback, and returns its address.
func (w *world) front(t testing.TB, a *app) string {
	t.Helper()
	to, err := url.Parse(fmt.Sprintf("http://127.0.0.1:%d", a.port))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}, ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, err error) {
		http.Error(rw, err.Error(), http.StatusBadGateway)
	}}
	return w.listen(t, a.heard.before(proxy))
}

// listen serves https at a port of its own.
func (w *world) listen(t testing.TB, handler http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{w.certificate}},
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: harness.Patience}
	go func() { _ = server.ServeTLS(l, "", "") }() // until it is closed
	w.ending = append(w.ending, func() { _ = server.Close() })
	return "https://" + l.Addr().String()
}

// write writes a file of the world, and returns its name.
func (w *world) write(t testing.TB, name, text string) string {
	t.Helper()
	return harness.Write(t, filepath.Join(w.folder, name), text)
}
