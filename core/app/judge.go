package app

import (
	"slices"
	"strings"
	"time"

	"sallyport/core/session"
)

// Standing is what somebody has shown. The zero Standing is a stranger.
type Standing struct {
	Person string
	Groups []string
	Level  session.Level
	BothAt time.Time // when both factors were last shown
}

// StandingOf is what a session proves of a person with these groups.
func StandingOf(s session.Session, groups []string) Standing {
	at := Standing{Person: s.Person, Groups: groups, Level: s.Proven()}
	if at.Level == session.Two {
		at.BothAt = s.ConfirmedAt
	}
	return at
}

// Answer is what a door does. A larger one is stricter; of several readings of one
// address the largest holds.
type Answer int

// The answers. The zero Answer is no answer, and opens nothing.
const (
	_       Answer = iota
	Allow          // enter
	Confirm        // both factors again: they were shown too long ago
	SetUp          // a second factor, which this session never showed
	SignIn         // who are you?
	Forbid         // not a member of any group that may
	Refuse         // nobody can say what is meant, or nothing holds there
)

// String names the answer as commands and logs do.
func (a Answer) String() string {
	if a < Allow || a > Refuse {
		return "refuse"
	}
	return [...]string{"allow", "confirm", "set-up", "sign-in", "forbid", "refuse"}[a-Allow]
}

// Verdict is an answer with what it rests on.
type Verdict struct {
	Answer Answer
	Need   Need
	Rule   int // which of the app's rules, from 1; 0 is what holds elsewhere
}

// Judge decides whether somebody may go to a place of an app now. It is the one
// decision of every door: of the gate for each request, of OpenID Connect for the
// app as a whole (the zero Place), and of what pages offer.
func (a *App) Judge(to Place, who Standing, now time.Time) Verdict {
	switch {
	case a == nil:
		return Verdict{Answer: Refuse}
	case to == Place{}:
		return a.Access.judge(0, who, now)
	case !sensible(to.URI):
		return Verdict{Answer: Refuse}
	case len(a.Rules) == 0:
		return a.Access.judge(0, who, now)
	}
	if p, _, _ := strings.Cut(to.URI, "?"); simple(p) {
		return a.judgeAt(trimmed(p), to.Method, who, now)
	}
	all, ok := readings(to.URI)
	if !ok {
		return Verdict{Answer: Refuse}
	}
	var worst Verdict
	for _, p := range all {
		worst = stricter(worst, a.judgeAt(p, to.Method, who, now))
	}
	return worst
}

// stricter is the larger answer of two; of equal ones that which asks for more.
func stricter(a, b Verdict) Verdict {
	if b.Answer > a.Answer || b.Answer == a.Answer && b.Need.above(a.Need) {
		return b
	}
	return a
}

// judgeAt decides for one reading of a path. A method that no rule can name, post
// in small letters among them, may be taken for any other by the app: it gets the
// strictest of their answers.
func (a *App) judgeAt(path, method string, who Standing, now time.Time) Verdict {
	verdict := a.judgeAs(path, method, who, now)
	if slices.Contains(methods[:], method) {
		return verdict
	}
	for _, m := range methods {
		verdict = stricter(verdict, a.judgeAs(path, m, who, now))
	}
	return verdict
}

// judgeAs reads letters as they are and without regard to case, as apps do.
func (a *App) judgeAs(path, method string, who Standing, now time.Time) Verdict {
	exact, folded := 0, a.first(path, method, strings.EqualFold)
	if folded > 0 { // else none fits to the letter either
		exact = a.first(path, method, same)
	}
	verdict := a.Asks(exact).judge(exact, who, now)
	if exact == folded {
		return verdict
	}
	return stricter(verdict, a.Asks(folded).judge(folded, who, now))
}

func same(a, b string) bool { return a == b }

// first is which rule fits first, from 1, or 0.
func (a *App) first(path, method string, equal func(string, string) bool) int {
	for i := range a.Rules {
		if a.Rules[i].fits(path, method, equal) {
			return i + 1
		}
	}
	return 0
}

// Asks is what a rule asks, from 1, with what it leaves to the app; of 0, what holds
// elsewhere.
func (a *App) Asks(rule int) Access {
	if rule == 0 {
		return a.Access
	}
	access := a.Rules[rule-1].Access
	if len(access.Groups) == 0 {
		access.Groups = a.Groups
	}
	if access.Need == (Need{}) {
		access.Need = a.Need
	}
	return access
}

func (r *Rule) fits(path, method string, equal func(string, string) bool) bool {
	return (len(r.Methods) == 0 || r.means(method)) &&
		(len(r.Paths) == 0 || slices.ContainsFunc(r.Paths, func(p string) bool { return covers(p, path, equal) }))
}

// means says whether a rule names a method. Who may read may ask for the headers
// alone.
func (r *Rule) means(method string) bool {
	return slices.Contains(r.Methods, method) || method == "HEAD" && slices.Contains(r.Methods, "GET")
}

// covers says whether a pattern means a path: itself, or with /* all below it too.
func covers(pattern, path string, equal func(string, string) bool) bool {
	body, all := strings.CutSuffix(pattern, "/*")
	if !all {
		return equal(trimmed(pattern), path)
	}
	return equal(body, head(path, strings.Count(body, "/")))
}

// head is the first so many segments of a path; all where it has fewer.
func head(path string, segments int) string {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		if segments == 0 {
			return path[:i]
		}
		segments--
	}
	return path
}

func (a Access) judge(rule int, who Standing, now time.Time) Verdict {
	return Verdict{Answer: a.answer(who, now), Need: a.Need, Rule: rule}
}

func (a Access) answer(who Standing, now time.Time) Answer {
	switch {
	case a.Need.Factors == None:
		return Allow
	case a.Need.Factors != One && a.Need.Factors != Two:
		return Refuse
	case who.Person == "" || who.Level != session.One && who.Level != session.Two:
		return SignIn
	case !a.admits(who.Groups):
		return Forbid
	case a.Need.Factors == One:
		return Allow
	case who.Level != session.Two:
		return SetUp
	case a.Need.Within > 0 && (!now.Before(who.BothAt.Add(a.Need.Within)) || now.Before(who.BothAt)):
		return Confirm
	}
	return Allow
}

func (a Access) admits(groups []string) bool {
	return slices.ContainsFunc(a.Groups, func(g string) bool { return g == Everyone || slices.Contains(groups, g) })
}

// Tells says whether the app is told a fact.
func (a *App) Tells(f Fact) bool { return slices.Contains(a.Tell, f) }
