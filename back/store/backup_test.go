package store_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"sallyport/back/backup"
	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/message"
	"sallyport/core/person"
)

// The tests of back/backup stand here, because they need what those of the store
// plant, and programs with other migrations.

const settingsText = "url: https://id.example.org\nmail:\n  password: settings-canary\n"

func taken(t *testing.T, o store.Options) []byte {
	t.Helper()
	var file bytes.Buffer
	o.Now = clock
	k, err := backup.Take(t.Context(), o, "https://id.example.org", []byte(settingsText), &file)
	if err != nil {
		t.Fatal(err)
	}
	if k.URL != "https://id.example.org" || !k.At.Equal(now) || len(k.Keys) != 1 || k.Rows["keys"] != 2 {
		t.Errorf("it is of %+v", k)
	}
	return file.Bytes()
}

func restore(t *testing.T, o store.Options, file []byte) error {
	t.Helper()
	o.Now = clock
	_, err := backup.Restore(t.Context(), o, bytes.NewReader(file), "cli:test")
	return err
}

// empty says that nothing was written to a place.
func empty(t *testing.T, o store.Options, when string) {
	t.Helper()
	if o.Postgres != "" {
		db := raw(t, o)
		defer db.Close()
		if names := strs(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"); len(names) > 0 {
			t.Errorf("%s there are the tables %q", when, names)
		}
		return
	}
	if files, err := os.ReadDir(o.Folder); err != nil && !errors.Is(err, os.ErrNotExist) || len(files) > 0 {
		t.Errorf("%s there is %v, %v", when, files, err)
	}
}

// places are an empty place on each database, under the same keys.
func places(t *testing.T, keys *seal.KeyFile) map[string]store.Options {
	return map[string]store.Options{
		"into SQLite":     {Folder: filepath.Join(folder(t), "data"), Keys: keys},
		"into PostgreSQL": {Postgres: storetest.Postgres(t), Keys: keys},
	}
}

func TestABackupGoesFromEitherDatabaseIntoEither(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		if err := open(t, o).Close(); err != nil {
			t.Fatal(err)
		}
		list := tablesAt(t, newest(t))
		fill(t, o, list)
		want := contents(t, o, list)
		file := taken(t, o)
		alike(t, want, contents(t, o, list)) // taking it changed nothing
		left := settle(want, list)
		for name, place := range places(t, o.Keys) {
			t.Run(name, func(t *testing.T) {
				if err := restore(t, place, file); err != nil {
					t.Fatal(err)
				}
				got := contents(t, place, list)
				for id := range got["audit"] { // the one more
					if want["audit"][id] == nil {
						delete(got["audit"], id)
						delete(got["audit_waiting"], id)
					}
				}
				alike(t, want, got)
				if len(got["known"])+len(got["setups"])+len(got["leases"])+len(got["tokens"]) > 0 || left != 16 {
					t.Errorf("of %d known browsers, set-ups and leases there are %v, %v and %v", left, got["known"], got["setups"], got["leases"])
				}
				again := taken(t, place)
				if a, b := len(linesOf(t, file)), len(linesOf(t, again)); b != a+2-left { // an entry, which waits for its place
					t.Errorf("a backup of the copy has %d lines, the first had %d", b, a)
				}
				if place.Folder == "" {
					return
				}
				files, err := os.ReadDir(place.Folder)
				if err != nil || len(files) != 2 {
					t.Errorf("in the folder are %v, %v", files, err)
				}
				if info, err := os.Stat(filepath.Join(place.Folder, "sallyport.db")); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("the database has the mode %v, %v", info.Mode(), err)
				}
			})
		}
	})
}

func TestWhatIsSealedOpensInTheCopy(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		plantAll(t, s)
		waiting := message.New("ada", message.CodeKind, "+12125550199", "US", "123456", now, time.Hour)
		if err := s.Apply(t.Context(), change.Set{message.Queued{Message: waiting}}); err != nil {
			t.Fatal(err)
		}
		file := taken(t, o)
		for name, place := range places(t, o.Keys) {
			t.Run(name, func(t *testing.T) {
				if err := restore(t, place, file); err != nil {
					t.Fatal(err)
				}
				c := open(t, place)
				p, err := s.PersonByName(t.Context(), plainName)
				if err != nil || p == nil {
					t.Fatalf("%+v, %v", p, err)
				}
				read := func(s *store.Store) (all []any) {
					for _, reader := range []func() (any, error){
						func() (any, error) { return s.PersonByName(t.Context(), plainName) },
						func() (any, error) { return s.Factors(t.Context(), p.ID) },
						func() (any, error) { return s.Phones(t.Context(), p.ID) },
						func() (any, error) { return s.Recovery(t.Context(), "p") },
						func() (any, error) {
							k, err := s.Kept(t.Context(), p.ID)
							for i := range k.Sessions { // one that has ended opens too
								k.Sessions[i].EndedAt, k.Sessions[i].EndedWhy = time.Time{}, ""
							}
							return k.Sessions, err
						},
						func() (any, error) { return s.Events(t.Context(), p.ID, 10, 0) },
					} {
						v, err := reader()
						if err != nil {
							t.Fatal(err)
						}
						if r := reflect.ValueOf(v); r.IsNil() || r.Kind() == reflect.Slice && r.Len() == 0 {
							t.Fatalf("%T is empty", v)
						}
						all = append(all, v)
					}
					return all
				}
				if a, b := read(s), read(c); !reflect.DeepEqual(a, b) {
					t.Errorf("in the copy\n%+v, want\n%+v", b, a)
				}
				if list, err := c.WaitingMessages(t.Context(), now, 10); err != nil || len(list) > 0 {
					t.Errorf("%d messages wait to be sent once more, %v", len(list), err)
				}
				if m, err := c.Message(t.Context(), waiting.ID); err != nil || m.State != message.Unknown || m.Text != "" || m.To != waiting.To {
					t.Errorf("the message that waited is %+v, %v", m, err)
				}
				if events, err := c.Events(t.Context(), "", 10, 0); err != nil || len(events) != 1 || events[0].Actor != "cli:test" || !strings.Contains(events[0].Note, "2026-11-23T14:32:00Z") {
					t.Errorf("the audit log says %+v, %v", events, err)
				}
			})
		}
		if list, err := s.WaitingMessages(t.Context(), now, 10); err != nil || len(list) == 0 {
			t.Errorf("the original would send %v, %v", list, err)
		}
	})
}

// A table with a state of its own has something that may be under way, and a copy
// must not go on with it.
func TestNothingUnderWayIsForgotten(t *testing.T) {
	for _, table := range tablesAt(t, newest(t)) {
		for _, column := range table.Columns {
			if column == "state" && table.Name != "messages" {
				t.Errorf("%s has a state: does back/backup know which are under way, and what they hold?", table.Name)
			}
			if strings.HasPrefix(column, "lease") && column != "lease_at" {
				t.Errorf("%s.%s is a lease of another name than those that a copy drops", table.Name, column)
			}
		}
	}
}

// linesOf are the lines of a backup.
func linesOf(t *testing.T, file []byte) (lines []string) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(text)))
}

// packed is lines as a backup again.
func packed(lines []string) []byte {
	var file bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&file, gzip.BestSpeed)
	io.WriteString(zip, strings.Join(lines, ""))
	zip.Close()
	return file.Bytes()
}

// summed gives lines a right sum; nobody without the keys can give them a MAC.
func summed(t *testing.T, lines []string) []string {
	t.Helper()
	last := len(lines) - 1
	var end map[string]any
	if err := json.Unmarshal([]byte(lines[last]), &end); err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	table := ""
	for _, line := range lines[:last] {
		if name, ok := strings.CutPrefix(line, `{"table":"`); ok {
			table, _, _ = strings.Cut(name, `"`)
			rows[table] = 0
		} else if line[0] == '[' {
			rows[table]++
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(lines[:last], "")))
	end["sha256"], end["rows"] = hex.EncodeToString(sum[:]), rows
	text, err := json.Marshal(end)
	if err != nil {
		t.Fatal(err)
	}
	lines[last] = string(text) + "\n"
	return lines
}

func TestNoSecretIsInABackup(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		plantAll(t, open(t, o))
		file := taken(t, o)
		lines := linesOf(t, file)
		text := strings.Join(lines, "")
		search(t, "the file", file)
		search(t, "the text of the file", []byte(text))
		blobs := 0
		for _, line := range lines {
			var cells []any
			if json.Unmarshal([]byte(line), &cells) != nil {
				continue
			}
			for _, cell := range cells {
				if s, ok := cell.(string); ok {
					if b, err := base64.StdEncoding.DecodeString(s); err == nil && len(b) > 20 {
						search(t, "a value of the file", b)
						blobs++
					}
				}
			}
		}
		var head backup.Head
		if err := json.Unmarshal([]byte(lines[0]), &head); err != nil || len(head.Settings) < len(settingsText) || bytes.Contains(head.Settings, []byte("settings-canary")) {
			t.Errorf("the settings are in clear: %q, %v", head.Settings, err)
		}
		if !strings.Contains(text, plainName) || blobs < 20 {
			t.Errorf("the search finds nothing at all: %d sealed values", blobs)
		}
		if got, err := backup.Settings(t.Context(), o.Keys, bytes.NewReader(file)); err != nil || string(got) != settingsText {
			t.Errorf("the settings come back as %q, %v", got, err)
		}
	})
}

func TestABrokenBackupIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}
	plantAll(t, open(t, source))
	file := taken(t, source)
	place := store.Options{Folder: filepath.Join(folder(t), "data"), Keys: source.Keys}
	refused := func(what string, broken []byte, words ...string) {
		t.Helper()
		err := restore(t, place, broken)
		for _, word := range append(words, "hint: ") {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, without %q", what, err, word)
			}
		}
		empty(t, place, what)
	}
	// Each refusal takes a good part of a second with the race detector: these are
	// samples, and STORE_EVERY=1 takes ten times as many.
	cuts, flips, ends := 10, 30, 6
	if os.Getenv("STORE_EVERY") != "" {
		cuts, flips, ends = 100, 300, 60
	}
	for i := range cuts {
		refused(fmt.Sprintf("cut off after %d/%d", i, cuts), file[:len(file)*i/cuts])
	}
	refused("cut off by one byte", file[:len(file)-1], "no whole backup")
	refused("longer by one byte", append(bytes.Clone(file), 0), "something follows")
	refused("twice", append(bytes.Clone(file), file...), "something follows")
	refused("some other file", []byte(strings.Repeat("not a backup\n", 100)), "no backup of Sallyport")
	step := max(1, len(file)/flips)
	for i := range file {
		if i > ends && i < len(file)-2*ends && i%step > 0 {
			continue
		}
		flipped := bytes.Clone(file)
		flipped[i] ^= 0xff
		refused(fmt.Sprintf("byte %d of %d flipped", i, len(file)), flipped)
	}

	lines := linesOf(t, file)
	edit := func(change func(lines []string) []string) []string { return change(append([]string(nil), lines...)) }
	people := 0
	for i, line := range lines {
		if strings.HasPrefix(line, `{"table":"people"`) {
			people = i
		}
	}
	operator := func(lines []string) []string {
		lines[people+1] = strings.Replace(lines[people+1], "false", "true", 1)
		return lines
	}
	if bytes.Equal(packed(edit(operator)), packed(lines)) {
		t.Fatal("nothing was edited")
	}
	without := func(from, to int) func([]string) []string {
		return func(lines []string) []string { return append(lines[:from], lines[to:]...) }
	}
	refused("a row edited", packed(edit(operator)), "sum is wrong")
	refused("a row edited, with a right sum", packed(summed(t, edit(operator))), "was edited")
	refused("a row taken out", packed(edit(without(people+1, people+2))), "sum is wrong")
	refused("a row taken out, with a right sum", packed(summed(t, edit(without(people+1, people+2)))), "was edited")
	refused("a table taken out", packed(summed(t, edit(without(people, people+2)))), `"phones" is not as version`)
	refused("the last table taken out", packed(summed(t, edit(without(len(lines)-2, len(lines)-1)))), "hint: ")
	refused("no end", packed(lines[:len(lines)-1]), "breaks off")
	refused("a column of another name", packed(summed(t, edit(func(lines []string) []string {
		lines[people] = strings.Replace(lines[people], `"operator"`, `"operator) --"`, 1)
		return lines
	}))), `"people" is not as version`)
	refused("a value of another type", packed(summed(t, edit(func(lines []string) []string {
		lines[people+1] = strings.Replace(lines[people+1], "false", "0", 1)
		return lines
	}))), "cannot be read")
	refused("a value too many", packed(summed(t, edit(func(lines []string) []string {
		lines[people+1] = strings.Replace(lines[people+1], "]\n", ",0]\n", 1)
		return lines
	}))), "cannot be read")
	refused("of a newer form", packed(summed(t, edit(func(lines []string) []string {
		lines[0] = strings.Replace(lines[0], `"format":1`, `"format":2`, 1)
		return lines
	}))), "format 2", "newer sallyport")
	if err := restore(t, place, packed(lines)); err != nil {
		t.Errorf("and whole it is %v", err)
	}
}

func TestABackupOpensWithItsOwnKeysAlone(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}
	plantAll(t, open(t, source))
	file := taken(t, source)
	for name, place := range places(t, keyFile(t)) {
		t.Run(name, func(t *testing.T) {
			err := restore(t, place, file)
			if err == nil || !strings.Contains(err.Error(), "key file does not hold the key") || !strings.Contains(err.Error(), "hint: ") {
				t.Errorf("it says %v", err)
			}
			empty(t, place, "with another key")
		})
	}
	if _, err := backup.Settings(t.Context(), keyFile(t), bytes.NewReader(file)); err == nil {
		t.Error("the settings open with another key")
	}
	source.Keys = keyFile(t)
	source.Now = clock
	if _, err := backup.Take(t.Context(), source, "", nil, io.Discard); err == nil || !strings.Contains(err.Error(), "key file does not hold the key") {
		t.Errorf("a backup under another key: %v", err)
	}
}

func TestAPlaceThatIsNotEmptyIsRefused(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}
	plantAll(t, open(t, source))
	file := taken(t, source)
	for name, place := range places(t, source.Keys) {
		t.Run(name, func(t *testing.T) {
			if err := open(t, place).Close(); err != nil { // nobody in it, but keys
				t.Fatal(err)
			}
			list := slices.DeleteFunc(tablesAt(t, newest(t)), func(table store.Table) bool { return table.Name != "keys" })
			before := contents(t, place, list)
			if err := restore(t, place, file); err == nil || !strings.Contains(err.Error(), "not empty") || !strings.Contains(err.Error(), "hint: ") {
				t.Errorf("it says %v", err)
			}
			alike(t, before, contents(t, place, list))
		})
	}
	t.Run("tables of a newer schema", func(t *testing.T) {
		old := store.Options{Folder: folder(t), Keys: source.Keys}.With(migrations(t, 1))
		if err := open(t, old).Close(); err != nil {
			t.Fatal(err)
		}
		place := store.Options{Postgres: storetest.Postgres(t), Keys: source.Keys}
		if err := open(t, place).Close(); err != nil {
			t.Fatal(err)
		}
		db := raw(t, place)
		defer db.Close()
		exec1(t, db, "DELETE FROM keys")
		if err := restore(t, place, taken(t, old)); err == nil || !strings.Contains(err.Error(), "the backup those of 1") || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("it says %v", err)
		}
		if keys := strs(t, db, "SELECT kek FROM keys"); len(keys) > 0 {
			t.Errorf("it has the keys %q", keys)
		}
	})
	for _, part := range []string{"-wal", "-shm"} {
		place := store.Options{Folder: folder(t), Keys: source.Keys}
		left := filepath.Join(place.Folder, "sallyport.db"+part)
		if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := restore(t, place, file); err == nil || !strings.Contains(err.Error(), left) {
			t.Errorf("beside a log that was left behind: %v", err)
		}
	}
}

// Root restores for the portal, which runs as the user whose the folder is.
func TestWhatIsRestoredBelongsToWhomTheFolderDoes(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}
	plantAll(t, open(t, source))
	place := store.Options{Folder: folder(t), Keys: source.Keys}
	want := os.Geteuid()
	if want == 0 {
		want = 65534
	}
	if err := os.Chown(place.Folder, want, -1); err != nil {
		t.Fatal(err)
	}
	if err := restore(t, place, taken(t, source)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(place.Folder)
	if err != nil || len(files) != 2 {
		t.Errorf("in the folder are %v, %v", files, err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got := int(info.Sys().(*syscall.Stat_t).Uid); got != want {
			t.Errorf("%s belongs to %d, its folder to %d", file.Name(), got, want)
		}
	}
}

func TestWhatIsNotThereCannotBeBackedUp(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		o.Now = clock
		if _, err := backup.Take(t.Context(), o, "", nil, io.Discard); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("it says %v", err)
		}
		empty(t, o, "after it")
	})
}

// later are the migrations of a program that is newer.
func later(t *testing.T) fstest.MapFS {
	files := migrations(t, newest(t))
	files["9000_later.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE people ADD COLUMN later TEXT NOT NULL DEFAULT 'unset';\nUPDATE people SET later = 'was ' || name;\n")}
	return files
}

func TestABackupOfANewerProgramIsRefused(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}.With(later(t))
	plantAll(t, open(t, source))
	file := taken(t, source)
	for name, place := range places(t, source.Keys) {
		t.Run(name, func(t *testing.T) {
			if err := restore(t, place, file); err == nil || !strings.Contains(err.Error(), "the backup has schema version 9000") || !strings.Contains(err.Error(), "newer sallyport") {
				t.Errorf("it says %v", err)
			}
			empty(t, place, "of a newer program")
			if err := restore(t, place.With(later(t)), file); err != nil {
				t.Errorf("into the newer program: %v", err)
			}
		})
	}
}

// The program may be replaced before the backup is taken: the database stays as
// the old one knows it until the new one serves.
func TestABackupMigratesNothing(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		plantAll(t, s)
		have := func() int64 {
			version, program, err := store.Schema(t.Context(), o.With(later(t)))
			if err != nil || program != 9000 {
				t.Errorf("the program has %d, %v", program, err)
			}
			return version
		}
		if n := have(); n != newest(t) {
			t.Errorf("the database has version %d", n)
		}
		file := taken(t, o.With(later(t)))
		if n := have(); n != newest(t) {
			t.Errorf("after the backup the database has version %d", n)
		}
		for name, place := range places(t, o.Keys) {
			t.Run(name, func(t *testing.T) {
				if err := restore(t, place.With(later(t)), file); err != nil {
					t.Fatal(err)
				}
				db := raw(t, place)
				defer db.Close()
				if got := strs(t, db, "SELECT later FROM people"); len(got) != 1 || got[0] != "was "+plainName {
					t.Errorf("restored and migrated it has %q", got)
				}
			})
		}
	})
}

func TestABackupUnderLoadIsOfOneMoment(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var written atomic.Int64
		var load sync.WaitGroup
		for writer := range 4 {
			load.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					if err := s.Apply(context.Background(), pair(fmt.Sprintf("%d-%d", writer, i))); err != nil {
						t.Error(err)
						return
					}
					written.Add(1)
				}
			})
		}
		var files [][]byte
		for range 2 {
			for before := written.Load(); written.Load() < before+50; {
				time.Sleep(time.Millisecond)
			}
			files = append(files, taken(t, o))
		}
		stop()
		load.Wait()
		list := slices.DeleteFunc(tablesAt(t, newest(t)), func(table store.Table) bool { return table.Name != "people" && table.Name != "audit" })
		last := 0
		for i, file := range files {
			place := store.Options{Folder: filepath.Join(folder(t), "data"), Keys: o.Keys}
			if err := restore(t, place, file); err != nil {
				t.Fatal(err)
			}
			names, events := map[any]bool{}, map[any]bool{}
			all := contents(t, place, list)
			for _, row := range all["people"] {
				names[row[1]] = true // its name
			}
			for _, row := range all["audit"] {
				events[row[2]] = true // whom it concerns
			}
			delete(events, "") // that it was restored
			if !maps.Equal(names, events) {
				t.Errorf("backup %d has %d people and entries about %d", i, len(names), len(events))
			}
			if len(names) < last+50 {
				t.Errorf("backup %d has %d people, the one before it %d", i, len(names), last)
			}
			last = len(names)
		}
	})
}

// stuck is a disk that takes no more than a few bytes until it is let go.
type stuck struct {
	io.Writer
	reached, release chan struct{}
	once             sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	s.once.Do(func() { close(s.reached) })
	<-s.release
	return s.Writer.Write(b)
}

func TestABackupHoldsUpNoWriter(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		for i := range 200 {
			if err := s.Apply(t.Context(), pair(fmt.Sprint("before-", i))); err != nil {
				t.Fatal(err)
			}
		}
		var file bytes.Buffer
		slow := &stuck{Writer: &file, reached: make(chan struct{}), release: make(chan struct{})}
		done := make(chan error, 1)
		o.Now = clock
		go func() {
			_, err := backup.Take(context.Background(), o, "", nil, slow)
			done <- err
		}()
		<-slow.reached
		for i := range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if err := s.Apply(ctx, pair(fmt.Sprint("meanwhile-", i))); err != nil {
				t.Errorf("change %d beside a backup that stands still: %v", i, err)
			}
			cancel()
		}
		close(slow.release)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(linesOf(t, file.Bytes()), ""); strings.Contains(text, "meanwhile-") || !strings.Contains(text, "before-199") {
			t.Error("the backup is not of the moment when it began")
		}
	})
}

func TestABackupThatAMigrationOvertookIsRefused(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		plantAll(t, open(t, o))
		slow := &stuck{Writer: io.Discard, reached: make(chan struct{}), release: make(chan struct{})}
		done := make(chan error, 1)
		o.Now = clock
		go func() {
			_, err := backup.Take(context.Background(), o, "", nil, slow)
			done <- err
		}()
		<-slow.reached
		if err := open(t, o.With(later(t))).Close(); err != nil {
			t.Fatal(err)
		}
		close(slow.release)
		if err := <-done; err == nil || !strings.Contains(err.Error(), "migrated meanwhile") || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("it says %v", err)
		}
	})
}

func TestTextThatNoOtherDatabaseTakesIsSaid(t *testing.T) {
	o := store.Options{Folder: folder(t), Keys: keyFile(t), Now: clock}
	if err := open(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, o)
	exec1(t, db, "INSERT INTO meta (name, value) VALUES ('x', CAST(x'ff' AS TEXT))")
	db.Close()
	if _, err := backup.Take(t.Context(), o, "", nil, io.Discard); err == nil || !strings.Contains(err.Error(), "row 1 of meta has in value") || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("it says %v", err)
	}
}

// A file of the first form, taken at schema version 2: whatever the program has
// become, it makes a portal of it.
func TestABackupOfOldIsRestored(t *testing.T) {
	keys, err := seal.ReadKeyFile("testdata/backup-1.key")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("testdata/backup-1")
	if err != nil {
		t.Fatal(err)
	}
	for name, place := range places(t, keys) {
		t.Run(name, func(t *testing.T) {
			if err := restore(t, place, file); err != nil {
				t.Fatal(err)
			}
			s := open(t, place)
			p, err := s.PersonByName(t.Context(), plainName)
			if err != nil || p == nil || p.Email != string(canaries["mail"]) {
				t.Errorf("%+v, %v", p, err)
			}
			list, err := s.Factors(t.Context(), p.ID)
			if err != nil || len(list) != 3 || !slices.ContainsFunc(list, func(f factor.Factor) bool { return bytes.Equal(f.Data, seed) }) {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}

// slowly is a backup that is read to its end, and the second time breaks off in
// the middle: it says so and waits to be killed.
type slowly struct {
	*bytes.Reader
	rounds int
}

func (s *slowly) Seek(offset int64, whence int) (int64, error) {
	s.rounds++
	return s.Reader.Seek(offset, whence)
}

func (s *slowly) Read(b []byte) (int, error) {
	if s.rounds == 2 && s.Len() < int(s.Size())/4 {
		fmt.Println("middle")
		select {}
	}
	return s.Reader.Read(b[:min(len(b), 512)])
}

// restoreOn is the child of the test below.
func restoreOn(folder string) error {
	keys, err := seal.ReadKeyFile(filepath.Join(folder, "key"))
	if err != nil {
		return err
	}
	file, err := os.ReadFile(filepath.Join(folder, "backup"))
	if err != nil {
		return err
	}
	o := store.Options{Folder: filepath.Join(folder, "data"), Postgres: os.Getenv("STORE_POSTGRES"), Keys: keys, Now: clock}
	_, err = backup.Restore(context.Background(), o, &slowly{Reader: bytes.NewReader(file)}, "cli:test")
	return errors.Join(err, errors.New("it was not killed"))
}

func TestARestoringThatWasKilledLeavesAnEmptyPlace(t *testing.T) {
	dir := folder(t)
	key := seal.NewKeyFile()
	keys, err := seal.ParseKeyFile("key", key)
	if err != nil {
		t.Fatal(err)
	}
	source := store.Options{Folder: folder(t), Keys: keys}
	s := open(t, source)
	plantAll(t, s)
	for i := range 300 {
		if err := s.Apply(t.Context(), pair(fmt.Sprint("person-", i))); err != nil {
			t.Fatal(err)
		}
	}
	file := taken(t, source)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "key"), key, 0o600), os.WriteFile(filepath.Join(dir, "backup"), file, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]store.Options{
		"SQLite":     {Folder: filepath.Join(dir, "data"), Keys: keys},
		"PostgreSQL": {Postgres: storetest.Postgres(t), Keys: keys},
	} {
		t.Run(name, func(t *testing.T) {
			child := childOf(t, "STORE_RESTORER="+dir, "STORE_POSTGRES="+place.Postgres)
			out, err := child.StdoutPipe()
			if err == nil {
				err = child.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "middle\n" {
				t.Fatalf("it says %q, %v", line, err)
			}
			_ = child.Process.Kill()
			_ = child.Wait()
			if place.Postgres == "" {
				if files, err := os.ReadDir(filepath.Join(place.Folder, "restoring")); err != nil || len(files) == 0 {
					t.Errorf("it was not killed in the middle: %v, %v", files, err)
				}
				if _, err := os.Stat(filepath.Join(place.Folder, "sallyport.db")); err == nil {
					t.Error("half a database is in its place")
				}
			}
			if err := restore(t, place, file); err != nil {
				t.Fatal(err)
			}
			if everyone, err := open(t, place).Everyone(t.Context(), "", 1000); err != nil || len(everyone) != 301 {
				t.Errorf("the second time there are %d people, %v", len(everyone), err)
			}
		})
	}
}

// A node that starts while a backup is being restored must not make a portal of
// its own in the place.
func TestAPortalThatStartsMeanwhileWaits(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}
	plantAll(t, open(t, source))
	file := taken(t, source)
	for name, place := range places(t, source.Keys) {
		t.Run(name, func(t *testing.T) {
			place.Now = clock
			opened := make(chan error, 1)
			from := &meeting{Reader: bytes.NewReader(file), met: func() {
				go func() {
					s, err := store.Open(context.Background(), place)
					if err == nil {
						var p *person.Person
						if p, err = s.PersonByName(context.Background(), plainName); err == nil && p == nil {
							err = errors.New("it is empty")
						}
						err = errors.Join(err, s.Close())
					}
					opened <- err
				}()
				time.Sleep(300 * time.Millisecond)
			}}
			if _, err := backup.Restore(t.Context(), place, from, "cli:test"); err != nil {
				t.Error(err)
			}
			if err := <-opened; err != nil {
				t.Errorf("the portal that started meanwhile: %v", err)
			}
		})
	}
}

// A file that is exchanged between the reading that checks it and the one that
// writes it is refused too, though it is whole.
func TestAFileThatChangesWhileItIsReadIsRefused(t *testing.T) {
	source := store.Options{Folder: folder(t), Keys: keyFile(t)}
	s := open(t, source)
	plantAll(t, s)
	file := taken(t, source)
	if err := s.Apply(t.Context(), pair("somebody more")); err != nil {
		t.Fatal(err)
	}
	other := taken(t, source)
	for name, place := range places(t, source.Keys) {
		t.Run(name, func(t *testing.T) {
			place.Now = clock
			from := &meeting{Reader: bytes.NewReader(file)}
			from.met = func() { from.Reader = bytes.NewReader(other) }
			if _, err := backup.Restore(t.Context(), place, from, "cli:test"); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
				t.Errorf("it says %v", err)
			}
			if err := restore(t, place, file); err != nil { // the place is as good as empty
				t.Error(err)
			}
		})
	}
}

// meeting calls met in the middle of its second reading.
type meeting struct {
	*bytes.Reader
	rounds int
	met    func()
}

func (m *meeting) Seek(offset int64, whence int) (int64, error) {
	if m.rounds++; m.rounds == 2 {
		m.met()
	}
	return m.Reader.Seek(offset, whence)
}
