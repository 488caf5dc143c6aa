package grant

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/session"
)

func TestTheLettersOfAVerifier(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	for c := range 256 {
		text := strings.Repeat("a", 42) + string([]byte{byte(c)})
		want := strings.Contains(letters, string([]byte{byte(c)}))
		if Verifier(text) != want || Challenge(text) != (want && c != '.' && c != '~') {
			t.Errorf("%q: %v, %v", text[42:], Verifier(text), Challenge(text))
		}
	}
}

func TestThePortOfLoopbackIsFreeAndNothingElse(t *testing.T) {
	c := &app.Client{Native: true, Redirects: []string{"http://127.0.0.1/cb", "http://localhost", "http://[::1]?x", "http://127.0.0.1/a#f", `http://127.0.0.1/a\b`, "http://127.0.0.1/a b", "127.0.0.1/bare"}}
	for address, want := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:7/cb": true, "http://127.0.0.1:12345/cb": true, "http://127.0.0.1:123456/cb": false, "http://127.0.0.1:/cb": false, "http://127.0.0.1x7/cb": false,
		"http://127.0.0.17/cb": false, "http://127.0.0.1:7": false, "http://localhost:7": true, "http://localhost:7/": false, "http://[::1]:7?x": true, "http://[::1]:7/?x": false,
		"http://127.0.0.1:7/a#f": false, `http://127.0.0.1:7/a\b`: false, "http://127.0.0.1:7/a b": false, "127.0.0.1:7/cb": false, "127.0.0.1:7/bare": false, "http://127.0.0.1:7/bare": false,
	} {
		if got := Redirects(c, address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestWherePeopleGoAfterSigningOut(t *testing.T) {
	web := &app.Client{Redirects: []string{"https://a.example/cb"}, AfterSignOut: []string{"https://a.example/out", ""}}
	native := &app.Client{Native: true, AfterSignOut: []string{"http://127.0.0.1/out"}}
	for _, row := range []struct {
		c       *app.Client
		address string
		want    bool
	}{
		{web, "https://a.example/out", true}, {web, "https://a.example/cb", false}, {web, "https://a.example/out/", false}, {web, "", false}, {nil, "https://a.example/out", false}, {nil, "", false},
		{native, "http://127.0.0.1:7/out", true}, {native, "http://127.0.0.1:7/", false},
	} {
		if got := AfterSignOut(row.c, row.address); got != row.want {
			t.Errorf("%q: %v", row.address, got)
		}
	}
}

func TestWhichAddressesAreTheClientsOwn(t *testing.T) {
	for _, row := range []struct {
		auth    app.Auth
		address string
		want    bool
	}{
		{app.AuthNone, "https://a.example/cb", true}, {app.AuthNone, "http://127.0.0.1/cb", false}, {app.AuthNone, "", false}, {app.AuthNone, "https://a.example/%zz", false}, {app.AuthNone, "https://[::1/", false},
		{app.AuthBasic, "http://127.0.0.1/cb", true}, {app.AuthPrivateKeyJWT, "http://127.0.0.1/cb", true},
	} {
		if got := Assured(&app.Client{Auth: row.auth}, row.address); got != row.want {
			t.Errorf("%s at %q: %v", row.auth, row.address, got)
		}
	}
}

func TestTheAgeOfWhatWasShown(t *testing.T) {
	late := func(a *Asked) { a.PasswordAt = now }
	for _, row := range []struct {
		name string
		r    Request
		a    Asked
		want Step
	}{
		{"by both factors the password alone makes nothing young", made(0).age(60), at(time.Hour, late), Confirm},
		{"by one it does", made(0).age(60), at(time.Hour, late, one), Enter},
		{"a moment too old", made(0).age(60), at(time.Minute + 1), Confirm},
		{"by one factor", made(0).age(60), at(time.Minute+1, one), Again},
		{"shown as the request was made", made(time.Minute).age(0), at(time.Minute), Enter},
		{"a moment before", made(time.Minute).age(0), at(time.Minute + 1), Confirm},
		{"login, a moment before", made(time.Minute).with("login"), at(time.Minute + 1), Confirm},
		{"login, as it was made", made(time.Minute).with("login"), at(time.Minute), Enter},
		{"login among others", made(0).with("consent", "login"), at(time.Minute), Confirm},
		{"no age", made(0), at(1000 * time.Hour), Enter},
		{"a second class that is known", made(0).class(false, "phrh", ClassTwo), at(0, one), SetUp},
		{"essential, the second is known", made(0).class(true, "phrh", ClassTwo), at(0, one), SetUp},
		{"the higher class, which was shown", made(0).class(true, ClassTwo), at(0), Enter},
		{"none wished for", made(0).class(true), at(0), Unmet},
	} {
		if got := Next(row.r, row.a); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
	if !made(0).with("none").Quiet() || made(0).with("login").Quiet() || made(0).Quiet() {
		t.Error("quiet is prompt=none alone")
	}
	for _, row := range []struct {
		r    Request
		want string
	}{{made(0).class(true, ClassOne, ClassTwo), ClassTwo}, {made(0).class(false, ClassOne), ClassTwo}, {made(0).class(true, ClassOne), ClassOne}} {
		if got := row.r.Class(session.Two); got != row.want {
			t.Errorf("%v: %s", row.r.Classes, got)
		}
	}
}

// broken is a database that cannot be read.
type broken struct{}

func (broken) SigningKeys(context.Context) ([]Key, error) { return nil, errDown }

func TestAKeyIsReadOnceAndTakenByItsName(t *testing.T) {
	kept := &shelf{}
	s := &Signer{Store: kept, Changes: kept, Now: func() time.Time { return now }}
	var first []Signing
	for _, algorithm := range []string{ES256, EdDSA} {
		k, err := s.Current(t.Context(), algorithm)
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, k)
	}
	pointer := first[0].Signer
	again, err := s.all(t.Context(), true)
	if err != nil || len(again) != 2 || again[0].Signer != pointer || again[0].KID == again[1].KID || again[1].Algorithm != EdDSA {
		t.Errorf("read again: %+v, %v", again, err)
	}
	token, err := again[1].Sign(TypeID, []byte("{}"))
	if want, err2 := first[1].Sign(TypeID, []byte("{}")); errors.Join(err, err2) != nil || token != want {
		t.Errorf("the second key signs as another: %v, %v", err, err2)
	}
	// A backup that was put back has another key under the same number.
	other := &shelf{}
	o := &Signer{Store: other, Changes: other, Now: s.Now}
	if _, err := o.Current(t.Context(), ES256); err != nil {
		t.Fatal(err)
	}
	kept.keys[0] = other.keys[0]
	again, err = s.all(t.Context(), true)
	if err != nil || again[0].Signer == pointer || again[0].KID == first[0].KID {
		t.Errorf("put back: %+v, %v", again, err)
	}
}

func TestKeysAreReadAgainAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &shelf{}
		s := &Signer{Store: kept, Changes: kept, Now: func() time.Time { return now }}
		for _, row := range []struct {
			wait  time.Duration
			reads int
		}{{0, 1}, {0, 1}, {keysFor - 1, 1}, {1, 2}, {keysFor - 1, 2}, {time.Hour, 3}} {
			time.Sleep(row.wait)
			if _, err := s.Published(t.Context()); err != nil || kept.reads != row.reads {
				t.Errorf("%s later: %d reads, %v", row.wait, kept.reads, err)
			}
		}
	})
}

func TestNothingIsSignedWhereNoKeyCanBeRead(t *testing.T) {
	kept := &shelf{}
	s := &Signer{Store: broken{}, Changes: kept, Now: func() time.Time { return now }}
	if _, err := s.Published(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("published: %v", err)
	}
	if _, err := s.Current(t.Context(), ES256); !errors.Is(err, errDown) {
		t.Errorf("current: %v", err)
	}
	if made, err := s.Rotate(t.Context(), audit.Entry{}); !errors.Is(err, errDown) || len(made) != 0 || len(kept.keys) != 0 {
		t.Errorf("rotated: %v, %v", made, err)
	}
}

func TestRotationTouchesWhatIsInUse(t *testing.T) {
	kept := &shelf{}
	moment := now
	s := &Signer{Store: kept, Changes: kept, Now: func() time.Time { return moment }}
	for _, algorithm := range []string{EdDSA, ES256} {
		if _, err := s.Current(t.Context(), algorithm); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"ES256-2 EdDSA-2", "ES256-3 EdDSA-3"} {
		made, err := s.Rotate(t.Context(), audit.Entry{Actor: "cli:root"})
		if err != nil || strings.Join(made, " ") != want {
			t.Errorf("made %v, %v; want %s", made, err, want)
		}
		moment = moment.Add(time.Hour)
	}
	names := map[string]bool{}
	for i, e := range kept.entries {
		names[e.ID] = true
		if e.Actor != "cli:root" || e.Reason != []string{"ES256-2", "EdDSA-2", "ES256-3", "EdDSA-3"}[i] {
			t.Errorf("%+v", e)
		}
	}
	if len(names) != 4 {
		t.Errorf("%d entries of their own", len(names))
	}
	for _, k := range kept.keys {
		newest, first := strings.HasSuffix(k.ID, "-3"), strings.HasSuffix(k.ID, "-1")
		if k.EndsAt.IsZero() != newest || first != k.UseAt.Equal(k.MadeAt) || !first && !k.UseAt.Equal(k.MadeAt.Add(10*time.Minute)) || len(k.KID) != 22 {
			t.Errorf("%s is made at %s, used from %s to %s", k.ID, k.MadeAt, k.UseAt, k.EndsAt)
		}
	}
	kept.keys[0].ID = "EdDSA"
	if made, err := s.Rotate(t.Context(), audit.Entry{}); err == nil || len(made) != 0 {
		t.Errorf("after a key without a number: %v", made)
	}
}

func TestAKeyThatCannotBeReadSignsNothing(t *testing.T) {
	kept := &shelf{keys: []Key{{ID: "ES256-1", Algorithm: ES256, Private: []byte("no key"), UseAt: now}}}
	s := &Signer{Store: kept, Changes: kept, Now: func() time.Time { return now }}
	if _, err := s.Current(t.Context(), ES256); err == nil || len(kept.keys) != 1 {
		t.Errorf("%v, %d keys", err, len(kept.keys))
	}
	if _, err := (Signing{}).Sign(TypeID, nil); err == nil {
		t.Error("signed without a key")
	}
}
