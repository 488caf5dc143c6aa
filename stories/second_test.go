package stories_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// leave signs this browser out.
func (b *browser) leave() {
	b.t.Helper()
	b.follow(b.form("/sign-out", "token", b.get("/account/security").token())).is(want{page: "signed-out"})
}

func TestAppCodeRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	b := p.browser()
	b.enter("ada", password).is(want{page: "app-code", step: "0", h1: "Enter the code from your app", title: "Enter the code from your app – Example",
		texts: []string{"Open your authenticator app and find Example (ada).", "6-digit app code", "I cannot use my app", "Not ada? Use a different account"}, absent: []string{"Sign in another way"}})
	const used = "That code has been used already. Wait for the next one, then enter it."
	b.do("Verify", "code", owner.used).is(want{page: "app-code", problem: "#code " + used})
	p.move(5 * time.Minute)
	app := owner.app
	shown := app.code(8)
	for _, row := range []struct{ typed, words string }{
		{"", "Enter the 6-digit code from your app"},
		{"12345", "The code has 6 digits. You entered 5."},
		{"secret", "The code is 6 digits, with no letters."},
		{owner.codes[0], "That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’."},
		{strings.ToLower(strings.ReplaceAll(owner.codes[0], "-", "")), "That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’."},
		{app.code(-2), "That code has just changed. Enter the code showing now."},
		{app.code(-7), "Your phone's clock is about 4 minutes slow. Turn on automatic date and time on the phone, then enter the next code."},
		{app.code(9), "That code is not correct. Enter the code showing now for Example (ada)."}, // the future: not at first
		{shown, "Your phone's clock is about 4 minutes fast. Turn on automatic date and time on the phone, then enter the next code."},
	} {
		b.do("Verify", "code", row.typed).is(want{page: "app-code", problem: "#code " + row.words, kept: []string{"code", ""}})
	}
	// What was shown to match does not work when its time comes.
	p.move(8 * 30 * time.Second)
	c := p.browser()
	c.enter("ada", password)
	c.do("Verify", "code", shown).is(want{page: "app-code", problem: "#code " + used})
}

func TestAppCodeSpellings(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	eastern := func(code string, zero rune) string {
		return strings.Map(func(r rune) rune { return r - '0' + zero }, code)
	}
	for i, spell := range []func(string) string{
		func(c string) string { return " " + c[:3] + " " + c[3:] + " " },
		func(c string) string { return c[:3] + "-" + c[3:] },
		func(c string) string { return c[:3] + "." + c[3:] },
		func(c string) string { return "#" + c },
		func(c string) string { return eastern(c, '０') },
		func(c string) string { return eastern(c, '٠') },
		func(c string) string { return c[:3] + " " + c[3:] },
		func(c string) string { return strings.Join(strings.Split(c, ""), " ") },
		func(c string) string { return c + " is your Example code. It works for 10 minutes." },
	} {
		p.move(31 * time.Second)
		b := p.browser()
		b.enter("ada", password)
		if to := b.press("Verify", "code", spell(owner.app.code())); to.to() != "/account/security" {
			t.Errorf("spelling %d: %d %v", i, to.status, to.problems())
		}
	}
}

func TestTooManyWrongCodes(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	known := owner
	known.leave()
	p.move(time.Minute)
	b := p.browser()
	b.enter("ada", password)
	n := 0
	miss := func(b *browser, want want) {
		t.Helper()
		n++
		b.do("Verify", "code", owner.app.wrong()).is(want)
	}
	const words = "#code That code is not correct. Enter the code showing now for Example (ada)."
	round := func(minutes string, seconds string) {
		t.Helper()
		for i := range 9 {
			w := want{page: "app-code", problem: words}
			if i >= 6 {
				w.problem += map[int]string{6: " You have 3 tries left.", 7: " You have 2 tries left.", 8: " You have 1 try left."}[i]
			}
			if i == 4 {
				w.texts = []string{"Sign in another way"}
			}
			miss(b, w)
		}
		miss(b, want{status: 429, page: "wait", h1: "Wait before you try again", title: "Wait before you try again – Example", retry: seconds, texts: []string{"You entered too many wrong codes. You can try again in " + minutes}})
	}
	round("15 minutes", "900")
	p.text(e164, "password was entered with wrong codes") // notice 18
	// Every method shares the wait, a right code included; another attempt too.
	b.get("/2fa").is(want{status: 429, page: "wait"})
	c := p.browser()
	c.enter("ada", password).is(want{status: 429, page: "wait"})
	if c.form("/2fa", "code", owner.app.code()).status != 429 {
		t.Error("a right code passed during the wait")
	}
	c.get("/2fa/recovery-code").is(want{status: 429, page: "wait"})
	if c.form("/2fa/recovery-code", "recovery", owner.codes[0]).status != 429 {
		t.Error("a recovery code passed during the wait")
	}
	if a := c.form("/2fa/text/send"); a.status != 429 {
		t.Errorf("a text was asked for during the wait: %d %s", a.status, a.to())
	}
	p.move(2 * time.Minute)
	b.get("/2fa")
	b.is(want{status: 429, page: "wait", texts: []string{"You can try again in 13 minutes"}})
	// The owner's known browser is in a lane of its own.
	known.enter("ada", password).is(want{page: "app-code"})
	known.do("Verify", "code", owner.app.code()).is(want{page: "security"})
	known.leave()
	b.get("/2fa").is(want{status: 429})
	p.move(13*time.Minute + 10*time.Second)
	b.enter("ada", password).is(want{page: "app-code"})
	round("30 minutes", "1800")
	p.move(30*time.Minute + time.Second)
	b.enter("ada", password)
	round("60 minutes", "3600")
	p.move(60*time.Minute + time.Second)
	b.enter("ada", password)
	round("60 minutes", "3600")
}

func TestHundredMissesEndTheApp(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	owner.leave()
	p.move(time.Minute)
	b := p.browser()
	total := 0
	for total < 100 {
		b.enter("ada", password).is(want{page: "app-code"})
		for _, code := range owner.app.wrongs(10) {
			b.do("Verify", "code", code)
			total++
		}
		p.move(61 * time.Minute)
	}
	day := p.now().Add(-61 * time.Minute).UTC().Format("2 January")
	p.text(e164, "Your Example app was turned off after 100 wrong codes. Change your password:")
	for _, who := range []*browser{p.browser(), owner} {
		who.enter("ada", password).is(want{page: "other-way", h1: "Sign in another way",
			notice: "Your app was turned off on " + day + " because 100 wrong codes were entered.",
			texts:  []string{"Prove in one of these ways that it is you, then set up your app again.", "Send a code to the number ending 143. With it you set up your app again.", "Use one of the codes you saved when you set up 2FA.", "Contact the service desk. They will check who you are and reset your 2FA.", "Sign out"},
			absent: []string{"Back to the app code", "Setup code"}})
		for _, path := range []string{"/2fa/start", "/2fa/setup/app", "/2fa/setup/scan", "/2fa"} {
			who.ask(path).leads("/2fa/other?notice=step.first")
		}
	}
	if a := owner.form("/2fa", "token", owner.get("/2fa/other").token(), "code", owner.app.code()); a.status != 303 || owner.cookies["session"] != "" {
		t.Errorf("the ended app: %d", a.status)
	}
}

func TestThreeHundredMissesCloseTheLane(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("300 wrong codes")
	}
	p := open(t)
	owner := p.enrol("ada")
	owner.leave()
	total, rounds := 0, 0
	b := p.browser()
	for total < 300 {
		p.move(61 * time.Minute)
		b.enter("ada", password).is(want{page: "app-code"})
		if b.page.name() != "app-code" {
			t.Fatal("after ", total)
		}
		for _, code := range owner.app.wrongs(10) {
			b.do("Verify", "code", code)
			total++
		}
		if rounds++; rounds%9 == 0 { // the owner's successes keep the app alive
			owner.enter("ada", password)
			owner.do("Verify", "code", owner.app.code()).is(want{page: "security"})
			owner.leave()
		}
	}
	p.text(e164, "Too many wrong codes. New browsers cannot use Example until you change your password:")
	p.move(61 * time.Minute)
	p.browser().enter("ada", password).is(want{status: 403, page: "wait", h1: "This browser cannot sign in now",
		texts: []string{"Many wrong codes have followed your password, so someone else may know it. Sign in with a browser you have used before, or choose a new password first.", "Neither works? Contact the service desk."}})
	owner.enter("ada", password)
	owner.do("Verify", "code", owner.app.code()).is(want{page: "security"})
	owner.click("Change password").is(want{page: "password"})
	owner.do("Save password", "password", password2).is(want{page: "security"})
	p.browser().enter("ada", password2).is(want{page: "app-code"})
}

func TestTextCodeLimits(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue")
	b.do("Send SMS", "phone", number)
	code := p.code(e164)
	p.move(31 * time.Second)
	b.do("Send SMS again").is(want{page: "setup-phone-code", notice: "We sent the code again. It is the same code."})
	if again := p.code(e164); again != code {
		t.Errorf("another code: %s, %s", code, again)
	}
	p.move(31 * time.Second)
	b.do("Send SMS again").is(want{status: 429, page: "setup-phone-code"})
	p.move(90 * time.Second)
	b.do("Send SMS again").is(want{notice: "We sent the code again. It is the same code."})
	p.code(e164)
	p.move(3 * time.Minute)
	b.do("Send SMS again").is(want{status: 429, page: "wait", h1: "Wait before you try again"})
	if got := b.page.text(); !strings.Contains(got, "You asked for too many text messages. You can ask again in 5 minutes. The last code still works for 5 minutes.") {
		t.Errorf("wait: %s", got)
	}
	b.click("Back to the text message code").is(want{page: "setup-phone-code"})
	p.quiet(e164)
	// Expired, and right: who types it holds the phone.
	p.move(5 * time.Minute)
	b.do("Verify", "code", code).is(want{page: "setup-phone-code", problem: "#code That code has expired. We have sent a new one."})
	next := p.code(e164)
	if next == code {
		t.Fatal("the same code after it expired")
	}
	b.do("Verify", "code", code).is(want{problem: "#code That is an older code. Use the code in the newest text message."})
	for i := range 4 {
		not := fmt.Sprintf("%06d", i)
		b.do("Verify", "code", not)
	}
	b.do("Verify", "code", "000009").is(want{problem: "#code That code no longer works, because it was entered wrong 5 times. Choose ‘Send SMS again’ for a new one."})
	b.do("Verify", "code", next).is(want{problem: "#code That code no longer works, because it was entered wrong 5 times. Choose ‘Send SMS again’ for a new one. You have 3 tries left."})
	p.move(31 * time.Second)
	b.do("Send SMS again").is(want{notice: "We sent a new code."})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
	// The hour's five.
	b.get("/2fa/setup/phone?other=yes")
	b.do("Send SMS", "phone", number2)
	b.is(want{status: 429, page: "setup-phone", kept: []string{"phone", number2}, problem: "#phone Too many text messages have been sent. Try again in 24 hours."})
}
