package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/person"
)

// written appends entries, one change each, and says their ids in order.
func written(t *testing.T, s *store.Store, n int, event audit.Event, who string) (ids []string) {
	t.Helper()
	for i := range n {
		e := audit.New(now.Add(time.Duration(i)*time.Millisecond), event, who)
		e.Method, e.Reason, e.Attempt, e.Note, e.Address, e.Agent = "app", "old", "attempt", "a note", "192.0.2.7", "Firefox"
		if err := s.Apply(t.Context(), change.Set{e}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

// chained links all that waits.
func chained(t *testing.T, s *store.Store) {
	t.Helper()
	for {
		n, err := s.LinkEntries(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func verified(t *testing.T, s *store.Store, kept ...audit.Head) *audit.Report {
	t.Helper()
	r, err := s.VerifyAudit(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// faultless is a report without a fault.
func faultless(t *testing.T, s *store.Store, kept ...audit.Head) *audit.Report {
	t.Helper()
	r := verified(t, s, kept...)
	if r.Fault != nil {
		t.Fatalf("entry %d %s: %s", r.Fault.Seq, r.Fault.ID, r.Fault.Why)
	}
	return r
}

// inRows gives every linked entry its place in its own row, as the embedded database and
// earlier programs do; beside gives it one beside it, as the linker does.
func inRows(t *testing.T, db *sql.DB) {
	t.Helper()
	exec1(t, db, "UPDATE audit SET seq = (SELECT seq FROM audit_places WHERE entry = audit.id), link = (SELECT link FROM audit_places WHERE entry = audit.id) WHERE id IN (SELECT entry FROM audit_places)")
	exec1(t, db, "DELETE FROM audit_places")
}

func beside(t *testing.T, db *sql.DB) {
	t.Helper()
	exec1(t, db, "INSERT INTO audit_places (entry, seq, link) SELECT id, seq, link FROM audit WHERE seq > 0")
	exec1(t, db, "UPDATE audit SET seq = 0, link = '-' WHERE seq > 0")
}

var (
	linkThere  = regexp.MustCompile(`SELECT link FROM audit WHERE`)
	entryThere = regexp.MustCompile(`(FROM audit|UPDATE audit SET [^(]*?|\)) WHERE seq ([=>] \d+)`)
)

// asBeside is what somebody does who meets the places beside the entries: a statement
// about places in their rows, said of those.
func asBeside(statement string) string {
	switch {
	case strings.HasPrefix(statement, "UPDATE audit SET seq = 0"):
		return "DELETE FROM audit_places" + statement[strings.Index(statement, " WHERE"):]
	case strings.HasPrefix(statement, "UPDATE audit SET seq"), strings.HasPrefix(statement, "UPDATE audit SET link"):
		return strings.Replace(statement, "audit", "audit_places", 1)
	case strings.HasPrefix(statement, "INSERT INTO audit SELECT"):
		return strings.NewReplacer("41, link FROM", "0, '-' FROM", "WHERE seq = 40", "WHERE id = (SELECT entry FROM audit_places WHERE seq = 40)").Replace(statement)
	}
	statement = strings.Replace(linkThere.ReplaceAllString(statement, "SELECT link FROM audit_places WHERE"), "kept_audit ", "kept_audit_places ", 1)
	return entryThere.ReplaceAllString(statement, "$1 WHERE id IN (SELECT entry FROM audit_places WHERE seq $2)")
}

func TestTheAuditLogShowsTampering(t *testing.T) {
	t.Run("places in the rows", func(t *testing.T) {
		showsTampering(t, inRows, func(statement string) string { return statement })
	})
	t.Run("places beside them", func(t *testing.T) { showsTampering(t, beside, asBeside) })
}

func showsTampering(t *testing.T, lay func(*testing.T, *sql.DB), as func(statement string) string) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		written(t, s, 30, audit.CodeWrong, "ada")
		chained(t, s)
		early, err := s.SignHead(t.Context(), now)
		if err != nil || early == nil || early.Seq != 30 {
			t.Fatal(early, err)
		}
		written(t, s, 10, audit.SignedIn, "ada")
		chained(t, s)
		head, err := s.SignHead(t.Context(), now.Add(time.Minute))
		if err != nil || head == nil || head.Seq != 40 {
			t.Fatal(head, err)
		}
		if again, err := s.SignHead(t.Context(), now.Add(2*time.Minute)); again != nil || err != nil {
			t.Errorf("signed twice: %+v, %v", again, err)
		}
		if r := faultless(t, s, *early, *head); r.Entries != 40 || r.Last != 40 || r.Unlinked != 0 || r.Heads != 4 {
			t.Fatalf("%+v", r)
		}
		db := raw(t, o)
		lay(t, db)
		faultless(t, s, *early, *head)
		copies := []string{"audit", "audit_places", "audit_chain", "audit_heads", "audit_gaps"}
		for _, table := range copies {
			exec1(t, db, "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table)
		}
		shift := "UPDATE audit SET seq = seq + 1000 WHERE seq > 12; UPDATE audit SET seq = seq - 1001 WHERE seq > 1000"
		for _, c := range []struct {
			name, how string
			at        int64
			kept      []audit.Head
		}{
			{"the time", "UPDATE audit SET at = at + 1 WHERE seq = 12", 12, nil},
			{"the event", "UPDATE audit SET event = 'signed-in' WHERE seq = 12", 12, nil},
			{"the method", "UPDATE audit SET method = 'text' WHERE seq = 12", 12, nil},
			{"the reason", "UPDATE audit SET reason = '' WHERE seq = 12", 12, nil},
			{"the attempt", "UPDATE audit SET attempt = '' WHERE seq = 12", 12, nil},
			{"whom it concerns", "UPDATE audit SET person = 'bob' WHERE seq = 12", 12, nil},
			{"who did it", "UPDATE audit SET actor = 'bob' WHERE seq = 12", 12, nil},
			{"the hash of the parts", "UPDATE audit SET parts_hash = 'x' WHERE seq = 12", 12, nil},
			{"the MAC", "UPDATE audit SET mac = 'x' WHERE seq = 12", 12, nil},
			{"the MAC of another", "UPDATE audit SET mac = (SELECT mac FROM audit WHERE seq = 13) WHERE seq = 12", 12, nil},
			{"the link", "UPDATE audit SET link = 'x' WHERE seq = 12", 12, nil},
			{"the parts, of another", "UPDATE audit SET detail = (SELECT detail FROM audit WHERE seq = 13) WHERE seq = 12", 12, nil},
			{"the parts, gone", "UPDATE audit SET detail = '' WHERE seq = 12", 12, nil},
			{"the parts, as if erased", "UPDATE audit SET detail = '', person = 'erased:00', actor = 'erased:00' WHERE seq = 12", 12, nil},
			{"the id", "UPDATE audit SET id = 'x' WHERE seq = 12", 12, nil},
			{"two before each other", "UPDATE audit SET seq = 1000 WHERE seq = 12; UPDATE audit SET seq = 12 WHERE seq = 13; UPDATE audit SET seq = 13 WHERE seq = 1000", 12, nil},
			{"one taken", "DELETE FROM audit WHERE seq = 12", 12, nil},
			{"one taken, the others moved up", "DELETE FROM audit WHERE seq = 12; " + shift, 12, nil},
			{"the first taken", "DELETE FROM audit WHERE seq = 1", 1, nil},
			{"one unlinked", "UPDATE audit SET seq = 0, link = '' WHERE seq = 12", 12, nil},
			{"one put in", "INSERT INTO audit SELECT 'x', at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, 41, link FROM audit WHERE seq = 40", 40, nil},
			{"one put in, unlinked", "INSERT INTO audit SELECT 'x', at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, 0, '' FROM audit WHERE seq = 40", 0, nil},
			{"the last taken", "DELETE FROM audit WHERE seq > 35", 36, nil},
			{"the last taken, and the end of the chain moved", "DELETE FROM audit WHERE seq > 35; UPDATE audit_chain SET seq = 35, link = (SELECT link FROM audit WHERE seq = 35)", 36, nil},
			{"cut off with its head, as only a head kept elsewhere shows", "DELETE FROM audit WHERE seq > 35; UPDATE audit_chain SET seq = 35, link = (SELECT link FROM audit WHERE seq = 35); " +
				"DELETE FROM audit_heads WHERE seq > 35", 36, []audit.Head{*early, *head}},
			{"the end of the chain gone", "DELETE FROM audit_chain", 40, nil},
			{"the end of the chain as far as it can be", "UPDATE audit_chain SET seq = 9223372036854775807", 41, nil},
			{"the end of the chain far off", "UPDATE audit_chain SET seq = 1000000000000000", 41, nil},
			{"the end of the chain before its beginning", "UPDATE audit_chain SET seq = -9223372036854775807", 1, nil},
			{"all taken", "DELETE FROM audit", 1, nil},
			{"a gap without a signature", "DELETE FROM audit WHERE seq = 12; INSERT INTO audit_gaps SELECT '12', 12, 12, link, 'x' FROM kept_audit WHERE seq = 12", 12, nil},
			{"a head that was changed", "UPDATE audit_heads SET at = at + 1 WHERE seq = 30", 30, nil},
			{"a head of another place", "UPDATE audit_heads SET seq = 29 WHERE seq = 30", 29, nil},
		} {
			for _, statement := range strings.Split(c.how, "; ") {
				exec1(t, db, as(statement))
				switch c.name {
				case "one taken, the others moved up":
					exec1(t, db, "DELETE FROM audit_places WHERE entry NOT IN (SELECT id FROM audit)")
				case "one put in":
					exec1(t, db, "INSERT INTO audit_places SELECT 'x', 41, 'x' FROM audit WHERE id = 'x' AND seq = 0")
				}
			}
			r := verified(t, s, c.kept...)
			if r.Fault == nil || r.Fault.Seq != c.at {
				t.Errorf("%s: %+v, want entry %d", c.name, r.Fault, c.at)
			}
			for _, table := range copies {
				exec1(t, db, "DELETE FROM "+table)
				exec1(t, db, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
			}
			faultless(t, s, *early, *head)
		}
		foreign := *head
		foreign.Link = early.Link
		if r := verified(t, s, foreign); r.Fault == nil || r.Fault.Seq != 40 {
			t.Errorf("a forged head: %+v", r.Fault)
		}
	})
}

func TestNodesLinkTogether(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		const nodes, each = 3, 60
		var wg sync.WaitGroup
		s := open(t, o)
		stop := make(chan struct{})
		var linking sync.WaitGroup
		for range nodes {
			node := open(t, o)
			wg.Go(func() {
				for i := range each {
					if err := node.Apply(t.Context(), change.Set{audit.New(now.Add(time.Duration(i)*time.Millisecond), audit.SignedIn, "ada")}); err != nil {
						t.Error(err)
					}
				}
			})
			linking.Go(func() {
				for {
					if _, err := node.LinkEntries(t.Context(), 5); err != nil {
						t.Error(err)
					}
					if _, err := node.SignHead(t.Context(), now); err != nil {
						t.Error(err)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		wg.Wait()
		close(stop)
		linking.Wait()
		chained(t, s)
		if r := faultless(t, s); r.Entries != nodes*each || r.Last != nodes*each || r.Heads == 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestALeaseIsHeldByOne(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		for i, c := range []struct {
			holder string
			at     time.Duration
			ours   bool
		}{{"a", 0, true}, {"b", time.Second, false}, {"a", 2 * time.Second, true}, {"b", 7 * time.Second, false}, {"b", 7*time.Second + time.Millisecond, true}, {"a", 8 * time.Second, false}} {
			ours, err := s.Hold(t.Context(), audit.Leased{Name: "audit", Holder: c.holder, Now: now.Add(c.at), Until: now.Add(c.at + 5*time.Second)})
			if err != nil || ours != c.ours {
				t.Errorf("%d: %v, %v", i, ours, err)
			}
		}
	})
}

func TestWhatIsPrunedLeavesASignedGap(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		for _, run := range []struct {
			n     int
			event audit.Event
			who   string
		}{{5, audit.SignedIn, "ada"}, {700, audit.PasswordWrong, ""}, {1, audit.SignedIn, "ada"}, {3, audit.PasswordWrong, "ada"}, {2, audit.SignedIn, "ada"}} {
			written(t, s, run.n, run.event, run.who) // those of strangers stay 30 days, wrong passwords of people 90
			chained(t, s)
		}
		if _, err := s.SignHead(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		gaps := func() int {
			return len(strs(t, raw(t, o), "SELECT id FROM audit_gaps"))
		}
		for _, step := range []struct {
			days            int
			entries, pruned int64
			gaps            int
		}{{29, 711, 0, 0}, {31, 11, 700, 1}, {91, 8, 703, 2}} {
			if err := s.Sweep(t.Context(), now.AddDate(0, 0, step.days)); err != nil {
				t.Fatal(err)
			}
			r := faultless(t, s)
			if r.Entries != step.entries || r.Pruned != step.pruned || gaps() != step.gaps {
				t.Errorf("after %d days: %+v and %d gaps", step.days, r, gaps())
			}
		}
		written(t, s, 1, audit.SignedIn, "ada") // goes too: it says when it was
		later := audit.New(now.AddDate(0, 0, 100), audit.SignedIn, "ada")
		if err := s.Apply(t.Context(), change.Set{later}); err != nil {
			t.Fatal(err)
		}
		chained(t, s)
		n, err := s.PruneAudit(t.Context(), now.AddDate(0, 0, 99))
		if err != nil || n != 9 {
			t.Errorf("%d pruned, %v", n, err)
		}
		if r := faultless(t, s); r.Entries != 1 || r.Pruned != 712 || r.Last != 713 || gaps() != 1 {
			t.Errorf("%+v and %d gaps", r, gaps())
		}
		written(t, s, 4, audit.SignedIn, "ada")
		chained(t, s)
		if r := faultless(t, s); r.Entries != 5 || r.Last != 717 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheLogOfSomebodyWhoWasDeletedStillVerifies(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		ada, bob := person.New("ada", now), person.New("bob", now)
		byAda := audit.New(now, audit.PersonChanged, bob.ID)
		byAda.Actor = ada.ID
		if err := s.Apply(t.Context(), change.Set{person.Added{Person: ada}, person.Added{Person: bob}, byAda}); err != nil {
			t.Fatal(err)
		}
		written(t, s, 6, audit.SignedIn, ada.ID)
		written(t, s, 2, audit.SignedIn, bob.ID)
		chained(t, s)
		gone := audit.New(now.Add(time.Minute), audit.PersonDeleted, audit.Erased)
		gone.Actor = "cli:root"
		if err := s.Apply(t.Context(), change.Set{person.Deleted{ID: ada.ID}, gone}); err != nil {
			t.Fatal(err)
		}
		chained(t, s)
		if r := faultless(t, s); r.Entries != 10 || r.Erased != 6 {
			t.Errorf("%+v", r)
		}
		// With the mark of hers, an entry of somebody else does not pass for erased.
		db := raw(t, o)
		exec1(t, db, "UPDATE audit SET detail = '', person = (SELECT MAX(person) FROM audit WHERE person LIKE 'erased:%') WHERE person = '"+bob.ID+"' AND actor = person")
		if r := verified(t, s); r.Fault == nil {
			t.Error("entries of somebody who is there pass for erased")
		}
	})
}

func TestEntriesOfEarlierSchemasVerify(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		ids := written(t, s, 4, audit.SignedIn, "ada")
		db := raw(t, o)
		text := func(parts ...string) (list [][]byte) {
			for _, p := range parts {
				list = append(list, []byte(p))
			}
			return list
		}
		mac := func(purpose string, parts ...string) string {
			return fmt.Sprintf("%x", s.MAC(purpose, text(parts...)...))
		}
		when := func(i int) string {
			return now.Add(time.Duration(i) * time.Millisecond).UTC().Format("20060102150405.000")
		}
		for i, id := range ids[:2] { // schema 4
			parts := mac("audit.parts", id, "ada", "ada", "a note", "192.0.2.7", "Firefox", "", "")
			exec1(t, db, fmt.Sprintf("UPDATE audit SET parts_hash = '%s', mac = '%s' WHERE id = '%s'", parts, mac("audit", id, when(i), "signed-in", "app", "old", "attempt", parts), id))
		}
		for i, id := range ids[2:] { // schemas 1 to 3
			exec1(t, db, fmt.Sprintf("UPDATE audit SET parts_hash = '', mac = '%s' WHERE id = '%s'",
				mac("audit", id, when(i+2), "ada", "ada", "signed-in", "app", "old", "attempt", "a note", "192.0.2.7", "Firefox", "", ""), id))
		}
		exec1(t, db, "UPDATE audit_waiting SET mac = (SELECT mac FROM audit WHERE id = entry)")
		chained(t, s)
		if r := faultless(t, s); r.Entries != 4 || r.Erased != 0 {
			t.Errorf("%+v", r)
		}
		for i, id := range ids {
			exec1(t, db, "UPDATE audit SET reason = 'new' WHERE id = '"+id+"'")
			if r := verified(t, s); r.Fault == nil || r.Fault.Seq != int64(i+1) {
				t.Errorf("%d: %+v", i, r.Fault)
			}
			exec1(t, db, "UPDATE audit SET reason = 'old' WHERE id = '"+id+"'")
		}
	})
}

// Whoever may write the database has no entry linked twice: it would have happened twice.
func TestNoEntryIsInTwoPlaces(t *testing.T) {
	for name, lay := range map[string]func(*testing.T, *sql.DB){"in its row": inRows, "beside it": beside} {
		t.Run(name, func(t *testing.T) {
			on(t, func(t *testing.T, o store.Options) {
				s := open(t, o)
				ids := written(t, s, 5, audit.SignedIn, "ada")
				chained(t, s)
				db := raw(t, o)
				lay(t, db)
				exec1(t, db, "INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE id = '"+ids[2]+"'")
				_, err := s.LinkEntries(t.Context(), 10)
				if r := verified(t, s); err == nil && (r.Fault == nil || r.Fault.Seq != 6) {
					t.Errorf("linked again, and nobody is told: %+v", r)
				}
			})
		})
	}
}

// A node of an earlier program, which still runs when the tables are those of this one,
// writes entries that wait nowhere, and links none that has its place beside it.
func TestEntriesOfANodeOfAnEarlierProgramAreAdopted(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		written(t, s, 3, audit.SignedIn, "ada")
		chained(t, s)
		written(t, open(t, o), 2, audit.SignedIn, "ada") // wait
		db := raw(t, o)
		exec1(t, db, "CREATE TABLE fresh AS SELECT * FROM audit_waiting")
		exec1(t, db, "DELETE FROM audit_waiting")
		exec1(t, db, "UPDATE audit SET link = '' WHERE id IN (SELECT entry FROM fresh)")
		ours := func(want int) {
			t.Helper()
			if n := len(strs(t, db, "SELECT id FROM audit WHERE seq = 0 AND link = ''")); n != want {
				t.Errorf("an earlier program would link %d entries, want %d", n, want)
			}
		}
		ours(2)
		if r := faultless(t, s); r.Unlinked != 2 || r.Entries != 3 {
			t.Errorf("%+v", r)
		}
		if o.Postgres == "" {
			return // nobody else writes there
		}
		if err := s.Sweep(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		ours(0)
		if r := faultless(t, s); r.Unlinked != 0 || r.Entries != 5 || r.Last != 5 {
			t.Errorf("%+v", r)
		}
	})
}

// SQLite takes bytes where a text belongs, and they are another key: an entry could be there twice.
func TestAnEntryWhoseIDIsBytesIsNamed(t *testing.T) {
	const copied = "INSERT INTO audit SELECT CAST(id AS BLOB), at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, 0, '-' FROM audit WHERE seq = 3; "
	for about, how := range map[string]string{
		"a copy waits":       copied + "INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE seq = 0",
		"in its own place":   "UPDATE audit SET id = CAST(id AS BLOB) WHERE seq = 3",
		"with a place apart": copied + "INSERT INTO audit_places SELECT x.id, a.seq, a.link FROM audit AS x, audit AS a WHERE x.seq = 0 AND a.seq = 3; DELETE FROM audit WHERE seq = 3",
	} {
		t.Run(about, func(t *testing.T) {
			o := store.Options{Folder: folder(t), Keys: keyFile(t)}
			s := open(t, o)
			written(t, s, 5, audit.SignedIn, "ada")
			chained(t, s)
			db := raw(t, o)
			inRows(t, db)
			faultless(t, s)
			for _, statement := range strings.Split(how, "; ") {
				exec1(t, db, statement)
			}
			if r := verified(t, s); r.Fault == nil || r.Fault.Why != "its id is not text" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Whoever puts a place in before the linker comes to it has no entry linked elsewhere, nor lost.
func TestAPlaceThatWasPutInIsTold(t *testing.T) {
	for about, query := range map[string]string{
		"the number": "INSERT INTO audit_places VALUES ('x', 5, 'x')",
		"the entry":  "INSERT INTO audit_places SELECT MAX(entry), 9, 'x' FROM audit_waiting",
	} {
		t.Run(about, func(t *testing.T) {
			on(t, func(t *testing.T, o store.Options) {
				s := open(t, o)
				written(t, s, 3, audit.SignedIn, "ada")
				chained(t, s)
				written(t, open(t, o), 2, audit.SignedIn, "ada") // wait
				db := raw(t, o)
				exec1(t, db, query)
				for range 2 {
					if _, err := s.LinkEntries(t.Context(), 10); err == nil || !strings.Contains(err.Error(), "cannot be linked; hint: sallyport audit verify") {
						t.Errorf("%v", err)
					}
				}
				if r := verified(t, s); r.Fault == nil {
					t.Errorf("verified: %+v", r)
				}
				exec1(t, db, "DELETE FROM audit_places WHERE link = 'x'")
				if n, err := s.LinkEntries(t.Context(), 10); n != 2 || err != nil {
					t.Errorf("%d linked, %v", n, err)
				}
				if r := faultless(t, s); r.Entries != 5 || r.Last != 5 || r.Unlinked != 0 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// Whoever may write the database hides nothing by rows about places.
func TestPlacesOfNothingAreNamed(t *testing.T) {
	for _, c := range []struct {
		name, how string
		at        int64
	}{
		{"an entry in a place that none can have, with another", "INSERT INTO audit SELECT 'x', at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, -1, 'x' FROM audit WHERE seq = 3; " +
			"INSERT INTO audit_places VALUES ('x', 9000, 'x')", 9000},
		{"a place of nothing", "INSERT INTO audit_places VALUES ('nothing', 6, 'x')", 6},
		{"a place below the first", "UPDATE audit SET seq = 0, link = '-' WHERE seq = 5; INSERT INTO audit_places SELECT id, 0, 'x' FROM audit WHERE seq = 0", 5},
		{"a second place", "INSERT INTO audit_places SELECT id, 77, 'x' FROM audit WHERE seq = 3", 77},
		{"a second place before its own", "INSERT INTO audit_places SELECT id, 2, 'x' FROM audit WHERE seq = 3", 2},
		{"one that has a place waits", "INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE seq = 3", 0},
		{"nothing waits", "INSERT INTO audit_waiting VALUES ('nothing', 'x')", 0},
		{"one that waits no more", "INSERT INTO audit SELECT 'x', at, person, actor, event, method, reason, attempt, detail, mac, parts_hash, 0, '-' FROM audit WHERE seq = 3", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			on(t, func(t *testing.T, o store.Options) {
				s := open(t, o)
				written(t, s, 5, audit.SignedIn, "ada")
				chained(t, s)
				db := raw(t, o)
				inRows(t, db)
				faultless(t, s)
				for _, statement := range strings.Split(c.how, "; ") {
					exec1(t, db, statement)
				}
				if r := verified(t, s); r.Fault == nil || r.Fault.Seq != c.at {
					t.Errorf("%+v, want entry %d", r.Fault, c.at)
				}
				newest, err := s.NewestRecords(t.Context(), 10)
				if err != nil {
					return // it does not open
				}
				for _, r := range newest {
					if r.Link == "x" && c.name[:8] == "a second" {
						t.Errorf("it is shown in place %d", r.Seq)
					}
				}
			})
		})
	}
}

// While the sweeper adopts, the linker links what it looks at: nothing waits again that
// has a place.
func TestAdoptingBesideTheLinkerStopsNothing(t *testing.T) {
	o := store.Options{Postgres: storetest.Postgres(t), Keys: keyFile(t)}
	s := open(t, o)
	ids := written(t, s, 4, audit.SignedIn, "ada")
	db := raw(t, o)
	exec1(t, db, "DELETE FROM audit_waiting WHERE entry = '"+ids[0]+"'")
	exec1(t, db, "UPDATE audit SET link = '' WHERE id = '"+ids[0]+"'") // by an earlier program
	other, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("INSERT INTO audit_waiting SELECT id, mac FROM audit WHERE id = $1", ids[0]); err != nil { // the sweeper waits for this
		t.Fatal(err)
	}
	swept := make(chan error, 1)
	go func() { swept <- s.Sweep(context.Background(), now) }()
	for waits := ""; waits != "1"; time.Sleep(10 * time.Millisecond) {
		waits = strs(t, db, "SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%audit_waiting%'")[0]
	}
	if n, err := open(t, o).LinkEntries(t.Context(), 10); n != 3 || err != nil {
		t.Errorf("%d linked, %v", n, err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-swept; err != nil {
		t.Error(err)
	}
	chained(t, s)
	if r := faultless(t, s); r.Entries != 4 || r.Unlinked != 0 {
		t.Errorf("%+v", r)
	}
}
