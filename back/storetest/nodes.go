package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/person"
	"sallyport/core/session"
)

func orders(w *world) {
	who := id()
	var set change.Set
	for i := range 30 {
		e := audit.New(at(time.Duration(i*7%30)*time.Second), audit.SignedIn, who)
		e.Reason = fmt.Sprint(i * 7 % 30)
		set.Add(e)
	}
	w.apply(set...)
	var got []string
	for skip := 0; skip < 40; skip += 8 {
		for _, e := range must(w.Events(ctx(), who, 8, skip)) {
			got = append(got, e.Reason)
		}
	}
	if len(got) != 30 || !slices.IsSortedFunc(got, func(a, b string) int { return atoi(b) - atoi(a) }) {
		w.Errorf("events: %v", got)
	}
	together := id()
	for range 20 {
		w.apply(audit.New(now, audit.SignedIn, together))
	}
	seen := map[string]bool{}
	for skip := range 20 {
		for _, e := range must(w.Events(ctx(), together, 1, skip)) {
			seen[e.ID] = true
		}
	}
	if len(seen) != 20 {
		w.Errorf("of 20 entries of one moment %d are on some page", len(seen))
	}
	var apps []string
	for i := range 5 {
		f := newApp(who)
		f.AddedAt = at(time.Duration(i*2%5) * minute)
		w.apply(factor.Bound{Factor: f})
	}
	for _, f := range must(w.Factors(ctx(), who)) {
		apps = append(apps, f.AddedAt.String())
	}
	if !slices.IsSorted(apps) || len(apps) != 5 {
		w.Errorf("factors: %v", apps)
	}
	old, fresh := newLink(who), newLink(who)
	fresh.MadeAt = at(minute)
	w.apply(person.LinkMade{Link: old}, person.LinkMade{Link: fresh}, person.LinkSpent{ID: fresh.ID, At: at(minute)})
	if got := must(w.LinkAlive(ctx(), person.Invitation, who, at(minute))); got.ID != old.ID {
		w.Error("a spent link goes before one that is alive")
	}
	if got := must(w.LinkAlive(ctx(), person.Invitation, who, at(person.InvitationLife+minute))); got.ID != fresh.ID {
		w.Error("of dead links the newest does not go first")
	}
}

func atoi(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

// words stores names that have to come back letter by letter.
func words(w *world) {
	tag := strings.ToLower(id())
	for i, name := range []string{"zo\u00eb", "zoe\u0308", "данило", "雪", "محمد", "𝔘𝔫𝔦", "👩‍👩‍👧", "<b>&amp;\"'</b>", "robert'); DROP TABLE people;--",
		"%_\\", "$1 ?1 :a @b", "\u202eevil", "a\tb\nc", strings.Repeat("長", 64)} {
		p := newPerson()
		p.Name, p.Display, p.Email = name+tag, name, name+"@example.org"
		p.Groups = []string{name, "\"],[\""}
		w.apply(person.Added{Person: p})
		same(w.T, p, must(w.PersonByName(ctx(), p.Name)))
		e := audit.New(now, audit.PersonAdded, p.ID)
		e.Note, e.Agent, e.Reason = name, name, name
		w.apply(e)
		same(w.T, []audit.Entry{e}, new(must(w.Events(ctx(), p.ID, 5, 0))))
		if i == 1 && must(w.PersonByName(ctx(), "zo\u00eb"+tag)).ID == p.ID {
			w.Error("two spellings are one name")
		}
	}
	for _, name := range []string{"' OR '1'='1", "%", "_", "ZOË" + tag} {
		if p := must(w.PersonByName(ctx(), name)); p != nil {
			w.Errorf("%q finds %q", name, p.Name)
		}
	}
	if states := must(w.Limits(ctx(), []string{"' OR 1=1 --", ""})); len(states) != 0 {
		w.Errorf("limits of nothing: %v", states)
	}
	after, seen := "", 0
	for page := must(w.Everyone(ctx(), after, 3)); len(page) > 0; page = must(w.Everyone(ctx(), after, 3)) {
		for _, p := range page {
			after = p.Name
			if strings.HasSuffix(p.Name, tag) {
				seen++
			}
		}
	}
	if seen != 14 {
		w.Errorf("the list of everyone shows %d of 14", seen)
	}
}

// nodes are two programs on one database: two nodes, or a command beside serve.
func nodes(w *world) {
	p, s := newPerson(), newSession("ada")
	w.apply(person.Added{Person: p}, session.Begun{Session: s})
	same(w.T, p, must(w.other.Person(ctx(), p.ID)))
	if err := w.other.Apply(ctx(), change.Set{session.Ended{ID: s.ID, Person: "ada", Why: session.EndedByOperator, At: now}}); err != nil {
		w.Fatal(err)
	}
	if got := must(w.Session(ctx(), s.ID)); got.EndedWhy != session.EndedByOperator {
		w.Errorf("here it is %+v", got.Row)
	}
	if a, b := w.MAC("x", []byte("y")), w.other.MAC("x", []byte("y")); string(a) != string(b) {
		w.Error("the nodes have different keys")
	}
	third := w.open(w.T)
	same(w.T, p, must(third.Person(ctx(), p.ID)))
	if err := third.Close(); err != nil {
		w.Error(err)
	}
	if err := third.Apply(ctx(), change.Set{person.Unchanged{ID: p.ID, Version: 1}}); err == nil {
		w.Error("a store that was closed applies changes")
	} else if _, refused := refusedBy(err); refused {
		w.Errorf("a store that was closed says %v", err)
	}
	w.apply(person.Unchanged{ID: p.ID, Version: 1}) // the others go on
}

// callers cancel their context while their change is on its way.
func callers(w *world) {
	const n = 200
	type pending struct{ p, witness string }
	changes := make([]pending, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		p := newPerson()
		changes[i] = pending{p.ID, id()}
		ctx, cancel := context.WithCancel(context.Background())
		set := change.Set{person.Added{Person: p}}
		for range 20 {
			set.Add(audit.New(now, audit.PersonAdded, changes[i].witness))
		}
		wg.Go(func() { errs[i] = w.Apply(ctx, set) })
		wg.Go(func() {
			time.Sleep(time.Duration(i%40) * 250 * time.Microsecond)
			cancel()
		})
	}
	wg.Wait()
	committed := 0
	for i, c := range changes {
		there := must(w.Person(ctx(), c.p)) != nil
		events := len(must(w.Events(ctx(), c.witness, 100, 0)))
		if there != (events == 20) || !there && events != 0 {
			w.Errorf("change %d is half there: person %v, %d entries of 20", i, there, events)
		}
		if errs[i] == nil && !there {
			w.Errorf("change %d was acknowledged and is not there", i)
		}
		if there {
			committed++
		}
	}
	w.Logf("%d of %d were committed", committed, n)
	w.run("a caller that has gone already", func(w *world) {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		for range 20 {
			p := newPerson()
			err := w.Apply(gone, change.Set{person.Added{Person: p}})
			if there := must(w.Person(ctx(), p.ID)) != nil; there != (err == nil) {
				w.Errorf("it is there: %v, the error %v", there, err)
			}
			if _, err := w.Person(gone, p.ID); !errors.Is(err, context.Canceled) {
				w.Errorf("reading: %v", err)
			}
		}
	})
	w.run("readers that go away leave the database usable", func(w *world) {
		who := id()
		var set change.Set
		for range 500 {
			set.Add(audit.New(now, audit.SignedIn, who))
		}
		w.apply(set...)
		for i := range 50 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*200*time.Microsecond)
			_, _ = w.Events(ctx, who, 500, 0)
			cancel()
		}
		if n := len(must(w.Events(ctx(), who, 1000, 0))); n != 500 {
			w.Errorf("%d entries of 500", n)
		}
		w.apply(audit.New(now, audit.SignedIn, who))
	})
}
