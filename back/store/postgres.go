package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sallyport/back/database"
)

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	db, err := o.postgres()
	if err != nil {
		return err
	}
	unlock, err := o.lockPostgres(ctx, db)
	if err == nil {
		err = o.migrate(ctx, db)
		unlock()
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.db = database.NewPostgres(db, s.observer)
	return nil
}

func (o Options) postgres() (*sql.DB, error) { return database.OpenPostgres(o.Postgres) }

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
