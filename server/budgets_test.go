package server_test

import (
	"testing"
	"time"

	"sallyport/core/fault"
)

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
