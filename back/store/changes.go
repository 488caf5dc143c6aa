package store

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"sallyport/core/change"
	"sallyport/core/flow"
)

// How doors on other nodes hear of a change. Each change that they must know leaves
// a row in its own transaction; nodes read what is new four times a second. The
// window is wider than any transaction is long, and than clocks differ: rows of it
// are known by their names.
const (
	watchEvery   = 250 * time.Millisecond
	watchWindow  = time.Minute
	watchFresh   = time.Second // without a reading for so long, nothing remembered counts
	changesKept  = time.Hour
	nodesKept    = time.Hour
	aliveEvery   = 30 * time.Second
	aliveFor     = 5 * time.Minute
	passedWithin = 2 * time.Second
	clocksDiffer = 10 * time.Minute // further ahead than that is no clock's time
)

// tell leaves the rows of a change. Where a person has no door there is nobody to
// tell, and most changes cost one look at an index.
func (t txn) tell() error {
	people, deleted, apps := about(t.work.set)
	now := ms(t.store.now())
	t.work.told = 0
	leave := func(query string, args ...any) error {
		if !t.store.waits {
			return t.do(query, args...)
		}
		n, err := t.rows(query, args...)
		if n > 0 {
			t.work.told = now
		}
		return err
	}
	// A clock that is behind must not leave rows where nobody looks any more: each is
	// newer than all that are there.
	const always = "INSERT INTO changes (id, about, at) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), " +
		"COALESCE((SELECT MAX(at) + 1 FROM changes WHERE at >= CAST($3 AS BIGINT) AND at < CAST($4 AS BIGINT)), CAST($3 AS BIGINT))"
	ahead := now + clocksDiffer.Milliseconds()
	for _, id := range people {
		query, args := always+" WHERE EXISTS (SELECT 1 FROM doors WHERE person = $5)", []any{rand.Text(), key(id), now, ahead, id}
		if deleted[id] {
			query, args = always, args[:4]
		}
		if err := leave(query, args...); err != nil {
			return err
		}
	}
	if apps {
		return leave(always, rand.Text(), aboutApps, now, ahead)
	}
	return nil
}

// key is how a person is named among changes: by nothing that leads back to them
// when they are deleted.
func key(person string) string { return flow.HashToken(person) }

// changed is a row of changes.
type changed struct {
	ID, About string
	At        int64
}

func scanChanged(row scanner) (*changed, error) {
	var c changed
	return &c, row.Scan(&c.ID, &c.About, &c.At)
}

func (s *Store) changesSince(ctx context.Context, at int64) ([]changed, error) {
	return list(ctx, s, scanChanged, "SELECT id, about, at FROM changes WHERE at > $1", at)
}

// nodeAlive says that a node reads changes, and how far it has come.
type nodeAlive struct {
	change.Mark
	ID     string
	At     time.Time
	Passed int64
}

type nodeGone struct {
	change.Mark
	ID string
}

// passed waits until every live node has read what was changed at a moment, or two
// seconds.
func (s *Store) passed(ctx context.Context, at int64) {
	ctx, cancel := context.WithTimeout(ctx, passedWithin)
	defer cancel()
	var upTo int // by the clock that is furthest ahead
	if err := s.count(ctx, &upTo, "SELECT COALESCE(MAX(at), 0) FROM changes WHERE at < $1", at+clocksDiffer.Milliseconds()); err != nil {
		return
	}
	for {
		var behind int
		err := s.count(ctx, &behind, "SELECT COUNT(*) FROM nodes WHERE alive_at > $1 AND passed_at < $2", at-aliveFor.Milliseconds(), upTo)
		if err != nil || behind == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// Hearers are told of changes that doors must know: those of this node at once,
// others within a second.
type hearers struct {
	mu  sync.RWMutex
	all []func(keys []string, apps bool)
}

// Hear adds who is told, of persons by their keys. It must not wait.
func (s *Store) Hear(told func(keys []string, apps bool)) {
	s.hearers.mu.Lock()
	defer s.hearers.mu.Unlock()
	s.hearers.all = append(s.hearers.all, told)
}

func (s *Store) heard(keys []string, apps bool) {
	if len(keys) == 0 && !apps {
		return
	}
	s.hearers.mu.RLock()
	defer s.hearers.mu.RUnlock()
	for _, told := range s.hearers.all {
		told(keys, apps)
	}
}

// Watch reads what other nodes, and commands beside this one, have changed.
type Watch struct {
	Store *Store
	Now   func() time.Time
	Log   *slog.Logger
	Fresh func(begun, now time.Time) // after each reading: what is remembered is as new as that
	Done  func()

	node  string
	seen  map[string]int64
	last  int64 // the newest moment in the table
	read  int64 // the newest that no clock which was set back has left there
	alive time.Time
	aged  time.Time // the same by the portal's clock, which may be set
}

// Run reads until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	w.node, w.seen = rand.Text(), map[string]int64{}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	failing := false
	for {
		switch err := w.look(ctx); {
		case err != nil && ctx.Err() == nil && !failing:
			failing = true
			w.Log.Warn("changes not read: doors ask the database each time", "error", err)
		case err == nil:
			failing = false
			w.Done()
		}
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = w.Store.Apply(ctx, change.Set{nodeGone{ID: w.node}})
			return
		case <-tick.C:
		}
	}
}

func (w *Watch) look(ctx context.Context) error {
	begun, now := time.Now(), w.Now()
	ctx, cancel := context.WithTimeout(ctx, watchFresh)
	defer cancel()
	// A clock that is ahead elsewhere must not hide what others write.
	since := min(w.last, ms(now)) - watchWindow.Milliseconds()
	rows, err := w.Store.changesSince(ctx, since)
	if err != nil {
		return err
	}
	var people []string
	apps, news := false, false
	ahead := ms(now) + clocksDiffer.Milliseconds()
	if w.read >= ahead {
		w.read = 0
	}
	for _, c := range rows {
		if _, known := w.seen[c.ID]; known {
			continue
		}
		w.seen[c.ID], news = c.At, true
		w.last = max(w.last, c.At)
		if c.At < ahead {
			w.read = max(w.read, c.At)
		}
		if c.About == aboutApps {
			apps = true
		} else {
			people = append(people, c.About)
		}
	}
	w.Store.heard(people, apps)
	if len(w.seen) > 2*len(rows)+100 {
		clear(w.seen)
		for _, c := range rows {
			w.seen[c.ID] = c.At
		}
	}
	// A clock that was set makes the last sign of life look old. Nothing is believed
	// before the new one is there: until then no command waits for this node.
	if news || begun.Sub(w.alive) >= aliveEvery || now.Sub(w.aged).Abs() >= aliveEvery {
		// Not now: what is being written at this moment has not been read.
		if err := w.Store.Apply(ctx, change.Set{nodeAlive{ID: w.node, At: now, Passed: w.read}}); err != nil {
			return err
		}
		w.alive, w.aged = begun, now
	}
	w.Fresh(begun, now)
	return nil
}
