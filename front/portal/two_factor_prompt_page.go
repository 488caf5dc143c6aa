package portal

import (
	"time"

	"sallyport/front/web"
)

// Prompt explains 2FA to somebody who never had it (S2).
type Prompt struct {
	web.Frame
	NeedNumber bool // whether a mobile number is part of the set-up
	Required   bool
	Due        time.Time // the last day of a grace period, or zero
	DaysLeft   int
	Begun      int       // the step where an earlier set-up stopped, or 0
	KeptNumber bool      // whether its mobile number is kept
	Reset      time.Time // when an administrator reset 2FA, or zero
	Released   time.Time // when a hold was released, or zero
	NoCode     time.Time // when somebody knew the password and no code, or zero
	Elsewhere  time.Time // when a set-up began on another device, or zero
	Invitation bool      // an invitation is asked for: there is no way on from here
	NotNow     bool      // whether "Not now" is offered; else signing out
}

// Template names the page's file.
func (v *Prompt) Template() string { return "two-factor-prompt" }

// Base makes the frame.
func (v *Prompt) Base() *web.Frame {
	if v.Begun > 0 {
		return v.On("two-factor-prompt", "prompt.title-carry-on")
	}
	return v.On("two-factor-prompt", "prompt.title")
}
