package web

import (
	"net/url"
	"strings"
	"testing"
)

func TestReturnToStaysOnThePortal(t *testing.T) {
	for _, row := range []struct{ raw, want string }{
		{"/account/activity?page=2", "/account/activity?page=2"},
		{"/", "/"},
		{"/wiki/Start%20here", "/wiki/Start%20here"},
		{"", ""},
		{"//evil.example", ""},
		{"/\\evil.example", ""},
		{"\\\\evil.example", ""},
		{"/%2fevil.example/..", ""},
		{"https://evil.example", ""},
		{"https:/evil.example", ""},
		{"https:evil.example", ""},
		{"javascript:alert(1)", ""},
		{"data:text/html,x", ""},
		{" /account", ""},
		{"/a\r\nSet-Cookie: x=y", ""},
		{"/a\tb", ""},
		{"/a\x00b", ""},
		{"/a\xffb", ""},
		{"/.//evil.example", ""},
		{"/%5cevil.example", ""},
		{"//user@evil.example/", ""},
		{"/2fa", ""},
		{"/2fa/setup/finish", ""},
		{"/x/../2fa", ""},
		{"/sign-in?rd=/sign-in", ""},
		{"/sign-out", ""},
		{"account", ""},
		{"?x=1", ""},
		{"/" + strings.Repeat("a", 9000), ""},
	} {
		if got := ReturnTo(row.raw); got != row.want {
			t.Errorf("ReturnTo(%q) = %q, want %q", row.raw, got, row.want)
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/account", "//evil", "/\\evil", "/%2f%2fevil", "https://id.example.org.evil/", "/a?b=//c", "/;@evil", "/%5cevil"} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://id.example.org/2fa/code")
	f.Fuzz(func(t *testing.T, raw string) {
		got := ReturnTo(raw)
		if got == "" {
			return
		}
		to, err := base.Parse(got)
		if err != nil {
			t.Fatalf("ReturnTo(%q) = %q, which cannot be read: %v", raw, got, err)
		}
		if to.Host != base.Host || to.Scheme != base.Scheme || to.User != nil {
			t.Fatalf("ReturnTo(%q) = %q leads to %s", raw, got, to)
		}
		if strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t") {
			t.Fatalf("ReturnTo(%q) = %q, which a browser may read otherwise", raw, got)
		}
	})
}
