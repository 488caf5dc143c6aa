package stories_test

import (
	"strings"
	"testing"
	"time"
)

const (
	number3   = "(202) 555-0177"
	e164three = "+12025550177"
	number4   = "(202) 555-0188"
	e164four  = "+12025550188"
	number5   = "(202) 555-0166"
	e164five  = "+12025550166"
)

// newNumber changes the number, as whoever sits at this browser.
func (b *browser) newNumber(typed, to string) {
	b.t.Helper()
	if b.get("/account/phone"); b.page.name() == "confirm" {
		b.confirm("change your mobile number")
	}
	b.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	b.do("Verify", "code", b.p.code(to)).is(want{page: "security"})
}

// shows checks what operators see of a person.
func (p *portal) shows(name string, has, hasNot []string) {
	p.t.Helper()
	got := p.cli("person", "show", name)
	for _, line := range has {
		if !strings.Contains(got, line) {
			p.t.Errorf("without %q:\n%s", line, got)
		}
	}
	for _, line := range hasNot {
		if strings.Contains(got, line) {
			p.t.Errorf("with %q:\n%s", line, got)
		}
	}
}

// Whoever made the disputed change made the next ones too: their notices went to a
// number of the thief's.
func TestADisputeVoidsWhatFollowed(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	thief := owner.twin()
	thief.newNumber(number2, e164two)
	link := dispute(p.text(e164, "number was changed on"))
	thief.get("/account/app").is(want{page: "setup-scan"})
	app := thief.scan()
	thief.do("Continue")
	thief.do("Verify", "code", app.code()).is(want{page: "security"})
	thief.get("/account/codes/new")
	thief.do("Make new codes").is(want{page: "setup-finish"})
	thief.do("Finish", "saved", "yes").is(want{page: "security"})
	thief.newNumber(number3, e164three)
	thief.newNumber(number4, e164four)
	p.shows("ada", []string{"Phone app, Phone app 2", "188", "10 left"}, nil)

	b := p.browser()
	b.get(link).is(want{page: "not-me", texts: []string{"the mobile number of your Example account was changed"}})
	b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
	p.shows("ada", []string{"on hold", "Phone app", "0 left"}, []string{"Phone app 2", "number ending"})
	thief.get("/account/security").is(want{page: "signed-out"})
	p.text(e164four, "account is on hold")

	// What follows begins without anything of the thief's, and they hear of nothing.
	code := p.setupCode("person", "release", "ada", "--checked", "in-person", "--note", "came to the desk")
	b.enter("ada", password).is(want{page: "setup-code"})
	b.do("Continue", "code", code).is(want{page: "two-factor-prompt"})
	p.move(11 * time.Minute)
	heard := map[string]int{e164two: len(p.lines(e164two)), e164three: len(p.lines(e164three)), e164four: len(p.lines(e164four))}
	b.toScan(number5, e164five)
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	p.text(e164five, "A new Example app was set up on")
	p.text(e164, "A new Example app was set up on") // the owner's number of before
	p.quiet(e164five)
	for to, n := range heard {
		if list := p.lines(to); len(list) > n {
			t.Errorf("the thief's number hears: %v", list[n:])
		}
	}
}

// A number that was replaced is told of further changes too, as long as the one in
// its place is on hold.
func TestAReplacedNumberHearsOfTheNextChange(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  phone: optional\n"})
	b := p.enrol("ada", "--email", "ada@example.org")
	const changed, removed = "number was changed on", "number was removed on"
	b.newNumber(number2, e164two)
	p.text(e164, changed)
	p.text(e164two, changed)
	p.move(11 * time.Minute) // texts of one kind to one number are that far apart
	b.newNumber(number3, e164three)
	second := dispute(p.text(e164, changed))
	p.text(e164two, changed)
	p.text(e164three, changed)
	p.quiet(e164)
	p.move(11 * time.Minute)
	b.newNumber(number, e164) // back to the first: that is one number, and one text
	p.text(e164, changed)
	p.text(e164two, changed)
	p.text(e164three, changed)
	p.quiet(e164)
	p.move(11 * time.Minute)
	b.get("/account/phone/remove")
	b.confirm("remove your mobile number")
	b.do("Remove").is(want{page: "security"})
	for _, to := range []string{e164, e164two, e164three} {
		p.text(to, removed)
	}
	p.move(72 * time.Hour)
	c := b.other("ada")
	c.newNumber(number4, e164four)
	p.text(e164four, changed)
	for _, to := range []string{e164, e164two, e164three} {
		p.quiet(to)
	}
	// The link of the second change is as good as that of the first.
	d := p.browser()
	d.get(second)
	d.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
	p.shows("ada", []string{"on hold"}, []string{"number ending"})
}

// Whoever has the app needs no recovery: its code ends the one that is open, and
// the attempts that are in it.
func TestAnAppCodeEndsARecoveryThatIsOpen(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("root", "--operator")
	p.lostTo(e164, "root").is(want{page: "recovery-wait"})
	p.text(e164, "A new Example app can be set up from")
	p.move(24*time.Hour + time.Minute)
	thief := p.lostTo(e164, "root")
	thief.is(want{page: "replace", h1: "Set up your app again"})
	c := owner.other("root")
	p.text(e164, "The request for a new Example app was cancelled on")
	c.get("/account/security").is(want{page: "security"})
	if thief.do("Continue"); thief.page.name() == "setup-app" {
		t.Error("the thief goes on")
	}
	thief.ask("/2fa/setup/app")
	if thief.page.status != 303 && thief.page.name() != "signed-out" {
		t.Errorf("the attempt goes on: %d, %s", thief.page.status, thief.page.brief())
	}
	c.leave()
	p.browser().signIn("root", owner.app).is(want{page: "security"})
	// Another request waits again.
	p.lostTo(e164, "root").is(want{page: "recovery-wait"})
	for _, l := range p.lines(e164) {
		if strings.Contains(l.Text, "was stopped") {
			t.Errorf("an app was stopped: %s", l.Text)
		}
	}
}

// An account that is turned off and on again has no recovery open: it may have been
// turned off because of that.
func TestTurningAnAccountOffEndsARecovery(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.enrol("root", "--operator")
	p.lostTo(e164, "root").is(want{page: "recovery-wait"})
	p.cli("person", "disable", "root")
	p.move(24*time.Hour + time.Minute)
	p.cli("person", "enable", "root")
	p.lostTo(e164, "root").is(want{page: "recovery-wait"})
}

// lostTo asks for a text message to a number, as somebody without the app, and
// enters its code.
func (p *portal) lostTo(to, name string) *browser {
	p.t.Helper()
	b := p.lost(name)
	b.get("/2fa/other")
	b.do("Send SMS").is(want{page: "text-code"})
	b.do("Verify", "code", p.text(to, " code to set up a new app")[:6])
	return b
}
