package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// Dispute is a link of a notice: "this was not me".
type Dispute struct {
	About    person.Disputed
	Reported time.Time // it was pressed, or the account was on hold already
	link     person.Link
}

// Objection names a dispute: by the token of a notice's link, which whoever reads
// the notice has, or by the link that an entry of the owner's own activity is
// tied to.
type Objection struct {
	Token       string
	Link, Owner string
}

// Dispute reads a dispute link. Reading changes nothing, so that scanners of
// messages do no harm.
func (m *Manager) Dispute(ctx context.Context, by Objection) (*Dispute, error) {
	id := by.Link
	if by.Owner == "" {
		id = m.Flow.LinkID(by.Token)
	}
	link, err := m.People.Link(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read dispute: %w", err)
	}
	if link == nil || link.Kind != person.Dispute || by.Owner != "" && link.Person != by.Owner {
		return nil, fault.New(fault.Missing, "link.unknown")
	}
	d := &Dispute{link: *link}
	if err := json.Unmarshal(link.Data, &d.About); err != nil {
		return nil, fmt.Errorf("read dispute: %w", err)
	}
	who, err := m.People.Person(ctx, link.Person)
	if err != nil {
		return nil, fmt.Errorf("read dispute: %w", err)
	}
	switch {
	case who == nil:
		return nil, fault.New(fault.Missing, "link.unknown")
	case !link.SpentAt.IsZero():
		d.Reported = link.SpentAt
	case who.Held():
		d.Reported = who.HeldAt
	case !m.Now().Before(link.EndsAt):
		return nil, fault.New(fault.Gone, "not-me.expired")
	}
	return d, nil
}

// Press is the button behind a dispute link: what waits is cancelled, what the
// change bound is voided, every session ends, and the account is on hold until
// an operator releases it. It takes away and never gives anything back.
func (m *Manager) Press(ctx context.Context, by Objection, client flow.Client) (*Dispute, error) {
	d, err := m.Dispute(ctx, by)
	if err != nil || !d.Reported.IsZero() {
		return d, err
	}
	full := false
	err = m.change(ctx, d.link.Person, func(who *person.Person) (change.Set, error) {
		if who.Held() {
			return nil, nil
		}
		if allowed, err := m.disputesLeft(ctx, who.ID); err != nil || !allowed {
			full = !allowed
			return nil, err
		}
		phones, err := m.People.Phones(ctx, who.ID)
		if err != nil {
			return nil, err
		}
		at := d.About.At.Truncate(time.Millisecond)
		ended, err := m.People.PhonesEnded(ctx, who.ID, at.Add(-time.Millisecond))
		if err != nil {
			return nil, err
		}
		factors, err := m.People.Factors(ctx, who.ID)
		if err != nil {
			return nil, err
		}
		late, err := m.mailSince(ctx, who.ID, d.About.At)
		if err != nil {
			return nil, err
		}
		before := who.Email
		if late || d.About.Mail != "" && d.About.Mail == who.Email {
			who.Email = "" // not the one before it either: a dispute gives nothing back
		}
		return append(m.hold(who, before, phones, d, client), since(at, append(ended, phones...), factors, m.Now())...), nil
	})
	if _, lost := errors.AsType[*change.Refused](err); err != nil && !lost {
		return nil, err
	}
	d, readErr := m.Dispute(ctx, by)
	switch {
	case readErr != nil || !d.Reported.IsZero():
		return d, readErr
	case full:
		return nil, m.onlyTold(ctx, d, client)
	case err == nil: // somebody else held it, and it was released since
		err = errors.New("dispute: overtaken")
	}
	return nil, err
}

// onlyTold records a dispute past those of a day, once a link, so that operators
// are told of it, and nothing more: whoever has the links of many changes must not
// keep an account on hold.
func (m *Manager) onlyTold(ctx context.Context, d *Dispute, client flow.Client) error {
	m.Flow.Limited(limit.Disputes.Name)
	entry := m.disputed(d, client)
	entry.Method = audit.DisputedOnly
	err := m.Changes.Apply(ctx, change.Set{limit.Spent{Budget: limit.Told, Key: limit.Told.Key("disputed/" + d.link.ID), Now: m.Now()}, entry})
	if _, told := errors.AsType[*change.Refused](err); err != nil && !told {
		return fmt.Errorf("record dispute: %w", err)
	}
	return fault.New(fault.Gone, "not-me.too-many")
}

// disputed is the entry of a dispute: its reason is what was disputed.
func (m *Manager) disputed(d *Dispute, client flow.Client) audit.Entry {
	e := m.byOwner(audit.Disputed, d.link.Person, client)
	e.Reason = d.About.Event
	return e
}

// since voids what was bound from the disputed change on: whoever made that one
// may have made the next ones too, whose notices went to addresses of theirs. That
// a number was replaced meanwhile changes nothing: it must not hear of more.
func since(at time.Time, phones []phone.Phone, factors []factor.Factor, now time.Time) (set change.Set) {
	for _, p := range phones {
		if !p.ProvedAt.Before(at) {
			set.Add(phone.Voided{ID: p.ID, Person: p.Person, At: now})
		}
	}
	for _, f := range factors {
		if !f.AddedAt.Before(at) {
			set.Add(factor.Voided{ID: f.ID, Person: f.Person, At: now})
		}
	}
	return set
}

// mailSince says whether the mail address was changed from the disputed change on.
func (m *Manager) mailSince(ctx context.Context, who string, at time.Time) (bool, error) {
	changed, err := m.Flow.History.EventsOf(ctx, who, []audit.Event{audit.MailChanged}, 1)
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	return len(changed) > 0 && !changed[0].At.Before(at.Truncate(time.Millisecond)), nil
}

func (m *Manager) hold(who *person.Person, mail string, phones []phone.Phone, d *Dispute, client flow.Client) change.Set {
	now := m.Now()
	who.HeldAt, who.HeldWhy = now, d.About.Event
	if d.About.Password || !who.PasswordAt.Before(d.About.At.Truncate(time.Millisecond)) {
		who.Password = "" // whoever set it, then or since, must not come back with it
	}
	set := change.Set{
		person.LinkSpent{ID: d.link.ID, At: now},
		limit.Spent{Budget: limit.Disputes, Key: limit.Disputes.Key(who.ID), Now: now},
		person.Saved{Person: *who},
		session.EndedAll{Person: who.ID, Why: session.EndedByDispute, At: now},
		session.ForgotAll{Person: who.ID},
		flow.AttemptsEnded{Person: who.ID, Why: flow.OverByChange, At: now},
		flow.SetupsDropped{Person: who.ID},
		flow.RecoveryEnded{Person: who.ID, Why: flow.ByDispute, At: now},
		person.LinksReplaced{Kind: person.MailLink, Person: who.ID, At: now},
		m.disputed(d, client),
	}
	if d.About.Factor != "" {
		set.Add(factor.Voided{ID: d.About.Factor, Person: who.ID, At: now})
	}
	if d.About.Codes {
		set.Add(factor.EndedAll{Person: who.ID, Kind: factor.Recovery, Why: factor.EndedByDispute, At: now})
	}
	if d.About.Phone != "" {
		set.Add(phone.Voided{ID: d.About.Phone, Person: who.ID, At: now})
	}
	set.Add(m.Writer.Notify(message.AccountHeld, message.Told{Person: *who, Mails: []string{mail}, Phones: phones}, now)...)
	return set
}
