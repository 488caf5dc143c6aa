package server_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/manage"
	"sallyport/core/message"
	"sallyport/core/person"
)

// notice is the link of a notice to somebody.
func (m *member) notice() manage.Objection {
	m.Helper()
	token := person.NewToken()
	m.apply(person.LinkMade{Link: person.Link{ID: m.machine.LinkID(token), Kind: person.Dispute, Person: m.ID, MadeAt: m.time,
		EndsAt: m.time.Add(person.DisputeLife), Data: person.Disputed{Event: string(message.CodesMade), At: m.time}.Encode()}})
	return manage.Objection{Token: token}
}

func (m *member) press(by manage.Objection) (*manage.Dispute, error) {
	return m.core.Manage.Press(m.Context(), by, m.client)
}

func (m *member) release() {
	m.Helper()
	if _, _, err := m.core.Manage.Release(m.Context(), "cli:test", m.ID, manage.Checked{How: "in-person", Note: "seen"}); err != nil {
		m.Fatal(err)
	}
}

// used is somebody whose account was put on hold as often as it may be in a day.
func (h *house) used() *member {
	h.Helper()
	m := h.holder()
	for range limit.Disputes.Max {
		if d, err := m.press(m.notice()); err != nil || d.Reported.IsZero() {
			h.Fatalf("a dispute: %+v, %v", d, err)
		}
		m.release()
	}
	return m
}

// onlyTold are the disputes of somebody that did not put the account on hold.
func (m *member) onlyTold() (n int) {
	m.Helper()
	entries, err := m.core.Store.EventsOf(m.Context(), m.ID, []audit.Event{audit.Disputed}, 100)
	if err != nil {
		m.Fatal(err)
	}
	for _, e := range entries {
		if e.Method == audit.DisputedOnly {
			n++
		}
	}
	return n
}

func TestWhatIsPastTheDisputesOfADayIsTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	letters := h.letters()
	m := h.used()
	letters()
	links := []manage.Objection{m.notice(), m.notice()}
	for i, link := range links {
		for range 3 { // who presses again tells nothing new
			if d, err := m.press(link); !fault.Is(err, fault.Gone) || fault.Of(err).Word != "not-me.too-many" || d != nil {
				t.Fatalf("dispute %d: %+v, %v", i, d, err)
			}
		}
		h.time = h.time.Add(time.Minute)
		said := `the change "New recovery codes made" was disputed. The account was put on hold 3 times within a day before, so it was not this time`
		got := letters()
		if n := m.onlyTold(); n != i+1 || len(got) != 1 || !strings.Contains(got[0].Subject, m.Name+" says again that a change was not theirs") || !strings.Contains(got[0].Text, said) {
			t.Errorf("after link %d there are %d entries, and operators read %+v", i, n, got)
		}
	}
	if m.stored().Held() {
		t.Error("the account is on hold")
	}
	h.time = h.time.Add(25 * time.Hour)
	if d, err := m.press(links[0]); err != nil || d.Reported.IsZero() || !m.stored().Held() {
		t.Errorf("a day later: %+v, %v", d, err)
	}
}

func (m *member) stored() *person.Person { return operation{member: m}.stored() }

// beaten lets something happen before each change that is applied.
type beaten struct {
	flow.Changes
	before func()
}

func (b beaten) Apply(ctx context.Context, set change.Set) error {
	b.before()
	return b.Changes.Apply(ctx, set)
}

// Whoever pressed the button must not read that the account is on hold when it is
// not.
func TestNobodyIsToldOfAHoldThatIsNone(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.holder()
	link := m.notice()
	changes := h.core.Manage.Changes

	h.core.Manage.Changes = beaten{changes, func() { h.apply(person.Saved{Person: *m.stored()}) }}
	if d, err := m.press(link); err == nil || fault.Of(err) != nil || d != nil {
		t.Errorf("always overtaken: %+v, %v", d, err)
	}

	once := false
	h.core.Manage.Changes = beaten{changes, func() {
		if !once {
			h.apply(slices.Repeat([]change.Effect{h.spent(limit.Disputes, m.ID)}, limit.Disputes.Max)...)
		}
		once = true
	}}
	if d, err := m.press(link); !fault.Is(err, fault.Gone) || fault.Of(err).Word != "not-me.too-many" || d != nil {
		t.Errorf("used up by others meanwhile: %+v, %v", d, err)
	}
	if m.stored().Held() || m.onlyTold() != 1 {
		t.Errorf("held: %v, told: %d times", m.stored().Held(), m.onlyTold())
	}
}
