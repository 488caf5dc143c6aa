package audit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// chains guards what a linker that runs and its test both see.
var chains sync.Mutex

// chain is a log in memory: how many entries wait, and what was asked of it.
type chain struct {
	waiting, linked, batches int
	asked                    int // whether entries wait
	signed                   int
	held                     []Leased
	taken                    bool // another node has the lease
	fails                    error
	failsToSign              error
	signedAlready            bool
}

func (c *chain) Unlinked(context.Context) (bool, error) {
	chains.Lock()
	defer chains.Unlock()
	c.asked++
	return c.waiting > 0, c.fails
}

func (c *chain) Hold(_ context.Context, l Leased) (bool, error) {
	chains.Lock()
	defer chains.Unlock()
	c.held = append(c.held, l)
	return !c.taken, nil
}

func (c *chain) LinkEntries(ctx context.Context, most int) (int, error) {
	chains.Lock()
	defer chains.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := min(most, c.waiting)
	c.waiting, c.linked, c.batches = c.waiting-n, c.linked+n, c.batches+1
	return n, nil
}

func (c *chain) SignHead(_ context.Context, now time.Time) (*Head, error) {
	chains.Lock()
	defer chains.Unlock()
	if c.failsToSign != nil || c.signedAlready {
		return nil, c.failsToSign
	}
	c.signed++
	return &Head{Seq: int64(c.linked), At: now}, nil
}

// heard is what a linker told.
type heard struct {
	failed error
	heads  []Head
	rounds int
}

func linker(c *chain) (*Linker, *heard) {
	h := &heard{}
	under := func(do func()) {
		chains.Lock()
		defer chains.Unlock()
		do()
	}
	return &Linker{
		Chain: c, Node: "one", Now: time.Now,
		Failed: func(err error) { under(func() { h.failed = err }) },
		Signed: func(head Head) { under(func() { h.heads = append(h.heads, head) }) },
		Done:   func() { under(func() { h.rounds++ }) },
	}, h
}

func TestARoundByItsTable(t *testing.T) {
	broken := errors.New("broken")
	for _, row := range []struct {
		about                                 string
		chain                                 chain
		sign                                  bool
		linked, batches, holds, heads, rounds int
		failed                                error
	}{
		{"nothing waits: no lease is asked for", chain{}, false, 0, 0, 0, 0, 1, nil},
		{"one waits", chain{waiting: 1}, false, 1, 1, 1, 0, 1, nil},
		{"a batch less one", chain{waiting: linkBatch - 1}, false, linkBatch - 1, 1, 1, 0, 1, nil},
		{"a whole batch: there may be more", chain{waiting: linkBatch}, false, linkBatch, 2, 1, 0, 1, nil},
		{"more than a batch, under one lease", chain{waiting: 2*linkBatch + 1}, false, 2*linkBatch + 1, 3, 1, 0, 1, nil},
		{"another node has the lease", chain{waiting: 1, taken: true}, false, 0, 0, 1, 0, 1, nil},
		{"it is time to sign", chain{waiting: 1}, true, 1, 1, 1, 1, 1, nil},
		{"it is signed already", chain{signedAlready: true}, true, 0, 0, 0, 0, 1, nil},
		{"what cannot be linked is not signed", chain{waiting: 1, fails: broken}, true, 0, 0, 0, 0, 0, broken},
		{"what cannot be signed is told", chain{waiting: 1, failsToSign: broken}, true, 1, 1, 1, 0, 0, broken},
	} {
		c := row.chain
		l, h := linker(&c)
		l.round(t.Context(), row.sign)
		if c.linked != row.linked || c.batches != row.batches || len(c.held) != row.holds {
			t.Errorf("%s: %d linked in %d batches, %d holds", row.about, c.linked, c.batches, len(c.held))
		}
		if len(h.heads) != row.heads || h.rounds != row.rounds || !errors.Is(h.failed, row.failed) {
			t.Errorf("%s: %d heads, %d rounds, %v", row.about, len(h.heads), h.rounds, h.failed)
		}
	}
}

func TestTheLeaseIsKeptBeforeHalfOfItIsOver(t *testing.T) {
	c := &chain{}
	l, _ := linker(c)
	now := time.Now()
	l.Now = func() time.Time { return now }
	for i, step := range []struct {
		moves time.Duration
		holds int
	}{{0, 1}, {2499 * time.Millisecond, 1}, {time.Millisecond, 2}, {-time.Millisecond, 3}, {time.Hour, 4}, {2 * time.Second, 4}} {
		now = now.Add(step.moves)
		c.waiting = 1
		// Whoever has the lease reads what waits once, to link it.
		if l.round(t.Context(), false); len(c.held) != step.holds || c.asked != step.holds || c.linked != i+1 {
			t.Errorf("step %d: asked for %d times, whether entries wait %d times, %d linked", i, len(c.held), c.asked, c.linked)
		}
	}
	c.taken, now, c.waiting = true, now.Add(time.Second), 1 // one that was refused is not ours
	l.round(t.Context(), false)
	if l.round(t.Context(), false); c.waiting != 1 || len(c.held) != 6 {
		t.Errorf("linked without the lease, or not asked again: %d", len(c.held))
	}
}

func TestARoundThatWasStoppedIsNoFailure(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	l, h := linker(&chain{waiting: 1})
	if l.round(ctx, false); h.failed != nil || h.rounds != 0 {
		t.Errorf("%v, %d rounds", h.failed, h.rounds)
	}
}

func TestTheLinkerKeepsItsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chain{waiting: 1}
		l, h := linker(c)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() { l.Run(ctx); close(ended) }()
		synctest.Wait()
		chains.Lock()
		if c.linked != 1 {
			t.Error("what waits at the start is not linked at once")
		}
		if held := c.held[0]; held.Name != "audit-places" || held.Holder != "one" || held.Until.Sub(held.Now) != 5*time.Second {
			t.Errorf("the lease: %+v", held)
		}
		c.waiting = 1
		chains.Unlock()
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		chains.Lock()
		if c.linked != 2 || h.rounds != 2 {
			t.Errorf("after 300 ms %d are linked, in %d rounds", c.linked, h.rounds)
		}
		chains.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		chains.Lock()
		if c.signed != 1 {
			t.Errorf("%d heads in the first minute", c.signed)
		}
		c.waiting = 1
		chains.Unlock()
		stop()
		<-ended
		if c.linked != 3 || c.signed != 2 {
			t.Errorf("at the end %d are linked, %d signed", c.linked, c.signed)
		}
	})
}

func TestAnEntryThatDoesNotVerifyIsNamed(t *testing.T) {
	for _, row := range []struct {
		fault Fault
		want  string
	}{
		{Fault{ID: "x"}, "the entry x, which is not linked yet,"},
		{Fault{Seq: 7}, "entry 7"},
		{Fault{Seq: 7, ID: "x"}, "entry 7 (x)"},
	} {
		if got := row.fault.String(); got != row.want {
			t.Errorf("%q", got)
		}
	}
}
