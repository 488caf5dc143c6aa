package stories_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Every input of the run is like nothing else, so that it is found wherever it lies.
const (
	canaryName    = "canaryada"
	canaryPass    = "canary walnut 7f3a orbit"
	canaryPass2   = "canary teapot 9c1e meadow"
	canaryPass3   = "canary ladder 4b8d signal"
	canaryMail    = "canary.ada@example.org"
	canaryMail2   = "canary.new@example.net"
	canaryDisplay = "Canary Displayed"
	canaryGroup   = "canary-group"
	canaryApp     = "Canary Tablet"
	canaryNote    = "canary note of the desk"
	canaryUnknown = "canary-nobody"
	canaryWrong   = "canary wrong password"
	canaryQuery   = "canary-query-5d2b"
	canaryPath    = "canary-path-8e6f"
	canaryRd      = "canary-rd-3a9c"
	canaryHeader  = "canary-header-1f7d"
	canaryCookie  = "canary-cookie-6b4e"
	canaryTyped   = "canary-typed-2c8a"
)

// visit is a request and its answer, as whoever stands between sees them.
type visit struct {
	host, method, address, referer string
	status                         int
	header                         http.Header
	body                           string
}

// watcher stands before a portal as the end of https, and keeps all that passes.
type watcher struct {
	mu     sync.Mutex
	visits []visit
}

// watched is a portal on https behind a proxy that keeps everything.
func watched(t *testing.T, of settings) (*portal, *watcher) {
	t.Helper()
	of.url = "https://login.example.org"
	of.more += "insecure: true\n"
	p := install(t, of)
	p.logsAll()
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	inner, err := url.Parse("http://" + strings.TrimSpace(between(string(text), "listen: ", "\n")))
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(inner)
			r.Out.Host = "login.example.org"
			if foreign := r.In.Header.Get("X-Foreign-Host"); foreign != "" {
				r.Out.Host = foreign
			}
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				r.Out.Header[name] = r.In.Header[name]
			}
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			w.mu.Lock()
			defer w.mu.Unlock()
			w.visits = append(w.visits, visit{r.Request.Host, r.Request.Method, r.Request.URL.RequestURI(), r.Request.Header.Get("Referer"), r.StatusCode, r.Header.Clone(), string(body)})
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	p.url = front.URL
	return p, w
}

// secrets are what the run has put in or was given, by what it is.
type secrets map[string]string

func (s secrets) add(about string, values ...string) {
	for i, v := range values {
		if v != "" {
			s[fmt.Sprintf("%s %d", about, i)] = v
		}
	}
}

// found are those that stand in a text. Codes of six digits count as words alone, for
// the digits of a hash or a time may be the same.
func (s secrets) found(text string, but ...string) (list []string) {
	for about, secret := range s {
		if slices.ContainsFunc(but, func(prefix string) bool { return strings.HasPrefix(about, prefix) }) {
			continue
		}
		if len(secret) > 6 {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) || strings.Contains(text, html.EscapeString(secret)) {
				list = append(list, about+" "+secret)
			}
		} else if strings.Contains(text, secret) && regexp.MustCompile(`(^|[^0-9A-Za-z.])`+secret+`([^0-9A-Za-z]|$)`).MatchString(text) {
			list = append(list, about+" "+secret)
		}
	}
	slices.Sort(list)
	return list
}

// walk is the run: who is who, and what it knows.
type walk struct {
	*testing.T
	p     *portal
	w     *watcher
	m     *postfix
	known secrets
	owner *browser
}

// TestACanaryIsFoundNowhere puts something like nothing else into every input, goes
// through every flow, and then looks for it in all that the portal writes and answers.
func TestACanaryIsFoundNowhere(t *testing.T) {
	t.Parallel()
	m := openPostfix(t, "localhost", time.Now().Add(time.Hour))
	of := mailing(m)
	of.policy = "  require: optional\n  phone: optional\n"
	p, w := watched(t, of)
	p.trusting(m)
	p.serve()
	r := &walk{t, p, w, m, secrets{}, nil}
	r.strangers()
	r.enrols()
	r.usesApps()
	r.signsIn()
	r.changes()
	r.recovers()
	r.forgets()
	r.operators()
	r.ends()

	for _, l := range p.lines("") {
		r.known.add("dispute link", regexp.MustCompile(`[A-Z2-7]{26}`).FindAllString(l.Text, -1)...)
		r.known.add("text code "+l.ID, regexp.MustCompile(`^\d{6}\b`).FindString(l.Text))
	}
	r.answersHoldNothing()
	r.referrersHoldNothing()
	r.cookiesAreOurs()
	r.everyRouteWasWalked()
	r.everyEventWasWritten()
	r.databaseHoldsNothing()
	r.commandsSayNothing()
	p.stop()
	r.filesHoldNothing()
	r.logHoldsNothing()
}

// strange is a browser that says of itself what nobody should repeat.
func (r *walk) strange() *browser {
	b := r.p.browser()
	b.cookies["unknown"] = canaryCookie
	return b
}

// raw sends what no browser of ours does.
func (r *walk) raw(method, path, body string) {
	b := r.strange()
	b.raw(method, path, body, "Referer", "https://x.example/"+canaryHeader, "Accept-Language", canaryHeader, "X-Request-Id", canaryHeader,
		"Authorization", "Basic "+canaryHeader, "X-Real-Ip", canaryHeader, "Forwarded", "for="+canaryHeader, "Origin", "https://"+canaryHeader+".example")
}

func (r *walk) strangers() {
	for _, path := range []string{"/", "/sign-in?x=" + canaryQuery, "/" + canaryPath, "/" + canaryPath + "/%0d%0aSet-Cookie:x", "/sign-in?rd=/" + canaryRd, "/sign-in?name=" + canaryTyped,
		"/sign-in?notice=" + canaryQuery, "/invitation/" + canaryPath, "/password/" + canaryPath, "/not-me/" + canaryPath, "/account/mail/" + canaryPath, "/assets/" + canaryPath,
		"/confirm?to=" + canaryRd, "/forgot/sent", "/mail-confirmed", "/healthz", "/readyz", "/.well-known/change-password"} {
		r.raw("GET", path, "")
		r.strange().get(path)
	}
	r.raw("POST", "/sign-in", "username="+canaryTyped+"&password="+canaryTyped)
	r.raw("POST", "/"+canaryPath, canaryTyped)
	r.raw("CANARYMETHOD", "/"+canaryPath, "")
	b := r.strange()
	b.agent = "Canary/1 " + canaryHeader + " Firefox"
	b.get("/sign-in?rd=/" + canaryRd)
	b.do("Sign in", "username", canaryUnknown, "password", canaryWrong).is(want{problem: wrongDetails})
	b.get("/forgot")
	b.do("Send link", "username", canaryUnknown)
	foreign := r.p.browser()
	foreign.raw("GET", "/"+canaryPath, "", "X-Foreign-Host", canaryHeader+".example")
}

func (r *walk) enrols() {
	p := r.p
	link := p.invitation("person", "add", canaryName, "--display", canaryDisplay, "--email", canaryMail, "--group", canaryGroup)
	r.known.add("link of an invitation", strings.TrimPrefix(link, "/invitation/"))
	r.m.mail(canaryMail, "Welcome to Example")
	b := r.strange()
	b.get(link + "?x=" + canaryQuery).is(want{page: "invitation"})
	b.do("Save password", "password", "canary short")
	b.do("Save password", "password", canaryPass).is(want{page: "two-factor-prompt"})
	later := r.strange() // who puts it off
	later.get("/sign-in?rd=/account/activity?x=" + canaryRd)
	later.do("Sign in", "username", canaryName, "password", canaryPass).is(want{page: "two-factor-prompt"})
	later.do("Not now")
	later.get("/sign-in").is(want{page: "signed-in"})
	b.click("Configure 2FA")
	b.do("Continue").is(want{page: "setup-phone"})
	b.do("Send SMS", "phone", "+44 "+canaryTyped).is(want{page: "setup-phone", status: 422}.any(b))
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.tab().ask("/2fa/setup/phone/code/state")
	r.wrong("text code", b, "123987")
	p.move(31 * time.Second)
	b.get("/2fa/setup/phone/code")
	b.do("Send SMS again")
	p.code(e164)
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
	b.app = b.scan()
	r.known.add("first key", b.app.secret.Text(), string(b.app.secret.Key), b.app.secret.Groups())
	b.do("Make a new QR code")
	b.app = b.scan()
	b.tab().ask("/2fa/setup/qr.png")
	r.known.add("key", b.app.secret.Text(), string(b.app.secret.Key), b.app.secret.Groups())
	b.do("Continue").is(want{page: "setup-app-code"})
	b.get("/2fa/start/again")
	b.get("/2fa/setup")
	b.get("/2fa/setup/code")
	r.wrong("app code", b, b.app.wrongs(1)[0])
	r.known.add("app code", b.app.code())
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.codes = b.saved()
	r.known.add("recovery code", b.codes...)
	b.tab().ask("/2fa/setup/codes.txt")
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	p.text(e164, "2FA was set up")
	r.owner = b
}

// wrong enters a wrong code, and knows it.
func (r *walk) wrong(about string, b *browser, code string) {
	r.known.add("wrong "+about+" "+code, code)
	field := "code"
	if len(code) > 6 {
		field = "recovery"
	}
	b.do("Verify", field, code)
	if len(b.page.problems()) == 0 {
		r.Errorf("the wrong %s %s was right: %s", about, code, b.page.brief())
	}
}

// in signs somebody in with a fresh code.
func (r *walk) in(b *browser, word string) *page {
	r.p.move(31 * time.Second)
	b.get("/sign-in")
	b.do("Sign in", "username", canaryName, "password", word).is(want{page: "app-code"})
	code := r.owner.app.code()
	r.known.add("app code of "+code, code)
	return b.do("Verify", "code", code)
}

func (r *walk) signsIn() {
	p, b := r.p, r.owner
	b.follow(b.form("/sign-out", "token", b.get("/account/security").token())).is(want{page: "signed-out"})
	b.do("Forget this browser")
	b.get("/sign-out").is(want{page: "confirm"})
	b.get("/sign-in?rd=/account/activity?x=" + canaryRd)
	p.move(31 * time.Second)
	b.do("Sign in", "username", canaryName, "password", canaryWrong).is(want{problem: wrongDetails})
	b.do("Sign in", "username", canaryName, "password", canaryPass).is(want{page: "app-code"})
	r.wrong("app code", b, b.app.wrongs(2)[1])
	b.do("Verify", "code", canaryTyped)
	code := b.app.code()
	r.known.add("app code of a sign-in", code)
	b.do("Verify", "code", code).is(want{page: "activity"})
	// After idling, and once more.
	p.move(61 * time.Minute)
	b.get("/account/activity?x=" + canaryRd).is(want{page: "signed-out"})
	b.click("Sign in")
	b.do("Sign in", "password", canaryPass).is(want{page: "activity"})
	b.form("/account/stay")
}

// confirms shows password and code again where the page asks for them.
func (r *walk) confirms(path string) *page {
	b := r.owner
	r.p.move(5*time.Minute + 31*time.Second)
	if b.get(path); b.page.h1() != "Confirm it is you" {
		r.Fatalf("%s asks for nothing: %s", path, b.page.brief())
	}
	b.do("Continue", "password", canaryWrong, "code", b.app.wrongs(4)[3])
	code := b.app.code()
	r.known.add("app code that confirms "+path, code)
	return b.do("Continue", "password", canaryPass, "code", code)
}

func (r *walk) changes() {
	p, b := r.p, r.owner
	r.confirms("/account/apps/" + p.query("SELECT id FROM factors WHERE kind = 'app' AND ended_at = 0") + "/name")
	b.do("Save", "name", canaryApp).is(want{page: "security"})
	r.confirms("/account/app").is(want{page: "setup-scan"})
	b.tab().ask("/account/app/qr.png")
	b.do("Make a new QR code")
	second := b.scan()
	r.known.add("second key", second.secret.Text(), string(second.secret.Key), second.secret.Groups())
	b.do("Continue").is(want{page: "setup-app-code"})
	r.wrong("new app code", b, second.wrongs(6)[5])
	r.known.add("second app code", second.code())
	b.do("Verify", "code", second.code()).is(want{page: "security"})
	b.click("Remove Phone app").is(want{page: "confirm"})
	b.do("Remove").is(want{page: "security"})
	b.click("Replace " + canaryApp).is(want{page: "setup-scan"})
	third := b.scan()
	r.known.add("third key", third.secret.Text(), string(third.secret.Key), third.secret.Groups())
	b.do("Continue")
	b.do("Verify", "code", third.code()).is(want{page: "security"})
	b.app = third

	r.confirms("/account/codes/new")
	b.do("Make new codes").is(want{page: "setup-finish"})
	b.codes = b.saved()
	r.known.add("new recovery code", b.codes...)
	b.get("/account/codes")
	b.follow(b.form("/account/codes", "saved", "yes"))

	r.confirms("/account/phone").is(want{page: "setup-phone"})
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	p.code(e164two)
	p.move(31 * time.Second)
	b.do("Send SMS again")
	b.do("Verify", "code", p.code(e164two)).is(want{page: "security"})
	b.get("/account/phone/remove").is(want{page: "confirm"})
	b.do("Remove").is(want{page: "security"})
	p.move(73 * time.Hour) // a number after one that was removed waits
	r.in(b, canaryPass).is(want{page: "security"})
	b.get("/account/phone")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.do("Verify", "code", p.code(e164)).is(want{page: "security"})

	r.confirms("/account/mail").is(want{page: "mail"})
	b.do("Send link", "mail", canaryTyped)
	b.do("Send link", "mail", canaryMail2).is(want{page: "mail"})
	r.m.mail(canaryMail2, "Confirm your mail address")
	p.move(31 * time.Second)
	b.do("Send again")
	link := r.letter(canaryMail2, "Confirm your mail address")
	c := r.strange()
	c.get(link).is(want{page: "mail"})
	c.do("Confirm address").is(want{page: "mail"})
	r.m.mail(canaryMail2, "The mail address of your Example account was changed")
	b.get("/account/mail/remove").is(want{page: "confirm"})
	b.do("Remove").is(want{page: "security"})
	p.cli("person", "set", canaryName, "--email", canaryMail)
	r.m.mail(canaryMail, "The mail address of your Example account was changed")

	// Other browsers, which the password alone signs out.
	for range 2 {
		r.in(r.strange(), canaryPass).is(want{page: "security"})
	}
	b.get("/confirm?to=/account/browsers/sign-out")
	b.do("Continue", "password", canaryWrong)
	b.do("Continue", "password", canaryPass).is(want{page: "security"})
	session := p.query("SELECT id FROM sessions WHERE ended_at = 0 ORDER BY made_at DESC LIMIT 1 OFFSET 1")
	b.follow(b.form("/account/browsers/" + session[:16] + "/sign-out")).is(want{page: "security"})
	b.follow(b.form("/account/browsers/" + p.query("SELECT id FROM known ORDER BY made_at DESC LIMIT 1") + "/forget")).is(want{page: "security"})
	b.do("Sign out everywhere else").is(want{page: "security"})
	r.confirms("/account/password").is(want{page: "password"})
	b.do("Save password", "password", "canary short")
	b.do("Save password", "password", canaryPass2).is(want{page: "security"})
}

// letter is the path of the link in the next mail.
func (r *walk) letter(to, subject string) string {
	l := r.m.mail(to, subject)
	found := regexp.MustCompile(`https://login\.example\.org(/(?:invitation|password|not-me|account/mail)/([A-Z2-7]{26}))`).FindStringSubmatch(l.text)
	if found == nil {
		r.Fatalf("no link in %q:\n%s", subject, l.text)
	}
	r.known.add("link of "+subject, found[2])
	return found[1]
}

// back signs in on the way past the app, with the present password.
func (r *walk) back(word string) *browser {
	r.p.move(61 * time.Minute) // no wait is longer
	b := r.strange()
	b.get("/sign-in")
	b.do("Sign in", "username", canaryName, "password", word)
	return b
}

// again sets an app up again, from where a recovery shows its key.
func (r *walk) again(b *browser) {
	r.Helper()
	b.is(want{page: "setup-scan"})
	b.app = b.scan()
	r.known.add("key of a recovery "+b.app.secret.Text(), b.app.secret.Text(), string(b.app.secret.Key), b.app.secret.Groups())
	b.do("Continue").is(want{page: "setup-app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.codes = b.saved()
	r.known.add("recovery code of "+b.app.secret.Text(), b.codes...)
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	r.owner = b
}

// exec changes the database behind the portal's back.
func (r *walk) exec(statement string) {
	r.Helper()
	db := r.p.base()
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		r.Fatal(err)
	}
}

func (r *walk) recovers() {
	p := r.p
	codes := r.owner.codes
	b := r.back(canaryPass2)
	b.click("I cannot use my app")
	b.click("Enter a recovery code")
	r.wrong("recovery code", b, "7RMK-2P9D-7XPD-93HC")
	b.do("Verify", "recovery", canaryTyped)
	b.do("Verify", "recovery", codes[0]).is(want{page: "replace"})
	b.do("Continue", "still", "yes").is(want{page: "security"})

	b = r.back(canaryPass2)
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", codes[1]).is(want{page: "replace"})
	b.do("Continue", "still", "no").is(want{page: "setup-app"})
	b.do("Continue").is(want{page: "setup-phone"})
	b.do("Yes, use this number").is(want{page: "setup-phone-code"})
	b.do("Verify", "code", p.text(e164, " code. Do not share it.")[:6]).is(want{page: "setup-scan"})
	r.again(b)

	p.move(73 * time.Hour)
	b = r.back(canaryPass2)
	b.get("/2fa/other")
	b.do("Send SMS").is(want{page: "text-code"})
	r.wrong("text code", b, "321789")
	p.move(2 * time.Minute)
	b.get("/2fa/text")
	b.tab().ask("/2fa/text/state")
	b.tab().ask("/account")
	b.tab().ask("/account/phone/code/state")
	b.do("Send SMS again")
	p.text(e164, " code to set up a new app")
	b.do("Verify", "code", p.text(e164, " code to set up a new app")[:6]).is(want{page: "replace"})
	b.do("Continue").is(want{page: "setup-app"})
	b.do("Continue")
	r.again(b)

	// A hundred misses end the app.
	r.exec("UPDATE factors SET misses = 99 WHERE kind = 'app' AND ended_at = 0")
	b = r.back(canaryPass2)
	r.known.add("last wrong code", r.owner.app.wrongs(8)[7])
	b.do("Verify", "code", r.owner.app.wrongs(8)[7]).is(want{page: "other-way"})
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", r.owner.codes[0]).is(want{page: "replace"})
	b.do("Continue").is(want{page: "setup-app"})
	b.do("Continue").is(want{page: "setup-phone"})
	p.move(31 * time.Second)
	b.do("Yes, use this number").is(want{page: "setup-phone-code"})
	b.do("Verify", "code", p.text(e164, " code. Do not share it.")[:6])
	r.again(b)

	// Who waits, and comes back with the app.
	p.add("canaryroot", "--operator")
	r.known.add("password of an operator", password)
	root := p.browser()
	root.wizard("canaryroot", number3, e164three)
	r.known.add("key of an operator", root.app.secret.Text(), string(root.app.secret.Key))
	r.known.add("recovery code of an operator", root.codes...)
	p.move(31 * time.Second)
	b = p.browser()
	b.enter("canaryroot", password)
	b.get("/2fa/other")
	b.do("Send SMS")
	b.do("Verify", "code", p.text(e164three, " code to set up a new app")[:6]).is(want{page: "recovery-wait"})
	p.browser().signIn("canaryroot", root.app).is(want{page: "security"})
}

func (r *walk) forgets() {
	p, m := r.p, r.m
	b := r.strange()
	b.get("/forgot")
	b.do("Send link", "username", canaryName).is(want{page: "forgot"})
	link := r.letter(canaryMail, "Choose a new Example password")
	b.get(link).is(want{page: "password"})
	b.do("Save password", "password", canaryPass2)
	b.do("Save password", "password", canaryPass3).is(want{page: "sign-in"})
	m.mail(canaryMail, "Your Example password was reset")
	p.move(31 * time.Second)
	r.in(r.owner, canaryPass3).is(want{page: "security"})
	p.cli("person", "set", canaryName, "--ask-for-new-password")
	r.in(r.owner, canaryPass3).is(want{page: "password"})
	r.owner.do("Save password", "password", canaryPass).is(want{page: "security"})
	// 2FA off, and on again.
	b = r.owner
	p.move(6 * time.Minute)
	r.confirms("/account/2fa/off").is(want{page: "confirm"})
	b.do("Turn off 2FA").is(want{page: "security"})
	b.follow(b.form("/sign-out", "token", b.get("/account/security").token()))
	b.get("/sign-in")
	b.do("Sign in", "username", canaryName, "password", canaryPass)
	b.get("/sign-in").is(want{page: "signed-in"})
}

func (r *walk) operators() {
	p := r.p
	code := p.setupCode("person", "reset-2fa", canaryName, "--checked", "in-person", "--note", canaryNote, "--keep-phone")
	r.known.add("setup code", code)
	b := r.back(canaryPass)
	b.is(want{page: "setup-code"})
	b.do("Continue", "code", "0000-0000")
	b.do("Continue", "code", code).is(want{page: "two-factor-prompt"})
	b.click("Configure 2FA")
	b.do("Continue")
	r.again(b)
	if link, ok := b.get("/account/activity").link("This was not me: 2FA set up, " + "x"); ok {
		r.Errorf("a link %s", link)
	}
	own := regexp.MustCompile(`/account/activity/[^"/]+/not-me`).FindString(b.page.main())
	b.get(own).is(want{page: "not-me"})
	b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
	r.back(canaryPass).is(want{status: 403, page: "held"})
	code = p.setupCode("person", "release", canaryName, "--checked", "call-back", "--note", canaryNote)
	r.known.add("setup code after a hold", code)
	b = r.back(canaryPass)
	b.do("Continue", "code", code).is(want{page: "two-factor-prompt"})
	b.get("/2fa/start/again").is(want{page: "confirm"})
	b.do("Start again").is(want{page: "two-factor-prompt"})
	b.click("Configure 2FA")
	b.do("Continue")
	if b.page.name() == "setup-phone" {
		b.do("Send SMS", "phone", number2)
		b.do("Verify", "code", p.text(e164two, " code. Do not share it.")[:6])
	}
	r.again(b)
	link := r.p.notMe(e164three)
	c := r.strange()
	c.get(link).is(want{page: "not-me"})
	c.do("It was not me").is(want{page: "not-me"})

	// Limits: a lane that closes, and texts that stop.
	r.exec("UPDATE limits SET used = 299 WHERE key LIKE 'year/%'")
	b = r.back(canaryPass)
	r.known.add("the three hundredth wrong code", r.owner.app.wrongs(9)[8])
	b.do("Verify", "code", r.owner.app.wrongs(9)[8]).is(want{status: 403, page: "wait"}.any(b))
	p.move(61 * time.Minute)
	p.pumped()
	p.move(4 * time.Minute)
	late := p.toNumber("latecomer")
	typed, _ := washington(51)
	late.do("Send SMS", "phone", typed).is(want{status: 429, page: "setup-phone", problem: strings.Join(late.page.problems(), " | ")}.any(late))

	p.cli("person", "set", canaryName, "--display", canaryDisplay+" too")
	p.cli("person", "disable", canaryName)
	r.back(canaryPass).is(want{status: 403, page: "error"})
	p.cli("person", "enable", canaryName)
	p.cli("person", "sign-out", canaryName)
	p.cli("person", "export", "canaryroot")
	p.cli("person", "delete", "latecomer", "--yes")
}

// ends leaves the cookies that were given among what is looked for.
func (r *walk) ends() {
	for _, v := range r.w.visits {
		for _, c := range (&http.Response{Header: v.header}).Cookies() {
			if c.Value != "" {
				r.known.add("cookie "+c.Name+" "+c.Value, c.Value)
			}
		}
	}
	r.known.add("password", canaryPass, canaryPass2, canaryPass3, canaryWrong, "canary short")
	r.known.add("number", "2025550143", "555-0143", "2025550199", "555-0199", "2025550177", "555-0177")
	r.known.add("mail", canaryMail, canaryMail2)
	if len(r.known) < 150 {
		r.Errorf("only %d secrets: this test is blind", len(r.known))
	}
	r.p.cli("key", "rotate")
	r.p.cli("sms", "open", "US")
	for _, args := range [][]string{{"audit", "export"}, {"audit", "export", "--csv"}, {"audit", "tail"}, {"audit", "verify"}, {"key", "status"}} {
		if found := r.known.found(r.p.cli(args...)); len(found) > 0 {
			r.Errorf("sallyport %v prints %q", args, found)
		}
	}
	r.p.cli("backup", "canary.backup")
}

var addressMark = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// answersHoldNothing looks at every address that browsers go to, keep or send on, and
// at every page.
func (r *walk) answersHoldNothing() {
	inputs := []string{canaryHeader, canaryCookie, canaryQuery, canaryPath, canaryUnknown}
	for _, v := range r.w.visits {
		at := fmt.Sprintf("%s %s, %d", v.method, v.address, v.status)
		name := between(v.body, `data-page="`, `"`)
		for where, text := range map[string]string{"address": v.address, "Location": v.header.Get("Location")} {
			if found := r.known.found(text, append(inAddress(text), "link", "dispute link")...); len(found) > 0 {
				r.Errorf("%s: the %s holds %q", at, where, found)
			}
		}
		for name, values := range v.header {
			if told := name == "Remote-Token" || name == "Remote-Email"; name == "Location" || name == "Set-Cookie" || told && v.checks() {
				continue // looked at by itself, or what an app behind the gate is told
			}
			if found := r.known.found(strings.Join(values, " ")); len(found) > 0 {
				r.Errorf("%s: the header %s holds %q", at, name, found)
			}
		}
		if strings.HasPrefix(v.address, "/assets/") {
			continue
		}
		for _, m := range addressMark.FindAllStringSubmatch(v.body, -1) {
			to := html.UnescapeString(m[1])
			if strings.HasPrefix(to, "otpauth://") && name == "setup-scan" {
				continue
			}
			if found := r.known.found(to, "link", "dispute link"); len(found) > 0 {
				r.Errorf("%s: a link on the page holds %q", at, found)
			}
		}
		but := []string{}
		switch name {
		case "setup-scan":
			but = append(but, "key", "first key", "second key", "third key")
		case "setup-finish":
			but = append(but, "recovery code", "new recovery code")
		case "setup-phone", "setup-phone-code":
			but = append(but, "number")
		case "mail":
			but = append(but, "mail")
		case "":
			switch {
			case strings.HasSuffix(v.address, "/codes.txt"):
				but = append(but, "recovery code", "new recovery code")
			case v.address == "/oidc/token": // it is what a client came for
				but = append(but, "token", "ID token")
			case v.address == "/oidc/userinfo":
				but = append(but, "mail")
			}
		}
		found := slices.DeleteFunc(r.known.found(v.body, but...), func(one string) bool {
			return strings.Contains(one, "link") && strings.Contains(v.address, one[strings.LastIndex(one, " ")+1:]) // the form of the link that was opened
		})
		if len(found) > 0 {
			r.Errorf("%s (%s): the page holds %q", at, name, found)
		}
		if name == "error" && strings.Contains(v.body, "canary") {
			r.Errorf("%s: the error page repeats what it was asked", at)
		}
		for _, in := range inputs {
			if strings.Contains(v.body, in) && !(in == canaryUnknown && (name == "sign-in" || name == "forgot")) {
				r.Errorf("%s (%s): the page holds %s", at, name, in)
			}
			if strings.Contains(fmt.Sprint(v.header), in) && !strings.Contains(v.header.Get("Location"), in) {
				r.Errorf("%s: a header holds %s", at, in)
			}
		}
	}
}

// cookiesAreOurs looks at every cookie that was set: its name, its marks and its life.
func (r *walk) cookiesAreOurs() {
	lives := map[string]string{"__Host-csrf": "", "__Host-attempt": "", "__Host-session": "", "__Host-setup": "; Max-Age=172800", "__Host-known": "; Max-Age=15552000",
		"__Host-sallyport": "", "__Host-sallyport-bind": ""} // at the host of an app
	seen := map[string]bool{}
	for _, v := range r.w.visits {
		for _, c := range v.header.Values("Set-Cookie") {
			name, rest, _ := strings.Cut(c, "=")
			value, marks, _ := strings.Cut(rest, ";")
			life, ours := lives[name]
			if value == "" {
				life = "; Max-Age=0"
			}
			seen[name] = true
			if marks = ";" + marks; !ours || marks != "; Path=/"+life+"; HttpOnly; Secure; SameSite=Lax" {
				r.Errorf("%s %s sets %s=…%s", v.method, v.address, name, marks)
			}
			if value != "" && len(value) < 43 {
				r.Errorf("%s is too short: %q", name, value)
			}
		}
		hsts := "max-age=31536000; includeSubDomains"
		switch {
		case v.checks():
			hsts = "" // the proxy's to set, and the app's
		case "https://"+v.host == canaryWiki:
			hsts = "max-age=31536000" // hosts below an app's are not ours
		}
		if got := v.header.Get("Strict-Transport-Security"); got != hsts {
			r.Errorf("%s %s, %d: HSTS is %q", v.method, v.address, v.status, got)
		}
	}
	if len(seen) != len(lives) {
		r.Errorf("the cookies that were set are %v", seen)
	}
}

// everyRouteWasWalked holds the visits against the table of routes: what nobody went
// to was not looked at.
func (r *walk) everyRouteWasWalked() {
	source, err := os.ReadFile(filepath.Join("..", "front", "portal", "portal.go"))
	if err != nil {
		r.Fatal(err)
	}
	list := []string{"GET /.sallyport/forward-auth", "GET /.sallyport/auth-request", "GET /.sallyport/ext-authz/{uri...}"} // the proxies'
	for _, m := range regexp.MustCompile(`"((?:GET|POST) /[^"]*)":`).FindAllStringSubmatch(string(source), -1) {
		list = append(list, m[1])
	}
	list = append(list, patterns(r.T, "gate", 5)...)
	list = append(list, patterns(r.T, "oidc", 14)...)
	mux, missing := http.NewServeMux(), map[string]bool{}
	for _, pattern := range list {
		mux.Handle(pattern, http.NotFoundHandler())
		missing[pattern] = true
	}
	for _, v := range r.w.visits {
		request, err := http.NewRequest(v.method, "https://login.example.org"+v.address, nil)
		if err != nil {
			continue
		}
		_, pattern := mux.Handler(request)
		delete(missing, pattern)
	}
	for route := range missing {
		r.Errorf("nobody went to %s", route)
	}
}

// everyEventWasWritten holds the log of changes against the published inventory.
func (r *walk) everyEventWasWritten() {
	elsewhere := map[string]string{"restored": "TestABackupUnderLoadMakesTheSamePortal", "audit-pruned": "TestStories/audit", // each would take away what is looked for
		"refresh-reused": "TestOpenIDConnectRefusesWhatTheStandardsRefuse", "guarded-app-changed": "TestStories/apps", "guarded-app-removed": "TestStories/apps"}
	page, err := os.ReadFile(filepath.Join("..", "docs", "reference", "events.md"))
	if err != nil {
		r.Fatal(err)
	}
	written := map[string]bool{}
	db := r.p.base()
	defer db.Close()
	rows, err := db.Query("SELECT DISTINCT event FROM audit")
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var event string
		if err := rows.Scan(&event); err != nil {
			r.Fatal(err)
		}
		written[event] = true
	}
	listed := regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(string(page), -1)
	if len(listed) < 40 {
		r.Fatalf("%d events are listed", len(listed))
	}
	for _, m := range listed {
		if !written[m[1]] && elsewhere[m[1]] == "" {
			r.Errorf("the inventory has %s, and nothing wrote it: walk what does, or name the story that has it", m[1])
		}
		delete(written, m[1])
	}
	if len(written) > 0 {
		r.Errorf("written, and not in the inventory: %v", written)
	}
}

// typed are the inputs that are kept nowhere readable.
var typed = []string{canaryQuery, canaryPath, canaryRd, canaryHeader, canaryCookie, canaryTyped, canaryUnknown, canaryNote}

// clean fails for each secret and each input in something that is kept.
func (r *walk) clean(where, text string) {
	r.Helper()
	if found := r.known.found(text); len(found) > 0 {
		r.Errorf("%s holds %q", where, found)
	}
	for _, in := range typed {
		if strings.Contains(text, in) {
			r.Errorf("%s holds %s", where, in)
		}
	}
}

// databaseHoldsNothing reads every column of every row.
func (r *walk) databaseHoldsNothing() {
	db := r.p.base()
	defer db.Close()
	all := ""
	for _, table := range tables(r.T, db) {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			r.Fatal(err)
		}
		columns, _ := rows.Columns()
		text := ""
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				r.Fatal(err)
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				text += fmt.Sprint(v) + "|"
			}
		}
		rows.Close()
		r.clean("the table "+table, text)
		all += text
	}
	for _, plain := range []string{canaryName, canaryDisplay, canaryGroup} {
		if !strings.Contains(all, plain) {
			r.Errorf("the search does not find %s: it is blind", plain)
		}
	}
}

// commandsSayNothing looks at what commands print of people.
func (r *walk) commandsSayNothing() {
	for _, args := range [][]string{{"person", "list"}, {"person", "list", "--json"}, {"person", "show", canaryName}, {"doctor"}} {
		a := r.p.run(r.p.dir, nil, "", args...)
		if found := r.known.found(a.out+a.err, "mail"); len(found) > 0 {
			r.Errorf("sallyport %v prints %q", args, found)
		}
	}
	out := r.p.cli("person", "export", canaryName)
	if found := r.known.found(out, "mail", "number"); len(found) > 0 || !strings.Contains(out, canaryNote) {
		r.Errorf("the export holds %q, and its note %v", found, strings.Contains(out, canaryNote))
	}
	for _, to := range []string{canaryMail, canaryMail2} {
		list := r.m.letters(to)
		if len(list) == 0 {
			r.Errorf("no mail to %s", to)
		}
		for _, l := range list {
			if found := r.known.found(l.subject+l.text, "mail", "link", "dispute link"); len(found) > 0 {
				r.Errorf("the mail %q holds %q", l.subject, found)
			}
		}
	}
}

// filesHoldNothing looks at the bytes of the files: of the database, and of a backup.
func (r *walk) filesHoldNothing() {
	files, _ := filepath.Glob(filepath.Join(r.p.dir, "data", "*"))
	if len(files) == 0 && os.Getenv("STORIES_DATABASE") == "" {
		r.Error("there is no file of the database")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			r.Fatal(err)
		}
		r.clean(filepath.Base(file), string(raw))
	}
	f, err := os.Open(filepath.Join(r.p.dir, "canary.backup"))
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		r.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil || !strings.Contains(string(raw), canaryName) {
		r.Errorf("the backup cannot be looked at: %v", err)
	}
	r.clean("the backup", string(raw))
}

// logHoldsNothing reads each line without its times, in which any digits may stand.
func (r *walk) logHoldsNothing() {
	answered := 0
	for _, text := range strings.Split(strings.TrimSpace(r.p.log.String()), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			r.Errorf("a line is %q: %v", text, err)
			continue
		}
		if line["msg"] == "answered" {
			answered++
		}
		delete(line, "time")
		delete(line, "ms")
		said := fmt.Sprint(line)
		r.clean("the log", said)
		if strings.Contains(strings.ToLower(said), "canary") || strings.Contains(said, "198.51.") || strings.Contains(said, "Firefox") {
			r.Errorf("the log says who: %s", text)
		}
	}
	if answered < len(r.w.visits)*9/10 {
		r.Errorf("%d lines of %d visits: this test is blind", answered, len(r.w.visits))
	}
}
