package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// side is one of the two providers, with somebody who is signed in there.
type side struct {
	*person
	issuer string
	ours   bool
}

// code has the person say yes to a request; each provider asks in its own way.
func (s side) code(r request) granted {
	s.t.Helper()
	if s.ours {
		return s.grant(r)
	}
	s.Open(r.at(s.issuer))
	for range 5 {
		switch {
		case s.At.Query().Get("code") != "":
			return granted{r, s.At.Query().Get("code")}
		case strings.Contains(s.Body, ">Sign-in</button>"):
			s.Press("Sign-in", "prompt", "login", "login", s.name, "password", "any")
		case strings.Contains(s.Body, ">Continue</button>"):
			s.Press("Continue", "prompt", "consent")
		default:
			s.t.Fatalf("it stands at %s\n%s", s.At, s.Body)
		}
	}
	s.t.Fatalf("it goes on asking at %s", s.At)
	return granted{}
}

// outcome is how a request is answered, in a few words.
func (t tokens) outcome() string {
	text := fmt.Sprint(t.Status)
	if t.Error != "" {
		text += " " + t.Error
	}
	if active, ok := t.All["active"]; ok {
		text += fmt.Sprint(" active ", active)
	}
	if scheme, _, _ := strings.Cut(t.Header.Get("WWW-Authenticate"), " "); scheme != "" {
		text += ", asks for " + scheme
	}
	return text
}

// led is where the authorization endpoint leads: to the app with an error or a code,
// to a page that tells the person, or on to the sign-in.
func (w *world) led(t testing.TB, issuer string, r request) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.at(issuer), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // the page says it in words
	to, err := answer.Location()
	switch {
	case err != nil:
		return fmt.Sprintf("a page, %d", answer.StatusCode)
	case strings.HasPrefix(to.String(), issuer+"/"):
		return "to the sign-in"
	}
	said := to.Query()
	where := "to the app"
	if to.Fragment != "" {
		if said, err = url.ParseQuery(to.Fragment); err != nil {
			t.Fatal(err)
		}
		where = "to the app, behind #"
	}
	if said.Get("state") != r.Get("state") || said.Get("iss") != issuer {
		where += ", without state or iss"
	}
	return where + ": " + said.Get("error")
}

// requests are ways of asking the authorization endpoint for what it has not.
var requests = []struct {
	name  string
	pairs []string
}{
	{"all in order", nil},
	{"client_id unknown", []string{"client_id", "nobody"}},
	{"client_id missing", []string{"client_id", ""}},
	{"redirect_uri not registered", []string{"redirect_uri", "https://elsewhere.example.org/"}},
	{"redirect_uri missing", []string{"redirect_uri", ""}},
	{"response_type missing", []string{"response_type", ""}},
	{"response_type token", []string{"response_type", "token"}},
	{"response_type id_token", []string{"response_type", "id_token"}},
	{"response_type code id_token", []string{"response_type", "code id_token"}},
	{"response_type none", []string{"response_type", "none"}},
	{"response_mode fragment", []string{"response_mode", "fragment"}},
	{"response_mode form_post", []string{"response_mode", "form_post"}},
	{"response_mode unknown", []string{"response_mode", "pigeon"}},
	{"scope without openid", []string{"scope", "profile"}},
	{"scope missing", []string{"scope", ""}},
	{"scope unknown beside openid", []string{"scope", "openid pigeon"}},
	{"code_challenge missing", []string{"code_challenge", "", "code_challenge_method", ""}},
	{"code_challenge_method plain", []string{"code_challenge_method", "plain"}},
	{"code_challenge_method missing", []string{"code_challenge_method", ""}},
	{"code_challenge of 42 characters", []string{"code_challenge", strings.Repeat("a", 42)}},
	{"prompt none, nobody signed in", []string{"prompt", "none"}},
	{"prompt none login", []string{"prompt", "none login"}},
	{"prompt unknown", []string{"prompt", "pigeon"}},
	{"max_age negative", []string{"max_age", "-1"}},
	{"max_age no number", []string{"max_age", "soon"}},
	{"request", []string{"request", "e30.e30."}},
	{"request_uri", []string{"request_uri", "https://elsewhere.example.org/request"}},
	{"registration", []string{"registration", "{}"}},
	{"claims no JSON", []string{"claims", "{"}},
	{"id_token_hint no token", []string{"id_token_hint", "pigeon"}},
	{"state missing", []string{"state", ""}},
}

// exchanges are ways of asking the token endpoint and its neighbours.
var exchanges = []struct {
	name string
	ask  func(w *world, s side) tokens
}{
	{"token: grant_type missing", posts("notes", "")},
	{"token: grant_type password", posts("notes", "", "grant_type", "password", "username", "ada", "password", "x")},
	{"token: grant_type client_credentials", posts("notes", "", "grant_type", "client_credentials")},
	{"token: grant_type of device codes", posts("notes", "", "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", "x")},
	{"token: code missing", posts("notes", "", "grant_type", "authorization_code")},
	{"token: code unknown", posts("notes", "", "grant_type", "authorization_code", "code", "x", "redirect_uri", "CALLBACK", "code_verifier", strings.Repeat("a", 43))},
	{"token: refresh_token missing", posts("notes", "", "grant_type", "refresh_token")},
	{"token: refresh_token unknown", posts("notes", "", "grant_type", "refresh_token", "refresh_token", "x")},
	{"token: wrong verifier", codes(func(v url.Values) { v.Set("code_verifier", strings.Repeat("a", 43)) })},
	{"token: verifier missing", codes(func(v url.Values) { v.Del("code_verifier") })},
	{"token: verifier of 42 characters", codes(func(v url.Values) { v.Set("code_verifier", strings.Repeat("a", 42)) })},
	{"token: redirect_uri another", codes(func(v url.Values) { v.Set("redirect_uri", "https://elsewhere.example.org/") })},
	{"token: redirect_uri missing", codes(func(v url.Values) { v.Del("redirect_uri") })},
	{"token: a parameter twice", codes(func(v url.Values) { v["code"] = append(v["code"], v["code"]...) })},
	{"token: in order", codes(func(url.Values) {})},
	{"token: code twice", func(w *world, s side) tokens {
		g := s.code(w.request(s.t, "notes", "scope", "openid"))
		form := url.Values{"grant_type": {"authorization_code"}, "code": {g.code}, "redirect_uri": g.Values["redirect_uri"], "code_verifier": {g.verifier}}
		w.token(s.t, s.issuer, g.app, form)
		return w.token(s.t, s.issuer, g.app, form)
	}},
	{"token: another client's code", func(w *world, s side) tokens {
		g := s.code(w.request(s.t, "notes", "scope", "openid"))
		return w.token(s.t, s.issuer, w.apps["ledger"], url.Values{"grant_type": {"authorization_code"}, "code": {g.code}, "redirect_uri": g.Values["redirect_uri"], "code_verifier": {g.verifier}})
	}},
	{"token: client unknown", as(func(*app) (string, string, string, string) { return "nobody", "x", "", "" })},
	{"token: wrong secret", as(func(a *app) (string, string, string, string) { return a.id, "wrong", "", "" })},
	{"token: no secret", as(func(a *app) (string, string, string, string) { return "", "", a.id, "" })},
	{"token: nobody", as(func(*app) (string, string, string, string) { return "", "", "", "" })},
	{"token: secret in the form, registered for the header", as(func(a *app) (string, string, string, string) { return "", "", a.id, a.secret })},
	{"token: secret in the header and the form", as(func(a *app) (string, string, string, string) { return a.id, a.secret, a.id, a.secret })},
	{"token: GET", func(w *world, s side) tokens {
		r, _ := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.issuer+"/oidc/token", nil) // a fixed address
		return w.do(s.t, r)
	}},
	{"token: JSON", func(w *world, s side) tokens {
		r, _ := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.issuer+"/oidc/token", strings.NewReader(`{"grant_type":"authorization_code"}`)) // a fixed address
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("notes", w.apps["notes"].secret)
		return w.do(s.t, r)
	}},
	{"userinfo: no token", func(w *world, s side) tokens { return w.userinfo(s.t, s.issuer, "") }},
	{"userinfo: token unknown", func(w *world, s side) tokens { return w.userinfo(s.t, s.issuer, "x") }},
	{"userinfo: an ID token", func(w *world, s side) tokens { return w.userinfo(s.t, s.issuer, s.tokens(w).ID) }},
	{"userinfo: token in the address", func(w *world, s side) tokens {
		r, _ := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.issuer+"/oidc/userinfo?access_token="+s.tokens(w).Access, nil) // a token has letters alone
		return w.do(s.t, r)
	}},
	{"introspect: token unknown", posts("notes", "introspect", "token", "x")},
	{"introspect: token missing", posts("notes", "introspect")},
	{"introspect: a public client", posts("sketch", "introspect", "token", "x")},
	{"introspect: its own token", func(w *world, s side) tokens {
		return w.post(s.t, s.issuer+"/oidc/introspect", w.apps["notes"], url.Values{"token": {s.tokens(w).Access}})
	}},
	{"introspect: another client's token", func(w *world, s side) tokens {
		return w.post(s.t, s.issuer+"/oidc/introspect", w.apps["ledger"], url.Values{"token": {s.tokens(w).Access}})
	}},
	{"revoke: token unknown", posts("notes", "revoke", "token", "x")},
	{"revoke: token missing", posts("notes", "revoke")},
	{"revoke: another client's token", func(w *world, s side) tokens {
		token := s.tokens(w).Access
		got := w.post(s.t, s.issuer+"/oidc/revoke", w.apps["ledger"], url.Values{"token": {token}})
		if w.userinfo(s.t, s.issuer, token).Status != http.StatusOK {
			got.Error = "and it is revoked"
		}
		return got
	}},
}

// posts sends a form as an app; CALLBACK is where the app gets people back.
func posts(id, to string, pairs ...string) func(*world, side) tokens {
	return func(w *world, s side) tokens {
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], strings.Replace(pairs[i+1], "CALLBACK", w.apps[id].url+callbacks[id], 1))
		}
		if to == "" {
			to = "token"
		}
		return w.post(s.t, s.issuer+"/oidc/"+to, w.apps[id], form)
	}
}

// codes redeems a new code with a form that was changed.
func codes(change func(url.Values)) func(*world, side) tokens {
	return func(w *world, s side) tokens {
		g := s.code(w.request(s.t, "notes", "scope", "openid"))
		form := url.Values{"grant_type": {"authorization_code"}, "code": {g.code}, "redirect_uri": g.Values["redirect_uri"], "code_verifier": {g.verifier}}
		change(form)
		return w.token(s.t, s.issuer, g.app, form)
	}
}

// as redeems nothing, as a client that proves itself in some way.
func as(who func(*app) (name, word, id, secret string)) func(*world, side) tokens {
	return func(w *world, s side) tokens {
		name, word, id, secret := who(w.apps["notes"])
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}
		if id != "" {
			form.Set("client_id", id)
		}
		if secret != "" {
			form.Set("client_secret", secret)
		}
		r, _ := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.issuer+"/oidc/token", strings.NewReader(form.Encode())) // a fixed address
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if name != "" {
			r.SetBasicAuth(name, word)
		}
		return w.do(s.t, r)
	}
}

// tokens are what a code is good for.
func (s side) tokens(w *world) tokens {
	s.t.Helper()
	g := s.code(w.request(s.t, "notes", "scope", "openid"))
	got := w.token(s.t, s.issuer, g.app, url.Values{"grant_type": {"authorization_code"}, "code": {g.code}, "redirect_uri": g.Values["redirect_uri"], "code_verifier": {g.verifier}})
	if got.Status != http.StatusOK {
		s.t.Fatalf("%s gives no tokens: %d %s", s.issuer, got.Status, got.Error)
	}
	return got
}

var row = regexp.MustCompile(`(?m)^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$`)

// explained are the rows of one table of oidc-compared.md.
func explained(t testing.TB, heading string) map[string]string {
	t.Helper()
	_, text, ok := strings.Cut(harness.Page(t, "integrate", "oidc-compared.md"), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("oidc-compared.md has no part %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		if m[1] != "what" {
			rows[m[1]] = m[2] + " | " + m[3]
		}
	}
	return rows
}

// compare holds what differs against a table: neither has what the other has not.
func compare(t *testing.T, heading string, ours, theirs map[string]string) {
	t.Helper()
	rows := explained(t, heading)
	all := map[string]bool{}
	for name := range ours {
		all[name] = true
	}
	for name := range theirs {
		all[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		differs := or(ours[name]) + " | " + or(theirs[name])
		switch printed, ok := rows[name]; {
		case ours[name] == theirs[name] && ok:
			t.Errorf("%s: %s is the same with both: %s", heading, name, ours[name])
		case ours[name] != theirs[name] && printed != differs:
			t.Errorf("%s: not explained:\n| %s | %s | |", heading, name, differs)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("%s: %s is not there to be compared", heading, name)
	}
}

func or(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// flat shows a value in one line, without what is another address here and there.
func flat(v any, issuer string) string {
	if list, ok := v.([]any); ok {
		var words []string
		for _, one := range list {
			words = append(words, fmt.Sprint(one))
		}
		slices.Sort(words)
		return strings.Join(words, ", ")
	}
	return strings.ReplaceAll(fmt.Sprint(v), issuer, "")
}

// What the provider says differs from what npm's oidc-provider says where
// oidc-compared.md explains it, and nowhere else.
func TestTheProviderIsComparedWithAnother(t *testing.T) {
	w := open(t)
	issuer := w.beside(t, harness.FreePort(t))
	t.Run("discovery", func(t *testing.T) {
		said := func(issuer string) map[string]string {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
			if err != nil {
				t.Fatal(err)
			}
			all := map[string]string{}
			for name, value := range w.do(t, r).All {
				all["`"+name+"`"] = flat(value, issuer)
			}
			return all
		}
		compare(t, "Discovery", said(w.portal), said(issuer))
	})
	t.Run("requests", func(t *testing.T) {
		ours, theirs := map[string]string{}, map[string]string{}
		for _, r := range requests {
			asked := w.request(t, "notes", append([]string{"scope", "openid"}, r.pairs...)...)
			ours[r.name], theirs[r.name] = w.led(t, w.portal, asked), w.led(t, issuer, asked)
		}
		compare(t, "The authorization endpoint", ours, theirs)
	})
	us, them := side{w.newcomer(t), w.portal, true}, side{w.newcomer(t), issuer, false}
	t.Run("exchanges", func(t *testing.T) {
		ours, theirs := map[string]string{}, map[string]string{}
		for _, x := range exchanges {
			ours[x.name], theirs[x.name] = x.ask(w, us).outcome(), x.ask(w, them).outcome()
		}
		compare(t, "Token, userinfo, introspection, revocation", ours, theirs)
	})
	t.Run("tokens", func(t *testing.T) {
		compare(t, "Tokens", us.described(w), them.described(w))
	})
}

// described says what an answer with tokens is made of.
func (s side) described(w *world) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	pairs := []string{}
	if !s.ours {
		pairs = []string{"prompt", "consent"} // without it that one lets offline_access go
	}
	r := w.request(s.t, "notes", pairs...)
	g := s.code(r)
	got := w.token(s.t, s.issuer, g.app, url.Values{"grant_type": {"authorization_code"}, "code": {g.code}, "redirect_uri": g.Values["redirect_uri"], "code_verifier": {g.verifier}})
	describe := func(what string, got tokens) {
		for name, value := range got.All {
			all[what+": "+name] = kind(value)
		}
		all[what+": scope"] = got.Scope
		parts := strings.Split(got.ID, ".")
		for name, value := range decoded(s.t, parts[0]) {
			if all[what+", header: "+name] = flat(value, s.issuer); name == "kid" {
				all[what+", header: kid"] = "some"
			}
		}
		for name, value := range decoded(s.t, parts[1]) {
			all[what+", claims: "+name] = kind(value)
		}
		for _, name := range []string{"Cache-Control", "Content-Type"} {
			all[what+": "+name] = got.Header.Get(name)
		}
	}
	describe("code", got)
	next := w.token(s.t, s.issuer, g.app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}})
	describe("refresh", next)
	for name, value := range w.userinfo(s.t, s.issuer, next.Access).All {
		all["userinfo: "+name] = kind(value)
	}
	for name, value := range w.post(s.t, s.issuer+"/oidc/introspect", g.app, url.Values{"token": {next.Access}}).All {
		all["introspection: "+name] = kind(value)
	}
	again := w.token(s.t, s.issuer, g.app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}})
	all["refresh token twice"] = again.outcome()
	all["then the newest access token"] = w.userinfo(s.t, s.issuer, next.Access).outcome()
	return all
}

// kind is what sort of value it is; it says the value where that is always the same.
func kind(v any) string {
	switch v := v.(type) {
	case string:
		return "text"
	case []any:
		return "list"
	case float64:
		return "number"
	case bool:
		return fmt.Sprint(v)
	}
	text, _ := json.Marshal(v) // it was read from JSON
	return string(text)
}
