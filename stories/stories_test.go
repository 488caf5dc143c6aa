// Package stories_test walks the portal as people, thieves and operators do: over
// HTTP, against the program that ships, with its database, its outbox and a clock
// that the tests move. Every word that it expects is the word of the UX
// specification.
package stories_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base32"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sallyport/back/storetest"
	"sallyport/core/factor"
)

// program is the binary under test, built once with the clock that tests move.
var program string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "sallyport-stories-")
	if err != nil {
		panic(err)
	}
	if program = os.Getenv("STORIES_PROGRAM"); program == "" {
		program = filepath.Join(folder, "sallyport")
		build := exec.Command("go", "build", "-tags", "testclock", "-o", program, "sallyport/cmd/sallyport")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			os.Exit(1)
		}
	}
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // stories wait more than they work
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// The people of the stories. Their passwords are long enough for every policy.
const (
	password  = "walnut orbit ladder sky"
	password2 = "teapot meadow signal ant"
	number    = "(202) 555-0143"
	e164      = "+12025550143"
	number2   = "(202) 555-0199"
	e164two   = "+12025550199"
)

// portal is an installation of its own.
type portal struct {
	t       *testing.T
	dir     string
	url     string
	cmd     *exec.Cmd
	log     *portalLog
	extra   []string // variables of its own
	under   []string // what the program runs under, with its arguments
	offset  time.Duration
	read    map[string]int // lines of the outbox that were read, by number
	offsetM sync.Mutex
}

// settings are how those of a story differ from those of most.
type settings struct {
	url     string // instead of loopback
	policy  string // lines below policy:
	more    string // top-level lines
	sms     string // lines below sms:
	noSMS   bool
	hashing string
	// database is the address of a PostgreSQL database. Without it the story runs
	// on SQLite, or on PostgreSQL where STORIES_DATABASE=postgres says so.
	database string
	embedded bool // on SQLite, whatever that says
}

// portalLog is what a portal writes, while others read it.
type portalLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (l *portalLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String is the log so far.
func (l *portalLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The ports of the portals: below those that the system gives to whoever asks,
// so that no client's connection can take one before its portal listens.
const firstPort, manyPorts = 10000, 2000

var nextPort atomic.Int64

func init() { nextPort.Store(rand.Int64N(manyPorts)) }

func freePort(t *testing.T) int {
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

// open makes an installation and starts it.
func open(t *testing.T, of ...settings) *portal {
	t.Helper()
	p := install(t, of...)
	p.serve()
	return p
}

// serve starts the portal for as long as its story lasts.
func (p *portal) serve() {
	p.t.Helper()
	p.start()
	p.t.Cleanup(func() {
		p.stop()
		if p.t.Failed() {
			p.t.Logf("log of the portal:\n%s", p.log)
		}
	})
}

func install(t *testing.T, of ...settings) *portal {
	t.Helper()
	var s settings
	if len(of) > 0 {
		s = of[0]
	}
	port := freePort(t)
	p := &portal{t: t, dir: t.TempDir(), url: fmt.Sprintf("http://localhost:%d", port), log: &portalLog{}, read: map[string]int{}}
	if s.url != "" {
		p.url = s.url
	}
	if s.hashing == "" {
		s.hashing = "\n  memory: 19456\n  time: 2\n  threads: 1"
	}
	text := fmt.Sprintf("url: %s\nlisten: 127.0.0.1:%d\nname: Example\nbrand:\n  help_text: the service desk\n  help_phone: +44 20 7946 0000\nproxies: [127.0.0.1]\nlog:\n  level: warn\nhashing:%s\n", p.url, port, s.hashing)
	if !s.noSMS {
		text += "sms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n" + s.sms
	}
	if s.policy != "" {
		text += "policy:\n" + s.policy
	}
	if s.database == "" && !s.embedded && os.Getenv("STORIES_DATABASE") == "postgres" {
		s.database = storetest.Postgres(t)
	}
	if s.database != "" {
		text += fmt.Sprintf("database: %q\n", s.database)
	}
	p.write("sallyport.yaml", text+s.more)
	p.run(p.dir, nil, "", "init", "--config", "other.yaml")
	os.Remove(filepath.Join(p.dir, "other.yaml"))
	p.move(0)
	return p
}

func (p *portal) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// start runs serve and waits for its ready line.
func (p *portal) start() {
	p.t.Helper()
	words := p.words("serve")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = p.dir, p.env()
	cmd.Stderr = p.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd = cmd
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "is ready on") {
				ready <- true
			}
		}
		ready <- false
	}()
	select {
	case ok := <-ready:
		if !ok {
			p.t.Fatalf("the portal did not start:\n%s", p.log)
		}
	case <-time.After(30 * time.Second):
		p.t.Fatal("the portal was not ready within 30 seconds")
	}
}

// words are the command line of the program.
func (p *portal) words(args ...string) []string {
	return slices.Concat(p.under, []string{program}, args)
}

func (p *portal) env() []string {
	return append(append(os.Environ(), p.extra...), "SALLYPORT_CLOCK="+filepath.Join(p.dir, "clock"))
}

func (p *portal) end(how os.Signal) {
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(how)
	done := make(chan struct{})
	cmd := p.cmd
	go func() { cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		cmd.Process.Kill()
		p.t.Error("the portal did not end within 15 seconds")
	}
	p.cmd = nil
}

func (p *portal) stop() { p.end(syscall.SIGTERM) }

// crash kills the portal in the middle of whatever it does, and starts it again.
func (p *portal) crash() {
	p.t.Helper()
	p.end(syscall.SIGKILL)
	p.start()
}

// move moves the clock of the portal.
func (p *portal) move(by time.Duration) {
	p.offsetM.Lock()
	defer p.offsetM.Unlock()
	p.offset += by
	tmp := filepath.Join(p.dir, "clock.new")
	if err := os.WriteFile(tmp, []byte(strconv.FormatFloat(p.offset.Seconds(), 'f', 3, 64)), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(p.dir, "clock")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *portal) now() time.Time { return time.Now().Add(p.offset) }

// answer is what a command did.
type answer struct {
	code     int
	out, err string
}

func (p *portal) run(dir string, env []string, in string, args ...string) answer {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	words := p.words(args...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(p.env(), env...), strings.NewReader(in)
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		p.t.Fatalf("%v: %v", args, err)
	}
	return answer{code, out.String(), bad.String()}
}

// cli runs a command that must succeed and returns what it printed.
func (p *portal) cli(args ...string) string {
	p.t.Helper()
	a := p.run(p.dir, nil, "", args...)
	if a.code != 0 {
		p.t.Fatalf("sallyport %v: exit %d\n%s%s", args, a.code, a.out, a.err)
	}
	return a.out
}

// add makes a person with the usual password.
func (p *portal) add(name string, more ...string) {
	p.t.Helper()
	a := p.run(p.dir, nil, password+"\n", append([]string{"person", "add", name, "--password-stdin"}, more...)...)
	if a.code != 0 {
		p.t.Fatalf("person add %s: exit %d\n%s", name, a.code, a.err)
	}
}

// invitation runs a command that prints an invitation, and returns its path.
func (p *portal) invitation(args ...string) string {
	p.t.Helper()
	link := regexp.MustCompile(`/invitation/\S+`).FindString(p.cli(args...))
	if link == "" {
		p.t.Fatalf("%v printed no invitation", args)
	}
	return link
}

// setupCode runs a command that prints a setup code.
func (p *portal) setupCode(args ...string) string {
	p.t.Helper()
	code := regexp.MustCompile(`(?m)^[0-9A-Z]{4}-[0-9A-Z]{4}$`).FindString(p.cli(args...))
	if code == "" {
		p.t.Fatalf("%v printed no setup code", args)
	}
	return code
}

type line struct{ To, Text, ID string }

func (p *portal) lines(to string) (list []line) {
	raw, _ := os.ReadFile(filepath.Join(p.dir, "outbox.jsonl"))
	for _, text := range strings.Split(string(raw), "\n") {
		var l line
		if json.Unmarshal([]byte(text), &l) == nil && (to == "" || l.To == to) {
			list = append(list, l)
		}
	}
	return list
}

// text is the next text message to a number that holds something.
func (p *portal) text(to, holding string) string {
	p.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		list := p.lines(to)
		for i := p.read[to]; i < len(list); i++ {
			if strings.Contains(list[i].Text, holding) {
				p.read[to] = i + 1
				return list[i].Text
			}
		}
	}
	p.t.Fatalf("no text message to %s with %q within 15 seconds; there are %v", to, holding, p.lines(""))
	return ""
}

// code is the next text message code to a number.
func (p *portal) code(to string) string {
	p.t.Helper()
	code := regexp.MustCompile(`^\d{6}\b`).FindString(p.text(to, " code"))
	if code == "" {
		p.t.Fatal("a text message without a code")
	}
	return code
}

// quiet says that no text message more goes to a number.
func (p *portal) quiet(to string) {
	p.t.Helper()
	time.Sleep(400 * time.Millisecond)
	if list := p.lines(to); len(list) > p.read[to] {
		p.t.Fatalf("text messages that nobody asked for: %v", list[p.read[to]:])
	}
}

var addresses atomic.Int32

// browser is one browser: its cookies, its address, and the page it shows.
type browser struct {
	t       *testing.T
	p       *portal
	cookies map[string]string
	address string
	agent   string
	page    *page
	app     app
	codes   []string
	used    string // the code that finished the wizard
}

func (p *portal) browser() *browser {
	n := addresses.Add(1)
	return &browser{t: p.t, p: p, cookies: map[string]string{}, address: fmt.Sprintf("198.51.%d.%d", n/250, 1+n%250),
		agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
}

// tab is a second tab: it shares the cookies and shows a page of its own.
func (b *browser) tab() *browser {
	c := *b
	return &c
}

// twin is the same browser as it is now, to be lost or stolen: cookies copied.
func (b *browser) twin() *browser {
	c := *b
	c.cookies = map[string]string{}
	for k, v := range b.cookies {
		c.cookies[k] = v
	}
	return &c
}

// page is an answer.
type page struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	url    string
}

var plainClient = &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send sends a request and keeps its cookies; it follows nothing.
func (b *browser) send(r *http.Request) *page {
	b.t.Helper()
	r.Header.Set("User-Agent", b.agent)
	if b.page != nil && b.page.header.Get("Referrer-Policy") != "no-referrer" && r.Header.Get("Referer") == "" {
		r.Header.Set("Referer", b.p.url+b.page.url)
	}
	r.Header.Set("X-Forwarded-For", b.address)
	for k, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	resp, err := plainClient.Do(r)
	if err != nil {
		b.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		b.t.FailNow()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return &page{b.t, resp.StatusCode, resp.Header, string(body), r.URL.RequestURI()}
}

// ask gets a page without following.
func (b *browser) ask(path string) *page {
	b.t.Helper()
	r, err := http.NewRequest("GET", b.p.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.page = b.send(r)
	return b.page
}

// get gets a page as people see it: redirects are followed.
func (b *browser) get(path string) *page {
	b.t.Helper()
	return b.follow(b.ask(path))
}

func (b *browser) follow(p *page) *page {
	b.t.Helper()
	for range 10 {
		if p.status != http.StatusSeeOther {
			b.page = p
			return p
		}
		p = b.ask(p.header.Get("Location"))
	}
	b.t.Fatalf("redirects without end at %s", p.url)
	return nil
}

// form sends a form: pairs of names and values, with the token of the page on show
// unless one is given.
func (b *browser) form(path string, pairs ...string) *page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if !form.Has("token") && b.page != nil {
		form.Set("token", b.page.token())
	}
	r, err := http.NewRequest("POST", b.p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

// formOf is a form on a page.
type formOf struct {
	action string
	fields []string // pairs
}

var (
	formMark   = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	actionMark = regexp.MustCompile(`action="([^"]*)"`)
	inputMark  = regexp.MustCompile(`(?s)<input[^>]*>`)
	optionMark = regexp.MustCompile(`(?s)<select id="[^"]*" name="([^"]*)".*?<option value="([^"]*)" selected`)
	buttonMark = regexp.MustCompile(`(?s)<button(?:\s+class="[^"]*")?>(.*?)</button>`)
)

func attribute(tag, name string) (string, bool) {
	m := regexp.MustCompile(`\s` + name + `(?:="([^"]*)")?[\s>]`).FindStringSubmatch(tag)
	if m == nil {
		return "", false
	}
	return html.UnescapeString(m[1]), true
}

// button finds the form that a button sends.
func (p *page) button(label string) (f formOf, ok bool) {
	for _, mark := range formMark.FindAllString(p.main(), -1) {
		for _, b := range buttonMark.FindAllStringSubmatch(mark, -1) {
			if plain(b[1]) != label {
				continue
			}
			if m := actionMark.FindStringSubmatch(mark); m != nil {
				f.action = html.UnescapeString(m[1])
			}
			for _, in := range inputMark.FindAllString(mark, -1) {
				name, _ := attribute(in, "name")
				value, _ := attribute(in, "value")
				kind, _ := attribute(in, "type")
				_, checked := attribute(in, "checked")
				if (kind == "checkbox" || kind == "radio") && !checked {
					continue
				}
				f.fields = append(f.fields, name, value)
			}
			if m := optionMark.FindStringSubmatch(mark); m != nil {
				f.fields = append(f.fields, m[1], m[2])
			}
			return f, true
		}
	}
	return f, false
}

// press presses a button of the page, with fields filled in; nothing is followed.
func (b *browser) press(label string, fields ...string) *page {
	b.t.Helper()
	f, ok := b.page.button(label)
	if !ok {
		b.t.Fatalf("no button %q on %s (%s): %s", label, b.page.url, b.page.name(), b.page.brief())
	}
	return b.form(f.action, append(f.fields, fields...)...)
}

// do presses a button and goes where it leads.
func (b *browser) do(label string, fields ...string) *page {
	b.t.Helper()
	return b.follow(b.press(label, fields...))
}

// click follows a link by its words.
func (b *browser) click(label string) *page {
	b.t.Helper()
	at, ok := b.page.link(label)
	if !ok {
		b.t.Fatalf("no link %q on %s: %s", label, b.page.url, b.page.brief())
	}
	return b.get(at)
}

var linkMark = regexp.MustCompile(`(?s)<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>`)

func (p *page) link(label string) (at string, ok bool) {
	for _, m := range linkMark.FindAllStringSubmatch(p.main(), -1) {
		if plain(m[2]) == label {
			return html.UnescapeString(m[1]), true
		}
	}
	return "", false
}

var (
	markMark  = regexp.MustCompile(`<[^>]*>`)
	blockMark = regexp.MustCompile(`</?(?:p|li|div|h1|h2|ul|ol|section|form|label|dt|dd|button|option|summary|details|main|header|footer|br)\b[^>]*>`)
	iconMark  = regexp.MustCompile(`(?s)<svg.*?</svg>`)
)

// plain is the text of markup, as it is read.
func plain(markup string) string {
	markup = iconMark.ReplaceAllString(markup, "")
	markup = blockMark.ReplaceAllString(markup, " ")
	return strings.Join(strings.Fields(html.UnescapeString(markMark.ReplaceAllString(markup, ""))), " ")
}

func between(text, from, to string) string {
	_, rest, ok := strings.Cut(text, from)
	if !ok {
		return ""
	}
	inner, _, _ := strings.Cut(rest, to)
	return inner
}

func (p *page) main() string  { return "<main" + between(p.body, "<main", "</main>") }
func (p *page) text() string  { return plain(p.main()) }
func (p *page) brief() string { return p.text()[:min(len(p.text()), 400)] }
func (p *page) title() string { return html.UnescapeString(between(p.body, "<title>", "</title>")) }
func (p *page) h1() string    { return plain(between(p.main(), "<h1>", "</h1>")) }
func (p *page) name() string  { return between(p.body, `data-page="`, `"`) }
func (p *page) step() string  { return between(p.body, `data-step="`, `"`) }
func (p *page) token() string { return between(p.body, `name="token" value="`, `"`) }
func (p *page) to() string    { return p.header.Get("Location") }

// problems are the links of the error summary: field and words.
func (p *page) problems() (list []string) {
	summary := between(p.main(), `<div class="error-summary"`, "</ul>")
	for _, m := range regexp.MustCompile(`(?s)<li>(.*?)</li>`).FindAllStringSubmatch(summary, -1) {
		field := between(m[1], `href="`, `"`)
		list = append(list, field+" "+plain(m[1]))
	}
	return list
}

// notices are the notice boxes.
func (p *page) notices() (list []string) {
	for _, m := range regexp.MustCompile(`(?s)<div class="notice[^"]*"([^>]*)>(.*?)</div>`).FindAllStringSubmatch(p.main(), -1) {
		if !strings.Contains(m[1], "hidden") {
			list = append(list, plain(m[2]))
		}
	}
	return list
}

// value is what a field holds.
func (p *page) value(field string) string {
	for _, in := range inputMark.FindAllString(p.main(), -1) {
		if name, _ := attribute(in, "name"); name == field {
			v, _ := attribute(in, "value")
			return v
		}
	}
	return ""
}

// want is what a page must show.
type want struct {
	status  int
	page    string
	step    string
	h1      string
	title   string
	problem string // "#field words"; "" asks for none
	notice  string
	texts   []string
	absent  []string
	kept    []string // field, value
	retry   string   // Retry-After
}

// is checks a page; the first problem and notice must be exactly these.
func (p *page) is(w want) *page {
	p.t.Helper()
	bad := func(what string, got, wanted any) {
		p.t.Helper()
		p.t.Errorf("%s (%s): %s is\n  %q, not\n  %q\n  text: %s", p.url, p.name(), what, fmt.Sprint(got), fmt.Sprint(wanted), p.brief())
	}
	if w.status == 0 {
		w.status = 200
		if w.problem != "" {
			w.status = 422
		}
	}
	if p.status != w.status {
		bad("status", p.status, w.status)
	}
	if w.page != "" && p.name() != w.page {
		bad("data-page", p.name(), w.page)
	}
	if w.step != "" && p.step() != w.step {
		bad("data-step", p.step(), w.step)
	}
	if w.h1 != "" && p.h1() != w.h1 {
		bad("h1", p.h1(), w.h1)
	}
	if w.title != "" && p.title() != w.title {
		bad("title", p.title(), w.title)
	}
	got := strings.Join(p.problems(), " | ")
	if got != w.problem {
		bad("problem", got, w.problem)
	}
	if w.problem != "" {
		if !strings.HasPrefix(p.title(), "Error: ") {
			bad("title", p.title(), "Error: …")
		}
		field, words, _ := strings.Cut(w.problem, " ")
		if field = strings.TrimPrefix(field, "#"); field != "" {
			at := plain(between(p.main(), `id="`+field+`-err"`, "</p>"))
			if !strings.HasSuffix(at, "Error: "+words) {
				bad("words by the field "+field, at, words)
			}
			if !strings.Contains(p.main(), `id="`+field+`"`) {
				bad("field", "missing", field)
			}
		}
	} else if strings.HasPrefix(p.title(), "Error: ") {
		bad("title", p.title(), "one without Error:")
	}
	if w.notice != "" {
		found := false
		for _, n := range p.notices() {
			found = found || n == w.notice
		}
		if !found {
			bad("notice", p.notices(), w.notice)
		}
	}
	for _, text := range w.texts {
		if !strings.Contains(p.text(), text) {
			bad("text", "without it", text)
		}
	}
	for _, text := range w.absent {
		if strings.Contains(p.text(), text) {
			bad("text", "with it", text)
		}
	}
	for i := 0; i+1 < len(w.kept); i += 2 {
		if got := p.value(w.kept[i]); got != w.kept[i+1] {
			bad("field "+w.kept[i], got, w.kept[i+1])
		}
	}
	if w.retry != "" && p.header.Get("Retry-After") != w.retry {
		bad("Retry-After", p.header.Get("Retry-After"), w.retry)
	}
	return p
}

// leads checks a redirect.
func (p *page) leads(to string) *page {
	p.t.Helper()
	if p.status != http.StatusSeeOther || p.to() != to {
		p.t.Errorf("%s answered %d to %q, not 303 to %q: %s", p.url, p.status, p.to(), to, p.brief())
	}
	return p
}

// app is an authenticator app on a phone with a right clock.
type app struct {
	secret factor.Secret
	p      *portal
}

// code is the code of now, or of steps earlier or later.
func (a app) code(steps ...int64) string {
	step := a.secret.Step(a.p.now())
	for _, s := range steps {
		step += s
	}
	return a.secret.Code(step)
}

// wrong is a code that is wrong for every reason: no step of the clock search
// and no older entry has it.
func (a app) wrong() string { return a.wrongs(1)[0] }

// wrongs are different wrong codes, none of which any check explains.
func (a app) wrongs(n int) (list []string) {
	near := map[string]bool{}
	now := a.secret.Step(a.p.now())
	for o := int64(-1800); o <= 1800; o++ {
		near[a.secret.Code(now+o)] = true
	}
	for i := 100000; len(list) < n; i += 7919 {
		if code := fmt.Sprintf("%06d", i%1000000); !near[code] {
			list = append(list, code)
		}
	}
	return list
}

// scan puts the setup key on the page into an app.
func (b *browser) scan() app {
	b.t.Helper()
	key := plain(between(b.page.body, `id="setup-key">`, "<"))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil || len(raw) != 20 {
		b.t.Fatalf("setup key %q on %s: %v", key, b.page.name(), err)
	}
	return app{factor.Secret{Key: raw}, b.p}
}

// saved reads the recovery codes on the page.
func (b *browser) saved() (codes []string) {
	list := between(b.page.body, `id="recovery-codes"`, "</ol>")
	for _, m := range regexp.MustCompile(`<code>([^<]+)</code>`).FindAllStringSubmatch(list, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

// enter enters name and password.
func (b *browser) enter(name, word string) *page {
	b.t.Helper()
	b.get("/sign-in")
	if b.page.name() == "signed-in" {
		b.do("Use a different account")
	}
	return b.do("Sign in", "username", name, "password", word)
}

// toScan walks the wizard up to the QR code.
func (b *browser) toScan(typed, to string) {
	b.t.Helper()
	b.click("Configure 2FA").is(want{page: "setup-app", step: "1"})
	b.do("Continue").is(want{page: "setup-phone", step: "3"})
	b.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code", step: "4"})
	b.do("Verify", "code", b.p.code(to)).is(want{page: "setup-scan", step: "5"})
	b.app = b.scan()
}

// enrol adds a person and walks the whole wizard in this browser.
func (p *portal) enrol(name string, more ...string) *browser {
	p.t.Helper()
	p.add(name, more...)
	b := p.browser()
	b.wizard(name, number, e164)
	return b
}

func (b *browser) wizard(name, typed, to string) {
	b.t.Helper()
	b.enter(name, password).is(want{page: "two-factor-prompt"})
	b.toScan(typed, to)
	b.do("Continue").is(want{page: "setup-app-code", step: "6"})
	b.used = b.app.code()
	b.do("Verify", "code", b.used).is(want{page: "setup-finish", step: "7"})
	b.codes = b.saved()
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	b.p.text(to, "2FA was set up")
}

// signIn signs in with password and a fresh app code.
func (b *browser) signIn(name string, a app) *page {
	b.t.Helper()
	b.p.move(31 * time.Second)
	b.enter(name, password).is(want{page: "app-code"})
	return b.do("Verify", "code", a.code())
}

// other is a second browser of somebody, signed in.
func (b *browser) other(name string) *browser {
	b.t.Helper()
	c := b.p.browser()
	c.app = b.app
	c.signIn(name, b.app).is(want{page: "security"})
	return c
}
