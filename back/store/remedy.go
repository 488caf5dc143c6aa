package store

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What an operator can do about a database that does not open.
const (
	bringBack = "stop every sallyport, move the damaged files of the data folder away, and bring back a backup: sallyport restore FILE"
	mayWrite  = "let the user that runs sallyport own the data folder and all that is in it: chown -R, chmod -R u+rwX"
	makeRoom  = "make room on the disk of the data folder"
	otherDisk = "see what the system says of the disk of the data folder (dmesg); where it fails, move the folder to another"
	reachable = "see that PostgreSQL runs, and that database is its address"
	mayMake   = "let the user in the address own the database: ALTER DATABASE NAME OWNER TO USER"
)

// insufficientPrivilege is PostgreSQL's SQLSTATE of a right that is missing.
const insufficientPrivilege = "42501"

// remedied adds to an error of opening which file it is about and what to do.
func remedied(err error, folder string) error {
	if strings.Contains(err.Error(), "; hint: ") {
		return err
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("%w; hint: %s", err, reachable)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
		return fmt.Errorf("%w; hint: %s", err, mayMake)
	}
	if _, ok := errors.AsType[*sqlite.Error](err); !ok {
		return err
	}
	return fmt.Errorf("%s: %w; hint: %s", filepath.Join(folder, fileName), err, cmp.Or(whereKept(err), bringBack))
}

// whereKept is what to do where not the files are damaged, but what they are kept
// on fails them; "" says that it is something else.
func whereKept(err error) string {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch e.Code() & 0xff { // the higher bits say more of the same
	case sqlite3.SQLITE_FULL:
		return makeRoom
	case sqlite3.SQLITE_IOERR:
		return otherDisk
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return mayWrite
	}
	return ""
}
