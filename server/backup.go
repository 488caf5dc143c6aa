package server

import (
	"context"
	"fmt"
	"io"

	"sallyport/back/backup"
	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/config"
)

// place is where the settings put the database.
func place(c *config.Config) (store.Options, error) {
	keys, err := seal.ReadKeyFile(c.KeyFile)
	return store.Options{Folder: c.Data, Postgres: c.Database.Reveal(), Keys: keys, Now: clock}, err
}

// Backup writes a backup of the database and of the text of the settings file; a
// portal may run meanwhile.
func Backup(ctx context.Context, c *config.Config, settings []byte, to io.Writer) (*backup.Copy, error) {
	o, err := place(c)
	if err != nil {
		return nil, err
	}
	return backup.Take(ctx, o, c.URL, settings, to)
}

// Restore puts a backup into the empty place that the settings name.
func Restore(ctx context.Context, c *config.Config, from io.ReadSeeker, actor string) (*backup.Copy, error) {
	o, err := place(c)
	if err != nil {
		return nil, err
	}
	return backup.Restore(ctx, o, from, actor)
}

// Settings is the text of the settings file in a backup, which a key file opens.
func Settings(ctx context.Context, keyFile string, from io.ReadSeeker) ([]byte, error) {
	keys, err := seal.ReadKeyFile(keyFile)
	if err != nil {
		return nil, err
	}
	return backup.Settings(ctx, keys, from)
}

// Schema is the version of the database as it is, and that of this program.
func Schema(ctx context.Context, c *config.Config) (have, newest int64, err error) {
	return store.Schema(ctx, store.Options{Folder: c.Data, Postgres: c.Database.Reveal()})
}

// Look opens the core as Open does, but for a database that it would migrate: who
// only looks must not stand in the way of the program before.
func Look(ctx context.Context, c *config.Config) (*Core, error) {
	have, newest, err := Schema(ctx, c)
	if err == nil && 0 < have && have < newest { // an error comes again, with what to do
		return nil, fmt.Errorf("the database has schema version %d, which sallyport serve brings to %d at its start; hint: take a backup, then restart the portal", have, newest)
	}
	return Open(ctx, c)
}
