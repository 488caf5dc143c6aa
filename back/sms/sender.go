// Package sms sends what waits in the outbox through a gateway. It decides
// nothing about what may be sent: that was decided when the row was written.
package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sallyport/core/change"
	"sallyport/core/message"
)

// Gateway is an SMS provider. A new one is a file here, its settings, and a line
// in Gateways.
type Gateway interface {
	Name() string
	// Send hands a message over, once. An error means that the gateway did not
	// take it, or that nobody knows (ErrUnknown).
	Send(ctx context.Context, m message.Message) (ref string, err error)
}

// What a gateway can say.
var (
	// ErrRefused: the number cannot get our messages; trying again is no use.
	ErrRefused = errors.New("the gateway refused the number")
	// ErrUnknown: the call broke off; it may or may not have been taken.
	ErrUnknown = errors.New("nobody knows whether the gateway took it")
)

// Queue is the outbox, as the sender sees it.
type Queue interface {
	WaitingMessages(ctx context.Context, now time.Time, most int) ([]message.Message, error)
	Apply(ctx context.Context, set change.Set) error
	// GiveUp marks what was being called before a moment as not known.
	GiveUp(ctx context.Context, before, now time.Time) error
	Woken() <-chan struct{}
}

// The sender's times.
const (
	callTime = 5 * time.Second
	// afterCall is when a row that is still being called belongs to a process
	// that died in the middle of it.
	afterCall = callTime + 5*time.Second
	every     = time.Second
	atOnce    = 8
	perRound  = 64
)

// Sender sends what waits, oldest first, a few at once.
type Sender struct {
	Queue    Queue
	Gateways []Gateway
	Now      func() time.Time
	Log      *slog.Logger
	Done     func() // after each round that reached the outbox; or nil
}

// Run sends until ctx ends; what is inside a call then is finished first.
func (s *Sender) Run(ctx context.Context) {
	woken := s.Queue.Woken()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if s.round(ctx) && s.Done != nil {
			s.Done()
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-tick.C:
		}
	}
}

// round sends what waits, and says whether it could.
func (s *Sender) round(ctx context.Context) bool {
	now := s.Now()
	if err := s.Queue.GiveUp(ctx, now.Add(-afterCall), now); err != nil {
		s.failed(ctx, err)
		return false
	}
	for ctx.Err() == nil {
		waiting, err := s.Queue.WaitingMessages(ctx, s.Now(), perRound)
		if err != nil {
			s.failed(ctx, err)
			return false
		}
		if len(waiting) == 0 {
			return true
		}
		if !s.all(ctx, waiting) {
			return false
		}
	}
	return false
}

// all sends a batch and says whether it got any further.
func (s *Sender) all(ctx context.Context, batch []message.Message) bool {
	places := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for _, m := range batch {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break // what waits for a place stays waiting
		}
		wg.Go(func() {
			defer func() { <-places }()
			if s.one(context.WithoutCancel(ctx), m) {
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return done > 0
}

// one sends a message: the row says so before the gateway is called, and what
// came of it after. In between nobody else sends it, whatever happens.
func (s *Sender) one(ctx context.Context, m message.Message) bool {
	gateway := s.gateway(m.Country)
	if gateway == nil {
		return s.unserved(ctx, m)
	}
	err := s.Queue.Apply(ctx, change.Set{message.Called{ID: m.ID, Gateway: gateway.Name(), At: s.Now()}})
	if _, taken := errors.AsType[*change.Refused](err); taken {
		return true // another node has it
	}
	if err != nil {
		s.failed(ctx, err)
		return false
	}
	settled := s.call(ctx, gateway, m)
	if err := s.Queue.Apply(ctx, change.Set{settled}); err != nil {
		s.failed(ctx, err) // it stays calling, and becomes not known
	}
	return true
}

// unserved settles a message that no gateway takes. Left waiting, such messages
// would stand at the head of the queue and hold up all others.
func (s *Sender) unserved(ctx context.Context, m message.Message) bool {
	now, reason := s.Now(), "no gateway serves the country "+m.Country
	err := s.Queue.Apply(ctx, change.Set{message.Called{ID: m.ID, At: now},
		message.Settled{ID: m.ID, State: message.Failed, Reason: reason, At: now}})
	if _, taken := errors.AsType[*change.Refused](err); taken {
		return true
	}
	if err != nil {
		s.failed(ctx, err)
		return false
	}
	s.Log.Warn("text message not sent", "message", m.ID, "state", message.Failed, "error", reason)
	return true
}

func (s *Sender) call(ctx context.Context, gateway Gateway, m message.Message) message.Settled {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ref, err := within(ctx, gateway, m)
	settled := message.Settled{ID: m.ID, Ref: ref, State: message.Sent, At: s.Now()}
	switch {
	case err == nil:
		return settled
	case errors.Is(err, ErrRefused):
		settled.State = message.Refused
	case errors.Is(err, ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		settled.State = message.Unknown
	default:
		settled.State = message.Failed
	}
	settled.Reason = err.Error()
	s.Log.Warn("text message not sent", "message", m.ID, "gateway", gateway.Name(), "state", settled.State, "error", err)
	return settled
}

// within bounds a call even where the gateway does not keep to its context.
func within(ctx context.Context, gateway Gateway, m message.Message) (string, error) {
	type answer struct {
		ref string
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		ref, err := gateway.Send(ctx, m)
		answered <- answer{ref, err}
	}()
	select {
	case a := <-answered:
		return a.ref, a.err
	case <-ctx.Done():
		return "", ErrUnknown
	}
}

// gateway picks the first that serves a country.
func (s *Sender) gateway(country string) Gateway {
	for _, g := range s.Gateways {
		if c, ok := g.(interface{ Countries() []string }); ok {
			if list := c.Countries(); len(list) > 0 && !slices.Contains(list, country) {
				continue
			}
		}
		return g
	}
	return nil
}

func (s *Sender) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.Log.Warn("outbox not reached", "error", fmt.Errorf("send: %w", err))
	}
}
