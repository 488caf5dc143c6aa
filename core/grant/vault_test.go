package grant

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

var errDown = errors.New("database unavailable")

// vault keeps grants by the conditions that their effects promise.
type vault struct {
	flow.Changes
	flow.People
	now        time.Time
	app        app.App
	gone       bool // the app was removed
	ada        *person.Person
	session    *session.Session
	grants     map[string]Grant
	tokens     map[string]Token
	consent    *Consent
	assertions map[string]bool
	wrote      []audit.Entry
	down       string // the reader or effect that fails
}

// opened is a vault with Ada, signed in by both factors half an hour ago, and a wiki.
func opened() (*vault, *Keeper) {
	v := &vault{now: now, grants: map[string]Grant{}, tokens: map[string]Token{}, assertions: map[string]bool{}}
	v.app = app.App{ID: "wiki", Name: "Wiki", Access: app.Access{Groups: []string{"staff"}, Need: app.Need{Factors: app.Two}},
		Client: &app.Client{Redirects: []string{"https://wiki.example.org/cb"}, Auth: app.AuthNone, Refresh: true, BackChannel: "https://wiki.example.org/bye"}}
	v.ada = &person.Person{ID: "ADA", Name: "ada", Groups: []string{"staff"}, EnrolledAt: now.Add(-time.Hour), Version: 7}
	shown := now.Add(-30 * time.Minute)
	s := session.Stored(session.Row{ID: "S", Person: "ADA", Family: "F", Level: session.Two, Method: "app", SeenAt: now, EndsAt: now.Add(12 * time.Hour), ConfirmedAt: shown, PasswordAt: shown})
	v.session = &s
	m := &flow.Machine{People: v, Changes: v, Secrets: v, Policy: policy.Policy{Idle: 8 * time.Hour, Length: 12 * time.Hour}, Now: func() time.Time { return v.now }}
	return v, &Keeper{Flow: m, Apps: v, Read: v}
}

func (v *vault) signed() *flow.Signed {
	return &flow.Signed{Session: *v.session, Person: *v.ada, Now: v.now}
}

func (v *vault) fails(what string) error {
	if v.down == what {
		return errDown
	}
	return nil
}

func (v *vault) MAC(purpose string, parts ...[]byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "key %q %q", purpose, parts))
	return sum[:]
}

func (v *vault) Book() *app.Book {
	list := []app.App{v.app, {ID: "site", Name: "Site", Addresses: []string{"https://site.example.org"}, Access: v.app.Access}}
	if v.gone {
		list = list[1:]
	}
	book, _ := app.NewBook(list, nil)
	return book
}

func (v *vault) Person(_ context.Context, id string) (*person.Person, error) {
	if err := v.fails("person"); err != nil || v.ada == nil || id != v.ada.ID {
		return nil, err
	}
	who := *v.ada
	return &who, nil
}

func (v *vault) SessionOfFamily(_ context.Context, family string) (*session.Session, error) {
	if err := v.fails("session"); err != nil || v.session == nil || family != v.session.Family {
		return nil, err
	}
	s := *v.session
	return &s, nil
}

func (v *vault) GrantByCode(_ context.Context, code string) (*Grant, error) {
	for _, g := range v.grants {
		if g.Code == code {
			return &g, v.fails("code")
		}
	}
	return nil, v.fails("code")
}

func (v *vault) TokenHeld(_ context.Context, id string) (*Held, error) {
	t, ok := v.tokens[id]
	if err := v.fails("token"); err != nil || !ok {
		return nil, err
	}
	return &Held{Token: t, Grant: v.grants[t.Grant]}, nil
}

func (v *vault) Consent(_ context.Context, person, client string) (*Consent, error) {
	if err := v.fails("consent"); err != nil || v.consent == nil || v.consent.Person != person || v.consent.Client != client {
		return nil, err
	}
	return v.consent, nil
}

func (v *vault) Consents(context.Context, string) ([]Consent, error)           { return nil, nil }
func (v *vault) Farewells(context.Context, time.Time, int) ([]Farewell, error) { return nil, nil }
func (v *vault) holds(g Grant) bool {
	return v.session != nil && g.Family == v.session.Family && v.grants[g.ID].ID == ""
}
func (v *vault) by(code string) Grant {
	g, _ := v.GrantByCode(context.Background(), flow.HashToken(code))
	if g == nil {
		return Grant{}
	}
	return *g
}

// meets says whether the condition of an effect holds.
func (v *vault) meets(e change.Effect) bool {
	switch e := e.(type) {
	case person.Unchanged:
		return e.ID == v.ada.ID && e.Version == v.ada.Version
	case Begun:
		return v.holds(e.Grant)
	case CodeSpent:
		for _, g := range v.grants {
			if g.Code == e.Code {
				return g.Client == e.Client && g.SpentAt.IsZero() && e.At.Before(g.CodeEndsAt)
			}
		}
		return false
	case Issued:
		return v.tokens[e.Token.ID].ID == ""
	case RefreshSpent:
		t := v.tokens[e.ID]
		return t.Kind == Refresh && t.SpentAt.IsZero() && e.At.Before(t.EndsAt)
	case Ended:
		return v.grants[e.ID].ID != "" && v.grants[e.ID].EndedAt.IsZero()
	case Withdrawn:
		return v.consent != nil && v.consent.Person == e.Person && v.consent.Client == e.Client
	case AssertionSpent:
		return !v.assertions[e.ID]
	}
	return true
}

func (v *vault) Apply(_ context.Context, set change.Set) error {
	if err := v.fails("apply"); err != nil {
		return err
	}
	for _, e := range set {
		if !v.meets(e) {
			return &change.Refused{Effect: e}
		}
	}
	for _, e := range set {
		v.write(e)
	}
	return nil
}

func (v *vault) write(e change.Effect) {
	switch e := e.(type) {
	case Begun:
		v.grants[e.Grant.ID] = e.Grant
	case CodeSpent:
		for id, g := range v.grants {
			if g.Code == e.Code {
				g.SpentAt = e.At
				v.grants[id] = g
			}
		}
	case Issued:
		v.tokens[e.Token.ID] = e.Token
	case RefreshSpent:
		t := v.tokens[e.ID]
		t.SpentAt = e.At
		v.tokens[e.ID] = t
	case Ended:
		g := v.grants[e.ID]
		g.EndedAt, g.EndedWhy = e.At, e.Why
		v.grants[e.ID] = g
	case AccessEnded:
		delete(v.tokens, e.ID)
	case Consented:
		v.consent = &e.Consent
	case Withdrawn:
		v.consent = nil
		for id, g := range v.grants {
			if g.Person == e.Person && g.Client == e.Client {
				g.EndedAt, g.EndedWhy = e.At, EndedByPerson
				v.grants[id] = g
			}
		}
	case AssertionSpent:
		v.assertions[e.ID] = true
	case audit.Entry:
		v.wrote = append(v.wrote, e)
	}
}

// events are what was written down since the last look.
func (v *vault) events() (list []audit.Event) {
	for _, e := range v.wrote {
		list = append(list, e.Event)
	}
	v.wrote = nil
	return list
}

func (v *vault) request(scopes ...string) Request {
	return Request{Client: "wiki", Redirect: "https://wiki.example.org/cb", Scopes: scopes, Nonce: "n", Challenge: "c", At: v.now.UnixMilli()}
}

// give is a code that Ada has said yes to.
func give(t *testing.T, v *vault, k *Keeper, scopes ...string) string {
	t.Helper()
	r := v.request(scopes...)
	asked, err := k.Look(t.Context(), r, k.Client("wiki"), v.signed())
	if err != nil {
		t.Fatal(err)
	}
	asked.Answered = true
	code, err := k.Give(t.Context(), r, k.Client("wiki"), v.signed(), asked, flow.Client{Shown: "192.0.2.7", Agent: "Firefox", Request: "R"})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// redeem is what a client gets for a code.
func redeem(t *testing.T, k *Keeper, code string) (*Known, Tokens) {
	t.Helper()
	known, err := k.Spend(t.Context(), code, "wiki")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := k.Issue(t.Context(), known.Grant, known.Grant.Data.Scopes, "")
	if err != nil {
		t.Fatal(err)
	}
	return known, tokens
}

func same(t *testing.T, what string, got, want []audit.Event) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: written down are %v, want %v", what, got, want)
	}
}
