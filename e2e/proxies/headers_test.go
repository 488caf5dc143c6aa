package proxies

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// identity are the headers that say who somebody is.
var identity = []string{"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Token"}

var unlike = regexp.MustCompile(`[^a-z0-9]`)

// alike is a header's name as the most liberal app reads it: for CGI and its heirs
// case does not count, and whatever is no letter is a stroke.
func alike(name string) string { return unlike.ReplaceAllString(strings.ToLower(name), "_") }

// told is what an app may believe of who somebody is, by the names of identity.
func told(t testing.TB, a arrival) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, h := range a.Headers {
		for _, name := range identity {
			if alike(strings.TrimSpace(h[0])) != alike(name) {
				continue
			}
			if before, twice := list[name]; twice {
				t.Errorf("the app is told %s as %q and as %q", name, before, h[1])
			}
			list[name] = h[1]
		}
	}
	return list
}

func TestAppsAreToldWhoItIs(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p, "staff", "night shift")
		for host, want := range map[string][4]string{
			"wiki.example.org":  {s.name, "staff,night shift", "Zoë Łuk " + s.name, s.name + "@example.org"},
			"notes.example.org": {s.name, "staff,night shift", "", ""},
			"tea.example.org":   {s.name, "", "", ""},
			"open.example.org":  {"", "", "", ""},
		} {
			s.Open(w.url(host) + "/")
			got := told(t, arrived(t, s.Status, s.Body))
			for i, text := range want {
				if got[identity[i]] != text {
					t.Errorf("%s: %s is %q, not %q", host, identity[i], got[identity[i]], text)
				}
			}
			if token := got["Remote-Token"]; (token != "") != (host == "notes.example.org") {
				t.Errorf("%s: Remote-Token is %q", host, token)
			} else if token != "" {
				s.verifies(t, token)
			}
		}
	})
}

// verifies takes a token for what it is worth to an app that believes the portal's
// keys alone.
func (s *somebody) verifies(t *testing.T, token string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	var keys struct {
		Keys []struct{ Kid, Kty, N, E string }
	}
	if err := json.Unmarshal([]byte(s.Open("/oidc/keys").Body), &keys); err != nil {
		t.Fatal(err)
	}
	var head struct{ Alg, Kid string }
	var says struct {
		Iss, Aud string
		Name     string `json:"preferred_username"`
		Groups   []string
		Iat, Exp int64
	}
	var parsed [3][]byte
	for i, part := range parts {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		parsed[i] = raw
	}
	if err := errors.Join(json.Unmarshal(parsed[0], &head), json.Unmarshal(parsed[1], &says)); err != nil {
		t.Fatal(err)
	}
	if says.Iss != s.w.portal.url || says.Aud != "urn:sallyport:gate:notes" || says.Name != s.name || len(says.Groups) != 2 || says.Exp-says.Iat != 120 || says.Iat > s.w.portal.now(t).Unix()+1 {
		t.Errorf("the token says %s", parsed[1])
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, k := range keys.Keys {
		if k.Kid != head.Kid || k.Kty != "RSA" || head.Alg != "RS256" {
			continue
		}
		n, errN := base64.RawURLEncoding.DecodeString(k.N)
		e, errE := base64.RawURLEncoding.DecodeString(k.E)
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if err := errors.Join(errN, errE, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], parsed[2])); err != nil {
			t.Errorf("the token is signed by somebody else: %v", err)
		}
		return
	}
	t.Errorf("none of the keys %+v is that of %+v", keys, head)
}

// spellings are how somebody might write one of the names.
func spellings(name string) []string {
	under := strings.ReplaceAll(name, "-", "_")
	mixed := ""
	for i, c := range name {
		if i%2 == 0 {
			mixed += strings.ToUpper(string(c))
		} else {
			mixed += strings.ToLower(string(c))
		}
	}
	return []string{name, strings.ToLower(name), strings.ToUpper(name), mixed, under, strings.ToLower(under), strings.ToUpper(under),
		strings.ReplaceAll(name, "-", "."), strings.ReplaceAll(name, "-", "~"), strings.ReplaceAll(name, "-", "+"), strings.ReplaceAll(name, "-", "|"), name + " ", name + "\t", " " + name, name + "\x00", name + "\x0b"}
}

func TestForgedHeadersNeverArrive(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p)
		arrived(t, s.Open(w.url("wiki.example.org")+"/").Status, s.Body)
		cookie := "Cookie: __Host-sallyport=" + cookieOf(t, s, "wiki.example.org", "__Host-sallyport")
		x := w.wire(t, p, "wiki.example.org")
		came := 0
		try := func(text, mark string, in bool) {
			t.Helper()
			x.say(text)
			for _, a := range w.app("wiki").arrivals(mark) {
				came++
				got := told(t, a)
				for name, value := range got {
					if strings.Contains(value, "forged") {
						t.Errorf("%q: the app is told %s is %q", text, name, value)
					}
				}
				if in && got["Remote-User"] != s.name || !in && got["Remote-User"] != "" {
					t.Errorf("%q: the app is told of %q", text, got["Remote-User"])
				}
			}
		}
		for _, name := range identity {
			for _, spelled := range spellings(name) {
				value, line := mark()
				try(x.head("GET", "/page", cookie, spelled+": forged", line), value, true)
				value, line = mark()
				try(x.head("GET", "/page", spelled+": forged", cookie, line, name+": forged", spelled+": forged"), value, true)
				value, line = mark()
				try(x.head("GET", "/public/page", line, spelled+": forged", spelled+": forged"), value, false)
			}
			value, line := mark()
			try(x.head("GET", "/page", cookie, line, "X-Other: 1", " "+name+": forged", name+": a", "\tforged"), value, true)
			value, line = mark()
			try(x.head("POST", "/page", cookie, line, "Trailer: "+name, "Transfer-Encoding: chunked")+"1\r\na\r\n0\r\n"+name+": forged\r\n\r\n", value, true)
		}
		if most := 3 * len(identity) * 16; came < most/4 {
			t.Errorf("of %d requests %d have arrived: the test is blind", most, came)
		}
		// The same as a browser sends it, in HTTP/2.
		for _, name := range identity {
			for _, spelled := range []string{name, strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", ".")} {
				s.Forged = http.Header{spelled: {"forged", "forged"}}
				s.Open(w.url("wiki.example.org") + "/page")
				if got := told(t, arrived(t, s.Status, s.Body)); got["Remote-User"] != s.name || strings.Contains(fmt.Sprint(got), "forged") || s.Proto != "HTTP/2.0" {
					t.Errorf("%s in %s: the app is told %q", spelled, s.Proto, got)
				}
			}
		}
	})
}

// Who asks a proxy to drop what it adds gets less than others, and never more.
func TestHeadersCannotBeDropped(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p)
		arrived(t, s.Open(w.url("wiki.example.org")+"/").Status, s.Body)
		cookie := "Cookie: __Host-sallyport=" + cookieOf(t, s, "wiki.example.org", "__Host-sallyport")
		x := w.wire(t, p, "wiki.example.org")
		for _, name := range append(slices.Clone(identity), "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Proto", "Cookie") {
			for _, upgrade := range []string{"", "Upgrade: websocket"} {
				value, line := mark()
				lines := []string{cookie, line, "Connection: close, " + name}
				if upgrade != "" {
					lines = []string{cookie, line, upgrade, "Connection: Upgrade, " + name}
				}
				x.say(x.head("GET", "/page", lines...))
				for _, a := range w.app("wiki").arrivals(value) {
					if got := told(t, a); got["Remote-User"] != s.name && got["Remote-User"] != "" || strings.Contains(a.one("Cookie"), "sallyport") {
						t.Errorf("%s %s: the app is told %q, with the cookies %q", name, upgrade, got, a.all("Cookie"))
					}
				}
				value, line = mark()
				x.say(x.head("GET", "/page", append(lines[2:], line)...))
				w.nowhere(t, name, value)
			}
		}
	})
}

func TestAppsSeeNoCookieOfOurs(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p)
		arrived(t, s.Open(w.url("wiki.example.org")+"/").Status, s.Body)
		door, bind := cookieOf(t, s, "wiki.example.org", "__Host-sallyport"), cookieOf(t, s, "wiki.example.org", "__Host-sallyport-bind")
		x := w.wire(t, p, "wiki.example.org")
		ours := []string{"__Host-sallyport=" + door, "__Host-sallyport-bind=" + bind, "__Secure-sallyport=" + door}
		const others = "first=1; my-sallyport=2; sallyportx=3; __Host-sallyports=4; last=a%3D=b"
		rows := []string{
			strings.Join(ours, "; ") + "; " + others,
			others + "; " + strings.Join(ours, "; "),
			"first=1; " + ours[0] + "; my-sallyport=2; " + ours[1] + "; sallyportx=3; " + ours[2] + "; __Host-sallyports=4; last=a%3D=b",
			ours[0] + ";" + ours[1] + "; " + others,
			ours[0] + "; " + others,
		}
		for _, row := range rows {
			a := arrived(t, 200, x.get("/page", "Cookie: "+row).body)
			if got := a.all("Cookie"); len(got) != 1 || strings.ReplaceAll(got[0], "; ", ";") != strings.ReplaceAll(others, "; ", ";") {
				t.Errorf("of %q the app sees %q", row, got)
			}
		}
		if a := arrived(t, 200, x.get("/page", "Cookie: "+strings.Join(ours, "; ")).body); a.one("Cookie") != "" {
			t.Errorf("of ours alone the app sees %q", a.all("Cookie"))
		}
		// In several lines, as nobody but somebody strange writes them; and twice.
		for _, lines := range [][]string{
			{"Cookie: first=1; " + ours[0], "Cookie: " + ours[1] + "; last=1"},
			{"cookie: " + ours[0], "COOKIE: first=1"},
			{"Cookie: " + ours[0] + "; " + ours[0] + "; " + ours[0] + "; " + ours[0] + "; " + ours[1] + "; first=1"},
			{"Cookie: first=1;" + ours[0] + ";last=1;  " + ours[1]},
		} {
			a := arrived(t, 200, x.get("/public/page", lines...).body)
			if text := fmt.Sprint(a.Headers); strings.Contains(text, door) || strings.Contains(text, bind) {
				t.Errorf("of %q the app sees %q", lines, a.all("Cookie"))
			}
		}
		// All that the portal and the gate have ever set, at an app of each sort.
		for _, host := range []string{"wiki.example.org", "tea.example.org", "open.example.org"} {
			s.Forged = nil
			s.Open(w.url(host) + "/")
			s.Forged = http.Header{"Cookie": {"theirs=1"}}
			s.Open(w.url(host) + "/")
			a := arrived(t, s.Status, s.Body)
			if !strings.Contains(a.one("Cookie"), "theirs=1") {
				t.Errorf("%s: its own cookie is lost: %q", host, a.all("Cookie"))
			}
			for _, c := range s.Set {
				if c.Value != "" && strings.Contains(fmt.Sprint(a.Headers), c.Value) {
					t.Errorf("%s: the app sees %s", host, c.Name)
				}
			}
		}
	})
}

func TestOneAppsCookieIsOfNoUseAtAnother(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.somebody(t, p, "staff")
		for _, host := range []string{"wiki.example.org", "notes.example.org"} {
			arrived(t, s.Open(w.url(host)+"/").Status, s.Body)
		}
		for _, from := range []string{"wiki.example.org", "notes.example.org"} {
			door := cookieOf(t, s, from, "__Host-sallyport")
			for _, to := range []string{"wiki.example.org", "notes.example.org", "notes.example.net", "tea.example.org", "cake.example.org"} {
				x := w.wire(t, p, to)
				for _, name := range []string{"__Host-sallyport", "__Secure-sallyport", "sallyport", "__Host-session", "__Host-sallyport-bind"} {
					value, line := mark()
					got := x.get("/page", line, "Cookie: "+name+"="+door)
					if from == to && name == "__Host-sallyport" {
						arrived(t, got.status, got.body)
						continue
					}
					if got.status != http.StatusSeeOther {
						t.Errorf("%s of %s at %s: %d", name, from, to, got.status)
					}
					w.nowhere(t, from, value)
				}
			}
		}
		// Nor is what a browser has at the portal.
		session := cookieOf(t, s, "id.example.org", "__Host-session")
		for _, name := range []string{"__Host-sallyport", "__Secure-sallyport", "__Host-session"} {
			if got := w.wire(t, p, "wiki.example.org").get("/page", "Cookie: "+name+"="+session); got.status != http.StatusSeeOther {
				t.Errorf("the session as %s: %d", name, got.status)
			}
		}
	})
}

// Apps that share a cookie ask once for all; the others take no notice of it, though
// browsers send it to them too.
func TestOneCookieForADomain(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		s := w.inside(t, p, []string{"staff"}, "tea.example.org")
		door := cookieOf(t, s, "cake.example.org", "__Secure-sallyport")
		for _, c := range s.Set {
			if c.Name == "__Secure-sallyport" && (!c.Secure || !c.HttpOnly || c.Domain != "example.org" || c.Path != "/" || c.SameSite != http.SameSiteLaxMode) {
				t.Errorf("it is set as %s", c.Raw)
			}
		}
		a := arrived(t, s.Open(w.url("cake.example.org")+"/page").Status, s.Body)
		if len(s.Way) != 0 || a.one("Remote-User") != s.name || strings.Contains(fmt.Sprint(a.Headers), door) {
			t.Errorf("the second app is entered by way of %q, and sees %q", s.Way, a.Headers)
		}
		for _, host := range []string{"wiki.example.org", "notes.example.org"} {
			if got := s.knocks(t, host); got != http.StatusUnauthorized {
				t.Errorf("%s, which has no part in it, answers %d", host, got)
			}
			arrived(t, s.Open(w.url(host)+"/page").Status, s.Body)
			if a := arrived(t, s.Open(w.url(host)+"/page").Status, s.Body); strings.Contains(fmt.Sprint(a.Headers), door) {
				t.Errorf("%s sees %q", host, a.all("Cookie"))
			}
		}
		s.Open(w.url("cake.example.org") + "/.sallyport/sign-out")
		s.Press("Sign out").Is(http.StatusOK, "signed-out")
		for _, host := range []string{"tea.example.org", "cake.example.org"} {
			if got := w.wire(t, p, host).get("/page", "Cookie: __Secure-sallyport="+door); got.status != http.StatusSeeOther {
				t.Errorf("after signing out %s answers %d", host, got.status)
			}
		}
	})
}

func TestTheCheckIsForProxiesAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		for _, address := range []string{"forward-auth", "auth-request", "ext-authz/page"} {
			for from, want := range map[string]int{"127.0.0.1": http.StatusUnauthorized, "127.0.0.9": http.StatusForbidden} {
				v := harness.Visit(t, w.portal.url, from, "127.0.0.1", nil)
				v.Forged = http.Header{"Accept": {"*/*"}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {fmt.Sprintf("wiki.example.org:%d", w.port)}, "X-Forwarded-Uri": {"/page"}, "X-Forwarded-For": {"127.0.0.1"}}
				r, _ := http.NewRequest(http.MethodGet, "http://"+w.portal.listen+"/.sallyport/"+address, nil)
				r.Host, r.Header = fmt.Sprintf("wiki.example.org:%d", w.port), v.Forged
				answer, err := v.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if answer.StatusCode != want {
					t.Errorf("%s called by %s: %d, not %d", address, from, answer.StatusCode, want)
				}
			}
			// Nor can it be called through the proxy by whoever says what it believes.
			for _, host := range []string{"wiki.example.org", "open.example.org", "id.example.org"} {
				x := w.wire(t, p, host)
				got := x.get("/.sallyport/"+address, "X-Forwarded-Method: GET", "X-Forwarded-Proto: https", fmt.Sprintf("X-Forwarded-Host: open.example.org:%d", w.port), "X-Forwarded-Uri: /")
				if got.status != http.StatusForbidden && got.status != http.StatusNotFound {
					t.Errorf("%s called by a browser at %s: %d", address, host, got.status)
				}
			}
		}
	})
}
