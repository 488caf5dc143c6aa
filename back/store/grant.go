package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sallyport/core/change"
	"sallyport/core/grant"
	"sallyport/core/person"
	"sallyport/core/session"
)

const (
	grantColumns   = "id, client, person, family, offline, data, code, made_at, code_ends_at, spent_at, ends_at, ended_at, ended_why, tell_at, tries"
	tokenColumns   = "id, kind, under, scopes, made_at, ends_at, spent_at"
	consentColumns = "id, person, client, scopes, made_at"
	signerColumns  = "id, algorithm, kid, private, made_at, use_at, ends_at"
	grantsKept     = 24 * time.Hour // so that a second use of what it gave is known
)

func (t txn) grant(effect change.Effect) error {
	switch e := effect.(type) {
	case grant.Begun:
		return t.grantBegun(e)
	case grant.CodeSpent:
		return t.must(e, "UPDATE grants SET spent_at = $3 WHERE code = $1 AND client = $2 AND spent_at = 0 AND ended_at = 0 AND code_ends_at > $3", e.Code, e.Client, ms(e.At))
	case grant.Issued:
		k := e.Token
		return t.must(e, insert("tokens", tokenColumns)+" ON CONFLICT DO NOTHING", k.ID, string(k.Kind), k.Grant, strings.Join(k.Scopes, " "), ms(k.MadeAt), ms(k.EndsAt), ms(k.SpentAt))
	case grant.RefreshSpent:
		return t.must(e, "UPDATE tokens SET spent_at = $2 WHERE id = $1 AND kind = 'refresh' AND spent_at = 0 AND ends_at > $2", e.ID, ms(e.At))
	case grant.Ended:
		return t.must(e, "UPDATE grants SET ended_at = $2, ended_why = $3 WHERE id = $1 AND ended_at = 0", e.ID, ms(e.At), e.Why)
	case grant.AccessEnded:
		return t.do("DELETE FROM tokens WHERE id = $1 AND kind = 'access'", e.ID)
	case grant.Consented:
		c := e.Consent
		return t.do(insert("consents", consentColumns)+" ON CONFLICT (id) DO UPDATE SET scopes = excluded.scopes, made_at = excluded.made_at",
			c.ID, c.Person, c.Client, strings.Join(c.Scopes, " "), ms(c.MadeAt))
	case grant.Withdrawn:
		if err := t.must(e, "DELETE FROM consents WHERE person = $1 AND client = $2", e.Person, e.Client); err != nil {
			return err
		}
		return t.do("UPDATE grants SET ended_at = $3, ended_why = $4 WHERE person = $1 AND client = $2 AND ended_at = 0", e.Person, e.Client, ms(e.At), grant.EndedByPerson)
	case grant.AssertionSpent:
		return t.must(e, "INSERT INTO assertions (id, ends_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", e.ID, ms(e.EndsAt))
	case grant.Told:
		if err := t.must(e, "UPDATE grants SET tell_at = $2, tries = tries + 1 WHERE id = $1 AND tell_at = $3", e.Farewell.Grant, ms(e.Again), ms(e.Farewell.TellAt)); err != nil || !e.Again.IsZero() {
			return err
		}
		return t.do("DELETE FROM grants WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = grants.person)", e.Farewell.Grant)
	case grant.KeyMade:
		k := e.Key
		return t.must(e, insert("signers", signerColumns)+" ON CONFLICT DO NOTHING", k.ID, k.Algorithm, k.KID, t.seal("signers.private", k.ID, string(k.Private)), ms(k.MadeAt), ms(k.UseAt), ms(k.EndsAt))
	case grant.KeyReplaced:
		return t.do("UPDATE signers SET ends_at = $3 WHERE algorithm = $1 AND id <> $2 AND ends_at = 0", e.Of, e.ID, ms(e.EndsAt))
	}
	return fmt.Errorf("no such effect on grants")
}

// grantBegun takes the session's row first, as doorOpened does.
func (t txn) grantBegun(e grant.Begun) error {
	g := e.Grant
	data, err := json.Marshal(g.Data)
	if err != nil {
		return fmt.Errorf("write grant: %w", err)
	}
	if err := t.must(e, "UPDATE sessions SET version = version WHERE family = $1 AND ended_at = 0 AND person = $2", g.Family, g.Person); err != nil {
		return err
	}
	return t.must(e, insert("grants", grantColumns)+" ON CONFLICT DO NOTHING", g.ID, g.Client, g.Person, g.Family, g.Offline, string(data), g.Code, ms(g.MadeAt),
		ms(g.CodeEndsAt), ms(g.SpentAt), ms(g.EndsAt), ms(g.EndedAt), g.EndedWhy, ms(g.TellAt), int64(0))
}

// farewells makes due what clients have to hear of the sessions that a change ended.
// A session that goes on under a new name has not ended.
func (t txn) farewells() error {
	for _, effect := range t.work.set {
		var err error
		switch e := effect.(type) {
		case session.Ended:
			err = t.farewell(e.Person, e.At)
		case session.EndedAll:
			if err = t.farewell(e.Person, e.At); err == nil && session.InDoubt(e.Why) {
				err = t.do("UPDATE grants SET ended_at = $2, ended_why = $3 WHERE person = $1 AND ended_at = 0 AND NOT EXISTS "+
					"(SELECT 1 FROM sessions WHERE sessions.family = grants.family AND sessions.ended_at = 0)", e.Person, ms(e.At), grant.EndedByIncident)
			}
		case person.Deleted:
			err = t.farewell(e.ID, t.store.now())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t txn) farewell(person string, at time.Time) error {
	return t.do("UPDATE grants SET tell_at = $2 WHERE person = $1 AND tell_at > $2 AND NOT EXISTS "+
		"(SELECT 1 FROM sessions WHERE sessions.family = grants.family AND sessions.ended_at = 0)", person, ms(at))
}

// grantInto reads a grant whose columns stand before others.
func grantInto(g *grant.Grant, data *string, tries *int64) []any {
	return []any{&g.ID, &g.Client, &g.Person, &g.Family, &g.Offline, data, &g.Code, when{&g.MadeAt}, when{&g.CodeEndsAt}, when{&g.SpentAt}, when{&g.EndsAt},
		when{&g.EndedAt}, &g.EndedWhy, when{&g.TellAt}, tries}
}

func scanGrant(row scanner) (*grant.Grant, error) {
	var g grant.Grant
	var data string
	var tries int64
	if err := row.Scan(grantInto(&g, &data, &tries)...); err != nil {
		return nil, err
	}
	return &g, json.Unmarshal([]byte(data), &g.Data)
}

// GrantByCode is a grant by the hash of its code, spent ones too, or nil.
func (s *Store) GrantByCode(ctx context.Context, code string) (*grant.Grant, error) {
	return first(list(ctx, s, scanGrant, "SELECT "+grantColumns+" FROM grants WHERE code = $1", code))
}

func scanHeld(row scanner) (*grant.Held, error) {
	var h grant.Held
	var data, scopes string
	var tries int64
	k := &h.Token
	to := append(grantInto(&h.Grant, &data, &tries), &k.ID, &k.Kind, &k.Grant, &scopes, when{&k.MadeAt}, when{&k.EndsAt}, when{&k.SpentAt})
	if err := row.Scan(to...); err != nil {
		return nil, err
	}
	k.Scopes = strings.Fields(scopes)
	return &h, json.Unmarshal([]byte(data), &h.Grant.Data)
}

// TokenHeld is a token by its hash, ended ones too, with its grant, or nil.
func (s *Store) TokenHeld(ctx context.Context, id string) (*grant.Held, error) {
	return first(list(ctx, s, scanHeld, "SELECT g."+strings.ReplaceAll(grantColumns, ", ", ", g.")+", k."+strings.ReplaceAll(tokenColumns, ", ", ", k.")+
		" FROM tokens AS k JOIN grants AS g ON g.id = k.under WHERE k.id = $1", id))
}

// GrantsOf are those of a person, newest first.
func (s *Store) GrantsOf(ctx context.Context, who string) ([]grant.Grant, error) {
	return list(ctx, s, scanGrant, "SELECT "+grantColumns+" FROM grants WHERE person = $1 ORDER BY made_at DESC, id", who)
}

func scanConsent(row scanner) (*grant.Consent, error) {
	var c grant.Consent
	var scopes string
	err := row.Scan(&c.ID, &c.Person, &c.Client, &scopes, when{&c.MadeAt})
	c.Scopes = strings.Fields(scopes)
	return &c, err
}

// Consent is what a person lets a client know, or nil.
func (s *Store) Consent(ctx context.Context, who, client string) (*grant.Consent, error) {
	return first(list(ctx, s, scanConsent, "SELECT "+consentColumns+" FROM consents WHERE person = $1 AND client = $2", who, client))
}

// Consents are those of a person, by client.
func (s *Store) Consents(ctx context.Context, who string) ([]grant.Consent, error) {
	return list(ctx, s, scanConsent, "SELECT "+consentColumns+" FROM consents WHERE person = $1 ORDER BY client", who)
}

func scanFarewell(row scanner) (*grant.Farewell, error) {
	var f grant.Farewell
	return &f, row.Scan(&f.Grant, &f.Client, &f.Person, &f.Family, when{&f.TellAt}, &f.Tries)
}

// Farewells are clients who should have heard by now that a session is over, the
// longest waiting first. Who got no token knows of no session.
func (s *Store) Farewells(ctx context.Context, now time.Time, most int) ([]grant.Farewell, error) {
	return list(ctx, s, scanFarewell, "SELECT id, client, person, family, tell_at, tries FROM grants WHERE tell_at > 0 AND tell_at <= $1 AND spent_at > 0 ORDER BY tell_at LIMIT $2", ms(now), most)
}

func (s *Store) scanSigner(row scanner) (*grant.Key, error) {
	var k grant.Key
	var sealed []byte
	if err := row.Scan(&k.ID, &k.Algorithm, &k.KID, &sealed, when{&k.MadeAt}, when{&k.UseAt}, when{&k.EndsAt}); err != nil {
		return nil, err
	}
	var plain string
	err := s.open("signers.private", k.ID, sealed, &plain)
	k.Private = []byte(plain)
	return &k, err
}

// SigningKeys are all keys that sign tokens or did, the oldest first.
func (s *Store) SigningKeys(ctx context.Context) ([]grant.Key, error) {
	return list(ctx, s, s.scanSigner, "SELECT "+signerColumns+" FROM signers ORDER BY made_at, id")
}
