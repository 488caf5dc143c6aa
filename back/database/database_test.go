package database_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"sallyport/back/database"
	"sallyport/back/storetest"
	"sallyport/core/change"
)

type silent struct{}

func (silent) Committed(int) {}
func (silent) Retried()      {}

// pooler stands before a server and gives each client a number of its own for
// cancelling, as poolers do, while it is on.
type pooler struct {
	server string
	on     atomic.Bool
}

func (p *pooler) serve(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(client)
		}
	}()
	return l.Addr().String()
}

func (p *pooler) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if head[0] == 'K' && p.on.Load() {
			body[0] ^= 0x55 // BackendKeyData: process, then secret
		}
		if _, err := client.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// behind is a database behind the pooler.
func behind(t *testing.T, p *pooler) *database.Postgres {
	t.Helper()
	u, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	p.server = u.Host
	u.Host = p.serve(t)
	db, err := database.OpenPostgres(u.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	pg := database.NewPostgres(db, silent{})
	t.Cleanup(func() { _ = pg.Close() })
	return pg
}

// preparedBy is how many statements a connection has prepared after a question
// was asked twice.
func preparedBy(t *testing.T, db database.Database) (n int) {
	t.Helper()
	one := database.Question{Query: "SELECT $1::bigint", Args: []any{int64(1)}, Each: func(r database.Row) error { var n int; return r.Scan(&n) }}
	count := database.Question{Query: "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement = $1", Args: []any{one.Query},
		Each: func(r database.Row) error { return r.Scan(&n) }}
	if err := database.Ask(t.Context(), db, func() []database.Question { return []database.Question{one, one, count} }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStatementsArePreparedWhereNothingStandsBetween(t *testing.T) {
	if n := preparedBy(t, behind(t, &pooler{})); n != 1 {
		t.Errorf("on the server's own connection %d statements are prepared", n)
	}
	p := &pooler{}
	p.on.Store(true)
	if n := preparedBy(t, behind(t, p)); n != 0 {
		t.Errorf("behind a pooler %d statements are prepared", n)
	}
}

func TestAPoolerMayComeAndGo(t *testing.T) {
	p := &pooler{}
	db := behind(t, p)
	if n := preparedBy(t, db); n != 1 {
		t.Fatalf("%d statements are prepared", n)
	}
	held, release := make(chan struct{}), make(chan struct{})
	go func() { // keeps the connection that was made before
		_ = db.Write(context.Background(), func(ctx context.Context, tx database.Tx) error {
			_, err := tx.Exec(ctx, database.Statement{Query: "SELECT 1"})
			close(held)
			<-release
			return err
		})
	}()
	<-held
	defer close(release)
	p.on.Store(true)
	if err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.Run(ctx, database.Statement{Query: "SELECT 1"})
	}); err != nil {
		t.Errorf("the first change behind it: %v", err)
	}
	if n := preparedBy(t, db); n != 0 {
		t.Errorf("behind it %d statements are prepared", n)
	}
}

// On PostgreSQL the statements of a change go out together: those behind a
// condition that did not hold have run, and must be neither kept nor told of.
func TestOfSeveralConditionsTheFirstIsTold(t *testing.T) {
	db := behind(t, &pooler{})
	must := func(name, query string) database.Statement {
		return database.Statement{Of: effect{name: name}, One: true, Query: query}
	}
	if err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.Run(ctx, database.Statement{Query: "CREATE TABLE told (n INT PRIMARY KEY)"})
	}); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		for _, s := range []database.Statement{
			must("good", "INSERT INTO told VALUES (1)"), must("first", "DELETE FROM told WHERE n = 2"),
			must("second", "DELETE FROM told WHERE n = 3"), must("broken", "INSERT INTO told VALUES (1)"),
		} {
			if err := tx.Run(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	refused, ok := errors.AsType[*change.Refused](err)
	if !ok || refused.Effect.(effect).name != "first" {
		t.Errorf("it says %v", err)
	}
	left := -1
	count := database.Question{Query: "SELECT COUNT(*) FROM told", Each: func(r database.Row) error { return r.Scan(&left) }}
	if err := db.Read(t.Context(), []database.Question{count}); err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
}

type effect struct {
	change.Mark
	name string
}

func TestWhoWaitsForAReaderMayLeave(t *testing.T) {
	file := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=journal_mode(WAL)"
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db, err := database.NewSQLite(t.Context(), open(), open(), 1, silent{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := func(each func(database.Row) error) []database.Question {
		return []database.Question{{Query: "SELECT 1", Each: each}}
	}
	held, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.Read(context.Background(), one(func(database.Row) error { close(held); <-release; return nil }))
	}()
	<-held
	if p := db.Pool(); p.InUse != 1 || p.Idle != 0 {
		t.Errorf("%d read, %d rest", p.InUse, p.Idle)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := db.Read(ctx, one(func(database.Row) error { return nil })); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who waited in vain is told %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if p := db.Pool(); p.InUse != 0 || p.Idle != 1 || p.WaitDuration == 0 { // its time began before its wait
		t.Errorf("%d read, %d rest, waited %v", p.InUse, p.Idle, p.WaitDuration)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
