package stories_test

import "testing"

// Who had to choose a new password after both factors has signed in: the record
// says so, and the sign-in is no alarm.
func TestASignInThatAsksForANewPasswordIsOne(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	b := p.enrol("ada")
	p.cli("person", "set", "ada", "--ask-for-new-password")
	c := p.browser()
	c.signIn("ada", b.app).is(want{page: "password"})
	if got := read().sum("sallyport_events_total", "event", "signed-in"); got != 0 {
		t.Errorf("%v sign-ins before the new password", got)
	}
	c.do("Save password", "password", password2).is(want{page: "security", absent: []string{"someone entered your password but not a code"}})
	if got := read().sum("sallyport_events_total", "event", "signed-in", "method", "app"); got != 1 {
		t.Errorf("%v sign-ins", got)
	}
	c.get("/account/activity").is(want{page: "activity", texts: []string{"Signed in with an app code"}, absent: []string{"no code entered"}})
}

// With 2FA off the password alone is a sign-in, and later no alarm.
func TestASignInByPasswordAloneIsOne(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{policy: "  require: optional\n"})
	b := p.enrol("ada")
	b.stale()
	b.get("/account/security")
	b.click("Turn off 2FA")
	b.confirm("turn off 2FA")
	b.do("Turn off 2FA").is(want{page: "security"})
	for range 2 {
		p.browser().enter("ada", password).is(want{page: "signed-in"})
	}
	if got := read().sum("sallyport_events_total", "event", "signed-in", "method", "password"); got != 2 {
		t.Errorf("%v sign-ins", got)
	}
	code := p.setupCode("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "x")
	c := p.browser()
	c.enter("ada", password)
	c.do("Continue", "code", code).is(want{page: "two-factor-prompt", absent: []string{"someone entered your password but not a code"}})
}
