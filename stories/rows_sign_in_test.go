package stories_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// notMe is the link of the newest notice to a number that has one.
func (p *portal) notMe(to string) string {
	p.t.Helper()
	for _, l := range slices.Backward(p.lines(to)) {
		if strings.Contains(l.Text, "/not-me/") {
			return dispute(l.Text)
		}
	}
	p.t.Fatalf("no notice with a link to %s", to)
	return ""
}

func TestSignInFaultsAreMarked(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	p.add("off")
	p.cli("person", "disable", "off")
	p.invitation("person", "add", "invited")
	p.enrol("held")
	b := p.browser()
	b.get(p.notMe(e164))
	b.do("It was not me").is(want{page: "not-me"})
	b = p.browser()
	b.get("/sign-in").is(want{page: "sign-in", h1: "Sign in", absent: []string{"Forgot your password?"}})
	for _, row := range []struct{ name, password, problem string }{
		{"", "", "#username Enter your username"},
		{"", "wrong", "#username Enter your username"},
		{"ada", "", "#password Enter your password"},
		{"ada", "wrong", wrongDetails},
		{"nobody", "wrong", wrongDetails},
		{"off", "wrong", wrongDetails},
		{"invited", "wrong", wrongDetails},
		{"held", "wrong", wrongDetails},
	} {
		b.do("Sign in", "username", row.name, "password", row.password).
			marked(want{page: "sign-in", title: "Error: Sign in – Example", problem: row.problem, kept: []string{"username", row.name}})
		if row.problem != wrongDetails {
			continue
		}
		// Either may be the wrong one: both are marked, and share the words.
		tag := b.page.tag("password")
		by, _ := attribute(tag, "aria-describedby")
		if invalid, _ := attribute(tag, "aria-invalid"); invalid != "true" || by != "username-err" {
			t.Errorf("the password is %s", tag)
		}
	}
	b.do("Sign in", "username", "held", "password", password).is(want{status: 403, page: "held", h1: "Your account is on hold",
		texts: []string{"Your account is on hold because someone said a change was not theirs. Contact the service desk.", "Back to sign in"}})
	b.click("Back to sign in").is(want{page: "sign-in"})
	b.do("Sign in", "username", "off", "password", password).is(want{status: 403, page: "error", h1: "Your account is turned off",
		texts: []string{"Contact the service desk to turn it back on."}})
}

// A form that lay open for more than twelve hours does nothing, and says why.
func TestStaleForms(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  session_length: 24h\n"})
	b := p.enrol("ada")
	const stale = "This page was open for too long. Check it and send it again."
	form, question := b.tab(), b.tab()
	form.get("/account/phone").is(want{page: "setup-phone"})
	question.get("/confirm?to=/account/phone").is(want{page: "confirm"})
	for range 15 {
		p.move(50 * time.Minute)
		b.get("/account/activity").is(want{page: "activity"})
		time.Sleep(200 * time.Millisecond) // the idle end is moved beside the answer
	}
	question.do("Continue", "password", password, "code", b.app.code()).is(want{status: 422, page: "confirm", notice: stale})
	question.do("Continue", "password", password, "code", b.app.code()).is(want{page: "setup-phone"})
	form.do("Send SMS", "phone", number2).is(want{status: 422, page: "error", h1: "There is a problem", texts: []string{stale}})
	p.quiet(e164two)
}

func TestPromptRows(t *testing.T) {
	t.Parallel()
	t.Run("the last day", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  grace_days: 2\n"})
		p.add("ada")
		by := p.now().Add(48 * time.Hour).UTC().Format("2 January 2006")
		p.browser().enter("ada", password).is(want{page: "two-factor-prompt", texts: []string{"You must set up 2FA by " + by + " (2 days left)."}})
		p.move(25 * time.Hour)
		p.browser().enter("ada", password).is(want{page: "two-factor-prompt", texts: []string{"You must set up 2FA by " + by + " (1 day left).", "Not now"}})
	})
	t.Run("an invitation, or not now", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  enrol: invitation\n  grace_days: 14\n"})
		p.add("ada")
		b := p.browser()
		b.enter("ada", password).is(want{page: "two-factor-prompt", texts: []string{"To set up 2FA you need an invitation link. Contact the service desk.", "Not now"}, absent: []string{"Configure 2FA", "Sign out"}})
		b.do("Not now").is(want{page: "signed-in", h1: "You are signed in", texts: []string{"as ada (ada)", "2FA is off"}})
	})
	t.Run("somebody knew the password", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		owner := p.enrol("ada")
		p.move(time.Hour - 20*time.Minute)
		at := p.now().UTC()
		p.browser().enter("ada", password).is(want{page: "app-code"})
		owner.get("/account/security").is(want{page: "security"})
		owner.page.shows("On " + at.Format("2 January") + ` at \d\d:\d\d UTC someone entered your password but not a code\. If it was not you, change your password\.`)
		owner.other("ada").page.shows("On .* someone entered your password but not a code.*")
	})
}

func TestSignedInRows(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  require: optional\n"})
	p.add("ada", "--display", "Ada Lovelace")
	b := p.browser()
	b.enter("ada", password)
	b.do("Not now").is(want{page: "signed-in", h1: "You are signed in", texts: []string{"as Ada Lovelace (ada)", "2FA is off", "Configure 2FA"}})
	b.get("/sign-in?rd=/account/activity").is(want{page: "signed-in"})
	if to, _ := b.page.link("Continue"); to != "/account/activity" {
		t.Errorf("continue leads to %s", to)
	}
	b.get("/sign-in?rd=https://evil.example/")
	if to, _ := b.page.link("Continue"); to != "/account/security" {
		t.Errorf("continue leads to %s", to)
	}
	b.do("Use a different account").is(want{page: "sign-in", kept: []string{"username", ""}})
	b.ask("/account/security").leads("/sign-in?rd=%2Faccount%2Fsecurity")
	b.ask("/").leads("/sign-in")
	b.get("/sign-out").is(want{page: "confirm", h1: "Sign out?"})
	b.do("Sign out").is(want{page: "signed-out", h1: "You are signed out", absent: []string{"Forget this browser"}}) // it never was known
	b.click("Sign in").is(want{page: "sign-in"})
}

// Why somebody is no longer signed in, and where they were, is kept for a day.
func TestEndedRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	const title = "You have been signed out"
	third := b.other("ada")
	p.move(6 * time.Minute)
	b.get("/account/security")
	b.do("Sign out everywhere else")
	b.do("Continue", "password", password)
	b.do("Sign out everywhere else").is(want{page: "security", notice: "Signed out 1 other browser."})
	const elsewhere = "You were signed out because you signed out on another device."
	third.get("/account/activity").is(want{page: "signed-out", h1: title, texts: []string{elsewhere}, absent: []string{"Forget this browser"}})
	if at, _ := third.page.link("Sign in"); at != "/sign-in?rd=%2Faccount%2Factivity" {
		t.Errorf("it leads back to %s", at)
	}
	p.move(61 * time.Minute)
	b.get("/account/activity").is(want{page: "signed-out", h1: title, texts: []string{"Nothing happened for 60 minutes. Enter your password to carry on where you were."}})
	p.move(22 * time.Hour)
	third.get("/account/security").is(want{page: "signed-out", texts: []string{elsewhere}})
	b.get("/account/activity").is(want{page: "signed-out", h1: title, texts: []string{"You were signed in for 12 hours. Sign in again to carry on where you were."}})
	b.click("Sign in").is(want{page: "sign-in", kept: []string{"username", "ada"}})
	b.do("Sign in", "password", password).is(want{page: "app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: "activity"})
}
