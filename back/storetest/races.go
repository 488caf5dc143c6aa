package storetest

import (
	"fmt"
	"slices"
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

const writers = 64

// races are the decisions that only one of many may win. Each writer leaves an
// entry, so that a loser that left anything shows.
func races(w *world) {
	p := newPerson()
	f, codes, a, s, l, m := newApp(p.ID), newApp(p.ID), newAttempt(p.ID), newSetup(p.ID), newLink(p.ID), newMessage()
	o, ending := newSession(p.ID), newSession(p.ID)
	set := factor.CodeSet{Hashes: [][]byte{{1}, {2}}, Used: []bool{false, false}}
	codes.Kind, codes.Data = factor.Recovery, set.Encode()
	w.apply(person.Added{Person: p}, factor.Bound{Factor: f}, factor.Bound{Factor: codes}, flow.AttemptBegun{Attempt: a}, flow.SetupBegun{Setup: s},
		person.LinkMade{Link: l}, message.Queued{Message: m}, session.Begun{Session: o}, session.Begun{Session: ending})
	used := codes
	used.Data = factor.CodeSet{Hashes: set.Hashes, Used: []bool{true, false}}.Encode()
	fresh, taken := newAttempt(p.ID), newPerson()
	for _, race := range []struct {
		name   string
		effect func(i int) change.Effect
	}{
		{"a step is spent", func(int) change.Effect { return factor.StepSpent{ID: f.ID, Step: 5, At: now} }},
		{"a recovery code is used", func(int) change.Effect { return factor.DataSaved{Factor: used} }},
		{"a link is spent", func(int) change.Effect { return person.LinkSpent{ID: l.ID, At: now} }},
		{"an attempt goes on", func(int) change.Effect { return flow.AttemptSaved{Attempt: a} }},
		{"an attempt begins", func(int) change.Effect { return flow.AttemptBegun{Attempt: fresh} }},
		{"a set-up goes on", func(int) change.Effect { return flow.SetupSaved{Setup: s} }},
		{"a person is saved", func(int) change.Effect { return person.Saved{Person: p} }},
		{"a name is taken", func(int) change.Effect {
			other := newPerson()
			other.Name = taken.Name
			return person.Added{Person: other}
		}},
		{"a session is saved", func(int) change.Effect { return session.Saved{Session: o} }},
		{"a session is ended", func(int) change.Effect { return session.Ended{ID: ending.ID, Person: p.ID, Why: "w", At: now} }},
		{"a gateway is called", func(int) change.Effect { return message.Called{ID: m.ID, Gateway: "g", At: now} }},
		{"a recovery is asked for", func(int) change.Effect { return flow.RecoveryAsked{Recovery: newRecovery(p.ID)} }},
		{"an app is ended", func(int) change.Effect { return factor.Ended{ID: f.ID, Person: p.ID, Why: "w", At: now} }},
	} {
		w.run(race.name, func(w *world) {
			witness := id()
			won := w.race(writers, func(i int) change.Set {
				e := audit.New(now, audit.Confirmed, witness)
				e.Note = fmt.Sprint(i)
				return change.Set{e, race.effect(i)}
			})
			events := must(w.Events(ctx(), witness, writers, 0))
			if len(won) != 1 || len(events) != 1 || events[0].Note != fmt.Sprint(won[0]) {
				w.Errorf("winners: %v, entries: %v", won, events)
			}
		})
	}
	w.run("a link that replaces all others", func(w *world) {
		who, links := id(), make([]person.Link, writers)
		for i := range links {
			links[i] = newLink(who)
		}
		won := w.race(writers, func(i int) change.Set { return change.Set{person.LinkMade{Link: links[i], Replace: true}} })
		alive := 0
		for _, l := range links {
			if got := must(w.Link(ctx(), l.ID)); got.ReplacedAt.IsZero() {
				alive++
			}
		}
		if len(won) != writers || alive != 1 {
			w.Errorf("%d were made, %d are alive", len(won), alive)
		}
	})
}

// budgets are the rules of limit.Budget, as the database keeps them.
func budgets(w *world) {
	spent := func(b limit.Budget, at time.Time) limit.Spent { return limit.Spent{Budget: b, Key: b.Name, Now: at} }
	w.run("64 spend a budget of 10", func(w *world) {
		for _, b := range []limit.Budget{{Name: id(), Max: 10, Window: time.Hour}, {Name: id(), Max: 10, Window: time.Hour, Waits: limit.Codes.Waits}} {
			if won := w.race(writers, func(int) change.Set { return change.Set{spent(b, now)} }); len(won) != 10 {
				w.Errorf("%d spent from a budget of 10 (waits %v)", len(won), b.Waits[0])
			}
			w.refused(limit.Within{Budget: b, Key: b.Name, Now: now})
		}
	})
	w.run("a window", func(w *world) {
		b := limit.Budget{Name: id(), Max: 2, Window: 10 * minute}
		w.apply(limit.Within{Budget: b, Key: b.Name, Now: now})
		w.agrees(b, now)
		w.apply(spent(b, now), spent(b, at(minute)))
		w.agrees(b, at(minute))
		w.refused(spent(b, at(10*minute-time.Millisecond)))
		w.refused(limit.Within{Budget: b, Key: b.Name, Now: at(9 * minute)})
		w.agrees(b, at(9*minute))
		w.apply(limit.Within{Budget: b, Key: b.Name, Now: at(10 * minute)})
		w.agrees(b, at(10*minute))
		w.apply(spent(b, at(10*minute)))
		if s := w.state(b.Name); s.Used != 1 || !s.Since.Equal(at(10*minute)) {
			w.Errorf("the next window begins as %+v", s)
		}
	})
	w.run("gaps of 30 s and 2 min", func(w *world) {
		b := limit.Budget{Name: id(), Max: limit.TextNumber.Max, Window: limit.TextNumber.Window, Gaps: limit.TextNumber.Gaps}
		w.apply(spent(b, now))
		w.agrees(b, at(10*time.Second))
		w.refused(spent(b, at(29*time.Second)))
		w.apply(spent(b, at(30*time.Second)))
		w.agrees(b, at(31*time.Second))
		w.refused(spent(b, at(149*time.Second)))
		w.apply(spent(b, at(150*time.Second)))
		w.refused(spent(b, at(9*minute)))
		w.agrees(b, at(9*minute))
		w.apply(spent(b, at(10*minute)))
		w.refused(spent(b, at(10*minute+29*time.Second)))
	})
	w.run("waits of 15, 30, 60 and 60 minutes", func(w *world) {
		b := limit.Budget{Name: id(), Max: 3, Window: 15 * minute, Waits: limit.Codes.Waits}
		at := now
		for i, wait := range []time.Duration{15 * minute, 30 * minute, 60 * minute, 60 * minute} {
			w.apply(spent(b, at), spent(b, at.Add(time.Second)))
			w.apply(limit.Within{Budget: b, Key: b.Name, Now: at.Add(time.Second)})
			w.agrees(b, at.Add(time.Second))
			at = at.Add(2 * time.Second)
			w.apply(spent(b, at))
			w.agrees(b, at)
			if s := w.state(b.Name); s.Level != i+1 || !s.Until.Equal(at.Add(wait)) {
				w.Errorf("wait %d: %+v, want one of %v from %v", i+1, s, wait, at)
			}
			w.refused(spent(b, at.Add(wait-time.Millisecond)))
			w.refused(limit.Within{Budget: b, Key: b.Name, Now: at.Add(wait - time.Millisecond)})
			at = at.Add(wait)
			w.apply(limit.Within{Budget: b, Key: b.Name, Now: at})
			w.agrees(b, at)
		}
	})
	w.run("a free one counts and is never refused", func(w *world) {
		b := limit.Budget{Name: id(), Max: 2, Window: time.Hour}
		free := spent(b, now)
		free.Free = true
		w.apply(free, free, free, free)
		if s := w.state(b.Name); s.Used != 4 {
			w.Errorf("%+v, want 4", s)
		}
		w.refused(spent(b, now))
	})
	w.run("one is given back", func(w *world) {
		b := limit.Budget{Name: id(), Max: 2, Window: time.Hour}
		w.apply(limit.Refunded{Key: b.Name}) // of nothing
		w.apply(spent(b, now), spent(b, now))
		w.refused(spent(b, now))
		w.apply(limit.Refunded{Key: b.Name}, spent(b, now))
		w.refused(spent(b, now))
		w.apply(limit.Refunded{Key: b.Name}, limit.Refunded{Key: b.Name}, limit.Refunded{Key: b.Name})
		if s := w.state(b.Name); s.Used != 0 {
			w.Errorf("%+v: more was given back than was spent", s)
		}
	})
	w.run("rows are forgotten", func(w *world) {
		b := limit.Budget{Name: id(), Max: 1, Window: time.Hour, Waits: limit.Codes.Waits}
		other := limit.Budget{Name: id(), Max: 1, Window: time.Hour}
		w.apply(spent(b, now), spent(other, now))
		w.refused(spent(other, now))
		w.apply(limit.Cleared{Keys: []string{b.Name, other.Name, "none"}}, limit.Cleared{})
		if states := must(w.Limits(ctx(), []string{b.Name, other.Name})); len(states) != 0 {
			w.Errorf("after it they are %+v", states)
		}
		w.apply(spent(other, now))
	})
	w.run("a burst of guesses ends with the tenth", func(w *world) {
		b := limit.Budget{Name: id(), Max: 10, Window: 15 * minute, Waits: limit.Codes.Waits}
		won := w.race(2*writers, func(i int) change.Set {
			if i%4 == 3 {
				return change.Set{limit.Within{Budget: b, Key: b.Name, Now: now}}
			}
			return change.Set{spent(b, now)}
		})
		guesses := slices.DeleteFunc(won, func(i int) bool { return i%4 == 3 })
		if len(guesses) != 10 {
			w.Errorf("%d were spent", len(guesses))
		}
		w.refused(limit.Within{Budget: b, Key: b.Name, Now: now})
	})
}

// state reads a budget's row.
func (w *world) state(key string) limit.State { return must(w.Limits(ctx(), []string{key}))[key] }

// agrees fails where limit.Budget says otherwise of a row than the database:
// what pages tell people has to be what happens to them.
func (w *world) agrees(b limit.Budget, now time.Time) {
	w.Helper()
	state := w.state(b.Name)
	err := w.Apply(ctx(), change.Set{limit.Spent{Budget: b, Key: b.Name, Now: now}, person.Unchanged{ID: "nobody"}})
	refused, _ := refusedBy(err)
	_, full := refused.(limit.Spent)
	if wait := b.Wait(state, now); full != (wait > 0) {
		w.Errorf("%+v at %v: the wait is %v, refused %v", state, now, wait, full)
	}
	if left := b.Left(state, now); full != (left <= 0) {
		w.Errorf("%+v at %v: %d left, refused %v", state, now, left, full)
	}
}

// bounds are the most that one person or number may have.
func bounds(w *world) {
	w.run("64 bind one number to their accounts", func(w *world) {
		number := "+1212555" + digits()
		won := w.race(writers, func(int) change.Set { return change.Set{phone.Bound{Phone: newPhone(id(), number)}} })
		if n := must(w.Sharing(ctx(), number)); len(won) != phone.PerNumber || n != phone.PerNumber {
			w.Errorf("%d did, %d share it", len(won), n)
		}
	})
	w.run("a person begins 64 set-ups", func(w *world) {
		who := id()
		other := newSetup(who)
		other.Kind = flow.SetupReplace
		w.apply(flow.SetupBegun{Setup: other})
		w.race(writers, func(int) change.Set { return change.Set{flow.SetupBegun{Setup: newSetup(who)}} })
		if n := len(must(w.SetupsOpen(ctx(), who, now))); n != flow.SetupsMax {
			w.Errorf("%d are open", n)
		}
		if must(w.Setup(ctx(), other.ID)) == nil {
			w.Error("a set-up of another kind was ended with them")
		}
	})
	w.run("the set-up that was idle longest ends", func(w *world) {
		who, all := id(), []flow.Setup(nil)
		for i := range flow.SetupsMax + 1 {
			s := newSetup(who)
			s.SeenAt = at(time.Duration((i+1)%3) * minute) // 1 2 0 1 2 0
			s.MadeAt = at(time.Duration(i) * time.Second)
			all = append(all, s)
			w.apply(flow.SetupBegun{Setup: s})
			if must(w.Setup(ctx(), s.ID)) == nil {
				w.Errorf("set-up %d ended as it began", i)
			}
		}
		if must(w.Setup(ctx(), all[2].ID)) != nil || len(must(w.SetupsOpen(ctx(), who, now))) != flow.SetupsMax {
			w.Error("another one ended")
		}
		if n := len(must(w.SetupsOpen(ctx(), who, at(flow.SetupLife)))); n != 0 {
			w.Errorf("%d are open past their end", n)
		}
	})
	w.run("the same set-up begun twice at once", func(w *world) {
		s := newSetup(id())
		if won := w.race(writers, func(int) change.Set { return change.Set{flow.SetupBegun{Setup: s}} }); len(won) != writers {
			w.Errorf("%d were taken", len(won))
		}
		same(w.T, s, must(w.Setup(ctx(), s.ID)))
	})
	w.run("64 browsers of one person", func(w *world) {
		who, last := id(), session.KnownBrowser{}
		for range session.KnownPerPerson + 1 {
			last = newBrowser(who)
			w.apply(session.Recognised{Browser: last})
			if must(w.KnownBrowser(ctx(), last.Token, who)) == nil {
				w.Error("the newest is not known")
			}
		}
		w.race(writers, func(int) change.Set { return change.Set{session.Recognised{Browser: newBrowser(who)}} })
		if n := len(must(w.KnownBrowsers(ctx(), who))); n != session.KnownPerPerson {
			w.Errorf("%d are known", n)
		}
	})
	w.run("the browser used longest ago is dropped", func(w *world) {
		who, all := id(), []session.KnownBrowser(nil)
		for i := range session.KnownPerPerson + 2 {
			b := newBrowser(who)
			b.SeenAt = at(time.Duration(i) * minute)
			all = append(all, b)
			w.apply(session.Recognised{Browser: b})
			all[0].SeenAt = at(time.Duration(i)*minute + time.Second)
			w.apply(session.Recognised{Browser: all[0]}) // in use all the time
		}
		for i, b := range all {
			if got := must(w.KnownBrowser(ctx(), b.Token, who)) != nil; got != (i != 1 && i != 2) {
				w.Errorf("browser %d: known %v", i, got)
			}
		}
	})
}
