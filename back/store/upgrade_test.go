//go:build !race

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"sallyport/back/backup"
	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/audit"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// twoOf is an empty place on each database, of which a child of this program knows
// too: its key is in a folder.
func twoOf(t *testing.T, test func(t *testing.T, dir string, o store.Options)) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			dir, key := folder(t), seal.NewKeyFile()
			keys, err := seal.ParseKeyFile("key", key)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "key"), key, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			o := store.Options{Folder: filepath.Join(dir, "data"), Keys: keys}
			if name == "PostgreSQL" {
				o.Postgres = storetest.Postgres(t)
			}
			test(t, dir, o)
		})
	}
}

// earlier makes a database at an earlier schema with what a newer one has in every
// table, and returns that.
func earlier(t *testing.T, o store.Options, version int64) (was *store.Store, rows map[string]map[string][]any) {
	t.Helper()
	source := store.Options{Folder: folder(t), Keys: o.Keys}
	was = open(t, source)
	plantAll(t, was)
	if err := open(t, o.With(migrations(t, version))).Close(); err != nil {
		t.Fatal(err)
	}
	from, to := raw(t, source), raw(t, o)
	defer from.Close()
	defer to.Close()
	exec1(t, to, "DELETE FROM keys")
	list := tablesAt(t, version)
	for _, table := range list {
		cells, err := backup.Cells(table)
		if err != nil {
			t.Fatal(err)
		}
		all, err := from.QueryContext(t.Context(), "SELECT "+strings.Join(today(table).Columns, ", ")+" FROM "+table.Name)
		if err != nil {
			t.Fatal(err)
		}
		for all.Next() {
			if err := all.Scan(cells...); err != nil {
				t.Fatal(err)
			}
			put(t, to, table, plains(cells))
		}
		if err := errors.Join(all.Err(), all.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return was, contents(t, o, list)
}

func plains(cells []any) (row []any) {
	for _, cell := range cells {
		if b, ok := cell.(**[]byte); ok && *b != nil && **b == nil {
			**b = []byte{} // empty, not none
		}
		row = append(row, backup.Plain(cell))
	}
	return row
}

func TestAnEarlierSchemaComesUpWhole(t *testing.T) {
	for version := int64(1); version < newest(t); version++ {
		t.Run(fmt.Sprintf("%04d", version), func(t *testing.T) {
			on(t, func(t *testing.T, o store.Options) {
				was, before := earlier(t, o, version)
				file := taken(t, o)
				want := read(t, was)
				if len(want.sessions) == 0 {
					t.Fatal("there is no session")
				}
				comesUp(t, o, want)
				list := tablesAt(t, version)
				for i, table := range list {
					list[i] = today(table)
				}
				alike(t, before, contents(t, o, list))
				for name, place := range places(t, o.Keys) {
					t.Run("by a backup "+name, func(t *testing.T) {
						if err := restore(t, place, file); err != nil {
							t.Fatal(err)
						}
						restored := want
						restored.sessions = nil // nothing goes on
						comesUp(t, place, restored)
					})
				}
			})
		})
	}
}

// comesUp opens a store, which reads as another does.
func comesUp(t *testing.T, o store.Options, want came) {
	t.Helper()
	is := open(t, o)
	if have, program, err := store.Schema(t.Context(), o); err != nil || have != program || have != newest(t) {
		t.Errorf("it came up with version %d of %d, %v", have, program, err)
	}
	if got := read(t, is); !reflect.DeepEqual(want, got) {
		t.Errorf("it came up as\n%+v, want\n%+v", got, want)
	}
}

// came is what is read of a store.
type came struct {
	who      *person.Person
	factors  []factor.Factor
	phones   []phone.Phone
	sessions []session.Session
	events   []audit.Entry
	recovery *flow.Recovery
	once     *message.Message
}

func read(t *testing.T, s *store.Store) (c came) {
	t.Helper()
	var errs [7]error
	if c.who, errs[0] = s.PersonByName(t.Context(), plainName); c.who == nil {
		t.Fatalf("nobody is there, %v", errs[0])
	}
	c.factors, errs[1] = s.Factors(t.Context(), c.who.ID)
	c.phones, errs[2] = s.Phones(t.Context(), c.who.ID)
	c.sessions, errs[3] = s.SessionsOf(t.Context(), c.who.ID)
	c.events, errs[4] = s.Events(t.Context(), c.who.ID, 10, 0)
	c.recovery, errs[5] = s.Recovery(t.Context(), "p")
	c.once, errs[6] = s.Message(t.Context(), "sent")
	if err := errors.Join(errs[:]...); err != nil || len(c.factors)*len(c.phones)*len(c.events) == 0 || c.recovery == nil {
		t.Fatalf("something is missing of %s, %v", c.who.ID, err)
	}
	return c
}

// A migration that is slow, so that it can be met in its middle: of these rows each
// database makes some ten thousand in the time that is given to it.
func slow(t *testing.T, postgres bool, rows int, pause string) *fstest.MapFile {
	t.Helper()
	text := fmt.Sprintf(`-- +goose Up
CREATE TABLE slow (id BIGINT PRIMARY KEY, text TEXT NOT NULL);
ALTER TABLE people ADD COLUMN slow TEXT NOT NULL DEFAULT 'unset';
UPDATE people SET slow = 'set', display = 'changed';
INSERT INTO slow WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < %d) SELECT n, 'row' FROM up;
`, rows)
	if postgres {
		text += pause
	}
	return &fstest.MapFile{Data: []byte(text)}
}

const never = 1 << 60 // rows that no SQLite has made within a test

// lay writes migrations for a child.
func lay(t *testing.T, dir string, files fstest.MapFS) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "migrations")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "migrations"), files); err != nil {
		t.Fatal(err)
	}
}

// locked waits until somebody migrates.
func locked(t *testing.T, o store.Options) {
	t.Helper()
	held := func() bool {
		if o.Postgres != "" {
			db := raw(t, o)
			defer db.Close()
			return len(strs(t, db, "SELECT 'x' FROM pg_locks JOIN pg_database ON pg_database.oid = database WHERE locktype = 'advisory' AND granted AND datname = current_database()")) > 0
		}
		f, err := os.Open(filepath.Join(o.Folder, "migrate.lock"))
		if err != nil {
			return false
		}
		defer f.Close()
		return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
	}
	for end := time.Now().Add(20 * time.Second); !held(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody migrates within 20 seconds")
		}
	}
}

func TestAMigrationThatWasKilledIsBegunAnew(t *testing.T) {
	twoOf(t, func(t *testing.T, dir string, o store.Options) {
		t.Run("of a new database", func(t *testing.T) {
			files := migrations(t, newest(t))
			files["0001_first.sql"].Data = append(files["0001_first.sql"].Data, slow(t, o.Postgres != "", never, "SELECT pg_sleep(2);").Data[len("-- +goose Up\n"):]...)
			killedMigrating(t, dir, o, files, 50*time.Millisecond)
		})
		s := open(t, o) // the program itself, on what is left
		plantAll(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		exec1(t, raw(t, o), "INSERT INTO audit_waiting (entry, mac) VALUES ('e', 'mac')") // nothing waits otherwise
		list := tablesAt(t, newest(t))
		before := contents(t, o, list)
		files := migrations(t, newest(t))
		for _, after := range []time.Duration{0, 20 * time.Millisecond, 300 * time.Millisecond, time.Second} {
			t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
				files["9000_slow.sql"] = slow(t, o.Postgres != "", never, "SELECT pg_sleep(2);")
				killedMigrating(t, dir, o, files, after)
				if err := open(t, o).Close(); err != nil { // the older program goes on
					t.Fatal(err)
				}
				alike(t, before, contents(t, o, list))
			})
		}
		files["9000_slow.sql"] = slow(t, true, 10_000, "")
		lay(t, dir, files)
		if out, err := childOf(t, "STORE_MIGRATOR="+dir, "STORE_POSTGRES="+o.Postgres).Output(); err != nil || string(out) != "up\n" {
			t.Fatalf("it says %q, %v", out, err)
		}
		db := raw(t, o)
		defer db.Close()
		if got := strs(t, db, "SELECT slow FROM people"); len(got) != 1 || got[0] != "set" {
			t.Errorf("after all it has %q", got)
		}
		refuses(t, o, "9000", "hint: run the newer sallyport")
	})
}

func killedMigrating(t *testing.T, dir string, o store.Options, files fstest.MapFS, after time.Duration) {
	t.Helper()
	if o.Postgres != "" { // it fills no table for ever: a server would go on with that
		for _, f := range files {
			f.Data = []byte(strings.Replace(string(f.Data), fmt.Sprint(never), "10000", 1))
		}
	}
	lay(t, dir, files)
	child := childOf(t, "STORE_MIGRATOR="+dir, "STORE_POSTGRES="+o.Postgres)
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	locked(t, o)
	time.Sleep(after)
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "" {
		t.Errorf("it was not killed in the middle: it says %q", line)
	}
	_ = child.Wait()
}

func TestProgramsMayStartAtOnce(t *testing.T) {
	twoOf(t, func(t *testing.T, dir string, o store.Options) {
		_, before := earlier(t, o, 1)
		files := migrations(t, newest(t))
		files["9000_slow.sql"] = slow(t, o.Postgres != "", 50_000, "")
		lay(t, dir, files)
		const nodes = 4
		said := make(chan string, nodes)
		for range nodes {
			child := childOf(t, "STORE_MIGRATOR="+dir, "STORE_POSTGRES="+o.Postgres)
			go func() {
				out, err := child.Output()
				said <- fmt.Sprintf("%s %v", strings.TrimSpace(string(out)), err)
			}()
		}
		for range nodes {
			if got := <-said; got != "up <nil>" {
				t.Errorf("a node says %q", got)
			}
		}
		db := raw(t, o)
		defer db.Close()
		want := newest(t) + 2 // with goose's own zero
		if got := strs(t, db, "SELECT CAST(version_id AS TEXT) FROM goose_db_version"); int64(len(got)) != want {
			t.Errorf("the migrations that ran are %q", got)
		}
		if got := strs(t, db, "SELECT CAST(COUNT(*) AS TEXT) FROM slow"); got[0] != "50000" {
			t.Errorf("the slow one made %s rows", got[0])
		}
		delete(before, "people") // the slow one changed it
		list := tablesAt(t, 1)
		for i, table := range list {
			list[i] = today(table)
		}
		alike(t, before, contents(t, o, list))
	})
}

// A program that waits for the lock sees what the one before it left: here that
// was a newer one.
func TestAnOlderProgramThatWaitedRefuses(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		if err := open(t, o.With(migrations(t, 1))).Close(); err != nil {
			t.Fatal(err)
		}
		o.Now = clock
		db := raw(t, o)
		defer db.Close()
		release := migrating(t, o)
		opened := make(chan error, 1)
		go func() {
			s, err := store.Open(context.Background(), o)
			if err == nil {
				err = errors.Join(errors.New("it opens"), s.Close())
			}
			opened <- err
		}()
		select {
		case err := <-opened:
			t.Fatalf("it did not wait: %v", err)
		case <-time.After(300 * time.Millisecond):
		}
		for version := int64(2); version <= newest(t); version++ {
			exec1(t, db, fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, TRUE)", version))
		}
		exec1(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)")
		release()
		if err := <-opened; err == nil || !strings.Contains(err.Error(), "9999") || !strings.Contains(err.Error(), "hint: run the newer sallyport") {
			t.Errorf("it says %v", err)
		}
	})
}

// migrating holds the lock of those who migrate.
func migrating(t *testing.T, o store.Options) (release func()) {
	t.Helper()
	release, err := o.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return release
}
