package portal

import (
	"time"

	"sallyport/front/web"
)

// SignedOut comes after signing out, or when a session or an attempt ended
// (S19, S28).
type SignedOut struct {
	web.Frame
	Reason EndReason
	After  time.Duration // the limit that ended it
	App    string        // an app that cannot be told, or ""
	Known  bool          // this browser is known and can be forgotten
	SignIn string        // where "Sign in" leads, with the place to return to
}

// EndReason says why somebody is no longer signed in.
type EndReason uint8

// The reasons.
const (
	EndChosen EndReason = iota
	EndIdle
	EndTime
	EndAttempt
	EndSetup
	EndFactor
	EndPassword
	EndElsewhere
	EndAdministrator
)

// Why is the key of the reason's words.
func (v *SignedOut) Why() string {
	return []string{"signed-out.what", "ended.idle", "ended.time", "ended.attempt", "ended.setup",
		"ended.factor", "ended.password", "ended.elsewhere", "ended.administrator"}[v.Reason]
}

// Template names the page's file.
func (v *SignedOut) Template() string { return "signed-out" }

// Base makes the frame.
func (v *SignedOut) Base() *web.Frame {
	if v.Reason == EndChosen {
		return v.On("signed-out", "signed-out.title")
	}
	return v.On("signed-out", "ended.title")
}
