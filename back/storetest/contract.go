// Package storetest is the contract that both databases must pass, and the
// PostgreSQL servers that tests start for it. It is for tests alone.
package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/fault"
)

// Run is the contract of the store. open opens the one database of the test,
// each time as another node would.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	w := &world{T: t, Store: open(t), other: open(t), open: open}
	for _, part := range []struct {
		name string
		test func(w *world)
	}{
		{"what is stored comes back whole", roundTrips},
		{"what is saved comes back whole", savings},
		{"every condition holds", conditions},
		{"effects without a condition do what they say", unconditional},
		{"a change is all or nothing", allOrNothing},
		{"of 64 one wins", races},
		{"budgets", budgets},
		{"numbers, set-ups and browsers have a bound", bounds},
		{"apps", apps},
		{"messages", messages},
		{"traffic and money", traffic},
		{"what is told", herald},
		{"order of what is listed", orders},
		{"words of all the world", words},
		{"nodes see each other", nodes},
		{"doors of apps", doors},
		{"a caller that goes away", callers},
		{"grants", grants},
		{"what is kept for a while alone", passing},
		{"tables that strangers fill are emptied", sweeping}, // last: it moves the time
	} {
		t.Run(part.name, func(t *testing.T) {
			inner := *w
			inner.T = t
			part.test(&inner)
		})
	}
}

// world is one database as two nodes see it.
type world struct {
	*testing.T
	*store.Store
	other *store.Store
	open  func(t *testing.T) *store.Store
}

// run runs a part of its own.
func (w *world) run(name string, test func(w *world)) {
	w.Helper()
	w.T.Run(name, func(t *testing.T) {
		inner := *w
		inner.T = t
		test(&inner)
	})
}

// now is the time of all tests; at is so much later.
var now = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

func at(later time.Duration) time.Time { return now.Add(later) }

// id is a name that nothing else in the database has.
func id() string { return rand.Text() }

// apply applies a change that must be taken.
func (w *world) apply(effects ...change.Effect) {
	w.Helper()
	if err := w.Apply(context.Background(), effects); err != nil {
		w.Fatalf("apply %T: %v", effects[len(effects)-1], err)
	}
}

// refused applies a change that must be refused, and returns the effect that
// refused it.
func (w *world) refused(effects ...change.Effect) change.Effect {
	w.Helper()
	err := w.Apply(context.Background(), effects)
	refused, ok := errors.AsType[*change.Refused](err)
	if !ok {
		w.Fatalf("apply %T: %v, want it refused", effects[len(effects)-1], err)
	}
	if errors.Is(err, fault.ErrDown) {
		w.Errorf("apply %T: a refusal counts as an outage: %v", effects[len(effects)-1], err)
	}
	return refused.Effect
}

// refusedBy is the effect whose condition did not hold.
func refusedBy(err error) (change.Effect, bool) {
	refused, ok := errors.AsType[*change.Refused](err)
	if !ok {
		return nil, false
	}
	return refused.Effect, true
}

// must unwraps what a reader says.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("read: %v", err))
	}
	return v
}

// race lets n changes go at once, by turns at both nodes, and counts those that
// were taken. All others must have been refused, for no other reason.
func (w *world) race(n int, set func(i int) change.Set) (taken []int) {
	w.Helper()
	start := make(chan struct{})
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		node := w.Store
		if i%2 == 1 {
			node = w.other
		}
		wg.Go(func() {
			<-start
			errs[i] = node.Apply(context.Background(), set(i))
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		if err == nil {
			taken = append(taken, i)
		} else if _, ok := errors.AsType[*change.Refused](err); !ok {
			w.Errorf("writer %d: %v", i, err)
		}
	}
	return taken
}

// ctx is short for readers.
func ctx() context.Context { return context.Background() }
