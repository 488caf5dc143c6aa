package portal

import (
	"time"

	"sallyport/front/web"
)

// RecoveryWait shows a recovery that has to wait (S20).
type RecoveryWait struct {
	web.Frame
	State  RecoveryState
	From   time.Time
	Until  time.Time
	Left   time.Duration // until From, for the countdown
	At     time.Time     // when it was cancelled
	Signed bool          // the password was right in this attempt: a text can be sent
	HasApp bool          // an app still works, whose code cancels the request
}

// RecoveryState says where a waiting recovery stands.
type RecoveryState uint8

// The states.
const (
	RecoveryWaiting RecoveryState = iota
	RecoveryOpen
	RecoveryCancelledByCode
	RecoveryCancelledByChange
	RecoveryDisputed
	RecoveryLapsed
	RecoveryRestored
)

// Is compares states in the page: waiting, open, by-code, by-change, by-dispute,
// lapsed or by-restoring.
func (s RecoveryState) Is(name string) bool {
	return []string{"waiting", "open", "by-code", "by-change", "by-dispute", "lapsed", "by-restoring"}[s] == name
}

// LeftSeconds is what the countdown starts from.
func (v *RecoveryWait) LeftSeconds() int { return int(v.Left / time.Second) }

// Template names the page's file.
func (v *RecoveryWait) Template() string { return "recovery-wait" }

// Base makes the frame.
func (v *RecoveryWait) Base() *web.Frame {
	switch v.State {
	case RecoveryWaiting:
		return v.On("recovery-wait", "recovery-wait.title", "when", v.From)
	case RecoveryOpen:
		return v.On("recovery-wait", "recovery-wait.title-open")
	case RecoveryLapsed:
		return v.On("recovery-wait", "recovery-wait.title-lapsed")
	}
	return v.On("recovery-wait", "recovery-wait.title-cancelled")
}
