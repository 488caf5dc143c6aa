package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

var setupKey = regexp.MustCompile(`\b([A-Z2-7]{4} ){7}[A-Z2-7]{4}\b`)

// A browser of text walks the guide: no script, no style, no picture, no Origin.
func TestATextBrowserWalksTheGuide(t *testing.T) {
	t.Parallel()
	p := harness.StartAhead(t)
	r := harness.Read(t, p.URL)
	r.Says("Username")
	r.Fill("Username", harness.Ada)
	r.Fill("Password", "wrong")
	r.Press("Sign in")
	r.Says("There is a problem")
	r.Says("The username or password is not correct. Check both and try again.")
	r.Fill("Password", harness.Password)
	r.Press("Sign in")
	r.Says("Set up two-factor authentication (2FA)")
	r.Follow("Configure 2FA")
	r.Says("Steps 1 and 2 of 6")
	r.Press("Continue")
	r.Says("Step 3 of 6")
	r.Fill("start with +", harness.Number)
	r.Press("Send SMS")
	r.Says("Step 4 of 6")
	r.Says("You can send again 30 seconds after the last one.")
	r.Fill("6-digit text message code", p.Code(1))
	r.Press("Verify")
	key := setupKey.FindString(r.Says("Step 5 of 6"))
	if key == "" {
		t.Fatal("the page shows no setup key")
	}
	app := harness.TypeIn(t, key)
	r.Press("Continue")
	r.Says("Step 6 of 6")
	r.Fill("6-digit app code", app.Code(p.Now()))
	r.Press("Verify")
	if codes := recoveryCode.FindAllString(r.Says("Save your recovery codes"), -1); len(codes) != 10 {
		t.Errorf("w3m shows %d recovery codes", len(codes))
	}
	r.Tick("I have saved these codes")
	r.Press("Finish")
	r.Says("2FA is on. You have 10 recovery codes.")

	r.Follow("Sign out")
	r.Says("You are signed out")
	p.Ahead(time.Minute)
	r.Go(p.URL + "/sign-in")
	r.Says("Username")
	r.Fill("Username", harness.Ada)
	r.Fill("Password", harness.Password)
	r.Press("Sign in")
	r.Says("Enter the code from your app")
	r.Fill("6-digit app code", app.Code(p.Now()))
	r.Press("Verify")
	r.Says("2FA is on")
}

// noScripts opens a Chromium without scripts.
func noScripts(t *testing.T, p *harness.Portal) *harness.Tab {
	t.Helper()
	b := harness.Open(t, p.URL)
	b.NoScripts()
	return b
}

// nothingDead fails when a control is shown that works by script alone.
func nothingDead(t *testing.T, b *harness.Tab) {
	t.Helper()
	for _, one := range harness.Eval[[]string](b, `[...document.querySelectorAll('button[type=button]')].filter((e) => e.checkVisibility()).map((e) => e.textContent)`) {
		t.Errorf("%s shows %q, which does nothing without scripts", b.Page(), one)
	}
}

// Without scripts: sign-in, wizard, another number, recovery by text message.
func TestWithoutScriptsEverythingWorks(t *testing.T) {
	t.Parallel()
	p := harness.StartAhead(t)
	b := noScripts(t, p)
	signIn(b)
	b.Click("Configure 2FA")
	b.Click("Continue")
	b.Click("Send SMS")
	summaryHasFocus(t, b, "Enter your mobile number")
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	nothingDead(t, b)
	b.Says("You can send again 30 seconds after the last one.")
	b.Type("code", p.Code(1))
	b.Click("Verify")
	nothingDead(t, b)
	old := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	b.Type("code", old.Code(p.Now()))
	b.Click("Verify")
	nothingDead(t, b)
	b.Click("Finish")
	summaryHasFocus(t, b, "Tick the box to show that you have saved your recovery codes")
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
	nothingDead(t, b)

	p.Ahead(20 * time.Minute)
	b.Click("Change number")
	b.At("confirm")
	b.Says("You are about to change your mobile number.")
	nothingDead(t, b)
	b.Type("password", "wrong")
	b.Type("code", old.Code(p.Now()))
	b.Click("Continue")
	b.Says("That password is not correct")
	b.Type("password", harness.Password)
	b.Type("code", old.Code(p.Now().Add(30*time.Second)))
	b.Click("Continue")
	b.At("setup-phone")
	b.Says("Change your mobile number")
	b.Type("phone", "(202) 555-0143")
	b.Click("Send SMS")
	b.Says("That is your number already.")
	b.Type("phone", "(202) 555-0199")
	n := p.Sent()
	b.Click("Send SMS")
	b.At("setup-phone-code")
	b.Type("code", p.Code(n+1))
	b.Click("Verify")
	b.At("security")
	b.Says("Your number is changed.")
	b.Says("Number ending 199")
	told := map[string]bool{}
	p.Notices(3)
	for _, one := range p.Texts() {
		if strings.Contains(one.Text, "number was changed on") {
			told[one.To] = true
		}
	}
	if !told["+12025550143"] || !told["+12025550199"] {
		t.Errorf("the change of number was told to %v, not to both numbers", told)
	}
	signOut(b)

	p.Ahead(80 * time.Hour)
	signIn(b)
	b.Click("I cannot use my app")
	n = p.Sent()
	b.Click("Send SMS")
	b.Type("code", p.Code(n+1))
	b.Click("Verify")
	b.Click("Continue")
	b.Click("Continue")
	b.At("setup-scan")
	app := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	b.Type("code", app.Code(p.Now()))
	b.Click("Verify")
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
}
