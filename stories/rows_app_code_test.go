package stories_test

import (
	"strings"
	"testing"
	"time"
)

const (
	wrongNew = "That code is not correct. Codes change every 30 seconds. Enter the one showing now."
	wrongApp = "That code is not correct. Enter the code showing now for Example (ada)."
	usedCode = "That code has been used already. Wait for the next one, then enter it."
	ourClock = "Codes may be failing because of a clock problem at our end. We have told the administrator."
	slow     = "Your phone's clock is about 4 minutes slow. Turn on automatic date and time on the phone, then enter the next code."
	fast     = "Your phone's clock is about 4 minutes fast. Turn on automatic date and time on the phone, then enter the next code."
)

var howToFix = []string{"How to fix the clock", "The right time is now ", "iPhone: Settings, General, Date & Time, Set Automatically.",
	"Android: Settings, System, Date & time, Set time automatically.", "In an older Google Authenticator: Settings, Time correction for codes, Sync now.",
	"App on a computer: turn on automatic time in the computer's settings."}

// appRow is a code on the page of a new app, and what is said of it.
type appRow struct {
	typed, words string
	texts        []string
}

// freshStep moves the clock to the beginning of a step, so that none ends before
// the next few requests.
func (p *portal) freshStep() {
	into := time.Duration(p.now().UnixNano() % int64(30*time.Second))
	p.move(30*time.Second - into + time.Second)
}

// newApp is where a new app's first code is asked for: in the wizard, or in the
// account, which asks again who it is after five minutes.
type newApp struct {
	*browser
	entry string // the account part of its entry
	again func() // to the QR code, after a quarter of an hour
	then  string // the page after the right code
}

func (b newApp) rows(older app) {
	b.p.freshStep()
	for _, row := range []appRow{
		{"", "Enter the 6-digit code from your app", nil},
		{"12345", "The code has 6 digits. You entered 5.", nil},
		{"1234567", "The code has 6 digits. You entered 7.", nil},
		{"12345a", "The code is 6 digits, with no letters.", nil},
		{b.app.wrong(), wrongNew, nil},
	} {
		b.do("Verify", "code", row.typed).marked(want{page: "setup-app-code", problem: "#code " + row.words, absent: []string{"Check three things", "How to fix"}})
	}
	b.do("Verify", "code", b.app.wrongs(2)[1]).marked(want{page: "setup-app-code", problem: "#code " + wrongNew, texts: b.checks()})
	b.click("Scan the QR code again").is(want{page: "setup-scan"})
	b.same()
	b.do("Continue").is(want{page: "setup-app-code", absent: []string{wrongNew}})
	for _, row := range []appRow{
		{b.app.code(-2), "That code has just changed. Enter the code showing now.", nil},
		{b.app.code(2), "Your phone's clock is about a minute fast. Turn on automatic date and time on the phone, then enter the next code.", howToFix},
		{b.app.code(-7), slow, howToFix},
		{b.app.code(8), fast, howToFix},
		{b.app.code(-120), "Your phone's clock is about 1 hour slow. The time zone may be wrong. Turn on automatic date and time on the phone, then enter the next code. You have 3 tries left.", howToFix},
		{b.app.code(660), "Your phone's clock is about 5½ hours fast. The time zone may be wrong. Turn on automatic date and time on the phone, then enter the next code. You have 2 tries left.", howToFix},
		{older.code(), "That code is from an older Example entry. In your app, use the newest one, or go back and scan again. You have 1 try left.", nil},
	} {
		b.do("Verify", "code", row.typed).marked(want{page: "setup-app-code", problem: "#code " + row.words, texts: row.texts})
	}
	b.do("Verify", "code", b.app.wrong()).is(want{status: 429, page: "wait", h1: "Wait before you try again", retry: "900",
		texts: []string{"You entered too many wrong codes. You can try again in 15 minutes", "If this was not you, someone may know your password. Change it or contact the service desk."}})
	b.tryAgain().is(want{status: 429, page: "wait", texts: []string{"You can try again in 15 minutes"}})
	b.p.move(15*time.Minute + time.Second)
	b.again()
	b.is(want{page: "setup-scan"})
	b.same()
	b.do("Continue").is(want{page: "setup-app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: b.then})
}

// checks is the checklist after a second wrong code.
func (b newApp) checks() []string {
	return []string{"Check three things", "You are reading the Example (" + b.entry + ") entry.", "Your phone shows the right time: it is now ",
		"If you scanned more than once, use the newest entry.", "Scan the QR code again"}
}

// same says that the QR code is the one that was scanned.
func (b newApp) same() {
	b.t.Helper()
	if b.scan().secret.Text() != b.app.secret.Text() {
		b.t.Error("wrong codes changed the QR code")
	}
}

func TestNewAppCodeRows(t *testing.T) {
	t.Parallel()
	t.Run("in the wizard", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.add("ada")
		b := p.browser()
		b.enter("ada", password)
		b.click("Configure 2FA")
		b.do("Continue")
		b.do("Send SMS", "phone", number)
		text := p.code(e164)
		b.do("Verify", "code", text)
		older := b.scan()
		b.do("Make a new QR code").is(want{page: "setup-scan", notice: "We made a new QR code. Delete the Example entry you added before, then scan this one."})
		b.app = b.scan()
		b.do("Continue").is(want{page: "setup-app-code"})
		b.do("Verify", "code", text).marked(want{page: "setup-app-code", problem: "#code That is the code from the text message. Enter the code that Example shows in your app."})
		newApp{b, "ada", func() { b.get("/2fa/setup/scan") }, "setup-finish"}.rows(older)
	})
	t.Run("in the account", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		b := p.enrol("ada")
		p.move(16 * time.Minute)
		b.get("/account/security")
		b.click("Replace Phone app")
		older := b.app
		b.confirm("replace your authenticator app").is(want{page: "setup-scan", step: "0"})
		b.app = b.scan()
		b.do("Continue").is(want{page: "setup-app-code", step: "0"})
		newApp{b, "ada (" + p.now().UTC().Format("2 Jan 2006") + ")", func() {
			b.get("/account/security")
			b.click("Replace Phone app")
			next := b.app
			b.app = older // it works until the new one does
			b.confirm("replace your authenticator app")
			b.app = next
		}, "security"}.rows(older)
	})
}

func TestSignInCodeRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	app := owner.app
	p.freshStep()
	owner.leave()
	p.move(30 * time.Second)
	owner.enter("ada", password)
	owner.do("Verify", "code", app.code()).is(want{page: "security"})
	b := p.browser()
	b.enter("ada", password).is(want{page: "app-code"})
	const another = "Sign in another way"
	b.do("Verify", "code", app.code()).marked(want{page: "app-code", problem: "#code " + usedCode}) // the first miss
	if left, _ := attribute(between(b.page.main(), `<p class="hint"`, "</p>"), "data-step-left"); left != "(up to {n} seconds)" {
		t.Errorf("the script says %q", left)
	}
	p.move(5 * time.Minute)
	p.freshStep()
	const looks = "That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’."
	rows := []appRow{
		{"", "Enter the 6-digit code from your app", nil},
		{"12345", "The code has 6 digits. You entered 5.", nil},
		{"1234567", "The code has 6 digits. You entered 7.", nil},
		{"secret", "The code is 6 digits, with no letters.", nil},
		{owner.codes[0], looks, nil},
		{"8kzt 4q2m 7xpd 93hb", looks, nil}, // also one that is nobody's
		{app.code(-2), "That code has just changed. Enter the code showing now.", nil},
		{app.code(-7), slow, howToFix},
		{app.code(9), wrongApp, nil}, // the future: not at first
		{app.code(8), fast, howToFix},
	}
	for i, row := range rows {
		b.do("Verify", "code", row.typed).marked(want{page: "app-code", problem: "#code " + row.words, texts: row.texts})
		if _, offered := b.page.link(another); offered != (i == len(rows)-1) { // from the fifth miss
			t.Errorf("%q: another way offered: %v", row.typed, offered)
		}
	}
	if at, _ := b.page.link(another); at != "/2fa/other" || !strings.Contains(b.page.main(), `<a class="button quiet" href="/2fa/other">`) {
		t.Errorf("the way out leads to %q", at)
	}
	b.click(another).is(want{page: "other-way"})
	b.click("Back to the app code").is(want{page: "app-code"})
	// The code of the text message page, on this one, is told so and counts nothing.
	b.get("/2fa/other")
	b.do("Send SMS").is(want{page: "text-code"})
	p.text(e164, "entered with wrong codes")
	text := p.code(e164)
	b.click("Try another way").is(want{page: "other-way"})
	b.get("/2fa")
	b.do("Verify", "code", text).marked(want{page: "app-code", problem: "#code That is a text message code. Enter it on the text message page."})
	b.click("Go to the text message page").is(want{page: "text-code"})
	b.get("/2fa")
	for _, more := range []string{"", " You have 3 tries left.", " You have 2 tries left.", " You have 1 try left."} {
		b.do("Verify", "code", app.wrong()).marked(want{page: "app-code", problem: "#code " + wrongApp + more, texts: []string{another}})
	}
	b.do("Verify", "code", app.wrong()).is(want{status: 429, page: "wait", retry: "900", absent: []string{another, "recovery code"}})
}

// When many people's codes are late by one step it is our clock that is wrong.
func TestOurClockIsWrong(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	p.move(time.Hour)
	for range 20 {
		p.move(61 * time.Second)
		p.freshStep()
		b := p.browser()
		b.enter("ada", password)
		b.do("Verify", "code", owner.app.code(-1)).is(want{page: "security"})
	}
	b := p.browser()
	b.enter("ada", password)
	for _, typed := range []string{owner.app.wrong(), owner.app.code(-7), owner.app.code(-2)} {
		b.do("Verify", "code", typed).marked(want{page: "app-code", problem: "#code " + ourClock, absent: []string{"How to fix the clock"}})
	}
	p.add("grace")
	g := p.browser()
	g.enter("grace", password)
	g.toScan(number2, e164two)
	g.do("Continue")
	for _, typed := range []string{g.app.wrong(), g.app.code(-7)} {
		g.do("Verify", "code", typed).marked(want{page: "setup-app-code", problem: "#code " + ourClock, absent: []string{"How to fix the clock"}})
	}
	g.do("Verify", "code", g.app.code()).is(want{page: "setup-finish"})
	g.get("/account/app").is(want{page: "setup-scan"})
	g.app = g.scan()
	g.do("Continue").is(want{page: "setup-app-code"})
	g.do("Verify", "code", g.app.wrong()).marked(want{page: "setup-app-code", problem: "#code " + ourClock})
}
