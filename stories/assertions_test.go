package stories_test

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
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const byAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

type object = map[string]any

// signs signs what stands before the second dot of a token.
type signs func(text string) []byte

func byRSA(key *rsa.PrivateKey) signs {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		mark, _ := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]) // a good key signs
		return mark
	}
}

func byECDSA(key *ecdsa.PrivateKey) signs {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:]) // a good key signs
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

func byShared(key []byte) signs {
	return func(text string) []byte { m := hmac.New(sha256.New, key); m.Write([]byte(text)); return m.Sum(nil) }
}

func byNobody(string) []byte { return nil }

// but is an object with some of it changed; what is nil is left out.
func but(o object, pairs ...any) object {
	o = maps.Clone(o)
	for i := 0; i+1 < len(pairs); i += 2 {
		if o[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(o, pairs[i].(string))
		}
	}
	return o
}

func assertion(head, body object, by signs) string {
	h, _ := json.Marshal(head) // plain values
	b, _ := json.Marshal(body)
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(b)
	return text + "." + base64.RawURLEncoding.EncodeToString(by(text))
}

// keysOf are public keys as a client registers them.
func keysOf(t *testing.T, keys ...jose.JSONWebKey) string {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// proves posts with nothing but an assertion for a proof; pairs are added to the form.
func (p *portal) proves(path, text string, pairs ...string) told {
	p.t.Helper()
	form := url.Values{"client_assertion_type": {byAssertion}, "client_assertion": {text}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest("POST", p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.tell(r)
}

// OP-10: a client that signs is known by its own key, for a moment, once, and here.
// Whether it is known shows at revocation, which takes any token of one that is.
func TestOnlyItsOwnKeyProvesAClient(t *testing.T) {
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var fetched atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetched.Add(1)
		fmt.Fprint(w, keysOf(t, jose.JSONWebKey{Key: &theirs.PublicKey, KeyID: "theirs"}, jose.JSONWebKey{Key: &theirs.PublicKey, KeyID: "rsa"}))
	}))
	t.Cleanup(evil.Close)

	p := install(t, settings{more: providers + `  - id: vault
    name: Vault
    groups: [everyone]
    client: {redirects: ["https://vault.example/cb"], auth: private_key_jwt, keys_file: vault.jwks, no_consent: true, refresh: true}
  - id: shelf
    name: Shelf
    groups: [everyone]
    client: {redirects: ["https://shelf.example/cb"], auth: private_key_jwt, keys_file: shelf.jwks, no_consent: true}
`})
	p.write("desk.secret", secret+"\n")
	p.write("vault.jwks", keysOf(t, jose.JSONWebKey{Key: &mine.PublicKey, KeyID: "rsa", Algorithm: "RS256", Use: "sig"}, jose.JSONWebKey{Key: &curve.PublicKey, KeyID: "ec", Use: "sig"}))
	p.write("shelf.jwks", keysOf(t, jose.JSONWebKey{Key: &theirs.PublicKey, KeyID: "rsa"}))
	p.serve()

	head, ecHead := object{"alg": "RS256", "kid": "rsa"}, object{"alg": "ES256", "kid": "ec"}
	says := func(pairs ...any) object {
		now := time.Now().Unix()
		return but(object{"iss": "vault", "sub": "vault", "aud": p.url, "jti": rand.Text(), "iat": now, "exp": now + 60}, pairs...)
	}
	known := func(about, text string, pairs ...string) {
		t.Helper()
		if got := p.proves("/oidc/revoke", text, append([]string{"token", "at_x"}, pairs...)...); got.status != 200 {
			t.Errorf("%s: %d %v", about, got.status, got.all)
		}
	}
	unknown := func(about, text string, pairs ...string) {
		t.Helper()
		if got := p.proves("/oidc/revoke", text, append([]string{"token", "at_x"}, pairs...)...); got.status != 401 || got.str("error") != "invalid_client" {
			t.Errorf("%s: %d %v", about, got.status, got.all)
		}
	}

	t.Run("its own", func(t *testing.T) {
		known("RS256", assertion(head, says(), byRSA(mine)))
		known("ES256", assertion(ecHead, says(), byECDSA(curve)))
		known("without a kid", assertion(but(head, "kid", nil), says(), byRSA(mine)))
		known("for the token endpoint", assertion(head, says("aud", p.url+"/oidc/token"), byRSA(mine)))
		known("for us among others", assertion(head, says("aud", []string{"https://id.example", p.url}), byRSA(mine)))
		known("with its id beside it", assertion(head, says(), byRSA(mine)), "client_id", "vault")
		known("another client by its own", assertion(head, says("iss", "shelf", "sub", "shelf"), byRSA(theirs)))
	})
	t.Run("another's key", func(t *testing.T) {
		for about, text := range map[string]string{
			"another client's key, by the same kid": assertion(head, says(), byRSA(theirs)),
			"a kid that nobody knows":               assertion(but(head, "kid", "theirs"), says(), byRSA(theirs)),
			"no kid":                                assertion(but(head, "kid", nil), says(), byRSA(theirs)),
			"its key in the head":                   assertion(but(head, "kid", "theirs", "jwk", jose.JSONWebKey{Key: &theirs.PublicKey, KeyID: "theirs"}), says(), byRSA(theirs)),
			"its key in the head, by our kid":       assertion(but(head, "jwk", jose.JSONWebKey{Key: &theirs.PublicKey, KeyID: "rsa"}), says(), byRSA(theirs)),
			"its keys at an address":                assertion(but(head, "kid", "theirs", "jku", evil.URL, "x5u", evil.URL), says(), byRSA(theirs)),
			"another curve key":                     assertion(ecHead, says(), byECDSA(stolen)),
			"a curve's signature of zeros":          assertion(ecHead, says(), func(string) []byte { return make([]byte, 64) }),
			"a curve by the kid of RSA":             assertion(but(head, "alg", "ES256"), says(), byECDSA(stolen)),
			"critical in what nobody knows":         assertion(but(head, "crit", []string{"x"}, "x", true), says(), byRSA(mine)),
		} {
			unknown(about, text)
		}
		if n := fetched.Load(); n != 0 {
			t.Errorf("the portal fetched an attacker's keys %d times", n)
		}
	})
	t.Run("another algorithm", func(t *testing.T) {
		der, err := x509.MarshalPKIXPublicKey(&mine.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		pkcs1 := x509.MarshalPKCS1PublicKey(&mine.PublicKey)
		for about, key := range map[string][]byte{
			"nothing": nil, "DER": der, "PKCS #1": pkcs1, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"PEM of PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}), "modulus": mine.N.Bytes(), "the set": []byte(keysOf(t, jose.JSONWebKey{Key: &mine.PublicKey, KeyID: "rsa"})),
		} {
			unknown("HS256 by "+about, assertion(but(head, "alg", "HS256"), says(), byShared(key)))
		}
		for _, none := range []string{"none", "None", "nOnE", ""} {
			unknown("alg "+none, assertion(but(head, "alg", none), says(), byNobody))
			unknown("alg "+none+", with a signature", assertion(but(head, "alg", none), says(), byRSA(mine)))
		}
		unknown("RS512 over RS256", assertion(but(head, "alg", "RS512"), says(), byRSA(mine)))
		unknown("PS256 over RS256", assertion(but(head, "alg", "PS256"), says(), byRSA(mine)))
		unknown("no algorithm", assertion(but(head, "alg", nil), says(), byRSA(mine)))
	})
	t.Run("said wrongly", func(t *testing.T) {
		now := time.Now().Unix()
		for about, body := range map[string]object{
			"by another":            says("iss", "shelf"),
			"about another":         says("sub", "shelf"),
			"about nobody":          says("sub", nil),
			"for another":           says("aud", "https://id.example"),
			"for nobody":            says("aud", nil),
			"for what begins alike": says("aud", p.url+".example"),
			"for revocation":        says("aud", p.url+"/oidc/revoke"),
			"without a name":        says("jti", nil),
			"without an end":        says("exp", nil),
			"past its end":          says("exp", now-120),
			"good for a day":        says("exp", now+86400),
			"good for ever":         says("exp", 1e300),
			"good later":            says("nbf", now+600),
			"made later":            says("iat", now+600),
			"an end that is text":   says("exp", "tomorrow"),
		} {
			unknown(about, assertion(head, body, byRSA(mine)))
		}
		good := func() string { return assertion(head, says(), byRSA(mine)) }
		unknown("another's id beside it", good(), "client_id", "shelf")
		unknown("the id of one with a secret beside it", good(), "client_id", "desk")
		unknown("a secret beside it", good(), "client_secret", secret)
		unknown("of another kind", good(), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
		unknown("of no kind", good(), "client_assertion_type", "")
		unknown("no assertion, but an id", "", "client_id", "vault")
		unknown("an id, and nothing else", "", "client_id", "vault", "client_assertion_type", "")
		unknown("for a client with a secret", assertion(head, says("iss", "desk", "sub", "desk"), byShared([]byte(secret))))
		unknown("HS256 for a client with a secret", assertion(object{"alg": "HS256"}, says("iss", "desk", "sub", "desk"), byShared([]byte(secret))))
		unknown("as JSON", asJSON(good()))
		unknown("as JSON, two signatures", twice(t, says(), mine, theirs))
	})
	t.Run("used twice", func(t *testing.T) {
		again := assertion(head, says(), byRSA(mine))
		known("once", again)
		unknown("twice", again)
		named := says()
		known("a name", assertion(head, named, byRSA(mine)))
		unknown("the same name by another key", assertion(ecHead, named, byECDSA(curve)))
		known("the same name by another client", assertion(head, but(named, "iss", "shelf", "sub", "shelf"), byRSA(theirs)))

		once := assertion(head, says(), byRSA(mine))
		var all [12]told
		var wait sync.WaitGroup
		for i := range all {
			wait.Go(func() { all[i] = p.proves("/oidc/revoke", once, "token", "at_x") })
		}
		wait.Wait()
		won := 0
		for _, got := range all {
			if got.status == 200 {
				won++
			} else if got.status != 401 || got.str("error") != "invalid_client" {
				t.Errorf("one who came too late is told %d %v", got.status, got.all)
			}
		}
		if won != 1 {
			t.Errorf("of 12 at once %d were believed", won)
		}
	})
	t.Run("at every endpoint", func(t *testing.T) {
		ada := p.enrol("ada")
		c := p.party("vault")
		c.redirect = "https://vault.example/cb"
		code := c.code(ada)
		redeem := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", c.redirect, "code_verifier", c.verifier}
		forged := func() string { return assertion(head, says(), byRSA(theirs)) }
		refused := func(about string, got told) {
			t.Helper()
			if got.status != 401 || got.str("error") != "invalid_client" || got.all["active"] != nil || got.all["access_token"] != nil {
				t.Errorf("%s: %d %v", about, got.status, got.all)
			}
		}
		refused("token", p.proves("/oidc/token", forged(), redeem...))
		got := p.proves("/oidc/token", assertion(head, says(), byRSA(mine)), redeem...)
		if got.status != 200 {
			t.Fatalf("the code was spent by who is not its client: %d %v", got.status, got.all)
		}
		access := got.str("access_token")
		refused("introspection", p.proves("/oidc/introspect", forged(), "token", access))
		refused("revocation", p.proves("/oidc/revoke", forged(), "token", access))
		if got := p.proves("/oidc/introspect", assertion(head, says(), byRSA(mine)), "token", access); got.all["active"] != true {
			t.Errorf("introspection by its client: %d %v", got.status, got.all)
		}
		if got := p.proves("/oidc/introspect", assertion(head, says("iss", "shelf", "sub", "shelf"), byRSA(theirs)), "token", access); got.status != 200 || got.all["active"] != false {
			t.Errorf("introspection by another client: %d %v", got.status, got.all)
		}
	})
}

// asJSON writes a token as what is no JWT (RFC 7519 3), though its signature is good.
func asJSON(text string) string {
	parts := strings.Split(text, ".")
	return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2])
}

// twice is an assertion with two signatures, of which one is the client's.
func twice(t *testing.T, body object, one, two *rsa.PrivateKey) string {
	t.Helper()
	both, err := jose.NewMultiSigner([]jose.SigningKey{{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: one, KeyID: "rsa"}}, {Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: two, KeyID: "theirs"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := both.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	return signed.FullSerialize()
}
