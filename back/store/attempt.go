package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sallyport/core/change"
	"sallyport/core/flow"
)

const attemptColumns = "id, person, lane, made_at, seen_at, ended_at, ended_why, agent, address, data, version"

// sealJSON seals a struct as JSON.
func (t txn) sealJSON(column, id string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", column, err)
	}
	return t.seal(column, id, string(plain)), nil
}

func (s *Store) openJSON(column, id string, sealed []byte, to any) error {
	var plain string
	if err := s.open(column, id, sealed, &plain); err != nil || plain == "" {
		return err
	}
	if err := json.Unmarshal([]byte(plain), to); err != nil {
		return fmt.Errorf("decode %s: %w", column, err)
	}
	return nil
}

func (t txn) attempt(effect change.Effect) error {
	switch e := effect.(type) {
	case flow.AttemptBegun:
		a := e.Attempt
		data, err := t.sealJSON("attempts.data", a.ID, a.Data)
		if err != nil {
			return err
		}
		return t.must(e, insert("attempts", attemptColumns)+" ON CONFLICT DO NOTHING", a.ID, a.Person, string(a.Lane), ms(a.MadeAt), ms(a.SeenAt),
			ms(a.EndedAt), a.EndedWhy, a.Agent, a.Address, data, a.Version)
	case flow.AttemptSaved:
		a := e.Attempt
		data, err := t.sealJSON("attempts.data", a.ID, a.Data)
		if err != nil {
			return err
		}
		return t.must(e, "UPDATE attempts SET seen_at = $2, ended_at = $3, ended_why = $4, data = $5, version = version + 1 "+
			"WHERE id = $1 AND version = $6 AND ended_at = 0", a.ID, ms(a.SeenAt), ms(a.EndedAt), a.EndedWhy, data, a.Version)
	case flow.AttemptsEnded:
		return t.do("UPDATE attempts SET ended_at = $3, ended_why = $4, version = version + 1 WHERE person = $1 AND id <> $2 AND ended_at = 0",
			e.Person, e.Except, ms(e.At), e.Why)
	}
	return fmt.Errorf("no such effect on attempts")
}

func (s *Store) scanAttempt(row scanner) (*flow.Attempt, error) {
	var a flow.Attempt
	var data []byte
	if err := row.Scan(&a.ID, &a.Person, &a.Lane, when{&a.MadeAt}, when{&a.SeenAt}, when{&a.EndedAt}, &a.EndedWhy, &a.Agent, &a.Address,
		&data, &a.Version); err != nil {
		return nil, err
	}
	return &a, s.openJSON("attempts.data", a.ID, data, &a.Data)
}

// Attempt is an attempt by the hash of its cookie, or nil.
func (s *Store) Attempt(ctx context.Context, id string) (*flow.Attempt, error) {
	return first(list(ctx, s, s.scanAttempt, "SELECT "+attemptColumns+" FROM attempts WHERE id = $1", id))
}

const setupColumns = "id, person, kind, made_at, seen_at, ends_at, agent, data, codes, version"

func (t txn) setup(effect change.Effect) error {
	switch e := effect.(type) {
	case flow.SetupBegun:
		return t.setupBegun(e)
	case flow.SetupSaved:
		s := e.Setup
		data, err := t.sealJSON("setups.data", s.ID, s.Data)
		if err != nil {
			return err
		}
		return t.must(e, "UPDATE setups SET seen_at = $2, data = $3, version = version + 1 WHERE id = $1 AND version = $4", s.ID, ms(s.SeenAt), data, s.Version)
	case flow.CodesPrepared:
		codes, err := t.sealJSON("setups.codes", e.ID, e.Codes)
		if err != nil {
			return err
		}
		return t.do("UPDATE setups SET codes = $2 WHERE id = $1", e.ID, codes)
	case flow.SetupsDropped:
		return t.do("DELETE FROM setups WHERE person = $1 AND (id = $2 OR $2 = '')", e.Person, e.ID)
	}
	return fmt.Errorf("no such effect on set-ups")
}

func (t txn) setupBegun(e flow.SetupBegun) error {
	s := e.Setup
	data, err := t.sealJSON("setups.data", s.ID, s.Data)
	if err != nil {
		return err
	}
	codes, err := t.sealJSON("setups.codes", s.ID, s.Codes)
	if err != nil {
		return err
	}
	if err := t.alone("setups", s.Person, s.SeenAt); err != nil {
		return err
	}
	if err := t.do("DELETE FROM setups WHERE id = $1", s.ID); err != nil {
		return err
	}
	if err := t.do(insert("setups", setupColumns), s.ID, s.Person, s.Kind, ms(s.MadeAt), ms(s.SeenAt), ms(s.EndsAt), s.Agent, data, codes, s.Version); err != nil {
		return err
	}
	return t.do("DELETE FROM setups WHERE person = $1 AND kind = $2 AND id NOT IN (SELECT id FROM setups WHERE person = $1 AND kind = $2 "+
		"ORDER BY (CASE WHEN id = $4 THEN 0 ELSE 1 END), seen_at DESC, id LIMIT $3)", s.Person, flow.SetupFirst, flow.SetupsMax, s.ID)
}

func (s *Store) scanSetup(row scanner) (*flow.Setup, error) {
	var v flow.Setup
	var data, codes []byte
	if err := row.Scan(&v.ID, &v.Person, &v.Kind, when{&v.MadeAt}, when{&v.SeenAt}, when{&v.EndsAt}, &v.Agent, &data, &codes, &v.Version); err != nil {
		return nil, err
	}
	if err := s.openJSON("setups.data", v.ID, data, &v.Data); err != nil {
		return nil, err
	}
	return &v, s.openJSON("setups.codes", v.ID, codes, &v.Codes)
}

const setupByID = "SELECT " + setupColumns + " FROM setups WHERE id = $1"

// Setup is a set-up by the keyed hash of what names it, or nil.
func (s *Store) Setup(ctx context.Context, id string) (*flow.Setup, error) {
	return first(list(ctx, s, s.scanSetup, setupByID, id))
}

// SetupsOpen are the first set-ups of a person that have not passed their end.
func (s *Store) SetupsOpen(ctx context.Context, who string, now time.Time) ([]flow.Setup, error) {
	return list(ctx, s, s.scanSetup, "SELECT "+setupColumns+" FROM setups WHERE person = $1 AND kind = $2 AND ends_at > $3 ORDER BY made_at",
		who, flow.SetupFirst, ms(now))
}

const recoveryColumns = "id, person, phone, asked_at, open_at, until_at, ended_at, ended_why"

func (t txn) recovery(effect change.Effect) error {
	switch e := effect.(type) {
	case flow.RecoveryAsked:
		r := e.Recovery
		if err := t.alone("recoveries", r.Person, r.AskedAt); err != nil {
			return err
		}
		if err := t.must(e, insert("recoveries", recoveryColumns), r.ID, r.Person, r.Phone, ms(r.AskedAt), ms(r.OpenAt), ms(r.Until), ms(r.EndedAt), r.Ended); err != nil {
			return err
		}
		return t.must(e, "UPDATE recoveries SET ended_at = ended_at WHERE id = $1 AND NOT EXISTS "+
			"(SELECT 1 FROM recoveries AS others WHERE others.person = $2 AND others.id <> $1 AND others.ended_at = 0 AND others.until_at > $3)",
			r.ID, r.Person, ms(r.AskedAt))
	case flow.RecoveryEnded:
		return t.do("UPDATE recoveries SET ended_at = $2, ended_why = $3 WHERE person = $1 AND ended_at = 0 AND until_at > $2", e.Person, ms(e.At), e.Why)
	}
	return fmt.Errorf("no such effect on recoveries")
}

func scanRecovery(row scanner) (*flow.Recovery, error) {
	var r flow.Recovery
	return &r, row.Scan(&r.ID, &r.Person, &r.Phone, when{&r.AskedAt}, when{&r.OpenAt}, when{&r.Until}, when{&r.EndedAt}, &r.Ended)
}

const recoveryOf = "SELECT " + recoveryColumns + " FROM recoveries WHERE person = $1 ORDER BY asked_at DESC LIMIT 1"

// Recovery is the person's newest, or nil.
func (s *Store) Recovery(ctx context.Context, who string) (*flow.Recovery, error) {
	return first(list(ctx, s, scanRecovery, recoveryOf, who))
}

// RecoveriesOver are recoveries that lapsed, or that a change or a restoring
// cancelled, since a moment: those that follow one, by when they were asked for.
func (s *Store) RecoveriesOver(ctx context.Context, since, now time.Time, after flow.Recovery, most int) ([]flow.Recovery, error) {
	return list(ctx, s, scanRecovery, "SELECT "+recoveryColumns+" FROM recoveries WHERE asked_at >= $5 AND (asked_at > $5 OR id > $6) AND "+
		"(ended_at = 0 AND until_at <= $2 AND until_at >= $1 OR ended_why IN ($3, $7) AND ended_at >= $1) ORDER BY asked_at, id LIMIT $4",
		ms(since), ms(now), flow.ByChange, most, ms(after.AskedAt), after.ID, flow.ByRestoring)
}
