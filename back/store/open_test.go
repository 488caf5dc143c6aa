package store_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/change"
	"sallyport/core/person"
)

// raw is the database without the store.
func raw(t *testing.T, o store.Options) *sql.DB {
	t.Helper()
	driver, address := "pgx", o.Postgres
	if address == "" {
		driver, address = "sqlite", filepath.Join(o.Folder, "sallyport.db")
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec1(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// refuses fails where a store opens, or does not say why not.
func refuses(t *testing.T, o store.Options, words ...string) {
	t.Helper()
	o.Now = clock
	s, err := store.Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Error("it opens")
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("it says %q, and not %q", err, word)
		}
	}
}

func TestAStoreOpensWithItsOwnKeysAlone(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		p := person.New("ada", now)
		p.Password = "secret"
		s := open(t, o)
		if err := s.Apply(t.Context(), change.Set{person.Added{Person: p}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		own := o.Keys
		o.Keys = keyFile(t) // of another installation
		refuses(t, o, "key file does not hold the key", "hint:")
		o.Keys = nil
		refuses(t, o, "key", "hint:")
		o.Keys = own
		if got, err := open(t, o).PersonByName(t.Context(), "ada"); err != nil || got.Password != "secret" {
			t.Errorf("with its own keys: %v", err)
		}
	})
}

func TestAKeyFileThatIsNotThereSaysWhatToDo(t *testing.T) {
	_, err := seal.ReadKeyFile(filepath.Join(t.TempDir(), "none"))
	if err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("it says %v", err)
	}
}

func TestAWrappedKeyThatWasChangedIsRefused(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		if err := open(t, o).Close(); err != nil {
			t.Fatal(err)
		}
		exec1(t, raw(t, o), "UPDATE keys SET wrapped = (SELECT other.wrapped FROM keys AS other WHERE other.id = 1) WHERE id = 2")
		refuses(t, o, "data key 2", "changed")
	})
}

func TestAnOlderProgramRefusesANewerDatabase(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		if err := open(t, o).Close(); err != nil {
			t.Fatal(err)
		}
		exec1(t, raw(t, o), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)")
		refuses(t, o, "9999", "hint: run the newer sallyport")
	})
}

func TestNodesMayStartAtOnce(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		o.Now = clock
		const nodes = 6
		stores, errs := make([]*store.Store, nodes), make([]error, nodes)
		var wg sync.WaitGroup
		for i := range nodes {
			wg.Go(func() { stores[i], errs[i] = store.Open(t.Context(), o) })
		}
		wg.Wait()
		p := person.New("ada", now)
		p.Email = "ada@example.org"
		for i, s := range stores {
			if errs[i] != nil {
				t.Errorf("node %d: %v", i, errs[i])
				continue
			}
			defer s.Close()
			if i == 0 {
				if err := s.Apply(t.Context(), change.Set{person.Added{Person: p}}); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.PersonByName(t.Context(), "ada"); err != nil || got == nil || got.Email != p.Email {
				t.Errorf("node %d reads %+v, %v", i, got, err)
			}
		}
	})
}

func TestADataFolderThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, store.Options{Folder: filepath.Join(file, "data"), Keys: keyFile(t)}, "data folder", "hint:")
}

func TestADatabaseThatIsNoneIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sallyport.db"), []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, store.Options{Folder: folder, Keys: keyFile(t)}, "not a database")
	refuses(t, store.Options{Postgres: "postgres://nobody@127.0.0.1:1/none?connect_timeout=2", Keys: keyFile(t)}, "open the database")
}

// A migration is never edited once it is released: a database that has it would
// not get the change. Until the first release this row may be made anew.
func TestMigrationsAreFrozen(t *testing.T) {
	frozen := map[string]string{
		"0001_first.sql":        "bbf1d5774c117b76077a608bee00f7ab2fdab4906dbfd1092603f67c77352d41",
		"0002_pumping.sql":      "8985aa3b72884e2a2d99d6e3f7b8e851038a016b74ac66646a6e35392fa8a529",
		"0003_mail.sql":         "4c7ed30d71b18e88933eba34545efcb555949639f605aec34d3770a842b9c140",
		"0004_erasure.sql":      "e7bcab57f65b3a326b5d20081aa3abbbda1e3285644dd7dc784ca6d839f936b8",
		"0005_audit_chain.sql":  "d2af1fe8dda849f1d1005dce51d2f304fd0a4c2d68f6cfe5e4307ce644338cde",
		"0006_receipts.sql":     "19b0c94c47e569fd843ac094d2fba750814de1664c10d5d910489f8b8ef1c53a",
		"0007_apps.sql":         "9bf5e6ac0ab6a3d9843872cfa69085be8b404a457d3466707f39c3f97b21d2da",
		"0008_grants.sql":       "8ab6e0c83871e8154f66a896533797811485fdd17f10e838e6868337dcccb5c6",
		"0009_audit_wrong.sql":  "bf1c0e67fcb9be2aafd9e07c554d70a2969b6bc0eed12fd56845288c5077c4bb",
		"0010_audit_places.sql": "0d1dd017129488fe6da66c27251af80f282d6d740f46defc23f789f9cc4d4c47",
	}
	files, err := filepath.Glob("migrations/*")
	if err != nil || len(files) != len(frozen) {
		t.Errorf("%d files, %d are frozen, %v", len(files), len(frozen), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		if got, want := hex.EncodeToString(sum[:]), frozen[filepath.Base(file)]; got != want {
			t.Errorf("%s has the sum %s, frozen is %q", file, got, want)
		}
	}
}

// modernc.org/sqlite is C translated for one version of modernc.org/libc, and
// breaks in strange ways with any other (its documentation says so).
func TestLibcIsTheOneThatSQLiteWasMadeWith(t *testing.T) {
	version := regexp.MustCompile(`(?m)^\s*(?:require )?modernc\.org/libc (v\S+)`)
	read := func(path string) string {
		text, err := os.ReadFile(strings.TrimSpace(path))
		if err != nil {
			t.Fatal(err)
		}
		if found := version.FindSubmatch(text); found != nil {
			return string(found[1])
		}
		t.Fatalf("%s names no modernc.org/libc", path)
		return ""
	}
	theirs, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := read(string(ours)), read(string(theirs)); a != b {
		t.Errorf("go.mod has modernc.org/libc %s, modernc.org/sqlite wants %s (hint: go get modernc.org/libc@%s)", a, b, b)
	}
}

// One database is enough for the one text of its SQL: SQLite takes half a minute
// to make the rows under the race detector.
func TestTriesAtUnknownNamesHaveABound(t *testing.T) {
	o := store.Options{Postgres: storetest.Postgres(t), Keys: keyFile(t)}
	s, db := open(t, o), raw(t, o)
	exec1(t, db, "INSERT INTO audit (id, at, person, actor, event, method, reason, attempt, detail, mac) "+
		"SELECT 'entry' || i, 1795444000000 + i, '', '', 'password-wrong', '', '', '', '', '' FROM generate_series(1, 101300) AS i")
	var signed []string // those that go: what the portal has not signed stays
	for i := range 1300 {
		id, at := fmt.Sprintf("entry%d", i+1), time.UnixMilli(1795444000000+int64(i)+1).UTC().Format("20060102150405.000")
		nobody := hex.EncodeToString(s.MAC("audit.who", nil)[:12])
		mac := s.MAC("audit.2", []byte(id), []byte(at), []byte("password-wrong"), nil, nil, nil, []byte(nobody), []byte(nobody), nil)
		signed = append(signed, fmt.Sprintf("('%s', '2:%x')", id, mac))
	}
	exec1(t, db, "UPDATE audit SET mac = s.mac FROM (VALUES "+strings.Join(signed, ", ")+") AS s (id, mac) WHERE audit.id = s.id")
	if err := s.Sweep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	var count int
	var oldest int64
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*), MIN(at) FROM audit").Scan(&count, &oldest); err != nil {
		t.Fatal(err)
	}
	if count != 100_000 || oldest != 1795444000000+1301 {
		t.Errorf("%d are kept, the oldest is %d", count, oldest-1795444000000)
	}
}
