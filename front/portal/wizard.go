package portal

import (
	"fmt"

	"sallyport/front/web"
)

// Wizard says whether a page of the set-up is a step of the wizard, which has
// a line above the heading. The same pages serve changes in the account and
// the way back after a lost app, without it.
type Wizard uint8

// The forms of the wizard.
const (
	NoWizard   Wizard = iota // in the account, or after recovery
	WithNumber               // six steps
	AppOnly                  // no gateway for text messages: four steps
)

// step makes the frame that of a step. Steps keep the guide's numbers either
// way; only the line that people read counts to four.
func (z Wizard) step(f *web.Frame, n int) *web.Frame {
	f.Step, f.StepLine = 0, ""
	if z == NoWizard {
		return f
	}
	f.Step = n
	switch {
	case n > 6: // the page after the last step has no line
	case z == AppOnly:
		f.StepLine = fmt.Sprintf("wizard.short-%d", n)
	default:
		f.StepLine = fmt.Sprintf("wizard.step-%d", n)
	}
	return f
}
