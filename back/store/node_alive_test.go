package store

import (
	"time"

	"sallyport/core/change"
)

// NodeAlive is the row of a node.
func NodeAlive(id string, at time.Time) change.Set {
	return change.Set{nodeAlive{ID: id, At: at, Passed: ms(at)}}
}
