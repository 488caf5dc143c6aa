package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sallyport/core/person"
)

const personColumns = "id, name, display, email, groups, operator, password, password_at, mailed_password, must_change, made_at, " +
	"enrolled_at, must_by, turned_off, setup_due, reset_at, reset_why, held_at, held_why, disabled_at, version"

func (t txn) personValues(p person.Person) []any {
	groups, _ := json.Marshal(p.Groups)
	return []any{p.ID, p.Name, p.Display, t.seal("people.email", p.ID, p.Email), string(groups), p.Operator,
		t.seal("people.password", p.ID, p.Password), ms(p.PasswordAt), p.MailedPassword, p.MustChange, ms(p.MadeAt),
		ms(p.EnrolledAt), ms(p.MustBy), p.TurnedOff, p.SetupDue, ms(p.ResetAt), p.ResetWhy, ms(p.HeldAt), p.HeldWhy, ms(p.DisabledAt), p.Version}
}

// seal seals a text, bound to its column and row. An empty one stays empty: that
// there is none is no secret.
func (t txn) seal(column, id, text string) []byte {
	if text == "" {
		return []byte{}
	}
	return t.store.box.Seal(column+":"+id, []byte(text))
}

func (s *Store) open(column, id string, sealed []byte, to *string) error {
	if len(sealed) == 0 {
		*to = ""
		return nil
	}
	plain, err := s.box.Open(column+":"+id, sealed)
	if err != nil {
		return fmt.Errorf("open %s: %w", column, err)
	}
	*to = string(plain)
	return nil
}

type scanner interface{ Scan(...any) error }

func (s *Store) scanPerson(row scanner) (*person.Person, error) {
	var p person.Person
	var email, password []byte
	var groups string
	err := row.Scan(&p.ID, &p.Name, &p.Display, &email, &groups, &p.Operator, &password, when{&p.PasswordAt}, &p.MailedPassword,
		&p.MustChange, when{&p.MadeAt}, when{&p.EnrolledAt}, when{&p.MustBy}, &p.TurnedOff, &p.SetupDue, when{&p.ResetAt}, &p.ResetWhy,
		when{&p.HeldAt}, &p.HeldWhy, when{&p.DisabledAt}, &p.Version)
	if err != nil {
		return nil, err
	}
	if err := s.open("people.email", p.ID, email, &p.Email); err != nil {
		return nil, err
	}
	if err := s.open("people.password", p.ID, password, &p.Password); err != nil {
		return nil, err
	}
	return &p, json.Unmarshal([]byte(groups), &p.Groups)
}

func (t txn) personAdded(e person.Added) error {
	return t.must(e, insert("people", personColumns)+" ON CONFLICT DO NOTHING", t.personValues(e.Person)...)
}

func (t txn) personSaved(e person.Saved) error {
	values := t.personValues(e.Person)
	values[len(values)-1] = e.Person.Version + 1
	return t.must(e, update("people", personColumns)+fmt.Sprintf(" AND version = $%d", len(values)+1), append(values, e.Person.Version)...)
}

const personByID = "SELECT " + personColumns + " FROM people WHERE id = $1"

// Person is somebody by id, or nil.
func (s *Store) Person(ctx context.Context, id string) (*person.Person, error) {
	return first(list(ctx, s, s.scanPerson, personByID, id))
}

// PersonByName is somebody by mapped name, or nil.
func (s *Store) PersonByName(ctx context.Context, name string) (*person.Person, error) {
	return first(s.people(ctx, "WHERE name = $1", name))
}

// Everyone lists people by name, most at a time, after a name.
func (s *Store) Everyone(ctx context.Context, after string, most int) ([]person.Person, error) {
	return s.people(ctx, "WHERE name > $1 ORDER BY name LIMIT $2", after, most)
}

// Operators are the people who may look after others, by name.
func (s *Store) Operators(ctx context.Context) ([]person.Person, error) {
	return s.people(ctx, "WHERE operator ORDER BY name")
}

func (s *Store) people(ctx context.Context, where string, args ...any) ([]person.Person, error) {
	return list(ctx, s, s.scanPerson, "SELECT "+personColumns+" FROM people "+where, args...)
}

const linkColumns = "id, kind, person, made_at, ends_at, spent_at, replaced_at, data"

func (t txn) linkMade(e person.LinkMade) error {
	l := e.Link
	if e.Replace {
		if err := t.alone("links-"+string(l.Kind), l.Person, l.MadeAt); err != nil {
			return err
		}
		if err := t.linksReplaced(person.LinksReplaced{Kind: l.Kind, Person: l.Person, At: l.MadeAt}); err != nil {
			return err
		}
	}
	return t.must(e, insert("links", linkColumns)+" ON CONFLICT DO NOTHING", l.ID, string(l.Kind), l.Person, ms(l.MadeAt), ms(l.EndsAt),
		ms(l.SpentAt), ms(l.ReplacedAt), t.seal("links.data", l.ID, string(l.Data)))
}

func (t txn) linksReplaced(e person.LinksReplaced) error {
	return t.do("UPDATE links SET replaced_at = $3 WHERE person = $1 AND kind = $2 AND spent_at = 0 AND replaced_at = 0", e.Person, string(e.Kind), ms(e.At))
}

func (s *Store) scanLink(row scanner) (*person.Link, error) {
	var l person.Link
	var data []byte
	var plain string
	if err := row.Scan(&l.ID, &l.Kind, &l.Person, when{&l.MadeAt}, when{&l.EndsAt}, when{&l.SpentAt}, when{&l.ReplacedAt}, &data); err != nil {
		return nil, err
	}
	err := s.open("links.data", l.ID, data, &plain)
	if plain != "" {
		l.Data = []byte(plain)
	}
	return &l, err
}

// Link is an invitation, setup code or dispute by the hash of its token, or nil.
func (s *Store) Link(ctx context.Context, id string) (*person.Link, error) {
	return first(list(ctx, s, s.scanLink, "SELECT "+linkColumns+" FROM links WHERE id = $1", id))
}

// LinkAlive is the person's link of a kind that is alive, or the newest, or nil.
func (s *Store) LinkAlive(ctx context.Context, kind person.LinkKind, who string, now time.Time) (*person.Link, error) {
	return first(list(ctx, s, s.scanLink, "SELECT "+linkColumns+" FROM links WHERE person = $1 AND kind = $2 "+
		"ORDER BY (CASE WHEN spent_at = 0 AND replaced_at = 0 AND ends_at > $3 THEN 0 ELSE 1 END), made_at DESC LIMIT 1", who, string(kind), ms(now)))
}
