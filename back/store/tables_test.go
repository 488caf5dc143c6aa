package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sallyport/back/backup"
	"sallyport/back/store"
	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// migrations are those of this program up to a version, as files of the test's own.
func migrations(t *testing.T, until int64) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(store.Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(store.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && n <= until {
			files[path.Base(name)] = &fstest.MapFile{Data: text}
		}
	}
	return files
}

func newest(t *testing.T) int64 {
	t.Helper()
	n, err := store.Options{}.Newest()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func tablesAt(t *testing.T, version int64) []store.Table {
	t.Helper()
	list, err := store.Options{}.Tables(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What is written in the migrations, and what the databases have, is what a
// backup takes.
func TestNoTableIsForgotten(t *testing.T) {
	var made, taken []string
	for _, file := range migrations(t, math.MaxInt64) {
		for _, m := range regexp.MustCompile(`(?im)^\s*(CREATE|DROP) TABLE (?:IF (?:NOT )?EXISTS )?(\w+)`).FindAllStringSubmatch(string(file.Data), -1) {
			if made = append(made, m[2]); strings.EqualFold(m[1], "DROP") {
				t.Errorf("%s is dropped: this test cannot see whether it is made again", m[2])
			}
		}
	}
	for _, table := range tablesAt(t, newest(t)) {
		taken = append(taken, table.Name)
	}
	slices.Sort(made)
	if !slices.Equal(made, taken) || len(taken) < 13 {
		t.Errorf("the migrations make %q\nand a backup takes  %q", made, taken)
	}
	on(t, func(t *testing.T, o store.Options) {
		if err := open(t, o).Close(); err != nil {
			t.Fatal(err)
		}
		names := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
		if o.Postgres != "" {
			names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
		}
		there := strs(t, raw(t, o), names)
		there = slices.DeleteFunc(there, func(name string) bool { return name == "goose_db_version" })
		slices.Sort(there)
		if !slices.Equal(there, taken) {
			t.Errorf("the database has %q\nand a backup takes %q", there, taken)
		}
	})
}

func strs(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// renamed are columns by the names that they had before, and have now.
var renamed = map[string]map[string]string{"messages": {"number": "address"}}

// today is a table as the newest schema calls its columns.
func today(table store.Table) store.Table {
	table.Columns = slices.Clone(table.Columns)
	for i, column := range table.Columns {
		if now := renamed[table.Name][column]; now != "" {
			table.Columns[i] = now
		}
	}
	return table
}

// contents are all rows of some tables, by table and first column, as any database
// that holds the same gives them.
func contents(t *testing.T, o store.Options, list []store.Table) map[string]map[string][]any {
	t.Helper()
	db := raw(t, o)
	defer db.Close()
	all := map[string]map[string][]any{}
	for _, table := range list {
		cells, err := backup.Cells(table)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.QueryContext(t.Context(), "SELECT "+strings.Join(table.Columns, ", ")+" FROM "+table.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[table.Name] = map[string][]any{}
		for rows.Next() {
			if err := rows.Scan(cells...); err != nil {
				t.Fatal(err)
			}
			var row []any
			for _, cell := range cells {
				v := backup.Plain(cell)
				if b, ok := v.([]byte); ok {
					v = fmt.Sprintf("%d bytes %x", len(b), b)
				}
				row = append(row, v)
			}
			all[table.Name][fmt.Sprint(row[0])] = row
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return all
}

// alike compares the rows of tables.
func alike(t *testing.T, want, got map[string]map[string][]any) {
	t.Helper()
	for name, rows := range want {
		if len(rows) == 0 {
			t.Errorf("table %s has no row to compare", name)
		}
		if a, b := slices.Sorted(maps.Keys(rows)), slices.Sorted(maps.Keys(got[name])); !slices.Equal(a, b) {
			t.Errorf("table %s has the rows %q, want %q", name, b, a)
		}
		for id, row := range rows {
			if !slices.Equal(row, got[name][id]) {
				t.Errorf("table %s:\n%v, want\n%v", name, got[name][id], row)
			}
		}
	}
}

// put writes a row into a database as it is.
func put(t *testing.T, db *sql.DB, table store.Table, row []any) {
	t.Helper()
	places := make([]string, len(row))
	for i := range row {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO "+table.Name+" ("+strings.Join(table.Columns, ", ")+") VALUES ("+strings.Join(places, ", ")+")", row...); err != nil {
		t.Fatalf("%s: %v", table.Name, err)
	}
}

// fill puts rows into every table but that of the keys, whose columns hold what is
// hard to carry: the ends of numbers, empty and odd text, all bytes.
func fill(t *testing.T, o store.Options, list []store.Table) {
	t.Helper()
	db := raw(t, o)
	defer db.Close()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	texts := []string{"", "a\"b\\c'd\n\t\r{[<&>]}", "é\u202e𝟛\ufeff\u2028雪", strings.Repeat("long ", 2000)}
	numbers := []int64{0, math.MaxInt64, math.MinInt64, 1<<53 + 1}
	blobs := [][]byte{{}, every, {0}, []byte(strings.Repeat("\xff\n", 5000))}
	for _, table := range list {
		if table.Name == "keys" {
			continue
		}
		for n := range texts {
			var row []any
			for i, kind := range table.Types {
				switch {
				case kind == "TEXT" && i == 0:
					row = append(row, fmt.Sprintf("%s %d", table.Name, n))
				case kind == "TEXT" && table.Columns[i] == "state":
					row = append(row, []string{"sent", "waiting", "calling", "late"}[n])
				case kind == "TEXT":
					row = append(row, texts[(n+i)%len(texts)])
				case kind == "BIGINT":
					row = append(row, numbers[(n+i)%len(numbers)])
				case kind == "BOOLEAN":
					row = append(row, (n+i)%2 == 0)
				case kind == "BYTEA":
					row = append(row, blobs[(n+i)%len(blobs)])
				default:
					t.Fatalf("%s.%s: nothing to fill a %s with", table.Name, table.Columns[i], kind)
				}
			}
			put(t, db, table, row)
		}
	}
}

// settle is the same after a restoring, which changes nothing else. Known browsers,
// set-ups and tokens do not come along, nor do leases: it says how many rows these are.
func settle(rows map[string]map[string][]any, list []store.Table) (left int) {
	for _, table := range []string{"known", "setups", "leases", "tokens"} {
		left += len(rows[table])
		delete(rows, table)
	}
	for _, table := range list {
		for _, row := range rows[table.Name] {
			set := func(column string, v any) {
				if i := slices.Index(table.Columns, column); i >= 0 {
					row[i] = v
				}
			}
			set("lease_at", int64(0))
			get := func(column string) any { return row[slices.Index(table.Columns, column)] }
			later := func(column string) bool { return get(column).(int64) > now.UnixMilli() }
			switch table.Name {
			case "sessions":
				if get("ended_at") == int64(0) && later("ends_at") {
					set("ended_at", now.UnixMilli())
					set("ended_why", "operator")
				}
			case "attempts":
				if get("ended_at") == int64(0) {
					set("ended_at", now.UnixMilli())
					set("ended_why", "left")
				}
			case "grants":
				if get("ended_at") == int64(0) {
					set("ended_at", now.UnixMilli())
					set("ended_why", "incident")
				}
				set("tell_at", int64(0))
			case "recoveries":
				if get("ended_at") == int64(0) && later("until_at") {
					set("ended_at", now.UnixMilli())
					set("ended_why", "restored")
				}
			case "links":
				if get("spent_at") == int64(0) && get("replaced_at") == int64(0) && later("ends_at") && get("kind") != "dispute" {
					set("replaced_at", now.UnixMilli())
				}
			}
			if table.Name != "messages" {
				continue
			}
			if state := row[slices.Index(table.Columns, "state")]; state == "waiting" || state == "calling" {
				set("state", "unknown")
				set("reason", "restored from a backup")
				set("body", "0 bytes ")
				set("subject", "0 bytes ")
				set("done_at", now.UnixMilli())
			}
		}
	}
	return left
}

// plantAll plants a real row in every table.
func plantAll(t *testing.T, s *store.Store) {
	t.Helper()
	plant(t, s)
	if err := s.Apply(t.Context(), change.Set{
		session.Recognised{Browser: session.KnownBrowser{ID: "b", Token: "t", Person: "p", MadeAt: now, SeenAt: now, EndsAt: now.Add(session.KnownFor)}},
		flow.RecoveryAsked{Recovery: flow.Recovery{ID: "r", Person: "p", Phone: "n", AskedAt: now, OpenAt: now, Until: now}},
	}); err != nil {
		t.Fatal(err)
	}
	row := session.Row{ID: "behind", Person: "p", Family: "family", MadeAt: now, SeenAt: now, EndsAt: now.Add(time.Hour), Version: 1}
	behind, err := session.Issue(session.Proved{Password: true, Factor: "app"}, policy.Need{Known: true, Factor: true}, row)
	if err != nil {
		t.Fatal(err)
	}
	site := app.App{ID: "wiki", Name: "Wiki", Addresses: []string{"https://wiki.example.org"}, Access: app.Access{Groups: []string{app.Everyone}, Need: app.Need{Factors: app.Two}}}
	if err := s.Apply(t.Context(), change.Set{session.Begun{Session: behind}, app.Saved{App: site},
		door.Opened{Door: door.Door{ID: "d", Family: "family", Person: "p", Origin: "https://wiki.example.org", MadeAt: now, EndsAt: now.Add(time.Hour)}}}); err != nil {
		t.Fatal(err)
	}
	let := grant.Grant{ID: "g", Client: "wiki", Person: "p", Family: "family", Code: "c", MadeAt: now, CodeEndsAt: now.Add(time.Minute), EndsAt: now.Add(time.Hour)}
	if err := s.Apply(t.Context(), change.Set{grant.Begun{Grant: let}, grant.Issued{Token: grant.Token{ID: "k", Kind: grant.Access, Grant: "g", MadeAt: now, EndsAt: now.Add(time.Hour)}},
		grant.Consented{Consent: grant.Consent{ID: "o", Person: "p", Client: "wiki", MadeAt: now}}, grant.AssertionSpent{ID: "a", EndsAt: now.Add(time.Hour)},
		grant.KeyMade{Key: grant.Key{ID: "RS256-1", Algorithm: grant.RS256, KID: "kid", Private: []byte("key"), MadeAt: now, UseAt: now}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), store.NodeAlive("n", now)); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(context.Background(), now); err != nil {
		t.Fatal(err)
	}
	old := audit.New(now.AddDate(0, 0, -100), audit.PasswordWrong, "") // leaves a gap
	if err := s.Apply(t.Context(), change.Set{old, audit.Leased{Name: "x", Holder: "node", Now: now, Until: now.Add(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	chained(t, s)
	if _, err := s.SignHead(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}
