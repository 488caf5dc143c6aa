// Package manage is what operators and owners may change. Every call names its
// actor, and is checked, written and audited as one change. It signs nobody in
// and never sets, sees or chooses a password, a secret or a code of somebody
// else.
package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/words"
)

// Manager holds what the rules need from the world.
type Manager struct {
	People  People
	Apps    Apps
	Changes flow.Changes
	Flow    *flow.Machine // for the kept forms of links, and its times
	Writer  message.Writer
	Now     func() time.Time

	background sync.WaitGroup
	asking     atomic.Int64
}

// People reads what operators see.
type People interface {
	flow.People
	// Everyone lists people by name, most at a time, after a name.
	Everyone(ctx context.Context, after string, most int) ([]person.Person, error)
	// Setups lists the first set-ups that are open.
	SetupsOpen(ctx context.Context, person string, now time.Time) ([]flow.Setup, error)
	SessionsOf(ctx context.Context, person string) ([]session.Session, error)
	KnownBrowsers(ctx context.Context, person string) ([]session.KnownBrowser, error)
}

// Errors for operators: they name the remedy.
var (
	ErrNoPerson = errors.New("there is nobody of that name; hint: sallyport person list")
	ErrTaken    = errors.New("somebody has that name already; hint: choose another, or sallyport person show NAME")
)

// Person finds somebody by name.
func (m *Manager) Person(ctx context.Context, name string) (*person.Person, error) {
	mapped, err := person.MapName(name)
	if err != nil {
		return nil, err
	}
	who, err := m.People.PersonByName(ctx, mapped)
	if err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	if who == nil {
		return nil, ErrNoPerson
	}
	return who, nil
}

// Adding is a person to be added.
type Adding struct {
	Name, Display, Email string
	Groups               []string
	Operator             bool
	Password             string // from standard input; empty hands out an invitation
	Invite               Invite
}

// Invite is how an invitation reaches a person. It is always handed to the
// operator; by mail it goes to the person's address as well.
type Invite bool

// The ways of an invitation.
const (
	ByHand Invite = false
	ByMail Invite = true
)

// Add adds a person. Without a password it returns the token of an invitation.
func (m *Manager) Add(ctx context.Context, actor string, in Adding) (token string, err error) {
	name, err := person.MapName(in.Name)
	if err != nil {
		return "", err
	}
	who := person.New(name, m.Now())
	if err := describe(&who, in); err != nil {
		return "", err
	}
	var set change.Set
	if in.Password != "" {
		normal, err := person.CheckNew(in.Password, m.Flow.Rules(), append([]string{name, in.Display, in.Email}, m.Flow.Context...)...)
		if err != nil {
			return "", err
		}
		who.Password, who.PasswordAt = person.Hash(normal, m.Flow.Params), m.Now()
		set.Add(person.Added{Person: who})
	} else {
		set.Add(person.Added{Person: who})
		var made change.Set
		token, made = m.invitation(actor, who, in.Invite)
		set.Add(made...)
	}
	set.Add(m.entry(audit.PersonAdded, actor, who.ID, ""))
	err = m.Changes.Apply(ctx, set)
	if refused, ok := errors.AsType[*change.Refused](err); ok {
		if _, taken := refused.Effect.(person.Added); taken {
			return "", ErrTaken
		}
	}
	return token, err
}

func describe(who *person.Person, in Adding) error {
	if in.Email != "" {
		address, bad := person.MailAddress(in.Email)
		if bad != nil {
			return fmt.Errorf("%q is not a mail address; hint: --email name@example.org", in.Email)
		}
		in.Email = address
	}
	if len([]rune(in.Display)) > 100 || strings.ContainsFunc(in.Display, unshown) {
		return errors.New("the name to show has control characters, marks that change its direction, or over 100 letters; hint: --display 'Ada Lovelace'")
	}
	if strings.ContainsFunc(strings.Join(in.Groups, ""), unshown) {
		return errors.New("a group has control characters or marks that change its direction; hint: --group staff")
	}
	who.Display, who.Email, who.Groups, who.Operator = in.Display, in.Email, in.Groups, in.Operator
	return nil
}

// unshown says whether a character may not stand in a name: it would not be seen,
// or would turn what stands beside it.
func unshown(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
}

func (m *Manager) invitation(actor string, who person.Person, by Invite) (string, change.Set) {
	token, now := person.NewToken(), m.Now()
	link := person.Link{ID: m.Flow.LinkID(token), Kind: person.Invitation, Person: who.ID, MadeAt: now, EndsAt: now.Add(person.InvitationLife)}
	set := change.Set{m.entry(audit.Invited, actor, who.ID, "")}
	if m.Mails(who, by) {
		link.Data = []byte(person.Mailed)
		set.Add(message.Queued{Message: m.Writer.Invite(who, token, now)})
	}
	set.Add(person.LinkMade{Replace: true, Link: link})
	return token, set
}

// Mails says whether an invitation goes out by mail.
func (m *Manager) Mails(who person.Person, by Invite) bool {
	return by == ByMail && !m.Writer.NoMail && who.Email != ""
}

// change reads a person and applies what decide makes of it, again when somebody
// else was quicker.
func (m *Manager) change(ctx context.Context, id string, decide func(who *person.Person) (change.Set, error)) error {
	var refused *change.Refused
	for range 20 {
		who, err := m.People.Person(ctx, id)
		if err != nil {
			return fmt.Errorf("read person: %w", err)
		}
		if who == nil {
			return ErrNoPerson
		}
		set, err := decide(who)
		if err != nil || len(set) == 0 {
			return err
		}
		message.Tie(set)
		if err = m.Changes.Apply(ctx, set); !errors.As(err, &refused) {
			return err
		}
	}
	return fmt.Errorf("change person, always overtaken: %w", refused)
}

// Setting is what operators may set in a person; nil leaves it alone.
type Setting struct {
	Display, Email *string
	Groups         *[]string
	Operator       *bool
	MustChange     *bool
}

// Set changes what an operator may change.
func (m *Manager) Set(ctx context.Context, actor, id string, in Setting) error {
	return m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		next := Adding{Display: who.Display, Email: who.Email, Groups: who.Groups, Operator: who.Operator}
		if in.Display != nil {
			next.Display = *in.Display
		}
		if in.Email != nil {
			next.Email = *in.Email
		}
		if in.Groups != nil {
			next.Groups = *in.Groups
		}
		if in.Operator != nil {
			next.Operator = *in.Operator
		}
		if in.MustChange != nil {
			who.MustChange = *in.MustChange
		}
		before := who.Email
		if err := describe(who, next); err != nil {
			return nil, err
		}
		set := change.Set{person.Saved{Person: *who}, m.entry(audit.PersonChanged, actor, who.ID, "")}
		if who.Email != before {
			more, err := m.mailChanged(ctx, nil, *who, before, flow.Client{Agent: words.Text("mail.operator")})
			if err != nil {
				return nil, err
			}
			set.Add(more...)
		}
		if in.MustChange != nil && *in.MustChange {
			set.Add(m.everything(who.ID, session.EndedByOperator)...)
		}
		return set, nil
	})
}

// Invite makes a new invitation link; the one before stops working. For somebody
// who has a password it leads to a new one; no factor is touched.
func (m *Manager) Invite(ctx context.Context, actor, id string, by Invite) (token string, err error) {
	err = m.change(ctx, id, func(who *person.Person) (set change.Set, err error) {
		if who.Held() {
			return nil, errors.New("the account is on hold; hint: sallyport person release NAME")
		}
		if who.Disabled() { // the link would open nothing
			return nil, errors.New("the account is turned off; hint: sallyport person enable NAME")
		}
		token, set = m.invitation(actor, *who, by)
		set.Add(person.Unchanged{ID: who.ID, Version: who.Version})
		return set, nil
	})
	return token, err
}

// Disable turns an account off: every session ends at the next request.
func (m *Manager) Disable(ctx context.Context, actor, id string) error {
	return m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		if who.Disabled() {
			return nil, nil
		}
		who.DisabledAt = m.Now()
		return append(change.Set{person.Saved{Person: *who}, m.entry(audit.PersonDisabled, actor, who.ID, ""),
			flow.RecoveryEnded{Person: who.ID, Why: flow.ByChange, At: who.DisabledAt}}, // it would be open when the account is on again
			m.everything(who.ID, session.EndedByOperator)...), nil
	})
}

// Enable turns an account on again.
func (m *Manager) Enable(ctx context.Context, actor, id string) error {
	return m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		if !who.Disabled() {
			return nil, nil
		}
		who.DisabledAt = time.Time{}
		return change.Set{person.Saved{Person: *who}, m.entry(audit.PersonEnabled, actor, who.ID, "")}, nil
	})
}

// SignOut ends every session of a person, and forgets the known browsers.
func (m *Manager) SignOut(ctx context.Context, actor, id string) error {
	return m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		set := append(change.Set{person.Unchanged{ID: who.ID, Version: who.Version}, m.entry(audit.SessionsEnded, actor, who.ID, "")},
			m.everything(who.ID, session.EndedByOperator)...)
		return append(set, session.ForgotAll{Person: who.ID}), nil
	})
}

// everything under way ends.
func (m *Manager) everything(who, why string) change.Set {
	now := m.Now()
	return change.Set{session.EndedAll{Person: who, Why: why, At: now},
		flow.AttemptsEnded{Person: who, Why: flow.OverByChange, At: now},
		person.LinksReplaced{Kind: person.MailLink, Person: who, At: now}}
}

// Checks are the ways in which an operator can have checked who is asking.
var Checks = []string{"in-person", "call-back", "video", "other"}

// Checked is how somebody who asks for help was checked.
type Checked struct{ How, Note string }

func (c Checked) check() error {
	known := false
	for _, how := range Checks {
		known = known || how == c.How
	}
	switch {
	case !known:
		return fmt.Errorf("say how you checked who is asking; hint: --checked %s", strings.Join(Checks, "|"))
	case strings.TrimSpace(c.Note) == "":
		return errors.New("say in a note who asked and how you know; hint: --note 'called back on the number in the staff list'")
	case len([]rune(c.Note)) > 500:
		return errors.New("the note has over 500 characters; hint: shorten it")
	}
	return nil
}

// Reset takes every factor of a person away and returns a setup code, without
// which the password leads nowhere.
func (m *Manager) Reset(ctx context.Context, actor, id string, checked Checked, keepPhone bool) (code string, err error) {
	if err := checked.check(); err != nil {
		return "", err
	}
	err = m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		if who.Held() {
			return nil, errors.New("the account is on hold; hint: sallyport person release NAME")
		}
		phones, err := m.People.Phones(ctx, who.ID)
		if err != nil {
			return nil, err
		}
		var set change.Set
		code, set = m.startAgain(who, factor.EndedByReset, keepPhone)
		who.ResetWhy = "reset"
		entry := m.entry(audit.Reset, actor, who.ID, checked.Note)
		entry.Reason = checked.How
		set = append(change.Set{person.Saved{Person: *who}, entry}, set...)
		set.Add(m.Writer.Notify(message.WasReset, message.Told{Person: *who, Phones: phones, About: person.Disputed{}}, m.Now())...)
		return set, nil
	})
	return code, err
}

// startAgain ends the factors of a person and makes the setup code that leads on.
func (m *Manager) startAgain(who *person.Person, why string, keepPhone bool) (string, change.Set) {
	now := m.Now()
	code := factor.RandomCode(8)
	who.SetupDue, who.ResetAt, who.TurnedOff = true, now, false
	if who.EnrolledAt.IsZero() {
		who.EnrolledAt = now // they proved themselves to an operator; never on a password alone from now on
	}
	set := change.Set{
		factor.EndedAll{Person: who.ID, Why: why, At: now},
		session.ForgotAll{Person: who.ID},
		flow.SetupsDropped{Person: who.ID},
		flow.RecoveryEnded{Person: who.ID, Why: flow.ByChange, At: now},
		person.LinkMade{Replace: true, Link: person.Link{ID: m.Flow.SetupCodeID(who.ID, code), Kind: person.SetupCode,
			Person: who.ID, MadeAt: now, EndsAt: now.Add(person.SetupCodeLife)}},
	}
	if !keepPhone {
		set.Add(phone.EndedAll{Person: who.ID, At: now})
	}
	return factor.Grouped(code), append(set, m.everything(who.ID, session.EndedByOperator)...)
}

// Release lets somebody on hold begin again, with a setup code; and with an
// invitation besides where the disputed change was the password.
func (m *Manager) Release(ctx context.Context, actor, id string, checked Checked) (code, invitation string, err error) {
	if err := checked.check(); err != nil {
		return "", "", err
	}
	err = m.change(ctx, id, func(who *person.Person) (change.Set, error) {
		if !who.Held() {
			return nil, errors.New("the account is not on hold; hint: sallyport person show NAME")
		}
		phones, err := m.People.Phones(ctx, who.ID)
		if err != nil {
			return nil, err
		}
		var set change.Set
		code, set = m.startAgain(who, factor.EndedByDispute, true)
		who.HeldAt, who.HeldWhy, who.ResetWhy = time.Time{}, "", "released"
		invitation = ""
		if who.Password == "" {
			var invited change.Set
			invitation, invited = m.invitation(actor, *who, ByHand)
			set.Add(invited...)
		}
		entry := m.entry(audit.Released, actor, who.ID, checked.Note)
		entry.Reason = checked.How
		set = append(change.Set{person.Saved{Person: *who}, entry}, set...)
		set.Add(m.Writer.Notify(message.Released, message.Told{Person: *who, Phones: phones}, m.Now())...)
		return set, nil
	})
	return code, invitation, err
}

func (m *Manager) entry(event audit.Event, actor, who, note string) audit.Entry {
	e := audit.New(m.Now(), event, who)
	e.Actor, e.Note = actor, note
	return e
}

// gone is the answer to acting on a row that is no longer there.
func gone() error { return fault.New(fault.Gone, "removed-already") }
