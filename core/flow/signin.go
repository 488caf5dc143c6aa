package flow

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/session"
	"sallyport/core/tally"
)

// SignIn is what the sign-in form sends.
type SignIn struct {
	Name, Password string
	Form           string // the id of the form, for the same form posted twice
	Browser        string // the csrf cookie it is bound to
	ReturnTo       string
	SetUp          bool // the person asked to set up 2FA
}

// tries are the budgets that a password is tried under.
type tries struct {
	lane  limit.Lane
	known *session.KnownBrowser
	spent []limit.Spent // what a wrong password costs
	name  limit.Spent   // only counted
}

// SignIn checks a name and a password. Whatever is wrong, the answer is the same
// for every name, known or not; only a right password stores anything that
// outlives the try.
func (m *Machine) SignIn(ctx context.Context, in SignIn, client Client) (Result, error) {
	result, err := m.tried(tally.Password)(m.signIn(ctx, in, client))
	if err == nil && result.Step == LaneClosed {
		m.Limited(limit.Year.Name)
	}
	return result, err
}

func (m *Machine) signIn(ctx context.Context, in SignIn, client Client) (Result, error) {
	if in.Name == "" {
		return Result{}, fault.New(fault.Invalid, "username.empty").On("username")
	}
	if in.Password == "" {
		return Result{}, fault.New(fault.Invalid, "password.empty").On("password")
	}
	mapped, nameErr := person.MapName(in.Name)
	if nameErr != nil {
		mapped = in.Name
	}
	who, err := m.People.PersonByName(ctx, mapped)
	if err != nil {
		return Result{}, fmt.Errorf("read person: %w", err)
	}
	if nameErr != nil {
		who = nil
	}
	t, err := m.tries(ctx, mapped, who, client)
	if err != nil {
		return Result{}, err
	}
	right, rehash, err := m.password(ctx, in.Password, mapped, who, t, client)
	if err != nil {
		return Result{}, err
	}
	if !right {
		return Result{}, m.wrongPassword(ctx, who, t, client)
	}
	return m.rightPassword(ctx, in, *who, t, rehash, client)
}

// tries finds the lane and its budgets. A known browser is in none of the
// budgets that strangers can spend.
func (m *Machine) tries(ctx context.Context, name string, who *person.Person, client Client) (tries, error) {
	now := m.Now()
	named := m.derive("name", name)
	t := tries{lane: limit.Others, name: limit.Spent{Budget: limit.PasswordName, Key: limit.PasswordName.Key(named), Now: now, Free: true}}
	if client.Known != "" {
		id := "" // nobody's: the same question is asked for every name
		if who != nil {
			id = who.ID
		}
		known, err := m.Sessions.KnownBrowser(ctx, HashToken(client.Known), id)
		if err != nil {
			return t, fmt.Errorf("read known browser: %w", err)
		}
		if known != nil && now.Before(known.EndsAt) {
			t.lane, t.known = limit.Known(known.ID), known
			t.spent = []limit.Spent{{Budget: limit.PasswordKnown, Key: limit.PasswordKnown.Key(known.ID), Now: now}}
			return t, nil
		}
	}
	if client.Address != "" {
		t.spent = []limit.Spent{
			{Budget: limit.PasswordPair, Key: limit.PasswordPair.Key(named, client.Address), Now: now},
			{Budget: limit.PasswordAddress, Key: limit.PasswordAddress.Key(client.Address), Now: now},
		}
		return t, nil
	}
	t.spent = []limit.Spent{{Budget: limit.PasswordPair, Key: limit.PasswordPair.Key(named, "nowhere"), Now: now}}
	return t, nil
}

// password checks the password in its turn. For an unknown name the hash is a
// constant, so that the time tells nothing.
func (m *Machine) password(ctx context.Context, entered, name string, who *person.Person, t tries, client Client) (right, rehash bool, err error) {
	wait, _, err := m.wait(ctx, m.Now(), t.spent...)
	if err != nil {
		return false, false, err
	}
	if wait > 0 {
		return false, false, fault.New(fault.TooMany, "sign-in.wait").After(wait)
	}
	turn, pause, err := m.turn(ctx, name, t, client)
	if err != nil {
		return false, false, err
	}
	if err := sleep(ctx, pause); err != nil {
		return false, false, err
	}
	phc := person.Dummy(m.Params)
	if who != nil && who.Password != "" {
		phc = who.Password
	}
	normal, ok := person.Normal(entered)
	var params person.Params
	var bad error
	err = m.Hasher.Do(ctx, turn, func() { right, params, bad = person.Verify(phc, normal) })
	if err == nil {
		err = bad
	}
	if err != nil {
		return false, false, busyWords(err, "sign-in.busy")
	}
	return right && ok && who != nil && who.Password != "", params != m.Params, nil
}

// busyWords gives a busy fault the words of the page it happened on.
func busyWords(err error, word string) error {
	if fault.Is(err, fault.Busy) {
		return fault.New(fault.Busy, word).After(5 * time.Second)
	}
	return err
}

// turn says where in the hashing queue a try stands, and how long it is held
// back first: a second more for each wrong try of this pair after the fifth.
func (m *Machine) turn(ctx context.Context, name string, t tries, client Client) (person.Turn, time.Duration, error) {
	turn := person.Turn{Class: person.Plain, Address: client.Address, Name: name}
	if t.lane.Known() {
		turn.Class = person.Known
		return turn, 0, nil
	}
	states, err := m.Changes.Limits(ctx, []string{t.name.Key, t.spent[0].Key})
	if err != nil {
		return turn, 0, fmt.Errorf("read limits: %w", err)
	}
	now := m.Now()
	if limit.PasswordName.Left(states[t.name.Key], now) <= 0 {
		turn.Class = person.Slow
	}
	used := limit.PasswordPair.Max - limit.PasswordPair.Left(states[t.spent[0].Key], now)
	return turn, time.Duration(max(0, used-4)) * time.Second, nil
}

func sleep(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// wrongPassword counts the try. The same is written for names that do not exist.
func (m *Machine) wrongPassword(ctx context.Context, who *person.Person, t tries, client Client) error {
	return m.decide(ctx, func() (change.Set, error) {
		wait, _, err := m.wait(ctx, m.Now(), t.spent...)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			return nil, fault.New(fault.TooMany, "sign-in.wait").After(wait)
		}
		entry := m.entry(audit.PasswordWrong, "", client)
		var set change.Set
		record := true
		for _, s := range t.spent {
			set.Add(s)
		}
		if who != nil {
			entry.Person = who.ID
		}
		if !t.lane.Known() {
			set.Add(t.name)
			states, err := m.Changes.Limits(ctx, []string{t.name.Key})
			if err != nil {
				return nil, err
			}
			// Past a hundred an hour they are only counted: nobody can fill the
			// log of a name that they know.
			left := limit.PasswordName.Left(states[t.name.Key], m.Now())
			record = left > 0
			if left == 1 {
				more, err := m.tooManyPasswords(ctx, who)
				if err != nil {
					return nil, err
				}
				set.Add(more...)
			}
		}
		if record {
			set.Add(entry)
		}
		return set, fault.New(fault.Invalid, "sign-in.wrong").On("username").Miss()
	})
}

// tooManyPasswords tells the person, once a day, when over a hundred wrong
// passwords an hour were tried on the account.
func (m *Machine) tooManyPasswords(ctx context.Context, who *person.Person) (change.Set, error) {
	if who == nil {
		return nil, nil
	}
	phones, err := m.People.Phones(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	entry := audit.New(m.Now(), audit.Limited, who.ID)
	entry.Method = audit.LimitedPassword
	return append(change.Set{entry}, m.Writer.Notify(message.WrongPasswords, message.Told{Person: *who, Phones: phones}, m.Now())...), nil
}

// rightPassword stores the attempt, or goes on with a session that only idled.
func (m *Machine) rightPassword(ctx context.Context, in SignIn, who person.Person, t tries, rehash bool, client Client) (Result, error) {
	var result Result
	fresh := ""
	if rehash {
		normal, _ := person.Normal(in.Password)
		if err := m.Hasher.Do(ctx, person.Turn{Class: person.Plain, Address: client.Address, Name: who.Name}, func() {
			fresh = person.Hash(normal, m.Params)
		}); err != nil {
			fresh = "" // busy: the next sign-in raises it
		}
	}
	err := m.decide(ctx, func() (change.Set, error) {
		again, err := m.People.Person(ctx, who.ID)
		if err != nil {
			return nil, err
		}
		if again == nil || again.Password == "" || !again.PasswordAt.Equal(who.PasswordAt) {
			return nil, fault.New(fault.Invalid, "sign-in.wrong").On("username")
		}
		rehashed := fresh != "" && again.Password == who.Password // else another sign-in has raised it
		if rehashed {
			again.Password = fresh
		}
		var set change.Set
		set, result, err = m.admit(ctx, in, *again, t, rehashed, client)
		return set, err
	})
	return result, err
}

// admit is what a right password leads to.
func (m *Machine) admit(ctx context.Context, in SignIn, who person.Person, t tries, rehashed bool, client Client) (change.Set, Result, error) {
	now := m.Now()
	// Read again in each round: the right password must not be told from wrong
	// ones that filled the budget while it waited its turn.
	wait, _, err := m.wait(ctx, now, t.spent...)
	if err != nil {
		return nil, Result{}, err
	}
	if wait > 0 {
		return nil, Result{}, fault.New(fault.TooMany, "sign-in.wait").After(wait)
	}
	var set change.Set
	for _, s := range t.spent {
		set.Add(limit.Within{Budget: s.Budget, Key: s.Key, Now: now})
	}
	set.Add(limit.Cleared{Keys: []string{t.spent[0].Key}})
	attempt, known, err := m.newAttempt(ctx, in, who, t, client)
	if err != nil {
		return nil, Result{}, err
	}
	entry := m.entry(audit.PasswordRight, who.ID, client)
	entry.Attempt = attempt.ID
	if who.Disabled() || who.Held() {
		u := &Under{Attempt: attempt, Person: who, Need: m.need(who, nil, now), Now: now}
		entry.Attempt = ""
		set.Add(entry)
		return set, Result{Step: Next(m.facts(u, false), u.Need)}, nil
	}
	if set2, result, err := m.revive(ctx, in, who, client); err != nil || result.Session != "" {
		return append(set, set2...), result, err
	}
	token := m.attemptToken(in, client)
	if known != nil { // the same form posted twice: the same answer
		if known.Over(now) == "" {
			return nil, Result{Attempt: token}, nil
		}
		result, same, err := m.again(ctx, &Under{Token: token, Attempt: *known, Person: who, Now: now}, client, in.Form, in.Password)
		if err == nil && !same {
			err = fault.New(fault.Invalid, "sign-in.stale")
		}
		return nil, result, err
	}
	u := &Under{Token: token, Attempt: attempt, Now: now}
	u.Person = who
	if err := m.fillNew(ctx, u, client); err != nil {
		return nil, Result{}, err
	}
	if u.Need.Begin && !u.Person.MustBy.Equal(u.Need.MustBy) {
		u.Person.MustBy = u.Need.MustBy
	}
	if written(u.Person, who, rehashed) {
		set.Add(person.Saved{Person: u.Person}, entry)
		u.Person.Version++
	} else {
		set.Add(person.Unchanged{ID: who.ID, Version: who.Version}, entry)
	}
	if u.Step == Done { // 2FA is off by the owner's choice, and the policy lets them
		set.Add(AttemptBegun{Attempt: u.Attempt})
		issued, result, err := m.issue(ctx, u, "", client, in.Form, in.Password)
		alone := m.entry(audit.SignedIn, who.ID, client)
		alone.Method, alone.Attempt = "password", attempt.ID
		return append(append(set, issued...), alone), result, err
	}
	u.Attempt.Data.SetupLong = u.Step == OfferSetup || u.Step == AskInvitation
	set.Add(AttemptBegun{Attempt: u.Attempt})
	return set, Result{Attempt: token, Step: u.Step}, nil
}

// written says whether a sign-in has anything to write about the person: a raised
// hash, or the beginning of the grace.
func written(now, before person.Person, rehashed bool) bool {
	return rehashed || !now.MustBy.Equal(before.MustBy)
}

// attemptToken derives the attempt's name from the form and the cookie it is
// bound to, so that a double click gets one attempt.
func (m *Machine) attemptToken(in SignIn, client Client) string {
	return m.derive("attempt", in.Browser, in.Form, client.Session)
}

// newAttempt prepares the record, and says whether the same form made one before.
func (m *Machine) newAttempt(ctx context.Context, in SignIn, who person.Person, t tries, client Client) (a Attempt, before *Attempt, err error) {
	now := m.Now()
	a = Attempt{ID: HashToken(m.attemptToken(in, client)), Person: who.ID, Lane: t.lane, MadeAt: now, SeenAt: now,
		Agent: client.Agent, Address: client.Shown, Version: 1, Data: Data{ReturnTo: in.ReturnTo, Wants: in.SetUp, Short: m.Rules().Short(in.Password)}}
	before, err = m.Attempts.Attempt(ctx, a.ID)
	if err != nil {
		return a, nil, fmt.Errorf("read attempt: %w", err)
	}
	if before != nil && (before.Person != who.ID || now.Sub(before.MadeAt) > MovedFor) {
		// An old form, sent again: its attempt is over, so it gets nothing.
		return a, nil, fault.New(fault.Invalid, "sign-in.stale")
	}
	return a, before, nil
}

func (m *Machine) fillNew(ctx context.Context, u *Under, client Client) error {
	saved := u.Person
	if err := m.fill(ctx, u, client); err != nil {
		return err
	}
	if u.Person.Version != saved.Version {
		return errOvertaken // held, turned off or changed since: what was read before must not be written back
	}
	u.Person = saved
	return nil
}

// revive goes on with a session of this browser that ended by idling alone: the
// password is enough within its hours, under a new name and with the old end.
func (m *Machine) revive(ctx context.Context, in SignIn, who person.Person, client Client) (change.Set, Result, error) {
	if client.Session == "" || who.MustChange {
		return nil, Result{}, nil
	}
	now, token := m.Now(), m.derive("session", client.Session, in.Form)
	twice, err := m.Sessions.Session(ctx, HashToken(token))
	if err != nil {
		return nil, Result{}, fmt.Errorf("read session: %w", err)
	}
	if twice != nil && twice.Person == who.ID && twice.Over(now, m.Times()) == "" && now.Sub(twice.MadeAt) <= MovedFor {
		return nil, Result{Session: token, Step: Done, ReturnTo: in.ReturnTo, Level: twice.Level, Finished: true, Codes: twice.Data.CodesWhy != ""}, nil
	}
	old, err := m.Sessions.Session(ctx, HashToken(client.Session))
	if err != nil {
		return nil, Result{}, fmt.Errorf("read session: %w", err)
	}
	if old == nil || old.Person != who.ID || old.Over(now, m.Times()) != session.EndedByIdling || old.Level != session.Two {
		return nil, Result{}, nil
	}
	phones, err := m.People.Phones(ctx, who.ID)
	if err != nil {
		return nil, Result{}, err
	}
	row := old.Row.Renewed(now)
	row.ID, row.MadeAt, row.SeenAt, row.PasswordAt, row.Version = HashToken(token), now, now, now, 1
	row.Agent, row.Address = client.Agent, client.Shown
	s, err := session.Issue(session.Proved{Password: true, Factor: old.Method}, m.need(who, phones, now), row)
	if err != nil {
		return nil, Result{}, err
	}
	entry := m.entry(audit.SignedIn, who.ID, client)
	entry.Method = "password"
	set := change.Set{person.Saved{Person: who},
		session.Ended{ID: old.ID, Person: who.ID, Why: session.EndedByRenewal, At: now},
		session.Begun{Session: s}, entry}
	return set, Result{Session: token, Step: Done, ReturnTo: in.ReturnTo, Level: s.Level, Finished: true, Codes: s.Data.CodesWhy != ""}, nil
}

// entry makes an audit entry with what is known of the browser.
func (m *Machine) entry(event audit.Event, who string, client Client) audit.Entry {
	e := audit.New(m.Now(), event, who)
	e.Address, e.Agent, e.Request = client.Shown, client.Agent, client.Request
	return e
}
