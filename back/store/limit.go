package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sallyport/back/database"
	"sallyport/core/change"
	"sallyport/core/limit"
)

const limitColumns = "key, used, since_at, next_at, until_at, level, ends_at"

// limitKept is how long a row outlives its window, so that a wait that grows
// remembers the ones before it.
const limitKept = 24 * time.Hour

func (t txn) limit(effect change.Effect) error {
	switch e := effect.(type) {
	case limit.Spent:
		return t.spent(e)
	case limit.Within:
		return t.within(e)
	case limit.Closed:
		return t.must(e, "INSERT INTO limits ("+limitColumns+") VALUES ($1, 0, $2, 0, $3, 1, $4) ON CONFLICT (key) DO UPDATE SET "+
			"since_at = $2, until_at = $3, level = limits.level + 1, ends_at = $4 WHERE limits.until_at <= $2",
			e.Key, ms(e.Now), ms(e.Until), ms(e.Until.Add(limitKept)))
	case limit.Refunded:
		return t.do("UPDATE limits SET used = used - 1 WHERE key = $1 AND used > 0", e.Key)
	case limit.Cleared:
		for _, key := range e.Keys {
			if err := t.do("DELETE FROM limits WHERE key = $1", key); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no such effect on limits")
}

// spent takes one from a budget in a single statement, so that of two at once
// the second sees the first.
func (t txn) spent(e limit.Spent) error {
	query, args := spending(e)
	return t.must(e, query, args...)
}

// spend is spent for whom a budget that is used up stops nothing else.
func (t txn) spend(e limit.Spent) (int64, error) {
	query, args := spending(e)
	return t.rows(query, args...)
}

// spending gives every moment as a parameter of its own: PostgreSQL knows no type
// for the sum of two parameters.
func spending(e limit.Spent) (query string, args []any) {
	b, now := e.Budget, ms(e.Now)
	if !e.Free && e.Takes() > int64(b.Max) {
		// More than there ever is: a row that is not there yet would let it pass.
		return "UPDATE limits SET used = used WHERE 1 = 0", nil
	}
	past, end := ms(e.Now.Add(-b.Window)), ms(e.Now.Add(b.Window+limitKept))
	after := func(wait time.Duration) int64 { return ms(e.Now.Add(wait)) }
	switch {
	case b.Waits[0] > 0:
		return "INSERT INTO limits (" + limitColumns + ") VALUES ($1, 1, $2, 0, 0, 0, $9) ON CONFLICT (key) DO UPDATE SET " +
				"used = CASE WHEN limits.since_at <= $3 THEN 1 WHEN limits.used + 1 >= $4 THEN 0 ELSE limits.used + 1 END, " +
				"since_at = CASE WHEN limits.since_at <= $3 OR limits.used + 1 >= $4 THEN $2 ELSE limits.since_at END, " +
				"until_at = CASE WHEN limits.since_at <= $3 OR limits.used + 1 < $4 THEN limits.until_at " +
				"WHEN limits.level = 0 THEN $5 WHEN limits.level = 1 THEN $6 ELSE $7 END, " +
				"level = CASE WHEN limits.since_at <= $3 OR limits.used + 1 < $4 THEN limits.level ELSE limits.level + 1 END, " +
				"ends_at = $9 WHERE limits.until_at <= $2 OR $8",
			[]any{e.Key, now, past, b.Max, after(b.Waits[0]), after(b.Waits[1]), after(b.Waits[2]), e.Free, end}
	default:
		return "INSERT INTO limits (" + limitColumns + ") VALUES ($1, $9, $2, $5, 0, 0, $8) ON CONFLICT (key) DO UPDATE SET " +
				"used = CASE WHEN limits.since_at <= $3 THEN $9 ELSE limits.used + $9 END, " +
				"since_at = CASE WHEN limits.since_at <= $3 THEN $2 ELSE limits.since_at END, " +
				"next_at = CASE WHEN limits.since_at <= $3 THEN $5 WHEN limits.used = 1 THEN $6 ELSE $2 END, " +
				"ends_at = $8 WHERE $7 OR limits.since_at <= $3 OR (limits.used + $9 <= $4 AND limits.next_at <= $2)",
			[]any{e.Key, now, past, b.Max, after(b.Gaps[0]), after(b.Gaps[1]), e.Free, end, e.Takes()}
	}
}

// within locks the row of a budget, in the queue of those who spend from it, and
// sees whether it is used up. Without the lock a right guess would overtake the
// wrong ones that were sent beside it, and a burst of guesses would have no end.
func (t txn) within(e limit.Within) error {
	b := e.Budget
	return t.must(e, "INSERT INTO limits ("+limitColumns+") VALUES ($1, 0, 0, 0, 0, 0, $6) ON CONFLICT (key) DO UPDATE SET used = limits.used "+
		"WHERE limits.until_at <= $2 AND ($3 OR limits.since_at <= $4 OR limits.used < $5)",
		e.Key, ms(e.Now), b.Waits[0] > 0, ms(e.Now.Add(-b.Window)), b.Max, ms(e.Now.Add(b.Window+limitKept)))
}

// limitsByKey reads budgets by their keys.
func limitsByKey(states map[string]limit.State, keys []string) database.Question {
	places, args := make([]string, len(keys)), make([]any, len(keys))
	for i, key := range keys {
		places[i], args[i] = fmt.Sprintf("$%d", i+1), key
	}
	query := "SELECT " + limitColumns + " FROM limits WHERE key IN (" + strings.Join(places, ", ") + ")"
	return database.Question{Query: query, Args: args, Each: func(row database.Row) error {
		var l limit.State
		var end time.Time
		err := row.Scan(&l.Key, &l.Used, when{&l.Since}, when{&l.Next}, when{&l.Until}, &l.Level, when{&end})
		states[l.Key] = l
		return err
	}}
}

// Limits reads budgets; a key that nobody spent on is absent.
func (s *Store) Limits(ctx context.Context, keys []string) (states map[string]limit.State, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = s.ask(ctx, func() []database.Question {
		states = map[string]limit.State{}
		return []database.Question{limitsByKey(states, keys)}
	})
	return states, err
}
