package factor

import (
	"time"

	"sallyport/core/fault"
)

// Candidate judges the code that is to switch a new app on. The page has just
// shown the secret to this person, so every cause is told at once.
type Candidate struct {
	Secret Secret
	Old    []Secret // codes made and replaced in this set-up
	Rows   []Factor // the person's factors, for the entry before this one
	Text   string   // the text message code that was just used
}

// Verify says whether the code is right and for which step, or why it is wrong.
func (c Candidate) Verify(entered string, now time.Time) (step int64, v Verdict) {
	code, bad := Digits(entered, "code", "app-code.empty")
	if bad != nil {
		return 0, Apps{}.unreadable(Try{Entered: entered}, bad)
	}
	at := c.Secret.Step(now)
	for _, step := range []int64{at, at - 1, at + 1} {
		if same(c.Secret.Code(step), code) {
			return step, Verdict{Right: true, Offset: step - at}
		}
	}
	if c.Text != "" && same(c.Text, code) {
		return 0, Verdict{Free: true, Reason: "text message code", Fault: fault.New(fault.Invalid, "app-code.is-text").On("code")}
	}
	v = Verdict{Fault: fault.New(fault.Invalid, "app-code.wrong-setup").On("code"), Reason: "wrong"}
	older := Apps{}.fromOld(c.Rows, code, now)
	for _, app := range (Apps{}).secrets(Of(c.Rows, App)) {
		older = matches(app.secret, code, now) || older
	}
	for _, old := range c.Old {
		older = matches(old, code, now) || older
	}
	offset, found := searchClock(c.Secret, code, at)
	switch {
	case same(c.Secret.Code(at-2), code) || same(c.Secret.Code(at-3), code):
		v.Fault, v.Reason = fault.New(fault.Invalid, "app-code.changed").On("code"), "just changed"
	case found:
		v.Fault, v.Reason, v.Offset = clockFault(offset, c.Secret.period()), clockReason(offset, c.Secret.period()), offset
	case older:
		v.Fault, v.Reason = fault.New(fault.Invalid, "app-code.older-setup").On("code"), "older entry"
	}
	return 0, v
}
