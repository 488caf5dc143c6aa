package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"sallyport/core/app"
	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/person"
	"sallyport/core/session"
)

const appColumns = "id, data, version"

func (t txn) app(effect change.Effect) error {
	switch e := effect.(type) {
	case app.Saved:
		data, err := json.Marshal(e.App)
		if err != nil {
			return fmt.Errorf("write app: %w", err)
		}
		if e.App.Version == 0 {
			return t.must(e, insert("apps", appColumns)+" ON CONFLICT DO NOTHING", e.App.ID, string(data), int64(1))
		}
		return t.must(e, "UPDATE apps SET data = $2, version = version + 1 WHERE id = $1 AND version = $3", e.App.ID, string(data), e.App.Version)
	case app.Beside:
		return t.must(e, "INSERT INTO meta (name, value) VALUES ('apps', $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value = $1",
			fmt.Sprint(e.Edition), fmt.Sprint(e.Edition+1))
	case app.Removed:
		return t.must(e, "DELETE FROM apps WHERE id = $1", e.ID)
	}
	return fmt.Errorf("no such effect on apps")
}

// scanApp reads an app. One that cannot be read keeps its id, so that it is told
// and its doors stay shut.
func scanApp(row scanner) (*app.App, error) {
	var a app.App
	var id, data string
	var version int64
	if err := row.Scan(&id, &data, &version); err != nil {
		return nil, err
	}
	// A key that this program does not know may be one that a newer one asks more by.
	strict := json.NewDecoder(strings.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&a); err != nil {
		a = app.App{Unread: err.Error()}
	} else if strict.More() {
		a = app.App{Unread: "something stands behind its end"}
	}
	a.ID, a.Version = id, version
	return &a, nil
}

// Apps are those that were added by command, by id.
func (s *Store) Apps(ctx context.Context) ([]app.App, error) {
	return list(ctx, s, scanApp, "SELECT "+appColumns+" FROM apps ORDER BY id")
}

// AppsEdition is what the next change of apps has to name that rests on how they
// are now.
func (s *Store) AppsEdition(ctx context.Context) (n int, err error) {
	return n, s.count(ctx, &n, "SELECT COALESCE(MAX(CAST(value AS BIGINT)), 0) FROM meta WHERE name = 'apps'")
}

const doorColumns = "id, family, person, origin, made_at, ends_at"

// doorOpened takes the session's row first: whoever ends the session at the same
// moment comes before, and nothing is opened, or after, and sees the door.
func (t txn) doorOpened(e door.Opened) error {
	d := e.Door
	if err := t.must(e, "UPDATE sessions SET version = version WHERE family = $1 AND ended_at = 0 AND person = $2", d.Family, d.Person); err != nil {
		return err
	}
	if err := t.must(e, insert("doors", doorColumns)+" ON CONFLICT DO NOTHING", d.ID, d.Family, d.Person, d.Origin, ms(d.MadeAt), ms(d.EndsAt)); err != nil {
		return err
	}
	return t.do("DELETE FROM doors WHERE person = $1 AND id NOT IN (SELECT id FROM doors WHERE person = $1 ORDER BY made_at DESC, id LIMIT $2)", d.Person, door.PerPerson)
}

func scanDoor(row scanner) (*door.Door, error) {
	var d door.Door
	return &d, row.Scan(&d.ID, &d.Family, &d.Person, &d.Origin, when{&d.MadeAt}, when{&d.EndsAt})
}

// Pass is a door by its id with its session and person, or nil where one of them is
// gone.
func (s *Store) Pass(ctx context.Context, id string) (*door.Pass, error) {
	d, err := first(list(ctx, s, scanDoor, "SELECT "+doorColumns+" FROM doors WHERE id = $1", id))
	if err != nil || d == nil || d.Family == "" {
		return nil, err
	}
	held, err := s.SessionOfFamily(ctx, d.Family)
	if err != nil || held == nil || held.Person != d.Person {
		return nil, err
	}
	who, err := s.Person(ctx, d.Person)
	if err != nil || who == nil {
		return nil, err
	}
	return &door.Pass{Door: *d, Session: *held, Person: *who}, nil
}

// SessionOfFamily is the session of a family that has not been ended, or nil.
func (s *Store) SessionOfFamily(ctx context.Context, family string) (*session.Session, error) {
	if family == "" {
		return nil, nil
	}
	return first(list(ctx, s, s.scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE family = $1 AND ended_at = 0", family))
}

// aboutApps stands among changes for the apps; all else are persons' ids.
const aboutApps = "apps"

// about names whom a change is about, of what doors have to know: each person once,
// and whether their rows may be gone when it ends.
func about(set change.Set) (people []string, deleted map[string]bool, apps bool) {
	add := func(id string) {
		for _, p := range people {
			if p == id {
				return
			}
		}
		people = append(people, id)
	}
	for _, effect := range set {
		switch e := effect.(type) {
		case session.Saved:
			add(e.Session.Person)
		case session.Ended:
			add(e.Person)
		case session.EndedAll:
			add(e.Person)
		case person.Saved:
			add(e.Person.ID)
		case person.Deleted:
			add(e.ID)
			if deleted == nil {
				deleted = map[string]bool{}
			}
			deleted[e.ID] = true
		case app.Saved, app.Removed:
			apps = true
		}
	}
	return people, deleted, apps
}
