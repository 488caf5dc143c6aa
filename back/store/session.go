package store

import (
	"context"
	"fmt"

	"sallyport/core/change"
	"sallyport/core/session"
)

const sessionColumns = "id, person, family, level, method, known, made_at, seen_at, ends_at, ended_at, ended_why, confirmed_at, password_at, agent, address, data, codes, codes_until, version"

func (t txn) session(effect change.Effect) error {
	switch e := effect.(type) {
	case session.Begun:
		return t.sessionBegun(e)
	case session.Saved:
		r := e.Session.Row
		data, codes, err := t.sessionSealed(r)
		if err != nil {
			return err
		}
		return t.must(e, "UPDATE sessions SET known = $2, confirmed_at = $3, password_at = $4, data = $5, codes = $6, codes_until = $7, version = version + 1 "+
			"WHERE id = $1 AND version = $8 AND ended_at = 0", r.ID, r.Known, ms(r.ConfirmedAt), ms(r.PasswordAt), data, codes, ms(r.CodesUntil), r.Version)
	case session.Seen:
		return t.do("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2 AND ended_at = 0", e.ID, ms(e.At))
	case session.Ended:
		const end = "UPDATE sessions SET ended_at = $3, ended_why = $4 WHERE id = $1 AND person = $2 AND ended_at = 0"
		if e.Lenient {
			return t.do(end, e.ID, e.Person, ms(e.At), e.Why)
		}
		return t.must(e, end, e.ID, e.Person, ms(e.At), e.Why)
	case session.EndedAll:
		return t.do("UPDATE sessions SET ended_at = $3, ended_why = $4 WHERE person = $1 AND id <> $2 AND ended_at = 0", e.Person, e.Except, ms(e.At), e.Why)
	}
	return fmt.Errorf("no such effect on sessions")
}

// sessionBegun stores only what session.Issue made.
func (t txn) sessionBegun(e session.Begun) error {
	r := e.Session.Row
	if e.Session.Proven() == 0 || e.Session.Proven() != r.Level {
		return fmt.Errorf("a session without its proof")
	}
	data, codes, err := t.sessionSealed(r)
	if err != nil {
		return err
	}
	return t.must(e, insert("sessions", sessionColumns)+" ON CONFLICT DO NOTHING", r.ID, r.Person, r.Family, int64(r.Level), r.Method, r.Known, ms(r.MadeAt), ms(r.SeenAt),
		ms(r.EndsAt), ms(r.EndedAt), r.EndedWhy, ms(r.ConfirmedAt), ms(r.PasswordAt), r.Agent, r.Address, data, codes, ms(r.CodesUntil), r.Version)
}

// sessionSealed is what nobody but the session's owner may read. The codes have a
// column of their own, so that they can be dropped when their time is over.
func (t txn) sessionSealed(r session.Row) (data, codes []byte, err error) {
	if data, err = t.sealJSON("sessions.data", r.ID, r.Data); err != nil {
		return nil, nil, err
	}
	if len(r.Codes) == 0 {
		return data, []byte{}, nil
	}
	codes, err = t.sealJSON("sessions.codes", r.ID, r.Codes)
	return data, codes, err
}

func (s *Store) scanSession(row scanner) (*session.Session, error) {
	var r session.Row
	var data, codes []byte
	if err := row.Scan(&r.ID, &r.Person, &r.Family, &r.Level, &r.Method, &r.Known, when{&r.MadeAt}, when{&r.SeenAt}, when{&r.EndsAt}, when{&r.EndedAt},
		&r.EndedWhy, when{&r.ConfirmedAt}, when{&r.PasswordAt}, &r.Agent, &r.Address, &data, &codes, when{&r.CodesUntil}, &r.Version); err != nil {
		return nil, err
	}
	if err := s.openJSON("sessions.data", r.ID, data, &r.Data); err != nil {
		return nil, err
	}
	if err := s.openJSON("sessions.codes", r.ID, codes, &r.Codes); err != nil {
		return nil, err
	}
	stored := session.Stored(r)
	return &stored, nil
}

// Session is a session by the hash of its cookie, ended ones too, or nil.
func (s *Store) Session(ctx context.Context, id string) (*session.Session, error) {
	return first(list(ctx, s, s.scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE id = $1", id))
}

// SessionsOf are the sessions of a person that have not been ended, newest first.
func (s *Store) SessionsOf(ctx context.Context, who string) ([]session.Session, error) {
	return list(ctx, s, s.scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE person = $1 AND ended_at = 0 ORDER BY seen_at DESC", who)
}

const knownColumns = "id, token, person, made_at, seen_at, ends_at, agent, address"

func (t txn) known(effect change.Effect) error {
	switch e := effect.(type) {
	case session.Recognised:
		b := e.Browser
		if err := t.alone("known", b.Person, b.SeenAt); err != nil {
			return err
		}
		if err := t.do(insert("known", knownColumns)+" ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, ends_at = excluded.ends_at, "+
			"agent = excluded.agent, address = excluded.address", b.ID, b.Token, b.Person, ms(b.MadeAt), ms(b.SeenAt), ms(b.EndsAt), b.Agent, b.Address); err != nil {
			return err
		}
		return t.do("DELETE FROM known WHERE person = $1 AND id NOT IN (SELECT id FROM known WHERE person = $1 "+
			"ORDER BY (CASE WHEN id = $3 THEN 0 ELSE 1 END), seen_at DESC, id LIMIT $2)", b.Person, session.KnownPerPerson, b.ID)
	case session.SeenAgain:
		b := e.Browser
		return t.must(e, "UPDATE known SET seen_at = $3, ends_at = $4, agent = $5, address = $6 WHERE id = $1 AND person = $2",
			b.ID, b.Person, ms(b.SeenAt), ms(b.EndsAt), b.Agent, b.Address)
	case session.Forgot:
		if e.Lenient {
			return t.do("DELETE FROM known WHERE id = $1 AND person = $2", e.ID, e.Person)
		}
		return t.must(e, "DELETE FROM known WHERE id = $1 AND person = $2", e.ID, e.Person)
	case session.ForgotCookie:
		return t.do("DELETE FROM known WHERE token = $1", e.Token)
	case session.ForgotAll:
		return t.do("DELETE FROM known WHERE person = $1 AND id <> $2", e.Person, e.Except)
	}
	return fmt.Errorf("no such effect on known browsers")
}

func scanKnown(row scanner) (*session.KnownBrowser, error) {
	var b session.KnownBrowser
	return &b, row.Scan(&b.ID, &b.Token, &b.Person, when{&b.MadeAt}, when{&b.SeenAt}, when{&b.EndsAt}, &b.Agent, &b.Address)
}

const knownByToken = "SELECT " + knownColumns + " FROM known WHERE token = $1 AND person = $2"

// KnownBrowser is the row of a cookie and a person, or nil.
func (s *Store) KnownBrowser(ctx context.Context, token, who string) (*session.KnownBrowser, error) {
	return first(list(ctx, s, scanKnown, knownByToken, token, who))
}

// KnownBrowsers are those of a person, last used first.
func (s *Store) KnownBrowsers(ctx context.Context, who string) ([]session.KnownBrowser, error) {
	return list(ctx, s, scanKnown, "SELECT "+knownColumns+" FROM known WHERE person = $1 ORDER BY seen_at DESC", who)
}

// KnownByCookie counts the persons who share a cookie.
func (s *Store) KnownByCookie(ctx context.Context, token string) (n int, err error) {
	err = s.count(ctx, &n, "SELECT COUNT(*) FROM known WHERE token = $1", token)
	return n, err
}
