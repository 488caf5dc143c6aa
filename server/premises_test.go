package server_test

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/back/mail"
	"sallyport/back/seal"
	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/manage"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/server"
)

func init() {
	person.Floor = person.Params{MemoryKiB: 8, Time: 1, Threads: 1} // nothing here is worth guessing
	debug.SetGCPercent(400)                                         // the table of numbers is large, and stays
}

// premises are a portal that people enter by HTTP, on a clock that the tests move
// and a database that they let fail.
type premises struct {
	folder  string
	core    *server.Core
	handler http.Handler
	db      faulty
	wire    *wire // to a database elsewhere
	clock   atomic.Int64
	close   func() error

	mu     sync.Mutex
	letter []letter
}

// letter is a text message or a mail that arrived.
type letter struct{ To, Text string }

const host = "localhost:8080"

// appSecret is that of every app that speaks OpenID Connect.
const appSecret = "0b8d6c2e4f1a97350b8d6c2e4f1a9735"

// furnish makes the folder of new premises.
func furnish(folder, more string, https bool) error {
	settings := "url: " + map[bool]string{true: "https://", false: "http://"}[https] + host + "\nproxies: [127.0.0.1]\n" +
		"sms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n" +
		"mail:\n  server: smtp://localhost:25\n  from: login@example.org\n" + more
	if err := os.WriteFile(filepath.Join(folder, "logo.svg"), []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "sallyport.key"), seal.NewKeyFile(), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "app.secret"), []byte(appSecret), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "sallyport.yaml"), []byte(settings), 0o600)
}

// settle opens the premises of a folder.
func settle(p *premises, folder string) (*premises, error) {
	p.folder = folder
	p.clock.Store(time.Now().UnixNano())
	text, err := os.ReadFile(filepath.Join(folder, "sallyport.yaml"))
	if err != nil {
		return nil, err
	}
	c, err := config.Parse(text, filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		return nil, err
	}
	if to := c.Database.Reveal(); to != "" {
		var address string
		if p.wire, address, err = lay(to, &p.db); err != nil {
			return nil, err
		}
		c.Database = config.Secret(address)
	}
	if p.core, err = server.OpenBehind(context.Background(), c, p.db.wrap); err != nil {
		return nil, err
	}
	p.core.Flow.Params, p.core.Hasher.Collect = person.Floor, func() {}
	p.core.Now, p.core.Flow.Now, p.core.Manage.Now = p.now, p.now, p.now
	log := slog.New(slog.DiscardHandler)
	if p.handler, err = p.core.Handler(log); err != nil {
		return nil, err
	}
	if raw, err := os.ReadFile(p.post()); err == nil {
		for line := range strings.Lines(string(raw)) {
			var l letter
			if json.Unmarshal([]byte(line), &l) == nil { // one that broke off did not arrive
				p.letter = append(p.letter, l)
			}
		}
	}
	work, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	texts := &sms.Sender{Queue: p.core.Store, Routes: sms.NewRoutes([]sms.Gateway{carrier{p}}, nil, slog.New(slog.DiscardHandler)), Now: p.now, Log: log}
	mails := &mail.Sender{Queue: p.core.Store, Server: postman{p}, Now: p.now, Log: log}
	wg.Go(func() { texts.Run(work) })
	wg.Go(func() { mails.Run(work) })
	p.close = func() error {
		stop()
		wg.Wait()
		err := p.core.Close()
		if p.wire != nil {
			err = errors.Join(err, p.wire.Close())
		}
		return err
	}
	return p, nil
}

func (p *premises) now() time.Time { return time.Unix(0, p.clock.Load()).UTC() }
func (p *premises) post() string   { return filepath.Join(p.folder, "letters.jsonl") }

// arrives keeps a letter, past the end of the process too.
func (p *premises) arrives(l letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, _ := json.Marshal(l)
	f, err := os.OpenFile(p.post(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	p.letter = append(p.letter, l)
	_, err = f.Write(append(line, '\n'))
	return err
}

type carrier struct{ *premises }

func (carrier) Name() string { return "outbox" }
func (c carrier) Send(_ context.Context, m message.Message) (string, error) {
	return m.ID, c.arrives(letter{m.To, m.Text})
}

type postman struct{ *premises }

func (p postman) Send(_ context.Context, m message.Message) error {
	return p.arrives(letter{m.To, m.Text})
}

// order is what the tests ask of premises beside their front door.
type order struct {
	Do   string // arm, seen, move, letters, or the command of an operator
	N    int
	How  failure
	By   time.Duration
	Name string
	Mail string
	Flag bool

	Number string
}

// obeyed is what came of it.
type obeyed struct {
	N       int
	Text    string
	Key     []byte
	At      time.Time
	Letters []letter
}

// obey does it.
func (p *premises) obey(o order) (a obeyed, err error) {
	ctx := context.Background()
	checked := manage.Checked{How: "other", Note: "a test"}
	who := func() string {
		found, lost := p.core.Manage.Person(ctx, o.Name)
		if lost != nil {
			err = lost
			return ""
		}
		return found.ID
	}
	switch o.Do {
	case "arm":
		p.db.arm(o.N, o.How)
	case "seen":
		p.core.Flow.Wait()
		p.core.Manage.Wait()
		a.N, a.Text = p.db.seen()
	case "move":
		p.clock.Add(int64(o.By))
	case "letters":
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, l := range p.letter {
			if l.To == o.Name {
				a.Letters = append(a.Letters, l)
			}
		}
	case "add":
		in := manage.Adding{Name: o.Name, Email: o.Mail, Operator: o.Flag, Password: word}
		if o.N > 0 {
			in.Password = ""
		}
		a.Text, err = p.core.Manage.Add(ctx, "test", in)
	case "holder":
		a, err = p.holder(ctx, o)
	case "disable":
		if id := who(); err == nil {
			err = p.core.Manage.Disable(ctx, "test", id)
		}
	case "reset-2fa":
		if id := who(); err == nil {
			a.Text, err = p.core.Manage.Reset(ctx, "test", id, checked, false)
		}
	case "invite":
		if id := who(); err == nil {
			a.Text, err = p.core.Manage.Invite(ctx, "test", id, manage.ByHand)
		}
	case "must-change":
		if id, must := who(), true; err == nil {
			err = p.core.Manage.Set(ctx, "test", id, manage.Setting{MustChange: &must})
		}
	case "release":
		if id := who(); err == nil {
			a.Text, _, err = p.core.Manage.Release(ctx, "test", id, checked)
		}
	default:
		err = fmt.Errorf("no order %q", o.Do)
	}
	a.At = p.now()
	return a, err
}

// holder adds somebody who has set 2FA up before anything here was.
func (p *premises) holder(ctx context.Context, o order) (a obeyed, err error) {
	who := person.New(o.Name, p.now())
	who.Password, who.PasswordAt, who.EnrolledAt = person.Hash(word, p.core.Flow.Params), p.now(), p.now()
	who.Email, who.Operator = o.Mail, o.Flag
	secret, codes := factor.NewSecret(), factor.NewCodes()
	set := factor.NewSet(codes, nil, nil, p.now(), person.HashWithSalt)
	set.Saved = true
	err = p.core.Store.Apply(ctx, change.Set{person.Added{Person: who},
		factor.Bound{Factor: factor.New(factor.App, who.ID, "Phone app", secret.Encode(), p.now())},
		factor.Bound{Factor: factor.New(factor.Recovery, who.ID, "", set.Encode(), p.now())},
		phone.Bound{Phone: phone.New(who.ID, phone.Number{E164: "+1" + o.Number, Country: "US"}, p.now(), false)}})
	for _, code := range codes {
		a.Letters = append(a.Letters, letter{Text: code})
	}
	a.Key = secret.Key
	return a, err
}

// door is the way to premises: in this process or in another.
type door interface {
	ask(r *http.Request) (*http.Response, error)
	obey(o order) (obeyed, error)
}

func (p *premises) ask(r *http.Request) (*http.Response, error) {
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// visitor is somebody with a browser, who reads pages and does what they ask.
type visitor struct {
	*testing.T
	door    door
	name    string
	word    string // the password
	next    string // the one to choose
	typed   string // the one that was entered last
	number  string // as it is typed
	mail    string
	address string
	cookies map[string]string
	page    visited
	back    string // the page before, that Back leads to
	app     factor.Secret
	newest  factor.Secret // of a set-up under way
	codes   []string      // recovery codes, unused
	way     string        // instead of the app: text, code
	setup   string        // the setup code
	link    string
	read    map[string]int // letters that were read
	used    bool           // the app code of now
	stuck   int            // how often the app's code was one that was used already
	sent    []sent
	late    time.Duration // how long a request may take

	start   string                  // where a signed-in person begins
	turn    func(v *visitor) bool   // what they do before they look at the page; true when they did
	other   *visitor                // the same person, signed in elsewhere
	wish    string                  // the address or name that they choose
	twiced  bool                    // what is asked for twice was
	shown   bool                    // new recovery codes were
	oldApp  factor.Secret           // what should work no more
	oldCode string                  // likewise
	program *party                  // the program of an app that they are let into
	besides func(v *visitor) string // what else can be seen from outside; or nil
	posts   map[string]bool         // where forms were taken; or nil
}

// sent is a code that was entered, and whether it was taken.
type sent struct {
	page         string
	field, value string
	secret       factor.Secret
	taken        bool
}

// visited is an answer.
type visited struct {
	method string
	status int
	name   string // data-page
	url    string
	to     string
	body   string
	header http.Header
}

var (
	pageMark  = regexp.MustCompile(`data-page="([^"]*)"`)
	tokenMark = regexp.MustCompile(`name="token" value="([^"]*)"`)
	keyMark   = regexp.MustCompile(`id="setup-key">(?:<[^>]*>)*([A-Z2-7 ]+)`)
	savedMark = regexp.MustCompile(`<code>([0-9A-Z-]{19})</code>`)
	marks     = regexp.MustCompile(`<[^>]*>`)
)

func (v visited) words() string {
	_, main, _ := strings.Cut(v.body, "<main")
	return strings.Join(strings.Fields(html.UnescapeString(marks.ReplaceAllString("<main"+main, " "))), " ")
}

func (v visited) brief() string {
	text := v.words()
	return fmt.Sprintf("%d %q at %s to %q: %.300s", v.status, v.name, v.url, v.to, text)
}

func first(mark *regexp.Regexp, text string) string {
	if m := mark.FindStringSubmatch(text); m != nil {
		return m[len(m)-1]
	}
	return ""
}

var (
	visitors atomic.Int64
	areas    = []int64{202, 212, 213, 214, 215, 216, 301, 303, 305, 310, 312, 313, 314, 404, 405, 408, 410, 412, 414, 415, 503, 504, 512, 513, 602, 612, 615, 617, 702, 713}
)

// visitor is somebody who comes for the first time.
func visit(t *testing.T, d door) *visitor {
	n := visitors.Add(1)
	return &visitor{T: t, door: d, name: fmt.Sprintf("name%d", n), word: word, number: numbered(n),
		mail: fmt.Sprintf("name%d@example.org", n), address: addressed(n), cookies: map[string]string{}, read: map[string]int{}}
}

// numbered is a number that ends as no other of these tests does, of a prefix that
// few of them share.
func numbered(n int64) string {
	return fmt.Sprintf("%d555%04d", areas[n%int64(len(areas))], n%10000)
}

func addressed(n int64) string { return fmt.Sprintf("198.%d.%d.%d", 18+n/62500, n/250%250, 1+n%250) }

// elsewhere is the same person in a browser of its own, at an address of its own.
func (v *visitor) elsewhere() *visitor {
	c := *v
	c.cookies, c.page, c.back, c.sent, c.turn, c.late = map[string]string{}, visited{}, "", nil, nil, 0
	c.address = addressed(visitors.Add(1))
	return &c
}

// order gives an order that must be obeyed.
func (v *visitor) order(o order) obeyed {
	v.Helper()
	a, err := v.door.obey(o)
	if err != nil {
		v.Fatalf("%s: %v", o.Do, err)
	}
	return a
}

func (v *visitor) move(by time.Duration) { v.order(order{Do: "move", By: by}) }
func (v *visitor) now() time.Time        { return v.order(order{Do: "move"}).At }

// send sends a request and shows what came of it; nothing is followed.
func (v *visitor) send(method, at string, fields ...string) {
	v.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	ctx, cancel := context.WithCancel(context.Background())
	if v.late > 0 {
		ctx, cancel = context.WithTimeout(ctx, v.late)
	}
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+host+at, strings.NewReader(form.Encode()))
	if strings.Contains(at, "://") {
		if r, err = v.away(ctx, method, at); r == nil {
			return
		}
	}
	if err != nil {
		v.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("X-Forwarded-For", v.address)
	for name, value := range v.cookies {
		if name, ok := strings.CutPrefix(name, jar(r.Host)); ok && !strings.Contains(name, " ") {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	from := r.Host
	a, err := v.door.ask(r)
	if err != nil { // the other side has gone away
		v.page = visited{method: method, url: at, name: "nothing", body: err.Error()}
		return
	}
	v.shownAt(jar(from), method, at, a)
	if r.Header.Get("X-Forwarded-Uri") != "" && v.page.status == http.StatusOK {
		v.page.name = "inside"
	}
	if v.posts != nil && method == http.MethodPost && v.page.status < http.StatusBadRequest {
		v.posts[at] = true
	}
}

// jar is what the names of the cookies of a host begin with, among all of a browser.
func jar(of string) string {
	if of == host {
		return ""
	}
	return of + " "
}

// shows keeps the cookies of an answer, and the page.
func (v *visitor) shows(method, at string, a *http.Response) { v.shownAt("", method, at, a) }

func (v *visitor) shownAt(jar, method, at string, a *http.Response) {
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		v.page = visited{method: method, url: at, name: "nothing", body: err.Error()}
		return
	}
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, jar+c.Name)
		} else {
			v.cookies[jar+c.Name] = c.Value
		}
	}
	v.page = visited{method, a.StatusCode, first(pageMark, string(body)), at, a.Header.Get("Location"), string(body), a.Header}
}

func (v *visitor) get(at string) {
	v.Helper()
	v.send(http.MethodGet, at)
	for range 10 {
		if v.page.status != http.StatusSeeOther {
			return
		}
		v.send(http.MethodGet, v.page.to)
	}
	v.Fatalf("redirects without end: %s", v.page.brief())
}

// post sends the form of the page on show.
func (v *visitor) post(at string, fields ...string) {
	v.Helper()
	v.back = v.page.url
	v.send(http.MethodPost, at, append(fields, "token", first(tokenMark, v.page.body))...)
}

// text is the newest letter that holds something, or "" when none comes. The
// letter is not read before it is there: whoever has none asks again.
func (v *visitor) text(to, holding string) string {
	v.Helper()
	for end := time.Now().Add(1500 * time.Millisecond); ; time.Sleep(2 * time.Millisecond) {
		list := v.order(order{Do: "letters", Name: to}).Letters
		for i := len(list) - 1; i >= v.read[to+holding]; i-- {
			if strings.Contains(list[i].Text, holding) {
				v.read[to+holding] = i + 1
				return list[i].Text
			}
		}
		if time.Now().After(end) {
			return ""
		}
	}
}

// appCode is the code that the app shows, the next one where this was used.
func (v *visitor) appCode(of factor.Secret) string {
	if v.used {
		v.move(30 * time.Second)
		v.used = false
	}
	return of.Code(of.Step(v.now()))
}

func (v *visitor) scan() {
	key := strings.ReplaceAll(first(keyMark, v.page.body), " ", "")
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil || len(raw) != 20 {
		v.Fatalf("setup key %q: %v", key, err)
	}
	v.newest = factor.Secret{Key: raw}
}

// goOn does what somebody does who sees this page, and shows what comes of it.
func (v *visitor) goOn() {
	v.Helper()
	if v.turn != nil && v.turn(v) {
		return
	}
	p := v.page
	if p.status == http.StatusSeeOther {
		v.get(p.to)
		return
	}
	if p.status == http.StatusTooManyRequests {
		var seconds int
		_, _ = fmt.Sscan(p.header.Get("Retry-After"), &seconds)
		v.move(time.Duration(seconds+1) * time.Second)
		v.get(v.back)
		return
	}
	path, _, _ := strings.Cut(p.url, "?")
	switch p.name {
	case "", "security":
		if v.unsaved() {
			v.get("/account/codes/new")
			return
		}
		v.get(v.start)
	case "sign-in":
		word := v.word
		if v.next != "" && p.status == http.StatusUnprocessableEntity {
			word = v.next // it was changed, and the answer was lost
		}
		v.typed = word
		v.post("/sign-in", "username", v.name, "password", word)
	case "two-factor-prompt":
		if strings.Contains(p.words(), "you need an invitation link") { // it was taken, and the answer was lost: an operator helps
			v.link = "/invitation/" + v.order(order{Do: "invite", Name: v.name}).Text
			v.get(v.link)
			return
		}
		v.get("/2fa/setup/app")
	case "setup-app", "setup-scan":
		if p.name == "setup-scan" {
			v.scan()
		}
		if strings.HasSuffix(path, "/replace") {
			path = "/account/app" // where its form goes
		}
		v.post(path)
	case "setup-phone":
		switch {
		case strings.Contains(p.body, `name="still"`):
			v.post(path, "still", "yes")
		case strings.Contains(p.body, `name="checked"`):
			v.post(path, "checked", "yes")
		default:
			v.post(path, "phone", v.number, "country", "US")
		}
	case "setup-phone-code", "text-code":
		if !strings.HasSuffix(path, "/again") {
			if code := v.text("+1"+v.number, " is your "); code != "" {
				v.enter(path, "code", code[:6], factor.Secret{})
				return
			}
		}
		v.move(2*time.Minute + time.Second)
		v.post(strings.TrimSuffix(path, "/again") + "/again")
	case "setup-app-code":
		v.enter(path, "code", v.appCode(v.newest), v.newest)
	case "setup-finish":
		if len(v.newest.Key) > 0 {
			v.app = v.newest
		}
		v.codes, v.shown = nil, true
		for _, m := range savedMark.FindAllStringSubmatch(p.body, -1) {
			v.codes = append(v.codes, m[1])
		}
		v.post(path, "saved", "yes")
	case "app-code":
		if v.stuck > 2 {
			v.way = "code" // the app is of no use: it shows what it has shown
		}
		if v.way != "" {
			v.get("/2fa/other")
			return
		}
		if p.status == http.StatusUnprocessableEntity && strings.Contains(p.words(), "not correct") && len(v.newest.Key) > 0 {
			v.app = v.newest // it was set up, and the answer was lost
		}
		v.enter(path, "code", v.appCode(v.app), v.app)
	case "other-way":
		if v.way == "code" {
			v.get("/2fa/recovery-code")
			return
		}
		v.post("/2fa/text/send")
	case "recovery-code":
		if strings.Contains(p.words(), "from an older list") { // the app was set up, and the answer was lost
			v.way, v.app = "", v.newest
			v.get("/2fa")
			return
		}
		v.enter(path, "recovery", v.codes[0], factor.Secret{})
	case "replace":
		v.post(path, "still", "no")
	case "recovery-wait":
		if strings.Contains(p.body, `action="/2fa/text/send"`) {
			v.post("/2fa/text/send")
			return
		}
		v.move(24*time.Hour + time.Minute)
		v.get("/sign-in")
		if v.page.name == "app-code" || v.page.name == "other-way" {
			v.get("/2fa/recovery-wait")
		}
	case "setup-code":
		v.enter(path, "code", v.setup, factor.Secret{})
	case "confirm":
		if !strings.Contains(p.body, `name="password"`) {
			v.post(path)
			return
		}
		switch {
		case !strings.Contains(p.body, `name="recovery"`) && !strings.Contains(p.body, `name="code"`):
			v.post(p.url, "password", v.word)
		case strings.Contains(p.body, `name="recovery"`):
			v.enter(p.url, "recovery", v.codes[0], factor.Secret{}, "password", v.word)
		case v.stuck > 2:
			v.stuck = 0
			v.get(p.url + "&with=recovery")
		default:
			v.enter(p.url, "code", v.appCode(v.app), v.app, "password", v.word)
		}
	case "password":
		if strings.Contains(p.words(), "That is your present password") {
			v.get("/account/security")
			return
		}
		v.post(path, "password", v.next, "everywhere", "yes")
	case "invitation":
		if strings.Contains(p.words(), "That is your present password") { // the one before was taken
			v.next = "teapot meadow signal ant"
			v.word = v.next
		}
		v.post(path, "password", v.next)
	case "not-me":
		v.post(path)
	case "forgot":
		if strings.Contains(p.body, `name="username"`) {
			v.post(path, "username", v.name)
			return
		}
		text := v.text(v.mail, "/password/")
		if text == "" {
			v.move(21 * time.Minute) // three links an hour are sent
			v.get("/forgot")
			return
		}
		v.link = "/password/" + first(regexp.MustCompile(`/password/(\S+)`), text)
		v.get(v.link)
	case "mail":
		switch {
		case strings.Contains(p.words(), "That is your address already"):
			v.get("/account/security")
		case strings.Contains(p.body, `name="mail"`):
			v.post(path, "mail", v.wish)
		case !strings.Contains(p.body, `action="/account/mail/again"`):
			v.post(path)
		case !v.twiced:
			v.text(v.wish, "/account/mail/") // the one that stops working
			v.move(31 * time.Second)
			v.post("/account/mail/again")
			v.twiced = true
		default:
			text := v.text(v.wish, "/account/mail/")
			if text == "" {
				v.move(2*time.Minute + time.Second) // less than a confirmation lasts
				v.post("/account/mail/again")
				return
			}
			v.get("/account/mail/" + first(regexp.MustCompile(`/account/mail/(\S+)`), text))
		}
	case "consent":
		v.post(html.UnescapeString(first(regexp.MustCompile(`action="(/oidc/consent[^"]*)"`), p.body)), "answer", "yes")
	case "signed-out":
		v.get("/sign-in")
	case "signed-in":
		v.get(v.start)
	case "error", "busy", "nothing":
		switch {
		case p.status == http.StatusForbidden || p.status == http.StatusGone:
			v.get("/sign-in")
		case p.method == http.MethodGet:
			v.get(p.url) // once more
		default:
			v.get(v.back)
		}
	default:
		v.Fatalf("nobody knows what to do here: %s", p.brief())
	}
}

// unsaved says whether the page asks for new recovery codes: those of the new app were
// made, and the answer that shows them was lost.
func (v *visitor) unsaved() bool {
	return at("security")(v) && strings.Contains(v.page.words(), "You have not saved your recovery codes")
}

// enter enters a code and remembers that.
func (v *visitor) enter(at, field, value string, secret factor.Secret, more ...string) {
	v.Helper()
	page := v.page.name
	v.post(at, append([]string{field, value}, more...)...)
	taken := v.page.status == http.StatusSeeOther
	v.sent = append(v.sent, sent{page, field, value, secret, taken})
	switch {
	case len(secret.Key) > 0:
		already := strings.Contains(v.page.words(), "used already")
		v.used = taken || already
		if v.stuck++; !already {
			v.stuck = 0
		}
	case field == "recovery" && (taken || strings.Contains(v.page.words(), "used that recovery code already")):
		v.codes = v.codes[1:]
	case page == "setup-code" && strings.Contains(v.page.words(), "expired"):
		v.setup = v.order(order{Do: "reset-2fa", Name: v.name}).Text
	}
}

// until goes on until something is true, and says after how many pages.
func (v *visitor) until(arrived func(v *visitor) bool) {
	v.Helper()
	for way := []string{}; !arrived(v); way = append(way, v.page.name) {
		if len(way) == 60 {
			v.Fatalf("%s does not get on: %s after %s", v.name, v.page.brief(), way)
		}
		v.act()
	}
}

// act does one thing and goes where it leads.
func (v *visitor) act() {
	v.Helper()
	v.goOn()
	v.follow()
}

// follow goes where an answer leads, but into an app: that is an act of its own.
func (v *visitor) follow() {
	v.Helper()
	if v.page.status == http.StatusSeeOther && !strings.HasPrefix(v.page.to, "/.sallyport/") {
		v.get(v.page.to)
	}
}

func at(name string) func(v *visitor) bool {
	return func(v *visitor) bool { return v.page.status == http.StatusOK && v.page.name == name }
}

// holder is somebody who has 2FA, signed in here.
func holder(t *testing.T, d door, operator bool) *visitor {
	t.Helper()
	v := visit(t, d)
	a := v.order(order{Do: "holder", Name: v.name, Mail: v.mail, Number: v.number, Flag: operator})
	v.app = factor.Secret{Key: a.Key}
	for _, l := range a.Letters {
		v.codes = append(v.codes, l.Text)
	}
	v.get("/sign-in")
	v.until(at("security"))
	v.move(30 * time.Second)
	v.used, v.sent = false, nil
	return v
}

// enrol adds somebody and walks the wizard.
func enrol(t *testing.T, d door, operator bool) *visitor {
	t.Helper()
	v := visit(t, d)
	v.order(order{Do: "add", Name: v.name, Mail: v.mail, Flag: operator})
	v.move(time.Minute) // a notice of the set-up must not be one of the password
	v.get("/sign-in")
	v.until(at("security"))
	v.move(30 * time.Second)
	v.used, v.sent = false, nil
	return v
}

// open says whether this browser is signed in with both factors, and what it sees.
func (v *visitor) open() string {
	v.Helper()
	c := *v
	c.cookies, c.late = maps.Clone(v.cookies), 0
	c.send(http.MethodGet, "/account/security")
	if c.page.name != "security" {
		return "closed"
	}
	text := c.page.words()
	number := "another number"
	if strings.Contains(text, "Number ending "+v.number[7:]) {
		number = "the number"
	}
	if strings.Contains(text, "Add a mobile number") {
		number = "no number"
	}
	return fmt.Sprintf("open, %s, %s, %d apps%s, %s, mail %s", first(twoFactorMark, text), number, strings.Count(text, "Replace "), appNames(c.page.body),
		first(leftMark, text), first(mailMark, text))
}

var (
	twoFactorMark = regexp.MustCompile(`2FA is (on|off)`)
	leftMark      = regexp.MustCompile(`\d+ of 10 left`)
	mailMark      = regexp.MustCompile(` Mail (.*?) (?:Change|Add) Mail address`)
	nameMark      = regexp.MustCompile(`<dt>([^<]*)</dt><dd>[^\n]*?</dd><dd class="do"><a href="/account/apps/`)
)

// appNames are the names of the apps on the account page.
func appNames(body string) (list string) {
	for _, m := range nameMark.FindAllStringSubmatch(body, -1) {
		list += " " + m[1]
	}
	return list
}

// reaches is the page to which a password leads in a new browser.
func (v *visitor) reaches(word string) string {
	v.Helper()
	c := v.elsewhere()
	c.word = word
	c.get("/sign-in")
	c.goOn()
	c.follow()
	return fmt.Sprint(c.page.name, " ", c.page.status)
}

// signedInTwice is somebody who has 2FA, is signed in here and elsewhere, and
// confirmed it long ago.
func signedInTwice(t *testing.T, d door, operator bool) *visitor {
	t.Helper()
	return holder(t, d, operator).twice()
}

func (v *visitor) twice() *visitor {
	v.Helper()
	v.other = v.elsewhere()
	v.other.get("/sign-in")
	v.other.until(at("security"))
	v.move(6 * time.Minute)
	v.start, v.next = "/account/security", "teapot meadow signal ant"
	v.page = visited{}
	return v
}

// comes is the same person in a new browser, whose other is signed in.
func (v *visitor) comes(way string) *visitor {
	c := v.elsewhere()
	c.start, c.way, c.other = "/sign-in", way, v.other
	return c
}

// site opens premises in this process.
func site(t *testing.T, more string, https bool) *premises {
	t.Helper()
	return furnished(t, &premises{}, more, https)
}

func furnished(t *testing.T, p *premises, more string, https bool) *premises {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sallyport-test-")
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := furnish(folder, more, https); err != nil {
		t.Fatal(err)
	}
	if _, err := settle(p, folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
