package portal

import (
	"sallyport/front/web"
)

// RecoveryCode asks for one of the codes that were saved (S12).
type RecoveryCode struct {
	web.Frame
	Action string // /2fa/recovery-code
}

// Template names the page's file.
func (v *RecoveryCode) Template() string { return "recovery-code" }

// Base makes the frame.
func (v *RecoveryCode) Base() *web.Frame { return v.On("recovery-code", "recovery-code.title") }
