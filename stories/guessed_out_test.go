package stories_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A text that waits, since the provider asks to wait, is of no use any more once
// its code was guessed at five times: it would be a code that never works.
func TestACodeThatWasGuessedOutIsNotSentLater(t *testing.T) {
	t.Parallel()
	p, v := provided(t, "")
	p.opened()
	b := p.enrol("ada")
	codes := func() (n int) { // how often the provider was called with a code
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, form := range v.got {
			if strings.Contains(form.Get("text"), " is your Example code") {
				n++
			}
		}
		return n
	}
	busy := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	for _, row := range []struct {
		name, to string
		browser  func() *browser // on the page where the text is asked for
		fields   []string
		page     string
	}{
		{"a set-up", e164two, func() *browser { return p.toNumber("grace") }, []string{"phone", number2}, "setup-phone-code"},
		{"a recovery", e164, func() *browser {
			c := p.lost("ada")
			c.get("/2fa/other")
			return c
		}, nil, "text-code"},
		{"a change of number", "+12025550188", func() *browser {
			b.stale()
			b.get("/account/security")
			b.click("Change number")
			b.confirm("change your mobile number")
			return b
		}, []string{"phone", "(202) 555-0188"}, "setup-phone-code"},
	} {
		c := row.browser()
		v.answers(busy)
		calls := codes()
		c.do("Send SMS", row.fields...).is(want{page: row.page})
		for end := time.Now().Add(10 * time.Second); codes() == calls && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		for range 5 {
			c.do("Verify", "code", "000000")
		}
		if said := c.page.text(); c.page.name() != row.page || !strings.Contains(said, "That code no longer works") {
			t.Fatalf("%s: after five guesses it says %s", row.name, said)
		}
		v.answers(nil)
		p.move(61 * time.Second)
		time.Sleep(2200 * time.Millisecond) // two rounds of the sender
		if n := codes() - calls; n != 1 {
			t.Errorf("%s: the provider was called %d times", row.name, n)
		}
		p.move(2 * time.Minute)
		c.do("Send SMS again").is(want{page: row.page, notice: "We sent a new code."})
		c.do("Verify", "code", p.text(row.to, " is your Example code")[:6])
		if c.page.name() == row.page {
			t.Errorf("%s: the new code is not taken: %s", row.name, c.page.brief())
		}
	}
}
