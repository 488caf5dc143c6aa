package stories_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A refresh sends nothing, uses up nothing, and moves no deadline.
func TestRefresh(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.atNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	left := func() int {
		t.Helper()
		n, err := strconv.Atoi(between(b.get("/2fa/setup/phone/code").body, `data-countdown="`, `"`))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := left()
	p.move(10 * time.Second)
	if after := left(); after < before-20 || after > before-10 {
		t.Errorf("the countdown stood at %d, ten seconds later at %d", before, after)
	}
	code := p.code(e164)
	p.quiet(e164)
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	b.app = b.scan()
	qr := b.tab().ask("/2fa/setup/qr.png").body
	for range 3 {
		b.get("/2fa/setup/scan")
		if b.scan().secret.Text() != b.app.secret.Text() || b.tab().ask("/2fa/setup/qr.png").body != qr {
			t.Error("another QR code after a refresh")
		}
	}
	b.do("Continue")
	b.get("/2fa/setup/code").is(want{page: "setup-app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	codes := b.saved()
	p.move(29 * time.Minute)
	for range 3 {
		if b.get("/2fa/setup/finish"); len(codes) != 10 || !slices.Equal(codes, b.saved()) {
			t.Errorf("other codes after a refresh: %v", b.saved())
		}
	}
	b.do("Finish").marked(want{page: "setup-finish", h1: "2FA is on", problem: "#saved Tick the box to show that you have saved your recovery codes"})
	if !slices.Equal(codes, b.saved()) {
		t.Errorf("other codes after the error: %v", b.saved())
	}
	p.move(2 * time.Minute)
	b.get("/2fa/setup/finish").is(want{texts: []string{"Your recovery codes are hidden now. You can make new ones."}})
	b.ask("/2fa/setup/codes.txt").leads("/2fa/setup/finish")
	p.text(e164, "2FA was set up")
	p.quiet(e164)
}

// Five set-ups at once; a sixth ends the one idle longest, and the first to finish
// all others.
func TestOpenSetUps(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	var open []*browser
	for range 6 {
		open = append(open, p.atNumber("ada"))
		p.move(time.Minute)
	}
	open[0].ask("/2fa/setup/phone").leads("/2fa/start?notice=step.first")
	for _, b := range open[1:] {
		b.get("/2fa/setup/phone").is(want{page: "setup-phone"})
	}
	first := open[3]
	first.do("Send SMS", "phone", number)
	first.do("Verify", "code", p.code(e164))
	first.app = first.scan()
	first.do("Continue")
	first.do("Verify", "code", first.app.code()).is(want{page: "setup-finish"})
	for _, b := range []*browser{open[1], open[5]} {
		b.get("/2fa/setup/phone").is(want{page: "sign-in"})
		b.page.shows(`2FA was set up on another device at \d\d:\d\d UTC\. If that was not you, contact the service desk now\.`)
	}
}

// A form that comes after the end does nothing; a number that was typed is there
// when the person is back at the same step.
func TestExpiredWhileTyping(t *testing.T) {
	t.Parallel()
	t.Run("in the wizard", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.add("ada")
		b := p.atNumber("ada")
		p.move(61 * time.Minute)
		b.do("Send SMS", "phone", "07911 123456", "country", "GB").is(want{status: 403, page: "signed-out", h1: "You have been signed out", texts: []string{"You stopped for more than 60 minutes. Sign in to carry on."}})
		p.quiet("+447911123456")
		b.click("Sign in").is(want{page: "sign-in"})
		b.do("Sign in", "username", "ada", "password", password).is(want{page: "two-factor-prompt", h1: "Carry on setting up 2FA", texts: []string{"You stopped at step 3."}, absent: []string{"We have kept"}})
		b.click("Carry on").is(want{page: "setup-phone", kept: []string{"phone", "07911 123456"}})
		if f, _ := b.page.button("Send SMS"); !strings.Contains(strings.Join(f.fields, " "), "country GB") {
			t.Errorf("the country is not kept: %v", f.fields)
		}
	})
	t.Run("in the account", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		b := p.enrol("ada")
		b.get("/account/phone").is(want{page: "setup-phone"})
		p.move(61 * time.Minute)
		b.do("Send SMS", "phone", number2).is(want{status: 403, page: "signed-out", texts: []string{"Nothing happened for 60 minutes. Enter your password to carry on where you were."}})
		p.quiet(e164two)
		b.click("Sign in").is(want{page: "sign-in", kept: []string{"username", "ada"}})
		b.do("Sign in", "password", password).is(want{page: "confirm", texts: []string{"You are about to change your mobile number."}})
		b.confirm("change your mobile number").is(want{page: "setup-phone", kept: []string{"phone", number2}})
		// So it is when only the confirmation is too old.
		b.stale()
		b.do("Send SMS", "phone", "(202) 555-0177")
		b.confirm("change your mobile number").is(want{page: "setup-phone", kept: []string{"phone", "(202) 555-0177"}})
		b.do("Send SMS").is(want{page: "setup-phone-code"})
		b.do("Verify", "code", p.code("+12025550177")).is(want{page: "security", texts: []string{"Number ending 177"}})
	})
	t.Run("between password and code", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		owner := p.enrol("ada")
		b := p.browser()
		b.get("/account/activity")
		b.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
		p.move(15*time.Minute + time.Second)
		b.do("Verify", "code", owner.app.code()).is(want{status: 403, page: "signed-out", h1: "You have been signed out", texts: []string{"It took more than 15 minutes. Start again."}})
		b.click("Sign in").is(want{page: "sign-in"})
		b.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
		b.do("Verify", "code", owner.app.code()).is(want{page: "activity"}) // the same code: it was not looked at
	})
}
