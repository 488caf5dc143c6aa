package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
)

// auditLog measures what the chain of the audit log costs: the deciding changes
// while entries are linked beside them, and checking it.
func (b *bench) auditLog() error {
	server, err := b.postgres()
	if err != nil {
		return err
	}
	defer server.remove()
	for _, database := range []string{"", server.address} {
		p, err := b.install(database, "")
		if err != nil {
			return err
		}
		name := map[bool]string{true: "SQLite", false: "PostgreSQL"}[database == ""]
		if err := b.linking(p, name); err != nil {
			return err
		}
		s, err := p.open(b)
		if err != nil {
			return err
		}
		if err := errors.Join(b.verifying(s, name), s.Close()); err != nil {
			return err
		}
	}
	return nil
}

// decide is a change as an app code makes it: a few budgets and an entry.
func decide(ctx context.Context, s *store.Store) func(int) error {
	return func(writer int) error {
		now := time.Now()
		e := audit.New(now, audit.SignedIn, fmt.Sprint("person", rand.IntN(1000)))
		e.Method, e.Address, e.Agent = "app", "203.0.113.7", "Firefox on Linux"
		set := change.Set{e}
		for i := range 3 {
			set.Add(limit.Spent{Budget: limit.Year, Key: fmt.Sprint("bench/", writer, "/", i), Now: now, Free: true})
		}
		return s.Apply(ctx, set)
	}
}

// linking compares changes a second whose entries are linked, at once or beside them, with
// such by a process that never looks at the chain, and so links nothing.
func (b *bench) linking(p *portal, name string) error {
	r := row{what: "changes with an entry, 32 at once, linked (" + name + ")", unit: "/s", by: "not linked", goals: []goal{least("ratio", 0.95)}}
	length := few(b, 500*time.Millisecond, 4*time.Second)
	for n := range few(b, 2, 12) {
		if err := b.linkingOnce(p, &r, n%4 == 1 || n%4 == 2, length); err != nil {
			return err
		}
	}
	b.rows = append(b.rows, r)
	return nil
}

func (b *bench) linkingOnce(p *portal, r *row, linked bool, length time.Duration) error {
	s, err := p.open(b)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b)
	defer stop()
	var wg sync.WaitGroup
	to := &r.limit
	if linked {
		to = &r.ours
		if _, err := s.SignHead(b, time.Now()); err != nil { // it knows the chain's end now
			return err
		}
		linker := &audit.Linker{Chain: s, Node: "bench", Now: time.Now, Failed: func(error) {}, Signed: func(audit.Head) {}, Done: func() {}}
		wg.Go(func() { linker.Run(ctx) })
	}
	perSecond, _, err := rate(32, length, decide(b, s))
	stop()
	wg.Wait()
	*to = append(*to, perSecond)
	return errors.Join(err, b.linkAll(s), s.Close())
}

// linkAll links what waits.
func (b *bench) linkAll(s *store.Store) error {
	for {
		n, err := s.LinkEntries(b, 512)
		if err != nil || n == 0 {
			return err
		}
	}
}

// verifying is how many entries a second are checked, of a log of many.
func (b *bench) verifying(s *store.Store, name string) error {
	const batch = 250
	count := few(b, 2000, 200_000)
	for range count / batch {
		var set change.Set
		for i := range batch {
			e := audit.New(time.Now(), audit.SignedIn, fmt.Sprint("person", i))
			e.Method, e.Address, e.Agent = "app", "203.0.113.7", "Firefox on Linux"
			set.Add(e)
		}
		if err := s.Apply(b, set); err != nil {
			return err
		}
	}
	if err := b.linkAll(s); err != nil {
		return err
	}
	r := row{what: "audit verify (" + name + ")", unit: "/s", goals: []goal{least("median", 100_000)}, note: "a million in ten seconds are 100,000 a second"}
	for range few(b, 1, 3) {
		began := time.Now()
		report, err := s.VerifyAudit(b, nil)
		if err != nil {
			return err
		}
		if report.Fault != nil {
			return fmt.Errorf("the log does not verify: %v", report.Fault)
		}
		r.ours = append(r.ours, float64(report.Entries)/time.Since(began).Seconds())
	}
	b.rows = append(b.rows, r)
	return nil
}
