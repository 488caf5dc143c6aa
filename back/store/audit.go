package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/person"
)

const auditColumns = "id, at, person, actor, event, method, reason, attempt, detail, mac, parts_hash"

// detail is the personal part of an entry, which can be erased by itself.
type detail struct{ Note, Address, Agent, Request, Link string }

func (t txn) audit(e audit.Entry) error {
	sealed, err := t.sealJSON("audit.detail", e.ID, detail{e.Note, e.Address, e.Agent, e.Request, e.Link})
	if err != nil {
		return err
	}
	if e.Event == audit.PersonDeleted {
		e.Reason = t.deleted()
	}
	t.work.entries = append(t.work.entries, e)
	parts := t.store.auditParts(e)
	mac := t.store.auditMAC(e, parts)
	row := &appended{of: e, mac: mac, values: []any{e.ID, ms(e.At), e.Person, e.Actor, string(e.Event), e.Method, e.Reason, e.Attempt, sealed, mac, parts}}
	if t.Later(row) {
		return nil
	}
	return t.do(appendAndWait, append(row.values, placeless)...)
}

// deleted is the tag of whom the same change deletes: entries that it erases bear
// that tag, so that no other entry can pass for an erased one.
func (t txn) deleted() string {
	for _, e := range t.work.set {
		if d, ok := e.(person.Deleted); ok {
			return t.store.auditTag(d.ID)
		}
	}
	return ""
}

// second marks the form of an entry's MAC in use. The first one, of databases up to
// schema 4, signed no tags.
const second = "2:"

// auditParts is the keyed hash of what can be erased of an entry: it outlives the
// erasure, and without the key nobody can guess from it what it was.
func (s *Store) auditParts(e audit.Entry) string {
	return hex.EncodeToString(s.box.MAC("audit.parts.2", []byte(e.ID), []byte(e.Note), []byte(e.Address), []byte(e.Agent), []byte(e.Request), []byte(e.Link)))
}

// auditTag stands for a person or an actor in what is signed.
func (s *Store) auditTag(who string) string {
	if tag, erased := strings.CutPrefix(who, erasedBefore); erased {
		return tag
	}
	return hex.EncodeToString(s.box.MAC("audit.who", []byte(who))[:12])
}

const erasedBefore = audit.Erased + ":"

// auditMAC signs an entry, so that one that was edited or put in shows; of what
// can be erased it signs the hashes.
func (s *Store) auditMAC(e audit.Entry, parts string) string {
	who := s.auditTag(e.Person)
	actor := who
	if e.Actor != e.Person {
		actor = s.auditTag(e.Actor)
	}
	return second + hex.EncodeToString(s.box.MAC("audit.2", []byte(e.ID), []byte(signedTime(e.At)), []byte(e.Event), []byte(e.Method), []byte(e.Reason),
		[]byte(e.Attempt), []byte(who), []byte(actor), []byte(parts)))
}

func signedTime(at time.Time) string { return at.UTC().Format("20060102150405.000") }

// auditOld are the MACs that entries of schemas before the chain may have: that
// of schema 4, which signs the hash of the parts, and the one before, which signs
// the parts themselves.
func (s *Store) auditOld(e audit.Entry, parts string) (kept, mac string) {
	personal := [][]byte{[]byte(e.Person), []byte(e.Actor), []byte(e.Note), []byte(e.Address), []byte(e.Agent), []byte(e.Request), []byte(e.Link)}
	lasting := [][]byte{[]byte(e.Event), []byte(e.Method), []byte(e.Reason), []byte(e.Attempt)}
	id, at := []byte(e.ID), []byte(signedTime(e.At))
	if parts != "" {
		kept = hex.EncodeToString(s.box.MAC("audit.parts", slices.Insert(personal, 0, id)...))
		return kept, hex.EncodeToString(s.box.MAC("audit", slices.Concat([][]byte{id, at}, lasting, [][]byte{[]byte(parts)})...))
	}
	return "", hex.EncodeToString(s.box.MAC("audit", slices.Concat([][]byte{id, at}, personal[:2], lasting, personal[2:])...))
}

// intact says whether what is signed of an entry is as it was. It is vague about one
// of a schema before the chain whose form signed nothing that outlives an erasure.
func (s *Store) intact(row *auditRow) (intact, vague bool) {
	whole := len(row.sealed) > 0
	if whole && s.openDetail(row) != nil {
		return false, false
	}
	if strings.HasPrefix(row.MAC, second) {
		return row.MAC == s.auditMAC(row.Entry, row.parts) && (!whole || row.parts == s.auditParts(row.Entry)), false
	}
	if !whole && !strings.HasPrefix(row.Person, audit.Erased) {
		return false, false
	}
	parts, mac := s.auditOld(row.Entry, row.parts)
	if mac == row.MAC {
		return row.erased() || parts == row.parts, false
	}
	vague = row.erased() && row.parts == ""
	return vague, vague
}

// erased says whether somebody who was deleted stood in an entry.
func (r *auditRow) erased() bool {
	return strings.HasPrefix(r.Person, audit.Erased) || strings.HasPrefix(r.Actor, audit.Erased)
}

func (s *Store) scanAudit(row scanner) (*audit.Entry, error) {
	var e audit.Entry
	var d detail
	var sealed []byte
	var mac, parts string
	if err := row.Scan(&e.ID, when{&e.At}, &e.Person, &e.Actor, &e.Event, &e.Method, &e.Reason, &e.Attempt, &sealed, &mac, &parts); err != nil {
		return nil, err
	}
	err := s.openJSON("audit.detail", e.ID, sealed, &d)
	e.Note, e.Address, e.Agent, e.Request, e.Link = d.Note, d.Address, d.Agent, d.Request, d.Link
	return &e, err
}

// Events are the newest entries about a person.
func (s *Store) Events(ctx context.Context, who string, most, skip int) ([]audit.Entry, error) {
	return list(ctx, s, s.scanAudit, "SELECT "+auditColumns+" FROM audit WHERE person = $1 ORDER BY at DESC, id LIMIT $2 OFFSET $3", who, most, skip)
}

// EventsOf are the newest entries of some kinds about a person.
func (s *Store) EventsOf(ctx context.Context, who string, kinds []audit.Event, most int) ([]audit.Entry, error) {
	places, args := make([]string, len(kinds)), []any{who, most}
	for i, kind := range kinds {
		places[i], args = fmt.Sprintf("$%d", i+3), append(args, string(kind))
	}
	return list(ctx, s, s.scanAudit, "SELECT "+auditColumns+" FROM audit WHERE person = $1 AND event IN ("+strings.Join(places, ", ")+
		") ORDER BY at DESC, id LIMIT $2", args...)
}

// EventsAfter are the entries of some kinds that follow one, oldest first; a moment
// alone stands before all entries of that moment.
func (s *Store) EventsAfter(ctx context.Context, kinds []audit.Event, after audit.Entry, most int) ([]audit.Entry, error) {
	places, args := make([]string, len(kinds)), []any{ms(after.At), most, after.ID}
	for i, kind := range kinds {
		places[i], args = fmt.Sprintf("$%d", i+4), append(args, string(kind))
	}
	return list(ctx, s, s.scanAudit, "SELECT "+auditColumns+" FROM audit WHERE at >= $1 AND (at > $1 OR id > $3) AND event IN ("+strings.Join(places, ", ")+
		") ORDER BY at, id LIMIT $2", args...)
}
