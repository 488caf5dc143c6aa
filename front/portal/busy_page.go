package portal

import (
	"sallyport/front/web"
)

// Busy is shown when no place in the hashing queue came free (S25): the form of
// the sign-in page with the name kept. Other pages that hash show their own
// form with a notice instead.
type Busy struct{ SignIn }

// Template names the page's file.
func (v *Busy) Template() string { return "busy" }

// Base makes the frame.
func (v *Busy) Base() *web.Frame {
	v.NoScript = true
	return v.On("busy", "busy.title")
}
