package factor

import (
	"fmt"
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
	verdict := Verdict{Fault: fault.New(fault.Invalid, "app-code.wrong", "name", a.Name).On("code"), Reason: "wrong", Hint: try.Last}
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
	case found:
		now := seen{app: at.factor.ID, offset: offset, step: at.secret.Step(try.Now) + offset, code: code}
		if before, ok := readSeen(try.Last); ok && now.follows(before) {
			// Both codes will become valid; they are refused until their time has passed.
			v.Fault, v.Reason, v.Offset = clockFault(offset, at.secret.period()), clockReason(offset, at.secret.period()), offset
			v.Effects.Add(refuse(at, try.Now, before.step, now.step))
		}
		v.Hint = now.hint()
	case old:
		v.Fault, v.Reason = fault.New(fault.Invalid, "app-code.older").On("code"), "older entry"
	}
}

// seen is a failed code that will become valid: what a second one is compared with.
type seen struct {
	app          string
	offset, step int64
	code         string
}

func (s seen) hint() string { return fmt.Sprintf("%s/%d/%d/%s", s.app, s.offset, s.step, s.code) }

func readSeen(hint string) (s seen, ok bool) {
	parts := strings.Split(hint, "/")
	if len(parts) != 4 {
		return s, false
	}
	offset, badOffset := strconv.ParseInt(parts[1], 10, 64)
	step, badStep := strconv.ParseInt(parts[2], 10, 64)
	return seen{parts[0], offset, step, parts[3]}, badOffset == nil && badStep == nil
}

// follows says whether two different codes of one app tell of the same clock.
func (s seen) follows(before seen) bool {
	return s.app == before.app && s.code != before.code && s.offset-before.offset <= 1 && before.offset-s.offset <= 1
}

// refuse lists the steps that have been shown to match. The list is kept with
// the factor: with the attempt, a new attempt would be free of it. The effect is
// written after this entry's Missed, so it holds that miss too.
func refuse(at match, now time.Time, steps ...int64) change.Effect {
	past := at.secret.Step(now) - 1
	list := append(slices.Clone(at.secret.Refused), steps...)
	slices.Sort(list)
	at.secret.Refused = slices.DeleteFunc(slices.Compact(list), func(step int64) bool { return step < past })
	at.factor.Data = at.secret.Encode()
	at.factor.Misses++
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
