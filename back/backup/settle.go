package backup

import (
	"slices"
	"time"

	"sallyport/back/store"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/core/person"
	"sallyport/core/session"
)

// settler makes of rows what they may be in a copy. What ended after the backup was
// taken, and why, nobody knows here: a session that was signed out, a browser that
// was forgotten, a link that was used. So whatever was going on has ended, and
// everybody signs in again. What was spent stays spent, and links that only take
// away, as those of notices, stay.
type settler struct {
	now   time.Time
	ended Ended
}

// settled says whether a row goes into the copy, once it is what it may be there.
func (s *settler) settled(t store.Table, row []any) bool {
	is := func(column string, values ...any) bool {
		i := slices.Index(t.Columns, column)
		return i >= 0 && slices.Contains(values, row[i])
	}
	after := func(column string) bool {
		i := slices.Index(t.Columns, column)
		if i < 0 {
			return false
		}
		at, ok := row[i].(int64)
		return ok && at > s.now.UnixMilli()
	}
	set := func(column string, value any) {
		if i := slices.Index(t.Columns, column); i >= 0 {
			row[i] = value
		}
	}
	now, never := s.now.UnixMilli(), int64(0)
	set("lease_at", never) // nobody has a lease here
	switch t.Name {
	case "known":
		s.ended.Browsers++
		return false
	case "setups", "leases", "tokens":
		return false
	case "grants": // a code that was spent since, a token that was given back
		if is("ended_at", never) {
			set("ended_at", now)
			set("ended_why", grant.EndedByIncident)
		}
		set("tell_at", never)
	case "sessions":
		if is("ended_at", never) && after("ends_at") {
			set("ended_at", now)
			set("ended_why", session.EndedByOperator)
			s.ended.Sessions++
		}
	case "attempts":
		if is("ended_at", never) {
			set("ended_at", now)
			set("ended_why", flow.OverLeft)
		}
	case "recoveries":
		if is("ended_at", never) && after("until_at") {
			set("ended_at", now)
			set("ended_why", flow.ByRestoring)
			s.ended.Recoveries++
		}
	case "links":
		if is("spent_at", never) && is("replaced_at", never) && after("ends_at") && !is("kind", string(person.Dispute)) {
			set("replaced_at", now)
			s.ended.Links++
		}
	case "messages": // the original sends what waited, and settles what it was sending
		if is("state", "waiting", "calling") {
			set("state", "unknown")
			set("reason", "restored from a backup")
			set("done_at", now)
			set("body", []byte{})
			set("subject", []byte{})
		}
	}
	return true
}
