package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// watcher notes what it is told.
type watcher struct {
	mu      sync.Mutex
	sets    []int
	applied []store.Applied
	retries int
}

func (w *watcher) Committed(sets int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sets = append(w.sets, sets)
}

func (w *watcher) Applied(a store.Applied) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applied = append(w.applied, a)
}

func (w *watcher) Retried() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retries++
}

// forget forgets what was told so far.
func (w *watcher) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sets, w.applied, w.retries = nil, nil, 0
}

func TestTheObserverHearsWhatWasMade(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		w := &watcher{}
		o.Observer = w
		s := open(t, o)
		w.forget()
		entry := audit.New(now, audit.PersonAdded, "ada")
		who := person.New("ada", now)
		if err := s.Apply(t.Context(), change.Set{person.Added{Person: who}, entry}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.sets, []int{1}) || len(w.applied) != 1 {
			t.Fatalf("commits of %v, %d changes", w.sets, len(w.applied))
		}
		a := w.applied[0]
		if len(a.Entries) != 1 || a.Entries[0].ID != entry.ID || a.Refused != nil || a.Err != nil || a.Took <= 0 || a.Took > time.Minute {
			t.Errorf("%+v", a)
		}

		w.forget()
		err := s.Apply(t.Context(), change.Set{audit.New(now, audit.PersonAdded, "ada"), person.Added{Person: person.New("ada", now)}})
		if err == nil || len(w.sets) != 0 || len(w.applied) != 1 {
			t.Fatalf("a name twice: %v; commits of %v, %d changes", err, w.sets, len(w.applied))
		}
		if a := w.applied[0]; len(a.Entries) != 0 || fmt.Sprintf("%T", a.Refused) != "person.Added" || a.Err == nil {
			t.Errorf("refused: %+v", a)
		}

		// An alert is an entry only when it is written: once a day.
		w.forget()
		for range 3 {
			once := limit.Spent{Budget: limit.TextAlert, Key: limit.TextAlert.Key("prefix", "+1 202"), Now: now}
			if err := s.Apply(t.Context(), change.Set{message.Alert{Entry: audit.New(now, audit.TextsStopped, ""), Once: once}}); err != nil {
				t.Fatal(err)
			}
		}
		written := 0
		for _, a := range w.applied {
			written += len(a.Entries)
		}
		if written != 1 || len(w.applied) != 3 {
			t.Errorf("%d of %d alerts are told as written", written, len(w.applied))
		}

		w.forget()
		gone, leave := context.WithCancel(t.Context())
		leave()
		_ = s.Apply(gone, change.Set{audit.New(now, audit.Confirmed, "ada")})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		w.forget()
		if err := s.Apply(t.Context(), change.Set{audit.New(now, audit.Confirmed, "ada")}); err == nil || len(w.sets) != 0 || len(w.applied) != 1 || w.applied[0].Err == nil || w.applied[0].Refused != nil || len(w.applied[0].Entries) != 0 {
			t.Errorf("closed: %v, commits of %v, %+v", err, w.sets, w.applied)
		}
	})
}

// However changes are put together, none is counted twice and none is left out.
func TestEveryChangeIsInOneCommit(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		w := &watcher{}
		o.Observer = w
		s := open(t, o)
		w.forget()
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				set := change.Set{audit.New(now, audit.Confirmed, fmt.Sprint(i))}
				if i%10 == 0 { // of these one is made
					set.Add(person.Added{Person: person.New("same", now)})
				}
				_ = s.Apply(t.Context(), set)
			})
		}
		wg.Wait()
		made, refused := 0, 0
		for _, a := range w.applied {
			if a.Err == nil {
				made++
			} else if a.Refused != nil {
				refused++
			}
		}
		total, most := 0, 0
		for _, n := range w.sets {
			total, most = total+n, max(most, n)
		}
		if made != 181 || refused != 19 || total != 181 || most > 64 {
			t.Errorf("%d made, %d refused, %d in %d commits, %d at the most", made, refused, total, len(w.sets), most)
		}
		t.Logf("%d commits", len(w.sets))
	})
}

func TestWhatPostgresBreaksOffIsTriedAgain(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		if o.Postgres == "" {
			return // nothing breaks a change off there
		}
		w := &watcher{}
		o.Observer = w
		s, other := open(t, o), open(t, o)
		w.forget()
		key := func(name string) limit.Spent {
			return limit.Spent{Budget: limit.Budget{Name: name, Max: 1 << 30, Window: time.Hour}, Key: name, Now: now}
		}
		// Two who take the same two rows crosswise stand in each other's way.
		for end := time.Now().Add(30 * time.Second); w.retries == 0; {
			if time.Now().After(end) {
				t.Fatal("no change was broken off in thirty seconds")
			}
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					node, first, second := s, "a", "b"
					if i%2 == 1 {
						node, first, second = other, "b", "a"
					}
					if err := node.Apply(t.Context(), change.Set{key(first), audit.New(now, audit.Confirmed, "ada"), key(second)}); err != nil {
						t.Errorf("change %d: %v", i, err)
					}
				})
			}
			wg.Wait()
		}
		for _, a := range w.applied {
			if len(a.Entries) != 1 {
				t.Errorf("a change that was tried again tells of %d entries", len(a.Entries))
			}
		}
	})
}

func TestTheFiguresOfTheDatabase(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		ctx := t.Context()
		read := func(at time.Time) store.Gauges {
			t.Helper()
			g, err := s.Gauges(ctx, at, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		if g := read(now); g.Schema < 2 || len(g.Sessions) != 0 || len(g.Messages) != 0 || len(g.Oldest) != 0 {
			t.Errorf("an empty database: %+v", g)
		}
		var set change.Set
		for i, seen := range []time.Duration{0, -59 * time.Minute, -time.Hour, -2 * time.Hour} {
			row := session.Row{ID: fmt.Sprint(i), Person: "ada", MadeAt: now, SeenAt: now.Add(seen), EndsAt: now.Add(2 * time.Hour), Version: 1}
			begun, err := session.Issue(session.Proved{Password: true, Factor: "app"}, policy.Need{Known: true, Factor: true}, row)
			if err != nil {
				t.Fatal(err)
			}
			set.Add(session.Begun{Session: begun})
		}
		one := session.Row{ID: "one", Person: "bob", MadeAt: now, SeenAt: now, EndsAt: now.Add(2 * time.Hour), Version: 1}
		begun, err := session.Issue(session.Proved{Password: true}, policy.Need{Known: true, OneFactor: true}, one)
		if err != nil {
			t.Fatal(err)
		}
		ended := one
		ended.ID = "ended"
		over, err := session.Issue(session.Proved{Password: true}, policy.Need{Known: true, OneFactor: true}, ended)
		if err != nil {
			t.Fatal(err)
		}
		set.Add(session.Begun{Session: begun}, session.Begun{Session: over}, session.Ended{ID: "ended", Person: "bob", Why: session.EndedByOwner, At: now})
		var texts []message.Message
		for i := range 4 {
			m := message.New("ada", message.CodeKind, "+12125550198", "US", "text", now.Add(-time.Duration(i)*time.Minute), time.Hour)
			texts = append(texts, m)
			set.Add(message.Queued{Message: m})
		}
		set.Add(message.Called{ID: texts[3].ID, Gateway: "g", At: now}, message.Settled{ID: texts[3].ID, State: message.Sent, At: now})
		if err := s.Apply(ctx, set); err != nil {
			t.Fatal(err)
		}
		g := read(now)
		if g.Sessions[1] != 1 || g.Sessions[2] != 2 {
			t.Errorf("sessions %v", g.Sessions)
		}
		if g.Messages[store.Message{Way: message.ByText, State: message.Waiting}] != 3 || g.Messages[store.Message{Way: message.ByText, State: message.Sent}] != 1 || !g.Oldest[message.ByText].Equal(now.Add(-2*time.Minute)) {
			t.Errorf("messages %v, the oldest of %v", g.Messages, g.Oldest)
		}
		if g := read(now.Add(2 * time.Hour)); len(g.Sessions) != 0 {
			t.Errorf("after their end: sessions %v", g.Sessions)
		}
		if err := s.GiveUp(ctx, now, now.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if g := read(now); g.Messages[store.Message{Way: message.ByText, State: message.Waiting}] != 0 || g.Messages[store.Message{Way: message.ByText, State: message.Late}] != 3 || len(g.Oldest) != 0 {
			t.Errorf("with none that waits: messages %v, the oldest of %v", g.Messages, g.Oldest)
		}
	})
}

func TestTheSweeperTellsOfSweepsThatWorked(t *testing.T) {
	s := open(t, store.Options{Folder: folder(t), Keys: keyFile(t)})
	for _, up := range []bool{true, false} {
		if !up {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan struct{}, 1)
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		store.Sweeper{Store: s, Now: clock, Log: slog.New(slog.DiscardHandler), Done: func() { done <- struct{}{} }}.Run(ctx)
		stop()
		if got := len(done) == 1; got != up {
			t.Errorf("with a database %v: told %v", up, got)
		}
	}
}
