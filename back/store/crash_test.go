package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
)

// children are what this test program does instead of its tests where a variable
// says so: it is killed in the middle of that.
var children = map[string]func(folder string) error{
	"STORE_WRITER":   func(folder string) error { return writeOn(folder, os.Getenv("STORE_ROUND")) },
	"STORE_RESTORER": restoreOn,
	"STORE_MIGRATOR": migrateOn,
}

func TestMain(m *testing.M) {
	for variable, run := range children {
		if folder := os.Getenv(variable); folder != "" {
			if err := run(folder); err != nil {
				fmt.Println("failed", err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// childOf is this program as one of its children.
func childOf(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env, child.Stderr = append(os.Environ(), env...), os.Stderr
	return child
}

// The child of TestNothingAcknowledgedIsLostWhenTheProgramIsKilled: it writes
// for ever, and says what was acknowledged.
func writeOn(folder, round string) error {
	keys, err := seal.ReadKeyFile(filepath.Join(folder, "key"))
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), store.Options{Folder: filepath.Join(folder, "data"), Keys: keys, Now: clock})
	if err != nil {
		return err
	}
	errs := make(chan error)
	var mu sync.Mutex
	for writer := range 4 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%d-%d", round, writer, i)
				if err := s.Apply(context.Background(), pair(name)); err != nil {
					errs <- err
				}
				mu.Lock()
				fmt.Println("ok", name)
				mu.Unlock()
			}
		}()
	}
	return <-errs
}

func TestNothingAcknowledgedIsLostWhenTheProgramIsKilled(t *testing.T) {
	folder := t.TempDir()
	key := seal.NewKeyFile()
	if err := os.WriteFile(filepath.Join(folder, "key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ParseKeyFile("key", key)
	if err != nil {
		t.Fatal(err)
	}
	o := store.Options{Folder: filepath.Join(folder, "data"), Keys: keys}
	var acknowledged []string
	for round := range 5 {
		acknowledged = append(acknowledged, killed(t, folder, fmt.Sprint(round), time.Duration(20+round*70)*time.Millisecond)...)
	}
	if len(acknowledged) < 20 {
		t.Fatalf("only %d changes were acknowledged", len(acknowledged))
	}
	t.Logf("%d changes were acknowledged", len(acknowledged))
	s := open(t, o)
	for _, name := range acknowledged {
		if !whole(t, s, name) {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
	everyone, err := s.Everyone(t.Context(), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range everyone[max(0, len(everyone)-500):] {
		whole(t, s, p.Name)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	sound(t, o)
}

// killed runs the writer, kills it some time after its first change, and returns
// what it said.
func killed(t *testing.T, folder, round string, after time.Duration) (acknowledged []string) {
	t.Helper()
	child := childOf(t, "STORE_WRITER="+folder, "STORE_ROUND="+round)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line that broke off was not said
		}
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "ok ")
		if !ok {
			t.Errorf("the writer says %q", line)
		}
		if acknowledged = append(acknowledged, name); len(acknowledged) == 1 {
			time.AfterFunc(after, func() { _ = child.Process.Kill() })
		}
	}
	_ = child.Wait()
	return acknowledged
}

// migrateOn is the child of the tests below: it starts on a database as a program
// does whose migrations lie in a folder.
func migrateOn(folder string) error {
	keys, err := seal.ReadKeyFile(filepath.Join(folder, "key"))
	if err != nil {
		return err
	}
	o := store.Options{Folder: filepath.Join(folder, "data"), Postgres: os.Getenv("STORE_POSTGRES"), Keys: keys, Now: clock}
	s, err := store.Open(context.Background(), o.With(os.DirFS(filepath.Join(folder, "migrations"))))
	if err != nil {
		return err
	}
	fmt.Println("up")
	return s.Close()
}
