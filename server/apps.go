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
	store    *store.Store
	declared []app.App
	known    func() bool // whether changes of others are heard; or nil

	stale  atomic.Bool
	book   atomic.Pointer[app.Book]
	mu     sync.Mutex
	faults []error
}

// readTime bounds one reading of the apps.
const readTime = 2 * time.Second

func newApps(c *config.Config, db *store.Store) (*Apps, error) {
	a := &Apps{store: db, declared: declared(c)}
	book, faults := app.NewBook(a.declared, nil)
	if own := book.At(c.URL); own != nil {
		faults = append(faults, fmt.Errorf("app %s: %s is the address of the portal itself; hint: an app has a host or a port of its own", own.ID, c.URL))
	}
	if len(faults) > 0 {
		return nil, told(faults)
	}
	a.stale.Store(true)
	db.Hear(func(_ []string, apps bool) {
		if apps {
			a.stale.Store(true)
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
	if !a.stale.Load() && (a.known == nil || a.known()) {
		return a.book.Load()
	}
	book, err := a.Read(context.Background())
	if err != nil {
		return nil
	}
	return book
}

// Read reads the apps again.
func (a *Apps) Read(ctx context.Context) (*app.Book, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stale.Load() && (a.known == nil || a.known()) {
		return a.book.Load(), nil // somebody else has read them meanwhile
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	a.stale.Store(false) // before the reading: what is changed during it counts again
	stored, err := a.store.Apps(ctx)
	if err != nil {
		a.stale.Store(true)
		return nil, fmt.Errorf("read apps: %w", err)
	}
	book, faults := app.NewBook(a.declared, stored)
	a.book.Store(book)
	a.faults = faults
	return book, nil
}

// Fresh reads all apps from the database as they are now: for those who change them.
func (a *Apps) Fresh(ctx context.Context) (*app.Book, error) {
	stored, err := a.store.Apps(ctx)
	if err != nil {
		return nil, fmt.Errorf("read apps: %w", err)
	}
	book, _ := app.NewBook(a.declared, stored)
	return book, nil
}

// Faults are why apps were left out when they were last read.
func (a *Apps) Faults() []error {
	a.Book()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults
}
