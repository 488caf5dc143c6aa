package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/core/session"
)

func TestANeedIsAboveThoseThatAskForLess(t *testing.T) {
	rising := []Need{{Factors: None}, {Factors: One}, {Factors: Two}, {Two, 24 * time.Hour}, {Two, time.Hour}, {Two, time.Minute}}
	for i, n := range rising {
		for j, other := range rising {
			if got := n.above(other); got != (i > j) {
				t.Errorf("%s is above %s: %v", n, other, got)
			}
			first, second := Verdict{Answer: SignIn, Need: n}, Verdict{Answer: SignIn, Need: other}
			if got := stricter(first, second); got.Need != rising[max(i, j)] {
				t.Errorf("of %s and %s %s is kept", n, other, got.Need)
			}
		}
		if (Need{}).above(n) || (Need{Factors: "three"}).above(n) {
			t.Errorf("what nobody knows is above %s", n)
		}
	}
}

func TestHTTPIsForLoopbackAlone(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.255.255.255": true, "localhost": true, "app.localhost": true, "[::1]": true,
		"127.0.0.example": false, "127.one.two.three": false, "10.0.0.1": false, "a.wiki.example.org": false, "127.1": false, "127.0.0.0.1": false, "1.127.0.0": false, "[::2]": false,
	} {
		if _, err := Origin("http://" + host); (err == nil) != want {
			t.Errorf("http at %s: %v", host, err)
		}
		c := chat()
		c.Client.Redirects = []string{"http://" + host + "/callback"}
		if faults := c.Check(); (len(faults) == 0) != want {
			t.Errorf("a redirect by http to %s: %v", host, faults)
		}
	}
}

func TestAPercentCodeIsTwoDigitsOfSixteen(t *testing.T) {
	for i := range 1 << 16 {
		text := string([]byte{'%', byte(i >> 8), byte(i)})
		want, err := strconv.ParseUint(text[1:], 16, 8)
		if got, ok := percent(text); ok != (err == nil) || ok && got != byte(want) {
			t.Fatalf("%q is read as %d, %v", text, got, ok)
		}
	}
	for _, uri := range []string{"/%2g", "/%g2", "/%2G", "/%2/", "/%2:", "/%2@", "/%2`", "/%/2", "/%:2"} {
		if all, ok := readings(uri); ok {
			t.Errorf("%s is read as %q", uri, all)
		}
	}
}

func TestAPathThatMayMeanMoreIsNotSimple(t *testing.T) {
	for _, p := range []string{"", "a", "admin", "%", "/ ", "/a b", "/a\x1f", "/a\x7f", "/a\x80", "/é", "/%61", "/a;b", `/a\b`, "/a#b", "//", "//a", "/a//b",
		"/.", "/..", "/.a", "/a.", "/a..b", "/a./b", "/a/.b", "/a/..b"} {
		if simple(p) {
			t.Errorf("%q is taken as it stands", p)
		}
	}
	for _, p := range []string{"/", "/a", "/a/", "/a.b", "/a.b.c/d.e", "/!", "/~", "/A-Z_0"} {
		if all, ok := readings(p); !simple(p) || !ok || len(all) != 1 {
			t.Errorf("%q is read as %q", p, all)
		}
	}
}

// A reading too many refuses who may enter.
func TestAPathHasNoReadingsButItsOwn(t *testing.T) {
	for uri, want := range map[string][]string{
		"/x/../admin": {"/x/../admin", "/admin"},
		"/x/./admin":  {"/x/./admin", "/x/admin"},
		"/%41dmin":    {"/%41dmin", "/Admin"},
		"/ADMIN%2dX":  {"/ADMIN%2dX", "/ADMIN-X"},
	} {
		got, ok := readings(uri)
		slices.Sort(got)
		slices.Sort(want)
		if !ok || !slices.Equal(slices.Compact(got), want) {
			t.Errorf("%s is read as %q; want %q", uri, got, want)
		}
	}
}

func TestTheWorkForOnePathIsBounded(t *testing.T) {
	// size is what all readings come to, without the bounds.
	size := func(p string) (paths, bytes int) {
		all := []string{p}
		for i := 0; i < len(all) && len(all) < 2*readingsMax; i++ {
			bytes += len(all[i])
			for _, way := range ways {
				if other := way(all[i]); !slices.Contains(all, other) {
					all = append(all, other)
				}
			}
		}
		return len(all), bytes
	}
	const most = "/x;//.%252f.%5c"
	long := "/" + strings.Repeat("x", 8) + "/..;/%2561" + strings.Repeat("a", 7268)
	for _, row := range []struct {
		p     string
		paths int // or any
		bytes int // or any
		ok    bool
	}{
		{most + "//", readingsMax, 0, true},
		{most + "..", readingsMax + 1, 0, false},
		{long, 0, readMax, true},
		{long + "a", 0, readMax + 9, false},
	} {
		paths, bytes := size(row.p)
		if row.paths != 0 && paths != row.paths || row.bytes != 0 && bytes != row.bytes {
			t.Errorf("%.20s… has %d readings of %d bytes: choose another for this row", row.p, paths, bytes)
		}
		if _, ok := readings(row.p); ok != row.ok {
			t.Errorf("%.20s… of %d readings and %d bytes is read: %v", row.p, paths, bytes, ok)
		}
	}
	a, ada := wiki(), Standing{Person: "ada", Groups: []string{"staff"}, Level: session.Two, BothAt: noon}
	for n, want := range map[int]Answer{uriMax: Allow, uriMax + 1: Refuse} {
		if v := a.Judge(Place{Method: "GET", URI: "/" + strings.Repeat("a", n-1)}, ada, noon); v.Answer != want {
			t.Errorf("an address of %d bytes: %s", n, v.Answer)
		}
	}
}

func TestABookFindsAnAppUnderItsOwnSchemeAlone(t *testing.T) {
	here := wiki()
	here.ID, here.Addresses = "here", []string{"http://here.localhost:8080"}
	book, faults := NewBook(nil, []App{wiki(), here})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, row := range []struct{ scheme, host, id, origin string }{
		{"https", "wiki.example.org", "wiki", "https://wiki.example.org"},
		{"https", "WIKI.example.org.:443", "wiki", "https://wiki.example.org"},
		{"http", "here.localhost:8080", "here", "http://here.localhost:8080"},
		{"http", "HERE.localhost:8080", "here", "http://here.localhost:8080"},
		{"http", "wiki.example.org", "", ""}, {"https", "here.localhost:8080", "", ""}, {"http", "here.localhost", "", ""},
		{"", "wiki.example.org", "", ""}, {"wss", "wiki.example.org", "", ""}, {"ws", "here.localhost:8080", "", ""}, {"HTTP", "here.localhost:8080", "", ""}, {"", "here.localhost:8080", "", ""},
		{"https", "other.example.org", "", ""}, {"https", "OTHER.example.org", "", ""}, {"https", "wiki.example.org,evil.org", "", ""},
	} {
		s := book.Site(row.scheme, row.host)
		if (s.App != nil) != (row.id != "") || s.App != nil && s.App.ID != row.id || s.Origin != row.origin {
			t.Errorf("%s %s is %+v", row.scheme, row.host, s)
		}
		if s := (*Book)(nil).Site(row.scheme, row.host); s != (Site{}) {
			t.Errorf("without a book %s %s is %+v", row.scheme, row.host, s)
		}
	}
}

func TestOnlyWhatTheSettingsFileSaysIsDeclared(t *testing.T) {
	list := func(ids ...string) (apps []App) {
		for _, id := range ids {
			a := wiki()
			a.ID, a.Addresses, a.Declared = id, []string{"https://" + id + ".example.org"}, id == "liar"
			apps = append(apps, a)
		}
		return apps
	}
	for _, row := range []struct{ declared, stored []string }{
		{nil, []string{"a"}}, {[]string{"a"}, nil}, {[]string{"a"}, []string{"b"}}, {[]string{"a", "b"}, []string{"c", "d"}}, {nil, []string{"liar"}}, {[]string{"a"}, []string{"liar"}},
	} {
		book, faults := NewBook(list(row.declared...), list(row.stored...))
		if len(faults) > 0 || len(book.All()) != len(row.declared)+len(row.stored) {
			t.Fatal(faults)
		}
		for _, a := range book.All() {
			if want := slices.Contains(row.declared, a.ID); a.Declared != want || book.App(a.ID).Declared != want {
				t.Errorf("declared %v, stored %v: %s is declared: %v", row.declared, row.stored, a.ID, a.Declared)
			}
		}
	}
}

func TestABoundHoldsToItsLast(t *testing.T) {
	rule := func(r Rule) func(*App) { return func(a *App) { a.Rules = []Rule{r} } }
	client := func(change func(*Client)) func(*App) {
		return func(a *App) { *a = chat(); change(a.Client) }
	}
	for name, row := range map[string]struct {
		most   int
		change func(n int) func(*App)
		fault  string // of one more
	}{
		"letters of an id": {idMax, func(n int) func(*App) { return func(a *App) { a.ID = long(n) } }, "id"},
		"addresses":        {listMax, func(n int) func(*App) { return func(a *App) { a.Addresses = slices.Repeat(a.Addresses, n) } }, "addresses, rules or facts"},
		"rules": {listMax, func(n int) func(*App) {
			return func(a *App) { a.Rules = slices.Repeat([]Rule{{Methods: []string{"GET"}}}, n) }
		}, "addresses, rules or facts"},
		"facts":            {listMax, func(n int) func(*App) { return func(a *App) { a.Tell = slices.Repeat([]Fact{TellName}, n) } }, "addresses, rules or facts"},
		"groups":           {listMax, func(n int) func(*App) { return func(a *App) { a.Groups = slices.Repeat([]string{"staff"}, n) } }, "groups"},
		"bytes of a group": {groupMax, func(n int) func(*App) { return func(a *App) { a.Groups = []string{long(n)} } }, "group"},
		"groups of a rule": {listMax, func(n int) func(*App) {
			return rule(Rule{Methods: []string{"GET"}, Access: Access{Groups: slices.Repeat([]string{"staff"}, n)}})
		}, "rule 1: more than"},
		"paths of a rule":        {listMax, func(n int) func(*App) { return rule(Rule{Paths: slices.Repeat([]string{"/a"}, n)}) }, "paths or methods"},
		"methods of a rule":      {listMax, func(n int) func(*App) { return rule(Rule{Methods: slices.Repeat([]string{"GET"}, n)}) }, "paths or methods"},
		"bytes of a path":        {pathMax, func(n int) func(*App) { return rule(Rule{Paths: []string{"/" + long(n-1)}}) }, "begins with /"},
		"bytes of a path and /*": {pathMax, func(n int) func(*App) { return rule(Rule{Paths: []string{"/" + long(n-3) + "/*"}}) }, "begins with /"},
		"redirects":              {listMax, func(n int) func(*App) { return client(func(c *Client) { c.Redirects = slices.Repeat(c.Redirects, n) }) }, "redirect"},
		"addresses after signing out": {listMax, func(n int) func(*App) {
			return client(func(c *Client) { c.AfterSignOut = slices.Repeat(c.Redirects, n) })
		}, "redirect"},
		"minutes of an access token": {60, func(n int) func(*App) { return client(func(c *Client) { c.AccessMinutes = n }) }, "access tokens"},
		"digits of a kept secret":    {64, func(n int) func(*App) { return client(func(c *Client) { c.Secret = strings.Repeat("a", n) }) }, "kept form"},
		"letters of a label":         {63, func(n int) func(*App) { return func(a *App) { a.Addresses = []string{"https://" + long(n) + ".org"} } }, "no host"},
		"letters of a host":          {hostMax, func(n int) func(*App) { return func(a *App) { a.Addresses = []string{"https://" + host(n)} } }, "no host"},
	} {
		t.Run(name, func(t *testing.T) {
			a := wiki()
			row.change(row.most)(&a)
			if faults := a.Check(); len(faults) > 0 {
				t.Errorf("%d are refused: %v", row.most, faults)
			}
			a = wiki()
			row.change(row.most + 1)(&a)
			if faults := a.Check(); len(faults) != 1 || !strings.Contains(faults[0].Error(), row.fault) {
				t.Errorf("%d: %v; want a fault about %q", row.most+1, faults, row.fault)
			}
		})
	}
}

// host is a name of n letters, in labels as long as they may be.
func host(n int) string {
	name := ""
	for ; n > 63; n -= 64 {
		name += long(63) + "."
	}
	return name + long(n)
}

func TestAKeptSecretIsDigitsOfSixteen(t *testing.T) {
	for secret, want := range map[string]bool{
		strings.Repeat("09af", 16): true, Kept("x"): true,
		strings.Repeat("a", 63): false, strings.Repeat("a", 65): false, strings.Repeat("g", 64): false, strings.Repeat("A", 64): false, strings.Repeat("a", 63) + "g": false,
	} {
		c := chat()
		c.Client.Secret = secret
		if faults := c.Check(); (len(faults) == 0) != want {
			t.Errorf("%q: %v", secret, faults)
		}
	}
}

func TestAnIDHasSmallLettersDigitsAndHyphens(t *testing.T) {
	for c := range rune(0x180) {
		letter, digit := c >= 'a' && c <= 'z', strings.ContainsRune("0123456789", c)
		for id, want := range map[string]bool{
			string(c):              letter,
			string(c) + "x":        letter,
			fmt.Sprintf("x%c", c):  letter || digit,
			fmt.Sprintf("x%cx", c): letter || digit || c == '-',
		} {
			a := wiki()
			a.ID = id
			if faults := a.Check(); (len(faults) == 0) != want {
				t.Errorf("%q: %v", id, faults)
			}
		}
	}
}

func TestAHostHasLettersDigitsAndWhatMayStandBetween(t *testing.T) {
	for c := range rune(0x180) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("0123456789", c)
		for name, want := range map[string]bool{
			string(c):              plain,
			fmt.Sprintf("x%cx", c): plain || strings.ContainsRune("-_.", c),
		} {
			origin, ok := OriginOf("https", name)
			if ok != want || ok && origin != "https://"+strings.ToLower(name) {
				t.Errorf("%q is %q, %v", name, origin, ok)
			}
		}
	}
	for name, want := range map[string]bool{
		"a-.org": true, "a.-b": false, "a._b": false, "a..b": false, "[::1]": true, "[2001:db8::f]": true, "[::g]": false, "[::]": false, "[:]": false, "[]": false, "[::1": false, "::1]": false,
	} {
		if origin, ok := OriginOf("https", name); ok != want {
			t.Errorf("%q is %q, %v", name, origin, ok)
		}
	}
}

func TestThePortOfAHostHasUpToFiveDigits(t *testing.T) {
	for port, want := range map[string]bool{
		"1": true, "9": true, "8443": true, "65535": true, "10000": true,
		"": false, "0": false, "01": false, "100000": false, "84/3": false, "84:3": false, "-1": false, "a": false,
	} {
		for _, name := range []string{"wiki.example.org", host(hostMax)} {
			origin, ok := OriginOf("https", name+":"+port)
			if ok != want || ok && origin != "https://"+name+":"+port {
				t.Errorf("%.20s:%s is %q, %v", name, port, origin, ok)
			}
		}
	}
	if _, ok := OriginOf("https", host(hostMax+1)+":65535"); ok {
		t.Error("a host that is too long passes with a port")
	}
}

func TestAClientProvesItselfByASecretOrOtherwise(t *testing.T) {
	for auth, want := range map[Auth]bool{AuthBasic: true, AuthPost: true, AuthNone: false, AuthPrivateKeyJWT: false, "": false, "tls_client_auth": false} {
		if got := (&Client{Auth: auth}).Confidential(); got != want {
			t.Errorf("%q: %v", auth, got)
		}
	}
}

func TestAnAccessTokenLivesAsLongAsItsAppSays(t *testing.T) {
	for minutes, want := range map[int]time.Duration{0: 10 * time.Minute, 1: time.Minute, 10: 10 * time.Minute, 60: time.Hour} {
		if got := (&Client{AccessMinutes: minutes}).AccessFor(); got != want {
			t.Errorf("%d: %s", minutes, got)
		}
	}
}

func TestAnAnswerHasOneName(t *testing.T) {
	for answer, want := range map[Answer]string{0: "refuse", Allow: "allow", Confirm: "confirm", SetUp: "set-up", SignIn: "sign-in", Forbid: "forbid", Refuse: "refuse", Refuse + 1: "refuse"} {
		if got := answer.String(); got != want {
			t.Errorf("%d is called %s; want %s", int(answer), got, want)
		}
	}
}
