package sms_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/back/sms"
)

// Whoever may choose the number chooses which messages a gateway does not take: by
// them nobody puts it out of use for all others.
func TestAMessageThatIsNotTakenIsNotTheGatewaysFault(t *testing.T) {
	for _, row := range []struct {
		status int
		want   sms.Position
	}{{400, sms.Closed}, {422, sms.Closed}, {401, sms.Open}, {500, sms.Open}} {
		var calls atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.WriteHeader(row.status)
		}))
		caller, err := sms.NewCaller("", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		g := &sms.HTTP{Caller: caller, Label: "main", Origin: server.URL, Request: func(ctx context.Context, _, _, _ string) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("x"))
		}}
		queue := newOutbox()
		for range 6 {
			queue.add(newMessage(time.Now()))
		}
		routes := sms.NewRoutes([]sms.Gateway{g}, nil, slog.New(slog.DiscardHandler))
		stop := along(queue, routes)
		for end := time.Now().Add(10 * time.Second); calls.Load() < 6 && routes.Positions()["main"] == sms.Closed && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		stop()
		if got := routes.Positions()["main"]; got != row.want {
			t.Errorf("after %d answers of %d it is %s", calls.Load(), row.status, got)
		}
		server.Close()
	}
}
