package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// SQLite is the embedded database: some connections that read, and one that writes.
type SQLite struct {
	*readers
	writer *groupWriter
}

// NewSQLite takes over both, which are of one file: the one that writes has a single
// connection, on which transactions begin at once. What changes keep for later is
// left to last, which may be nil.
func NewSQLite(ctx context.Context, readers, writer *sql.DB, most int, o Observer, last Last) (*SQLite, error) {
	w, err := newGroupWriter(ctx, writer, o, last)
	if err != nil {
		return nil, err
	}
	return &SQLite{newReaders(readers, most), w}, nil
}

// Write queues a change.
func (s *SQLite) Write(ctx context.Context, c Change) error { return s.writer.write(ctx, c) }

// Close lets queued changes commit.
func (s *SQLite) Close() error {
	return errors.Join(s.writer.stop(), s.writer.db.Close(), s.readers.close(), s.readers.db.Close())
}

// groupMax is how many changes one transaction of the embedded database takes.
const groupMax = 64

// groupWriter is the one writer of the embedded database. It commits what has
// queued as one transaction, because a durable commit costs far more than a change.
type groupWriter struct {
	*prepared
	observer Observer
	last     Last
	kept     []any // by changes of the transaction that stand
	queue    chan queued
	done     chan struct{}

	mu     sync.RWMutex // held for reading while a change is queued
	closed bool
}

type queued struct {
	change Change
	result chan error
}

var errClosed = errors.New("the store is closed")

func newGroupWriter(ctx context.Context, db *sql.DB, o Observer, last Last) (*groupWriter, error) {
	p, err := prepare(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("open SQLite writer: %w", err)
	}
	w := &groupWriter{prepared: p, observer: o, last: last, queue: make(chan queued, groupMax), done: make(chan struct{})}
	go w.serve()
	return w, nil
}

func (w *groupWriter) write(ctx context.Context, c Change) error {
	q := queued{change: c, result: make(chan error, 1)}
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.queue <- q:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return ctx.Err()
	}
	return <-q.result
}

// stop commits what has queued and ends the writer.
func (w *groupWriter) stop() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
	return w.close()
}

func (w *groupWriter) serve() {
	defer close(w.done)
	for first := range w.queue {
		group := []queued{first}
		for len(group) < groupMax && len(w.queue) > 0 {
			next, ok := <-w.queue
			if !ok {
				break
			}
			group = append(group, next)
		}
		w.commit(group)
	}
}

// commit applies a group. Each change stands or falls by itself; when the commit
// fails all of them have failed.
func (w *groupWriter) commit(group []queued) {
	ctx := context.Background()
	results := make([]error, len(group))
	err := w.together(ctx, group, results)
	if err != nil {
		w.undo(ctx)
	}
	if errors.Is(err, errLast) && len(group) > 1 {
		for i := range group { // whose fault it is shows when each is by itself
			w.commit(group[i : i+1])
		}
		return
	}
	made := 0
	for i := range results {
		if err != nil {
			results[i] = err
		} else if results[i] == nil {
			made++
		}
	}
	if made > 0 {
		w.observer.Committed(made)
	}
	for i, q := range group {
		q.result <- results[i]
	}
}

// together applies a group in one transaction and commits it: as if nothing could go
// wrong first, for a savepoint costs more than a small change does.
func (w *groupWriter) together(ctx context.Context, group []queued, results []error) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for _, q := range group {
		err := q.change(ctx, w)
		if err == nil {
			continue
		}
		if len(group) == 1 {
			results[0] = err
			w.undo(ctx)
			return nil
		}
		w.undo(ctx)
		return w.apart(ctx, group, results)
	}
	return w.end(ctx)
}

// apart applies a group in which some change fails, again: with a savepoint for each,
// so that those which fail take nothing along.
func (w *groupWriter) apart(ctx context.Context, group []queued, results []error) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for i, q := range group {
		before := len(w.kept)
		if results[i] = w.one(ctx, q.change); results[i] != nil {
			w.kept = w.kept[:before]
			if _, err := w.exec(ctx, "ROLLBACK TO one"); err != nil {
				return errors.Join(results[i], err)
			}
		}
		if _, err := w.exec(ctx, "RELEASE one"); err != nil {
			return err
		}
	}
	return w.end(ctx)
}

// errLast marks that what was kept for the end cannot be done.
var errLast = errors.New("")

// end does what was kept for the end, and commits.
func (w *groupWriter) end(ctx context.Context) (err error) {
	committed := func() {}
	if len(w.kept) > 0 {
		if committed, err = w.last(ctx, w, w.kept); err != nil {
			return fmt.Errorf("%w%w", errLast, err)
		}
	}
	if _, err = w.exec(ctx, "COMMIT"); err == nil {
		committed()
	}
	return err
}

// begin begins a transaction. Where the one before could not be undone it stands in
// the way, and the next change, which has done nothing wrong, would fail by it.
func (w *groupWriter) begin(ctx context.Context) error {
	clear(w.kept)
	w.kept = w.kept[:0]
	_, err := w.exec(ctx, "BEGIN IMMEDIATE")
	if err != nil {
		w.undo(ctx)
		_, err = w.exec(ctx, "BEGIN IMMEDIATE")
	}
	return err
}

// undo ends a transaction of which nothing is to stay. SQLite may have ended it by
// itself; where it could not, begin tries again.
func (w *groupWriter) undo(ctx context.Context) { _, _ = w.exec(ctx, "ROLLBACK") }

func (w *groupWriter) one(ctx context.Context, c Change) error {
	if _, err := w.exec(ctx, "SAVEPOINT one"); err != nil {
		return err
	}
	return c(ctx, w)
}

// Run runs a statement of a change.
func (w *groupWriter) Run(ctx context.Context, s Statement) error {
	return s.came(w.exec(ctx, s.Query, s.Args...))
}

// Exec runs a statement of a change.
func (w *groupWriter) Exec(ctx context.Context, s Statement) (int64, error) {
	rows, err := w.exec(ctx, s.Query, s.Args...)
	return rows, s.came(rows, err)
}

// Later keeps something of a change for the end of the transaction.
func (w *groupWriter) Later(what any) bool {
	if w.last != nil {
		w.kept = append(w.kept, what)
	}
	return w.last != nil
}
