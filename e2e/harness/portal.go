package harness

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Ada's name and password on every portal of the tests.
const (
	Ada      = "ada"
	Password = "correct horse staple 9"
	Number   = "(202) 555-0143"
	E164     = "+12025550143"
)

// Portal is a running sallyport in a folder of its own.
type Portal struct {
	URL, Folder string
	program     string
	clock       string // the file of a testclock build, or ""
	t           testing.TB
}

// Text is one line of the outbox.
type Text struct {
	Time         time.Time
	To, Text, ID string
}

// Start runs `sallyport serve` with one outbox and one person, until the test
// ends. The settings given are lines of sallyport.yaml.
func Start(t testing.TB, settings ...string) *Portal {
	t.Helper()
	return start(t, &Portal{t: t, Folder: t.TempDir(), program: Program(t, "")}, settings)
}

// StartAhead is Start with a clock that can be moved.
func StartAhead(t testing.TB, settings ...string) *Portal {
	t.Helper()
	p := &Portal{t: t, Folder: t.TempDir(), program: Program(t, "testclock")}
	p.clock = filepath.Join(p.Folder, "clock")
	p.Ahead(0)
	return start(t, p, settings)
}

func start(t testing.TB, p *Portal, settings []string) *Portal {
	t.Helper()
	port := FreePort(t)
	p.URL = fmt.Sprintf("http://localhost:%d", port)
	p.run("", "init", "--url", p.URL, "--key", filepath.Join(p.Folder, "sallyport.key"))
	lines := []string{"url: " + p.URL, "listen: 127.0.0.1:" + strconv.Itoa(port), "data: ./data", "key_file: ./sallyport.key",
		"sms:", "  gateways:", "    - name: outbox", "      kind: outbox", "      path: ./outbox.jsonl"}
	text := strings.Join(append(lines, settings...), "\n") + "\n"
	if err := os.WriteFile(filepath.Join(p.Folder, "sallyport.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Add(Ada, "Ada Lovelace", Password)
	p.serve("serve")
	p.waitReady("/readyz")
	return p
}

// Pages runs `sallyport pages`, and returns it with the names of all pages.
func Pages(t testing.TB) (*Portal, []string) {
	t.Helper()
	port := FreePort(t)
	p := &Portal{t: t, Folder: t.TempDir(), program: Program(t, ""), URL: fmt.Sprintf("http://localhost:%d", port)}
	p.serve("pages", "--port", strconv.Itoa(port), "--json")
	return p, strings.Fields(p.waitReady("/"))
}

// The ports of the portals: below those that the system gives to whoever asks,
// so that no client's connection can take one before its portal listens.
const firstPort, manyPorts = 8200, 1500

var nextPort atomic.Int64

func init() { nextPort.Store(rand.Int64N(manyPorts)) }

// FreePort is a port of this machine on which nothing listens.
func FreePort(t testing.TB) int {
	t.Helper()
	for range manyPorts {
		port := firstPort + int(nextPort.Add(1)%manyPorts)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return port
	}
	t.Fatal("no port is free")
	return 0
}

func (p *Portal) env() []string {
	env := os.Environ()
	if p.clock != "" {
		env = append(env, "SALLYPORT_CLOCK="+p.clock)
	}
	return env
}

// run runs one command of the program and returns what it printed.
func (p *Portal) run(stdin string, args ...string) string {
	p.t.Helper()
	c := exec.Command(p.program, args...)
	c.Dir, c.Env, c.Stdin = p.Folder, p.env(), strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("sallyport %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// Run runs a command beside the portal.
func (p *Portal) Run(args ...string) string { p.t.Helper(); return p.run("", args...) }

// Add adds a person with a password.
func (p *Portal) Add(name, display, password string) {
	p.t.Helper()
	p.run(password+"\n", "person", "add", name, "--display", display, "--password-stdin")
}

// serve starts the program and ends it with the test.
func (p *Portal) serve(args ...string) {
	p.t.Helper()
	log, err := os.Create(filepath.Join(p.Folder, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	c := exec.Command(p.program, args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = p.Folder, p.env(), log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // Wait tells how it ended
		dead := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		err := c.Wait()
		dead.Stop()
		_ = log.Close()
		if text, readErr := os.ReadFile(log.Name()); readErr == nil && (p.t.Failed() || err != nil && args[0] == "serve") {
			p.t.Logf("%s ended: %v\n%s", args[0], err, tail(string(text)))
		}
	})
}

func tail(s string) string {
	const most = 4000
	if len(s) > most {
		s = "…" + s[len(s)-most:]
	}
	return s
}

func (p *Portal) waitReady(path string) string {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if status, body := p.get(path); status == http.StatusOK {
			return body
		}
	}
	log, _ := os.ReadFile(filepath.Join(p.Folder, "log"))
	p.t.Fatalf("%s%s is not ready after 10 s\n%s", p.URL, path, log)
	return ""
}

func (p *Portal) get(path string) (int, string) {
	res, err := http.Get(p.URL + path)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	var b strings.Builder
	_, _ = bufio.NewReader(res.Body).WriteTo(&b)
	return res.StatusCode, b.String()
}

// Ahead moves the portal's clock ahead of the real one.
func (p *Portal) Ahead(by time.Duration) {
	p.t.Helper()
	next := p.clock + ".next"
	if err := os.WriteFile(next, []byte(strconv.FormatFloat(by.Seconds(), 'f', 0, 64)), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(next, p.clock); err != nil {
		p.t.Fatal(err)
	}
}

// Now is the portal's time.
func (p *Portal) Now() time.Time {
	if p.clock == "" {
		return time.Now()
	}
	raw, err := os.ReadFile(p.clock)
	if err != nil {
		p.t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return time.Now().Add(time.Duration(seconds) * time.Second)
}

// Texts are all text messages so far.
func (p *Portal) Texts() (all []Text) {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.Folder, "outbox.jsonl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(line, "\n") {
			break // being written
		}
		var one Text
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			p.t.Fatalf("outbox: %v: %q", err, line)
		}
		all = append(all, one)
	}
	return all
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// Code waits for the code in the n-th text message that holds one, counted from
// 1, and returns it.
func (p *Portal) Code(n int) string {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		codes := p.codes()
		if len(codes) >= n {
			return codes[n-1]
		}
	}
	p.t.Fatalf("there is no text message %d with a code: %q", n, p.Texts())
	return ""
}

// Sent is how many text messages with a code have been sent.
func (p *Portal) Sent() int { return len(p.codes()) }

func (p *Portal) codes() (codes []string) {
	for _, one := range p.Texts() {
		if code := sixDigits.FindString(one.Text); strings.HasPrefix(one.Text, code+" is your") && code != "" {
			codes = append(codes, code)
		}
	}
	return codes
}

// Notices waits until n texts without a code are there, and returns them.
func (p *Portal) Notices(n int) (notices []string) {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		notices = nil
		for _, one := range p.Texts() {
			if !strings.HasPrefix(one.Text, sixDigits.FindString(one.Text)+" is your") {
				notices = append(notices, one.Text)
			}
		}
		if len(notices) >= n {
			return notices
		}
	}
	p.t.Fatalf("there are %d notices, not %d: %q", len(notices), n, notices)
	return nil
}

// Transferred is how many bytes an answer takes, header included, as a browser
// asks for it.
func (p *Portal) Transferred(path string) float64 {
	p.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: close\r\n\r\n", path, strings.TrimPrefix(p.URL, "http://"))
	raw, err := io.ReadAll(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return float64(len(raw))
}
