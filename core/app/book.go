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

// Err is why nobody enters it, the first reason.
func (l Left) Err() error {
	what, do, _ := strings.Cut(l.Why[0].Error(), "; hint: ")
	return fmt.Errorf("%s: it is left out, and nobody enters; hint: %s", what, do)
}

// at says whether an app has an address of its own at an origin.
func (l Left) at(origin string) bool {
	return slices.ContainsFunc(l.App.Addresses, func(address string) bool {
		own, err := Origin(address)
		return err == nil && own == origin
	})
}

// Site is an app at one of its origins.
type Site struct {
	App    *App
	Origin string
}

// Shelf is what a book is made of.
type Shelf struct {
	Declared []App  // by the settings file
	Stored   []App  // by command
	Portal   string // its address, which no app may share
	Edition  int    // that Stored is at least as new as: what Beside names
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
		if bad := b.bad(a, s.Portal); len(bad) > 0 {
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

func (b *Book) bad(a *App, portal string) (faults []error) {
	for _, err := range a.Check() {
		faults = append(faults, fmt.Errorf("app %s: %w", a.ID, err))
	}
	if len(faults) > 0 {
		return faults
	}
	if err := a.Apart(portal); err != nil {
		return []error{fmt.Errorf("app %s: %w", a.ID, err)}
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

// LeftOut is why nobody enters an app that was left out, by its id or an address of it;
// nil where there is none.
func (b *Book) LeftOut(to string) error {
	origin, _ := split(to)
	for _, left := range b.Left() {
		if left.App.ID == to || origin != "" && left.at(origin) {
			return left.Err()
		}
	}
	return nil
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
	if origin, uri = split(address); origin == "" {
		return nil, "", ""
	}
	if a = b.At(origin); a == nil {
		return nil, "", ""
	}
	return a, origin, uri
}

// split is an address as its origin and the rest; nothing where nobody can say.
func split(address string) (origin, uri string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return "", ""
	}
	host, uri := rest, "/"
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		host, uri = rest[:at], rest[at:]
	}
	if uri[0] != '/' || !sensible(uri) || strings.ContainsRune(uri, '\\') {
		return "", ""
	}
	if origin, ok = OriginOf(scheme, host); !ok {
		return "", ""
	}
	return origin, uri
}
