package store_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
)

// What is planted is like nothing else, so that it is found wherever it lies.
var (
	seed     = []byte("\x01seed\xffcanary\xfe20byte")
	canaries = map[string][]byte{
		"seed":          seed,
		"seed base32":   []byte(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)),
		"seed base64":   []byte(strings.TrimRight(base64.StdEncoding.EncodeToString(seed), "=")),
		"seed hex":      []byte(hex.EncodeToString(seed)),
		"number":        []byte("2125550198"),
		"new number":    []byte("2125550197"),
		"text code":     []byte("918273"),
		"old code":      []byte("645342"),
		"token":         []byte("TOKENCANARYTOKENCANARY0001"),
		"password":      []byte("$argon2id$canary"),
		"mail":          []byte("canary@mail.example"),
		"recovery code": []byte("CANA-RYC0-DE16-CHAR"),
		"code hash":     []byte("recovery-hash-canary"),
		"salt":          []byte("recovery-salt-canary"),
		"message text":  []byte("canary is your text"),
		"dispute":       []byte("where-canary"),
		"audit note":    []byte("note-canary"),
		"audit address": []byte("203.0.113.77"),
		"moved value":   []byte("moved-canary"),
		"return":        []byte("/return/canary"),
	}
)

const plainName = "name-in-clear" // the proof that the search finds anything

// plant stores each of them through the effects that carry it.
func plant(t *testing.T, s *store.Store) {
	t.Helper()
	c := func(name string) string { return string(canaries[name]) }
	who := person.New(plainName, now)
	who.Password, who.Email = c("password"), c("mail")
	hashes := [][]byte{canaries["code hash"]}
	codes := factor.CodeSet{Salt: canaries["salt"], Hashes: hashes, Used: []bool{false}, Before: hashes}
	code := phone.TextCode{Digits: c("text code"), Number: "+1" + c("number"), Owner: "x", Old: []string{c("old code")}, FirstAt: now}
	number := phone.Number{E164: "+1" + c("number"), Country: "US"}
	secret := factor.Secret{Key: seed}
	prepared := flow.Prepared{Codes: []string{c("recovery code")}, Set: &codes}
	attempt := flow.Attempt{ID: flow.HashToken(c("token")), Person: who.ID, MadeAt: now, SeenAt: now, Version: 1,
		Data: flow.Data{TextCode: code, ReturnTo: c("return"), Moved: &flow.Moved{Value: canaries["moved value"]}}}
	setup := flow.Setup{ID: "setup", Person: who.ID, Kind: flow.SetupFirst, SeenAt: now, EndsAt: now.Add(time.Hour), Version: 1, Codes: prepared,
		Data: flow.SetupData{Typed: c("new number"), Number: phone.Number{E164: "+1" + c("new number"), Typed: c("new number")}, Text: code, Secret: secret, Old: []factor.Secret{secret}}}
	row := session.Row{ID: flow.HashToken(c("token") + "s"), Person: who.ID, EndsAt: now.Add(time.Hour), Version: 1,
		Codes: prepared.Codes, CodesUntil: now.Add(time.Hour), Data: session.Data{ReturnTo: c("return")}}
	signedIn, err := session.Issue(session.Proved{Password: true, Factor: "app"}, policy.Need{Known: true, Factor: true}, row)
	if err != nil {
		t.Fatal(err)
	}
	app := factor.New(factor.App, who.ID, "Phone", secret.Encode(), now)
	raw := factor.New(factor.App, who.ID, "Raw", seed, now)
	sent := message.New(who.ID, message.CodeKind, number.E164, "US", c("text code")+" "+c("message text"), now, time.Hour)
	once, late := sent, sent
	once.ID, late.ID = "once", "late"
	entry := audit.New(now, audit.SignedIn, who.ID)
	entry.Note, entry.Address = c("audit note"), c("audit address")
	changed := who
	changed.Password += c("password")
	setup2 := setup
	setup2.Data.Scanned = true
	for _, set := range []change.Set{
		{person.Added{Person: who}, person.Saved{Person: changed}, entry},
		{factor.Bound{Factor: app}, factor.Bound{Factor: raw}, factor.DataSaved{Factor: app},
			factor.Bound{Factor: factor.New(factor.Recovery, who.ID, "", codes.Encode(), now)}},
		{phone.Bound{Phone: phone.New(who.ID, number, now, false)}},
		{flow.AttemptBegun{Attempt: attempt}, flow.AttemptSaved{Attempt: attempt}},
		{flow.SetupBegun{Setup: setup}, flow.SetupSaved{Setup: setup2}, flow.CodesPrepared{ID: setup.ID, Codes: prepared}},
		{session.Begun{Session: signedIn}, session.Saved{Session: signedIn}},
		{person.LinkMade{Link: person.Link{ID: flow.HashToken(c("token") + "l"), Kind: person.Dispute, Person: who.ID, EndsAt: now.Add(time.Hour),
			Data: person.Disputed{Where: c("dispute")}.Encode()}}},
		{message.Queued{Message: sent}, message.Queued{Message: late}, message.Called{ID: sent.ID, Gateway: "g", At: now},
			message.QueuedOnce{Message: once, Once: limit.Spent{Budget: limit.NoticeDay, Key: "notice", Now: now}}},
		{message.Settled{ID: sent.ID, State: message.Sent, At: now}},
	} {
		if err := s.Apply(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sharing(t.Context(), number.E164); err != nil || n != 1 {
		t.Fatalf("the number is had by %d, %v", n, err)
	}
}

// search fails for each secret that stands in what is stored.
func search(t *testing.T, where string, stored []byte) {
	t.Helper()
	for name, secret := range canaries {
		if bytes.Contains(stored, secret) {
			t.Errorf("%s holds the %s in clear", where, name)
		}
	}
}

func TestNoSecretIsInTheFilesOfSQLite(t *testing.T) {
	folder := t.TempDir()
	s := open(t, store.Options{Folder: folder, Keys: keyFile(t)})
	plant(t, s)
	look := func(when string) {
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, file := range files {
			stored, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			search(t, when+" "+filepath.Base(file), stored)
			all = append(all, stored...)
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s %s has the mode %v, %v", when, filepath.Base(file), info.Mode(), err)
			}
		}
		if !bytes.Contains(all, []byte(plainName)) {
			t.Errorf("%s the search of %q finds nothing at all", when, files)
		}
	}
	look("while it is open")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("when it is closed")
	if _, err := os.Stat(filepath.Join(folder, "sallyport.db-wal")); err == nil {
		t.Error("the log is left behind: the database was not closed")
	}
}

func TestNoSecretIsInTheTablesOfPostgreSQL(t *testing.T) {
	dsn := storetest.Postgres(t)
	plant(t, open(t, store.Options{Postgres: dsn, Keys: keyFile(t)}))
	all := dump(t, dsn)
	for table, stored := range all {
		search(t, "table "+table, stored)
	}
	if !bytes.Contains(all["people"], []byte(plainName)) || len(all) < 14 {
		t.Errorf("the search of %d tables finds nothing at all", len(all))
	}
}

// dump is every column of every row of every table.
func dump(t *testing.T, dsn string) map[string][]byte {
	t.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	rows, err := db.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, table := range tables {
		rows, err := db.Query(ctx, "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					all[table] = append(all[table], b...)
				} else {
					all[table] = fmt.Append(all[table], v)
				}
				all[table] = append(all[table], '|')
			}
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		if all[table] == nil {
			all[table] = []byte{}
		}
	}
	return all
}

func TestWhoReadsTheDatabaseCannotMoveASecret(t *testing.T) {
	dsn := storetest.Postgres(t)
	s := open(t, store.Options{Postgres: dsn, Keys: keyFile(t)})
	ada, bob := person.New("ada", now), person.New("bob", now)
	ada.Password, bob.Password = "ada's", "bob's"
	if err := s.Apply(t.Context(), change.Set{person.Added{Person: ada}, person.Added{Person: bob}}); err != nil {
		t.Fatal(err)
	}
	db, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), "UPDATE people SET password = (SELECT password FROM people WHERE name = 'bob') WHERE name = 'ada'"); err != nil {
		t.Fatal(err)
	}
	if p, err := s.PersonByName(t.Context(), "ada"); err == nil {
		t.Errorf("ada reads with the password of bob: %+v", p)
	}
	if p, err := s.PersonByName(t.Context(), "bob"); err != nil || p.Password != "bob's" {
		t.Errorf("bob: %v", err)
	}
}
