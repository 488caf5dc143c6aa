package config

import (
	"net/netip"
	"reflect"
	"testing"
)

func TestAnAddressOfAPortal(t *testing.T) {
	rows := []struct {
		url, want, host, name string
		https, loopback       bool
	}{
		{"https://login.example.org", "https://login.example.org", "login.example.org", "login.example.org", true, false},
		{"HTTPS://Login.Example.ORG:443/", "https://login.example.org", "login.example.org", "login.example.org", true, false},
		{"https://login.example.org:8443", "https://login.example.org:8443", "login.example.org:8443", "login.example.org", true, false},
		{"https://xn--bcher-kva.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example", true, false},
		{"https://192.0.2.7", "https://192.0.2.7", "192.0.2.7", "192.0.2.7", true, false},
		{"https://portal", "https://portal", "portal", "portal", true, false},
		{"https://localhost", "https://localhost", "localhost", "localhost", true, true},
		{"http://localhost:80", "http://localhost", "localhost", "localhost", false, true},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", false, true},
		{"http://127.9.9.9", "http://127.9.9.9", "127.9.9.9", "127.9.9.9", false, true},
		{"http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", "::1", false, true},
		{"http://[0:0::0001]", "http://[::1]", "[::1]", "::1", false, true},
		{"http://a.localhost", "http://a.localhost", "a.localhost", "a.localhost", false, true},

		{url: "http://login.example.org"}, {url: "http://127.0.0.1.example.org"}, {url: "http://localhost.example.org"},
		{url: "http://notlocalhost"}, {url: "http://0.0.0.0"}, {url: "http://10.0.0.1"}, {url: "http://[::]"},
		{url: "https://a.test/portal"}, {url: "https://a.test//"}, {url: "https://a.test?x"}, {url: "https://a.test?"}, {url: "https://a.test#"},
		{url: "https://a.test/#x"}, {url: "https://u:p@a.test"}, {url: "https://"}, {url: "https:a.test"}, {url: "a.test"}, {url: "//a.test"},
		{url: "https://a.test:0"}, {url: "https://a.test:65536"}, {url: "https://a.test:"}, {url: "https://a.test:0443"}, {url: "https://bücher.example"},
		{url: "https://a..test"}, {url: "https://a.test."}, {url: "https://-a.test"}, {url: "https://a_b.test"}, {url: "https://127.1"}, {url: "https://0x7f.1"},
		{url: "https://0x7f000001"}, {url: "https://[fe80::1%25eth0]"}, {url: "https://[::ffff:192.0.2.1]"}, {url: "https://a b.test"}, {url: "ftp://a.test"}, {url: "javascript://a.test"},
	}
	for _, row := range rows {
		c, err := Parse(nil, "s.yaml", []string{"SALLYPORT_URL=" + row.url})
		if row.want == "" {
			if err == nil {
				t.Errorf("%s was accepted as %s", row.url, c.URL)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if c.URL != row.want || c.Host() != row.host || c.Hostname() != row.name || c.HTTPS() != row.https || c.Loopback() != row.loopback {
			t.Errorf("%s: %s %s %s %v %v", row.url, c.URL, c.Host(), c.Hostname(), c.HTTPS(), c.Loopback())
		}
	}
}

func TestCountriesAreAllOnlyWhileNothingReachesRealPhones(t *testing.T) {
	outbox, real := Gateway{Kind: KindOutbox}, Gateway{Kind: "twilio"}
	rows := []struct {
		gateways  []Gateway
		countries []string
		want      []string
	}{
		{nil, nil, nil},
		{[]Gateway{outbox, outbox}, nil, nil},
		{[]Gateway{outbox}, []string{"GB"}, []string{"GB"}},
		{[]Gateway{outbox, real}, nil, []string{"US"}},
		{[]Gateway{real}, []string{"GB", "FR"}, []string{"GB", "FR"}},
	}
	for _, row := range rows {
		c := Default()
		c.SMS = SMS{Gateways: row.gateways, Countries: row.countries}
		if got := c.Countries(); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%+v: %v", row, got)
		}
	}
}

func TestNamesProxiesAndZone(t *testing.T) {
	c := Default()
	if c.AppName() != "Sallyport" || c.SMSName() != "Sallyport" || c.Location().String() != "UTC" || c.Prefixes() != nil {
		t.Errorf("got %+v", c)
	}
	c.Brand = Brand{AppName: "App", SMSName: "Text", TimeZone: "Europe/London"}
	c.Proxies = []string{"10.0.0.7", "10.1.0.0/16", "::ffff:192.0.2.1", "fd00::/8"}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("fd00::/8")}
	if c.AppName() != "App" || c.SMSName() != "Text" || c.Location().String() != "Europe/London" || !reflect.DeepEqual(c.Prefixes(), want) {
		t.Errorf("got %v %v", c.Prefixes(), c.Location())
	}
	for _, zone := range []string{"", "Local", "../etc/passwd", "Mars"} {
		c.Brand.TimeZone = zone
		if c.Location().String() != "UTC" {
			t.Errorf("%q is %v", zone, c.Location())
		}
	}
}

func TestTheZeroConfigReachesNothing(t *testing.T) {
	var c Config
	if c.Host() != "" || c.HTTPS() || c.Loopback() || c.Declared("url") || c.Prefixes() != nil {
		t.Errorf("got %+v", c)
	}
}
