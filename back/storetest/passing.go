package storetest

import (
	"time"

	"sallyport/core/flow"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// passing is what goes by itself, not sooner and not later.
func passing(w *world) {
	sweep := func(w *world, now time.Time) {
		w.Helper()
		if err := w.Sweep(ctx(), now); err != nil {
			w.Fatal(err)
		}
	}
	w.run("numbers that were replaced", func(w *world) {
		ada, bob := id(), id()
		first, second, third, voided, his := newPhone(ada, "+1212555"+digits()), newPhone(ada, "+1212555"+digits()), newPhone(ada, "+1212555"+digits()),
			newPhone(ada, "+1212555"+digits()), newPhone(bob, "+1212555"+digits())
		w.apply(phone.Bound{Phone: first}, phone.Bound{Phone: his}, phone.EndedAll{Person: bob, At: at(minute)})
		w.apply(phone.EndedAll{Person: ada, At: at(minute)}, phone.Bound{Phone: second}, phone.EndedAll{Person: ada, At: at(2 * minute)},
			phone.Bound{Phone: voided}, phone.EndedAll{Person: ada, At: at(3 * minute)}, phone.Bound{Phone: third})
		w.apply(phone.Voided{ID: voided.ID, Person: ada, At: at(4 * minute)}, phone.Voided{ID: second.ID, Person: bob, At: at(4 * minute)})
		first.EndedAt, second.EndedAt = at(minute), at(2*minute)
		same(w.T, []phone.Phone{first, second}, new(must(w.PhonesEnded(ctx(), ada, now))))
		same(w.T, []phone.Phone{second}, new(must(w.PhonesEnded(ctx(), ada, at(minute)))))
		same(w.T, []phone.Phone{third}, new(must(w.Phones(ctx(), ada))))
		sweep(w, at(minute+phone.Heard))
		same(w.T, []phone.Phone{first, second}, new(must(w.PhonesEnded(ctx(), ada, now))))
		sweep(w, at(minute+phone.Heard+time.Millisecond))
		same(w.T, []phone.Phone{second}, new(must(w.PhonesEnded(ctx(), ada, now))))
		sweep(w, at(2*phone.Heard))
		if n := len(must(w.PhonesEnded(ctx(), ada, never))) + len(must(w.PhonesEnded(ctx(), bob, never))); n != 0 {
			w.Errorf("%d numbers that were replaced are kept", n)
		}
		same(w.T, []phone.Phone{third}, new(must(w.Phones(ctx(), ada))))
	})
	w.run("recovery codes on screen", func(w *world) {
		shown := func(until time.Time) session.Session {
			return issued(session.Row{ID: id(), Person: id(), MadeAt: now, SeenAt: now, EndsAt: at(500 * time.Hour), Version: 1,
				Codes: []string{"8KZT-4Q2M-7XPD-93HB"}, CodesUntil: until, Data: session.Data{CodesWhy: "setup"}})
		}
		begun := at(300 * time.Hour) // later than what was swept before
		until := begun.Add(flow.CodesShown)
		due, ended, later := shown(until), shown(until), shown(until.Add(minute))
		w.apply(session.Begun{Session: due}, session.Begun{Session: ended}, session.Begun{Session: later},
			session.Ended{ID: ended.ID, Person: ended.Person, Why: "w", At: begun})
		sweep(w, until)
		for _, s := range []session.Session{due, ended, later} {
			if len(must(w.Session(ctx(), s.ID)).Codes) != 1 {
				w.Error("they are dropped before their time")
			}
		}
		sweep(w, until.Add(time.Millisecond))
		due.Codes = nil
		same(w.T, due.Row, &must(w.Session(ctx(), due.ID)).Row)
		if len(must(w.Session(ctx(), ended.ID)).Codes) != 0 {
			w.Error("a session that ended keeps them")
		}
		same(w.T, later.Row, &must(w.Session(ctx(), later.ID)).Row)
		w.apply(session.Saved{Session: due}) // the sweep is no change of the session
	})
}
