package store

import (
	"context"
	"fmt"
	"time"

	"sallyport/back/database"
	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// txn applies the effects of one change.
type txn struct {
	database.Tx
	ctx    context.Context
	store  *Store
	work   *work
	effect change.Effect // that is being applied
}

// must runs a statement whose condition has to hold for one row.
func (t txn) must(e change.Effect, query string, args ...any) error {
	return t.Run(t.ctx, database.Statement{Of: e, One: true, Query: query, Args: args})
}

// do runs a statement without a condition.
func (t txn) do(query string, args ...any) error {
	return t.Run(t.ctx, database.Statement{Of: t.effect, Query: query, Args: args})
}

// rows runs a statement now, and says how many rows it met.
func (t txn) rows(query string, args ...any) (int64, error) {
	return t.Exec(t.ctx, database.Statement{Of: t.effect, Query: query, Args: args})
}

// alone makes changes of one kind to one thing wait for each other. Where a
// condition is about several rows nothing else does: on PostgreSQL two changes
// that run at once do not see each other's new rows. The row that is locked is
// swept like a budget that was used up.
func (t txn) alone(what, id string, at time.Time) error {
	return t.do("INSERT INTO limits ("+limitColumns+") VALUES ($1, 0, 0, 0, 0, 0, $2) ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at",
		"alone/"+what+"/"+id, ms(at.Add(limitKept)))
}

// all applies the set of its work in its order. A mistake in the program fails the change, and
// takes down neither the writer nor its neighbours.
func (t txn) all() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for _, effect := range t.work.set {
		t.effect = effect
		if err := t.apply(effect); err != nil {
			return err
		}
	}
	if err := t.farewells(); err != nil {
		return err
	}
	return t.tell()
}

// apply knows how each effect is written and which condition it must meet.
func (t txn) apply(effect change.Effect) error {
	switch e := effect.(type) {
	case person.Added:
		return t.personAdded(e)
	case person.Saved:
		return t.personSaved(e)
	case person.Deleted:
		return t.personDeleted(e)
	case person.Unchanged:
		return t.must(e, "UPDATE people SET version = version WHERE id = $1 AND version = $2", e.ID, e.Version)
	case person.LinkMade:
		return t.linkMade(e)
	case person.LinksReplaced:
		return t.linksReplaced(e)
	case person.LinkSpent:
		return t.must(e, "UPDATE links SET spent_at = $2 WHERE id = $1 AND spent_at = 0 AND replaced_at = 0 AND ends_at > $2", e.ID, ms(e.At))
	case factor.Bound, factor.Ended, factor.EndedAll, factor.Voided, factor.StepSpent, factor.Missed, factor.DataSaved, factor.Renamed:
		return t.factor(e)
	case phone.Bound, phone.EndedAll, phone.Voided:
		return t.phone(e)
	case flow.AttemptBegun, flow.AttemptSaved, flow.AttemptsEnded:
		return t.attempt(e)
	case flow.SetupBegun, flow.SetupSaved, flow.CodesPrepared, flow.SetupsDropped:
		return t.setup(e)
	case flow.RecoveryAsked, flow.RecoveryEnded:
		return t.recovery(e)
	case session.Begun, session.Saved, session.Seen, session.Ended, session.EndedAll:
		return t.session(e)
	case session.Recognised, session.SeenAgain, session.Forgot, session.ForgotAll, session.ForgotCookie:
		return t.known(e)
	case limit.Spent, limit.Within, limit.Closed, limit.Refunded, limit.Cleared:
		return t.limit(e)
	case message.Queued, message.QueuedOnce, message.Entered, message.Expired, message.Alert, message.Called, message.Deferred, message.Settled, message.PassedOn, message.Received, message.Forgiven, messagesGivenUp, mailsAgain:
		return t.message(e)
	case audit.Entry:
		return t.audit(e)
	case audit.Leased, linked, headKeeps, pruned, adopted:
		return t.chain(e)
	case app.Beside, app.Saved, app.Removed:
		return t.app(e)
	case door.Opened:
		return t.doorOpened(e)
	case grant.Begun, grant.CodeSpent, grant.Issued, grant.RefreshSpent, grant.Ended, grant.AccessEnded, grant.Consented, grant.Withdrawn, grant.AssertionSpent, grant.Told, grant.KeyMade, grant.KeyReplaced:
		return t.grant(e)
	case nodeAlive:
		return t.do("INSERT INTO nodes (id, alive_at, passed_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET alive_at = excluded.alive_at, passed_at = excluded.passed_at",
			e.ID, ms(e.At), e.Passed)
	case nodeGone:
		return t.do("DELETE FROM nodes WHERE id = $1", e.ID)
	case keyRotated, resealed, keysRetired:
		return t.keys(e)
	case keysMade:
		return t.keysMade(e)
	case probed:
		return t.do("INSERT INTO meta (name, value) VALUES ('probe', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", fmt.Sprint(ms(e.At)))
	case swept:
		return t.swept(e)
	}
	return fmt.Errorf("store: no way to apply %T", effect)
}

func (t txn) keysMade(e keysMade) error {
	for _, k := range e.Keys {
		if err := t.do("INSERT INTO keys (id, purpose, kek, wrapped, made_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
			k.ID, k.Purpose, k.KEK, k.Blob, k.MadeAt); err != nil {
			return err
		}
	}
	return nil
}

// queues says whether a set holds a message for the sender.
func queues(set change.Set) bool {
	for _, e := range set {
		switch e.(type) {
		case message.Queued, message.QueuedOnce:
			return true
		}
	}
	return false
}
