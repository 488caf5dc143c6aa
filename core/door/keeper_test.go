package door

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

var errDown = errors.New("database unavailable")

// gatehouse keeps doors by the conditions that their effects promise.
type gatehouse struct {
	flow.Changes
	flow.People
	now     time.Time
	ada     *person.Person
	session session.Session
	over    bool // the family has no session any more
	doors   map[string]Door
	down    string // what fails
}

const (
	wiki    = "https://wiki.example.org"
	browser = "the cookie of a browser at the app's host"
)

// built is a gatehouse with Ada, signed in by both factors, and some apps.
func built() (*gatehouse, *Keeper) {
	g := &gatehouse{now: noon, doors: map[string]Door{}}
	g.ada = &person.Person{ID: "ADA", Name: "ada", Groups: []string{"staff"}, EnrolledAt: noon.Add(-time.Hour), Version: 7}
	g.session = session.Stored(session.Row{ID: flow.HashToken("s"), Person: "ADA", Family: "F", Level: session.Two, SeenAt: noon, EndsAt: noon.Add(12 * time.Hour),
		ConfirmedAt: noon.Add(-30 * time.Minute), PasswordAt: noon.Add(-30 * time.Minute)})
	m := &flow.Machine{People: g, Changes: g, Secrets: g, Policy: policy.Policy{Idle: time.Hour, Length: 12 * time.Hour}, Now: func() time.Time { return g.now }}
	return g, &Keeper{Flow: m, Apps: g}
}

func (g *gatehouse) MAC(purpose string, parts ...[]byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "key %q %q", purpose, parts))
	return sum[:]
}

func (g *gatehouse) Book() *app.Book {
	two := app.Access{Groups: []string{"staff"}, Need: app.Need{Factors: app.Two}}
	soon := two
	soon.Need.Within = time.Minute
	book, _ := app.NewBook([]app.App{
		{ID: "wiki", Name: "Wiki", Addresses: []string{wiki}, Access: two, Rules: []app.Rule{{Paths: []string{"/open/*"}, Access: app.Access{Need: app.Need{Factors: app.None}}}}},
		{ID: "bank", Name: "Bank", Addresses: []string{"https://bank.example.org"}, Access: soon},
		{ID: "board", Name: "Board", Addresses: []string{"https://board.example.org"}, Access: app.Access{Groups: []string{"board"}, Need: app.Need{Factors: app.Two}}},
		{ID: "client", Name: "Client", Access: two, Client: &app.Client{Redirects: []string{"https://client.example.org/cb"}, Auth: app.AuthNone}},
	}, nil)
	return book
}

func (g *gatehouse) Person(_ context.Context, id string) (*person.Person, error) {
	if g.down == "person" {
		return nil, errDown
	}
	if g.ada == nil || g.ada.ID != id {
		return nil, nil
	}
	who := *g.ada
	return &who, nil
}

func (g *gatehouse) Apply(_ context.Context, set change.Set) error {
	if g.down == "apply" {
		return errDown
	}
	for _, effect := range set {
		switch e := effect.(type) {
		case person.Unchanged:
			if g.ada == nil || e.ID != g.ada.ID || e.Version != g.ada.Version {
				return &change.Refused{Effect: e}
			}
		case Opened:
			if _, there := g.doors[e.Door.ID]; there || g.over || e.Door.Family != "F" || e.Door.Person != "ADA" {
				return &change.Refused{Effect: e}
			}
			g.doors[e.Door.ID] = e.Door
		default:
			return fmt.Errorf("an effect of no door: %T", e)
		}
	}
	return nil
}

func (g *gatehouse) signed() *flow.Signed {
	return &flow.Signed{Session: g.session, Person: *g.ada, Now: g.now}
}

// left is a hand-over to an address of the wiki.
func (g *gatehouse) left(t *testing.T, k *Keeper) string {
	t.Helper()
	token, a, v, err := k.HandOver(g.signed(), wiki+"/page?x=1", Bind(browser))
	if err != nil || v.Answer != app.Allow || a == nil || a.ID != "wiki" || token == "" {
		t.Fatalf("%q %v %+v %v", token, a, v, err)
	}
	return token
}

func TestWhoIsHandedOver(t *testing.T) {
	for _, row := range []struct {
		name, to string
		bind     string
		changed  func(g *gatehouse, s *flow.Signed) *flow.Signed
		want     app.Answer
		app      string
	}{
		{"both factors", wiki + "/page", Bind(browser), nil, app.Allow, "wiki"},
		{"no app's address", "https://elsewhere.example.org/", Bind(browser), nil, app.Refuse, ""},
		{"an open path, signed in", wiki + "/open/x", Bind(browser), nil, app.Allow, "wiki"},
		{"a stranger", wiki + "/page", Bind(browser), func(*gatehouse, *flow.Signed) *flow.Signed { return nil }, app.SignIn, "wiki"},
		{"a stranger at an open path", wiki + "/open/x", Bind(browser), func(*gatehouse, *flow.Signed) *flow.Signed { return nil }, app.SignIn, "wiki"},
		{"a session that is over", wiki + "/page", Bind(browser), func(_ *gatehouse, s *flow.Signed) *flow.Signed { s.Over = "idle"; return s }, app.SignIn, "wiki"},
		{"a session that is over at an open path", wiki + "/open/x", Bind(browser), func(_ *gatehouse, s *flow.Signed) *flow.Signed { s.Over = "idle"; return s }, app.SignIn, "wiki"},
		{"not of the group", "https://board.example.org/", Bind(browser), nil, app.Forbid, "board"},
		{"factors shown too long ago", "https://bank.example.org/", Bind(browser), nil, app.Confirm, "bank"},
		{"a session from before there were apps", wiki + "/page", Bind(browser), func(_ *gatehouse, s *flow.Signed) *flow.Signed { s.Session.Family = ""; return s }, app.Confirm, "wiki"},
		{"no browser", wiki + "/page", "", nil, app.Refuse, "wiki"},
		{"a browser's mark that is too short", wiki + "/page", strings.Repeat("x", 19), nil, app.Refuse, "wiki"},
		{"the shortest", wiki + "/page", strings.Repeat("x", 20), nil, app.Allow, "wiki"},
	} {
		g, k := built()
		s := g.signed()
		if row.changed != nil {
			s = row.changed(g, s)
		}
		token, a, v, err := k.HandOver(s, row.to, row.bind)
		if err != nil || v.Answer != row.want || (token != "") != (row.want == app.Allow) || (a == nil) != (row.app == "") || a != nil && a.ID != row.app {
			t.Errorf("%s: %q %v %v %v, want %v", row.name, token, a, v.Answer, err, row.want)
		}
	}
}

func TestAHandOverOpensADoorOnce(t *testing.T) {
	g, k := built()
	token := g.left(t, k)
	g.now = noon.Add(HandOverLife - time.Millisecond)
	entered, err := k.Redeem(t.Context(), token, wiki, browser, "another door")
	if err != nil || entered.URI != "/page?x=1" || entered.Cookie == "" {
		t.Fatalf("%+v, %v", entered, err)
	}
	want := Door{ID: flow.HashToken(entered.Cookie), Family: "F", Person: "ADA", Origin: wiki, MadeAt: g.now, EndsAt: noon.Add(12 * time.Hour)}
	if got := g.doors[want.ID]; !got.EndsAt.Equal(want.EndsAt) || got.ID != want.ID || got.Family != want.Family || got.Person != want.Person || got.Origin != want.Origin || !got.MadeAt.Equal(want.MadeAt) {
		t.Errorf("%+v, want %+v", g.doors, want)
	}
	g.now = noon.Add(HandOverLife) // a reload, also later
	if again, err := k.Redeem(t.Context(), token, wiki, browser, entered.Cookie); err != nil || again.Cookie != "" || again.URI != "/page?x=1" || len(g.doors) != 1 {
		t.Errorf("a reload: %+v, %v", again, err)
	}
	g.now = noon
	if again, err := k.Redeem(t.Context(), token, wiki, browser, ""); !fault.Is(err, fault.Gone) || again.Cookie != "" || len(g.doors) != 1 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	if other := g.left(t, k); other == token {
		t.Error("two hand-overs are the same")
	}
}

func TestWhatOpensNoDoor(t *testing.T) {
	swapped := func(token string) string {
		body, mac, _ := strings.Cut(token, ".")
		return body + "." + mac[1:] + mac[:1]
	}
	for _, row := range []struct {
		name    string
		token   func(k *Keeper, token string) string
		origin  string
		browser string
		changed func(g *gatehouse)
		word    string // of the fault; "" is no fault
		known   bool   // where they were going
	}{
		{"nothing", func(*Keeper, string) string { return "" }, wiki, browser, nil, "door.forged", false},
		{"no signature", func(_ *Keeper, token string) string { body, _, _ := strings.Cut(token, "."); return body }, wiki, browser, nil, "door.forged", false},
		{"another signature", func(_ *Keeper, token string) string { return swapped(token) }, wiki, browser, nil, "door.forged", false},
		{"signed, and no text", func(k *Keeper, _ string) string { return "?." + k.mac("hand-over", "?") }, wiki, browser, nil, "door.forged", false},
		{"signed, and no hand-over", func(k *Keeper, _ string) string {
			body := base64.RawURLEncoding.EncodeToString([]byte("x"))
			return body + "." + k.mac("hand-over", body)
		}, wiki, browser, nil, "door.forged", false},
		{"signed for something else", func(k *Keeper, token string) string {
			body, _, _ := strings.Cut(token, ".")
			return body + "." + k.mac("name", body)
		}, wiki, browser, nil, "door.forged", false},
		{"at another host", nil, "https://bank.example.org", browser, nil, "door.forged", false},
		{"in another browser", nil, wiki, "another", nil, "form.stale", true},
		{"in no browser", nil, wiki, "", nil, "form.stale", true},
		{"after thirty seconds", nil, wiki, browser, func(g *gatehouse) { g.now = noon.Add(30 * time.Second) }, "form.stale", true},
		{"for somebody who is gone", nil, wiki, browser, func(g *gatehouse) { g.ada = nil }, "form.stale", true},
		{"for somebody who is turned off", nil, wiki, browser, func(g *gatehouse) { g.ada.DisabledAt = noon }, "form.stale", true},
		{"for somebody on hold", nil, wiki, browser, func(g *gatehouse) { g.ada.HeldAt = noon }, "form.stale", true},
		{"of a session that is over", nil, wiki, browser, func(g *gatehouse) { g.over = true }, "form.stale", true},
		{"while nobody can be read", nil, wiki, browser, func(g *gatehouse) { g.down = "person" }, "", true},
		{"while nothing can be written", nil, wiki, browser, func(g *gatehouse) { g.down = "apply" }, "", true},
	} {
		g, k := built()
		token := g.left(t, k)
		if row.token != nil {
			token = row.token(k, token)
		}
		if row.changed != nil {
			row.changed(g)
		}
		entered, err := k.Redeem(t.Context(), token, row.origin, row.browser, "")
		word := ""
		if f := fault.Of(err); f != nil {
			word = f.Word
		}
		if err == nil || word != row.word || word == "" && !errors.Is(err, errDown) || entered.Cookie != "" || (entered.URI != "") != row.known || len(g.doors) != 0 {
			t.Errorf("%s: %+v, %v, %d doors; want %q", row.name, entered, err, len(g.doors), row.word)
		}
	}
}

func TestADoorToAllHostsOfADomain(t *testing.T) {
	g, k := built()
	a := &app.App{ID: "wiki", Share: "example.org"}
	cookie, err := k.Share(t.Context(), g.signed(), a)
	if got := g.doors[flow.HashToken(cookie)]; err != nil || got.Origin != ".example.org" || got.Family != "F" || got.Person != "ADA" || !got.EndsAt.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("%+v, %v", g.doors, err)
	}
	if other, err := k.Share(t.Context(), g.signed(), a); err != nil || other == cookie {
		t.Errorf("a second door: %v", err)
	}
	g.over = true
	if _, err := k.Share(t.Context(), g.signed(), a); !fault.Is(err, fault.Gone) {
		t.Errorf("of a session that is over: %v", err)
	}
	g.down = "person"
	if _, err := k.Share(t.Context(), g.signed(), a); !errors.Is(err, errDown) {
		t.Errorf("without a database: %v", err)
	}
}

func TestWhichAppsAreOffered(t *testing.T) {
	g, k := built()
	names := func(s *flow.Signed) (list []string) {
		for _, a := range k.Offered(s) {
			list = append(list, a.ID)
		}
		return list
	}
	if got := names(g.signed()); !slices.Equal(got, []string{"bank", "wiki"}) {
		t.Errorf("both factors: %v", got)
	}
	one := g.signed()
	one.Session = session.Stored(session.Row{ID: flow.HashToken("s"), Person: "ADA", Family: "F", Level: session.One, SeenAt: noon, EndsAt: noon.Add(time.Hour), PasswordAt: noon})
	if got := names(one); !slices.Equal(got, []string{"bank", "wiki"}) {
		t.Errorf("the password alone: %v", got)
	}
	over := g.signed()
	over.Over = "idle"
	if got := append(names(over), names(nil)...); len(got) != 0 {
		t.Errorf("nobody: %v", got)
	}
}

func TestWhatHoldsOfASession(t *testing.T) {
	g, k := built()
	pass := func() Pass {
		return Pass{Door: Door{Person: "ADA", Origin: wiki, EndsAt: noon.Add(2 * time.Hour)}, Session: g.session, Person: *g.ada}
	}
	if h := k.Hold(pass(), noon); h == nil || h.until != noon.Add(2*time.Hour).UnixMilli() || h.bothAt != noon.Add(-30*time.Minute).UnixMilli() || h.level != uint8(session.Two) {
		t.Errorf("%+v", h)
	}
	for name, change := range map[string]func(p *Pass){
		"a session that was somebody else's": func(p *Pass) { p.Session.Person = "BOB" },
		"a session that idled":               func(p *Pass) { p.Session.SeenAt = noon.Add(-time.Hour) },
		"somebody who is turned off":         func(p *Pass) { p.Person.DisabledAt = noon },
		"a name that is too short":           func(p *Pass) { p.Session.ID = p.Session.ID[2:] },
		"a name that is none":                func(p *Pass) { p.Session.ID = strings.Repeat("x", len(p.Session.ID)) },
	} {
		p := pass()
		change(&p)
		if h := k.Hold(p, noon); h != nil {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if got := header("a\x00b\r\n\x7fc\x1f d"); got != "abc d" {
		t.Errorf("%q", got)
	}
}
