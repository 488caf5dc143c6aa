package portal

import (
	"sallyport/front/web"
)

// Confirm asks for the password and a code before a change (S16).
type Confirm struct {
	web.Frame
	Action       string // /confirm
	Change       string // the key of what is about to happen: change.…
	PasswordOnly bool   // signing out a session
	Recovery     bool   // a recovery code in place of the app code
	Switch       string // the address of the same page with the other code
	Cancel       string
}

// Template names the page's file.
func (v *Confirm) Template() string { return "confirm" }

// Base makes the frame.
func (v *Confirm) Base() *web.Frame {
	v.SignOut = true
	return v.On("confirm", "confirm.title")
}

// Question asks "are you sure" before something that cannot be taken back.
type Question struct {
	web.Frame
	Title  string // keys
	Text   string
	Button string
	Args   []any // names and values of the gaps of title and text
	Action string
	Count  int  // for words that have a form for one
	Danger bool // it cannot be undone
	Cancel string
}

// Template names the page's file.
func (v *Question) Template() string { return "question" }

// Base makes the frame.
func (v *Question) Base() *web.Frame { return v.On("confirm", v.Title, v.Args...) }
