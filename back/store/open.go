package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"sallyport/back/database"
	"sallyport/back/seal"
	"sallyport/core/change"
)

// fileName is the embedded database within its folder.
const fileName = "sallyport.db"

// Options say where the database is and which keys seal it.
type Options struct {
	Folder   string // of the embedded database
	Postgres string // a postgres:// address instead
	Keys     *seal.KeyFile
	Now      func() time.Time
	Observer Observer // or nil
	// Command says that changes return when every live node has passed them.
	Command bool
	// Wrap stands before the driver of the embedded database, where tests let it fail.
	Wrap func(driver.Connector) driver.Connector

	// KeysAgain reads the key file again, where somebody has put a line into it; or nil.
	KeysAgain func() (*seal.KeyFile, error)

	files fs.FS // instead of the program's own migrations, in tests
}

// Open opens the database, migrates it under a lock, and opens its keys. A wrong
// or missing key is an error that says so, never a store that half works.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Keys == nil {
		return nil, errors.New("open the database: there is no key file; hint: set key_file")
	}
	s := &Store{observer: silent{}, now: o.Now, waits: o.Command}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Observer != nil {
		s.observer = o.Observer
	}
	var err error
	if o.Postgres != "" {
		err = s.openPostgres(ctx, o)
	} else {
		err = s.openSQLite(ctx, o)
	}
	if err == nil {
		err = s.openKeys(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(remedied(err, o.Folder), s.Close())
	}
	return s, nil
}

func (s *Store) openSQLite(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w; hint: set data to a folder that this user may write", err)
	}
	unlock, err := o.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	writer, err := o.openWriter(ctx)
	if err != nil {
		return err
	}
	readers, err := o.sqlite("deferred")
	if err != nil {
		return errors.Join(err, writer.Close())
	}
	db, err := database.NewSQLite(ctx, readers, writer, max(4, 2*runtime.NumCPU()), s.observer, s.appends)
	if err != nil {
		return errors.Join(err, writer.Close(), readers.Close())
	}
	s.db, s.embedded = db, true
	return nil
}

// File is the embedded database.
func (o Options) File() string { return filepath.Join(o.Folder, fileName) }

// The pages that a connection keeps, in KB. The system keeps the file besides, and a
// reader drops its own with each change of somebody else: more than this saved nothing
// that could be measured, and stayed.
const (
	readerCache = 400
	writerCache = 2000
)

// sqlite opens the embedded database with transactions that begin in a mode.
func (o Options) sqlite(mode string) (*sql.DB, error) {
	cache := readerCache
	if mode == "immediate" {
		cache = writerCache
	}
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", fmt.Sprintf("cache_size(-%d)", cache), "temp_store(2)"}, "_txlock": {mode}}
	at := "file:" + (&url.URL{Path: filepath.ToSlash(o.File())}).EscapedPath() + "?" + q.Encode()
	db, err := sql.Open("sqlite", at)
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	if o.Wrap != nil {
		return sql.OpenDB(o.Wrap(address{db.Driver(), at})), nil
	}
	return db, nil
}

// address is what a driver opens.
type address struct {
	driver driver.Driver
	at     string
}

func (a address) Connect(context.Context) (driver.Conn, error) { return a.driver.Open(a.at) }
func (a address) Driver() driver.Driver                        { return a.driver }

// openWriter opens the one connection that writes, and migrates by it.
func (o Options) openWriter(ctx context.Context) (*sql.DB, error) {
	file := o.File()
	made, err := private(file)
	if err != nil {
		return nil, err
	}
	writer, err := o.sqlite("immediate")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	err = uncut(ctx, writer, file)
	if err == nil {
		err = o.migrate(ctx, writer)
	}
	if info, gone := os.Stat(file); err != nil && made && gone == nil && info.Size() == 0 {
		os.Remove(file) // the next start would take it for one that was emptied
	}
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return writer, nil
}

// private makes the database file for its owner alone, before SQLite does: the
// log beside it takes the same mode. A file that is there is not opened, for to
// close it would drop the locks that this process has on it. One that is empty is
// refused: it was a database once, and nobody would be in the one made of it.
func private(file string) (made bool, err error) {
	f, err := create(file)
	if err == nil {
		return true, f.Close()
	}
	if errors.Is(err, fs.ErrExist) {
		if info, gone := os.Stat(file); gone == nil && info.Size() == 0 {
			return false, emptied(file)
		}
		err = os.Chmod(file, 0o600)
	}
	if err != nil {
		return false, fmt.Errorf("protect the database file: %w; hint: %s", err, mayWrite)
	}
	return false, nil
}

func emptied(file string) error {
	return fmt.Errorf("the database file %s is empty; hint: %s; only where nobody was ever added, remove it", file, bringBack)
}

// uncut refuses a file that ends within its last page: SQLite looks for whole pages
// alone, and would find out when it comes to that one.
func uncut(ctx context.Context, db *sql.DB, file string) error {
	var count, size int64
	if err := db.QueryRowContext(ctx, "SELECT page_count, page_size FROM pragma_page_count, pragma_page_size").Scan(&count, &size); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if log, err := os.Stat(file + "-wal"); err == nil && log.Size() > 0 {
		return nil // the last pages may be there
	}
	if info, err := os.Stat(file); err == nil && info.Size() < count*size {
		return fmt.Errorf("the database file %s is cut short: it has %d of %d bytes; hint: %s", file, info.Size(), count*size, bringBack)
	}
	return nil
}

// openKeys reads the data keys, making the first ones in a new database.
func (s *Store) openKeys(ctx context.Context, o Options) error {
	rows, err := s.wrappedKeys(ctx)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		if rows, err = s.firstKeys(ctx, o); err != nil {
			return err
		}
	}
	if s.box, err = seal.Open(o.Keys, rows); err != nil {
		return fmt.Errorf("open the keys of the database: %w", err)
	}
	s.ring.file, s.ring.again, s.ring.read = o.Keys, o.KeysAgain, time.Now()
	return nil
}

// Querier is a database or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const keyColumns = "id, purpose, kek, wrapped, made_at"

func scanKey(row scanner) (*seal.Wrapped, error) {
	var k seal.Wrapped
	return &k, row.Scan(&k.ID, &k.Purpose, &k.KEK, &k.Blob, &k.MadeAt)
}

func (s *Store) wrappedKeys(ctx context.Context) ([]seal.Wrapped, error) {
	return list(ctx, s, scanKey, "SELECT "+keyColumns+" FROM keys ORDER BY id")
}

// WrappedKeys are the data keys of a database, which a key file opens.
func WrappedKeys(ctx context.Context, q Querier) (keys []seal.Wrapped, err error) {
	rows, err := q.QueryContext(ctx, "SELECT "+keyColumns+" FROM keys ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		keys = append(keys, *k)
	}
	return keys, rows.Err()
}

// firstKeys makes the keys of a new database. Two nodes that start at once agree:
// whoever is second reads what the first has written.
func (s *Store) firstKeys(ctx context.Context, o Options) ([]seal.Wrapped, error) {
	now := o.Now().UnixMilli()
	var made []seal.Wrapped
	for id, purpose := range []string{"index", "data"} {
		key, err := o.Keys.NewDataKey(int64(id+1), purpose, now)
		if err != nil {
			return nil, fmt.Errorf("make keys: %w", err)
		}
		made = append(made, key)
	}
	if err := s.write(ctx, &work{set: change.Set{keysMade{Keys: made}}}); err != nil {
		return nil, fmt.Errorf("store keys: %w", err)
	}
	return s.wrappedKeys(ctx)
}

// keysMade stores the first keys. It has no condition: of two nodes that start
// at once the first one's stay.
type keysMade struct {
	change.Mark
	Keys []seal.Wrapped
}
