package e2e

import (
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

const qrOf = `document.getElementById('setup-key').textContent`

// Back, Reload, a second tab and a double click do what ux.md 3.6 says.
func TestFocusAndBack(t *testing.T) {
	p := harness.StartAhead(t)
	b := harness.Open(t, p.URL)
	signIn(b)
	b.At("two-factor-prompt")
	b.Back()
	b.At("two-factor-prompt") // Back after the password goes forward again
	b.Go("/2fa/setup/code")
	b.Says("Finish this step first.")
	b.Go("/2fa/start")
	b.Click("Configure 2FA")
	b.Click("Continue")
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	p.Code(1)
	b.Reload()
	b.At("setup-phone-code")
	if n := p.Sent(); n != 1 {
		t.Errorf("Reload sent %d text messages", n)
	}
	b.Click("Send SMS again")
	b.Says("more seconds, then choose ‘Send SMS again’.")
	b.Click("Use a different number")
	b.At("setup-phone")
	if got := harness.Eval[string](b, `document.getElementById('phone').value`); got != harness.Number {
		t.Errorf("the kept number is %q", got)
	}
	b.Click("Send SMS")
	b.At("setup-phone-code")
	if n := p.Sent(); n != 1 {
		t.Errorf("the same number again sent %d text messages", n)
	}
	b.Type("code", p.Code(1))
	b.Click("Verify")

	key := harness.Eval[string](b, qrOf)
	b.Reload()
	app := harness.Scan(t, b.Screenshot())
	if got := harness.Eval[string](b, qrOf); got != key || app.Secret != strings.ReplaceAll(key, " ", "") {
		t.Errorf("Reload changed the key from %s to %s", key, got)
	}
	second := b.Another()
	second.Go("/2fa/setup/scan")
	if got := harness.Eval[string](second, qrOf); got != key {
		t.Errorf("the second tab shows the key %s, not %s", got, key)
	}
	b.Click("Continue")
	b.Back()
	if got := harness.Eval[string](b, qrOf); got != key {
		t.Errorf("Back shows the key %s, not %s", got, key)
	}
	b.Click("Continue")
	b.Type("code", "000000")
	b.Click("Verify")
	b.Click("Back to the QR code")
	if got := harness.Eval[string](b, qrOf); got != key {
		t.Errorf("a wrong code changed the key from %s to %s", key, got)
	}
	b.Click("Continue")
	b.Type("code", app.Code(p.Now()))
	b.DoubleClick("Verify")
	b.At("setup-finish")
	second.Click("Continue")
	second.Says("You finished this in another window.")
	b.Back()
	if got := b.Page(); got == "setup-app-code" || got == "setup-scan" {
		t.Errorf("Back after the set-up shows %s", got)
	}
	b.Go("/2fa/setup/finish")
	codes := b.Text()
	b.Reload()
	if b.Text() != codes {
		t.Error("Reload changed the recovery codes")
	}
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
	if got := harness.Eval[int](b, `[...document.querySelectorAll('main .rows')].map((e) => (e.textContent.match(/This browser/g) ?? []).length).reduce((a, b) => a + b)`); got != 1 {
		t.Errorf("this browser is listed %d times", got)
	}
	b.Go("/sign-in")
	b.At("signed-in")
	b.Go("/2fa")
	b.At("security")

	signOut(b)
	p.Ahead(time.Minute)
	signIn(b)
	b.Type("code", app.Code(p.Now()))
	b.DoubleClick("Verify")
	b.At("security")
	if text := b.Text(); strings.Contains(text, "used already") {
		t.Error("a double click says that the code was used")
	}
	b.Back()
	if got := b.Page(); got == "app-code" {
		t.Errorf("Back after signing in shows %s", got)
	}
}

// A page out of the back/forward cache loads anew: it may be over.
func TestAPageOutOfTheCacheLoadsAnew(t *testing.T) {
	p := harness.Start(t)
	b := harness.Open(t, p.URL)
	signIn(b)
	app := enrol(t, p, b)
	_ = app
	b.Go("/account/activity")
	b.Go("/account/security")
	b.Click("Sign out")
	b.Back()
	if got := b.Page(); got == "security" || got == "activity" {
		t.Errorf("Back after signing out shows %s", got)
	}
}

// A second browser shares nothing, and both hear of each other.
func TestASecondBrowserSharesNothing(t *testing.T) {
	p := harness.StartAhead(t)
	one, two := harness.Open(t, p.URL), harness.Open(t, p.URL)
	signIn(one)
	one.Click("Configure 2FA")
	one.Click("Continue")
	one.Type("phone", harness.Number)
	one.Click("Send SMS")
	one.Type("code", p.Code(1))
	one.Click("Verify")
	key := harness.Eval[string](one, qrOf)

	signIn(two)
	two.At("two-factor-prompt")
	two.Says("Someone started setting up 2FA on another device on ")
	two.Click("Configure 2FA")
	two.Click("Continue")
	two.At("setup-phone")
	if got := harness.Eval[string](two, `document.getElementById('phone').value`); got != "" {
		t.Errorf("the second browser sees the number %q", got)
	}
	two.Type("phone", "(202) 555-0199")
	two.Click("Send SMS")
	two.Type("code", p.Code(2))
	two.Click("Verify")
	if got := harness.Eval[string](two, qrOf); got == key {
		t.Error("the second browser sees the first one's key")
	}
	app := harness.Scan(t, two.Screenshot())
	two.Click("Continue")
	two.Type("code", app.Code(p.Now()))
	two.Click("Verify")
	two.At("setup-finish")

	one.Click("Continue")
	one.Says("2FA was set up on another device at ")
	one.Says("If that was not you, contact")
}

// The same browser carries on next day, with the same QR code.
func TestTheSameBrowserCarriesOnNextDay(t *testing.T) {
	p := harness.StartAhead(t)
	b := harness.Open(t, p.URL)
	signIn(b)
	b.Click("Configure 2FA")
	b.Click("Continue")
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	b.Type("code", p.Code(1))
	b.Click("Verify")
	key := harness.Eval[string](b, qrOf)
	p.Ahead(20 * time.Hour)
	signIn(b)
	b.At("two-factor-prompt")
	b.Says("Carry on setting up 2FA")
	b.Says("You stopped at step 5. We have kept your mobile number.")
	b.Click("Carry on")
	b.At("setup-scan")
	if got := harness.Eval[string](b, qrOf); got != key {
		t.Errorf("next day the key is %s, not %s", got, key)
	}
	p.Ahead(50 * time.Hour)
	signIn(b)
	b.At("two-factor-prompt")
}
