package portal

import (
	"html/template"
	"time"

	"sallyport/core/fault"
	"sallyport/front/web"
)

// Sample is one page in one state, filled with made-up data.
type Sample struct {
	Name string
	View web.View
}

// What the samples are about: one person at one moment. The number is one that
// no network gives out.
const (
	sampleName   = "ada"
	samplePerson = "Ada Lovelace"
	sampleNumber = "(202) 555-0143"
	sampleEnding = "143"
	sampleKey    = "HVAG DE2Q 3657 MC4M XPMS PZ5F NM6J KRB3"
	// SampleLink is what the QR code of the samples holds.
	SampleLink = "otpauth://totp/Sallyport:ada?secret=HVAGDE2Q3657MC4MXPMSPZ5FNM6JKRB3&issuer=Sallyport&algorithm=SHA1&digits=6&period=30"
)

var sampleCodes = []string{
	"8KZT-4Q2M-7XPD-93HB", "V6NC-0T5R-WJ8A-2FQE", "3MBX-H9PK-Y4GZ-61DS", "QR7E-5WV2-N0CT-8JMA", "K2HD-96FB-TX3P-ZG4Y",
	"0PJS-EM8V-1R7N-CQ5W", "YB4G-7ZKA-H6D2-X9TF", "5CWQ-N3RM-80VE-JP1S", "D9TX-2GAY-BK6H-4M7Z", "F1SV-P8JC-5EQW-N3R0",
}

// SampleNow is the moment at which the samples stand still.
func SampleNow() time.Time { return time.Date(2026, 11, 23, 14, 32, 5, 0, time.UTC) }

// Samples are all pages of this package in all their states, for reviewers,
// screenshots and checks of accessibility. They touch no store.
func Samples(site *web.Site) []Sample {
	s := sampler{site: site, now: SampleNow()}
	var all []Sample
	for _, part := range [][]Sample{
		s.signIn(), s.prompt(), s.setupPhone(), s.setupApp(), s.finish(), s.factor(), s.otherWay(), s.recovery(),
		s.waits(), s.security(), s.notices(), s.activity(), s.confirm(), s.passwords(), s.mail(), s.disputes(), s.around(), s.errors(), s.consent(),
	} {
		all = append(all, part...)
	}
	return all
}

type sampler struct {
	site *web.Site
	now  time.Time
}

// frame is that of a page before the sign-in is complete.
func (s sampler) frame() web.Frame {
	return web.Frame{FormToken: "sample-token", FormID: "sample-form"}
}

// begun is the frame of an attempt that can be left.
func (s sampler) begun(back string) web.Frame {
	f := s.frame()
	f.SignOut = true
	f.Back.Href = back
	return f
}

// account is the frame of somebody who is signed in.
func (s sampler) account(back string) web.Frame {
	f := s.begun(back)
	f.Who = samplePerson
	return f
}

// wrong adds the words of faults to a frame.
func (s sampler) wrong(f web.Frame, faults ...*fault.Fault) web.Frame {
	for _, one := range faults {
		f.Problems = append(f.Problems, s.site.Problem(one))
	}
	return f
}

// say adds a notice to a frame.
func (s sampler) say(f web.Frame, kind, key string, args ...any) web.Frame {
	f.Notices = append(f.Notices, s.site.Notice(kind, key, args...))
	return f
}

func invalid(field, word string, args ...any) *fault.Fault {
	return fault.New(fault.Invalid, word, args...).On(field)
}

func (s sampler) at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC)
}

func (s sampler) signIn() []Sample {
	plain := SignIn{Frame: s.frame(), Action: "/sign-in", App: "Wiki", Forgot: "/forgot"}
	with := func(f web.Frame) *SignIn {
		v := plain
		v.Frame, v.Username = f, sampleName
		return &v
	}
	wrong := with(s.wrong(s.frame(), invalid("username", "sign-in.wrong")))
	wrong.BothWrong = true
	empty := with(s.wrong(s.frame(), invalid("username", "username.empty"), invalid("password", "password.empty")))
	empty.Username = ""
	busy := &Busy{SignIn{Frame: s.frame(), Action: "/sign-in", Username: sampleName}}
	return []Sample{
		{"sign-in", &plain},
		{"sign-in-wrong", wrong},
		{"sign-in-empty", empty},
		{"sign-in-stale", with(s.say(s.frame(), "info", "sign-in.stale"))},
		{"sign-in-cookies", with(s.wrong(s.frame(), invalid("", "sign-in.cookies")))},
		{"sign-in-outage", with(s.say(s.frame(), "warning", "sign-in.outage"))},
		{"sign-in-password-changed", with(s.say(s.frame(), "done", "sign-in.password-changed"))},
		{"busy", busy},
	}
}

func (s sampler) prompt() []Sample {
	required := Prompt{Frame: s.frame(), NeedNumber: true, Required: true}
	with := func(change func(*Prompt)) *Prompt {
		v := required
		change(&v)
		return &v
	}
	due := s.at(12, 7, 0, 0)
	return []Sample{
		{"two-factor-prompt", &required},
		{"two-factor-prompt-optional", with(func(v *Prompt) { v.Required, v.NotNow = false, true })},
		{"two-factor-prompt-grace", with(func(v *Prompt) { v.NotNow, v.Due, v.DaysLeft = true, due, 14 })},
		{"two-factor-prompt-last-day", with(func(v *Prompt) { v.NotNow, v.Due, v.DaysLeft = true, due, 1 })},
		{"two-factor-prompt-app-only", with(func(v *Prompt) { v.NeedNumber = false })},
		{"two-factor-prompt-carry-on", with(func(v *Prompt) { v.Begun, v.KeptNumber = 5, true })},
		{"two-factor-prompt-carry-on-early", with(func(v *Prompt) { v.Begun, v.Elsewhere = 3, s.at(11, 22, 14, 2) })},
		{"two-factor-prompt-reset", with(func(v *Prompt) { v.Reset = s.now })},
		{"two-factor-prompt-released", with(func(v *Prompt) { v.Released = s.now })},
		{"two-factor-prompt-invitation", with(func(v *Prompt) { v.Invitation = true })},
		{"two-factor-prompt-no-code", with(func(v *Prompt) { v.NoCode = s.at(11, 22, 14, 2) })},
		{"two-factor-prompt-now-required", with(func(v *Prompt) { v.Frame = s.say(s.frame(), "info", "now-required") })},
	}
}

var sampleCountries = []Country{
	{Code: "CA", Name: "Canada", Calling: "+1"}, {Code: "FR", Name: "France", Calling: "+33"},
	{Code: "DE", Name: "Germany", Calling: "+49"}, {Code: "GB", Name: "United Kingdom", Calling: "+44"},
	{Code: "US", Name: "United States", Calling: "+1", Selected: true},
}

func (s sampler) setupPhone() []Sample {
	const back, action = "/2fa/setup/app", "/2fa/setup/phone"
	plain := SetupPhone{Frame: s.begun(back), Wizard: WithNumber, Action: action, Countries: sampleCountries, Charge: true, Other: action + "?other=yes"}
	with := func(number string, f web.Frame) *SetupPhone {
		v := plain
		v.Number, v.Frame = number, f
		return &v
	}
	wrong := func(number, word string, args ...any) *SetupPhone {
		return with(number, s.wrong(s.begun(back), invalid("phone", word, args...)))
	}
	late := func(f *fault.Fault) web.Frame { return s.wrong(s.begun(back), f.On("phone")) }
	one, delayed, checked, still := plain, plain, plain, plain
	one.Countries = sampleCountries[4:]
	delayed.Delayed = true
	checked.Checked = sampleEnding
	still.Frame, still.Wizard, still.Still = s.begun(""), NoWizard, sampleEnding
	account := plain
	account.Frame, account.Wizard, account.Account, account.Action = s.account("/account/security"), NoWizard, true, "/account/phone"
	all := []Sample{
		{"setup-phone", with(sampleNumber, s.begun(back))},
		{"setup-phone-empty", wrong("", "phone.empty")},
		{"setup-phone-symbols", wrong("202x555", "phone.symbols")},
		{"setup-phone-extension", wrong("202 555 0143 ext 2", "phone.extension")},
		{"setup-phone-short", wrong("06 12 34", "phone.short", "country", "France")},
		{"setup-phone-long", wrong("06 12 34 56 78 90 12", "phone.long", "country", "France")},
		{"setup-phone-not-mobile", wrong("05 00 00 00 00", "phone.not-mobile", "country", "France")},
		{"setup-phone-landline", wrong("020 7946 0000", "phone.landline")},
		{"setup-phone-kind", wrong("0900 123456", "phone.kind")},
		{"setup-phone-internet", wrong("056 0012 3456", "phone.internet")},
		{"setup-phone-country-code", wrong("+999 123456", "phone.country-code", "code", web.LTR("+999"))},
		{"setup-phone-country", wrong("+1 876 555 0143", "phone.country", "country", "Jamaica")},
		{"setup-phone-refused", wrong(sampleNumber, "phone.refused")},
		{"setup-phone-opted-out", wrong(sampleNumber, "phone.opted-out", "sender", "Sallyport")},
		{"setup-phone-limit", with(sampleNumber, late(fault.New(fault.TooMany, "text.wait").After(40*time.Minute)))},
		{"setup-phone-outage", with(sampleNumber, s.say(s.begun(back), "warning", "text.outage"))},
		{"setup-phone-first", with("", s.say(s.begun(back), "info", "step.first"))},
		{"setup-phone-one-country", &one},
		{"setup-phone-delayed", &delayed},
		{"setup-phone-checked", &checked},
		{"setup-phone-still", &still},
		{"setup-phone-account", &account},
	}
	same := account
	same.Frame, same.Number = s.wrong(account.Frame, invalid("phone", "phone.same")), sampleNumber
	all = append(all, Sample{"setup-phone-same", &same})
	return append(all, s.textCodes()...)
}

func (s sampler) textCodes() []Sample {
	const back, action = "/2fa/setup/phone", "/2fa/setup/phone/code"
	again := Resend{Again: action + "/again", Gap: 30 * time.Second, Wait: 24 * time.Second}
	plain := SetupPhoneCode{Frame: s.begun(back), Wizard: WithNumber, Action: action, Number: sampleNumber, Country: "United States",
		Resend: again, OtherNumber: back, Arrival: Arrival{Delivery: action + "/state"}}
	with := func(f web.Frame) *SetupPhoneCode {
		v := plain
		v.Frame = f
		return &v
	}
	wrong := func(one *fault.Fault) *SetupPhoneCode { return with(s.wrong(s.begun(back), one)) }
	delivered, account := plain, plain
	delivered.Delivered, delivered.Delivery = 12*time.Second, ""
	account.Frame, account.Wizard, account.Action = s.account("/account/phone"), NoWizard, "/account/phone/code"
	undelivered := s.say(s.begun(back), "warning", "again.undelivered")
	undelivered.Notices[0].Link = web.Link{Href: back, Words: "button.other-number"}
	ending := TextCode{Frame: s.begun("/2fa/other"), Action: "/2fa/text", Ending: sampleEnding,
		Resend: Resend{Again: "/2fa/text/again", Gap: 2 * time.Minute, Wait: 95 * time.Second}}
	guessed, late := ending, ending
	guessed.Frame = s.wrong(s.begun("/2fa/other"), invalid("code", "text-code.guessed-out"))
	late.Delayed = true
	arrived, lost := ending, ending
	arrived.Delivered = 12 * time.Second
	lost.Frame = s.say(s.begun("/2fa/other"), "warning", "again.undelivered")
	return []Sample{
		{"setup-phone-code", &plain},
		{"setup-phone-code-empty", wrong(invalid("code", "text-code.empty"))},
		{"setup-phone-code-length", wrong(invalid("code", "code.length", "n", 5))},
		{"setup-phone-code-letters", wrong(invalid("code", "code.letters"))},
		{"setup-phone-code-wrong", wrong(invalid("code", "text-code.wrong"))},
		{"setup-phone-code-tries", wrong(invalid("code", "text-code.wrong").TriesLeft(3))},
		{"setup-phone-code-last-try", wrong(invalid("code", "text-code.wrong").TriesLeft(1))},
		{"setup-phone-code-older", wrong(invalid("code", "text-code.older"))},
		{"setup-phone-code-expired", wrong(invalid("code", "text-code.expired"))},
		{"setup-phone-code-expired-wait", wrong(invalid("code", "text-code.expired-wait").After(40 * time.Second))},
		{"setup-phone-code-guessed-out", wrong(invalid("code", "text-code.guessed-out"))},
		{"setup-phone-code-again", with(s.say(s.begun(back), "done", "again.same"))},
		{"setup-phone-code-new", with(s.say(s.begun(back), "done", "again.new"))},
		{"setup-phone-code-early", with(s.say(s.begun(back), "info", "text.early", "wait", template.HTML("12 more seconds")))},
		{"setup-phone-code-unknown", with(s.say(s.begun(back), "warning", "text.unknown"))},
		{"setup-phone-code-undelivered", with(undelivered)},
		{"setup-phone-code-refused", with(s.say(s.begun(back), "info", "phone.refused"))},
		{"setup-phone-code-delivered", &delivered},
		{"setup-phone-code-account", &account},
		{"text-code", &ending},
		{"text-code-guessed-out", &guessed},
		{"text-code-delayed", &late},
		{"text-code-delivered", &arrived},
		{"text-code-undelivered", &lost},
	}
}

func (s sampler) setupApp() []Sample {
	scan := SetupScan{Frame: s.begun("/2fa/setup/phone/code"), Wizard: WithNumber, Action: "/2fa/setup/scan", NewCode: "/2fa/setup/scan/new",
		QR: "/2fa/setup/qr.png", Link: SampleLink, Key: sampleKey, Name: sampleName}
	phone, short, account, old, made := scan, scan, scan, scan, scan
	phone.OnPhone = true
	short.Wizard = AppOnly
	account.Frame, account.Wizard, account.Action, account.NewCode = s.account("/account/security"), NoWizard, "/account/app", "/account/app/new"
	account.QR, account.Name = "/account/app/qr.png", "ada (23 Nov 2026)"
	old.Frame, old.Wizard, old.OldEntry, old.Name = s.begun(""), NoWizard, true, account.Name
	made.Frame = s.say(scan.Frame, "done", "setup-scan.made-new")
	aged := scan
	aged.Frame = s.say(scan.Frame, "info", "setup-scan.too-old")
	store := SetupApp{Frame: s.begun("/2fa/start"), Wizard: WithNumber, Action: "/2fa/setup/app"}
	storeShort := store
	storeShort.Wizard = AppOnly
	restarted := store
	restarted.Frame = s.say(store.Frame, "info", "started-again")
	all := []Sample{
		{"setup-app", &store},
		{"setup-app-short", &storeShort},
		{"setup-app-started-again", &restarted},
		{"setup-scan", &scan},
		{"setup-scan-phone", &phone},
		{"setup-scan-short", &short},
		{"setup-scan-account", &account},
		{"setup-scan-replace", &old},
		{"setup-scan-made-new", &made},
		{"setup-scan-too-old", &aged},
	}
	return append(all, s.setupAppCode()...)
}

func (s sampler) setupAppCode() []Sample {
	plain := SetupAppCode{Frame: s.begun("/2fa/setup/scan"), Wizard: WithNumber, Action: "/2fa/setup/code", Scan: "/2fa/setup/scan",
		Name: sampleName, Now: s.now}
	wrong := func(one *fault.Fault) *SetupAppCode {
		v := plain
		v.Frame = s.wrong(plain.Frame, one)
		return &v
	}
	clock := wrong(invalid("code", "app-code.clock", "offset", "4 minutes slow"))
	clock.Clock = true
	zone := wrong(invalid("code", "app-code.clock-zone", "offset", "1 hour fast"))
	zone.Clock = true
	second := wrong(invalid("code", "app-code.wrong-setup").TriesLeft(3))
	second.Checklist = true
	short, account := plain, plain
	short.Wizard = AppOnly
	account.Frame, account.Wizard, account.Action, account.Scan = s.account("/account/app"), NoWizard, "/account/app/code", "/account/app"
	return []Sample{
		{"setup-app-code", &plain},
		{"setup-app-code-empty", wrong(invalid("code", "app-code.empty"))},
		{"setup-app-code-is-text", wrong(invalid("code", "app-code.is-text"))},
		{"setup-app-code-changed", wrong(invalid("code", "app-code.changed"))},
		{"setup-app-code-clock", clock},
		{"setup-app-code-zone", zone},
		{"setup-app-code-older", wrong(invalid("code", "app-code.older-setup"))},
		{"setup-app-code-wrong", wrong(invalid("code", "app-code.wrong-setup"))},
		{"setup-app-code-second", second},
		{"setup-app-code-short", &short},
		{"setup-app-code-account", &account},
	}
}

func (s sampler) finish() []Sample {
	plain := SetupFinish{Frame: s.account(""), Wizard: WithNumber, Action: "/2fa/setup/finish", Download: "/2fa/setup/codes.txt",
		NewCodes: "/account/codes/new", Codes: sampleCodes, Name: sampleName, Made: s.now}
	with := func(change func(*SetupFinish)) *SetupFinish {
		v := plain
		change(&v)
		return &v
	}
	return []Sample{
		{"setup-finish", &plain},
		{"setup-finish-not-ticked", with(func(v *SetupFinish) { v.Frame = s.wrong(plain.Frame, invalid("saved", "saved.untick")) })},
		{"setup-finish-hidden", with(func(v *SetupFinish) { v.Codes = nil })},
		{"setup-finish-others", with(func(v *SetupFinish) { v.Wizard, v.Others = NoWizard, 3 })},
		{"setup-finish-other", with(func(v *SetupFinish) { v.Wizard, v.Others = NoWizard, 1 })},
		{"setup-finish-another-window", with(func(v *SetupFinish) { v.Frame = s.say(plain.Frame, "info", "another-window") })},
	}
}
