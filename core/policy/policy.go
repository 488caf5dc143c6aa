// Package policy is the rules for whom and since when, and what they ask of one
// attempt. A zero Need refuses.
package policy

import "time"

// Policy is what the operator has decided, as it stands in the settings.
type Policy struct {
	Optional          bool          // people may choose; operators never
	GraceDays         int           // days in which "Not now" is allowed, 0 to 90
	Enrol             Enrol         // what a first set-up asks besides the password
	NoPhone           bool          // the wizard has no steps for a number
	PhoneOptional     bool          // the number can be removed again
	NoTextRecovery    bool          // a text message is no way back
	DelayPeople       time.Duration // between a text message and a new app
	DelayOperators    time.Duration
	NoResetCode       bool // a reset asks for no setup code where a number was kept
	Idle, Length      time.Duration
	BlockInternet     bool
	MailedPasswordLag time.Duration // the wait when the password was set by a mailed link
}

// Enrol is what a first set-up asks besides the password.
type Enrol string

// The ways to enrol.
const (
	ByPassword   Enrol = "password"
	ByInvitation Enrol = "invitation"
	BySetupCode  Enrol = "code"
)

// Facts are what the policy looks at in a person.
type Facts struct {
	Operator       bool
	Enrolled       bool      // ever
	MustBy         time.Time // the last day of the grace, once stored
	TurnedOff      bool      // chose to do without, where the policy let them
	SetupDue       bool      // reset or released, and not set up again since
	HasPhone       bool
	MailedPassword bool
	Gateway        bool // text messages can be sent at all
	Now            time.Time
}

// Need is what the policy asks of one attempt.
type Need struct {
	Known      bool      // the policy has looked; without it everything is refused
	Factor     bool      // a second factor is asked of whoever has one
	OneFactor  bool      // a session of level one may be given to somebody who never enrolled
	MustBy     time.Time // the last moment of the grace; zero without one
	Begin      bool      // MustBy is new and has to be stored
	Invitation bool      // a first set-up must have begun with an invitation
	SetupCode  bool      // a set-up asks for a setup code
	Phone      bool      // a set-up proves a number
	TextProof  bool      // a text message is a way back
	Delay      time.Duration
	DelayWhy   string // operator or mail
}

// For says what is asked of a person now.
func (p Policy) For(f Facts) Need {
	need := Need{
		Known:     true,
		Factor:    true,
		Phone:     f.Gateway && !p.NoPhone,
		TextProof: f.Gateway && !p.NoTextRecovery,
	}
	if !f.Enrolled {
		need.OneFactor, need.MustBy, need.Begin = p.grace(f)
		need.Invitation = p.Enrol == ByInvitation
		need.SetupCode = p.Enrol == BySetupCode
	}
	if f.TurnedOff && p.Optional && !f.Operator {
		need.OneFactor = true
	}
	if f.SetupDue && (!p.NoResetCode || !f.HasPhone || !need.TextProof) {
		need.SetupCode, need.Invitation, need.OneFactor = true, false, false
	}
	need.Delay, need.DelayWhy = p.delay(f)
	return need
}

// grace says whether somebody who never enrolled may put it off, and until when.
// The last moment is stored once; no reset, sign-in or change of policy moves it
// later, but a stricter policy ends it sooner.
func (p Policy) grace(f Facts) (allowed bool, by time.Time, begin bool) {
	switch {
	case f.Operator || f.SetupDue:
		return false, time.Time{}, false
	case p.Optional:
		return true, time.Time{}, false
	case p.GraceDays == 0:
		return false, time.Time{}, false
	}
	by = f.Now.Add(time.Duration(p.GraceDays) * 24 * time.Hour)
	if !f.MustBy.IsZero() && f.MustBy.Before(by) {
		return f.Now.Before(f.MustBy), f.MustBy, false
	}
	return true, by, true
}

// delay says how long a person waits between a right text message code and
// setting up a new app.
func (p Policy) delay(f Facts) (wait time.Duration, why string) {
	wait = p.DelayPeople
	if f.Operator && p.DelayOperators > wait {
		wait, why = p.DelayOperators, "operator"
	}
	// Mail and text message are one class of proof: a password that came by mail
	// and a text message together are no more than one of them.
	if f.MailedPassword && p.MailedPasswordLag > wait {
		wait, why = p.MailedPasswordLag, "mail"
	}
	return wait, why
}

// MinPassword is the least length of a password: fifteen characters wherever a
// session with the password alone is possible.
func (p Policy) MinPassword() int {
	if p.Optional || p.GraceDays > 0 {
		return 15
	}
	return 8
}
