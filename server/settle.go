package server

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"sallyport/core/phone"
)

// settleAfter is how long after the start the portal gives back what only the start
// has used.
const settleAfter = 2 * time.Second

// hurry puts off collecting garbage until the portal is ready: nearly all that a
// start makes it keeps, and to look through it took a fifth of the start. A start that
// has much to do, as with a migration, is still collected after.
func hurry() (collect func()) {
	percent := debug.SetGCPercent(400)
	return sync.OnceFunc(func() { debug.SetGCPercent(percent) })
}

// settle gets a portal that has just started ready for a long quiet run. It begins
// where the first people may already sign in, and must not hold them up.
func settle(ctx context.Context) {
	phone.Warm()
	select {
	case <-ctx.Done():
		return
	case <-time.After(settleAfter):
	}
	debug.FreeOSMemory()
	dropStart()
}
