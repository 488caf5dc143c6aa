package portal

import (
	"time"

	"sallyport/core/fault"
	"sallyport/front/web"
)

func (s sampler) factor() []Sample {
	plain := AppCode{Frame: s.frame(), Action: "/2fa", Name: sampleName, Now: s.now}
	with := func(change func(*AppCode)) *AppCode {
		v := plain
		change(&v)
		return &v
	}
	wrong := func(one *fault.Fault, changes ...func(*AppCode)) *AppCode {
		return with(func(v *AppCode) {
			v.Frame = s.wrong(v.Frame, one)
			for _, change := range changes {
				change(v)
			}
		})
	}
	return []Sample{
		{"app-code", &plain},
		{"app-code-empty", wrong(invalid("code", "app-code.empty"))},
		{"app-code-used", wrong(invalid("code", "app-code.used"), func(v *AppCode) { v.Used = true })},
		{"app-code-changed", wrong(invalid("code", "app-code.changed"))},
		{"app-code-older", wrong(invalid("code", "app-code.older"))},
		{"app-code-clock", wrong(invalid("code", "app-code.clock", "offset", "4 minutes slow"), func(v *AppCode) { v.Clock = true })},
		{"app-code-recovery", wrong(invalid("code", "app-code.is-recovery"))},
		{"app-code-text", wrong(invalid("code", "app-code.is-text-sign-in"), func(v *AppCode) { v.TextPage = true })},
		{"app-code-wrong", wrong(invalid("code", "app-code.wrong", "name", sampleName))},
		{"app-code-tries", wrong(invalid("code", "app-code.wrong", "name", sampleName).TriesLeft(3), func(v *AppCode) { v.Other = true })},
		{"app-code-our-clock", wrong(invalid("code", "app-code.our-clock"))},
		{"app-code-remember", with(func(v *AppCode) { v.Remember = 30 })},
		{"app-code-remember-day", with(func(v *AppCode) { v.Remember = 1 })},
		{"app-code-waiting", with(func(v *AppCode) { v.Asked, v.Opens = s.now, s.at(11, 24, 14, 32) })},
	}
}

func (s sampler) otherWay() []Sample {
	text := TextWay{Ending: sampleEnding}
	plain := OtherWay{Frame: s.frame(), Text: text, Codes: CodesWay{Left: true}}
	with := func(change func(*OtherWay)) *OtherWay {
		v := plain
		change(&v)
		return &v
	}
	recoverForm := func(change func(*OtherWay)) *OtherWay {
		return with(func(v *OtherWay) {
			v.Recover = true
			change(v)
		})
	}
	opens := s.at(11, 26, 14, 32)
	return []Sample{
		{"other-way", &plain},
		{"other-way-all", with(func(v *OtherWay) { v.Setup = true })},
		{"other-way-no-codes", with(func(v *OtherWay) { v.Codes.Left = false })},
		{"other-way-no-number", with(func(v *OtherWay) { v.Text.Ending = "" })},
		{"other-way-held-number", with(func(v *OtherWay) { v.Text.Changed, v.Text.From = s.now, opens })},
		{"other-way-wait", with(func(v *OtherWay) { v.Text.Wait, v.Text.Everybody = 2*time.Hour, true })},
		{"other-way-administrator", with(func(v *OtherWay) { v.Text.Wait = 24 * time.Hour })},
		{"other-way-password-reset", with(func(v *OtherWay) { v.Text.Wait, v.Text.Reset = 24*time.Hour, true })},
		{"other-way-waiting", with(func(v *OtherWay) { v.Text.Waiting, v.Text.From = true, opens })},
		{"other-way-delayed", with(func(v *OtherWay) { v.Delayed = true })},
		{"other-way-help-only", with(func(v *OtherWay) { v.Text, v.Codes = TextWay{}, CodesWay{} })},
		{"other-way-ended", recoverForm(func(v *OtherWay) { v.Ended = s.at(11, 22, 9, 0) })},
		{"other-way-stopped", recoverForm(func(v *OtherWay) { v.Stopped = s.at(11, 22, 9, 0) })},
		{"other-way-no-app", recoverForm(func(*OtherWay) {})},
		{"other-way-limit", with(func(v *OtherWay) {
			v.Frame = s.wrong(v.Frame, fault.New(fault.TooMany, "text.wait").After(40*time.Minute))
		})},
	}
}

func (s sampler) recovery() []Sample {
	code := func(faults ...*fault.Fault) *RecoveryCode {
		return &RecoveryCode{Frame: s.wrong(s.begun("/2fa/other"), faults...), Action: "/2fa/recovery-code"}
	}
	setup := func(expires time.Time, faults ...*fault.Fault) *SetupCode {
		return &SetupCode{Frame: s.wrong(s.frame(), faults...), Action: "/2fa/setup-code", Expires: expires}
	}
	replace := func(ask, stops bool, faults ...*fault.Fault) *Replace {
		return &Replace{Frame: s.wrong(s.begun(""), faults...), Action: "/2fa/replace", Ask: ask, Stops: stops}
	}
	left := replace(true, false)
	left.Frame = s.say(left.Frame, "info", "recovery-code.left", "n", 9)
	one := replace(true, false)
	one.Frame = s.say(one.Frame, "info", "recovery-code.left.one")
	waiting := func(state RecoveryState, signed bool) *RecoveryWait {
		return &RecoveryWait{Frame: s.frame(), State: state, From: s.at(11, 24, 14, 32), Until: s.at(11, 27, 14, 32),
			Left: 24*time.Hour - 5*time.Second, At: s.at(11, 24, 9, 10), Signed: signed, HasApp: true}
	}
	until := s.at(11, 24, 14, 30)
	return []Sample{
		{"recovery-code", code()},
		{"recovery-code-empty", code(invalid("recovery", "recovery-code.empty"))},
		{"recovery-code-length", code(invalid("recovery", "recovery-code.length", "n", 8))},
		{"recovery-code-is-app", code(invalid("recovery", "recovery-code.is-app"))},
		{"recovery-code-used", code(invalid("recovery", "recovery-code.used"))},
		{"recovery-code-older", code(invalid("recovery", "recovery-code.older", "date", s.now))},
		{"recovery-code-wrong", code(invalid("recovery", "recovery-code.wrong").TriesLeft(3))},
		{"recovery-code-busy", &RecoveryCode{Frame: s.say(s.begun("/2fa/other"), "warning", "busy"), Action: "/2fa/recovery-code"}},
		{"replace", replace(true, false)},
		{"replace-choose", replace(true, false, invalid("still", "replace.choose"))},
		{"replace-left", left},
		{"replace-one-left", one},
		{"replace-text", replace(false, true)},
		{"replace-no-app", replace(false, false)},
		{"recovery-wait", waiting(RecoveryWaiting, false)},
		{"recovery-wait-open", waiting(RecoveryOpen, false)},
		{"recovery-wait-open-signed", waiting(RecoveryOpen, true)},
		{"recovery-wait-by-code", waiting(RecoveryCancelledByCode, false)},
		{"recovery-wait-by-change", waiting(RecoveryCancelledByChange, false)},
		{"recovery-wait-by-dispute", waiting(RecoveryDisputed, false)},
		{"recovery-wait-by-restoring", waiting(RecoveryRestored, false)},
		{"recovery-wait-lapsed", waiting(RecoveryLapsed, false)},
		{"setup-code", setup(until)},
		{"setup-code-none", setup(time.Time{})},
		{"setup-code-empty", setup(until, invalid("code", "setup-code.empty"))},
		{"setup-code-length", setup(until, invalid("code", "setup-code.length", "n", 6))},
		{"setup-code-wrong", setup(until, invalid("code", "setup-code.wrong").TriesLeft(2))},
		{"setup-code-expired", setup(until, invalid("code", "setup-code.expired"))},
		{"setup-code-older", setup(until, invalid("code", "setup-code.older"))},
	}
}

func (s sampler) waits() []Sample {
	return []Sample{
		{"wait", &Wait{Frame: s.begun(""), Kind: WaitCodes, Wait: 872 * time.Second, Retry: "/2fa"}},
		{"wait-texts", &Wait{Frame: s.begun(""), Kind: WaitTexts, Wait: 40 * time.Minute, Life: 6 * time.Minute, Code: "/2fa/setup/phone/code"}},
		{"wait-texts-no-code", &Wait{Frame: s.begun(""), Kind: WaitTexts, Wait: 40 * time.Minute}},
		{"wait-password", &Wait{Frame: s.frame(), Kind: WaitPassword, Wait: 15 * time.Minute, Retry: "/sign-in"}},
		{"wait-closed", &Wait{Frame: s.frame(), Kind: WaitClosed, Forgot: "/forgot"}},
	}
}

func (s sampler) passwords() []Sample {
	invite := func(f web.Frame) *Invitation {
		return &Invitation{Frame: f, Action: "/invitation/sample", Name: sampleName, Min: 15}
	}
	again, other := invite(s.frame()), invite(s.frame())
	again.Again = true
	other.Other = "Grace Hopper"
	change := func(faults ...*fault.Fault) *Password {
		return &Password{Frame: s.wrong(s.account(""), faults...), Action: "/account/password", Name: sampleName, Min: 15, Everywhere: true}
	}
	must := &Password{Frame: s.frame(), Action: "/2fa/password", Name: sampleName, Min: 8, Must: true}
	outgrown := &Password{Frame: s.frame(), Action: "/2fa/password", Name: sampleName, Min: 15, Must: true, Short: true}
	short := invalid("password", "new-password.short", "min", 15, "n", 11)
	busy := change()
	busy.Frame = s.say(busy.Frame, "warning", "busy")
	return []Sample{
		{"invitation", invite(s.frame())},
		{"invitation-short", invite(s.wrong(s.frame(), short))},
		{"invitation-again", again},
		{"invitation-other", other},
		{"password", change()},
		{"password-empty", change(invalid("password", "new-password.empty"))},
		{"password-short", change(short)},
		{"password-long", change(invalid("password", "new-password.long"))},
		{"password-common", change(invalid("password", "new-password.common"))},
		{"password-context", change(invalid("password", "new-password.context"))},
		{"password-same", change(invalid("password", "new-password.same"))},
		{"password-characters", change(invalid("password", "new-password.characters"))},
		{"password-busy", busy},
		{"password-must", must},
		{"password-outgrown", outgrown},
	}
}

func (s sampler) around() []Sample {
	apps := []AppLink{{"Wiki", "https://wiki.example.org/"}, {"Mail", "https://mail.example.org/"}, {"Builds", "https://builds.example.org/"}}
	out := SignedOut{Frame: s.frame(), SignIn: "/sign-in"}
	ended := func(reason EndReason, after time.Duration) *SignedOut {
		v := out
		v.Reason, v.After = reason, after
		return &v
	}
	known, app, forgotten := out, out, out
	known.Known = true
	app.App = "Wiki"
	forgotten.Frame = s.say(s.frame(), "done", "signed-out.forgotten")
	elsewhere := &Error{Frame: s.frame(), Kind: ErrorGone, Text: s.site.Say("set-up-elsewhere", "time", s.now), SignIn: true}
	return []Sample{
		{"signed-in", &SignedIn{Frame: s.account(""), Person: samplePerson, Name: sampleName, Apps: apps, Next: "/account/security"}},
		{"signed-in-level-one", &SignedIn{Frame: s.account(""), Person: samplePerson, Name: sampleName, Next: "/account/security", Off: true}},
		{"signed-out", &out},
		{"signed-out-known", &known},
		{"signed-out-app", &app},
		{"signed-out-forgotten", &forgotten},
		{"ended-idle", ended(EndIdle, time.Hour)},
		{"ended-time", ended(EndTime, 12*time.Hour)},
		{"ended-attempt", ended(EndAttempt, 15*time.Minute)},
		{"ended-setup", ended(EndSetup, time.Hour)},
		{"ended-factor", ended(EndFactor, 0)},
		{"ended-password", ended(EndPassword, 0)},
		{"ended-elsewhere", ended(EndElsewhere, 0)},
		{"ended-administrator", ended(EndAdministrator, 0)},
		{"set-up-elsewhere", elsewhere},
		{"demo-outbox-empty", &DemoOutbox{Frame: s.frame(), At: "/demo/outbox"}},
		{"demo-outbox", &DemoOutbox{Frame: s.frame(), At: "/demo/outbox", Messages: []DemoMessage{
			{To: sampleNumber, At: s.at(11, 23, 14, 31), Code: "402817", Text: " is your Sallyport code to set up a new app. Not you? Someone has your password: change it now."},
			{To: sampleNumber, At: s.at(11, 23, 13, 58), Code: "118093", Text: " is your Sallyport code. Do not share it. It works for 10 minutes."},
		}}},
	}
}

func (s sampler) errors() []Sample {
	page := func(kind ErrorKind, reference string) *Error {
		return &Error{Frame: s.frame(), Kind: kind, Reference: reference}
	}
	gone := func(kind ErrorKind, word string) *Error {
		return &Error{Frame: s.frame(), Kind: kind, Text: s.site.Say(word)}
	}
	used := gone(ErrorInvitation, "invitation.used")
	used.SignIn = true
	return []Sample{
		{"error-500", page(ErrorOutage, "7F3K-20M9")},
		{"error-404", page(ErrorMissing, "")},
		{"error-403", page(ErrorDenied, "")},
		{"error-app", &Error{Frame: s.frame(), Kind: ErrorApp, Text: s.site.Say("door.forbidden", "app", "Wiki")}},
		{"error-form", gone(ErrorForm, "form.broken")},
		{"error-413", page(ErrorLarge, "")},
		{"error-link-unknown", gone(ErrorGone, "link.unknown")},
		{"error-invitation-used", used},
		{"error-invitation-expired", gone(ErrorInvitation, "invitation.expired")},
		{"error-invitation-newer", gone(ErrorInvitation, "invitation.newer")},
		{"error-not-me-expired", gone(ErrorGone, "not-me.expired")},
		{"turned-off", page(ErrorTurnedOff, "")},
	}
}
