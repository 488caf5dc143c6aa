package sms_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/back/sms"
	"sallyport/core/change"
	"sallyport/core/message"
)

// A gateway that asks to wait is well. What it did not take goes by it in the end,
// when no other takes it.
func TestWhatAGatewayAskedToWaitWithIsGivenToItAgain(t *testing.T) {
	noCredit := errors.New("no credit")
	for _, row := range []struct {
		name   string
		order  string // of the gateways
		second error  // what b says
		dead   bool   // b is out of use before
		calls  int    // of b, with this text
		want   string
	}{
		{"the other one fails", "ab", noCredit, false, 1, "a failed, a sent"},
		{"the other one is out of use, and fails when it is tried again", "ab", noCredit, true, 1, "a failed, a sent"},
		{"the other one asks to wait too, and is asked each time", "ab", sms.Busy{After: 5 * time.Second}, false, 12, "a failed, a sent"},
		{"the other one comes first", "ba", noCredit, false, 1, "b failed, a sent"},
		{"the other one may have sent it", "ab", context.DeadlineExceeded, false, 1, "a failed, b unknown"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := &carrier{name: "a", err: sms.Busy{After: time.Minute}}, &carrier{name: "b", err: row.second}
				gateways := []sms.Gateway{a, b}
				if row.order == "ba" {
					gateways = []sms.Gateway{b, a}
				}
				queue := newOutbox()
				routes := sms.NewRoutes(gateways, nil, slog.New(slog.DiscardHandler))
				stop := along(queue, routes)
				if row.dead {
					a.answer(noCredit)
					for range 5 {
						queue.add(newMessage(time.Now()))
						time.Sleep(1100 * time.Millisecond)
					}
					a.answer(nil)
					time.Sleep(31 * time.Second)
					queue.add(newMessage(time.Now())) // a is tried again, and well
					time.Sleep(2 * time.Second)
					b.answer(noCredit)
					for range 2 { // b fails its own trial
						m := newMessage(time.Now())
						m.Code = "before"
						queue.add(m)
						time.Sleep(2 * time.Second)
					}
					a.answer(sms.Busy{After: time.Minute})
				}
				before := b.count()
				m := newMessage(time.Now())
				m.Code = "code-1"
				queue.add(m)
				time.Sleep(30 * time.Second)
				a.answer(nil)
				time.Sleep(45 * time.Second)
				stop()
				if got := strings.Join(queue.chain("code-1"), ", "); got != row.want || b.count()-before != row.calls {
					t.Errorf("%s, after %d calls of b; want %s after %d", got, b.count()-before, row.want, row.calls)
				}
			})
		})
	}
}

// While all others are asked to wait for, a text that may have gone out does not go
// by the same gateway twice.
func TestATextGoesByAGatewayOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &carrier{name: "a", err: sms.Busy{After: 20 * time.Second}}, &carrier{name: "b", err: sms.ErrUnknown}
		queue := newOutbox()
		stop := start(queue, a, b)
		first := newMessage(time.Now())
		queue.add(first) // a asks everybody to wait
		time.Sleep(2 * time.Second)
		m := newMessage(time.Now())
		m.Code = "code-1"
		queue.add(m)
		time.Sleep(5 * time.Second)
		a.answer(nil)
		time.Sleep(30 * time.Second)
		stop()
		if got := strings.Join(queue.chain("code-1"), ", "); got != "b unknown, a sent" || b.count() != 2 {
			t.Errorf("%s, after %d calls of b for two texts", got, b.count())
		}
	})
}

// A code that was guessed out is of no use: neither what waits of it goes, nor what
// another gateway was to get.
func TestACodeThatWasGuessedOutIsNotSent(t *testing.T) {
	for _, row := range []struct {
		name   string
		err    error
		within time.Duration
		want   string
	}{
		{"while a busy gateway is waited for", sms.Busy{After: 10 * time.Second}, 5 * time.Second, "a failed, b late"},
		{"by a gateway that gives no answer", context.DeadlineExceeded, time.Second, "a unknown,  late"},
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
				if err := queue.Apply(t.Context(), change.Set{message.Expired{Code: "code-1", At: time.Now()}}); err != nil {
					t.Fatal(err)
				}
				a.answer(nil)
				b.answer(nil)
				time.Sleep(time.Minute)
				stop()
				if got := strings.Join(queue.chain("code-1"), ", "); got != row.want || b.count() != calls || a.count() != 1 {
					t.Errorf("%s, after %d and %d calls", got, a.count(), b.count())
				}
			})
		})
	}
}
