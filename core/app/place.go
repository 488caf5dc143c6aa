package app

import (
	"path"
	"strings"
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
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !plainHost(name) && !plainIPv6(name) {
		return "", false
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + name, true
	}
	return scheme + "://" + name + ":" + port, true
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
// they were sent.
type Place struct {
	Method string
	URI    string
}

// uriMax is how long the address of a request may be.
const uriMax = 8 << 10

// simple says whether a path has one reading only: small letters, digits and a few
// marks that mean the same to everybody.
func simple(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := range len(p) {
		switch c := p[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '~':
		case c == '/':
			if i > 0 && p[i-1] == '/' {
				return false
			}
		case c == '.':
			// A dot within a name is one; beside a slash or at an end it may mean more.
			if p[i-1] == '/' || p[i-1] == '.' || i+1 == len(p) || p[i+1] == '/' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// readings are all the paths that some program may take a request's for: decoded
// once or twice or not at all, with parameters or without, in small letters, with
// the dots and strokes of another system. A rule that fits one of them counts, and
// the strictest wins: whichever way the app reads it, nothing opens that should
// not. It is not ok when nobody can say what is meant.
func readings(uri string) (all []string, ok bool) {
	p, _, _ := strings.Cut(uri, "?")
	if len(uri) > uriMax || p == "" || p[0] != '/' {
		return nil, false
	}
	if simple(p) {
		return []string{trimmed(p)}, true
	}
	for i := range len(p) {
		if p[i] <= ' ' || p[i] == 0x7f || p[i] == '#' {
			return nil, false
		}
	}
	once, ok := decoded(p)
	if !ok || !readable(once) {
		return nil, false
	}
	set := []string{p, once}
	if twice, ok := decoded(once); ok && readable(twice) {
		set = append(set, twice)
	}
	for _, way := range []func(string) string{slashes, plain, unmarked, norm.NFKC.String, strings.ToLower, undotted} {
		for _, s := range set {
			if other := way(s); other != s {
				set = append(set, other)
			}
		}
	}
	seen := map[string]bool{}
	for _, s := range set {
		if s = tidy(s); !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	return all, true
}

func trimmed(p string) string {
	if len(p) > 1 {
		return strings.TrimSuffix(p, "/")
	}
	return p
}

// tidy is a path without empty segments, dots and a slash at its end.
func tidy(p string) string { return path.Clean("/" + p) }

// slashes reads the other stroke as a slash.
func slashes(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// plain reads what is wide or of another script as what it looks like to NFKC after
// it was percent-encoded.
func plain(p string) string {
	if once, ok := decoded(p); ok && readable(once) {
		return once
	}
	return p
}

// unmarked drops the parameters of each segment: /admin;x=1/users.
func unmarked(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.Join(segments, "/")
}

// undotted drops the dots and spaces at the end of each segment, as Windows does.
func undotted(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		if s != "." && s != ".." {
			segments[i] = strings.TrimRight(s, ". ")
		}
	}
	return strings.Join(segments, "/")
}

// decoded resolves percent signs once.
func decoded(p string) (string, bool) {
	if !strings.Contains(p, "%") {
		return p, true
	}
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			out = append(out, p[i])
			continue
		}
		if i+2 >= len(p) {
			return "", false
		}
		high, low := hex(p[i+1]), hex(p[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), true
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

// readable says whether a decoded path is text that programs agree on.
func readable(p string) bool {
	return utf8.ValidString(p) && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
}
