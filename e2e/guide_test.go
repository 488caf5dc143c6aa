// Package e2e shows that the product does what its guide says, with real
// programs: Chromium, w3m, zbarimg and oathtool. Each test starts a portal of
// its own; none looks inside.
package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// signIn goes from nothing to what the portal asks after the password.
func signIn(b *harness.Tab) {
	b.Go("/")
	b.At("sign-in")
	b.Type("username", harness.Ada)
	b.Type("password", harness.Password)
	b.Click("Sign in")
}

// enrol walks the wizard from the prompt to the account page and returns the app.
func enrol(t *testing.T, p *harness.Portal, b *harness.Tab) *harness.App {
	t.Helper()
	b.At("two-factor-prompt")
	b.Click("Configure 2FA")
	b.Click("Continue")
	b.Type("phone", harness.Number)
	n := p.Sent()
	b.Click("Send SMS")
	b.Type("code", p.Code(n+1))
	b.Click("Verify")
	b.At("setup-scan")
	app := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	b.Type("code", app.Code(p.Now()))
	b.Click("Verify")
	b.At("setup-finish")
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
	return app
}

// signOut leaves the account.
func signOut(b *harness.Tab) {
	b.Click("Sign out")
	b.At("signed-out")
}

var recoveryCode = regexp.MustCompile(`\b[0-9A-Z]{4}(-[0-9A-Z]{4}){3}\b`)

// wizardStep fails unless the page is that of the guide's step.
func wizardStep(t *testing.T, b *harness.Tab, name, step, line string) {
	t.Helper()
	b.At(name)
	if got := harness.Eval[string](b, `document.querySelector('main').dataset.step`); got != step {
		t.Errorf("the step of %s is %s, want %s", name, got, step)
	}
	if got := harness.Eval[string](b, `document.querySelector('.step')?.textContent ?? ''`); got != line {
		t.Errorf("the step line of %s is %q, want %q", name, got, line)
	}
}

// The guide by clicks, as its reader walks it; bar 1 of ux.md counts what it
// takes.
func TestGuideByClicks(t *testing.T) {
	p := harness.Start(t)
	b := harness.Open(t, p.URL)
	signIn(b)
	b.Activations, b.Entries = 0, 0
	began := time.Now()

	wizardStep(t, b, "two-factor-prompt", "0", "")
	b.Click("Configure 2FA")
	wizardStep(t, b, "setup-app", "1", "Steps 1 and 2 of 6")
	for _, name := range []string{"Google Authenticator", "Microsoft Authenticator", "1Password", "LastPass"} {
		b.Says(name)
	}
	b.Click("Continue")
	wizardStep(t, b, "setup-phone", "3", "Step 3 of 6")
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	wizardStep(t, b, "setup-phone-code", "4", "Step 4 of 6")
	b.Says("We sent a 6-digit code to (202) 555-0143 (United States). It works for 10 minutes.")
	code := p.Code(1)
	if to := p.Texts()[0].To; to != harness.E164 {
		t.Errorf("the text message went to %s, want %s", to, harness.E164)
	}
	b.Type("code", code[:3]+" "+code[3:])
	b.Click("Verify")
	wizardStep(t, b, "setup-scan", "5", "Step 5 of 6")
	app := scanInEveryLook(t, b)
	b.Click("Continue")
	wizardStep(t, b, "setup-app-code", "6", "Step 6 of 6")
	confirming := app.Code(time.Now())
	b.Type("code", confirming)
	b.Click("Verify")
	wizardStep(t, b, "setup-finish", "7", "")
	b.Says("2FA is on")
	codes := harness.Eval[[]string](b, `[...document.querySelectorAll('#recovery-codes li')].map((e) => e.textContent.trim())`)
	if len(codes) != 10 || !recoveryCode.MatchString(codes[0]) {
		t.Errorf("the recovery codes are %q", codes)
	}
	b.Press("Download")
	b.Press("I have saved these codes")
	b.Click("Finish")
	b.At("security")
	b.Says("2FA is on. You have 10 recovery codes.")

	if b.Activations > 9 || b.Entries > 3 {
		t.Errorf("the wizard took %d activations and %d entries; the bar is 9 and 3", b.Activations, b.Entries)
	}
	t.Logf("bar 1: %d activations, %d entries, %.1f s by machine", b.Activations, b.Entries, time.Since(began).Seconds())
	checkDownload(t, b, codes)
	if notice := p.Notices(1)[0]; !strings.HasPrefix(notice, "2FA was set up for your Sallyport account on ") || !strings.Contains(notice, p.URL+"/not-me/") {
		t.Errorf("the notice is %q", notice)
	}

	signOut(b)
	signIn(b)
	b.At("app-code")
	b.Type("code", confirming)
	b.Click("Verify")
	b.At("app-code")
	b.Says("That code has been used already. Wait for the next one, then enter it.")
	b.Activations, b.Entries = 0, 0
	b.Type("code", app.Code(time.Now().Add(30*time.Second)))
	b.Click("Verify")
	b.At("security")
	if b.Activations > 1 || b.Entries > 1 {
		t.Errorf("a daily sign-in took %d activations and %d entries after the password; the bar is 1 and 1", b.Activations, b.Entries)
	}
}

// scanInEveryLook reads the QR code wide and on a phone, light and dark: always
// the same, whatever is reloaded.
func scanInEveryLook(t *testing.T, b *harness.Tab) *harness.App {
	t.Helper()
	key := strings.ReplaceAll(harness.Eval[string](b, `document.getElementById('setup-key').textContent`), " ", "")
	var first *harness.App
	for _, look := range []harness.Look{harness.WideDark, harness.PhoneDark, harness.Phone, harness.Small, harness.Wide} {
		b.Look(look)
		b.Reload()
		if phone := harness.Eval[string](b, `document.querySelector('h1').textContent`) == "Add Sallyport to your app"; phone != look.Phone {
			t.Errorf("%+v: the page for phones is shown: %v", look, phone)
		}
		app := harness.Scan(t, b.Screenshot())
		if app.Secret != key || app.Issuer != "Sallyport" || app.Label != "Sallyport:ada" {
			t.Errorf("%+v: the QR code says %+v, the key is %s", look, app, key)
		}
		link := harness.Import(t, harness.Eval[string](b, `document.querySelector('a[href^="otpauth:"]').getAttribute('href')`))
		if link.Secret != key {
			t.Errorf("%+v: the link says %s, the key is %s", look, link.Secret, key)
		}
		if first == nil {
			first = app
		}
	}
	return first
}

// checkDownload reads the file of recovery codes.
func checkDownload(t *testing.T, b *harness.Tab, codes []string) {
	t.Helper()
	path := filepath.Join(b.Downloads, "sallyport-recovery-codes-ada.txt")
	var raw []byte
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if raw, err = os.ReadFile(path); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("the downloaded codes: %v", err)
		return
	}
	if got := recoveryCode.FindAllString(string(raw), -1); strings.Join(got, " ") != strings.Join(codes, " ") {
		t.Errorf("the file holds %q, the page %q", got, codes)
	}
	for _, want := range []string{"ada", "localhost"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the file does not name %s:\n%s", want, raw)
		}
	}
}

// What `sallyport demo` prints is enough: address, password, page of texts; and the
// example app, which opens by the wizard and is told who came.
func TestTheDemoIsComplete(t *testing.T) {
	t.Parallel()
	demo := harness.Demo(t)
	b := harness.Open(t, demo.URL)
	b.Go(demo.App + "/?from=here")
	b.At("sign-in")
	b.Says("to continue to Example app")
	b.Type("username", harness.Ada)
	b.Type("password", demo.Password)
	b.Click("Sign in")
	b.Click("Configure 2FA")
	b.Click("Continue")
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	outbox := b.Another()
	outbox.Go(demo.Outbox)
	outbox.At("demo-outbox")
	outbox.Click("Check for new messages")
	outbox.At("demo-outbox")
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(outbox.Text())
	if code == "" {
		t.Fatalf("the page of texts shows no code: %s", outbox.Text())
	}
	b.Type("code", code)
	b.Click("Verify")
	app := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	b.Type("code", app.Code(time.Now()))
	b.Click("Verify")
	b.At("setup-finish")
	if !strings.Contains(demo.Printed(), code+" is your Sallyport code.") {
		t.Errorf("the demo does not print the text message:\n%s", demo.Printed())
	}
	b.Press("I have saved these codes")
	b.Click("Finish")
	if at := b.Page(); at != demo.App+"/?from=here" {
		t.Fatalf("the wizard leads to %s:\n%s", at, b.Text())
	}
	b.Says("Remote-User ada Remote-Name Ada Lovelace Remote-Email – Remote-Groups staff Cookie –")
	b.Click("Pay")
	b.Says("Both factors were shown within the last two minutes")
	shown(t, b, "demo-app")
	b.Click("Sign out")
	b.At("confirm")
	b.Click("Sign out")
	b.At("signed-out")
	b.Go(demo.App)
	b.At("sign-in")
	demo.Interrupt()
}

// shown takes pictures of a page that is no part of the guide, for whoever asks for
// them: SHOWN=folder go test.
func shown(t *testing.T, b *harness.Tab, name string) {
	t.Helper()
	folder := os.Getenv("SHOWN")
	if folder == "" {
		return
	}
	for look, of := range map[string]harness.Look{"light": harness.Wide, "dark": harness.WideDark, "small": harness.Small} {
		b.Look(of)
		if err := os.WriteFile(filepath.Join(folder, name+"-"+look+".png"), b.Screenshot(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.Look(harness.Wide)
}
