package portal

import (
	"sallyport/front/web"
)

// Password changes the password of somebody who is signed in, or who has to
// change it before they are (S23).
type Password struct {
	web.Frame
	Action     string // /account/password
	Name       string // the username
	Min        int    // the least length
	Short      bool   // it must be changed since it is too short by now
	Must       bool   // before any session: there is no way around it
	Link       bool   // through a mailed link, signed out (S22)
	Everywhere bool   // "Sign out everywhere else" is ticked
}

// Template names the page's file.
func (v *Password) Template() string { return "password" }

// Base makes the frame.
func (v *Password) Base() *web.Frame {
	if v.Must || v.Link {
		return v.On("password", "password.title-must")
	}
	v.SignOut = true
	return v.On("password", "password.title")
}
