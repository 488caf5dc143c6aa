package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/session"
)

// alive says whether a link can still be used.
func alive(l person.Link, now time.Time) bool {
	return l.SpentAt.IsZero() && l.ReplacedAt.IsZero() && now.Before(l.EndsAt)
}

// outdated says whether a mailed link was asked for before the password was changed
// or an operator began the account anew: whoever asked may be whom that shut out.
func outdated(l person.Link, who person.Person) bool {
	return l.MadeAt.Before(who.PasswordAt) || l.MadeAt.Before(who.ResetAt)
}

// Forgot sends a link to choose a new password to somebody's mail address, if
// there is such an account and it has one. Whoever asks learns nothing: what is
// not done is not told.
func (m *Manager) Forgot(ctx context.Context, typed string, client flow.Client) error {
	name, err := person.MapName(typed)
	if err != nil {
		return nil // no account has such a name
	}
	who, err := m.People.PersonByName(ctx, name)
	if err != nil {
		return fmt.Errorf("read person: %w", err)
	}
	if who == nil || who.Email == "" || who.Password == "" || m.Writer.NoMail || who.Disabled() || who.Held() {
		return nil // a first password comes by an invitation: a mailbox alone opens nothing
	}
	token, now := person.NewToken(), m.Now()
	err = m.Changes.Apply(ctx, change.Set{
		person.Unchanged{ID: who.ID, Version: who.Version},
		limit.Spent{Budget: limit.LinkHour, Key: limit.LinkHour.Key(who.ID), Now: now},
		limit.Spent{Budget: limit.LinkDay, Key: limit.LinkDay.Key(who.ID), Now: now},
		person.LinkMade{Replace: true, Link: person.Link{ID: m.Flow.LinkID(token), Kind: person.PasswordLink, Person: who.ID,
			MadeAt: now, EndsAt: now.Add(person.PasswordLife)}},
		message.Queued{Message: m.Writer.PasswordLink(*who, token, now)},
		m.byOwner(audit.PasswordAsked, who.ID, client)})
	if _, full := errors.AsType[*change.Refused](err); full {
		return nil
	}
	return err
}

// ForgotLater sends a link to choose a new password after the answer: neither its
// time nor its outcome tells whoever asks whether there is such an account. failed
// hears of problems at our end. What one address may ask for is counted before a
// place among those that are looked at is taken, so that none takes them all.
func (m *Manager) ForgotLater(ctx context.Context, typed string, client flow.Client, failed func(error)) {
	if counted, err := m.mayAsk(ctx, client); err != nil {
		failed(err)
		return
	} else if !counted {
		m.Flow.Limited(limit.LinkAddress.Name)
		return
	}
	if m.asking.Add(1) > askingMost {
		m.asking.Add(-1)
		failed(errAsking)
		return
	}
	m.background.Go(func() {
		defer m.asking.Add(-1)
		defer func() {
			if p := recover(); p != nil {
				failed(fmt.Errorf("panic: %v", p))
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := m.Forgot(ctx, typed, client); err != nil {
			failed(err)
		}
	})
}

const askingMost = 64

var errAsking = fmt.Errorf("over %d questions for a new password at once", askingMost)

// mayAsk counts a question for a link in its address. It is committed though the
// browser goes away.
func (m *Manager) mayAsk(ctx context.Context, client flow.Client) (bool, error) {
	if client.Address == "" {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := m.Changes.Apply(ctx, change.Set{limit.Spent{Budget: limit.LinkAddress, Key: limit.LinkAddress.Key(client.Address), Now: m.Now()}})
	if _, full := errors.AsType[*change.Refused](err); full {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("count link: %w", err)
	}
	return true, nil
}

// Wait returns when what was begun in the background has ended.
func (m *Manager) Wait() { m.background.Wait() }

// PasswordLink reads a mailed link. Opening it spends nothing.
func (m *Manager) PasswordLink(ctx context.Context, token string) (*person.Person, error) {
	link, err := m.People.Link(ctx, m.Flow.LinkID(token))
	if err != nil {
		return nil, fmt.Errorf("read password link: %w", err)
	}
	switch {
	case link == nil || link.Kind != person.PasswordLink:
		return nil, fault.New(fault.Missing, "link.unknown")
	case !link.SpentAt.IsZero():
		return nil, fault.New(fault.Gone, "password-link.used")
	case !alive(*link, m.Now()):
		return nil, fault.New(fault.Gone, "password-link.dead")
	}
	who, err := m.People.Person(ctx, link.Person)
	if err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	if who == nil || who.Password == "" || who.Disabled() || who.Held() || outdated(*link, *who) {
		return nil, fault.New(fault.Gone, "password-link.dead")
	}
	return who, nil
}

// ResetPassword sets the password that a mailed link chooses. It opens nothing and
// touches no factor: it ends every session and every known browser, and until an
// app code or a recovery code was entered once, a text message is no proof beside
// it (mail and text message are one class).
func (m *Manager) ResetPassword(ctx context.Context, token, entered string, client flow.Client) (name string, err error) {
	who, err := m.PasswordLink(ctx, token)
	if err != nil {
		return "", err
	}
	phc, err := m.Flow.CheckNew(ctx, *who, entered, client)
	if err != nil {
		return "", err
	}
	err = m.change(ctx, who.ID, func(who *person.Person) (change.Set, error) {
		if _, err := m.PasswordLink(ctx, token); err != nil {
			return nil, err
		}
		phones, err := m.People.Phones(ctx, who.ID)
		if err != nil {
			return nil, fmt.Errorf("read numbers: %w", err)
		}
		now := m.Now()
		who.Password, who.PasswordAt, who.MustChange, who.MailedPassword = phc, now, false, true
		set := change.Set{person.LinkSpent{ID: m.Flow.LinkID(token), At: now}, person.Saved{Person: *who},
			session.EndedAll{Person: who.ID, Why: session.EndedByPassword, At: now},
			session.ForgotAll{Person: who.ID},
			flow.AttemptsEnded{Person: who.ID, Why: flow.OverByChange, At: now},
			flow.RecoveryEnded{Person: who.ID, Why: flow.ByChange, At: now},
			person.LinksReplaced{Kind: person.MailLink, Person: who.ID, At: now},
			limit.Cleared{Keys: limit.YearKeys(who.ID, now)},
			m.byOwner(audit.PasswordReset, who.ID, client)}
		set.Add(m.Writer.Notify(message.PasswordReset, message.Told{Person: *who, Phones: phones,
			About: person.Disputed{Password: true, Where: client.Browser()}}, now)...)
		return set, nil
	})
	return who.Name, err
}
