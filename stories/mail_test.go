package stories_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const adaMail, newMail, graceMail = "ada@example.org", "ada@example.net", "grace@example.org"

// mailing is the settings of a portal that sends mails through a server.
func mailing(p *postfix) settings {
	return settings{more: fmt.Sprintf("mail:\n  server: smtp://localhost:%d\n  from: login@example.org\n", p.port)}
}

// trusting makes the portal trust the server's certificate.
func (p *portal) trusting(m *postfix) *portal {
	p.extra = append(p.extra, "SSL_CERT_FILE="+filepath.Join(m.dir, "cert.pem"))
	return p
}

// mailed opens a portal with a mail server that it trusts.
func mailed(t *testing.T, of ...settings) (*portal, *postfix) {
	t.Helper()
	m := openPostfix(t, "localhost", time.Now().Add(time.Hour))
	s := mailing(m)
	if len(of) > 0 {
		s.policy, s.sms, s.noSMS = of[0].policy, of[0].sms, of[0].noSMS
	}
	p := install(t, s).trusting(m)
	p.serve()
	return p, m
}

func TestInvitationByMail(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	out := p.cli("person", "add", "ada", "--display", "Ada Lovelace", "--email", adaMail)
	if !strings.Contains(out, "It goes out by mail to a•••@example.org too.") {
		t.Errorf("printed %q", out)
	}
	letter := m.mail(adaMail, "Welcome to Example")
	begins := "Hello Ada Lovelace,\n\nAn account with the username ada was made for you. Choose a password within 72 hours: "
	if !strings.HasPrefix(letter.text, begins) || !strings.Contains(letter.text, "Example, "+p.url+"\nNeed help? the service desk\n") {
		t.Errorf("mail:\n%s", letter.text)
	}
	if letter.from != `"Example" <login@example.org>` || letter.header.Get("Auto-Submitted") != "auto-generated" || letter.header.Get("Message-Id") == "" {
		t.Errorf("header %v", letter.header)
	}
	b := p.browser()
	b.get(letter.link(t)).is(want{page: "invitation", h1: "Welcome to Example"})
	b.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
	p.cli("person", "add", "grace", "--email", graceMail, "--no-mail")
	m.quiet(graceMail)
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	owner := p.enrol("ada", "--email", adaMail)
	m.mail(adaMail, "2FA is on for your Example account")
	known := owner.twin()
	p.add("grace") // has no address

	b := p.browser()
	b.get("/sign-in")
	b.click("Forgot your password?").is(want{page: "forgot", h1: "Forgot your password?", texts: []string{"Enter your username. If the account has a mail address, we send a link to choose a new password.",
		"No mail address, or no way to read it? Contact the service desk.", "Back to sign in"}})
	b.do("Send link", "username", "").is(want{page: "forgot", problem: "#username Enter your username"})
	sent := want{page: "forgot", h1: "Check your mail", texts: []string{"If that account exists and has a mail address, we have sent a link. It works for 24 hours.",
		"Nothing after a few minutes? Look among unwanted mail, or contact the service desk.", "Back to sign in"}}
	for _, name := range []string{"nobody", "grace", "\u202eada", strings.Repeat("x", 500), "ada@example.org"} {
		b.get("/forgot")
		b.do("Send link", "username", name).is(sent)
	}
	b.get("/forgot")
	b.do("Send link", "username", "ADA").is(sent)
	first := m.mail(adaMail, "Choose a new Example password")
	if !strings.Contains(first.text, "Someone asked for a new password for the username ada. Choose one within 24 hours: ") ||
		!strings.Contains(first.text, "If it was not you, do nothing: your password stays as it is.") {
		t.Errorf("mail:\n%s", first.text)
	}
	b.get("/forgot")
	b.do("Send link", "username", "ada")
	second := m.mail(adaMail, "Choose a new Example password")
	dead := want{status: 410, texts: []string{"This link no longer works. Use the one in the newest mail, or ask for a new link.", "Forgot your password?"}}
	b.get(first.link(t)).is(dead)
	b.get("/password/aaaaaaaaaaaaaaaaaaaaaaaaaa").is(want{status: 404, texts: []string{"This link does not work. Check that you copied all of it."}})
	owner.get("/account/security").is(want{page: "security"}) // nothing has changed yet

	for range 2 { // scanners of mail do no harm
		b.get(second.link(t)).is(want{page: "password", h1: "Choose a new password", kept: []string{"username", "ada", "password", ""},
			texts: []string{"Your app and recovery codes stay as they are. You still need a code to sign in."}, absent: []string{"Sign out everywhere else", "Cancel"}})
	}
	b.do("Save password", "password", "short").is(want{page: "password", problem: "#password Your password must have 8 characters or more. You entered 5."})
	b.do("Save password", "password", password).is(want{problem: "#password That is your present password. Choose a new one."})
	twin := b.tab()
	if b.cookies["session"] != "" || b.cookies["attempt"] != "" {
		t.Error("a link opened something")
	}
	b.do("Save password", "password", password2).is(want{page: "sign-in", notice: "Your password is changed. Sign in with it now.", kept: []string{"username", "ada"}})
	if b.cookies["session"] != "" || b.cookies["attempt"] != "" {
		t.Error("a mailed password opened something")
	}
	twin.do("Save password", "password", password2+"x").is(want{status: 410, texts: []string{"This link has been used. Sign in with your new password, or ask for a new link.", "Sign in", "Forgot your password?"}})
	reset := m.mail(adaMail, "Your Example password was reset")
	p.text(e164, "Your Example password was reset by mail on ")
	owner.get("/account/security").is(want{page: "signed-out", texts: []string{"because your password was changed"}})

	// Mail and text message are one class: the text message comes with a wait.
	b.enter("ada", password).is(want{problem: wrongDetails})
	b.enter("ada", password2).is(want{page: "app-code"})
	b.click("I cannot use my app").is(want{page: "other-way", texts: []string{"Send a code to the number ending 143. Because your password was reset by mail, you can set up your app 24 hours after that."}})
	p.move(31 * time.Second)
	b.do("Send SMS").is(want{page: "text-code"})
	b.do("Verify", "code", p.code(e164)).is(want{page: "recovery-wait"})
	m.mail(adaMail, "A new app can be set up for your Example account from ")
	// An app code cancels it, and takes the wait away.
	p.move(31 * time.Second)
	c := known
	c.get("/sign-in")
	c.enter("ada", password2).is(want{page: "app-code"})
	c.do("Verify", "code", owner.app.code()).is(want{page: "security"})
	m.mail(adaMail, "The request for a new Example app was cancelled")
	m.mail(adaMail, "New sign-in to Example") // the mailed password forgot every browser
	d := p.lost2("ada", password2)
	d.click("I cannot use my app").is(want{page: "other-way", absent: []string{"24 hours"}})

	// The notice's link voids the password.
	d.get(reset.link(t)).is(want{page: "not-me", texts: []string{"the password of your Example account was reset by mail."}})
	d.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
	m.mail(adaMail, "Your Example account is on hold")
	p.browser().enter("ada", password2).is(want{problem: wrongDetails})
	b.get("/forgot") // a held account gets no link
	b.do("Send link", "username", "ada").is(sent)
	m.quiet(adaMail)
}

// lost2 is lost with another password.
func (p *portal) lost2(name, word string) *browser {
	p.t.Helper()
	p.move(31 * time.Second)
	b := p.browser()
	b.enter(name, word).is(want{page: "app-code"})
	return b
}

func TestLinksForAPasswordHaveALimit(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	p.add("ada", "--email", adaMail)
	b := p.browser()
	for range 5 {
		b.get("/forgot")
		b.do("Send link", "username", "ada").is(want{page: "forgot", h1: "Check your mail"})
		time.Sleep(300 * time.Millisecond)
	}
	for range 3 {
		m.mail(adaMail, "Choose a new Example password")
	}
	m.quiet(adaMail)
	p.move(time.Hour + time.Second)
	b.get("/forgot")
	b.do("Send link", "username", "ada")
	link := m.mail(adaMail, "Choose a new Example password").link(t)
	p.move(24*time.Hour + time.Second)
	b.get(link).is(want{status: 410, texts: []string{"This link no longer works. Use the one in the newest mail, or ask for a new link."}})
}

func TestChangeOfMailAddress(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	owner := p.enrol("ada", "--email", adaMail)
	m.mail(adaMail, "2FA is on")
	p.move(6 * time.Minute)
	owner.get("/account/security").is(want{texts: []string{"Mail a•••@example.org Change"}})
	owner.get("/account/mail")
	owner.confirm("change your mail address").is(want{page: "mail", h1: "Change your mail address", texts: []string{
		"We write to this address when something about your sign-in changes, and when you forget your password.", "Cancel", "Remove this address"}})
	owner.do("Send link", "mail", "").is(want{page: "mail", problem: "#mail Enter your mail address"})
	owner.do("Send link", "mail", "ada@example").is(want{problem: "#mail Enter a mail address like name@example.org", kept: []string{"mail", "ada@example"}})
	owner.do("Send link", "mail", adaMail).is(want{problem: "#mail That is your address already."})
	owner.do("Send link", "mail", "ada@example.net\r\nBcc: eve@example.org").is(want{problem: "#mail Enter a mail address like name@example.org"})
	owner.do("Send link", "mail", newMail).is(want{page: "mail", h1: "Check your mail", texts: []string{
		"We sent a link to a•••@example.net. Open it within 24 hours to finish. Until then your old address stays.", "Use a different address"}})
	letter := m.mail(newMail, "Confirm your mail address for Example")
	owner.do("Send again").is(want{status: 429, page: "mail", texts: []string{"more seconds, then choose ‘Send again’."}})
	p.move(31 * time.Second)
	owner.do("Send again").is(want{page: "mail", notice: "We sent the mail again. Use the link in the newest one."})
	m.mail(newMail, "Confirm your mail address for Example")
	p.move(2*time.Minute + time.Second)
	owner.do("Send again").is(want{notice: "We sent the mail again. Use the link in the newest one."})
	newest := m.mail(newMail, "Confirm your mail address for Example")
	owner.do("Send again").is(want{status: 429, page: "mail", problem: " Too many mails have been sent. Try again in 8 minutes."})
	owner.get("/account/mail")
	owner.get("/account/security").is(want{texts: []string{"a•••@example.org", "a•••@example.net waits to be confirmed"}})

	b := p.browser()
	b.get(letter.link(t)).is(want{status: 410, texts: []string{"This link no longer works. Sign in and send a new one."}})
	for range 2 {
		b.get(newest.link(t)).is(want{page: "mail", h1: "Confirm your mail address", texts: []string{"Use ada@example.net for your Example account?"}})
	}
	owner.get("/account/security").is(want{texts: []string{"Mail a•••@example.org"}}) // opening changed nothing
	b.get(newest.link(t))
	b.do("Confirm address").is(want{page: "mail", h1: "Your mail address is confirmed."})
	b.get(newest.link(t)).is(want{status: 410})
	m.mail(newMail, "The mail address of your Example account was changed")
	old := m.mail(adaMail, "The mail address of your Example account was changed")
	p.text(e164, "Your Example mail address was changed on ")
	owner.get("/account/security").is(want{texts: []string{"Mail a•••@example.net"}, absent: []string{"waits to be confirmed"}})

	// Removed while a number is left.
	owner.get("/account/mail/remove").is(want{page: "confirm", h1: "Remove your mail address?"})
	owner.do("Remove").is(want{page: "security", notice: "Your mail address is removed.", texts: []string{"Mail None Add"}})
	m.mail(newMail, "The mail address of your Example account was changed")

	// The old address can say that it was not its owner.
	b.get(old.link(t)).is(want{page: "not-me", texts: []string{"the mail address of your Example account was changed."}})
	b.do("It was not me").is(want{h1: "Your account is on hold"})
	if out := p.cli("person", "show", "ada"); strings.Contains(out, "example") {
		t.Errorf("the thief's address is still there:\n%s", out)
	}
}

func TestTheLastAddressStays(t *testing.T) {
	t.Parallel()
	p, m := mailed(t, settings{policy: "  phone: off\n"})
	p.add("ada", "--email", adaMail)
	b := p.browser()
	b.enter("ada", password)
	b.click("Configure 2FA")
	b.do("Continue").is(want{page: "setup-scan"})
	b.app = b.scan()
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.do("Finish", "saved", "yes")
	m.mail(adaMail, "2FA is on")
	p.move(6 * time.Minute)
	b.get("/account/mail/remove")
	b.confirm("remove your mail address")
	b.do("Remove")
	b.page.is(want{status: 403, page: "security", texts: []string{"You need a mail address or a mobile number. Add the other one first."}}.any(b))
	if out := p.cli("person", "show", "ada"); !strings.Contains(out, adaMail) {
		t.Errorf("it is gone:\n%s", out)
	}
}

func TestMailWaitsForItsServer(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	p.add("ada", "--email", adaMail)
	owner := p.browser()
	owner.wizard("ada", number, e164)
	m.mail(adaMail, "2FA is on")
	m.stop()
	p.move(6 * time.Minute)
	owner.get("/account/mail")
	owner.confirm("change your mail address")
	owner.do("Send link", "mail", newMail).is(want{page: "mail", h1: "Check your mail"})
	stuck := "We could not send the mail. This is a problem at our end. Try again in a few minutes. Your old address stays."
	for end := time.Now().Add(15 * time.Second); !strings.Contains(owner.get("/account/mail").text(), stuck); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the page does not say so: %s", owner.page.brief())
		}
	}
	p.crash() // what waits survives
	m.start()
	p.move(2 * time.Minute)
	m.mail(newMail, "Confirm your mail address for Example")
	owner.get("/account/mail").is(want{page: "mail", absent: []string{stuck}})
	if list := m.letters(newMail); len(list) != 1 {
		t.Errorf("%d mails arrived", len(list))
	}
}

func TestAWrongCertificateGetsNoMail(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func() (*postfix, bool){
		"another host": func() (*postfix, bool) {
			return openPostfix(t, "mail.example.org", time.Now().Add(time.Hour)), true
		},
		"expired":  func() (*postfix, bool) { return openPostfix(t, "localhost", time.Now().Add(-time.Hour)), true },
		"nobody's": func() (*postfix, bool) { return openPostfix(t, "localhost", time.Now().Add(time.Hour)), false },
	} {
		m, trusted := server()
		p := install(t, mailing(m))
		if trusted {
			p.trusting(m)
		}
		p.serve()
		p.cli("person", "add", "ada", "--email", adaMail)
		for end := time.Now().Add(15 * time.Second); !strings.Contains(p.log.String(), "certificate of the mail server is not good"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the log does not say why:\n%s", name, p.log)
			}
		}
		if strings.Contains(p.log.String(), adaMail) {
			t.Errorf("%s: the log names the address:\n%s", name, p.log)
		}
		m.quiet(adaMail)
		a := p.run(p.dir, nil, "", "doctor")
		if a.code != 1 || !strings.Contains(a.out, "certificate of the mail server is not good") {
			t.Errorf("%s: doctor exits %d\n%s", name, a.code, a.out)
		}
	}
}

func TestOperatorsHearByMail(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	p.add("grace", "--operator", "--email", graceMail)
	p.enrol("ada")
	link := ""
	for _, l := range p.lines(e164) {
		if strings.Contains(l.Text, "2FA was set up") {
			link = dispute(l.Text)
		}
	}
	b := p.browser()
	b.get(link)
	b.do("It was not me").is(want{h1: "Your account is on hold"})
	letter := m.mail(graceMail, "Example: ada says a change was not theirs")
	if !strings.Contains(letter.text, `the change "2FA set up" was disputed. The account is on hold. Check who is asking, then release it: sallyport person release ada`) {
		t.Errorf("mail:\n%s", letter.text)
	}
	// The day after, a list of who was set up without an address.
	p.move(24 * time.Hour)
	letter = m.mail(graceMail, "Example: 1 person set up 2FA without a mail address")
	if !strings.Contains(letter.text, "This person has no address besides the number just proved: ada. Ask whether it was them.") {
		t.Errorf("mail:\n%s", letter.text)
	}
	p.crash()
	m.quiet(graceMail)
}

// Words that people type stay out of what is kept and logged in clear.
func TestMailsLieSealed(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	m.stop()
	p.add("ada", "--email", adaMail)
	p.cli("person", "invite", "ada")
	p.stop()
	if entries, _ := os.ReadDir(filepath.Join(p.dir, "data")); len(entries) == 0 && os.Getenv("STORIES_DATABASE") == "" {
		t.Error("there is nothing to look at")
	}
	for _, name := range []string{"sallyport.db", "sallyport.db-wal"} {
		raw, _ := os.ReadFile(filepath.Join(p.dir, "data", name))
		for _, secret := range []string{adaMail, "/invitation/", "Choose a password within", url.QueryEscape(adaMail)} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
}

// Links that somebody asked for while they were in are worth nothing once the
// owner has changed the password; and a mailbox alone opens no new account.
func TestMailedLinksEndWithThePassword(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	p.enrol("ada", "--email", adaMail)
	m.mail(adaMail, "2FA is on for your Example account")
	b := p.browser()
	b.get("/forgot")
	b.do("Send link", "username", "ada")
	early := m.mail(adaMail, "Choose a new Example password").link(t)
	p.move(time.Second)
	p.cli("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "x")
	b.get(early).is(want{status: 410, texts: []string{"This link no longer works."}})

	p.move(2 * time.Minute)
	b.get("/forgot")
	b.do("Send link", "username", "ada")
	b.get(m.mail(adaMail, "Choose a new Example password").link(t)).is(want{page: "password"})

	p.cli("person", "add", "grace", "--email", graceMail, "--no-mail") // has no password yet
	b.get("/forgot")
	b.do("Send link", "username", "grace")
	m.quiet(graceMail)
}
