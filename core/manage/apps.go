package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
)

// Apps reads what people sign in to.
type Apps interface {
	// Fresh is all apps as the database has them now, those of the settings file
	// among them.
	Fresh(ctx context.Context) (*app.Book, error)
}

// Errors about apps.
var (
	ErrNoApp    = errors.New("there is no app of that id; hint: sallyport app list")
	errDeclared = errors.New("the app stands in the settings file, and is changed there alone; hint: edit apps in the settings file, and start the portal again")
)

// Guarded finds an app by its id, in a book that was just read.
func (m *Manager) Guarded(ctx context.Context, id string) (*app.App, error) {
	book, err := m.Apps.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	if a := book.App(id); a != nil {
		return a, nil
	}
	if err := book.LeftOut(id); err != nil {
		return nil, err
	}
	return nil, ErrNoApp
}

// AddGuarded adds an app.
func (m *Manager) AddGuarded(ctx context.Context, actor string, a app.App) error {
	a.Version = 0
	return m.shelve(ctx, func(book *app.Book) (change.Set, error) {
		return change.Set{app.Saved{App: a}, m.entry(audit.GuardedAdded, actor, "", a.ID)}, book.Fits(a, m.Writer.URL)
	})
}

// SetGuarded changes an app as edit says, which may run again.
func (m *Manager) SetGuarded(ctx context.Context, actor, id string, edit func(a *app.App) error) error {
	return m.shelve(ctx, func(book *app.Book) (change.Set, error) {
		before, err := stored(book, id)
		if err != nil {
			return nil, err
		}
		after := before.Copy()
		if err := edit(&after); err != nil {
			return nil, err
		}
		after.ID, after.Version = before.ID, before.Version
		what := app.Differences(*before, after)
		if len(what) == 0 {
			return nil, nil
		}
		return change.Set{app.Saved{App: after}, m.entry(audit.GuardedChanged, actor, "", id+": "+strings.Join(what, ", "))}, book.Fits(after, m.Writer.URL)
	})
}

// overtakings are how many others may be quicker: each of them saved something.
const overtakings = 100

// shelve saves what does says of the apps as they are, and asks again when somebody
// else was quicker: two may not take one address at the same instant.
func (m *Manager) shelve(ctx context.Context, does func(book *app.Book) (change.Set, error)) error {
	var refused *change.Refused
	for range overtakings {
		book, err := m.Apps.Fresh(ctx)
		if err != nil {
			return err
		}
		set, err := does(book)
		if err != nil || len(set) == 0 {
			return err
		}
		err = m.Changes.Apply(ctx, append(change.Set{app.Beside{Edition: book.Edition()}}, set...))
		if !errors.As(err, &refused) {
			return err
		}
	}
	return fmt.Errorf("change app, always overtaken: %w", refused)
}

// stored is an app that commands may change. One that is left out may be mended.
func stored(book *app.Book, id string) (*app.App, error) {
	a := book.App(id)
	if a != nil && a.Declared {
		return nil, errDeclared
	}
	for _, left := range book.Left() {
		if left.App.ID != id {
			continue
		}
		if left.App.Unread != "" {
			return nil, left.Why[0]
		}
		a = &left.App
	}
	if a == nil {
		return nil, ErrNoApp
	}
	return a, nil
}

// RemoveGuarded takes an app away: its doors shut at the next request.
func (m *Manager) RemoveGuarded(ctx context.Context, actor, id string) error {
	book, err := m.Apps.Fresh(ctx)
	if err != nil {
		return err
	}
	// A row may be out of the book, behind one of the settings file or unreadable.
	if !slices.ContainsFunc(book.Left(), func(l app.Left) bool { return l.App.ID == id }) {
		if _, err := stored(book, id); err != nil {
			return err
		}
	}
	err = m.Changes.Apply(ctx, change.Set{app.Removed{ID: id}, m.entry(audit.GuardedRemoved, actor, "", id)})
	if _, gone := errors.AsType[*change.Refused](err); gone {
		return ErrNoApp
	}
	return err
}

// May says what would happen to somebody at an address, or for the id of an app at
// the app as a whole.
func (m *Manager) May(ctx context.Context, to, method string, who app.Standing) (*app.App, app.Verdict, error) {
	book, err := m.Apps.Fresh(ctx)
	if err != nil {
		return nil, app.Verdict{}, err
	}
	if a := book.App(to); a != nil {
		return a, a.Judge(app.Place{}, who, m.Now()), nil
	}
	a, _, uri := book.Find(to)
	if err := book.LeftOut(to); a == nil && err != nil {
		return nil, app.Verdict{}, err
	}
	if a == nil {
		return nil, app.Verdict{}, fmt.Errorf("no app is at %s; hint: sallyport app list has the addresses, and what was left out", to)
	}
	return a, a.Judge(app.Place{Method: method, URI: uri}, who, m.Now()), nil
}
