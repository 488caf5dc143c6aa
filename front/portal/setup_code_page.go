package portal

import (
	"time"

	"sallyport/front/web"
)

// SetupCode asks for the code that an administrator gave (S14).
type SetupCode struct {
	web.Frame
	Action  string    // /2fa/setup-code
	Expires time.Time // zero when none was ever given: then there is no field
}

// Template names the page's file.
func (v *SetupCode) Template() string { return "setup-code" }

// Base makes the frame.
func (v *SetupCode) Base() *web.Frame { return v.On("setup-code", "setup-code.title") }
