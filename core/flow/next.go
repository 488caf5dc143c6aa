package flow

import "sallyport/core/policy"

// Step is what is asked for next. Steps name what is asked, never a page: each
// front has its own table from step to page, prompt or refusal.
type Step int

// The steps. The zero Step refuses.
const (
	Refuse         Step = iota
	AskPassword         // nothing has been proved
	TurnedOff           // an operator turned the account off
	Held                // a dispute put the account on hold
	LaneClosed          // 300 wrong codes from other browsers: the password counts as stolen
	AskInvitation       // a first set-up begins with an invitation here
	AskSetupCode        // an operator's setup code leads on
	OfferSetup          // begin to set up, or put it off where that is allowed
	AskInstall          // have an app ready
	AskNumber           // a mobile number
	AskTextCode         // the code that was sent to it
	ShowSecret          // put the secret into the app
	AskNewFactor        // a code of the new app
	AskFactor           // a code of an app that works
	AskOtherProof       // no app works: another proof, never a set-up
	AskStillHave        // after a recovery code: does the app still exist?
	AskReplace          // after a text message, or when no app works: stop the old one
	Waiting             // the proof was right, but a delay has to pass
	AskNewPassword      // both factors were right; the password must change
	Done                // a session may be given
	steps
)

// Facts are what Next looks at: what the attempt has proved, and what is true of
// the person now.
type Facts struct {
	Password  bool   // proved in this attempt, as the following are
	Factor    string // the method that counts as the second factor: app, recovery, or none
	Text      bool   // a text message code of recovery
	Code      bool   // a recovery code, the question after it not yet answered
	SetupCode bool
	Invited   bool
	Replacing bool // what did not work was revoked; a new app is being bound
	Waits     bool // a recovery with a delay was written
	Wants     bool // to set up again what its owner had turned off

	Disabled, Held, Closed   bool
	EverEnrolled             bool // never cleared
	Working                  bool // an app works
	TurnedOff                bool // 2FA is off by the owner's choice
	MustChange               bool
	Installed                bool // of the set-up: an app is ready
	Number                   bool // a number was entered
	NumberProved, SecretSeen bool
}

// Next says what is asked of the person now. It is the whole machine: nothing
// else decides what follows what, and what it does not know it refuses.
func Next(f Facts, need policy.Need) Step {
	switch {
	case !need.Known || !need.Factor && !need.OneFactor:
		return Refuse
	case !f.Password:
		return AskPassword
	case f.Disabled:
		return TurnedOff
	case f.Held:
		return Held
	case f.Waits:
		return Waiting
	case f.Factor != "" && f.MustChange:
		return AskNewPassword
	case f.Factor != "":
		return Done
	case f.Closed:
		return LaneClosed
	case f.EverEnrolled:
		return enrolled(f, need)
	case need.Invitation && !f.Invited:
		return AskInvitation
	case need.SetupCode && !f.SetupCode:
		return AskSetupCode
	case need.Factor:
		return setup(f, need)
	default:
		return Refuse
	}
}

// enrolled is for whoever ever had a factor: with one that works it is asked
// for; without one another proof is, and a password alone never leads on.
func enrolled(f Facts, need policy.Need) Step {
	switch {
	case f.Working && f.Code:
		return AskStillHave
	case f.Working && f.Text:
		return AskReplace
	case f.Working:
		return AskFactor
	case f.TurnedOff && need.OneFactor && !f.Wants && !f.Text && !f.Code && !f.Replacing:
		if f.MustChange {
			return AskNewPassword
		}
		return Done
	case f.Replacing:
		return setup(f, need)
	case f.Text || f.Code:
		return AskReplace
	case need.SetupCode && !f.SetupCode:
		return AskSetupCode
	case f.SetupCode:
		return setup(f, need)
	default:
		return AskOtherProof
	}
}

// setup says what a set-up asks: the number comes before the app, as in the
// guide, so that nobody ends with an app and no way back.
func setup(f Facts, need policy.Need) Step {
	switch {
	case f.MustChange:
		return AskNewPassword
	case !f.Installed && f.Replacing:
		return AskInstall
	case !f.Installed:
		return OfferSetup
	case need.Phone && !f.NumberProved && !f.Number:
		return AskNumber
	case need.Phone && !f.NumberProved:
		return AskTextCode
	case !f.SecretSeen:
		return ShowSecret
	default:
		return AskNewFactor
	}
}
