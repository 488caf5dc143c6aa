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
	for _, row := range []struct{ hashes, besides, limit int64 }{
		{128 * mib, -64 * mib, 176 * mib}, // a hash that began after the last collection
		{128 * mib, 0, 176 * mib},
		{128 * mib, 30 * mib, 176 * mib},          // what every portal has
		{128 * mib, 200 * mib, (176 + 336) * mib}, // ten thousand connections
		{16 * mib, 20 * mib, 64 * mib},
	} {
		if got := limitFor(row.hashes, row.besides); got != row.limit {
			t.Errorf("%d MiB of hashes, %d alive besides: %d MiB, want %d", row.hashes/mib, row.besides/mib, got/mib, row.limit/mib)
		}
	}
	// With every place taken there is still room to collect in.
	for besides := int64(0); besides < 4096*mib; besides += mib {
		if limit := limitFor(128*mib, besides); limit < besides+(128+16)*mib {
			t.Fatalf("%d MiB alive besides leave the collector %d", besides/mib, (limit-besides-128*mib)/mib)
		}
	}
}

func TestTheLimitOfMemoryIsSet(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); bound(ctx, 64<<20, 2, func() int { return 0 }) }()
		synctest.Wait()
		if got := debug.SetMemoryLimit(-1); got != 176<<20 {
			t.Errorf("at the start %d MiB", got>>20)
		}
		debug.SetMemoryLimit(1 << 40)
		time.Sleep(boundEvery + time.Millisecond)
		synctest.Wait()
		if got := debug.SetMemoryLimit(-1); got >= 1<<40 || got < 176<<20 {
			t.Errorf("a second later %d MiB", got>>20)
		}
		stop()
		<-done
	})
}
