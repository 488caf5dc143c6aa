package proxies

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// The rule for /admin/* asks for both factors not longer than 15 minutes ago.
func TestWhatWasShownTooLongAgoIsShownAnew(t *testing.T) {
	w := open(t)
	people := map[*proxy]*somebody{}
	for _, p := range w.proxies {
		s := w.inside(t, p, nil, "wiki.example.org")
		people[p] = s
		if a := arrived(t, s.Open(w.url("wiki.example.org")+"/admin/").Status, s.Body); a.Line != "GET /admin/ HTTP/1.1" {
			t.Errorf("%s: who has just signed in gets %q", p.name, a.Line)
		}
	}
	w.portal.later(t, 16*time.Minute)

	t.Run("at each proxy", func(t *testing.T) {
		each(t, func(t *testing.T, w *world, p *proxy) {
			s := people[p]
			s.For(t)
			if got := s.knocks(t, "wiki.example.org"); got != http.StatusOK {
				t.Errorf("elsewhere it gets %d", got)
			}
			door := "Cookie: __Host-sallyport=" + cookieOf(t, s, "wiki.example.org", "__Host-sallyport")
			came := w.fuzz(t, p, 400, door)
			for asked, a := range came {
				if a.App == "wiki" && isAdmin(a.target()) {
					t.Errorf("%q, confirmed too long ago, has reached the app as %q", asked, a.Line)
				}
			}
			if len(came) < 100 {
				t.Errorf("%d have arrived: the test is blind", len(came))
			}
			for _, method := range []string{"GET", "POST"} {
				value, line := mark()
				x := w.wire(t, p, "wiki.example.org")
				if got := x.say(x.head(method, "/admin/", door, line, "Content-Length: 0", "X-Requested-With: XMLHttpRequest")); got.status != http.StatusUnauthorized || got.header.Get("Location") != "" {
					t.Errorf("a script's %s gets %d %q", method, got.status, got.header.Get("Location"))
				}
				w.nowhere(t, method, value)
			}

			const target = "/admin/users;v=1?x=%2F&y=a+b"
			s.Open(w.url("wiki.example.org")+target).Is(http.StatusOK, "confirm")
			s.Press("Continue", "password", harness.Password, "code", "000000").Is(http.StatusUnprocessableEntity, "confirm")
			s.Press("Continue", "password", harness.Password, "code", s.code.Code(w.portal.now(t)))
			if a := arrived(t, s.Status, s.Body); a.Line != "GET "+target+" HTTP/1.1" {
				t.Errorf("it ends at %s: %q", s.At, a.Line)
			}
			if a := arrived(t, s.Open(w.url("wiki.example.org")+"/admin/next").Status, s.Body); a.one("Remote-User") != s.name || len(s.Way) != 0 {
				t.Errorf("the next page is led by way of %q", s.Way)
			}
		})
	})
}

// Who is sent somebody else's hand-over does not enter with it.
func TestAHandOverIsForOneBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p)
		// The thief stops at the door, with the token in hand.
		token := ""
		follow := s.CheckRedirect
		s.CheckRedirect = func(r *http.Request, via []*http.Request) error {
			if r.URL.Path == "/.sallyport/enter" {
				token = r.URL.String()
				return http.ErrUseLastResponse
			}
			return follow(r, via)
		}
		s.Open(w.url("wiki.example.org") + "/page")
		s.CheckRedirect = follow
		if u, err := url.Parse(token); err != nil || u.Query().Get("token") == "" {
			t.Fatalf("it was led by way of %q", s.Way)
		}
		victim := w.visitor(t, p)
		for _, cookies := range []string{"without a cookie", "with one of its own"} {
			victim.Open(token)
			if victim.Status == http.StatusOK && victim.Page() == "" {
				t.Errorf("%s it enters at %s: %s", cookies, victim.At, victim.Body)
			}
			victim.Open(w.url("wiki.example.org")+"/page").Is(http.StatusOK, "sign-in")
		}
		// Elsewhere it is worth nothing, to nobody; at its own host it is redeemed once.
		for _, host := range []string{"notes.example.org", "tea.example.org", "id.example.org"} {
			u, _ := url.Parse(token)
			u.Host = fmt.Sprintf("%s:%d", host, w.port)
			s.Open(u.String())
			if s.Status == http.StatusOK && s.Page() == "" {
				t.Errorf("it enters %s: %s", host, s.Body)
			}
		}
		arrived(t, s.Open(token).Status, s.Body)
		door := cookieOf(t, s, "wiki.example.org", "__Host-sallyport")
		x := w.wire(t, p, "wiki.example.org")
		bind := cookieOf(t, s, "wiki.example.org", "__Host-sallyport-bind")
		u, _ := url.Parse(token)
		if got := x.get(u.RequestURI(), "Cookie: __Host-sallyport-bind="+bind); len(got.header.Values("Set-Cookie")) != 0 {
			t.Errorf("redeemed again it gives %q", got.header.Values("Set-Cookie"))
		}
		if got := x.get("/page", "Cookie: __Host-sallyport="+door); got.status != http.StatusOK {
			t.Errorf("the first door is shut: %d", got.status)
		}
	})
}
