package portal

import (
	"sallyport/front/web"
)

// TextCode asks for the text message code on the way back in (S11).
type TextCode struct {
	web.Frame
	Action  string // /2fa/text
	Ending  string // the last digits of the number; no more of it is shown
	Delayed bool
	Resend
	Arrival
}

// OtherNumber is the link of the set-up, which this page has not: the number
// cannot be changed here.
func (v *TextCode) OtherNumber() string { return "" }

// OtherWay leads back to the choice of ways.
func (v *TextCode) OtherWay() string { return "/2fa/other" }

// Template names the page's file.
func (v *TextCode) Template() string { return "text-code" }

// Base makes the frame.
func (v *TextCode) Base() *web.Frame { return v.On("text-code", "text-code.title") }
