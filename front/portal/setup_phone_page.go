package portal

import (
	"sallyport/front/web"
)

// SetupPhone is Step 3: a mobile number (S4). Its account form changes the
// number.
type SetupPhone struct {
	web.Frame
	Wizard    Wizard
	Account   bool   // change of number in the account
	Action    string // /2fa/setup/phone or /account/phone
	Countries []Country
	Number    string // as typed
	Delayed   bool   // text messages are delayed at the moment
	Charge    bool   // say that the network may charge
	// Checked are the last digits of a number that was checked in this browser,
	// or "": then the page offers to go on with it.
	Checked string
	// Still are the last digits of the number on record after a recovery code,
	// or "": then the page asks whether it is still theirs.
	Still string
	Other string // the address of the same page with its form: a different number
}

// Country is one choice of the list.
type Country struct {
	Code, Name, Calling string
	Selected            bool
}

// Label is how a country stands in the list.
func (c Country) Label() string { return c.Name + " (" + c.Calling + ")" }

// Template names the page's file.
func (v *SetupPhone) Template() string { return "setup-phone" }

// Base makes the frame.
func (v *SetupPhone) Base() *web.Frame {
	switch {
	case v.Account:
		v.On("setup-phone", "setup-phone.title-account")
	case v.Still != "":
		v.On("setup-phone", "setup-phone.title-still", "ending", web.LTR(v.Still))
	default:
		v.On("setup-phone", "setup-phone.title")
	}
	return v.Wizard.step(&v.Frame, 3)
}
