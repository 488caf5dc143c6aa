package stories_test

import (
	"strings"
	"testing"
	"time"
)

func TestSecurityFaults(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	// The number that one has already, however it is written.
	b.get("/account/phone")
	for _, typed := range []string{number, "+1 202 555 0143", "12025550143"} {
		b.do("Send SMS", "phone", typed).marked(want{page: "setup-phone", h1: "Change your mobile number", problem: "#phone That is your number already.", kept: []string{"phone", typed}})
	}
	p.quiet(e164)
	// The name of an app.
	b.get("/account/security")
	b.click("Rename Phone app").is(want{page: "security", texts: []string{"Name", "Save"}, kept: []string{"name", "Phone app"}})
	b.do("Save", "name", "").marked(want{page: "security", h1: "Security", title: "Error: Security – Example", problem: "#name Enter a name for this app", kept: []string{"name", ""}})
	b.do("Save", "name", " \u3000 ").marked(want{page: "security", problem: "#name Enter a name for this app"})
	long := strings.Repeat("ñ", 41)
	b.do("Save", "name", long).marked(want{page: "security", problem: "#name A name has 40 characters or fewer. You entered 41.", kept: []string{"name", long}})
	b.do("Save", "name", long[:80]).is(want{page: "security", notice: "The app is now called " + long[:80] + "."})
	// The only app, and the only address.
	b.click("Remove " + long[:80]).is(want{page: "confirm", h1: "Remove " + long[:80] + "?"})
	b.do("Remove").is(want{status: 403, page: "security", title: "Error: Security – Example", problem: " You need at least one app. Add another one first."})
	b.get("/account/security").is(want{texts: []string{long[:80]}, absent: []string{"Remove number", "Turn off 2FA"}})
	b.page = b.form("/account/phone/remove")
	b.is(want{status: 403, page: "security", title: "Error: Security – Example", problem: " You need a mail address or a mobile number. Add the other one first."})
	b.get("/account/security")
	b.page = b.form("/account/2fa/off")
	b.is(want{status: 403, page: "security", problem: " You need at least one app. Add another one first."})
	b.get("/account/security").is(want{texts: []string{"2FA is on", "Number ending 143"}})
}

// A number goes where the policy lets it, and another address stays.
func TestRemoveNumber(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  phone: optional\n"})
	b := p.enrol("ada", "--email", "ada@example.org")
	b.get("/account/security")
	b.click("Remove number").is(want{page: "confirm", h1: "Remove your mobile number?"})
	tab := b.tab()
	b.do("Remove").is(want{page: "security", notice: "Your number is removed."})
	p.text(e164, "number was removed on")
	tab.do("Remove").is(want{page: "security", notice: "That was removed already."})
	b.get("/account/security").is(want{texts: []string{"Add a mobile number"}, absent: []string{"Number ending"}})
	c := p.lost("ada")
	c.get("/2fa/other").is(want{texts: []string{"You have no mobile number here."}})
	p.add("grace")
	g := p.browser()
	g.wizard("grace", number2, e164two)
	g.get("/account/security").is(want{absent: []string{"Remove number"}}) // without a mail address it is the last
	g.page = g.form("/account/phone/remove")
	g.is(want{status: 403, problem: " You need a mail address or a mobile number. Add the other one first."})
}

// Acting on a row that another tab has taken away.
func TestRowsThatAreGone(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	first := b.app
	other := b.other("ada")
	b.get("/account/app")
	second := b.scan()
	b.do("Continue")
	b.do("Verify", "code", second.code()).is(want{page: "security", notice: "Your new app is on. Signed out 1 other browser."})
	other.app = first
	other.signIn("ada", first).is(want{page: "security"})
	old := b.tab()
	rename, remove := b.tab(), b.tab()
	old.get("/account/security")
	rename.get("/account/security")
	rename.click("Rename Phone app 2")
	remove.get("/account/security")
	remove.click("Remove Phone app 2").is(want{page: "confirm"})
	b.get("/account/security")
	b.click("Remove Phone app 2")
	b.do("Remove").is(want{page: "security", notice: "Phone app 2 is removed. Signed out 1 other browser."})
	const gone = "That was removed already."
	rename.do("Save", "name", "Tablet").is(want{page: "security", notice: gone})
	remove.do("Remove").is(want{page: "security", notice: gone})
	for _, link := range []string{"Remove Phone app 2", "Replace Phone app 2"} {
		tab := *old
		tab.click(link).is(want{page: "security", notice: gone})
	}
	tab := *old
	tab.do("Sign out Firefox on Linux").is(want{page: "security", notice: gone})
	b.get("/account/security")
	forget := b.tab()
	forget.get("/account/security")
	b.do("Forget Firefox on Linux").is(want{page: "security", notice: "Firefox on Linux is forgotten."})
	forget.do("Forget Firefox on Linux").is(want{page: "security", notice: gone})
	// Three apps at most.
	for range 2 {
		b.get("/account/app?add=yes")
		if b.page.h1() == "Confirm it is you" {
			b.confirm("add an authenticator app")
		}
		next := b.scan()
		b.do("Continue")
		b.do("Verify", "code", next.code()).is(want{page: "security", notice: "Your new app is on."})
	}
	b.is(want{absent: []string{"Add another app"}})
	b.get("/account/app").is(want{page: "security", notice: "You can have 3 apps. Remove one first."})
}

// Whoever came in with a lane that has been closed since changes nothing.
func TestClosedLaneInTheAccount(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	thief := p.browser()
	thief.enter("ada", password)
	thief.do("Verify", "code", b.app.wrong()).is(want{page: "app-code", problem: "#code " + wrongApp})
	p.change("UPDATE limits SET used = 300 WHERE key LIKE 'year/%'")
	p.change("UPDATE sessions SET known = ''")
	b.stale()
	b.get("/account/phone").is(want{page: "confirm"})
	b.do("Continue", "password", password, "code", b.app.code()).is(want{status: 403, page: "confirm",
		problem: " Many wrong codes have followed your password, so this browser can change nothing now. Use a browser you have used before."})
	p.browser().enter("ada", password).is(want{status: 403, page: "wait", h1: "This browser cannot sign in now", absent: []string{"Try again", "Forgot your password?"},
		texts: []string{"Many wrong codes have followed your password, so someone else may know it. Sign in with a browser you have used before, or choose a new password first.", "Neither works? Contact the service desk."}})
}

func TestActivity(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.restart("brand:\n", "brand:\n  time_zone: America/New_York\n")
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	b := p.enrol("ada")
	days := map[string]bool{p.now().In(zone).Format("2 January 2006"): true}
	for range 11 {
		c := p.browser()
		c.get("/sign-in")
		for range 5 { // the sixth would have to wait
			c.press("Sign in", "username", "ada", "password", "wrong words here")
		}
		p.move(10 * time.Minute)
	}
	p.browser().enter("ada", password)
	days[p.now().In(zone).Format("2 January 2006")] = true
	b.enter("ada", password)
	b.get("/account/activity").is(want{page: "activity", step: "0", h1: "Activity", texts: []string{"What happened to your sign-in, newest first. Times are in America/New_York.", "Password right, no code entered", "Wrong password", "Security"},
		absent: []string{"Newer", "555", "Nothing has happened yet."}})
	for _, day := range strings.Split(b.page.main(), "<h2>")[1:] {
		if got := plain(between(day, "", "</h2>")); !days[got] {
			t.Errorf("a day %q, of %v", got, days)
		}
	}
	b.click("Older").is(want{page: "activity", texts: []string{"Newer", "2FA set up", "Mobile number checked"}, absent: []string{"Older"}})
	last := b.page.text()
	for _, path := range []string{"/account/activity?page=2", "/account/activity?page=77", "/account/activity?page=9999999999999999999"} {
		if got := b.get(path).text(); got != last {
			t.Errorf("%s shows %s", path, b.page.brief())
		}
	}
	b.click("Newer").is(want{page: "activity", absent: []string{"Newer"}})
	first := b.page.text()
	for _, path := range []string{"/account/activity?page=-1", "/account/activity?page=x", "/account/activity?page="} {
		if got := b.get(path).text(); got != first {
			t.Errorf("%s shows %s", path, b.page.brief())
		}
	}
}
