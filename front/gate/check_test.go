package gate

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/door"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
	"sallyport/front/web"
)

// sessionID is the name of a session's row: a hash.
var sessionID = strings.Repeat("0d", 32)

var now = time.Date(2026, 11, 26, 2, 40, 0, 0, time.UTC)

// memory is a door by the hash of its cookie.
type memory struct {
	doors map[[32]byte]*door.Held
	err   error
	seen  []string
}

func (m *memory) Held(_ context.Context, id [32]byte) (*door.Held, error) { return m.doors[id], m.err }
func (m *memory) Known() bool                                             { return m.err == nil }
func (m *memory) Seen(session string)                                     { m.seen = append(m.seen, session) }

type apps struct{ book *app.Book }

func (a apps) Book() *app.Book { return a.book }

// stand is a gate in front of a wiki, where Ada has a door, and of a shop that shares
// a cookie with others.
func stand(t testing.TB) (*Gate, *memory) {
	t.Helper()
	two := app.Access{Groups: []string{"staff"}, Need: app.Need{Factors: app.Two}}
	book, faults := app.NewBook([]app.App{
		{ID: "wiki", Name: "Wiki", Addresses: []string{"https://wiki.example.org"}, Access: two, Tell: []app.Fact{app.TellName, app.TellGroups},
			Rules: []app.Rule{{Paths: []string{"/open/*"}, Access: app.Access{Need: app.Need{Factors: app.None}}},
				{Paths: []string{"/admin/*"}, Access: app.Access{Need: app.Need{Factors: app.Two, Within: 5 * time.Minute}}},
				{Paths: []string{"/board/*"}, Access: app.Access{Groups: []string{"board"}, Need: app.Need{Factors: app.Two}}}}},
		{ID: "shop", Name: "Shop", Addresses: []string{"https://shop.example.org"}, Access: two, Share: "example.org", Tell: []app.Fact{app.TellEmail}},
		{ID: "blog", Name: "Blog", Addresses: []string{"https://blog.example.net"}, Access: two},
	}, nil)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	m := &memory{doors: map[[32]byte]*door.Held{}}
	keeper := &door.Keeper{Flow: &flow.Machine{Policy: policy.Policy{Idle: time.Hour, Length: 12 * time.Hour}, Now: func() time.Time { return now }}, Apps: apps{book}}
	for cookie, origin := range map[string]string{"ada-at-wiki": "https://wiki.example.org", "ada-at-all": ".example.org"} {
		s := session.Stored(session.Row{ID: sessionID, Person: "ada-id", Family: "f", Level: session.Two, MadeAt: now, SeenAt: now, ConfirmedAt: now.Add(-10 * time.Minute), EndsAt: now.Add(time.Hour)})
		held := keeper.Hold(door.Pass{Door: door.Door{Family: "f", Person: "ada-id", Origin: origin, EndsAt: now.Add(time.Hour)}, Session: s,
			Person: person.Person{ID: "ada-id", Name: "ada", Display: "Ada\r\nX: y Lovelace", Email: "ada@example.org", Groups: []string{"staff", "ops"}}}, now)
		m.doors[sha256.Sum256([]byte(cookie))] = held
	}
	kit := &web.Kit{Site: &web.Site{}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	kit.Site.BaseURL = "https://login.example.org"
	return &Gate{Kit: kit, Doors: keeper, Passes: m}, m
}

// ask is what a proxy asks about a page.
func ask(method, host, uri, cookie string) *http.Request {
	r := httptest.NewRequest("GET", forwardAuth, nil)
	r.RemoteAddr = "10.1.2.3:4567"
	r.Header = http.Header{"X-Forwarded-Method": {method}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {host}, "X-Forwarded-Uri": {uri}, "Accept": {"text/html"}}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

func answered(g *Gate, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	g.Check(w, r)
	return w.Result()
}

const ada = "a=1; __Host-sallyport=ada-at-wiki; b=2"

// A proxy that keeps browsers from the check knows its address by one spelling.
func TestACheckHasOneSpelling(t *testing.T) {
	g, _ := stand(t)
	for _, target := range []string{"/.sallyport/%66orward-auth", "/%2esallyport/forward-auth", "/.sallyport/auth%2drequest", "/.sallyport/%65xt-authz/open/x", "/.sallyport/ext%2dauthz/open/x", "/.sallyport%2fext-authz/open/x"} {
		r := ask("GET", "wiki.example.org", "/open/x", ada)
		odd := httptest.NewRequest("GET", target, nil)
		r.URL, r.RequestURI, r.Host = odd.URL, odd.RequestURI, "wiki.example.org"
		if w := httptest.NewRecorder(); g.Check(w, r) {
			t.Errorf("%s: %d for %q", target, w.Code, w.Header().Get("Remote-User"))
		}
	}
}

// An app believes that whoever is named to it may be there: an open path must not name
// those who could not enter the app itself.
func TestAnOpenPathNamesOnlyWhoMayEnterTheApp(t *testing.T) {
	g, m := stand(t)
	for cookie, row := range map[string]struct {
		level  session.Level
		groups []string
		who    string
	}{"both": {session.Two, []string{"staff"}, "ada"}, "one factor": {session.One, []string{"staff"}, ""}, "another group": {session.Two, []string{"ops"}, ""}} {
		g.Doors.Flow.Policy.Optional = true
		s := session.Stored(session.Row{ID: sessionID, Person: "ada-id", Family: "f", Level: row.level, MadeAt: now, SeenAt: now, ConfirmedAt: now, EndsAt: now.Add(time.Hour)})
		held := g.Doors.Hold(door.Pass{Door: door.Door{Family: "f", Person: "ada-id", Origin: "https://wiki.example.org", EndsAt: now.Add(time.Hour)}, Session: s,
			Person: person.Person{ID: "ada-id", Name: "ada", Groups: row.groups}}, now)
		if held == nil {
			t.Fatalf("%s: the session does not hold", cookie)
		}
		m.doors[sha256.Sum256([]byte(cookie))] = held
		got := answered(g, ask("GET", "wiki.example.org", "/open/x", "__Host-sallyport="+cookie))
		if got.StatusCode != 200 || got.Header.Get("Remote-User") != row.who || got.Header.Get("Remote-Groups") != strings.Join(row.groups[:len(row.who)/3], ",") {
			t.Errorf("%s: %d for %q of %q", cookie, got.StatusCode, got.Header.Get("Remote-User"), got.Header.Get("Remote-Groups"))
		}
	}
}

func TestWhatACheckAnswers(t *testing.T) {
	g, _ := stand(t)
	for _, row := range []struct {
		about  string
		r      *http.Request
		change func(*http.Request)
		status int
		goesOn bool
		who    string
	}{
		{"signed in", ask("GET", "wiki.example.org", "/page?x=1", ada), nil, 200, false, "ada"},
		{"signed in, by a name that browsers do not write", ask("GET", "WIKI.example.org.:443", "/page", ada), nil, 200, false, "ada"},
		{"a post", ask("POST", "wiki.example.org", "/page", ada), nil, 200, false, "ada"},
		{"a stranger's page", ask("GET", "wiki.example.org", "/page", ""), nil, 303, true, ""},
		{"a stranger's post", ask("POST", "wiki.example.org", "/page", ""), nil, 401, false, ""},
		{"a stranger's script", ask("GET", "wiki.example.org", "/page", ""), func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") }, 401, false, ""},
		{"a stranger's program", ask("GET", "wiki.example.org", "/page", ""), func(r *http.Request) { r.Header.Set("Accept", "application/json") }, 401, false, ""},
		{"a stranger at an open door", ask("GET", "wiki.example.org", "/open/x", ""), nil, 200, false, ""},
		{"both too long ago", ask("GET", "wiki.example.org", "/admin", ada), nil, 303, true, ""},
		{"both too long ago, spelt otherwise", ask("GET", "wiki.example.org", "/open/%2e%2e/ADMIN", ada), nil, 303, true, ""},
		{"no member", ask("GET", "wiki.example.org", "/board/x", ada), nil, 303, true, ""},
		{"no member's post", ask("POST", "wiki.example.org", "/board/x", ada), nil, 403, false, ""},
		{"no app", ask("GET", "evil.example", "/", ada), nil, 403, false, ""},
		{"no scheme of ours", ask("GET", "wiki.example.org", "/", ada), func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "ftp") }, 403, false, ""},
		{"http in the place of https", ask("GET", "wiki.example.org", "/", ada), func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "http") }, 403, false, ""},
		{"two hosts", ask("GET", "wiki.example.org", "/", ada), func(r *http.Request) { r.Header.Add("X-Forwarded-Host", "blog.example.net") }, 403, false, ""},
		{"two addresses", ask("GET", "wiki.example.org", "/open/x", ""), func(r *http.Request) { r.Header.Add("X-Forwarded-Uri", "/admin") }, 403, false, ""},
		{"no method", ask("GET", "wiki.example.org", "/", ada), func(r *http.Request) { r.Header.Del("X-Forwarded-Method") }, 403, false, ""},
		{"no proxy of ours", ask("GET", "wiki.example.org", "/open/x", ada), func(r *http.Request) { r.RemoteAddr = "192.0.2.1:99" }, 403, false, ""},
		{"an address that means nothing", ask("GET", "wiki.example.org", "/%zz", ada), nil, 403, false, ""},
		{"a whole address", ask("GET", "wiki.example.org", "https://wiki.example.org/", ada), nil, 403, false, ""},
		{"the cookie of another app", ask("GET", "blog.example.net", "/", ada), nil, 303, true, ""},
		{"the cookie of another app at one that shares", ask("GET", "shop.example.org", "/", ada), nil, 303, true, ""},
		{"the cookie of the domain", ask("GET", "shop.example.org", "/", "__Secure-sallyport=ada-at-all"), nil, 200, false, "ada"},
		{"the cookie of the domain at an app that does not share", ask("GET", "wiki.example.org", "/", "__Secure-sallyport=ada-at-all"), nil, 303, true, ""},
		{"the cookie of the domain under the name of a host's", ask("GET", "shop.example.org", "/", "__Host-sallyport=ada-at-all"), nil, 303, true, ""},
		{"two cookies of one name", ask("GET", "wiki.example.org", "/", ada+"; __Host-sallyport=other"), nil, 303, true, ""},
		{"a cookie of a name that begins alike", ask("GET", "wiki.example.org", "/", "x__Host-sallyport=ada-at-wiki"), nil, 303, true, ""},
		{"a cookie that is too long", ask("GET", "wiki.example.org", "/", "__Host-sallyport="+strings.Repeat("a", 5000)), nil, 303, true, ""},
	} {
		if row.change != nil {
			row.change(row.r)
		}
		got := answered(g, row.r)
		at := got.Header.Get("Location")
		if got.StatusCode != row.status || (at != "") != row.goesOn || got.Header.Get("Remote-User") != row.who {
			t.Errorf("%s: %d, goes to %q, as %q", row.about, got.StatusCode, at, got.Header.Get("Remote-User"))
		}
		if row.goesOn && at != "https://"+strings.ToLower(row.r.Header.Get("X-Forwarded-Host"))+"/.sallyport/leave?rd="+url.QueryEscape(row.r.Header.Get("X-Forwarded-Uri")) {
			t.Errorf("%s: goes to %q", row.about, at)
		}
		if row.status == 200 {
			for _, name := range []string{"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Token"} {
				if len(got.Header.Values(name)) != 1 {
					t.Errorf("%s: %s is said %d times", row.about, name, len(got.Header.Values(name)))
				}
			}
		}
		if len(got.Cookies()) > 0 || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", row.about, got.Header)
		}
	}
}

// Proxies have room for an answer, and browsers' next request for its address.
func TestALongAddressIsNotWrittenIntoAnother(t *testing.T) {
	g, _ := stand(t)
	for long, want := range map[string]string{"/page?x=" + strings.Repeat("&", 1900): "%2Fpage%3Fx%3D" + strings.Repeat("%26", 1900), "/page?x=" + strings.Repeat("&", 2000): "%2F"} {
		if at := answered(g, ask("GET", "wiki.example.org", long, "")).Header.Get("Location"); at != "https://wiki.example.org/.sallyport/leave?rd="+want {
			t.Errorf("%d bytes lead to %.80s", len(long), at)
		}
	}
}

func TestAnAppIsToldWhatItMayKnow(t *testing.T) {
	g, _ := stand(t)
	got := answered(g, ask("GET", "wiki.example.org", "/", ada)).Header
	if got.Get("Remote-Name") != "AdaX: y Lovelace" || got.Get("Remote-Groups") != "staff,ops" || got.Get("Remote-Email") != "" {
		t.Error(got)
	}
	got = answered(g, ask("GET", "shop.example.org", "/", "__Secure-sallyport=ada-at-all")).Header
	if got.Get("Remote-Name") != "" || got.Get("Remote-Groups") != "" || got.Get("Remote-Email") != "ada@example.org" {
		t.Error(got)
	}
}

func TestNginxGetsWhatItCanUse(t *testing.T) {
	g, _ := stand(t)
	for _, row := range []struct {
		method, uri, cookie string
		status              int
		goesOn              bool
	}{
		{"GET", "/", "", 401, true}, {"POST", "/", "", 401, false}, {"GET", "/", ada, 200, false}, {"GET", "/board/x", ada, 401, true}, {"POST", "/board/x", ada, 403, false},
	} {
		r := ask(row.method, "wiki.example.org", row.uri, row.cookie)
		r.URL.Path = authRequest
		if got := answered(g, r); got.StatusCode != row.status || (got.Header.Get("Location") != "") != row.goesOn {
			t.Errorf("%s %s: %d %q", row.method, row.uri, got.StatusCode, got.Header.Get("Location"))
		}
	}
}

func TestEnvoyAsksWithTheRequestItself(t *testing.T) {
	g, _ := stand(t)
	for target, status := range map[string]int{extAuthz + "/open/x": 200, extAuthz + "/page?a=b": 303, extAuthz + "/open/../admin": 303, extAuthz: 403, extAuthz + "?x": 403} {
		r := httptest.NewRequest("GET", target, nil)
		r.RemoteAddr, r.Host = "10.1.2.3:4567", "wiki.example.org"
		r.Header = http.Header{"X-Forwarded-Proto": {"https"}, "Accept": {"text/html"}, "X-Forwarded-Uri": {"/open/x"}, "X-Forwarded-Host": {"blog.example.net"}}
		if got := answered(g, r); got.StatusCode != status {
			t.Errorf("%s: %d", target, got.StatusCode)
		}
	}
}

func TestALostDatabaseDenies(t *testing.T) {
	g, m := stand(t)
	m.err = errors.New("lost")
	if got := answered(g, ask("GET", "wiki.example.org", "/", ada)); got.StatusCode != 503 || got.Header.Get("Remote-User") != "" {
		t.Error(got.StatusCode, got.Header)
	}
	g.Doors.Apps = apps{nil}
	for _, cookie := range []string{ada, ""} {
		if got := answered(g, ask("GET", "wiki.example.org", "/open/x", cookie)); got.StatusCode != 503 {
			t.Error(got.StatusCode)
		}
	}
}

func TestTheIdleEndMovesOnceAMinute(t *testing.T) {
	g, m := stand(t)
	began := now
	defer func() { now = began }()
	for range 5 {
		now = now.Add(25 * time.Second)
		answered(g, ask("GET", "wiki.example.org", "/", ada))
	}
	if len(m.seen) != 1 || m.seen[0] != sessionID {
		t.Error(m.seen)
	}
	now = began.Add(59 * time.Minute) // an hour after the last request it is over
	if got := answered(g, ask("GET", "wiki.example.org", "/open/x", ada)); got.StatusCode != 200 {
		t.Error(got.StatusCode)
	}
}

// nothing is a writer that keeps nothing.
type nothing struct{ h http.Header }

func (n nothing) Header() http.Header         { return n.h }
func (n nothing) Write(b []byte) (int, error) { return len(b), nil }
func (n nothing) WriteHeader(int)             {}

func TestACheckAllocatesNextToNothing(t *testing.T) {
	g, _ := stand(t)
	for about, r := range map[string]*http.Request{
		"signed in":   ask("GET", "wiki.example.org", "/some/page.html?x=1", ada),
		"as an admin": ask("GET", "wiki.example.org", "/Some/Page", "a=b"),
		"a stranger":  ask("POST", "wiki.example.org", "/some/page", ""),
	} {
		most := 3.0
		if about == "as an admin" {
			most = 60 // a path that can be read in more than one way
		}
		w := nothing{http.Header{}}
		if n := testing.AllocsPerRun(200, func() { clear(w.h); g.Check(w, r) }); n > most {
			t.Errorf("%s: %v allocations", about, n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	g, _ := stand(b)
	r, w := ask("GET", "wiki.example.org", "/some/page.html?x=1", ada), nothing{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		g.Check(w, r)
	}
}
