package grant

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/flow"
	"sallyport/core/session"
)

// late is a database whose readers all looked before anybody had ended anything.
type late struct {
	flow.Changes
	Grants
	held  Held
	ended map[string]bool
	wrote []audit.Event
	down  error
}

func (l *late) GrantByCode(context.Context, string) (*Grant, error) { return &l.held.Grant, nil }
func (l *late) TokenHeld(context.Context, string) (*Held, error)    { return &l.held, nil }
func (l *late) Book() *app.Book {
	book, _ := app.NewBook([]app.App{{ID: "wiki", Name: "Wiki", Access: app.Access{Groups: []string{app.Everyone}, Need: app.Need{Factors: app.Two}},
		Client: &app.Client{Redirects: []string{"https://wiki.example.org/cb"}, Auth: app.AuthNone, Refresh: true}}}, nil)
	return book
}

func (l *late) Apply(_ context.Context, set change.Set) error {
	for _, e := range set {
		switch e := e.(type) {
		case CodeSpent, RefreshSpent:
			return &change.Refused{Effect: e}
		case Ended:
			if l.down != nil {
				return l.down
			}
			if l.ended[e.ID] {
				return &change.Refused{Effect: e}
			}
			l.ended[e.ID] = true
		}
	}
	for _, e := range set {
		if e, ok := e.(audit.Entry); ok {
			l.wrote = append(l.wrote, e.Event)
		}
	}
	return nil
}

// One theft is one line of the log, however many show the same thing at once.
func TestWhatIsShownTwiceEndsItsGrantOnce(t *testing.T) {
	for _, row := range []struct {
		name string
		show func(k *Keeper) error
		want audit.Event
	}{
		{"a code", func(k *Keeper) error { _, err := k.Spend(t.Context(), "ac_x", "wiki"); return err }, audit.CodeReused},
		{"a refresh token", func(k *Keeper) error { _, err := k.Refreshed(t.Context(), "rt_x", "wiki"); return err }, audit.RefreshReused},
		{"a refresh token that somebody spends meanwhile", func(k *Keeper) error {
			_, err := k.Issue(t.Context(), Grant{ID: "G", Client: "wiki", Person: "ADA", EndsAt: now.Add(time.Hour)}, nil, "rt_x")
			return err
		}, audit.RefreshReused},
	} {
		db := &late{ended: map[string]bool{}}
		db.held = Held{Grant: Grant{ID: "G", Client: "wiki", Person: "ADA", SpentAt: now, Data: Data{Level: session.Two}}, Token: Token{ID: "T", Kind: Refresh, SpentAt: now}}
		k := &Keeper{Flow: &flow.Machine{Now: func() time.Time { return now }, Changes: db}, Apps: db, Read: db}
		for range 3 {
			if err := row.show(k); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		if !slices.Equal(db.wrote, []audit.Event{row.want}) || !db.ended["G"] {
			t.Errorf("%s: written down are %v, ended %v", row.name, db.wrote, db.ended)
		}
		if err := k.Revoke(t.Context(), "rt_x", "wiki"); err != nil {
			t.Errorf("%s: given back after its end: %v", row.name, err)
		}
		db.held.Grant.EndedAt = now
		if err := row.show(k); !errors.Is(err, ErrInvalid) || len(db.wrote) != 1 {
			t.Errorf("%s: after its end was read: %v, %v", row.name, err, db.wrote)
		}
		db.held.Grant.EndedAt, db.down = time.Time{}, errors.New("database unavailable")
		if err := row.show(k); !errors.Is(err, db.down) {
			t.Errorf("%s: the grant cannot be ended, and nobody hears of it: %v", row.name, err)
		}
		if err := k.Revoke(t.Context(), "rt_x", "wiki"); !errors.Is(err, db.down) {
			t.Errorf("%s: it cannot be given back, and nobody hears of it: %v", row.name, err)
		}
	}
}
