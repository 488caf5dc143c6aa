package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/app"
	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// behind is a person with a session that has a family, stored.
func (w *world) behind() (person.Person, session.Session) {
	p := newPerson()
	s := issued(session.Row{ID: flow.HashToken(id()), Person: p.ID, Family: id(), MadeAt: now, SeenAt: now, EndsAt: at(12 * time.Hour), Version: 1})
	w.apply(person.Added{Person: p}, session.Begun{Session: s})
	return p, s
}

func newDoor(s session.Session) door.Door {
	sum := sha256.Sum256([]byte(id()))
	return door.Door{ID: hex.EncodeToString(sum[:]), Family: s.Family, Person: s.Person, Origin: "https://wiki.example.org", MadeAt: now, EndsAt: s.EndsAt}
}

func doors(w *world) {
	w.run("a door comes back whole, with what is behind it", func(w *world) {
		p, s := w.behind()
		d := newDoor(s)
		w.apply(door.Opened{Door: d})
		got := must(w.other.Pass(ctx(), d.ID))
		if got == nil {
			w.Fatal("there is no pass")
		}
		same(w.T, d, &got.Door)
		if got.Session.ID != s.ID || got.Person.ID != p.ID || got.Session.Proven() != session.Two {
			w.Errorf("behind it are %q and %q, level %d", got.Session.ID, got.Person.ID, got.Session.Proven())
		}
	})
	w.run("it is opened once, by a session that is alive and its own", func(w *world) {
		p, s := w.behind()
		d := newDoor(s)
		w.apply(door.Opened{Door: d})
		w.refused(door.Opened{Door: d})
		strange := newDoor(s)
		strange.Person = id()
		w.refused(door.Opened{Door: strange})
		none := newDoor(s)
		none.Family = id()
		w.refused(door.Opened{Door: none})
		w.apply(session.EndedAll{Person: p.ID, Why: session.EndedByOwner, At: now})
		w.refused(door.Opened{Door: newDoor(s)})
		if must(w.Pass(ctx(), d.ID)) != nil {
			w.Error("the door outlives its session")
		}
	})
	w.run("it follows its session to a new name", func(w *world) {
		p, s := w.behind()
		d := newDoor(s)
		row := s.Row
		row.ID = flow.HashToken(id())
		w.apply(door.Opened{Door: d}, session.Ended{ID: s.ID, Person: p.ID, Why: session.EndedByRenewal, At: now}, session.Begun{Session: issued(row)})
		if got := must(w.Pass(ctx(), d.ID)); got == nil || got.Session.ID != row.ID {
			w.Errorf("behind it is %+v", got)
		}
	})
	w.run("no door is open after its session ended at the same moment", func(w *world) {
		for range 20 {
			p, s := w.behind()
			d := newDoor(s)
			ended := make(chan error, 1)
			go func() {
				ended <- w.other.Apply(ctx(), change.Set{session.EndedAll{Person: p.ID, Why: session.EndedByOwner, At: now}})
			}()
			_ = w.Apply(ctx(), change.Set{door.Opened{Door: d}}) // either way
			if err := <-ended; err != nil {
				w.Fatal(err)
			}
			if must(w.Pass(ctx(), d.ID)) != nil {
				w.Fatal("it is open")
			}
		}
	})
	w.run("nobody has more than a person can use", func(w *world) {
		p, s := w.behind()
		first := newDoor(s)
		set := change.Set{door.Opened{Door: first}}
		for i := range door.PerPerson {
			d := newDoor(s)
			d.MadeAt = at(time.Duration(1+i) * time.Second)
			set.Add(door.Opened{Door: d})
		}
		w.apply(set...)
		if must(w.Pass(ctx(), first.ID)) != nil {
			w.Errorf("%s has %d doors", p.Name, door.PerPerson+1)
		}
	})
	w.run("apps", func(w *world) {
		a := app.App{ID: "a" + digits(), Name: "Wiki", Addresses: []string{"https://wiki.example.org"}, Access: app.Access{Groups: []string{"staff"}, Need: app.Need{Factors: app.Two, Within: time.Hour}},
			Rules: []app.Rule{{Paths: []string{"/x/*"}, Methods: []string{"GET"}, Access: app.Access{Groups: []string{"x"}, Need: app.Need{Factors: app.None}}}},
			Tell:  []app.Fact{app.TellEmail}, Share: "example.org", Token: true, Client: &app.Client{Redirects: []string{"https://wiki.example.org/cb"}, Auth: app.AuthNone}}
		w.apply(app.Saved{App: a})
		w.refused(app.Saved{App: a})
		find := func() *app.App {
			for _, one := range must(w.other.Apps(ctx())) {
				if one.ID == a.ID {
					return &one
				}
			}
			return nil
		}
		got := find()
		a.Version = 1
		same(w.T, a, got)
		got.Name = "Wiki 2"
		w.apply(app.Saved{App: *got})
		w.refused(app.Saved{App: *got})
		if got = find(); got.Name != "Wiki 2" || got.Version != 2 {
			w.Errorf("it came back as %+v", got)
		}
		w.apply(app.Removed{ID: a.ID})
		w.refused(app.Removed{ID: a.ID})
	})
	w.run("what is remembered", remembered)
}

// holder makes of a pass what checks use.
func holder() *door.Keeper {
	return &door.Keeper{Flow: &flow.Machine{Policy: policy.Policy{Idle: time.Hour, Length: 12 * time.Hour}, Now: func() time.Time { return now }}}
}

func remembered(w *world) {
	passes := store.NewPasses(w.Store, func() time.Time { return now }, holder().Hold)
	stop := watching(w.T, w.Store, passes)
	defer stop()
	for end := time.Now().Add(5 * time.Second); !passes.Known(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatal("nothing is read of what others change")
		}
	}
	open := func() (person.Person, session.Session, [32]byte) {
		p, s := w.behind()
		d := newDoor(s)
		w.apply(door.Opened{Door: d})
		raw := must(hex.DecodeString(d.ID))
		if h := must(passes.Held(ctx(), [32]byte(raw))); h == nil || h.Person() != p.ID {
			w.Fatalf("the door is worth %+v", h)
		}
		return p, s, [32]byte(raw)
	}
	within := func(what string, gone func() bool) {
		w.Helper()
		for end := time.Now().Add(time.Second); !gone(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				w.Fatalf("%s: a second later the door is as before", what)
			}
		}
	}
	closed := func(key [32]byte) func() bool {
		return func() bool { return must(passes.Held(ctx(), key)) == nil }
	}
	p, _, key := open()
	w.apply(session.EndedAll{Person: p.ID, Why: session.EndedByOwner, At: now})
	if !closed(key)() {
		w.Error("a session that ended on this node is let in on it")
	}
	p, _, key = open()
	if err := w.other.Apply(ctx(), change.Set{session.EndedAll{Person: p.ID, Why: session.EndedByOwner, At: now}}); err != nil {
		w.Fatal(err)
	}
	within("a session that ended elsewhere", closed(key))
	p, _, key = open()
	p.Groups = []string{"board"}
	if err := w.other.Apply(ctx(), change.Set{person.Saved{Person: p}}); err != nil {
		w.Fatal(err)
	}
	within("groups that changed elsewhere", func() bool {
		h := must(passes.Held(ctx(), key))
		return h != nil && len(h.InGroups()) == 1 && h.Groups()[0] == "board"
	})
	p, _, key = open()
	p.DisabledAt = now
	if err := w.other.Apply(ctx(), change.Set{person.Saved{Person: p}}); err != nil {
		w.Fatal(err)
	}
	within("somebody who was turned off elsewhere", closed(key))

	// Without news of others nothing that is remembered counts.
	p, _, key = open()
	stop()
	for end := time.Now().Add(5 * time.Second); passes.Known(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatal("what is remembered counts on without news")
		}
	}
	if err := w.other.Apply(ctx(), change.Set{session.EndedAll{Person: p.ID, Why: session.EndedByOwner, At: now}}); err != nil {
		w.Fatal(err)
	}
	if !closed(key)() {
		w.Error("without news of others a session that ended elsewhere is let in")
	}
	gone, cancel := context.WithCancel(ctx())
	cancel()
	if h, err := passes.Held(gone, key); h != nil {
		w.Errorf("a reading that failed let in %+v, %v", h, err)
	}
}

// watching reads the changes of others until it is stopped.
func watching(t *testing.T, s *store.Store, passes *store.Passes) (stop func()) {
	t.Helper()
	running, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	watch := &store.Watch{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Fresh: passes.Fresh, Done: func() {}}
	go func() { watch.Run(running); close(done) }()
	return func() { cancel(); <-done }
}
