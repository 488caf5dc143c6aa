package stories_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// The page that asks who it is: the wrong field is named, and only it.
func TestConfirmFaults(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.stale()
	p.freshStep()
	wrong, right := b.app.wrong(), b.app.code
	const words = "#code " + wrongApp
	b.get("/account/phone").is(want{page: "confirm", step: "0", h1: "Confirm it is you", title: "Confirm it is you – Example",
		texts: []string{"You are about to change your mobile number.", "6-digit app code", "Use a recovery code instead", "Neither works? Sign out and recover", "Cancel"}})
	for _, row := range []struct{ password, code, problem string }{
		{"", "", "#password Enter your password"},
		{"", right(), "#password Enter your password"},
		{"wrong", right(), "#password That password is not correct"},
		{"wrong", "", "#password That password is not correct"},
		{password, "", "#code Enter the 6-digit code from your app"},
		{password, "12345", "#code The code has 6 digits. You entered 5."},
		{password, "12345a", "#code The code is 6 digits, with no letters."},
		{password, b.codes[0], "#code That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’."},
		{password, wrong, words},
		{password, right(-2), "#code That code has just changed. Enter the code showing now."},
		{password, right(-7), "#code " + slow},
		{password, right(8), words},
	} {
		b.do("Continue", "password", row.password, "code", row.code).marked(want{page: "confirm", problem: row.problem,
			texts: []string{"You are about to change your mobile number."}})
		other := map[bool]string{true: "code", false: "password"}[strings.HasPrefix(row.problem, "#password")]
		if _, bad := attribute(b.page.tag(other), "aria-invalid"); bad {
			t.Errorf("%q: %s is marked too", row.problem, other)
		}
	}
	b.do("Continue", "password", password, "code", right()).is(want{page: "setup-phone"})
	// A code that was used to confirm is used.
	c := p.browser()
	c.enter("ada", password)
	c.do("Verify", "code", right()).marked(want{page: "app-code", problem: "#code " + usedCode})
}

func TestConfirmByRecoveryCode(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.stale()
	b.get("/account/codes/new")
	b.click("Use a recovery code instead").is(want{page: "confirm", h1: "Confirm it is you",
		texts: []string{"You are about to make new recovery codes.", "Recovery code 16 letters and numbers", "Use an app code instead"}, absent: []string{"6-digit app code"}})
	for _, row := range []struct{ password, code, problem string }{
		{"wrong", b.codes[0], "#password That password is not correct"},
		{password, "", "#recovery Enter a recovery code"},
		{password, "8KZT-4Q2M", "#recovery A recovery code has 16 letters and numbers. You entered 8."},
		{password, "123456", "#recovery That looks like an app code. A recovery code has 16 letters and numbers."},
		{password, "8KZT-4Q2M-7XPD-93HB", "#recovery That recovery code is not correct. Check it, or try another one."},
	} {
		b.do("Continue", "password", row.password, "recovery", row.code).marked(want{page: "confirm", problem: row.problem, texts: []string{"Use an app code instead"}})
	}
	b.do("Continue", "password", password, "recovery", b.codes[0]).is(want{page: "confirm", h1: "Make new recovery codes?", texts: []string{"Your 9 old codes will stop working now."}})
	b.stale()
	b.get("/account/codes/new")
	b.click("Use a recovery code instead")
	b.do("Continue", "password", password, "recovery", b.codes[0]).marked(want{page: "confirm", problem: "#recovery You have used that recovery code already. Try the next one on your list."})
	b.click("Cancel").is(want{page: "security"})
}

// Wrong passwords and codes count in this browser's lane, each in its own measure.
func TestConfirmWaits(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.stale()
	b.get("/account/phone")
	for range 10 {
		b.do("Continue", "password", "wrong", "code", "").marked(want{page: "confirm", problem: "#password That password is not correct"})
	}
	b.do("Continue", "password", password, "code", b.app.code()).is(want{status: 429, page: "wait", h1: "Wait before you try again",
		texts: []string{"Too many sign-in attempts. Wait 15 minutes, then try again.", "Try again"}})
	b.page.after(15 * time.Minute)
	p.move(15*time.Minute + time.Second)
	b.get("/account/phone").is(want{page: "confirm"})
	for i := range 9 {
		more := map[int]string{6: " You have 3 tries left.", 7: " You have 2 tries left.", 8: " You have 1 try left."}[i]
		b.do("Continue", "password", password, "code", b.app.wrong()).marked(want{page: "confirm", problem: "#code " + wrongApp + more})
	}
	b.do("Continue", "password", password, "code", b.app.wrong()).is(want{status: 429, page: "wait", h1: "Wait before you try again", retry: "900",
		texts: []string{"You entered too many wrong codes. You can try again in 15 minutes"}})
	p.move(2 * time.Minute)
	b.tryAgain().is(want{status: 429, page: "wait", texts: []string{"You can try again in 13 minutes"}})
	b.page.after(13 * time.Minute)
	p.move(13*time.Minute + time.Second)
	b.tryAgain().is(want{page: "confirm", texts: []string{"You are about to change your mobile number."}})
}

// tryAgain presses the button of a wait, which only asks for the page again.
func (b *browser) tryAgain() *page {
	b.t.Helper()
	f, ok := b.page.button("Try again")
	if !ok {
		b.t.Fatalf("no button on %s: %s", b.page.url, b.page.brief())
	}
	query := url.Values{}
	for i := 0; i+1 < len(f.fields); i += 2 {
		query.Set(f.fields[i], f.fields[i+1])
	}
	return b.get(f.action + "?" + query.Encode())
}
