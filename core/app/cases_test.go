package app_test

import (
	"strings"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/app/cases"
	"sallyport/core/session"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func table(t testing.TB) cases.Table {
	t.Helper()
	all, err := cases.Read()
	if err != nil {
		t.Fatal(err)
	}
	for id, a := range all.Apps {
		if faults := a.Check(); len(faults) > 0 {
			t.Fatalf("%s: %v", id, faults)
		}
	}
	return all
}

func TestJudgeAnswersAsTheTableSays(t *testing.T) {
	all := table(t)
	if len(all.Cases) < 200 {
		t.Fatalf("only %d cases", len(all.Cases))
	}
	given := map[string]int{}
	for _, c := range all.Cases {
		v := c.App.Judge(c.Place, app.StandingOf(c.Session(noon), c.Groups), noon)
		if v.Answer.String() != c.Answer || v.Rule != c.Rule {
			t.Errorf("%s: %s by rule %d; want %s by %d", c, v.Answer, v.Rule, c.Answer, c.Rule)
		}
		if v.Answer != app.Refuse && v.Need != c.App.Asks(c.Rule).Need {
			t.Errorf("%s: the need is %q", c, v.Need)
		}
		given[c.Answer]++
	}
	for answer := app.Allow; answer <= app.Refuse; answer++ {
		if given[answer.String()] < 5 {
			t.Errorf("%d cases of %s", given[answer.String()], answer)
		}
	}
}

func TestJudgingASimplePathAllocatesNothing(t *testing.T) {
	a, who := table(t).Apps["wiki"], app.Standing{Person: "ada", Groups: []string{"staff", "admins"}, Level: session.Two, BothAt: noon}
	for _, place := range []app.Place{{}, {Method: "GET", URI: "/"}, {Method: "GET", URI: "/Admin/Users.html?q=%41"}, {Method: "POST", URI: "/page/7"}, {Method: "PROPFIND", URI: "/page"}} {
		if n := testing.AllocsPerRun(100, func() { a.Judge(place, who, noon) }); n != 0 {
			t.Errorf("%s %s: %v allocations", place.Method, place.URI, n)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	a, who := table(b).Apps["wiki"], app.Standing{Person: "ada", Groups: []string{"staff", "admins"}, Level: session.Two, BothAt: noon}
	for name, uri := range map[string]string{"simple": "/page/of/some/depth.html?q=1", "escaped": "/page%20of/some/depth.html", "worst": "/" + strings.Repeat("a%25x.;/..", 800)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				a.Judge(app.Place{Method: "GET", URI: uri}, who, noon)
			}
		})
	}
}
