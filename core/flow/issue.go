package flow

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/session"
)

// issue ends the attempt with a session. The change holds what it rests on: the
// attempt and the person as they were read.
func (m *Machine) issue(ctx context.Context, u *Under, method string, client Client, form, value string) (change.Set, Result, error) {
	token := m.derive("session", u.Token, form)
	row := session.Row{ID: HashToken(token), Person: u.Person.ID, Family: rand.Text(), MadeAt: u.Now, SeenAt: u.Now,
		EndsAt: u.Now.Add(m.Policy.Length), PasswordAt: u.Attempt.MadeAt, Agent: client.Agent, Address: client.Shown, Version: 1}
	row.Data.ReturnTo = u.Attempt.Data.ReturnTo
	var set change.Set
	result := Result{Session: token, Step: Done, Finished: true, ReturnTo: u.Attempt.Data.ReturnTo}
	if method != "" {
		row.ConfirmedAt = u.Now
		known, recognised, cookie, err := m.recognise(ctx, u, client, form)
		if err != nil {
			return nil, Result{}, err
		}
		row.Known, result.Known = known, cookie
		set.Add(recognised)
	}
	s, err := session.Issue(session.Proved{Password: true, Factor: method}, u.Need, row)
	if err != nil {
		return nil, Result{}, fmt.Errorf("issue session: %w", err)
	}
	result.Level = s.Level
	set.Add(session.Begun{Session: s})
	if client.Session != "" {
		// Whatever session this browser had ends with the new one.
		if old, err := m.Sessions.Session(ctx, HashToken(client.Session)); err != nil {
			return nil, Result{}, err
		} else if old != nil && old.EndedAt.IsZero() {
			set.Add(session.Ended{ID: old.ID, Person: old.Person, Why: session.EndedByRenewal, At: u.Now, Lenient: true})
		}
	}
	u.Attempt.EndedAt, u.Attempt.EndedWhy = u.Now, OverDone
	u.Attempt.Data.Moved = &Moved{At: u.Now, Form: form, Value: m.value(form, value), Step: Done, Level: int(s.Level)}
	set.Add(AttemptSaved{Attempt: u.Attempt})
	if method != "" { // a password alone clears no wait for wrong codes
		set.Add(limit.Cleared{Keys: []string{codesKey(u.Person.ID, u.Attempt.Lane)}})
	}
	if method != "" && u.Person.MailedPassword {
		u.Person.MailedPassword = false
		set.Add(person.Saved{Person: u.Person})
	} else {
		set.Add(person.Unchanged{ID: u.Person.ID, Version: u.Person.Version})
	}
	return set, result, nil
}

// recognise makes this browser a known one of the person: its own lane of tries
// from now on, and nothing else.
func (m *Machine) recognise(ctx context.Context, u *Under, client Client, form string) (id string, e change.Effect, cookie string, err error) {
	b := session.KnownBrowser{ID: rand.Text(), Person: u.Person.ID, MadeAt: u.Now, SeenAt: u.Now,
		EndsAt: u.Now.Add(session.KnownFor), Agent: client.Agent, Address: client.Shown}
	cookie = client.Known
	if cookie != "" {
		row, err := m.knownBrowser(ctx, u, cookie)
		if err != nil {
			return "", nil, "", fmt.Errorf("read known browser: %w", err)
		}
		if row != nil {
			b.ID, b.MadeAt, b.Token = row.ID, row.MadeAt, row.Token
			return b.ID, session.SeenAgain{Browser: b}, cookie, nil
		}
		sharing, err := m.Sessions.KnownByCookie(ctx, HashToken(cookie))
		if err != nil {
			return "", nil, "", fmt.Errorf("read known browser: %w", err)
		}
		if sharing == 0 || sharing >= session.KnownPerCookie {
			cookie = "" // unknown to us, or full: a fresh name
		}
	}
	if cookie == "" {
		cookie = m.derive("known", u.Token, form)
	}
	b.Token = HashToken(cookie)
	return b.ID, session.Recognised{Browser: b}, cookie, nil
}

// knownBrowser is the row of a cookie, unless it came with the standing.
func (m *Machine) knownBrowser(ctx context.Context, u *Under, cookie string) (*session.KnownBrowser, error) {
	if cookie == u.cookie {
		return u.known, nil
	}
	return m.Sessions.KnownBrowser(ctx, HashToken(cookie), u.Person.ID)
}

// signedIn is issue for a sign-in with a second factor, with its entry and, for
// a browser that was not known, its notice.
func (m *Machine) signedIn(ctx context.Context, u *Under, method string, client Client, form, value string) (change.Set, Result, error) {
	if u.Person.MustChange {
		u.Attempt.Data.Factor = method
		u.Attempt.SeenAt = u.Now
		return change.Set{AttemptSaved{Attempt: u.Attempt}}, Result{Step: AskNewPassword}, nil
	}
	set, result, err := m.issue(ctx, u, method, client, form, value)
	if err != nil {
		return nil, Result{}, err
	}
	return append(set, m.tellSignedIn(u, method, client)...), result, nil
}

// tellSignedIn is the entry of a sign-in with a second factor and, for a browser
// that was not known, its notice.
func (m *Machine) tellSignedIn(u *Under, method string, client Client) change.Set {
	entry := m.entry(audit.SignedIn, u.Person.ID, client)
	entry.Method, entry.Attempt = method, u.Attempt.ID
	set := change.Set{entry}
	if !u.Attempt.Lane.Known() {
		set.Add(m.Writer.Notify(message.NewBrowser, message.Told{Person: u.Person, Phones: u.Phones, About: person.Disputed{Where: client.Browser()}}, u.Now)...)
	}
	return set
}

// again answers a form that was posted twice: for sixty seconds after an attempt
// moved on, the same cookie with the same form and the same value gets the same
// answer, cookies included; anything else with a dead cookie gets nothing.
func (m *Machine) again(ctx context.Context, u *Under, client Client, form, value string) (Result, bool, error) {
	moved := u.Attempt.Data.Moved
	if moved == nil || u.Attempt.EndedAt.IsZero() || u.Now.Sub(moved.At) > MovedFor || moved.Form != form ||
		subtle.ConstantTimeCompare(moved.Value, m.value(form, value)) != 1 {
		return Result{}, false, nil
	}
	token := m.derive("session", u.Token, form)
	s, err := m.Sessions.Session(ctx, HashToken(token))
	if err != nil || s == nil || s.Over(u.Now, m.Times()) != "" {
		return Result{}, false, err
	}
	result := Result{Session: token, Step: moved.Step, Finished: true, ReturnTo: u.Attempt.Data.ReturnTo, Level: s.Level,
		Codes: s.Data.CodesWhy != ""}
	if s.Level == session.Two {
		result.Known = client.Known
		row, err := m.Sessions.KnownBrowser(ctx, HashToken(client.Known), u.Person.ID)
		if err != nil {
			return Result{}, false, err
		}
		if row == nil {
			result.Known = m.derive("known", u.Token, form)
		}
	}
	return result, true, nil
}
