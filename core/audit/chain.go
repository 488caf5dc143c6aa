package audit

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/change"
)

// Record is an entry with its place in the chain.
type Record struct {
	Entry
	Seq  int64  // from 1; 0 while it is not linked yet
	MAC  string // of the entry itself
	Link string // MAC of the link before it, its number and its MAC
}

// Head is where the chain ended at a moment, signed. One that is kept elsewhere
// shows later whether the log was cut off or written anew, even by somebody who
// has the key file.
type Head struct {
	Seq  int64     `json:"seq"`
	Link string    `json:"link"`
	At   time.Time `json:"at"`
	Sign string    `json:"sign"`
}

// Filter is which entries are wanted; its zero value wants all.
type Filter struct {
	Since, Until time.Time // from and before
	Person       string    // the id of whom it concerns, or who did it
	Events       []Event
}

// Fault is the first entry that does not verify.
type Fault struct {
	Seq int64  `json:"entry"` // 0 where it is not linked yet
	ID  string `json:"id,omitempty"`
	Why string `json:"why"`
}

// String names the entry.
func (f Fault) String() string {
	switch {
	case f.Seq == 0:
		return "the entry " + f.ID + ", which is not linked yet,"
	case f.ID == "":
		return fmt.Sprintf("entry %d", f.Seq)
	}
	return fmt.Sprintf("entry %d (%s)", f.Seq, f.ID)
}

// Report is what verifying found.
type Report struct {
	Entries  int64  `json:"entries"`  // linked, and there
	Pruned   int64  `json:"pruned"`   // gone by a signed gap
	Erased   int64  `json:"erased"`   // without their personal parts, of people who were deleted
	Unlinked int64  `json:"unlinked"` // too new to be linked
	Heads    int    `json:"heads"`    // that were compared
	Last     int64  `json:"last"`
	Fault    *Fault `json:"fault,omitempty"`
}

// Leased takes or keeps a lease; it is refused while somebody else holds it.
type Leased struct {
	change.Mark
	Name, Holder string
	Now, Until   time.Time
}

// Chain is what the linker works on.
type Chain interface {
	// Unlinked says whether entries wait for their link.
	Unlinked(ctx context.Context) (bool, error)
	// Hold takes or keeps the lease; false means that another node has it.
	Hold(ctx context.Context, l Leased) (bool, error)
	// LinkEntries links what was committed, oldest first, at most some of them.
	LinkEntries(ctx context.Context, most int) (int, error)
	// SignHead signs the head of now and keeps it; nil where it is signed already.
	SignHead(ctx context.Context, now time.Time) (*Head, error)
}

// Linker links entries within a second of their commit and signs a head every
// minute. Any number of nodes may run one: whoever holds the lease works.
type Linker struct {
	Chain  Chain
	Node   string // names this one; random
	Now    func() time.Time
	Failed func(error)
	Signed func(Head)
	Done   func() // after each round that worked

	until time.Time // the lease is ours
}

const (
	linkEvery = 300 * time.Millisecond
	linkBatch = 4096 // most rounds are one
	signEvery = time.Minute
	leaseFor  = 5 * time.Second
	lastTime  = 2 * time.Second

	lease = "audit-places" // another one than of programs that gave places otherwise
)

// Run links and signs until ctx ends; then it links and signs what is there.
func (l *Linker) Run(ctx context.Context) {
	tick := time.NewTicker(linkEvery)
	defer tick.Stop()
	sign := time.NewTicker(signEvery)
	defer sign.Stop()
	for {
		l.round(ctx, false)
		select {
		case <-ctx.Done():
			end, stop := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
			defer stop()
			l.round(end, true)
			return
		case <-tick.C:
		case <-sign.C:
			l.round(ctx, true)
		}
	}
}

func (l *Linker) round(ctx context.Context, sign bool) {
	err := l.link(ctx)
	if err == nil && sign {
		var head *Head
		if head, err = l.Chain.SignHead(ctx, l.Now()); head != nil {
			l.Signed(*head)
		}
	}
	switch {
	case err == nil:
		l.Done()
	case ctx.Err() == nil:
		l.Failed(err)
	}
}

// link links all that waits, as long as the lease is ours.
func (l *Linker) link(ctx context.Context) error {
	if !l.holds() { // nobody takes the lease for nothing
		waits, err := l.Chain.Unlinked(ctx)
		if err != nil || !waits {
			return err
		}
	}
	for {
		if ours, err := l.hold(ctx); err != nil || !ours {
			return err
		}
		n, err := l.Chain.LinkEntries(ctx, linkBatch)
		if err != nil || n < linkBatch {
			return err
		}
	}
}

// hold takes the lease, or keeps it before half of it is over. Whoever links a moment
// too long harms nobody: a batch stands on the end that it has read.
func (l *Linker) hold(ctx context.Context) (ours bool, err error) {
	if l.holds() {
		return true, nil
	}
	now := l.Now()
	until := now.Add(leaseFor)
	if ours, err = l.Chain.Hold(ctx, Leased{Name: lease, Holder: l.Node, Now: now, Until: until}); ours {
		l.until = until
	}
	return ours, err
}

// holds says whether the lease is ours for half of its time yet.
func (l *Linker) holds() bool {
	left := l.until.Sub(l.Now())
	return leaseFor/2 < left && left <= leaseFor
}
