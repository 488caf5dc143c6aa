package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/back/store"
	"sallyport/config"
	"sallyport/core/app"
)

// Apps are all apps: those of the settings file, and those that were added by
// command, read again when somebody has changed them.
type Apps struct {
	store *store.Store
	shelf app.Shelf
	known func() bool // whether changes of others are heard; or nil

	told   atomic.Int64 // how often somebody has told of a change
	read   atomic.Int64 // of which the book is: it is as it was after so many
	book   atomic.Pointer[app.Book]
	mu     sync.Mutex
	faults []error
	failed time.Time // when the last reading came to nothing, and why
	why    error
}

// readTime bounds one reading of the apps. Who has waited for one that came to nothing
// gets that answer too: one after the other they would wait for ever.
const (
	readTime  = 2 * time.Second
	readAgain = 100 * time.Millisecond
)

func newApps(c *config.Config, db *store.Store) (*Apps, error) {
	a := &Apps{store: db, shelf: app.Shelf{Declared: declared(c), Portal: c.URL}}
	if _, faults := a.shelf.Book(); len(faults) > 0 {
		return nil, told(faults)
	}
	a.told.Store(1) // nothing has been read
	db.Hear(func(_ []string, apps bool) {
		if apps {
			a.told.Add(1)
		}
	})
	return a, nil
}

// told is all that is wrong with the apps of the settings file, a line each.
func told(faults []error) error {
	if len(faults) == 1 {
		return fmt.Errorf("apps: %w", faults[0])
	}
	lines := make([]string, len(faults))
	for i, err := range faults {
		what, do, _ := strings.Cut(err.Error(), "; hint: ")
		lines[i] = what + " (hint: " + do + ")"
	}
	return errors.New("apps: " + strings.Join(lines, "\napps: "))
}

// Book is all apps as they are now; nil, which opens nothing, when nobody can say.
func (a *Apps) Book() *app.Book {
	if a.current() {
		return a.book.Load()
	}
	book, err := a.Read(context.Background())
	if err != nil {
		return nil
	}
	return book
}

// current says whether the book is as new as what was told. Who asks while another
// reads must not get the one before.
func (a *Apps) current() bool {
	return a.read.Load() == a.told.Load() && (a.known == nil || a.known())
}

// Read reads the apps again.
func (a *Apps) Read(ctx context.Context) (*app.Book, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current() {
		return a.book.Load(), nil // somebody else has read them meanwhile
	}
	if time.Since(a.failed) < readAgain {
		return nil, a.why
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	upTo := a.told.Load() // before the reading: what is changed during it counts again
	stored, err := a.store.Apps(ctx)
	if err != nil {
		a.failed, a.why = time.Now(), fmt.Errorf("read apps: %w", err)
		return nil, a.why
	}
	book, faults := a.with(stored, 0).Book()
	a.book.Store(book)
	a.faults = faults
	a.read.Store(upTo)
	return book, nil
}

// Fresh reads all apps from the database as they are now: for those who change them.
func (a *Apps) Fresh(ctx context.Context) (*app.Book, error) {
	edition, err := a.store.AppsEdition(ctx) // before the apps: what is saved between the two refuses a change
	if err != nil {
		return nil, fmt.Errorf("read edition of apps: %w", err)
	}
	stored, err := a.store.Apps(ctx)
	if err != nil {
		return nil, fmt.Errorf("read apps: %w", err)
	}
	book, _ := a.with(stored, edition).Book()
	return book, nil
}

func (a *Apps) with(stored []app.App, edition int) app.Shelf {
	s := a.shelf
	s.Stored, s.Edition = stored, edition
	return s
}

// Faults are why apps were left out when they were last read.
func (a *Apps) Faults() []error {
	a.Book()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults
}
