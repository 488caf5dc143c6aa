package manage

import (
	"context"
	"fmt"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
)

// WaitingMail is an address that waits to be confirmed; the zero one is none.
type WaitingMail struct {
	Address string
	Stuck   bool // the mail with the link could not be handed over yet
}

// WaitingMail reads the address that waits.
func (m *Manager) WaitingMail(ctx context.Context, who person.Person) (w WaitingMail, err error) {
	link, err := m.People.LinkAlive(ctx, person.MailLink, who.ID, m.Now())
	if err != nil {
		return w, fmt.Errorf("read mail link: %w", err)
	}
	if link == nil || !alive(*link, m.Now()) {
		return w, nil
	}
	asked := person.AskedMail(*link)
	sends, err := m.Flow.Attempts.Sends(ctx, asked.Message)
	if err != nil {
		return w, fmt.Errorf("read message: %w", err)
	}
	w.Address = asked.Address
	sent := message.Best(sends)
	w.Stuck = sent != nil && (sent.State == message.Failed || sent.State == message.Waiting && sent.Reason != "")
	return w, nil
}

// AskMail sends a link to the address that the owner wants notices at. Until it is
// opened and confirmed, the address of now stays.
func (m *Manager) AskMail(ctx context.Context, o Owner, typed string) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		address, bad := person.MailAddress(typed)
		switch {
		case bad != nil:
			return nil, bad
		case address == o.Person.Email:
			return nil, fault.New(fault.Invalid, "mail.same").On("mail")
		}
		return m.askMail(ctx, o, address)
	})
}

// AskMailAgain sends the link to the address that waits once more.
func (m *Manager) AskMailAgain(ctx context.Context, o Owner) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		waiting, err := m.WaitingMail(ctx, o.Person)
		if err != nil {
			return nil, err
		}
		if waiting.Address == "" {
			return nil, gone()
		}
		return m.askMail(ctx, o, waiting.Address)
	})
}

func (m *Manager) askMail(ctx context.Context, o Owner, address string) (change.Set, error) {
	spent := limit.Spent{Budget: limit.MailConfirm, Key: limit.MailConfirm.Key(o.Person.ID), Now: o.Now}
	// Many accounts must not fill the mailbox of somebody who has none.
	there := limit.Spent{Budget: limit.MailAddress, Key: limit.MailAddress.Key(m.Flow.MailID(address)), Now: o.Now}
	states, err := m.Changes.Limits(ctx, []string{spent.Key, there.Key})
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	if wait := max(spent.Wait(states[spent.Key]), there.Wait(states[there.Key])); wait > 0 {
		word := "mail.wait"
		if states[spent.Key].Used < limit.MailConfirm.Max && there.Wait(states[there.Key]) == 0 {
			word = "mail.early"
		}
		return nil, fault.New(fault.TooMany, word).After(wait).On("mail")
	}
	token := person.NewToken()
	mail := m.Writer.ConfirmMail(o.Person, address, token, o.Now)
	return change.Set{spent, there,
		person.LinkMade{Replace: true, Link: person.Link{ID: m.Flow.LinkID(token), Kind: person.MailLink, Person: o.Person.ID,
			MadeAt: o.Now, EndsAt: o.Now.Add(person.MailLife), Data: person.MailAsked{Address: address, Message: mail.ID}.Encode()}},
		message.Queued{Message: mail}, m.owned(audit.MailAsked, o)}, nil
}

// MailLink reads a link that confirms an address. Opening it changes nothing.
func (m *Manager) MailLink(ctx context.Context, token string) (address string, err error) {
	link, _, err := m.mailLink(ctx, token)
	if err != nil {
		return "", err
	}
	return person.AskedMail(*link).Address, nil
}

func (m *Manager) mailLink(ctx context.Context, token string) (*person.Link, *person.Person, error) {
	link, err := m.People.Link(ctx, m.Flow.LinkID(token))
	if err != nil {
		return nil, nil, fmt.Errorf("read mail link: %w", err)
	}
	if link == nil || link.Kind != person.MailLink {
		return nil, nil, fault.New(fault.Missing, "link.unknown")
	}
	who, err := m.People.Person(ctx, link.Person)
	if err != nil {
		return nil, nil, fmt.Errorf("read person: %w", err)
	}
	if who == nil || who.Disabled() || who.Held() || !alive(*link, m.Now()) || outdated(*link, *who) {
		return nil, nil, fault.New(fault.Gone, "mail.dead")
	}
	return link, who, nil
}

// ConfirmMail puts the address of a link in the place of the one before, and tells
// both, and the number.
func (m *Manager) ConfirmMail(ctx context.Context, token string, client flow.Client) error {
	link, who, err := m.mailLink(ctx, token)
	if err != nil {
		return err
	}
	return m.change(ctx, who.ID, func(who *person.Person) (change.Set, error) {
		if _, _, err := m.mailLink(ctx, token); err != nil {
			return nil, err
		}
		before, now := who.Email, m.Now()
		who.Email = person.AskedMail(*link).Address
		entry := m.byOwner(audit.MailChanged, who.ID, client)
		set := change.Set{person.LinkSpent{ID: link.ID, At: now}, person.Saved{Person: *who}, entry}
		return m.mailChanged(ctx, set, *who, before, client)
	})
}

// RemoveMail drops the owner's address, where a number remains.
func (m *Manager) RemoveMail(ctx context.Context, o Owner) error {
	return m.apply(ctx, o, func(o Owner) (change.Set, error) {
		if err := o.fresh(); err != nil {
			return nil, err
		}
		switch {
		case o.Person.Email == "":
			return nil, gone()
		case len(o.Phones) == 0:
			return nil, fault.New(fault.Denied, "mail.last")
		}
		who := o.Person
		who.Email = ""
		set := change.Set{person.Saved{Person: who}, o.banner("security.mail-removed", 0), m.owned(audit.MailRemoved, o)}
		return m.mailChanged(ctx, set, who, o.Person.Email, o.Client)
	})
}

// mailChanged tells the address before, the one of now, and every number. What was
// mailed to the one before works no more: it may be whose the change shuts out.
func (m *Manager) mailChanged(ctx context.Context, set change.Set, who person.Person, before string, client flow.Client) (change.Set, error) {
	variant := ""
	if who.Email == "" {
		variant = "removed"
	}
	phones, err := m.People.Phones(ctx, who.ID)
	if err != nil {
		return nil, fmt.Errorf("read numbers: %w", err)
	}
	set.Add(person.LinksReplaced{Kind: person.PasswordLink, Person: who.ID, At: m.Now()},
		person.LinksReplaced{Kind: person.MailLink, Person: who.ID, At: m.Now()}) // or it would undo this later
	invited, err := m.People.LinkAlive(ctx, person.Invitation, who.ID, m.Now())
	if err != nil {
		return nil, fmt.Errorf("read invitation: %w", err)
	}
	if invited != nil && string(invited.Data) == person.Mailed {
		set.Add(person.LinksReplaced{Kind: person.Invitation, Person: who.ID, At: m.Now()})
	}
	set.Add(m.Writer.Notify(message.MailChanged, message.Told{Person: who, Mails: []string{before}, Phones: phones, Variant: variant,
		About: person.Disputed{Mail: who.Email, Where: client.Browser()}}, m.Now())...)
	return set, nil
}

// byOwner is an entry of what an owner did without a session.
func (m *Manager) byOwner(event audit.Event, who string, client flow.Client) audit.Entry {
	e := m.entry(event, who, who, "")
	e.Address, e.Agent, e.Request = client.Shown, client.Agent, client.Request
	return e
}
