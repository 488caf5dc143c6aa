package sms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/core/change"
	"sallyport/core/message"
)

// Receipts takes what a gateway tells of a text. ErrNoSuch: no text is called so.
type Receipts func(ctx context.Context, r message.Receipt) error

// ErrNoSuch means that a receipt is of a text that the gateway never took from us.
var ErrNoSuch = errors.New("no such text message")

// Log is the outbox, as the receiver sees it.
type Log interface {
	Message(ctx context.Context, id string) (*message.Message, error)
	// MessageByRef is the text that a gateway calls so, or nil.
	MessageByRef(ctx context.Context, gateway, ref string) (*message.Message, error)
	Apply(ctx context.Context, set change.Set) error
}

// A receipt can overtake the answer to the call that it is about. It waits for
// it a little, and few do at once.
const (
	overtakes = 3 * time.Second
	looksEach = 100 * time.Millisecond
	waitMost  = 64
)

// Receiver writes receipts. It is made by NewReceiver.
type Receiver struct {
	log    Log
	now    func() time.Time
	told   func(m message.Message, r message.Receipt) // or nil
	places chan struct{}
}

// NewReceiver makes a receiver. Each receipt that changed something is shown to
// told, with its text as it was before.
func NewReceiver(log Log, now func() time.Time, told func(m message.Message, r message.Receipt)) *Receiver {
	return &Receiver{log: log, now: now, told: told, places: make(chan struct{}, waitMost)}
}

// Take writes a receipt, once. A receipt that changes nothing is no error: the
// gateway would only send it again.
func (r *Receiver) Take(ctx context.Context, receipt message.Receipt) error {
	receipt.At = r.now()
	for by := time.Now().Add(overtakes); ; { // not the portal's clock, which may jump
		err := r.once(ctx, receipt)
		if !errors.Is(err, errEarly) && !errors.Is(err, ErrNoSuch) || time.Now().After(by) {
			return err
		}
		if !r.wait(ctx) {
			return err
		}
	}
}

// errEarly: the call that the receipt is about has not come back.
var errEarly = fmt.Errorf("the call is still under way: %w", ErrNoSuch)

func (r *Receiver) once(ctx context.Context, receipt message.Receipt) error {
	m, err := r.find(ctx, receipt)
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	if m == nil || m.Way != message.ByText || m.Gateway != receipt.Gateway {
		return ErrNoSuch
	}
	e, changes, early := receipt.Take(*m)
	switch {
	case early:
		return errEarly
	case !changes:
		return nil
	}
	err = r.log.Apply(ctx, change.Set{e})
	if _, overtaken := errors.AsType[*change.Refused](err); overtaken {
		return errEarly // by another receipt: judged again
	}
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	if r.told != nil {
		r.told(*m, receipt)
	}
	return nil
}

// find looks a text up by our name for it, then by the gateway's.
func (r *Receiver) find(ctx context.Context, receipt message.Receipt) (*message.Message, error) {
	if receipt.ID != "" {
		if m, err := r.log.Message(ctx, receipt.ID); m != nil || err != nil {
			return m, err
		}
	}
	var other *message.Message
	for _, ref := range append([]string{receipt.Ref}, receipt.Also...) {
		if ref == "" {
			continue
		}
		m, err := r.log.MessageByRef(ctx, receipt.Gateway, ref)
		if err != nil {
			return nil, err
		}
		if m != nil && (len(receipt.Numbers) == 0 || slices.Contains(receipt.Numbers, strings.TrimPrefix(m.To, "+"))) {
			return m, nil
		}
		other = cmp.Or(other, m)
	}
	return other, nil // networks write numbers as they like: the plainest name counts
}

// wait waits for a place and then for the next look, or says that there is none.
func (r *Receiver) wait(ctx context.Context) bool {
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	default:
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(looksEach):
		return true
	}
}

// Busy means that a gateway did not take a message, and asks to slow down.
type Busy struct{ After time.Duration }

func (b Busy) Error() string { return busyWords + b.After.String() }

// busyWords are what the outbox has of a text that was one too many.
const busyWords = "the gateway asks to wait "
