package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// Owner is somebody who changes their own account: a session, as the flow read
// it, that has just been confirmed.
type Owner struct {
	*flow.Signed
	Client flow.Client
}

// fresh refuses a change whose confirmation is older than five minutes.
func (o Owner) fresh() error {
	if !o.Session.Confirmed(o.Now) {
		return fault.New(fault.Denied, flow.Unconfirmed)
	}
	return nil
}

func (m *Manager) owned(event audit.Event, o Owner) audit.Entry {
	e := m.entry(event, o.Person.ID, o.Person.ID, "")
	e.Address, e.Agent, e.Request = o.Client.Shown, o.Client.Agent, o.Client.Request
	return e
}

// apply applies an owner's change. When the person or the session was written in
// between, for example by a sign-in, it reads both and decides again; when what
// is to be changed is no longer there, it says so.
func (m *Manager) apply(ctx context.Context, o Owner, decide func(o Owner) (change.Set, error)) error {
	for range 20 {
		set, err := decide(o)
		if err != nil {
			return err
		}
		message.Tie(set)
		err = m.Changes.Apply(ctx, set)
		refused, lost := errors.AsType[*change.Refused](err)
		if !lost {
			return err
		}
		switch refused.Effect.(type) {
		case person.Saved, person.Unchanged, session.Saved, limit.Spent:
		default:
			return gone()
		}
		again, err := m.Flow.Signed(ctx, o.Token)
		if err != nil {
			return err
		}
		if again == nil || again.Over != "" {
			return gone()
		}
		o.Signed = again
	}
	return fmt.Errorf("change account: always overtaken")
}

// banner leaves words for the next page with the owner's session.
func (o Owner) banner(word string, ended int, args ...string) session.Saved {
	s := o.Session
	s.Data.Notice, s.Data.NoticeArgs, s.Data.SignedOut = word, args, ended
	return session.Saved{Session: s}
}

// others counts the owner's other sessions that are alive.
func (m *Manager) others(ctx context.Context, o Owner) (n int, err error) {
	all, err := m.People.SessionsOf(ctx, o.Person.ID)
	if err != nil {
		return 0, fmt.Errorf("read sessions: %w", err)
	}
	for _, s := range all {
		if s.ID != o.Session.ID && s.Over(o.Now, m.Flow.Times()) == "" {
			n++
		}
	}
	return n, nil
}

// RemoveApp ends one of the owner's apps; the last one only where 2FA may be off.
func (m *Manager) RemoveApp(ctx context.Context, o Owner, id string) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		apps := factor.Of(o.Factors, factor.App)
		at := slices.IndexFunc(apps, func(f factor.Factor) bool { return f.ID == id })
		switch {
		case at < 0:
			return nil, gone()
		case len(apps) == 1:
			return nil, fault.New(fault.Denied, "apps.last")
		}
		ended, err := m.others(ctx, o)
		if err != nil {
			return nil, err
		}
		// The person is written too, so that two removals at once cannot leave none.
		set := change.Set{person.Saved{Person: o.Person},
			factor.Ended{ID: id, Person: o.Person.ID, Why: factor.EndedByRemoval, At: o.Now},
			o.banner("security.app-removed", ended, "name", apps[at].Name), m.owned(audit.AppRemoved, o)}
		set.Add(m.factorChanged(o)...)
		set.Add(m.Writer.Notify(message.AppRemoved, message.Told{Person: o.Person, Phones: o.Phones, Args: []any{"app", apps[at].Name},
			About: person.Disputed{Where: o.Client.Browser()}}, o.Now)...)
		return set, nil
	})
}

// factorChanged is what follows every change of an app, a number or codes.
func (m *Manager) factorChanged(o Owner) change.Set {
	return change.Set{
		session.EndedAll{Person: o.Person.ID, Except: o.Session.ID, Why: session.EndedByFactor, At: o.Now},
		flow.AttemptsEnded{Person: o.Person.ID, Why: flow.OverByChange, At: o.Now},
		flow.RecoveryEnded{Person: o.Person.ID, Why: flow.ByChange, At: o.Now}}
}

// RenameApp names an app.
func (m *Manager) RenameApp(ctx context.Context, o Owner, id, name string) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		name, bad := factor.AppName(name)
		if bad != nil {
			return nil, bad
		}
		return change.Set{factor.Renamed{ID: id, Person: o.Person.ID, Name: name},
			o.banner("security.app-renamed", 0, "name", name), m.owned(audit.AppRenamed, o)}, nil
	})
}

// RemoveNumber drops the owner's number, where the policy lets them and another
// address remains.
func (m *Manager) RemoveNumber(ctx context.Context, o Owner, p policy.Policy) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		if len(o.Phones) == 0 {
			return nil, gone()
		}
		if !p.PhoneOptional || o.Person.Email == "" {
			return nil, fault.New(fault.Denied, "phone.last")
		}
		ended, err := m.others(ctx, o)
		if err != nil {
			return nil, err
		}
		set := change.Set{person.Unchanged{ID: o.Person.ID, Version: o.Person.Version},
			o.banner("security.number-removed", ended), m.owned(audit.NumberRemoved, o)}
		for _, p := range o.Phones { // a number that its owner removes is kept nowhere
			set.Add(phone.Voided{ID: p.ID, Person: p.Person, At: o.Now})
		}
		set.Add(m.factorChanged(o)...)
		numbers, err := m.Flow.Hearing(ctx, o.Person.ID, o.Phones...)
		if err != nil {
			return nil, err
		}
		set.Add(m.Writer.Notify(message.NumberRemoved, message.Told{Person: o.Person, Phones: numbers, Args: []any{"ending", o.Phones[len(o.Phones)-1].Ending()},
			About: person.Disputed{Where: o.Client.Browser()}}, o.Now)...)
		return set, nil
	})
}

// SignOutOne ends one of the owner's other sessions; it asks for the password only.
func (m *Manager) SignOutOne(ctx context.Context, o Owner, id string) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if !o.Session.PasswordConfirmed(o.Now) {
			return nil, fault.New(fault.Denied, flow.Unconfirmed)
		}
		all, err := m.People.SessionsOf(ctx, o.Person.ID)
		if err != nil {
			return nil, fmt.Errorf("read sessions: %w", err)
		}
		for _, s := range all {
			if Handle(s.ID) == id {
				return change.Set{session.Ended{ID: s.ID, Person: o.Person.ID, Why: session.EndedElsewhere, At: o.Now},
					o.banner("security.signed-out", 0, "browser", s.Agent), m.owned(audit.SignedOut, o)}, nil
			}
		}
		return nil, gone()
	})
}

// Handle is the part of a row's id that pages may show: it names a row of one's
// own and is worth nothing elsewhere.
func Handle(id string) string { return id[:min(len(id), 16)] }

// SignOutOthers ends every other session and forgets the other known browsers.
func (m *Manager) SignOutOthers(ctx context.Context, o Owner) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if !o.Session.PasswordConfirmed(o.Now) {
			return nil, fault.New(fault.Denied, flow.Unconfirmed)
		}
		ended, err := m.others(ctx, o)
		if err != nil {
			return nil, err
		}
		return change.Set{
			session.EndedAll{Person: o.Person.ID, Except: o.Session.ID, Why: session.EndedElsewhere, At: o.Now},
			session.ForgotAll{Person: o.Person.ID, Except: o.Session.Known},
			flow.AttemptsEnded{Person: o.Person.ID, Why: flow.OverByChange, At: o.Now},
			person.LinksReplaced{Kind: person.MailLink, Person: o.Person.ID, At: o.Now}, // whoever was there may have asked for one
			o.banner("", ended), m.owned(audit.SessionsEnded, o)}, nil
	})
}

// Forget drops a known browser of the owner.
func (m *Manager) Forget(ctx context.Context, o Owner, id string) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if !o.Session.PasswordConfirmed(o.Now) {
			return nil, fault.New(fault.Denied, flow.Unconfirmed)
		}
		browsers, err := m.People.KnownBrowsers(ctx, o.Person.ID)
		if err != nil {
			return nil, fmt.Errorf("read known browsers: %w", err)
		}
		name := ""
		for _, b := range browsers {
			if b.ID == id {
				name = b.Agent
			}
		}
		return change.Set{session.Forgot{ID: id, Person: o.Person.ID},
			flow.AttemptsEnded{Person: o.Person.ID, Why: flow.OverByChange, At: o.Now},
			o.banner("security.forgotten", 0, "browser", name), m.owned(audit.BrowserForgot, o)}, nil
	})
}

// TurnOff ends the owner's factors, where the policy lets people do without.
func (m *Manager) TurnOff(ctx context.Context, o Owner, p policy.Policy) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		if !p.Optional || o.Person.Operator {
			return nil, fault.New(fault.Denied, "apps.last")
		}
		who := o.Person
		who.TurnedOff = true
		ended, err := m.others(ctx, o)
		if err != nil {
			return nil, err
		}
		set := change.Set{person.Saved{Person: who},
			factor.EndedAll{Person: who.ID, Why: factor.EndedByTurnOff, At: o.Now},
			o.banner("security.turned-off", ended), m.owned(audit.TwoFactorOff, o)}
		set.Add(m.factorChanged(o)...)
		set.Add(m.Writer.Notify(message.TwoFactorOff, message.Told{Person: who, Phones: o.Phones,
			About: person.Disputed{Where: o.Client.Browser()}}, o.Now)...)
		return set, nil
	})
}

// disputesLeft says whether one more dispute of a person holds the account today.
func (m *Manager) disputesLeft(ctx context.Context, who string) (bool, error) {
	key := limit.Disputes.Key(who)
	states, err := m.Changes.Limits(ctx, []string{key})
	if err != nil {
		return false, fmt.Errorf("read limits: %w", err)
	}
	return limit.Disputes.Wait(states[key], m.Now()) == 0, nil
}
