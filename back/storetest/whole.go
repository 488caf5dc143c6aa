package storetest

import (
	"reflect"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// everything reads all that a change of allOrNothing touches.
func (w *world) everything(who string, ids ...string) []any {
	all := []any{must(w.Person(ctx(), who)), must(w.Factors(ctx(), who)), must(w.Phones(ctx(), who)), must(w.Recovery(ctx(), who)),
		must(w.SessionsOf(ctx(), who)), must(w.KnownBrowsers(ctx(), who)), must(w.Events(ctx(), who, 100, 0)),
		must(w.SetupsOpen(ctx(), who, now)), must(w.Limits(ctx(), ids))}
	for _, i := range ids {
		all = append(all, must(w.Attempt(ctx(), i)), must(w.Link(ctx(), i)), must(w.Message(ctx(), i)), must(w.Session(ctx(), i)))
	}
	return all
}

func allOrNothing(w *world) {
	p := newPerson()
	f, a, s, o, l, b := newApp(p.ID), newAttempt(p.ID), newSetup(p.ID), newSession(p.ID), newLink(p.ID), newBrowser(p.ID)
	budget := limit.Budget{Name: id(), Max: 3, Window: time.Hour}
	m, once := newMessage(), newMessage()
	w.apply(person.Added{Person: p}, factor.Bound{Factor: f}, flow.AttemptBegun{Attempt: a}, flow.SetupBegun{Setup: s}, session.Begun{Session: o},
		person.LinkMade{Link: l}, session.Recognised{Browser: b}, limit.Spent{Budget: budget, Key: budget.Name, Now: now}, message.Queued{Message: m})
	ids := []string{a.ID, s.ID, o.ID, l.ID, m.ID, once.ID, budget.Name}
	before := w.everything(p.ID, ids...)
	second := newSession(p.ID)
	all := change.Set{person.Saved{Person: p}, factor.StepSpent{ID: f.ID, Step: 7, At: now}, factor.DataSaved{Factor: f}, factor.Renamed{ID: f.ID, Person: p.ID, Name: "x"},
		factor.Missed{ID: f.ID}, factor.Bound{Factor: newApp(p.ID)}, phone.Bound{Phone: newPhone(p.ID, "+1212555"+digits())},
		flow.AttemptSaved{Attempt: a}, flow.SetupSaved{Setup: s}, flow.SetupBegun{Setup: newSetup(p.ID)}, flow.RecoveryAsked{Recovery: newRecovery(p.ID)},
		session.Saved{Session: o}, session.Begun{Session: second}, session.Ended{ID: o.ID, Person: p.ID, Why: "w", At: now}, session.ForgotAll{Person: p.ID},
		session.Recognised{Browser: newBrowser(p.ID)}, person.LinkSpent{ID: l.ID, At: now}, person.LinkMade{Link: newLink(p.ID), Replace: true},
		limit.Spent{Budget: budget, Key: budget.Name, Now: now}, message.Called{ID: m.ID, At: now}, message.Settled{ID: m.ID, State: message.Sent, At: now},
		message.QueuedOnce{Message: once, Once: limit.Spent{Budget: budget, Key: id(), Now: now}},
		factor.EndedAll{Person: p.ID, At: now}, limit.Cleared{Keys: []string{budget.Name}}, audit.New(now, audit.SignedIn, p.ID)}
	last := person.Unchanged{ID: p.ID, Version: 99}
	if got := w.refused(append(all, last)...); got != last {
		w.Errorf("it was %T that refused", got)
	}
	if after := w.everything(p.ID, ids...); !reflect.DeepEqual(before, after) {
		w.Errorf("what a refused change left:\n%+v\nbefore it:\n%+v", after, before)
	}
	if must(w.Session(ctx(), second.ID)) != nil {
		w.Error("the session of a refused change is there")
	}
	w.apply(all...) // and without the last one it is taken
	if reflect.DeepEqual(before, w.everything(p.ID, ids...)) {
		w.Error("a change that was taken changed nothing")
	}
}
