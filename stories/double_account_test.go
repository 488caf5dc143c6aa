package stories_test

import (
	"strings"
	"testing"
)

// Whoever clicks twice on a change of the account reads what one click gives.
func TestTheAccountTwice(t *testing.T) {
	t.Parallel()
	p := open(t)
	for name, atOnce := range map[string]bool{"ada": false, "grace": true} {
		typed, to := washington(len(name))
		typed2, to2 := washington(10 + len(name))
		p.add(name)
		b := p.browser()
		b.wizard(name, typed, to)
		b.get("/account/password").is(want{page: "password"})
		before := b.page
		alike(t, name+"'s password, "+bothWays[atOnce], b.again(5, atOnce, "Save password", "password", password2)).leads("/account/security")
		b.get("/account/security").is(want{page: "security", notice: "Your password is changed."})
		p.text(to, "password was changed on")
		p.quiet(to)
		if n := strings.Count(b.get("/account/activity").text(), "Password changed, Firefox"); n != 1 {
			t.Errorf("%s: the password was changed %d times", name, n)
		}
		b.page = before // the same form with another password is another change
		b.do("Save password", "password", password2+"x").is(want{page: "security", notice: "Your password is changed."})
		b.get("/account/password")
		b.do("Save password", "password", password2+"x").is(want{problem: "#password That is your present password. Choose a new one."})

		b.get("/account/phone").is(want{page: "setup-phone"})
		alike(t, name+"'s number, "+bothWays[atOnce], b.again(5, atOnce, "Send SMS", "phone", typed2)).leads("/account/phone/code")
		p.code(to2)
		p.quiet(to2)
	}
}
