package factor

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/core/change"
	"sallyport/core/fault"
)

// Apps is the verifier of codes from authenticator apps (RFC 6238). It accepts
// the step of now, the one before and the one after, each once.
type Apps struct {
	App  string // the name of the entry in the app, for words
	Name string // the person's name in the entry
}

// Challenge is nothing: the app's challenge is the time.
func (Apps) Challenge([]Factor, time.Time) ([]byte, error) { return nil, nil }

// match is what Verify found in one row.
type match struct {
	factor Factor
	secret Secret
	step   int64
}

// Verify judges a code in the order of checks that the pages promise: accept,
// text message code, used already; and only when these have failed, all of the
// checks that explain, in full, so that failures take the same time.
func (a Apps) Verify(rows []Factor, try Try) Verdict {
	code, bad := Digits(try.Entered, "code", "app-code.empty")
	if bad != nil {
		return a.unreadable(try, bad)
	}
	apps := a.secrets(Of(rows, App))
	used := false
	for _, app := range apps {
		now := app.secret.Step(try.Now)
		for _, step := range []int64{now, now - 1, now + 1} {
			if !same(app.secret.Code(step), code) {
				continue
			}
			if step > app.factor.Step && !slices.Contains(app.secret.Refused, step) {
				return Verdict{Right: true, Factor: app.factor.ID, Offset: step - now,
					Effects: change.Set{StepSpent{ID: app.factor.ID, Step: step, At: try.Now}}}
			}
			used = true
		}
	}
	if try.Text != "" && same(try.Text, code) {
		return Verdict{Free: true, Reason: "text message code", Fault: fault.New(fault.Invalid, "app-code.is-text-sign-in").On("code")}
	}
	verdict := Verdict{Fault: fault.New(fault.Invalid, "app-code.wrong", "name", a.Name).On("code"), Reason: "wrong"}
	for _, app := range apps {
		verdict.Effects.Add(Missed{ID: app.factor.ID})
	}
	if used {
		verdict.Fault, verdict.Reason = fault.New(fault.Invalid, "app-code.used").On("code"), "used already"
		return verdict
	}
	a.explain(&verdict, apps, rows, code, try)
	return verdict
}

// unreadable says what a field holds that is no code at all; none of these are tries.
func (Apps) unreadable(try Try, bad *fault.Fault) Verdict {
	if text := Letters(try.Entered); len(text) == 16 && validCode(text) {
		bad = fault.New(fault.Invalid, "app-code.is-recovery").On("code")
	}
	return Verdict{Free: true, Fault: bad, Reason: "unreadable"}
}

func (Apps) secrets(rows []Factor) (apps []match) {
	for _, f := range rows {
		if secret, err := DecodeSecret(f.Data); err == nil {
			apps = append(apps, match{factor: f, secret: secret})
		}
	}
	return apps
}

// explain finds out why a wrong code was wrong, under the rule that the answer
// must not help a guesser: codes of the past can be named at once, those of the
// future only after a second, different code with the same offset.
func (a Apps) explain(v *Verdict, apps []match, rows []Factor, code string, try Try) {
	old := a.fromOld(rows, code, try.Now)
	changed, offset, found, at := false, int64(0), false, match{}
	for _, app := range apps {
		now := app.secret.Step(try.Now)
		changed = changed || same(app.secret.Code(now-2), code) || same(app.secret.Code(now-3), code)
		if o, ok := searchClock(app.secret, code, now); ok && !found {
			offset, found, at = o, true, app
		}
	}
	switch {
	case changed:
		v.Fault, v.Reason = fault.New(fault.Invalid, "app-code.changed").On("code"), "just changed"
	case found && offset < 0:
		v.Fault, v.Reason, v.Offset = clockFault(offset, at.secret.period()), clockReason(offset, at.secret.period()), offset
	case found && a.secondOf(try.Last, offset, code):
		// Both codes will become valid; they are refused until their time has passed.
		v.Fault, v.Reason, v.Offset = clockFault(offset, at.secret.period()), clockReason(offset, at.secret.period()), offset
		v.Effects.Add(a.refuse(at, try, offset))
	case found:
		v.Hint = strconv.FormatInt(offset, 10) + "/" + code
	case old:
		v.Fault, v.Reason = fault.New(fault.Invalid, "app-code.older").On("code"), "older entry"
	}
}

// secondOf says whether the failed code before had the same offset within a step.
func (Apps) secondOf(last string, offset int64, code string) bool {
	before, lastCode, ok := strings.Cut(last, "/")
	o, err := strconv.ParseInt(before, 10, 64)
	return ok && err == nil && lastCode != code && o-offset <= 1 && offset-o <= 1
}

// refuse lists the steps that have been shown to match. The list is kept with
// the factor: with the attempt, a new attempt would be free of it.
func (Apps) refuse(at match, try Try, offset int64) change.Effect {
	now := at.secret.Step(try.Now)
	at.secret.Refused = slices.DeleteFunc(at.secret.Refused, func(step int64) bool { return step < now-1 })
	for step := now + offset - 2; step <= now+offset+1; step++ {
		at.secret.Refused = append(at.secret.Refused, step)
	}
	at.factor.Data = at.secret.Encode()
	return DataSaved{Factor: at.factor}
}

// OldFor is how long the secret of an app that ended is kept, for telling people
// that they read the wrong entry.
const OldFor = 90 * 24 * time.Hour

// fromOld says whether the code is from the last app that ended.
func (Apps) fromOld(rows []Factor, code string, now time.Time) bool {
	last := LastEnded(rows)
	if last == nil || now.Sub(last.EndedAt) > OldFor {
		return false
	}
	secret, err := DecodeSecret(last.Data)
	if err != nil {
		return false
	}
	return matches(secret, code, now)
}

func matches(secret Secret, code string, now time.Time) bool {
	found := false
	for step := secret.Step(now) - 1; step <= secret.Step(now)+1; step++ {
		found = same(secret.Code(step), code) || found
	}
	return found
}
