package portal

import (
	"sallyport/front/web"
)

// Forgot asks for a link to choose a new password (S22). Its answer is the same
// for every name.
type Forgot struct {
	web.Frame
	Action   string // /forgot
	Username string // what was typed
	Sent     bool   // the answer, whether or not anything was sent
}

// Template names the page's file.
func (v *Forgot) Template() string { return "forgot" }

// Base makes the frame.
func (v *Forgot) Base() *web.Frame {
	if v.Sent {
		return v.On("forgot", "forgot.title-sent")
	}
	v.Back = web.Link{Href: "/sign-in", Words: "button.back-to-sign-in"}
	return v.On("forgot", "forgot.title")
}
