package stories_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The apps of the run: one behind a proxy, and a client of OpenID Connect.
const (
	canaryPortal = "https://login.example.org"
	canaryWiki   = "https://wiki.example.org"
	canaryDesk   = "https://desk.example"
)

// checks says whether it was a proxy that asked.
func (v visit) checks() bool {
	return strings.HasPrefix(v.address, "/.sallyport/forward-auth") || strings.HasPrefix(v.address, "/.sallyport/auth-request") || strings.HasPrefix(v.address, "/.sallyport/ext-authz")
}

// inAddress is what an address holds because its protocol has it there: a hand-over,
// which is good once, for 30 seconds, in one browser; a code, once, for a minute, for
// who has the verifier; and the ID token by which a client says whom to sign out.
func inAddress(to string) (but []string) {
	to = strings.TrimPrefix(to, canaryWiki)
	switch {
	case strings.HasPrefix(to, "/.sallyport/enter?token="):
		return []string{"hand-over"}
	case strings.HasPrefix(to, canaryDesk+"/callback?"):
		return []string{"code of a client"}
	case strings.HasPrefix(to, "/oidc/end-session?"):
		return []string{"ID token"}
	}
	return nil
}

// at sends a request to the host of the app, as its proxy does.
func (r *walk) at(wiki *browser, path string, header ...string) *page {
	return wiki.raw("GET", path, "", append([]string{"X-Foreign-Host", "wiki.example.org", "X-Forwarded-Proto", "https"}, header...)...)
}

// check is what the proxy of the app is told.
func (r *walk) check(wiki *browser, path string) *page {
	return r.at(wiki, path, "X-Forwarded-Method", "GET", "X-Forwarded-Host", "wiki.example.org", "X-Forwarded-Uri", "/page?x="+canaryRd, "Accept", "text/html")
}

// goes follows redirects between portal and app, to a page of ours or to elsewhere.
func (r *walk) goes(b, wiki *browser, p *page) *page {
	r.Helper()
	for range 12 {
		to := strings.TrimPrefix(p.to(), canaryPortal)
		switch {
		case p.status != http.StatusSeeOther:
			b.page = p
			return p
		case strings.HasPrefix(to, "/"):
			p = b.ask(to)
		case strings.HasPrefix(to, canaryWiki+"/.sallyport/"):
			if token := between(to, "enter?token=", "&"); token != "" {
				r.known.add("hand-over "+token, token)
			}
			p = r.at(wiki, strings.TrimPrefix(to, canaryWiki))
		default:
			return p
		}
	}
	r.Fatalf("redirects without end at %s", p.url)
	return nil
}

// usesApps enters the app behind its proxy, and lets the client in.
func (r *walk) usesApps() {
	p := r.p
	p.cli("app", "add", "wiki", "--name", "Wiki", "--address", canaryWiki, "--group", "everyone", "--tell", "name", "--tell", "email", "--token")
	if a := p.run(p.dir, nil, secret+"\n", "app", "add", "desk", "--name", "Desk", "--group", "everyone", "--tell", "name", "--tell", "email", "--redirect", canaryDesk+"/callback",
		"--after-sign-out", canaryDesk+"/bye", "--refresh", "--secret-stdin"); a.code != 0 {
		r.Fatal(a.err)
	}
	r.known.add("secret of a client", secret)
	b := r.strange()
	r.entersTheApp(b)
	r.letsTheClientIn(b)
}

func (r *walk) entersTheApp(b *browser) {
	p, wiki := r.p, r.strange()
	p.move(31 * time.Second)
	r.goes(b, wiki, r.check(wiki, "/.sallyport/forward-auth")).is(want{page: "sign-in", texts: []string{"to continue to Wiki"}})
	r.goes(b, wiki, b.press("Sign in", "username", canaryName, "password", canaryPass)).is(want{page: "app-code"})
	code := r.owner.app.code()
	r.known.add("app code on the way to an app", code)
	if in := r.goes(b, wiki, b.press("Verify", "code", code)); in.to() != canaryWiki+"/page?x="+canaryRd {
		r.Fatalf("it leads to %q: %s", in.to(), in.brief())
	}
	for _, path := range []string{"/.sallyport/forward-auth", "/.sallyport/auth-request", "/.sallyport/ext-authz/page?x=" + canaryRd} {
		in := r.check(wiki, path)
		if in.status != http.StatusOK || in.header.Get("Remote-User") != canaryName || in.header.Get("Remote-Token") == "" {
			r.Errorf("%s: %d, %v", path, in.status, in.header)
		}
		r.known.add("signed word of the gate "+path, in.header.Get("Remote-Token"))
		r.check(r.strange(), path).stops(map[bool]int{true: 401, false: 303}[strings.HasSuffix(path, "auth-request")])
	}
	again := r.goes(b, r.strange(), r.at(r.strange(), "/.sallyport/enter?token="+canaryTyped)) // forged, by a browser without cookies
	again.is(want{status: 403, page: "error"})
	r.goes(b, wiki, r.at(wiki, "/.sallyport/enter?token="+canaryTyped)).is(want{status: 403, page: "error"})
	r.goes(b, wiki, r.at(wiki, "/.sallyport/sign-out")).is(want{page: "confirm"})
}

func (r *walk) letsTheClientIn(b *browser) {
	p := r.p
	c := &party{p: p, id: "desk", redirect: canaryDesk + "/callback", auth: "basic", verifier: strings.Repeat("canary-verifier-", 3), state: "state of " + canaryRd, nonce: "n"}
	r.known.add("verifier", c.verifier)
	query := c.query("scope", "openid profile email offline_access")
	p.look("/.well-known/openid-configuration")
	p.look("/oidc/keys")
	asked := r.strange().ask("/oidc/authorize?" + query) // on the way to sign in
	at, err := url.Parse(asked.to())
	if err != nil {
		r.Fatal(err)
	}
	b.ask(at.Query().Get("rd")).is(want{page: "consent"})
	if no := b.press("Not now").to(); !strings.Contains(no, "error=access_denied") {
		r.Errorf("a no leads to %q", no)
	}
	code := func(done *page) string {
		r.Helper()
		to, err := url.Parse(done.to())
		if err != nil || !strings.HasPrefix(done.to(), canaryDesk+"/callback?") || to.Query().Get("code") == "" {
			r.Fatalf("no code: %d to %q: %s", done.status, done.to(), done.brief())
		}
		code := to.Query().Get("code")
		r.known.add("code of a client "+code, code)
		return code
	}
	tokens := func(got told) told {
		r.Helper()
		if got.status != http.StatusOK {
			r.Fatalf("no tokens: %d %v", got.status, got.all)
		}
		r.known.add("token "+got.str("access_token"), got.str("access_token"), got.str("refresh_token"))
		r.known.add("ID token "+got.str("access_token"), got.str("id_token"))
		return got
	}
	r.goes(b, nil, b.raw("POST", "/oidc/authorize", query)).is(want{page: "consent"})
	got := tokens(c.redeem(code(b.press("Let it in"))))
	got = tokens(c.refresh(got.str("refresh_token")))
	c.userinfo(got.str("access_token"))
	b.raw("POST", "/oidc/userinfo", "access_token="+got.str("access_token"))
	c.post("/oidc/introspect", "token", got.str("access_token"))
	c.post("/oidc/revoke", "token", got.str("refresh_token"))
	c.redeem(canaryTyped)
	c.userinfo(canaryTyped)
	used := code(b.ask("/oidc/authorize?" + query))
	got = tokens(c.redeem(used))
	c.redeem(used).refuses(r.T, "a code for the second time", 400, "invalid_grant")
	b.get("/account/security")
	b.form("/account/let-in/desk/withdraw")

	// Signing out, by the page and by the token.
	b.ask("/oidc/end-session?" + url.Values{"client_id": {"desk"}, "post_logout_redirect_uri": {canaryDesk + "/bye"}, "state": {canaryRd}}.Encode()).is(want{page: "confirm"})
	if to := b.press("Sign out").to(); !strings.HasPrefix(to, canaryDesk+"/bye") {
		r.Errorf("signing out leads to %q", to)
	}
	r.goes(b, nil, b.raw("POST", "/oidc/end-session", "id_token_hint="+got.str("id_token"))).is(want{page: "signed-out"})
}

// referrersHoldNothing looks at what browsers say of where they come from. Each page
// of ours asks them to say nothing; what a stranger says is the stranger's.
func (r *walk) referrersHoldNothing() {
	said := 0
	for _, v := range r.w.visits {
		if v.referer == "https://x.example/"+canaryHeader {
			said++
			continue
		}
		if v.referer != "" {
			r.Errorf("%s %s: the browser says that it comes from %s", v.method, v.address, v.referer)
		}
		if found := r.known.found(v.referer); len(found) > 0 {
			r.Errorf("%s %s: the referrer holds %q", v.method, v.address, found)
		}
	}
	if said == 0 {
		r.Error("no referrer was seen: this test is blind")
	}
}

// patterns are the routes of a front that names its addresses, as its source has them.
func patterns(t *testing.T, front string, n int) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "front", front, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	source, named := "", map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:const|\t) ?(\w+) += (\w+ \+ )?"([^"]*)"$`).FindAllStringSubmatch(source, -1) {
		named[m[1]] = named[strings.TrimSuffix(m[2], " + ")] + m[3]
	}
	for _, m := range regexp.MustCompile(`"(GET|POST) " \+ (\w+)(?: \+ "([^"]*)")?:`).FindAllStringSubmatch(source, -1) {
		if named[m[2]] == "" {
			t.Fatalf("where is %s of front/%s?", m[2], front)
		}
		list = append(list, m[1]+" "+named[m[2]]+m[3])
	}
	if len(list) < n {
		t.Fatalf("front/%s has the routes %q: this test is blind", front, list)
	}
	return list
}
