package portal

import (
	"html/template"

	"sallyport/front/web"
)

// Error is shown when there is nothing else to show (S18), when a link no
// longer works, and when an account is turned off.
type Error struct {
	web.Frame
	Kind      ErrorKind
	Text      template.HTML // Gone and NoLink: the words of the fault
	Reference string        // a short number that the log has too, or ""
	SignIn    bool          // offer to sign in
	Forgot    string        // where a new link is asked for, or ""
}

// ErrorKind says what is wrong.
type ErrorKind uint8

// The kinds of errors.
const (
	ErrorOutage     ErrorKind = iota // 500, 503
	ErrorMissing                     // 404
	ErrorDenied                      // 403
	ErrorGone                        // 404, 410: a link that does not work
	ErrorInvitation                  // 410: an invitation that does not work
	ErrorForm                        // a form that was too old or could not be read
	ErrorLarge                       // 413
	ErrorTurnedOff                   // the account is turned off
	ErrorLink                        // 404, 410: a mailed link that does not work
	ErrorApp                         // 403: an app that this person may not open, or not in this way
)

// errorWords are the keys of heading and text by kind.
var errorWords = [...][2]string{
	{"error.outage-title", "error.outage"},
	{"error.missing-title", "error.missing"},
	{"error.denied-title", "error.denied"},
	{"error.gone-title", ""},
	{"invitation.title-closed", ""},
	{"page.problem", ""},
	{"error.large-title", "error.large"},
	{"turned-off.title", "turned-off.what"},
	{"error.gone-title", ""},
	{"error.app-title", ""},
}

// Words is the key of the text, or "" where a fault brings its own.
func (v *Error) Words() string { return errorWords[v.Kind][1] }

// Start says whether a link to the start helps.
func (v *Error) Start() bool {
	return v.Kind == ErrorMissing || v.Kind == ErrorDenied || v.Kind == ErrorApp
}

// Template names the page's file.
func (v *Error) Template() string { return "error" }

// Base makes the frame.
func (v *Error) Base() *web.Frame { return v.On("error", errorWords[v.Kind][0]) }
