package stories_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// ada is in at the wiki, and each row takes something away, while a door that was
// opened a moment before is known to the portal.
var atOnce = []struct {
	about string
	take  func(p *portal, b *browser)
	gives func(p *portal)
	at    string
	stops int
	again bool // her door is for good
}{
	{"a group", func(p *portal, _ *browser) { p.cli("person", "set", "ada", "--group", "staff") },
		func(p *portal) { p.cli("person", "set", "ada", "--group", "board") }, "/board/minutes", 403, false},
	{"the account", func(p *portal, _ *browser) { p.cli("person", "disable", "ada") },
		func(p *portal) { p.cli("person", "enable", "ada") }, "/page", 401, true},
	{"the session, by an operator", func(p *portal, _ *browser) { p.cli("person", "sign-out", "ada") }, nil, "/page", 401, true},
	{"the session, in another browser", func(p *portal, b *browser) {
		p.move(61 * time.Second)
		other := p.browser()
		other.enter("ada", password)
		other.do("Verify", "code", b.app.code()).is(want{page: "security"})
		other.follow(other.form("/account/browsers/sign-out", "token", other.get("/account/security").token()))
	}, nil, "/page", 401, true},
	{"the session, in this one", func(_ *portal, b *browser) { b.leave() }, nil, "/page", 401, true},
	{"the app, by reset", func(p *portal, _ *browser) {
		p.cli("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "came by")
	}, nil, "/page", 401, true},
}

func TestWhatIsTakenAwayIsGoneAtTheNextRequest(t *testing.T) {
	t.Parallel()
	for _, row := range atOnce {
		t.Run(row.about, func(t *testing.T) {
			t.Parallel()
			p := open(t, settings{more: apps})
			b := p.enrol("ada", "--group", "board")
			wiki := b.site(wikiApp)
			wiki.open(row.at).lets("ada")
			row.take(p, b)
			wiki.check("POST", row.at).stops(row.stops)
			if row.gives == nil {
				return
			}
			row.gives(p)
			if row.again {
				wiki.check("POST", row.at).stops(row.stops)
			} else {
				wiki.check("POST", row.at).lets("ada")
			}
		})
	}
}

// node is a second node on the database of the first, with the same clock.
func (p *portal) node(database string) *portal {
	p.t.Helper()
	q := p.beside(settings{url: p.url, more: apps, database: database})
	text, err := os.ReadFile(filepath.Join(q.dir, "sallyport.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	q.url = "http://" + regexp.MustCompile(`(?m)^listen: (.*)$`).FindStringSubmatch(string(text))[1]
	clock := filepath.Join(q.dir, "clock")
	if err := errors.Join(os.Remove(clock), os.Symlink(filepath.Join(p.dir, "clock"), clock)); err != nil {
		p.t.Fatal(err)
	}
	q.start()
	return q
}

// through is the same browser at the same app, whose proxy asks another node.
func (s *site) through(p *portal) *site {
	b := *s.b
	b.p = p
	return &site{&b, s.origin, s.cookies}
}

func TestAnotherNodeKnowsWithinASecond(t *testing.T) {
	t.Parallel()
	for _, row := range atOnce {
		t.Run(row.about, func(t *testing.T) {
			t.Parallel()
			database := storetest.Postgres(t)
			p := open(t, settings{more: apps, database: database})
			q := p.node(database)
			b := p.enrol("ada", "--group", "board")
			wiki := b.site(wikiApp)
			wiki.open(row.at).lets("ada")
			there := wiki.through(q)
			there.check("POST", row.at).lets("ada")
			there.check("POST", row.at).lets("ada")
			row.take(p, b)
			began := time.Now()
			for there.check("POST", row.at).status == http.StatusOK {
				if time.Since(began) > time.Second {
					t.Fatalf("after %s the other node still lets her in", time.Since(began))
				}
				time.Sleep(10 * time.Millisecond)
			}
			there.check("POST", row.at).stops(row.stops)
		})
	}
}

// A rule by command holds for the next request, and one of the settings from the
// restart on.
func TestAChangedRuleHoldsAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada", "--group", "staff")
	p.cli("app", "add", "blog", "--address", "http://blog.localhost", "--group", "everyone", "--need", "two")
	blog := b.site("http://blog.localhost")
	blog.open("/page").lets("ada")
	for range 3 {
		p.cli("app", "set", "blog", "--group", "board")
		blog.check("POST", "/page").stops(403)
		p.cli("app", "set", "blog", "--group", "staff")
		blog.check("POST", "/page").lets("ada")
	}
	p.cli("app", "set", "blog", "--need", "two within 1m")
	p.move(61 * time.Second)
	blog.check("POST", "/page").stops(401)
	p.cli("app", "remove", "blog")
	blog.check("POST", "/page").stops(403)

	wiki := b.site(wikiApp)
	wiki.open("/page").lets("ada")
	settings, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("sallyport.yaml", strings.Replace(string(settings), "groups: [everyone]", "groups: [board]", 1))
	p.stop()
	p.start()
	wiki.check("POST", "/page").stops(403)
	wiki.check("POST", "/open/x").lets("") // as a stranger: the app is not hers any more
}

// Without its database the portal lets nobody in whom it knows only from before.
func TestALostDatabaseOpensNoApp(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := open(t, settings{more: apps, database: server.DSN()})
	b := p.enrol("ada")
	wiki := b.site(wikiApp)
	wiki.open("/page").lets("ada")
	nobody := p.browser().site(wikiApp)
	nobody.check("GET", "/open/x").lets("")
	server.Stop()
	time.Sleep(1500 * time.Millisecond) // a second is what a node may rely on what it has read
	for range 3 {
		for _, got := range []*page{wiki.check("GET", "/page"), wiki.check("POST", "/page"), wiki.check("GET", "/open/x"), nobody.check("GET", "/page"), nobody.check("GET", "/open/x"),
			wiki.at("/.sallyport/leave?rd=%2Fpage"), b.ask("/.sallyport/hand-over?to=http%3A%2F%2Fwiki.localhost%2F&bind=" + strings.Repeat("a", 64))} {
			if got.status == http.StatusOK || got.header.Get("Remote-User") != "" || strings.Contains(got.to(), "token=") {
				t.Errorf("without its database: %d as %q to %q", got.status, got.header.Get("Remote-User"), got.to())
			}
		}
	}
	server.Start()
	p.becomes("/readyz", http.StatusOK)
	for range 100 {
		if wiki.check("GET", "/page").status == http.StatusOK {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	wiki.check("GET", "/page").lets("ada") // nothing was lost
	nobody.check("GET", "/open/x").lets("")
}

// Who has an old cookie of the portal is handed over to no app, be its door open to
// strangers: the host would send them back for another, without end.
func TestASessionThatIsOverHandsNobodyOver(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada")
	wiki := b.site(wikiApp)
	p.cli("person", "sign-out", "ada")
	for _, rd := range []string{"/page", "/open/x"} {
		left := wiki.at("/.sallyport/leave?rd=" + rd)
		if over := b.ask(strings.TrimPrefix(left.to(), p.url)); !strings.HasPrefix(over.to(), "/sign-in?rd=") {
			t.Errorf("%s: it leads to %q", rd, over.to())
		}
	}
}

// The idle end of a session is written once a minute at most, however often an app
// is asked for.
func TestTheLastUseOfASessionIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada")
	wiki := b.site(wikiApp)
	wiki.open("/page").lets("ada")
	written := func() time.Time {
		t.Helper()
		var about struct {
			Sessions []struct{ Last time.Time }
		}
		if err := json.Unmarshal([]byte(p.cli("person", "export", "ada")), &about); err != nil || len(about.Sessions) != 1 {
			t.Fatal(err, about)
		}
		return about.Sessions[0].Last
	}
	moments := []time.Time{written()}
	for range 10 {
		p.move(20 * time.Second)
		for range 5 {
			wiki.check("GET", "/page").lets("ada")
		}
		time.Sleep(1300 * time.Millisecond) // it is written on nobody's time
		if at := written(); !at.Equal(moments[len(moments)-1]) {
			moments = append(moments, at)
		}
	}
	for i, at := range moments[1:] {
		if gap := at.Sub(moments[i]); gap < time.Minute {
			t.Errorf("written twice within %s", gap)
		}
	}
	if len(moments) < 4 {
		t.Errorf("in 200 seconds it was written at %v", moments)
	}
}
