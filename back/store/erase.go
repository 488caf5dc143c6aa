package store

import (
	"context"

	"sallyport/back/database"
	"sallyport/core/change"
	"sallyport/core/person"
)

// personal are the tables whose rows belong to one person and go with them.
var personal = []string{"factors", "phones", "attempts", "setups", "recoveries", "sessions", "known", "doors", "links", "messages", "consents"}

// personDeleted leaves no row that leads to the person. Entries of the audit log
// stay without what names them: each keeps the hash of it.
func (t txn) personDeleted(e person.Deleted) error {
	if err := t.must(e, "DELETE FROM people WHERE id = $1", e.ID); err != nil {
		return err
	}
	for _, table := range personal {
		if err := t.do("DELETE FROM "+table+" WHERE person = $1", e.ID); err != nil {
			return err
		}
	}
	if err := t.do("DELETE FROM tokens WHERE under IN (SELECT id FROM grants WHERE person = $1)", e.ID); err != nil {
		return err
	}
	// Who still has to hear of it is told by the id alone, and then forgotten too.
	if err := t.do("DELETE FROM grants WHERE person = $1 AND tell_at = 0", e.ID); err != nil {
		return err
	}
	if err := t.do("DELETE FROM limits WHERE key LIKE $1", "%"+e.ID+"%"); err != nil { // an id is letters and digits
		return err
	}
	gone := erased{e, e.ID, erasedBefore + t.store.auditTag(e.ID)}
	if t.Later(gone) {
		return nil
	}
	return gone.from(t.ctx, t)
}

// erased is somebody who is to be found in no entry any more.
type erased struct {
	of      change.Effect
	id, tag string
}

func (e erased) from(ctx context.Context, tx database.Tx) error {
	if err := tx.Run(ctx, database.Statement{Of: e.of, Query: "UPDATE audit SET person = $2, detail = $3 WHERE person = $1", Args: []any{e.id, e.tag, []byte{}}}); err != nil {
		return err
	}
	return tx.Run(ctx, database.Statement{Of: e.of, Query: "UPDATE audit SET actor = $2 WHERE actor = $1", Args: []any{e.id, e.tag}})
}
