package database_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"sallyport/back/database"
)

// later is an embedded database whose last writes down what was kept.
type later struct {
	*database.SQLite
	t *testing.T

	mu        sync.Mutex
	kept      [][]any
	committed int
}

var errBad = errors.New("a bad one")

func openLater(t *testing.T) *later {
	t.Helper()
	l, file := &later{t: t}, "file:"+filepath.Join(t.TempDir(), "a.db")+"?_pragma=journal_mode(WAL)"
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	var err error
	l.SQLite, err = database.NewSQLite(t.Context(), open(), open(), 1, silent{}, l.last)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.Run(ctx, database.Statement{Query: "CREATE TABLE told (what TEXT UNIQUE)"})
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *later) last(ctx context.Context, tx database.Tx, kept []any) (func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(kept, any("bad")) {
		return nil, errBad
	}
	l.kept = append(l.kept, slices.Clone(kept))
	for _, k := range kept {
		if err := tx.Run(ctx, database.Statement{Query: "INSERT INTO told VALUES ($1)", Args: []any{k}}); err != nil {
			return nil, err
		}
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.committed += len(kept)
	}, nil
}

// together writes changes which the writer finds in its queue all at once. Each keeps
// what it is named, and fails where it is named "fails".
func (l *later) together(names ...string) []error {
	busy, release := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		_ = l.Write(context.Background(), func(context.Context, database.Tx) error { close(busy); <-release; return nil })
	})
	<-busy
	errs := make([]error, len(names))
	for i, name := range names {
		queued := make(chan bool)
		all.Go(func() {
			close(queued)
			errs[i] = l.Write(context.Background(), func(_ context.Context, tx database.Tx) error {
				if !tx.Later(name) {
					l.t.Error("the embedded database keeps nothing")
				}
				if name == "fails" {
					return errors.New("it fails")
				}
				return nil
			})
		})
		<-queued
	}
	close(release)
	all.Wait()
	return errs
}

func (l *later) told() (all []string) {
	q := database.Question{Query: "SELECT what FROM told ORDER BY what", Each: func(r database.Row) error {
		all = append(all, "")
		return r.Scan(&all[len(all)-1])
	}}
	if err := l.Read(l.t.Context(), []database.Question{q}); err != nil {
		l.t.Fatal(err)
	}
	return all
}

func TestWhatChangesKeepIsDoneOnceBehindThem(t *testing.T) {
	l := openLater(t)
	for i, err := range l.together("a", "b", "fails", "c") {
		if (err != nil) != (i == 2) {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if got := l.told(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("told: %v", got)
	}
	if l.committed != 3 {
		t.Errorf("%d were told that they are committed", l.committed)
	}
	if l.together("alone"); !slices.Equal(l.told(), []string{"a", "alone", "b", "c"}) {
		t.Errorf("what was kept before is done again: %v", l.kept)
	}
}

func TestChangesOfOneCommitAreFinishedTogether(t *testing.T) {
	l := openLater(t)
	for try := range 50 { // who asks may come too late for the group
		name := string(rune('A' + try))
		if l.together(name+"1", name+"2", name+"3"); len(l.kept[len(l.kept)-1]) == 3 {
			return
		}
	}
	t.Errorf("each by itself: %v", l.kept)
}

func TestALastThatFailsHarmsOnlyWhoseItIs(t *testing.T) {
	l := openLater(t)
	for i, err := range l.together("a", "bad", "b", "fails", "c") {
		if bad := i == 1 || i == 3; bad != (err != nil) || errors.Is(err, errBad) != (i == 1) {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if got := l.told(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("told: %v", got)
	}
	if l.committed != 3 {
		t.Errorf("%d were told that they are committed", l.committed)
	}
}
