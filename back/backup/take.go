package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"

	"sallyport/back/seal"
	"sallyport/back/store"
)

// settingsPlace is the place that the settings file in a backup is sealed for.
const settingsPlace = "backup.settings:1"

// Take writes all that a portal has in its database, as it was at one moment,
// and the text of its settings file. Others go on writing meanwhile. A schema
// older than the program's stays as it is.
func Take(ctx context.Context, o store.Options, url string, settings []byte, to io.Writer) (c *Copy, err error) {
	db, err := o.Connect()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	moment := &sql.TxOptions{}
	if o.Postgres != "" { // SQLite has no other
		moment = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := db.BeginTx(ctx, moment)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer tx.Rollback()
	if c, err = copyOf(ctx, o, tx, Head{URL: url, At: o.Now().UTC(), Settings: settings}, to); err != nil {
		return nil, err
	}
	// A migration that overtook us may have made a table anew, which looks empty
	// from a moment before.
	now, err := store.SchemaVersion(ctx, db)
	if err == nil && now != c.Schema {
		err = errors.New("the database was migrated meanwhile; hint: run sallyport backup again")
	}
	return c, err
}

// copyOf writes what a transaction sees.
func copyOf(ctx context.Context, o store.Options, tx *sql.Tx, h Head, to io.Writer) (*Copy, error) {
	var err error
	if h.Schema, err = store.SchemaVersion(ctx, tx); err != nil {
		return nil, fmt.Errorf("%w; hint: name the database of a portal, or restore the backup before", err)
	}
	tables, err := o.Tables(ctx, h.Schema)
	if err != nil {
		return nil, err
	}
	keys, err := store.WrappedKeys(ctx, tx)
	if err != nil {
		return nil, err
	}
	box, err := seal.Open(o.Keys, keys)
	if err != nil {
		return nil, fmt.Errorf("open the keys of the database: %w", err)
	}
	for _, key := range keys {
		if !slices.Contains(h.Keys, key.KEK) {
			h.Keys = append(h.Keys, key.KEK)
		}
	}
	h.Settings = box.Seal(settingsPlace, h.Settings)
	w := newWriter(to, h)
	for _, t := range tables {
		w.table(t)
		if err := rowsOf(ctx, tx, t, w.row); err != nil {
			return nil, fmt.Errorf("back up %s: %w", t.Name, err)
		}
	}
	err = w.close(func(sum []byte) []byte { return box.MAC("backup", sum) })
	return &Copy{Head: h, Rows: w.rows}, err
}

func rowsOf(ctx context.Context, tx *sql.Tx, t store.Table, use func(cells []any) error) error {
	cells, err := Cells(t)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+list(t)+" FROM "+t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return err
		}
		if err := use(cells); err != nil {
			return err
		}
	}
	return rows.Err()
}
