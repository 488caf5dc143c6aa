package oidc

import (
	"context"
	"encoding/json"
	"maps"
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
	k, err := p.Signer.Current(t.Context(), grant.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	id := map[string]any{"azp": "wiki", "at_hash": "h", "sid": "s"}
	typed := func(typ string, claims map[string]any, life time.Duration) string {
		t.Helper()
		all := map[string]any{"iss": p.Site.BaseURL, "sub": "ADA", "aud": "wiki", "iat": now.Unix(), "exp": now.Add(life).Unix()}
		maps.Copy(all, claims)
		body, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		token, err := k.Sign(typ, body)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	sign := func(claims map[string]any, life time.Duration) string { return typed(grant.TypeID, claims, life) }
	gate, err := p.Signer.GateToken(t.Context(), grant.EdDSA, "wiki", "ADA", map[string]any{"azp": "wiki", "at_hash": "h", "sid": "s"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for about, text := range map[string]string{"a new one": sign(id, time.Hour), "an old one": sign(id, -24*time.Hour)} {
		h, err := p.hint(t.Context(), text)
		if err != nil || h.Subject != "ADA" || h.Party != "wiki" || h.Session != "s" || len(h.Audience) != 1 {
			t.Errorf("%s: %+v, %v", about, h, err)
		}
	}
	good := sign(id, time.Hour)
	parts := strings.Split(good, ".")
	body, _ := json.Marshal(map[string]any{"iss": "https://other.example", "sub": "ADA", "aud": "wiki", "azp": "wiki", "at_hash": "h"})
	foreign, err := k.Sign("JWT", body)
	if err != nil {
		t.Fatal(err)
	}
	for about, text := range map[string]string{
		"the signed word of the gate": gate,
		"one of the gate's type":      typed(grant.TypeGate, id, time.Hour),
		"one of a farewell's type":    typed("logout+jwt", id, time.Hour),
		"one without a type":          typed("", id, time.Hour),
		"what has no client":          sign(map[string]any{"at_hash": "h", "sid": "s"}, time.Hour),
		"what came with no token":     sign(map[string]any{"azp": "wiki", "sid": "s"}, time.Hour),
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
