package stories_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// passwordRows are the rows of a new password that hold on every page that takes
// one, for somebody called ada.
func passwordRows(min int) []struct{ typed, words string } {
	const (
		common  = "Many people use that password, so it is easy to guess. Choose one that is only yours."
		context = "That password is too close to your name or to Example. Choose another one."
		typed   = "That password has a character that cannot be typed everywhere. Choose another one."
		long    = "That password is too long. Shorten it to 250 characters."
	)
	short := func(n int) string {
		return fmt.Sprintf("Your password must have %d characters or more. You entered %d.", min, n)
	}
	return []struct{ typed, words string }{
		{"", "Enter a password"},
		{"short", short(5)},
		{strings.Repeat("é", min-1), short(min - 1)},
		{strings.Repeat("\u00e9", 513), long}, // 1,026 bytes
		{strings.Repeat("x", 1025), long},
		{"123456789987654321", common},
		{"ada-lovelace-ada-lovelace", context},
		{"walnut\u0007orbit ladder", typed},
		{"walnut orbit \ufffd ladder", typed},
	}
}

// takes checks the rows on a page with a new password.
func (b *browser) takes(page, button string, min int, more ...string) {
	b.t.Helper()
	b.is(want{page: page, texts: []string{"New password", fmt.Sprintf("%d characters or more. Four or more words that do not belong together are easy to remember and hard to guess.", min)}, kept: []string{"username", "ada", "password", ""}})
	if tag := b.page.tag("password"); !strings.Contains(tag, `autocomplete="new-password"`) {
		b.t.Errorf("%s: %s", page, tag)
	}
	for _, row := range passwordRows(min) {
		b.do(button, "password", row.typed).marked(want{page: page, problem: "#password " + row.words, kept: []string{"username", "ada"}})
		if by, _ := attribute(b.page.tag("password"), "aria-describedby"); by != "password-hint password-err" {
			b.t.Errorf("%s: the field is described by %q", page, by)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		b.do(button, "password", more[i]).marked(want{page: page, problem: "#password " + more[i+1], kept: []string{"username", "ada"}})
	}
}

const same = "That is your present password. Choose a new one."

func TestNewPasswordRows(t *testing.T) {
	t.Parallel()
	t.Run("an invitation", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		link := p.invitation("person", "add", "ada", "--display", "Ada Lovelace")
		b := p.browser()
		b.get(link).is(want{page: "invitation", step: "0", h1: "Welcome to Example"})
		b.takes("invitation", "Save password", 8)
		b.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
		again := p.invitation("person", "invite", "ada")
		c := p.browser()
		c.get(again).is(want{page: "invitation", h1: "Choose a new password", title: "Choose a new password – Example"})
		c.takes("invitation", "Save password", 8, password, same)
		c.do("Save password", "password", password2).is(want{page: "two-factor-prompt"})
	})
	t.Run("where a password alone opens something", func(t *testing.T) {
		t.Parallel()
		p := open(t, settings{policy: "  require: optional\n"})
		b := p.browser()
		b.get(p.invitation("person", "add", "ada", "--display", "Ada Lovelace"))
		b.takes("invitation", "Save password", 15)
	})
	t.Run("in the account", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		b := p.enrol("ada", "--display", "Ada Lovelace")
		b.get("/account/password").is(want{page: "password", step: "0", h1: "Change your password", texts: []string{"Sign out everywhere else", "Cancel"}})
		b.takes("password", "Save password", 8, password, same)
		// What was ticked stays as it was.
		for _, ticked := range []bool{true, false} {
			fields := []string{"token", b.page.token(), "password", "short"}
			if ticked {
				fields = append(fields, "everywhere", "yes")
			}
			b.page = b.form("/account/password", fields...)
			if _, checked := attribute(b.page.tag("everywhere"), "checked"); checked != ticked {
				t.Errorf("ticked %v, then %v", ticked, checked)
			}
		}
		b.click("Cancel").is(want{page: "security"})
	})
	t.Run("that must be chosen", func(t *testing.T) {
		t.Parallel()
		p := open(t)
		owner := p.enrol("ada", "--display", "Ada Lovelace")
		p.cli("person", "set", "ada", "--ask-for-new-password")
		p.move(31 * time.Second)
		b := p.browser()
		b.enter("ada", password)
		b.do("Verify", "code", owner.app.code()).is(want{page: "password", step: "0", h1: "Choose a new password", title: "Choose a new password – Example",
			texts: []string{"Someone else may know your password. You can carry on when you have chosen a new one.", "Sign out"}, absent: []string{"Cancel", "Sign out everywhere else"}})
		b.takes("password", "Save password", 8, password, same)
		for _, path := range []string{"/account/security", "/account/password", "/account/activity"} { // every other address leads back
			b.ask(path).leads("/2fa/password")
		}
		b.get("/2fa/password")
		b.do("Save password", "password", password2).is(want{page: "security"})
	})
}

func TestDeadInvitations(t *testing.T) {
	t.Parallel()
	p := open(t)
	first := p.invitation("person", "add", "grace")
	second := p.invitation("person", "invite", "grace")
	b := p.browser()
	dead := func(path string, status int, words string) {
		t.Helper()
		const h1 = "This invitation no longer works"
		b.get(path).is(want{status: status, page: "error", title: h1 + " – Example"}).reads(h1, words)
	}
	dead(first, 410, "There is a newer invitation. Use the link in the newest message, or ask the service desk.")
	dead("/invitation/aaaaaaaaaaaaaaaaaaaaaaaaaa", 404, "This link does not work. Check that you copied all of it.")
	dead(second[:len(second)-1], 404, "This link does not work. Check that you copied all of it.")
	c := p.browser()
	c.get(second).is(want{page: "invitation"})
	p.move(72*time.Hour + time.Second)
	const expired = "This invitation has expired. It worked for 72 hours. Ask the service desk for a new one."
	dead(second, 410, expired)
	third := p.invitation("person", "invite", "grace")
	c.get(third)
	late := c.tab()
	c.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
	late.cookies = map[string]string{"csrf": c.cookies["csrf"]}
	late.do("Save password", "password", password2).is(want{status: 410, page: "error"})
	late.page.reads("This invitation no longer works", "This invitation has been used. Sign in with the password you chose.", "Sign in")
	late.click("Sign in").is(want{page: "sign-in"})
	// Open while it ran out: the form says so, and nothing is saved.
	fourth := p.invitation("person", "add", "mary")
	m := p.browser()
	m.get(fourth)
	for range 6 { // a form works for twelve hours
		p.move(11 * time.Hour)
		m.get(fourth).is(want{page: "invitation"})
	}
	p.move(6*time.Hour + time.Second)
	m.do("Save password", "password", password).is(want{status: 410, page: "error"}).reads("This invitation no longer works", expired)
	// Somebody else is signed in here.
	owner := p.enrolled("ada", number, e164, "--display", "Ada Lovelace")
	fifth := p.invitation("person", "invite", "mary")
	owner.get(fifth).is(want{page: "invitation", texts: []string{"You are signed in as Ada Lovelace. Sign out to use this invitation."}, absent: []string{"Save password", "mary"}})
	owner.do("Sign out").is(want{page: "invitation", texts: []string{"Choose a password for the username mary. You need it each time you sign in."}})
}
