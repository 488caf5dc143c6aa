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
	"sallyport/core/limit"
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
	// Sends are all texts of a chain, the newest first.
	Sends(ctx context.Context, chain string) ([]message.Message, error)
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
	Queue  Queue
	Routes *Routes
	Now    func() time.Time
	Log    *slog.Logger
	Done   func()                                                     // after each round that reached the outbox; or nil
	Sent   func(m message.Message, came message.Settled, passed bool) // hears of each call, and whether another gateway gets the text; or nil
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
			if s.one(ctx, m) {
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return done > 0
}

// one sends a message: the row says so before a gateway is called, and what came
// of it after. In between nobody else sends it, whatever happens. What a gateway
// did not take goes to the next one at once, but when ctx has ended: it would not
// be finished, and what waits is sent by another node, or after the restart.
func (s *Sender) one(ctx context.Context, m message.Message) bool {
	for {
		next, further := s.hop(context.WithoutCancel(ctx), m)
		if next == nil || ctx.Err() != nil {
			return further
		}
		m = *next
	}
}

// hop makes one call and says what is to be sent by another gateway, if anything,
// and whether it got any further.
func (s *Sender) hop(ctx context.Context, m message.Message) (next *message.Message, further bool) {
	sends, err := s.Queue.Sends(ctx, m.Chain())
	if err != nil {
		s.failed(ctx, err)
		return nil, false
	}
	if entered(m.Tries(sends)) {
		return nil, s.moot(ctx, m)
	}
	way, done, err := s.Routes.pick(m, sends, s.Now())
	if err != nil {
		return nil, s.unserved(ctx, m, err)
	}
	err = s.Queue.Apply(ctx, change.Set{message.Called{ID: m.ID, Gateway: way.Name(), At: s.Now()}})
	if err != nil {
		done(errNotCalled)
		return nil, s.taken(ctx, err)
	}
	settled, err := s.call(ctx, way.Gateway, m)
	done(blame(err))
	effect, next := s.after(turn{m, way, m.Tries(sends)}, settled, err)
	if err := s.Queue.Apply(ctx, change.Set{effect}); err != nil {
		s.failed(ctx, err) // it stays calling, and becomes not known
		return nil, true
	}
	if s.Sent != nil {
		m.Gateway = way.Name()
		s.Sent(m, settled, next != nil)
	}
	return next, true
}

// blame is what of an error speaks against the gateway. One that answers is well:
// the fault is the number's, the message's, or ours.
func blame(err error) error {
	_, full := errors.AsType[Busy](err)
	_, one := errors.AsType[particular](err)
	if full || one || errors.Is(err, ErrRefused) {
		return nil
	}
	return err
}

// turn is a call with what was tried of the same text before.
type turn struct {
	message.Message
	by    *way
	tries []message.Message
}

// after is what a call leads to. A refusal is the number's fault, and no other
// gateway would do better. Everything else goes to each of the others once, and
// then back to one that had only asked to wait.
func (s *Sender) after(m turn, settled message.Settled, err error) (change.Effect, *message.Message) {
	now := s.Now()
	busy, full := errors.AsType[Busy](err)
	var wait time.Duration
	if full {
		wait = m.by.busy(busy, now)
	}
	if err == nil || settled.State == message.Refused {
		return settled, nil
	}
	if m.Hop+1 < len(s.Routes.serving(m.Country)) && m.ExpireAt.After(now) {
		next := m.Next(now)
		passed := message.PassedOn{Was: settled, Next: next}
		if m.Paid != "" {
			passed.Cost = limit.Spent{Budget: limit.Money(0), Key: m.Paid, Now: now, Amount: m.Cost, Free: true}
		}
		return passed, &next
	}
	if settled.State == message.Failed && !full {
		wait, full = s.Routes.owed(m, now)
	}
	if full {
		return message.Deferred{ID: m.ID, Reason: settled.Reason, Until: now.Add(wait)}, nil
	}
	return settled, nil
}

// unserved deals with a message that no gateway takes now. Left as it is, such
// messages would stand at the head of the queue and hold up all others.
func (s *Sender) unserved(ctx context.Context, m message.Message, why error) bool {
	now := s.Now()
	busy, full := errors.AsType[Busy](why)
	var effect change.Effect
	switch {
	case full:
		effect = message.Deferred{ID: m.ID, Reason: why.Error(), Until: now.Add(busy.After)}
	case errors.Is(why, errOut) && m.Kind != message.CodeKind: // nobody waits for it
		effect = message.Deferred{ID: m.ID, Reason: why.Error(), Until: now.Add(restsFor)}
	default:
		why = fmt.Errorf("%w %s", why, m.Country)
		effect = message.Settled{ID: m.ID, State: message.Failed, Reason: why.Error(), At: now}
	}
	if err := s.Queue.Apply(ctx, change.Set{message.Called{ID: m.ID, At: now}, effect}); err != nil {
		return s.taken(ctx, err)
	}
	if settled, ended := effect.(message.Settled); ended {
		s.Log.Warn("text message not sent", "message", m.ID, "state", message.Failed, "error", why)
		if s.Sent != nil {
			s.Sent(m, settled, false)
		}
	}
	return true
}

// entered says whether the code of a text has come back, since it was queued or
// from a gateway that gave no answer.
func entered(tries []message.Message) bool {
	return slices.ContainsFunc(tries, func(m message.Message) bool { return !m.EnteredAt.IsZero() })
}

// moot ends a text that nobody waits for any more.
func (s *Sender) moot(ctx context.Context, m message.Message) bool {
	now := s.Now()
	late := message.Settled{ID: m.ID, State: message.Late, Reason: "its code was entered before", At: now}
	if err := s.Queue.Apply(ctx, change.Set{message.Called{ID: m.ID, At: now}, late}); err != nil {
		return s.taken(ctx, err)
	}
	return true
}

// taken says whether an error only means that another node has the message.
func (s *Sender) taken(ctx context.Context, err error) bool {
	if _, taken := errors.AsType[*change.Refused](err); taken {
		return true
	}
	s.failed(ctx, err)
	return false
}

func (s *Sender) call(ctx context.Context, gateway Gateway, m message.Message) (message.Settled, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ref, err := within(ctx, gateway, m)
	settled := message.Settled{ID: m.ID, Ref: ref, State: message.Sent, At: s.Now()}
	switch {
	case err == nil:
		return settled, nil
	case errors.Is(err, ErrRefused):
		settled.State = message.Refused
	case errors.Is(err, ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		settled.State = message.Unknown
	default:
		settled.State = message.Failed
	}
	settled.Reason = err.Error()
	s.Log.Warn("text message not sent", "message", m.ID, "gateway", gateway.Name(), "state", settled.State, "error", err)
	return settled, err
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

func (s *Sender) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.Log.Warn("outbox not reached", "error", fmt.Errorf("send: %w", err))
	}
}
