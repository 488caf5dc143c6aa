package web

import (
	"net/url"
	"path"
	"strings"
)

// ReturnTo checks an address to return to after sign-in: a path on the portal
// itself. Anything else, however it is spelled, becomes "".
func ReturnTo(raw string) string {
	if raw == "" || len(raw) > 8192 || raw[0] != '/' || !clean(raw) {
		return ""
	}
	for _, r := range raw {
		if r < ' ' || r == 0x7f || r == '\\' {
			return ""
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.Contains(u.Path, "//") || strings.ContainsAny(u.Path, "\\\r\n") {
		return ""
	}
	switch at := path.Clean(u.Path); {
	case at == "/sign-in", at == "/sign-out", at == "/signed-out", strings.HasPrefix(at, "/2fa"):
		return "" // pages of the way in lead nowhere once one is in
	}
	return u.RequestURI()
}
