package stories_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The apps of the stories: nobody listens there, as it is the proxy that asks.
const (
	wikiApp = "http://wiki.localhost"
	shopApp = "http://shop.localhost:8081"
	apps    = `apps:
  - id: wiki
    name: Wiki
    addresses: [http://wiki.localhost]
    groups: [everyone]
    need: two
    tell: [name, groups]
    rules:
      - paths: [/open/*]
        need: none
      - paths: [/news/*]
        need: one
      - paths: [/pay/*]
        need: two within 2m
      - paths: [/board/*]
        groups: [board]
        need: two
  - id: shop
    name: Shop
    addresses: [http://shop.localhost:8081]
    groups: [everyone]
    need: one
    tell: [email]
`
)

// site is an app as a browser sees it: behind a proxy that asks about each request.
type site struct {
	b       *browser
	origin  string
	cookies map[string]string
}

func (b *browser) site(origin string) *site { return &site{b, origin, map[string]string{}} }

// at sends a request to the gate's own addresses at the app's host.
func (s *site) at(path string) *page {
	s.b.t.Helper()
	r, err := http.NewRequest("GET", s.b.p.url+path, nil)
	if err != nil {
		s.b.t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(s.origin, "http://")
	return s.send(r)
}

func (s *site) send(r *http.Request) *page {
	s.b.t.Helper()
	r.Header.Set("X-Forwarded-Proto", "http")
	c := *s.b
	c.cookies = s.cookies
	return c.send(r)
}

// check is what the proxy is told about a request.
func (s *site) check(method, uri string, header ...string) *page {
	s.b.t.Helper()
	r, err := http.NewRequest("GET", s.b.p.url+"/.sallyport/forward-auth", nil)
	if err != nil {
		s.b.t.Fatal(err)
	}
	for name, value := range map[string]string{"X-Forwarded-Method": method, "X-Forwarded-Host": strings.TrimPrefix(s.origin, "http://"),
		"X-Forwarded-Uri": uri, "Accept": "text/html"} {
		r.Header.Set(name, value)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.send(r)
}

// open opens an address: to the app, or to the page of the portal that comes first.
func (s *site) open(uri string) *page {
	s.b.t.Helper()
	p := s.check("GET", uri)
	for range 10 {
		to := p.to()
		switch {
		case p.status != http.StatusSeeOther:
			return p
		case strings.HasPrefix(to, s.b.p.url):
			p = s.b.ask(strings.TrimPrefix(to, s.b.p.url))
			s.b.page = p
		case strings.HasPrefix(to, s.origin+"/.sallyport/"):
			p = s.at(strings.TrimPrefix(to, s.origin))
		case strings.HasPrefix(to, s.origin):
			p = s.check("GET", strings.TrimPrefix(to, s.origin))
		case strings.HasPrefix(to, "/"):
			p = s.b.ask(to)
			s.b.page = p
		default:
			s.b.t.Fatalf("%s leads to %q", p.url, to)
		}
	}
	s.b.t.Fatalf("redirects without end at %s", uri)
	return nil
}

// goesOn follows a form of the portal back to the app.
func (s *site) goesOn(p *page) *page {
	s.b.t.Helper()
	for p.status == http.StatusSeeOther && !strings.HasPrefix(p.to(), s.origin) {
		p = s.b.ask(strings.TrimPrefix(p.to(), s.b.p.url))
		s.b.page = p
	}
	if p.status != http.StatusSeeOther {
		return p
	}
	if !strings.HasPrefix(p.to(), s.origin+"/.sallyport/enter?") {
		s.b.t.Fatalf("it leads to %q", p.to())
	}
	p = s.at(strings.TrimPrefix(p.to(), s.origin))
	if p.status != http.StatusSeeOther || !strings.HasPrefix(p.to(), s.origin+"/") {
		s.b.t.Fatalf("it enters with %d to %q: %s", p.status, p.to(), p.brief())
	}
	return s.check("GET", strings.TrimPrefix(p.to(), s.origin))
}

// lets says who the app is told of.
func (p *page) lets(who string) {
	p.t.Helper()
	if p.status != http.StatusOK || p.header.Get("Remote-User") != who {
		p.t.Errorf("the check answered %d for %q, want 200 for %q: %s", p.status, p.header.Get("Remote-User"), who, p.brief())
	}
}

func (p *page) stops(status int) {
	p.t.Helper()
	if p.status != status || p.header.Get("Remote-User") != "" {
		p.t.Errorf("the check answered %d for %q, want %d", p.status, p.header.Get("Remote-User"), status)
	}
}

func TestAnAppIsEnteredBySigningIn(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada", "--email", "ada@example.org", "--group", "staff")
	b.get("/sign-out")
	b.press("Sign out")
	wiki := b.site(wikiApp)

	// The sign-in page says where it leads, and its form may end there.
	wiki.open("/page?q=a%20b&x=/../y")
	b.page.is(want{page: "sign-in", texts: []string{"to continue to Wiki"}})
	if csp := b.page.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' "+wikiApp) {
		t.Errorf("the form may end at %q", csp)
	}
	p.move(31 * time.Second)
	b.press("Sign in", "username", "ada", "password", password).leads("/2fa")
	b.get("/2fa").is(want{page: "app-code"})
	if csp := b.page.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' "+wikiApp) {
		t.Errorf("the form may end at %q", csp)
	}
	arrived := wiki.goesOn(b.press("Verify", "code", b.app.code()))
	arrived.lets("ada")
	if arrived.header.Get("Remote-Groups") != "staff" || arrived.header.Get("Remote-Name") != "ada" || arrived.header.Get("Remote-Email") != "" {
		t.Error(arrived.header)
	}

	// Another app is entered without a page, by a cookie of its own.
	shop := b.site(shopApp)
	shop.open("/").lets("ada")
	if shop.cookies["sallyport"] == wiki.cookies["sallyport"] || shop.cookies["sallyport"] == "" {
		t.Error("both apps have one cookie")
	}
	thief := p.browser().site(shopApp)
	thief.cookies["sallyport"] = wiki.cookies["sallyport"]
	thief.check("POST", "/").stops(401)
	thief = p.browser().site(wikiApp)
	thief.cookies["sallyport"] = b.cookies["session"]
	thief.check("POST", "/").stops(401)

	// What is no page gets no other page.
	nobody := p.browser().site(wikiApp)
	nobody.check("GET", "/", "Accept", "application/json").stops(401)
	nobody.check("POST", "/").stops(401)
	nobody.check("GET", "/open/x").lets("")

	// Signing out ends both.
	b.get("/sign-out")
	b.press("Sign out")
	wiki.check("POST", "/").stops(401)
	shop.check("POST", "/").stops(401)
}

func TestAHandOverIsGoodOnceAndSoonAndHere(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada")
	wiki := b.site(wikiApp)
	token := func() string {
		t.Helper()
		left := wiki.at("/.sallyport/leave?rd=%2Fpage")
		over := b.ask(strings.TrimPrefix(left.to(), p.url))
		if !strings.HasPrefix(over.to(), wikiApp+"/.sallyport/enter?token=") {
			t.Fatalf("it leads to %q", over.to())
		}
		return strings.TrimPrefix(over.to(), wikiApp)
	}
	// In another browser, which has been at the app itself, it opens nothing, and
	// leads that browser on to sign in by itself.
	one := token()
	thief := p.browser().site(wikiApp)
	thief.at(one)
	thief.check("POST", "/").stops(401)
	thief.at("/.sallyport/leave?rd=%2F")
	thief.at(one)
	thief.check("POST", "/").stops(401)
	// At another app it opens nothing.
	elsewhere := b.site(shopApp)
	elsewhere.at("/.sallyport/leave?rd=%2F")
	elsewhere.cookies["sallyport-bind"] = wiki.cookies["sallyport-bind"]
	if got := elsewhere.at(one); !strings.HasPrefix(got.to(), p.url+"/.sallyport/problem") || elsewhere.cookies["sallyport"] != "" {
		t.Errorf("at another app: %q, %v", got.to(), elsewhere.cookies)
	}
	// Here it is good, a reload leads to the same page, and then it is used up.
	if got := wiki.at(one); got.to() != wikiApp+"/page" || wiki.cookies["sallyport"] == "" {
		t.Fatalf("it leads to %q with %v", got.to(), wiki.cookies)
	}
	wiki.check("GET", "/page").lets("ada")
	if got := wiki.at(one); got.to() != wikiApp+"/page" {
		t.Errorf("a reload leads to %q", got.to())
	}
	again := b.site(wikiApp)
	again.cookies["sallyport-bind"] = wiki.cookies["sallyport-bind"]
	if got := again.at(one); !strings.HasPrefix(got.to(), p.url+"/.sallyport/hand-over?") || again.cookies["sallyport"] != "" {
		t.Errorf("used twice it leads to %q", got.to())
	}
	// After thirty seconds it is late.
	late := token()
	p.move(31 * time.Second)
	again.at(late)
	again.check("POST", "/").stops(401)
	// Changed by a letter it is none.
	forged := token()
	forged = forged[:len(forged)-2] + map[bool]string{true: "A", false: "B"}[forged[len(forged)-2] != 'A'] + forged[len(forged)-1:]
	if got := again.at(forged); !strings.HasPrefix(got.to(), p.url+"/.sallyport/problem") {
		t.Errorf("forged it leads to %q", got.to())
	}
	// After the session has ended it opens nothing.
	ended := token()
	b.get("/sign-out")
	b.press("Sign out")
	again.at(ended)
	again.check("POST", "/").stops(401)
}

func TestADoorAsksForWhatItsRuleSays(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada")
	wiki := b.site(wikiApp)
	wiki.open("/pay/all").lets("ada")
	p.move(2*time.Minute + time.Second)
	wiki.check("GET", "/page").lets("ada")
	wiki.check("POST", "/pay/all").stops(401)
	wiki.open("/pay/all?x=1")
	b.page.is(want{page: "confirm", texts: []string{"open an app that asks for both again"}})
	wiki.goesOn(b.press("Continue", "password", password, "code", b.app.code())).lets("ada")
	wiki.check("GET", "/pay/all").lets("ada")

	wiki.open("/board/minutes").is(want{status: 403, page: "error", texts: []string{"You may not open Wiki"}})
	p.cli("person", "set", "ada", "--group", "board")
	wiki.check("GET", "/board/minutes").lets("ada")
	p.cli("person", "set", "ada", "--group", "staff")
	wiki.check("POST", "/board/minutes").stops(403)

	p.cli("person", "disable", "ada")
	wiki.check("POST", "/page").stops(401)
	wiki.check("POST", "/open/page").lets("")
}

// Who has put the set-up off enters what asks for one factor, and is led to set it
// up by what asks for two.
func TestLevelOneStopsAtADoorThatAsksForTwo(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps, policy: "  grace_days: 14\n"})
	p.add("bob")
	b := p.browser()
	wiki, shop := b.site(wikiApp), b.site(shopApp)
	shop.open("/")
	b.page.is(want{page: "sign-in", texts: []string{"to continue to Shop"}})
	b.press("Sign in", "username", "bob", "password", password)
	b.get("/2fa/start").is(want{page: "two-factor-prompt"})
	shop.goesOn(b.press("Not now")).lets("bob")
	wiki.open("/news/today").lets("bob")
	wiki.check("POST", "/page").stops(401)
	wiki.open("/page")
	b.page.is(want{page: "sign-in"})
	b.do("Sign in", "username", "bob", "password", password)
	if b.page.name() == "two-factor-prompt" {
		b.click("Configure 2FA")
	}
	b.do("Continue").is(want{page: "setup-phone"})
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
	a := b.scan()
	b.do("Continue").is(want{page: "setup-app-code"})
	b.do("Verify", "code", a.code()).is(want{page: "setup-finish"})
	wiki.goesOn(b.press("Finish", "saved", "yes")).lets("bob")
}

func TestAddressesToReturnToStayAtTheApp(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada")
	for _, rd := range []string{"//evil.example/", `/\evil.example`, "https://evil.example/", "/a\r\nX: y", "", "evil", "@evil.example", ".evil.example/", ":80@evil.example/", "/" + strings.Repeat("a", 5000)} {
		wiki := b.site(wikiApp)
		got := wiki.at("/.sallyport/leave?rd=" + url.QueryEscape(rd))
		got = b.ask(strings.TrimPrefix(got.to(), p.url))
		if !strings.HasPrefix(got.to(), wikiApp+"/.sallyport/enter?token=") {
			t.Errorf("%q: the portal leads to %q", rd, got.to())
			continue
		}
		got = wiki.at(strings.TrimPrefix(got.to(), wikiApp))
		if at, err := url.Parse(got.to()); err != nil || at.Scheme+"://"+at.Host != wikiApp || at.User != nil {
			t.Errorf("%q: the app leads to %q", rd, got.to())
		}
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", "http://wiki.localhost@evil.example/", "http://wiki.localhost.evil.example/", "http://wiki.localhost:99/", "https://wiki.localhost/", "/account", ""} {
		got := b.ask("/.sallyport/hand-over?bind=" + strings.Repeat("a", 64) + "&to=" + url.QueryEscape(to))
		if got.to() != "" || got.status != 403 {
			t.Errorf("%q: %d to %q", to, got.status, got.to())
		}
	}
	// At an app's host there is nothing else of the portal.
	for _, path := range []string{"/", "/sign-in", "/account/security", "/.sallyport/hand-over", "/assets/x", "/.sallyport/../sign-in", "/readyz/"} {
		r, _ := http.NewRequest("GET", p.url+path, nil)
		r.URL.Opaque, r.Host = path, "wiki.localhost"
		resp, err := plainClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 421 && resp.StatusCode != 404 && resp.Header.Get("Location") != "/sign-in" || strings.Contains(string(body), "<form method=\"post\" action=\"/sign-in\"") {
			t.Errorf("%s at an app's host: %d", path, resp.StatusCode)
		}
	}
}

// A session that idles out at the portal lives on at an app that is used, and one
// that nobody uses ends at both.
func TestRequestsOfAnAppKeepItsSessionAlive(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada")
	wiki := b.site(wikiApp)
	wiki.open("/").lets("ada")
	for range 4 {
		p.move(25 * time.Minute)
		wiki.check("GET", "/").lets("ada")
		time.Sleep(1300 * time.Millisecond) // it is written on nobody's time
	}
	b.get("/account/security").is(want{page: "security"})
	p.move(61 * time.Minute)
	wiki.check("POST", "/").stops(401)
	b.get("/account/security").is(want{page: "signed-out"})
}
