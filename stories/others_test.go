package stories_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Somebody else has signed in in another tab: a page that was drawn for the first
// account changes the second one in nothing, and still signs out.
func TestAFormOfOneAccountChangesNoOther(t *testing.T) {
	t.Parallel()
	p := open(t)
	ada := p.enrol("ada")
	bob := p.enrolled("bob", number2, e164two)
	p.move(31 * time.Second)
	elsewhere := p.browser()
	elsewhere.enter("ada", password)
	elsewhere.do("Verify", "code", ada.app.code()).is(want{page: "security"})
	p.move(31 * time.Second)
	ada.enter("ada", password)
	ada.do("Verify", "code", ada.app.code()).is(want{page: "security"})
	pages := map[string]*browser{}
	for button, at := range map[string]string{"Save password": "/account/password", "Remove": "/account/phone/remove", "Sign out everywhere else": "/account/security"} {
		old := ada.tab()
		old.get(at)
		if _, ok := old.page.button(button); !ok {
			t.Fatalf("no button %q on %s: %s", button, at, old.page.brief())
		}
		pages[button] = old
	}
	leave := ada.tab()
	leave.get("/account/security")
	p.move(31 * time.Second)
	ada.enter("bob", password)
	ada.do("Verify", "code", bob.app.code()).is(want{page: "security"})
	for button, old := range pages {
		if got := old.press(button, "password", "pelican quartz ember fjord"); got.status != 422 || !strings.Contains(got.text(), "You have signed in to another account since this page was opened. Nothing was changed.") {
			t.Errorf("%s: %d %s: %s", button, got.status, got.name(), got.brief())
		}
	}
	p.move(31 * time.Second)
	if got := p.browser().enter("bob", password); got.name() != "app-code" {
		t.Errorf("bob's password is another: %s", got.brief())
	}
	leave.form("/sign-out")
	if got := ada.get("/account/security"); got.name() != "sign-in" {
		t.Errorf("not signed out: %s", got.brief())
	}
}

// What somebody else was asked is no answer of whoever has signed in since.
func TestConsentOfOneAccountIsNoOthers(t *testing.T) {
	t.Parallel()
	p := openProvider(t)
	ada := p.enrol("ada", "--group", "staff")
	bob := p.enrolled("bob", number2, e164two, "--group", "staff")
	till := p.party("till")
	asked, _ := ada.walk("/oidc/authorize?" + till.query("scope", "openid profile"))
	asked.is(want{page: "consent"})
	old := ada.tab()
	p.move(31 * time.Second)
	ada.enter("bob", password)
	ada.do("Verify", "code", bob.app.code()).is(want{page: "security"})
	if old.page = old.press("Let it in"); old.page.name() != "consent" || !strings.Contains(old.page.text(), "bob") {
		t.Fatalf("%d %s: %s", old.page.status, old.page.to(), old.page.brief())
	}
	if q := till.answered(old, old.press("Let it in").to()); q.Get("code") == "" {
		t.Errorf("asked anew, and said yes: %v", q)
	}
}

// Six set up with one number at once, of which five may have it: the sixth is told so
// when the app is there, and goes on with another.
func TestTheSixthAccountOfANumberGoesOn(t *testing.T) {
	t.Parallel()
	p := open(t)
	var all []*browser
	for i := range 6 {
		name := fmt.Sprint("member", i)
		p.add(name)
		b := p.browser()
		b.enter(name, password).is(want{page: "two-factor-prompt"})
		p.move(4 * time.Minute)
		b.toScan(number, e164)
		b.do("Continue").is(want{page: "setup-app-code", step: "6"})
		all = append(all, b)
	}
	for _, b := range all[:5] {
		b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish", step: "7"})
	}
	b := all[5]
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-phone", step: "3"})
	if !strings.Contains(b.page.text(), "We cannot send a text message to this number") {
		t.Errorf("it says %s", b.page.brief())
	}
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code", step: "4"})
	b.do("Verify", "code", p.code(e164two))
	if b.page.name() == "setup-scan" {
		b.do("Continue")
	}
	b.page.is(want{page: "setup-app-code", step: "6"})
	p.move(31 * time.Second)
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish", step: "7"})
}

// Whoever types a number, and has not proved it, does not use up its owner's texts.
func TestStrangersUseUpNobodysWayBack(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.enrol("ada")
	thieves := []*browser{p.toNumber("mallory"), p.toNumber("trudy")}
	refused := false
	for i := 0; i < 10 && !refused; i++ {
		p.move(16 * time.Minute)
		b := thieves[i%2]
		b.get("/2fa/setup/phone?other=yes")
		refused = b.do("Send SMS", "phone", number).status == 429
	}
	if !refused {
		t.Fatal("strangers are not held back at all")
	}
	ada := p.lost("ada")
	ada.click("I cannot use my app")
	if got := ada.do("Send SMS"); got.name() != "text-code" {
		t.Errorf("%d %s: %s", got.status, got.name(), got.brief())
	}
}

// Who was in an account asked for a link to a mail address of theirs: it ends with what
// shuts them out.
func TestALinkToAMailAddressEndsWithTheCure(t *testing.T) {
	t.Parallel()
	for cure, do := range map[string]func(p *portal, owner *browser){
		"sign-out":    func(p *portal, _ *browser) { p.cli("person", "sign-out", "ada") },
		"set --email": func(p *portal, _ *browser) { p.cli("person", "set", "ada", "--email", graceMail) },
		"everywhere else": func(p *portal, owner *browser) {
			p.move(31 * time.Second)
			elsewhere := p.browser()
			elsewhere.enter("ada", password)
			elsewhere.do("Verify", "code", owner.app.code()).is(want{page: "security"})
			owner.get("/account/security")
			owner.do("Sign out everywhere else")
		},
		"a new password": func(p *portal, owner *browser) {
			owner.get("/account/password")
			owner.do("Save password", "password", "pelican quartz ember fjord")
		},
	} {
		t.Run(cure, func(t *testing.T) {
			p, m := mailed(t)
			owner := p.enrol("ada", "--email", adaMail)
			thief := owner.twin()
			thief.get("/account/mail")
			thief.do("Send link", "mail", newMail)
			link := m.mail(newMail, "Confirm your mail address for Example").link(t)
			if got := p.browser().get(link); got.status != 200 {
				t.Fatalf("the link does not open before: %s", got.brief())
			}
			do(p, owner)
			if got := p.browser().get(link); got.status == 200 {
				t.Errorf("the link opens: %s", got.brief())
			}
		})
	}
}
