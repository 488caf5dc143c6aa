package stories_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// confirm answers the page that asks for password and code.
func (b *browser) confirm(sentence string) *page {
	b.t.Helper()
	if b.page.h1() != "Confirm it is you" || !strings.Contains(b.page.text(), "You are about to "+sentence+".") {
		b.t.Fatalf("%s asks for no confirmation: %s", b.page.url, b.page.brief())
	}
	b.p.move(31 * time.Second)
	return b.do("Continue", "password", password, "code", b.app.code())
}

// stale lets five minutes and more pass since the last confirmation.
func (b *browser) stale() { b.p.move(5*time.Minute + time.Second) }

func TestSecurityPage(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada", "--display", `Ada <b>Lovelace</b> "&`)
	p.move(time.Minute)
	other := b.other("ada")
	day := p.now().UTC().Format("2 Jan 2006")
	b.get("/account/security").is(want{page: "security", step: "0", h1: "Security", texts: []string{"2FA is on", "Authenticator apps", "Phone app", "Added " + day + ", last used today",
		"Number ending 143", "Checked " + day, "Changed " + day, "10 of 10 left", "Made " + day, "This browser", "Firefox on Linux", "Sign out and forget this browser", "Sign out everywhere else", "Recent activity", "Signed in with an app code", "2FA set up", "See all"},
		absent: []string{"Turn off 2FA", "Remove number", "0555", "555-0143"}})
	if strings.Contains(b.page.body, "<b>Lovelace") || !strings.Contains(b.page.body, "Ada &lt;b&gt;Lovelace") {
		t.Error("markup in a name came through")
	}
	_ = other
	b.click("See all").is(want{page: "activity", h1: "Activity", texts: []string{"What happened to your sign-in, newest first. Times are in UTC.", "2FA set up", "Mobile number checked", "Text message sent"}, absent: []string{"555", "0143"}})
	b.get("/account/activity?page=9999").is(want{page: "activity"})
}

func TestConfirmRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	// 4:59 passes, 5:01 asks.
	p.move(4*time.Minute + 45*time.Second)
	b.ask("/account/phone")
	if b.page.status != 200 {
		t.Errorf("before five minutes: %d %s", b.page.status, b.page.to())
	}
	p.move(20 * time.Second)
	b.ask("/account/phone").leads("/confirm?to=%2Faccount%2Fphone")
	for _, row := range []struct{ path, sentence string }{
		{"/account/phone", "change your mobile number"},
		{"/account/app", "add an authenticator app"},
		{"/account/password", "change your password"},
		{"/account/codes/new", "make new recovery codes"},
	} {
		b.get(row.path).is(want{page: "confirm", texts: []string{"You are about to " + row.sentence + ".", "Use a recovery code instead", "Neither works? Sign out and recover", "Cancel"}})
	}
	// The pages behind refuse too, whatever the browser shows.
	b.get("/confirm?to=/account/password")
	b.press("Continue", "password", "x")
	if a := b.form("/account/password", "password", password2); a.to() != "/confirm?to=%2Faccount%2Fpassword" {
		t.Errorf("password without confirmation: %d %s", a.status, a.to())
	}
	b.get("/account/password")
	for _, row := range []struct{ password, code, problem string }{
		{"", b.app.code(), "#password Enter your password"},
		{"wrong", b.app.code(), "#password That password is not correct"},
		{password, "", "#code Enter the 6-digit code from your app"},
		{password, "12", "#code The code has 6 digits. You entered 2."},
		{password, b.used, "#code That code is not correct. Enter the code showing now for Example (ada)."},
		{password, b.app.wrong(), "#code That code is not correct. Enter the code showing now for Example (ada)."},
	} {
		if row.code == b.used { // minutes old: the past is named at once
			b.do("Continue", "password", row.password, "code", row.code)
			if len(b.page.problems()) != 1 || b.page.name() != "confirm" {
				t.Errorf("used code: %v on %s", b.page.problems(), b.page.name())
			}
			continue
		}
		b.do("Continue", "password", row.password, "code", row.code).is(want{page: "confirm", problem: row.problem, kept: []string{"password", "", "code", ""}})
	}
	before := b.cookies["session"]
	b.confirm("change your password").is(want{page: "password", h1: "Change your password"})
	if b.cookies["session"] == before {
		t.Error("the session kept its name")
	}
	b.stale()
	b.get("/account/phone")
	b.click("Use a recovery code instead").is(want{page: "confirm", texts: []string{"Recovery code"}})
	b.do("Continue", "password", password, "recovery", "x").is(want{problem: "#recovery A recovery code has 16 letters and numbers. You entered 1."})
	b.do("Continue", "password", password, "recovery", b.codes[0]).is(want{page: "setup-phone"})
	p.text(e164, "recovery code was used on")
	b.stale()
	b.get("/account/phone")
	b.do("Neither works? Sign out and recover").is(want{page: "sign-in", kept: []string{"username", "ada"}})
	b.ask("/account/security")
	if b.page.status != 303 {
		t.Error("still signed in")
	}
}

func TestConfirmWrongCodesWait(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.stale()
	b.get("/account/phone")
	for range 9 {
		b.do("Continue", "password", password, "code", b.app.wrong()).is(want{page: "confirm", status: 422, problem: strings.Join(b.page.problems(), " | ")}.any(b))
	}
	b.do("Continue", "password", password, "code", b.app.wrong()).is(want{status: 429, page: "wait"})
	if at, ok := b.page.button("Try again"); !ok || at.action != "/confirm" || len(at.fields) != 2 || at.fields[1] != "/account/phone" {
		t.Errorf("try again: %v", at)
	}
	// Another browser is in another lane.
	b.p.browser().enter("ada", password).is(want{page: "app-code"})
}

// any takes the page's own problem as it is.
func (w want) any(b *browser) want {
	w.problem = strings.Join(b.page.problems(), " | ")
	return w
}

func TestChangeNumber(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	other := b.other("ada")
	b.stale()
	b.get("/account/security")
	b.click("Change number")
	b.confirm("change your mobile number").is(want{page: "setup-phone", step: "0", h1: "Change your mobile number", absent: []string{"Step 3"}})
	b.do("Send SMS", "phone", "+1 202 555 0143").is(want{page: "setup-phone", problem: "#phone That is your number already."})
	b.do("Send SMS", "phone", "12").is(want{page: "setup-phone", problem: "#phone This number is too short for United States. Check the number and the country.", kept: []string{"phone", "12"}})
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code", step: "0"})
	code := p.code(e164two)
	b.do("Verify", "code", "").is(want{problem: "#code Enter the 6-digit code from the text message"})
	b.do("Send SMS again")
	if got := strings.Join(b.page.notices(), ""); !strings.HasPrefix(got, "Wait ") {
		t.Errorf("early: %q", got)
	}
	b.do("Verify", "code", code).is(want{page: "security"})
	from := p.now().Add(72 * time.Hour).UTC().Format("2 Jan")
	if got := strings.Join(b.page.notices(), ""); !strings.Contains(got, "Your number is changed. You can use it for recovery from "+from) || !strings.Contains(got, "Signed out 1 other browser.") {
		t.Errorf("banner %q", got)
	}
	b.is(want{texts: []string{"Number ending 199", ", for recovery from " + from}})
	p.text(e164, "number was changed on")
	p.text(e164two, "number was changed on")
	other.get("/account/security").is(want{page: "signed-out", texts: []string{"because your 2FA was changed."}})
	// On hold for 72 hours; the old one serves nothing.
	c := p.lost("ada")
	c.get("/2fa/other").is(want{absent: []string{"Send SMS", "143"}})
	if got := c.page.text(); !regexp.MustCompile(`Your number was changed on \d+ Nov\. You can use it from \d+ Nov \d\d:\d\d UTC\.`).MatchString(got) {
		t.Errorf("hold: %s", got)
	}
	if a := c.form("/2fa/text/send", "token", c.tab().get("/2fa").token()); a.status != 303 || a.to() == "/2fa/text" {
		t.Errorf("a text to a number on hold: %d %s", a.status, a.to())
	}
	p.quiet(e164two)
	p.move(72 * time.Hour)
	c = p.lost("ada")
	c.get("/2fa/other").is(want{texts: []string{"Send a code to the number ending 199."}})
}

func TestApps(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	first := b.app
	other := b.other("ada")
	b.stale()
	b.get("/account/security")
	b.click("Remove Phone app")
	b.confirm("remove an authenticator app").is(want{page: "confirm", h1: "Remove Phone app?"})
	b.do("Remove")
	b.is(want{status: 403, page: "security", problem: " You need at least one app. Add another one first."})
	// Add.
	b.get("/account/security")
	b.click("Add another app").is(want{page: "setup-scan", step: "0"})
	second := b.scan()
	b.get("/account/app")
	if b.scan().secret.Text() != second.secret.Text() {
		t.Error("refresh changed the QR code")
	}
	if qr := b.tab().ask("/account/app/qr.png"); qr.status != 200 || qr.header.Get("Content-Type") != "image/png" {
		t.Errorf("qr %d", qr.status)
	}
	b.do("Continue").is(want{page: "setup-app-code", step: "0"})
	b.do("Verify", "code", first.code()).is(want{problem: "#code That code is from an older Example entry. In your app, use the newest one, or go back and scan again."})
	b.do("Verify", "code", second.code()).is(want{page: "security", notice: "Your new app is on. Signed out 1 other browser."})
	p.text(e164, "An app was added to your Example account on")
	other.get("/account/security").is(want{page: "signed-out"})
	// Both sign in.
	for _, app := range []app{first, second} {
		c := p.browser()
		c.signIn("ada", app).is(want{page: "security"})
	}
	// Rename.
	b.stale()
	b.get("/account/security")
	b.click("Rename Phone app 2")
	b.app = first
	b.confirm("rename an app").is(want{page: "security", texts: []string{"Name", "Save"}})
	b.do("Save", "name", " ").is(want{page: "security", problem: "#name Enter a name for this app"})
	b.do("Save", "name", strings.Repeat("x", 41)).is(want{page: "security", problem: "#name A name has 40 characters or fewer. You entered 41."})
	b.do("Save", "name", "<i>Tablet</i>").is(want{page: "security", notice: "The app is now called <i>Tablet</i>."})
	// Replace.
	b.stale()
	b.get("/account/security")
	b.click("Replace Phone app")
	b.confirm("replace your authenticator app").is(want{page: "setup-scan", texts: []string{p.now().UTC().Format("(2 Jan 2006)")}})
	third := b.scan()
	b.do("Continue")
	c := p.browser()
	c.signIn("ada", first).is(want{page: "security"}) // works until Verify
	b.do("Verify", "code", third.code())
	if got := strings.Join(b.page.notices(), ""); !strings.Contains(got, "Your new app is on. Delete the old Example entry.") {
		t.Errorf("banner %q on %s", got, b.page.name())
	}
	p.text(e164, "app was replaced on")
	d := p.lost("ada")
	d.do("Verify", "code", first.code()).is(want{problem: "#code That code is from an older Example entry. Use the newest one and delete the old one."})
	// Three at most.
	b.app = third
	b.stale()
	b.get("/account/app")
	b.confirm("add an authenticator app").is(want{page: "setup-scan"})
	fourth := b.scan()
	b.do("Continue")
	b.do("Verify", "code", fourth.code()).is(want{page: "security"})
	b.get("/account/app").is(want{page: "security", notice: "You can have 3 apps. Remove one first."})
	// Remove, and the row in another tab.
	tab := b.tab()
	b.click("Remove <i>Tablet</i>").is(want{page: "confirm"})
	tab.get(b.page.url)
	b.do("Remove").is(want{page: "security", notice: "<i>Tablet</i> is removed."})
	tab.do("Remove").is(want{page: "security", notice: "That was removed already."})
	p.text(e164, "app was removed on")
}

func TestNewCodes(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	other := b.other("ada")
	b.stale()
	b.get("/account/security")
	b.click("Make new codes")
	b.confirm("make new recovery codes").is(want{page: "confirm", h1: "Make new recovery codes?", texts: []string{"Your 10 old codes will stop working now.", "Cancel"}})
	b.do("Make new codes").is(want{page: "setup-finish"})
	codes := b.saved()
	if len(codes) != 10 || codes[0] == b.codes[0] {
		t.Fatalf("codes %v", codes)
	}
	b.get("/account/codes")
	b.do("Finish").is(want{page: "setup-finish", problem: "#saved Tick the box to show that you have saved your recovery codes"})
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	p.text(e164, "New Example recovery codes were made on")
	other.get("/account/security").is(want{page: "signed-out"})
	c := p.lost("ada")
	c.get("/2fa/recovery-code")
	c.do("Verify", "recovery", b.codes[0])
	if got := strings.Join(c.page.problems(), ""); !strings.Contains(got, "That code is from an older list.") {
		t.Errorf("old code: %q", got)
	}
	c.do("Verify", "recovery", codes[0]).is(want{page: "replace"})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	other := b.other("ada")
	b.stale()
	b.ask("/.well-known/change-password").leads("/account/password")
	b.get("/account/password")
	b.confirm("change your password").is(want{page: "password", step: "0", h1: "Change your password", texts: []string{"Sign out everywhere else", "Save password", "Cancel"}, kept: []string{"username", "ada"}})
	for _, row := range []struct{ typed, words string }{
		{"", "Enter a password"},
		{"short", "Your password must have 8 characters or more. You entered 5."},
		{strings.Repeat("x", 1025), "That password is too long. Shorten it to 250 characters."},
		{"password1", "Many people use that password, so it is easy to guess. Choose one that is only yours."},
		{"example1", "That password is too close to your name or to Example. Choose another one."},
		{password, "That is your present password. Choose a new one."},
		{"walnut\u0007orbit", "That password has a character that cannot be typed everywhere. Choose another one."},
	} {
		b.do("Save password", "password", row.typed, "everywhere", "yes").is(want{page: "password", problem: "#password " + row.words, kept: []string{"password", "", "username", "ada"}})
	}
	b.do("Save password", "password", password2).is(want{page: "security", notice: "Your password is changed. Signed out 1 other browser."})
	p.text(e164, "password was changed on")
	other.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out because your password was changed."}})
	p.browser().enter("ada", password).is(want{page: "sign-in", problem: wrongDetails})
	other.enter("ada", password2).is(want{page: "app-code"})
	// Unticked: the others stay.
	p.move(31 * time.Second)
	other.do("Verify", "code", b.app.code()).is(want{page: "security"})
	b.get("/account/password").is(want{page: "password"})
	f, _ := b.page.button("Save password")
	b.follow(b.form(f.action, "token", b.page.token(), "password", password)).is(want{page: "security", notice: "Your password is changed."})
	other.get("/account/security").is(want{page: "security"})
}

func TestBrowsers(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	chrome := p.browser()
	chrome.app, chrome.agent = b.app, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	chrome.signIn("ada", b.app).is(want{page: "security"})
	third := b.other("ada")
	p.move(6 * time.Minute)
	b.get("/account/security")
	b.do("Sign out Chrome on Windows").is(want{page: "confirm", texts: []string{"You are about to sign out another browser."}, absent: []string{"6-digit"}})
	b.do("Continue", "password", "nope").is(want{page: "confirm", problem: "#password That password is not correct"})
	b.do("Continue", "password", password).is(want{page: "security"})
	b.do("Sign out Chrome on Windows").is(want{page: "security", notice: "Signed out Chrome on Windows."})
	chrome.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out because you signed out on another device."}})
	b.get("/account/security").is(want{texts: []string{"Used before, last on "}})
	b.do("Forget Chrome on Windows").is(want{page: "security", notice: "Chrome on Windows is forgotten."})
	b.do("Sign out everywhere else").is(want{page: "security", notice: "Signed out 1 other browser."})
	third.get("/account/security").is(want{page: "signed-out"})
	// The password alone does not pass for a change of the account.
	b.ask("/account/phone").leads("/confirm?to=%2Faccount%2Fphone")
	// Sign out and forget.
	b.get("/account/security")
	b.do("Sign out and forget this browser").is(want{page: "signed-out"})
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.get("/account/activity")
	name := b.cookies["session"]
	p.move(61 * time.Minute)
	b.get("/account/activity").is(want{page: "signed-out", h1: "You have been signed out", texts: []string{"Nothing happened for 60 minutes. Enter your password to carry on where you were."}})
	thief := p.browser()
	thief.enter("ada", password).is(want{page: "app-code"}) // without the old cookie the code is asked for
	b.click("Sign in").is(want{page: "sign-in", kept: []string{"username", "ada"}})
	b.do("Sign in", "password", password).is(want{page: "activity"})
	if b.cookies["session"] == name {
		t.Error("the session kept its name")
	}
	// The old end stands: twelve hours after the first sign-in.
	for range 12 {
		p.move(55 * time.Minute)
		b.get("/account/security")
		time.Sleep(50 * time.Millisecond) // the idle end is moved beside the answer
	}
	b.is(want{page: "signed-out", texts: []string{"You were signed in for 12 hours. Sign in again to carry on where you were."}})
	b.click("Sign in")
	b.do("Sign in", "password", password).is(want{page: "app-code"})
}

func TestSessionPostAfterItsEnd(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.get("/account/phone").is(want{page: "setup-phone"})
	p.move(61 * time.Minute)
	b.do("Send SMS", "phone", number2)
	b.is(want{status: 403, page: "signed-out", texts: []string{"Nothing happened for 60 minutes."}})
	p.quiet(e164two)
}

func TestTurnOff(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  require: optional\n"})
	b := p.enrol("ada")
	b.stale()
	b.get("/account/security")
	b.click("Turn off 2FA")
	b.confirm("turn off 2FA").is(want{page: "confirm", h1: "Turn off 2FA?", texts: []string{"Your password alone will sign you in. Your app and recovery codes stop working now; your number stays. To turn 2FA on again you will need a text message or an administrator."}})
	b.do("Turn off 2FA").is(want{page: "security", texts: []string{"2FA is off"}})
	p.text(e164, "2FA was turned off for Example on")
	c := p.browser()
	c.enter("ada", password).is(want{page: "signed-in"})
	// Turning it on again: never on the password alone.
	c.click("Configure 2FA")
	if c.page.name() == "sign-in" {
		c.do("Sign in", "username", "ada", "password", password)
	}
	c.is(want{page: "other-way", texts: []string{"Prove in one of these ways that it is you, then set up your app again."}})
}
