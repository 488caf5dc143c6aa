package sms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/back/seal"
	"sallyport/back/sms"
	"sallyport/back/store"
	"sallyport/back/storetest"
	"sallyport/core/change"
	"sallyport/core/message"
)

var now = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

func clock() time.Time { return now }

// gateway is one that does as it is told and remembers what it was given.
type gateway struct {
	answer    func(ctx context.Context, m message.Message) (string, error)
	countries []string

	mu   sync.Mutex
	sent []string
}

func (g *gateway) Name() string        { return "fake" }
func (g *gateway) Countries() []string { return g.countries }

func (g *gateway) Send(ctx context.Context, m message.Message) (string, error) {
	g.mu.Lock()
	g.sent = append(g.sent, m.ID)
	g.mu.Unlock()
	if g.answer == nil {
		return "ref-" + m.ID, nil
	}
	return g.answer(ctx, m)
}

func (g *gateway) calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.sent)
}

func newMessage(at time.Time) message.Message {
	return message.New("ada", message.CodeKind, "+12125550198", "US", "123456 is your code", at, 10*time.Minute)
}

// start runs a sender in the bubble of a test; stop ends it and says how long
// that took.
func start(queue sms.Queue, gateways ...sms.Gateway) (stop func() time.Duration) {
	return along(queue, sms.NewRoutes(gateways, nil, slog.New(slog.DiscardHandler)))
}

func along(queue sms.Queue, routes *sms.Routes) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s := sms.Sender{Queue: queue, Routes: routes, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	return func() time.Duration {
		began := time.Now()
		cancel()
		<-ended
		return time.Since(began)
	}
}

func TestWhatAGatewaySaysIsWhatPeopleAreTold(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer func(ctx context.Context, m message.Message) (string, error)
		want   message.State
		within time.Duration
	}{
		{"taken", nil, message.Sent, 0},
		{"refused", func(context.Context, message.Message) (string, error) {
			return "", fmt.Errorf("answer 21610: %w", sms.ErrRefused)
		}, message.Refused, 0},
		{"nobody knows", func(context.Context, message.Message) (string, error) {
			return "", fmt.Errorf("connection reset: %w", sms.ErrUnknown)
		}, message.Unknown, 0},
		{"failed", func(context.Context, message.Message) (string, error) { return "", errors.New("no credit") }, message.Failed, 0},
		{"hangs and keeps to its context", func(ctx context.Context, _ message.Message) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, message.Unknown, 5 * time.Second},
		{"hangs whatever is said", func(context.Context, message.Message) (string, error) {
			time.Sleep(time.Minute)
			return "late", nil
		}, message.Unknown, 5 * time.Second},
		{"answers just in time", func(context.Context, message.Message) (string, error) {
			time.Sleep(4 * time.Second)
			return "ref", nil
		}, message.Sent, 4 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				m := newMessage(began)
				queue, g := newOutbox(m), &gateway{answer: row.answer}
				stop := start(queue, g)
				time.Sleep(10 * time.Minute)
				if took := stop(); took > 0 {
					t.Errorf("an idle sender took %v to end", took)
				}
				got := queue.row(m.ID)
				if got.State != row.want || got.DoneAt.Sub(began) != row.within || got.Gateway != "fake" {
					t.Errorf("it is %s after %v, want %s after %v: %+v", got.State, got.DoneAt.Sub(began), row.want, row.within, got)
				}
				if n := len(g.calls()); n != 1 {
					t.Errorf("the gateway was called %d times", n)
				}
			})
		})
	}
}

func TestWhatIsInACallIsFinishedWhenTheSenderEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rows []message.Message
		for range 30 {
			rows = append(rows, newMessage(time.Now()))
		}
		queue := newOutbox(rows...)
		g := &gateway{answer: func(ctx context.Context, _ message.Message) (string, error) {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(3 * time.Second):
				return "ref", nil
			}
		}}
		stop := start(queue, g)
		time.Sleep(time.Second)
		if took := stop(); took != 2*time.Second {
			t.Errorf("the sender took %v to end, want what its calls took", took)
		}
		states := map[message.State]int{}
		for _, m := range rows {
			states[queue.row(m.ID).State]++
		}
		if states[message.Sent] != 8 || states[message.Waiting] != 22 {
			t.Errorf("the rows are %v", states)
		}
		time.Sleep(time.Minute)
		stop = start(queue, g) // the next run sends the others
		time.Sleep(time.Minute)
		stop()
		calls := g.calls()
		slices.Sort(calls)
		if len(calls) != 30 || len(slices.Compact(calls)) != 30 {
			t.Errorf("30 messages were sent by %d calls", len(g.calls()))
		}
	})
}

func TestAGatewayThatHangsDoesNotHoldUpOthersForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var rows []message.Message
		for i := range 24 {
			m := newMessage(began.Add(time.Duration(i)))
			rows = append(rows, m)
		}
		queue := newOutbox(rows...)
		stop := start(queue, &gateway{answer: func(context.Context, message.Message) (string, error) {
			time.Sleep(time.Hour)
			return "", nil
		}})
		time.Sleep(11 * time.Second)
		stop()
		came := map[message.State]int{}
		for _, m := range rows {
			came[queue.row(m.ID).State]++
		}
		if came[message.Unknown]+came[message.Failed] != 24 || came[message.Unknown] > 12 { // the breaker spares the rest the wait
			t.Error(came)
		}
		time.Sleep(2 * time.Hour) // what hangs has to end with the test
	})
}

func TestAMessageThatNoGatewayServesHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rows []message.Message
		for i := range 200 {
			m := newMessage(time.Now().Add(time.Duration(i)))
			m.Country = "GB"
			rows = append(rows, m)
		}
		served := newMessage(time.Now().Add(time.Second))
		queue := newOutbox(append(rows, served)...)
		far, near := &gateway{countries: []string{"FR", "DE"}}, &gateway{countries: []string{"US"}}
		stop := start(queue, far, near)
		time.Sleep(5 * time.Second)
		stop()
		if got := queue.row(served.ID); got.State != message.Sent || len(near.calls()) != 1 || len(far.calls()) != 0 {
			t.Errorf("the one that is served is %s; calls %v, %v", got.State, near.calls(), far.calls())
		}
		if got := queue.row(rows[0].ID); got.State != message.Failed || !strings.Contains(got.Reason, "GB") {
			t.Errorf("one that nobody serves is %s, %q", got.State, got.Reason)
		}
	})
}

func TestADatabaseThatIsDownSendsNothingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMessage(time.Now())
		queue, g := newOutbox(m), &gateway{}
		queue.broken(errors.New("database unavailable"))
		stop := start(queue, g)
		time.Sleep(30 * time.Second)
		if n := len(g.calls()); n != 0 {
			t.Errorf("%d were sent though no row says so", n)
		}
		queue.broken(nil)
		time.Sleep(2 * time.Second)
		if got := queue.row(m.ID); got.State != message.Sent {
			t.Errorf("then it is %s", got.State)
		}
		stop()
	})
}

// What came of a call that could not be written is not known, and it is not sent
// again.
func TestACallWhoseEndWasNotWrittenBecomesUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMessage(time.Now())
		queue := newOutbox(m)
		g := &gateway{answer: func(context.Context, message.Message) (string, error) {
			queue.broken(errors.New("database unavailable"))
			return "ref", nil
		}}
		stop := start(queue, g)
		time.Sleep(time.Second)
		queue.broken(nil)
		time.Sleep(time.Minute)
		stop()
		if got := queue.row(m.ID); got.State != message.Unknown || len(g.calls()) != 1 {
			t.Errorf("it is %s after %d calls", got.State, len(g.calls()))
		}
	})
}

// databases runs a test on both.
func databases(t *testing.T, test func(t *testing.T, open func() *store.Store)) {
	run := func(o store.Options) func(t *testing.T) {
		return func(t *testing.T) {
			if o.Folder == "" {
				o.Postgres = storetest.Postgres(t)
			}
			keys, err := seal.ParseKeyFile("test.key", seal.NewKeyFile())
			if err != nil {
				t.Fatal(err)
			}
			o.Keys, o.Now = keys, clock
			test(t, func() *store.Store {
				s, err := store.Open(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				return s
			})
		}
	}
	t.Run("SQLite", run(store.Options{Folder: t.TempDir()}))
	t.Run("PostgreSQL", run(store.Options{}))
}

func queueUp(t *testing.T, s *store.Store, n int) (ids []string) {
	t.Helper()
	for range n {
		m := newMessage(now)
		ids = append(ids, m.ID)
		if err := s.Apply(t.Context(), change.Set{message.Queued{Message: m}}); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// await waits until every message is in a state.
func await(t *testing.T, s *store.Store, ids []string, want message.State) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, id := range ids {
			if m, err := s.Message(t.Context(), id); err != nil || m == nil {
				t.Fatalf("message %s: %v", id, err)
			} else if m.State != want {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages are not %s", left, len(ids), want)
		}
	}
}

func TestEightSendersSendEachMessageOnce(t *testing.T) {
	databases(t, func(t *testing.T, open func() *store.Store) {
		path := filepath.Join(t.TempDir(), "outbox.jsonl")
		first, second := open(), open()
		ids := queueUp(t, first, 40)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 8 {
			s := sms.Sender{Queue: []*store.Store{first, second}[i%2], Now: clock, Log: slog.New(slog.DiscardHandler),
				Routes: sms.NewRoutes([]sms.Gateway{&sms.Outbox{Label: "outbox", Path: path, Now: clock}}, nil, slog.New(slog.DiscardHandler))}
			wg.Go(func() { s.Run(ctx) })
		}
		ids = append(ids, queueUp(t, second, 20)...) // while they send
		await(t, first, ids, message.Sent)
		stop()
		wg.Wait()
		sent := map[string]int{}
		for _, line := range read(t, path) {
			sent[line.ID]++
		}
		for _, id := range ids {
			if sent[id] != 1 {
				t.Errorf("message %s was sent %d times", id, sent[id])
			}
			m, err := first.Message(t.Context(), id)
			if err != nil || m.Text != "" || m.Ref != id || m.Gateway != "outbox" {
				t.Errorf("sent, it is %+v, %v", m, err)
			}
		}
	})
}

func TestAfterACrash(t *testing.T) {
	databases(t, func(t *testing.T, open func() *store.Store) {
		before := open()
		waiting, calling := queueUp(t, before, 5), queueUp(t, before, 3)
		for _, id := range calling {
			if err := before.Apply(t.Context(), change.Set{message.Called{ID: id, Gateway: "fake", At: now}}); err != nil {
				t.Fatal(err)
			}
		}
		_ = before.Close() // the sender died inside its calls

		after, g := open(), &gateway{}
		var log bytes.Buffer
		s := sms.Sender{Queue: after, Routes: sms.NewRoutes([]sms.Gateway{g}, nil, slog.New(slog.DiscardHandler)), Now: func() time.Time { return now.Add(11 * time.Second) }, Log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		await(t, after, waiting, message.Sent)
		await(t, after, calling, message.Unknown)
		time.Sleep(1200 * time.Millisecond) // one more round
		stop()
		wg.Wait()
		calls := g.calls()
		slices.Sort(calls)
		slices.Sort(waiting)
		if !slices.Equal(calls, waiting) {
			t.Errorf("%d were sent, %d waited", len(calls), len(waiting))
		}
		if strings.Contains(log.String(), "123456") || strings.Contains(log.String(), "2125550198") {
			t.Errorf("the log holds a code or a number: %s", log.String())
		}
	})
}
