package sms_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/back/sms"
	"sallyport/core/message"
)

// carrier is a gateway that answers as it is told and remembers whom it called.
type carrier struct {
	name string
	only []string
	err  error

	mu    sync.Mutex
	calls []string
}

func (c *carrier) Name() string        { return c.name }
func (c *carrier) Countries() []string { return c.only }

func (c *carrier) Send(ctx context.Context, m message.Message) (string, error) {
	c.mu.Lock()
	c.calls = append(c.calls, m.Text)
	err := c.err
	c.mu.Unlock()
	if errors.Is(err, context.DeadlineExceeded) {
		<-ctx.Done()
	}
	return "ref-" + m.ID, err
}

func (c *carrier) answer(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *carrier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// chain is what became of each send of a message, the oldest first.
func (o *outbox) chain(id string) (came []string) {
	sends, _ := o.Sends(context.Background(), id)
	for _, m := range slices.Backward(sends) {
		came = append(came, m.Gateway+" "+string(m.State))
	}
	return came
}

func TestAMessageGoesByTheNextGateway(t *testing.T) {
	refused := fmt.Errorf("21610: %w", sms.ErrRefused)
	for _, row := range []struct {
		name          string
		first, second error
		within        time.Duration
		want          string
		spent         int64
	}{
		{"a good one needs no other", nil, nil, 0, "a sent", 0},
		{"an error", errors.New("no credit"), nil, 0, "a failed, b sent", 40},
		{"no answer within 5 seconds", context.DeadlineExceeded, nil, 5 * time.Second, "a unknown, b sent", 40},
		{"a connection that broke off", sms.ErrUnknown, nil, 0, "a unknown, b sent", 40},
		{"a gateway that is busy", sms.Busy{After: time.Minute}, nil, 0, "a failed, b sent", 40},
		{"a number that is refused is refused everywhere", refused, nil, 0, "a refused", 0},
		{"the second finds the number's fault", errors.New("no credit"), refused, 0, "a failed, b refused", 40},
		{"both fail, and it ends", errors.New("no credit"), errors.New("no route"), 0, "a failed, b failed", 40},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMessage(time.Now())
				m.Code, m.Cost, m.Paid = "code-1", 40, "text-money/today"
				queue := newOutbox(m)
				a, b := &carrier{name: "a", err: row.first}, &carrier{name: "b", err: row.second}
				began := time.Now()
				stop := start(queue, a, b)
				for range 700 {
					synctest.Wait()
					if row.want == strings.Join(queue.chain("code-1"), ", ") {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
				if took := time.Since(began); took > row.within {
					t.Errorf("it took %s", took)
				}
				time.Sleep(3 * time.Second) // nothing more is sent
				stop()
				if got := strings.Join(queue.chain("code-1"), ", "); got != row.want || queue.spent != row.spent {
					t.Errorf("%s, %d spent besides; want %s, %d", got, queue.spent, row.want, row.spent)
				}
				for _, text := range append(a.calls, b.calls...) {
					if text != m.Text {
						t.Errorf("another text was sent: %q", text)
					}
				}
			})
		})
	}
}

func TestWhoAsksAgainGetsItByAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &carrier{name: "a"}, &carrier{name: "b"}
		queue := newOutbox()
		stop := start(queue, a, b)
		for range 3 {
			m := newMessage(time.Now())
			m.Code = "code-1"
			queue.add(m)
			time.Sleep(30 * time.Second)
		}
		stop()
		if got := strings.Join(queue.chain("code-1"), ", "); got != "a sent, b sent, a sent" {
			t.Error(got)
		}
	})
}

func TestSomeCountriesHaveAnOrderOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := &carrier{name: "a"}, &carrier{name: "b", only: []string{"GB", "US"}}, &carrier{name: "c"}
		queue := newOutbox()
		routes := sms.NewRoutes([]sms.Gateway{a, b, c}, map[string][]string{"US": {"b"}, "FR": {"b", "c"}}, slog.New(slog.DiscardHandler))
		stop := along(queue, routes)
		for i, country := range []string{"US", "GB", "FR"} {
			m := newMessage(time.Now().Add(time.Duration(i)))
			m.Country, m.Text = country, country
			queue.add(m)
		}
		time.Sleep(2 * time.Second)
		stop()
		if got := fmt.Sprint(a.calls, b.calls, c.calls); got != "[GB] [US] [FR]" {
			t.Error(got)
		}
	})
}

func TestADeadGatewayIsLeftOutAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a, b := &carrier{name: "a", err: errors.New("no credit")}, &carrier{name: "b"}
		queue := newOutbox()
		routes := sms.NewRoutes([]sms.Gateway{a, b}, nil, slog.New(slog.NewTextHandler(&log, nil)))
		stop := along(queue, routes)
		send := func(n int) {
			for range n {
				queue.add(newMessage(time.Now()))
				time.Sleep(1100 * time.Millisecond)
			}
		}
		send(5)
		if got := routes.Positions(); got["a"] != sms.Open || got["b"] != sms.Closed {
			t.Errorf("after five failures: %v", got)
		}
		send(5)
		if a.count() != 5 || b.count() != 10 {
			t.Errorf("out of use it was called %d times, the other %d", a.count(), b.count())
		}
		time.Sleep(30 * time.Second)
		send(2) // one tries it, and fails
		if a.count() != 6 || b.count() != 12 {
			t.Errorf("tried again %d times, the other %d", a.count(), b.count())
		}
		a.answer(nil)
		time.Sleep(30 * time.Second)
		send(3)
		if got := routes.Positions(); a.count() != 9 || b.count() != 12 || got["a"] != sms.Closed {
			t.Errorf("well again: %d, %d, %v", a.count(), b.count(), got)
		}
		stop()
		if got := log.String(); strings.Count(got, "gateway out of use") != 2 || strings.Count(got, "gateway in use again") != 1 {
			t.Error(got)
		}
	})
}

func TestWithoutAnotherGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &carrier{name: "a", err: sms.Busy{After: 10 * time.Second}}
		m := newMessage(time.Now())
		queue := newOutbox(m)
		stop := start(queue, a)
		time.Sleep(9 * time.Second)
		a.answer(nil)
		if got := queue.row(m.ID); got.State != message.Waiting || a.count() != 1 {
			t.Errorf("what a busy gateway did not take is %s after %d calls", got.State, a.count())
		}
		time.Sleep(3 * time.Second)
		if got := queue.row(m.ID); got.State != message.Sent || a.count() != 2 {
			t.Errorf("after the wait it is %s after %d calls", got.State, a.count())
		}
		a.answer(errors.New("no credit"))
		for range 5 {
			queue.add(newMessage(time.Now()))
			time.Sleep(1100 * time.Millisecond)
		}
		code, notice := newMessage(time.Now()), newMessage(time.Now())
		notice.Kind = "app-replaced"
		queue.add(code)
		queue.add(notice)
		time.Sleep(2 * time.Second)
		if got := queue.row(code.ID); got.State != message.Failed {
			t.Errorf("with all out of use a code is %s: its person waits for nothing", got.State)
		}
		a.answer(nil)
		time.Sleep(65 * time.Second)
		if got := queue.row(notice.ID); got.State != message.Sent {
			t.Errorf("a notice is %s in the end", got.State)
		}
		stop()
	})
}
