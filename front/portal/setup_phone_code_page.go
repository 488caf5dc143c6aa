package portal

import (
	"time"

	"sallyport/front/web"
)

// SetupPhoneCode is Step 4: the code from the text message (S5).
type SetupPhoneCode struct {
	web.Frame
	Wizard  Wizard
	Action  string // /2fa/setup/phone/code or /account/phone/code
	Number  string // as typed
	Country string // its country's name
	Resend
	Arrival
	OtherNumber string // where a different number is entered
}

// Resend is the block that sends a text message again.
type Resend struct {
	Again string        // the address to post to
	Gap   time.Duration // the gap that applies after the last text
	Wait  time.Duration // how much of it is left
}

// WaitSeconds is what the countdown starts from.
func (r Resend) WaitSeconds() int { return int((r.Wait + time.Second - 1) / time.Second) }

// OtherWay is the link of the recovery page, which this one has not.
func (v *SetupPhoneCode) OtherWay() string { return "" }

// Template names the page's file.
func (v *SetupPhoneCode) Template() string { return "setup-phone-code" }

// Base makes the frame.
func (v *SetupPhoneCode) Base() *web.Frame {
	return v.Wizard.step(v.On("setup-phone-code", "text-code.title"), 4)
}
