package server_test

import (
	"context"
	"sync"
	"time"

	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// between is the store of a portal, with something that happens between two of
// its calls. Races are lost there, and a story meets the moment only by chance.
type between struct {
	*store.Store
	mu      sync.Mutex
	calls   int
	at      int // before which call it happens
	happen  func()
	applied bool // a change was taken before it
	late    bool // it happened after a change was taken
}

// set lets something happen before the nth call from now on.
func (b *between) set(n int, happen func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls, b.at, b.happen, b.applied, b.late = 0, n, happen, false, false
}

// over says whether it has happened, and lets nothing happen any more.
func (b *between) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.happen = nil
	return b.calls >= b.at
}

func (b *between) call() {
	b.mu.Lock()
	b.calls++
	happen := b.happen
	if b.calls != b.at {
		happen = nil
	}
	b.late = b.late || happen != nil && b.applied
	b.mu.Unlock()
	if happen != nil {
		happen()
	}
}

func (b *between) Apply(ctx context.Context, set change.Set) error {
	b.call()
	err := b.Store.Apply(ctx, set)
	b.mu.Lock()
	b.applied = b.applied || err == nil
	b.mu.Unlock()
	return err
}

func (b *between) Limits(ctx context.Context, keys []string) (map[string]limit.State, error) {
	b.call()
	return b.Store.Limits(ctx, keys)
}

func (b *between) Person(ctx context.Context, id string) (*person.Person, error) {
	b.call()
	return b.Store.Person(ctx, id)
}

func (b *between) PersonByName(ctx context.Context, name string) (*person.Person, error) {
	b.call()
	return b.Store.PersonByName(ctx, name)
}

func (b *between) Factors(ctx context.Context, who string) ([]factor.Factor, error) {
	b.call()
	return b.Store.Factors(ctx, who)
}

func (b *between) Phones(ctx context.Context, who string) ([]phone.Phone, error) {
	b.call()
	return b.Store.Phones(ctx, who)
}

func (b *between) PhonesEnded(ctx context.Context, who string, after time.Time) ([]phone.Phone, error) {
	b.call()
	return b.Store.PhonesEnded(ctx, who, after)
}

func (b *between) Link(ctx context.Context, id string) (*person.Link, error) {
	b.call()
	return b.Store.Link(ctx, id)
}

func (b *between) Events(ctx context.Context, who string, most, skip int) ([]audit.Entry, error) {
	b.call()
	return b.Store.Events(ctx, who, most, skip)
}

func (b *between) Attempt(ctx context.Context, id string) (*flow.Attempt, error) {
	b.call()
	return b.Store.Attempt(ctx, id)
}

func (b *between) Setup(ctx context.Context, id string) (*flow.Setup, error) {
	b.call()
	return b.Store.Setup(ctx, id)
}

func (b *between) Recovery(ctx context.Context, who string) (*flow.Recovery, error) {
	b.call()
	return b.Store.Recovery(ctx, who)
}

func (b *between) Standing(ctx context.Context, of flow.Subject) (flow.Standing, error) {
	b.call()
	return b.Store.Standing(ctx, of)
}

func (b *between) Session(ctx context.Context, id string) (*session.Session, error) {
	b.call()
	return b.Store.Session(ctx, id)
}

func (b *between) SessionsOf(ctx context.Context, who string) ([]session.Session, error) {
	b.call()
	return b.Store.SessionsOf(ctx, who)
}

func (b *between) KnownBrowser(ctx context.Context, token, who string) (*session.KnownBrowser, error) {
	b.call()
	return b.Store.KnownBrowser(ctx, token, who)
}

func (b *between) KnownByCookie(ctx context.Context, token string) (int, error) {
	b.call()
	return b.Store.KnownByCookie(ctx, token)
}
