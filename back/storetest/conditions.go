package storetest

import (
	"errors"
	"reflect"
	"time"

	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

type verdict bool

const (
	allow  verdict = true
	refuse verdict = false
)

// condition is a row of the table: after given, the effect is taken or refused.
type condition struct {
	name   string
	want   verdict
	given  change.Set
	effect change.Effect
}

func conditions(w *world) {
	for _, c := range table() {
		w.run(c.name, func(w *world) {
			if len(c.given) > 0 {
				w.apply(c.given...)
			}
			if c.want == allow {
				w.apply(c.effect)
			} else if got := w.refused(c.effect); !reflect.DeepEqual(got, c.effect) {
				w.Errorf("it was %T that refused", got)
			}
		})
	}
	w.run("a session without its proof is stored by no change", func(w *world) {
		bare := session.Session{Row: newSession("ada").Row}
		risen := session.Stored(session.Row{ID: id(), Level: session.One})
		risen.Level = session.Two
		for _, s := range []session.Session{bare, risen} {
			if err := w.Apply(ctx(), change.Set{session.Begun{Session: s}}); err == nil {
				w.Error("it is taken")
			}
			if got := must(w.Session(ctx(), s.ID)); got != nil {
				w.Error("it is stored")
			}
		}
	})
	w.run("an effect that the store does not know fails", func(w *world) {
		p := newPerson()
		err := w.Apply(ctx(), change.Set{person.Added{Person: p}, struct{ change.Mark }{}})
		if _, refused := errors.AsType[*change.Refused](err); err == nil || refused || !errors.Is(err, fault.ErrDown) {
			w.Errorf("apply: %v", err)
		}
		if must(w.Person(ctx(), p.ID)) != nil {
			w.Error("the effect before it was applied")
		}
	})
}

func table() []condition {
	return append(append(people(), factors()...), flows()...)
}

func people() (rows []condition) {
	add := func(want verdict, name string, effect change.Effect, given ...change.Effect) {
		rows = append(rows, condition{name, want, given, effect})
	}
	p, gone := newPerson(), newPerson()
	add(allow, "a person with a free name", person.Added{Person: p})
	again := newPerson()
	again.Name = p.Name
	add(refuse, "a person with a name that is taken", person.Added{Person: again})
	add(allow, "a person as it was read", person.Unchanged{ID: p.ID, Version: 1})
	add(allow, "looking changed nothing", person.Unchanged{ID: p.ID, Version: 1})
	add(allow, "a person saved as it was read", person.Saved{Person: p})
	add(refuse, "a person saved as it was before", person.Saved{Person: p})
	add(refuse, "a person that changed since", person.Unchanged{ID: p.ID, Version: 1})
	add(allow, "a person read again", person.Unchanged{ID: p.ID, Version: 2})
	add(refuse, "a person that is not there, saved", person.Saved{Person: gone})
	add(refuse, "a person that is not there", person.Unchanged{ID: gone.ID, Version: 1})

	l := newLink(p.ID)
	add(allow, "a link", person.LinkMade{Link: l})
	add(refuse, "a link with a token that is taken", person.LinkMade{Link: l})
	add(allow, "a link spent in time", person.LinkSpent{ID: l.ID, At: at(minute)})
	add(refuse, "a link spent twice", person.LinkSpent{ID: l.ID, At: at(minute)})
	add(refuse, "a link that nobody made", person.LinkSpent{ID: id(), At: now})
	late, old, fresh, other := newLink(p.ID), newLink(p.ID), newLink(p.ID), newLink(p.ID)
	add(refuse, "a link at its end", person.LinkSpent{ID: late.ID, At: late.EndsAt}, person.LinkMade{Link: late})
	add(allow, "a link just before", person.LinkSpent{ID: late.ID, At: late.EndsAt.Add(-time.Millisecond)})
	other.Kind = person.SetupCode
	add(refuse, "a link that another replaced", person.LinkSpent{ID: old.ID, At: now},
		person.LinkMade{Link: old}, person.LinkMade{Link: other}, person.LinkMade{Link: fresh, Replace: true})
	add(allow, "the one that replaced it", person.LinkSpent{ID: fresh.ID, At: now})
	add(allow, "one of another kind is not replaced", person.LinkSpent{ID: other.ID, At: now})
	replaced, kept := newLink(p.ID), newLink(p.ID)
	kept.Kind = person.PasswordLink
	add(refuse, "a link whose kind was replaced", person.LinkSpent{ID: replaced.ID, At: now},
		person.LinkMade{Link: replaced}, person.LinkMade{Link: kept}, person.LinksReplaced{Kind: replaced.Kind, Person: p.ID, At: now},
		person.LinksReplaced{Kind: kept.Kind, Person: "bob", At: now})
	add(allow, "neither another kind nor another person's", person.LinkSpent{ID: kept.ID, At: now})

	b := newBrowser(p.ID)
	add(refuse, "forgetting the browser of somebody else", session.Forgot{ID: b.ID, Person: "bob"}, session.Recognised{Browser: b})
	his := b
	his.Person = "bob"
	add(refuse, "a known browser of somebody else, seen again", session.SeenAgain{Browser: his})
	add(allow, "a known browser, seen again", session.SeenAgain{Browser: b})
	add(allow, "forgetting a browser", session.Forgot{ID: b.ID, Person: p.ID})
	add(refuse, "forgetting it twice", session.Forgot{ID: b.ID, Person: p.ID})
	add(allow, "forgetting it twice, where that matters to nobody", session.Forgot{ID: b.ID, Person: p.ID, Lenient: true})
	add(refuse, "a forgotten browser, seen again", session.SeenAgain{Browser: b})
	return rows
}

func factors() (rows []condition) {
	add := func(want verdict, name string, effect change.Effect, given ...change.Effect) {
		rows = append(rows, condition{name, want, given, effect})
	}
	who := id()
	f := newApp(who)
	f.Step = 100
	add(allow, "a later step", factor.StepSpent{ID: f.ID, Step: 101, At: now}, factor.Bound{Factor: f})
	add(refuse, "the same step again", factor.StepSpent{ID: f.ID, Step: 101, At: now})
	add(refuse, "a step before it", factor.StepSpent{ID: f.ID, Step: 100, At: now})
	add(allow, "spending a step leaves the version", factor.DataSaved{Factor: f})
	add(refuse, "data saved as it was before", factor.DataSaved{Factor: f})
	add(refuse, "naming the app of somebody else", factor.Renamed{ID: f.ID, Person: "bob", Name: "Mine"})
	add(allow, "naming an app", factor.Renamed{ID: f.ID, Person: who, Name: "Work"})
	add(refuse, "ending the app of somebody else", factor.Ended{ID: f.ID, Person: "bob", Why: "w", At: now})
	add(allow, "ending an app", factor.Ended{ID: f.ID, Person: who, Why: "w", At: now})
	add(refuse, "ending it twice", factor.Ended{ID: f.ID, Person: who, Why: "w", At: now})
	add(refuse, "a step of an app that ended", factor.StepSpent{ID: f.ID, Step: 200, At: now})
	add(refuse, "naming an app that ended", factor.Renamed{ID: f.ID, Person: who, Name: "W"})
	f.Version = 3
	add(refuse, "data of an app that ended", factor.DataSaved{Factor: f})
	add(refuse, "a step of an app that nobody has", factor.StepSpent{ID: id(), Step: 1, At: now})

	worn := newApp(who)
	worn.Misses = factor.MissesMax - 1
	add(allow, "99 misses do not end an app", factor.StepSpent{ID: worn.ID, Step: 1, At: now}, factor.Bound{Factor: worn})
	add(refuse, "100 do", factor.StepSpent{ID: worn.ID, Step: 2, At: now}, misses(worn.ID, factor.MissesMax)...)

	voided := newApp(who)
	add(refuse, "a step of an app that a dispute ended", factor.StepSpent{ID: voided.ID, Step: 1, At: now},
		factor.Bound{Factor: voided}, factor.Voided{ID: voided.ID, Person: who, At: now})
	return rows
}

func misses(factorID string, n int) (set change.Set) {
	for range n {
		set.Add(factor.Missed{ID: factorID})
	}
	return set
}

func flows() (rows []condition) {
	add := func(want verdict, name string, effect change.Effect, given ...change.Effect) {
		rows = append(rows, condition{name, want, given, effect})
	}
	who := id()
	a := newAttempt(who)
	add(allow, "an attempt", flow.AttemptBegun{Attempt: a})
	add(refuse, "an attempt with a name that is taken", flow.AttemptBegun{Attempt: a})
	add(allow, "an attempt saved as it was read", flow.AttemptSaved{Attempt: a})
	add(refuse, "an attempt saved as it was before", flow.AttemptSaved{Attempt: a})
	a.Version, a.EndedAt = 2, now
	add(allow, "an attempt ended", flow.AttemptSaved{Attempt: a})
	a.Version, a.EndedAt = 3, never
	add(refuse, "an attempt after its end", flow.AttemptSaved{Attempt: a})
	b := newAttempt(who)
	add(refuse, "an attempt that all were ended with", flow.AttemptSaved{Attempt: b},
		flow.AttemptBegun{Attempt: b}, flow.AttemptsEnded{Person: who, Why: flow.OverLeft, At: now})
	add(refuse, "an attempt that is not there", flow.AttemptSaved{Attempt: newAttempt(who)})

	s := newSetup(who)
	add(allow, "a set-up saved as it was read", flow.SetupSaved{Setup: s}, flow.SetupBegun{Setup: s})
	add(refuse, "a set-up saved as it was before", flow.SetupSaved{Setup: s})
	s.Version = 2
	add(allow, "prepared codes leave the version", flow.SetupSaved{Setup: s}, flow.CodesPrepared{ID: s.ID})
	s.Version = 3
	add(refuse, "a set-up that was dropped", flow.SetupSaved{Setup: s}, flow.SetupsDropped{ID: s.ID, Person: who})

	r, second := newRecovery(who), newRecovery(who)
	add(allow, "a recovery", flow.RecoveryAsked{Recovery: r})
	add(refuse, "a second while one is alive", flow.RecoveryAsked{Recovery: second})
	second.AskedAt, second.Until = r.Until, r.Until.Add(time.Hour)
	add(allow, "a second when the first is past its end", flow.RecoveryAsked{Recovery: second})
	third := newRecovery(who)
	add(allow, "another when the one before was ended", flow.RecoveryAsked{Recovery: third},
		flow.RecoveryEnded{Person: who, Why: flow.ByAppCode, At: at(minute)})
	add(allow, "a recovery of somebody else", flow.RecoveryAsked{Recovery: newRecovery(id())})

	o := newSession(who)
	add(allow, "a session", session.Begun{Session: o})
	add(refuse, "a session with a name that is taken", session.Begun{Session: o})
	add(allow, "a session saved as it was read", session.Saved{Session: o})
	add(refuse, "a session saved as it was before", session.Saved{Session: o})
	add(refuse, "ending the session of somebody else", session.Ended{ID: o.ID, Person: "bob", Why: "w", At: now})
	add(allow, "ending a session", session.Ended{ID: o.ID, Person: who, Why: "w", At: now})
	add(refuse, "ending it twice", session.Ended{ID: o.ID, Person: who, Why: "w", At: now})
	o.Version = 2
	add(refuse, "a session after its end", session.Saved{Session: o})

	m := newMessage()
	add(refuse, "what came of a call that nobody made", message.Settled{ID: m.ID, State: message.Sent, At: now}, message.Queued{Message: m})
	add(allow, "a call", message.Called{ID: m.ID, Gateway: "g", At: now})
	add(refuse, "a second call", message.Called{ID: m.ID, Gateway: "g", At: now})
	add(allow, "what came of it", message.Settled{ID: m.ID, State: message.Sent, At: now})
	add(refuse, "what came of it, again", message.Settled{ID: m.ID, State: message.Failed, At: now})
	add(refuse, "a call after it", message.Called{ID: m.ID, Gateway: "g", At: now})
	add(refuse, "passing on what was sent", message.PassedOn{Was: message.Settled{ID: m.ID, State: message.Failed, At: now}, Next: m.Next(now)})
	add(refuse, "a receipt judged by another state", message.Received{ID: m.ID, From: message.Unknown, State: message.Delivered, At: now})
	add(allow, "a receipt", message.Received{ID: m.ID, From: message.Sent, State: message.Delivered, At: now})
	add(refuse, "a receipt after it", message.Received{ID: m.ID, From: message.Sent, State: message.Away, At: now})
	passed := newMessage()
	add(allow, "passing on what was called", message.PassedOn{Was: message.Settled{ID: passed.ID, State: message.Failed, At: now}, Next: passed.Next(now)},
		message.Queued{Message: passed}, message.Called{ID: passed.ID, Gateway: "g", At: now})
	add(refuse, "passing it on again", message.PassedOn{Was: message.Settled{ID: passed.ID, State: message.Failed, At: now}, Next: passed.Next(now)})

	number := "+1212555" + digits()
	for range phone.PerNumber {
		add(allow, "a number of at most five", phone.Bound{Phone: newPhone(id(), number)})
	}
	add(refuse, "a number that five have", phone.Bound{Phone: newPhone(id(), number)})
	add(allow, "another number", phone.Bound{Phone: newPhone(id(), "+1212555"+digits())})
	ending := newPhone(id(), "+1212555"+digits())
	full := change.Set{phone.Bound{Phone: ending}}
	for range phone.PerNumber - 1 {
		full.Add(phone.Bound{Phone: newPhone(id(), ending.Number)})
	}
	full.Add(phone.Voided{ID: ending.ID, Person: ending.Person, At: now})
	add(allow, "a number that one of five gave up", phone.Bound{Phone: newPhone(id(), ending.Number)}, full...)
	return rows
}

// unconditional is what the effects without a condition do, and to whom.
func unconditional(w *world) {
	ada, bob := id(), id()
	w.run("ending all factors of a kind but one", func(w *world) {
		one, two, codes, his := newApp(ada), newApp(ada), newApp(ada), newApp(bob)
		codes.Kind = factor.Recovery
		w.apply(factor.Bound{Factor: one}, factor.Bound{Factor: two}, factor.Bound{Factor: codes}, factor.Bound{Factor: his},
			factor.EndedAll{Person: ada, Except: two.ID, Kind: factor.App, Why: "w", At: at(minute)})
		ended := map[string]bool{}
		for _, f := range append(must(w.Factors(ctx(), ada)), must(w.Factors(ctx(), bob))...) {
			if ended[f.ID] = !f.EndedAt.IsZero(); ended[f.ID] && (f.EndedWhy != "w" || !f.EndedAt.Equal(at(minute)) || f.Version != 2) {
				w.Errorf("it ended as %+v", f)
			}
		}
		if !ended[one.ID] || ended[two.ID] || ended[codes.ID] || ended[his.ID] {
			w.Errorf("ended: %v", ended)
		}
		w.apply(factor.EndedAll{Person: ada, Why: "all", At: at(minute)}, factor.Voided{ID: one.ID, Person: ada, At: at(2 * minute)})
		for _, f := range must(w.Factors(ctx(), ada)) {
			if f.EndedAt.IsZero() || f.ID == one.ID && f.EndedWhy != "w" {
				w.Errorf("after ending all of every kind: %+v", f)
			}
		}
	})
	w.run("misses and steps", func(w *world) {
		f := newApp(id())
		w.apply(factor.Bound{Factor: f}, factor.Missed{ID: f.ID}, factor.Missed{ID: f.ID})
		if got := must(w.Factors(ctx(), f.Person))[0]; got.Misses != 2 {
			w.Errorf("%d misses are counted, not 2", got.Misses)
		}
		w.apply(factor.StepSpent{ID: f.ID, Step: 9, At: at(minute)})
		if got := must(w.Factors(ctx(), f.Person))[0]; got.Misses != 0 || got.Step != 9 || !got.UsedAt.Equal(at(minute)) {
			w.Errorf("after a step it is %+v", got)
		}
	})
	w.run("numbers", func(w *world) {
		old, fresh, his := newPhone(ada, "+1212555"+digits()), newPhone(ada, "+1212555"+digits()), newPhone(bob, "+1212555"+digits())
		w.apply(phone.Bound{Phone: old}, phone.Bound{Phone: fresh}, phone.Bound{Phone: his}, phone.EndedAll{Person: ada, Except: fresh.ID, At: now},
			phone.Voided{ID: his.ID, Person: ada, At: now})
		same(w.T, []phone.Phone{fresh}, new(must(w.Phones(ctx(), ada))))
		same(w.T, []phone.Phone{his}, new(must(w.Phones(ctx(), bob))))
		if n := must(w.Sharing(ctx(), old.Number)); n != 0 {
			w.Errorf("%d share a number that was given up", n)
		}
		if n := must(w.Sharing(ctx(), fresh.Number)); n != 1 {
			w.Errorf("%d have a number that one has", n)
		}
	})
	w.run("sessions", func(w *world) {
		here, there, his := newSession(ada), newSession(ada), newSession(bob)
		w.apply(session.Begun{Session: here}, session.Begun{Session: there}, session.Begun{Session: his},
			session.Seen{ID: here.ID, At: at(5 * minute)}, session.Seen{ID: here.ID, At: at(minute)},
			session.EndedAll{Person: ada, Except: here.ID, Why: "w", At: at(minute)}, session.Seen{ID: there.ID, At: at(9 * minute)})
		if got := must(w.Session(ctx(), here.ID)); !got.SeenAt.Equal(at(5*minute)) || !got.EndedAt.IsZero() {
			w.Errorf("here it is %+v", got.Row)
		}
		if got := must(w.Session(ctx(), there.ID)); !got.SeenAt.Equal(now) || got.EndedWhy != "w" || !got.EndedAt.Equal(at(minute)) {
			w.Errorf("there it is %+v", got.Row)
		}
		if n := len(must(w.SessionsOf(ctx(), ada))) + len(must(w.SessionsOf(ctx(), bob))); n != 2 {
			w.Errorf("%d sessions go on, not 2", n)
		}
	})
	w.run("known browsers", func(w *world) {
		one, two, his := newBrowser(ada), newBrowser(ada), newBrowser(bob)
		his.Token = one.Token
		w.apply(session.Recognised{Browser: one}, session.Recognised{Browser: two}, session.Recognised{Browser: his})
		if n := must(w.KnownByCookie(ctx(), one.Token)); n != 2 {
			w.Errorf("%d share the cookie, not 2", n)
		}
		w.apply(session.ForgotAll{Person: ada, Except: two.ID})
		if must(w.KnownBrowser(ctx(), one.Token, ada)) != nil || must(w.KnownBrowser(ctx(), two.Token, ada)) == nil || must(w.KnownBrowser(ctx(), his.Token, bob)) == nil {
			w.Error("the wrong browsers are forgotten")
		}
		w.apply(session.ForgotCookie{Token: his.Token})
		if must(w.KnownBrowser(ctx(), his.Token, bob)) != nil || must(w.KnownBrowser(ctx(), two.Token, ada)) == nil {
			w.Error("forgetting a cookie forgets others")
		}
	})
	w.run("attempts, set-ups and recoveries", func(w *world) {
		one, two, his := newAttempt(ada), newAttempt(ada), newAttempt(bob)
		s, kept, r := newSetup(ada), newSetup(bob), newRecovery(ada)
		w.apply(flow.AttemptBegun{Attempt: one}, flow.AttemptBegun{Attempt: two}, flow.AttemptBegun{Attempt: his}, flow.SetupBegun{Setup: s},
			flow.SetupBegun{Setup: kept}, flow.RecoveryAsked{Recovery: r}, flow.AttemptsEnded{Person: ada, Except: two.ID, Why: "w", At: at(minute)},
			flow.SetupsDropped{Person: ada}, flow.SetupsDropped{ID: kept.ID, Person: ada}, flow.RecoveryEnded{Person: ada, Why: "r", At: at(minute)})
		if a := must(w.Attempt(ctx(), one.ID)); a.EndedWhy != "w" || !a.EndedAt.Equal(at(minute)) || a.Version != 2 {
			w.Errorf("the attempt ended as %+v", a)
		}
		if !must(w.Attempt(ctx(), two.ID)).EndedAt.IsZero() || !must(w.Attempt(ctx(), his.ID)).EndedAt.IsZero() {
			w.Error("other attempts ended too")
		}
		if must(w.Setup(ctx(), s.ID)) != nil || must(w.Setup(ctx(), kept.ID)) == nil {
			w.Error("the wrong set-ups are dropped")
		}
		if got := must(w.Recovery(ctx(), ada)); got.Ended != "r" || !got.EndedAt.Equal(at(minute)) {
			w.Errorf("the recovery ended as %+v", got)
		}
	})
}
