package storetest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sallyport/back/storetest"
)

func connect(t testing.TB, dsn string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	db, err := pgx.Connect(ctx, dsn)
	if err == nil {
		t.Cleanup(func() { _ = db.Close(context.Background()) })
	}
	return db, err
}

func mustConnect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	db, err := connect(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func mustExec(t testing.TB, db *pgx.Conn, statement string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestEveryTestHasAnEmptyDatabaseOfItsOwn(t *testing.T) {
	var seen []string
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			dsn := storetest.Postgres(t)
			seen = append(seen, dsn)
			db := mustConnect(t, dsn)
			var tables int
			if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil || tables != 0 {
				t.Errorf("it holds %d tables, %v", tables, err)
			}
			mustExec(t, db, "CREATE TABLE people (id BIGINT)")
			var encoding string
			if err := db.QueryRow(t.Context(), "SHOW server_encoding").Scan(&encoding); err != nil || encoding != "UTF8" {
				t.Errorf("the encoding is %s, %v", encoding, err)
			}
		})
	}
	switch {
	case len(seen) != 3:
	case seen[0] == seen[1] || seen[1] == seen[2] || seen[0] == seen[2]:
		t.Errorf("one database for two tests: %s", seen)
	default:
		if _, err := connect(t, seen[0]); err == nil {
			t.Error("the database outlives its test")
		}
	}
}

func TestTheServerIsNotOpenToEveryone(t *testing.T) {
	config, err := pgx.ParseConfig(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "wrong"
	if _, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Error("any password will do")
	}
}

func TestAServerMayGoAndComeBack(t *testing.T) {
	s := storetest.StartServer(t)
	dsn := s.DSN()
	before := mustConnect(t, dsn)
	mustExec(t, before, "CREATE TABLE people (id BIGINT)")
	mustExec(t, before, "INSERT INTO people VALUES (7)")

	s.Stop()
	if _, err := before.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the connection still works")
	}
	if _, err := connect(t, dsn); err == nil {
		t.Error("the server still answers")
	}

	s.Start()
	if s.DSN() != dsn {
		t.Errorf("the address was %s and is %s", dsn, s.DSN())
	}
	var id int
	if err := mustConnect(t, dsn).QueryRow(t.Context(), "SELECT id FROM people").Scan(&id); err != nil || id != 7 {
		t.Errorf("what was committed reads %d, %v", id, err)
	}
}

// This test program runs itself, and is then killed as go test would.
func TestTheServerEndsWithTheTestProgramHoweverItEnds(t *testing.T) {
	if os.Getenv("STORETEST_HOLD") != "" {
		fmt.Printf("dsn %s\n", storetest.Postgres(t))
		time.Sleep(time.Hour)
	}
	tmp, err := os.MkdirTemp("", "storetest-") // not t.TempDir: the user postgres must get in
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}

	held := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	held.Env = append(os.Environ(), "STORETEST_HOLD=1", "TMPDIR="+tmp)
	out, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	dsn := ""
	for lines := bufio.NewScanner(out); dsn == "" && lines.Scan(); {
		_, dsn, _ = strings.Cut(lines.Text(), "dsn ")
	}
	if dsn == "" {
		t.Fatalf("the program has started no server: %v", held.Wait())
	}
	mustConnect(t, dsn)
	if err := errors.Join(held.Process.Kill(), errWithout(held.Wait())); err != nil {
		t.Fatal(err)
	}

	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := connect(t, dsn)
		left := leftovers(t, tmp)
		if err != nil && left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("20 s after its program was killed the server is there: connect says %v, left is %q", err, left)
		}
	}
}

// errWithout drops the error that says that the program was killed.
func errWithout(err error) error {
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// leftovers names what lies in the folder besides the archive for next time.
func leftovers(t *testing.T, dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".tar") {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}
