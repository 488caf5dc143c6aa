package e2e

import (
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// Lost app: a text message to the proved number leads to a new app, and ends the
// old one. Bar 3 counts it.
func TestRecoveryByClicks(t *testing.T) {
	p := harness.StartAhead(t)
	b := harness.Open(t, p.URL)
	signIn(b)
	old := enrol(t, p, b)
	signOut(b)
	p.Ahead(15 * time.Minute)

	signIn(b)
	b.At("app-code")
	b.Activations, b.Entries = 0, 0
	b.Click("I cannot use my app")
	b.At("other-way")
	b.Says("Send a code to the number ending 143. With it you set up your app again.")
	b.Click("Send SMS")
	b.At("text-code")
	b.Says("We sent a 6-digit code to the number ending 143.")
	b.Type("code", p.Code(2))
	if text := p.Texts()[len(p.Texts())-1].Text; !strings.Contains(text, "code to set up a new app. Not you? Someone has your password: change it now.") {
		t.Errorf("the text message is %q", text)
	}
	b.Click("Verify")
	b.At("replace")
	b.Says("Set up your app again")
	b.Says("Your old app stops working now. We will tell every address of this account.")
	nothingIsOpen(t, p, b)
	b.At("replace")
	b.Click("Continue")
	b.At("setup-app")
	wizardStep(t, b, "setup-app", "0", "")
	b.Click("Continue")
	wizardStep(t, b, "setup-scan", "0", "")
	b.Says("Your app may still show an old Sallyport entry. Delete it when you have finished.")
	app := harness.Scan(t, b.Screenshot())
	if want := "Sallyport:ada (" + p.Now().UTC().Format("2 Jan 2006") + ")"; app.Label != want {
		t.Errorf("the new entry is called %q, want %q", app.Label, want)
	}
	b.Click("Continue")
	b.Type("code", old.Code(p.Now()))
	b.Click("Verify")
	b.At("setup-app-code")
	b.Says("That code is from an older Sallyport entry.")
	b.Entries--
	b.Activations--
	b.Type("code", app.Code(p.Now()))
	b.Click("Verify")
	b.At("setup-finish")
	b.Press("Download")
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
	if b.Activations > 10 || b.Entries > 3 {
		t.Errorf("a lost app took %d activations and %d entries after the password; the bar is 10 and 3", b.Activations, b.Entries)
	}
	t.Logf("bar 3: %d activations, %d entries", b.Activations, b.Entries)
	notices := strings.Join(p.Notices(3), "\n")
	for _, want := range []string{"app was stopped for a new one", "A new Sallyport app was set up"} {
		if !strings.Contains(notices, want) {
			t.Errorf("no notice says %q:\n%s", want, notices)
		}
	}

	signOut(b)
	p.Ahead(30 * time.Minute)
	signIn(b)
	b.Type("code", old.Code(p.Now()))
	b.Click("Verify")
	b.At("app-code")
	b.Says("That code is from an older Sallyport entry. Use the newest one and delete the old one.")
	b.Type("code", app.Code(p.Now()))
	b.Click("Verify")
	b.At("security")
}

// nothingIsOpen fails when the account can be seen, and goes back to where the
// person stood.
func nothingIsOpen(t *testing.T, p *harness.Portal, b *harness.Tab) {
	t.Helper()
	here := harness.Eval[string](b, `location.href`)
	b.Go("/account/security")
	if b.Page() == "security" {
		t.Error("a text message opened the account")
	}
	b.Go(here)
}

// A recovery code opens the account while the app lives, or leads to a new app.
func TestARecoveryCodeIsAsEasy(t *testing.T) {
	p := harness.StartAhead(t)
	b := harness.Open(t, p.URL)
	signIn(b)
	b.Click("Configure 2FA")
	b.Click("Continue")
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	b.Type("code", p.Code(1))
	b.Click("Verify")
	app := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	b.Type("code", app.Code(p.Now()))
	b.Click("Verify")
	codes := harness.Eval[[]string](b, `[...document.querySelectorAll('#recovery-codes li')].map((e) => e.textContent.trim())`)
	b.Press("I have saved these codes")
	b.Click("Finish")
	signOut(b)

	signIn(b)
	b.Click("I cannot use my app")
	b.Click("Enter a recovery code")
	b.At("recovery-code")
	b.Type("recovery", "123456")
	b.Click("Verify")
	b.Says("That looks like an app code. A recovery code has 16 letters and numbers.")
	b.Type("recovery", strings.ToLower(strings.ReplaceAll(codes[0], "-", " ")))
	b.Click("Verify")
	b.At("replace")
	b.Says("You have 9 recovery codes left.")
	b.Says("Do you still have your authenticator app?")
	b.Click("Continue")
	b.Says("Choose whether you still have your authenticator app")
	b.Press("Yes, but not with me now")
	b.Click("Continue")
	b.At("security")
	b.Says("9 of 10 left")
	signOut(b)

	signIn(b)
	b.Click("I cannot use my app")
	b.Click("Enter a recovery code")
	b.Type("recovery", codes[0])
	b.Click("Verify")
	b.Says("You have used that recovery code already. Try the next one on your list.")
	b.Type("recovery", codes[1])
	b.Click("Verify")
	b.Press("No, it is lost, deleted or on an old phone")
	b.Click("Continue")
	b.At("setup-app")
	b.Click("Continue")
	b.At("setup-phone")
	b.Says("Is the number ending 143 still yours?")
	p.Ahead(5 * time.Minute)
	n := p.Sent()
	b.Click("Yes, use this number")
	b.At("setup-phone-code")
	b.Type("code", p.Code(n+1))
	b.Click("Verify")
	b.At("setup-scan")
	fresh := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	b.Type("code", fresh.Code(p.Now()))
	b.Click("Verify")
	b.At("setup-finish")
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
}
