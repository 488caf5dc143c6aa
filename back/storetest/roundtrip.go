package storetest

import (
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// issued gives a row its proof, at level two.
func issued(row session.Row) session.Session {
	method := row.Method
	if method == "" {
		method = "app"
	}
	return must(session.Issue(session.Proved{Password: true, Factor: method}, policy.Need{Known: true, Factor: true}, row))
}

// roundTrips stores a row of every noun with no field empty and reads it back.
func roundTrips(w *world) {
	f := &filler{}
	w.run("person", func(w *world) {
		p := filled[person.Person](f)
		full(w.T, p)
		w.apply(person.Added{Person: p})
		same(w.T, p, must(w.Person(ctx(), p.ID)))
		same(w.T, p, must(w.PersonByName(ctx(), p.Name)))
	})
	w.run("factor", func(w *world) {
		v := filled[factor.Factor](f)
		full(w.T, v)
		w.apply(factor.Bound{Factor: v})
		same(w.T, []factor.Factor{v}, new(must(w.Factors(ctx(), v.Person))))
	})
	w.run("phone", func(w *world) {
		v := filled[phone.Phone](f)
		full(w.T, v)
		v.EndedAt = never // one that has ended is read by nobody
		w.apply(phone.Bound{Phone: v})
		same(w.T, []phone.Phone{v}, new(must(w.Phones(ctx(), v.Person))))
	})
	w.run("attempt", func(w *world) {
		v := filled[flow.Attempt](f)
		full(w.T, v)
		full(w.T, v.Data)
		w.apply(flow.AttemptBegun{Attempt: v})
		same(w.T, v, must(w.Attempt(ctx(), v.ID)))
	})
	w.run("set-up", func(w *world) {
		v := filled[flow.Setup](f)
		full(w.T, v)
		full(w.T, v.Data)
		full(w.T, v.Codes)
		w.apply(flow.SetupBegun{Setup: v})
		same(w.T, v, must(w.Setup(ctx(), v.ID)))
	})
	w.run("recovery", func(w *world) {
		v := filled[flow.Recovery](f)
		full(w.T, v)
		w.apply(flow.RecoveryAsked{Recovery: v})
		same(w.T, v, must(w.Recovery(ctx(), v.Person)))
	})
	w.run("session", func(w *world) {
		s := issued(filled[session.Row](f))
		full(w.T, s.Row)
		full(w.T, s.Row.Data)
		w.apply(session.Begun{Session: s})
		got := must(w.Session(ctx(), s.ID))
		same(w.T, s.Row, &got.Row)
		if got.Proven() != session.Two {
			w.Errorf("it comes back with the proof of level %d", got.Proven())
		}
	})
	w.run("known browser", func(w *world) {
		v := filled[session.KnownBrowser](f)
		full(w.T, v)
		w.apply(session.Recognised{Browser: v})
		same(w.T, v, must(w.KnownBrowser(ctx(), v.Token, v.Person)))
	})
	w.run("link", func(w *world) {
		v := filled[person.Link](f)
		full(w.T, v)
		w.apply(person.LinkMade{Link: v})
		same(w.T, v, must(w.Link(ctx(), v.ID)))
		same(w.T, v, must(w.LinkAlive(ctx(), v.Kind, v.Person, now)))
	})
	w.run("message", func(w *world) {
		v := filled[message.Message](f)
		full(w.T, v)
		w.apply(message.Queued{Message: v})
		same(w.T, v, must(w.Message(ctx(), v.ID)))
	})
	w.run("audit entry", func(w *world) {
		v := filled[audit.Entry](f)
		full(w.T, v)
		w.apply(v)
		same(w.T, []audit.Entry{v}, new(must(w.Events(ctx(), v.Person, 2, 0))))
	})
	w.run("limit", func(w *world) {
		gap := limit.Budget{Name: id(), Max: 9, Window: 10 * minute, Gaps: limit.TextNumber.Gaps}
		wait := limit.Budget{Name: gap.Name, Max: 2, Window: 10 * minute, Waits: limit.Codes.Waits}
		key := gap.Key("ada")
		w.apply(limit.Spent{Budget: gap, Key: key, Now: now})
		w.apply(limit.Spent{Budget: wait, Key: key, Now: at(minute)})
		w.apply(limit.Spent{Budget: wait, Key: key, Now: at(2 * minute), Free: true})
		got := w.state(key)
		full(w.T, got)
		same(w.T, limit.State{Key: key, Used: 1, Since: at(minute), Next: at(limit.TextNumber.Gaps[0]),
			Until: at(minute + limit.Codes.Waits[0]), Level: 1}, &got)
	})
}

// savings stores a row, saves it with every field another, and reads it back.
// The fields that are named are those that never change.
func savings(w *world) {
	f := &filler{n: 100_000} // not what roundTrips stored
	w.run("person", func(w *world) {
		before, after := filled[person.Person](f), filled[person.Person](f)
		before.ID = id()
		after.ID, after.Version = before.ID, before.Version
		w.apply(person.Added{Person: before}, person.Saved{Person: after})
		same(w.T, kept(before, after), must(w.Person(ctx(), before.ID)))
	})
	w.run("factor", func(w *world) {
		before, after := filled[factor.Factor](f), filled[factor.Factor](f)
		before.ID, before.Person, before.EndedAt = id(), id(), never
		after.ID, after.Version = before.ID, before.Version
		w.apply(factor.Bound{Factor: before}, factor.DataSaved{Factor: after})
		same(w.T, []factor.Factor{kept(before, after, "ID", "Person", "Kind", "Name", "Step", "AddedAt", "EndedAt", "EndedWhy")},
			new(must(w.Factors(ctx(), before.Person))))
	})
	w.run("attempt", func(w *world) {
		before, after := filled[flow.Attempt](f), filled[flow.Attempt](f)
		before.ID, before.EndedAt = id(), never
		after.ID, after.Version = before.ID, before.Version
		w.apply(flow.AttemptBegun{Attempt: before}, flow.AttemptSaved{Attempt: after})
		same(w.T, kept(before, after, "ID", "Person", "Lane", "MadeAt", "Agent", "Address"), must(w.Attempt(ctx(), before.ID)))
	})
	w.run("set-up", func(w *world) {
		before, after := filled[flow.Setup](f), filled[flow.Setup](f)
		before.ID = id()
		after.ID, after.Version = before.ID, before.Version
		w.apply(flow.SetupBegun{Setup: before}, flow.SetupSaved{Setup: after})
		want := kept(before, after, "ID", "Person", "Kind", "MadeAt", "EndsAt", "Agent", "Codes")
		same(w.T, want, must(w.Setup(ctx(), before.ID)))
		want.Codes = after.Codes
		w.apply(flow.CodesPrepared{ID: before.ID, Codes: after.Codes})
		same(w.T, want, must(w.Setup(ctx(), before.ID)))
	})
	w.run("session", func(w *world) {
		before, after := filled[session.Row](f), filled[session.Row](f)
		before.ID, before.EndedAt = id(), never
		first := issued(before)
		after.ID, after.Version = before.ID, before.Version
		w.apply(session.Begun{Session: first}, session.Saved{Session: issued(after)})
		got := must(w.Session(ctx(), before.ID))
		same(w.T, kept(first.Row, after, "ID", "Person", "Family", "Level", "Method", "MadeAt", "SeenAt", "EndsAt", "EndedAt", "EndedWhy", "Agent", "Address"), &got.Row)
	})
	w.run("known browser", func(w *world) {
		before, after := filled[session.KnownBrowser](f), filled[session.KnownBrowser](f)
		after.ID, after.Token, after.Person = before.ID, before.Token, before.Person
		w.apply(session.Recognised{Browser: before}, session.Recognised{Browser: after})
		same(w.T, kept(before, after, "MadeAt"), must(w.KnownBrowser(ctx(), before.Token, before.Person)))
		again := filled[session.KnownBrowser](f)
		again.ID, again.Token, again.Person = before.ID, before.Token, before.Person
		w.apply(session.SeenAgain{Browser: again})
		same(w.T, kept(before, again, "MadeAt"), must(w.KnownBrowser(ctx(), before.Token, before.Person)))
	})
	w.run("message", func(w *world) {
		m := filled[message.Message](f)
		m.ID, m.State = id(), message.Waiting
		w.apply(message.Queued{Message: m}, message.Called{ID: m.ID, Gateway: "other", At: at(minute)},
			message.Settled{ID: m.ID, Ref: "ref", Reason: "why", State: message.Sent, At: at(2 * minute)})
		m.State, m.Gateway, m.CalledAt, m.Ref, m.Reason, m.DoneAt, m.Text = message.Sent, "other", at(minute), "ref", "why", at(2*minute), ""
		m.Subject = ""
		same(w.T, m, must(w.Message(ctx(), m.ID)))
	})
	w.run("nothing is as good as nothing", func(w *world) {
		p := person.Person{ID: id(), Name: id()}
		w.apply(person.Added{Person: p})
		same(w.T, p, must(w.Person(ctx(), p.ID)))
		a := flow.Attempt{ID: id()}
		w.apply(flow.AttemptBegun{Attempt: a})
		same(w.T, a, must(w.Attempt(ctx(), a.ID)))
		l := person.Link{ID: id()}
		w.apply(person.LinkMade{Link: l})
		same(w.T, l, must(w.Link(ctx(), l.ID)))
		if err := w.Apply(ctx(), change.Set{}); err != nil {
			w.Errorf("a change of nothing: %v", err)
		}
	})
}
