package store_test

import (
	"context"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
)

// Whoever may write the database, but has no key, lets the portal sign for them.
func TestNothingForgedIsSigned(t *testing.T) {
	insert := "INSERT INTO audit (id, at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, seq, link) "
	for _, c := range []struct {
		name          string
		before, after []string // the first sweep, which drops entry 4, and the next
		at            int64
	}{
		{"an entry made to look like one that goes", nil, []string{"UPDATE audit SET person = '', actor = '' WHERE seq = 2"}, 2},
		{"a gap beside one that is signed", []string{"DELETE FROM audit WHERE seq = 3", "INSERT INTO audit_gaps SELECT '3', 3, 3, link, 'x' FROM kept WHERE seq = 3"}, nil, 3},
		{"a gap over one that goes", []string{"DELETE FROM audit WHERE seq = 5", "INSERT INTO audit_gaps SELECT '5', 5, 5, link, 'x' FROM kept WHERE seq = 5"}, nil, 5},
		{"one that went, in the place of another", nil, []string{"DELETE FROM audit WHERE seq = 2",
			insert + "SELECT k.id, k.at, k.person, k.actor, k.event, k.method, k.reason, k.attempt, k.detail, k.mac, k.parts_hash, 2, o.link FROM kept k, kept o WHERE k.seq = 4 AND o.seq = 2"}, 2},
		{"the link of one that goes", []string{"UPDATE audit SET link = 'x' WHERE seq = 4"}, nil, 4},
		{"an erased one without a signature", nil, []string{insert + "SELECT 'x', at, 'erased', 'erased', 'signed-in', '', '', '', detail, 'x', '', 0, '' FROM kept WHERE seq = 1",
			"UPDATE audit SET detail = '' WHERE id = 'x'", "INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE id = 'x'"}, 8},
		{"one that is in no place", nil, []string{insert + "SELECT 'x', at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, -1, '' FROM kept WHERE seq = 1"}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			on(t, func(t *testing.T, o store.Options) {
				s := open(t, o)
				written(t, s, 3, audit.SignedIn, "ada")
				chained(t, s)
				written(t, s, 1, audit.PasswordWrong, "")
				chained(t, s)
				written(t, s, 3, audit.SignedIn, "ada")
				chained(t, s)
				db := raw(t, o)
				inRows(t, db)
				exec1(t, db, "CREATE TABLE kept AS SELECT * FROM audit")
				for i, statements := range [][]string{c.before, c.after} {
					for _, statement := range statements {
						exec1(t, db, statement)
					}
					ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
					err := s.Sweep(ctx, now.AddDate(0, 0, 31+i))
					if ctx.Err() != nil {
						t.Fatal("the sweep has no end", err)
					}
					stop()
				}
				if r := verified(t, s); r.Fault == nil || r.Fault.Seq != c.at {
					t.Errorf("%+v, want entry %d", r.Fault, c.at)
				}
			})
		})
	}
}

func TestPruningComesToAnEnd(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		written(t, s, 3, audit.PasswordWrong, "")
		chained(t, s)
		if err := s.Sweep(t.Context(), now.AddDate(0, 0, 31)); err != nil {
			t.Fatal(err)
		}
		later := audit.New(now.AddDate(0, 0, 1), audit.PasswordWrong, "")
		if err := s.Apply(t.Context(), change.Set{later}); err != nil {
			t.Fatal(err)
		}
		exec1(t, raw(t, o), "UPDATE audit_gaps SET id = 'x'")
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		if err := s.Sweep(ctx, now.AddDate(0, 0, 40)); err == nil || ctx.Err() != nil {
			t.Errorf("%v", err)
		}
	})
}

func TestAHeadThatSomebodyPutInHidesNone(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		written(t, s, 2, audit.SignedIn, "ada")
		chained(t, s)
		db := raw(t, o)
		inRows(t, db)
		for _, statement := range []string{
			"INSERT INTO audit_heads SELECT '2', 2, link, 0, 'x', 0 FROM audit WHERE seq = 2",
			"UPDATE audit_heads SET link = 'y'",
		} {
			exec1(t, db, statement)
			if head, err := s.SignHead(t.Context(), now); err != nil || head == nil || head.Seq != 2 {
				t.Errorf("%+v, %v", head, err)
			}
		}
	})
}

func TestAChainThatWasSetBackIsTold(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		db := raw(t, o)
		set := func(seq string) {
			inRows(t, db)
			exec1(t, db, "DELETE FROM audit WHERE seq = "+seq)
			exec1(t, db, "INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE seq > "+seq)
			exec1(t, db, "UPDATE audit SET seq = 0, link = '-' WHERE seq > "+seq)
			exec1(t, db, "UPDATE audit_chain SET seq = "+seq+" - 1, link = (SELECT link FROM audit WHERE seq = "+seq+" - 1)")
		}
		told := func(what string) {
			t.Helper()
			if _, err := s.LinkEntries(t.Context(), 100); err == nil {
				t.Error(what)
			}
			chained(t, s) // it goes on: what is new wants its links
		}
		written(t, s, 6, audit.SignedIn, "ada")
		chained(t, s)
		set("3")
		told("nobody is told")
		faultless(t, s)
		set("2")
		written(t, s, 1, audit.SignedIn, "ada")
		chained(t, open(t, o))
		told("nobody is told, as another has linked to the same place")
		set("2")
		written(t, s, 3, audit.SignedIn, "ada")
		chained(t, open(t, o))
		told("nobody is told, as another has linked beyond")
	})
}

func TestALeaseThatNobodyCanHaveIsNone(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		hold := func(holder string, at time.Duration) bool {
			ours, err := s.Hold(t.Context(), audit.Leased{Name: "audit", Holder: holder, Now: now.Add(at), Until: now.Add(at + 5*time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			return ours
		}
		// As of a machine whose clock was a year ahead until it was set.
		if !hold("before", 365*24*time.Hour) || !hold("after", 0) || hold("third", 2*time.Second) {
			t.Error("it is held for a year")
		}
	})
}

// In the embedded database an id may be of another type, and equal to none.
func TestAnEntryThatCannotBeLinkedIsTold(t *testing.T) {
	o := store.Options{Folder: folder(t), Keys: keyFile(t)}
	s := open(t, o)
	written(t, s, 2, audit.SignedIn, "ada")
	exec1(t, raw(t, o), "INSERT INTO audit SELECT CAST('x' AS BLOB), at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, 0, '-' FROM audit LIMIT 1")
	exec1(t, raw(t, o), "INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE id = CAST('x' AS BLOB)")
	if n, err := s.LinkEntries(t.Context(), 10); err == nil {
		t.Errorf("%d entries linked, and nobody is told why not more", n)
	}
}

func TestAnEntryThatCannotBeReadIsNamed(t *testing.T) {
	o := store.Options{Folder: folder(t), Keys: keyFile(t)}
	s := open(t, o)
	ids := written(t, s, 5, audit.SignedIn, "ada")
	chained(t, s)
	loose := written(t, open(t, o), 1, audit.SignedIn, "ada") // by a process that does not know the chain's end
	db := raw(t, o)
	for _, c := range []struct {
		id string
		at int64
	}{{loose[0], 0}, {ids[2], 3}} {
		exec1(t, db, "UPDATE audit SET at = 'x' WHERE id = '"+c.id+"'")
		if r := verified(t, s); r.Fault == nil || r.Fault.Seq != c.at || r.Fault.ID != c.id {
			t.Errorf("%+v, want entry %d", r.Fault, c.at)
		}
	}
}
