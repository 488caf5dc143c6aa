package app

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sallyport/core/change"
)

// Fits says what keeps an app from being saved beside those of a book: what is wrong
// with it, or that it claims what another has, or the portal at its own address.
func (b *Book) Fits(a App, portal string) error {
	if faults := a.Check(); len(faults) > 0 {
		return several(faults)
	}
	if a.Version == 0 && (b.App(a.ID) != nil || slices.ContainsFunc(b.Left(), func(l Left) bool { return l.App.ID == a.ID })) {
		return Taken(a.ID)
	}
	for _, address := range a.Addresses {
		origin, _ := Origin(address)
		if other := b.At(origin); other != nil && other.ID != a.ID {
			return fmt.Errorf("%s is the address of app %s; hint: an address belongs to one app, with rules for its paths", origin, other.ID)
		}
	}
	return a.Apart(portal)
}

// Beside goes before Saved: what an app may not share with another is asked of a book,
// and nothing in its own row tells that the book is not as it was. The condition: no
// app was saved since the book of that edition was read.
type Beside struct {
	change.Mark
	Edition int
}

// Apart says whether an app has another host than the portal. Cookies know no ports:
// at another port of one host the app would be sent the portal's session.
func (a App) Apart(portal string) error {
	for _, address := range a.Addresses {
		if origin, err := Origin(address); err == nil && strings.EqualFold(HostOf(origin), HostOf(portal)) {
			return fmt.Errorf("%s has the host of the portal itself; hint: an app has a host of its own, as cookies know no ports: give it another address, or the portal another url", origin)
		}
	}
	return nil
}

// Taken is the error of an id that another app has.
func Taken(id string) error {
	return fmt.Errorf("app %s: there is another of that id; hint: choose another id, or sallyport app set %s", id, id)
}

// several is all faults as one error, a line each, with a hint for the first.
func several(faults []error) error {
	var lines []string
	hint := ""
	for _, err := range faults {
		what, do, _ := strings.Cut(err.Error(), "; hint: ")
		if hint == "" {
			hint = do
		}
		lines = append(lines, what)
	}
	return fmt.Errorf("%s; hint: %s", strings.Join(lines, "\n"), hint)
}

// Copy is an app whose fields can be set without touching the first.
func (a App) Copy() App {
	if a.Client != nil {
		client := *a.Client
		a.Client = &client
	}
	return a
}

// Differences names the fields of an app that are not as they were.
func Differences(before, after App) (names []string) {
	names = differences(reflect.ValueOf(before), reflect.ValueOf(after))
	switch {
	case (before.Client == nil) != (after.Client == nil):
		names = append(names, "client")
	case before.Client != nil:
		names = append(names, differences(reflect.ValueOf(*before.Client), reflect.ValueOf(*after.Client))...)
	}
	return names
}

func differences(before, after reflect.Value) (names []string) {
	for i := range before.NumField() {
		f := before.Type().Field(i)
		switch {
		case f.Anonymous:
			names = append(names, differences(before.Field(i), after.Field(i))...)
		case f.Name != "Client" && !reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()):
			names = append(names, strings.ToLower(f.Name))
		}
	}
	return names
}
