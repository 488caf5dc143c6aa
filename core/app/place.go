package app

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// OriginOf joins scheme and host to the form in which they are compared: in small
// letters, without the scheme's own port and without the dot of the root. It
// refuses what is no plain name: those who look the same to one program and
// different to another.
func OriginOf(scheme, host string) (string, bool) {
	if scheme != "https" && scheme != "http" || host == "" || len(host) > hostMax+6 {
		return "", false
	}
	name, port := host, ""
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		name, port = host[:at], host[at+1:]
		if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" || port[0] == '0' {
			return "", false
		}
	}
	name = small(strings.TrimSuffix(name, "."))
	if !plainHost(name) && !plainIPv6(name) {
		return "", false
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + name, true
	}
	return scheme + "://" + name + ":" + port, true
}

// small is a name in small letters, of A to Z alone: the sign of Kelvin is no k to
// those who look names up.
func small(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return name
	}
	return strings.ToLower(name)
}

// HostOf is the host of an origin without its port.
func HostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		host = host[:at]
	}
	return host
}

func plainHost(name string) bool {
	if name == "" || len(name) > hostMax {
		return false
	}
	label := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case (c == '-' || c == '_') && label > 0:
		case c == '.' && label > 0:
			label = 0
			continue
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0
}

func plainIPv6(name string) bool {
	return len(name) > 4 && name[0] == '[' && name[len(name)-1] == ']' && strings.Trim(name[1:len(name)-1], "0123456789abcdef:") == ""
}

// Place is where a request wants to go: the method and the path with its query, as
// they were sent. The zero Place is the app as a whole.
type Place struct {
	Method string
	URI    string
}

// uriMax is how long the address of a request may be.
const uriMax = 8 << 10

// simple says whether a path has one reading only, letter case aside: nothing in it
// that one program resolves and another leaves.
func simple(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := range len(p) {
		switch c := p[i]; {
		case c <= ' ', c >= 0x7f, c == '%', c == ';', c == '\\', c == '#':
			return false
		case c == '/' && i > 0 && p[i-1] == '/':
			return false
		case c == '.' && (p[i-1] == '/' || p[i-1] == '.' || i+1 == len(p) || p[i+1] == '/'):
			// A dot within a name is one; beside a slash or at an end it may mean more.
			return false
		}
	}
	return true
}

// The bounds of the work for one request. Who needs more hides something.
const (
	readingsMax = 96
	readMax     = 64 << 10 // bytes in all
)

// readings are all the paths that some program may take a request's for: whatever
// comes of it by reading it in any of the ways below, any number of times and in any
// order, itself among them. A rule that fits one of them counts, and the strictest
// wins: whichever way the app reads it, nothing opens that should not. It is not ok
// when nobody can say what is meant.
func readings(uri string) (all []string, ok bool) {
	p, _, _ := strings.Cut(uri, "?")
	if !sensible(uri) {
		return nil, false
	}
	if simple(p) {
		return []string{trimmed(p)}, true
	}
	if !escaped(p) {
		return nil, false
	}
	all = []string{p}
	for i, size := 0, len(p); i < len(all); i++ {
		if !readable(all[i]) {
			return nil, false
		}
		for _, way := range ways {
			if other := way(all[i]); !slices.Contains(all, other) {
				all, size = append(all, other), size+len(other)
			}
		}
		if len(all) > readingsMax || size > readMax {
			return nil, false
		}
	}
	for i := range all {
		all[i] = trimmed(all[i])
	}
	return all, true
}

// ways are how programs read a path differently.
var ways = [...]func(string) string{trimmed, tidy, walked, unhosted, decoded, slashes, unmarked, unparted, unqueried, undotted, unspaced, folded, seen, recased}

func trimmed(p string) string {
	if len(p) > 1 {
		return strings.TrimSuffix(p, "/")
	}
	return p
}

// tidy joins slashes and then resolves dots, as most servers do.
func tidy(p string) string { return path.Clean("/" + p) }

// walked resolves dots alone, so that .. takes an empty segment away: RFC 3986 5.2.4.
func walked(p string) string {
	if !strings.Contains(p, "/.") {
		return p
	}
	var walk []string
	for _, s := range strings.Split(p[1:], "/") {
		switch {
		case s == ".":
		case s == "..":
			walk = walk[:max(len(walk)-1, 0)]
		default:
			walk = append(walk, s)
		}
	}
	return "/" + strings.Join(walk, "/")
}

// unhosted takes what stands between two slashes and the next for a host, as those do
// who read what was asked for as an address and not as a path: //x/admin is /admin.
func unhosted(p string) string {
	rest := strings.TrimLeft(p, "/")
	if len(p)-len(rest) < 2 {
		return p
	}
	at := strings.IndexByte(rest, '/')
	if at < 0 {
		return "/"
	}
	return rest[at:]
}

// slashes reads the other stroke as a slash.
func slashes(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// unmarked drops the parameters of each segment: /admin;x=1/users.
func unmarked(p string) string {
	if !strings.Contains(p, ";") {
		return p
	}
	return each(p, func(s string) string { s, _, _ = strings.Cut(s, ";"); return s })
}

// unparted drops everything after the first parameter.
func unparted(p string) string { p, _, _ = strings.Cut(p, ";"); return p }

// unqueried ends where a decoded ? or # begins something else.
func unqueried(p string) string {
	if at := strings.IndexAny(p, "?#"); at >= 0 {
		return p[:at]
	}
	return p
}

// undotted drops the dots and spaces at the end of each segment, as Windows does.
func undotted(p string) string {
	if !strings.ContainsAny(p, ". ") {
		return p
	}
	return each(p, func(s string) string {
		if s == "." || s == ".." {
			return s
		}
		return strings.TrimRight(s, ". ")
	})
}

// unspaced drops the spaces around each segment.
func unspaced(p string) string {
	if !strings.Contains(p, " ") {
		return p
	}
	return each(p, func(s string) string { return strings.Trim(s, " ") })
}

func each(p string, do func(string) string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = do(s)
	}
	return strings.Join(segments, "/")
}

// folded reads what is wide or of another script as what it looks like.
func folded(p string) string { return norm.NFKC.String(p) }

// seen leaves out what cannot be seen.
func seen(p string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, p)
}

// recased finds the letters that are the same in capitals alone: the ı without a dot
// is no i, and its capital is I.
func recased(p string) string {
	if strings.IndexFunc(p, func(r rune) bool { return r > unicode.MaxASCII }) < 0 {
		return p // letter case is compared where rules are
	}
	return strings.ToLower(strings.ToUpper(p))
}

// decoded resolves percent signs once, those that can be, as the careless do.
func decoded(p string) string {
	if !strings.Contains(p, "%") {
		return p
	}
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if code, ok := percent(p[i:]); ok {
			out = append(out, code)
			i += 2
			continue
		}
		out = append(out, p[i])
	}
	return string(out)
}

// escaped says whether each percent sign of a path, as it was sent, begins a code.
func escaped(p string) bool {
	for i := range len(p) {
		if _, ok := percent(p[i:]); p[i] == '%' && !ok {
			return false
		}
	}
	return true
}

// percent reads the code that a text begins with, as %2e.
func percent(s string) (code byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, low := hex(s[1]), hex(s[2])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// sensible says whether an address can be one at all.
func sensible(uri string) bool {
	return uri != "" && uri[0] == '/' && len(uri) <= uriMax && !strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' })
}

// readable says whether a path is text that programs agree on.
func readable(p string) bool {
	return utf8.ValidString(p) && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
}
