package sms_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/back/sms"
	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/message"
)

// raced is an outbox from which another node takes some messages first.
type raced struct {
	*outbox
	lose atomic.Bool
}

func (r *raced) Apply(ctx context.Context, set change.Set) error {
	if called, ok := set[0].(message.Called); ok && r.lose.Load() {
		r.mu.Lock()
		r.rows[called.ID].State = message.Sent
		r.mu.Unlock()
		return &change.Refused{Effect: called}
	}
	return r.outbox.Apply(ctx, set)
}

// What another node sends tells this one nothing about the gateway.
func TestALostRaceIsNoGoodCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &carrier{name: "a", err: errors.New("no credit")}
		queue := &raced{outbox: newOutbox()}
		routes := sms.NewRoutes([]sms.Gateway{a}, nil, slog.New(slog.DiscardHandler))
		stop := along(queue, routes)
		send := func(lost bool) {
			queue.lose.Store(lost)
			queue.add(newMessage(time.Now()))
			time.Sleep(1100 * time.Millisecond)
		}
		for range 5 {
			send(false)
			send(true)
		}
		if got := routes.Positions()["a"]; got != sms.Open || a.count() != 5 {
			t.Errorf("after %d failures it is %s", a.count(), got)
		}
		time.Sleep(30 * time.Second)
		send(true)
		if got := routes.Positions()["a"]; got != sms.HalfOpen {
			t.Errorf("without a call it is %s", got)
		}
		send(false)
		if got := routes.Positions()["a"]; got != sms.Open || a.count() != 6 {
			t.Errorf("tried again, and failed: %s after %d calls", got, a.count())
		}
		stop()
	})
}

// However seldom a gateway was used before, what it has just failed with goes by
// another.
func TestTheNextGatewayIsNeverTheOneThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &carrier{name: "a"}, &carrier{name: "b", err: errors.New("no credit")}
		queue := newOutbox()
		for i := range 3 {
			m := newMessage(time.Now().Add(time.Duration(i-9) * time.Second))
			m.Code, m.Gateway, m.State = "code-1", "a", message.Sent
			queue.add(m)
		}
		m := newMessage(time.Now())
		m.Code = "code-1"
		queue.add(m)
		stop := start(queue, a, b)
		time.Sleep(3 * time.Second)
		stop()
		if got := strings.Join(queue.chain("code-1"), ", "); got != "a sent, a sent, a sent, b failed, a sent" {
			t.Error(got)
		}
	})
}

// A process has little time to end. Killed in the middle of a second call, it
// would leave a text of which nobody knows.
func TestASenderThatEndsBeginsNoOtherCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMessage(time.Now())
		m.Code = "code-1"
		queue := newOutbox(m)
		a, b := &carrier{name: "a", err: context.DeadlineExceeded}, &carrier{name: "b", err: context.DeadlineExceeded}
		stop := start(queue, a, b)
		time.Sleep(time.Second)
		if took := stop(); took != 4*time.Second {
			t.Errorf("it took %s to end, want what the call took", took)
		}
		if got := strings.Join(queue.chain("code-1"), ", "); got != "a unknown,  waiting" || b.count() != 0 {
			t.Errorf("%s, after %d calls of b", got, b.count())
		}
		b.answer(nil)
		stop = start(queue, a, b)
		time.Sleep(2 * time.Second)
		stop()
		if got := strings.Join(queue.chain("code-1"), ", "); got != "a unknown, b sent" {
			t.Errorf("after the restart: %s", got)
		}
	})
}

func TestACodeThatCameBackIsNotSentOnceMore(t *testing.T) {
	entered := func(queue *outbox) {
		queue.mu.Lock()
		defer queue.mu.Unlock()
		for _, m := range queue.rows {
			m.EnteredAt = time.Now()
		}
	}
	for _, row := range []struct {
		name   string
		err    error
		within time.Duration
		want   string
	}{
		{"while a busy gateway is waited for", sms.Busy{After: 10 * time.Second}, 5 * time.Second, "a failed,  late"},
		{"by a gateway that gave no answer", context.DeadlineExceeded, time.Second, "a unknown,  late"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMessage(time.Now())
				m.Code = "code-1"
				queue := newOutbox(m)
				a, b := &carrier{name: "a", err: row.err}, &carrier{name: "b"}
				if row.within > 2*time.Second {
					b.answer(row.err)
				}
				stop := start(queue, a, b)
				time.Sleep(row.within)
				calls := b.count()
				entered(queue)
				a.answer(nil)
				b.answer(nil)
				time.Sleep(time.Minute)
				if got := strings.Join(queue.chain("code-1"), ", "); got != row.want || b.count() != calls || a.count() != 1 {
					t.Errorf("%s, after %d and %d calls", got, a.count(), b.count())
				}
				again := newMessage(time.Now())
				again.Code = "code-1"
				queue.add(again)
				time.Sleep(2 * time.Second)
				if got := queue.row(again.ID); got.State != message.Sent {
					t.Errorf("what was asked for after that is %s", got.State)
				}
				stop()
			})
		})
	}
}

// A gateway may be called mail; mails are none of its business all the same.
func TestAReceiptIsOfATextOnly(t *testing.T) {
	databases(t, func(t *testing.T, open func() *store.Store) {
		s := open()
		m := newMessage(now)
		m.Way = message.ByMail
		if err := s.Apply(t.Context(), change.Set{message.Queued{Message: m}, message.Called{ID: m.ID, Gateway: "mail", At: now},
			message.Settled{ID: m.ID, Ref: "r", State: message.Sent, At: now}}); err != nil {
			t.Fatal(err)
		}
		err := sms.NewReceiver(s, clock, nil).Take(t.Context(), message.Receipt{Gateway: "mail", ID: m.ID, State: message.Undelivered})
		if got, readErr := s.Message(t.Context(), m.ID); !errors.Is(err, sms.ErrNoSuch) || readErr != nil || got.State != message.Sent {
			t.Errorf("a mail is %s, %v, %v", got.State, err, readErr)
		}
	})
}
