// Package proxies puts the portal and a few apps behind nginx, Caddy and HAProxy,
// with the settings that docs/integrate prints and nothing but names, ports and
// folders filled in, and looks from both sides: as somebody's browser from outside,
// and as the apps, which say what reaches them. All names lead to this machine, and
// each proxy has an address of its own.
package proxies

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
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

// world is the one portal of all tests, with its apps and the proxies before them.
type world struct {
	folder    string
	port      int // of https, at the address of each proxy
	authority *harness.Authority
	portal    *portal
	postgres  *postgres
	apps      []*app
	proxies   []*proxy
	ready     bool
	visitors  atomic.Int32
	people    atomic.Int32
	ending    []func()
}

// proxy is one of the programs, where it listens, and whom its visitors trust.
type proxy struct {
	name, address string
	trusted       *x509.Certificate
	log           string
}

// app is something behind the proxies: an echo at each of its hosts.
type app struct {
	id    string
	hosts []string
	*echo
}

var (
	shared  = &world{}
	opening sync.Mutex
)

// open starts everything, once.
func open(t *testing.T) *world {
	t.Helper()
	opening.Lock()
	defer opening.Unlock()
	switch {
	case shared.ready:
		return shared
	case shared.folder != "":
		t.Fatal("the proxies have not started: see the test before")
	}
	folder, err := os.MkdirTemp("", "sallyport-proxies-")
	if err != nil {
		t.Fatal(err)
	}
	shared.folder = folder
	shared.start(t)
	shared.ready = true
	return shared
}

func (w *world) start(t *testing.T) {
	t.Helper()
	if err := os.Chmod(w.folder, 0o755); err != nil { // PostgreSQL has a user of its own
		t.Fatal(err)
	}
	w.authority = harness.NewAuthority(t)
	w.port = harness.FreePort(t)
	w.apps = []*app{
		{id: "wiki", hosts: []string{"wiki.example.org"}},
		{id: "notes", hosts: []string{"notes.example.org", "notes.example.net"}},
		{id: "open", hosts: []string{"open.example.org"}},
		{id: "tea", hosts: []string{"tea.example.org"}},
		{id: "cake", hosts: []string{"cake.example.org"}},
	}
	for _, a := range w.apps {
		a.echo = newEcho(t, a.id)
		w.ending = append(w.ending, a.close)
	}
	w.postgres = startPostgres(t, w.folder)
	w.ending = append(w.ending, w.postgres.stop)
	w.portal = w.startPortal(t)
	w.ending = append(w.ending, w.portal.kill)
	w.proxies = []*proxy{w.nginx(t), w.caddy(t), w.haproxy(t)}
	for _, p := range w.proxies {
		w.answers(t, p)
	}
}

func (w *world) end() {
	for i := len(w.ending) - 1; i >= 0; i-- {
		w.ending[i]()
	}
	if w.folder != "" {
		_ = os.RemoveAll(w.folder) // a temporary folder
	}
}

// program starts a program that runs until all tests have ended.
func (w *world) program(t *testing.T, log string, env []string, name string, args ...string) {
	t.Helper()
	c := exec.Command(harness.Need(t, name), args...)
	to, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	c.Dir, c.Env, c.Stdout, c.Stderr = w.folder, append(os.Environ(), env...), to, to
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.ending = append(w.ending, func() { _ = c.Process.Kill(); _ = c.Wait() })
}

// answers waits until a proxy shows the portal.
func (w *world) answers(t *testing.T, p *proxy) {
	t.Helper()
	var last error
	for end := time.Now().Add(harness.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if p.name == "Caddy" {
			p.trusted = root(filepath.Join(w.folder, "caddy", "pki", "authorities", "local", "root.crt"))
		}
		v := w.visitor(t, p)
		answer, err := v.Get(w.url("id.example.org") + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == 200 {
				return
			}
			err = errors.New(answer.Status)
		}
		last = err
	}
	log, _ := os.ReadFile(p.log)
	t.Fatalf("%s does not show the portal: %v\n%s", p.name, last, log)
}

// url is the address of a host.
func (w *world) url(host string) string { return fmt.Sprintf("https://%s:%d", host, w.port) }

// app is one of the apps, by its id.
func (w *world) app(id string) *app {
	for _, a := range w.apps {
		if a.id == id {
			return a
		}
	}
	panic("there is no app " + id)
}

// visitor is a new browser of somebody's, with an address of its own.
func (w *world) visitor(t testing.TB, p *proxy) *harness.Visitor {
	t.Helper()
	n := w.visitors.Add(1)
	return harness.Visit(t, w.url("id.example.org"), fmt.Sprintf("127.0.%d.%d", 1+n/250, 1+n%250), p.address, p.trusted)
}

// somebody is a new person with a second factor, before a browser that is signed in
// to the portal.
type somebody struct {
	*harness.Visitor
	name string
	code *harness.App
	w    *world
	p    *proxy
}

func (w *world) somebody(t testing.TB, p *proxy, groups ...string) *somebody {
	t.Helper()
	s := &somebody{Visitor: w.visitor(t, p), name: fmt.Sprintf("person%d", w.people.Add(1)), w: w, p: p}
	args := []string{"person", "add", s.name, "--display", "Zoë Łuk " + s.name, "--email", s.name + "@example.org"}
	for _, g := range groups {
		args = append(args, "--group", g)
	}
	s.code = s.Accept(w.portal.invitation(t, args...), w.portal.now(t))
	s.Is(200, "security")
	return s
}

// again is another browser of the same person, signed in from the page on show
// after an address was opened. The code is that of the next 30 seconds, since the
// one of these is used up: it can be done once.
func (s *somebody) again(t testing.TB, address string) *somebody {
	t.Helper()
	other := *s
	other.Visitor = s.w.visitor(t, s.p)
	other.Open(address)
	other.SignIn(s.name, s.code.Code(s.w.portal.now(t).Add(30*time.Second)))
	return &other
}

// each runs a test at each proxy, all at once.
func each(t *testing.T, test func(t *testing.T, w *world, p *proxy)) {
	t.Helper()
	w := open(t)
	for _, p := range w.proxies {
		t.Run(p.name, func(t *testing.T) { t.Parallel(); test(t, w, p) })
	}
}

// eventually waits for at most a time.
func eventually(t testing.TB, within time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		late := time.Now().After(end)
		if so() {
			return
		}
		if late {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}

// portal is the running program, which can be killed, held and started again.
type portal struct {
	folder, program, clock, listen, url string

	mu      sync.Mutex
	command *exec.Cmd
}

func (w *world) startPortal(t *testing.T) *portal {
	t.Helper()
	p := &portal{folder: filepath.Join(w.folder, "portal"), program: harness.Program(t, "testclock"), url: w.url("id.example.org")}
	p.clock, p.listen = filepath.Join(p.folder, "clock"), fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	if err := os.Mkdir(p.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	harness.Write(t, p.clock, "0")
	p.run(t, "init", "--url", p.url)
	harness.Write(t, filepath.Join(p.folder, "sallyport.yaml"), "url: "+p.url+"\nlisten: "+p.listen+"\ndatabase: "+w.postgres.address+
		"\nkey_file: ./sallyport.key\npolicy:\n  phone: off\nhashing:\n  memory: 19456\n  time: 2\n"+w.settings(t))
	p.serve(t)
	return p
}

func (p *portal) call(args ...string) *exec.Cmd {
	c := exec.Command(p.program, args...)
	c.Dir, c.Env = p.folder, append(os.Environ(), "SALLYPORT_CLOCK="+p.clock)
	return c
}

// run runs a command beside the portal, and returns what it prints.
func (p *portal) run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := p.call(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("sallyport %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// invitation is the link that a command prints.
func (p *portal) invitation(t testing.TB, args ...string) string {
	t.Helper()
	said := p.run(t, args...)
	for word := range strings.FieldsSeq(said) {
		if strings.HasPrefix(word, p.url+"/invitation/") {
			return word
		}
	}
	t.Fatalf("there is no invitation in\n%s", said)
	return ""
}

// serve starts the portal, and waits until it answers.
func (p *portal) serve(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(p.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.command = p.call("serve")
	p.command.Stdout, p.command.Stderr = log, log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(harness.Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.listen); err == nil {
			c.Close()
			return
		}
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("the portal does not start\n%s", text)
}

func (p *portal) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

func (p *portal) signal(s syscall.Signal) { _ = p.command.Process.Signal(s) }

// hold stops the portal where it stands. The signal is only under way when it has been
// sent: each thread goes on until it is told.
func (p *portal) hold(t testing.TB) {
	t.Helper()
	p.signal(syscall.SIGSTOP)
	threads := fmt.Sprintf("/proc/%d/task/*/stat", p.command.Process.Pid)
	eventually(t, harness.Patience, "the portal stands still", func() bool {
		list, err := filepath.Glob(threads)
		return err == nil && len(list) > 0 && !slices.ContainsFunc(list, func(path string) bool {
			stat, err := os.ReadFile(path)
			_, state, _ := strings.Cut(string(stat), ") ")
			return err != nil || !strings.HasPrefix(state, "T")
		})
	})
}

// now is the portal's time.
func (p *portal) now(t testing.TB) time.Time {
	t.Helper()
	text, err := os.ReadFile(p.clock)
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := time.ParseDuration(string(text) + "s")
	if err != nil {
		t.Fatal(err)
	}
	return time.Now().Add(ahead)
}

// later moves the portal's clock.
func (p *portal) later(t testing.TB, by time.Duration) {
	t.Helper()
	ahead := time.Until(p.now(t)) + by
	harness.Write(t, p.clock+".next", fmt.Sprintf("%.0f", ahead.Seconds()))
	if err := os.Rename(p.clock+".next", p.clock); err != nil {
		t.Fatal(err)
	}
}
