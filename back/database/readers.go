package database

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// readers are the connections that read the embedded database. The one that was
// used last is used next, so that a quiet portal keeps the pages of few.
type readers struct {
	db    *sql.DB
	turns chan struct{}

	mu     sync.Mutex
	rest   []*prepared
	closed bool
	waited time.Duration
}

func newReaders(db *sql.DB, most int) *readers {
	return &readers{db: db, turns: make(chan struct{}, most)}
}

// Read answers questions. Whoever waits for a turn leaves when ctx ends; a query of
// the embedded database is short, and to watch over it takes longer than most.
func (r *readers) Read(ctx context.Context, questions []Question) error {
	if err := r.turn(ctx); err != nil {
		return err
	}
	defer func() { <-r.turns }()
	ctx = context.WithoutCancel(ctx)
	p, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer r.back(p)
	return p.answers(ctx, questions)
}

// Snapshot answers questions about one moment. Unlike Read it ends with ctx.
func (r *readers) Snapshot(ctx context.Context, questions []Question) error {
	if err := r.turn(ctx); err != nil {
		return err
	}
	defer func() { <-r.turns }()
	return snapshot(ctx, r.db, sql.LevelDefault, questions)
}

func (r *readers) turn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.turns <- struct{}{}:
		return nil
	default:
	}
	began := time.Now()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.waited += time.Since(began)
	}()
	select {
	case r.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *readers) take(ctx context.Context) (*prepared, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, errClosed
	}
	if n := len(r.rest); n > 0 {
		p := r.rest[n-1]
		r.rest = r.rest[:n-1]
		r.mu.Unlock()
		return p, nil
	}
	r.mu.Unlock()
	return prepare(ctx, r.db)
}

func (r *readers) back(p *prepared) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || p.stuck {
		p.close()
		return
	}
	r.rest = append(r.rest, p)
}

// close closes the connections that rest; the others are closed when they come back.
func (r *readers) close() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, p := range r.rest {
		err = errors.Join(err, p.close())
	}
	r.rest = nil
	return err
}

// Pool is how the connections are used.
func (r *readers) Pool() sql.DBStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sql.DBStats{InUse: len(r.turns), Idle: len(r.rest), WaitDuration: r.waited}
}
