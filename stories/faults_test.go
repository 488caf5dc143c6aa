package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledAtEveryStep kills the portal between any two steps of the wizard; the
// person goes on where they were.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.get("/sign-in")
	p.crash()
	b.do("Sign in", "username", "ada", "password", password).is(want{page: "two-factor-prompt"})
	p.crash()
	b.click("Configure 2FA").is(want{page: "setup-app"})
	p.crash()
	b.do("Continue").is(want{page: "setup-phone"})
	p.crash()
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	p.crash()
	for end := time.Now().Add(2 * time.Second); len(p.lines(e164)) == 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond) // a row that still waited is sent now
	}
	if len(p.lines(e164)) == 0 { // it was inside the call: nobody knows, and the page says so
		p.move(11 * time.Second)
		time.Sleep(1200 * time.Millisecond)
		b.get("/2fa/setup/phone/code").is(want{notice: "We do not know whether the text message went out. If it does not arrive, choose ‘Send SMS again’. It is the same code."})
		p.move(20 * time.Second)
		b.do("Send SMS again").is(want{page: "setup-phone-code"})
	}
	code := p.code(e164)
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	b.app = b.scan()
	p.crash() // in the middle of hashing the recovery codes
	b.get("/2fa/setup/scan")
	if b.scan().secret.Text() != b.app.secret.Text() {
		t.Fatal("another secret after the crash")
	}
	b.do("Continue").is(want{page: "setup-app-code"})
	p.crash()
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	codes := b.saved()
	p.crash()
	b.get("/2fa/setup/finish")
	if again := b.saved(); len(again) != 10 || again[0] != codes[0] {
		t.Errorf("other codes after the crash: %v", again)
	}
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	p.crash()
	b.get("/account/security").is(want{page: "security"})
	c := p.browser()
	p.move(31 * time.Second)
	c.enter("ada", password).is(want{page: "app-code"})
	p.crash()
	spent := b.app.code()
	c.do("Verify", "code", spent).is(want{page: "security"})
	p.crash() // what was spent stays spent
	d := p.browser()
	d.enter("ada", password)
	d.do("Verify", "code", spent).is(want{page: "app-code", problem: "#code That code has been used already. Wait for the next one, then enter it."})
	for range 6 {
		d.do("Verify", "code", b.app.wrong())
	}
	p.crash() // what was counted stays counted
	d.do("Verify", "code", b.app.wrong())
	if got := strings.Join(d.page.problems(), ""); !strings.HasSuffix(got, "You have 2 tries left.") {
		t.Errorf("after the crash: %q", got)
	}
}

// TestGatewayCannotBeWritten puts a folder where the gateway's file should be.
func TestGatewayCannotBeWritten(t *testing.T) {
	t.Parallel()
	p := open(t)
	outbox := filepath.Join(p.dir, "outbox.jsonl")
	if err := os.Mkdir(outbox, 0o700); err != nil {
		t.Fatal(err)
	}
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	const words = "We could not send the text message. This is a problem at our end. Try again in a few minutes. Your number is kept."
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		b.get("/2fa/setup/phone/code")
		if strings.Contains(strings.Join(b.page.notices(), "|"), words) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no notice; %v", b.page.notices())
		}
	}
	b.is(want{page: "setup-phone-code", notice: words})
	if err := os.Remove(outbox); err != nil {
		t.Fatal(err)
	}
	p.quiet(e164) // nothing is sent by itself that was told as failed
	p.move(31 * time.Second)
	b.do("Send SMS again").is(want{page: "setup-phone-code", notice: "We sent the code again. It is the same code."})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
}

// TestLogsHoldNoSecrets: SIGTERM ends the portal within its time, and no line of the
// log holds a password, a code or a number.
func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	p := install(t, settings{})
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("sallyport.yaml", strings.Replace(string(text), "level: warn", "level: debug", 1))
	p.start()
	b := p.enrol("ada")
	b.leave()
	c := p.lost("ada")
	c.get("/2fa/other")
	c.do("Send SMS")
	code := p.code(e164)
	begun := time.Now()
	p.end(syscall.SIGTERM)
	if took := time.Since(begun); took > 6*time.Second {
		t.Errorf("SIGTERM took %v", took)
	}
	for _, secret := range []string{password, b.app.secret.Text(), b.codes[0], b.used, code, "2025550143", c.cookies["attempt"], c.cookies["csrf"]} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	for _, name := range []string{"sallyport.db", "sallyport.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(p.dir, "data", name))
		if err != nil {
			continue
		}
		for _, secret := range []string{password, b.app.secret.Text(), string(b.app.secret.Key), b.codes[0], code, "12025550143", c.cookies["attempt"], b.cookies["session"]} {
			if secret != "" && strings.Contains(string(raw), secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(p.dir, "data")); len(entries) == 0 && os.Getenv("STORIES_DATABASE") == "" {
		t.Error("no database to look into")
	}
}

func TestWrongKeysRefuseToStart(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	p.stop()
	key, err := os.ReadFile(filepath.Join(p.dir, "sallyport.key"))
	if err != nil {
		t.Fatal(err)
	}
	q := install(t)
	other, err := os.ReadFile(filepath.Join(q.dir, "sallyport.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, key string }{{"another key", string(other)}, {"nothing", ""}, {"nonsense", "nonsense\n"}} {
		p.write("sallyport.key", row.key)
		a := p.run(p.dir, nil, "", "serve")
		if a.code != 1 || !strings.Contains(a.err, "hint: ") || strings.Contains(a.out, "ready") {
			t.Errorf("%s: exit %d\n%s%s", row.name, a.code, a.out, a.err)
		}
	}
	os.Remove(filepath.Join(p.dir, "sallyport.key"))
	if a := p.run(p.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "hint: ") {
		t.Errorf("no key file: exit %d\n%s", a.code, a.err)
	}
	p.write("sallyport.key", string(key))
	p.start()
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
}

// TestKilledInACall stops the portal while its gateway hangs: what was inside the
// call is not sent again by itself, what waited behind it is.
func TestKilledInACall(t *testing.T) {
	t.Parallel()
	p := open(t)
	outbox := filepath.Join(p.dir, "outbox.jsonl")
	if err := syscall.Mkfifo(outbox, 0o600); err != nil { // opening it waits for a reader that never comes
		t.Fatal(err)
	}
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	time.Sleep(500 * time.Millisecond)
	p.add("grace")
	g := p.browser()
	g.enter("grace", password)
	g.click("Configure 2FA")
	g.do("Continue")
	g.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	p.end(syscall.SIGKILL)
	if err := os.Remove(outbox); err != nil {
		t.Fatal(err)
	}
	p.start()
	g.do("Verify", "code", p.code(e164two)).is(want{page: "setup-scan"}) // it had waited
	p.move(11 * time.Second)                                             // no call lasts longer
	time.Sleep(1200 * time.Millisecond)
	p.quiet(e164)
	b.get("/2fa/setup/phone/code").is(want{page: "setup-phone-code", notice: "We do not know whether the text message went out. If it does not arrive, choose ‘Send SMS again’. It is the same code."})
	p.move(20 * time.Second)
	b.do("Send SMS again").is(want{notice: "We sent the code again. It is the same code."})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
}

// TestBusy fills the hashing queue: who has waited three seconds is told so.
func TestBusy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("keeps every core busy for seconds")
	}
	p := open(t, settings{hashing: "\n  memory: 262144\n  time: 10\n  threads: 1\n  parallel: 2"})
	answers := make(chan *page, 12)
	for range 12 {
		b := p.browser()
		b.get("/sign-in")
		go func() { answers <- b.press("Sign in", "username", "nobody", "password", "wrong") }()
	}
	busy := 0
	for range 12 {
		if a := <-answers; a.status == 503 {
			busy++
			a.is(want{status: 503, page: "busy", h1: "Try again in a few seconds", retry: "5", kept: []string{"username", "nobody", "password", ""},
				texts: []string{"Many people are signing in at the moment. Try again in a few seconds. What you typed as username is kept."}})
		}
	}
	if busy == 0 {
		t.Error("nobody was told to try again")
	}
}

// TestBehindHTTPS: the cookies of a portal on https can be set by nobody else.
func TestBehindHTTPS(t *testing.T) {
	t.Parallel()
	p := open(t, settings{url: "https://login.example.org", more: "insecure: true\n"})
	text, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	listen := strings.TrimSpace(between(string(text), "listen: ", "\n"))
	b := p.browser()
	p.url = "http://" + listen
	got := b.raw("GET", "/sign-in", "", "Host", "login.example.org")
	cookie := got.header.Get("Set-Cookie")
	if got.status != 200 || !strings.HasPrefix(cookie, "__Host-csrf=") || !strings.HasSuffix(cookie, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("%d, cookie %q", got.status, cookie)
	}
	if !strings.HasPrefix(got.header.Get("Strict-Transport-Security"), "max-age=") {
		t.Error("no HSTS")
	}
	if got := b.raw("GET", "/sign-in", ""); got.status != 421 {
		t.Errorf("another host: %d", got.status)
	}
}
