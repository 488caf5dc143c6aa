package backup

import (
	"bytes"
	"context"
	"crypto/hmac"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/core/audit"
)

// Settings is the text of the settings file in a backup.
func Settings(ctx context.Context, keys *seal.KeyFile, from io.ReadSeeker) ([]byte, error) {
	r, err := readBackup(ctx, store.Options{Keys: keys}, from)
	if err != nil {
		return nil, err
	}
	return r.settings, nil
}

// Restore puts a backup into a place that is empty, and brings it to the newest
// schema. Before it writes anything it has read the file to its end and opened
// its keys; broken off it leaves a place that is as good as empty.
func Restore(ctx context.Context, o store.Options, from io.ReadSeeker, by string) (*Copy, error) {
	r, err := readBackup(ctx, o, from)
	if err != nil {
		return nil, err
	}
	r.entry = audit.New(o.Now(), audit.Restored, "")
	r.entry.Actor, r.entry.Note = by, fmt.Sprintf("the backup of %s from %s", r.At.Format(time.RFC3339), r.URL)
	if o.Postgres != "" {
		err = r.intoPostgres(ctx, o)
	} else {
		err = r.intoSQLite(ctx, o)
	}
	return &r.Copy, err
}

// restoring is a backup that is whole, and that the key file opens.
type restoring struct {
	Copy
	settings []byte
	from     io.ReadSeeker
	sum      []byte
	entry    audit.Entry
}

// readBackup reads a backup to its end. It writes nothing.
func readBackup(ctx context.Context, o store.Options, from io.ReadSeeker) (*restoring, error) {
	var keys []seal.Wrapped
	r := &reader{of: o, use: func(t store.Table, cells []any) error {
		if t.Name == "keys" {
			keys = append(keys, wrapped(t, cells))
		}
		return nil
	}}
	if err := r.read(ctx, from); err != nil {
		return nil, err
	}
	box, err := seal.Open(o.Keys, keys)
	if err != nil {
		return nil, fmt.Errorf("open the keys of the backup: %w", err)
	}
	if !hmac.Equal(box.MAC("backup", r.sum), r.end.MAC) {
		return nil, damaged("it was edited")
	}
	text, err := box.Open(settingsPlace, r.head.Settings)
	return &restoring{Copy: Copy{Head: r.head, Rows: r.end.Rows}, settings: text, from: from, sum: r.sum}, err
}

// wrapped is a row of table keys.
func wrapped(t store.Table, cells []any) (k seal.Wrapped) {
	for i, column := range t.Columns {
		switch v := Plain(cells[i]).(type) {
		case int64:
			switch column {
			case "id":
				k.ID = v
			case "made_at":
				k.MadeAt = v
			}
		case string:
			switch column {
			case "purpose":
				k.Purpose = v
			case "kek":
				k.KEK = v
			}
		case []byte:
			k.Blob = v
		}
	}
	return k
}

// fill makes the tables of the backup and writes their rows, all in one transaction.
func (r *restoring) fill(ctx context.Context, o store.Options, db *sql.DB) error {
	if err := o.MakeTables(ctx, db, r.Schema); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer tx.Rollback()
	in := &inserter{ctx: ctx, tx: tx, settler: settler{now: o.Now()}}
	again := &reader{of: o, use: in.add}
	if err := errors.Join(again.read(ctx, r.from), in.flush()); err != nil {
		return fmt.Errorf("write the rows: %w", err)
	}
	if !bytes.Equal(again.sum, r.sum) {
		return damaged("it changed while it was read")
	}
	r.Ended = in.ended
	return tx.Commit()
}

// inserter writes rows of one table after another, many in a statement.
type inserter struct {
	ctx  context.Context
	tx   *sql.Tx
	t    store.Table
	args []any
	full *sql.Stmt // of insertRows rows
	settler
}

const insertRows = 50

func (in *inserter) add(t store.Table, cells []any) error {
	if t.Name != in.t.Name {
		if err := in.flush(); err != nil {
			return err
		}
		in.t, in.full = t, nil
	}
	row := make([]any, len(cells))
	for i, cell := range cells {
		row[i] = Plain(cell)
	}
	if !in.settled(t, row) {
		return nil
	}
	in.args = append(in.args, row...)
	if len(in.args) == insertRows*len(cells) {
		return in.flush()
	}
	return nil
}

func (in *inserter) flush() (err error) {
	if len(in.args) == 0 {
		return nil
	}
	defer func() { in.args = in.args[:0] }()
	rows := len(in.args) / len(in.t.Columns)
	if rows < insertRows {
		_, err = in.tx.ExecContext(in.ctx, insertMany(in.t, rows), in.args...)
		return err
	}
	if in.full == nil {
		if in.full, err = in.tx.PrepareContext(in.ctx, insertMany(in.t, rows)); err != nil {
			return err
		}
	}
	_, err = in.full.ExecContext(in.ctx, in.args...)
	return err
}

// insertMany is the statement for so many rows.
func insertMany(t store.Table, rows int) string {
	var text strings.Builder
	text.WriteString("INSERT INTO " + t.Name + " (" + list(t) + ") VALUES ")
	for i := range rows * len(t.Columns) {
		switch {
		case i == 0:
			text.WriteString("(")
		case i%len(t.Columns) == 0:
			text.WriteString("), (")
		default:
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "$%d", i+1)
	}
	return text.String() + ")"
}
