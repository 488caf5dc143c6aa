package portal

import (
	"time"

	"sallyport/front/web"
)

// SetupFinish shows the recovery codes, once the app is on (S8).
type SetupFinish struct {
	web.Frame
	Wizard   Wizard
	Action   string   // /2fa/setup/finish or /account/codes
	Download string   // the codes as a text file
	NewCodes string   // where new ones are made, when these are hidden
	Codes    []string // empty once they are hidden
	Name     string   // the username, for the printed page
	Made     time.Time
	Others   int // browsers that were signed out
}

// Template names the page's file.
func (v *SetupFinish) Template() string { return "setup-finish" }

// Base makes the frame.
func (v *SetupFinish) Base() *web.Frame {
	return v.Wizard.step(v.On("setup-finish", "setup-finish.title"), 7)
}
