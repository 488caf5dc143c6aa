package app

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// wiki is an app with nothing wrong.
func wiki() App {
	return App{
		ID: "wiki", Name: "Wiki", Addresses: []string{"https://wiki.example.org"},
		Access: Access{Groups: []string{"staff"}, Need: Need{Factors: Two}},
	}
}

// chat is a client of OpenID Connect with nothing wrong.
func chat() App {
	return App{
		ID: "chat", Name: "Chat", Access: Access{Groups: []string{Everyone}, Need: Need{Factors: One}},
		Client: &Client{Redirects: []string{"https://chat.example.org/callback"}, Auth: AuthBasic, Secret: strings.Repeat("0a", 32)},
	}
}

func TestWhatCannotBeJudgedIsRefused(t *testing.T) {
	rule := func(r Rule) func(*App) { return func(a *App) { a.Rules = []Rule{r} } }
	client := func(change func(*Client)) func(*App) {
		return func(a *App) { *a = chat(); change(a.Client) }
	}
	many := func(like string) []string { return slices.Repeat([]string{like}, listMax+1) }
	for name, row := range map[string]struct {
		change func(*App)
		fault  string // part of the one fault; none is allowed
	}{
		"nothing wrong":                       {func(*App) {}, ""},
		"a client alone":                      {client(func(*Client) {}), ""},
		"no id":                               {func(a *App) { a.ID = "" }, "id"},
		"an id in capitals":                   {func(a *App) { a.ID = "Wiki" }, "id"},
		"an id that begins with a digit":      {func(a *App) { a.ID = "1wiki" }, "id"},
		"an id that ends with a hyphen":       {func(a *App) { a.ID = "wiki-" }, "id"},
		"an id that is a path":                {func(a *App) { a.ID = "wiki/x" }, "id"},
		"a long id":                           {func(a *App) { a.ID = strings.Repeat("w", idMax+1) }, "id"},
		"no name":                             {func(a *App) { a.Name = "" }, "name"},
		"a name of a space":                   {func(a *App) { a.Name = " " }, "name"},
		"a name with the marks of direction":  {func(a *App) { a.Name = "Wiki\u202e" }, "name"},
		"a name that is no text":              {func(a *App) { a.Name = "Wiki\xff" }, "name"},
		"a long name":                         {func(a *App) { a.Name = strings.Repeat("ü", nameMax+1) }, "name"},
		"the longest name":                    {func(a *App) { a.Name = strings.Repeat("ü", nameMax) }, ""},
		"no address":                          {func(a *App) { a.Addresses = nil }, "no address"},
		"an address with a path":              {func(a *App) { a.Addresses = []string{"https://wiki.example.org/x"} }, "scheme and host"},
		"too many addresses":                  {func(a *App) { a.Addresses = many("https://wiki.example.org") }, "more than"},
		"too many facts":                      {func(a *App) { a.Tell = slices.Repeat([]Fact{TellName}, listMax+1) }, "more than"},
		"no groups":                           {func(a *App) { a.Groups = nil }, "no groups"},
		"a group without a name":              {func(a *App) { a.Groups = []string{""} }, "group"},
		"a group with a comma":                {func(a *App) { a.Groups = []string{"staff,admins"} }, "group"},
		"a group with a space before it":      {func(a *App) { a.Groups = []string{" staff"} }, "group"},
		"too many groups":                     {func(a *App) { a.Groups = many("staff") }, "more than"},
		"no need":                             {func(a *App) { a.Need = Need{} }, "need"},
		"a need that nobody knows":            {func(a *App) { a.Need.Factors = "three" }, "need"},
		"one within":                          {func(a *App) { a.Need = Need{One, time.Hour} }, "within goes with two"},
		"within a second":                     {func(a *App) { a.Need.Within = time.Second }, "within is from"},
		"within two days":                     {func(a *App) { a.Need.Within = 48 * time.Hour }, "within is from"},
		"within less than nothing":            {func(a *App) { a.Need.Within = -time.Hour }, "within is from"},
		"a fact that nobody knows":            {func(a *App) { a.Tell = []Fact{"phone"} }, "told"},
		"all facts":                           {func(a *App) { a.Tell = []Fact{TellName, TellEmail, TellGroups} }, ""},
		"share above the address":             {func(a *App) { a.Share = "example.org" }, ""},
		"share that is the address":           {func(a *App) { a.Share = "wiki.example.org" }, ""},
		"share beside the address":            {func(a *App) { a.Share = "example.com" }, "not above"},
		"share that only ends alike":          {func(a *App) { a.Share = "ki.example.org" }, "not above"},
		"share of a whole country":            {func(a *App) { a.Share = "org" }, "no domain"},
		"share with a dot before it":          {func(a *App) { a.Share = ".example.org" }, "no domain"},
		"share in capitals":                   {func(a *App) { a.Share = "Example.org" }, "no domain"},
		"share of part of an address of IPv4": {func(a *App) { a.Share, a.Addresses = "2.3", []string{"https://10.1.2.3"} }, "no domain"},

		"a rule for a path":                       {rule(Rule{Paths: []string{"/admin/*"}, Access: Access{Need: Need{Factors: Two}}}), ""},
		"a rule that leaves all to the app":       {rule(Rule{Paths: []string{"/admin/*"}}), ""},
		"a rule for nothing":                      {rule(Rule{Access: Access{Need: Need{Factors: One}}}), "neither paths nor methods"},
		"a rule with a need that nobody knows":    {rule(Rule{Methods: []string{"POST"}, Access: Access{Need: Need{Factors: "all"}}}), "rule 1: need"},
		"a rule with time alone":                  {rule(Rule{Methods: []string{"POST"}, Access: Access{Need: Need{Within: time.Hour}}}), "rule 1: need"},
		"a rule with a strange group":             {rule(Rule{Methods: []string{"POST"}, Access: Access{Groups: []string{"a,b"}}}), "rule 1: group"},
		"a rule for a method that nobody knows":   {rule(Rule{Methods: []string{"FETCH"}}), "method"},
		"a rule for a method in small letters":    {rule(Rule{Methods: []string{"post"}}), "method"},
		"a rule with too many paths":              {rule(Rule{Paths: many("/a")}), "more than"},
		"a path without its slash":                {rule(Rule{Paths: []string{"admin"}}), "begins with /"},
		"a path with a star in it":                {rule(Rule{Paths: []string{"/*/admin"}}), "begins with /"},
		"a path with a star beside a name":        {rule(Rule{Paths: []string{"/admin*"}}), "begins with /"},
		"a path with a query":                     {rule(Rule{Paths: []string{"/admin?x"}}), "begins with /"},
		"a path in its percent form":              {rule(Rule{Paths: []string{"/%61dmin"}}), "begins with /"},
		"a path with a parameter":                 {rule(Rule{Paths: []string{"/admin;x"}}), "begins with /"},
		"a path with the other stroke":            {rule(Rule{Paths: []string{`/admin\x`}}), "begins with /"},
		"a path with two slashes":                 {rule(Rule{Paths: []string{"/a//b"}}), "plainest"},
		"a path of two slashes":                   {rule(Rule{Paths: []string{"//"}}), "plainest"},
		"a path of two slashes and all below":     {rule(Rule{Paths: []string{"//*"}}), "plainest"},
		"two slashes before the star":             {rule(Rule{Paths: []string{"/admin//*"}}), "plainest"},
		"a path with dots":                        {rule(Rule{Paths: []string{"/a/../b"}}), "plainest"},
		"dots before the star":                    {rule(Rule{Paths: []string{"/a/./*"}}), "plainest"},
		"a path in wide letters":                  {rule(Rule{Paths: []string{"/ａdmin/*"}}), "plainest"},
		"a path that is composed of marks":        {rule(Rule{Paths: []string{"/cafe\u0301"}}), "plainest"},
		"a path with what cannot be seen":         {rule(Rule{Paths: []string{"/ad\u200bmin"}}), "plainest"},
		"a path of other letters":                 {rule(Rule{Paths: []string{"/café/*"}}), ""},
		"a path in capitals":                      {rule(Rule{Paths: []string{"/Admin/*"}}), ""},
		"a path with a slash at its end":          {rule(Rule{Paths: []string{"/admin/"}}), ""},
		"the path of the front page":              {rule(Rule{Paths: []string{"/"}}), ""},
		"all paths":                               {rule(Rule{Paths: []string{"/*"}}), ""},
		"a long path":                             {rule(Rule{Paths: []string{"/" + strings.Repeat("a", pathMax)}}), "begins with /"},
		"rules of a client that has no address":   {func(a *App) { *a = chat(); a.Rules = []Rule{{Paths: []string{"/x"}}} }, "for requests to an address"},
		"a shared cookie without an address":      {func(a *App) { *a = chat(); a.Share = "example.org" }, "for requests to an address"},
		"a token with each request to no address": {func(a *App) { *a = chat(); a.Token = true }, "for requests to an address"},
		"a client that is told of nobody":         {func(a *App) { *a = chat(); a.Need = Need{Factors: None} }, "need none"},

		"no redirect":                        {client(func(c *Client) { c.Redirects = nil }), "redirect"},
		"too many redirects":                 {client(func(c *Client) { c.Redirects = many("https://chat.example.org/") }), "redirect"},
		"a redirect by http":                 {client(func(c *Client) { c.Redirects = []string{"http://chat.example.org/"} }), "redirect"},
		"a redirect by http on loopback":     {client(func(c *Client) { c.Redirects = []string{"http://127.0.0.1:8000/cb"} }), ""},
		"a redirect that pretends loopback":  {client(func(c *Client) { c.Redirects = []string{"http://127.example.org/"} }), "redirect"},
		"a redirect with a fragment":         {client(func(c *Client) { c.Redirects = []string{"https://chat.example.org/#x"} }), "redirect"},
		"a redirect with an empty fragment":  {client(func(c *Client) { c.Redirects = []string{"https://chat.example.org/#"} }), "redirect"},
		"a redirect with a star":             {client(func(c *Client) { c.Redirects = []string{"https://*.example.org/"} }), "redirect"},
		"a redirect with a name in it":       {client(func(c *Client) { c.Redirects = []string{"https://chat.example.org@evil.example/"} }), "redirect"},
		"a redirect with the other stroke":   {client(func(c *Client) { c.Redirects = []string{`https://evil.example\@chat.example.org/`} }), "redirect"},
		"a redirect to a script":             {client(func(c *Client) { c.Redirects = []string{"javascript:alert(1)"} }), "redirect"},
		"a redirect without its scheme":      {client(func(c *Client) { c.Redirects = []string{"//chat.example.org/"} }), "redirect"},
		"an address after signing out":       {client(func(c *Client) { c.AfterSignOut = []string{"https://chat.example.org/bye"} }), ""},
		"a bad address after signing out":    {client(func(c *Client) { c.AfterSignOut = []string{"chat"} }), "after_sign_out"},
		"a back channel":                     {client(func(c *Client) { c.BackChannel = "https://chat.example.org/out" }), ""},
		"a bad back channel":                 {client(func(c *Client) { c.BackChannel = "ftp://chat.example.org" }), "back_channel"},
		"no way to prove itself":             {client(func(c *Client) { c.Auth = "" }), "auth"},
		"a way that nobody knows":            {client(func(c *Client) { c.Auth = "tls_client_auth" }), "auth"},
		"no secret":                          {client(func(c *Client) { c.Secret = "" }), "no secret"},
		"a secret that is not the kept form": {client(func(c *Client) { c.Secret = "correct horse battery staple" }), "kept form"},
		"a public client with a secret":      {client(func(c *Client) { c.Auth = AuthNone }), "a secret goes with"},
		"a public client":                    {client(func(c *Client) { c.Auth, c.Secret = AuthNone, "" }), ""},
		"a public client without PKCE":       {client(func(c *Client) { c.Auth, c.Secret, c.WithoutPKCE = AuthNone, "", true }), "PKCE"},
		"keys beside a secret":               {client(func(c *Client) { c.Keys = keys }), "keys go with"},
		"no keys":                            {client(func(c *Client) { c.Auth, c.Secret = AuthPrivateKeyJWT, "" }), "keys go with"},
		"keys":                               {client(func(c *Client) { c.Auth, c.Secret, c.Keys = AuthPrivateKeyJWT, "", keys }), ""},
		"keys that are none":                 {client(func(c *Client) { c.Auth, c.Secret, c.Keys = AuthPrivateKeyJWT, "", "{}" }), "key set"},
		"keys that are no JSON":              {client(func(c *Client) { c.Auth, c.Secret, c.Keys = AuthPrivateKeyJWT, "", "keys" }), "key set"},
		"a private key": {client(func(c *Client) {
			c.Auth, c.Secret, c.Keys = AuthPrivateKeyJWT, "", strings.Replace(keys, `"x"`, `"d":"AQ","x"`, 1)
		}), "private"},
		"a key that both sides know":          {client(func(c *Client) { c.Auth, c.Secret, c.Keys = AuthPrivateKeyJWT, "", `{"keys":[{"kty":"oct","k":"AQ"}]}` }), "private"},
		"an algorithm that nobody knows":      {client(func(c *Client) { c.Algorithm = "HS256" }), "algorithm"},
		"an algorithm":                        {client(func(c *Client) { c.Algorithm = "EdDSA" }), ""},
		"access tokens of a day":              {client(func(c *Client) { c.AccessMinutes = 1440 }), "access tokens"},
		"access tokens of less than nothing":  {client(func(c *Client) { c.AccessMinutes = -1 }), "access tokens"},
		"access tokens of an hour":            {client(func(c *Client) { c.AccessMinutes = 60 }), ""},
		"an app with an address and a client": {func(a *App) { a.Client = chat().Client }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := wiki()
			row.change(&a)
			faults := a.Check()
			if row.fault == "" {
				if len(faults) > 0 {
					t.Fatalf("refused: %v", faults)
				}
				return
			}
			if len(faults) != 1 || !strings.Contains(faults[0].Error(), row.fault) || !strings.Contains(faults[0].Error(), "hint: ") {
				t.Fatalf("faults %v; want one with a hint about %q", faults, row.fault)
			}
		})
	}
}

// keys is a key set of a client.
const keys = `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	faults := App{ID: "X", Rules: []Rule{{Methods: []string{"a", "b"}}}}.Check()
	if len(faults) != 8 {
		t.Errorf("%d faults: %v", len(faults), faults)
	}
}

func TestNeedsAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]Need{
		"none": {None, 0}, "one": {One, 0}, "two": {Two, 0}, "two within 15m": {Two, 15 * time.Minute},
		"two within 1m": {Two, time.Minute}, "two within 24h": {Two, 24 * time.Hour}, "two within 1h30m": {Two, 90 * time.Minute}, "two within 1m30s": {Two, 90 * time.Second},
	} {
		got, err := ParseNeed(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v, %v, written %q", text, got, err, got)
		}
	}
	for _, text := range []string{"", "zero", "Two", "two ", " two", "two within", "two within ", "two within 15", "two within 0s", "two within 0m", "two within -15m", "two within 25h",
		"two within 59s", "two  within 15m", "one within 15m", "none within 15m", " within 15m", "two within 15m within 20m", "TWO within 15m"} {
		if got, err := ParseNeed(text); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}

func TestRulesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]Rule{
		"":             {},
		"paths=/a":     {Paths: []string{"/a"}},
		"methods=POST": {Methods: []string{"POST"}},
		"paths=/admin/*,/setup methods=POST,PUT groups=admins,Domain Admins need=two within 15m": {
			Paths: []string{"/admin/*", "/setup"}, Methods: []string{"POST", "PUT"},
			Access: Access{Groups: []string{"admins", "Domain Admins"}, Need: Need{Two, 15 * time.Minute}},
		},
		"paths=/a=b need=none": {Paths: []string{"/a=b"}, Access: Access{Need: Need{Factors: None}}},
	} {
		got, err := ParseRule(text)
		if err != nil || got.String() != text || !slices.Equal(got.Paths, want.Paths) || !slices.Equal(got.Methods, want.Methods) ||
			!slices.Equal(got.Groups, want.Groups) || got.Need != want.Need {
			t.Errorf("%q is %+v, %v, written %q", text, got, err, got)
		}
	}
	for _, text := range []string{"/admin/*", "path=/admin", "paths=/a paths=/b", "need=three", "need=", "need=two within", "two need=two", "paths=/a x=y"} {
		if got, err := ParseRule(text); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
	if r, err := ParseRule("paths= methods="); err != nil || len(r.check("")) != 2 {
		t.Errorf("an empty list passes: %+v, %v", r.check(""), err)
	}
}

func TestAddressesHaveOneForm(t *testing.T) {
	for address, want := range map[string]string{
		"https://wiki.example.org":             "https://wiki.example.org",
		"https://wiki.example.org/":            "https://wiki.example.org",
		"HTTPS://WIKI.Example.org:443/":        "https://wiki.example.org",
		"https://wiki.example.org.":            "https://wiki.example.org",
		"https://wiki.example.org:8443":        "https://wiki.example.org:8443",
		"https://a_b-c.example.org":            "https://a_b-c.example.org",
		"https://10.0.0.1":                     "https://10.0.0.1",
		"https://[2001:DB8::1]:8443":           "https://[2001:db8::1]:8443",
		"http://localhost:80":                  "http://localhost",
		"http://app.localhost:8080":            "http://app.localhost:8080",
		"http://127.0.0.1:8080":                "http://127.0.0.1:8080",
		"http://[::1]:8080":                    "http://[::1]:8080",
		"http://wiki.example.org":              "",
		"http://127.example.org":               "",
		"http://127.0.0.1.example.org":         "",
		"http://localhost.example.org":         "",
		"http://evillocalhost":                 "",
		"https://":                             "",
		"wiki.example.org":                     "",
		"//wiki.example.org":                   "",
		"ftp://wiki.example.org":               "",
		"https:wiki.example.org":               "",
		"https://wiki.example.org/x":           "",
		"https://wiki.example.org//":           "",
		"https://wiki.example.org?":            "",
		"https://wiki.example.org/?":           "",
		"https://wiki.example.org#":            "",
		"https://wiki.example.org?x":           "",
		"https://ada@wiki.example.org":         "",
		"https://@wiki.example.org":            "",
		"https://wiki.example.org:":            "",
		"https://wiki.example.org:0443":        "",
		"https://wiki.example.org:44444444":    "",
		"https://wiki..example.org":            "",
		"https://wiki.example.org..":           "",
		"https://.example.org":                 "",
		"https://-wiki.example.org":            "",
		"https://*.example.org":                "",
		"https://wiki example.org":             "",
		"https://wiki%2eexample.org":           "",
		"https://wiki.example.org%00":          "",
		"https://käse.example.org":             "",
		"https://\u212aiki.example.org":        "", // the sign of Kelvin, a k in small letters
		"https://wiki\u3002example.org":        "",
		"https://wiki.example.org\\evil.org":   "",
		"https://[::1%25eth0]":                 "",
		"https://[wiki.example.org]":           "",
		"https://" + long(64) + ".org":         "",
		"https://" + long(63) + ".org":         "https://" + long(63) + ".org",
		"https://" + strings.Repeat("a.", 128): "",
	} {
		got, err := Origin(address)
		if got != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%q is %q, %v; want %q", address, got, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("w", n) }

func TestTheHostOfARequestFindsItsApp(t *testing.T) {
	for _, row := range []struct{ scheme, host, want string }{
		{"https", "wiki.example.org", "https://wiki.example.org"},
		{"https", "WIKI.example.org.:443", "https://wiki.example.org"},
		{"https", "wiki.example.org:80", "https://wiki.example.org:80"},
		{"http", "wiki.example.org:80", "http://wiki.example.org"},
		{"https", "[2001:db8::1]", "https://[2001:db8::1]"},
		{"HTTPS", "wiki.example.org", ""}, {"", "wiki.example.org", ""}, {"wss", "wiki.example.org", ""},
		{"https", "", ""}, {"https", ":443", ""}, {"https", ".", ""}, {"https", "wiki.example.org:", ""}, {"https", "wiki.example.org:0", ""},
		{"https", "wiki.example.org:+443", ""}, {"https", "wiki.example.org:443:443", ""}, {"https", "wiki.example.org,evil.org", ""},
		{"https", "wiki.example.org/", ""}, {"https", " wiki.example.org", ""}, {"https", "wiki.example.org\x00", ""}, {"https", "ada@wiki.example.org", ""},
		{"https", "\u212aiki.example.org", ""}, {"https", "ｗiki.example.org", ""}, {"https", "wiki%2eexample.org", ""},
		{"https", "2001:db8::1", ""}, {"https", "[2001:db8::1", ""}, {"https", "[]", ""}, {"https", "[::1]x", ""},
	} {
		got, ok := OriginOf(row.scheme, row.host)
		if got != row.want || ok != (row.want != "") {
			t.Errorf("%s %q is %q, %v; want %q", row.scheme, row.host, got, ok, row.want)
		}
	}
	for origin, want := range map[string]string{
		"https://wiki.example.org": "wiki.example.org", "https://wiki.example.org:8443": "wiki.example.org", "https://[2001:db8::1]:8443": "[2001:db8::1]", "https://[2001:db8::1]": "[2001:db8::1]",
	} {
		if got := HostOf(origin); got != want {
			t.Errorf("the host of %s is %q", origin, got)
		}
	}
}

func TestABookLeavesOutWhatCannotBeJudged(t *testing.T) {
	with := func(id string, addresses ...string) App {
		a := wiki()
		a.ID, a.Name, a.Addresses = id, "App "+id, addresses
		return a
	}
	unknown := with("unknown", "https://unknown.example.org")
	unknown.Rules = []Rule{{Paths: []string{"/x"}, Access: Access{Need: Need{Factors: "three"}}}}
	book, faults := NewBook(
		[]App{with("b", "https://b.example.org"), with("a", "https://a.example.org", "https://A.example.org:443")},
		[]App{with("b", "https://other.example.org"), with("c", "https://B.example.org:443"), unknown, with("d", "https://d.example.org")},
	)
	var ids []string
	for _, a := range book.All() {
		ids = append(ids, a.ID)
	}
	if !slices.Equal(ids, []string{"a", "b", "d"}) || len(faults) != 3 {
		t.Fatalf("apps %v; faults %v", ids, faults)
	}
	for i, part := range []string{"app b: there is another of that id", "app c: https://b.example.org is the address of app b", `app unknown: rule 1: need: "three"`} {
		if !strings.Contains(faults[i].Error(), part) || !strings.Contains(faults[i].Error(), "hint: ") {
			t.Errorf("fault %d is %v", i, faults[i])
		}
	}
	if !book.App("b").Declared || book.App("d").Declared || book.App("b").Addresses[0] != "https://b.example.org" {
		t.Error("what was declared is not what is in the book")
	}
	if book.App("c") != nil || book.At("https://other.example.org") != nil || book.At("https://unknown.example.org") != nil {
		t.Error("an app that was left out has a door")
	}
	if (*Book)(nil).All() != nil || (*Book)(nil).App("a") != nil || (*Book)(nil).At("https://a.example.org") != nil {
		t.Error("no book is no apps")
	}
}

func TestABookLeavesOutWhatHasTheHostOfThePortal(t *testing.T) {
	for portal, out := range map[string]bool{
		"": false, "https://login.example.org": false, "https://example.org": false, "https://x.wiki.example.org": false,
		"https://wiki.example.org": true, "https://wiki.example.org:8443": true, "https://WIKI.example.org": true, "http://wiki.example.org:8080": true,
	} {
		for declared := range 2 {
			shelf := Shelf{Portal: portal, Stored: []App{wiki()}, Edition: 7}
			if declared == 1 {
				shelf.Declared, shelf.Stored = shelf.Stored, nil
			}
			book, faults := shelf.Book()
			if got := book.App("wiki") == nil && book.At("https://wiki.example.org") == nil && book.Site("https", "wiki.example.org").App == nil; got != out || len(faults) > 0 != out || book.Edition() != 7 {
				t.Errorf("beside a portal at %q it is left out: %v, %v", portal, got, faults)
			}
			for _, to := range []string{"wiki", "https://wiki.example.org", "https://wiki.example.org:443/page?x"} {
				if err := book.LeftOut(to); (err != nil) != out || out && (!strings.HasPrefix(err.Error(), "app wiki: https://wiki.example.org has the host of the portal itself: it is left out") || !strings.Contains(err.Error(), "; hint: ")) {
					t.Errorf("beside a portal at %q %s: %v", portal, to, err)
				}
			}
			if err := book.LeftOut("https://other.example.org"); err != nil || book.LeftOut("") != nil {
				t.Errorf("another is left out: %v", err)
			}
		}
	}
}

func TestAnAddressIsFoundInTheBookOrNowhere(t *testing.T) {
	book, _ := NewBook([]App{wiki()}, nil)
	for address, want := range map[string]string{
		"https://wiki.example.org":                                "/",
		"https://wiki.example.org/a?b=c":                          "/a?b=c",
		"https://WIKI.example.org:443//a":                         "//a",
		"https://wiki.example.org/%2e%2e/a;x":                     "/%2e%2e/a;x",
		"http://wiki.example.org/":                                "",
		"https://wiki.example.org:8443/":                          "",
		"https://other.example.org/":                              "",
		"//wiki.example.org/":                                     "",
		"/a":                                                      "",
		"":                                                        "",
		"https://":                                                "",
		"https://ada@wiki.example.org/":                           "",
		"https://wiki.example.org@evil.org/":                      "",
		"https://wiki.example.org.evil.org/":                      "",
		`https://wiki.example.org\evil.org/`:                      "",
		`https://wiki.example.org/\evil.org`:                      "",
		"https://wiki.example.org?x":                              "",
		"https://wiki.example.org#x":                              "",
		"https://wiki.example.org/a#x":                            "",
		"https://wiki.example.org/a\r\nSet-Cookie:":               "",
		"javascript://wiki.example.org/%0aalert(1)":               "",
		"https://wiki.example.org/" + strings.Repeat("a", uriMax): "",
	} {
		a, origin, uri := book.Find(address)
		if uri != want || (a != nil) != (want != "") || a != nil && origin != "https://wiki.example.org" {
			t.Errorf("%q is %q of %q", address, uri, origin)
		}
	}
}
