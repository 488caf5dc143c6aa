package portal

import (
	"sallyport/front/web"
)

// SignIn is the page where everybody begins (S1).
type SignIn struct {
	web.Frame
	Action    string // /sign-in
	App       string // the app that sent the person, or ""
	Username  string // what was typed, kept after an error
	BothWrong bool   // the details do not match: both fields are marked
	Forgot    string // where a forgotten password leads, or ""
}

// Template names the page's file.
func (v *SignIn) Template() string { return "sign-in" }

// Base makes the frame. The first look at the page loads no script, so that it
// stays within three requests; after an error, when typing went wrong, it does,
// and offers to show the password.
func (v *SignIn) Base() *web.Frame {
	v.NoScript = len(v.Problems) == 0
	return v.On("sign-in", "sign-in.title")
}
