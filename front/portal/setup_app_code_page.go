package portal

import (
	"time"

	"sallyport/front/web"
)

// SetupAppCode is Step 6: the first code from the app (S7).
type SetupAppCode struct {
	web.Frame
	Wizard    Wizard
	Action    string // /2fa/setup/code or /account/app/code
	Scan      string // back to the QR code: /2fa/setup/scan or /account/app
	Name      string // the account part that the app shows
	Clock     bool   // the clock of the phone is wrong: say how to set it
	Checklist bool   // the second wrong code: say what to check
	Now       time.Time
}

// Template names the page's file.
func (v *SetupAppCode) Template() string { return "setup-app-code" }

// Base makes the frame.
func (v *SetupAppCode) Base() *web.Frame {
	return v.Wizard.step(v.On("setup-app-code", "setup-app-code.title"), 6)
}
