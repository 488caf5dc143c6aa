package grant

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/session"
)

var now = time.Date(2026, 11, 26, 3, 40, 0, 0, time.UTC)

func seconds(n int64) *int64 { return &n }

// at is somebody signed in with both factors, a while ago.
func at(ago time.Duration, change ...func(*Asked)) Asked {
	a := Asked{Signed: true, Person: "ADA", Who: app.Standing{Person: "ADA", Level: session.Two, BothAt: now.Add(-ago)}, PasswordAt: now.Add(-ago), Verdict: app.Allow, Consent: true, Now: now}
	for _, c := range change {
		c(&a)
	}
	return a
}

func one(a *Asked)                              { a.Who.Level, a.Who.BothAt = session.One, time.Time{} }
func judged(v app.Answer) func(*Asked)          { return func(a *Asked) { a.Verdict = v } }
func unasked(a *Asked)                          { a.Consent = false }
func yes(a *Asked)                              { a.Answered = true }
func nobody(a *Asked)                           { *a = Asked{Now: now} }
func made(ago time.Duration) Request            { return Request{At: now.Add(-ago).UnixMilli()} }
func (r Request) with(prompt ...string) Request { r.Prompt = prompt; return r }

func (r Request) class(essential bool, classes ...string) Request {
	r.Classes, r.Essential = classes, essential
	return r
}

func (r Request) age(n int64) Request { r.MaxAge = seconds(n); return r }

func TestWhatStandsBetweenARequestAndItsCode(t *testing.T) {
	r, subject := made(0), made(0)
	subject.Subject = "BOB"
	for _, row := range []struct {
		name string
		r    Request
		a    Asked
		want Step
	}{
		{"nothing is known", Request{}, Asked{}, SignIn},
		{"a verdict that nobody gave", r, at(0, judged(0)), Refuse},
		{"signed in, agreed", r, at(time.Hour), Enter},
		{"nobody is signed in", r, at(0, nobody), SignIn},
		{"nobody, and asked for quietly", r.with("none"), at(0, nobody), SignIn},
		{"the rule asks who it is", r, at(0, judged(app.SignIn)), SignIn},
		{"not in the groups", r, at(0, judged(app.Forbid)), Forbid},
		{"nothing holds", r, at(0, judged(app.Refuse)), Refuse},
		{"the rule asks for a second factor", r, at(0, one, judged(app.SetUp)), SetUp},
		{"the rule asks for both again", r, at(time.Hour, judged(app.Confirm)), Confirm},
		{"somebody else is meant", subject, at(0), Other},
		{"somebody else is meant, and may not enter", subject, at(0, judged(app.Forbid)), Other},
		{"no consent yet", r, at(0, unasked), Ask},
		{"said yes", r, at(0, unasked, yes), Enter},
		{"agreed, asked again", r.with("consent"), at(0), Ask},
		{"asked again, said yes", r.with("consent"), at(0, yes), Enter},
		{"another account?", r.with("select_account"), at(0), Ask},
		{"login, shown before", r.with("login"), at(time.Minute), Confirm},
		{"login, shown since", made(time.Minute).with("login"), at(time.Second), Enter},
		{"login, one factor, shown before", r.with("login"), at(time.Minute, one), Again},
		{"login, one factor, shown since", made(time.Minute).with("login"), at(time.Second, one), Enter},
		{"age 0, shown before", r.age(0), at(time.Second), Confirm},
		{"age 0, shown since", made(time.Minute).age(0), at(time.Second), Enter},
		{"age 60, in time", r.age(60), at(time.Minute), Enter},
		{"age 60, too old", r.age(60), at(time.Minute + time.Second), Confirm},
		{"an age that no clock has", r.age(1 << 62), at(time.Hour), Enter},
		{"the higher class wished for, by one factor", r.class(false, ClassTwo), at(0, one), SetUp},
		{"wished for quietly", r.class(false, ClassTwo).with("none"), at(0, one), Enter},
		{"the lower class wished for first", r.class(false, ClassOne, ClassTwo), at(0, one), Enter},
		{"essential, one factor", r.class(true, ClassTwo), at(0, one), SetUp},
		{"essential, one factor, quietly", r.class(true, ClassTwo).with("none"), at(0, one), SetUp},
		{"essential, both classes", r.class(true, ClassTwo, ClassOne), at(0, one), Enter},
		{"essential, nothing known", r.class(true, "phrh"), at(0), Unmet},
		{"wished for, nothing known", r.class(false, "phrh"), at(0), Enter},
	} {
		if got := Next(row.r, row.a); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}

func TestClassesAndMethodsSayWhatHappened(t *testing.T) {
	r := Request{}
	for _, row := range []struct {
		about   string
		got     string
		want    string
		level   session.Level
		factor  string
		methods string
	}{
		{"both", r.Class(session.Two), ClassTwo, session.Two, "app", "pwd otp mfa"},
		{"a recovery code", r.Class(session.Two), ClassTwo, session.Two, "recovery", "pwd mfa"},
		{"one", r.Class(session.One), ClassOne, session.One, "", "pwd"},
		{"nothing", r.Class(0), ClassOne, 0, "app", "pwd"},
		{"both, where the lower is all that is taken", r.class(true, ClassOne).Class(session.Two), ClassOne, session.Two, "app", "pwd otp mfa"},
	} {
		if got := strings.Join((Data{Level: row.level, Method: row.factor}).Methods(), " "); row.got != row.want || got != row.methods {
			t.Errorf("%s: %s, %s", row.about, row.got, got)
		}
	}
}

func TestRedirectsAreComparedLetterByLetter(t *testing.T) {
	web := &app.Client{Redirects: []string{"https://a.example/cb", "http://localhost:80/cb"}}
	native := &app.Client{Native: true, Redirects: []string{"http://127.0.0.1/cb?x=1", "http://[::1]:7/cb", "https://a.example/cb"}}
	for _, row := range []struct {
		c       *app.Client
		address string
		want    bool
	}{
		{nil, "https://a.example/cb", false}, {web, "", false}, {web, "https://a.example/cb", true}, {web, "https://a.example/cb/", false}, {web, "https://a.example/CB", false},
		{web, "http://localhost:81/cb", false}, {web, "http://localhost:80/cb", true},
		{native, "http://127.0.0.1:1234/cb?x=1", true}, {native, "http://127.0.0.1:1234/cb", false}, {native, "http://127.0.0.1:1234/cb?x=1#f", false}, {native, "http://127.0.0.1:/cb?x=1", false},
		{native, "http://127.0.0.1:123456/cb?x=1", false}, {native, "http://127.0.0.1:12a/cb?x=1", false}, {native, "http://127.0.0.1@evil/cb?x=1", false}, {native, "http://[::1]:99/cb", true},
		{native, "https://a.example:1/cb", false}, {native, "http://localhost:1/cb?x=1", false}, {native, "HTTP://127.0.0.1:1/cb?x=1", false},
	} {
		if got := Redirects(row.c, row.address); got != row.want {
			t.Errorf("%q: %v", row.address, got)
		}
	}
}

func TestVerifiersAndChallenges(t *testing.T) {
	for text, want := range map[string][2]bool{
		strings.Repeat("a", 42): {false, false}, strings.Repeat("a", 43): {true, true}, strings.Repeat("~", 43): {true, false}, strings.Repeat("a", 44): {true, false},
		strings.Repeat("a", 128): {true, false}, strings.Repeat("a", 129): {false, false}, strings.Repeat("a", 42) + "+": {false, false}, "": {false, false}, strings.Repeat("ä", 43): {false, false},
	} {
		if got := [2]bool{Verifier(text), Challenge(text)}; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// shelf keeps signing keys as the store does.
type shelf struct {
	keys    []Key
	entries []audit.Entry
	reads   int
}

func (s *shelf) SigningKeys(context.Context) ([]Key, error) {
	s.reads++
	return append([]Key{}, s.keys...), nil
}

func (s *shelf) Apply(_ context.Context, set change.Set) error {
	for _, e := range set {
		switch e := e.(type) {
		case KeyMade:
			for _, k := range s.keys {
				if k.ID == e.Key.ID {
					return &change.Refused{Effect: e}
				}
			}
			s.keys = append(s.keys, e.Key)
		case KeyReplaced:
			for i, k := range s.keys {
				if k.Algorithm == e.Of && k.ID != e.ID && k.EndsAt.IsZero() {
					s.keys[i].EndsAt = e.EndsAt
				}
			}
		case audit.Entry:
			s.entries = append(s.entries, e)
		}
	}
	return nil
}

func TestTokensAreSignedByEachAlgorithm(t *testing.T) {
	s := &Signer{Issuer: "https://id.example.org", Store: &shelf{}, Now: func() time.Time { return now }}
	s.Changes = s.Store.(*shelf)
	for _, algorithm := range Algorithms {
		token, err := s.GateToken(t.Context(), algorithm, "wiki", "ADA", map[string]any{"name": "Ada", "sub": "EVE", "iss": "x"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(token, ".")
		k, err := s.Current(t.Context(), algorithm)
		if err != nil || len(parts) != 3 {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		mark, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		var good bool
		switch public := k.Signer.Public().(type) {
		case *rsa.PublicKey:
			good = rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], mark) == nil && public.N.BitLen() == 3072
		case *ecdsa.PublicKey:
			good = ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(mark[:32]), new(big.Int).SetBytes(mark[32:]))
		case ed25519.PublicKey:
			good = ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), mark)
		}
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var all map[string]any
		if json.Unmarshal(body, &all) != nil || !good || all["sub"] != "ADA" || all["iss"] != "https://id.example.org" || all["aud"] != "urn:sallyport:gate:wiki" || all["name"] != "Ada" || all["exp"] != float64(now.Add(time.Minute).Unix()) {
			t.Errorf("%s: good %v, %s", algorithm, good, body)
		}
	}
	for _, none := range []string{"none", "HS256", "RS512"} {
		if _, err := s.GateToken(t.Context(), none, "wiki", "ADA", nil, time.Minute); err == nil {
			t.Errorf("signed by %s", none)
		}
	}
}

func TestANewKeyIsPublishedBeforeItSigns(t *testing.T) {
	moment, kept := now, &shelf{}
	s := &Signer{Store: kept, Changes: kept, Now: func() time.Time { return moment }}
	if made, err := s.Rotate(t.Context(), audit.Entry{}); err != nil || len(made) != 0 {
		t.Errorf("nothing was in use, and %v was made, %v", made, err)
	}
	first, err := s.Current(t.Context(), ES256)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := s.Rotate(t.Context(), audit.Entry{}); err != nil || len(made) != 1 || made[0] != "ES256-2" || len(kept.entries) != 1 {
		t.Fatalf("made %v, %v; %d entries", made, err, len(kept.entries))
	}
	s.read = time.Time{}
	state := func(at time.Time) (signs string, published int) {
		t.Helper()
		moment = at
		k, err := s.Current(t.Context(), ES256)
		all, err2 := s.Published(t.Context())
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return k.KID, len(all)
	}
	for _, row := range []struct {
		after     time.Duration
		old       bool
		published int
	}{{0, true, 2}, {keyLead - time.Millisecond, true, 2}, {keyLead, false, 2}, {keyLead + keyRest - time.Millisecond, false, 2}, {keyLead + keyRest, false, 1}} {
		if signs, published := state(now.Add(row.after)); (signs == first.KID) != row.old || published != row.published {
			t.Errorf("after %s: the old one signs %v, %d are published", row.after, signs == first.KID, published)
		}
	}
	if IDLife >= keyRest {
		t.Error("an ID token outlives the key that signed it")
	}
	other := &Signer{Store: kept, Changes: kept, Now: s.Now}
	if k, err := other.Current(t.Context(), ES256); err != nil || k.ID != "ES256-2" {
		t.Errorf("another node signs with %s, %v", k.ID, err)
	}
	reads := kept.reads
	for range 100 {
		if _, err := other.Current(t.Context(), ES256); err != nil {
			t.Fatal(err)
		}
	}
	if kept.reads > reads+1 {
		t.Errorf("the keys were read %d times for 100 tokens", kept.reads-reads)
	}
}
