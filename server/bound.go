package server

import (
	"context"
	"runtime/debug"
	goes "runtime/metrics"
	"slices"
	"time"
)

// What the portal may hold besides hashes before the collector hurries, and how
// often that is looked at.
const (
	boundRest  = 48 << 20
	boundOwn   = 32 << 20 // of it, what a portal has alive with few people
	boundEvery = time.Second
	boundLooks = 5 // the least of so many counts: a hash may end between a collection and a look
)

// bound keeps memory near what is in use. Hashes are large and soon over: left to
// itself the collector lets as much garbage lie as there is of them. A portal that
// has much besides, as with ten thousand connections, gets room for that: it would
// be collecting all the time.
func bound(ctx context.Context, hash int64, parallel int, running func() int) {
	hashes := hash * int64(parallel)
	debug.SetMemoryLimit(limitFor(hashes, 0))
	tick := time.NewTicker(boundEvery)
	defer tick.Stop()
	samples := []goes.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	var garbage room
	var besides [boundLooks]int64
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		goes.Read(samples)
		alive := int64(samples[0].Value.Uint64() + samples[1].Value.Uint64())
		besides[n%boundLooks] = alive - hash*int64(running())
		debug.SetMemoryLimit(limitFor(hashes, slices.Min(besides[:])))
		garbage.gives(samples[2].Value.Uint64(), besides[n%boundLooks])
	}
}

// limitFor is the limit with so much of hashes at once, and so much besides alive
// after the last collection, in bytes.
func limitFor(hashes, besides int64) int64 {
	return hashes + boundRest + 2*max(0, besides-boundOwn)
}
