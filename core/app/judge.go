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
// app as a whole (a Place without a URI), and of what pages offer.
func (a *App) Judge(to Place, who Standing, now time.Time) Verdict {
	if a == nil {
		return Verdict{Answer: Refuse}
	}
	if len(a.Rules) == 0 || to.URI == "" {
		if to.URI != "" && !sensible(to.URI) {
			return Verdict{Answer: Refuse}
		}
		return a.Access.judge(0, who, now)
	}
	if p, _, _ := strings.Cut(to.URI, "?"); len(to.URI) <= uriMax && simple(p) {
		return a.judgeAt(trimmed(p), to.Method, who, now)
	}
	all, ok := readings(to.URI)
	if !ok {
		return Verdict{Answer: Refuse}
	}
	var worst Verdict
	for _, p := range all {
		if v := a.judgeAt(p, to.Method, who, now); v.Answer > worst.Answer {
			worst = v
		}
	}
	if worst.Answer == 0 {
		return Verdict{Answer: Refuse}
	}
	return worst
}

// sensible says whether an address can be one at all.
func sensible(uri string) bool {
	return uri[0] == '/' && len(uri) <= uriMax && !strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' })
}

// judgeAt decides for one reading of a path.
func (a *App) judgeAt(path, method string, who Standing, now time.Time) Verdict {
	for i := range a.Rules {
		if r := &a.Rules[i]; r.fits(path, method) {
			access := r.Access
			if len(access.Groups) == 0 {
				access.Groups = a.Groups
			}
			return access.judge(i+1, who, now)
		}
	}
	return a.Access.judge(0, who, now)
}

func (r *Rule) fits(path, method string) bool {
	if len(r.Methods) > 0 && !slices.ContainsFunc(r.Methods, func(m string) bool {
		// Who may read may ask for the headers alone.
		return m == method || m == "GET" && method == "HEAD"
	}) {
		return false
	}
	return len(r.Paths) == 0 || slices.ContainsFunc(r.Paths, func(p string) bool { return covers(p, path) })
}

// covers says whether a pattern means a path: itself, or with /* all below it too.
func covers(pattern, path string) bool {
	body, all := strings.CutSuffix(pattern, "/*")
	if !all {
		return trimmed(pattern) == path
	}
	return strings.HasPrefix(path, body) && (len(path) == len(body) || path[len(body)] == '/')
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
