package portal

import (
	"sallyport/front/web"
)

// SignedIn tells somebody who opens the sign-in page that they need not (S27).
type SignedIn struct {
	web.Frame
	Person string // the display name
	Name   string // the username
	Apps   []AppLink
	Next   string // where "Continue" leads
	Off    bool   // a session of level one: 2FA is off
}

// AppLink is an app that this session may enter.
type AppLink struct{ Name, URL string }

// Template names the page's file.
func (v *SignedIn) Template() string { return "signed-in" }

// Base makes the frame.
func (v *SignedIn) Base() *web.Frame {
	v.SignOut = true
	return v.On("signed-in", "signed-in.title")
}
