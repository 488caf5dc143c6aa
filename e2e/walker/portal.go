package walker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Portal is a running program in a folder of its own, which can be killed and
// started again, and whose clock can be moved.
type Portal struct {
	URL, Dir string

	program string
	cmd     *exec.Cmd
	log     *os.File
	offset  time.Duration
	mails   *mailbox
	read    int64 // bytes of the outbox
}

// trouble is what keeps a walk from going on; it is no fault of the product that
// the walk was looking for.
type trouble struct{ err error }

func must(err error) {
	if err != nil {
		panic(trouble{err})
	}
}

func must2[T any](v T, err error) T {
	must(err)
	return v
}

// The ports of the portals: below those that the system gives to whoever asks.
const firstPort, manyPorts = 12100, 1500

var nextPort atomic.Int64

func init() { nextPort.Store(rand.Int64N(manyPorts)) }

func freePort() int {
	for range manyPorts {
		port := firstPort + int(nextPort.Add(1)%manyPorts)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	panic(trouble{fmt.Errorf("no port is free")})
}

// Open makes an installation and starts it.
func Open(program string, policy Policy) *Portal {
	p := &Portal{program: program, Dir: must2(os.MkdirTemp("", "sallyport-walk-")), mails: openMailbox()}
	port := freePort()
	p.URL = fmt.Sprintf("http://localhost:%d", port)
	settings := fmt.Sprintf("url: %s\nlisten: 127.0.0.1:%d\nname: Example\nproxies: [127.0.0.1]\nlog:\n  level: warn\nhashing:\n  memory: 19456\n  time: 2\n  threads: 1\n"+
		"sms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\nmail:\n  server: smtp://localhost:%d\n  from: login@example.org\n", p.URL, port, p.mails.port) + sitesYAML
	if policy.YAML != "" {
		settings += "policy:\n" + policy.YAML
	}
	must(os.WriteFile(filepath.Join(p.Dir, "sallyport.yaml"), []byte(settings), 0o600))
	p.log = must2(os.Create(filepath.Join(p.Dir, "log")))
	p.Move(0)
	p.Run("", "init", "--config", "other.yaml")
	return p
}

func (p *Portal) env() []string {
	return append(os.Environ(), "SALLYPORT_CLOCK="+filepath.Join(p.Dir, "clock"))
}

// Start runs it until Stop or Kill.
func (p *Portal) Start() {
	c := exec.Command(p.program, "serve")
	c.Dir, c.Env, c.Stderr = p.Dir, p.env(), p.log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out := must2(c.StdoutPipe())
	must(c.Start())
	p.cmd = c
	ready := make(chan bool, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "is ready on") {
				ready <- true
			}
		}
		ready <- false
	}()
	select {
	case ok := <-ready:
		if ok {
			return
		}
	case <-time.After(30 * time.Second):
	}
	panic(trouble{fmt.Errorf("the portal does not start:\n%s", p.Log())})
}

// End ends it by a signal.
func (p *Portal) End(how syscall.Signal) {
	if p.cmd == nil {
		return
	}
	c := p.cmd
	p.cmd = nil
	_ = c.Process.Signal(how) // Wait tells how it ended
	dead := time.AfterFunc(15*time.Second, func() { _ = c.Process.Kill() })
	_ = c.Wait()
	if !dead.Stop() {
		panic(trouble{fmt.Errorf("the portal does not end")})
	}
}

// Close ends it and removes its folder.
func (p *Portal) Close() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
	p.mails.close()
	_ = p.log.Close()
	_ = os.RemoveAll(p.Dir) // a temporary folder
}

// Log is what it has written.
func (p *Portal) Log() string {
	raw, _ := os.ReadFile(p.log.Name())
	return string(raw)
}

// Run runs a command beside it.
func (p *Portal) Run(in string, args ...string) string {
	c := exec.Command(p.program, args...)
	c.Dir, c.Env, c.Stdin = p.Dir, p.env(), strings.NewReader(in)
	var bad bytes.Buffer
	c.Stderr = &bad
	out, err := c.Output()
	if err != nil {
		panic(trouble{fmt.Errorf("sallyport %q: %w\n%s", args, err, bad.String())})
	}
	return string(out)
}

// Move moves its clock.
func (p *Portal) Move(by time.Duration) {
	p.offset += by
	next := filepath.Join(p.Dir, "clock.new")
	must(os.WriteFile(next, []byte(strconv.FormatFloat(p.offset.Seconds(), 'f', 3, 64)), 0o600))
	must(os.Rename(next, filepath.Join(p.Dir, "clock")))
}

// Now is its time.
func (p *Portal) Now() time.Time { return time.Now().Add(p.offset) }

// Text is a text message.
type Text struct {
	Time     time.Time
	To, Text string
}

// Texts are those that came since the last call.
func (p *Portal) Texts() (list []Text) {
	f, err := os.Open(filepath.Join(p.Dir, "outbox.jsonl"))
	if os.IsNotExist(err) {
		return nil
	}
	must(err)
	defer f.Close()
	must2(f.Seek(p.read, io.SeekStart))
	raw := must2(io.ReadAll(f))
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		p.read += int64(len(line))
		var t Text
		if json.Unmarshal([]byte(line), &t) == nil {
			list = append(list, t)
		}
	}
	return list
}

// Database is the bytes of the database, as whoever copies the disk has them.
func (p *Portal) Database() (all []byte) {
	names, _ := filepath.Glob(filepath.Join(p.Dir, "data", "*"))
	for _, name := range names {
		if raw, err := os.ReadFile(name); err == nil {
			all = append(all, raw...)
		}
	}
	return all
}

// mailbox is a mail server that keeps what it gets.
type mailbox struct {
	port     int
	listener net.Listener
	mu       sync.Mutex
	mails    []Letter
}

// Letter is a mail.
type Letter struct{ To, Text string }

func openMailbox() *mailbox {
	l := must2(net.Listen("tcp", "127.0.0.1:0"))
	b := &mailbox{listener: l, port: l.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return b
}

func (b *mailbox) close() { _ = b.listener.Close() }

// serve speaks as much SMTP as it takes (RFC 5321).
func (b *mailbox) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	lines := bufio.NewScanner(c)
	fmt.Fprint(c, "220 walker\r\n")
	var to string
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch strings.ToUpper(verb) {
		case "RCPT":
			to = strings.Trim(strings.TrimPrefix(strings.TrimPrefix(rest, "TO:"), "to:"), "<> ")
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			var text strings.Builder
			for lines.Scan() && lines.Text() != "." {
				text.WriteString(lines.Text() + "\n")
			}
			b.mu.Lock()
			b.mails = append(b.mails, Letter{to, unfold(text.String())})
			b.mu.Unlock()
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		}
		fmt.Fprint(c, "250 ok\r\n")
	}
}

var soft = regexp.MustCompile(`=\n`)

// unfold undoes quoted-printable, as far as links need it.
func unfold(text string) string {
	return strings.ReplaceAll(soft.ReplaceAllString(text, ""), "=3D", "=")
}

// all are the mails so far.
func (b *mailbox) all() []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Letter(nil), b.mails...)
}
