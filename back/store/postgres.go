package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// postgresWriter applies each change in a transaction of its own. Conditions are
// updates that lock their row, so that of two at once the second waits and then
// sees what the first did (READ COMMITTED).
type postgresWriter struct{ store *Store }

// retries is how often a change is tried again when PostgreSQL broke it off in
// favour of another.
const retries = 5

// applyTime bounds a change whose caller has gone away.
const applyTime = 20 * time.Second

func (w *postgresWriter) write(ctx context.Context, change *work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), applyTime)
	defer cancel()
	for try := 0; ; try++ {
		err := w.once(ctx, change)
		if err == nil {
			w.store.observer.Committed(1)
			return nil
		}
		if !broken(err) || try == retries {
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

type postgresTx struct{ tx *sql.Tx }

func (t postgresTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
