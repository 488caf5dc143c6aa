package server

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLimitOfMemoryFollowsWhatIsAlive(t *testing.T) {
	const mib = int64(1 << 20)
	for _, row := range []struct{ hashes, alive, limit int64 }{
		{128 * mib, 0, 184 * mib},
		{128 * mib, 138 * mib, 184 * mib},         // two hashes, and what every portal has
		{128 * mib, 300 * mib, (184 + 324) * mib}, // ten thousand connections besides
		{16 * mib, 20 * mib, 72 * mib},
	} {
		if got := limitFor(row.hashes, row.alive); got != row.limit {
			t.Errorf("%d MiB of hashes, %d alive: %d MiB, want %d", row.hashes/mib, row.alive/mib, got/mib, row.limit/mib)
		}
	}
	for alive := int64(0); alive < 4096*mib; alive += mib {
		if limit := limitFor(128*mib, alive); limit < alive+46*mib {
			t.Fatalf("%d MiB alive leave the collector %d", alive/mib, (limit-alive)/mib)
		}
	}
}

func TestTheLimitOfMemoryIsSet(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); bound(ctx, 128<<20) }()
		synctest.Wait()
		if got := debug.SetMemoryLimit(-1); got != 184<<20 {
			t.Errorf("at the start %d MiB", got>>20)
		}
		debug.SetMemoryLimit(1 << 40)
		time.Sleep(boundEvery + time.Millisecond)
		synctest.Wait()
		if got := debug.SetMemoryLimit(-1); got >= 1<<40 || got < 184<<20 {
			t.Errorf("a second later %d MiB", got>>20)
		}
		stop()
		<-done
	})
}
