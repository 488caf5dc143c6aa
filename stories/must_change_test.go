package stories_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// asked says that nothing opens for somebody before a new password is chosen.
func (p *portal) asked(name string) {
	p.t.Helper()
	p.cli("person", "set", name, "--ask-for-new-password")
}

// barred tries every way past the page that asks for the new password.
func (b *browser) barred() *browser {
	b.t.Helper()
	const first = "/2fa/password?notice=step.first"
	b.is(want{page: "password", h1: "Choose a new password"})
	page := b.page
	for _, path := range []string{"/2fa/start", "/2fa/setup/app", "/2fa/setup/phone", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/code", "/2fa", "/2fa/other", "/2fa/replace"} {
		b.tab().ask(path).leads(first)
	}
	for _, row := range [][]string{{"/2fa/not-now"}, {"/2fa/setup/app"}, {"/2fa/setup/phone", "phone", number2, "country", "US"}, {"/2fa/setup/scan"},
		{"/2fa/setup/scan/new"}, {"/2fa/setup/code", "code", "123456"}, {"/2fa/start/again"}, {"/2fa/text/send"}, {"/2fa/replace", "still", "no"}} {
		tab := b.tab()
		if a := tab.form(row[0], row[1:]...); a.status != 303 || a.to() != first {
			b.t.Errorf("POST %s: %d to %q: %s", row[0], a.status, a.to(), a.brief())
		}
	}
	if a := b.tab().ask("/account/security"); a.name() == "security" {
		b.t.Error("a session before the new password")
	}
	b.page = page
	return b
}

func (b *browser) choose() *page {
	b.t.Helper()
	b.do("Save password", "password", password).is(want{page: "password", problem: "#password That is your present password. Choose a new one."})
	return b.do("Save password", "password", password2)
}

func TestMustChangeBeforeASetUp(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  require: optional\n"})
	p.add("ada")
	p.asked("ada")
	b := p.browser()
	b.enter("ada", password)
	b.barred().choose().is(want{page: "two-factor-prompt", texts: []string{"Not now"}})
	b.toScan(number, e164)
	b.do("Continue")
	// Asked in the middle: the attempt is over, and the next one asks first.
	p.asked("ada")
	b.do("Verify", "code", b.app.code())
	if b.cookies["session"] != "" || b.page.name() == "setup-finish" {
		t.Fatalf("an app was set up: %s", b.page.brief())
	}
	b.enter("ada", password2).is(want{page: "password"})
	b.barred()
	b.do("Save password", "password", password).is(want{page: "setup-app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
}

func TestMustChangeAtLevelOne(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  require: optional\n"})
	p.add("ada")
	b := p.browser()
	b.enter("ada", password)
	late := b.twin()
	b.do("Not now").is(want{page: "signed-in"})
	p.asked("ada")
	b.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out by an administrator."}})
	if late.do("Not now"); late.cookies["session"] != "" {
		t.Errorf("a session from an old tab: %s", late.page.brief())
	}
	b.enter("ada", password)
	b.barred().choose().is(want{page: "two-factor-prompt"})
	b.do("Not now").is(want{page: "signed-in"})

	// Who turned 2FA off gets a session on the password: not on this one.
	c := p.enrol("grace")
	c.get("/account/2fa/off")
	c.do("Turn off 2FA").is(want{page: "security", texts: []string{"2FA is off"}})
	c.leave()
	c.enter("grace", password).is(want{page: "signed-in"})
	p.asked("grace")
	c.get("/account/security").is(want{page: "signed-out"})
	c.enter("grace", password)
	c.barred().choose().is(want{page: "signed-in"})
}

func TestMustChangeInARecovery(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	p.asked("ada")
	owner.get("/account/security").is(want{page: "signed-out"})
	// The app is still there: then the second factor, then the new password.
	b := p.lost("ada")
	b.is(want{page: "app-code"})
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", owner.codes[0]).is(want{page: "replace"})
	b.do("Continue", "still", "yes")
	b.barred()
	// It is not: the new password comes before anything new is bound.
	c := p.lost("ada")
	c.get("/2fa/recovery-code")
	c.do("Verify", "recovery", owner.codes[1])
	c.do("Continue", "still", "no")
	c.barred()
	p.move(11 * time.Minute)
	d := p.lost("ada")
	d.is(want{page: "other-way"})
	d.do("Send SMS")
	d.do("Verify", "code", p.text(e164, " code to set up a new app")[:6]).is(want{page: "replace"})
	d.do("Continue")
	d.barred().choose().is(want{page: "setup-app"})
	d.do("Continue").is(want{page: "setup-scan"})
	d.anew()
	d.do("Finish", "saved", "yes").is(want{page: "security"})
	p.browser().enter("ada", password).is(want{problem: wrongDetails})
}

// An idle session goes on with the password alone, but not with one that must
// change.
func TestMustChangeAfterIdling(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	p.move(61 * time.Minute)
	b.get("/account/security").is(want{page: "signed-out"})
	p.asked("ada")
	b.enter("ada", password).is(want{page: "app-code"})
	b.do("Verify", "code", b.app.code())
	b.barred().choose().is(want{page: "security"})
}

// A password from a time when 2FA was required at once may be short. Where it could
// stand alone it is not enough any more; beside an app it is.
func TestAShortPasswordDoesNotStandAlone(t *testing.T) {
	t.Parallel()
	const short, long = "kite-42-lamp", "kite-42-lamp-orchard"
	p := install(t, settings{})
	p.opened()
	for _, name := range []string{"ada", "grace"} {
		if a := p.run(p.dir, p.env(), short+"\n", "person", "add", name, "--password-stdin"); a.code != 0 {
			t.Fatalf("add: %s", a.err)
		}
	}
	g := p.browser()
	g.enter("grace", short).is(want{page: "two-factor-prompt"})
	g.toScan(number, e164)
	g.do("Continue")
	g.do("Verify", "code", g.app.code()).is(want{page: "setup-finish"})
	p.stop()
	settings, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("sallyport.yaml", string(settings)+"policy:\n  require: optional\n")
	p.start()
	b := p.browser()
	b.enter("ada", short).is(want{page: "password", h1: "Choose a new password", texts: []string{"Passwords need more characters here now."}})
	for _, path := range []string{"/2fa/start", "/2fa/setup/app", "/account/security"} {
		if name := b.tab().get(path).name(); name == "two-factor-prompt" || name == "setup-app" || name == "security" {
			t.Errorf("%s opens %s", path, name)
		}
	}
	b.get("/2fa/password")
	b.do("Save password", "password", short).is(want{page: "password", problem: "#password Your password must have 15 characters or more. You entered 12."})
	b.do("Save password", "password", long).is(want{page: "two-factor-prompt", texts: []string{"Not now"}})
	b.do("Not now")
	b.get("/account/security").is(want{page: "security"})
	b.leave()
	c := p.browser()
	c.enter("ada", long).is(want{page: "two-factor-prompt"})
	p.move(31 * time.Second)
	d := p.browser()
	d.enter("grace", short).is(want{page: "app-code"})
}
