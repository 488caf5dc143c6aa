// Package mail sends the mails that wait in the outbox through an SMTP server. It
// decides nothing about what may be sent: that was decided when the row was
// written. A mail that cannot be handed over is tried again until it expires; one
// that a process died over is sent again, under the same Message-ID: a notice that
// comes twice harms nobody, and one that never comes hides a change.
package mail

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sallyport/core/change"
	"sallyport/core/message"
)

// Server hands a mail over. An error is why it could not: ErrRefused when trying
// again is no use. It names no address and no secret.
type Server interface {
	Send(ctx context.Context, m message.Message) error
}

// ErrRefused marks a mail that the server will never take.
var ErrRefused = errors.New("refused for good")

// Queue is the outbox, as the sender sees it.
type Queue interface {
	WaitingMails(ctx context.Context, now time.Time, most int) ([]message.Message, error)
	Apply(ctx context.Context, set change.Set) error
	// Again puts back what was being sent before a moment.
	Again(ctx context.Context, before time.Time) error
	Woken() <-chan struct{}
}

// The sender's times.
const (
	callTime  = 30 * time.Second
	afterCall = callTime + 10*time.Second
	every     = time.Second
	atOnce    = 4
	perRound  = 32
	firstWait = time.Minute
	longest   = 30 * time.Minute
)

// Gateway is the name under which mails are called in the outbox.
const Gateway = "mail"

// Sender sends what waits, oldest first, a few at once.
type Sender struct {
	Queue  Queue
	Server Server
	Now    func() time.Time
	Log    *slog.Logger
	Done   func() // after each round that reached the outbox; or nil
}

// Run sends until ctx ends; what is being handed over then is finished first.
func (s *Sender) Run(ctx context.Context) {
	woken := s.Queue.Woken()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		switch err := s.round(ctx); {
		case err != nil && ctx.Err() == nil:
			s.Log.Warn("outbox of mails not reached", "error", err)
		case err == nil && s.Done != nil:
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

func (s *Sender) round(ctx context.Context) error {
	if err := s.Queue.Again(ctx, s.Now().Add(-afterCall)); err != nil {
		return err
	}
	for ctx.Err() == nil {
		waiting, err := s.Queue.WaitingMails(ctx, s.Now(), perRound)
		if err != nil || len(waiting) == 0 {
			return err
		}
		if err := s.all(ctx, waiting); err != nil {
			return err
		}
	}
	return nil
}

// all sends a batch, a few at once; what has no place when ctx ends stays waiting.
func (s *Sender) all(ctx context.Context, batch []message.Message) error {
	places := make(chan struct{}, atOnce)
	errs := make([]error, len(batch))
	var wg sync.WaitGroup
	for i, m := range batch {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-places }()
			errs[i] = s.one(context.WithoutCancel(ctx), m)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// one sends a mail: the row says so before the server is called, and what came of
// it after.
func (s *Sender) one(ctx context.Context, m message.Message) error {
	err := s.Queue.Apply(ctx, change.Set{message.Called{ID: m.ID, Gateway: Gateway, At: s.Now()}})
	if _, taken := errors.AsType[*change.Refused](err); taken {
		return nil // another node has it
	}
	if err != nil {
		return err
	}
	return s.Queue.Apply(ctx, change.Set{s.call(ctx, m)})
}

func (s *Sender) call(ctx context.Context, m message.Message) change.Effect {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := s.Server.Send(ctx, m)
	now := s.Now()
	switch {
	case err == nil:
		return message.Settled{ID: m.ID, State: message.Sent, At: now}
	case errors.Is(err, ErrRefused):
		s.Log.Warn("mail not sent", "message", m.ID, "kind", m.Kind, "error", err)
		return message.Settled{ID: m.ID, State: message.Failed, Reason: err.Error(), At: now}
	}
	wait := min(max(now.Sub(m.MadeAt), firstWait), longest)
	s.Log.Warn("mail not sent yet", "message", m.ID, "kind", m.Kind, "again_in", wait.Round(time.Second), "error", err)
	return message.Deferred{ID: m.ID, Reason: err.Error(), Until: now.Add(wait)}
}
