package person

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/core/fault"
)

// quiet makes a queue that leaves the collector alone.
func quiet(parallel int) *Queue {
	q := NewQueue(parallel)
	q.Collect, q.giveBack = func() {}, func() {}
	return q
}

// crowd sends jobs into a queue and keeps who ran, in order, and who did not.
type crowd struct {
	q    *Queue
	wg   sync.WaitGroup
	mu   sync.Mutex
	ran  []string
	busy []string
}

// send lines somebody up and returns when that is done.
func (c *crowd) send(t *testing.T, who string, turn Turn, work time.Duration) {
	t.Helper()
	c.wg.Go(func() {
		err := c.q.Do(t.Context(), turn, func() {
			c.mu.Lock()
			c.ran = append(c.ran, who)
			c.mu.Unlock()
			time.Sleep(work)
		})
		if err == nil {
			return
		}
		if f := fault.Of(err); f == nil || f.Kind != fault.Busy || f.Word != "busy" || f.Wait != 5*time.Second {
			t.Errorf("%s: %#v", who, err)
		}
		c.mu.Lock()
		c.busy = append(c.busy, who)
		c.mu.Unlock()
	})
	synctest.Wait()
}

// soFar lists who ran and who was refused.
func (c *crowd) soFar() (ran, busy []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ran), slices.Clone(c.busy)
}

func from(n int) string { return fmt.Sprintf("192.0.2.%d", n) }

func TestOfFiveHundredAtOnceFewRunAndSixtyFourWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := quiet(4)
		var now, most, done, busy atomic.Int64
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				err := q.Do(t.Context(), Turn{Class: Plain, Address: from(i)}, func() {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(100 * time.Millisecond)
					now.Add(-1)
				})
				if fault.Is(err, fault.Busy) {
					busy.Add(1)
				} else if err == nil {
					done.Add(1)
				}
			})
		}
		synctest.Wait()
		if q.Running() != 4 || q.Waiting() != 64 || busy.Load() != 432 {
			t.Errorf("%d run, %d wait, %d were refused at once", q.Running(), q.Waiting(), busy.Load())
		}
		wg.Wait()
		if most.Load() != 4 || done.Load() != 68 || q.Running() != 0 || q.Waiting() != 0 {
			t.Errorf("%d at once, %d done; %d run, %d wait", most.Load(), done.Load(), q.Running(), q.Waiting())
		}
	})
}

func TestNobodyWaitsLongerThanThreeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{q: quiet(2)}
		began := time.Now()
		for i := range 20 {
			c.send(t, fmt.Sprint(i), Turn{Class: Plain, Address: from(i)}, 1100*time.Millisecond)
		}
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		if ran, busy := c.soFar(); c.q.Waiting() != 0 || len(ran) != 6 || len(busy) != 14 {
			t.Errorf("%d ran, %d were refused, %d wait", len(ran), len(busy), c.q.Waiting())
		}
		c.wg.Wait()
		if took := time.Since(began); took != 3300*time.Millisecond {
			t.Error(took)
		}
	})
}

func TestKnownBrowsersGoFirstAndNamesUnderAttackLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{q: quiet(1)}
		c.send(t, "running", Turn{Class: Plain}, 100*time.Millisecond)
		c.send(t, "slow 1", Turn{Address: "a", Name: "ada"}, 100*time.Millisecond)
		c.send(t, "plain 1", Turn{Class: Plain, Address: "b"}, 100*time.Millisecond)
		c.send(t, "known 1", Turn{Class: Known, Address: "c"}, 100*time.Millisecond)
		c.send(t, "slow 2", Turn{Address: "a", Name: "bob"}, 100*time.Millisecond)
		c.send(t, "plain 2", Turn{Class: Plain, Address: "b"}, 100*time.Millisecond)
		c.send(t, "known 2", Turn{Class: Known, Address: "c"}, 100*time.Millisecond)
		c.wg.Wait()
		want := []string{"running", "known 1", "known 2", "plain 1", "plain 2", "slow 1", "slow 2"}
		if ran, _ := c.soFar(); !slices.Equal(ran, want) {
			t.Error(ran)
		}
	})
}

func TestANameUnderAttackIsTakenOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{q: quiet(3)}
		c.send(t, "ada 1", Turn{Class: Slow, Address: "a", Name: "ada"}, 100*time.Millisecond)
		c.send(t, "ada 2", Turn{Class: Slow, Address: "b", Name: "ada"}, 100*time.Millisecond)
		c.send(t, "bob", Turn{Class: Slow, Address: "c", Name: "bob"}, 100*time.Millisecond)
		if c.q.Running() != 2 || c.q.Waiting() != 1 {
			t.Errorf("%d run, %d wait", c.q.Running(), c.q.Waiting())
		}
		c.send(t, "ada herself", Turn{Class: Known, Address: "d", Name: "ada"}, 100*time.Millisecond)
		if ran, _ := c.soFar(); !slices.Equal(ran, []string{"ada 1", "bob", "ada herself"}) {
			t.Error(ran)
		}
		c.wg.Wait()
		if ran, busy := c.soFar(); len(ran) != 4 || len(busy) != 0 {
			t.Error(ran, busy)
		}
	})
}

func TestNoAddressHasMoreThanAQuarterOfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{q: quiet(1)}
		c.send(t, "running", Turn{Class: Plain, Address: "flood"}, time.Hour)
		for range 40 {
			c.send(t, "flood", Turn{Class: Plain, Address: "flood"}, 0)
		}
		if _, busy := c.soFar(); c.q.Waiting() != 16 || len(busy) != 24 {
			t.Errorf("%d wait, %d were refused", c.q.Waiting(), len(busy))
		}
		c.send(t, "other", Turn{Class: Plain, Address: "other"}, 0)
		c.send(t, "known from there", Turn{Class: Known, Address: "flood"}, 0)
		if _, busy := c.soFar(); c.q.Waiting() != 17 || len(busy) != 25 || slices.Contains(busy, "other") || slices.Contains(busy, "known from there") {
			t.Errorf("%d wait, refused: %v", c.q.Waiting(), busy)
		}
		c.wg.Wait()
	})
}

func TestAFullQueueMakesRoomForABetterClassOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{q: quiet(1)}
		c.send(t, "running", Turn{Class: Plain}, time.Hour)
		for i := range 60 {
			c.send(t, fmt.Sprint("plain ", i), Turn{Class: Plain, Address: from(i)}, 0)
		}
		for i := range 4 {
			c.send(t, fmt.Sprint("slow ", i), Turn{Class: Slow, Address: from(i), Name: "ada"}, 0)
		}
		c.send(t, "slow late", Turn{Class: Slow, Address: "x", Name: "bob"}, 0)
		c.send(t, "known", Turn{Class: Known, Address: "y"}, 0)
		c.send(t, "plain late", Turn{Class: Plain, Address: "z"}, 0)
		if _, busy := c.soFar(); !slices.Equal(busy, []string{"slow late", "slow 3", "slow 2"}) || c.q.Waiting() != 64 {
			t.Error(busy, c.q.Waiting())
		}
		for i := range 3 {
			c.send(t, fmt.Sprint("known ", i), Turn{Class: Known, Address: "y"}, 0)
		}
		if _, busy := c.soFar(); !slices.Equal(busy[3:], []string{"slow 1", "slow 0", "plain late"}) || c.q.Waiting() != 64 {
			t.Error(busy, c.q.Waiting())
		}
		c.wg.Wait()
	})
}

func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := quiet(1)
		var wg sync.WaitGroup
		wg.Go(func() { _ = q.Do(t.Context(), Turn{}, func() { time.Sleep(time.Second) }) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			err := q.Do(ctx, Turn{Class: Plain}, func() { t.Error("ran") })
			if !errors.Is(err, context.Canceled) || fault.Of(err) != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if q.Waiting() != 1 {
			t.Error("does not wait")
		}
		cancel()
		synctest.Wait()
		if q.Waiting() != 0 {
			t.Error("still waits")
		}
		wg.Wait()
		if err := q.Do(ctx, Turn{Class: Known}, func() { t.Error("ran") }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if q.Running() != 0 {
			t.Error("still runs")
		}
	})
}

func TestPlacesAreNotLostInARush(t *testing.T) {
	q := quiet(3)
	var now atomic.Int64
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*200*time.Microsecond)
			defer cancel()
			_ = q.Do(ctx, Turn{Class: Class(i % 3), Address: from(i % 11), Name: from(i % 5)}, func() {
				if now.Add(1) > 3 {
					t.Error("more than three at once")
				}
				time.Sleep(50 * time.Microsecond)
				now.Add(-1)
			})
		})
	}
	wg.Wait()
	if q.Running() != 0 || q.Waiting() != 0 || len(q.slow) != 0 {
		t.Errorf("%d run, %d wait, %v", q.Running(), q.Waiting(), q.slow)
	}
}

func TestAJobThatPanicsFreesItsPlace(t *testing.T) {
	q := quiet(1)
	func() {
		defer func() { _ = recover() }()
		_ = q.Do(t.Context(), Turn{}, func() { panic("x") })
	}()
	if err := q.Do(t.Context(), Turn{}, func() {}); err != nil {
		t.Error(err)
	}
}

func TestMemoryIsGivenBackOnceSomeSecondsAfterABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := quiet(2)
		var given atomic.Int64
		q.giveBack = func() { given.Add(1) }
		work := func() { _ = q.Do(t.Context(), Turn{}, func() { time.Sleep(time.Second) }) }
		for range 10 {
			work()
		}
		time.Sleep(4 * time.Second)
		work() // before the queue came to rest
		go work()
		time.Sleep(500 * time.Millisecond)
		if given.Load() != 0 {
			t.Error("given back while working")
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := given.Load(); n != 1 {
			t.Errorf("given back %d times", n)
		}
	})
}

func TestAFloodTakesNoMoreMemoryThanItsPlaces(t *testing.T) {
	const parallel, each = 2, 64 << 20
	q := NewQueue(parallel)
	runtime.GC()
	base, most := heap(), uint64(0)
	stop := make(chan struct{})
	var watch, wg sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				most = max(most, heap())
			}
		}
	})
	var done atomic.Int64
	phc := Dummy(Params{MemoryKiB: 64 << 10, Time: 1, Threads: 1})
	for i := range 500 {
		wg.Go(func() {
			if q.Do(t.Context(), Turn{Class: Plain, Address: from(i)}, func() { _, _, _ = Verify(phc, "x") }) == nil {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	close(stop)
	watch.Wait()
	if done.Load() < 3 {
		t.Errorf("only %d were checked", done.Load())
	}
	if bound := base + parallel*each + each; most > bound {
		t.Errorf("%d MiB, more than %d MiB", most>>20, bound>>20)
	}
	t.Logf("%d hashes, at most %d MiB over base", done.Load(), (most-base)>>20)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
