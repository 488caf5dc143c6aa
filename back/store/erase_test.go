package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/session"
)

// tables are the names of all tables.
func tables(t *testing.T, db *sql.DB, o store.Options) (names []string) {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if o.Postgres != "" {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// holding are the rows of every table in which one of the words stands in clear.
func holding(t *testing.T, o store.Options, words ...string) map[string]int {
	t.Helper()
	db, found := raw(t, o), map[string]int{}
	for _, table := range tables(t, db, o) {
		rows, err := db.QueryContext(context.Background(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			to := make([]any, len(columns))
			for i := range values {
				to[i] = &values[i]
			}
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				text += fmt.Sprint(v) + "|"
			}
			for _, word := range words {
				if strings.Contains(text, word) {
					found[table]++
					break
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return found
}

func TestNoRowLeadsToSomebodyWhoWasDeleted(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		plant(t, s)
		ada, err := s.PersonByName(t.Context(), plainName)
		if err != nil || ada == nil {
			t.Fatal(ada, err)
		}
		bob := person.New("bob", now)
		byAda := audit.New(now, audit.PersonChanged, bob.ID)
		byAda.Actor = ada.ID
		for _, set := range []change.Set{
			{person.Added{Person: bob}, byAda, audit.New(now, audit.SignedIn, bob.ID)},
			{session.Recognised{Browser: session.KnownBrowser{ID: "known", Token: "t", Person: ada.ID, EndsAt: now.Add(time.Hour)}},
				flow.RecoveryAsked{Recovery: flow.Recovery{ID: "recovery", Person: ada.ID, Until: now.Add(time.Hour)}},
				limit.Spent{Budget: limit.Codes, Key: limit.Codes.Key(ada.ID, "others"), Now: now},
				limit.Spent{Budget: limit.Codes, Key: limit.Codes.Key(bob.ID, "others"), Now: now}},
		} {
			if err := s.Apply(t.Context(), set); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"people", "factors", "phones", "attempts", "setups", "recoveries", "sessions", "known", "links", "messages", "audit", "limits"} {
			if holding(t, o, ada.ID)[table] == 0 {
				t.Errorf("nothing of hers is in %s: the test would not see that it stays", table)
			}
		}
		k, err := s.Kept(t.Context(), ada.ID)
		if err != nil || len(k.Factors) == 0 || len(k.Phones) == 0 || len(k.Sessions) == 0 || len(k.Known) == 0 || len(k.Attempts) == 0 || len(k.Setups) == 0 ||
			len(k.Recoveries) == 0 || len(k.Links) == 0 || len(k.Messages) == 0 || len(k.Entries) == 0 {
			t.Errorf("kept about her: %+v, %v", k, err)
		}
		signed := holdingParts(t, o)
		entries := len(signed)
		if err := s.Apply(t.Context(), change.Set{person.Deleted{ID: ada.ID}}); err != nil {
			t.Fatal(err)
		}
		if left := holding(t, o, ada.ID, plainName); len(left) > 0 {
			t.Errorf("rows still lead to her: %v", left)
		}
		if left := holding(t, o, bob.ID); left["people"] != 1 || left["audit"] != 2 || left["limits"] < 1 {
			t.Errorf("of somebody else there is left: %v", left)
		}
		after := holdingParts(t, o)
		if len(after) != entries {
			t.Errorf("%d entries, before there were %d", len(after), entries)
		}
		for id, parts := range after {
			if parts == "" || parts != signed[id] {
				t.Errorf("entry %s has the hash %q, before %q", id, parts, signed[id])
			}
		}
		err = s.Apply(t.Context(), change.Set{person.Deleted{ID: ada.ID}})
		if _, refused := err.(*change.Refused); !refused {
			t.Errorf("deleted twice: %v", err)
		}
		if again, err := s.Events(t.Context(), strs(t, raw(t, o), "SELECT DISTINCT person FROM audit WHERE person LIKE 'erased:%'")[0], 100, 0); err != nil || len(again) == 0 || again[0].Address != "" || again[0].Note != "" {
			t.Errorf("what is left of her entries: %+v, %v", again, err)
		}
	})
}

// holdingParts are the hashes of what can be erased, by entry.
func holdingParts(t *testing.T, o store.Options) map[string]string {
	t.Helper()
	rows, err := raw(t, o).QueryContext(context.Background(), "SELECT id, mac || parts_hash FROM audit")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var id, parts string
		if err := rows.Scan(&id, &parts); err != nil {
			t.Fatal(err)
		}
		all[id] = parts
	}
	return all
}
