//go:build !race

package server_test

import (
	"strings"
	"testing"
	"time"
)

// jumped does an errand with a clock that jumps before one of its acts.
func (e errand) jumped(t *testing.T, d door, c course, at int, by time.Duration) {
	t.Helper()
	v := e.begin(t, d)
	for i := 0; !e.done(v); i++ {
		if i == at {
			v.move(by)
			before := c.standing[i : i+1]
			if by < 0 {
				before = c.standing[:i+1] // what has ended by time alone has not ended yet
			}
			v.noMore("after the jump", before)
		}
		v.act()
		if i == actsMost/2 && by < 0 {
			v.move(-by) // what was done in a future that is none has to become past
		}
		if i == actsMost {
			t.Errorf("a jump by %v before act %d: the person does not get on: %s", by, at, v.page.brief())
			return
		}
	}
	v.noMore("in the end", c.standing)
	v.onceEach("in the end")
	if now, want := v.standing(), c.standing[len(c.standing)-1]; led(now) != led(want) {
		t.Errorf("a jump by %v before act %d ends with\n  %s\nnot\n  %s", by, at, now, want)
	}
}

// led is where a standing says that passwords lead.
func led(standing string) string {
	return standing[strings.Index(standing, "the password leads"):]
}

// noMore says that nothing is open that would not be with a clock that is right.
func (v *visitor) noMore(when string, than []string) {
	v.Helper()
	now, all := v.standing(), strings.Join(than, "\n  ")
	for _, place := range []string{"here", "elsewhere"} {
		if strings.Contains(now, place+" open") && !strings.Contains(all, place+" open") {
			v.Errorf("%s\n  %s\nis more than\n  %s", when, now, all)
		}
	}
}

// TestAClockThatJumpsOpensNothing lets the clock jump by a day, forward and back,
// between any two acts of the main errands: of the others some begin with a session that
// time has ended, or need another code of an operator a day later.
func TestAClockThatJumpsOpensNothing(t *testing.T) {
	errandsIn(t, mainErrands, here, failure{}, func(t *testing.T, e errand, d door, c course) {
		for at := 1; at < len(c.answers); at++ {
			for _, by := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
				e.jumped(t, d, c, at, by)
			}
		}
	})
}
