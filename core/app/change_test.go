package app

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnAppFitsWhereNothingIsAnothers(t *testing.T) {
	named := func(id string, version int64, addresses ...string) App {
		a := wiki()
		a.ID, a.Version, a.Addresses = id, version, addresses
		return a
	}
	broken := named("broken", 3, "https://broken.example.org")
	broken.Groups = nil
	book, faults := NewBook([]App{named("wiki", 0, "https://wiki.example.org")}, []App{named("blog", 4, "https://blog.example.org", "https://b.example.org:8443"), broken})
	if len(faults) != 1 || len(book.Left()) != 1 {
		t.Fatal(faults)
	}
	const portal = "https://login.example.org"
	ill := named("new", 0, "https://new.example.org")
	ill.Name, ill.Groups = "", nil
	for name, row := range map[string]struct {
		book *Book
		app  App
		err  string // how it begins; none fits
	}{
		"a new one":                             {book, named("new", 0, "https://new.example.org"), ""},
		"a new one of a client alone":           {book, chat(), ""},
		"one at another port":                   {book, named("new", 0, "https://b.example.org"), ""},
		"one that was there":                    {book, named("blog", 4, "https://blog.example.org"), ""},
		"one that was there, at a new address":  {book, named("blog", 4, "https://new.example.org", "https://blog.example.org"), ""},
		"one that was left out, mended":         {book, named("broken", 3, "https://broken.example.org"), ""},
		"the first":                             {nil, named("wiki", 0, "https://wiki.example.org"), ""},
		"a new one of an id that is there":      {book, named("blog", 0, "https://new.example.org"), "app blog: there is another of that id"},
		"a new one of an id that is declared":   {book, named("wiki", 0, "https://new.example.org"), "app wiki: there is another of that id"},
		"a new one of an id that was left out":  {book, named("broken", 0, "https://new.example.org"), "app broken: there is another of that id"},
		"a new one at an address of another":    {book, named("new", 0, "https://blog.example.org"), "https://blog.example.org is the address of app blog"},
		"an old one at an address of another":   {book, named("broken", 3, "https://blog.example.org"), "https://blog.example.org is the address of app blog"},
		"an address of another, written freely": {book, named("new", 0, "https://new.example.org", "HTTPS://B.example.org.:8443/"), "https://b.example.org:8443 is the address of app blog"},
		"the host of the portal":                {book, named("new", 0, "https://login.example.org:8443"), "https://login.example.org:8443 has the host of the portal itself"},
		"an ill one":                            {book, ill, "name \"\": 1 to 60 characters that can be seen\nno groups: nobody could enter; hint: Wiki"},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.book.Fits(row.app, portal)
			if row.err == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), row.err) || strings.Count(err.Error(), "; hint: ") != 1 || strings.HasSuffix(err.Error(), "hint: ") {
				t.Fatalf("%v; want %q, with one hint", err, row.err)
			}
		})
	}
}

func TestACopyIsSetWithoutTheFirst(t *testing.T) {
	first := chat()
	second := first.Copy()
	if second.Client == nil || second.Client == first.Client || !slices.Equal(Differences(first, second), nil) {
		t.Fatalf("%+v is a copy of %+v", second.Client, first.Client)
	}
	second.Client.Secret, second.Client.Native = strings.Repeat("0b", 32), true
	if first.Client.Secret != chat().Client.Secret || first.Client.Native {
		t.Error("what was set in the copy is set in the first")
	}
	if alone := wiki().Copy(); alone.Client != nil {
		t.Error("a copy of an app without a client has one")
	}
}

func TestDifferencesAreNamedByField(t *testing.T) {
	both := func() App {
		a := wiki()
		a.Client = chat().Client
		return a
	}
	for name, row := range map[string]struct {
		before App
		change func(*App)
		want   []string
	}{
		"nothing":                    {wiki(), func(*App) {}, nil},
		"nothing of a client":        {both(), func(*App) {}, nil},
		"the name":                   {wiki(), func(a *App) { a.Name = "Notes" }, []string{"name"}},
		"who may enter":              {wiki(), func(a *App) { a.Groups = []string{Everyone} }, []string{"groups"}},
		"what is asked":              {wiki(), func(a *App) { a.Need.Within = time.Minute }, []string{"need"}},
		"a rule and the token":       {wiki(), func(a *App) { a.Rules, a.Token = []Rule{{Methods: []string{"GET"}}}, true }, []string{"rules", "token"}},
		"a client that came":         {wiki(), func(a *App) { a.Client = chat().Client }, []string{"client"}},
		"a client that went":         {both(), func(a *App) { a.Client = nil }, []string{"client"}},
		"the secret of a client":     {both(), func(a *App) { a.Client.Secret = Kept("x") }, []string{"secret"}},
		"the redirects of a client":  {both(), func(a *App) { a.Client.Redirects = []string{"https://x.example.org/"} }, []string{"redirects"}},
		"the name and the algorithm": {both(), func(a *App) { a.Name, a.Client.Algorithm = "Notes", "EdDSA" }, []string{"name", "algorithm"}},
	} {
		after := row.before.Copy()
		row.change(&after)
		if got := Differences(row.before, after); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q; want %q", name, got, row.want)
		}
	}
}
