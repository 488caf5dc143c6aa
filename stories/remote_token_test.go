package stories_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
)

// An app that trusts nobody between the portal and itself checks a signature.
func TestAnAppMayAskForASignedWord(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: "apps:\n  - id: ledger\n    name: Ledger\n    addresses: [http://wiki.localhost]\n    groups: [everyone]\n    tell: [groups]\n    token: true\n    rules:\n      - paths: [/open]\n        need: none\n"})
	b := p.enrol("ada", "--group", "staff", "--email", "ada@example.org")
	ledger := b.site(wikiApp)
	first := ledger.open("/")
	first.lets("ada")
	said := readToken(t, b, first.header.Get("Remote-Token"))
	now := float64(p.now().Unix())
	if said["iss"] != p.url || said["aud"] != "urn:sallyport:gate:ledger" || said["preferred_username"] != "ada" || said["email"] != nil || said["name"] != nil {
		t.Errorf("it says %v", said)
	}
	if groups, _ := said["groups"].([]any); len(groups) != 1 || groups[0] != "staff" {
		t.Errorf("it says %v", said)
	}
	if exp, iat := said["exp"].(float64), said["iat"].(float64); exp-iat != 120 || iat > now+2 || iat < now-30 {
		t.Errorf("it was made at %v and ends at %v; it is %v", iat, exp, now)
	}
	p.move(70 * time.Second)
	if second := readToken(t, b, ledger.check("GET", "/").header.Get("Remote-Token")); second["exp"].(float64) <= said["exp"].(float64) {
		t.Error("a minute later it is the same")
	}
	stranger := p.browser().site(wikiApp)
	if got := stranger.check("GET", "/open", "Remote-Token", first.header.Get("Remote-Token")); got.status != 200 || got.header.Get("Remote-Token") != "" {
		t.Errorf("a stranger is %d with %q", got.status, got.header.Get("Remote-Token"))
	}
}

// readToken checks a token against the keys that the portal publishes.
func readToken(t *testing.T, b *browser, token string) (said map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token is %q", token)
	}
	part := func(text string) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var head struct{ Alg, Kid string }
	if err := json.Unmarshal(part(parts[0]), &head); err != nil || head.Alg != "RS256" {
		t.Fatalf("its head is %s", part(parts[0]))
	}
	var set struct{ Keys []struct{ Kid, N, E string } }
	if err := json.Unmarshal([]byte(b.ask("/oidc/keys").body), &set); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, k := range set.Keys {
		if k.Kid != head.Kid {
			continue
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(part(k.N)), E: int(new(big.Int).SetBytes(part(k.E)).Int64())}
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], part(parts[2])); err != nil {
			t.Fatalf("its signature: %v", err)
		}
		if err := json.Unmarshal(part(parts[1]), &said); err != nil {
			t.Fatal(err)
		}
		return said
	}
	t.Fatalf("no published key is called %q", head.Kid)
	return nil
}
