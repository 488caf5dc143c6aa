// Package database runs questions and changes on the embedded database or on a
// PostgreSQL server. It knows no table: what a change is made of it is told in
// statements, each with the condition that it must meet.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"sallyport/core/change"
)

// Database is one of both.
type Database interface {
	// Read answers questions, all on one connection.
	Read(ctx context.Context, questions []Question) error
	// Snapshot answers questions one after another, all of one moment. It may take
	// long: others write meanwhile.
	Snapshot(ctx context.Context, questions []Question) error
	// Write makes a change in one transaction, or nothing of it. Once it has queued
	// it is made though its caller has gone away.
	Write(ctx context.Context, c Change) error
	// Pool is how the connections are used.
	Pool() sql.DBStats
	// Close lets queued changes commit.
	Close() error
}

// Row is one that a question has met.
type Row interface{ Scan(...any) error }

// Question is one query with what takes each of its rows.
type Question struct {
	Query string
	Args  []any
	Each  func(Row) error
}

func (q Question) take(row Row) error {
	if err := q.Each(row); err != nil {
		return &Unreadable{err}
	}
	return nil
}

// each takes every row that a query has.
func (q Question) each(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := q.take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// snapshot answers questions in one transaction that only reads.
func snapshot(ctx context.Context, db *sql.DB, level sql.IsolationLevel, questions []Question) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: level, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, q := range questions {
		if err := q.each(tx.QueryContext(ctx, q.Query, q.Args...)); err != nil {
			return err
		}
	}
	return nil
}

// Unreadable is about a row that came and makes no sense: the database is well.
type Unreadable struct{ err error }

// Error says what is wrong with the row.
func (u *Unreadable) Error() string { return u.err.Error() }

// Unwrap gives the error of the scan.
func (u *Unreadable) Unwrap() error { return u.err }

// Ask reads, and again where the connection died under it, which is no reason to
// fail: reading changes nothing. The questions are made anew for each try.
func Ask(ctx context.Context, db Database, questions func() []Question) (err error) {
	for try := 0; ; try++ {
		if err = db.Read(ctx, questions()); err == nil || try == 2 || !lost(err) {
			return err
		}
	}
}

// lost says whether the connection is gone, and not more than that: the server
// ended it (57P), or the network did (08, and what has no code).
func lost(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
	}
	_, network := errors.AsType[net.Error](err)
	return errors.Is(err, errPooled) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || network && !errors.Is(err, context.DeadlineExceeded)
}

// Change makes its statements in a transaction. It may be called again, after
// another call has come to nothing.
type Change func(ctx context.Context, tx Tx) error

// Tx is a transaction of either database.
type Tx interface {
	// Run runs a statement before the change is committed, in its order.
	Run(ctx context.Context, s Statement) error
	// Exec runs a statement now, and says how many rows it met.
	Exec(ctx context.Context, s Statement) (rows int64, err error)
	// Later keeps something for the end of a transaction in which several changes are
	// committed as one. False means that there is no such end, and nothing was kept.
	Later(what any) bool
}

// Last does once, behind all changes of a transaction, what they kept for later. Only
// what a change kept that stands is in kept, in its order. What it returns is called
// when that was committed.
type Last func(ctx context.Context, tx Tx, kept []any) (committed func(), err error)

// Statement is one of those that make an effect.
type Statement struct {
	Of    change.Effect
	One   bool // the condition of the effect has to hold for one row
	Query string
	Args  []any
}

// came judges what came of it.
func (s Statement) came(rows int64, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%T: %w", s.Of, err)
	case s.One && rows != 1:
		return &change.Refused{Effect: s.Of}
	}
	return nil
}

// Observer hears what became of transactions. It is for counting, and must not wait.
type Observer interface {
	// Committed: one transaction made so many changes durable.
	Committed(changes int)
	// Retried: PostgreSQL broke a change off in favour of another.
	Retried()
}
