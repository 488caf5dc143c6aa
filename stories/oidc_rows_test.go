package stories_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// refuses says that a program was told an error.
func (r told) refuses(t *testing.T, about string, status int, code string) {
	t.Helper()
	if r.status != status || r.str("error") != code {
		t.Errorf("%s: %d %v, want %d %s", about, r.status, r.all, status, code)
	}
}

// fails says that a client was told an error by way of the browser.
func (c *party) fails(b *browser, about, code string, pairs ...string) {
	b.t.Helper()
	if q := c.authorize(b, pairs...); q.Get("error") != code || q.Get("code") != "" {
		b.t.Errorf("%s: %v, want %s", about, q, code)
	}
}

// sends posts as a program that proves nothing.
func (p *portal) sends(path string, basic [2]string, form url.Values) told {
	p.t.Helper()
	r, err := http.NewRequest("POST", p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic[0] != "" {
		r.SetBasicAuth(basic[0], basic[1])
	}
	return p.tell(r)
}

func (p *portal) options(path string) told {
	p.t.Helper()
	r, err := http.NewRequest("OPTIONS", p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Origin", "https://spa.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	return p.tell(r)
}

// The negative cases of OP-01 to OP-20, each by its row.
func TestOpenIDConnectRefusesWhatTheStandardsRefuse(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--email", "ada@example.org", "--group", "staff")
	desk, till, phone, old := p.party("desk"), p.party("till"), p.party("phone"), p.party("old")
	till.yes(ada)
	row := func(name string, test func(t *testing.T)) { t.Run(name, test) }

	row("OP-01 a redirect address is one of the client's letter by letter", func(t *testing.T) {
		for _, bad := range []string{desk.redirect + "/", "https://DESK.example/callback", "https://desk.example/Callback", desk.redirect + "?x=1", desk.redirect + "/sub", "https://desk.example:444/callback",
			"http://desk.example/callback", "https://desk.example.evil.example/callback", "https://desk.example@evil.example/callback", desk.redirect + "#x", " " + desk.redirect, "//desk.example/callback", "https://evil.example/", "javascript:alert(1)", ""} {
			shown, to := ada.walk("/oidc/authorize?" + desk.query("redirect_uri", bad))
			if to != "" || shown.name() != "error" || shown.status != 403 {
				t.Errorf("%q: %d %s, leads to %q", bad, shown.status, shown.name(), to)
			}
		}
		if _, to := ada.walk("/oidc/authorize?" + desk.query("redirect_uri", desk.redirect+"?tenant=1")); !strings.HasPrefix(to, desk.redirect+"?tenant=1&") {
			t.Errorf("a registered address with a query: %q", to)
		}
		for address, ok := range map[string]bool{"http://127.0.0.1:49152/cb": true, "http://127.0.0.1/cb": true, "http://127.0.0.1:49152/cb/": false, "http://127.0.0.1:49152/other": false,
			"http://127.0.0.2:49152/cb": false, "http://localhost:49152/cb": false, "https://127.0.0.1:49152/cb": false, "http://127.0.0.1:x/cb": false, "http://127.0.0.1.evil.example/cb": false, "http://127.0.0.1:1@evil.example/cb": false, "https://phone.example:444/cb": false} {
			shown, to := ada.walk("/oidc/authorize?" + phone.query("redirect_uri", address))
			if known := to != "" || shown.name() == "consent"; known != ok {
				t.Errorf("native %q: %s, leads to %q", address, shown.name(), to)
			}
		}
	})
	row("OP-02 who is not known is sent nowhere, all else goes back with state and iss", func(t *testing.T) {
		for _, change := range [][]string{{"client_id", "nobody"}, {"client_id", ""}, {"client_id", "DESK"}, {"redirect_uri", ""}} {
			if shown, to := ada.walk("/oidc/authorize?" + desk.query(change...)); to != "" || shown.name() != "error" {
				t.Errorf("%v: leads to %q", change, to)
			}
		}
		if shown, to := ada.walk("/oidc/authorize?" + desk.query() + "&redirect_uri=https%3A%2F%2Fevil.example"); to != "" || shown.name() != "error" {
			t.Errorf("two redirect addresses: %q", to)
		}
		desk.fails(ada, "no response_type", "invalid_request", "response_type", "")
		desk.fails(ada, "no scope", "invalid_scope", "scope", "")
		desk.fails(ada, "without openid", "invalid_scope", "scope", "profile")
		desk.fails(ada, "a request object", "request_not_supported", "request", "e30.e30.")
		desk.fails(ada, "a request object elsewhere", "request_uri_not_supported", "request_uri", "https://evil.example/r")
		desk.fails(ada, "a registration", "registration_not_supported", "registration", "{}")
		desk.fails(ada, "response_mode", "invalid_request", "response_mode", "fragment")
		desk.fails(ada, "an unknown prompt", "invalid_request", "prompt", "create")
		desk.fails(ada, "max_age", "invalid_request", "max_age", "-1")
		desk.fails(ada, "max_age in words", "invalid_request", "max_age", "soon")
		desk.fails(ada, "claims", "invalid_request", "claims", "{")
		desk.fails(ada, "a forged hint", "invalid_request", "id_token_hint", "eyJhbGciOiJub25lIn0.e30.")
		if _, to := ada.walk("/oidc/authorize?" + desk.query() + "&scope=openid"); desk.answered(ada, to).Get("error") != "invalid_request" {
			t.Errorf("a parameter twice: %q", to)
		}
	})
	row("OP-03 the code flow alone", func(t *testing.T) {
		for _, kind := range []string{"token", "id_token", "id_token token", "code id_token", "code token", "none"} {
			desk.fails(ada, kind, "unsupported_response_type", "response_type", kind)
		}
		for _, kind := range []string{"password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code"} {
			desk.post("/oidc/token", "grant_type", kind, "username", "ada", "password", password).refuses(t, kind, 400, "unsupported_grant_type")
		}
		desk.post("/oidc/token").refuses(t, "no grant_type", 400, "invalid_request")
		old.refresh("rt_x").refuses(t, "a client without refresh tokens", 400, "unauthorized_client")
	})
	row("OP-04 PKCE by S256", func(t *testing.T) {
		desk.fails(ada, "no challenge", "invalid_request", "code_challenge", "", "code_challenge_method", "")
		desk.fails(ada, "plain", "invalid_request", "code_challenge_method", "plain")
		desk.fails(ada, "no method, which is plain", "invalid_request", "code_challenge_method", "")
		desk.fails(ada, "a short challenge", "invalid_request", "code_challenge", "abc")
		desk.fails(ada, "a method without a challenge", "invalid_request", "code_challenge", "")
		old.fails(ada, "plain, from a client that may go without", "invalid_request", "code_challenge_method", "plain")
		for _, n := range []int{42, 129} {
			c := p.party("desk")
			c.verifier = strings.Repeat("a", n)
			c.redeem(c.code(ada)).refuses(t, fmt.Sprint(n, " characters"), 400, "invalid_grant")
		}
		for _, n := range []int{43, 128} {
			c := p.party("desk")
			c.verifier = strings.Repeat("a", n)
			if got := c.redeem(c.code(ada)); got.status != 200 {
				t.Errorf("%d characters: %v", n, got.all)
			}
		}
		desk.redeem(desk.code(ada), "code_verifier", rand.Text()+rand.Text()).refuses(t, "another verifier", 400, "invalid_grant")
	})
	row("OP-05 verifier and challenge come together", func(t *testing.T) {
		desk.redeem(desk.code(ada), "code_verifier", "").refuses(t, "no verifier", 400, "invalid_grant")
		old.redeem(old.code(ada, "code_challenge", "", "code_challenge_method", "")).refuses(t, "a challenge taken out of the request", 400, "invalid_grant")
		if got := old.redeem(old.code(ada, "code_challenge", "", "code_challenge_method", ""), "code_verifier", ""); got.status != 200 {
			t.Errorf("an old client without both: %d %v", got.status, got.all)
		}
	})
	row("OP-06 a code is good once, for its client and address", func(t *testing.T) {
		code := desk.code(ada, "scope", "openid offline_access")
		first := desk.redeem(code)
		if first.status != 200 || first.str("refresh_token") == "" {
			t.Fatalf("first: %d %v", first.status, first.all)
		}
		if got := desk.userinfo(first.str("access_token")); got.status != 200 {
			t.Fatalf("userinfo: %d", got.status)
		}
		desk.redeem(code).refuses(t, "second", 400, "invalid_grant")
		desk.userinfo(first.str("access_token")).refuses(t, "what the first gave", 401, "invalid_token")
		desk.refresh(first.str("refresh_token")).refuses(t, "what the first gave", 400, "invalid_grant")
		desk.redeem(desk.code(ada), "redirect_uri", desk.redirect+"?tenant=1").refuses(t, "another of its addresses", 400, "invalid_grant")
		mixed := desk.code(ada)
		thief := p.party("old")
		thief.verifier, thief.redirect = desk.verifier, desk.redirect
		thief.redeem(mixed).refuses(t, "code and verifier at another client", 400, "invalid_grant")
		if got := desk.redeem(mixed); got.status != 200 {
			t.Errorf("a stranger's try has spent the code: %v", got.all)
		}
		desk.redeem("ac_"+rand.Text()).refuses(t, "no code of ours", 400, "invalid_grant")
		for range 3 {
			code, won, answers := desk.code(ada), 0, make([]told, 8)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = desk.redeem(code) })
			}
			wg.Wait()
			for _, a := range answers {
				if a.status == 200 {
					won++
					desk.userinfo(a.str("access_token")).refuses(t, "what was given to one of many", 401, "invalid_token")
				} else if a.str("error") != "invalid_grant" {
					t.Errorf("at once: %d %v", a.status, a.all)
				}
			}
			if won != 1 {
				t.Errorf("of eight at once %d won", won)
			}
		}
	})
	row("OP-07 after a post comes 303", func(t *testing.T) {
		got := ada.form("/oidc/authorize", "client_id", "desk", "redirect_uri", desk.redirect)
		if got.status != 303 || !strings.HasPrefix(got.to(), "/oidc/authorize?") {
			t.Errorf("%d to %s", got.status, got.to())
		}
		shown, _ := ada.walk("/oidc/authorize?" + till.query("prompt", "consent"))
		if shown.name() != "consent" {
			t.Fatal(shown.brief())
		}
		if got := ada.press("Let it in"); got.status != 303 || !strings.HasPrefix(got.to(), till.redirect) {
			t.Errorf("%d to %s", got.status, got.to())
		}
	})
	row("OP-08 every answer says who answers", func(t *testing.T) {
		if d := p.look("/.well-known/openid-configuration"); d.all["authorization_response_iss_parameter_supported"] != true || d.all["issuer"] != p.url {
			t.Errorf("%v", d.all)
		} // the answers themselves: answered looks at each
	})
	row("OP-10 a client proves itself in its one way", func(t *testing.T) {
		code := desk.code(ada)
		form := func(more ...string) url.Values {
			f := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {desk.redirect}, "code_verifier": {desk.verifier}}
			for i := 0; i < len(more); i += 2 {
				f.Set(more[i], more[i+1])
			}
			return f
		}
		for about, got := range map[string]told{
			"no proof":             p.sends("/oidc/token", [2]string{}, form()),
			"the id alone":         p.sends("/oidc/token", [2]string{}, form("client_id", "desk")),
			"in the body":          p.sends("/oidc/token", [2]string{}, form("client_id", "desk", "client_secret", secret)),
			"a wrong secret":       p.sends("/oidc/token", [2]string{"desk", secret[1:] + "0"}, form()),
			"an empty secret":      p.sends("/oidc/token", [2]string{"desk", ""}, form()),
			"nobody":               p.sends("/oidc/token", [2]string{"nobody", secret}, form()),
			"two ways":             p.sends("/oidc/token", [2]string{"desk", secret}, form("client_secret", secret)),
			"two ids":              p.sends("/oidc/token", [2]string{"desk", secret}, form("client_id", "till")),
			"an assertion of none": p.sends("/oidc/token", [2]string{}, form("client_id", "desk", "client_assertion", "eyJhbGciOiJub25lIn0.e30.", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")),
			"a public one's":       p.sends("/oidc/token", [2]string{"phone", ""}, form()),
			"revocation":           p.sends("/oidc/revoke", [2]string{}, url.Values{"token": {"at_x"}, "client_id": {"desk"}}),
			"introspection":        p.sends("/oidc/introspect", [2]string{}, url.Values{"token": {"at_x"}, "client_id": {"phone"}}),
		} {
			got.refuses(t, about, 401, "invalid_client")
			if strings.Contains(about, "secret") && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: %v", about, got.header)
			}
		}
		if got := desk.redeem(code); got.status != 200 {
			t.Errorf("the code was spent by who is not its client: %v", got.all)
		}
		if got := desk.post("/oidc/token?code="+code, "grant_type", "authorization_code"); got.status != 400 {
			t.Errorf("a code in the address: %d", got.status)
		}
	})
	row("OP-13 none shows no page", func(t *testing.T) {
		stranger := p.browser()
		desk.fails(stranger, "nobody is signed in", "login_required", "prompt", "none")
		p.party("phone").fails(ada, "no consent yet", "consent_required", "prompt", "none")
		desk.fails(ada, "with another", "invalid_request", "prompt", "none login")
		if code := desk.code(ada, "prompt", "none"); code == "" {
			t.Error("somebody who is signed in gets no code")
		}
		desk.fails(ada, "it was too long ago", "login_required", "prompt", "none", "max_age", "0")
		if shown, to := ada.walk("/oidc/authorize?" + desk.query("prompt", "login")); shown.name() != "confirm" || to != "" {
			t.Errorf("login: %s %s", shown.name(), to)
		}
		if shown, _ := ada.walk("/oidc/authorize?" + desk.query("prompt", "select_account")); shown.name() != "consent" {
			t.Errorf("select_account: %s", shown.name())
		}
	})
	row("OP-14 an essential class that nobody reaches is an error", func(t *testing.T) {
		desk.fails(ada, "essential", "unmet_authentication_requirements", "claims", `{"id_token":{"acr":{"essential":true,"values":["phrh"]}}}`)
		got := desk.redeem(desk.code(ada, "acr_values", "phrh"))
		if id := desk.claims(got.str("id_token")); id["acr"] != "urn:sallyport:two" {
			t.Errorf("a wish that cannot be met: %v", id["acr"])
		}
		desk.fails(ada, "another person is meant", "login_required", "claims", `{"id_token":{"sub":{"value":"SOMEBODY"}}}`)
	})
	row("OP-15 a post from another site finds the session", func(t *testing.T) {
		values, _ := url.ParseQuery(desk.query())
		r, _ := http.NewRequest("POST", p.url+"/oidc/authorize", strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://desk.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		lax := p.browser() // without cookies, as browsers send it
		got := lax.send(r)
		if got.status != 303 {
			t.Fatalf("%d", got.status)
		}
		if _, to := ada.walk(got.to()); desk.answered(ada, to).Get("code") == "" {
			t.Errorf("after the redirect: %s", to)
		}
	})
	row("OP-16 discovery tells the truth, and only that is shared with other sites", func(t *testing.T) {
		d := p.look("/.well-known/openid-configuration").all
		for name, want := range map[string]string{"response_types_supported": "code", "grant_types_supported": "authorization_code refresh_token", "code_challenge_methods_supported": "S256",
			"id_token_signing_alg_values_supported": "RS256 ES256 EdDSA", "acr_values_supported": "urn:sallyport:one urn:sallyport:two", "response_modes_supported": "query"} {
			if list(d[name]) != want {
				t.Errorf("%s: %v", name, d[name])
			}
		}
		for _, name := range []string{"request_uri_parameter_supported", "request_parameter_supported"} {
			if d[name] != false {
				t.Errorf("%s: %v", name, d[name])
			}
		}
		for _, name := range []string{"pushed_authorization_request_endpoint", "device_authorization_endpoint", "registration_endpoint", "dpop_signing_alg_values_supported", "check_session_iframe"} {
			if d[name] != nil {
				t.Errorf("%s: %v", name, d[name])
			}
		}
		for name, value := range d {
			if at, ok := value.(string); ok && strings.HasSuffix(name, "_endpoint") && !strings.HasPrefix(at, p.url+"/oidc/") {
				t.Errorf("%s: %s", name, at)
			}
		}
		for path, shared := range map[string]bool{"/.well-known/openid-configuration": true, "/oidc/keys": true, "/oidc/token": true, "/oidc/userinfo": true, "/oidc/revoke": true, "/oidc/authorize": false, "/oidc/introspect": false, "/oidc/end-session": false, "/oidc/enter": false} {
			got := p.options(path)
			if allowed := got.header.Get("Access-Control-Allow-Origin") == "*" && got.status == 204; allowed != shared || got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: %d %q", path, got.status, got.header.Get("Access-Control-Allow-Origin"))
			}
		}
		r, _ := http.NewRequest("GET", p.url+"/.well-known/openid-configuration", nil)
		r.Host = "evil.example"
		if got := p.tell(r); got.status != 421 || got.all != nil {
			t.Errorf("a forged host: %d %v", got.status, got.all)
		}
	})
	row("OP-17 a token is for one client and one use", func(t *testing.T) {
		got := desk.redeem(desk.code(ada, "scope", "openid email offline_access"))
		access, id, refresh := got.str("access_token"), got.str("id_token"), got.str("refresh_token")
		desk.userinfo(id).refuses(t, "an ID token as access token", 401, "invalid_token")
		desk.userinfo(refresh).refuses(t, "a refresh token as access token", 401, "invalid_token")
		desk.fails(ada, "an access token as hint", "invalid_request", "id_token_hint", access)
		desk.refresh(access).refuses(t, "an access token as refresh token", 400, "invalid_grant")
		none := p.look("/oidc/userinfo")
		if none.status != 401 || !strings.HasPrefix(none.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("without a token: %d %v", none.status, none.header)
		}
		if inAddress := p.look("/oidc/userinfo?access_token=" + access); inAddress.status != 401 {
			t.Errorf("a token in the address: %d", inAddress.status)
		}
		posted := p.sends("/oidc/userinfo", [2]string{}, url.Values{"access_token": {access}})
		if posted.status != 200 || posted.str("sub") != desk.userinfo(access).str("sub") || posted.str("email") != "ada@example.org" || posted.all["groups"] != nil || posted.all["preferred_username"] != nil {
			t.Errorf("by post: %d %v", posted.status, posted.all)
		}
		if own := desk.post("/oidc/introspect", "token", access); own.all["active"] != true || own.str("client_id") != "desk" || own.str("aud") != "desk" {
			t.Errorf("introspection: %v", own.all)
		}
		if other := old.post("/oidc/introspect", "token", access); other.all["active"] != false || len(other.all) != 1 {
			t.Errorf("introspection by another client: %v", other.all)
		}
		old.post("/oidc/revoke", "token", access)
		if desk.userinfo(access).status != 200 {
			t.Error("another client has revoked it")
		}
		if r := desk.post("/oidc/revoke", "token", access); r.status != 200 {
			t.Errorf("revoke: %d", r.status)
		}
		desk.userinfo(access).refuses(t, "a revoked one", 401, "invalid_token")
		if desk.refresh(refresh).status != 200 {
			t.Error("the refresh token went with an access token")
		}
	})
	row("OP-18 keys have names and no algorithm of strangers", func(t *testing.T) {
		keys, _ := p.look("/oidc/keys").all["keys"].([]any)
		seen := map[string]bool{}
		for _, k := range keys {
			k := k.(map[string]any)
			seen[k["alg"].(string)] = k["kid"] != "" && k["use"] == "sig" && k["d"] == nil && k["p"] == nil
		}
		if !seen["RS256"] || !seen["ES256"] || !seen["EdDSA"] {
			t.Errorf("%v", keys)
		}
		id := desk.redeem(desk.code(ada)).str("id_token")
		parts := strings.Split(id, ".")
		for about, head := range map[string]string{"none": `{"alg":"none"}`, "HS256": `{"alg":"HS256"}`, "another key": `{"alg":"RS256","kid":"other"}`} {
			desk.fails(ada, about, "invalid_request", "id_token_hint", encode(head)+"."+parts[1]+"."+parts[2])
		}
		if code := desk.code(ada, "id_token_hint", id); code == "" {
			t.Error("a hint of ours is refused")
		}
	})
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// yes lets a client in on the consent page, once.
func (c *party) yes(b *browser, pairs ...string) url.Values {
	b.t.Helper()
	shown, to := b.walk("/oidc/authorize?" + c.query(pairs...))
	if to == "" {
		if shown.name() != "consent" {
			b.t.Fatalf("no consent page, but %s: %s", shown.name(), shown.brief())
		}
		to = b.press("Let it in").to()
	}
	return c.answered(b, to)
}

func TestTokensLiveNoLongerThanTheyMay(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	desk := p.party("desk")
	all := func() (access, refresh string) {
		t.Helper()
		got := desk.redeem(desk.code(ada, "scope", "openid offline_access"))
		if got.status != 200 {
			t.Fatalf("%d %v", got.status, got.all)
		}
		return got.str("access_token"), got.str("refresh_token")
	}
	t.Run("OP-06 a code after a minute", func(t *testing.T) {
		code := desk.code(ada)
		p.move(61 * time.Second)
		desk.redeem(code).refuses(t, "61 s", 400, "invalid_grant")
	})
	t.Run("OP-09 a refresh token is replaced, and an old one ends all", func(t *testing.T) {
		_, first := all()
		second := desk.refresh(first)
		if second.status != 200 || second.str("refresh_token") == first || second.str("id_token") == "" {
			t.Fatalf("%d %v", second.status, second.all)
		}
		old := p.party("old")
		old.refresh(second.str("refresh_token")).refuses(t, "at another client", 400, "unauthorized_client")
		p.party("till").refresh(second.str("refresh_token")).refuses(t, "at another client", 400, "invalid_grant")
		desk.refresh(second.str("refresh_token"), "scope", "openid email").refuses(t, "more scopes", 400, "invalid_scope")
		desk.refresh(first).refuses(t, "the old one", 400, "invalid_grant")
		desk.refresh(second.str("refresh_token")).refuses(t, "the newest", 400, "invalid_grant")
		desk.userinfo(second.str("access_token")).refuses(t, "its access token", 401, "invalid_token")
	})
	t.Run("OP-09 a token that nobody knows is revoked", func(t *testing.T) {
		if got := desk.post("/oidc/revoke", "token", "rt_nothing"); got.status != 200 {
			t.Errorf("%d", got.status)
		}
		access, refresh := all()
		desk.post("/oidc/revoke", "token", refresh, "token_type_hint", "access_token")
		desk.refresh(refresh).refuses(t, "a revoked one", 400, "invalid_grant")
		desk.userinfo(access).refuses(t, "what hangs on it", 401, "invalid_token")
	})
	t.Run("OP-12 a refresh keeps the time of the sign-in", func(t *testing.T) {
		got := desk.redeem(desk.code(ada, "scope", "openid offline_access"))
		first := desk.claims(got.str("id_token"))
		p.move(11 * time.Minute)
		desk.userinfo(got.str("access_token")).refuses(t, "an access token after ten minutes", 401, "invalid_token")
		again := desk.claims(desk.refresh(got.str("refresh_token")).str("id_token"))
		if first["auth_time"] == nil || again["auth_time"] != first["auth_time"] || again["sub"] != first["sub"] || again["acr"] != first["acr"] || again["sid"] != first["sid"] || list(again["amr"]) != list(first["amr"]) {
			t.Errorf("first %v\nlater %v", first, again)
		}
	})
	t.Run("OP-12 max_age asks again", func(t *testing.T) {
		was := desk.claims(desk.redeem(desk.code(ada)).str("id_token"))["auth_time"].(float64)
		p.move(2 * time.Second)
		shown, _ := ada.walk("/oidc/authorize?" + desk.query("max_age", "1"))
		if shown.name() != "confirm" {
			t.Fatalf("%s: %s", shown.name(), shown.brief())
		}
		p.move(31 * time.Second)
		done := ada.press("Continue", "password", password, "code", ada.app.code())
		_, to := ada.walk(done.to())
		now := desk.claims(desk.redeem(desk.answered(ada, to).Get("code")).str("id_token"))["auth_time"].(float64)
		if now <= was {
			t.Errorf("auth_time was %v and is %v", was, now)
		}
		if id := desk.claims(desk.redeem(desk.code(ada, "max_age", "3600")).str("id_token")); id["auth_time"] != now {
			t.Errorf("auth_time %v, want %v", id["auth_time"], now)
		}
	})
	t.Run("OP-09 a week without use, and thirty days whatever is used", func(t *testing.T) {
		_, idle := all()
		_, used := all()
		for range 5 {
			p.move(6 * 24 * time.Hour)
			if got := desk.refresh(used); got.status == 200 {
				used = got.str("refresh_token")
			} else {
				used = ""
			}
			if idle != "" {
				p.move(25 * time.Hour)
				desk.refresh(idle).refuses(t, "after a week", 400, "invalid_grant")
				idle = ""
				p.move(-25 * time.Hour)
			}
		}
		if used != "" {
			t.Error("in use for thirty days it still works")
		}
	})
}

func TestAccessEndsWithWhatItRestsOn(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	desk, old := p.party("desk"), p.party("old")
	give := func(c *party, b *browser, scope string) (access, refresh string) {
		t.Helper()
		pairs := []string{"scope", scope}
		if c.id == "old" {
			pairs = append(pairs, "code_challenge", "", "code_challenge_method", "")
		}
		verifier := c.verifier
		if c.id == "old" {
			verifier = ""
		}
		got := c.redeem(c.code(b, pairs...), "code_verifier", verifier)
		if got.status != 200 {
			t.Fatalf("%d %v", got.status, got.all)
		}
		return got.str("access_token"), got.str("refresh_token")
	}
	t.Run("SES-11 a group that is no longer theirs", func(t *testing.T) {
		access, _ := give(old, ada, "openid")
		p.cli("person", "set", "ada", "--group", "other")
		old.userinfo(access).refuses(t, "the token", 401, "invalid_token")
		old.fails(ada, "the next request", "access_denied")
		p.cli("person", "set", "ada", "--group", "staff")
	})
	t.Run("signing out ends what does not outlive it", func(t *testing.T) {
		b := ada.other("ada")
		access, none := give(desk, b, "openid")
		kept, refresh := give(desk, b, "openid offline_access")
		if none != "" {
			t.Error("a refresh token that nobody asked for")
		}
		b.get("/account/security")
		b.form("/sign-out")
		desk.userinfo(access).refuses(t, "the token of the session", 401, "invalid_token")
		if desk.userinfo(kept).status != 200 || desk.refresh(refresh).status != 200 {
			t.Error("what was to outlive the session ended with it")
		}
	})
	t.Run("SES-11 turned off and on again", func(t *testing.T) {
		b := ada.other("ada")
		access, _ := give(desk, b, "openid")
		kept, refresh := give(desk, b, "openid offline_access")
		p.cli("person", "disable", "ada")
		for _, token := range []string{access, kept} {
			desk.userinfo(token).refuses(t, "a token of somebody turned off", 401, "invalid_token")
		}
		desk.refresh(refresh).refuses(t, "a refresh token of somebody turned off", 400, "invalid_grant")
		p.cli("person", "enable", "ada")
		desk.refresh(refresh).refuses(t, "and after they are turned on", 400, "invalid_grant")
		ada.signIn("ada", ada.app)
	})
	t.Run("OP-11 a name that is made anew is somebody else", func(t *testing.T) {
		access, _ := give(desk, ada, "openid profile")
		was := desk.userinfo(access)
		p.cli("person", "delete", "ada", "--yes")
		desk.userinfo(access).refuses(t, "a token of somebody deleted", 401, "invalid_token")
		again := p.enrol2("ada")
		access, _ = give(desk, again, "openid profile")
		now := desk.userinfo(access)
		if now.str("sub") == was.str("sub") || now.str("preferred_username") != was.str("preferred_username") || was.str("sub") == "" {
			t.Errorf("was %v, is %v", was.all, now.all)
		}
		if sub := now.str("sub"); len(sub) > 255 || strings.ToLower(sub) == sub {
			t.Errorf("sub %q can be the id of a client", sub)
		}
	})
}

func TestConsentIsAskedRememberedAndWithdrawn(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	till, phone := p.party("till"), p.party("phone")
	shown, _ := ada.walk("/oidc/authorize?" + till.query("scope", "openid profile offline_access"))
	if shown.name() != "consent" || shown.h1() != "Let Till know who you are?" || !strings.Contains(shown.text(), "30 days") {
		t.Fatalf("OP-19: %s: %s", shown.name(), shown.brief())
	}
	if csp := shown.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' https://till.example") {
		t.Errorf("WEB-04: %s", csp)
	}
	if q := till.answered(ada, ada.press("Not now").to()); q.Get("error") != "access_denied" {
		t.Errorf("said no: %v", q)
	}
	if got := ada.form("/oidc/consent?request=x", "answer", "yes", "token", "forged"); got.status != 403 {
		t.Errorf("WEB-01 a forged form: %d", got.status)
	}
	ada.walk("/oidc/authorize?" + till.query("scope", "openid profile offline_access"))
	q := till.answered(ada, ada.press("Let it in").to())
	refresh := till.redeem(q.Get("code")).str("refresh_token")
	till.code(ada, "scope", "openid profile") // remembered, and asked for less
	ada.walk("/oidc/authorize?" + till.query("scope", "openid profile email"))
	if ada.page.name() != "consent" {
		t.Errorf("asked for more: %s", ada.page.name())
	}
	// What listens on loopback may be anybody: it is asked each time.
	for range 2 {
		phone.redirect = "http://127.0.0.1:5555/cb"
		if shown, _ := ada.walk("/oidc/authorize?" + phone.query("scope", "openid")); shown.name() != "consent" {
			t.Fatalf("OP-19 loopback: %s", shown.name())
		}
		phone.answered(ada, ada.press("Let it in").to())
	}
	if out := p.cli("person", "export", "ada"); !strings.Contains(between(out, `"apps_let_in"`, "]"), `"till"`) || !strings.Contains(between(out, `"apps_entered"`, "]"), `"phone"`) {
		t.Errorf("what is kept is not handed out: %s", out)
	}
	t.Run("OP-19 withdrawn", func(t *testing.T) {
		page := ada.get("/account/security")
		if !strings.Contains(page.text(), "Apps you let in") || !strings.Contains(page.text(), "Till") {
			t.Fatalf("not on the page: %s", page.text())
		}
		action := regexp.MustCompile(`/account/let-in/till/withdraw`).FindString(page.body)
		p.move(6 * time.Minute)
		got := ada.form(action)
		if !strings.HasPrefix(got.to(), "/confirm") {
			t.Fatalf("SES-10: %d %s", got.status, got.to())
		}
		if till.refresh(refresh).status != 200 {
			t.Fatal("it ended before the password was given")
		}
		ada.get(got.to())
		ada.do("Continue", "password", password).is(want{page: "security"})
		again := till.redeem(till.code(ada, "scope", "openid profile offline_access")).str("refresh_token")
		ada.get("/account/security")
		ada.form(action)
		till.refresh(again).refuses(t, "after it was withdrawn", 400, "invalid_grant")
		if shown, _ := ada.walk("/oidc/authorize?" + till.query("scope", "openid profile")); shown.name() != "consent" {
			t.Errorf("the next request: %s", shown.name())
		}
		if page := ada.get("/account/activity"); !strings.Contains(page.text(), "Took back what an app may know") || !strings.Contains(page.text(), "Let an app know who you are") {
			t.Errorf("activity: %s", page.brief())
		}
	})
}

func TestOneFactorIsCalledOne(t *testing.T) {
	p := openProvider(t, settings{policy: "  require: optional\n"})
	p.add("ada", "--group", "staff")
	ada := p.browser()
	ada.enter("ada", password).is(want{page: "two-factor-prompt"})
	ada.do("Not now")
	till, desk := p.party("till"), p.party("desk")
	q := till.yes(ada)
	got := till.redeem(q.Get("code"))
	if id := till.claims(got.str("id_token")); id["acr"] != "urn:sallyport:one" || list(id["amr"]) != "pwd" {
		t.Errorf("OP-14: %v", id)
	}
	if got := till.redeem(till.yes(ada, "scope", "openid offline_access").Get("code")); got.status != 200 || got.str("refresh_token") != "" {
		t.Error("one factor outlives its session")
	}
	desk.fails(ada, "OP-13 an app that asks two", "interaction_required", "prompt", "none")
	if shown, to := ada.walk("/oidc/authorize?" + desk.query()); to != "" || shown.name() != "sign-in" {
		t.Errorf("stepping up: %s %s", shown.name(), to)
	}
	two := `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:two"}}}`
	till.fails(ada, "OP-14 the higher class without a page", "interaction_required", "prompt", "none", "claims", two)
	if shown, to := ada.walk("/oidc/authorize?" + till.query("claims", two)); to != "" || shown.name() != "sign-in" {
		t.Errorf("stepping up for a class: %s %s", shown.name(), to)
	}
	shown, _ := ada.walk("/oidc/authorize?" + till.query("prompt", "login"))
	if shown.name() != "sign-in" {
		t.Fatalf("prompt=login: %s", shown.name())
	}
	p.move(2 * time.Second)
	done := ada.press("Sign in", "username", "ada", "password", password)
	shown, to := ada.walk(done.to())
	if to == "" && shown.name() == "two-factor-prompt" {
		shown, to = ada.walk(ada.press("Not now").to())
	}
	if to == "" {
		t.Fatalf("after the password: %s: %s", shown.name(), shown.brief())
	}
	if till.answered(ada, to).Get("code") == "" {
		t.Errorf("after the password: %s", to)
	}
}

func TestARecoveryCodeIsNoOneTimePassword(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	b := p.browser()
	b.enter("ada", password).is(want{page: "app-code"})
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", ada.codes[0]).is(want{page: "replace"})
	b.do("Continue", "still", "yes")
	desk := p.party("desk")
	id := desk.claims(desk.redeem(desk.code(b)).str("id_token"))
	if slices.Contains(strings.Fields(list(id["amr"])), "otp") || list(id["amr"]) != "pwd mfa" || id["acr"] != "urn:sallyport:two" {
		t.Errorf("OP-14: %v", id)
	}
}

func TestSigningOutByAnApp(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	desk, till := p.party("desk"), p.party("till")
	id := desk.redeem(desk.code(ada)).str("id_token")
	bye := url.QueryEscape("https://desk.example/bye")
	t.Run("OP-20 an address that is not registered", func(t *testing.T) {
		for _, to := range []string{"https://desk.example/bye/", "https://evil.example/", desk.redirect} {
			if shown, at := ada.walk("/oidc/end-session?id_token_hint=" + id + "&post_logout_redirect_uri=" + url.QueryEscape(to)); at != "" || shown.name() != "error" {
				t.Errorf("%s: %s %s", to, shown.name(), at)
			}
		}
		if shown, at := ada.walk("/oidc/end-session?post_logout_redirect_uri=" + bye); at != "" || shown.name() != "error" {
			t.Errorf("without a client: %s %s", shown.name(), at)
		}
		if shown, _ := ada.walk("/oidc/end-session?client_id=till&id_token_hint=" + id); shown.name() != "error" {
			t.Errorf("a hint of another client: %s", shown.name())
		}
	})
	t.Run("OP-20 a link without a hint asks", func(t *testing.T) {
		for _, link := range []string{"/oidc/end-session", "/oidc/end-session?client_id=desk&post_logout_redirect_uri=" + bye + "&state=s"} {
			shown, at := ada.walk(link)
			if at != "" || shown.name() != "confirm" || shown.h1() != "Sign out?" {
				t.Errorf("%s: %s %s", link, shown.name(), at)
			}
		}
		r, _ := http.NewRequest("POST", p.url+"/oidc/sign-out", strings.NewReader("token=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := ada.send(r); got.status != 403 {
			t.Errorf("a post of another site: %d", got.status)
		}
		if code := desk.code(ada); code == "" {
			t.Error("signed out by a link")
		}
	})
	t.Run("OP-20 another's ID token asks too", func(t *testing.T) {
		b := ada.other("ada")
		other := desk.redeem(desk.code(b)).str("id_token")
		if shown, at := ada.walk("/oidc/end-session?id_token_hint=" + other); at != "" || shown.name() != "confirm" {
			t.Errorf("%s %s", shown.name(), at)
		}
	})
	t.Run("OP-20 an ID token of this session signs out", func(t *testing.T) {
		p.move(50 * time.Minute)
		ada.get("/account/security").is(want{page: "security"})
		_, at := ada.walk("/oidc/end-session?id_token_hint=" + id + "&post_logout_redirect_uri=" + bye + "&state=" + url.QueryEscape("a b&c"))
		if u, err := url.Parse(at); err != nil || u.Host != "desk.example" || u.Query().Get("state") != "a b&c" {
			t.Errorf("goes to %q", at)
		}
		till.fails(ada, "afterwards", "login_required", "prompt", "none")
		if _, at := ada.walk("/oidc/end-session?id_token_hint=" + id + "&post_logout_redirect_uri=" + bye); at != "https://desk.example/bye" {
			t.Errorf("who is signed out already goes to %q", at)
		}
	})
	t.Run("OP-20 the yes of the question", func(t *testing.T) {
		ada.signIn("ada", ada.app)
		shown, _ := ada.walk("/oidc/end-session?client_id=desk&post_logout_redirect_uri=" + bye)
		if csp := shown.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' https://desk.example") {
			t.Errorf("WEB-04: %s", csp)
		}
		if got := ada.press("Sign out"); got.to() != "https://desk.example/bye" || got.status != 303 {
			t.Errorf("%d %s", got.status, got.to())
		}
	})
}

func TestAppsHearThatASessionIsOver(t *testing.T) {
	heard := make(chan url.Values, 20)
	var fail atomic.Int32
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != "POST" || r.URL.Path != "/out" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		if fail.Add(-1) >= 0 {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		heard <- r.PostForm
	}))
	t.Cleanup(app.Close)
	p := openProvider(t, settings{more: strings.Replace(providers, "      refresh: true\n      no_consent: true", "      back_channel: "+app.URL+"/out\n      refresh: true\n      no_consent: true", 1), url: ""})
	ada := p.enrol("ada", "--group", "staff")
	desk := p.party("desk")
	enter := func(b *browser) map[string]any {
		t.Helper()
		return desk.claims(desk.redeem(desk.code(b)).str("id_token"))
	}
	next := func() map[string]any {
		t.Helper()
		select {
		case form := <-heard:
			token := form.Get("logout_token")
			head, _, _ := strings.Cut(token, ".")
			raw, _ := base64.RawURLEncoding.DecodeString(head)
			if !strings.Contains(string(raw), `"typ":"logout+jwt"`) {
				t.Errorf("OP-20 the head is %s", raw)
			}
			return desk.claims(token)
		case <-time.After(20 * time.Second):
			t.Fatal("nothing was told within 20 seconds")
			return nil
		}
	}
	silent := func(about string) {
		t.Helper()
		select {
		case form := <-heard:
			t.Errorf("%s: told %v", about, desk.claims(form.Get("logout_token")))
		case <-time.After(2500 * time.Millisecond):
		}
	}
	b := ada.other("ada")
	entered := enter(b)
	enter(b) // twice in one session is told once
	p.move(31 * time.Second)
	shown, _ := b.walk("/oidc/authorize?" + desk.query("prompt", "login"))
	if shown.name() != "confirm" {
		t.Fatal(shown.brief())
	}
	b.press("Continue", "password", password, "code", b.app.code())
	if id := enter(b); id["sid"] != entered["sid"] {
		t.Errorf("a new name of the session has another sid: %v, %v", id["sid"], entered["sid"])
	}
	silent("the session goes on under a new name")
	b.get("/account/security")
	b.form("/sign-out")
	said := next()
	events, _ := said["events"].(map[string]any)
	if said["sid"] != entered["sid"] || said["sub"] != entered["sub"] || said["nonce"] != nil || events["http://schemas.openid.net/event/backchannel-logout"] == nil ||
		said["jti"] == nil || said["exp"].(float64)-said["iat"].(float64) != 120 {
		t.Errorf("OP-20 %v", said)
	}
	silent("told once")
	desk.fails(ada, "a logout token as a hint", "invalid_request", "id_token_hint", "x")
	// An app that does not answer is told again; a redirect is no answer.
	fail.Store(1)
	b = ada.other("ada")
	entered = enter(b)
	b.get("/account/security")
	b.form("/sign-out")
	for end := time.Now().Add(15 * time.Second); fail.Load() > 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
	}
	p.move(20 * time.Second)
	if said := next(); said["sid"] != entered["sid"] {
		t.Errorf("the second time: %v", said)
	}
	entered = enter(ada)
	p.cli("person", "delete", "ada", "--yes")
	if said := next(); said["sid"] != entered["sid"] || said["sub"] != entered["sub"] {
		t.Errorf("somebody deleted: %v", said)
	}
}

func TestSigningKeysAreReplacedWhileAppsAreUsed(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	desk := p.party("desk")
	kid := func() string {
		t.Helper()
		token := desk.redeem(desk.code(ada)).str("id_token")
		desk.claims(token) // by the keys of this moment
		head, _, _ := strings.Cut(token, ".")
		raw, _ := base64.RawURLEncoding.DecodeString(head)
		return between(string(raw), `"kid":"`, `"`)
	}
	published := func() int {
		t.Helper()
		keys, _ := p.look("/oidc/keys").all["keys"].([]any)
		return len(keys)
	}
	was := desk.redeem(desk.code(ada)).str("id_token")
	first, n := kid(), published()
	if out := p.cli("key", "rotate-signing"); !strings.Contains(out, "RS256-2") {
		t.Fatalf("it says %s", out)
	}
	time.Sleep(1100 * time.Millisecond)
	if published() != 2*n || kid() != first {
		t.Errorf("OP-18 the next keys are not published before they sign: %d of %d, signed by %s", published(), n, kid())
	}
	p.move(11 * time.Minute)
	ada.get("/account/security").is(want{page: "security"})
	if second := kid(); second == first {
		t.Error("the new key does not sign after ten minutes")
	}
	if desk.claims(was)["sub"] == nil {
		t.Error("what the old key signed cannot be checked")
	}
	p.move(26 * time.Hour)
	if published() != n {
		t.Errorf("%d keys are published when nothing of the old ones lives", published())
	}
}
