package portal

import (
	"sallyport/front/web"
)

// Invitation is where the first password is chosen (S21).
type Invitation struct {
	web.Frame
	Action string // /invitation/{token}
	Name   string // the username
	Min    int    // the least length of the password
	Again  bool   // there was a password before
	Other  string // the name of somebody else who is signed in here, or ""
}

// Template names the page's file.
func (v *Invitation) Template() string { return "invitation" }

// Base makes the frame.
func (v *Invitation) Base() *web.Frame {
	if v.Again {
		return v.On("invitation", "invitation.title-again")
	}
	return v.On("invitation", "invitation.title")
}
