package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"sallyport/core/audit"
)

const auditColumns = "id, at, person, actor, event, method, reason, attempt, detail, mac, parts_hash"

// detail is the personal part of an entry, which can be erased by itself.
type detail struct{ Note, Address, Agent, Request, Link string }

func (t txn) audit(e audit.Entry) error {
	sealed, err := t.sealJSON("audit.detail", e.ID, detail{e.Note, e.Address, e.Agent, e.Request, e.Link})
	if err != nil {
		return err
	}
	t.work.entries = append(t.work.entries, e)
	parts := t.store.auditParts(e)
	return t.do(insert("audit", auditColumns), e.ID, ms(e.At), e.Person, e.Actor, string(e.Event), e.Method, e.Reason, e.Attempt, sealed,
		t.store.auditMAC(e, parts), parts)
}

// auditParts is the keyed hash of what can be erased of an entry: it outlives the
// erasure, and without the key nobody can guess from it what it was.
func (s *Store) auditParts(e audit.Entry) string {
	return hex.EncodeToString(s.box.MAC("audit.parts", []byte(e.ID), []byte(e.Person), []byte(e.Actor),
		[]byte(e.Note), []byte(e.Address), []byte(e.Agent), []byte(e.Request), []byte(e.Link)))
}

// auditMAC signs an entry, so that one that was edited or put in shows; of what
// can be erased it signs the hash.
func (s *Store) auditMAC(e audit.Entry, parts string) string {
	return hex.EncodeToString(s.box.MAC("audit", []byte(e.ID), []byte(e.At.UTC().Format("20060102150405.000")),
		[]byte(e.Event), []byte(e.Method), []byte(e.Reason), []byte(e.Attempt), []byte(parts)))
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
