package stories_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const assertionKind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// asserting signs what a client says of itself.
func asserting(t *testing.T, algorithm jose.SignatureAlgorithm, key crypto.PrivateKey, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(claims)
	signed, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAClientProvesItselfByAKey(t *testing.T) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: own.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	p := install(t, settings{more: "apps:\n  - id: keyed\n    name: Keyed\n    groups: [everyone]\n    need: two\n    client:\n      redirects: [\"https://keyed.example/cb\"]\n      auth: private_key_jwt\n      keys_file: keyed.jwks\n      no_consent: true\n"})
	p.write("keyed.jwks", string(set))
	p.serve()
	ada := p.enrol("ada")
	c := p.party("keyed")
	c.redirect = "https://keyed.example/cb"
	said := func(change ...any) map[string]any {
		claims := map[string]any{"iss": "keyed", "sub": "keyed", "aud": p.url, "jti": rand.Text(), "exp": p.now().Add(time.Minute).Unix(), "iat": p.now().Unix()}
		for i := 0; i < len(change); i += 2 {
			if change[i+1] == nil {
				delete(claims, change[i].(string))
			} else {
				claims[change[i].(string)] = change[i+1]
			}
		}
		return claims
	}
	redeem := func(code, assertion string) told {
		return p.sends("/oidc/token", [2]string{}, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.redirect}, "code_verifier": {c.verifier},
			"client_assertion": {assertion}, "client_assertion_type": {assertionKind}})
	}
	code := c.code(ada)
	for about, assertion := range map[string]string{
		"another key":                asserting(t, jose.ES256, stranger, "k", said()),
		"another key's name":         asserting(t, jose.ES256, own, "other", said()),
		"the public key as a secret": asserting(t, jose.HS256, set, "k", said()),
		"of another client":          asserting(t, jose.ES256, own, "k", said("iss", "desk", "sub", "desk")),
		"about another":              asserting(t, jose.ES256, own, "k", said("sub", "desk")),
		"from another":               asserting(t, jose.ES256, own, "k", said("iss", "desk")),
		"for another":                asserting(t, jose.ES256, own, "k", said("aud", "https://other.example")),
		"for nobody":                 asserting(t, jose.ES256, own, "k", said("aud", nil)),
		"without a name":             asserting(t, jose.ES256, own, "k", said("jti", nil)),
		"without an end":             asserting(t, jose.ES256, own, "k", said("exp", nil)),
		"after its end":              asserting(t, jose.ES256, own, "k", said("exp", p.now().Add(-2*time.Minute).Unix())),
		"for a year":                 asserting(t, jose.ES256, own, "k", said("exp", p.now().Add(365*24*time.Hour).Unix())),
		"of tomorrow":                asserting(t, jose.ES256, own, "k", said("nbf", p.now().Add(24*time.Hour).Unix())),
		"none":                       "eyJhbGciOiJub25lIn0." + encode(fmt.Sprintf(`{"iss":"keyed","sub":"keyed","aud":%q,"jti":"x","exp":%d}`, p.url, p.now().Add(time.Minute).Unix())) + ".",
	} {
		redeem(code, assertion).refuses(t, "OP-10 "+about, 401, "invalid_client")
	}
	good := asserting(t, jose.ES256, own, "k", said("aud", []string{"https://other.example", p.url + "/oidc/token"}))
	if got := redeem(code, good); got.status != 200 {
		t.Fatalf("by its key: %d %v", got.status, got.all)
	}
	redeem(c.code(ada), good).refuses(t, "OP-10 an assertion that came before", 401, "invalid_client")
	if got := redeem(c.code(ada), asserting(t, jose.ES256, own, "k", said())); got.status != 200 {
		t.Errorf("by the next: %d %v", got.status, got.all)
	}
}
