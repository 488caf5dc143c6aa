package proxies

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

func TestAPageLeadsToTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		for _, host := range []string{"wiki.example.org", "notes.example.net", "tea.example.org"} {
			v := w.visitor(t, p)
			value, _ := mark()
			v.Forged["X-Mark"] = []string{value}
			v.Open(w.url(host)+"/page?x=1").Is(http.StatusOK, "sign-in")
			if !strings.HasPrefix(v.At.String(), w.portal.url+"/") {
				t.Errorf("%s: it signs in at %s", host, v.At)
			}
			w.nowhere(t, host, value)
		}
		// However long the address is, and however much longer for being written into another.
		v := w.visitor(t, p)
		v.Open(w.url("wiki.example.org")+"/page?x="+strings.Repeat("&=/", 2200)).Is(http.StatusOK, "sign-in")
	})
}

// What cannot follow to another host must not take a sign-in page for its answer.
func TestProgramsAreToldAndNotLed(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		for _, row := range []struct {
			name, method string
			header       map[string]string
		}{
			{"JSON", "GET", map[string]string{"Accept": "application/json"}},
			{"anything", "GET", map[string]string{"Accept": "*/*"}},
			{"a script's fetch", "GET", map[string]string{"Accept": "text/html", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}},
			{"an old script", "GET", map[string]string{"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}},
			{"a form", "POST", map[string]string{"Accept": "text/html"}},
			{"a change", "PUT", map[string]string{"Accept": "text/html"}},
			{"a removal", "DELETE", map[string]string{"Accept": "text/html"}},
		} {
			v := w.visitor(t, p)
			v.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			value, _ := mark()
			for name, text := range row.header {
				v.Forged.Set(name, text)
			}
			v.Forged["X-Mark"] = []string{value}
			v.Send(row.method, w.url("wiki.example.org")+"/page", strings.NewReader("x=1"))
			if v.Status != http.StatusUnauthorized || v.Header.Get("Location") != "" {
				t.Errorf("%s: %d %q", row.name, v.Status, v.Header.Get("Location"))
			}
			w.nowhere(t, row.name, value)
		}
	})
}

func TestSignInEndsAtTheExactAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p, "staff")
		const target = "/a%20b/caf%C3%A9;v=1?x=1&y=%2F%26&z=a+b%20c&empty=&x=2&to=https://id.example.org/"
		other := s.again(t, w.url("wiki.example.org")+target)
		for _, host := range []string{"wiki.example.org", "notes.example.org", "notes.example.net", "tea.example.org"} {
			if host != "wiki.example.org" { // once signed in, no page stands between
				other.Open(w.url(host) + target)
			}
			a := arrived(t, other.Status, other.Body)
			if a.Line != "GET "+target+" HTTP/1.1" || other.At.Host != a.one("Host") || other.At.Hostname() != host {
				t.Errorf("%s: it ends at %s, and the app gets %q for %q", host, other.At, a.Line, a.one("Host"))
			}
			if user := a.one("Remote-User"); user != s.name {
				t.Errorf("%s: the app is told of %q", host, user)
			}
			asked := len(other.Way)
			if a := arrived(t, other.Open(w.url(host)+"/next").Status, other.Body); len(other.Way) != 0 || a.Line != "GET /next HTTP/1.1" {
				t.Errorf("%s: the next page is led by way of %q (the first: %d)", host, other.Way, asked)
			}
		}
	})
}

func TestWhatASignedInPersonSendsArrives(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p)
		s.Open(w.url("wiki.example.org") + "/")
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			a := arrived(t, s.Send(method, w.url("wiki.example.org")+"/form?x=1", strings.NewReader("text="+strings.Repeat("a", 70<<10))).Status, s.Body)
			if a.Line != method+" /form?x=1 HTTP/1.1" || len(a.Body) != 5+70<<10 {
				t.Errorf("%s: the app gets %q with %d bytes", method, a.Line, len(a.Body))
			}
		}
	})
}

// Nothing that anybody writes into an address leads away from the hosts of apps and
// portal.
func TestRedirectsStayInside(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p, "staff")
		s.Open(w.url("wiki.example.org") + "/")
		arrived(t, s.Status, s.Body)
		wiki, portal, stranger := w.url("wiki.example.org"), w.portal.url, w.visitor(t, p)
		for _, to := range []string{"//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example", "/%5cevil.example", "/%2fevil.example", "https://evil.example/", "https:evil.example", "http://evil.example",
			"javascript:alert(1)", "/x\r\nLocation: https://evil.example", "/x\nSet-Cookie: evil=1", "/\t/evil.example", "@evil.example", ":443@evil.example/", ".evil.example/", "", "x", "/ /evil.example", "/\x00"} {
			bind := "&bind=" + strings.Repeat("a", 43)
			for _, address := range []string{
				wiki + "/.sallyport/leave?rd=" + url.QueryEscape(to),
				portal + "/.sallyport/hand-over?to=" + url.QueryEscape(to) + bind,
				portal + "/.sallyport/hand-over?to=" + url.QueryEscape(wiki+to) + bind,
				wiki + "/.sallyport/enter?token=" + url.QueryEscape(to),
			} {
				for _, v := range []*harness.Visitor{s.Visitor, stranger} {
					v.Open(address)
					for _, location := range v.Way {
						if !inside(location) {
							t.Errorf("%s leads to %q", address, location)
						}
					}
				}
			}
		}
		for _, c := range append(s.Set, stranger.Set...) {
			if strings.Contains(c.Raw, "evil") {
				t.Errorf("it has set the cookie %s", c.Raw)
			}
		}
	})
}

// inside says whether a redirect stays with the portal or the app, as the most
// liberal browser reads it.
func inside(location string) bool {
	location = strings.NewReplacer("\t", "", "\r", "", "\n", "", "\\", "/").Replace(strings.TrimLeft(location, " \x00"))
	if at := strings.IndexAny(location, "/?#:"); at >= 0 && location[at] == ':' {
		scheme, rest, _ := strings.Cut(location, ":")
		if !strings.EqualFold(scheme, "https") {
			return false
		}
		location = "//" + strings.TrimLeft(rest, "/")
	}
	if !strings.HasPrefix(location, "//") {
		return true
	}
	u, err := url.Parse("https:" + location)
	return err == nil && u.User == nil && (u.Hostname() == "wiki.example.org" || u.Hostname() == "id.example.org")
}
