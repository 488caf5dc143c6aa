package server_test

import (
	"fmt"
	"testing"
	"time"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
)

// TestAThiefGuessesThreeHundredTimesAYear lets somebody with the password guess as
// often as they may, from new browsers, while the owner signs in every day with an app
// that so never counts to a hundred. docs/security/limits.md has the arithmetic.
func TestAThiefGuessesThreeHundredTimesAYear(t *testing.T) {
	t.Parallel()
	h := open(t)
	owner := h.holder().signedIn()
	thief := *owner
	thief.elsewhere().client.Address = "198.51.100.7"
	guesses, days := 0, 0
	begun := h.time
	for ; days < 365; days++ {
		today := 0 // fewer than would end the app before its owner comes again
		for end := h.time.Add(24 * time.Hour); h.time.Before(end) && today < 90; {
			thief.client.Address = fmt.Sprintf("198.51.100.%d", guesses%250)
			r, err := h.machine.SignIn(t.Context(), thief.entry(), thief.client)
			if err != nil {
				t.Fatalf("day %d: the right password: %v", days, err)
			}
			if thief.attempt = r.Attempt; thief.look().Step == flow.LaneClosed {
				break
			}
			for wait := time.Duration(0); wait == 0 && today < 90; {
				_, err := h.machine.SubmitFactor(t.Context(), thief.post(), thief.guess(guesses), thief.client)
				f := fault.Of(err)
				if f == nil {
					t.Fatalf("guess %d: %v", guesses, err)
				}
				if !f.Missed && thief.look().Step != flow.LaneClosed {
					t.Fatalf("guess %d is no guess: %v", guesses, f)
				}
				if f.Missed {
					guesses, today = guesses+1, today+1
				}
				if wait = f.Wait; !f.Missed {
					wait = time.Minute
				}
				h.time = h.time.Add(wait)
			}
		}
		h.time = begun.Add(time.Duration(days+1) * 24 * time.Hour)
		owner.client.Session = ""
		if owner.enter(); !owner.nextCodeIsTaken() {
			t.Fatalf("day %d: the owner is kept out", days)
		}
	}
	if guesses != limit.YearMax {
		t.Errorf("%d guesses in %v", guesses, h.time.Sub(begun))
	}
	if odds := float64(guesses) * 3 / 1e6; odds >= 1e-3 {
		t.Errorf("the odds of a year are %v", odds)
	}
	rows, err := h.core.Store.Factors(t.Context(), owner.ID)
	if err != nil || len(rows) != 1 || !rows[0].Works() {
		t.Errorf("the owner's app: %+v, %v", rows, err)
	}
}

// guess is a code that is not the app's, nor was lately.
func (m *member) guess(n int) string {
	near := map[string]bool{}
	for o := range int64(4000) {
		near[m.secret.Code(m.secret.Step(m.time)+o-2000)] = true
	}
	for i := n * 1009; ; i++ {
		if code := fmt.Sprintf("%06d", i%1_000_000); !near[code] {
			return code
		}
	}
}

// TestAnOfficeOfTwoHundredSetsUpInAnHour: behind one address, some of them mistyping
// password or code, some asking for the text again.
func TestAnOfficeOfTwoHundredSetsUpInAnHour(t *testing.T) {
	t.Parallel()
	h := open(t)
	begun := h.time
	var waiting []*member // the codes of the last few are still on their way
	finish := func(m *member, n int) {
		t.Helper()
		digits := m.look().Setup.Data.Text.Digits
		if n%11 == 3 {
			if _, err := h.machine.TextCode(t.Context(), m.post(), "x", m.client); fault.Of(err) == nil {
				t.Fatalf("person %d: what is no code: %v", n, err)
			}
			if _, err := h.machine.TextCode(t.Context(), m.post(), other(digits), m.client); fault.Of(err) == nil {
				t.Fatalf("person %d: a wrong code: %v", n, err)
			}
		}
		m.must(h.machine.TextCode(t.Context(), m.post(), digits, m.client))
		o := m.toNewFactor()
		if r, err := o.do(); err != nil || r.Session == "" {
			t.Fatalf("person %d is not in: %v", n, err)
		}
	}
	for n := range 200 {
		m := h.newcomer(nil)
		m.client.Address, m.client.Shown = "203.0.113.7", "203.0.113.7"
		if n%9 == 4 {
			in := m.entry()
			in.Password = "wrong"
			if _, err := h.machine.SignIn(t.Context(), in, m.client); fault.Of(err) == nil || fault.Of(err).Word != "sign-in.wrong" {
				t.Fatalf("person %d: a wrong password: %v", n, err)
			}
		}
		m.numbered()
		waiting = append(waiting, m)
		h.time = h.time.Add(17 * time.Second)
		if len(waiting) > 5 {
			first := waiting[0]
			if n%13 == 7 {
				h.time = h.time.Add(-17 * time.Second)
				m.must(h.machine.SendAgain(t.Context(), first.post(), first.client))
				h.time = h.time.Add(17 * time.Second)
			}
			finish(first, n)
			waiting = waiting[1:]
		}
	}
	for n, m := range waiting {
		finish(m, n)
	}
	if took := h.time.Sub(begun); took > time.Hour {
		t.Errorf("it took them %v", took)
	}
}

// other is a code of six digits that is another.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}
