package stories_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The clients of the stories. Nobody listens there: what comes to a client is read
// from the browser's way.
const (
	desk      = "https://desk.example/callback"
	secret    = "6f1d2c3b4a5968778695a4b3c2d1e0f06f1d2c3b4a5968778695a4b3c2d1e0f0"
	providers = `apps:
  - id: desk
    name: Desk
    groups: [everyone]
    need: two
    tell: [name, email, groups]
    client:
      redirects: ["https://desk.example/callback", "https://desk.example/callback?tenant=1"]
      after_sign_out: ["https://desk.example/bye"]
      secret_file: desk.secret
      refresh: true
      no_consent: true
  - id: till
    name: Till
    groups: [everyone]
    need: one
    client:
      redirects: ["https://till.example/cb"]
      auth: client_secret_post
      secret_file: desk.secret
      algorithm: ES256
      refresh: true
  - id: phone
    name: Phone
    groups: [everyone]
    need: two
    client:
      redirects: ["http://127.0.0.1/cb", "https://phone.example/cb"]
      auth: none
      native: true
      refresh: true
      algorithm: EdDSA
  - id: old
    name: Old
    groups: [staff]
    need: two
    client:
      redirects: ["https://old.example/cb"]
      secret_file: desk.secret
      without_pkce: true
      no_consent: true
`
)

// party is a client as it speaks to the portal.
type party struct {
	p        *portal
	id       string
	redirect string
	auth     string // basic, post or none
	verifier string
	state    string
	nonce    string
}

func openProvider(t *testing.T, of ...settings) *portal {
	t.Helper()
	s := settings{}
	if len(of) > 0 {
		s = of[0]
	}
	if s.more == "" {
		s.more = providers
	}
	p := install(t, s)
	p.write("desk.secret", secret+"\n")
	p.serve()
	return p
}

func (p *portal) party(id string) *party {
	c := &party{p: p, id: id, verifier: rand.Text() + rand.Text(), state: "st+ä/=" + rand.Text(), nonce: "n%20 " + rand.Text()}
	c.redirect, c.auth = map[string]string{"desk": desk, "till": "https://till.example/cb", "phone": "https://phone.example/cb", "old": "https://old.example/cb"}[id],
		map[string]string{"desk": "basic", "till": "post", "phone": "none", "old": "basic"}[id]
	return c
}

// query is a request for a code; pairs change it, and an empty value takes it out.
func (c *party) query(pairs ...string) string {
	sum := sha256.Sum256([]byte(c.verifier))
	q := url.Values{"client_id": {c.id}, "redirect_uri": {c.redirect}, "response_type": {"code"}, "scope": {"openid profile email groups"}, "state": {c.state}, "nonce": {c.nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

// walk goes on from an address until a page is shown, or the browser leaves for
// another site: then that is what it returns.
func (b *browser) walk(path string) (*page, string) {
	b.t.Helper()
	p := b.ask(path)
	for range 10 {
		if p.status != http.StatusSeeOther {
			return p, ""
		}
		if !strings.HasPrefix(p.to(), "/") && !strings.HasPrefix(p.to(), b.p.url) {
			return p, p.to()
		}
		p = b.ask(strings.TrimPrefix(p.to(), b.p.url))
	}
	b.t.Fatalf("redirects without end at %s", p.url)
	return nil, ""
}

// authorize asks for a code, and returns what the client is answered.
func (c *party) authorize(b *browser, pairs ...string) url.Values {
	b.t.Helper()
	p, to := b.walk("/oidc/authorize?" + c.query(pairs...))
	if to == "" {
		b.t.Fatalf("no way back to %s, but %s: %s", c.id, p.name(), p.brief())
	}
	return c.answered(b, to)
}

func (c *party) answered(b *browser, to string) url.Values {
	b.t.Helper()
	if !strings.HasPrefix(to, c.redirect+"?") && !strings.HasPrefix(to, c.redirect+"&") {
		b.t.Fatalf("the browser is sent to %s", to)
	}
	u, err := url.Parse(to)
	if err != nil {
		b.t.Fatal(err)
	}
	q := u.Query()
	if q.Get("iss") != b.p.url || q.Get("state") != c.state {
		b.t.Errorf("answer %s: iss %q, state %q", to, q.Get("iss"), q.Get("state"))
	}
	return q
}

func (c *party) code(b *browser, pairs ...string) string {
	b.t.Helper()
	q := c.authorize(b, pairs...)
	if q.Get("code") == "" {
		b.t.Fatalf("no code, but %v", q)
	}
	return q.Get("code")
}

// told is what a program is answered.
type told struct {
	status int
	header http.Header
	all    map[string]any
}

func (r told) str(name string) string { s, _ := r.all[name].(string); return s }

// post asks the portal as a program does, with the client's own proof.
func (c *party) post(path string, pairs ...string) told {
	c.p.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	switch c.auth {
	case "none":
		form.Set("client_id", c.id)
	case "post":
		form.Set("client_id", c.id)
		form.Set("client_secret", secret)
	}
	r, err := http.NewRequest("POST", c.p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.auth == "basic" {
		r.SetBasicAuth(c.id, secret)
	}
	return c.p.tell(r)
}

func (p *portal) tell(r *http.Request) told {
	p.t.Helper()
	resp, err := plainClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	a := told{resp.StatusCode, resp.Header, nil}
	json.NewDecoder(resp.Body).Decode(&a.all)
	return a
}

// redeem trades a code for tokens.
func (c *party) redeem(code string, pairs ...string) told {
	c.p.t.Helper()
	return c.post("/oidc/token", append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", c.redirect, "code_verifier", c.verifier}, pairs...)...)
}

func (c *party) refresh(token string, pairs ...string) told {
	c.p.t.Helper()
	return c.post("/oidc/token", append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

func (c *party) userinfo(token string) told {
	c.p.t.Helper()
	r, err := http.NewRequest("GET", c.p.url+"/oidc/userinfo", nil)
	if err != nil {
		c.p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return c.p.tell(r)
}

func (p *portal) look(path string) told {
	p.t.Helper()
	r, err := http.NewRequest("GET", p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.tell(r)
}

// claims checks an ID token by the keys that the portal shows, and returns what it
// says.
func (c *party) claims(token string) map[string]any {
	c.p.t.Helper()
	all := map[string]any{}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	if err != nil {
		c.p.t.Fatalf("ID token %q: %v", token, err)
	}
	raw, _ := json.Marshal(c.p.look("/oidc/keys").all)
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &keys); err != nil {
		c.p.t.Fatal(err)
	}
	found := keys.Key(signed.Signatures[0].Header.KeyID)
	if len(found) != 1 {
		c.p.t.Fatalf("%d keys of %q", len(found), signed.Signatures[0].Header.KeyID)
	}
	body, err := signed.Verify(found[0])
	if err != nil {
		c.p.t.Fatal(err)
	}
	if err := json.Unmarshal(body, &all); err != nil {
		c.p.t.Fatal(err)
	}
	if all["iss"] != c.p.url || all["aud"] != c.id && len(all["aud"].([]any)) != 1 {
		c.p.t.Errorf("ID token for %v by %v", all["aud"], all["iss"])
	}
	return all
}

func list(v any) string {
	var words []string
	all, _ := v.([]any)
	for _, one := range all {
		s, _ := one.(string)
		words = append(words, s)
	}
	return strings.Join(words, " ")
}

func TestAnAppLetsSomebodyInByOpenIDConnect(t *testing.T) {
	p := openProvider(t)
	ada := p.enrol("ada", "--email", "ada@example.org", "--group", "staff")
	c := p.party("desk")
	t.Run("signed in already", func(t *testing.T) {
		got := c.redeem(c.code(ada))
		if got.status != 200 || got.str("token_type") != "Bearer" || got.all["expires_in"] == nil || got.str("refresh_token") != "" || got.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v", got.status, got.all)
		}
		id := c.claims(got.str("id_token"))
		sub, _ := id["sub"].(string)
		if sub == "" || sub == "ada" || id["nonce"] != c.nonce || id["acr"] != "urn:sallyport:two" || list(id["amr"]) != "pwd otp mfa" || id["auth_time"] == nil || id["preferred_username"] != "ada" {
			t.Errorf("the ID token says %v", id)
		}
		info := c.userinfo(got.str("access_token"))
		if info.status != 200 || info.str("sub") != sub || info.str("email") != "ada@example.org" || list(info.all["groups"]) != "staff" || info.str("preferred_username") != "ada" {
			t.Errorf("userinfo: %d %v", info.status, info.all)
		}
	})
	t.Run("signs in on the way", func(t *testing.T) {
		b := p.browser()
		c := p.party("desk")
		c.state += strings.Repeat("long ", 500) // as those of apps that put all they know into it
		shown, _ := b.walk("/oidc/authorize?" + c.query("login_hint", "ada"))
		if shown.name() != "sign-in" || !strings.Contains(shown.body, `value="ada"`) {
			t.Fatalf("%s: %s", shown.name(), shown.brief())
		}
		if csp := shown.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' https://desk.example") {
			t.Errorf("the form may end at %q", csp)
		}
		p.move(31 * time.Second)
		b.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
		done := b.press("Verify", "code", ada.app.code())
		for range 5 {
			if !strings.HasPrefix(done.to(), "/") {
				break
			}
			done = b.ask(done.to())
		}
		q := c.answered(b, done.to())
		if got := c.redeem(q.Get("code")); got.status != 200 {
			t.Errorf("%d %v", got.status, got.all)
		}
	})
}
