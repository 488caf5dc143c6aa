package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/session"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestWhatIsNotUnderstoodOpensNothing(t *testing.T) {
	ada := Standing{Person: "ada", Groups: []string{"staff"}, Level: session.Two, BothAt: noon}
	open := App{Access: Access{Groups: []string{Everyone}, Need: Need{Factors: None}}}
	a := wiki()
	for name, v := range map[string]Verdict{
		"no app":                          (*App)(nil).Judge(Place{Method: "GET", URI: "/"}, ada, noon),
		"an app that says nothing":        (&App{}).Judge(Place{Method: "GET", URI: "/"}, ada, noon),
		"a need that nobody knows":        (&App{Access: Access{Groups: []string{"staff"}, Need: Need{Factors: "three"}}}).Judge(Place{}, ada, noon),
		"a rule with one":                 (&App{Access: a.Access, Rules: []Rule{{Methods: []string{"GET"}, Access: Access{Need: Need{Factors: "three"}}}}}).Judge(Place{Method: "GET", URI: "/"}, ada, noon),
		"no groups":                       (&App{Access: Access{Need: Need{Factors: One}}}).Judge(Place{}, ada, noon),
		"a method without an address":     open.Judge(Place{Method: "GET"}, ada, noon),
		"an address of another":           open.Judge(Place{Method: "GET", URI: "https://evil.example"}, ada, noon),
		"an address that is too long":     open.Judge(Place{Method: "GET", URI: "/" + strings.Repeat("a", uriMax)}, ada, noon),
		"a person without a level":        a.Judge(Place{}, Standing{Person: "ada", Groups: []string{"staff"}, BothAt: noon}, noon),
		"a level without a person":        a.Judge(Place{}, Standing{Groups: []string{"staff"}, Level: session.Two, BothAt: noon}, noon),
		"a session that proves nothing":   a.Judge(Place{}, StandingOf(session.Session{Row: session.Row{Person: "ada", Level: session.Two}}, []string{"staff"}), noon),
		"a level that nobody knows":       a.Judge(Place{}, Standing{Person: "ada", Groups: []string{"staff"}, Level: 3, BothAt: noon}, noon),
		"an empty name among the groups":  a.Judge(Place{}, Standing{Person: "ada", Groups: []string{""}, Level: session.Two, BothAt: noon}, noon),
		"a group that only begins alike":  a.Judge(Place{}, Standing{Person: "ada", Groups: []string{"staffers", "sta"}, Level: session.Two, BothAt: noon}, noon),
		"a group in other letters":        a.Judge(Place{}, Standing{Person: "ada", Groups: []string{"Staff"}, Level: session.Two, BothAt: noon}, noon),
		"everyone as a group of a person": a.Judge(Place{}, Standing{Person: "ada", Groups: []string{Everyone}, Level: session.Two, BothAt: noon}, noon),
	} {
		if v.Answer == Allow {
			t.Errorf("%s: allowed", name)
		}
	}
	for _, answer := range []Answer{-1, 0, Refuse + 1} {
		if answer.String() != "refuse" {
			t.Errorf("%d is called %s", int(answer), answer)
		}
	}
	fresh := App{Access: Access{Groups: []string{"staff"}, Need: Need{Two, time.Minute}}}
	for name, at := range map[string]time.Time{"never": {}, "later than now": noon.Add(time.Second), "exactly a minute ago": noon.Add(-time.Minute)} {
		who := ada
		who.BothAt = at
		if v := fresh.Judge(Place{}, who, noon); v.Answer != Confirm {
			t.Errorf("both factors shown %s: %s", name, v.Answer)
		}
	}
}

func TestOneRuleDecidesForARequest(t *testing.T) {
	ada := Standing{Person: "ada", Groups: []string{"staff", "admins"}, Level: session.One}
	a := wiki()
	a.Rules = []Rule{
		{Paths: []string{"/a/*"}, Access: Access{Need: Need{Factors: One}}},
		{Paths: []string{"/a/b", "/c/"}, Methods: []string{"GET"}, Access: Access{Groups: []string{"admins"}, Need: Need{Factors: One}}},
	}
	for _, row := range []struct {
		method, uri string
		rule        int
	}{
		{"GET", "/a", 1}, {"GET", "/a/", 1}, {"GET", "/a/b", 1}, {"GET", "/a?b", 1}, {"GET", "/ab", 0}, {"GET", "/", 0}, {"GET", "/c", 2}, {"GET", "/c/", 2}, {"GET", "/c/d", 0},
		{"HEAD", "/c", 2}, {"POST", "/c", 0}, {"OPTIONS", "/c", 0},
	} {
		if v := a.Judge(Place{row.method, row.uri}, ada, noon); v.Rule != row.rule {
			t.Errorf("%s %s: rule %d; want %d", row.method, row.uri, v.Rule, row.rule)
		}
	}
}

func TestReadingsAreAllThatAPathMayMean(t *testing.T) {
	for uri, want := range map[string][]string{
		"/":                      {"/"},
		"/admin":                 {"/admin"},
		"/admin/":                {"/admin"},
		"/Admin/x.js":            {"/Admin/x.js"},
		"/admin?%zz//":           {"/admin"},
		"/a=b,c@d:e+f!g$h&i'(j)": {"/a=b,c@d:e+f!g$h&i'(j)"},
		"//admin":                {"//admin", "/admin", "/"},
		"//x/admin":              {"//x/admin", "/x/admin", "/admin"},
		"///x:80/admin":          {"///x:80/admin", "/x:80/admin", "/admin"},
		"/%2fx/admin":            {"/%2fx/admin", "//x/admin", "/x/admin", "/admin"},
		`/\x/admin`:              {`/\x/admin`, "//x/admin", "/x/admin", "/admin"},
		"/a//../admin":           {"/a//../admin", "/admin", "/a/admin"},
		"/%61dmin":               {"/%61dmin", "/admin"},
		"/%2561dmin":             {"/%2561dmin", "/%61dmin", "/admin"},
		"/%252561dmin":           {"/%252561dmin", "/%2561dmin", "/%61dmin", "/admin"},
		"/x/../admin":            {"/x/../admin", "/admin"},
		"/x/..;/admin":           {"/x/..;/admin", "/x/../admin", "/x/..", "/admin", "/"},
		"/x;/../admin":           {"/x;/../admin", "/admin", "/x/../admin", "/x"},
		`/x\admin`:               {`/x\admin`, "/x/admin"},
		"/x%2fadmin":             {"/x%2fadmin", "/x/admin"},
		"/x%5cadmin":             {"/x%5cadmin", `/x\admin`, "/x/admin"},
		"/admin%3fx":             {"/admin%3fx", "/admin?x", "/admin"},
		"/admin%23x":             {"/admin%23x", "/admin#x", "/admin"},
		"/admin.":                {"/admin.", "/admin"},
		"/admin%20":              {"/admin%20", "/admin ", "/admin"},
		"/x/..%20/admin":         {"/x/..%20/admin", "/x/.. /admin", "/x//admin", "/x/../admin", "/x/admin", "/admin"},
		"/%ef%bc%85%36%31dmin":   {"/%ef%bc%85%36%31dmin", "/％61dmin", "/%61dmin", "/admin"},
		"/x%ef%bc%8fadmin":       {"/x%ef%bc%8fadmin", "/x／admin", "/x/admin"},
		"/%e2%80%a5/admin":       {"/%e2%80%a5/admin", "/‥/admin", "/../admin", "/admin"},
		"/ad%e2%80%8bmin":        {"/ad%e2%80%8bmin", "/ad\u200bmin", "/admin"},
		"/ad%e2%80%8b%ef%bd%8d":  {"/ad%e2%80%8b%ef%bd%8d", "/ad\u200bｍ", "/ad\u200bm", "/adｍ", "/adm"},
		"/adm%c4%b1n":            {"/adm%c4%b1n", "/admın", "/admin"},
		"/100%25":                {"/100%25", "/100%"},
		"/caf%c3%a9":             {"/caf%c3%a9", "/café"},
	} {
		got, ok := readings(uri)
		for _, path := range want {
			if !ok || !slices.Contains(got, path) {
				t.Errorf("%s is not read as %s: %q", uri, path, got)
			}
		}
		if strings.Count(uri, ";")+strings.Count(uri, ".")+strings.Count(strings.ToLower(uri), "%e") == 0 && len(got) != len(want) {
			t.Errorf("%s is read as %q", uri, got)
		}
	}
	for _, uri := range []string{"", "admin", "?", "*", "/%", "/%2", "/%zz", "/a%", "/%00", "/a%0a", "/%7f", "/%2500", "/%ff", "/%c0%ae%c0%ae/admin", "/%25ff", "/%u0061dmin",
		"/a b", "/a#b", "/a\x00", "/a\x7f", "/a%25;.%2e%20%5c;x/..;/%252e./%20;%25%5c.../x", "/" + strings.Repeat("a", uriMax), "/" + strings.Repeat("a%25x.;/..", 800)} {
		if got, ok := readings(uri); ok {
			t.Errorf("%s is read as %q", uri, got)
		}
	}
}
