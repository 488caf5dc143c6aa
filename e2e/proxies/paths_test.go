package proxies

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// ways are how one program or another reads a path. They are the app's, and know
// nothing of those of the gate.
var ways = []func(string) string{
	decode,
	strings.ToLower,
	func(p string) string { return strings.ReplaceAll(p, `\`, "/") },
	func(p string) string { return path.Clean("/" + p) },
	func(p string) string { p, _, _ = strings.Cut(p, ";"); return p },
	func(p string) string { p, _, _ = strings.Cut(p, "#"); return p },
	func(p string) string { p, _, _ = strings.Cut(p, "?"); return p },
	func(p string) string { p, _, _ = strings.Cut(p, "\x00"); return p },
	func(p string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, p)
	},
	func(p string) string {
		return segments(p, func(s string) string { s, _, _ = strings.Cut(s, ";"); return s })
	},
	func(p string) string {
		return segments(p, func(s string) string {
			if s == "." || s == ".." {
				return s
			}
			return strings.TrimRight(strings.TrimSpace(s), ". ")
		})
	},
	// Dots first, so that an empty segment counts as one.
	func(p string) string {
		var walk []string
		for s := range strings.SplitSeq(strings.TrimPrefix(p, "/"), "/") {
			switch {
			case s == "..":
				walk = walk[:max(0, len(walk)-1)]
			case s != ".":
				walk = append(walk, s)
			}
		}
		return "/" + strings.Join(walk, "/")
	},
	// Letters that look like others: full width, dots, and those written too long.
	func(p string) string {
		p = strings.NewReplacer("\xc0\xae", ".", "\xc0\xaf", "/", "\xc1\x9c", `\`, "․", ".", "‥", "..", "…", "...").Replace(p)
		return strings.Map(func(r rune) rune {
			if r >= '！' && r <= '～' {
				return r - '！' + '!'
			}
			return r
		}, p)
	},
}

func segments(p string, do func(string) string) string {
	list := strings.Split(p, "/")
	for i, s := range list {
		list[i] = do(s)
	}
	return strings.Join(list, "/")
}

// decode resolves what percent signs say, once, and what Microsoft's did.
func decode(p string) string {
	var out strings.Builder
	for i := 0; i < len(p); {
		var code rune
		if n, _ := fmt.Sscanf(p[i:min(i+3, len(p))], "%%%02x", &code); n == 1 && i+3 <= len(p) {
			out.WriteByte(byte(code))
			i += 3
		} else if n, _ := fmt.Sscanf(p[i:min(i+6, len(p))], "%%u%04x", &code); n == 1 && i+6 <= len(p) {
			out.WriteRune(code)
			i += 6
		} else {
			out.WriteByte(p[i])
			i++
		}
	}
	return out.String()
}

// readings are all that an app may take a target for that it received.
func readings(target string) []string {
	if _, rest, ok := strings.Cut(target, "://"); ok && !strings.HasPrefix(target, "/") {
		_, rest, _ = strings.Cut(rest, "/")
		target = "/" + rest
	}
	p, _, _ := strings.Cut(target, "?")
	all, seen := []string{p}, map[string]bool{p: true}
	for i := 0; i < len(all) && len(all) < 500; i++ {
		for _, way := range ways {
			if other := way(all[i]); !seen[other] {
				seen[other], all = true, append(all, other)
			}
		}
	}
	return all
}

func under(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// isProtected says whether any reading is of a page for which one must sign in.
func isProtected(target string) bool {
	return slices.ContainsFunc(readings(target), func(p string) bool { return !under(p, "/public") })
}

// isAdmin says whether any reading is of a page that asks for both factors anew.
func isAdmin(target string) bool {
	return slices.ContainsFunc(readings(target), func(p string) bool { return under(strings.ToLower(p), "/admin") })
}

func TestReadingsAreLiberal(t *testing.T) {
	for _, target := range []string{"/page", "/public/../page", "/public/%2e%2e/page", "/public/%252e%252e/page", "/public/..%2fpage", "/public/..;/page", `/public/..\page`, "/public/x;/../../page", "/public%2f..%2fpage",
		"/public/%c0%ae%c0%ae/page", "/public/%ef%bc%8e%ef%bc%8e/page", "/PUBLIC/page", "//page", "/public;/page", "/public/%u002e%u002e/page", "/public//../../page", "https://x/page", "/public/x/..%00/../page", "/%61dmin", ""} {
		if !isProtected(target) {
			t.Errorf("%q passes", target)
		}
	}
	for _, target := range []string{"/public", "/public/x", "/public//x", "/public/x%20y?../admin", "/public/./x", "https://x/public/a", "/public/a/../b"} {
		if isProtected(target) {
			t.Errorf("%q is protected", target)
		}
	}
	for _, target := range []string{"/admin", "/ADMIN/x", "/x/../admin/", "/%61dmin", "/a/..;/admin/x", "/x%2f..%2fadmin"} {
		if !isAdmin(target) {
			t.Errorf("%q is for everybody", target)
		}
	}
}

// known are tricks that have opened something somewhere.
var known = []string{
	"/public/../admin", "/public/%2e%2e/admin", "/public/%2E%2e/admin", "/public/.%2e/admin", "/public/..%2fadmin", "/public/..%2Fadmin/", "/public/..%5cadmin", `/public/..\admin`, `/public\..\admin`, "/public/..;/admin", "/public/..;x=1/admin",
	"/public;/../admin", "/public/;/../../admin", "/public/%252e%252e/admin", "/public/..%252fadmin", "/public/%25252e%25252e/admin", "//admin", "///admin", "/public//../../admin", "/public/x//../../../admin", "/./admin", "/public/.../admin",
	"/ADMIN/x", "/Admin", "/PUBLIC/../admin", "/public/%c0%ae%c0%ae/admin", "/public/%c0%ae%c0%ae%c0%afadmin", "/public/%e0%80%ae%e0%80%ae/admin", "/public/%ef%bc%8e%ef%bc%8e/admin", "/public/．．/admin", "/public/%e2%80%a5/admin", "/public/%u002e%u002e/admin",
	"/public%2f..%2fadmin", "/public%2f%2e%2e%2fadmin", "/public%5c..%5cadmin", "/public/%00/../../admin", "/public%00/../admin", "/admin%00", "/public/..%00/admin", "/public/..%20/admin", "/public/.. /admin", "/public/..%09/admin", "/public/..%0a/admin", "/public/..%0d%0a/admin",
	"/public/?/../admin", "/public/%3f/../../admin", "/public/%23/../../admin", "/public#/../admin", "/public/x?y#/../admin", "/public?/../../admin", "/public/..?/admin", "/public/..#/admin", "/public/%2e%2e", "/public/%2e%2e/", "/public/..", "/public/.", "/public.", "/public./x", "/public%20/x",
	"/publicx", "/public%2fx", "/publi%63/x", "/p%75blic/../admin", "/%70ublic/x", "/public/%2e/x", "/public/%61", "/public/x%2fy", "/public/x;a=b", "/public/x.html", "/public/", "/public", "/public/a/../b", "/public//x", "/public/x?to=../../admin", "/public/x%3Fy", "/public/~x/-_/x.y", "/public/café", "/public/caf%C3%A9",
	"/admin", "/admin/", "/admin;x", "/admin/%2e", "/admin/./x", "/admin//x", "/%61dmin", "/%2561dmin", "/admin%2fx", "/admin?x=/public/", "/x/../public/..", "/.sallyport/../admin", "/.sallyport/%2e%2e/admin", "/.sallyport/..%2fadmin", "/.sallyport;/../admin", "/public/../.sallyport/../admin", "/.SALLYPORT/../admin", "/%2esallyport/../admin",
	"*", "admin", "public/../admin", "", "/public/%", "/public/%2", "/public/%zz/../../admin", "/public/\xff\xfe", "/public/\xc0\xae\xc0\xae/admin", "/public/x/\x01/../../../admin", "/public/'\"<>{}|^`", "/public/&/../../admin", "/public/..&/admin", "/public/%26%2e%2e", "/public/....//admin", "/public/..././admin", "/public/%2e%2e%3b/admin",
}

// pieces are what random paths are made of.
var pieces = []string{"public", "public", "admin", "page", "PUBLIC", "Admin", "x", "..", "..", ".", "...", "%2e%2e", "%2e", ".%2e", "%252e%252e", "%25252e", "..;", "..;x=1", ";", ";x", ";x=/", "%3b", "%2f", "%2F", "%5c", `\`, "%252f", "%255c", "/", "/", "/", "//", "%00", "%0a", "%0d", "%20", " ", "%09", "\t",
	"%c0%ae", "%c0%af", "%ef%bc%8e", "%ef%bc%8f", "．", "／", "%e2%80%a5", "%u002e", "%u002f", "?", "#", "%3f", "%23", "%70ublic", "%61dmin", "publi%63", "\xff", "%ff", "é", "%c3%a9", "%", "%2", "%zz", "*", "'", `"`, "{", "}", "|", "~", "@", ":80", "&", "=", "+", ",", "%2b", "%25", "%25%32%65", ".sallyport", "%c4%b1", "ı", "\u200d", "%e2%80%8d"}

func random(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString([]string{"/public/", "/public/", "/public", "/", "//", "/public/x/", "/x/../public/", "/admin/", "/.sallyport/"}[r.IntN(9)])
	for range 1 + r.IntN(6) {
		b.WriteString(pieces[r.IntN(len(pieces))])
		if r.IntN(2) == 0 {
			b.WriteByte('/')
		}
	}
	return b.String()
}

// fuzz asks for paths with tricks in them, at a proxy, and returns what has reached
// the app, by what was asked for.
func (w *world) fuzz(t *testing.T, p *proxy, many int, lines ...string) map[string]arrival {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("the seed is %d", seed)
	x := w.wire(t, p, "wiki.example.org")
	prefix, _ := mark()
	targets := make([]string, 0, many)
	for i := range many {
		target, method := "", "GET"
		if i < len(known) {
			target = known[i]
		} else {
			target = random(r)
			if r.IntN(12) == 0 {
				target = []string{w.url("wiki.example.org"), "http://wiki.example.org", w.url("open.example.org"), "https://WIKI.example.org.", "//wiki.example.org", "https://x@wiki.example.org"}[r.IntN(6)] + target
			}
			if r.IntN(10) == 0 {
				method = []string{"HEAD", "POST", "get", "PROPFIND", "OPTIONS", "TRACE"}[r.IntN(6)]
			}
		}
		targets = append(targets, target)
		x.say(x.head(method, target, append(lines, fmt.Sprintf("X-Mark: %s/%d", prefix, i), "Content-Length: 0", "X-Original-URL: /public/", "X-Rewrite-URL: /public/", "X-HTTP-Method-Override: GET")...))
	}
	came := map[string]arrival{}
	for _, a := range w.apps {
		a.mu.Lock()
		for _, one := range a.seen {
			var i int
			if n, _ := fmt.Sscanf(one.one("X-Mark"), prefix+"/%d", &i); n == 1 && i < len(targets) {
				came[targets[i]] = one
			}
		}
		a.mu.Unlock()
	}
	return came
}

// sample is what each proxy must pass on, or the search would be blind.
var sample = []string{"/public/x;a=b", "/public/x.html", "/public/", "/public", "/public/x?to=../../admin", "/public/caf%C3%A9"}

func TestNoTrickOpensAPath(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		const many = 1200
		came := w.fuzz(t, p, many)
		for asked, a := range came {
			if a.App != "wiki" && a.App != "open" {
				t.Errorf("%q has reached %s", asked, a.App)
			}
			if a.App == "wiki" && isProtected(a.target()) {
				t.Errorf("%q, signed out, has reached the app as %q, which may read it as %q", asked, a.Line, protectedReadings(a.target()))
			}
			if a.App == "open" && a.names("wiki") {
				t.Errorf("%q has reached the open app, which may take it for the wiki's: %q %q", asked, a.Line, a.Headers)
			}
			if got := told(t, a); got["Remote-User"] != "" {
				t.Errorf("%q: the app is told of %q", asked, got)
			}
		}
		for _, target := range sample {
			if _, ok := came[target]; !ok {
				t.Errorf("%q has not arrived", target)
			}
		}
		if len(came) < many/40 {
			t.Errorf("of %d requests %d have arrived: the test is blind", many, len(came))
		}
		t.Logf("%d of %d have arrived", len(came), many)
	})
}

func protectedReadings(target string) (list []string) {
	for _, p := range readings(target) {
		if !under(p, "/public") && utf8.ValidString(p) {
			list = append(list, p)
		}
	}
	return list[:min(len(list), 4)]
}

// names says whether anything in a request that may be taken for its host has a word
// in it: a backend may serve more than one.
func (a arrival) names(word string) bool {
	said := append(a.all("Host"), a.all("X-Forwarded-Host")...)
	if scheme, rest, ok := strings.Cut(a.target(), "://"); ok && !strings.Contains(scheme, "/") {
		host, _, _ := strings.Cut(rest, "/")
		said = append(said, host)
	}
	return strings.Contains(strings.ToLower(fmt.Sprint(said)), word)
}

// Whichever of the hosts in a request a proxy and an app go by.
func TestNoTrickWithHostsOpensAnApp(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		port := fmt.Sprint(":", w.port)
		wiki, free := "wiki.example.org"+port, "open.example.org"+port
		names := []string{wiki, "WIKI.example.org" + port, "wiki.example.org." + port, "wiki.example.org", "wiki.example.org.", "wiki.example.org:443", "wiki.example.org:80", "wiki.example.org:0" + port[1:], wiki + port, wiki + " ", "\t" + wiki, wiki + "@" + free, free + "@" + wiki,
			wiki + "," + free, free + "," + wiki, wiki + "/x", free + "/" + wiki, free + "#" + wiki, "wiki。example.org" + port, "wiki%2eexample.org" + port, "xn--wiki.example.org" + port, "[wiki.example.org]" + port, "127.0.0.1" + port, "wiki.example.org\x00.evil" + port, "*.example.org" + port, "", ".", "..", "id.example.org" + port}
		for _, in := range []string{"wiki.example.org", "open.example.org"} {
			x := w.wire(t, p, in)
			var tries []string
			for _, name := range names {
				tries = append(tries, "GET /page HTTP/1.1\r\nHost: "+name+"\r\n", "GET /page HTTP/1.1\r\nHost: "+free+"\r\nHost: "+name+"\r\n", "GET /page HTTP/1.1\r\nHost: "+name+"\r\nHost: "+free+"\r\n",
					"GET https://"+name+"/page HTTP/1.1\r\nHost: "+free+"\r\n", "GET https://"+free+"/page HTTP/1.1\r\nHost: "+name+"\r\n", "GET //"+name+"/page HTTP/1.1\r\nHost: "+free+"\r\n", "GET /page HTTP/1.0\r\nHost: "+name+"\r\n",
					"GET /page HTTP/1.1\r\nHost: "+name+"\r\nX-Forwarded-Host: "+free+"\r\nX-Forwarded-Host: "+free+"\r\nForwarded: host="+free+"\r\nX-Host: "+free+"\r\nX_Forwarded_Host: "+free+"\r\nX-Forwarded-Server: "+free+"\r\n")
			}
			tries = append(tries, "GET /page HTTP/1.0\r\n", "GET /page HTTP/1.1\r\n", "GET https://"+wiki+"/page HTTP/1.1\r\n", "GET https://"+wiki+"/page HTTP/1.0\r\n")
			opened := 0
			for _, text := range tries {
				value, line := mark()
				x.say(text + line + "\r\n\r\n")
				for _, id := range []string{"wiki", "notes", "tea", "cake"} {
					if list := w.app(id).arrivals(value); len(list) > 0 {
						t.Errorf("%q has reached %s as %q", text, id, list)
					}
				}
				for _, a := range w.app("open").arrivals(value) {
					opened++
					if len(a.all("Host")) != 1 || a.names("wiki") {
						t.Errorf("%q has reached the open app, which may take it for the wiki's: %q", text, a)
					}
				}
			}
			if opened < 3 {
				t.Errorf("of %d requests %d have reached the open app: the test is blind", len(tries), opened)
			}
		}
	})
}

// What a browser says of the way that it has come reaches neither the check nor, as
// a second request, the app.
func TestNothingIsSmuggled(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		x := w.wire(t, p, "wiki.example.org")
		port := fmt.Sprint(":", w.port)
		for _, lines := range [][]string{
			{"X-Forwarded-Host: open.example.org" + port}, {"X-Forwarded-Host: open.example.org" + port, "X-Forwarded-Host: open.example.org" + port}, {"x-forwarded-host: open.example.org" + port, "X_Forwarded_Host: open.example.org"},
			{"X-Forwarded-Uri: /public/x"}, {"X-Forwarded-Uri: /public/x", "X-FORWARDED-URI: /public/x"}, {"X-Forwarded-Uri : /public/x"}, {"X-Forwarded-Method: OPTIONS"}, {"X-Forwarded-Proto: http"}, {"X-Forwarded-For: 127.0.0.1"}, {"Forwarded: host=open.example.org;proto=https"},
			{"X-Forwarded-Host: a", "\topen.example.org" + port}, {"Accept: text/html", "X-Forwarded-Uri:", " /public/x"}, {"Connection: X-Forwarded-Uri", "X-Forwarded-Uri: /public/x"}, {"Content-Length: 0", "X-Original-URI: /public/x"},
		} {
			value, line := mark()
			if got := x.get("/page", append(slices.Clone(lines), line)...); got.status == http.StatusOK {
				t.Errorf("%q: %d", lines, got.status)
			}
			w.nowhere(t, fmt.Sprint(lines), value)
			// To an open path it is let through, and the app is told of nothing but the truth.
			value, line = mark()
			x.get("/public/x", append(slices.Clone(lines), line)...)
			for _, a := range w.app("wiki").arrivals(value) {
				for _, h := range a.Headers {
					if name := alike(h[0]); strings.HasPrefix(name, "x_forwarded") && strings.Contains(h[1], "open.example") || name == "forwarded" {
						t.Errorf("%q: the app is told %q", lines, h)
					}
				}
			}
		}
		for _, lines := range [][]string{
			{"Content-Length: 6", "Transfer-Encoding: chunked"}, {"Transfer-Encoding: chunked", "Content-Length: 6"}, {"Content-Length: 6", "Transfer-Encoding: xchunked"}, {"Content-Length: 6", "Transfer-Encoding : chunked"}, {"Content-Length: 6", "Transfer-Encoding:\tchunked"},
			{"Content-Length: 6", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"}, {"Content-Length: 6", "Transfer-Encoding: identity, chunked"}, {"Content-Length: 6", "Transfer-Encoding: chunked, identity"}, {"Content-Length: 6", "Transfer-Encoding: Chunked"}, {"Content-Length: 6", "Transfer_Encoding: chunked"},
			{"Content-Length: 6", "Content-Length: 5"}, {"Content-Length: 6", "Content-Length: 6"}, {"Content-Length: 6, 5"}, {"Content-Length: +6"}, {"Content-Length: 0x6"}, {"Content-Length: 6 "}, {"Content-Length: 6", "Connection: Content-Length"}, {"Content-Length: 6", "Expect: 100-continue"},
		} {
			value, line := mark()
			x.hangUp()
			x.say(x.head("POST", "/public/x", append(slices.Clone(lines), line)...) + "0\r\n\r\nX" + strings.TrimSuffix(x.head("GET", "/page", line), "\r\n") + "\r\n")
			for range 3 { // whatever of it lies about becomes the next request's
				x.get("/public/next", line)
			}
			for _, a := range w.app("wiki").arrivals(value) {
				if isProtected(a.target()) {
					t.Errorf("%q: it has reached the app as %q", lines, a)
				}
			}
			for _, a := range w.app("wiki").arrivals("") {
				if isProtected(a.target()) && a.one("Remote-User") == "" {
					t.Errorf("%q: the app has seen %q", lines, a)
				}
			}
		}
	})
}

// Within a connection that has become something else nobody asks for each request.
func TestNothingIsUpgradedButToWebSockets(t *testing.T) {
	each(t, func(t *testing.T, w *world, p *proxy) {
		x := w.wire(t, p, "wiki.example.org")
		for _, lines := range [][]string{
			{"Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Connection: Upgrade, HTTP2-Settings"}, {"Upgrade: h2c", "Connection: Upgrade"}, {"Upgrade: h2c, websocket", "Connection: Upgrade"}, {"Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade"}, {"Upgrade: TLS/1.0", "Connection: upgrade"}, {"upgrade: H2C", "connection: upgrade"},
		} {
			value, line := mark()
			x.get("/public/x", append(slices.Clone(lines), line)...)
			for _, a := range w.app("wiki").arrivals(value) {
				if got := strings.ToLower(a.one("Upgrade")); got != "" && got != "websocket" {
					t.Errorf("%q: the app is asked for %q", lines, got)
				}
			}
		}
		value, line := mark()
		x.get("/public/x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: c2FsbHlwb3J0IHNhbGx5cA==", line)
		if list := w.app("wiki").arrivals(value); len(list) != 1 || list[0].one("Upgrade") != "websocket" || !strings.EqualFold(list[0].one("Connection"), "upgrade") {
			t.Errorf("a WebSocket arrives as %q", list)
		}
	})
}
