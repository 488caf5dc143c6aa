package stories_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestInvitation(t *testing.T) {
	t.Parallel()
	p := open(t)
	link := p.invitation("person", "add", "ada", "--display", "Ada Lovelace")
	b := p.browser()
	b.get(link).is(want{page: "invitation", step: "0", h1: "Welcome to Example", title: "Welcome to Example – Example",
		texts: []string{"Choose a password for the username ada. You need it each time you sign in.", "Save password", "8 characters or more. Four or more words that do not belong together are easy to remember and hard to guess."}, kept: []string{"username", "ada"}})
	b.get(link) // opening it spends nothing
	for _, row := range []struct{ typed, words string }{
		{"", "Enter a password"},
		{"short", "Your password must have 8 characters or more. You entered 5."},
		{"12345678", "Many people use that password, so it is easy to guess. Choose one that is only yours."},
		{"AdaLovelace", "That password is too close to your name or to Example. Choose another one."},
	} {
		b.do("Save password", "password", row.typed).is(want{page: "invitation", problem: "#password " + row.words, kept: []string{"password", ""}})
	}
	late := p.browser()
	late.get(link)
	b.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
	late.do("Save password", "password", password2)
	const used = "This invitation has been used. Sign in with the password you chose."
	late.is(want{status: 410, page: "error", texts: []string{used, "Sign in"}})
	p.browser().get(link).is(want{status: 410, texts: []string{used}})
	b.ask(link).leads("/2fa/start") // Back after saving goes forward
	b.get("/2fa/start")
	b.toScan(number, e164)
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.do("Finish", "saved", "yes").is(want{page: "security", texts: []string{"Ada Lovelace"}}.header())

	// Replaced, expired, unknown.
	first := p.invitation("person", "add", "grace")
	second := p.invitation("person", "invite", "grace")
	p.browser().get(first).is(want{status: 410, texts: []string{"There is a newer invitation. Use the link in the newest message, or ask the service desk."}})
	p.move(72*time.Hour + time.Second)
	p.browser().get(second).is(want{status: 410, texts: []string{"This invitation has expired. It worked for 72 hours. Ask the service desk for a new one."}})
	p.browser().get("/invitation/aaaaaaaaaaaaaaaaaaaaaaaaaa").is(want{status: 404, texts: []string{"This link does not work. Check that you copied all of it."}})
	// For somebody who has a password and an app: only the password is new.
	again := p.invitation("person", "invite", "ada")
	c := p.browser()
	c.get(again).is(want{page: "invitation", h1: "Choose a new password"})
	c.do("Save password", "password", password2).is(want{page: "app-code"})
	b.get("/account/security").is(want{page: "signed-out"})
	p.move(31 * time.Second)
	c.do("Verify", "code", b.app.code()).is(want{page: "security"})
	// Signed in as somebody else.
	third := p.invitation("person", "invite", "grace")
	c.get(third).is(want{page: "invitation", texts: []string{"You are signed in as Ada Lovelace. Sign out to use this invitation."}, absent: []string{"Save password"}})
	c.do("Sign out").is(want{page: "invitation", texts: []string{"Choose a password for the username grace."}})
}

// header drops what stands outside of main.
func (w want) header() want { w.texts = nil; return w }

func TestDispute(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	thief := p.browser()
	thief.enter("ada", password)
	thief.toScan(number, e164)
	thief.do("Continue")
	thief.do("Verify", "code", thief.app.code()).is(want{page: "setup-finish"})
	link := dispute(p.text(e164, "2FA was set up for your Example account on "))
	b := p.browser()
	for range 3 { // scanners do no harm
		b.get(link).is(want{page: "not-me", h1: "Was this not you?", texts: []string{"2FA was set up for your Example account.", "If it was not you, press the button. We cancel the change if it is still waiting, remove what it added, sign out every browser, and put the account on hold until you have spoken with the service desk.", "If it was you, close this page. Nothing changes."}, absent: []string{"ada", "143"}})
	}
	thief.get("/2fa/setup/finish").is(want{page: "setup-finish"})
	if a := b.form(link, "token", ""); a.status != 403 {
		t.Errorf("a press without a token: %d", a.status)
	}
	if strings.Contains(b.page.text(), "This was reported") {
		t.Error("not pressed yet")
	}
	b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold", texts: []string{"Nobody can sign in to it now. Contact the service desk. They will check who you are and give you a setup code."}, absent: []string{"This was reported"}})
	p.text(e164, "account is on hold: someone said a change was not theirs. Call +44 20 7946 0000")
	b.get(link).is(want{page: "not-me", h1: "Your account is on hold", texts: []string{"This was reported on "}})
	thief.get("/account/security").is(want{page: "signed-out"})
	thief.enter("ada", password).is(want{status: 403, page: "held", h1: "Your account is on hold", texts: []string{"Your account is on hold because someone said a change was not theirs. Contact the service desk.", "Back to sign in"}})
	p.browser().enter("ada", "wrong").is(want{problem: wrongDetails})
	p.browser().get("/not-me/aaaaaaaaaaaaaaaaaaaaaaaaaa").is(want{status: 404, texts: []string{"This link does not work. Check that you copied all of it."}})

	code := p.setupCode("person", "release", "ada", "--checked", "in-person", "--note", "came to the desk")
	p.quiet(e164) // the number that the thief proved hears no more
	b.enter("ada", password).is(want{page: "setup-code"})
	b.do("Continue", "code", code).is(want{page: "two-factor-prompt", texts: []string{"Your account was released on " + p.now().UTC().Format("2 January 2006") + ". Set up 2FA again to carry on."}})
	b.toScan(number2, e164two) // the disputed number is gone
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.do("Finish", "saved", "yes").is(want{texts: []string{"Number ending 199"}})
	fresh := dispute(p.text(e164two, "Not you?"))
	p.move(7*24*time.Hour + time.Second)
	p.browser().get(fresh).is(want{status: 410, texts: []string{"This link worked for 7 days. Contact the service desk if a change was not yours."}})
}

func TestDisputedPassword(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.get("/account/password")
	b.do("Save password", "password", password2).is(want{page: "security"})
	link := dispute(p.text(e164, "password was changed on"))
	c := p.browser()
	c.get(link)
	c.do("It was not me").is(want{h1: "Your account is on hold"})
	p.browser().enter("ada", password2).is(want{problem: wrongDetails})
	out := p.cli("person", "release", "ada", "--checked", "in-person", "--note", "came to the desk")
	if !strings.Contains(out, "/invitation/") || !strings.Contains(out, "setup code for ada") {
		t.Errorf("release: %s", out)
	}
	p.text(e164, "account is no longer on hold. You need a setup code from an administrator.")
}

func TestSignedInAndOut(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.get("/sign-in").is(want{page: "signed-in", h1: "You are signed in", texts: []string{"as ada (ada)", "Continue", "Use a different account"}})
	b.ask("/").leads("/account/security")
	b.get("/sign-out").is(want{page: "confirm", h1: "Sign out?"})
	b.get("/account/security").is(want{page: "security"})
	b.get("/sign-out")
	known := b.cookies["known"]
	out := b.press("Sign out").leads("/signed-out")
	if got := out.header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %s", got)
	}
	b.get("/signed-out").is(want{page: "signed-out", h1: "You are signed out", texts: []string{"You are signed out of Example and of the apps you entered through it.", "Sign in", "Forget this browser", "Choose this on a computer that you share. The browser then counts as new."}})
	if b.cookies["known"] != known || b.cookies["session"] != "" {
		t.Errorf("cookies %v", b.cookies)
	}
	b.ask("/account/security").leads("/sign-in?rd=%2Faccount%2Fsecurity")
	b.get("/signed-out")
	b.do("Forget this browser").is(want{page: "signed-out", notice: "This browser is forgotten.", absent: []string{"Choose this on a computer"}})
	if b.cookies["known"] != "" {
		t.Error("still known")
	}
	b.get("/account/activity")
	b.is(want{page: "sign-in"})
	// A different account.
	b.enter("ada", password).is(want{page: "app-code"})
	b.do("Use a different account").is(want{page: "sign-in", kept: []string{"username", ""}})
	b.ask("/2fa").leads("/sign-in")
}

func TestOperatorsCommandsBesideThePortal(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.get("/account/security").is(want{page: "security"})
	p.cli("person", "disable", "ada")
	b.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out by an administrator."}})
	b.enter("ada", password).is(want{status: 403, page: "error", h1: "Your account is turned off"})
	p.cli("person", "enable", "ada")
	b.signIn("ada", b.app).is(want{page: "security"})
	c := p.lost("ada")
	c.is(want{page: "app-code"})
	p.cli("person", "disable", "ada")
	p.move(31 * time.Second)
	c.do("Verify", "code", b.app.code())
	if c.cookies["session"] != "" || c.page.name() == "security" {
		t.Errorf("a disabled person came in: %s", c.page.name())
	}
	p.cli("person", "enable", "ada")
	p.cli("person", "set", "ada", "--ask-for-new-password")
	d := p.browser()
	d.signIn("ada", b.app).is(want{page: "password", h1: "Choose a new password", texts: []string{"Someone else may know your password. You can carry on when you have chosen a new one.", "Sign out"}, absent: []string{"Cancel", "Sign out everywhere else"}})
	for _, path := range []string{"/2fa", "/2fa/start", "/2fa/other"} {
		d.ask(path).leads("/2fa/password?notice=step.first")
	}
	if d.cookies["session"] != "" {
		t.Error("a session before the new password")
	}
	d.get("/2fa/password")
	d.do("Save password", "password", password).is(want{page: "password", problem: "#password That is your present password. Choose a new one."})
	d.do("Save password", "password", password2).is(want{page: "security"})
	p.cli("person", "sign-out", "ada")
	d.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out by an administrator."}})
}

func TestFourthDisputeOfADay(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.enrol("ada")
	for i := range 4 {
		p.move(11 * time.Minute) // texts of one kind are that far apart
		p.setupCode("person", "reset-2fa", "ada", "--checked", "other", "--note", "x", "--keep-phone")
		link := dispute(p.text(e164, "An administrator reset your Example 2FA on "))
		b := p.browser()
		b.get(link).is(want{page: "not-me", h1: "Was this not you?", texts: []string{"an administrator reset the 2FA of your Example account"}})
		b.do("It was not me")
		if i == 3 {
			b.is(want{status: 410, texts: []string{"We have told the administrators. Contact the service desk."}})
			p.browser().enter("ada", password).is(want{page: "setup-code"})
			break
		}
		b.is(want{page: "not-me", h1: "Your account is on hold"})
		p.setupCode("person", "release", "ada", "--checked", "other", "--note", "x")
	}
}

func TestTheOwnerDisputesFromTheActivityPage(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	p.move(6 * time.Minute)
	owner.click("Make new codes")
	owner.confirm("make new recovery codes")
	owner.do("Make new codes")
	owner.do("Finish", "saved", "yes")
	stranger := p.browser()
	p.add("eve")
	stranger.wizard("eve", number2, e164two)

	owner.get("/account/activity").is(want{page: "activity", texts: []string{"New recovery codes made", "2FA set up"}})
	link := ""
	for _, m := range linkMark.FindAllStringSubmatch(owner.page.main(), -1) {
		if words := plain(m[2]); strings.HasPrefix(words, "This was not me") {
			if strings.Contains(words, "New recovery codes made, ") {
				link = m[1]
			} else if !strings.Contains(words, "2FA set up, ") {
				t.Errorf("%q can be disputed", words)
			}
		}
	}
	if link == "" {
		t.Fatalf("no link beside the new codes: %s", owner.page.brief())
	}
	stranger.ask(link).is(want{status: 404, texts: []string{"This link does not work. Check that you copied all of it."}})
	p.browser().ask(link).leads("/sign-in?rd=" + url.QueryEscape(link))
	p.browser().get("/not-me/" + between(link, "/account/activity/", "/")).is(want{status: 404}) // the row is not the token
	owner.get(link).is(want{page: "not-me", h1: "Was this not you?", texts: []string{"new recovery codes were made for your Example account."}})
	owner.get("/account/security").is(want{page: "security"}) // looking changed nothing
	owner.get(link)
	if a := owner.form(link, "token", "x"); a.status != 403 {
		t.Errorf("a press without a token: %d", a.status)
	}
	owner.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
	owner.get("/account/security").is(want{page: "signed-out"})
	p.browser().enter("ada", password).is(want{status: 403, page: "held"})

	// After seven days an entry is history.
	p.move(8 * 24 * time.Hour)
	late := p.browser()
	late.signIn("eve", stranger.app).is(want{page: "security"})
	late.get("/account/activity?page=99").is(want{page: "activity", texts: []string{"2FA set up"}, absent: []string{"This was not me"}})
	if late.page.url != "/account/activity?page=0" {
		t.Errorf("a page that is not there leads to %s", late.page.url)
	}
}
