package sms_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/back/sms"
)

func TestTheSenderTellsOfRoundsThatReachedTheOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newOutbox()
		var rounds atomic.Int64
		s := &sms.Sender{Queue: queue, Routes: sms.NewRoutes([]sms.Gateway{&gateway{}}, nil, slog.New(slog.DiscardHandler)), Now: clock, Log: slog.New(slog.DiscardHandler), Done: func() { rounds.Add(1) }}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.Run(ctx); close(ended) }()
		time.Sleep(5500 * time.Millisecond) // one at the start and one a second
		if n := rounds.Load(); n != 6 {
			t.Errorf("%d rounds were told of, not 6", n)
		}
		queue.broken(errors.New("down"))
		before := rounds.Load()
		time.Sleep(5 * time.Second)
		if n := rounds.Load(); n != before {
			t.Errorf("%d rounds were told of that reached nothing", n-before)
		}
		queue.broken(nil)
		time.Sleep(2 * time.Second)
		if rounds.Load() == before {
			t.Error("it does not come back")
		}
		stop()
		<-ended
	})
}
