package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/limit"
)

// rate calls do from some goroutines for a while, and returns how many calls a
// second there were and the longest of them. The number of the caller is for do.
func rate(writers int, length time.Duration, do func(writer int) error) (perSecond float64, worst time.Duration, err error) {
	var wg sync.WaitGroup
	var done, longest atomic.Int64
	var first atomic.Pointer[error]
	began := time.Now()
	for w := range writers {
		wg.Go(func() {
			for time.Since(began) < length && first.Load() == nil {
				at := time.Now()
				if err := do(w); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				done.Add(1)
				for took := int64(time.Since(at)); ; {
					if most := longest.Load(); took <= most || longest.CompareAndSwap(most, took) {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	if e := first.Load(); e != nil {
		return 0, 0, *e
	}
	return float64(done.Load()) / time.Since(began).Seconds(), time.Duration(longest.Load()), nil
}

// commits measures small durable changes through the store against the disk's own.
func (b *bench) commits() error {
	p, err := b.install("", "")
	if err != nil {
		return err
	}
	s, err := p.open(b)
	if err != nil {
		return err
	}
	defer s.Close()
	sync, done, err := syncer(p.folder)
	if err != nil {
		return err
	}
	defer done()
	raw, err := sqlite(b, filepath.Join(p.folder, "raw.db"))
	if err != nil {
		return err
	}
	defer raw.Close()
	one := row{what: "commits through the store, 1 writer", unit: "/s", by: "fdatasync of 4 KB", goals: []goal{least("ratio", 0.7)}}
	many := row{what: "commits through the store, 32 writers", unit: "/s", by: "fdatasync of 4 KB", goals: []goal{least("ratio", 5)}}
	against := row{what: "the same, beside the database's own", unit: "/s", by: "SQLite, one row a commit"}
	length := few(b, 300*time.Millisecond, 2*time.Second)
	for range few(b, 3, 7) {
		for _, m := range []struct {
			writers int
			do      func(int) error
			to      []*figures
		}{
			{1, func(int) error { return sync() }, []*figures{&one.limit, &many.limit}},
			{1, raw.commit(b), []*figures{&against.limit}},
			{1, spend(b, s), []*figures{&one.ours, &against.ours}},
			{32, spend(b, s), []*figures{&many.ours}},
		} {
			n, _, err := rate(m.writers, length, m.do)
			if err != nil {
				return err
			}
			for _, to := range m.to {
				*to = append(*to, n)
			}
		}
	}
	b.rows = append(b.rows, one, many, against)
	return nil
}

// spend is the smallest change that the portal makes: one more in a budget.
func spend(ctx context.Context, s *store.Store) func(int) error {
	return func(writer int) error {
		return s.Apply(ctx, change.Set{limit.Spent{Budget: limit.Year, Key: fmt.Sprint("bench/", writer), Now: time.Now(), Free: true}})
	}
}

// syncer writes 4 KB in place and waits until they are on the disk.
func syncer(folder string) (commit func() error, done func() error, err error) {
	const page, pages = 4096, 1024
	f, err := os.Create(filepath.Join(folder, "raw"))
	if err != nil {
		return nil, nil, err
	}
	block := make([]byte, page)
	for range pages {
		if _, err := f.Write(block); err != nil {
			return nil, nil, err
		}
	}
	if err := f.Sync(); err != nil {
		return nil, nil, err
	}
	at := int64(0)
	return func() error {
		at = (at + 1) % pages
		if _, err := f.WriteAt(block, at*page); err != nil {
			return err
		}
		return syscall.Fdatasync(int(f.Fd()))
	}, f.Close, nil
}

type rawSQLite struct{ *sql.DB }

// sqlite is a database with the settings of ours and one row, by the driver alone.
func sqlite(ctx context.Context, file string) (rawSQLite, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return rawSQLite{}, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "CREATE TABLE raw (id INTEGER PRIMARY KEY, n INTEGER NOT NULL); INSERT INTO raw VALUES (0, 0)")
	return rawSQLite{db}, err
}

func (db rawSQLite) commit(ctx context.Context) func(int) error {
	return func(int) error {
		_, err := db.ExecContext(ctx, "UPDATE raw SET n = n + 1 WHERE id = 0")
		return err
	}
}
