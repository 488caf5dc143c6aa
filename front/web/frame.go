package web

import "html/template"

// View is what a page shows: plain data, a template that draws it, and the
// frame around it.
type View interface {
	Template() string
	Base() *Frame
}

// Frame is what every page has around its own content. The page itself fills
// the first block; whoever answers the request fills the second.
type Frame struct {
	Page     string // its name, for tests and screen recorders: data-page
	Step     int    // the guide's number of the step, 0 outside the wizard
	StepLine string // the key of the line above the heading, or ""
	Heading  string // the key of the heading, which is the title too
	Gaps     []any  // names and values of the heading's gaps
	Account  bool   // the wider form of account pages
	Part     string // the key of a second word in the header, or ""
	NoScript bool   // a page that must be light loads no script
	Back     Link

	Who       string // the name of whoever is signed in, or ""
	SignOut   bool   // whether the header offers to sign out
	Problems  []Problem
	Notices   []Notice
	Owner     string // the id of the person whose account the forms change, or ""
	FormToken string // stands in every form; masked anew for each answer
	FormID    string // tells this form from an older one of the same page
	Ending    *Ending
}

// Link leads somewhere. Words is the key of its text.
type Link struct{ Href, Words string }

// Problem is something that the person can correct. Its words stand twice: in
// the summary and by the field.
type Problem struct {
	Field string // the id of the field, or "" when it belongs to none
	Text  template.HTML
}

// Notice is something to know that nobody has to correct.
type Notice struct {
	Kind string // info, warning or done
	Text template.HTML
	Role string // status, alert or ""
	Link Link   // the way on, or none
}

// Ending says how long the session lasts, in seconds, so that the script can
// warn before it ends.
type Ending struct {
	Idle int    // until it ends for want of use
	Hard int    // until it ends in any case
	Stay string // the address that a POST to keeps it alive
}

// On makes the frame that of a page; page files call it from their Base.
func (f *Frame) On(page, heading string, gaps ...any) *Frame {
	f.Page, f.Heading, f.Gaps = page, heading, gaps
	return f
}

// Problem returns the words of the first problem of a field, or nothing.
func (f *Frame) Problem(field string) template.HTML {
	for _, p := range f.Problems {
		if p.Field == field {
			return p.Text
		}
	}
	return ""
}

// Fresh says whether a page may move the focus to its field: not when there is
// a summary that needs it more.
func (f *Frame) Fresh() bool { return len(f.Problems) == 0 }
