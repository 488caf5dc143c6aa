package walker

import (
	"slices"
	"time"
)

// Model is what may be open to whom. It learns only from what browsers were shown:
// each answer of the program is held against it, and then remembered. It says what
// may be, never what must: whatever it does not know it forbids, and the honest
// finisher looks after what must be possible.
type Model struct {
	Policy   Policy
	People   map[string]*Person
	Sessions map[string]*Session  // by the cookie's value
	Attempts map[string]*Attempt  // by the cookie's value
	Setups   map[string]*Setup    // by what names them: a cookie and a person, an attempt, a session
	Codes    map[string]*TextCode // by number and digits
	Keys     map[string]string    // each key of an app that was ever shown, and the set-up it was shown in
	Links    map[string]*Link     // what hands out power: invitations, mailed passwords, disputes
	Doors    map[string]*Door     // by the cookie's value
	Overs    map[string]*HandOver // by the token
	Binds    map[string]string    // what a hand-over is bound to, and the cookie that it is of
	Lost     bool                 // an answer was lost in a crash: what it would have told is not known
}

// Policy is what the operator of a walk has decided.
type Policy struct {
	Name     string
	YAML     string
	Optional bool
	Grace    time.Duration
	Enrol    string
	NoCode   bool // a reset asks for no setup code where a number was kept
}

// Person is an account, as the model knows it.
type Person struct {
	Name, Display, Mail string
	Operator, Board     bool // of the group that the board is for

	Password   string
	PasswordBy string   // the actor who chose it
	Passwords  []string // all that it ever was

	Enrolled  bool // ever: never cleared
	Apps      []*App
	Recovery  []*RecoveryCode
	Number    string
	NumberBy  string // the actor who holds that phone
	NumberAt  time.Time
	UsableAt  time.Time // of the number, for recovery
	NoMail    bool      // they removed their mail address
	NumberMay bool      // a dispute may have voided it: the notice does not say
	MustBy    time.Time // the last moment of the grace
	SetupCode string
	SetupTill time.Time

	Held, Disabled, TurnedOff, SetupDue, MustChange, Mailed bool

	Waiting *Waiting // a recovery with a delay
}

// App is an authenticator that was bound.
type App struct {
	Key, ID string
	By      string // the actor who scanned it
	Step    int64  // the last one that was accepted
	Ended   bool
}

// RecoveryCode is one of a set.
type RecoveryCode struct {
	Code, Session string // and the session that it was shown in
	Spent, Dead   bool
}

// Waiting is a recovery whose delay has to pass.
type Waiting struct{ Asked, Open, Until time.Time }

// Session is a session that somebody was seen to open.
type Session struct {
	Person *Person
	Level  int
	Chain  string // the same session under its first name
	From   string // the attempt that it came from
	By     string // the actor who opened it

	Made, Seen, Ends time.Time
	Confirmed        time.Time // both factors
	Password         time.Time
	Shows            time.Time // recovery codes, until then
	Replaces         string    // the app that a change under way puts another in the place of
	Ended            string
}

// Attempt is a sign-in under way.
type Attempt struct {
	Person     *Person
	Made, Seen time.Time
	By         string
	Ended      string

	Invited, SetupCode, Text, Code, Replacing, Factor, Waits, ByText bool
}

// Setup is a wizard under way.
type Setup struct {
	Person *Person
	Number string
	Proved time.Time
	Key    string
}

// TextCode is a code that was sent, and those whom it was sent for.
type TextCode struct {
	At  time.Time
	For map[string]bool // attempts and sessions
}

// Link is an address that opens something once.
type Link struct {
	Kind   string // invitation, password or dispute
	Person *Person
	Made   time.Time
	Till   time.Time
	Spent  bool
	About  string // the text of a notice
}

// The lives of things, as they are promised.
const (
	idle        = time.Hour
	length      = 12 * time.Hour
	attemptMost = 4 * time.Hour
	fresh       = 5 * time.Minute
	textLife    = 10 * time.Minute
	setupLife   = 24 * time.Hour
	delay       = 24 * time.Hour
	open        = 72 * time.Hour
	hold        = 72 * time.Hour
	codesShow   = 30 * time.Minute
	repeat      = 60 * time.Second

	slack = 2 * time.Second // between our clock and the program's
)

// Alive says whether a session may still open anything.
func (m *Model) Alive(s *Session, now time.Time) bool {
	switch {
	case s == nil || s.Ended != "" || s.Person.Held || s.Person.Disabled:
		return false
	case now.After(s.Ends.Add(slack)) || now.After(s.Seen.Add(idle+slack)):
		return false
	}
	return s.Level == 2 || m.OneFactor(s.Person, now)
}

// Fresh says whether a session may change a factor, a number, a password.
func (m *Model) Fresh(s *Session, now time.Time) bool {
	return m.Alive(s, now) && s.Level == 2 && now.Before(s.Confirmed.Add(fresh+slack))
}

// PasswordFresh says whether it may sign others out.
func (m *Model) PasswordFresh(s *Session, now time.Time) bool {
	return m.Fresh(s, now) || m.Alive(s, now) && now.Before(s.Password.Add(fresh+slack))
}

// OneFactor says whether the password alone may open a session of level one.
func (m *Model) OneFactor(p *Person, now time.Time) bool {
	switch {
	case p.Operator || p.SetupDue:
		return false
	case p.Enrolled:
		return p.TurnedOff && m.Policy.Optional
	case m.Policy.Optional:
		return true
	}
	return m.Policy.Grace > 0 && (p.MustBy.IsZero() || now.Before(p.MustBy.Add(slack)))
}

// Under says whether an attempt may go on.
func (m *Model) Under(a *Attempt, now time.Time) bool {
	return a != nil && a.Ended == "" && !a.Person.Held && !a.Person.Disabled &&
		now.Before(a.Seen.Add(idle+slack)) && now.Before(a.Made.Add(attemptMost+slack))
}

// Enrols says whether an attempt may bind an app: only somebody who never had a
// factor enrols on a password.
func (m *Model) Enrols(a *Attempt) bool {
	switch p := a.Person; {
	case a.Replacing || a.SetupCode:
		return true
	case p.Enrolled || p.SetupDue:
		return false
	case m.Policy.Enrol == "invitation":
		return a.Invited
	}
	return m.Policy.Enrol != "code"
}

// Delay is how long a person waits between a text message and a new app.
func (m *Model) Delay(p *Person) time.Duration {
	if p.Operator || p.Mailed {
		return delay
	}
	return 0
}

// AppCode finds the app that a code may be of, now or within a step, unspent.
func (p *Person) AppCode(code string, from, to time.Time) (*App, int64) {
	for _, app := range p.Apps {
		if app.Ended {
			continue
		}
		for step := max(app.Step, Step(from)-2) + 1; step <= Step(to)+1; step++ {
			if Code(app.Key, step) == code {
				return app, step
			}
		}
	}
	return nil, 0
}

// Working says whether the person has an app that works.
func (p *Person) Working() bool {
	return slices.ContainsFunc(p.Apps, func(a *App) bool { return !a.Ended })
}

// Unspent finds a recovery code that may still be used.
func (p *Person) Unspent(code string) *RecoveryCode {
	for _, c := range p.Recovery {
		if letters(c.Code) == letters(code) && !c.Spent && !c.Dead {
			return c
		}
	}
	return nil
}

// endSessions ends a person's sessions, but one.
func (m *Model) endSessions(p *Person, keep *Session, why string) {
	for _, s := range m.Sessions {
		if s.Person == p && s != keep && s.Ended == "" {
			s.Ended = why
		}
	}
}

func (m *Model) endAttempts(p *Person, keep *Attempt) {
	for _, a := range m.Attempts {
		if a.Person == p && a != keep && a.Ended == "" {
			a.Ended = "changed"
		}
	}
}

func (p *Person) endApps() {
	for _, a := range p.Apps {
		a.Ended = true
	}
}

func (p *Person) endCodes() {
	for _, c := range p.Recovery {
		c.Dead = true
	}
}

// newPassword is what every new password does.
func (m *Model) newPassword(p *Person, password, by string) {
	p.Password, p.PasswordBy, p.MustChange, p.Mailed, p.Waiting = password, by, false, false, nil
	p.Passwords = append(p.Passwords, password)
}

// bind puts an app on, in the place of all others or beside them.
func (p *Person) bind(key, by string, step int64) {
	p.Apps = append(p.Apps, &App{Key: key, By: by, Step: step})
	p.Enrolled = true
}

// number puts a number in the place of the one before, on hold for recovery if
// there was one.
func (p *Person) number(e164, by string, now time.Time) {
	usable := now
	if p.Number != "" && !p.NumberMay {
		usable = now.Add(hold)
	}
	p.Number, p.NumberBy, p.NumberAt, p.UsableAt, p.NumberMay = e164, by, now, usable, false
}

// StartAgain is what an operator does who resets or releases somebody.
func (m *Model) StartAgain(p *Person, code string, now time.Time, keepNumber bool) {
	p.Enrolled, p.SetupDue, p.TurnedOff, p.Held, p.Waiting = true, true, false, false, nil
	p.SetupCode, p.SetupTill = code, now.Add(24*time.Hour)
	p.endApps()
	p.endCodes()
	if !keepNumber {
		p.Number, p.NumberBy = "", ""
	}
	m.endSessions(p, nil, "operator")
	m.endAttempts(p, nil)
	m.dropSetups(p)
}

func (m *Model) dropSetups(p *Person) {
	for name, s := range m.Setups {
		if s.Person == p {
			delete(m.Setups, name)
		}
	}
}
