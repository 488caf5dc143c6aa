package portal

import (
	"sallyport/front/web"
)

// Replace comes after recovery: it makes sure that the person ends with a
// working app (S13).
type Replace struct {
	web.Frame
	Action string // /2fa/replace
	Ask    bool   // an app still works and a recovery code was used: ask about it
	Stops  bool   // an app still works and stops now
	Chosen string // yes, no or ""
}

// Template names the page's file.
func (v *Replace) Template() string { return "replace" }

// Base makes the frame.
func (v *Replace) Base() *web.Frame {
	if v.Ask {
		return v.On("replace", "replace.title")
	}
	return v.On("replace", "replace.title-set-up")
}
