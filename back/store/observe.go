package store

import (
	"time"

	"sallyport/back/database"
	"sallyport/core/audit"
	"sallyport/core/change"
)

// Observer hears what became of changes, once it is certain. It is for counting:
// it can neither hinder a change nor add to one, and it must not wait.
type Observer interface {
	database.Observer
	// Applied: a change was made, or not.
	Applied(Applied)
}

// Applied is what became of a change.
type Applied struct {
	Took    time.Duration // that its caller waited
	Entries []audit.Entry // what it appended to the audit log
	Refused change.Effect // whose condition did not hold, or nil
	Err     error
}

type silent struct{}

func (silent) Committed(int)   {}
func (silent) Applied(Applied) {}
func (silent) Retried()        {}

// work is a change on its way through a writer.
type work struct {
	set     change.Set
	entries []audit.Entry // appended by it, if it is committed
	told    int64         // when it left rows for other nodes, where its store waits for them
}
