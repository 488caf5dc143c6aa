package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/back/storetest"
)

var now = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

func clock() time.Time { return now }

// keyFile is a key file of its own.
func keyFile(t testing.TB) *seal.KeyFile {
	t.Helper()
	keys, err := seal.ParseKeyFile("test.key", seal.NewKeyFile())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// open opens a store that is closed with the test.
func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o.Now = clock
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// folder is an empty folder, in memory where there is one: what is tested is not
// how fast a disk is, and other tests use it too.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sallyport-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// on runs a test on an empty database of each kind.
func on(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Run("SQLite", func(t *testing.T) { test(t, store.Options{Folder: folder(t), Keys: keyFile(t)}) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, store.Options{Postgres: storetest.Postgres(t), Keys: keyFile(t)}) })
}

func TestSQLite(t *testing.T) {
	o := store.Options{Folder: filepath.Join(folder(t), "of ada & bob #1?100%"), Keys: keyFile(t)}
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, o) })
}

func TestPostgres(t *testing.T) {
	o := store.Options{Postgres: storetest.Postgres(t), Keys: keyFile(t)}
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, o) })
}
