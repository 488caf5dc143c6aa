// Package store keeps everything that must survive: one SQL text for SQLite and
// PostgreSQL, one file per noun. It applies changes all or nothing, seals what
// nobody may read in a copy of the database, and decides nothing.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/back/database"
	"sallyport/back/seal"
	"sallyport/core/change"
	"sallyport/core/fault"
)

// Store is a database, open and migrated.
type Store struct {
	db       database.Database
	embedded bool
	box      *seal.Box
	ring     keyring

	seenMu  sync.Mutex
	seen    place        // how far the chain was at least
	linkers atomic.Int32 // at work

	adoptedAt atomic.Int64 // when the sweeper last did, in milliseconds

	observer Observer
	now      func() time.Time
	waits    bool // a command: it returns when every node has passed what it took away
	hearers  hearers

	wakeMu sync.Mutex
	wake   []chan struct{}
}

// Apply makes all effects of a set in one transaction, or none. When a condition
// does not hold the error is a *change.Refused. A change once queued is
// committed though its caller has gone away.
func (s *Store) Apply(ctx context.Context, set change.Set) error {
	if len(set) == 0 {
		return nil
	}
	if s.box != nil { // else these are the first keys
		if err := s.freshKeys(ctx, false); err != nil {
			return down("apply change", err)
		}
	}
	begun, w := time.Now(), &work{set: set}
	err := s.write(ctx, w)
	done := Applied{Took: time.Since(begun), Err: err}
	refused, isRefused := errors.AsType[*change.Refused](err)
	switch {
	case err == nil:
		done.Entries = w.entries
	case isRefused:
		done.Refused = refused.Effect
	}
	s.observer.Applied(done)
	people, _, apps := about(set)
	for i, id := range people {
		people[i] = key(id)
	}
	s.heard(people, apps) // also where nobody knows what became of it
	if err == nil {
		s.wakeFor(set)
		if w.told > 0 {
			s.passed(ctx, w.told)
		}
	}
	if isRefused {
		return err
	}
	return down("apply change", err)
}

// down marks an error as the database's, so that fronts say "at our end" and
// count no try, and says what an operator can do.
func down(what string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w: %w", what, fault.ErrDown, err)
	if hint := whereKept(err); hint != "" && !strings.Contains(err.Error(), "; hint: ") {
		err = fmt.Errorf("%w; hint: %s", err, hint)
	}
	return err
}

func (s *Store) write(ctx context.Context, w *work) error {
	return s.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		w.entries = nil // of a try before
		return txn{Tx: tx, ctx: ctx, store: s, work: w}.all()
	})
}

// Close lets queued changes commit and closes the database.
func (s *Store) Close() error {
	if s.db == nil { // it was never open
		return nil
	}
	return s.db.Close()
}

// Ready says whether the database takes a write: a full disk or a primary that
// refuses them fails here.
func (s *Store) Ready(ctx context.Context, now time.Time) error {
	return s.Apply(ctx, change.Set{probed{At: now}})
}

type probed struct {
	change.Mark
	At time.Time
}

// Woken returns a channel that gets a value soon after a message was queued by
// this process.
func (s *Store) Woken() <-chan struct{} {
	ch := make(chan struct{}, 1)
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	s.wake = append(s.wake, ch)
	return ch
}

func (s *Store) wakeFor(set change.Set) {
	if !queues(set) {
		return
	}
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	for _, ch := range s.wake {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// ms is a time as it is kept, and at is back again.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// when scans a kept time.
type when struct{ to *time.Time }

// Scan implements sql.Scanner.
func (w when) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("scan time: %T is no number", v)
	}
	*w.to = at(n)
	return nil
}
