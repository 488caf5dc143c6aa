package store

import (
	"context"
	"encoding/hex"
	"sync/atomic"
	"time"

	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/session"
)

// Passes remembers what doors are worth, so that a check of a known one touches
// neither the disk nor a lock. What it remembers of a person is dropped with each
// change about that person, before the change is answered on this node, within a
// second on others; and nothing counts that is older than the last good reading of
// changes by a second.
type Passes struct {
	store *Store
	hold  func(door.Pass, time.Time) *door.Held
	now   func() time.Time

	known *door.Memory
	until atomic.Int64 // the age of the memory, until when what it knows counts
	wall  atomic.Int64 // what the clock said when the memory began, by the last reading

	seen chan string // sessions whose idle end moves
}

const (
	passesSwept = time.Minute
	loadTime    = 5 * time.Second // to read a door: a database that hangs must not hold what asks
	seenQueue   = 4096
	seenBatch   = 256
	seenWait    = time.Second
	seenTimeout = 5 * time.Second
)

// NewPasses makes an empty memory that hears of every change in the store.
func NewPasses(s *Store, now func() time.Time, hold func(door.Pass, time.Time) *door.Held) *Passes {
	p := &Passes{store: s, hold: hold, now: now, known: door.NewMemory(), seen: make(chan string, seenQueue)}
	s.Hear(func(keys []string, _ bool) { p.known.Forget(keys) })
	return p
}

// Known says whether what other nodes change is known here, up to a second ago.
func (p *Passes) Known() bool { return p.counts(p.known.At(p.now())) }

// counts is false also when the clock has been set since the last reading: to commands
// this node looks dead then, and they do not wait for it.
func (p *Passes) counts(at door.Moment) bool {
	set := time.Duration(at.Began() - p.wall.Load()).Abs()
	return int64(at.Age()) < p.until.Load() && set < aliveEvery
}

// Fresh says that all changes up to a moment have been heard, which is now by the
// portal's clock.
func (p *Passes) Fresh(at, now time.Time) {
	p.wall.Store(now.UnixNano() - int64(p.known.Until(at)))
	p.until.Store(int64(p.known.Until(at.Add(watchFresh))))
}

// Held is what the door of a cookie's hash is worth, or nil.
func (p *Passes) Held(ctx context.Context, id [32]byte) (*door.Held, error) {
	now := p.now()
	at := p.known.At(now)
	if p.counts(at) {
		if h := p.known.Held(id, at); h != nil {
			return h, nil
		}
	}
	return p.load(ctx, id, at, now)
}

func (p *Passes) load(ctx context.Context, id [32]byte, at door.Moment, now time.Time) (*door.Held, error) {
	reading := p.known.Begin(at)
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	pass, err := p.store.Pass(ctx, hex.EncodeToString(id[:]))
	if err != nil || pass == nil {
		return nil, err
	}
	h := p.hold(*pass, now)
	if h == nil || !h.Alive(now) {
		return nil, nil
	}
	p.known.Keep(reading, id, h)
	return h, nil
}

// Seen notes that a session was used, on nobody's time. What finds no room is
// written with the next use.
func (p *Passes) Seen(session string) {
	select {
	case p.seen <- session:
	default:
	}
}

// Run writes down which sessions were used, and sweeps, until ctx ends.
func (p *Passes) Run(ctx context.Context) {
	sweep := time.NewTicker(passesSwept)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			p.known.Sweep(p.now())
		case id := <-p.seen:
			set := change.Set{session.Seen{ID: id, At: p.now()}}
			wait := time.After(seenWait)
		gather:
			for len(set) < seenBatch {
				select {
				case id := <-p.seen:
					set.Add(session.Seen{ID: id, At: p.now()})
				case <-wait:
					break gather
				case <-ctx.Done():
					break gather
				}
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), seenTimeout)
			_ = p.store.Apply(ctx, set) // a minute later it is tried again
			cancel()
		}
	}
}
