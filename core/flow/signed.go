package flow

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
	"sallyport/core/tally"
)

// Signed is a session with all that is true of its person now.
type Signed struct {
	Token    string
	Session  session.Session
	Person   person.Person
	Factors  []factor.Factor
	Phones   []phone.Phone
	Recovery *Recovery
	Need     policy.Need
	Over     string // why it is over, or ""
	Now      time.Time
}

// Signed reads a session by its cookie; nil when there is none. One that is over
// says why. The idle end moves with each request, written at most once a minute.
func (m *Machine) Signed(ctx context.Context, token string) (*Signed, error) {
	if token == "" {
		return nil, nil
	}
	stored, err := m.Sessions.Session(ctx, HashToken(token))
	if err != nil || stored == nil {
		return nil, err
	}
	s := &Signed{Token: token, Session: *stored, Now: m.Now()}
	st, err := m.Attempts.Standing(ctx, Subject{Person: stored.Person})
	if err != nil {
		return nil, fmt.Errorf("look at session: %w", err)
	}
	who := st.Person
	if who == nil {
		return nil, nil
	}
	s.Person, s.Factors, s.Phones, s.Recovery = *who, st.Factors, st.Phones, st.Recovery
	s.Need = m.need(*who, s.Phones, s.Now)
	_, s.Over = m.holds(*who, *stored, s.Need, s.Now)
	if s.Over == "" && s.Now.Sub(stored.SeenAt) >= time.Minute {
		at := s.Now
		m.background.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			m.Changes.Apply(ctx, change.Set{session.Seen{ID: stored.ID, At: at}})
		})
	}
	return s, nil
}

// Holds says whether a session still holds of its person, as both were read, and
// if it is not used any more, until when at the latest.
func (m *Machine) Holds(who person.Person, s session.Session, now time.Time) (until time.Time, over string) {
	return m.holds(who, s, m.need(who, nil, now), now)
}

func (m *Machine) holds(who person.Person, s session.Session, need policy.Need, now time.Time) (until time.Time, over string) {
	over = s.Over(now, m.Times())
	if who.Disabled() || who.Held() {
		return s.EndsAt, session.EndedByOperator
	}
	if s.Level != session.One {
		return s.EndsAt, over
	}
	if !need.OneFactor && over == "" {
		over = session.EndedByFactor // the grace has passed since
	}
	if until = s.EndsAt; !need.MustBy.IsZero() && need.MustBy.Before(until) {
		until = need.MustBy
	}
	return until, over
}

// lane is the lane in which a session's tries count.
func (s *Signed) lane() limit.Lane {
	if s.Session.Known != "" {
		return limit.Known(s.Session.Known)
	}
	return limit.Others
}

// under makes the tries of a session count as those of an attempt do.
func (m *Machine) under(ctx context.Context, s *Signed) (*Under, error) {
	u := &Under{Attempt: Attempt{Person: s.Person.ID, Lane: s.lane(), MadeAt: s.Now}, Person: s.Person,
		Factors: s.Factors, Phones: s.Phones, Recovery: s.Recovery, Need: s.Need, Now: s.Now}
	states, err := m.Changes.Limits(ctx, budgetKeys(u))
	if err != nil {
		return u, fmt.Errorf("read limits: %w", err)
	}
	if budgets(u, states) {
		m.Limited(limit.Year.Name)
		err = fault.New(fault.Denied, "lane-closed")
	}
	return u, err
}

// Waiting is how long somebody signed in waits after too many wrong codes.
func (m *Machine) Waiting(ctx context.Context, s *Signed) (time.Duration, error) {
	u, err := m.under(ctx, s)
	if fault.Of(err) != nil {
		err = nil // the lane is closed: that is said when a code comes
	}
	return u.Wait, err
}

// Confirmation is what S16 sends.
type Confirmation struct {
	Form         string
	Password     string
	Code         string // of the app
	Recovery     string // a recovery code instead
	ByRecovery   bool
	PasswordOnly bool // signing out a session asks for no code
}

// Confirm checks password and code again, and goes on under a new name. It lasts
// five minutes for further changes. The same form posted twice, also at once, gets
// the same name.
func (m *Machine) Confirm(ctx context.Context, token string, in Confirmation, client Client) (Result, error) {
	return m.tried(tally.Confirm)(m.confirmOnce(ctx, token, in, client))
}

// confirmOnce gives the same form, posted twice, the same answer.
func (m *Machine) confirmOnce(ctx context.Context, token string, in Confirmation, client Client) (Result, error) {
	next := m.derive("session", token, in.Form, in.Password+"\x00"+in.Code+"\x00"+in.Recovery)
	err := m.confirm(ctx, token, next, in, client)
	if err == nil {
		return Result{Session: next}, nil
	}
	if fault.Is(err, fault.Gone) {
		twice, readErr := m.Signed(ctx, next)
		if readErr != nil {
			return Result{}, readErr
		}
		if twice != nil && twice.Over == "" && twice.Now.Sub(twice.Session.PasswordAt) <= MovedFor {
			return Result{Session: next}, nil
		}
	}
	return Result{}, err
}

func (m *Machine) confirm(ctx context.Context, token, next string, in Confirmation, client Client) error {
	s, err := m.signed(ctx, token)
	if err != nil {
		return err
	}
	if err := m.confirmPassword(ctx, s, in.Password, client); err != nil {
		return err
	}
	return m.decide(ctx, func() (change.Set, error) {
		s, err := m.signed(ctx, token)
		if err != nil {
			return nil, err
		}
		spent, err := m.passwordTry(ctx, s)
		if err != nil {
			return nil, err
		}
		row := s.Session.Row.Renewed(s.Now)
		set := change.Set{limit.Within{Budget: spent.Budget, Key: spent.Key, Now: s.Now}}
		if !in.PasswordOnly {
			proved, err := m.confirmCode(ctx, s, in, client)
			if err != nil {
				if _, ended := m.signed(ctx, token); ended != nil {
					return nil, ended // the same form was quicker: the code is not wrong, but spent on it
				}
				return proved, err
			}
			set.Add(proved...)
			row.ConfirmedAt = s.Now
		}
		row.ID, row.SeenAt, row.PasswordAt, row.Version = HashToken(next), s.Now, s.Now, 1
		renewed, err := session.Issue(session.Proved{Password: true, Factor: row.Method}, s.Need, row)
		if err != nil {
			return nil, fmt.Errorf("confirm: %w", err)
		}
		set.Add(person.Unchanged{ID: s.Person.ID, Version: s.Person.Version},
			session.Ended{ID: s.Session.ID, Person: s.Person.ID, Why: session.EndedByRenewal, At: s.Now},
			session.Begun{Session: renewed}, m.entry(audit.Confirmed, s.Person.ID, client))
		return set, nil
	})
}

// signed is Signed for a change: a session that is over is a fault.
func (m *Machine) signed(ctx context.Context, token string) (*Signed, error) {
	s, err := m.Signed(ctx, token)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return nil, fault.New(fault.Gone, "session."+session.EndedUnknown)
	case s.Over != "":
		return nil, fault.New(fault.Gone, "session."+s.Over)
	}
	return s, nil
}

// confirmPassword checks the password of somebody who is signed in; a wrong one
// counts in this browser's lane.
func (m *Machine) confirmPassword(ctx context.Context, s *Signed, entered string, client Client) error {
	if entered == "" {
		return fault.New(fault.Invalid, "password.empty").On("password")
	}
	if _, err := m.passwordTry(ctx, s); err != nil {
		return err
	}
	normal, ok := person.Normal(entered)
	var right bool
	var bad error
	turn := person.Turn{Class: person.Known, Address: client.Address, Name: s.Person.Name}
	if err := m.Hasher.Do(ctx, turn, func() { right, _, bad = person.Verify(s.Person.Password, normal) }); err != nil {
		return busyWords(err, "busy")
	}
	if bad != nil {
		return bad
	}
	if right && ok {
		return nil
	}
	return m.decide(ctx, func() (change.Set, error) {
		spent, err := m.passwordTry(ctx, s)
		if err != nil {
			return nil, err
		}
		return change.Set{spent, m.entry(audit.PasswordWrong, s.Person.ID, client)},
			fault.New(fault.Invalid, "confirm.password").On("password").Miss()
	})
}

// passwordTry is what a wrong password costs somebody who is signed in; a fault
// when nothing is left of it.
func (m *Machine) passwordTry(ctx context.Context, s *Signed) (limit.Spent, error) {
	spent := limit.Spent{Budget: limit.PasswordKnown, Key: limit.PasswordKnown.Key(s.Person.ID, string(s.lane())), Now: s.Now}
	wait, _, err := m.wait(ctx, s.Now, spent)
	if err == nil && wait > 0 {
		err = fault.New(fault.TooMany, "sign-in.wait").After(wait)
	}
	return spent, err
}

// confirmCode checks the second factor of somebody who is signed in. The set
// holds the misses when the answer is a fault.
func (m *Machine) confirmCode(ctx context.Context, s *Signed, in Confirmation, client Client) (change.Set, error) {
	u, err := m.under(ctx, s)
	if err != nil {
		return nil, err
	}
	if u.Wait > 0 {
		return nil, m.codesWait(u)
	}
	kind, v := factor.App, factor.Verdict{}
	if in.ByRecovery {
		kind = factor.Recovery
		v = m.codes(ctx, client, s.Person.Name).Verify(s.Factors, factor.Try{Entered: in.Recovery, Now: s.Now})
	} else {
		v = factor.Apps{App: m.AppName, Name: s.Person.Name}.Verify(s.Factors, factor.Try{Entered: in.Code, Now: s.Now})
	}
	if v.Free {
		return nil, v.Fault
	}
	if !v.Right {
		set := m.miss(u, string(kind), v.Reason, client)
		set.Add(v.Effects...)
		set.Add(m.ended(u, v.Effects, client)...)
		more, err := m.alarms(ctx, u)
		if err != nil {
			return nil, err
		}
		set.Add(more...)
		return set, m.leftover(u, v.Fault)
	}
	set := append(change.Set{m.within(u), limit.Cleared{Keys: []string{codesKey(s.Person.ID, s.lane())}}}, v.Effects...)
	if in.ByRecovery {
		set.Add(m.entry(audit.RecoveryCode, s.Person.ID, client))
		set.Add(m.Writer.Notify(message.RecoveryCode, message.Told{Person: s.Person, Phones: s.Phones, Args: []any{"n", codesLeft(s.Factors) - 1},
			About: person.Disputed{Where: client.Browser()}}, s.Now)...)
	}
	return set, nil
}

// SignOut ends the session of a cookie; forget also drops the known browser.
func (m *Machine) SignOut(ctx context.Context, token string, forget bool, client Client) error {
	return m.decide(ctx, func() (change.Set, error) {
		s, err := m.Signed(ctx, token)
		if err != nil || s == nil {
			return nil, err
		}
		var set change.Set
		if s.Session.EndedAt.IsZero() {
			set.Add(session.Ended{ID: s.Session.ID, Person: s.Person.ID, Why: session.EndedByOwner, At: s.Now},
				m.entry(audit.SignedOut, s.Person.ID, client))
		}
		if forget && s.Session.Known != "" {
			known, err := m.Sessions.KnownBrowser(ctx, HashToken(client.Known), s.Person.ID)
			if err != nil {
				return nil, err
			}
			if known != nil {
				set.Add(session.Forgot{ID: known.ID, Person: s.Person.ID}, m.entry(audit.BrowserForgot, s.Person.ID, client))
			}
		}
		return set, nil
	})
}

// Leave ends an attempt because the person chose to.
func (m *Machine) Leave(ctx context.Context, token string, client Client) error {
	return m.decide(ctx, func() (change.Set, error) {
		u, err := m.Look(ctx, token, client)
		if err != nil || u == nil || u.Over != "" {
			return nil, err
		}
		u.Attempt.EndedAt, u.Attempt.EndedWhy = u.Now, OverLeft
		return change.Set{AttemptSaved{Attempt: u.Attempt}}, nil
	})
}

// ForgetCookie makes a browser count as new for everybody who used it.
func (m *Machine) ForgetCookie(ctx context.Context, cookie string) error {
	if cookie == "" {
		return nil
	}
	return m.Changes.Apply(ctx, change.Set{session.ForgotCookie{Token: HashToken(cookie)}})
}
