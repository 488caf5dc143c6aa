package store

import (
	"context"
	"log/slog"
	"time"

	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/phone"
)

// Retention of what strangers or time can pile up.
const (
	sweepEvery   = time.Minute
	sweepBatch   = 500
	unknownMost  = 100_000
	messagesKept = 30 * 24 * time.Hour
	unknownKept  = 30 * 24 * time.Hour // tries at names that do not exist
	wrongKept    = 90 * 24 * time.Hour // wrong passwords of names that do
	sessionsKept = 24 * time.Hour
	recoverKept  = 30 * 24 * time.Hour
)

// swept drops one batch of everything that has passed its end. It says whether
// there is more.
type swept struct {
	change.Mark
	Now  time.Time
	More *bool
}

func (t txn) swept(e swept) error {
	*e.More = false
	drop := func(query string, args ...any) error {
		n, err := t.exec(t.ctx, query, args...)
		*e.More = *e.More || n == sweepBatch
		return err
	}
	for _, s := range []struct {
		table, where string
		before       time.Duration
	}{
		{"attempts", "seen_at < $1", flow.SetupLength + flow.AttemptKept},
		{"setups", "ends_at < $1", 0},
		{"sessions", "ends_at < $1", sessionsKept},
		{"sessions", "ended_at > 0 AND ended_at < $1", sessionsKept},
		{"known", "ends_at < $1", 0},
		{"phones", "ended_at > 0 AND ended_at < $1", phone.Heard}, // then a number that was removed is kept nowhere
		{"links", "ends_at < $1", person.LinkKept},
		{"messages", "made_at < $1", messagesKept},
		{"recoveries", "until_at < $1", recoverKept},
		{"audit", "person = '' AND at < $1", unknownKept},
		{"audit", "event = 'password-wrong' AND at < $1", wrongKept},
		{"factors", "ended_at > 0 AND kind = 'app' AND ended_at < $1", factor.OldFor},
	} {
		if err := drop("DELETE FROM "+s.table+" WHERE id IN (SELECT id FROM "+s.table+" WHERE "+s.where+" LIMIT $2)", ms(e.Now.Add(-s.before)), sweepBatch); err != nil {
			return err
		}
	}
	if err := t.do("UPDATE sessions SET codes = $1 WHERE codes_until > 0 AND codes_until < $2", []byte{}, ms(e.Now)); err != nil {
		return err
	}
	if err := drop("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE person = '' ORDER BY at DESC LIMIT $1 OFFSET $2)", sweepBatch, unknownMost); err != nil {
		return err
	}
	return drop("DELETE FROM limits WHERE key IN (SELECT key FROM limits WHERE ends_at < $1 LIMIT $2)", ms(e.Now), sweepBatch)
}

// Sweep drops what has passed its end, in batches between which others write:
// one batch a minute would be slower than strangers can fill.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.Apply(ctx, change.Set{swept{Now: now, More: &more}}); err != nil {
			return err
		}
	}
	return nil
}

// Sweeper drops what has passed its end, every minute, in batches.
type Sweeper struct {
	Store *Store
	Now   func() time.Time
	Log   *slog.Logger
}

// Run sweeps until ctx ends.
func (s Sweeper) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Store.Sweep(ctx, s.Now()); err != nil && ctx.Err() == nil {
			s.Log.Warn("sweep failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// MAC is a keyed hash with a key of this installation.
func (s *Store) MAC(purpose string, parts ...[]byte) []byte { return s.box.MAC(purpose, parts...) }
