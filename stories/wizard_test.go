package stories_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPromptStates(t *testing.T) {
	t.Parallel()
	t.Run("required", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.add("ada")
		b := p.browser()
		b.enter("ada", password).is(want{page: "two-factor-prompt", step: "0", h1: "Set up two-factor authentication (2FA)",
			title:  "Set up two-factor authentication (2FA) – Example",
			texts:  []string{"You need 2FA before you can use Example.", "2FA protects your account even if someone learns your password. After your password you enter a 6-digit code from an app on your phone.", "It takes about 2 minutes. You need:", "your phone", "a mobile number that can get text messages", "Sign out", "If neither works for you, contact the service desk."},
			absent: []string{"Not now"}})
		// An old tab of the time when it was optional.
		b.follow(b.form("/2fa/not-now")).is(want{page: "two-factor-prompt", notice: "2FA is now required. Set it up to carry on."})
		b.do("Sign out").is(want{page: "signed-out"})
		b.ask("/2fa/start").leads("/sign-in")
	})
	t.Run("grace", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  grace_days: 14\n"})
		p.add("ada")
		b := p.browser()
		by := p.now().Add(14 * 24 * time.Hour).UTC().Format("2 January 2006")
		b.enter("ada", password).is(want{page: "two-factor-prompt", texts: []string{"You must set up 2FA by " + by + " (14 days left).", "Not now"}})
		p.move(3 * 24 * time.Hour) // the last day does not move
		b = p.browser()
		b.enter("ada", password).is(want{texts: []string{"by " + by + " (11 days left)."}})
		b.do("Not now").is(want{page: "signed-in", h1: "You are signed in", texts: []string{"as ada (ada)", "2FA is off", "Configure 2FA"}})
		p.move(12 * 24 * time.Hour)
		b = p.browser()
		b.enter("ada", password).is(want{texts: []string{"You need 2FA before you can use Example."}, absent: []string{"Not now"}})
	})
	t.Run("optional", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  require: optional\n"})
		p.add("ada")
		p.add("root", "--operator")
		b := p.browser()
		b.enter("ada", password).is(want{page: "two-factor-prompt", texts: []string{"Not now"}, absent: []string{"You need 2FA before", "You must set up"}})
		b.do("Not now").is(want{page: "signed-in"})
		b.get("/account/security").is(want{page: "security", texts: []string{"2FA is off", "Configure 2FA"}, absent: []string{"Password", "Mobile number", "Where you are", "Recovery codes"}})
		for _, path := range []string{"/account/password", "/account/phone", "/account/app", "/account/activity", "/account/codes/new", "/confirm"} {
			b.ask(path).leads("/account/security")
		}
		b.get("/account/security")
		b.click("Configure 2FA")
		if b.page.name() == "sign-in" { // the password again: a stolen cookie binds no app
			b.do("Sign in", "username", "ada", "password", password)
		}
		b.is(want{page: "two-factor-prompt"})
		b.toScan(number, e164)
		b.do("Continue")
		b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
		b.do("Finish", "saved", "yes").is(want{page: "security", texts: []string{"2FA is on"}})
		o := p.browser()
		o.enter("root", password).is(want{page: "two-factor-prompt", absent: []string{"Not now"}})
	})
	t.Run("carry on", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.add("ada")
		b := p.browser()
		b.enter("ada", password)
		b.toScan(number, e164)
		key := b.app.secret.Text()
		p.move(61 * time.Minute)
		b.get("/2fa/setup/scan").is(want{page: "signed-out", h1: "You have been signed out", texts: []string{"You stopped for more than 60 minutes. Sign in to carry on."}})
		p.move(20 * time.Hour)
		b.enter("ada", password).is(want{page: "two-factor-prompt", h1: "Carry on setting up 2FA", texts: []string{"You stopped at step 5. We have kept your mobile number."}})
		b.click("Carry on").is(want{page: "setup-scan"})
		if b.scan().secret.Text() != key {
			t.Error("another QR code on the next day")
		}
		b.get("/2fa/start")
		b.click("Start again").is(want{page: "confirm", h1: "Start again?"})
		b.do("Start again").is(want{page: "two-factor-prompt", h1: "Set up two-factor authentication (2FA)", absent: []string{"We have kept"}})
		b.click("Configure 2FA")
		b.do("Continue").is(want{page: "setup-phone", kept: []string{"phone", ""}})
	})
	t.Run("a day later", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.add("ada")
		b := p.browser()
		b.enter("ada", password)
		b.toScan(number, e164)
		key := b.app.secret.Text()
		p.move(24*time.Hour + time.Minute)
		b.enter("ada", password)
		if b.page.h1() == "Carry on setting up 2FA" {
			b.click("Carry on")
		} else {
			b.click("Configure 2FA")
			b.do("Continue")
		}
		b.is(want{page: "setup-phone", kept: []string{"phone", number}})
		b.do("Send SMS").is(want{page: "setup-phone-code"})
		b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan",
			notice: "This is a new QR code because the last one was more than a day old. Delete the old Example entry, then scan this one."})
		if b.scan().secret.Text() == key {
			t.Error("the same QR code after a day")
		}
	})
	t.Run("invitation asked for", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  enrol: invitation\n"})
		p.add("ada")
		b := p.browser()
		b.enter("ada", password).is(want{page: "two-factor-prompt", texts: []string{"To set up 2FA you need an invitation link. Contact the service desk.", "Sign out"}, absent: []string{"Configure 2FA", "Not now"}})
		b.ask("/2fa/setup/app").leads("/2fa/start?notice=step.first")
		link := p.invitation("person", "invite", "ada")
		c := p.browser()
		c.get(link).is(want{page: "invitation"})
		c.do("Save password", "password", password2).is(want{page: "two-factor-prompt", texts: []string{"Configure 2FA"}})
	})
	t.Run("setup code asked for", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  enrol: code\n"})
		p.add("ada")
		b := p.browser()
		b.enter("ada", password).is(want{page: "setup-code", texts: []string{"You need a setup code to set up 2FA. Contact the service desk."}})
	})
	t.Run("warning line", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.add("ada")
		thief := p.browser()
		at := p.now().UTC().Format("2 January at 15:04")
		thief.enter("ada", password).is(want{page: "two-factor-prompt"})
		b := p.browser()
		b.enter("ada", password)
		if got := strings.Join(b.page.notices(), "|"); !strings.Contains(got, "On "+at[:8]) || !strings.Contains(got, "someone entered your password but not a code. If it was not you, change your password.") {
			t.Errorf("notices %q", got)
		}
		thief.get("/2fa/setup/app")
		thief.do("Continue")
		b.get("/2fa/start")
		if got := strings.Join(b.page.notices(), "|"); !strings.Contains(got, "Someone started setting up 2FA on another device on ") || !strings.Contains(got, "If that was not you, change your password.") {
			t.Errorf("notices %q", got)
		}
	})
}

func (b *browser) is(w want) *page {
	b.t.Helper()
	return b.page.is(w)
}

func TestWizardWords(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA").is(want{page: "setup-app", step: "1", h1: "Install an authenticator app", title: "Install an authenticator app – Steps 1 and 2 of 6 – Example",
		texts: []string{"Steps 1 and 2 of 6", "The app shows a new 6-digit code every 30 seconds. Install one of these on your phone, or use one you already have.",
			"Google Authenticator on the App Store", "Microsoft Authenticator on Google Play", "1Password", "LastPass", "Other authenticator apps work too, including Passwords on iPhone.",
			"Then open the app once, so it is ready. Turn on backup in the app if it has it: a new phone is easier later."}})
	b.do("Continue").is(want{page: "setup-phone", step: "3", h1: "Enter your mobile number", title: "Enter your mobile number – Step 3 of 6 – Example",
		texts: []string{"We use this number only if you lose your authenticator codes. We will send a 6-digit code now to check that it works.", "Your network may charge you for text messages.", "Is a text message safe?"}})
	for _, row := range []struct{ country, typed, words string }{
		{"US", "", "Enter your mobile number"},
		{"US", "202-FLOWER", "Mobile number can only include digits, spaces and + ( ) - ."},
		{"US", "(202) 555-0143 x12", "Enter the number without an extension"},
		{"FR", "06 12", "This number is too short for France. Check the number and the country."},
		{"FR", "06 12 34 56 78 90 12", "This number is too long for France. Check the number and the country."},
		{"GB", "020 7946 0000", "This looks like a landline number. Enter a mobile number that can get text messages."},
		{"GB", "0900 123 4567", "This kind of number cannot get our text messages. Enter an ordinary mobile number."},
		{"US", "+999 123456", "We do not know the country code +999. Check the start of the number."},
		{"US", `<script>alert(1)</script>`, "Mobile number can only include digits, spaces and + ( ) - ."},
	} {
		b.get("/2fa/setup/phone")
		b.do("Send SMS", "country", row.country, "phone", row.typed).is(want{page: "setup-phone", problem: "#phone " + row.words, kept: []string{"phone", row.typed}})
		if strings.Contains(b.page.body, "<script>alert") {
			t.Error("markup came through")
		}
	}
	p.quiet(e164)
	b.do("Send SMS", "country", "US", "phone", number).is(want{page: "setup-phone-code", step: "4", h1: "Enter the code from the text message", title: "Enter the code from the text message – Step 4 of 6 – Example",
		texts: []string{"We sent a 6-digit code to (202) 555-0143 (United States). It works for 10 minutes.", "6-digit text message code", "No text message?", "Texts can take a minute or two.", "You can send again 30 seconds after the last one.", "Use a different number"}})
	code := p.code(e164)
	for _, row := range []struct{ typed, words string }{
		{"", "Enter the 6-digit code from the text message"},
		{"12345", "The code has 6 digits. You entered 5."},
		{"1234567", "The code has 6 digits. You entered 7."},
		{"12a456", "The code is 6 digits, with no letters."},
	} {
		b.do("Verify", "code", row.typed).is(want{page: "setup-phone-code", problem: "#code " + row.words, kept: []string{"code", ""}})
	}
	not := "000000"
	if code == not {
		not = "000001"
	}
	b.do("Verify", "code", not).is(want{problem: "#code That code is not correct. Check the text message and enter the code again."})
	b.do("Verify", "code", not).is(want{problem: "#code That code is not correct. Check the text message and enter the code again. You have 3 tries left."})
	b.do("Send SMS again").is(want{status: 429, page: "setup-phone-code"})
	if got := strings.Join(b.page.notices(), ""); !strings.HasPrefix(got, "Wait ") || !strings.HasSuffix(got, " more seconds, then choose ‘Send SMS again’.") {
		t.Errorf("early: %q", got)
	}
	p.quiet(e164)
	b.press("Verify", "code", "  "+code[:3]+" "+code[3:]).leads("/2fa/setup/scan")
	b.get("/2fa/setup/scan").is(want{page: "setup-scan", step: "5", h1: "Scan the QR code with your app", title: "Scan the QR code with your app – Step 5 of 6 – Example",
		texts: []string{"Open your authenticator app and choose + or ‘Add account’. In Microsoft Authenticator choose ‘Other account’.", "Scan this QR code from inside the app.", "The app will show Example with your name, ada.", "Cannot scan it?", "Open in an authenticator app on this device", "If nothing happens, add this setup key in the app instead:", "Choose ‘Enter a setup key’ and ‘Time based’. Name: Example.", "Keep this page private. Anyone with the QR code or key can make your codes."}})
	b.app = b.scan()
	if at, _ := b.page.link("Open in an authenticator app on this device"); at != "otpauth://totp/Example:ada?secret="+b.app.secret.Text()+"&issuer=Example&algorithm=SHA1&digits=6&period=30" {
		t.Errorf("link %q", at)
	}
	qr := b.tab().ask("/2fa/setup/qr.png")
	if qr.status != 200 || qr.header.Get("Content-Type") != "image/png" || len(qr.body) > 4096 || !strings.HasPrefix(qr.body, "\x89PNG") || qr.header.Get("Cache-Control") != "no-store" {
		t.Errorf("qr: %d %v, %d bytes", qr.status, qr.header, len(qr.body))
	}
	phone := b.tab()
	phone.agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
	phone.get("/2fa/setup/scan").is(want{h1: "Add Example to your app", texts: []string{"Using another device for the app?"}})
	old := b.app
	b.do("Make a new QR code").is(want{page: "setup-scan", notice: "We made a new QR code. Delete the Example entry you added before, then scan this one."})
	b.app = b.scan()
	if b.app.secret.Text() == old.secret.Text() {
		t.Error("no new QR code")
	}
	b.get("/2fa/setup/scan")
	b.do("Continue").is(want{page: "setup-app-code", step: "6", h1: "Enter the code from your app", title: "Enter the code from your app – Step 6 of 6 – Example",
		texts: []string{"Find Example (ada) in the app. Enter the 6 digits it shows now.", "6-digit app code", "Back to the QR code"}})
	p.move(16 * time.Minute) // a new window of tries
	b.get("/2fa/setup/code")
	wrongs := b.app.wrongs(12)
	for _, row := range []struct {
		typed, words string
		texts        []string
	}{
		{"", "Enter the 6-digit code from your app", nil},
		{"12345", "The code has 6 digits. You entered 5.", nil},
		{"abcdef", "The code is 6 digits, with no letters.", nil},
		{code, "That is the code from the text message. Enter the code that Example shows in your app.", nil},
		{b.app.code(-2), "That code has just changed. Enter the code showing now.", nil},
		{b.app.code(-7), "Your phone's clock is about 4 minutes slow. Turn on automatic date and time on the phone, then enter the next code.", []string{"How to fix the clock", "The right time is now ", "iPhone: Settings, General, Date & Time, Set Automatically."}},
		{b.app.code(8), "Your phone's clock is about 4 minutes fast. Turn on automatic date and time on the phone, then enter the next code.", nil},
		{b.app.code(120), "Your phone's clock is about 1 hour fast. The time zone may be wrong. Turn on automatic date and time on the phone, then enter the next code.", nil},
		{old.code(), "That code is from an older Example entry. In your app, use the newest one, or go back and scan again.", nil},
	} {
		b.do("Verify", "code", row.typed).is(want{page: "setup-app-code", problem: "#code " + row.words, texts: row.texts, kept: []string{"code", ""}})
	}
	p.move(16 * time.Minute)
	b.do("Verify", "code", wrongs[0])
	b.is(want{problem: "#code That code is not correct. Codes change every 30 seconds. Enter the one showing now.",
		texts: []string{"Check three things", "You are reading the Example (ada) entry.", "Your phone shows the right time: it is now ", "If you scanned more than once, use the newest entry.", "Scan the QR code again"}})
	for i := 1; i < 6; i++ {
		b.do("Verify", "code", wrongs[i]).is(want{problem: "#code That code is not correct. Codes change every 30 seconds. Enter the one showing now."})
	}
	b.do("Verify", "code", wrongs[6]).is(want{problem: "#code That code is not correct. Codes change every 30 seconds. Enter the one showing now. You have 3 tries left."})
	b.do("Verify", "code", wrongs[7])
	b.do("Verify", "code", wrongs[8]).is(want{problem: "#code That code is not correct. Codes change every 30 seconds. Enter the one showing now. You have 1 try left."})
	b.do("Verify", "code", wrongs[9]).is(want{status: 429, page: "wait", h1: "Wait before you try again", retry: "900",
		texts: []string{"You entered too many wrong codes. You can try again in 15 minutes", "If this was not you, someone may know your password. Change it or contact the service desk."}})
	p.move(15*time.Minute + time.Second)
	b.get("/2fa/setup/scan")
	if b.scan().secret.Text() != b.app.secret.Text() {
		t.Error("wrong codes changed the QR code")
	}
	b.get("/2fa/setup/code")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish", step: "7", h1: "2FA is on",
		texts: []string{"Next time you sign in, we will ask for a code from your app.", "Save your recovery codes", "Each code works once. Use one if you cannot use your app or your phone. Keep them somewhere that is not your phone.", "Download", "I have saved these codes"}})
	codes := b.saved()
	if len(codes) != 10 {
		t.Fatalf("codes %v", codes)
	}
	b.do("Finish").is(want{page: "setup-finish", problem: "#saved Tick the box to show that you have saved your recovery codes"})
	if !slices.Equal(codes, b.saved()) {
		t.Error("other codes after the error")
	}
	file := b.tab().ask("/2fa/setup/codes.txt")
	host := strings.TrimPrefix(p.url, "http://")
	if d := file.header.Get("Content-Disposition"); d != `attachment; filename="example-recovery-codes-ada.txt"` || !strings.HasPrefix(file.header.Get("Content-Type"), "text/plain") {
		t.Errorf("file: %s", d)
	}
	for _, has := range []string{host, "ada", codes[0], codes[9]} {
		if !strings.Contains(file.body, has) {
			t.Errorf("the file lacks %q:\n%s", has, file.body)
		}
	}
	b.do("Finish", "saved", "yes").is(want{page: "security", notice: "2FA is on. You have 10 recovery codes."})
	b.get("/account/security").is(want{absent: []string{"You have 10 recovery codes."}})
	b.ask("/2fa/setup/finish").leads("/account/security")
	p.text(e164, "2FA was set up for your Example account on ")
}

func TestRecoveryCodesHide(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	b.toScan(number, e164)
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	left := b.twin()
	p.move(31 * time.Minute)
	b.get("/2fa/setup/finish").is(want{page: "setup-finish", texts: []string{"Your recovery codes are hidden now. You can make new ones.", "Make new codes"}})
	if len(b.saved()) > 0 {
		t.Error("codes after 30 minutes")
	}
	_ = left
	c := p.browser()
	c.app = b.app
	c.signIn("ada", b.app).is(want{page: "security", texts: []string{"You have not saved your recovery codes. Make new codes."}})
}

// Every row of "where the person is sent".
func TestWhereThePersonIsSent(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	for _, path := range []string{"/2fa", "/2fa/start", "/2fa/setup/app", "/2fa/setup/phone", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/code", "/2fa/setup/finish", "/2fa/other", "/2fa/text", "/2fa/recovery-code", "/2fa/replace", "/2fa/setup-code", "/2fa/password"} {
		if to := b.ask(path); to.status != 303 || !strings.HasPrefix(to.to(), "/sign-in") {
			t.Errorf("%s without an attempt: %d %s", path, to.status, to.to())
		}
	}
	b.enter("ada", password)
	const first = "Finish this step first."
	forward := func(to string, paths ...string) {
		t.Helper()
		for _, path := range paths {
			b.ask(path).leads(to + "?notice=step.first")
			b.get(to + "?notice=step.first").is(want{notice: first})
		}
	}
	forward("/2fa/start", "/2fa/setup/phone", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/code", "/2fa", "/2fa/other", "/2fa/text", "/2fa/recovery-code", "/2fa/replace", "/2fa/setup-code", "/2fa/password")
	b.get("/2fa/setup/app")
	b.do("Continue")
	forward("/2fa/setup/phone", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/code", "/2fa")
	b.get("/2fa/setup/phone")
	b.do("Send SMS", "phone", number)
	forward("/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/code")
	// Back to the number: values kept, nothing sent twice within the gap.
	b.get("/2fa/setup/phone").is(want{kept: []string{"phone", number}})
	b.do("Send SMS").is(want{page: "setup-phone-code"})
	b.get("/2fa/setup/phone/code") // refresh
	code := p.code(e164)
	p.quiet(e164)
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	b.app = b.scan()
	forward("/2fa/setup/scan", "/2fa/setup/code")
	b.get("/2fa/setup/scan")
	if b.scan().secret.Text() != b.app.secret.Text() {
		t.Error("refresh changed the QR code")
	}
	// Back: the number was checked, and may be changed; the secret stays.
	b.get("/2fa/setup/phone").is(want{texts: []string{"We have checked the number ending 143."}})
	b.do("Continue").is(want{page: "setup-scan"})
	b.get("/2fa/setup/phone")
	b.click("Use a different number").is(want{page: "setup-phone"})
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	b.ask("/2fa/setup/scan").leads("/2fa/setup/phone/code?notice=step.first")
	b.get("/2fa/setup/phone/code")
	b.do("Verify", "code", p.code(e164two)).is(want{page: "setup-scan"})
	if b.scan().secret.Text() != b.app.secret.Text() {
		t.Error("another number changed the QR code")
	}
	b.do("Continue").is(want{page: "setup-app-code"})
	// A duplicate tab, of which one starts again.
	tab, late := b.tab(), b.tab()
	tab.get("/2fa/setup/code").is(want{page: "setup-app-code"})
	late.get("/2fa/setup/phone?other=yes").is(want{page: "setup-phone"})
	b.get("/2fa/start/again")
	b.do("Start again")
	b.click("Configure 2FA")
	b.do("Continue")
	tab.do("Verify", "code", b.app.code()).is(want{page: "setup-phone", notice: "You started again in another window. Carry on here."})
	late.do("Send SMS", "phone", number2).is(want{page: "setup-phone", notice: "You started again in another window. Carry on here."})
	p.quiet(e164two)
	p.move(11 * time.Minute)
	b.get("/2fa/setup/phone")
	b.do("Send SMS", "phone", number)
	b.do("Verify", "code", p.code(e164))
	b.app = b.scan()
	b.do("Continue")
	tab = b.tab()
	tab.get("/2fa/setup/scan")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	tab.do("Continue").is(want{page: "setup-finish", notice: "You finished this in another window."})
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	tab.get("/2fa/setup/scan").is(want{page: "security", notice: "You finished this in another window."})
	b.get("/sign-in").is(want{page: "signed-in"})
	b.ask("/2fa").leads("/account/security?notice=another-window")
}

func TestSameFormTwice(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.form("/sign-out", "token", b.get("/account/security").token())
	p.move(31 * time.Second)
	b.enter("ada", password).is(want{page: "app-code"})
	code := b.app.code()
	before := b.twin()
	once := b.press("Verify", "code", code).leads("/account/security")
	for range 3 {
		again := before.twin().press("Verify", "code", code)
		again.leads("/account/security")
		if got, wanted := again.header.Values("Set-Cookie"), once.header.Values("Set-Cookie"); !slices.Equal(got, wanted) {
			t.Errorf("Set-Cookie differs:\n%q\n%q", got, wanted)
		}
	}
	before.twin().press("Verify", "code", "123456").leads("/sign-in")
	p.move(61 * time.Second)
	before.twin().press("Verify", "code", code).leads("/sign-in")
	// The sign-in form twice: one attempt.
	c := p.browser()
	c.get("/sign-in")
	d := c.twin()
	f1 := c.press("Sign in", "username", "ada", "password", password)
	f2 := d.press("Sign in", "username", "ada", "password", password)
	if f1.header.Get("Set-Cookie") != f2.header.Get("Set-Cookie") || f1.to() != f2.to() {
		t.Errorf("two answers to one form:\n%v\n%v", f1.header, f2.header)
	}
}

func TestTwentyPosts(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	p.move(31 * time.Second)
	parallel := func(browsers []*browser, code string) (cookies map[string]int, failed int) {
		cookies = map[string]int{}
		answers := map[string]int{} // of those that failed
		defer func() { t.Log(answers) }()
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, c := range browsers {
			wg.Go(func() {
				answer := c.press("Verify", "code", code)
				mu.Lock()
				defer mu.Unlock()
				if answer.status == http.StatusSeeOther && c.cookies["session"] != "" {
					cookies[c.cookies["session"]]++
				} else {
					failed++
					answers[fmt.Sprint(answer.status, " ", answer.to(), " ", answer.name(), " ", answer.problems())]++
				}
			})
		}
		wg.Wait()
		return cookies, failed
	}
	one := p.browser()
	one.enter("ada", password).is(want{page: "app-code"})
	var same []*browser
	for range 20 {
		same = append(same, one.twin())
	}
	cookies, failed := parallel(same, b.app.code())
	if len(cookies) != 1 || failed != 0 {
		t.Errorf("twenty posts of one form: sessions %v, %d failed", cookies, failed)
	}
	p.move(31 * time.Second)
	var twenty []*browser
	for range 20 {
		c := p.browser()
		c.enter("ada", password).is(want{page: "app-code"})
		twenty = append(twenty, c)
	}
	cookies, failed = parallel(twenty, b.app.code())
	if len(cookies) != 1 || failed != 19 {
		t.Errorf("twenty attempts with one code: sessions %v, %d failed", cookies, failed)
	}
	// The last step of the wizard, twenty times.
	p.add("grace")
	g := p.browser()
	g.enter("grace", password)
	g.toScan(number2, e164two)
	g.do("Continue")
	same = nil
	for range 20 {
		same = append(same, g.twin())
	}
	if cookies, failed = parallel(same, g.app.code()); len(cookies) != 1 || failed != 0 {
		t.Errorf("twenty posts of the last step: sessions %v, %d failed", cookies, failed)
	}
	if n := len(p.lines(e164two)); n > 3 {
		t.Errorf("%d text messages", n)
	}
}

func TestSecondBrowser(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b, thief := p.browser(), p.browser()
	b.enter("ada", password)
	b.toScan(number, e164)
	thief.enter("ada", password).is(want{page: "two-factor-prompt", h1: "Set up two-factor authentication (2FA)"})
	thief.ask("/2fa/setup/scan").leads("/2fa/start?notice=step.first")
	thief.get("/2fa/start")
	thief.click("Configure 2FA")
	thief.do("Continue").is(want{page: "setup-phone", kept: []string{"phone", ""}})
	thief.do("Send SMS", "phone", number2)
	thief.do("Verify", "code", p.code(e164two)).is(want{page: "setup-scan"})
	thief.app = thief.scan()
	if thief.app.secret.Text() == b.app.secret.Text() {
		t.Fatal("the secret is shared")
	}
	thief.do("Continue")
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	at := p.now().UTC().Format("15:04")
	thief.do("Verify", "code", thief.app.code())
	if got := strings.Join(thief.page.notices(), ""); !strings.HasPrefix(got, "2FA was set up on another device at "+at[:3]) || !strings.HasSuffix(got, "If that was not you, contact the service desk now.") {
		t.Errorf("the other sees %q on %s", got, thief.page.name())
	}
	if thief.cookies["session"] != "" {
		t.Error("the other has a session")
	}
	// Its number did not stay.
	b.do("Finish", "saved", "yes").is(want{texts: []string{"Number ending 143"}, absent: []string{"199"}})
	thief.enter("ada", password).is(want{page: "app-code"})
}

func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	c := p.browser()
	c.enter("ada", password).is(want{page: "app-code"})
	p.move(15*time.Minute + time.Second)
	c.do("Verify", "code", b.app.code()).is(want{status: 403, page: "signed-out", h1: "You have been signed out", texts: []string{"It took more than 15 minutes. Start again."}})
	c.get("/2fa").is(want{page: "signed-out", texts: []string{"It took more than 15 minutes. Start again."}})
	p.add("grace")
	g := p.browser()
	g.enter("grace", password)
	g.get("/2fa/setup/app")
	g.do("Continue")
	for range 5 {
		p.move(50 * time.Minute)
		if g.get("/2fa/setup/phone").name() == "setup-phone" {
			g.do("Send SMS", "phone", "12").is(want{page: "setup-phone", problem: "#phone This number is too short for United States. Check the number and the country."})
		}
	}
	if g.page.name() != "signed-out" {
		t.Errorf("after four hours: %s", g.page.name())
	}
}
