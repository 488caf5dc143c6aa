package person

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What is told of each job: a wait, a run, or that no place came free. Who went
// away by themselves are none of these.
func TestTheQueueTellsHowLongJobsWaitedAndRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type seen struct {
			waited, ran time.Duration
			busy        bool
		}
		var mu sync.Mutex
		var told []seen
		c := crowd{q: quiet(1)}
		c.q.Seen = func(waited, ran time.Duration, busy bool) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, seen{waited, ran, busy})
		}
		c.send(t, "first", Turn{Class: Plain, Address: from(1)}, 2*time.Second)
		c.send(t, "second", Turn{Class: Plain, Address: from(2)}, 1500*time.Millisecond)
		c.send(t, "too late", Turn{Class: Plain, Address: from(3)}, time.Second)
		gone, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if err := c.q.Do(gone, Turn{Class: Plain, Address: from(4)}, func() {}); err == nil {
			t.Error("who went away has run")
		}
		c.wg.Wait()
		want := []seen{{0, 2 * time.Second, false}, {3 * time.Second, 0, true}, {2 * time.Second, 1500 * time.Millisecond, false}}
		if !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
