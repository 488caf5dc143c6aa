package flow

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/session"
)

// LinkID is the kept form of an invitation's or dispute's token.
func (m *Machine) LinkID(token string) string { return m.derive("link", token) }

// MailID is how a mailbox is named in limits.
func (m *Machine) MailID(address string) string { return m.derive("mail", person.Mailbox(address)) }

// Invitation reads an invitation by its token. The fault says what became of a
// link that does not work; opening it spends nothing.
func (m *Machine) Invitation(ctx context.Context, token string) (*person.Person, error) {
	link, err := m.People.Link(ctx, m.LinkID(token))
	if err != nil {
		return nil, fmt.Errorf("read invitation: %w", err)
	}
	switch now := m.Now(); {
	case link == nil || link.Kind != person.Invitation:
		return nil, fault.New(fault.Missing, "link.unknown")
	case !link.SpentAt.IsZero():
		return nil, fault.New(fault.Gone, "invitation.used")
	case !link.ReplacedAt.IsZero():
		return nil, fault.New(fault.Gone, "invitation.newer")
	case !now.Before(link.EndsAt):
		return nil, fault.New(fault.Gone, "invitation.expired")
	}
	who, err := m.People.Person(ctx, link.Person)
	if err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	if who == nil || who.Disabled() || who.Held() {
		return nil, fault.New(fault.Missing, "link.unknown")
	}
	return who, nil
}

// Rules is what a new password must keep to.
func (m *Machine) Rules() person.Rules { return person.Rules{Min: m.Policy.MinPassword()} }

// CheckNew judges a new password: its form, the list of common ones, the names
// that are easy to guess, and that it is not the present one.
func (m *Machine) CheckNew(ctx context.Context, who person.Person, entered string, client Client) (phc string, err error) {
	normal, err := person.CheckNew(entered, m.Rules(), append([]string{who.Name, who.Display, who.Email}, m.Context...)...)
	if err != nil {
		return "", err
	}
	same := false
	turn := person.Turn{Class: person.Plain, Address: client.Address, Name: who.Name}
	if err := m.Hasher.Do(ctx, turn, func() {
		if who.Password != "" {
			same, _, _ = person.Verify(who.Password, normal)
		}
		if !same {
			phc = person.Hash(normal, m.Params)
		}
	}); err != nil {
		return "", busyWords(err, "busy")
	}
	if same {
		return "", fault.New(fault.Invalid, "new-password.same").On("password")
	}
	return phc, nil
}

// AcceptInvitation sets the first password and leads on, in the same attempt,
// into the set-up. Only this post spends the invitation; posted twice, also at
// once, it gets the same attempt.
func (m *Machine) AcceptInvitation(ctx context.Context, token, entered string, post Post, client Client) (Result, error) {
	attemptToken := m.derive("attempt", token, post.Form, entered)
	err := m.acceptInvitation(ctx, token, attemptToken, entered, client)
	if err == nil {
		return Result{Attempt: attemptToken}, nil
	}
	if fault.Of(err) != nil {
		twice, readErr := m.Attempts.Attempt(ctx, HashToken(attemptToken))
		if readErr != nil {
			return Result{}, fmt.Errorf("read attempt: %w", readErr)
		}
		if now := m.Now(); twice != nil && twice.Over(now) == "" && now.Sub(twice.MadeAt) <= MovedFor {
			return Result{Attempt: attemptToken}, nil
		}
	}
	return Result{}, err
}

func (m *Machine) acceptInvitation(ctx context.Context, token, attemptToken, entered string, client Client) error {
	who, err := m.Invitation(ctx, token)
	if err != nil {
		return err
	}
	phc, err := m.CheckNew(ctx, *who, entered, client)
	if err != nil {
		return err
	}
	return m.decide(ctx, func() (change.Set, error) {
		who, err := m.Invitation(ctx, token)
		if err != nil {
			return nil, err
		}
		link, err := m.People.Link(ctx, m.LinkID(token))
		if err != nil {
			return nil, fmt.Errorf("read invitation: %w", err)
		}
		if link == nil {
			return nil, errOvertaken // deleted since, with its person
		}
		now := m.Now()
		u := &Under{Token: attemptToken, Now: now, Attempt: Attempt{ID: HashToken(attemptToken), Person: who.ID, Lane: limit.Others,
			MadeAt: now, SeenAt: now, Agent: client.Agent, Address: client.Shown, Version: 1, Data: Data{Invited: true, SetupLong: true}}}
		if err := m.fill(ctx, u, client); err != nil {
			return nil, err
		}
		if u.Person.Version != who.Version {
			return nil, errOvertaken // held or turned off since the link was read
		}
		had := u.Person.Password != ""
		u.Person.Password, u.Person.PasswordAt, u.Person.MustChange = phc, now, false
		// One who was enrolled before: a mailed link is of one class with a text message.
		u.Person.MailedPassword = string(link.Data) == person.Mailed && u.Person.Enrolled()
		if u.Need.Begin {
			u.Person.MustBy = u.Need.MustBy
		}
		set := change.Set{person.LinkSpent{ID: m.LinkID(token), At: now}, person.Saved{Person: u.Person},
			session.EndedAll{Person: who.ID, Why: session.EndedByPassword, At: now},
			session.ForgotAll{Person: who.ID},
			limit.Cleared{Keys: limit.YearKeys(who.ID, now)},
			AttemptsEnded{Person: who.ID, Why: OverByChange, At: now},
			person.LinksReplaced{Kind: person.MailLink, Person: who.ID, At: now},
			AttemptBegun{Attempt: u.Attempt}}
		entry := m.entry(audit.PasswordSet, who.ID, client)
		entry.Attempt = u.Attempt.ID
		set.Add(entry)
		if had {
			set.Add(RecoveryEnded{Person: who.ID, Why: ByChange, At: now})
			set.Add(m.Writer.Notify(message.PasswordChanged, message.Told{Person: u.Person, Phones: u.Phones,
				About: person.Disputed{Password: true, Where: client.Browser()}}, now)...)
		}
		return set, nil
	})
}

// MustChange takes the new password that has to be chosen after both factors,
// and begins the session.
func (m *Machine) MustChange(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	u, err := m.Look(ctx, post.Token, client)
	if err != nil {
		return Result{}, err
	}
	phc := ""
	if u != nil && u.Over == "" && u.Step == AskNewPassword {
		if phc, err = m.CheckNew(ctx, u.Person, entered, client); err != nil {
			return Result{}, err
		}
	}
	return m.act(ctx, post, entered, client, func(u *Under) (change.Set, Result, error) {
		if phc == "" {
			return nil, Result{}, fault.New(fault.Denied, "step.first") // it was not due yet when the password was judged
		}
		set := m.newPassword(&u.Person, phc, u.Now, "", u.Attempt.ID)
		set.Add(m.entry(audit.PasswordChanged, u.Person.ID, client))
		set.Add(m.Writer.Notify(message.PasswordChanged, message.Told{Person: u.Person, Phones: u.Phones,
			About: person.Disputed{Password: true, Where: client.Browser()}}, u.Now)...)
		u.Person.Version, u.Attempt.Data.Short = u.Person.Version+1, false
		if u.Attempt.Data.Factor == "" && !u.Person.TurnedOff { // before a set-up: it goes on in the attempt
			set.Add(AttemptSaved{Attempt: u.Attempt})
			return set, Result{}, nil
		}
		client.Known = "" // known browsers end with the old password
		issued, result, err := m.issue(ctx, u, u.Attempt.Data.Factor, client, post.Form, entered)
		if err != nil {
			return nil, Result{}, err
		}
		set.Add(issued...)
		if u.Attempt.Data.Factor != "" {
			set.Add(m.tellSignedIn(u, u.Attempt.Data.Factor, client)...)
		}
		return set, result, nil
	}, AskNewPassword)
}

// newPassword is what every change of a password does: it opens a closed lane,
// drops known browsers, cancels a recovery and ends other sessions.
func (m *Machine) newPassword(who *person.Person, phc string, now time.Time, keep, attempt string) change.Set {
	who.Password, who.PasswordAt, who.MustChange, who.MailedPassword = phc, now, false, false
	return change.Set{person.Saved{Person: *who},
		session.ForgotAll{Person: who.ID},
		session.EndedAll{Person: who.ID, Except: keep, Why: session.EndedByPassword, At: now},
		limit.Cleared{Keys: limit.YearKeys(who.ID, now)},
		RecoveryEnded{Person: who.ID, Why: ByChange, At: now},
		AttemptsEnded{Person: who.ID, Except: attempt, Why: OverByChange, At: now},
		person.LinksReplaced{Kind: person.MailLink, Person: who.ID, At: now}} // whoever knew the old one may have asked for it
}

// NewPassword is what S23 sends.
type NewPassword struct {
	Form, Password string
	Others         bool // the other sessions end too
}

// posted says whether the password was changed by this very form a moment ago.
func (s *Signed) posted(value []byte) bool {
	d := s.Session.Data
	return subtle.ConstantTimeCompare(d.Posted, value) == 1 && s.Now.Sub(d.PostedAt) <= MovedFor
}

// ChangePassword sets a new password for somebody who is signed in and has just
// confirmed who they are. This browser gets a new mark as a known one, because both
// factors were just shown.
// The same form posted twice, also at once, gets the same answer.
func (m *Machine) ChangePassword(ctx context.Context, token string, in NewPassword, client Client) (Result, error) {
	result := Result{Known: m.derive("known", token, in.Form), Notice: "security.password-new"}
	s, err := m.confirmed(ctx, token)
	if err != nil {
		return Result{}, err
	}
	phc, bad := m.CheckNew(ctx, s.Person, in.Password, client)
	if s, err = m.confirmed(ctx, token); err == nil && s.posted(m.value(in.Form, in.Password)) {
		return result, nil // the present one since this very form was posted
	}
	if err = errors.Join(bad, err); err != nil {
		return Result{}, err
	}
	err = m.decide(ctx, func() (change.Set, error) {
		s, err := m.confirmed(ctx, token)
		if err != nil || s.posted(m.value(in.Form, in.Password)) {
			return nil, err
		}
		who := s.Person
		ended := 0
		var set change.Set
		for _, effect := range m.newPassword(&who, phc, s.Now, s.Session.ID, "") {
			if _, all := effect.(session.EndedAll); all && !in.Others {
				continue
			}
			set.Add(effect)
		}
		if in.Others {
			if ended, err = m.othersSignedIn(ctx, who.ID, s.Session.ID, s.Now); err != nil {
				return nil, err
			}
		}
		client.Known = ""
		known, recognised, _, err := m.recognise(ctx, &Under{Token: token, Person: who, Now: s.Now}, client, in.Form)
		if err != nil {
			return nil, err
		}
		row := s.Session
		row.Known = known
		row.Data.Posted, row.Data.PostedAt = m.value(in.Form, in.Password), s.Now
		row.Data.Notice, row.Data.SignedOut = result.Notice, ended
		set.Add(recognised, session.Saved{Session: row}, m.entry(audit.PasswordChanged, who.ID, client))
		set.Add(m.Writer.Notify(message.PasswordChanged, message.Told{Person: who, Phones: s.Phones,
			About: person.Disputed{Password: true, Where: client.Browser()}}, s.Now)...)
		return set, nil
	})
	return result, err
}
