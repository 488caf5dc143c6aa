package sms

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"sallyport/core/message"
)

// The breaker of a gateway.
const (
	failuresMost = 5                // calls in a row that failed put it out
	restsFor     = 30 * time.Second // then one call tries it again
	busyMost     = time.Minute      // the longest that a gateway can ask us to wait
)

// Position is how the breaker of a gateway stands.
type Position string

// The positions: in use, out of use, and being tried again by one message.
const (
	Closed   Position = "closed"
	Open     Position = "open"
	HalfOpen Position = "half-open"
)

// Routes says which gateway takes a message: those that serve its country, in
// their order, without those that are out of use. It is one node's own: another
// node may reach what this one does not.
type Routes struct {
	order []*way
	first map[string][]string // the gateways that come first in a country
}

// way is a gateway with what this node knows of it.
type way struct {
	Gateway
	breaker *gobreaker.TwoStepCircuitBreaker[any]

	mu    sync.Mutex
	until time.Time // it asked us to wait
}

// NewRoutes orders gateways. Those named with a country come first there.
func NewRoutes(gateways []Gateway, first map[string][]string, log *slog.Logger) *Routes {
	return newRoutes(gateways, first, log, restsFor)
}

func newRoutes(gateways []Gateway, first map[string][]string, log *slog.Logger, rest time.Duration) *Routes {
	r := &Routes{first: first}
	for _, g := range gateways {
		name := g.Name()
		r.order = append(r.order, &way{Gateway: g, breaker: gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
			Name: name, MaxRequests: 1, Timeout: rest,
			IsExcluded:  func(err error) bool { return errors.Is(err, errNotCalled) },
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresMost },
			OnStateChange: func(_ string, _, to gobreaker.State) {
				switch to {
				case gobreaker.StateOpen:
					log.Warn("gateway out of use", "gateway", name, "failures", failuresMost, "again_in", rest.String())
				case gobreaker.StateClosed:
					log.Info("gateway in use again", "gateway", name)
				}
			},
		})})
	}
	return r
}

// serving are the gateways of a country, in their order.
func (r *Routes) serving(country string) (ways []*way) {
	for _, w := range r.order {
		if c, ok := w.Gateway.(interface{ Countries() []string }); ok {
			if list := c.Countries(); len(list) > 0 && !slices.Contains(list, country) {
				continue
			}
		}
		ways = append(ways, w)
	}
	late := func(w *way) int {
		if slices.Contains(r.first[country], w.Name()) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(ways, func(a, b *way) int { return late(a) - late(b) })
	return ways
}

// pick chooses a gateway for a message: the one that was used least for the same
// code, so that who asks again gets it by another way. Busy: all that could take
// it have asked to wait, or are out of use; of these, soonest says when.
func (r *Routes) pick(m message.Message, sends []message.Message, now time.Time) (w *way, done func(error), err error) {
	ways := r.serving(m.Country)
	if len(ways) == 0 {
		return nil, nil, errNoRoute
	}
	used := map[string]int{}
	for _, s := range sends {
		used[s.Gateway]++
	}
	for _, s := range m.Tries(sends) {
		if !askedToWait(s) { // it failed with this very text, or may have sent it
			ways = slices.DeleteFunc(ways, func(w *way) bool { return w.Name() == s.Gateway })
		}
	}
	slices.SortStableFunc(ways, func(a, b *way) int { return used[a.Name()] - used[b.Name()] })
	soonest := time.Duration(0)
	for _, w := range ways {
		if wait := w.waits(now); wait > 0 {
			if soonest == 0 || wait < soonest {
				soonest = wait
			}
			continue
		}
		if done, err := w.breaker.Allow(); err == nil {
			return w, done, nil
		}
	}
	if soonest > 0 {
		return nil, nil, Busy{After: soonest}
	}
	return nil, nil, errOut
}

// owed says whether another gateway has only asked to wait when it was given this
// text, and when it may be given it again.
func (r *Routes) owed(m turn, now time.Time) (wait time.Duration, ok bool) {
	for _, w := range r.serving(m.Country) {
		asked := func(t message.Message) bool { return t.Gateway == w.Name() && askedToWait(t) }
		if w != m.by && w.breaker.State() != gobreaker.StateOpen && slices.ContainsFunc(m.tries, asked) {
			return max(w.waits(now), time.Second), true
		}
	}
	return 0, false
}

// askedToWait says whether a text was not taken only because it was one too many.
func askedToWait(m message.Message) bool {
	return (m.State == message.Failed || m.State == message.Waiting) && strings.HasPrefix(m.Reason, busyWords)
}

var (
	errNoRoute = errors.New("no gateway serves the country")
	errOut     = errors.New("every gateway for the country is out of use")
	// errNotCalled: a pick came to no call, which says nothing about the gateway.
	errNotCalled = errors.New("not called")
)

func (w *way) waits(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(w.until.Sub(now), busyMost)
}

// busy notes that the gateway asked to wait.
func (w *way) busy(b Busy, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := min(max(b.After, time.Second), busyMost)
	w.until = now.Add(wait)
	return wait
}

// Positions are how the breakers stand, by gateway.
func (r *Routes) Positions() map[string]Position {
	all := map[string]Position{}
	for _, w := range r.order {
		switch w.breaker.State() {
		case gobreaker.StateOpen:
			all[w.Name()] = Open
		case gobreaker.StateHalfOpen:
			all[w.Name()] = HalfOpen
		default:
			all[w.Name()] = Closed
		}
	}
	return all
}
