package server

import (
	"context"
	"errors"
	"fmt"
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
	list, err := declared(c)
	if err != nil {
		return nil, err
	}
	a := &Apps{store: db, declared: list}
	if _, faults := app.NewBook(a.declared, nil); len(faults) > 0 {
		return nil, fmt.Errorf("apps: %w", errors.Join(faults...))
	}
	a.stale.Store(true)
	db.Hear(func(_ []string, apps bool) {
		if apps {
			a.stale.Store(true)
		}
	})
	return a, nil
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

// Faults are why apps were left out when they were last read.
func (a *Apps) Faults() []error {
	a.Book()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults
}
