package clients

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// callbacks are where each app gets people back.
var callbacks = map[string]string{"wiki": "/.oidc", "notes": "/callback", "board": "/callback", "sketch": "/", "ledger": "/callback", "desk": "/callback"}

// request is what an app asks of the authorization endpoint.
type request struct {
	app             *app
	verifier, nonce string
	url.Values
}

// request asks as a client with PKCE does; pairs change what is asked, and what is
// set to nothing is left out.
func (w *world) request(t testing.TB, id string, pairs ...string) request {
	t.Helper()
	a := w.apps[id]
	r := request{app: a, verifier: oauth2.GenerateVerifier(), nonce: random(t)}
	r.Values = url.Values{"response_type": {"code"}, "client_id": {id}, "redirect_uri": {a.url + callbacks[id]}, "scope": {"openid profile email groups offline_access"},
		"state": {random(t)}, "nonce": {r.nonce}, "code_challenge": {oauth2.S256ChallengeFromVerifier(r.verifier)}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if r.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			r.Del(pairs[i])
		}
	}
	return r
}

func (r request) at(issuer string) string { return issuer + "/oidc/authorize?" + r.Encode() }

// granted is a request with its code.
type granted struct {
	request
	code string
}

// grant has a person say yes to a request.
func (p *person) grant(r request) granted {
	p.t.Helper()
	p.Open(r.at(p.w.portal))
	p.arrive()
	q := p.At.Query()
	if q.Get("state") != r.Get("state") || q.Get("iss") != p.w.portal || q.Get("code") == "" {
		p.t.Fatalf("the answer is %s", p.At)
	}
	return granted{r, q.Get("code")}
}

// tokens is what the token endpoint says.
type tokens struct {
	Status       int
	Header       http.Header
	Access       string `json:"access_token"`
	Refresh      string `json:"refresh_token"`
	ID           string `json:"id_token"`
	Error, Scope string
	All          map[string]any
}

// redeem redeems a code, as an app with its own secret.
func (w *world) redeem(t testing.TB, as *app, g granted, verifier string) tokens {
	t.Helper()
	return w.token(t, w.portal, as, url.Values{"grant_type": {"authorization_code"}, "code": {g.code}, "redirect_uri": g.Values["redirect_uri"], "code_verifier": {verifier}})
}

// token asks the token endpoint, or another to which an app has to prove itself.
func (w *world) token(t testing.TB, issuer string, as *app, form url.Values) tokens {
	t.Helper()
	return w.post(t, issuer+"/oidc/token", as, form)
}

func (w *world) post(t testing.TB, address string, as *app, form url.Values) (got tokens) {
	t.Helper()
	switch as.id {
	case "board":
		form.Set("client_secret", as.secret)
		fallthrough
	case "sketch":
		form.Set("client_id", as.id)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if as.id != "board" && as.id != "sketch" {
		r.SetBasicAuth(as.id, as.secret)
	}
	return w.do(t, r)
}

// userinfo asks who it is, with a token.
func (w *world) userinfo(t testing.TB, issuer, token string) tokens {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/oidc/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(t, r)
}

func (w *world) do(t testing.TB, r *http.Request) (got tokens) {
	t.Helper()
	answer, err := w.client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	got.Status, got.Header = answer.StatusCode, answer.Header
	if len(text) > 0 && strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if err := json.Unmarshal(text, &got.All); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return got
}
