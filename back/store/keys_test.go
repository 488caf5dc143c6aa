package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/person"
)

func rotated(t *testing.T, s *store.Store) int64 {
	t.Helper()
	e := audit.New(now, audit.KeyRotated, "")
	e.Actor = "cli:root"
	id, err := s.RotateKey(t.Context(), now, e)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// resealing looks until nothing is left to do.
func resealing(t *testing.T, s *store.Store) {
	t.Helper()
	r := store.Reseal{Store: s, Node: "node", Now: clock, Log: slog.New(slog.DiscardHandler), Rested: time.Nanosecond}
	r.Now = func() time.Time { return now.Add(time.Hour) }
	for range 4 {
		if err := r.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// named counts the values of every sealed column by the key that they name.
func named(t *testing.T, o store.Options) map[int64]int {
	t.Helper()
	found := map[int64]int{}
	db := raw(t, o)
	for _, table := range tablesAt(t, newest(t)) {
		for i, column := range table.Columns {
			if table.Types[i] != "BYTEA" || table.Name == "keys" {
				continue
			}
			rows, err := db.QueryContext(t.Context(), "SELECT "+column+" FROM "+table.Name)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var value []byte
				if err := rows.Scan(&value); err != nil {
					t.Fatal(err)
				}
				if len(value) > 0 {
					found[seal.KeyOf(value)]++
				}
			}
			rows.Close()
		}
	}
	return found
}

func TestEveryValueIsSealedAnew(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		plantAll(t, s)
		node := open(t, o)
		before := named(t, o)
		if before[2] < 10 || len(before) != 1 {
			t.Fatalf("%v", before)
		}
		kept, err := node.PersonByName(t.Context(), plainName)
		if err != nil || kept == nil {
			t.Fatal(kept, err)
		}
		if id := rotated(t, node); id != 3 {
			t.Fatalf("key %d", id)
		}
		// In use at once: here, and on the other node with its next change.
		time.Sleep(1100 * time.Millisecond)
		bob := person.New("bob", now)
		bob.Email = "bob@example.org"
		if err := s.Apply(t.Context(), change.Set{person.Added{Person: bob}}); err != nil {
			t.Fatal(err)
		}
		if after := named(t, o); after[3] != 1 || after[2] != before[2]+1 { // his address; the entry is from before
			t.Errorf("after a change: %v, before %v", after, before)
		}
		if got, err := node.PersonByName(t.Context(), "bob"); err != nil || got.Email != bob.Email {
			t.Errorf("%+v, %v", got, err)
		}
		resealing(t, s)
		all := named(t, o)
		if len(all) != 1 || all[3] < before[2]+2 { // the entry, and bob's address
			t.Errorf("after sealing anew: %v, before %v", all, before)
		}
		states, err := s.KeyStates(t.Context())
		if err != nil || len(states) != 2 || states[1].ID != 3 || states[1].Values != int64(all[3]) {
			t.Errorf("%+v, %v", states, err)
		}
		// Who has the old keys in mind reads what is sealed now, and a new store too.
		for _, any := range []*store.Store{node, s, open(t, o)} {
			got, err := any.PersonByName(t.Context(), plainName)
			if err != nil || got.Email != kept.Email || got.Password != kept.Password {
				t.Errorf("%+v, %v", got, err)
			}
		}
		chained(t, s)
		faultless(t, s)
	})
}

func TestEveryColumnOfSealedBytesIsSealedAnew(t *testing.T) {
	var want []string
	for _, table := range tablesAt(t, newest(t)) {
		for i, column := range table.Columns {
			if table.Types[i] == "BYTEA" && table.Name+"."+column != "keys.wrapped" {
				want = append(want, table.Name+"."+column)
			}
		}
	}
	got := store.SealedColumns()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("sealed anew are %q, the tables have %q", got, want)
	}
}

func TestSealingAnewThatBreaksOffGoesOn(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		for i := range 450 { // more than two batches
			p := person.New(fmt.Sprintf("p%d", i), now)
			p.Email = fmt.Sprintf("p%d@example.org", i)
			if err := s.Apply(t.Context(), change.Set{person.Added{Person: p}}); err != nil {
				t.Fatal(err)
			}
		}
		rotated(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		r := store.Reseal{Store: s, Node: "first", Log: slog.New(slog.DiscardHandler), Rested: time.Nanosecond, Now: func() time.Time {
			if looks++; looks == 3 { // it holds the lease before each batch
				cancel()
			}
			return now.Add(time.Minute)
		}}
		if err := r.Look(ctx); err == nil {
			t.Error("it did not break off")
		}
		half := named(t, o)
		if half[2] == 0 || half[3] < 200 {
			t.Fatalf("%v", half)
		}
		resealing(t, open(t, o))
		if all := named(t, o); len(all) != 1 || all[3] != half[2]+half[3] {
			t.Errorf("%v, before %v", all, half)
		}
	})
}

func TestAKeyRestsBeforeItGoes(t *testing.T) {
	o := store.Options{Folder: folder(t), Keys: keyFile(t)}
	s := open(t, o)
	plant(t, s)
	rotated(t, s)
	at := now
	r := store.Reseal{Store: s, Node: "node", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at }}
	there := func() int {
		states, err := s.KeyStates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(states)
	}
	for range 4 {
		if err := r.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := there(); n != 3 {
		t.Fatalf("%d keys", n)
	}
	at = now.Add(5*time.Minute - time.Millisecond)
	if err := r.Look(t.Context()); err != nil || there() != 3 {
		t.Errorf("%d keys, %v", there(), err)
	}
	at = now.Add(5 * time.Minute)
	if err := r.Look(t.Context()); err != nil || there() != 2 {
		t.Errorf("%d keys, %v", there(), err)
	}
}

func TestANewLineOfTheKeyFile(t *testing.T) {
	line := func() string { return strings.TrimSpace(lastLine(string(seal.NewKeyFile()))) }
	parse := func(text string) *seal.KeyFile {
		f, err := seal.ParseKeyFile("test.key", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	old, fresh := line(), line()
	before, both, after := parse(old), parse(fresh+"\n"+old), parse(fresh)
	on(t, func(t *testing.T, o store.Options) {
		o.Keys = before
		var file *seal.KeyFile
		o.KeysAgain = func() (*seal.KeyFile, error) {
			if file == nil {
				return nil, errors.New("no such file")
			}
			return file, nil
		}
		running := open(t, o)
		plant(t, running)
		o.Keys, o.KeysAgain = both, nil
		rotated(t, open(t, o))
		time.Sleep(1100 * time.Millisecond)
		// The line is not in the key file of the node that runs: it writes nothing.
		set := change.Set{audit.New(now, audit.SignedIn, "ada")}
		if err := running.Apply(t.Context(), set); !errors.Is(err, fault.ErrDown) || !strings.Contains(err.Error(), "key file") {
			t.Errorf("%v", err)
		}
		file = both
		if err := running.Apply(t.Context(), set); err != nil {
			t.Errorf("with the line: %v", err)
		}
		states, err := running.KeyStates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range states {
			if k.KEK != after.First() {
				t.Errorf("key %d is wrapped by %s", k.ID, k.KEK)
			}
		}
		o.Keys = after
		if got, err := open(t, o).PersonByName(t.Context(), plainName); err != nil || got == nil {
			t.Errorf("with the new line alone: %+v, %v", got, err)
		}
		o.Keys = before
		refuses(t, o, "key file")
	})
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := lines[len(lines)-1]
	if _, err := base64.StdEncoding.DecodeString(line); err != nil {
		panic(err)
	}
	return line
}

func TestTwoMayRotateAtOnce(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		a, b := open(t, o), open(t, o)
		got := make(chan int64, 2)
		for _, s := range []*store.Store{a, b} {
			go func() {
				e := audit.New(now, audit.KeyRotated, "")
				id, err := s.RotateKey(t.Context(), now, e)
				if err != nil {
					t.Error(err)
				}
				got <- id
			}()
		}
		if x, y := <-got, <-got; x == y || x+y != 7 {
			t.Errorf("keys %d and %d", x, y)
		}
	})
}
