package sms_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"sallyport/core/change"
	"sallyport/core/message"
)

// outbox is a queue in memory, for tests in which the time stands still.
type outbox struct {
	mu   sync.Mutex
	rows map[string]*message.Message
	down error
	wake chan struct{}

	spent int64
}

func newOutbox(rows ...message.Message) *outbox {
	o := &outbox{rows: map[string]*message.Message{}, wake: make(chan struct{}, 1)}
	for _, m := range rows {
		o.rows[m.ID] = &m
	}
	return o
}

func (o *outbox) add(m message.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[m.ID] = &m
}

func (o *outbox) Woken() <-chan struct{} { return o.wake }

func (o *outbox) row(id string) message.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return *o.rows[id]
}

func (o *outbox) broken(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = err
}

func (o *outbox) WaitingMessages(_ context.Context, now time.Time, most int) (waiting []message.Message, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.rows {
		if m.State == message.Waiting && m.ExpireAt.After(now) && !m.LeaseAt.After(now) {
			waiting = append(waiting, *m)
		}
	}
	slices.SortFunc(waiting, func(a, b message.Message) int { return a.MadeAt.Compare(b.MadeAt) })
	return waiting[:min(most, len(waiting))], o.down
}

func (o *outbox) Sends(_ context.Context, chain string) (sends []message.Message, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.rows {
		if m.Chain() == chain || m.ID == chain {
			sends = append(sends, *m)
		}
	}
	slices.SortFunc(sends, func(a, b message.Message) int { return cmp.Or(b.MadeAt.Compare(a.MadeAt), b.Hop-a.Hop) })
	return sends, o.down
}

func (o *outbox) GiveUp(_ context.Context, before, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.rows {
		if m.State == message.Calling && m.CalledAt.Before(before) {
			m.State, m.DoneAt = message.Unknown, now
		}
		if m.State == message.Waiting && !m.ExpireAt.After(now) {
			m.State, m.DoneAt = message.Late, now
		}
	}
	return o.down
}

func (o *outbox) Apply(_ context.Context, set change.Set) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down != nil {
		return o.down
	}
	for _, effect := range set {
		switch e := effect.(type) {
		case message.Called:
			if o.rows[e.ID].State != message.Waiting || !o.rows[e.ID].ExpireAt.After(e.At) {
				return &change.Refused{Effect: e}
			}
			o.rows[e.ID].State, o.rows[e.ID].Gateway, o.rows[e.ID].CalledAt = message.Calling, e.Gateway, e.At
		case message.Settled:
			if o.rows[e.ID].State != message.Calling {
				return &change.Refused{Effect: e}
			}
			o.rows[e.ID].State, o.rows[e.ID].Ref, o.rows[e.ID].Reason, o.rows[e.ID].DoneAt = e.State, e.Ref, e.Reason, e.At
		case message.Expired:
			for _, m := range o.rows {
				if m.Code == e.Code && m.ExpireAt.After(e.At) {
					m.ExpireAt = e.At
				}
			}
		case message.Deferred:
			o.rows[e.ID].State, o.rows[e.ID].Reason, o.rows[e.ID].LeaseAt = message.Waiting, e.Reason, e.Until
		case message.PassedOn:
			was := o.rows[e.Was.ID]
			was.State, was.Reason, was.DoneAt = e.Was.State, e.Was.Reason, e.Was.At
			e.Next.ExpireAt = was.ExpireAt
			o.rows[e.Next.ID] = &e.Next
			o.spent += e.Cost.Amount
		}
	}
	return nil
}
