package stories_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// routesOf are the addresses of the table of routes as it stands in the source.
func routesOf(t *testing.T, method string) (paths []string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "front", "portal", "portal.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"`+method+` (/[^"]*)":`).FindAllStringSubmatch(string(source), -1) {
		paths = append(paths, strings.NewReplacer("{$}", "", "{token}", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "{id}", "aaaaaaaa").Replace(m[1]))
	}
	if len(paths) < 30 {
		t.Fatalf("%d routes", len(paths))
	}
	return paths
}

// TestUnreadableFieldsOnAllRoutes posts to every route what no database would take.
func TestUnreadableFieldsOnAllRoutes(t *testing.T) {
	t.Parallel()
	p := open(t)
	in := p.enrol("ada")
	under := p.lost("ada")
	stranger := p.browser()
	in.get("/account/security")
	under.get("/2fa")
	stranger.get("/sign-in")
	before := p.digest()
	for _, path := range routesOf(t, "POST") {
		for who, b := range map[string]*browser{"signed in": in, "under way": under, "stranger": stranger} {
			token := "token=" + url.QueryEscape(b.page.token())
			for name, field := range map[string]string{"NUL": "x=a%00b", "NUL in a name": "x%00=a", "invalid UTF-8": "x=%ff%fe", "half a character": "x=%c3", "invalid name": "%ff=x",
				"doubled": "x=1&x=2", "doubled token": token} {
				got := b.twin().raw("POST", path, token+"&"+field)
				got.is(want{status: 422, page: "error", texts: []string{"Something in what you sent cannot be read. Type it again."}})
				guarded(t, path+", "+name+", "+who, got)
				got.opensNothing()
			}
		}
	}
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	in.get("/account/security").is(want{page: "security"})
}

// TestForeignHostOnAllRoutes: a name of somebody else's that leads here reads
// nothing and does nothing, not even with our cookies.
func TestForeignHostOnAllRoutes(t *testing.T) {
	t.Parallel()
	p := open(t)
	in := p.enrol("ada")
	in.get("/account/security")
	token := "token=" + url.QueryEscape(in.page.token())
	before := p.digest()
	foreign := func(method, path, body string) {
		t.Helper()
		got := in.twin().raw(method, path, body, "Host", "evil.example")
		if got.status != http.StatusMisdirectedRequest || strings.TrimSpace(got.body) != "421 Misdirected Request" && method != "HEAD" || len(got.header.Values("Set-Cookie")) > 0 || got.to() != "" {
			t.Errorf("%s %s: %d to %q, cookies %v\n%.200q", method, path, got.status, got.to(), got.header.Values("Set-Cookie"), got.body)
		}
		guarded(t, method+" "+path, got)
	}
	for _, path := range append(routesOf(t, "GET"), "/assets/", "/brand/logo.svg", "/nowhere", "//evil.example", "/account/../sign-in") {
		foreign("GET", path, "")
		foreign("HEAD", path, "")
	}
	for _, path := range routesOf(t, "POST") {
		foreign("POST", path, token+"&saved=yes&still=no")
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := in.twin().raw("GET", path, "", "Host", "10.0.0.1:8080"); got.status != http.StatusOK {
			t.Errorf("%s by another name: %d", path, got.status)
		}
		if got := in.twin().raw("POST", path, token, "Host", "evil.example"); got.status != http.StatusMisdirectedRequest {
			t.Errorf("a post to %s by another name: %d", path, got.status)
		}
	}
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
}

// TestCookiesOfAnotherInstallation brings every cookie of one portal to another,
// where a person of the same name has the same password.
func TestCookiesOfAnotherInstallation(t *testing.T) {
	t.Parallel()
	theirs, ours := open(t), open(t)
	in := theirs.enrol("ada")
	under := theirs.browser()
	theirs.add("grace")
	under.enter("grace", password)
	under.toScan(number2, e164two)
	ours.enrol("ada")
	ours.add("grace")
	bring := func(from *browser, names ...string) *browser {
		b := ours.browser()
		for _, name := range names {
			if from.cookies[name] == "" {
				t.Fatalf("no cookie %s in %v", name, from.cookies)
			}
			b.cookies[name] = from.cookies[name]
		}
		return b
	}
	b := bring(in, "session")
	b.ask("/account/security").leads("/sign-in?rd=%2Faccount%2Fsecurity")
	b.get("/sign-in").is(want{page: "sign-in"})
	b = bring(under, "attempt", "setup")
	b.ask("/2fa/setup/scan").leads("/sign-in")
	b.get("/sign-in").is(want{page: "sign-in"})
	b.form("/2fa/setup/scan").leads("/sign-in") // with a token of ours
	// A set-up begun there is not gone on with here.
	b = bring(under, "setup")
	b.enter("grace", password).is(want{page: "two-factor-prompt", h1: "Set up two-factor authentication (2FA)"})
	b.ask("/2fa/setup/scan").leads("/2fa/start?notice=step.first")
	// Nor is a browser known here that is known there: it tries in the lane of all others.
	b = bring(in, "known")
	b.get("/sign-in")
	b.do("Sign in", "username", "ada", "password", "wrong").is(want{problem: wrongDetails})
	for budget, rows := range map[string]string{"password-known": "0", "password-pair": "1"} {
		if got := ours.query("SELECT COUNT(*) FROM limits WHERE key LIKE '" + budget + "/%'"); got != rows {
			t.Errorf("%s rows of %s, not %s", got, budget, rows)
		}
	}
	// A form of theirs with a cookie of theirs.
	c, d := theirs.browser(), ours.browser()
	token := c.get("/sign-in").token()
	d.cookies["csrf"] = c.cookies["csrf"]
	if got := d.form("/sign-in", "token", token, "username", "grace", "password", password); got.status != http.StatusForbidden {
		t.Errorf("form and cookie of another installation: %d to %q", got.status, got.to())
	}
}

const hostile = "\u202e\u2066\u05d0\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}"

// TestHostileFields puts markup, marks of direction, addresses and too much of
// everything into each field of each form, one at a time.
func TestHostileFields(t *testing.T) {
	t.Parallel()
	p := open(t)
	sweep := func(b *browser, name string) {
		t.Helper()
		if b.page.name() != name {
			t.Fatalf("%s is not %s: %s", b.page.url, name, b.page.brief())
		}
		swept, at := 0, b.page
		for _, mark := range buttonMark.FindAllStringSubmatch(at.main(), -1) {
			f, ok := at.button(plain(mark[1]))
			if !ok || strings.HasPrefix(f.action, "/sign-out") {
				continue
			}
			for i := 0; i < len(f.fields); i += 2 {
				if f.fields[i] == "token" || f.fields[i] == "" {
					continue
				}
				for _, value := range []string{hostile, "<script>alert(1)</script>", "//evil.example/" + hostile, strings.Repeat("\u0430\u202e", 4000)} {
					swept++
					c := b.twin()
					got := c.form(f.action, append(f.fields, f.fields[i], value)...)
					if got.status >= 500 || strings.Contains(got.body, "goroutine") {
						t.Errorf("%s, field %s: %d %s", name, f.fields[i], got.status, got.brief())
					}
					harmless(t, name+", field "+f.fields[i], got)
					if c.cookies["session"] != b.cookies["session"] && name != "password" { // where what was typed may be a good password
						t.Errorf("%s, field %s: a session", name, f.fields[i])
					}
					if got.status == http.StatusSeeOther {
						harmless(t, name+", after field "+f.fields[i], c.follow(got))
					}
				}
			}
		}
		if swept == 0 {
			t.Errorf("no field on %s", name)
		}
	}

	b := p.browser()
	b.get("/sign-in")
	sweep(b, "sign-in")
	guest := p.browser()
	guest.get(p.invitation("person", "add", "eve"))
	sweep(guest, "invitation")

	p.add("ada")
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue")
	sweep(b, "setup-phone")
	b.do("Send SMS", "phone", number)
	sweep(b, "setup-phone-code")
	b.do("Verify", "code", p.code(e164))
	b.app = b.scan()
	b.do("Continue")
	sweep(b, "setup-app-code")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.codes = b.saved()
	b.do("Finish", "saved", "yes").is(want{page: "security"})

	c := p.lost("ada")
	sweep(c, "app-code")
	c.get("/2fa/recovery-code")
	sweep(c, "recovery-code")
	c.get("/2fa/other")
	c.do("Send SMS").is(want{page: "text-code"})
	sweep(c, "text-code")

	b.get("/account/security")
	b.stale()
	b.get("/account/security")
	at, _ := b.page.link("Rename Phone app")
	b.get(at)
	sweep(b, "confirm")
	b.confirm("rename an app").is(want{page: "security"})
	sweep(b, "security")
	b.get("/account/phone")
	sweep(b, "setup-phone")
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	sweep(b, "setup-phone-code")
	b.get("/account/app")
	b.do("Continue")
	sweep(b, "setup-app-code")
	b.get("/account/activity")
	harmless(t, "activity", b.page)
	b.get("/account/password")
	sweep(b, "password")

	p.add("grace")
	d := p.browser()
	d.wizard("grace", "(202) 555-0188", "+12025550188")
	p.setupCode("person", "reset-2fa", "grace", "--checked", "other", "--note", hostile)
	d = p.lost("grace")
	sweep(d, "setup-code")
	p.add("linus")
	e, f := p.browser(), p.browser()
	e.wizard("linus", "(202) 555-0177", "+12025550177")
	p.cli("person", "set", "linus", "--ask-for-new-password")
	f.signIn("linus", e.app)
	sweep(f, "password")

	// Signing out leads nowhere else.
	for _, then := range []string{"//evil.example", "/invitation/../../evil", "/invitation//evil.example", "https://evil.example", hostile} {
		out := p.browser()
		out.get("/sign-in")
		if got := out.form("/sign-out", "then", then); got.status != http.StatusSeeOther || got.to() != "/signed-out" && !strings.HasPrefix(got.to(), "/invitation/") {
			t.Errorf("signed out to %q: %d %q", then, got.status, got.to())
		}
	}
}

// harmless says that nothing hostile came through as it was sent.
func harmless(t *testing.T, name string, p *page) {
	t.Helper()
	for _, mark := range []string{"<script>alert", "<img src=x", "onerror=alert(1)>"} {
		if strings.Contains(p.main(), mark) {
			t.Errorf("%s: %q came through on %s", name, mark, p.url)
		}
	}
	if to := p.to(); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n")) {
		t.Errorf("%s: leads to %q", name, to)
	}
	guarded(t, name, p)
}

// TestBoundsOfRequests: what is just within a bound is taken, what is just over it
// refused, at once and before anything is done with it.
func TestBoundsOfRequests(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	host := strings.TrimPrefix(p.url, "http://")
	b := p.browser()
	token := b.get("/sign-in").token()
	form := "token=" + url.QueryEscape(token) + "&username=ada&password="
	const body = 64 << 10
	head := func(length string) string {
		return "POST /sign-in HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nCookie: csrf=" + b.cookies["csrf"] + "\r\nContent-Type: application/x-www-form-urlencoded\r\n" + length + "\r\n\r\n"
	}
	sized := func(n int) string {
		return head(fmt.Sprintf("Content-Length: %d", n)) + form + strings.Repeat("x", n-len(form))
	}
	chunked := func(n int) (text string) {
		text = head("Transfer-Encoding: chunked")
		for whole := form + strings.Repeat("x", n-len(form)); whole != ""; {
			part := whole[:min(len(whole), 4000)]
			text, whole = text+fmt.Sprintf("%x\r\n%s\r\n", len(part), part), whole[len(part):]
		}
		return text + "0\r\n\r\n"
	}
	header := func(n int) string {
		text := "GET /sign-in HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nX-Long: "
		return text + strings.Repeat("x", n-len(text)-4) + "\r\n\r\n"
	}
	many := "GET /sign-in HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" + strings.Repeat("X-Many: x\r\n", 3000) + "\r\n"
	before := p.digest()
	for _, row := range []struct{ name, status, text string }{
		{"a body over 64 KiB", "413", sized(body + 1)},
		{"a body over 64 KiB in chunks", "413", chunked(body + 1)},
		{"a password of 1 MB", "413", sized(1 << 20)},
		{"a password of 1 MB in chunks", "413", chunked(1 << 20)},
		{"a password of 1 MB that never comes", "413", head("Content-Length: 1048576") + form + strings.Repeat("x", body)},
		{"a header of nearly 16 KiB", "200", header(16<<10 - 200)},
		{"a header over 16 KiB", "431", header(16<<10 + 200)},
		{"many headers", "431", many},
		{"a length that is none", "400", head("Content-Length: -1")},
		{"another encoding", "501", head("Transfer-Encoding: gzip") + "x"},
	} {
		answer, after := speak(t, p, row.text)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+row.status+" ") {
			t.Errorf("%s: %.80q, not %s", row.name, answer, row.status)
		}
		if after > 10*time.Second { // half of what a body may take
			t.Errorf("%s: after %v", row.name, after)
		}
	}
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	// What fits is a wrong password like any other, and never cut to a right one.
	if answer, _ := speak(t, p, sized(body)); !strings.HasPrefix(answer, "HTTP/1.1 422 ") {
		t.Errorf("a body of 64 KiB: %.80q", answer)
	}
	if answer, _ := speak(t, p, chunked(body)); !strings.HasPrefix(answer, "HTTP/1.1 422 ") {
		t.Errorf("a body of 64 KiB in chunks: %.80q", answer)
	}
	long := p.browser()
	long.get(p.invitation("person", "add", "grace"))
	most := strings.Repeat("walnut orbit ", 79)[:1024]
	long.do("Save password", "password", most+"x").is(want{page: "invitation", problem: "#password That password is too long. Shorten it to 250 characters."})
	long.do("Save password", "password", most).is(want{page: "two-factor-prompt"})
	other := p.browser()
	for _, word := range []string{most + "x", most[:1023], most + strings.Repeat("x", 60_000)} {
		other.enter("grace", word).is(want{page: "sign-in", problem: wrongDetails})
	}
	other.enter("grace", most).is(want{page: "two-factor-prompt"})
	if a := p.run(p.dir, nil, most+"x\n", "person", "add", "eve", "--password-stdin"); a.code != 1 || !strings.Contains(a.err, "too long") {
		t.Errorf("too long on the command line: %d %s", a.code, a.err)
	}
}

// TestIdleConnections: a connection that says nothing more is closed after a minute.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for a minute")
	}
	p := open(t)
	for _, row := range []struct {
		name, text string
		from, to   time.Duration
	}{
		{"after an answer", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 55 * time.Second, 75 * time.Second},
		{"before a request", "", 4 * time.Second, 75 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			begun := time.Now()
			c.SetDeadline(begun.Add(90 * time.Second))
			if _, err := io.WriteString(c, row.text); err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(c)
			if after := time.Since(begun); err != nil || after < row.from || after > row.to {
				t.Errorf("closed after %v: %v", after, err)
			}
			if row.text != "" && !strings.HasPrefix(string(raw), "HTTP/1.1 200 ") {
				t.Errorf("answer %.80q", raw)
			}
		})
	}
}

// wire is a way to a server that can be held up: nothing is refused and nothing
// arrives.
type wire struct {
	net.Listener
	to   string
	held atomic.Bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to}
	t.Cleanup(func() { w.held.Store(false); l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(c)
		}
	}()
	return w
}

func (w *wire) join(near net.Conn) {
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		near.Close()
		return
	}
	pass := func(from, to net.Conn) {
		defer to.Close()
		for part := make([]byte, 64<<10); ; {
			n, err := from.Read(part)
			for w.held.Load() {
				time.Sleep(20 * time.Millisecond)
			}
			if err != nil {
				return
			}
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
	}
	go pass(near, far)
	go pass(far, near)
}

// TestTheDatabaseMayHang: every request is answered within 30 seconds, opens
// nothing and loses no try.
func TestTheDatabaseMayHang(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for thirty seconds")
	}
	address, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, address.Host)
	address.Host = w.Addr().String()
	p := open(t, settings{database: address.String()})
	owner := p.enrol("ada")
	p.move(31 * time.Second)
	coming, again, stranger := p.browser(), p.browser(), p.browser()
	coming.enter("ada", password).is(want{page: "app-code"})
	again.enter("ada", password).is(want{page: "app-code"})
	stranger.get("/sign-in")
	code, made := owner.app.code(), time.Now()
	p.becomes("/readyz", http.StatusOK)
	time.Sleep(1100 * time.Millisecond) // the answer is kept for a second
	before := p.digest()

	w.held.Store(true)
	var wg sync.WaitGroup
	within := func(name string, bound time.Duration, ask func() *page, check func(*page)) {
		wg.Go(func() {
			begun := time.Now()
			got := ask()
			if took := time.Since(begun); took > bound {
				t.Errorf("%s took %v", name, took)
			}
			check(got)
		})
	}
	outage := func(got *page) { got.outage() }
	status := func(status int) func(*page) { return func(got *page) { got.is(want{status: status}) } }
	within("/healthz", 10*time.Second, func() *page { return p.browser().ask("/healthz") }, status(200))
	within("/readyz", 10*time.Second, func() *page { return p.browser().ask("/readyz") }, status(503))
	within("a form of nobody's", 10*time.Second, func() *page { return p.browser().ask("/sign-in") }, status(200))
	within("a right code", 30*time.Second, func() *page { return coming.press("Verify", "code", code) }, outage)
	within("a wrong code", 30*time.Second, func() *page { return again.press("Verify", "code", owner.app.wrong()) }, outage)
	within("a page of the account", 30*time.Second, func() *page { return owner.twin().ask("/account/security") }, outage)
	within("a password", 30*time.Second, func() *page { return stranger.press("Sign in", "username", "ada", "password", password) }, func(got *page) {
		got.is(want{status: 503, page: "sign-in", notice: signInOutage, retry: "5"}).opensNothing()
	})
	wg.Wait()

	w.held.Store(false)
	p.becomes("/readyz", http.StatusOK)
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	coming.get("/2fa")
	p.rewind(made)
	coming.do("Verify", "code", code).is(want{page: "security"})
	stranger.get("/sign-in")
	stranger.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
}

// TestGatewayFaults has gateways that hang, refuse, take nothing and are not there.
func TestGatewayFaults(t *testing.T) {
	t.Parallel()
	p := open(t)
	outbox := filepath.Join(p.dir, "outbox.jsonl")
	const unknown = "We do not know whether the text message went out. If it does not arrive, choose ‘Send SMS again’. It is the same code."
	for i, row := range []struct {
		name          string
		lay           func() error
		state, notice string
		release       func()
	}{
		{name: "refuses", state: "failed", notice: textOutage, lay: func() error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: outbox, Net: "unix"})
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}},
		{name: "takes nothing", state: "failed", notice: textOutage, lay: func() error { return os.Symlink("/dev/full", outbox) }},
		{name: "is not there", state: "failed", notice: textOutage, lay: func() error { return os.Symlink(filepath.Join("nowhere", "outbox"), outbox) }},
		{name: "leads round in a circle", state: "failed", notice: textOutage, lay: func() error { return os.Symlink("outbox.jsonl", outbox) }},
		{name: "hangs", state: "unknown", notice: unknown, lay: func() error { return syscall.Mkfifo(outbox, 0o600) }, release: func() {
			f, err := os.OpenFile(outbox, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Error(err)
			}
			time.Sleep(300 * time.Millisecond)
			f.Close()
		}},
	} {
		name, typed, to := fmt.Sprintf("p%d", i), fmt.Sprintf("(202) 555-016%d", i), fmt.Sprintf("+1202555016%d", i)
		if err := row.lay(); err != nil {
			t.Fatal(err)
		}
		p.add(name)
		b := p.browser()
		b.enter(name, password)
		b.click("Configure 2FA")
		b.do("Continue")
		begun := time.Now()
		b.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("%s: the page waited %v for it", row.name, took)
		}
		b.shows("/2fa/setup/phone/code", row.notice)
		if state := p.newest("state"); state != row.state {
			t.Errorf("%s: the row is %s: %s", row.name, state, p.newest("reason"))
		}
		p.becomes("/readyz", http.StatusOK)
		if row.release != nil {
			row.release()
		}
		if err := os.Remove(outbox); err != nil {
			t.Fatal(err)
		}
		p.quiet(to)
		p.move(31 * time.Second)
		b.do("Send SMS again").is(want{page: "setup-phone-code", notice: "We sent the code again. It is the same code."})
		b.do("Verify", "code", p.code(to)).is(want{page: "setup-scan"})
		os.Remove(outbox)
		p.read = map[string]int{}
	}
	if strings.Contains(p.log.String(), "2025550") || strings.Contains(p.log.String(), "is your Example code") {
		t.Error("the log holds a number or a text")
	}
}

// TestNumberFormTwice: of posts of one form at once, one sends a text message.
func TestNumberFormTwice(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue").is(want{page: "setup-phone"})
	var wg sync.WaitGroup
	for range 8 {
		c := b.twin()
		wg.Go(func() { c.press("Send SMS", "phone", number).leads("/2fa/setup/phone/code") })
	}
	wg.Wait()
	code := p.code(e164)
	p.quiet(e164)
	b.get("/2fa/setup/phone/code")
	for range 8 {
		c := b.twin()
		wg.Go(func() { c.press("Verify", "code", code).leads("/2fa/setup/scan") })
	}
	wg.Wait()
	b.get("/2fa/setup/scan").is(want{page: "setup-scan"})
}

// TestNamesThatAreNotWhatTheySeem: names of other scripts and directions are names
// of their own, and turn nothing that stands beside them.
func TestNamesThatAreNotWhatTheySeem(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	for _, name := range []string{"\u202eada", "a\u200dda", "ada\u200e", "\ufeffada", "\u0430d\u03b1", "ada\xff", "ada ada", "ada\nada", "\u05d0da"} {
		if a := p.run(p.dir, nil, "", "person", "add", name); a.code != 1 || !strings.Contains(a.err, "hint: ") {
			t.Errorf("add %q: %d\n%s%s", name, a.code, a.out, a.err)
		}
	}
	for _, field := range []string{"--display", "--group"} {
		for _, value := range []string{"Ada \u202eecalevoL", "Ada\u2066", "Ada\r\nX", "Ada\x1b[31m", "A\u0085da", "Ada\xff"} {
			if a := p.run(p.dir, nil, "", "person", "set", "ada", field, value); a.code != 1 || !strings.Contains(a.err, "hint: ") {
				t.Errorf("%s %q: %d\n%s%s", field, value, a.code, a.out, a.err)
			}
		}
	}
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
	// Markup may stand in a name; it is text like any other.
	p.add("<b>eve</b>")
	m := p.browser()
	m.wizard("<b>eve</b>", number2, e164two)
	harmless(t, "a name of markup", m.get("/sign-in").is(want{page: "signed-in", texts: []string{"as <b>eve</b> (<b>eve</b>)"}}))
	if strings.Contains(m.page.body, "<b>eve") {
		t.Error("markup in a name came through")
	}
	// The first letter is Cyrillic: somebody else, with a password of their own.
	if a := p.run(p.dir, nil, password2+"\n", "person", "add", "\u0430d\u0430", "--password-stdin"); a.code != 0 {
		t.Fatalf("a Cyrillic name: %s", a.err)
	}
	p.browser().enter("\u0430d\u0430", password).is(want{problem: wrongDetails})
	p.browser().enter("ada", password2).is(want{problem: wrongDetails})
	p.browser().enter("\u0430d\u0430", password2).is(want{page: "two-factor-prompt"})
	// Right to left, as its owner writes it.
	const hebrew, shown = "\u05e2\u05d3\u05d4", "\u05e2\u05d3\u05d4 \u05dc\u05d1"
	b := p.enrol(hebrew, "--display", shown)
	if !strings.Contains(b.page.body, `dir="auto">`+shown+"</span>") {
		t.Error("the name at the top stands in no direction of its own")
	}
	b.get("/sign-in").is(want{page: "signed-in", texts: []string{"as " + shown + " (" + hebrew + ")"}})
	c := p.lost(hebrew)
	c.is(want{page: "app-code", texts: []string{"find Example (" + hebrew + ")."}})
	for _, mark := range []string{"<bdi>" + shown + "</bdi> (<bdi>" + hebrew + "</bdi>)", "(<bdi>" + hebrew + "</bdi>)."} {
		if !strings.Contains(b.page.body+c.page.body, mark) {
			t.Errorf("no %s", mark)
		}
	}
}
