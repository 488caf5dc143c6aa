package stories_test

import (
	"fmt"
	"testing"
	"time"
)

// guesses lets somebody who has the password guess app codes in one browser as fast
// as waits allow, and says how many were judged before nothing is judged any more.
// After each ten of them each is called.
func guesses(p *portal, thief *browser, name string, over func(at *page) bool, each func(judged int)) (judged int) {
	p.t.Helper()
	for range 200 {
		at := thief.enter(name, password)
		if over(at) {
			return judged
		}
		for at.name() == "app-code" {
			wrong := fmt.Sprintf("%06d", (judged*7919+13)%1_000_000)
			if at = thief.press("Verify", "code", wrong); at.status == 303 {
				p.t.Fatalf("%s was right by chance", wrong)
			}
			if at.status == 422 || at.name() == "wait" {
				judged++ // the one that begins a wait was judged too
			}
			if over(at) {
				return judged
			}
		}
		p.move(61 * time.Minute)
		each(judged)
	}
	p.t.Fatalf("%d guesses, and no end", judged)
	return 0
}

// A year of somebody who has the password, while the owner signs in daily: what the
// arithmetic of docs/security/limits.md rests on.
func TestAThiefOfThePasswordGetsSoManyGuessesAYear(t *testing.T) {
	t.Parallel()
	closed := func(at *page) bool { return at.status == 403 }
	for _, c := range []struct {
		name         string
		apps, before int
		want         int
	}{{"one app", 1, 0, 300}, {"three apps", 3, 270, 10}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			owner := p.enrol("ada")
			for range c.apps - 1 {
				owner.get("/account/app")
				if owner.page.name() == "confirm" {
					owner.confirm("add an authenticator app")
				}
				more := owner.scan()
				owner.do("Continue")
				owner.do("Verify", "code", more.code()).is(want{page: "security"})
			}
			if c.before > 0 {
				thief := p.browser()
				thief.enter("ada", password).is(want{page: "app-code"})
				thief.press("Verify", "code", "000001")
				p.change(fmt.Sprintf("UPDATE limits SET used = %d WHERE key LIKE 'year/%%'", c.before))
			}
			last := 0
			n := guesses(p, p.browser(), "ada", closed, func(judged int) {
				if judged-last < 90 {
					return
				}
				last = judged // a hundredth in a row would end the app: the thief waits for the owner
				p.move(24 * time.Hour)
				owner.enter("ada", password).is(want{page: "app-code"})
				owner.do("Verify", "code", owner.app.code()).is(want{page: "security"})
			})
			if n != c.want {
				t.Errorf("%d guesses, want %d", n, c.want)
			}
			// Nothing but the year, or a new password, opens that lane again; the owner
			// is not touched.
			p.move(300 * 24 * time.Hour)
			if at := p.browser().enter("ada", password); !closed(at) {
				t.Errorf("300 days later: %s", at.name())
			}
		})
	}
}

// Who has a known browser's cookie too guesses no further than a hundred codes: the
// browser is forgotten then, and its lane with it.
func TestAThiefOfAKnownBrowserGetsAHundredGuesses(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	owner.leave()
	thief := owner.twin()
	known := func() int { return p.count("SELECT COUNT(*) FROM known") }
	if known() != 1 {
		t.Fatalf("%d known browsers", known())
	}
	n := guesses(p, thief, "ada", func(*page) bool { return known() == 0 }, func(judged int) {
		p.change("UPDATE factors SET misses = 0") // the owner signs in elsewhere
	})
	if n != 100 {
		t.Errorf("%d guesses", n)
	}
	// An attempt of that lane that was under way is over.
	thief.get("/2fa").is(want{page: "signed-out"})
}
