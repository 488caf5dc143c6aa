package server

import (
	"context"
	"runtime/debug"
	goes "runtime/metrics"
	"time"
)

// What the portal may hold besides hashes before the collector hurries, and how
// often that is looked at.
const (
	boundRest  = 56 << 20
	boundEvery = time.Second
)

// bound keeps memory near what is in use. Hashes are large and soon over: left to
// itself the collector lets as much garbage lie as there is of them. A portal that
// has much besides, as with ten thousand connections, gets room for that: it would
// be collecting all the time.
func bound(ctx context.Context, hashes int64) {
	debug.SetMemoryLimit(limitFor(hashes, 0))
	tick := time.NewTicker(boundEvery)
	defer tick.Stop()
	samples := []goes.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		goes.Read(samples)
		debug.SetMemoryLimit(limitFor(hashes, int64(samples[0].Value.Uint64()+samples[1].Value.Uint64())))
	}
}

// limitFor is the limit with so much of hashes at once, and so much alive after the
// last collection, in bytes.
func limitFor(hashes, alive int64) int64 {
	floor := hashes + boundRest
	return floor + 2*max(0, alive-floor*3/4)
}
