package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sallyport/core/app"
	"sallyport/core/change"
	"sallyport/core/session"
)

// shelf is the apps of a house: wiki stands in the settings file, notes was added,
// and odd was left out.
type shelf struct {
	declared, stored []app.App
	broken           error
}

func (s shelf) Fresh(context.Context) (*app.Book, error) {
	book, _ := app.NewBook(s.declared, s.stored)
	return book, s.broken
}

func guarded(id string, groups ...string) app.App {
	return app.App{ID: id, Name: id, Addresses: []string{"https://" + id + ".example.org"}, Access: app.Access{Groups: groups, Need: app.Need{Factors: app.Two}}, Version: 1}
}

func shelved() shelf {
	odd, unread := guarded("odd", "staff"), app.App{ID: "unread", Unread: "sealed by another key"}
	odd.Need = app.Need{}
	return shelf{declared: []app.App{guarded("wiki", "staff")}, stored: []app.App{guarded("notes", app.Everyone), odd, unread}}
}

func TestWhatOperatorsDoToApps(t *testing.T) {
	add := func(a app.App) func(m *Manager) error {
		return func(m *Manager) error { return m.AddGuarded(ctx, "cli:bob", a) }
	}
	set := func(id string, edit func(a *app.App) error) func(m *Manager) error {
		return func(m *Manager) error { return m.SetGuarded(ctx, "cli:bob", id, edit) }
	}
	remove := func(id string) func(m *Manager) error {
		return func(m *Manager) error { return m.RemoveGuarded(ctx, "cli:bob", id) }
	}
	rename := func(a *app.App) error { a.Name, a.ID, a.Version = "New", "other", 99; return nil }
	portals := guarded("x", "staff")
	portals.Addresses = []string{"https://login.example.org:8443"}
	for _, row := range []struct {
		name    string
		refuse  []change.Effect
		does    func(m *Manager) error
		refused string
		want    string
	}{
		{"add", nil, add(guarded("new", "staff")), "", "saves new new 0; guarded-app-added by cli:bob: new"},
		{"add one that is there", nil, add(guarded("notes", "staff")), "app notes: there is another of that id", ""},
		{"add one that stands in the settings file", nil, add(guarded("wiki", "staff")), "app wiki: there is another of that id", ""},
		{"add one, while somebody adds another", []change.Effect{app.Beside{}}, add(guarded("new", "staff")), "", "saves new new 0; guarded-app-added by cli:bob: new"},
		{"add one, always overtaken", make([]change.Effect, overtakings), add(guarded("new", "staff")), "change app, always overtaken", ""},
		{"add one at the portal", nil, add(portals), "https://login.example.org:8443 has the host of the portal itself", ""},
		{"add one that asks for nothing anybody can show", nil, add(app.App{ID: "x"}), "", ""},
		{"set", nil, set("notes", rename), "", "saves notes New 1; guarded-app-changed by cli:bob: notes: name"},
		{"set nothing", nil, set("notes", func(*app.App) error { return nil }), "", ""},
		{"set what cannot be", nil, set("notes", func(a *app.App) error { a.Addresses = []string{"https://wiki.example.org"}; return nil }), "https://wiki.example.org is the address of app wiki", ""},
		{"set, and the words are none", nil, set("notes", func(*app.App) error { return errors.New("odd words") }), "odd words", ""},
		{"set what stands in the settings file", nil, set("wiki", rename), "the app stands in the settings file", ""},
		{"set none", nil, set("none", rename), "there is no app of that id", ""},
		{"mend what was left out", nil, set("odd", func(a *app.App) error { a.Need.Factors = app.One; return nil }), "", "saves odd odd 1; guarded-app-changed by cli:bob: odd: need"},
		{"set what cannot be read", nil, set("unread", rename), "app unread: ", ""},
		{"set, overtaken but for the last time", make([]change.Effect, overtakings-1), set("notes", rename), "", "saves notes New 1; guarded-app-changed by cli:bob: notes: name"},
		{"set, always overtaken", make([]change.Effect, overtakings), set("notes", rename), "change app, always overtaken", ""},
		{"remove", nil, remove("notes"), "", "removes notes; guarded-app-removed by cli:bob: notes"},
		{"remove what was left out", nil, remove("odd"), "", "removes odd; guarded-app-removed by cli:bob: odd"},
		{"remove what cannot be read", nil, remove("unread"), "", "removes unread; guarded-app-removed by cli:bob: unread"},
		{"remove what stands in the settings file", nil, remove("wiki"), "the app stands in the settings file", ""},
		{"remove none", nil, remove("none"), "there is no app of that id", ""},
		{"remove what somebody removed meanwhile", []change.Effect{app.Removed{}}, remove("notes"), "there is no app of that id", ""},
	} {
		h := atHome()
		m := h.manager()
		m.Apps, h.refuse = shelved(), row.refuse
		err := row.does(m)
		switch {
		case row.want == "" && row.refused == "" && !strings.HasPrefix(row.name, "set nothing"):
			if err == nil {
				t.Errorf("%s is taken", row.name)
			}
		case row.refused == "" && err != nil, row.refused != "" && (err == nil || !strings.HasPrefix(err.Error(), row.refused)):
			t.Errorf("%s: %v, want %q", row.name, err, row.refused)
		}
		var did []string
		for _, set := range h.applied {
			for _, effect := range set {
				switch e := effect.(type) {
				case app.Saved:
					did = append(did, fmt.Sprintf("saves %s %s %d", e.App.ID, e.App.Name, e.App.Version))
				case app.Beside:
				case app.Removed:
					did = append(did, "removes "+e.ID)
				default:
					did = append(did, strings.NewReplacer("logs ", "", " of ", "", " note ", ": ").Replace(worded(effect)))
				}
			}
		}
		if got := strings.Join(did, "; "); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
		broken := errors.New("database unavailable")
		if m.Apps = (shelf{broken: broken}); !errors.Is(row.does(m), broken) {
			t.Errorf("%s: the book cannot be read, and nobody hears of it", row.name)
		}
	}
}

// quicker is a house where somebody puts an app on the shelf while another looks at it.
type quicker struct {
	*house
	shelf
	other app.App
}

func (q *quicker) Fresh(context.Context) (*app.Book, error) {
	book, _ := app.Shelf{Declared: q.declared, Stored: q.stored, Edition: len(q.stored)}.Book()
	if q.other.ID != "" {
		q.stored, q.other = append(q.stored, q.other), app.App{}
	}
	return book, nil
}

func (q *quicker) Apply(_ context.Context, set change.Set) error {
	for _, effect := range set {
		if b, ok := effect.(app.Beside); ok && b.Edition == len(q.stored) {
			q.applied = append(q.applied, set)
			return nil
		}
	}
	return &change.Refused{Effect: app.Beside{}}
}

func TestWhoIsOvertakenIsToldOfWhatCameBefore(t *testing.T) {
	at := func(id, address string) app.App {
		a := guarded(id, "staff")
		a.Addresses = []string{address}
		return a
	}
	for _, row := range []struct {
		name  string
		other app.App
		does  func(m *Manager) error
		want  string
	}{
		{"the address is taken", at("first", "https://NEW.example.org:443"), func(m *Manager) error { return m.AddGuarded(ctx, "cli:bob", guarded("new", "staff")) },
			"https://new.example.org is the address of app first"},
		{"the id is taken", at("new", "https://first.example.org"), func(m *Manager) error { return m.AddGuarded(ctx, "cli:bob", guarded("new", "staff")) },
			"app new: there is another of that id"},
		{"an app moves to the address", at("first", "https://new.example.org"), func(m *Manager) error {
			return m.SetGuarded(ctx, "cli:bob", "notes", func(a *app.App) error { a.Addresses = []string{"https://new.example.org"}; return nil })
		}, "https://new.example.org is the address of app first"},
		{"another address is taken", at("first", "https://first.example.org"), func(m *Manager) error { return m.AddGuarded(ctx, "cli:bob", guarded("new", "staff")) }, ""},
	} {
		q := &quicker{house: atHome(), shelf: shelved(), other: row.other}
		m := q.manager()
		m.Apps, m.Changes = q, q
		switch err := row.does(m); {
		case row.want == "" && (err != nil || len(q.applied) != 1):
			t.Errorf("%s: %v, %d changes", row.name, err, len(q.applied))
		case row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), row.want) || len(q.applied) > 0):
			t.Errorf("%s: %v, %d changes; want %q", row.name, err, len(q.applied), row.want)
		}
	}
}

func TestWhatWouldHappenAtAnApp(t *testing.T) {
	m := atHome().manager()
	m.Apps = shelved()
	staff := app.Standing{Person: ada, Groups: []string{"staff"}, Level: session.Two, BothAt: now}
	for _, row := range []struct {
		to, app, refused string
		answer           app.Answer
	}{
		{"wiki", "wiki", "", app.Allow},
		{"https://wiki.example.org/page", "wiki", "", app.Allow},
		{"https://nowhere.example.org/", "", "no app is at https://nowhere.example.org/", 0},
		{"odd", "", "app odd: ", 0},
		{"https://odd.example.org:443/page", "", "app odd: ", 0},
		{"https://notes.example.org:8443/", "", "no app is at https://notes.example.org:8443/", 0},
	} {
		a, v, err := m.May(ctx, row.to, "GET", staff)
		if row.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), row.refused) {
				t.Errorf("%s: %v", row.to, err)
			}
			continue
		}
		if err != nil || a.ID != row.app || v.Answer != row.answer {
			t.Errorf("%s: %v, %v, %v", row.to, a, v.Answer, err)
		}
		if _, v, _ := m.May(ctx, row.to, "GET", app.Standing{Person: ada, Level: session.Two, BothAt: now}); v.Answer == app.Allow {
			t.Errorf("%s lets in who is in no group", row.to)
		}
	}
	for id, want := range map[string]string{"wiki": "", "notes": "", "none": "there is no app of that id", "odd": "app odd: ", "unread": "app unread: "} {
		a, err := m.Guarded(ctx, id)
		if want == "" && (err != nil || a.ID != id) || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, %v", id, a, err)
		}
	}
	broken := errors.New("database unavailable")
	m.Apps = shelf{broken: broken}
	if _, err := m.Guarded(ctx, "wiki"); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, _, err := m.May(ctx, "wiki", "GET", staff); !errors.Is(err, broken) {
		t.Error(err)
	}
}
