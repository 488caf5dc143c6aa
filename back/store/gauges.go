package store

import (
	"context"
	"database/sql"
	"time"

	"sallyport/core/message"
)

// Gauges are figures of the whole database, whichever node made them.
type Gauges struct {
	Schema   int                       // the newest migration
	Sessions map[int64]int             // those that are alive, by level
	Messages map[Message]int           // of the outbox, by way and state
	Oldest   map[message.Way]time.Time // when the oldest that waits was made, where one does
}

// Message is what messages are counted by.
type Message struct {
	Way   message.Way
	State message.State
}

// Gauges counts. A session is alive that has not ended and was used within idle.
func (s *Store) Gauges(ctx context.Context, now time.Time, idle time.Duration) (g Gauges, err error) {
	g.Sessions, g.Messages = map[int64]int{}, map[Message]int{}
	g.Oldest = map[message.Way]time.Time{}
	if err := s.count(ctx, &g.Schema, "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied"); err != nil {
		return g, err
	}
	sessions := func(row scanner) (*int64, error) {
		var level int64
		var n int
		err := row.Scan(&level, &n)
		g.Sessions[level] = n
		return &level, err
	}
	if _, err := list(ctx, s, sessions, "SELECT level, COUNT(*) FROM sessions WHERE ended_at = 0 AND ends_at > $1 AND seen_at > $2 GROUP BY level",
		ms(now), ms(now.Add(-idle))); err != nil {
		return g, err
	}
	messages := func(row scanner) (*Message, error) {
		var m Message
		var n int
		var oldest time.Time
		err := row.Scan(&m.Way, &m.State, &n, when{&oldest})
		if g.Messages[m] = n; m.State == message.Waiting {
			g.Oldest[m.Way] = oldest
		}
		return &m, err
	}
	_, err = list(ctx, s, messages, "SELECT way, state, COUNT(*), MIN(made_at) FROM messages GROUP BY way, state")
	return g, err
}

// Pool is how the connections to the database are used.
func (s *Store) Pool() sql.DBStats { return s.db.Pool() }
