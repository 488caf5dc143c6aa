package storetest

import (
	"slices"
	"time"

	"sallyport/core/audit"
	"sallyport/core/flow"
	"sallyport/core/person"
)

// herald is what is read to tell people and operators of it.
func herald(w *world) {
	w.run("events since a moment, oldest first", func(w *world) {
		kind := audit.Event("kind-" + id())
		for _, ago := range []time.Duration{time.Hour, 3 * minute, 2 * minute, minute} {
			w.apply(audit.New(at(-ago), kind, id()), audit.New(at(-ago), audit.Confirmed, id()))
		}
		got := must(w.EventsAfter(ctx(), []audit.Event{kind, "no-such-kind"}, audit.Entry{At: at(-3 * minute)}, 2))
		if len(got) != 2 || !got[0].At.Equal(at(-3*minute)) || !got[1].At.Equal(at(-2*minute)) || got[0].Event != kind {
			w.Errorf("got %+v", got)
		}
		if got = must(w.EventsAfter(ctx(), []audit.Event{kind}, got[1], 2)); len(got) != 1 || !got[0].At.Equal(at(-minute)) {
			w.Errorf("after these: %+v", got)
		}
	})
	w.run("events of one moment, page by page", func(w *world) {
		kind := audit.Event("kind-" + id())
		for range 7 {
			w.apply(audit.New(at(-minute), kind, id()))
		}
		seen, after := map[string]bool{}, audit.Entry{At: at(-minute)}
		for range 4 {
			for _, e := range must(w.EventsAfter(ctx(), []audit.Event{kind}, after, 2)) {
				seen[e.ID], after = true, e
			}
		}
		if rest := must(w.EventsAfter(ctx(), []audit.Event{kind}, after, 2)); len(seen) != 7 || len(rest) > 0 {
			w.Errorf("seen %d of 7, and then %d more", len(seen), len(rest))
		}
	})
	w.run("operators", func(w *world) {
		one, other := newPerson(), newPerson()
		one.Operator = true
		w.apply(person.Added{Person: one}, person.Added{Person: other})
		var ids []string
		for _, p := range must(w.Operators(ctx())) {
			ids = append(ids, p.ID)
		}
		if !slices.Contains(ids, one.ID) || slices.Contains(ids, other.ID) {
			w.Errorf("operators are %v", ids)
		}
	})
	w.run("recoveries that came to nothing", func(w *world) {
		want := map[string]bool{}
		add := func(over bool, change func(r *flow.Recovery)) {
			r := newRecovery(id())
			change(&r)
			want[r.ID] = over
			w.apply(flow.RecoveryAsked{Recovery: r})
		}
		ended := func(why string, when time.Duration) func(r *flow.Recovery) {
			return func(r *flow.Recovery) { r.Ended, r.EndedAt = why, at(when) }
		}
		until := func(end time.Duration) func(r *flow.Recovery) {
			return func(r *flow.Recovery) { r.Until = at(end) }
		}
		add(false, until(minute))
		add(true, until(0))
		add(true, until(-time.Hour))
		add(false, until(-time.Hour-time.Millisecond))
		add(true, ended(flow.ByChange, -time.Hour))
		add(true, ended(flow.ByRestoring, -time.Hour))
		add(false, ended(flow.ByChange, -2*time.Hour))
		for _, why := range []string{flow.ByUse, flow.ByAppCode, flow.ByDispute} { // these are told by what ended them
			add(false, ended(why, -minute))
		}
		got := map[string]bool{}
		for after, more := (flow.Recovery{}), true; more; {
			page := must(w.RecoveriesOver(ctx(), at(-time.Hour), now, after, 2))
			for _, r := range page {
				if got[r.ID] {
					w.Errorf("%s is on two pages", r.ID)
				}
				got[r.ID], after = true, r
			}
			more = len(page) == 2
		}
		for id, over := range want {
			if got[id] != over {
				w.Errorf("one that is over: %v, listed: %v", over, got[id])
			}
		}
	})
	w.run("an entry keeps the link that disputes it", func(w *world) {
		e := audit.New(now, audit.AppAdded, id())
		e.Link = id()
		w.apply(e)
		if got := must(w.Events(ctx(), e.Person, 1, 0)); len(got) != 1 || got[0].Link != e.Link {
			w.Errorf("got %+v", got)
		}
	})
}
