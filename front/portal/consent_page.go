package portal

import "sallyport/front/web"

// Consent asks whether an app may be told who somebody is.
type Consent struct {
	web.Frame
	App     string
	Action  string
	Person  string   // who is signed in
	Tells   []string // keys of what the app is told
	Offline bool     // it keeps its access after signing out
}

// Template names the page's file.
func (v *Consent) Template() string { return "consent" }

// Base makes the frame.
func (v *Consent) Base() *web.Frame { return v.On("consent", "consent.title", "app", v.App) }
