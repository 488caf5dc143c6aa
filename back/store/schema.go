package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versions is goose's own table: every database has it, no backup does.
const versions = "goose_db_version"

// ErrNewer is about a schema that a later program made.
var ErrNewer = errors.New("run the newer sallyport again")

// provider runs the migrations of this program.
func (o Options) provider(db *sql.DB, dialect goose.Dialect) (p *goose.Provider, newest int64, err error) {
	files, err := o.migrations()
	if err != nil {
		return nil, 0, err
	}
	if p, err = goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true)); err != nil {
		return nil, 0, fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	return p, sources[len(sources)-1].Version, nil
}

func (o Options) dialect() goose.Dialect {
	if o.Postgres != "" {
		return goose.DialectPostgres
	}
	return goose.DialectSQLite3
}

// migrate brings a database to the newest schema, each migration in a transaction
// with its number: one that is killed in the middle was never begun. The caller
// has the lock.
func (o Options) migrate(ctx context.Context, db *sql.DB) error {
	if o.migrated(ctx, db) {
		return nil
	}
	p, newest, err := o.provider(db, o.dialect())
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if err := known(have, newest); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// migrated says whether every migration of this program has been made and no other.
// It is the case at nearly every start, and found out without goose. Where anything
// is otherwise, or cannot be read, goose says what.
func (o Options) migrated(ctx context.Context, db *sql.DB) bool {
	files, err := o.migrations()
	if err != nil {
		return false
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return false
	}
	want := map[int64]bool{0: true} // goose's own beginning
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return false
		}
		want[version] = true
	}
	rows, err := db.QueryContext(ctx, "SELECT version_id FROM "+versions+" WHERE is_applied")
	if err != nil {
		return false
	}
	defer rows.Close()
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil || !want[version] {
			return false
		}
		delete(want, version)
	}
	return rows.Err() == nil && len(want) == 0
}

func (o Options) migrations() (fs.FS, error) {
	if o.files != nil {
		return o.files, nil
	}
	return fs.Sub(migrations, "migrations")
}

func known(have, newest int64) error {
	if have > newest {
		return fmt.Errorf("the database has version %d, this program knows %d; hint: %w", have, newest, ErrNewer)
	}
	return nil
}

// MakeTables makes the tables of a version in a database that has none, or those
// of a version before. The caller has the lock.
func (o Options) MakeTables(ctx context.Context, db *sql.DB, version int64) error {
	p, _, err := o.provider(db, o.dialect())
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err == nil && have > version {
		err = fmt.Errorf("the database has the tables of version %d, the backup those of %d; hint: make an empty database and name that", have, version)
	}
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	if err != nil {
		return remedied(err, o.Folder)
	}
	return nil
}

// Lock keeps all others from migrating the database, until it is let go.
func (o Options) Lock(ctx context.Context) (unlock func(), err error) {
	if o.Postgres == "" {
		return lockFolder(ctx, o.Folder)
	}
	db, err := o.postgres()
	if err != nil {
		return nil, err
	}
	release, err := o.lockPostgres(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return func() { release(); db.Close() }, nil
}

// Connect opens a database that is there, as it is.
func (o Options) Connect() (*sql.DB, error) {
	if o.Postgres != "" {
		return o.postgres()
	}
	info, err := os.Stat(o.File())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w; hint: set data to the folder of the portal's database", err)
	}
	if info.Size() == 0 { // to open it would make a database of it
		return nil, emptied(o.File())
	}
	return o.sqlite("deferred")
}

// Create opens an embedded database that is new.
func (o Options) Create() (*sql.DB, error) {
	if _, err := private(o.File()); err != nil {
		return nil, err
	}
	return o.sqlite("deferred")
}

// Schema is the version of the database as it is, zero where there is none, and
// that of this program. It migrates nothing.
func Schema(ctx context.Context, o Options) (have, newest int64, err error) {
	if newest, err = o.newest(); err != nil {
		return 0, 0, err
	}
	db, err := o.Connect()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, newest, nil
	}
	if err != nil {
		return 0, 0, err
	}
	if have, err = o.version(ctx, db); err != nil {
		err = remedied(err, o.Folder)
	}
	return have, newest, errors.Join(err, db.Close())
}

func (o Options) version(ctx context.Context, db *sql.DB) (int64, error) {
	if o.Postgres == "" {
		if err := uncut(ctx, db, o.File()); err != nil {
			return 0, err
		}
	}
	if there, err := o.Has(ctx, db, versions); err != nil || !there {
		return 0, err
	}
	return SchemaVersion(ctx, db)
}

// newest is the schema version of this program.
func (o Options) newest() (int64, error) {
	db, err := sql.Open("sqlite", ":memory:") // goose wants one, and asks it nothing
	if err != nil {
		return 0, err
	}
	defer db.Close()
	_, newest, err := o.provider(db, goose.DialectSQLite3)
	return newest, err
}

// Has says whether there is a table.
func (o Options) Has(ctx context.Context, db *sql.DB, name string) (there bool, err error) {
	where := "sqlite_master WHERE type = 'table' AND name = $1"
	if o.Postgres != "" {
		where = "information_schema.tables WHERE table_schema = current_schema() AND table_name = $1"
	}
	if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+where+")", name).Scan(&there); err != nil {
		return false, fmt.Errorf("open the database: %w", err)
	}
	return there, nil
}

// SchemaVersion is the version of a database that has one.
func SchemaVersion(ctx context.Context, q Querier) (version int64, err error) {
	rows, err := q.QueryContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versions)
	if err != nil {
		return 0, fmt.Errorf("open the database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&version); err != nil {
			return 0, fmt.Errorf("open the database: %w", err)
		}
	}
	return version, rows.Err()
}

// Table is a table as both databases have it.
type Table struct {
	Name    string   `json:"table"`
	Columns []string `json:"columns"`
	Types   []string `json:"types"`
}

// Tables are those of a version, by name. The migrations are the one place where
// they are written, so they are asked, in an embedded database in memory.
func (o Options) Tables(ctx context.Context, version int64) (tables []Table, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // each connection would be a database of its own
	p, newest, err := o.provider(db, goose.DialectSQLite3)
	if err != nil {
		return nil, err
	}
	if err := known(version, newest); err != nil {
		return nil, err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	rows, err := db.QueryContext(ctx, "SELECT t.name, c.name, c.type FROM sqlite_master AS t, pragma_table_info(t.name) AS c "+
		"WHERE t.type = 'table' AND t.name <> $1 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid", versions)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, column, kind string
		if err := rows.Scan(&name, &column, &kind); err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		if len(tables) == 0 || tables[len(tables)-1].Name != name {
			tables = append(tables, Table{Name: name})
		}
		last := &tables[len(tables)-1]
		last.Columns, last.Types = append(last.Columns, column), append(last.Types, kind)
	}
	return tables, rows.Err()
}
