package oidc

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sallyport/core/change"
	"sallyport/core/grant"
	"sallyport/front/web"
)

// shelf keeps signing keys as the store does.
type shelf struct{ keys []grant.Key }

func (s *shelf) SigningKeys(context.Context) ([]grant.Key, error) { return s.keys, nil }

func (s *shelf) Apply(_ context.Context, set change.Set) error {
	for _, e := range set {
		if made, ok := e.(grant.KeyMade); ok {
			s.keys = append(s.keys, made.Key)
		}
	}
	return nil
}

// Of what is signed here only an ID token is a hint, and an old one is (OP-20).
func TestAHintIsAnIDTokenOfOurs(t *testing.T) {
	now, kept := time.Now(), &shelf{}
	p := &Provider{Kit: &web.Kit{Site: &web.Site{}, Now: func() time.Time { return now }}}
	p.Site.BaseURL = "https://id.example.org"
	p.Signer = &grant.Signer{Issuer: p.Site.BaseURL, Store: kept, Changes: kept, Now: p.Now}
	id := map[string]any{"azp": "wiki", "at_hash": "h", "sid": "s"}
	sign := func(claims map[string]any, life time.Duration) string {
		t.Helper()
		token, err := p.Signer.Token(t.Context(), grant.EdDSA, "wiki", "ADA", claims, life)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for about, text := range map[string]string{"a new one": sign(id, time.Hour), "an old one": sign(id, -24*time.Hour)} {
		h, err := p.hint(t.Context(), text)
		if err != nil || h.Subject != "ADA" || h.Party != "wiki" || h.Session != "s" || len(h.Audience) != 1 {
			t.Errorf("%s: %+v, %v", about, h, err)
		}
	}
	good := sign(id, time.Hour)
	parts := strings.Split(good, ".")
	k, _ := p.Signer.Current(t.Context(), grant.EdDSA)
	body, _ := json.Marshal(map[string]any{"iss": "https://other.example", "sub": "ADA", "aud": "wiki", "azp": "wiki", "at_hash": "h"})
	foreign, err := k.Sign("JWT", body)
	if err != nil {
		t.Fatal(err)
	}
	for about, text := range map[string]string{
		"the signed word of the gate": sign(map[string]any{"sid": "s"}, time.Hour),
		"a farewell":                  sign(map[string]any{"sid": "s", "events": map[string]any{}}, time.Hour),
		"without a signature":         parts[0] + "." + parts[1] + ".",
		"another's signature":         parts[0] + "." + parts[1] + "." + strings.Split(sign(id, time.Minute), ".")[2],
		"another issuer":              foreign,
		"nothing":                     "",
	} {
		if h, err := p.hint(t.Context(), text); err == nil {
			t.Errorf("%s is a hint: %+v", about, h)
		}
	}
}
