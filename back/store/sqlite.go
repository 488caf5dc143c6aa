package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// groupMax is how many changes one transaction of the embedded database takes.
const groupMax = 64

// groupWriter is the one writer of the embedded database. It commits what has
// queued as one transaction with a savepoint for each change, because a durable
// commit costs far more than a change.
type groupWriter struct {
	store *Store
	conn  *sql.Conn
	queue chan queued
	done  chan struct{}
	stmts map[string]*sql.Stmt

	mu     sync.RWMutex // held for reading while a change is queued
	closed bool
}

type queued struct {
	work   *work
	result chan error
}

var errClosed = errors.New("the store is closed")

func newGroupWriter(ctx context.Context, s *Store, db *sql.DB) (*groupWriter, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open SQLite writer: %w", err)
	}
	w := &groupWriter{store: s, conn: conn, queue: make(chan queued, groupMax), done: make(chan struct{}), stmts: map[string]*sql.Stmt{}}
	go w.run()
	return w, nil
}

func (w *groupWriter) write(ctx context.Context, change *work) error {
	q := queued{work: change, result: make(chan error, 1)}
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
	// A connection with a statement left open would not be closed, and the log
	// would stay beside the database.
	var err error
	for query, stmt := range w.stmts {
		err = errors.Join(err, stmt.Close())
		delete(w.stmts, query)
	}
	return errors.Join(err, w.conn.Close())
}

func (w *groupWriter) run() {
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
		w.exec(ctx, "ROLLBACK") // SQLite may have rolled back by itself
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
		w.store.observer.Committed(made)
	}
	for i, q := range group {
		q.result <- results[i]
	}
}

// together applies a group in one transaction and commits it.
func (w *groupWriter) together(ctx context.Context, group []queued, results []error) error {
	if _, err := w.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for i, q := range group {
		if results[i] = w.one(ctx, q.work); results[i] != nil {
			if _, err := w.exec(ctx, "ROLLBACK TO one"); err != nil {
				return errors.Join(results[i], err)
			}
		}
		if _, err := w.exec(ctx, "RELEASE one"); err != nil {
			return err
		}
	}
	_, err := w.exec(ctx, "COMMIT")
	return err
}

func (w *groupWriter) one(ctx context.Context, change *work) error {
	if _, err := w.exec(ctx, "SAVEPOINT one"); err != nil {
		return err
	}
	return txn{execer: w, ctx: ctx, store: w.store, work: change}.all()
}

// exec runs a statement, prepared once.
func (w *groupWriter) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, ok := w.stmts[query]
	if !ok {
		var err error
		if stmt, err = w.conn.PrepareContext(ctx, query); err != nil {
			return 0, err
		}
		w.stmts[query] = stmt
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
