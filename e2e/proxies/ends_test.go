package proxies

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// knocks asks for a page of an app as a script does, which is not led anywhere.
func (s *somebody) knocks(t testing.TB, host string) int {
	t.Helper()
	s.Forged = http.Header{"Accept": {"application/json"}}
	defer func() { s.Forged = nil }()
	return s.For(t).Open(s.w.url(host) + "/page").Status
}

// inside is somebody who has entered hosts.
func (w *world) inside(t testing.TB, p *proxy, groups []string, hosts ...string) *somebody {
	t.Helper()
	s := w.somebody(t, p, groups...)
	for _, host := range hosts {
		arrived(t, s.Open(w.url(host)+"/").Status, s.Body)
		if got := s.knocks(t, host); got != http.StatusOK {
			t.Fatalf("%s answers %d", host, got)
		}
	}
	return s
}

func TestSigningOutEndsAllApps(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		hosts := []string{"wiki.example.org", "notes.example.org", "notes.example.net", "tea.example.org"}
		s := w.inside(t, p, []string{"staff"}, hosts...)
		other := w.inside(t, p, []string{"staff"}, hosts...)
		s.Open(w.url("notes.example.net")+"/.sallyport/sign-out").Is(http.StatusOK, "confirm")
		for _, host := range hosts { // a link to it ends nothing
			if got := s.knocks(t, host); got != http.StatusOK {
				t.Errorf("%s answers %d before the button was pressed", host, got)
			}
		}
		s.Open(w.url("wiki.example.org") + "/.sallyport/sign-out")
		s.Press("Sign out").Is(http.StatusOK, "signed-out")
		for _, host := range hosts {
			if got := s.knocks(t, host); got != http.StatusUnauthorized {
				t.Errorf("%s answers %d after signing out", host, got)
			}
			if got := other.knocks(t, host); got != http.StatusOK {
				t.Errorf("%s answers %d to somebody else", host, got)
			}
		}
	})
}

// What takes something away returns when the portal has heard it.
func TestCommandsAreHeardAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		wiki, notes := "wiki.example.org", "notes.example.org"
		gets := func(s *somebody, what, host string, want int) {
			t.Helper()
			if got := s.knocks(t, host); got != want {
				t.Errorf("%s: the next request of %s gets %d, not %d", what, host, got, want)
			}
		}
		s := w.inside(t, p, []string{"staff"}, wiki, notes)
		w.portal.run(t, "person", "set", s.name, "--group", "guests")
		gets(s, "out of the group", notes, http.StatusForbidden)
		gets(s, "out of the group", wiki, http.StatusOK)
		s.Open(w.url(notes)+"/").Is(http.StatusForbidden, "error")
		w.portal.run(t, "person", "set", s.name, "--group", "staff")
		eventually(t, time.Second, "who is in the group again enters", func() bool { return s.knocks(t, notes) == http.StatusOK })
		w.portal.run(t, "person", "disable", s.name)
		gets(s, "disabled", wiki, http.StatusUnauthorized)
		gets(s, "disabled", notes, http.StatusUnauthorized)

		s = w.inside(t, p, nil, wiki)
		w.portal.run(t, "person", "sign-out", s.name)
		gets(s, "signed out", wiki, http.StatusUnauthorized)

		s = w.inside(t, p, nil, wiki)
		w.portal.run(t, "person", "delete", "--yes", s.name)
		gets(s, "deleted", wiki, http.StatusUnauthorized)
	})
}

// Not at each proxy by itself: there is one portal, and it goes away.
func TestNothingPassesWithoutThePortal(t *testing.T) {
	w := open(t)
	people := make([]*somebody, len(w.proxies))
	for i, p := range w.proxies {
		people[i] = w.inside(t, p, nil, "wiki.example.org")
	}
	// During an outage all requests are made at all proxies at once.
	during := func(t *testing.T, addresses ...[2]string) {
		t.Helper()
		var all sync.WaitGroup
		for i, p := range w.proxies {
			door := "Cookie: __Host-sallyport=" + cookieOf(t, people[i], "wiki.example.org", "__Host-sallyport")
			for _, to := range addresses {
				for _, cookie := range []string{"X-Nothing: 1", door} {
					x := w.wire(t, p, to[0])
					all.Go(func() {
						value, line := mark()
						began := time.Now()
						if got := x.get(to[1], cookie, line); got.status < 500 {
							t.Errorf("%s at %s%s with %q: %d", p.name, to[0], to[1], cookie, got.status)
						}
						if took := time.Since(began); took > 12*time.Second {
							t.Errorf("%s at %s%s: an answer takes %s", p.name, to[0], to[1], took)
						}
						w.nowhere(t, p.name, value)
					})
				}
			}
		}
		all.Wait()
	}
	afterwards := func(t *testing.T) {
		t.Helper()
		for _, s := range people {
			eventually(t, 10*time.Second, s.p.name+" lets people pass again", func() bool { return s.knocks(t, "wiki.example.org") == http.StatusOK })
		}
	}

	t.Run("it was killed", func(t *testing.T) {
		w.portal.kill()
		defer afterwards(t)
		defer w.portal.serve(t)
		during(t, [2]string{"wiki.example.org", "/page"}, [2]string{"wiki.example.org", "/public/page"}, [2]string{"open.example.org", "/"})
	})
	t.Run("it does not answer", func(t *testing.T) {
		w.portal.hold(t)
		defer afterwards(t)
		defer w.portal.signal(syscall.SIGCONT)
		during(t, [2]string{"wiki.example.org", "/page"}, [2]string{"open.example.org", "/"})
	})
	t.Run("its database is gone", func(t *testing.T) {
		w.postgres.stop()
		defer afterwards(t)
		defer w.postgres.start(t)
		time.Sleep(time.Second) // a session that is known may live so long
		for _, s := range people {
			if got := s.knocks(t, "wiki.example.org"); got < 400 {
				t.Errorf("%s: %d to somebody who was signed in", s.p.name, got)
			}
			value, line := mark()
			if got := w.wire(t, s.p, "wiki.example.org").get("/page", line, "Cookie: __Host-sallyport="+fmt.Sprintf("%043d", 1)); got.status < 400 && got.status != http.StatusSeeOther {
				t.Errorf("%s: %d to a cookie of nobody's", s.p.name, got.status)
			}
			w.nowhere(t, s.p.name, value)
		}
	})
}
