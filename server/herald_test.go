package server_test

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/flow"
	"sallyport/core/manage"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
)

// operator adds somebody who looks after others.
func (h *house) operator(address string) *member {
	h.Helper()
	return h.newcomer(func(p *person.Person) { p.Operator, p.Email, p.Display = true, address, "Grace" })
}

// letters gives the portal an operator who reads mail. It returns what lets the
// herald tell what is due, as one node does every few seconds, and reads what
// became of it.
func (h *house) letters() func() []message.Message {
	h.Helper()
	h.core.Manage.Writer.NoMail = false
	h.operator("grace@example.org")
	seen := map[string]bool{}
	return func() (fresh []message.Message) {
		h.Helper()
		h.tell(&asked{Store: h.core.Store})
		all, err := h.core.Store.WaitingMails(h.Context(), h.time, 10_000)
		if err != nil {
			h.Fatal(err)
		}
		for _, m := range all {
			if !seen[m.ID] && m.To == "grace@example.org" {
				fresh = append(fresh, m)
			}
			seen[m.ID] = true
		}
		return fresh
	}
}

func TestEveryDisputeIsToldInWords(t *testing.T) {
	t.Parallel()
	h := open(t)
	letters := h.letters()
	told := 0
	for _, n := range message.Notices {
		m := h.holder()
		for _, effect := range h.core.Manage.Writer.Notify(n, message.Told{Person: m.Person}, h.time) {
			if made, ok := effect.(person.LinkMade); ok {
				h.apply(made)
				if d, err := m.core.Manage.Press(t.Context(), manage.Objection{Link: made.Link.ID, Owner: m.ID}, m.client); err != nil || d.Reported.IsZero() {
					t.Fatalf("%s: %+v, %v", n, d, err)
				}
				told++
			}
		}
	}
	got := letters()
	for _, l := range got {
		if strings.Contains(l.Text, "!") || strings.Contains(l.Text, "{") || !regexp.MustCompile(`the change "[0-9A-Z][^"]+" was disputed`).MatchString(l.Text) {
			t.Errorf("operators read:\n%s", l.Text)
		}
	}
	if len(got) != told || told < 16 {
		t.Errorf("%d mails of %d disputes", len(got), told)
	}
}

// What many entries are about stands before nothing else.
func TestAFloodHidesNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	letters := h.letters()
	var flood change.Set
	entry := func(event audit.Event, who string, ago time.Duration) audit.Entry {
		e := audit.New(h.time.Add(-ago), event, who)
		e.Reason = "prefix"
		if event == audit.Disputed {
			e.Reason = string(message.CodesMade)
		}
		return e
	}
	m := h.holder()
	for i := range 250 {
		flood.Add(entry(audit.TextsStopped, "", 23*time.Hour-time.Duration(i)*time.Second), entry(audit.Disputed, m.ID, 22*time.Hour-time.Duration(i/50)*time.Second))
	}
	last := h.holder()
	h.apply(append(flood, entry(audit.Disputed, last.ID, time.Minute), entry(audit.TextsStopped, "", time.Minute))...)
	got := letters()
	if len(got) != 502 || !slices.ContainsFunc(got, func(l message.Message) bool { return strings.Contains(l.Subject, last.Name+" says") }) {
		t.Errorf("operators read %d mails", len(got))
	}

	var recoveries change.Set
	for range 250 {
		recoveries.Add(flow.RecoveryAsked{Recovery: h.lapsed(m.ID+rand.Text(), 80*time.Hour)})
	}
	h.apply(append(recoveries, flow.RecoveryAsked{Recovery: h.lapsed(last.ID, 79*time.Hour)})...)
	letters()
	if kept, err := h.core.Store.Kept(t.Context(), last.ID); err != nil || len(kept.Messages) != 1 {
		t.Errorf("behind 250 others somebody gets %d messages, %v", len(kept.Messages), err)
	}
}

// lapsed is a recovery that was not used in time.
func (h *house) lapsed(who string, ago time.Duration) flow.Recovery {
	return flow.Recovery{ID: rand.Text(), Person: who, AskedAt: h.time.Add(-ago), OpenAt: h.time.Add(-ago), Until: h.time.Add(-time.Hour)}
}

func TestListsOfADayNameAll(t *testing.T) {
	t.Parallel()
	h := open(t)
	letters := h.letters()
	h.time = h.time.Truncate(24 * time.Hour).Add(12 * time.Hour)
	var set change.Set
	for range 250 {
		set.Add(audit.New(h.time.Add(-24*time.Hour), audit.SetUp, h.newcomer(nil).ID))
	}
	tried := audit.New(h.time.Add(-13*time.Hour), audit.Limited, h.newcomer(nil).ID)
	today := audit.New(h.time.Add(-11*time.Hour), audit.SetUp, h.newcomer(nil).ID)
	h.apply(append(set, tried, today)...)
	got := letters()
	if len(got) != 2 {
		t.Fatalf("operators read %d mails", len(got))
	}
	for _, l := range got {
		switch {
		case strings.Contains(l.Subject, ": 250 people set up 2FA without a mail address"):
			if n := strings.Count(l.Text, "name"); n != 200 || !strings.Contains(l.Text, " and 50 more. Ask them") {
				t.Errorf("%d are named:\n%s", n, l.Text)
			}
		case strings.Contains(l.Subject, "passwords are being guessed"):
		default:
			t.Errorf("operators read %q", l.Subject)
		}
	}
}

// asked counts what is read of people and events.
type asked struct {
	*store.Store
	people, pages int
	phones        func() // happens after somebody's numbers are read
	operators     func() // happens after operators are read
}

func (a *asked) Person(ctx context.Context, id string) (*person.Person, error) {
	a.people++
	return a.Store.Person(ctx, id)
}

func (a *asked) EventsAfter(ctx context.Context, kinds []audit.Event, after audit.Entry, most int) ([]audit.Entry, error) {
	a.pages++
	return a.Store.EventsAfter(ctx, kinds, after, most)
}

func (a *asked) Phones(ctx context.Context, who string) ([]phone.Phone, error) {
	list, err := a.Store.Phones(ctx, who)
	if a.phones != nil {
		a.phones()
	}
	return list, err
}

func (a *asked) Operators(ctx context.Context) ([]person.Person, error) {
	list, err := a.Store.Operators(ctx)
	if a.operators != nil {
		a.operators()
	}
	return list, err
}

func (h *house) tell(a *asked) {
	h.Helper()
	h.core.Manage.People = a
	if err := (manage.Herald{Manager: h.core.Manage, Log: a}).Tell(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// Every node asks every few seconds: what was told costs one read a page, and
// nobody is read for it.
func TestWhatWasToldIsNotReadAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	letters := h.letters()
	h.time = h.time.Truncate(24 * time.Hour).Add(12 * time.Hour)
	m, yesterday := h.holder(), h.time.Add(-20*time.Hour)
	h.apply(audit.New(h.time, audit.Disputed, m.ID), audit.New(yesterday, audit.SetUp, m.ID), audit.New(yesterday, audit.SetUp, h.operator("mary@example.org").ID),
		flow.RecoveryAsked{Recovery: h.lapsed(m.ID, 73*time.Hour)})
	if got := letters(); len(got) != 2 {
		t.Fatalf("operators read %d mails", len(got))
	}
	again := &asked{Store: h.core.Store}
	h.tell(again)
	if again.people != 0 || again.pages != 2 {
		t.Errorf("the second time %d people and %d pages are read", again.people, again.pages)
	}
}

// In the first moments of a day the last of the day before may still be written.
func TestADayIsOverWhenItsLastEntryIsThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	letters := h.letters()
	midnight := h.time.Truncate(24 * time.Hour)
	h.time = midnight.Add(time.Second)
	letters()
	h.apply(audit.New(midnight.Add(-time.Millisecond), audit.SetUp, h.holder().ID))
	h.time = midnight.Add(10 * time.Second)
	if got := letters(); len(got) != 1 {
		t.Errorf("operators read %d mails", len(got))
	}
}

func TestWhoIsDeletedMeanwhileIsToldNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.core.Manage.Writer.NoMail = false
	m, operator := h.holder(), h.operator("grace@example.org")
	stays := h.operator("mary@example.org")
	h.apply(flow.RecoveryAsked{Recovery: h.lapsed(m.ID, 73*time.Hour)}, audit.New(h.time, audit.Disputed, stays.ID))
	deleted := func(id string) func() {
		return func() {
			if p, err := h.core.Store.Person(t.Context(), id); err == nil && p != nil {
				h.apply(person.Deleted{ID: id})
			}
		}
	}
	h.tell(&asked{Store: h.core.Store, phones: deleted(m.ID), operators: deleted(operator.ID)})
	h.tell(&asked{Store: h.core.Store})
	for _, who := range []*member{m, operator} {
		if kept, err := h.core.Store.Kept(t.Context(), who.ID); err != nil || len(kept.Messages) > 0 {
			t.Errorf("after %s was deleted %d messages wait, %v", who.Name, len(kept.Messages), err)
		}
	}
	if kept, err := h.core.Store.Kept(t.Context(), stays.ID); err != nil || len(kept.Messages) != 1 {
		t.Errorf("the other operator gets %d mails, %v", len(kept.Messages), err)
	}
}
