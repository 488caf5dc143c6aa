package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/limit"
	"sallyport/core/person"
)

// pair is a change of two parts, which must never be there one without the other.
func pair(name string) change.Set {
	p := person.New(name, now)
	p.Groups = []string{strings.Repeat("g", 2000)} // it takes room
	e := audit.New(now, audit.PersonAdded, name)
	e.Note = p.Groups[0]
	return change.Set{person.Added{Person: p}, e}
}

// whole says whether a pair is there, and fails where it is half there.
func whole(t *testing.T, s *store.Store, name string) bool {
	t.Helper()
	p, err := s.PersonByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), name, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	if (p != nil) != (len(events) == 1) {
		t.Errorf("%s is half there: person %v, %d entries", name, p != nil, len(events))
	}
	return p != nil
}

func TestAFullDiskIsSaidAndLeavesNothingHalf(t *testing.T) {
	t.Run("no space", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Log("only root can mount; the file-size limit below stands in")
			return
		}
		folder := t.TempDir()
		if err := syscall.Mount("none", folder, "tmpfs", 0, "size=2m"); err != nil {
			t.Logf("mount: %v; the file-size limit below stands in", err)
			return
		}
		t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
		ballast := filepath.Join(folder, "ballast")
		fillUp(t, folder, func() error { return os.WriteFile(ballast, make([]byte, 1<<20), 0o600) }, func() error { return os.Remove(ballast) })
	})
	t.Run("file-size limit", func(t *testing.T) {
		signal.Ignore(syscall.SIGXFSZ)
		defer signal.Reset(syscall.SIGXFSZ)
		var before syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
		limited := before
		limited.Cur = 1 << 20
		back := func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) }
		defer func() { _ = back() }()
		fillUp(t, t.TempDir(), func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited) }, back)
	})
}

// fillUp writes until there is no more room, and then gives room.
func fillUp(t *testing.T, folder string, less, more func() error) {
	o := store.Options{Folder: folder, Keys: keyFile(t)}
	s := open(t, o)
	if err := errors.Join(s.Apply(t.Context(), pair("before")), less()); err != nil {
		t.Fatal(err)
	}
	names, failed := []string{"before"}, 0
	for i := 0; failed < 5; i++ {
		name := fmt.Sprintf("p%d", i)
		err := s.Apply(t.Context(), pair(name))
		if err == nil && i < 5000 {
			names = append(names, name)
			continue
		}
		if !errors.Is(err, fault.ErrDown) {
			t.Fatalf("change %d: %v", i, err)
		}
		failed++
		if whole(t, s, name) {
			t.Errorf("%s failed and is there", name)
		}
	}
	if err := s.Ready(t.Context(), now); err != nil && !errors.Is(err, fault.ErrDown) {
		t.Errorf("ready: %v", err)
	}
	for _, name := range names {
		if !whole(t, s, name) {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
	t.Logf("full after %d changes", len(names))
	if err := more(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ready(t.Context(), now), s.Apply(t.Context(), pair("after"))); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	sound(t, o)
	s = open(t, o)
	for _, name := range append(names, "after") {
		if !whole(t, s, name) {
			t.Errorf("%s is gone when opened again", name)
		}
	}
}

// sound lets SQLite look for damage.
func sound(t *testing.T, o store.Options) {
	t.Helper()
	var verdict string
	if err := raw(t, o).QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the database is %s, %v", verdict, err)
	}
}

func TestAFullDiskIsNotReady(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	s := open(t, store.Options{Folder: t.TempDir(), Keys: keyFile(t)})
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	none := before
	none.Cur = 64 << 10 // less than the log of the database has, more than that of the testing package
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none); err != nil {
		t.Fatal(err)
	}
	err := s.Ready(t.Context(), now)
	if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); back != nil {
		t.Fatal(back)
	}
	if !errors.Is(err, fault.ErrDown) {
		t.Errorf("without room it says %v", err)
	}
	if err := s.Ready(t.Context(), now); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestPostgreSQLMayGoAndComeBack(t *testing.T) {
	server := storetest.StartServer(t)
	s := open(t, store.Options{Postgres: server.DSN(), Keys: keyFile(t)})
	var acknowledged, failed []string
	var mu sync.Mutex
	work, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for i := 0; work.Err() == nil; i++ {
				name := fmt.Sprintf("w%d-%d", writer, i)
				err := s.Apply(context.Background(), pair(name))
				mu.Lock()
				if err == nil {
					acknowledged = append(acknowledged, name)
				} else {
					failed = append(failed, name)
					if !errors.Is(err, fault.ErrDown) {
						t.Errorf("%s: %v", name, err)
					}
				}
				mu.Unlock()
				if err != nil {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	server.Stop() // in the middle of their changes
	began := time.Now()
	_, err := s.PersonByName(t.Context(), "ada")
	if !errors.Is(err, fault.ErrDown) {
		t.Errorf("reading: %v", err)
	}
	if err := s.Ready(t.Context(), now); !errors.Is(err, fault.ErrDown) {
		t.Errorf("ready: %v", err)
	}
	if _, err := s.Sharing(t.Context(), "+12125550100"); !errors.Is(err, fault.ErrDown) {
		t.Errorf("counting: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("to say so took %v", took)
	}
	time.Sleep(100 * time.Millisecond)
	stop()
	wg.Wait()
	server.Start()
	if err := s.Apply(t.Context(), pair("after")); err != nil {
		t.Errorf("the first change after it came back: %v", err)
	}
	for _, name := range acknowledged {
		if !whole(t, s, name) {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
	for _, name := range failed {
		whole(t, s, name)
	}
	if len(acknowledged) == 0 || len(failed) == 0 {
		t.Errorf("%d changes were taken, %d failed: it was not in the middle", len(acknowledged), len(failed))
	}

	// Connections that lie idle break with the server too; the driver looks after
	// those that lay idle for a second.
	server.Stop()
	server.Start()
	time.Sleep(1100 * time.Millisecond)
	if _, err := s.PersonByName(t.Context(), "ada"); err != nil {
		t.Errorf("the first reading after a restart: %v", err)
	}
	server.Stop()
	server.Start()
	time.Sleep(1100 * time.Millisecond)
	if err := s.Apply(t.Context(), pair("restarted")); err != nil {
		t.Errorf("the first change after a restart: %v", err)
	}
}

// A right guess waits for the wrong ones that are under way: it must not be
// judged by what was before them.
func TestAGuessWaitsForThoseUnderWay(t *testing.T) {
	o := store.Options{Postgres: storetest.Postgres(t), Keys: keyFile(t)}
	s := open(t, o)
	b := limit.Budget{Name: "codes", Max: 10, Window: time.Hour, Waits: limit.Codes.Waits}
	spent := limit.Spent{Budget: b, Key: b.Name, Now: now}
	if err := s.Apply(t.Context(), change.Set{spent}); err != nil {
		t.Fatal(err)
	}
	tx, err := raw(t, o).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "UPDATE limits SET used = 0, until_at = $1 WHERE key = $2", now.Add(time.Hour).UnixMilli(), b.Name); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		answer <- s.Apply(context.Background(), change.Set{limit.Within{Budget: b, Key: b.Name, Now: now}})
	}()
	select {
	case err := <-answer:
		t.Errorf("it overtook: %v", err)
	case <-time.After(300 * time.Millisecond):
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, refused := errors.AsType[*change.Refused](<-answer); !refused {
			t.Error("it was taken though the budget was used up before it")
		}
	}
}

// hold keeps the writer of the embedded database waiting, so that what is
// applied meanwhile is committed as one group.
func hold(t *testing.T, o store.Options) (release func()) {
	t.Helper()
	conn, err := raw(t, o).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := func(statement string) {
		if _, err := conn.ExecContext(context.Background(), statement); err != nil {
			t.Error(err)
		}
	}
	begin("PRAGMA busy_timeout = 5000")
	begin("BEGIN IMMEDIATE")
	return func() {
		begin("COMMIT")
		_ = conn.Close()
	}
}

type unknown struct{ change.Mark }

func TestAChangeThatFailsHarmsNoNeighbour(t *testing.T) {
	o := store.Options{Folder: t.TempDir(), Keys: keyFile(t)}
	s := open(t, o)
	if err := s.Apply(t.Context(), pair("taken")); err != nil {
		t.Fatal(err)
	}
	release := hold(t, o)
	const n = 60
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			set := pair(fmt.Sprintf("p%d", i))
			switch i % 5 {
			case 1:
				set = append(set, person.Added{Person: person.New("taken", now)}) // refused
			case 2:
				set = append(set, unknown{}) // fails
			case 3:
				set = append(set, audit.Entry{At: now}) // panics: nothing can be sealed for it
			case 4:
				again := set[1].(audit.Entry)
				set = append(set, again) // breaks a constraint
			}
			errs[i] = s.Apply(context.Background(), set)
		})
	}
	time.Sleep(200 * time.Millisecond)
	release()
	wg.Wait()
	for i, err := range errs {
		_, refused := errors.AsType[*change.Refused](err)
		if want := i%5 == 0; (err == nil) != want || refused != (i%5 == 1) || !want && !refused && !errors.Is(err, fault.ErrDown) {
			t.Errorf("change %d: %v", i, err)
		}
		if there := whole(t, s, fmt.Sprintf("p%d", i)); there != (err == nil) {
			t.Errorf("change %d: there %v, error %v", i, there, err)
		}
	}
}

func TestAWriterThatIsHeldUpForLongFailsAndGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for SQLite's busy time")
	}
	o := store.Options{Folder: t.TempDir(), Keys: keyFile(t)}
	s := open(t, o)
	release := hold(t, o)
	if err := s.Apply(t.Context(), pair("held-up")); !errors.Is(err, fault.ErrDown) {
		t.Errorf("it says %v", err)
	}
	release()
	if whole(t, s, "held-up") {
		t.Error("it failed and is there")
	}
	if err := s.Apply(t.Context(), pair("after")); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestClosing(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		const n = 40
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = s.Apply(context.Background(), pair(fmt.Sprintf("p%d", i))) })
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		wg.Wait()
		if err := s.Apply(t.Context(), pair("late")); !errors.Is(err, fault.ErrDown) {
			t.Errorf("apply after close: %v", err)
		}
		if _, err := s.PersonByName(t.Context(), "p0"); !errors.Is(err, fault.ErrDown) {
			t.Errorf("read after close: %v", err)
		}
		again := open(t, o)
		for i, err := range errs {
			if there := whole(t, again, fmt.Sprintf("p%d", i)); err == nil && !there {
				t.Errorf("change %d was acknowledged and is gone", i)
			}
		}
		if whole(t, again, "late") {
			t.Error("a change was applied after close")
		}
	})
}
