package sms_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/smpp"
	"sallyport/back/sms"
	"sallyport/core/message"
)

// centre is an SMSC of somebody else, in a process of its own.
type centre struct {
	t    *testing.T
	addr string

	mu     sync.Mutex
	events []event
	news   chan struct{}
}

// event is what a centre saw.
type event struct {
	Event              string
	Port, Status       int
	System, Type       string
	Version            int
	Good               bool
	To, From           string
	ToKind, ToPlan     int
	FromKind           int
	Text, Octets, Life string
	Header             string
	Coding, Class      int
	Receipt            int
}

var npmLock sync.Mutex

// npmOnce installs it for one of several tests at once.
func npmOnce(t *testing.T) string {
	npmLock.Lock()
	defer npmLock.Unlock()
	return npm(t, "smpp@0.5.0")
}

// npmCentre is one on npm's smpp, perlCentre one on Perl's Net::SMPP.
func npmCentre(t *testing.T, arguments ...string) *centre {
	t.Helper()
	return startCentre(t, exec.Command("node", append([]string{"testdata/smpp/smsc.js"}, arguments...)...), "NODE_PATH="+filepath.Join(npmOnce(t), "node_modules"))
}

func perlCentre(t *testing.T) *centre {
	t.Helper()
	return startCentre(t, exec.Command("perl", "testdata/smpp/smsc.pl"))
}

func startCentre(t *testing.T, cmd *exec.Cmd, environment ...string) *centre {
	t.Helper()
	c := &centre{t: t, news: make(chan struct{}, 1)}
	var trouble bytes.Buffer
	cmd.Env, cmd.Stderr = append(os.Environ(), environment...), &trouble
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (hint: ./test installs it)", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("the centre says %s", lines.Bytes())
			}
			c.mu.Lock()
			c.events = append(c.events, e)
			c.mu.Unlock()
			select {
			case c.news <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-done
		if err := cmd.Wait(); err != nil {
			t.Errorf("the centre: %v\n%s", err, trouble.String())
		}
	})
	c.addr = fmt.Sprintf("127.0.0.1:%d", c.wait("listening", 1)[0].Port)
	return c
}

// wait waits until a centre saw something so many times.
func (c *centre) wait(name string, n int) (seen []event) {
	c.t.Helper()
	for late := time.After(10 * time.Second); ; {
		if seen = c.saw(name); len(seen) >= n {
			return seen
		}
		select {
		case <-c.news:
		case <-late:
			c.t.Fatalf("the centre saw %d of %d %s: %+v", len(seen), n, name, c.saw(""))
		}
	}
}

// saw is what the centre saw so far.
func (c *centre) saw(name string) (seen []event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.Event == name || name == "" {
			seen = append(seen, e)
		}
	}
	return seen
}

// line is a gateway that runs.
type line struct {
	*sms.SMPP
	log      *shared
	receipts chan message.Receipt
	stop     func()
}

// shared is a buffer that a log is written to while a test reads it.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// lineTo is a gateway at an address, running unless tuned says otherwise.
func lineTo(t *testing.T, addr string, tuned ...func(g *sms.SMPP)) *line {
	t.Helper()
	l := &line{log: &shared{}, receipts: make(chan message.Receipt, 100)}
	l.SMPP = &sms.SMPP{Label: "main", Address: addr, Account: smpp.Account{SystemID: "acme", Password: "hunter2", SystemType: "sms"}, Sender: "ACME", Now: clock,
		Log: slog.New(slog.NewTextHandler(l.log, nil)), Receipts: func(_ context.Context, r message.Receipt) error { l.receipts <- r; return nil }}
	for _, tune := range tuned {
		tune(l.SMPP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	l.stop = func() { cancel(); <-done }
	t.Cleanup(func() {
		l.stop()
		for _, hidden := range []string{"hunter2", "2025550", "123456"} {
			if strings.Contains(l.log.String(), hidden) {
				t.Errorf("the log shows %s: %s", hidden, l.log.String())
			}
		}
	})
	return l
}

// text is a message to the number whose end says what the centre does with it.
func text(end, words string) message.Message {
	return message.Message{ID: "ID-" + end, To: "+12025550" + end, Country: "US", Text: words, ExpireAt: now.Add(5 * time.Minute)}
}

// hand hands a message over within the time that the sender gives.
func (l *line) hand(t *testing.T, end, words string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ref, err := l.Send(ctx, text(end, words))
	told(t, err)
	return ref, err
}

// reported is the next receipt.
func (l *line) reported(t *testing.T) message.Receipt {
	t.Helper()
	select {
	case r := <-l.receipts:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("no receipt came")
		return message.Receipt{}
	}
}

const code = "123456 is your Acme code. 100 %\n\n@login.example.org #123456"

func TestATextGoesThroughAnSMSCAndItsReceiptComesBack(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr)
	ref, err := l.hand(t, "101", code)
	if ref != "1a2f" || err != nil {
		t.Fatalf("%q, %v", ref, err)
	}
	if got := c.wait("bind", 1)[0]; got != (event{Event: "bind", System: "acme", Type: "sms", Version: 0x34, Good: true}) {
		t.Errorf("bound with %+v", got)
	}
	if got, want := c.wait("submit", 1)[0], (event{Event: "submit", To: "12025550101", ToKind: 1, ToPlan: 1, From: "ACME", FromKind: 5, Text: code, Receipt: 1, Life: "300 s"}); got != want {
		t.Errorf("it came as %+v, not %+v", got, want)
	}
	want := message.Receipt{Gateway: "main", Ref: "6703", Also: []string{"1a2f", "26371"}, Numbers: []string{"12025550101"}, State: message.Delivered}
	if r := l.reported(t); !reflect.DeepEqual(r, want) { // decimal where the answer was hexadecimal
		t.Errorf("reported %+v, not %+v", r, want)
	}
	if _, err := l.hand(t, "102", code); err != nil {
		t.Fatal(err)
	}
	if r := l.reported(t); r.Ref != "1a30" || r.State != message.Gone || r.Reason != "UNDELIV:3/1" {
		t.Errorf("in optional fields: %+v", r)
	}
	for _, e := range c.wait("reported", 2) {
		if e.Status != 0 {
			t.Errorf("a receipt was answered %#x", e.Status)
		}
	}
	l.stop()
	c.wait("unbind", 1)
	if _, err := l.hand(t, "100", code); err == nil || errors.Is(err, sms.ErrUnknown) {
		t.Errorf("after the end: %v", err)
	}
}

func TestTextsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr)
	for i, row := range []struct {
		words  string
		coding int
		parts  int
	}{
		{"^{}\\[~]|€ @£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", 0, 1},
		{"Grüße: żółw, код, 🙂", 8, 1},
		{strings.Repeat("Twelve words. ", 30), 0, 3},
		{strings.Repeat("[€]", 60), 0, 3},
		{strings.Repeat("код🙂", 40), 8, 3},
	} {
		before := len(c.saw("submit"))
		if _, err := l.hand(t, "100", row.words); err != nil {
			t.Fatal(err)
		}
		parts, all := c.wait("submit", before+row.parts)[before:], ""
		if len(parts) != row.parts {
			t.Errorf("%d: %d parts", i, len(parts))
		}
		for j, p := range parts {
			all += p.Text
			header, class, receipt := "", 0, 0
			if row.parts > 1 {
				header, class = fmt.Sprintf("0003%02x%02x%02x", i+1, row.parts, j+1), 0x40
			}
			if j == row.parts-1 {
				receipt = 1
			}
			if p.Coding != row.coding || p.Header != header || p.Class != class || p.Receipt != receipt {
				t.Errorf("%d, part %d: %+v, not with header %q", i, j+1, p, header)
			}
		}
		if all != row.words {
			t.Errorf("%q came as %q", row.words, all)
		}
	}
}

func TestAnAnswerSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr)
	for _, row := range []struct {
		end, want        string
		refused, unknown bool
	}{
		{"104", "answered 0x0B, ESME_RINVDSTADR: the gateway refused the number", true, false},
		{"107", "answered 0x08, ESME_RSYSERR", false, false},
		{"105", "the connection ended without an answer: nobody knows whether the gateway took it", false, true},
	} {
		if _, err := l.hand(t, row.end, code); err == nil || err.Error() != row.want || errors.Is(err, sms.ErrRefused) != row.refused || errors.Is(err, sms.ErrUnknown) != row.unknown {
			t.Errorf("%s: %v, not %s", row.end, err, row.want)
		}
	}
	if n := len(c.wait("submit", 3)); n != 3 {
		t.Errorf("three messages were handed over %d times", n)
	}
}

// After a break it connects again by itself; what was under way stays open.
func TestALineThatBreaksComesBack(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr)
	if _, err := l.hand(t, "105", code); !errors.Is(err, sms.ErrUnknown) {
		t.Fatalf("%v", err)
	}
	began := time.Now()
	if _, err := l.hand(t, "100", code); err == nil || errors.Is(err, sms.ErrUnknown) || time.Since(began) > time.Second {
		t.Errorf("meanwhile: %v after %s", err, time.Since(began))
	}
	c.wait("bind", 2)
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it came back after %s", took)
	}
	eventually(t, func() error { _, err := l.hand(t, "100", code); return err })
	if n := len(c.wait("submit", 2)); n != 2 {
		t.Errorf("two messages were handed over %d times", n)
	}
	if log := l.log.String(); strings.Count(log, "gateway not bound") != 1 || strings.Count(log, "gateway bound") != 2 {
		t.Errorf("the log: %s", log)
	}
}

// eventually tries until there is no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	for by := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(by) {
			t.Fatal(err)
		}
	}
}

func TestThrottlingIsObeyed(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr)
	for i, pause := range []time.Duration{time.Second, 2 * time.Second} {
		_, err := l.hand(t, "103", code)
		busy, ok := errors.AsType[sms.Busy](err)
		if !ok || busy.After > pause || busy.After < pause-200*time.Millisecond {
			t.Fatalf("try %d: %v", i, err)
		}
		if _, err := l.hand(t, "100", code); !errors.As(err, new(sms.Busy)) {
			t.Errorf("another meanwhile: %v", err)
		}
		if n := len(c.wait("submit", i+1)); n != i+1 {
			t.Errorf("%d were handed over", n)
		}
		time.Sleep(busy.After + 10*time.Millisecond)
	}
	if _, err := l.hand(t, "103", code); err != nil {
		t.Errorf("the third: %v", err)
	}
	_, err := l.hand(t, "110", code) // its queue is full: the pauses began anew
	if busy, ok := errors.AsType[sms.Busy](err); !ok || busy.After > time.Second {
		t.Errorf("a full queue: %v", err)
	}
}

func TestAReceiptThatComesBeforeTheAnswerAndOneThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	var mu sync.Mutex
	tries := 0
	l := lineTo(t, c.addr, func(g *sms.SMPP) {
		g.Receipts = func(context.Context, message.Receipt) error {
			mu.Lock()
			defer mu.Unlock()
			if tries++; tries == 1 {
				return errors.New("database unavailable")
			}
			return sms.ErrNoSuch // of nobody: acknowledged all the same
		}
	})
	if ref, err := l.hand(t, "108", code); ref == "" || err != nil {
		t.Errorf("%q, %v", ref, err)
	}
	if seen := c.wait("reported", 2); seen[0].Status != 0x64 || seen[1].Status != 0 {
		t.Errorf("answered %+v", seen)
	}
}

// What a person answers is nobody's business here, and an unbind is answered.
func TestAnAnswerOfAPersonIsDropped(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr)
	if _, err := l.hand(t, "109", code); err != nil {
		t.Fatal(err)
	}
	if seen := c.wait("reported", 1); seen[0].Status != 0 {
		t.Errorf("answered %+v", seen)
	}
	c.wait("bind", 2)
	if len(l.receipts) > 0 || strings.Contains(l.log.String(), "STOP") {
		t.Error("it was taken for a receipt, or logged")
	}
}

func TestAWrongPasswordIsToldAndNothingIsSent(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr, func(g *sms.SMPP) { g.Account.Password = "wrong" })
	if _, err := l.hand(t, "100", code); err == nil || errors.Is(err, sms.ErrUnknown) || !strings.HasPrefix(err.Error(), "not bound") {
		t.Errorf("%v", err)
	}
	eventually(t, func() error {
		if !strings.Contains(l.log.String(), "bind: answered 0x0E, ESME_RINVPASWD") {
			return errors.New("the log says " + l.log.String())
		}
		return nil
	})
	if err := l.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "ESME_RINVPASWD; hint: check system_id and what stands in password_file") {
		t.Errorf("doctor: %v", err)
	}
	c.wait("bind", 3)
	if log := l.log.String(); strings.Count(log, "gateway not bound") != 1 {
		t.Errorf("it is said more than once: %s", log)
	}
	l.Account.Password = "hunter2"
	if err := l.Reach(t.Context()); err != nil {
		t.Errorf("with the right one: %v", err)
	}
	c.wait("unbind", 1)
}

// secureCentre speaks TLS, with a certificate of an authority.
func secureCentre(t *testing.T) (*centre, *authority) {
	t.Helper()
	a := newAuthority(t)
	cert := a.certificate("127.0.0.1", time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, block := range map[string]*pem.Block{"key": {Type: "PRIVATE KEY", Bytes: key}, "cert": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return npmCentre(t, filepath.Join(folder, "key"), filepath.Join(folder, "cert")), a
}

func TestSMPPOverTLS(t *testing.T) {
	t.Parallel()
	c, a := secureCentre(t)
	secure := func(addr, ca string) *tls.Config {
		s, err := sms.SecureSMPP(addr, ca)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l := lineTo(t, c.addr, func(g *sms.SMPP) { g.TLS = secure(c.addr, a.file) })
	if ref, err := l.hand(t, "101", code); ref == "" || err != nil {
		t.Errorf("%q, %v", ref, err)
	}
	if r := l.reported(t); r.State != message.Delivered {
		t.Errorf("%+v", r)
	}
	_, port, _ := net.SplitHostPort(c.addr)
	plain := npmCentre(t)
	for name, row := range map[string]struct {
		addr string
		tls  *tls.Config
		want string
	}{
		"a certificate of nobody": {c.addr, secure(c.addr, ""), "hint: install ca-certificates, or name the provider's own in ca_file"},
		"that of another host":    {"localhost:" + port, secure("localhost:"+port, a.file), "hint: check the host in address: its certificate is another's"},
		"no TLS there":            {plain.addr, secure(plain.addr, a.file), "hint: check the port in address: is it the one for TLS?"},
		"nobody there":            {"127.0.0.1:1", nil, "hint: check the host and port in address, and that the firewall lets this machine out"},
		"TLS, and we speak none":  {c.addr, nil, "hint: it takes connections, but does not answer as an SMSC: check the port in address, and tls"},
	} {
		g := &sms.SMPP{Label: "main", Address: row.addr, TLS: row.tls, Now: clock, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := g.Reach(ctx); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

func TestASecondSMSCSaysTheSame(t *testing.T) {
	t.Parallel()
	c := perlCentre(t)
	l := lineTo(t, c.addr, func(g *sms.SMPP) { g.Sender = "80808" })
	if ref, err := l.hand(t, "101", code+"€"); ref != "1000" || err != nil {
		t.Errorf("%q, %v", ref, err)
	}
	if got := c.wait("bind", 1)[0]; got != (event{Event: "bind", System: "acme", Type: "sms", Version: 0x34, Good: true}) {
		t.Errorf("bound with %+v", got)
	}
	octets := hex.EncodeToString(append([]byte(strings.ReplaceAll(code, "@", "\x00")), 0x1b, 0x65))
	if got, want := c.wait("submit", 1)[0], (event{Event: "submit", To: "12025550101", ToKind: 1, ToPlan: 1, From: "80808", FromKind: 3, Octets: octets, Receipt: 1, Life: "000000000500000R"}); got != want {
		t.Errorf("it came as %+v, not %+v", got, want)
	}
	if r := l.reported(t); r.Ref != "4096" || r.Also[0] != "1000" || r.State != message.Blocked || r.Reason != "REJECTD:99" {
		t.Errorf("reported %+v", r)
	}
	if ref, err := l.hand(t, "102", "код"); ref != "1001" || err != nil {
		t.Errorf("%q, %v", ref, err)
	}
	if got := c.wait("submit", 2)[1]; got.Octets != "043a043e0434" || got.Coding != 8 {
		t.Errorf("it came as %+v", got)
	}
	if r := l.reported(t); r.Ref != "1001" || r.State != message.Away || r.Reason != "EXPIRED" {
		t.Errorf("reported %+v", r)
	}
	l.stop()
	c.wait("unbind", 1)
	l = lineTo(t, c.addr, func(g *sms.SMPP) { g.Account.Password = "wrong" })
	if err := l.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "ESME_RINVPASWD") {
		t.Errorf("a wrong password: %v", err)
	}
}

// forwarder stands between a gateway and its SMSC, and cuts or holds the link.
type forwarder struct {
	addr string

	mu    sync.Mutex
	held  bool
	freed *sync.Cond
	conns []net.Conn
}

func forward(t *testing.T, to string) *forwarder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forwarder{addr: l.Addr().String()}
	f.freed = sync.NewCond(&f.mu)
	t.Cleanup(func() { _ = l.Close(); f.hold(false); f.cut() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			f.mu.Lock()
			f.conns = append(f.conns, near, far)
			f.mu.Unlock()
			go f.pass(near, far)
			go f.pass(far, near)
		}
	}()
	return f
}

func (f *forwarder) pass(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		f.mu.Lock()
		for f.held {
			f.freed.Wait()
		}
		f.mu.Unlock()
		if _, lost := to.Write(buffer[:n]); err != nil || lost != nil {
			return
		}
	}
}

func (f *forwarder) hold(held bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = held
	f.freed.Broadcast()
}

func (f *forwarder) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

func TestALinkThatIsCutOrHeld(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	f := forward(t, c.addr)
	l := lineTo(t, f.addr)
	if _, err := l.hand(t, "100", code); err != nil {
		t.Fatal(err)
	}
	// Held: nobody answers within the time there is, and nobody knows. When the
	// answer comes after all, it is told.
	f.hold(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := l.Send(ctx, text("100", code)); !errors.Is(err, sms.ErrUnknown) {
		t.Errorf("held: %v", err)
	}
	f.hold(false)
	if r := l.reported(t); !reflect.DeepEqual(r, message.Receipt{Gateway: "main", ID: "ID-100", Ref: "1a30", State: message.Sent}) {
		t.Errorf("then: %+v", r)
	}
	// Cut with the window full: each of them stays open, and none goes again.
	f.hold(true)
	came := make(chan error, 10)
	for range 10 {
		go func() { _, err := l.Send(t.Context(), text("100", code)); came <- err }()
	}
	time.Sleep(200 * time.Millisecond)
	if _, err := l.hand(t, "100", code); !errors.As(err, new(sms.Busy)) {
		t.Errorf("the eleventh: %v", err)
	}
	f.cut()
	f.hold(false)
	for range 10 {
		if err := <-came; !errors.Is(err, sms.ErrUnknown) {
			t.Errorf("cut: %v", err)
		}
	}
	eventually(t, func() error { _, err := l.hand(t, "100", code); return err })
	time.Sleep(100 * time.Millisecond)
	if n := len(c.saw("submit")); n < 3 || n > 13 || len(c.saw("bind")) != 2 {
		t.Errorf("%d were handed over in %d sessions", n, len(c.saw("bind")))
	}
}

// Who only asks whether the gateway is there leaves its receipts to the portal.
func TestWithoutAPortalNothingIsKept(t *testing.T) {
	t.Parallel()
	c := npmCentre(t)
	l := lineTo(t, c.addr, func(g *sms.SMPP) { g.Receipts = nil })
	if _, err := l.hand(t, "101", code); err != nil {
		t.Fatal(err)
	}
	if seen := c.wait("reported", 1); seen[0].Status != 0x64 {
		t.Errorf("the receipt was answered %#x", seen[0].Status)
	}
}

// A gateway that nobody runs, or that is not there, does not hold up the sender.
func TestWithoutALineNothingWaitsLong(t *testing.T) {
	t.Parallel()
	l := lineTo(t, "127.0.0.1:1")
	began := time.Now()
	if _, err := l.hand(t, "100", code); err == nil || errors.Is(err, sms.ErrUnknown) || time.Since(began) > time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began = time.Now()
	if _, err := (&sms.SMPP{}).Send(ctx, text("100", code)); err == nil || errors.Is(err, sms.ErrUnknown) || time.Since(began) > time.Second {
		t.Errorf("never run: %v after %s", err, time.Since(began))
	}
}
