package flow

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// Under is an attempt under way with all that is true of its person now.
type Under struct {
	Token    string
	Attempt  Attempt
	Person   person.Person
	Factors  []factor.Factor
	Phones   []phone.Phone
	Setup    *Setup
	Recovery *Recovery
	Need     policy.Need
	Step     Step
	Over     string // why the attempt is over, or ""
	Wait     time.Duration
	Left     int // wrong codes left in this lane
	Now      time.Time

	level   int // how many waits the lane had
	year    int // wrong codes that the lane had in a year
	counted int // what the last wrong code counted
	cookie  string
	known   *session.KnownBrowser // of that cookie
}

// Look reads an attempt by its cookie; nil when there is none.
func (m *Machine) Look(ctx context.Context, token string, client Client) (*Under, error) {
	if token == "" {
		return nil, nil
	}
	attempt, err := m.Attempts.Attempt(ctx, HashToken(token))
	if err != nil || attempt == nil {
		return nil, err
	}
	u := &Under{Token: token, Attempt: *attempt, Now: m.Now()}
	if err := m.fill(ctx, u, client); err != nil {
		return nil, fmt.Errorf("look at attempt: %w", err)
	}
	return u, nil
}

func (m *Machine) fill(ctx context.Context, u *Under, client Client) error {
	of := Subject{Person: u.Attempt.Person, Setup: m.setupOf(u, client), Limits: budgetKeys(u)}
	if client.Known != "" {
		of.Known = HashToken(client.Known)
	}
	st, err := m.Attempts.Standing(ctx, of)
	if err != nil {
		return err
	}
	if st.Person == nil {
		u.Over = OverLeft
		return nil
	}
	u.Person, u.Over = *st.Person, u.Attempt.Over(u.Now)
	u.Factors, u.Phones, u.Recovery = st.Factors, st.Phones, st.Recovery
	u.cookie, u.known = client.Known, st.Known
	if s := st.Setup; s != nil && s.Person == u.Person.ID && u.Now.Before(s.EndsAt) {
		u.Setup = s
	}
	closed := budgets(u, st.Limits)
	if closed && u.Attempt.Lane.Known() { // its browser was forgotten since
		closed = false
		if u.Over == "" {
			u.Over = OverByChange
		}
	}
	u.Need = m.need(u.Person, u.Phones, u.Now)
	u.Step = Next(m.facts(u, closed), u.Need)
	return nil
}

// setupOf names the set-up of an attempt: its own while it recovers, else the
// one of this browser's set-up cookie.
func (m *Machine) setupOf(u *Under, client Client) string {
	id := u.Attempt.Data.Setup
	if id == "" && client.Setup != "" && !u.Attempt.Data.Replacing {
		id = m.setupID(client.Setup, u.Attempt.Person)
	}
	return id
}

func (m *Machine) setupID(cookie, person string) string { return m.derive("setup", cookie, person) }

// budgetKeys are the budgets of an attempt's lane, the waiting one first.
func budgetKeys(u *Under) []string {
	keys := []string{codesKey(u.Attempt.Person, u.Attempt.Lane)}
	if id, known := u.Attempt.Lane.Browser(); known {
		return append(keys, limit.KnownYear.Key(u.Attempt.Person, id))
	}
	return append(keys, limit.YearKeys(u.Attempt.Person, u.Now)...)
}

// budgets says how many tries the attempt's lane has left, and whether it is
// closed for good.
func budgets(u *Under, states map[string]limit.State) (closed bool) {
	keys := budgetKeys(u)
	key := keys[0]
	u.Wait, u.Left = limit.Codes.Wait(states[key], u.Now), limit.Codes.Left(states[key], u.Now)
	u.level = states[key].Level
	u.year = 0
	for _, k := range keys[1:] {
		u.year += states[k].Used
	}
	if u.Attempt.Lane.Known() {
		if u.Now.Sub(states[keys[1]].Since) >= limit.KnownYear.Window {
			u.year = 0 // of a year that is over
		}
		return u.year >= limit.KnownYear.Max
	}
	return u.year >= limit.YearMax
}

func codesKey(person string, lane limit.Lane) string {
	return limit.Codes.Key(person, string(lane))
}

func (m *Machine) need(p person.Person, phones []phone.Phone, now time.Time) policy.Need {
	return m.Policy.For(policy.Facts{Operator: p.Operator, Enrolled: p.Enrolled(), MustBy: p.MustBy,
		TurnedOff: p.TurnedOff, SetupDue: p.SetupDue, HasPhone: len(phones) > 0,
		MailedPassword: p.MailedPassword, Gateway: !m.Writer.NoText, Now: now})
}

func (m *Machine) facts(u *Under, closed bool) Facts {
	d := u.Attempt.Data
	f := Facts{Password: true, Factor: d.Factor, Text: d.Text, Code: d.Code, SetupCode: d.SetupCode,
		Invited: d.Invited, Replacing: d.Replacing, Wants: d.Wants, Waits: u.Attempt.EndedWhy == OverWaiting,
		Disabled: u.Person.Disabled(), Held: u.Person.Held(), Closed: closed,
		EverEnrolled: u.Person.Enrolled(), Working: factor.Working(u.Factors),
		TurnedOff: u.Person.TurnedOff, MustChange: u.Person.MustChange || d.Short && (u.Person.TurnedOff || !factor.Working(u.Factors))}
	if s := u.Setup; s != nil {
		f.Installed, f.Number, f.NumberProved = s.Data.Installed, s.Data.Number.E164 != "", s.NumberProved(u.Now)
		f.SecretSeen = s.Data.Scanned && s.secretFresh(u.Now)
	}
	return f
}

// Phone is the number that may be shown, masked, or nil.
func (u *Under) Phone() *phone.Phone {
	if len(u.Phones) == 0 {
		return nil
	}
	return &u.Phones[len(u.Phones)-1]
}

// CodesLeft is how many recovery codes are unused.
func (u *Under) CodesLeft() int { return codesLeft(u.Factors) }

func codesLeft(rows []factor.Factor) int {
	for _, row := range factor.Of(rows, factor.Recovery) {
		if set, err := factor.DecodeCodes(row.Data); err == nil {
			return set.Left()
		}
	}
	return 0
}

// Begun is the step of the guide at which the set-up of this browser stands.
func (u *Under) Begun() int {
	if u.Setup == nil {
		return 0
	}
	return u.Setup.begun(u.Now, u.Need.Phone)
}

// Elsewhere is the newest set-up that another browser has begun, or nil.
func (m *Machine) Elsewhere(ctx context.Context, u *Under) (*Setup, error) {
	open, err := m.Attempts.SetupsOpen(ctx, u.Person.ID, u.Now)
	if err != nil {
		return nil, fmt.Errorf("read open set-ups: %w", err)
	}
	for i := len(open) - 1; i >= 0; i-- {
		if u.Setup == nil || open[i].ID != u.Setup.ID {
			return &open[i], nil
		}
	}
	return nil, nil
}

// alarming are the events that Alarm looks at: what strangers can pile up before a
// right password is not among them.
var alarming = []audit.Event{audit.SignedIn, audit.SetUp, audit.RecoveryDone, audit.SetUpLater, audit.PasswordRight}

// Alarm is the newest attempt of somebody else that had the right password and
// no right code, if nobody has signed in since; nil when there is none.
func (m *Machine) Alarm(ctx context.Context, who, attempt string) (*audit.Entry, error) {
	events, err := m.History.EventsOf(ctx, who, alarming, 30)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	opens := func(e audit.Event) bool {
		return e == audit.SignedIn || e == audit.SetUp || e == audit.RecoveryDone || e == audit.SetUpLater
	}
	// First all that were done: the two entries of a sign-in may be of one millisecond,
	// in either order.
	done := map[string]bool{attempt: true}
	for _, e := range events {
		if opens(e.Event) {
			done[e.Attempt] = true
		}
	}
	signedIn := 0
	for i, e := range events {
		switch {
		case opens(e.Event) && e.Attempt != attempt:
			// The newest sign-in is the present one; a second one has seen the alarm.
			if signedIn++; signedIn > 1 {
				return nil, nil
			}
		case e.Event == audit.PasswordRight:
			if !done[e.Attempt] && e.Attempt != "" {
				return &events[i], nil
			}
		}
	}
	return nil, nil
}

// over is the fault of acting in an attempt that is over.
func over(why string) error {
	return fault.New(fault.Gone, "attempt."+why)
}
