package app

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sallyport/core/session"
)

// guarded is an app whose rules are each stricter or weaker than what holds
// elsewhere, for people whom each of them treats differently.
func guarded() (*App, []Standing) {
	need := func(factors Factors, groups ...string) Access {
		return Access{Groups: groups, Need: Need{Factors: factors}}
	}
	a := &App{ID: "guarded", Name: "Guarded", Addresses: []string{"https://guarded.example.org"}, Access: need(One, "staff"), Rules: []Rule{
		{Paths: []string{"/public/*", "/robots.txt"}, Access: need(None)},
		{Paths: []string{"/public.html"}, Methods: []string{"POST"}, Access: need(Two)},
		{Paths: []string{"/admin/*", "/Setup/Step.One"}, Access: need(Two, "admins")},
		{Paths: []string{"/a/b/c", "/café/küche/*"}, Access: Access{Need: Need{Two, 5 * time.Minute}}},
		{Methods: []string{"DELETE"}, Access: need(Two, "admins")},
	}}
	return a, []Standing{
		{},
		{Person: "dan", Level: session.Two, BothAt: noon},
		{Person: "bob", Groups: []string{"staff"}, Level: session.One},
		{Person: "bob", Groups: []string{"staff"}, Level: session.Two, BothAt: noon.Add(-time.Hour)},
		{Person: "ada", Groups: []string{"staff", "admins"}, Level: session.Two, BothAt: noon},
	}
}

// spelt are the ways in which one path is written differently. Each is given the
// path and a place in it, and gives the path back where it does not apply.
var spelt = []func(p string, at int) string{
	func(p string, at int) string { return p[:at] + fmt.Sprintf("%%%02x", p[at]) + p[at+1:] },
	func(p string, at int) string { return p[:at] + fmt.Sprintf("%%%02X", p[at]) + p[at+1:] },
	func(p string, at int) string { return p[:at] + fmt.Sprintf("%%25%02x", p[at]) + p[at+1:] },
	func(p string, at int) string {
		return strings.NewReplacer("a", "A", "d", "D", "m", "M", "i", "I", "n", "N", "S", "s", "O", "o").Replace(p[:at]) + p[at:]
	},
	atSlash("//"), atSlash("/./"), atSlash("/x/../"), atSlash("/%2e/"), atSlash("/x/%2e%2e/"), atSlash("/x/..;a/"), atSlash("/x%2f..%2f"), atSlash(`\`), atSlash("%5c"),
	atSlash(`\x\..\`), atSlash("／"), atSlash("%ef%bc%8f"), atSlash("/．/"), atSlash("/x/‥/"), atSlash("/x;y/../"), atSlash("/x/..%20/"),
	atEnd(";x"), atEnd(";x=1,2"), atEnd("%3bx"), atEnd("."), atEnd("%2e"), atEnd("%20"), atEnd("．"), atEnd("；x"), atEnd("\u200b"),
	func(p string, at int) string {
		if c := p[at]; c >= 'a' && c <= 'z' {
			return p[:at] + string('ａ'+rune(c-'a')) + p[at+1:]
		}
		return p
	},
	func(p string, at int) string { return strings.Replace(p, "i", "ı", 1) },
	func(p string, at int) string { return p + "?" + p },
	func(p string, at int) string { return p + "/" },
	func(p string, at int) string { return "//x.example" + p },
}

// atSlash writes a slash differently.
func atSlash(as string) func(string, int) string {
	return func(p string, at int) string {
		if p[at] != '/' || at == 0 && as[0] != '/' || strings.Contains(p, "?") {
			return p
		}
		return p[:at] + as + p[at+1:]
	}
}

// atEnd adds to the end of a name.
func atEnd(what string) func(string, int) string {
	return func(p string, at int) string {
		end := at + 1
		if at == 0 || strings.Contains(p, "?") || strings.IndexByte("./;％%．‥\\ ", p[at]) >= 0 || end < len(p) && p[end] != '/' {
			return p
		}
		return p[:end] + what + p[end:]
	}
}

// respell writes a path as a program of two bytes a step says.
func respell(p string, program []byte) string {
	for i := 0; i+1 < len(program) && i < 12; i += 2 {
		at := int(program[i+1]) % len(p)
		if strings.Contains(p, "?") && at >= strings.Index(p, "?") {
			continue
		}
		if p[at] == '%' || at > 0 && p[at-1] == '%' || at > 1 && p[at-2] == '%' {
			continue // a code is not taken apart
		}
		p = spelt[int(program[i])%len(spelt)](p, at)
	}
	return p
}

func FuzzNoSpellingIsWeaker(f *testing.F) {
	plainly := []string{"/admin", "/admin/users", "/Setup/Step.One", "/a/b/c", "/caf%C3%A9/k%C3%BCche/x", "/public.html", "/public/x", "/robots.txt", "/page", "/"}
	for i := range spelt {
		for j := range byte(8) {
			f.Add(uint8(i), []byte{byte(i), j, byte(i + 7), j / 2})
		}
	}
	a, people := guarded()
	if faults := a.Check(); len(faults) > 0 {
		f.Fatal(faults)
	}
	f.Fuzz(func(t *testing.T, which uint8, program []byte) {
		p := plainly[int(which)%len(plainly)]
		odd := respell(p, program)
		for _, method := range []string{"GET", "POST", "DELETE", "FOO"} {
			for _, who := range people {
				v, w := a.Judge(Place{method, p}, who, noon), a.Judge(Place{method, odd}, who, noon)
				if w.Answer < v.Answer {
					t.Fatalf("%s %s: %s; %s: %s, read as %s", method, p, v.Answer, odd, w.Answer, first(readings(odd)))
				}
			}
		}
	})
}

func first(all []string, _ bool) string { return strings.Join(all, "  ") }

// What has one reading must have one whichever way it is read, and what has many
// must hold what comes of reading any of them.
func FuzzReadingsAreComplete(f *testing.F) {
	for _, uri := range []string{"/", "/admin", "/a.b", "/a//b", "/%61", "/%2561", "/..;/", `/\`, "/ａ", "/x/../y", "/%ef%bc%85%36%31", "/a;b/c", "/...", "/. ./", "/a%20/", "/\u0131", "/\u2025/"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		all, ok := readings(uri)
		if !ok {
			return
		}
		has := map[string]bool{}
		for _, p := range all {
			has[p] = true
			if p == "" || p[0] != '/' || !utf8.ValidString(p) {
				t.Fatalf("%q is read as %q", uri, p)
			}
		}
		for _, p := range all {
			for i, way := range ways {
				if again := trimmed(way(p)); !has[again] {
					t.Fatalf("%q is not read as %q, which way %d makes of %q", uri, again, i, p)
				}
			}
		}
	})
}

// What is read is written in one form, and read from it again.
func FuzzAddressesAndRulesHaveOneForm(f *testing.F) {
	for _, text := range []string{"https://Wiki.example.org:443/", "http://127.0.0.1:8080", "https://[2001:DB8::1]", "https://\u212aiki.example.org", "https://a@b", "http://127.example.org",
		"paths=/admin/*,/setup methods=POST groups=admins,Domain Admins need=two within 15m", "need=two within 90s", "paths=", "groups=a b=c", "two within 15m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if origin, err := Origin(text); err == nil {
			if again, err := Origin(origin); again != origin || err != nil || strings.ToLower(origin) != origin || len(origin) != utf8.RuneCountInString(origin) {
				t.Errorf("%q is %q, and that %q (%v)", text, origin, again, err)
			}
			if strings.HasPrefix(origin, "http:") && !loopback(strings.Trim(HostOf(origin), "[]")) {
				t.Errorf("%q is %q", text, origin)
			}
		}
		if r, err := ParseRule(text); err == nil {
			if again, err := ParseRule(r.String()); err != nil || again.String() != r.String() {
				t.Errorf("%q is %q, and that %q (%v)", text, r, again, err)
			}
		}
	})
}
