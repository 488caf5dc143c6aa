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
	headsKept    = 7 * 24 * time.Hour
)

// Kept is how long rows are kept after the moment that Since names.
type Kept struct {
	What, Since  string // as docs/operate/privacy.md says it
	For          time.Duration
	table, where string
}

// Retention is what the sweeper goes by, and what operators are told.
var Retention = []Kept{
	{"sign-ins under way", "the last click", flow.SetupLength + flow.AttemptKept, "attempts", "seen_at < $1"},
	{"set-ups under way", "their end", 0, "setups", "ends_at < $1"},
	{"sessions", "their latest end", sessionsKept, "sessions", "ends_at < $1"},
	{"ended sessions", "their end", sessionsKept, "sessions", "ended_at > 0 AND ended_at < $1"},
	{"doors of sessions at apps", "the latest end of the session", 0, "doors", "ends_at < $1"},
	{"what apps were let have by OpenID Connect", "its latest end", grantsKept, "grants", "ends_at < $1"},
	{"tokens of OpenID Connect", "their end", grantsKept, "tokens", "ends_at < $1"},
	{"assertions by which apps proved themselves", "their end", 0, "assertions", "ends_at < $1"},
	{"replaced keys that signed tokens", "their end", 0, "signers", "ends_at > 0 AND ends_at < $1"},
	{"changes that other nodes have to know", "the change", changesKept, "changes", "at < $1"},
	{"nodes that have stopped", "their last sign of life", nodesKept, "nodes", "alive_at < $1"},
	{"known browsers", "180 days without use", 0, "known", "ends_at < $1"},
	{"replaced mobile numbers", "their replacement", phone.Heard, "phones", "ended_at > 0 AND ended_at < $1"},
	{"links and setup codes", "their end", person.LinkKept, "links", "ends_at < $1"},
	{"the log of messages", "their making", messagesKept, "messages", "made_at < $1"},
	{"recoveries with a wait", "their end", recoverKept, "recoveries", "until_at < $1"},
	{"tries at names that do not exist", "the try", unknownKept, "audit", "person = '' AND actor = '' AND at < $1"},
	{"wrong passwords of people", "the try", wrongKept, "audit", "event = 'password-wrong' AND at < $1"},
	{"signed heads of the audit log, but the first of a day", "their signing", headsKept, "audit_heads", "ends_at < $1"},
	{"apps that were removed or replaced", "their end", factor.OldFor, "factors", "ended_at > 0 AND kind = 'app' AND ended_at < $1"},
}

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
		n, err := t.rows(query, args...)
		*e.More = *e.More || n == sweepBatch
		return err
	}
	for _, s := range Retention {
		if s.table == "audit" {
			continue // see sweepAudit
		}
		if err := drop("DELETE FROM "+s.table+" WHERE id IN (SELECT id FROM "+s.table+" WHERE "+s.where+" LIMIT $2)", ms(e.Now.Add(-s.For)), sweepBatch); err != nil {
			return err
		}
	}
	if err := t.do("UPDATE sessions SET codes = $1 WHERE codes_until > 0 AND codes_until < $2", []byte{}, ms(e.Now)); err != nil {
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
	return s.sweepAudit(ctx, now)
}

// Sweeper drops what has passed its end, every minute, in batches.
type Sweeper struct {
	Store *Store
	Now   func() time.Time
	Log   *slog.Logger
	Done  func() // after each sweep that worked; or nil
}

// Run sweeps until ctx ends.
func (s Sweeper) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		switch err := s.Store.Sweep(ctx, s.Now()); {
		case err != nil && ctx.Err() == nil:
			s.Log.Warn("sweep failed", "error", err)
		case err == nil && s.Done != nil:
			s.Done()
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
