package stories_test

import (
	"testing"
	"time"
)

// forgot asks for a link to choose a new password.
func (b *browser) forgot(name string) {
	b.t.Helper()
	b.get("/forgot")
	b.do("Send link", "username", name).is(want{page: "forgot", h1: "Check your mail"})
}

var deadPasswordLink = want{status: 410, page: "error", texts: []string{"This link no longer works. Use the one in the newest mail, or ask for a new link."}}

// Whoever gives up a mailbox, or loses it, takes away what lies in it.
func TestMailedLinksEndWithTheAddress(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	owner := p.enrol("ada", "--email", adaMail)
	m.mail(adaMail, "2FA is on for your Example account")
	b := p.browser()
	asked := func(at string) string {
		t.Helper()
		b.forgot("ada")
		link := m.mail(at, "Choose a new Example password").link(t)
		b.get(link).is(want{page: "password", h1: "Choose a new password"})
		return link
	}

	changed := asked(adaMail)
	owner.stale()
	owner.get("/account/mail")
	owner.confirm("change your mail address")
	owner.do("Send link", "mail", newMail)
	b.get(m.mail(newMail, "Confirm your mail address for Example").link(t))
	b.get(changed).is(want{page: "password"}) // nothing is changed yet
	b.get(m.letters(newMail)[0].link(t))
	b.do("Confirm address").is(want{h1: "Your mail address is confirmed."})
	b.get(changed).is(deadPasswordLink)

	removed := asked(newMail)
	owner.get("/account/mail/remove")
	owner.do("Remove").is(want{page: "security", notice: "Your mail address is removed."})
	b.get(removed).is(deadPasswordLink)

	p.cli("person", "set", "ada", "--email", adaMail)
	p.move(time.Hour) // three mails an hour
	set := asked(adaMail)
	p.cli("person", "set", "ada", "--email", newMail)
	b.get(set).is(deadPasswordLink)

	// An invitation leads to a password too; one that was only printed is in no mailbox.
	p.cli("person", "invite", "ada")
	mailed := m.mail(newMail, "Welcome to Example").link(t)
	b.get(mailed).is(want{page: "invitation"})
	p.cli("person", "set", "ada", "--email", adaMail)
	b.get(mailed).is(want{status: 410, texts: []string{"There is a newer invitation."}})
	printed := p.invitation("person", "invite", "ada", "--no-mail")
	p.cli("person", "set", "ada", "--email", newMail)
	b.get(printed).is(want{page: "invitation"})
}

// Who was in and asked for an address of theirs is out with the password.
func TestALinkThatConfirmsAnAddressEndsWithThePassword(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	owner := p.enrol("ada", "--email", adaMail)
	owner.stale()
	owner.get("/account/mail")
	owner.confirm("change your mail address")
	owner.do("Send link", "mail", newMail)
	link := m.mail(newMail, "Confirm your mail address for Example").link(t)
	b := p.browser()
	b.get(link).is(want{page: "mail", h1: "Confirm your mail address"})
	open := b.tab()
	owner.get("/account/password")
	owner.do("Save password", "password", password2).is(want{page: "security", notice: "Your password is changed."})
	dead := want{status: 410, texts: []string{"This link no longer works. Sign in and send a new one."}}
	b.get(link).is(dead)
	open.do("Confirm address").is(dead)
	owner.get("/account/security").is(want{texts: []string{"Mail a•••@example.org"}})
}

// A dispute takes away the password that was set after the disputed change, and
// leaves the one that was there before.
func TestADisputeVoidsALaterPassword(t *testing.T) {
	t.Parallel()
	p := open(t)
	for _, row := range []struct {
		name    string
		changes func(b *browser)
		after   want // with the password of now
	}{
		{"ada", func(b *browser) {
			b.get("/account/password")
			b.do("Save password", "password", password2).is(want{page: "security", notice: "Your password is changed."})
		}, want{page: "sign-in", problem: wrongDetails}},
		{"grace", func(*browser) {}, want{status: 403, page: "held"}},
	} {
		owner := p.enrol(row.name)
		owner.get("/account/codes/new")
		owner.do("Make new codes")
		link := dispute(p.text(e164, "New Example recovery codes were made on"))
		p.move(time.Second)
		word := password
		if row.changes(owner); row.name == "ada" {
			word = password2
		}
		b := p.browser()
		b.enter(row.name, word).is(want{page: "app-code"})
		b.get(link)
		b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
		p.browser().enter(row.name, word).is(row.after)
		p.move(11 * time.Minute) // three texts to a number in ten minutes
	}
}
