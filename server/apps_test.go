package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/config"
	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/session"
	"sallyport/server"
)

// declare opens the core of a portal with these lines under apps.
func declare(t *testing.T, lines string) (*server.Core, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string][]byte{"sallyport.key": seal.NewKeyFile(), "wiki.secret": []byte(strings.Repeat("s3", 16))} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Parse([]byte("url: https://login.example.org\napps:\n"+lines), filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	core, err := server.Open(t.Context(), c)
	if err == nil {
		t.Cleanup(func() { _ = core.Close() })
	}
	return core, err
}

const declaredWiki = `
  - id: wiki
    addresses: [https://wiki.example.org]
    groups: [staff]
    rules:
      - paths: [/admin/*]
        methods: [POST]
        groups: [admins]
        need: two within 15m
      - paths: [/drafts]
    tell: [name]
    share: example.org
    token: true
    client:
      redirects: [https://wiki.example.org/callback]
      after_sign_out: [https://wiki.example.org/]
      back_channel: https://wiki.example.org/out
      secret_file: wiki.secret
      native: true
      without_pkce: true
      algorithm: EdDSA
      refresh: true
      no_consent: true
      access_minutes: 5
  - id: front
    name: Front page
    addresses: [https://www.example.org]
    groups: [everyone]
    need: none
`

func TestDeclaredAppsAreInTheBook(t *testing.T) {
	core, err := declare(t, declaredWiki)
	if err != nil {
		t.Fatal(err)
	}
	want := app.App{
		ID: "wiki", Name: "wiki", Addresses: []string{"https://wiki.example.org"}, Access: app.Access{Groups: []string{"staff"}, Need: app.Need{Factors: app.Two}},
		Rules: []app.Rule{
			{Paths: []string{"/admin/*"}, Methods: []string{"POST"}, Access: app.Access{Groups: []string{"admins"}, Need: app.Need{Factors: app.Two, Within: 15 * time.Minute}}},
			{Paths: []string{"/drafts"}},
		},
		Tell: []app.Fact{app.TellName}, Share: "example.org", Token: true, Declared: true,
		Client: &app.Client{
			Redirects: []string{"https://wiki.example.org/callback"}, AfterSignOut: []string{"https://wiki.example.org/"}, BackChannel: "https://wiki.example.org/out",
			Auth: app.AuthBasic, Secret: app.Kept(strings.Repeat("s3", 16)), Native: true, WithoutPKCE: true, Algorithm: "EdDSA", Refresh: true, NoConsent: true, AccessMinutes: 5,
		},
	}
	if got := core.Apps.Book().App("wiki"); !reflect.DeepEqual(*got, want) {
		t.Errorf("read  %+v\nwant %+v", *got, want)
	}
	if front := core.Apps.Book().App("front"); front.Name != "Front page" || front.Need != (app.Need{Factors: app.None}) || front.Client != nil {
		t.Errorf("read %+v", *front)
	}
}

func TestADeclaredAppThatIsWrongStopsTheStart(t *testing.T) {
	const good = "    addresses: [https://wiki.example.org]\n    groups: [staff]\n"
	for name, row := range map[string]struct{ lines, want string }{
		"a need that nobody knows":          {"  - id: wiki\n" + good + "    need: three\n", `app wiki: need: "three"`},
		"within nothing":                    {"  - id: wiki\n" + good + "    need: two within 0s\n", `app wiki: need: "two within 0s"`},
		"a need of a rule":                  {"  - id: wiki\n" + good + "    rules:\n      - paths: [/x]\n        need: both\n", `app wiki: rule 1: need: "both"`},
		"a fact that nobody knows":          {"  - id: wiki\n" + good + "    tell: [phone]\n", `app wiki: "phone"`},
		"an auth that nobody knows":         {"  - id: wiki\n" + good + "    client:\n      redirects: [https://wiki.example.org/c]\n      auth: basic\n", `app wiki: auth "basic"`},
		"a client without its secret":       {"  - id: wiki\n" + good + "    client:\n      redirects: [https://wiki.example.org/c]\n", "app wiki: no secret"},
		"a client without a redirect":       {"  - id: wiki\n" + good + "    client:\n      auth: none\n", "app wiki: 1 to 50 redirect"},
		"nobody who may enter":              {"  - id: wiki\n    addresses: [https://wiki.example.org]\n", "app wiki: no groups"},
		"an id that is no id":               {"  - id: The Wiki\n" + good, `app The Wiki: id "The Wiki"`},
		"the address of another":            {"  - id: wiki\n" + good + "  - id: other\n" + good, "app other: https://wiki.example.org is the address of app wiki"},
		"the address of the portal":         {"  - id: wiki\n    groups: [staff]\n    addresses: ['https://Login.example.org:443/']\n", "app wiki: https://login.example.org has the host of the portal itself"},
		"another port of the portal's host": {"  - id: wiki\n    groups: [staff]\n    addresses: ['https://login.example.org:8443']\n", "app wiki: https://login.example.org:8443 has the host of the portal itself"},
		"more than one thing that is wrong": {"  - id: wiki\n" + good + "    need: three\n    tell: [phone]\n", "need: \"three\" is not what can be asked (hint: none, one, two, or two within 15m)\napps: app wiki: \"phone\""},
	} {
		_, err := declare(t, row.lines)
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s: %v; want %s", name, err, row.want)
		}
	}
}

// chat is an app that a command adds.
func chat() app.App {
	return app.App{
		ID: "chat", Name: "Chat", Addresses: []string{"https://chat.example.org"}, Access: app.Access{Groups: []string{"staff"}, Need: app.Need{Factors: app.Two}},
		Client: &app.Client{Redirects: []string{"https://chat.example.org/callback"}, Auth: app.AuthNone},
	}
}

func TestAppsAreChangedByNameAndWrittenDown(t *testing.T) {
	core, err := declare(t, declaredWiki)
	if err != nil {
		t.Fatal(err)
	}
	ctx, m := t.Context(), core.Manage
	refused := func(what string, err error, part string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s: %v; want %q with a hint", what, err, part)
		}
	}
	add := func(change func(a *app.App)) error {
		a := chat()
		change(&a)
		return m.AddGuarded(ctx, "cli:ops", a)
	}
	set := func(id string, change func(a *app.App)) error {
		return m.SetGuarded(ctx, "cli:ops", id, func(a *app.App) error { change(a); return nil })
	}

	refused("a need that nobody knows", add(func(a *app.App) { a.Need.Factors = "three" }), "need")
	refused("two faults", add(func(a *app.App) { a.Need.Factors, a.Tell = "three", []app.Fact{"phone"} }), "need: \"three\" is not what can be asked\n\"phone\"")
	refused("the id of one of the settings file", add(func(a *app.App) { a.ID = "wiki" }), "another of that id")
	refused("the address of one of the settings file", add(func(a *app.App) { a.Addresses = []string{"https://WIKI.example.org:443"} }), "is the address of app wiki")
	refused("the address of the portal", add(func(a *app.App) { a.Addresses = []string{"https://login.example.org/"} }), "the portal itself")
	refused("another port of the portal's host", add(func(a *app.App) { a.Addresses = []string{"https://login.example.org:8443"} }), "the portal itself")
	if core.Apps.Book().App("chat") != nil {
		t.Fatal("what was refused is in the book")
	}
	if err := add(func(a *app.App) { a.Version = 7 }); err != nil {
		t.Fatal(err)
	}
	if a := core.Apps.Book().App("chat"); a == nil || a.Declared || core.Apps.Book().At("https://chat.example.org") != a {
		t.Fatalf("the app is not in the book: %+v", a)
	}
	refused("the same again", add(func(*app.App) {}), "another of that id")
	refused("its address", add(func(a *app.App) { a.ID = "other" }), "is the address of app chat")

	refused("to nothing", set("chat", func(a *app.App) { a.Groups = nil }), "no groups")
	refused("to the address of another", set("chat", func(a *app.App) { a.Addresses = []string{"https://wiki.example.org"} }), "is the address of app wiki")
	refused("one of the settings file", set("wiki", func(a *app.App) { a.Groups = []string{"everyone"} }), "stands in the settings file")
	refused("one that nobody knows", set("none", func(*app.App) {}), "no app of that id")
	if err := m.SetGuarded(ctx, "cli:ops", "chat", func(*app.App) error { return errors.New("no") }); err == nil || err.Error() != "no" {
		t.Errorf("the error of an edit is %v", err)
	}
	if err := set("chat", func(*app.App) {}); err != nil {
		t.Error(err)
	}
	if err := set("chat", func(a *app.App) {
		a.ID, a.Groups, a.Client.Refresh, a.Rules = "other", []string{"everyone"}, true, []app.Rule{{Paths: []string{"/x"}}}
	}); err != nil {
		t.Fatal(err)
	}
	if err := set("chat", func(a *app.App) { a.Client = nil }); err != nil {
		t.Fatal(err)
	}
	if a := core.Apps.Book().App("chat"); a == nil || a.Groups[0] != "everyone" || len(a.Rules) != 1 || a.Client != nil {
		t.Errorf("changed to %+v", a)
	}

	refused("one of the settings file", m.RemoveGuarded(ctx, "cli:ops", "wiki"), "stands in the settings file")
	refused("one that nobody knows", m.RemoveGuarded(ctx, "cli:ops", "none"), "no app of that id")
	if err := m.RemoveGuarded(ctx, "cli:ops", "chat"); err != nil {
		t.Fatal(err)
	}
	refused("one that is gone", m.RemoveGuarded(ctx, "cli:ops", "chat"), "no app of that id")
	if core.Apps.Book().App("chat") != nil || core.Apps.Book().At("https://chat.example.org") != nil {
		t.Error("the app is still in the book")
	}

	entries, err := core.Store.EventsAfter(ctx, []audit.Event{audit.GuardedAdded, audit.GuardedChanged, audit.GuardedRemoved}, audit.Entry{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]int{}
	for _, e := range entries {
		said[e.Actor+" "+string(e.Event)+" "+e.Note]++
	}
	if want := map[string]int{"cli:ops guarded-app-added chat": 1, "cli:ops guarded-app-changed chat: groups, rules, refresh": 1,
		"cli:ops guarded-app-changed chat: client": 1, "cli:ops guarded-app-removed chat": 1}; !reflect.DeepEqual(said, want) {
		t.Errorf("written down: %v", said)
	}
}

// A row that is out of the book can be mended where it can be read, and removed.
func TestAnAppThatIsLeftOutCanBeMended(t *testing.T) {
	core, err := declare(t, declaredWiki)
	if err != nil {
		t.Fatal(err)
	}
	ctx, m := t.Context(), core.Manage
	broken := chat()
	broken.Need.Factors = "three"
	hidden := chat()
	hidden.ID, hidden.Addresses = "wiki", []string{"https://hidden.example.org"}
	for _, a := range []app.App{broken, hidden} { // as somebody writes them who has the database
		if err := core.Store.Apply(ctx, change.Set{app.Saved{App: a}}); err != nil {
			t.Fatal(err)
		}
	}
	book, err := core.Apps.Fresh(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if left := book.Left(); len(left) != 2 || book.At("https://chat.example.org") != nil || book.At("https://hidden.example.org") != nil {
		t.Fatalf("left out: %+v", left)
	}
	if _, err := m.Guarded(ctx, "chat"); err == nil || !strings.Contains(err.Error(), `app chat: need: "three"`) {
		t.Errorf("it is told as %v", err)
	}
	if a, err := m.Guarded(ctx, "wiki"); err != nil || !a.Declared {
		t.Errorf("the one of the settings file is %+v, %v", a, err)
	}
	if err := m.AddGuarded(ctx, "cli:ops", chat()); err == nil || !strings.Contains(err.Error(), "another of that id") {
		t.Errorf("adding one in its place: %v", err)
	}
	mend := func(a *app.App) error { a.Need.Factors = app.One; return nil }
	if err := m.SetGuarded(ctx, "cli:ops", "wiki", mend); err == nil || !strings.Contains(err.Error(), "stands in the settings file") {
		t.Errorf("one behind that of the settings file: %v", err)
	}
	if err := m.SetGuarded(ctx, "cli:ops", "chat", mend); err != nil {
		t.Fatal(err)
	}
	if a := core.Apps.Book().App("chat"); a == nil || a.Need.Factors != app.One {
		t.Errorf("mended to %+v", a)
	}
	if err := m.RemoveGuarded(ctx, "cli:ops", "wiki"); err != nil {
		t.Fatal(err)
	}
	if book, _ := core.Apps.Fresh(ctx); len(book.Left()) > 0 || book.App("wiki") == nil {
		t.Errorf("after removing it: %+v", book.Left())
	}
}

func TestWhatWouldHappenIsSaidByTheRuleThatDecides(t *testing.T) {
	core, err := declare(t, declaredWiki)
	if err != nil {
		t.Fatal(err)
	}
	ada := app.Standing{Person: "ada", Groups: []string{"staff"}, Level: session.Two, BothAt: core.Now()}
	for _, row := range []struct {
		to, method, id string
		answer         app.Answer
		rule           int
	}{
		{"https://wiki.example.org/page", "GET", "wiki", app.Allow, 0},
		{"https://wiki.example.org", "GET", "wiki", app.Allow, 0},
		{"https://wiki.example.org/admin/x", "POST", "wiki", app.Forbid, 1},
		{"https://wiki.example.org/admin/x", "GET", "wiki", app.Allow, 0},
		{"wiki", "POST", "wiki", app.Allow, 0},
		{"https://www.example.org/", "GET", "front", app.Allow, 0},
	} {
		a, v, err := core.Manage.May(t.Context(), row.to, row.method, ada)
		if err != nil || a.ID != row.id || v.Answer != row.answer || v.Rule != row.rule {
			t.Errorf("%s %s: %s by %d of %+v, %v", row.method, row.to, v.Answer, v.Rule, a, err)
		}
	}
	for _, to := range []string{"https://login.example.org/", "https://none.example.org/", "none", "", "wiki.example.org"} {
		if _, v, err := core.Manage.May(t.Context(), to, "GET", ada); err == nil || v.Answer != 0 || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s: %s, %v", to, v.Answer, err)
		}
	}
}
