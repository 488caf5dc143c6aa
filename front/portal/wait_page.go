package portal

import (
	"time"

	"sallyport/front/web"
)

// Wait is shown in place of a form after too many tries (S17).
type Wait struct {
	web.Frame
	Kind   WaitKind
	Wait   time.Duration
	Life   time.Duration // how long the last text message code still works, or 0
	Retry  string        // where "Try again" leads: a GET of the page that was refused
	To     string        // what Retry leads on to, or ""
	Code   string        // text messages: the page of the code
	Forgot string        // where a forgotten password leads, or ""
}

// WaitKind says what there was too much of.
type WaitKind uint8

// The kinds of waits.
const (
	WaitCodes    WaitKind = iota // wrong codes after the password
	WaitTexts                    // text messages
	WaitPassword                 // tries at the public form; the same for all names
	WaitClosed                   // no wait: this browser cannot sign in at all
)

// Is compares kinds in the page: codes, texts, password or closed.
func (k WaitKind) Is(name string) bool {
	return []string{"codes", "texts", "password", "closed"}[k] == name
}

// WaitSeconds is what the countdown starts from.
func (v *Wait) WaitSeconds() int { return int((v.Wait + time.Second - 1) / time.Second) }

// Template names the page's file.
func (v *Wait) Template() string { return "wait" }

// Base makes the frame.
func (v *Wait) Base() *web.Frame {
	if v.Kind == WaitClosed {
		return v.On("wait", "wait.closed-title")
	}
	return v.On("wait", "wait.title")
}
