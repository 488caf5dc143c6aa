package app

import (
	"fmt"
	"slices"
	"strings"
)

// Book is all apps at one moment. It is read by every door and never changed.
type Book struct {
	edition  int
	list     []App
	byID     map[string]*App
	byOrigin map[string]*App
	sites    map[string]Site // https by host, as browsers name it
	local    map[string]Site // http
	left     []Left
}

// Left is an app that is left out of a book, and why.
type Left struct {
	App App
	Why []error
}

// Site is an app at one of its origins.
type Site struct {
	App    *App
	Origin string
}

// Shelf is what a book is made of.
type Shelf struct {
	Declared []App // by the settings file
	Stored   []App // by command
	Edition  int   // that Stored is at least as new as: what Beside names
}

// NewBook makes a book of apps alone.
func NewBook(declared, stored []App) (*Book, []error) {
	return Shelf{Declared: declared, Stored: stored}.Book()
}

// Book makes a book. What is declared stands before what was added by command;
// an app that cannot be judged, or that claims what another has, is left out, so
// that its doors stay shut, and told.
func (s Shelf) Book() (*Book, []error) {
	b := &Book{edition: s.Edition, byID: map[string]*App{}, byOrigin: map[string]*App{}, sites: map[string]Site{}, local: map[string]Site{}}
	var faults []error
	list := slices.Concat(s.Declared, s.Stored)
	for i := range list {
		a := &list[i]
		a.Declared = i < len(s.Declared)
		if bad := b.bad(a); len(bad) > 0 {
			faults = append(faults, bad...)
			b.left = append(b.left, Left{*a, bad})
			continue
		}
		b.byID[a.ID] = a
		for _, address := range a.Addresses {
			origin, _ := Origin(address)
			b.byOrigin[origin] = a
			scheme, host, _ := strings.Cut(origin, "://")
			b.hosts(scheme)[host] = Site{a, origin}
		}
		b.list = append(b.list, *a)
	}
	slices.SortFunc(b.list, func(x, y App) int { return strings.Compare(strings.ToLower(x.Name)+x.ID, strings.ToLower(y.Name)+y.ID) })
	return b, faults
}

func (b *Book) bad(a *App) (faults []error) {
	for _, err := range a.Check() {
		faults = append(faults, fmt.Errorf("app %s: %w", a.ID, err))
	}
	if len(faults) > 0 {
		return faults
	}
	if b.byID[a.ID] != nil {
		return []error{fmt.Errorf("app %s: there is another of that id; hint: choose another id", a.ID)}
	}
	for _, address := range a.Addresses {
		origin, _ := Origin(address)
		if other := b.byOrigin[origin]; other != nil {
			return []error{fmt.Errorf("app %s: %s is the address of app %s; hint: an address belongs to one app, with rules for its paths", a.ID, origin, other.ID)}
		}
	}
	return nil
}

// All are the apps, by name.
func (b *Book) All() []App {
	if b == nil {
		return nil
	}
	return b.list
}

// Edition is what a change that rests on the book names.
func (b *Book) Edition() int {
	if b == nil {
		return 0
	}
	return b.edition
}

// Left are the apps that were left out: nobody can enter them.
func (b *Book) Left() []Left {
	if b == nil {
		return nil
	}
	return b.left
}

// App is an app by its id, or nil.
func (b *Book) App(id string) *App {
	if b == nil {
		return nil
	}
	return b.byID[id]
}

// At is the app at an origin, as OriginOf and Origin make it, or nil.
func (b *Book) At(origin string) *App {
	if b == nil {
		return nil
	}
	return b.byOrigin[origin]
}

func (b *Book) hosts(scheme string) map[string]Site {
	if scheme == "https" {
		return b.sites
	}
	return b.local
}

// Site is the app at a host, as a request names it; without an app where there is
// none.
func (b *Book) Site(scheme, host string) Site {
	if b == nil || scheme != "https" && scheme != "http" {
		return Site{}
	}
	if s, ok := b.hosts(scheme)[host]; ok {
		return s // as browsers write it: nothing to tidy
	}
	origin, ok := OriginOf(scheme, host)
	if !ok {
		return Site{}
	}
	if a := b.byOrigin[origin]; a != nil {
		return Site{a, origin}
	}
	return Site{}
}

// Find is the app that an address leads to, with its origin and the rest of the
// address, or nil.
func (b *Book) Find(address string) (a *App, origin, uri string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, "", ""
	}
	host, uri := rest, "/"
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		host, uri = rest[:at], rest[at:]
	}
	if uri[0] != '/' || !sensible(uri) || strings.ContainsRune(uri, '\\') {
		return nil, "", ""
	}
	origin, ok = OriginOf(scheme, host)
	if !ok {
		return nil, "", ""
	}
	if a = b.At(origin); a == nil {
		return nil, "", ""
	}
	return a, origin, uri
}
