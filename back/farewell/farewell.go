// Package farewell tells apps that a session is over: OpenID Connect's back-channel
// logout. Where to is the operator's word; redirects are not followed. An app that
// does not answer is told again, for some hours; what it is told is signed anew each
// time, and worth nothing after two minutes.
package farewell

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sallyport/core/change"
	"sallyport/core/grant"
)

// Queue is who still has to be told, as the teller sees it.
type Queue interface {
	Farewells(ctx context.Context, now time.Time, most int) ([]grant.Farewell, error)
	Apply(ctx context.Context, set change.Set) error
}

// Words make what an app is told, and say where; no address where there is nobody to
// tell any more.
type Words interface {
	Farewell(ctx context.Context, f grant.Farewell) (address, token string, err error)
}

const (
	every    = time.Second
	callTime = 5 * time.Second
	perRound = 32
	atOnce   = 4
)

// waits are how long until an app is told again.
var waits = []time.Duration{15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}

// Teller tells apps.
type Teller struct {
	Queue Queue
	Words Words
	Now   func() time.Time
	Log   *slog.Logger
	Done  func() // after each round that reached the queue

	once   sync.Once
	client *http.Client
}

// Run tells until ctx ends.
func (t *Teller) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		switch err := t.round(ctx); {
		case err == nil:
			t.Done()
		case ctx.Err() == nil:
			t.Log.Warn("apps not told of ended sessions", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (t *Teller) round(ctx context.Context) error {
	list, err := t.Queue.Farewells(ctx, t.Now(), perRound)
	if err != nil || len(list) == 0 {
		return err
	}
	free := make(chan struct{}, atOnce)
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	told := map[string]bool{}
	for i, f := range list {
		if one := f.Client + " " + f.Family; told[one] {
			errs[i] = t.settle(ctx, f, time.Time{}) // entered twice, told once
			continue
		} else {
			told[one] = true
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[i] = t.tell(ctx, f)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// settle writes down when to tell again, or never. That somebody else did so first is
// no fault.
func (t *Teller) settle(ctx context.Context, f grant.Farewell, again time.Time) error {
	err := t.Queue.Apply(ctx, change.Set{grant.Told{Farewell: f, Again: again}})
	if _, other := errors.AsType[*change.Refused](err); other {
		return nil
	}
	return err
}

func (t *Teller) tell(ctx context.Context, f grant.Farewell) error {
	var again time.Time
	if f.Tries < len(waits) {
		again = t.Now().Add(waits[f.Tries])
	}
	// Taken in hand first, so that no other node tells it too.
	err := t.Queue.Apply(ctx, change.Set{grant.Told{Farewell: f, Again: again}})
	if _, other := errors.AsType[*change.Refused](err); other {
		return nil
	}
	if err != nil {
		return err
	}
	address, token, err := t.Words.Farewell(ctx, f)
	if err != nil {
		return err
	}
	if address != "" {
		if err := t.post(ctx, address, token); err != nil {
			t.Log.Warn("app not told that a session is over", "app", f.Client, "last", again.IsZero(), "error", err)
			return nil
		}
	}
	if again.IsZero() {
		return nil
	}
	f.TellAt = time.UnixMilli(again.UnixMilli())
	return t.settle(ctx, f, time.Time{})
}

func (t *Teller) post(ctx context.Context, address, token string) error {
	t.once.Do(func() {
		t.client = &http.Client{Timeout: callTime, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return errors.New("no address that can be called")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := t.client.Do(r)
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("it answers %d", answer.StatusCode)
	}
	return nil
}
