package stories_test

import (
	"strings"
	"testing"
	"time"
)

// lost is a new browser of somebody who has no app, past the password.
func (p *portal) lost(name string) *browser {
	p.t.Helper()
	p.move(31 * time.Second)
	b := p.browser()
	b.enter(name, password)
	return b
}

// anew sets the app up again, from "Install an authenticator app" to the end.
func (b *browser) anew() {
	b.t.Helper()
	b.is(want{page: "setup-scan", step: "0", texts: []string{"Your app may still show an old Example entry. Delete it when you have finished.", b.p.now().UTC().Format("(2 Jan 2006)")}, absent: []string{"Step"}})
	b.app = b.scan()
	b.do("Continue").is(want{page: "setup-app-code", step: "0"})
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.codes = b.saved()
}

func TestRecoveryByTextMessage(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	second := owner.other("ada")
	b := p.lost("ada")
	b.click("I cannot use my app").is(want{page: "other-way", h1: "Sign in another way", absent: []string{"Setup code", "Prove in one of these ways"}, texts: []string{"Text message", "Recovery code", "Neither works", "Back to the app code"}})
	b.do("Send SMS").is(want{page: "text-code", h1: "Enter the code from the text message", texts: []string{"We sent a 6-digit code to the number ending 143. It works for 10 minutes.", "Try another way"}, absent: []string{"different number", "555"}})
	text := p.text(e164, " code")
	if !strings.Contains(text, "is your Example code to set up a new app. Not you? Someone has your password: change it now.") {
		t.Errorf("text %q", text)
	}
	code := text[:6]
	b.do("Verify", "code", "").is(want{problem: "#code Enter the 6-digit code from the text message"})
	not := "000000"
	if code == not {
		not = "000001"
	}
	b.do("Verify", "code", not).is(want{page: "text-code", problem: "#code That code is not correct. Check the text message and enter the code again."})
	// On the page of the app code it is told so, and counts nothing.
	app := b.tab()
	app.get("/2fa")
	app.do("Verify", "code", code).is(want{page: "app-code", problem: "#code That is a text message code. Enter it on the text message page."})
	b.do("Verify", "code", code).is(want{page: "replace", h1: "Set up your app again", texts: []string{"Your old app stops working now. We will tell every address of this account.", "Continue"}, absent: []string{"Yes, but"}})
	if b.cookies["session"] != "" {
		t.Fatal("a text message opened a session")
	}
	// Nothing is bound before the old app is stopped.
	for _, path := range []string{"/2fa/setup/app", "/2fa/setup/scan", "/2fa/setup/code"} {
		b.ask(path).leads("/2fa/replace?notice=step.first")
	}
	if _, ok := b.get("/2fa/replace").button("Continue"); !ok {
		t.Fatal("no button")
	}
	late := b.twin()
	b.do("Continue").is(want{page: "setup-app", step: "0"})
	p.text(e164, "Your Example app was stopped for a new one, ")
	// The old app and the other sessions are gone; a new attempt gets nothing.
	second.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out because your 2FA was changed."}})
	half := p.browser()
	half.enter("ada", password).is(want{page: "other-way", notice: "Your old app was stopped on " + p.now().UTC().Format("2 January") + ".", texts: []string{"Prove in one of these ways that it is you, then set up your app again."}})
	half.ask("/2fa/setup/app").leads("/2fa/other?notice=step.first")
	half.ask("/2fa").leads("/2fa/other?notice=step.first")
	_ = late
	b.do("Continue").is(want{page: "setup-scan"}) // the number was proved a moment ago
	b.anew()
	p.text(e164, "A new Example app was set up on ")
	b.do("Finish", "saved", "yes").is(want{page: "security", texts: []string{"10 of 10 left", "Number ending 143"}})
	half.get("/2fa/other")
	if got := strings.Join(half.page.notices(), ""); half.page.name() != "sign-in" && !strings.Contains(got, "2FA was set up on another device at") {
		t.Errorf("the other attempt: %s %q", half.page.name(), got)
	}
	p.lost("ada").do("Verify", "code", owner.app.code()).is(want{page: "app-code", problem: "#code That code is from an older Example entry. Use the newest one and delete the old one."})
	p.browser().signIn("ada", b.app).is(want{page: "security"})
	p.lost("ada").is(want{page: "app-code"})
}

func TestAppCodeOnTheTextPage(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	b := p.lost("ada")
	b.get("/2fa/other")
	b.do("Send SMS")
	p.code(e164)
	b.do("Verify", "code", owner.app.code()).is(want{page: "security"})
}

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	b := p.lost("ada")
	b.get("/2fa/other")
	b.click("Enter a recovery code").is(want{page: "recovery-code", h1: "Enter a recovery code", texts: []string{"16 letters and numbers, like 8KZT-4Q2M-7XPD-93HB. Small letters and missing dashes are fine.", "Try another way"}})
	for _, row := range []struct{ typed, words string }{
		{"", "Enter a recovery code"},
		{"8KZT-4Q2M", "A recovery code has 16 letters and numbers. You entered 8."},
		{"123456", "That looks like an app code. A recovery code has 16 letters and numbers."},
		{"8KZT-4Q2M-7XPD-93HB", "That recovery code is not correct. Check it, or try another one."},
	} {
		b.do("Verify", "recovery", row.typed).is(want{page: "recovery-code", problem: "#recovery " + row.words})
	}
	// Yes: the session begins, the app stays.
	b.do("Verify", "recovery", strings.ToLower(strings.ReplaceAll(owner.codes[0], "-", " "))).is(want{page: "replace", h1: "Do you still have your authenticator app?", notice: "You have 9 recovery codes left.",
		texts: []string{"Yes, but not with me now", "No, it is lost, deleted or on an old phone"}})
	p.text(e164, "A Example recovery code was used on ")
	if b.cookies["session"] != "" {
		t.Fatal("a session before the question was answered")
	}
	b.do("Continue").is(want{page: "replace", problem: "#still Choose whether you still have your authenticator app"})
	b.do("Continue", "still", "yes").is(want{page: "security", texts: []string{"9 of 10 left"}})
	b.leave()
	b.enter("ada", password)
	b.do("Verify", "code", owner.app.code()).is(want{page: "security"})

	// Used once.
	b = p.lost("ada")
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", owner.codes[0]).is(want{problem: "#recovery You have used that recovery code already. Try the next one on your list."})
	// No: the old app is stopped, the number is asked for again.
	b.do("Verify", "recovery", owner.codes[1]).is(want{page: "replace"})
	b.do("Continue", "still", "no").is(want{page: "setup-app", step: "0"})
	p.text(e164, "Your Example app was stopped for a new one, ")
	p.lost("ada").is(want{page: "other-way"})
	b.do("Continue").is(want{page: "setup-phone", step: "0", texts: []string{"Is the number ending 143 still yours?", "Yes, use this number", "Use a different number"}})
	b.ask("/2fa/setup/scan").leads("/2fa/setup/phone?notice=step.first")
	b.get("/2fa/setup/phone")
	p.move(time.Minute)
	b.do("Yes, use this number").is(want{page: "setup-phone-code", step: "0"})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
	b.anew()
	day := p.now().UTC().Format("2 January 2006")
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	// The list before.
	c := p.lost("ada")
	c.is(want{page: "app-code"})
	c.get("/2fa/recovery-code")
	c.do("Verify", "recovery", owner.codes[5]).is(want{problem: "#recovery That code is from an older list. Use the list you saved on " + day + "."})
	// Each works once, in any number of browsers.
	for i, code := range b.codes[:7] {
		r := p.lost("ada")
		r.get("/2fa/recovery-code")
		r.do("Verify", "recovery", code).is(want{page: "replace"})
		r.do("Continue", "still", "yes").is(want{page: "security"})
		if i == 6 {
			r.is(want{texts: []string{"3 of 10 left"}})
			if got := r.page.text(); !strings.Contains(got, "Make new codes") {
				t.Errorf("no offer of new codes: %s", got)
			}
		}
	}
}

// Twenty browsers with one recovery code: one of them gets on.
func TestRecoveryCodeOnce(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	var list []*browser
	for range 5 {
		b := p.lost("ada")
		b.get("/2fa/recovery-code")
		list = append(list, b)
	}
	won := make(chan bool, len(list))
	for _, b := range list {
		go func() { won <- b.press("Verify", "recovery", owner.codes[0]).status == 303 }()
	}
	n := 0
	for range list {
		if <-won {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d browsers got on with one code", n)
	}
}

func TestRecoveryWithAWait(t *testing.T) {
	t.Parallel()
	when := func(at time.Time) string { return at.UTC().Format("2 Jan 15:04 MST") }
	// begin asks for a recovery and returns when it can be used.
	begin := func(p *portal) (*browser, *browser, time.Time) {
		owner := p.enrol("root", "--operator")
		b := p.lost("root")
		b.get("/2fa/other").is(want{texts: []string{"Send a code to the number ending 143. Because you are an administrator, you can set up your app 24 hours after that."}})
		b.do("Send SMS").is(want{page: "text-code"})
		b.do("Verify", "code", p.code(e164)).is(want{page: "recovery-wait"})
		at := p.now().Add(24 * time.Hour)
		title := b.page.h1()
		if title != "You can set up a new app from "+when(at) {
			at = at.Add(-time.Minute)
		}
		b.is(want{page: "recovery-wait", step: "0", h1: "You can set up a new app from " + when(at),
			texts: []string{"We have told every address of this account. Come back after that time, in any browser: enter your password and a new text message code. You can do it until " + when(at.Add(72*time.Hour)) + ".", "Found your app? Sign in with an app code: that cancels this request.", "Back to sign in"}})
		p.text(e164, "A new Example app can be set up from ")
		return owner, b, at
	}
	t.Run("opens", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		asked := p.now()
		owner, b, at := begin(p)
		_ = owner
		_ = asked
		b.get("/2fa/recovery-wait").is(want{h1: "You can set up a new app from " + when(at)})
		b.ask("/2fa/replace").leads("/2fa/recovery-wait")
		// A second request moves nothing.
		p.move(3 * time.Hour)
		c := p.lost("root")
		c.is(want{page: "app-code"})
		if got := strings.Join(c.page.notices(), ""); !strings.Contains(got, "to set up a new app. It can be done from "+when(at)+". If it was not you, enter your app code: that cancels it.") {
			t.Errorf("S9: %q", got)
		}
		c.get("/2fa/other").is(want{texts: []string{"You can set up a new app from " + when(at) + ".", "Show the request"}})
		if a := c.form("/2fa/text/send", "token", c.tab().get("/2fa").token()); a.to() != "/2fa/recovery-wait" {
			t.Errorf("second request: %d %s", a.status, a.to())
		}
		p.quiet(e164)
		c.get("/2fa/recovery-wait").is(want{h1: "You can set up a new app from " + when(at)})
		// Just before it still waits, in any browser.
		exact := openAt(p, c)
		p.move(exact.Sub(p.now()) - 4*time.Second)
		d := p.browser()
		d.enter("root", password)
		d.get("/2fa/other").is(want{texts: []string{"Show the request"}})
		d.ask("/2fa/replace").leads("/2fa?notice=step.first")
		for d.get("/2fa/recovery-wait"); strings.HasPrefix(d.page.h1(), "You can set up a new app from"); d.get("/2fa/recovery-wait") {
			if p.now().After(exact.Add(2 * time.Second)) {
				t.Fatal("not open two seconds after its time")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if p.now().Before(exact.Add(-2 * time.Second)) {
			t.Errorf("open %v early", exact.Sub(p.now()))
		}
		d.get("/2fa/recovery-wait").is(want{h1: "You can set up a new app now", texts: []string{"Enter your password and a new text message code. You can do it until " + when(at.Add(72*time.Hour)) + "."}})
		d.do("Send SMS").is(want{page: "text-code"})
		d.do("Verify", "code", p.code(e164)).is(want{page: "replace", h1: "Set up your app again"})
		d.do("Continue").is(want{page: "setup-app"})
		d.do("Continue").is(want{page: "setup-scan"})
		d.anew()
		p.text(e164, "A new Example app was set up on ")
	})
	t.Run("lapses", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		_, b, at := begin(p)
		p.move(96*time.Hour + time.Second)
		_ = b
		c := p.lost("root")
		c.get("/2fa/recovery-wait").is(want{page: "recovery-wait", h1: "The time for this request has passed", texts: []string{"You could set up a new app until " + when(at.Add(72*time.Hour)) + ". Start again from the beginning.", "Start again"}})
		c.get("/2fa/other").is(want{texts: []string{"Because you are an administrator, you can set up your app 24 hours after that."}})
		c.do("Send SMS")
		c.do("Verify", "code", p.code(e164)).is(want{page: "recovery-wait"})
	})
	t.Run("app code cancels", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		owner, b, _ := begin(p)
		p.move(time.Hour)
		c := p.lost("root")
		c.do("Verify", "code", owner.app.code()).is(want{page: "security"})
		at := when(p.now())
		p.text(e164, "The request for a new Example app was cancelled on ")
		b.get("/2fa/recovery-wait").is(want{page: "recovery-wait", h1: "The request was cancelled"})
		if !strings.Contains(b.page.text(), "An app code was used on "+at[:8]) || strings.Contains(b.page.text(), "Found your app") {
			t.Errorf("cancelled: %s", b.page.text())
		}
		p.move(24 * time.Hour)
		d := p.lost("root")
		d.get("/2fa/other").is(want{texts: []string{"Because you are an administrator"}})
	})
	t.Run("dispute cancels", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		p.enrol("root", "--operator")
		b := p.lost("root")
		b.get("/2fa/other")
		b.do("Send SMS")
		b.do("Verify", "code", p.code(e164)).is(want{page: "recovery-wait"})
		link := dispute(p.text(e164, "A new Example app can be set up from "))
		c := p.browser()
		c.get(link).is(want{page: "not-me", texts: []string{"someone asked to set up a new app for your Example account"}})
		c.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
		b.get("/2fa/recovery-wait").is(want{h1: "The request was cancelled"})
		if !strings.Contains(b.page.text(), "Someone said on ") || !strings.Contains(b.page.text(), " that it was not theirs.") {
			t.Errorf("disputed: %s", b.page.text())
		}
	})
}

// openAt reads from the page when the recovery opens: the countdown's start.
func openAt(p *portal, b *browser) time.Time {
	left := between(b.page.body, `data-countdown="`, `"`)
	seconds, err := time.ParseDuration(left + "s")
	if err != nil {
		p.t.Fatalf("no countdown: %v", err)
	}
	return p.now().Add(seconds)
}

func dispute(text string) string {
	_, link, _ := strings.Cut(text, "/not-me/")
	return "/not-me/" + strings.TrimSpace(link)
}

func TestNothingLeft(t *testing.T) {
	t.Parallel()
	p := open(t, settings{noSMS: true})
	p.add("ada")
	b := p.browser()
	b.enter("ada", password).is(want{page: "two-factor-prompt", absent: []string{"mobile number that can"}})
	b.click("Configure 2FA").is(want{page: "setup-app", step: "1", texts: []string{"Steps 1 and 2 of 4"}})
	b.do("Continue").is(want{page: "setup-scan", step: "5", texts: []string{"Step 3 of 4"}})
	b.app = b.scan()
	b.do("Continue").is(want{page: "setup-app-code", step: "6", texts: []string{"Step 4 of 4"}})
	b.do("Verify", "code", b.app.code())
	codes := b.saved()
	b.do("Finish", "saved", "yes").is(want{page: "security", absent: []string{"Mobile number"}})
	c := p.lost("ada")
	c.get("/2fa/other").is(want{page: "other-way", absent: []string{"Text message", "Send SMS"}, texts: []string{"Recovery code"}})
	c.get("/2fa/recovery-code")
	c.do("Verify", "recovery", codes[0])
	c.do("Continue", "still", "no").is(want{page: "setup-app"})
	c.do("Continue").is(want{page: "setup-scan"})
	c.anew()
}

func TestResetAndSetupCode(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	code := p.setupCode("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "showed her passport")
	p.text(e164, "An administrator reset your Example 2FA on ")
	owner.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed out by an administrator."}})
	b := p.lost("ada")
	b.is(want{page: "setup-code", h1: "Enter your setup code", texts: []string{"Your administrator gave you this code. It works once, until " + p.now().Add(24*time.Hour - time.Minute).UTC().Format("2 January")[:8], "8 letters and numbers, like 7MRK-2P9D", "Sign out"}})
	for _, path := range []string{"/2fa/start", "/2fa/setup/app", "/2fa", "/2fa/other"} {
		b.ask(path).leads("/2fa/setup-code?notice=step.first")
	}
	b.get("/2fa/setup-code")
	wrong := "0000-0000"
	for _, row := range []struct{ typed, words string }{
		{"", "Enter your setup code"},
		{"7MRK-2P", "A setup code has 8 letters and numbers. You entered 6."},
		{wrong, "That setup code is not correct. Check it and try again."},
	} {
		b.do("Continue", "code", row.typed).is(want{page: "setup-code", problem: "#code " + row.words})
	}
	newer := p.setupCode("person", "reset-2fa", "ada", "--checked", "call-back", "--note", "again")
	b.enter("ada", password).is(want{page: "setup-code"})
	b.do("Continue", "code", code).is(want{problem: "#code That is an older setup code. Use the newest one."})
	b.do("Continue", "code", strings.ToLower(newer)).is(want{page: "two-factor-prompt", texts: []string{"An administrator reset your 2FA on " + p.now().UTC().Format("2 January 2006") + ". Set it up again to carry on."}, absent: []string{"Not now"}})
	// Half-way gives nothing to the next attempt, and the code is spent.
	c := p.lost("ada")
	c.is(want{page: "setup-code"})
	c.do("Continue", "code", newer)
	if c.page.name() != "setup-code" || len(c.page.problems()) != 1 {
		t.Errorf("a spent code: %s %v", c.page.name(), c.page.problems())
	}
	b.toScan(number, e164)
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	// Expired.
	code = p.setupCode("person", "reset-2fa", "ada", "--checked", "video", "--note", "x", "--keep-phone")
	p.move(24*time.Hour + time.Second)
	d := p.browser()
	d.enter("ada", password).is(want{page: "setup-code"})
	d.do("Continue", "code", code)
	if got := strings.Join(d.page.problems(), ""); got != "#code That setup code has expired. Contact the service desk for a new one." {
		t.Errorf("expired: %q on %s: %s", got, d.page.name(), d.page.text())
	}
	code = p.setupCode("person", "reset-2fa", "ada", "--checked", "video", "--note", "x", "--keep-phone")
	d.enter("ada", password)
	d.do("Continue", "code", code).is(want{page: "two-factor-prompt"})
	d.click("Configure 2FA")
	d.do("Continue").is(want{page: "setup-scan"}) // the number was kept
	d.app = d.scan()
	d.do("Continue")
	d.do("Verify", "code", d.app.code()).is(want{page: "setup-finish"})
	d.do("Finish", "saved", "yes").is(want{texts: []string{"Number ending 143"}})
}
