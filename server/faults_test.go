//go:build !race

package server_test

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// errand is something that people do, with a beginning before which nothing fails.
type errand struct {
	name  string
	more  string // settings
	begin func(t *testing.T, d door) *visitor
	done  func(v *visitor) bool
	after func(v *visitor, when string) // what else must be so when it is done; or nil
}

func shows(pattern string) func(v *visitor) bool {
	mark := regexp.MustCompile(pattern)
	return func(v *visitor) bool { return at("security")(v) && mark.MatchString(v.page.words()) }
}

// ordered is an order of an operator, repeated until it is done.
func ordered(do string) func(v *visitor) bool {
	done := false
	return func(v *visitor) bool {
		if done {
			return false
		}
		a, err := v.door.obey(order{Do: do, Name: v.name})
		v.page = visited{name: "ordered", status: http.StatusOK, url: do}
		if err != nil {
			v.page = visited{name: "ordered", status: http.StatusServiceUnavailable, url: do, body: err.Error()}
			if strings.Contains(err.Error(), "not on hold") {
				do = "reset-2fa" // it is done, and its answer was lost
			}
			return true
		}
		v.setup, done = a.Text, true
		v.turn = func(v *visitor) bool {
			v.get("/sign-in")
			v.turn = nil
			return true
		}
		return true
	}
}

// errands are all that a failing database is tried in.
var errands = slices.Concat(mainErrands, accountErrands, wayErrands, appErrands)

// mainErrands are those without which nobody could use the portal.
var mainErrands = []errand{
	{name: "first sign-in and wizard", begin: func(t *testing.T, d door) *visitor {
		v := visit(t, d)
		v.order(order{Do: "add", Name: v.name, Mail: v.mail})
		v.start = "/sign-in"
		return v
	}, done: at("security")},
	{name: "later sign-in", begin: func(t *testing.T, d door) *visitor {
		return signedInTwice(t, d, false).comes("")
	}, done: at("security")},
	{name: "another number", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start, v.number = "/account/phone", numbered(visitors.Add(1))
		return v
	}, done: func(v *visitor) bool { return shows("Number ending " + v.number[7:])(v) }},
	{name: "another app", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start = "/account/app"
		return v
	}, done: shows(`Replace .* Replace `)},
	{name: "an app less", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start = "/account/app"
		v.until(shows(`Replace .* Replace `))
		v.move(6 * time.Minute)
		v.start, v.page, v.sent = "/account/apps/"+first(regexp.MustCompile(`/account/apps/([^/]+)/remove`), v.page.body)+"/remove", visited{}, nil
		v.app = v.newest
		return v
	}, done: func(v *visitor) bool { return at("security")(v) && strings.Count(v.page.words(), "Replace ") == 1 }},
	{name: "recovery by text message", begin: func(t *testing.T, d door) *visitor {
		return signedInTwice(t, d, false).comes("text")
	}, done: at("security")},
	{name: "recovery by recovery code", begin: func(t *testing.T, d door) *visitor {
		return signedInTwice(t, d, false).comes("code")
	}, done: at("security")},
	{name: "recovery with a delay", begin: func(t *testing.T, d door) *visitor {
		return signedInTwice(t, d, true).comes("text")
	}, done: at("security")},
	{name: "a dispute", begin: func(t *testing.T, d door) *visitor {
		v := enrol(t, d, false).twice()
		v.start = "/not-me/" + first(regexp.MustCompile(`/not-me/(\S+)`), v.text("+1"+v.number, "2FA was set up"))
		return v
	}, done: func(v *visitor) bool {
		return at("not-me")(v) && strings.Contains(v.page.words(), "Nobody can sign in to it now")
	}},
	{name: "an invitation", begin: func(t *testing.T, d door) *visitor {
		v := visit(t, d)
		v.link = "/invitation/" + v.order(order{Do: "add", Name: v.name, Mail: v.mail, N: 1}).Text
		v.start, v.next = v.link, word
		return v
	}, done: at("two-factor-prompt")},
	{name: "another password", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start = "/account/password"
		return v
	}, done: func(v *visitor) bool { return at("security")(v) && v.back == v.start }},
	{name: "a forgotten password", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start = "/forgot"
		return v
	}, done: func(v *visitor) bool {
		return at("sign-in")(v) && strings.Contains(v.page.words(), "Your password is changed") || at("app-code")(v) && v.typed == v.next
	}},
	{name: "signing out", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start = "/sign-out"
		return v
	}, done: at("signed-out")},
	{name: "a reset by an operator", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.turn = ordered("reset-2fa")
		return v
	}, done: at("two-factor-prompt")},
	{name: "a release by an operator", begin: func(t *testing.T, d door) *visitor {
		v := enrol(t, d, false).twice()
		v.get("/not-me/" + first(regexp.MustCompile(`/not-me/(\S+)`), v.text("+1"+v.number, "2FA was set up")))
		v.goOn()
		v.turn = ordered("release")
		return v
	}, done: at("two-factor-prompt")},
	{name: "turning an account off", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.turn = ordered("disable")
		return v
	}, done: func(v *visitor) bool { return v.page.name == "sign-in" }},
}

// standing is all that can be seen of somebody from outside: what is open here and
// elsewhere, and where each password leads.
func (v *visitor) standing() string {
	v.Helper()
	list := []string{"here " + v.open()}
	if v.other != nil {
		list = append(list, "elsewhere "+v.other.open())
	}
	list = append(list, "the password leads to "+v.reaches(v.word))
	if v.next != "" {
		list = append(list, "the new one to "+v.reaches(v.next))
	}
	if v.besides != nil {
		list = append(list, v.besides(v))
	}
	return strings.Join(list, "; ")
}

// course is how an errand goes when nothing fails.
type course struct {
	answers  []string // to each act
	standing []string // before the first, and after each
	stmts    int
}

var ownMark = regexp.MustCompile(`[\w-]{20,}`)

// answered is what an act was answered with, whoever did it.
func (v *visitor) answered() string {
	to, _, _ := strings.Cut(v.page.to, "?")
	return fmt.Sprint(v.page.status, v.page.name, " ", ownMark.ReplaceAllString(to, "ID"))
}

const actsMost = 80

var (
	every       = flag.Int("every", 1, "of how many statements one fails, in each way")
	errorsEvery = flag.Int("errors", 0, "of how many one fails by an error on SQLite; -every where it is 0")
)

// patience is how long a request may take where a statement hangs, and hang how long that does.
const (
	patience = time.Second
	hang     = patience + 200*time.Millisecond
)

// undisturbed does an errand without a fault.
func (e errand) undisturbed(t *testing.T, d door, how failure) (c course) {
	t.Helper()
	v := e.begin(t, d)
	c.standing = []string{v.standing()}
	for !e.done(v) {
		v.order(order{Do: "arm", How: how})
		v.goOn()
		c.answers = append(c.answers, v.answered())
		v.follow()
		c.stmts += v.order(order{Do: "seen"}).N
		c.standing = append(c.standing, v.standing())
		if len(c.answers) == actsMost {
			t.Fatalf("%s does not come to an end: %s", e.name, v.page.brief())
		}
	}
	return c
}

// disturbed does it with a fault, and says whether there was one. Where it has left its
// course before, because a letter was late on a busy machine, it is done again.
func (e errand) disturbed(t *testing.T, d door, c course, n int, how failure) bool {
	t.Helper()
	for range 5 {
		if failed, astray := e.faced(t, d, c, n, how); !astray {
			return failed
		}
	}
	t.Errorf("statement %d: %s takes another course each time", n, e.name)
	return false
}

// faced is one time of it.
func (e errand) faced(t *testing.T, d door, c course, n int, how failure) (fault, astray bool) {
	t.Helper()
	v, late := e.begin(t, d), time.Duration(0)
	if how.Hang > 0 {
		late = patience
	}
	v.late = late
	v.order(order{Do: "arm", N: n, How: how})
	failed := ""
	for i := 0; !e.done(v) || v.unsaved(); i++ {
		v.goOn()
		answer, page := v.answered(), v.page
		v.follow()
		if failed == "" {
			if failed = v.order(order{Do: "seen"}).Text; failed != "" {
				v.order(order{Do: "arm"})
				what := fmt.Sprintf("statement %d, %q, in act %d (%s)", n, failed, i, page.url)
				if i >= len(c.answers) && late == 0 {
					t.Errorf("%s: only %d were foreseen", what, len(c.answers))
					return true, false
				}
				if !how.Late { // else it may say that it is done already
					v.fair(what, page)
					v.fair(what, v.page)
				}
				now, may := v.standing(), c.standing // a busy machine may have made one late before, too
				if late == 0 {
					may = may[i : i+2]
				}
				if late == 0 && answer == c.answers[i] {
					may = may[1:]
				}
				if how.Late || page.name == "nothing" {
					now, may = elsewhere(now), elsewheres(may) // whoever hears nothing gets no cookie
				}
				if !slices.Contains(may, now) {
					t.Errorf("%s\nis answered by %s\nand leaves\n  %s\nnot\n  %s", what, page.brief(), now, strings.Join(may, "\n  "))
				}
			} else if late == 0 && i < len(c.answers) && answer != c.answers[i] {
				v.order(order{Do: "arm"})
				return false, true
			}
		}
		if i == actsMost {
			t.Errorf("after statement %d, %q, the person does not get on: %s", n, failed, v.page.brief())
			return true, false
		}
	}
	v.late = 0
	v.order(order{Do: "arm"})
	if failed == "" {
		return false, false
	}
	if now := v.standing(); now != c.standing[len(c.standing)-1] {
		t.Errorf("after statement %d, %q, and all done:\n  %s\nnot\n  %s", n, failed, now, c.standing[len(c.standing)-1])
	}
	v.onceEach(fmt.Sprintf("after statement %d, %q", n, failed))
	if e.after != nil {
		e.after(v, fmt.Sprintf("after statement %d, %q", n, failed))
	}
	return true, false
}

// elsewhere is a standing without what this browser sees.
func elsewhere(standing string) string {
	_, rest, _ := strings.Cut(standing, "; ")
	return rest
}

func elsewheres(of []string) (list []string) {
	for _, standing := range of {
		list = append(list, elsewhere(standing))
	}
	return list
}

// fair says that an answer blames nobody for the fault.
func (v *visitor) fair(what string, p visited) {
	v.Helper()
	switch p.status {
	case 0, http.StatusOK, http.StatusSeeOther:
		return
	case http.StatusServiceUnavailable:
	default:
		v.Errorf("%s is answered by %s", what, p.brief())
	}
}

// onceEach enters each code again that was entered: none is taken twice.
func (v *visitor) onceEach(when string) {
	v.Helper()
	taken := map[string]int{}
	for _, s := range v.sent {
		if s.taken {
			taken[s.value]++
		}
	}
	for _, s := range v.sent {
		if len(s.secret.Key) > 0 && s.secret.Code(s.secret.Step(v.now())) != s.value && s.secret.Code(s.secret.Step(v.now())-1) != s.value || s.page == "text-code" || s.page == "setup-phone-code" {
			continue // its time has passed, or it is of no use elsewhere
		}
		for taken[s.value] < 2 {
			before := taken[s.value]
			c := v.elsewhere()
			if v.next != "" && v.reaches(v.word) == "sign-in 422" {
				c.word = v.next
			}
			c.get("/sign-in")
			c.goOn()
			c.follow()
			if s.field == "recovery" && c.page.name == "app-code" {
				c.get("/2fa/recovery-code")
			}
			if slices.Contains([]string{"app-code", "recovery-code", "setup-code"}, c.page.name) {
				if c.post(c.page.url, s.field, s.value); c.page.status == http.StatusSeeOther {
					taken[s.value]++
				}
			}
			if taken[s.value] == before {
				break
			}
		}
		if taken[s.value] > 1 {
			v.Errorf("%s the code %s was taken %d times", when, s.value, taken[s.value])
		}
	}
}

// errandsIn runs errands in premises of their own, once undisturbed.
func errandsIn(t *testing.T, list []errand, d func(t *testing.T, more string) door, counted failure, disturb func(t *testing.T, e errand, d door, c course)) {
	t.Parallel()
	for _, e := range list {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			begun, at := time.Now(), d(t, e.more)
			c := e.undisturbed(t, at, counted)
			if c.stmts == 0 {
				t.Fatal("no statement was counted: this test is blind")
			}
			disturb(t, e, at, c)
			t.Logf("%d acts, %d statements, %v", len(c.answers), c.stmts, time.Since(begun).Round(time.Millisecond))
		})
	}
}

func here(t *testing.T, more string) door { return site(t, more, false) }
func let(t *testing.T, more string) door  { return rent(t, more) }

// failing lets one statement in every -every of each errand fail, but so many at least.
func failing(t *testing.T, open func(t *testing.T, more string) door, how failure, least int) {
	failingOf(t, *every, open, how, least)
}

// failingOf lets one in so many fail. Where each fails it goes on past what was foreseen,
// until there is none left.
func failingOf(t *testing.T, many int, open func(t *testing.T, more string) door, how failure, least int) {
	errandsIn(t, errands, open, how, func(t *testing.T, e errand, d door, c course) {
		step, failed := max(1, min(many, c.stmts/least)), 0
		for n := 1 + step/5; (step == 1 || n <= c.stmts) && e.disturbed(t, d, c, n, how); n += step {
			failed++
		}
		if failed == 0 && e.disturbed(t, d, c, 1, how) { // it has fewer of its own than were counted
			failed++
		}
		t.Logf("%d statements failed", failed)
		if failed == 0 || failed < c.stmts/step/4 && how.Only == "" { // what goes on beside requests was counted too
			t.Errorf("%d statements failed of %d: this test is blind", failed, c.stmts)
		}
	})
}

// TestAFailingStatementOpensNothing lets a statement of each errand fail.
func TestAFailingStatementOpensNothing(t *testing.T) {
	failingOf(t, cmp.Or(*errorsEvery, *every), here, failure{}, 1)
}

// TestADatabaseThatGoesOpensNothing lets it fail from one statement on until the answer.
func TestADatabaseThatGoesOpensNothing(t *testing.T) {
	failing(t, here, failure{On: true}, 1)
}

// TestALostAnswerOpensNothing commits, and does not hear of it.
func TestALostAnswerOpensNothing(t *testing.T) {
	failing(t, here, failure{Late: true, Only: "COMMIT"}, 1)
}

// TestAHangingStatementOpensNothing lets a statement take longer than a request may.
func TestAHangingStatementOpensNothing(t *testing.T) {
	t.Parallel()
	t.Run("before it is done", func(t *testing.T) { failing(t, here, failure{Hang: hang}, 3) })
	t.Run("after a commit", func(t *testing.T) { failing(t, here, failure{Hang: hang, Late: true, Only: "COMMIT"}, 1) })
}

// TestAKillOpensNothing ends the process with a statement.
func TestAKillOpensNothing(t *testing.T) {
	t.Parallel()
	t.Run("before it is done", func(t *testing.T) { failing(t, let, failure{Kill: true}, 3) })
	t.Run("after a commit", func(t *testing.T) { failing(t, let, failure{Kill: true, Late: true, Only: "COMMIT"}, 1) })
}
