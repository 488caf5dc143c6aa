package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/session"
)

// Passes remembers what doors are worth, so that a check of a known one touches
// neither the disk nor a lock that all requests share. What it remembers of a
// person is dropped with each change about that person, before the change is
// answered on this node, within a second on others; and nothing counts that is
// older than the last good reading of changes by a second.
type Passes struct {
	store *Store
	make  func(door.Pass, time.Time) *door.Held
	now   func() time.Time
	cache *otter.Cache[[32]byte, *kept]

	begun time.Time
	until atomic.Int64 // nanoseconds since begun, until when what is remembered counts

	mu    sync.Mutex
	epoch uint64          // grows with each change
	ties  map[string]*tie // by the key of the person

	seen chan string // sessions whose idle end moves
}

// kept is what is remembered of a door.
type kept struct {
	*door.Held
	tie *tie
}

// tie is what all doors of one person hang on.
type tie struct{ gone atomic.Bool }

const (
	passesMost  = 50_000
	passesFor   = 5 * time.Minute // and then read again, whatever was or was not told
	loadTime    = 5 * time.Second // to read a door: a database that hangs must not hold what asks
	seenQueue   = 4096
	seenBatch   = 256
	seenWait    = time.Second
	seenTimeout = 5 * time.Second
)

// NewPasses makes an empty memory that hears of every change in the store.
func NewPasses(s *Store, now func() time.Time, make func(door.Pass, time.Time) *door.Held) (*Passes, error) {
	cache, err := otter.New(&otter.Options[[32]byte, *kept]{MaximumSize: passesMost, ExpiryCalculator: otter.ExpiryWriting[[32]byte, *kept](passesFor)})
	if err != nil {
		return nil, fmt.Errorf("make the memory of doors: %w", err)
	}
	p := &Passes{store: s, make: make, now: now, cache: cache, begun: time.Now(), ties: map[string]*tie{}, seen: newSeen()}
	s.Hear(p.heard)
	return p, nil
}

func newSeen() chan string { return make(chan string, seenQueue) }

// Known says whether what other nodes change is known here, up to a second ago.
func (p *Passes) Known() bool { return int64(time.Since(p.begun)) < p.until.Load() }

// Fresh says that all changes up to a moment have been heard.
func (p *Passes) Fresh(at time.Time) { p.until.Store(int64(at.Add(watchFresh).Sub(p.begun))) }

// Held is what the door of a cookie's hash is worth, or nil.
func (p *Passes) Held(ctx context.Context, id [32]byte) (*door.Held, error) {
	now := p.now()
	if p.Known() {
		if k, ok := p.cache.GetIfPresent(id); ok && !k.tie.gone.Load() && k.Alive(now) {
			return k.Held, nil
		}
	}
	return p.load(ctx, id, now)
}

func (p *Passes) load(ctx context.Context, id [32]byte, now time.Time) (*door.Held, error) {
	p.mu.Lock()
	epoch := p.epoch
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	pass, err := p.store.Pass(ctx, hex.EncodeToString(id[:]))
	if err != nil || pass == nil {
		return nil, err
	}
	h := p.make(*pass, now)
	if h == nil || !h.Alive(now) {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch != epoch {
		return h, nil // something changed meanwhile: good for this once
	}
	if len(p.ties) > 2*passesMost {
		p.dropAll()
	}
	about := key(h.Who.Person)
	t := p.ties[about]
	if t == nil {
		t = &tie{}
		p.ties[about] = t
	}
	p.cache.Set(id, &kept{h, t})
	return h, nil
}

func (p *Passes) heard(keys []string, _ bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	for _, id := range keys {
		if t := p.ties[id]; t != nil {
			t.gone.Store(true)
			delete(p.ties, id)
		}
	}
}

func (p *Passes) dropAll() {
	for _, t := range p.ties {
		t.gone.Store(true)
	}
	clear(p.ties)
}

// Seen notes that a session was used, on nobody's time. What finds no room is
// written with the next use.
func (p *Passes) Seen(session string) {
	select {
	case p.seen <- session:
	default:
	}
}

// Run writes down which sessions were used, until ctx ends.
func (p *Passes) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
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
