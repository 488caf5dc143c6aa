package storetest

import (
	"reflect"
	"slices"
	"strings"

	"sallyport/back/store"
	"sallyport/core/app"
	"sallyport/core/change"
)

// apps: one comes back as it was saved, on both nodes, and who has an old one does not
// overwrite a newer.
func apps(w *world) {
	named := func(s *store.Store, id string) *app.App {
		all := must(s.Apps(ctx()))
		if !slices.IsSortedFunc(all, func(a, b app.App) int { return strings.Compare(a.ID, b.ID) }) {
			w.Error("apps are not listed by id")
		}
		if i := slices.IndexFunc(all, func(a app.App) bool { return a.ID == id }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	whole := func(id string) app.App {
		a := filled[app.App](&filler{})
		full(w.T, a)
		full(w.T, a.Rules[0])
		full(w.T, *a.Client)
		a.ID, a.Version, a.Declared, a.Unread = id, 0, false, ""
		return a
	}
	first, second := whole(id()), whole(id())
	second.Name = "Another"
	w.apply(app.Saved{App: first})
	w.apply(app.Saved{App: second})
	first.Version, second.Version = 1, 1
	for _, node := range []*store.Store{w.Store, w.other} {
		for _, want := range []app.App{first, second} {
			if got := named(node, want.ID); got == nil || !reflect.DeepEqual(*got, want) {
				w.Errorf("read  %+v\nwant %+v", got, want)
			}
		}
	}
	w.refused(app.Saved{App: whole(first.ID)})

	changed := first
	changed.Name, changed.Client = "Changed", nil
	w.apply(app.Saved{App: changed})
	w.refused(app.Saved{App: first})
	changed.Version = 2
	if got := named(w.other, first.ID); !reflect.DeepEqual(*got, changed) {
		w.Errorf("read  %+v\nwant %+v", got, changed)
	}
	if got := named(w.other, second.ID); !reflect.DeepEqual(*got, second) {
		w.Errorf("another app was changed: %+v", got)
	}

	old := must(w.AppsEdition(ctx()))
	if won := w.race(writers, func(int) change.Set { return change.Set{app.Beside{Edition: old}, app.Saved{App: whole(id())}} }); len(won) != 1 {
		w.Errorf("of %d beside one book %d were saved", writers, len(won))
	}
	w.refused(app.Beside{Edition: old}, app.Saved{App: whole(id())})
	w.apply(app.Beside{Edition: must(w.other.AppsEdition(ctx()))}, app.Saved{App: whole(id())})

	w.apply(app.Removed{ID: second.ID})
	w.refused(app.Removed{ID: second.ID})
	if named(w.other, second.ID) != nil || named(w.other, first.ID) == nil {
		w.Error("the wrong app was removed")
	}
}
