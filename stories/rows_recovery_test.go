package stories_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRecoveryCodeRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	b := p.lost("ada")
	b.click("I cannot use my app")
	b.click("Enter a recovery code").is(want{page: "recovery-code", step: "0", h1: "Enter a recovery code", title: "Enter a recovery code – Example",
		texts: []string{"Recovery code 16 letters and numbers, like 8KZT-4Q2M-7XPD-93HB. Small letters and missing dashes are fine.", "Verify", "Try another way"}})
	const wrong = "That recovery code is not correct. Check it, or try another one."
	for _, row := range []struct{ typed, words string }{
		{"", "Enter a recovery code"},
		{" - ", "Enter a recovery code"},
		{"8KZT-4Q2M", "A recovery code has 16 letters and numbers. You entered 8."},
		{"8KZT-4Q2M-7XPD-93HB-1", "A recovery code has 16 letters and numbers. You entered 17."},
		{"123456", "That looks like an app code. A recovery code has 16 letters and numbers."},
		{"123 456", "That looks like an app code. A recovery code has 16 letters and numbers."},
	} {
		b.do("Verify", "recovery", row.typed).marked(want{page: "recovery-code", problem: "#recovery " + row.words})
	}
	for i := range 9 { // none of those before was a try
		more := ""
		if left := 9 - i; left <= 3 {
			more = map[int]string{3: " You have 3 tries left.", 2: " You have 2 tries left.", 1: " You have 1 try left."}[left]
		}
		typed := []string{"8KZT-4Q2M-7XPD-93HB", "UUUU-UUUU-UUUU-UUUU"}[i%2] // U stands in none
		b.do("Verify", "recovery", typed).marked(want{page: "recovery-code", problem: "#recovery " + wrong + more})
	}
	b.do("Verify", "recovery", "8KZT-4Q2M-7XPD-93HB").is(want{status: 429, page: "wait", retry: "900", texts: []string{"You entered too many wrong codes. You can try again in 15 minutes"}})
	b.tryAgain().is(want{status: 429, page: "wait"})
	for _, path := range []string{"/2fa", "/2fa/other", "/2fa/recovery-code"} { // all methods share the wait
		b.get(path).is(want{status: 429, page: "wait"})
	}
	p.move(16 * time.Minute)
	b = p.lost("ada")
	b.get("/2fa/recovery-code")
	// O is read as 0, I and L as 1, and small letters, spaces and dashes do not matter.
	typed := strings.NewReplacer("0", "o", "1", "l", "-", " – ").Replace(strings.ToLower(owner.codes[0]))
	b.do("Verify", "recovery", " "+typed+" ").is(want{page: "replace", notice: "You have 9 recovery codes left."})
	b = p.lost("ada")
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", owner.codes[0]).marked(want{page: "recovery-code", problem: "#recovery You have used that recovery code already. Try the next one on your list."})
	// The set before is known until the next one is made.
	first := owner.codes
	owner.stale()
	older := func(problem string) {
		t.Helper()
		c := p.lost("ada")
		c.get("/2fa/recovery-code")
		c.do("Verify", "recovery", first[5]).marked(want{page: "recovery-code", problem: "#recovery " + problem})
	}
	owner.newCodes()
	older("That code is from an older list. Use the list you saved on " + p.now().UTC().Format("2 January 2006") + ".")
	owner.newCodes()
	older(wrong)
}

// newCodes makes new recovery codes in the account.
func (b *browser) newCodes() {
	b.t.Helper()
	if b.get("/account/codes/new"); b.page.h1() == "Confirm it is you" {
		b.confirm("make new recovery codes")
	}
	b.do("Make new codes").is(want{page: "setup-finish"})
	b.codes = b.saved()
}

// What comes after a recovery code: a question while an app works, else none.
func TestReplaceRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	code := func(n int) *browser {
		b := p.lost("ada")
		b.get("/2fa/recovery-code")
		b.do("Verify", "recovery", owner.codes[n])
		return b
	}
	b := code(0)
	b.is(want{page: "replace", step: "0", h1: "Do you still have your authenticator app?", title: "Do you still have your authenticator app? – Example",
		texts: []string{"Yes, but not with me now", "No, it is lost, deleted or on an old phone", "Continue"}, notice: "You have 9 recovery codes left."})
	for _, answer := range []string{"", "perhaps"} {
		b.do("Continue", "still", answer).marked(want{page: "replace", problem: "#still Choose whether you still have your authenticator app", notice: "You have 9 recovery codes left."})
	}
	b.get("/2fa/replace").is(want{page: "replace", h1: "Do you still have your authenticator app?"})
	b.do("Continue", "still", "no").is(want{page: "setup-app", step: "0", absent: []string{"Step", "Steps"}})
	// The app is stopped: with the next code nothing is asked.
	b = code(1)
	b.is(want{page: "replace", h1: "Set up your app again", texts: []string{"We will tell every address of this account."}, absent: []string{"Your old app stops working now", "Yes, but"}, notice: "You have 8 recovery codes left."})
	b.do("Continue").is(want{page: "setup-app"})
	for _, path := range []string{"/account/security", "/account/activity"} { // it opens nothing before the new app's code
		if a := b.ask(path); a.status != 303 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// How many codes are left is said with each, and offered to be changed at three.
func TestFewRecoveryCodes(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	for n, code := range owner.codes[:9] {
		left := fmt.Sprintf("You have %d recovery codes left.", 9-n)
		if n == 8 {
			left = "You have 1 recovery code left."
		}
		b := p.lost("ada")
		b.get("/2fa/recovery-code")
		b.do("Verify", "recovery", code).is(want{page: "replace", notice: left, absent: []string{"Make new codes now"}})
		b.do("Continue", "still", "yes").is(want{page: "security"})
		if n < 6 {
			b.page.shows("")
			continue
		}
		b.page.shows(left + " Make new codes now")
		b.click("Make new codes now").is(want{page: "confirm", h1: "Make new recovery codes?"})
	}
}

func TestSetupCodeRows(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  enrol: code\n"})
	p.add("ada")
	b := p.browser()
	b.enter("ada", password).is(want{page: "setup-code", h1: "Enter your setup code", title: "Enter your setup code – Example",
		texts: []string{"You need a setup code to set up 2FA. Contact the service desk.", "Sign out"}, absent: []string{"Continue", "works once"}})
	if b.page.tag("code") != "" {
		t.Error("a field where no code was ever given")
	}
	given := p.now().Add(24 * time.Hour).UTC()
	first := p.setupCode("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "x")
	b.enter("ada", password).is(want{page: "setup-code", texts: []string{"Your administrator gave you this code. It works once, until " + given.Format("2 January"),
		"Setup code 8 letters and numbers, like 7MRK-2P9D"}})
	for _, row := range []struct{ typed, words string }{
		{"", "Enter your setup code"},
		{"7MRK-2P", "A setup code has 8 letters and numbers. You entered 6."},
		{"7MRK-2P9D-1", "A setup code has 8 letters and numbers. You entered 9."},
	} {
		b.do("Continue", "code", row.typed).marked(want{page: "setup-code", problem: "#code " + row.words})
	}
	second := p.setupCode("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "x")
	b.enter("ada", password)
	b.do("Continue", "code", first).marked(want{page: "setup-code", problem: "#code That is an older setup code. Use the newest one."})
	const wrong = "That setup code is not correct. Check it and try again."
	for i := range 9 {
		more := map[int]string{6: " You have 3 tries left.", 7: " You have 2 tries left.", 8: " You have 1 try left."}[i]
		b.do("Continue", "code", "0000-0000").marked(want{page: "setup-code", problem: "#code " + wrong + more})
	}
	b.do("Continue", "code", "0000-0000").is(want{status: 429, page: "wait", retry: "900"})
	b.get("/2fa/setup-code").is(want{status: 429, page: "wait"})
	p.move(24*time.Hour + time.Second)
	b.enter("ada", password)
	b.do("Continue", "code", second).marked(want{page: "setup-code", problem: "#code That setup code has expired. Contact the service desk for a new one."})
	third := p.setupCode("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "x")
	b.enter("ada", password)
	b.do("Continue", "code", strings.ToLower(strings.ReplaceAll(third, "-", " "))).is(want{page: "two-factor-prompt"})
}

func TestRecoveryWaitStates(t *testing.T) {
	t.Parallel()
	const found = "Found your app? Sign in with an app code: that cancels this request."
	when := func(at time.Time) string { return at.UTC().Format("2 Jan 15:") }
	t.Run("open, in the browser that asked", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  recovery_delay_people: 2h\n"})
		owner := p.enrol("ada")
		b := p.lost("ada")
		b.get("/2fa/other")
		b.do("Send SMS")
		b.do("Verify", "code", p.code(e164)).is(want{page: "recovery-wait", texts: []string{found, "Back to sign in"}})
		if !strings.HasPrefix(b.page.h1(), "You can set up a new app from "+when(p.now().Add(2*time.Hour))) {
			t.Errorf("h1 %q", b.page.h1())
		}
		p.move(2*time.Hour + time.Second)
		b.get("/2fa/recovery-wait").is(want{page: "recovery-wait", h1: "You can set up a new app now", texts: []string{"Enter your password and a new text message code. You can do it until ", found}, absent: []string{"Send SMS"}})
		if at, _ := b.page.link("Sign in"); at != "/sign-in" {
			t.Errorf("sign in leads to %q", at)
		}
		// A change of the password cancels it.
		owner.get("/account/security")
		if owner.page.name() == "signed-out" {
			owner.click("Sign in")
			owner.do("Sign in", "password", password)
		}
		owner.get("/account/password")
		owner.confirm("change your password")
		owner.do("Save password", "password", password2).is(want{page: "security"})
		b.get("/2fa/recovery-wait").is(want{page: "recovery-wait", h1: "The request was cancelled", texts: []string{"Your number, password or app was changed on " + when(p.now())}, absent: []string{found}})
	})
	t.Run("no app works", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  recovery_delay_people: 2h\n"})
		owner := p.enrol("ada")
		b := p.lost("ada")
		b.get("/2fa/recovery-code")
		b.do("Verify", "recovery", owner.codes[0])
		b.do("Continue", "still", "no").is(want{page: "setup-app"})
		p.move(11 * time.Minute)
		c := p.lost("ada")
		c.is(want{page: "other-way"})
		c.do("Send SMS")
		c.do("Verify", "code", p.text(e164, "is your Example code")[:6]).is(want{page: "recovery-wait", absent: []string{found}})
		p.move(75 * time.Hour)
		c = p.lost("ada")
		c.get("/2fa/recovery-wait").is(want{page: "recovery-wait", h1: "The time for this request has passed", absent: []string{found}})
		if at, _ := c.page.link("Start again"); at != "/sign-in" {
			t.Errorf("start again leads to %q", at)
		}
	})
}
