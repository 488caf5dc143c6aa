package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// restart starts the portal again with other lines in its settings.
func (p *portal) restart(old, new string) {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil || !strings.Contains(string(text), old) {
		p.t.Fatalf("no %q in the settings: %v", old, err)
	}
	p.stop()
	p.write("sallyport.yaml", strings.Replace(string(text), old, new, 1))
	p.start()
}

const (
	outbox  = "sms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n"
	byCode  = "Use one of the codes you saved when you set up 2FA."
	byHelp  = "Contact the service desk. They will check who you are and reset your 2FA."
	prove   = "Prove in one of these ways that it is you, then set up your app again."
	byText  = "Send a code to the number ending 143. With it you set up your app again."
	noCodes = "You have no recovery codes left."
)

// spend uses up all recovery codes, keeping the app.
func (b *browser) spend(name string) {
	b.t.Helper()
	for _, code := range b.codes {
		c := b.p.lost(name)
		c.get("/2fa/recovery-code")
		c.do("Verify", "recovery", code).is(want{page: "replace"})
		c.do("Continue", "still", "yes").is(want{page: "security"})
	}
}

func TestOtherWayStates(t *testing.T) {
	t.Parallel()
	t.Run("no codes left", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		owner := p.enrol("ada")
		c := p.lost("ada")
		c.get("/2fa/other").is(want{page: "other-way", step: "0", h1: "Sign in another way", title: "Sign in another way – Example",
			texts:  []string{"Text message " + byText + " Send SMS", "Recovery code " + byCode + " Enter a recovery code", "Neither works " + byHelp, "Back to the app code"},
			absent: []string{"Setup code", prove, "Sign out", "555", "0143"}})
		owner.spend("ada")
		c = p.lost("ada")
		c.get("/2fa/other").is(want{page: "other-way", h1: "Sign in another way", texts: []string{"Recovery code " + noCodes, byText, byHelp}, absent: []string{"Enter a recovery code"}})
		c.get("/2fa/recovery-code")
		c.do("Verify", "recovery", owner.codes[3]).marked(want{page: "recovery-code", problem: "#recovery You have used that recovery code already. Try the next one on your list."})
	})
	t.Run("no number", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{noSMS: true, more: "# no gateway yet\n"})
		p.add("ada")
		b := p.browser()
		b.enter("ada", password)
		b.click("Configure 2FA")
		b.do("Continue")
		b.app = b.scan()
		b.do("Continue")
		b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
		b.codes = b.saved()
		b.do("Finish", "saved", "yes").is(want{page: "security"})
		p.restart("# no gateway yet\n", outbox)
		c := p.lost("ada")
		c.get("/2fa/other").is(want{page: "other-way", h1: "Sign in another way", texts: []string{"Text message You have no mobile number here.", byCode, byHelp}, absent: []string{"Send SMS"}})
		if a := c.form("/2fa/text/send"); a.to() == "/2fa/text" {
			t.Error("a text to nobody")
		}
		// After a recovery code the number is asked for as in the wizard.
		c.get("/2fa/recovery-code")
		c.do("Verify", "recovery", b.codes[0])
		c.do("Continue", "still", "no").is(want{page: "setup-app", step: "0"})
		c.do("Continue").is(want{page: "setup-phone", step: "0", h1: "Enter your mobile number", absent: []string{"still yours"}})
	})
	t.Run("nothing left", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  recovery_text: false\n"})
		owner := p.enrol("ada")
		c := p.lost("ada")
		c.get("/2fa/other").is(want{page: "other-way", h1: "Sign in another way", texts: []string{byCode}, absent: []string{"Text message", "Send SMS"}}) // the policy is off
		owner.spend("ada")
		c = p.lost("ada")
		c.get("/2fa/other").is(want{page: "other-way", h1: "Ask for help to sign in", title: "Ask for help to sign in – Example", texts: []string{"Neither works " + byHelp, "Back to the app code"},
			absent: []string{"Text message", "Recovery code", noCodes}})
	})
	t.Run("no app any more", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  require: optional\n"})
		b := p.enrol("ada")
		b.get("/account/2fa/off")
		b.do("Turn off 2FA").is(want{page: "security", texts: []string{"2FA is off"}})
		c := p.browser()
		c.enter("ada", password).is(want{page: "signed-in"})
		c.click("Configure 2FA")
		c.do("Sign in", "username", "ada", "password", password).is(want{page: "other-way", h1: "Sign in another way", notice: "You have no authenticator app any more.",
			texts: []string{prove, byText, noCodes, "Sign out"}, absent: []string{"Back to the app code"}})
	})
	t.Run("a setup code", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  reset_code: false\n"})
		p.enrol("ada")
		code := p.setupCode("person", "reset-2fa", "ada", "--checked", "video", "--note", "x", "--keep-phone")
		b := p.lost("ada")
		b.is(want{page: "other-way", notice: "You have no authenticator app any more.", texts: []string{prove, byText,
			"Setup code Use the code that an administrator gave you. Enter a setup code", "Sign out"}})
		b.click("Enter a setup code").is(want{page: "setup-code", h1: "Enter your setup code"})
		b.do("Continue", "code", "0000-0000").marked(want{page: "setup-code", problem: "#code That setup code is not correct. Check it and try again."})
		b.do("Continue", "code", code).is(want{page: "two-factor-prompt"})
		p.lost("ada").is(want{page: "other-way", absent: []string{"Setup code"}}) // it is spent
		p.setupCode("person", "reset-2fa", "ada", "--checked", "video", "--note", "x")
		p.lost("ada").is(want{page: "setup-code"}) // no number was kept
	})
	t.Run("everybody waits", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  recovery_delay_people: 2h\n"})
		p.enrol("ada")
		b := p.lost("ada")
		b.get("/2fa/other").is(want{texts: []string{"Send a code to the number ending 143. You can set up your app 2 hours after that."}, absent: []string{"administrator"}})
	})
}
