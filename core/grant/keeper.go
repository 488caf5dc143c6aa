package grant

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/session"
)

// Apps are all apps at this moment.
type Apps interface{ Book() *app.Book }

// Grants reads what was granted. What is not there is nil, never an error.
type Grants interface {
	// GrantByCode is a grant by the hash of its code, spent ones too.
	GrantByCode(ctx context.Context, code string) (*Grant, error)
	// TokenHeld is a token by its hash, ended ones too, with its grant.
	TokenHeld(ctx context.Context, id string) (*Held, error)
	Consent(ctx context.Context, person, client string) (*Consent, error)
	Consents(ctx context.Context, person string) ([]Consent, error)
	// SessionOfFamily is the session of a family that has not been ended.
	SessionOfFamily(ctx context.Context, family string) (*session.Session, error)
	// Farewells are clients who should have heard by now that a session is over.
	Farewells(ctx context.Context, now time.Time, most int) ([]Farewell, error)
}

// Keeper gives grants, and says what they are worth.
type Keeper struct {
	Flow *flow.Machine
	Apps Apps
	Read Grants
}

// ErrInvalid is a code or token that is worth nothing: never made, spent, too old,
// another client's, or ended. Which of these is nobody's business.
var ErrInvalid = errors.New("grant: worth nothing")

func (k *Keeper) mac(purpose string, parts ...string) string {
	raw := make([][]byte, len(parts))
	for i, p := range parts {
		raw[i] = []byte(p)
	}
	return base64.RawURLEncoding.EncodeToString(k.Flow.Secrets.MAC("grant/"+purpose, raw...))
}

// Seal makes of a request what travels with the browser.
func (k *Keeper) Seal(r Request) (string, error) {
	r.At = k.Flow.Now().UnixMilli()
	plain, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write request: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(plain)
	return body + "." + k.mac("request", body), nil
}

// Open reads a request that Seal made within the hour.
func (k *Keeper) Open(text string) (r Request, err error) {
	body, mac, ok := strings.Cut(text, ".")
	if !ok || subtle.ConstantTimeCompare([]byte(mac), []byte(k.mac("request", body))) != 1 {
		return r, fault.New(fault.Denied, "oidc.broken")
	}
	plain, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(plain, &r) != nil {
		return r, fault.New(fault.Denied, "oidc.broken")
	}
	if k.Flow.Now().Sub(time.UnixMilli(r.At)) > RequestLife {
		return r, fault.New(fault.Gone, "oidc.stale")
	}
	return r, nil
}

// Client is an app that speaks OpenID Connect, or nil.
func (k *Keeper) Client(id string) *app.App {
	if a := k.Apps.Book().App(id); a != nil && a.Client != nil {
		return a
	}
	return nil
}

// Look gathers what a decision about a request rests on.
func (k *Keeper) Look(ctx context.Context, r Request, a *app.App, s *flow.Signed) (Asked, error) {
	asked := Asked{Now: k.Flow.Now()}
	if s == nil || s.Over != "" || s.Session.Family == "" {
		return asked, nil // a session from before there were families signs in anew
	}
	asked.Signed, asked.Person, asked.PasswordAt = true, s.Person.ID, s.Session.PasswordAt
	asked.Who = app.StandingOf(s.Session, s.Person.Groups)
	asked.Verdict = a.Judge(app.Place{}, asked.Who, asked.Now).Answer
	switch {
	case a.Client.NoConsent:
		asked.Consent = true
	case Assured(a.Client, r.Redirect):
		c, err := k.Read.Consent(ctx, s.Person.ID, a.ID)
		if err != nil {
			return asked, fmt.Errorf("read consent: %w", err)
		}
		if c != nil {
			asked.Agreed = c.Scopes
			asked.Consent = !slices.ContainsFunc(r.Scopes, func(scope string) bool { return !slices.Contains(c.Scopes, scope) })
		}
	}
	return asked, nil
}

// Give makes a grant and returns its code. The caller has let Next decide.
func (k *Keeper) Give(ctx context.Context, r Request, a *app.App, s *flow.Signed, asked Asked, client flow.Client) (code string, err error) {
	code = "ac_" + rand.Text()
	now := asked.Now
	g := Grant{ID: rand.Text(), Client: a.ID, Person: s.Person.ID, Family: s.Session.Family, Code: flow.HashToken(code), MadeAt: now, CodeEndsAt: now.Add(CodeLife),
		Data: Data{Redirect: r.Redirect, Challenge: r.Challenge, Nonce: r.Nonce, Scopes: slices.Clone(r.Scopes), Level: s.Session.Proven(), Method: s.Session.Method,
			AuthAt: asked.AuthAt(), Class: r.Class(s.Session.Proven())}}
	// One factor is too little for what outlives the session.
	g.Offline = a.Client.Refresh && g.Data.Has(ScopeOffline) && g.Data.Level == session.Two
	if !g.Offline {
		g.Data.Scopes = slices.DeleteFunc(g.Data.Scopes, func(scope string) bool { return scope == ScopeOffline })
	}
	if g.EndsAt = s.Session.EndsAt; g.Offline {
		g.EndsAt = now.Add(OfflineLife)
	}
	if a.Client.BackChannel != "" {
		g.TellAt = s.Session.EndsAt
	}
	set := change.Set{person.Unchanged{ID: s.Person.ID, Version: s.Person.Version}, Begun{Grant: g}}
	if asked.Answered && !a.Client.NoConsent {
		agreed := slices.Clone(asked.Agreed) // what was agreed to before still is
		for _, scope := range r.Scopes {
			if !slices.Contains(agreed, scope) {
				agreed = append(agreed, scope)
			}
		}
		set.Add(Consented{Consent: Consent{ID: consentID(s.Person.ID, a.ID), Person: s.Person.ID, Client: a.ID, Scopes: agreed, MadeAt: now}}, k.entry(audit.ConsentGiven, s.Person.ID, a.ID, client))
	}
	set.Add(k.entry(audit.AppEntered, s.Person.ID, a.ID, client))
	err = k.Flow.Changes.Apply(ctx, set)
	if _, refused := errors.AsType[*change.Refused](err); refused {
		return "", fault.New(fault.Gone, "oidc.stale")
	}
	if err != nil {
		return "", fmt.Errorf("give grant: %w", err)
	}
	return code, nil
}

func consentID(person, client string) string {
	return flow.HashToken("consent/" + person + "/" + client)
}

func (k *Keeper) entry(event audit.Event, person, client string, by flow.Client) audit.Entry {
	e := audit.New(k.Flow.Now(), event, person)
	e.Note, e.Address, e.Agent, e.Request = client, by.Shown, by.Agent, by.Request
	return e
}

// Spend spends a code: before anything else is looked at, so that it is worth
// nothing whatever comes of it. A code that was spent already ends all that it gave.
func (k *Keeper) Spend(ctx context.Context, code, client string) (*Known, error) {
	hash := flow.HashToken(code)
	g, err := k.Read.GrantByCode(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	if g == nil || g.Client != client {
		return nil, ErrInvalid
	}
	now := k.Flow.Now()
	err = k.Flow.Changes.Apply(ctx, change.Set{CodeSpent{Code: hash, Client: client, At: now}})
	if err == nil {
		return k.known(ctx, Held{Grant: *g}, now)
	}
	if _, refused := errors.AsType[*change.Refused](err); !refused {
		return nil, fmt.Errorf("spend code: %w", err)
	}
	if g, err = k.Read.GrantByCode(ctx, hash); err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	if g != nil && !g.SpentAt.IsZero() {
		return nil, k.reused(ctx, *g, audit.CodeReused)
	}
	return nil, ErrInvalid
}

// reused ends a grant of which something was shown twice. Of many who show it at
// once, one ends it and is written down.
func (k *Keeper) reused(ctx context.Context, g Grant, event audit.Event) error {
	if !g.EndedAt.IsZero() {
		return ErrInvalid
	}
	e := k.entry(event, g.Person, g.Client, flow.Client{})
	e.Actor = audit.Portal
	err := k.Flow.Changes.Apply(ctx, change.Set{Ended{ID: g.ID, Why: EndedByReuse, At: k.Flow.Now()}, e})
	if _, over := errors.AsType[*change.Refused](err); err != nil && !over {
		return fmt.Errorf("end grant: %w", err)
	}
	return ErrInvalid
}

// Tokens are what a client gets for a code or a refresh token.
type Tokens struct {
	Access, Refresh string
	EndsAt          time.Time // of the access token
}

// Issue makes the tokens of a grant. spent is the refresh token that they replace,
// or "": of two who show it at once one gets them, and the other ends the grant.
func (k *Keeper) Issue(ctx context.Context, g Grant, scopes []string, spent string) (t Tokens, err error) {
	a := k.Client(g.Client)
	if a == nil {
		return t, ErrInvalid
	}
	now := k.Flow.Now()
	var set change.Set
	if spent != "" {
		set.Add(RefreshSpent{ID: flow.HashToken(spent), At: now})
	}
	t.Access, t.EndsAt = "at_"+rand.Text()+rand.Text(), now.Add(a.Client.AccessFor())
	if g.EndsAt.Before(t.EndsAt) {
		t.EndsAt = g.EndsAt
	}
	set.Add(Issued{Token: Token{ID: flow.HashToken(t.Access), Kind: Access, Grant: g.ID, Scopes: scopes, MadeAt: now, EndsAt: t.EndsAt}})
	if g.Offline {
		t.Refresh = "rt_" + rand.Text() + rand.Text()
		ends := now.Add(OfflineIdle)
		if g.EndsAt.Before(ends) {
			ends = g.EndsAt
		}
		set.Add(Issued{Token: Token{ID: flow.HashToken(t.Refresh), Kind: Refresh, Grant: g.ID, Scopes: g.Data.Scopes, MadeAt: now, EndsAt: ends}})
	}
	err = k.Flow.Changes.Apply(ctx, set)
	switch _, refused := errors.AsType[*change.Refused](err); {
	case refused && spent != "":
		return Tokens{}, k.reused(ctx, g, audit.RefreshReused)
	case refused: // there is a token of that name
		return Tokens{}, ErrInvalid
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("issue tokens: %w", err)
	}
	return t, nil
}

// Refreshed is the grant of a refresh token that is still worth something.
func (k *Keeper) Refreshed(ctx context.Context, token, client string) (*Known, error) {
	h, err := k.held(ctx, token, Refresh)
	if err != nil {
		return nil, err
	}
	if h == nil || h.Grant.Client != client {
		return nil, ErrInvalid
	}
	if !h.Token.SpentAt.IsZero() {
		return nil, k.reused(ctx, h.Grant, audit.RefreshReused)
	}
	now := k.Flow.Now()
	if a := k.Client(client); !h.good(now) || a == nil || !a.Client.Refresh {
		return nil, ErrInvalid
	}
	return k.known(ctx, *h, now)
}

func (k *Keeper) held(ctx context.Context, token string, kind Kind) (*Held, error) {
	h, err := k.Read.TokenHeld(ctx, flow.HashToken(token))
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	if h == nil || kind != "" && h.Token.Kind != kind {
		return nil, nil
	}
	return h, nil
}

// good says whether a token and its grant are in time.
func (h *Held) good(now time.Time) bool {
	return h.Token.SpentAt.IsZero() && now.Before(h.Token.EndsAt) && h.Grant.EndedAt.IsZero() && now.Before(h.Grant.EndsAt)
}

// known judges a grant again: the person, the app and its rule, and the session
// where the grant does not outlive it.
func (k *Keeper) known(ctx context.Context, h Held, now time.Time) (*Known, error) {
	g, a := h.Grant, k.Client(h.Grant.Client)
	who, err := k.Flow.People.Person(ctx, g.Person)
	if err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	if a == nil || who == nil || who.Disabled() || who.Held() {
		return nil, ErrInvalid
	}
	at := app.Standing{Person: who.ID, Groups: who.Groups, Level: g.Data.Level, BothAt: g.Data.AuthAt}
	if !g.Offline {
		s, err := k.Read.SessionOfFamily(ctx, g.Family)
		if err != nil {
			return nil, fmt.Errorf("read session: %w", err)
		}
		if s == nil || s.Person != who.ID {
			return nil, ErrInvalid
		}
		if _, over := k.Flow.Holds(*who, *s, now); over != "" {
			return nil, ErrInvalid
		}
		at = app.StandingOf(*s, who.Groups)
	}
	if a.Judge(app.Place{}, at, now).Answer != app.Allow {
		return nil, ErrInvalid
	}
	return &Known{Held: h, App: a, Person: who}, nil
}

// Known is an access or refresh token that is worth something.
type Known struct {
	Held
	App    *app.App
	Person *person.Person
}

// Token is what a token is worth now; ErrInvalid when that is nothing. kind "" is
// any.
func (k *Keeper) Token(ctx context.Context, token string, kind Kind) (*Known, error) {
	h, err := k.held(ctx, token, kind)
	if err != nil {
		return nil, err
	}
	now := k.Flow.Now()
	if h == nil || !h.good(now) {
		return nil, ErrInvalid
	}
	return k.known(ctx, *h, now)
}

// Revoke ends a token of a client; with a refresh token all that hangs on it. What
// is not known, or another's, is left alone (RFC 7009 2.2).
func (k *Keeper) Revoke(ctx context.Context, token, client string) error {
	h, err := k.held(ctx, token, "")
	if err != nil || h == nil || h.Grant.Client != client {
		return err
	}
	var end change.Effect = AccessEnded{ID: h.Token.ID}
	if h.Token.Kind == Refresh {
		end = Ended{ID: h.Grant.ID, Why: EndedByClient, At: k.Flow.Now()}
	}
	err = k.Flow.Changes.Apply(ctx, change.Set{end})
	if _, over := errors.AsType[*change.Refused](err); err != nil && !over {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// SpendAssertion spends the name of a client's assertion, which is good once.
func (k *Keeper) SpendAssertion(ctx context.Context, client, name string, ends time.Time) error {
	err := k.Flow.Changes.Apply(ctx, change.Set{AssertionSpent{ID: flow.HashToken("assertion/" + client + "/" + name), EndsAt: ends}})
	if _, refused := errors.AsType[*change.Refused](err); refused {
		return ErrInvalid
	}
	return err
}

// Sid names a session to a client: another name for each, and none that opens
// anything.
func (k *Keeper) Sid(family, client string) string { return k.mac("sid", family, client) }

// Withdraw takes back a consent: what rested on it is worth nothing from then on,
// and the app asks again.
func (k *Keeper) Withdraw(ctx context.Context, s *flow.Signed, id string, client flow.Client) error {
	if !s.Session.PasswordConfirmed(s.Now) {
		return fault.New(fault.Denied, flow.Unconfirmed)
	}
	err := k.Flow.Changes.Apply(ctx, change.Set{Withdrawn{Person: s.Person.ID, Client: id, At: s.Now}, k.entry(audit.ConsentWithdrawn, s.Person.ID, id, client)})
	if _, refused := errors.AsType[*change.Refused](err); refused {
		return fault.New(fault.Gone, "removed-already")
	}
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	return nil
}
