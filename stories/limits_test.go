package stories_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// untold checks that a right answer past the limit is answered as a wrong one is.
func untold(t *testing.T, right, wrong *page) {
	t.Helper()
	for what, a := range map[string]*page{"right": right, "wrong": wrong} {
		if a.status != http.StatusTooManyRequests || a.name() != "wait" || a.header.Get("Retry-After") == "" || len(a.header.Values("Set-Cookie")) > 0 {
			t.Errorf("the %s one: %d on %q, Retry-After %q, cookies %q: %s", what, a.status, a.name(), a.header.Get("Retry-After"), a.header.Values("Set-Cookie"), a.brief())
		}
	}
	if right.text() != wrong.text() || len(right.header) != len(wrong.header) {
		t.Errorf("the right one is told from the wrong one:\n%s\n%s", right.text(), wrong.text())
	}
}

// statuses counts answers by their status.
func statuses(answers []*page) map[int]int {
	n := map[int]int{}
	for _, a := range answers {
		n[a.status]++
	}
	return n
}

// many tries are more than any limit allows.
const many = 16

// salvo presses a button with each value of a field, five at a time: so many get
// their turn in the hashing queue on any machine.
func (b *browser) salvo(label, field string, values []string, fields ...string) []*page {
	b.t.Helper()
	answers := make([]*page, len(values))
	var wg sync.WaitGroup
	turns := make(chan bool, 5)
	for i, value := range values {
		twin := b.twin()
		wg.Go(func() {
			turns <- true
			answers[i] = twin.press(label, append([]string{field, value}, fields...)...)
			<-turns
		})
	}
	wg.Wait()
	return answers
}

func nonsense(n int) (words []string) {
	for i := range n {
		words = append(words, "wrong "+string(rune('a'+i)))
	}
	return words
}

// TestTheRightPasswordPastTheLimit: ten wrong ones, then the right one; also when
// the right one was on its way before the tenth was judged.
func TestTheRightPasswordPastTheLimit(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.get("/sign-in")
	try := func(word string) *page {
		twin := b.twin()
		return twin.press("Sign in", "username", "ada", "password", word)
	}
	for _, word := range nonsense(9) {
		try(word).is(want{problem: wrongDetails})
	}
	// Each try of this pair is held back five seconds by now: the tenth wrong one
	// is judged two seconds before the others, which are all under way.
	var tenth, right, wrong *page
	var wg sync.WaitGroup
	wg.Go(func() { tenth = try("wrong too") })
	time.Sleep(2 * time.Second)
	wg.Go(func() { right = try(password) })
	wg.Go(func() { wrong = try("wrong as well") })
	wg.Wait()
	tenth.is(want{problem: wrongDetails})
	untold(t, right, wrong)
	untold(t, try(password), try("wrong again"))
	p.move(10 * time.Minute)
	untold(t, try(password), try("wrong again"))
	p.move(5*time.Minute + 2*time.Second)
	try(password).leads("/2fa/start")
}

// TestTheRightPasswordInAKnownBrowser: its lane has no pauses, and many tries run
// at once.
func TestTheRightPasswordInAKnownBrowser(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.leave()
	b.get("/sign-in")
	fields := []string{"username", "ada"}
	if n := statuses(b.salvo("Sign in", "password", nonsense(many), fields...)); n[422] != 10 || n[429] != many-10 {
		t.Errorf("%d wrong passwords at once: %v", many, n)
	}
	after := b.salvo("Sign in", "password", []string{password, "wrong", password}, fields...)
	untold(t, after[0], after[1])
	untold(t, after[2], after[1])
	p.browser().enter("ada", password).is(want{page: "app-code"}) // the lane of others is not touched
	p.move(15*time.Minute + 2*time.Second)
	b.enter("ada", password).is(want{page: "app-code"})
}

func TestTheRightConfirmationPastTheLimit(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.leave()
	for _, row := range []struct {
		name  string
		salvo func() []*page
		press func(right bool) *page
	}{
		{"password", func() []*page {
			return b.salvo("Continue", "password", nonsense(many), "code", b.app.code())
		}, func(right bool) *page {
			word := map[bool]string{true: password, false: "wrong"}[right]
			return b.twin().press("Continue", "password", word, "code", b.app.code())
		}},
		{"app code", func() []*page {
			return b.salvo("Continue", "code", b.app.wrongs(many), "password", password)
		}, func(right bool) *page {
			code := map[bool]string{true: b.app.code(), false: b.app.wrong()}[right]
			return b.twin().press("Continue", "password", password, "code", code)
		}},
		{"recovery code", func() []*page {
			b.click("Use a recovery code instead")
			var codes []string
			for i := range many {
				codes = append(codes, "8KZT-4Q2M-7XPD-93H"+string(rune('A'+i%8)))
			}
			return b.salvo("Continue", "recovery", codes, "password", password)
		}, func(right bool) *page {
			code := map[bool]string{true: b.codes[0], false: "8KZT-4Q2M-7XPD-93HB"}[right]
			return b.twin().press("Continue", "password", password, "recovery", code)
		}},
	} {
		p.move(61 * time.Minute) // the longest wait is over
		b.signIn("ada", b.app).is(want{page: "security"})
		b.stale()
		b.get("/account/phone").is(want{page: "confirm"})
		p.move(31 * time.Second)
		// The tenth wrong code is told to wait already, if it saw the nine others.
		if n := statuses(row.salvo()); n[422] < 9 || n[422] > 10 || n[422]+n[429] != many {
			t.Errorf("%s: %d wrong ones at once: %v", row.name, many, n)
		}
		untold(t, row.press(true), row.press(false))
		b.ask("/account/phone").leads("/confirm?to=%2Faccount%2Fphone")
		b.get("/account/security").is(want{page: "security", texts: []string{"10 of 10 left"}})
		b.leave()
	}
}
