package web

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestForwardedAddressesCountOnlyFromProxies(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("fd00::/8")}
	for _, row := range []struct {
		name, peer string
		forwarded  []string
		want       Client
	}{
		{"no proxy, no header", "203.0.113.9:443", nil, Client{Shown: "203.0.113.9", Limit: "203.0.113.9"}},
		{"a stranger's header is worth nothing", "203.0.113.9:443", []string{"198.51.100.1"}, Client{Shown: "203.0.113.9", Limit: "203.0.113.9"}},
		{"a proxy's last entry counts", "10.1.1.1:80", []string{"198.51.100.1"}, Client{Shown: "198.51.100.1", Limit: "198.51.100.1"}},
		{"what the browser put before it does not", "10.1.1.1:80", []string{"1.2.3.4, 198.51.100.1"}, Client{Shown: "198.51.100.1", Limit: "198.51.100.1"}},
		{"a chain of proxies is walked from its end", "10.1.1.1:80", []string{"198.51.100.1, 10.2.2.2", "192.0.2.7"}, Client{Shown: "198.51.100.1", Limit: "198.51.100.1"}},
		{"only proxies: the peer", "10.1.1.1:80", []string{"10.2.2.2"}, Client{Shown: "10.1.1.1", Limit: "10.1.1.1"}},
		{"what cannot be read ends the walk", "10.1.1.1:80", []string{"198.51.100.1, unknown, 10.2.2.2"}, Client{Shown: "10.1.1.1", Limit: "10.1.1.1"}},
		{"a port is no part of it", "10.1.1.1:80", []string{"198.51.100.1:5678"}, Client{Shown: "198.51.100.1", Limit: "198.51.100.1"}},
		{"nor of what a proxy says of another", "10.1.1.1:80", []string{"198.51.100.1:5678, 10.2.2.2:80"}, Client{Shown: "198.51.100.1", Limit: "198.51.100.1"}},
		{"IPv6 in brackets, with a port", "10.1.1.1:80", []string{"[2001:db8::5]:443"}, Client{Shown: "2001:db8::5", Limit: "2001:db8::/64"}},
		{"and without one", "10.1.1.1:80", []string{"[2001:db8::5]"}, Client{Shown: "2001:db8::5", Limit: "2001:db8::/64"}},
		{"half a bracket cannot be read", "10.1.1.1:80", []string{"[2001:db8::5"}, Client{Shown: "10.1.1.1", Limit: "10.1.1.1"}},
		{"an unlisted peer on this machine forwards: no limit by address", "127.0.0.1:80", []string{"198.51.100.1"}, Client{Shown: "127.0.0.1", Strange: true}},
		{"this machine itself has one", "127.0.0.1:80", nil, Client{Shown: "127.0.0.1", Limit: "127.0.0.1"}},
		{"IPv6 counts by /64", "[2001:db8:1:2:3:4:5:6]:443", nil, Client{Shown: "2001:db8:1:2:3:4:5:6", Limit: "2001:db8:1:2::/64"}},
		{"IPv4 in IPv6 is IPv4", "[::ffff:203.0.113.9]:443", nil, Client{Shown: "203.0.113.9", Limit: "203.0.113.9"}},
		{"a zone is no part of it", "[fe80::1%eth0]:443", nil, Client{Shown: "fe80::1", Limit: "fe80::/64"}},
		{"no address at all", "@", nil, Client{}},
	} {
		r := &http.Request{RemoteAddr: row.peer, Header: http.Header{}}
		for _, f := range row.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := Address(r, proxies); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("10.1.1.1:80", "198.51.100.1, 10.2.2.2")
	f.Add("[::1]:1", "::ffff:1.2.3.4,,")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		c := Address(r, proxies)
		if c.Shown != "" {
			if _, err := netip.ParseAddr(c.Shown); err != nil {
				t.Fatalf("Address(%q, %q) shows %q", peer, forwarded, c.Shown)
			}
		}
	})
}
