package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"sallyport/back/store"
	"sallyport/core/change"
)

// intoPostgres fills an empty database, under the lock of those that migrate, so
// that a node which starts meanwhile waits.
func (r *restoring) intoPostgres(ctx context.Context, o store.Options) error {
	db, err := o.Connect()
	if err != nil {
		return err
	}
	if err := errors.Join(r.alone(ctx, o, db), db.Close()); err != nil {
		return err
	}
	return r.finish(ctx, o)
}

func (r *restoring) alone(ctx context.Context, o store.Options, db *sql.DB) error {
	unlock, err := o.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := empty(ctx, o, db); err != nil {
		return err
	}
	return r.fill(ctx, o, db)
}

// empty refuses a PostgreSQL database in which a table of ours has a row.
func empty(ctx context.Context, o store.Options, db *sql.DB) error {
	_, newest, err := store.Schema(ctx, o)
	if err != nil {
		return err
	}
	tables, err := o.Tables(ctx, newest)
	if err != nil {
		return err
	}
	for _, t := range tables {
		there, err := o.Has(ctx, db, t.Name)
		if err == nil && there {
			err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.Name+")").Scan(&there)
		}
		if err != nil {
			return fmt.Errorf("look whether the database is empty: %w", err)
		}
		if there {
			return fmt.Errorf("the database is not empty: table %s has rows; hint: make an empty database and name that", t.Name)
		}
	}
	return nil
}

// intoSQLite makes the database in a folder beside its place and moves it there
// when it is whole.
func (r *restoring) intoSQLite(ctx context.Context, o store.Options) error {
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w; hint: set data to a folder that this user may write", err)
	}
	unlock, err := o.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for _, part := range []string{"", "-wal", "-shm"} { // a log left behind would be written into the new database
		if _, err := os.Lstat(o.File() + part); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the data folder is not empty: %s is there; hint: stop the portal and move its database away, with all files of that name", o.File()+part)
		}
	}
	beside := o
	beside.Folder = filepath.Join(o.Folder, "restoring")
	defer os.RemoveAll(beside.Folder)
	if err := errors.Join(os.RemoveAll(beside.Folder), folderLike(o.Folder, beside.Folder)); err != nil {
		return fmt.Errorf("make a folder beside the database: %w", err)
	}
	db, err := beside.Create()
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := errors.Join(r.fill(ctx, beside, db), db.Close()); err != nil {
		return err
	}
	if err := r.finish(ctx, beside); err != nil {
		return err
	}
	if err := os.Rename(beside.File(), o.File()); err != nil {
		return fmt.Errorf("move the database to its place: %w", err)
	}
	return syncFolder(o.Folder)
}

// folderLike makes a folder of the same owner as another: what root restores is to
// be the portal's, and the store gives a database to whom its folder belongs.
func folderLike(other, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil || os.Geteuid() != 0 {
		return err
	}
	info, err := os.Stat(other)
	if err != nil {
		return err
	}
	of := info.Sys().(*syscall.Stat_t)
	return os.Chown(folder, int(of.Uid), int(of.Gid))
}

// syncFolder makes a file's new name last.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// finish opens what was filled as the portal does, which migrates it.
func (r *restoring) finish(ctx context.Context, o store.Options) error {
	s, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(s.Apply(ctx, change.Set{r.entry}), s.Close())
}
