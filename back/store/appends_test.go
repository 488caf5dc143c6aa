package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/person"
)

// atOnce applies sets which the one writer finds waiting together.
func atOnce(t *testing.T, s *store.Store, o store.Options, sets ...change.Set) {
	t.Helper()
	release := hold(t, o)
	var all sync.WaitGroup
	for _, set := range sets {
		all.Go(func() {
			if err := s.Apply(context.Background(), set); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(5 * time.Millisecond) // in their order
	}
	release()
	all.Wait()
}

// unlinked is how many entries wait for their link.
func unlinked(t *testing.T, o store.Options) string {
	t.Helper()
	return strs(t, raw(t, o), "SELECT CAST(COUNT(*) AS TEXT) FROM audit_waiting")[0]
}

func TestTheEmbeddedDatabaseLinksAsItCommits(t *testing.T) {
	o := store.Options{Folder: t.TempDir(), Keys: keyFile(t)}
	s := open(t, o)
	written(t, s, 2, audit.SignedIn, "ada") // nobody has looked at the chain yet
	if n := unlinked(t, o); n != "2" {
		t.Errorf("%s wait", n)
	}
	chained(t, s)
	var sets []change.Set
	for range 30 {
		e := audit.New(now, audit.SignedIn, "ada")
		sets = append(sets, change.Set{e}, change.Set{audit.New(now, audit.CodeWrong, "ada"), audit.New(now, audit.CodeWrong, "bob")})
	}
	atOnce(t, s, o, sets...)
	if n := unlinked(t, o); n != "0" {
		t.Errorf("%s wait", n)
	}
	if r := faultless(t, s); r.Entries != 92 || r.Last != 92 {
		t.Errorf("%+v", r)
	}
}

// Another process, as of a command, moves the end of the chain. Whoever does not know
// it leaves the entries to the linker, and links again from there on.
func TestAnEndThatAnotherProcessMovedIsLeftToTheLinker(t *testing.T) {
	o := store.Options{Folder: t.TempDir(), Keys: keyFile(t)}
	s, other := open(t, o), open(t, o)
	written(t, s, 2, audit.SignedIn, "ada")
	chained(t, s)
	written(t, other, 2, audit.SignedIn, "bob")
	chained(t, other)
	for _, want := range []string{"1", "2"} {
		written(t, s, 1, audit.SignedIn, "ada")
		if n := unlinked(t, o); n != want {
			t.Errorf("%s wait, want %s", n, want)
		}
	}
	chained(t, s)
	written(t, s, 3, audit.SignedIn, "ada")
	if n := unlinked(t, o); n != "0" {
		t.Errorf("%s wait", n)
	}
	if r := faultless(t, s); r.Entries != 9 || r.Last != 9 {
		t.Errorf("%+v", r)
	}
}

// The linker is not outrun: what comes while it works waits for it.
func TestEntriesThatComeAllTheTimeDoNotOutrunTheLinker(t *testing.T) {
	o := store.Options{Folder: t.TempDir(), Keys: keyFile(t)}
	s := open(t, o)
	written(t, s, 1, audit.SignedIn, "ada")
	chained(t, s)
	loose := written(t, open(t, o), 20, audit.SignedIn, "bob")
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				if err := s.Apply(context.Background(), change.Set{audit.New(now.Add(time.Hour), audit.SignedIn, "ada")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if n, err := s.LinkEntries(t.Context(), 5); n == 0 || err != nil {
			t.Errorf("%d linked, %v", n, err)
		}
		if len(strs(t, raw(t, o), fmt.Sprintf("SELECT entry FROM audit_places WHERE entry = '%s'", loose[19]))) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Error("what waits is never linked")
			break
		}
	}
	stop()
	writers.Wait()
	chained(t, s)
	faultless(t, s)
}

func TestEntriesOfTheSameMomentAreErasedWithWhomTheyAreAbout(t *testing.T) {
	o := store.Options{Folder: t.TempDir(), Keys: keyFile(t)}
	s := open(t, o)
	bob := person.New("bob", now)
	if err := s.Apply(t.Context(), change.Set{person.Added{Person: bob}, audit.New(now, audit.SignedIn, bob.ID)}); err != nil {
		t.Fatal(err)
	}
	chained(t, s)
	by := audit.New(now, audit.PersonChanged, "ada")
	by.Actor = bob.ID
	atOnce(t, s, o, change.Set{audit.New(now, audit.CodeWrong, bob.ID), by}, change.Set{audit.New(now, audit.PersonDeleted, bob.ID), person.Deleted{ID: bob.ID}}, change.Set{audit.New(now, audit.SignedIn, "ada")})
	if left := holding(t, o, bob.ID); len(left) > 0 {
		t.Errorf("rows still lead to him: %v", left)
	}
	if r := faultless(t, s); r.Entries != 5 || r.Erased != 3 {
		t.Errorf("%+v", r)
	}
}
