package clients

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

// judged checks an ID token with go-oidc, by the keys that the portal publishes.
func (w *world) judged(t testing.TB, a *app, text, algorithm string) *oidc.IDToken {
	t.Helper()
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(t.Context(), w.client()), w.portal+"/oidc/keys")
	id, err := oidc.NewVerifier(w.portal, keys, &oidc.Config{ClientID: a.id, SupportedSigningAlgs: []string{algorithm}}).Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A code is of use to the client that it was made for, with the verifier of its own
// request, and to nobody else.
func TestACodeAndAVerifierOfTwoClients(t *testing.T) {
	w := open(t)
	p := w.newcomer(t)
	notes, ledger := p.grant(w.request(t, "notes")), p.grant(w.request(t, "ledger"))
	other := p.grant(w.request(t, "notes"))
	for _, row := range []struct {
		name     string
		as       *app
		code     granted
		verifier string
	}{
		{"another client, the code's verifier", ledger.app, notes, notes.verifier},
		{"another client, its own verifier", ledger.app, notes, ledger.verifier},
		{"a public client, the code's verifier", w.apps["sketch"], notes, notes.verifier},
		{"a client without PKCE, and no verifier", w.apps["board"], notes, ""},
		{"its client, another's verifier", other.app, other, ledger.verifier},
		{"its client, the verifier of another sign-in", w.apps["ledger"], p.grant(w.request(t, "ledger")), ledger.verifier},
		{"its client, no verifier", notes.app, p.grant(w.request(t, "notes")), ""},
	} {
		if got := w.redeem(t, row.as, row.code, row.verifier); got.Status != http.StatusBadRequest || got.Error != "invalid_grant" || got.Access+got.ID != "" {
			t.Errorf("%s: %d %s", row.name, got.Status, got.Error)
		}
	}
	for _, g := range []granted{notes, ledger} {
		got := w.redeem(t, g.app, g, g.verifier)
		if got.Status != http.StatusOK {
			t.Errorf("%s with its own: %d %s", g.app.id, got.Status, got.Error)
		}
	}
}

// Of many redemptions at once one wins at most, and what it won is worth nothing:
// the code is known to somebody else.
func TestRedemptionsAtOnce(t *testing.T) {
	w := open(t)
	p := w.newcomer(t)
	alone := p.grant(w.request(t, "notes"))
	kept := w.redeem(t, alone.app, alone, alone.verifier)
	for round := range 3 {
		g := p.grant(w.request(t, "notes"))
		const many = 8
		var all [many]tokens
		var wait sync.WaitGroup
		for i := range many {
			wait.Go(func() { all[i] = w.redeem(t, g.app, g, g.verifier) })
		}
		wait.Wait()
		won := 0
		for _, got := range all {
			if got.Status != http.StatusOK {
				if got.Status != http.StatusBadRequest || got.Error != "invalid_grant" {
					t.Errorf("one who lost is told %d %s", got.Status, got.Error)
				}
				continue
			}
			won++
			if who := w.userinfo(t, w.portal, got.Access); who.Status != http.StatusUnauthorized {
				t.Errorf("round %d: the access token lives on: %d", round, who.Status)
			}
			if next := w.token(t, w.portal, g.app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}); next.Error != "invalid_grant" {
				t.Errorf("round %d: the refresh token lives on: %d", round, next.Status)
			}
		}
		if won > 1 {
			t.Errorf("round %d: %d redemptions won", round, won)
		}
	}
	if who := w.userinfo(t, w.portal, kept.Access); kept.Status != http.StatusOK || who.Status != http.StatusOK {
		t.Errorf("the token of a code that was used once: %d, %d", kept.Status, who.Status)
	}
}

// forger makes tokens out of a real one.
type forger struct {
	header, body map[string]any
	rsa          *rsa.PrivateKey
	ec           *ecdsa.PrivateKey
}

func part(v any) string {
	text, _ := json.Marshal(v) // maps of plain values
	return base64.RawURLEncoding.EncodeToString(text)
}

func decoded(t testing.TB, text string) (v map[string]any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func newForger(t testing.TB, of string) *forger {
	t.Helper()
	parts := strings.Split(of, ".")
	f := &forger{header: decoded(t, parts[0]), body: decoded(t, parts[1])}
	var err error
	if f.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if f.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return f
}

// token signs the body under a header that was changed.
func (f *forger) token(sign func(message []byte) []byte, pairs ...any) string {
	header := map[string]any{}
	for k, v := range f.header {
		header[k] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		header[pairs[i].(string)] = pairs[i+1]
	}
	message := part(header) + "." + part(f.body)
	return message + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(message)))
}

func unsigned([]byte) []byte { return nil }

func shared256(secret []byte) func([]byte) []byte {
	return func(message []byte) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write(message)
		return m.Sum(nil)
	}
}

func (f *forger) byRSA(message []byte) []byte {
	sum := sha256.Sum256(message)
	signature, _ := f.rsa.Sign(rand.Reader, sum[:], crypto.SHA256) // a good key signs
	return signature
}

func (f *forger) byEC(message []byte) []byte {
	sum := sha256.Sum256(message)
	r, s, _ := ecdsa.Sign(rand.Reader, f.ec, sum[:]) // a good key signs
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// published is a key of the portal as others know it.
type published struct{ KID, Alg, N, E string }

func (w *world) keys(t testing.TB) (list []published, raw map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.portal+"/oidc/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := w.do(t, r)
	text, _ := json.Marshal(got.All["keys"]) // it was read from JSON
	if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 {
		t.Fatalf("the keys are %s: %v", text, err)
	}
	return list, got.All
}

// forgeries are tokens that say the same as a real one, with nothing but the alg, the
// kid, or the key changed.
func (w *world) forgeries(t testing.TB, real string) map[string]string {
	t.Helper()
	f := newForger(t, real)
	list, _ := w.keys(t)
	all := map[string]string{
		"alg none": f.token(unsigned, "alg", "none"),
		"alg None": f.token(unsigned, "alg", "None"),
		"alg none, with its signature": f.token(func([]byte) []byte {
			s, _ := base64.RawURLEncoding.DecodeString(real[strings.LastIndex(real, ".")+1:])
			return s
		}, "alg", "none"),
		"no signature":                     real[:strings.LastIndex(real, ".")+1],
		"an empty HS256 secret":            f.token(shared256(nil), "alg", "HS256"),
		"HS256 by the secret of a client":  f.token(shared256([]byte(w.apps["notes"].secret)), "alg", "HS256"),
		"another key by the same kid":      f.token(f.byRSA, "alg", "RS256"),
		"another EC key by the same kid":   f.token(f.byEC, "alg", "ES256"),
		"another key by a foreign kid":     f.token(f.byRSA, "alg", "RS256", "kid", "mine"),
		"another key by no kid":            f.token(f.byRSA, "alg", "RS256", "kid", ""),
		"a kid that is a path":             f.token(shared256(nil), "alg", "HS256", "kid", "../../../../dev/null"),
		"a key in the header":              f.token(f.byRSA, "alg", "RS256", "kid", "mine", "jwk", jwk(&f.rsa.PublicKey)),
		"a key in the header, by its kid":  f.token(f.byRSA, "alg", "RS256", "jwk", jwk(&f.rsa.PublicKey)),
		"a key at an address":              f.token(f.byRSA, "alg", "RS256", "kid", "mine", "jku", w.apps["sketch"].url+"/keys"),
		"something critical in the header": f.token(f.byRSA, "alg", "RS256", "crit", []string{"b64"}, "b64", false),
	}
	for _, k := range list {
		if k.N == "" {
			continue
		}
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil {
			t.Fatal(err)
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range map[string][]byte{
			"its DER": der, "its PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "its PKCS 1": x509.MarshalPKCS1PublicKey(public),
			"its PEM of PKCS 1": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public)}), "its modulus": n,
		} {
			all["HS256 by the public key, "+name] = f.token(shared256(secret), "alg", "HS256", "kid", k.KID)
		}
	}
	return all
}

func jwk(key *rsa.PublicKey) map[string]string {
	return map[string]string{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "mine", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": "AQAB"}
}

// A token whose alg, kid or key was changed opens nothing, wherever the portal takes
// one; the real one shows that each place was reached.
func TestForgedTokensOpenNothing(t *testing.T) {
	w := open(t)
	p := w.newcomer(t)
	g := p.grant(w.request(t, "notes"))
	got := w.redeem(t, g.app, g, g.verifier)
	if w.judged(t, g.app, got.ID, oidc.RS256).Nonce != g.nonce {
		t.Error("the nonce is another")
	}
	hinted := func(token string) url.Values {
		p.Open(w.request(t, "notes", "prompt", "none", "id_token_hint", token).at(w.portal))
		return p.At.Query()
	}
	introspected := func(token string) any {
		return w.post(t, w.portal+"/oidc/introspect", g.app, url.Values{"token": {token}}).All["active"]
	}
	if q := hinted(got.ID); q.Get("code") == "" {
		t.Errorf("with the real hint it says %q", q)
	}
	if who := w.userinfo(t, w.portal, got.Access); who.Status != http.StatusOK || introspected(got.Access) != true {
		t.Errorf("with the real access token it says %d", who.Status)
	}
	all := w.forgeries(t, got.ID)
	if len(all) < 20 {
		t.Errorf("there are %d forgeries", len(all))
	}
	all["an ID token for an access token"] = got.ID
	for name, token := range all {
		if who := w.userinfo(t, w.portal, token); who.Status != http.StatusUnauthorized || !strings.HasPrefix(who.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: userinfo says %d %q", name, who.Status, who.Header.Get("WWW-Authenticate"))
		}
		if active := introspected(token); active != false {
			t.Errorf("%s: introspection says %v", name, active)
		}
		if token == got.ID {
			continue
		}
		if q := hinted(token); q.Get("code") != "" || q.Get("error") != "invalid_request" || q.Get("iss") != w.portal {
			t.Errorf("%s: the hint is answered by %q", name, q)
		}
		p.Open("/oidc/end-session?" + url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {g.app.url + "/signed-out"}}.Encode())
		if !strings.HasPrefix(p.At.String(), w.portal+"/oidc/") || p.Status < 400 {
			t.Errorf("%s: signing out leads to %s, %d", name, p.At, p.Status)
		}
	}
	p.Open("/")
	if p.Status != http.StatusOK || p.Page() == "sign-in" {
		t.Errorf("it is signed out: %s", p.Page())
	}
	p.Open("/oidc/end-session?" + url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {g.app.url + "/signed-out"}}.Encode())
	if p.At.String() != g.app.url+"/signed-out" {
		t.Errorf("signing out with the real one leads to %s", p.At)
	}
}
