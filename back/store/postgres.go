package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// dialTime bounds one try to reach a server.
const dialTime = 5 * time.Second

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	db, err := o.postgres()
	if err != nil {
		return err
	}
	s.close = append(s.close, db.Close)
	p := &postgresWriter{store: s, idle: 4 * max(4, runtime.NumCPU())}
	db.SetMaxOpenConns(p.idle)
	db.SetMaxIdleConns(p.idle)
	db.SetConnMaxIdleTime(time.Minute)
	s.db, s.write = db, p.write
	unlock, err := o.lockPostgres(ctx, db)
	if err != nil {
		return err
	}
	defer unlock()
	return o.migrate(ctx, db)
}

func (o Options) postgres() (*sql.DB, error) {
	c, err := pgx.ParseConfig(o.Postgres)
	if err != nil {
		return nil, errors.New("open PostgreSQL: the address cannot be read; hint: postgres://user:password@host/database") // err would show the password
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = dialTime
	}
	if c.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		// Prepared statements belong to a server's connection: behind pgbouncer in
		// transaction mode the next transaction may run on another.
		c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return stdlib.OpenDB(*c), nil
}

// migrationLock is the number of our advisory lock.
const migrationLock = 7_052_026_1123

// lockPostgres takes the lock of those who migrate. It belongs to a transaction and
// so to one connection of the server, whatever stands between: one that belonged to
// a session would be lost behind pgbouncer in transaction mode.
func (o Options) lockPostgres(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the database for its migrations: %w", err), tx.Rollback())
	}
	return func() { tx.Rollback() }, nil
}

// postgresWriter applies each change in a transaction of its own. Conditions are
// updates that lock their row, so that of two at once the second waits and then
// sees what the first did (READ COMMITTED).
type postgresWriter struct {
	store *Store
	idle  int // connections that are kept open
}

// retries is how often a change is tried again when PostgreSQL broke it off in
// favour of another.
const retries = 5

// applyTime bounds a change whose caller has gone away.
const applyTime = 20 * time.Second

// write keeps to the caller's deadline, because a database that hangs must not
// hold up the answer; that the caller has gone away ends nothing.
func (w *postgresWriter) write(ctx context.Context, change *work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bound := applyTime
	if deadline, ok := ctx.Deadline(); ok {
		bound = min(bound, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bound)
	defer cancel()
	for try := 0; ; try++ {
		err := w.once(ctx, change)
		if err == nil {
			w.store.observer.Committed(1)
			return nil
		}
		if demoted(err) {
			w.redial()
		}
		if !broken(err) && !demoted(err) || try == retries {
			return err
		}
		w.store.observer.Retried()
		time.Sleep(time.Duration(1+try) * 5 * time.Millisecond)
	}
}

func (w *postgresWriter) once(ctx context.Context, change *work) (err error) {
	change.entries = nil // of a try before
	tx, err := w.store.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // nothing after a commit
	if err := (txn{execer: postgresTx{tx}, ctx: ctx, store: w.store, work: change}).all(); err != nil {
		return err
	}
	return tx.Commit()
}

// broken says whether PostgreSQL ended the transaction for another's sake:
// serialization failure or deadlock.
func broken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// demoted says whether the server refuses writes: it is a standby now, or was made
// read-only.
func demoted(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "25006"
}

// redial drops the connections that rest, so that the next ones find the server
// that takes writes, where the address names several with target_session_attrs.
func (w *postgresWriter) redial() {
	w.store.db.SetMaxIdleConns(-1)
	w.store.db.SetMaxIdleConns(w.idle)
}

type postgresTx struct{ tx *sql.Tx }

func (t postgresTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
