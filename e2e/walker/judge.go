package walker

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Breach is what the program did and the model forbids.
type Breach struct {
	Rule string // a few words, the same for each breach of its kind
	Text string
}

func (b *Breach) Error() string { return b.Rule + ": " + b.Text }

func breach(rule, format string, args ...any) *Breach {
	return &Breach{rule, fmt.Sprintf(format, args...)}
}

// Saw holds one answer of the program against the model, and remembers it.
func (m *Model) Saw(x *Exchange) *Breach {
	if x.Lost {
		m.lost(x)
		return nil
	}
	if x.Site != nil {
		found := m.atSite(x)
		if found == nil {
			found = m.secrets(x)
		}
		return found
	}
	x.open = m.Alive(m.Sessions[x.cookie("session")], x.Before)
	var found *Breach
	if x.Method == "POST" {
		if found = m.forged(x); found == nil {
			found = m.posted(x)
		}
	}
	if found == nil {
		found = m.handedOver(x)
	}
	if found == nil {
		found = m.shown(x)
	}
	if found == nil {
		found = m.secrets(x)
	}
	m.touch(x)
	return found
}

// touch moves the idle ends of what a request came with.
func (m *Model) touch(x *Exchange) {
	if s := m.Sessions[x.cookie("session")]; s != nil && x.After.After(s.Seen) {
		s.Seen = x.After
	}
	if a := m.Attempts[x.cookie("attempt")]; a != nil && x.After.After(a.Seen) {
		a.Seen = x.After
	}
}

// lost remembers what an answer that nobody got may have told.
func (m *Model) lost(x *Exchange) {
	m.Lost = true
	if s := m.Sessions[x.cookie("session")]; s != nil && x.Path == "/confirm" {
		s.Confirmed = x.After // it may have been, under a name that nobody heard
	}
	if a := m.Attempts[x.cookie("attempt")]; a != nil && x.Path == "/2fa/recovery-code" && a.Person.Unspent(x.Form.Get("recovery")) != nil {
		a.Code = true
	}
}

// forged checks that a form of another browser, or with a token made up, changes
// nothing.
func (m *Model) forged(x *Exchange) *Breach {
	if x.Foreign && x.Status != 403 && !(x.Path == "/sign-in" && x.Status == 422) {
		return breach("a form of another browser", "%s with the token of another browser answers %d to %q", x.Path, x.Status, x.Location)
	}
	return nil
}

// went says whether a post was taken, and leads to a path.
func (x *Exchange) went(prefixes ...string) bool {
	at, notice, _ := strings.Cut(x.Location, "?")
	if x.Status != 303 || slices.ContainsFunc([]string{"step.first", "started-again", "now-required", "form.stale", "another-window", "apps.full", "removed-already"},
		func(word string) bool { return strings.Contains(notice, "notice="+word) }) {
		return false
	}
	return slices.ContainsFunc(prefixes, func(p string) bool { return at == p || strings.HasSuffix(p, "/") && strings.HasPrefix(at, p) })
}

// changed says whether a change in the account was made.
func (x *Exchange) changed() bool { return x.went("/account/security") }

// posted judges what a form did.
func (m *Model) posted(x *Exchange) *Breach {
	a, s := m.Attempts[x.cookie("attempt")], m.Sessions[x.cookie("session")]
	if opens := x.Set["session"]; opens != "" && x.Path != "/confirm" {
		return m.opened(x, a, s, opens)
	}
	switch path := x.Path; {
	case path == "/sign-in":
		return m.begun(x)
	case path == "/sign-out":
		if x.Status == 303 {
			if s != nil && s.Ended == "" {
				s.Ended = "signed out"
			}
			if a != nil && a.Ended == "" {
				a.Ended = "left"
			}
		}
	case strings.HasPrefix(path, "/2fa"):
		if a == nil {
			if x.went("/2fa", "/2fa/") {
				return breach("an attempt that nobody began", "%s leads to %s", path, x.Location)
			}
			return nil
		}
		return m.advanced(x, a)
	case path == "/confirm":
		return m.confirmed(x, s)
	case strings.HasPrefix(path, "/account/") && !strings.HasSuffix(path, "/not-me"):
		return m.owned(x, s)
	case strings.HasPrefix(path, "/invitation/"):
		return m.invited(x)
	case strings.HasPrefix(path, "/password/"):
		return m.mailed(x)
	case strings.Contains(path, "not-me"):
		m.disputed(x, s)
	}
	return nil
}

// begun is a sign-in that was taken: an attempt, which opens nothing.
func (m *Model) begun(x *Exchange) *Breach {
	token := x.Set["attempt"]
	if token == "" {
		return nil
	}
	p := m.People[strings.ToLower(strings.TrimSpace(x.Form.Get("username")))]
	switch before := m.Attempts[token]; {
	case p == nil || p.Password == "" || x.Form.Get("password") != p.Password:
		return breach("an attempt without the password", "of %q", x.Form.Get("username"))
	case p.Held || p.Disabled:
		return breach("an attempt of an account that is off", "of %s", p.Name)
	case before != nil && before.Person != p:
		return breach("an attempt of two people", "%s and %s", p.Name, before.Person.Name)
	case before != nil:
		return nil
	}
	m.Attempts[token] = &Attempt{Person: p, Made: x.After, Seen: x.After, By: x.Actor}
	if m.Policy.Grace > 0 && !p.Enrolled && p.MustBy.IsZero() {
		p.MustBy = x.After.Add(m.Policy.Grace)
	}
	return nil
}

// opened judges a new session.
func (m *Model) opened(x *Exchange, a *Attempt, old *Session, token string) *Breach {
	if before := m.Sessions[token]; before != nil {
		// The same form, sent again: the same answer, for a minute.
		if before.From != x.cookie("attempt") && x.Path != "/sign-in" || x.Before.After(before.Made.Add(repeat+slack)) {
			return breach("a session given again", "to %s by %s", before.Person.Name, x.Path)
		}
		return nil
	}
	s := &Session{Chain: token, From: x.cookie("attempt"), By: x.Actor, Made: x.After, Seen: x.After, Ends: x.After.Add(length), Confirmed: x.After, Password: x.After, Level: 2}
	if x.Path == "/sign-in" {
		return m.revived(x, s, old, token)
	}
	if a == nil {
		return breach("a session without an attempt", "by %s", x.Path)
	}
	p := a.Person
	s.Person = p
	if !m.Under(a, x.Before) {
		return breach("a session from an attempt that is over", "of %s by %s, %s", p.Name, x.Path, a.Ended)
	}
	if p.MustChange && x.Path != "/2fa/password" {
		return breach("a session before the new password", "of %s", p.Name)
	}
	switch x.Path {
	case "/2fa", "/2fa/text":
		app, step := p.AppCode(digits(x.Form.Get("code")), x.Before, x.After)
		if app == nil || a.Replacing {
			return breach("a session without a right code", "of %s by the code %q", p.Name, x.Form.Get("code"))
		}
		app.Step = step
		p.Mailed, p.Waiting = false, nil
	case "/2fa/replace":
		if !a.Code || !p.Working() || x.Form.Get("still") != "yes" {
			return breach("a session by skipping a step", "of %s by %s", p.Name, x.Path)
		}
		p.Mailed = false
	case "/2fa/setup/code":
		if found := m.enrolled(x, a); found != nil {
			return found
		}
		p.SetupDue, p.TurnedOff, p.Mailed, p.Waiting, s.Shows = false, false, false, nil, x.After.Add(codesShow)
		m.endSessions(p, nil, "factor")
		m.endAttempts(p, a)
		m.dropSetups(p)
	case "/2fa/not-now":
		if p.Enrolled || !m.OneFactor(p, x.Before) {
			return breach("a session on the password alone", "of %s", p.Name)
		}
		s.Level, s.Confirmed = 1, time.Time{}
	case "/2fa/password":
		switch {
		case a.Factor:
		case p.TurnedOff && m.OneFactor(p, x.Before):
			s.Level, s.Confirmed = 1, time.Time{}
		default:
			return breach("a session by skipping a step", "of %s by %s", p.Name, x.Path)
		}
		m.newPassword(p, x.Form.Get("password"), x.Actor)
		m.endSessions(p, nil, "password")
		m.endAttempts(p, a)
	default:
		return breach("a session from a page that opens none", "of %s by %s", p.Name, x.Path)
	}
	if s.Level == 2 && p.Held {
		return breach("a session of an account on hold", "of %s", p.Name)
	}
	a.Ended = "done"
	if old != nil && old.Ended == "" {
		old.Ended = "renewed"
	}
	m.Sessions[token] = s
	return nil
}

// revived is a session by a password alone: one that only idled goes on, or the
// owner turned 2FA off where the policy lets them.
func (m *Model) revived(x *Exchange, s *Session, old *Session, token string) *Breach {
	p := m.People[strings.ToLower(strings.TrimSpace(x.Form.Get("username")))]
	if p == nil || p.Password == "" || x.Form.Get("password") != p.Password || p.Held || p.Disabled {
		return breach("a session without the password", "of %q", x.Form.Get("username"))
	}
	s.Person = p
	switch {
	case p.TurnedOff && m.OneFactor(p, x.Before) && !p.MustChange && (old == nil || old.Person != p || old.Level == 1 || old.Ended != "" || x.Before.After(old.Ends)):
		s.Level, s.Confirmed = 1, time.Time{}
	case old != nil && old.Person == p && old.Level == 2 && old.Ended == "" && x.Before.Before(old.Ends.Add(slack)) && !p.MustChange:
		s.Ends, s.Confirmed, s.Shows, s.Chain = old.Ends, old.Confirmed, old.Shows, old.Chain
	default:
		return breach("a session on the password alone", "of %s", p.Name)
	}
	if old != nil && old.Ended == "" {
		old.Ended = "renewed"
	}
	m.Sessions[token] = s
	return nil
}

// enrolled judges the last step of a set-up, and binds the app.
func (m *Model) enrolled(x *Exchange, a *Attempt) *Breach {
	p, setup := a.Person, m.setupOf(x, a)
	switch {
	case !m.Enrols(a):
		return breach("a first enrolment of somebody who had a factor", "of %s", p.Name)
	case setup == nil || setup.Key == "":
		return breach("an app without its key", "of %s", p.Name)
	case !m.numbered(a, setup, x.Before):
		return breach("an app without a number", "of %s", p.Name)
	}
	step := codeStep(setup.Key, digits(x.Form.Get("code")), x.Before, x.After)
	if step == 0 {
		return breach("an app by a wrong code", "of %s by %q", p.Name, x.Form.Get("code"))
	}
	p.endApps()
	p.endCodes()
	p.bind(setup.Key, x.Actor, step)
	if setup.Number != "" && setup.Number != p.Number && !setup.Proved.IsZero() {
		p.number(setup.Number, x.Actor, x.After)
	}
	return nil
}

// numbered says whether a set-up may have proved the number that it asks for.
func (m *Model) numbered(a *Attempt, setup *Setup, now time.Time) bool {
	return a.ByText || a.Person.SetupDue && a.Person.Number != "" || setup != nil && !setup.Proved.IsZero() && now.Before(setup.Proved.Add(setupLife+slack))
}

// setupOf is the set-up of an attempt: its own while it recovers, else the one of
// the browser's set-up cookie.
func (m *Model) setupOf(x *Exchange, a *Attempt) *Setup { return m.Setups[m.setupName(x, a)] }

func (m *Model) setupName(x *Exchange, a *Attempt) string {
	if a.Replacing {
		return "attempt " + x.cookie("attempt")
	}
	cookie := x.cookie("setup")
	if new := x.Set["setup"]; new != "" {
		cookie = new
	}
	return "cookie " + cookie + " " + a.Person.Name
}

func (m *Model) setup(name string, p *Person) *Setup {
	if m.Setups[name] == nil {
		m.Setups[name] = &Setup{Person: p}
	}
	return m.Setups[name]
}

// advanced judges a post that moved an attempt on and opened nothing yet.
func (m *Model) advanced(x *Exchange, a *Attempt) *Breach {
	p := a.Person
	onward := x.went("/2fa", "/2fa/")
	if onward && !m.Under(a, x.Before) && !a.Waits {
		return breach("an attempt that is over goes on", "of %s by %s to %s", p.Name, x.Path, x.Location)
	}
	if !onward || a.Waits && x.went("/2fa/recovery-wait") {
		return nil // that one waits since a right code: whatever is sent leads to its page, and proves nothing
	}
	code := x.Form.Get("code")
	switch x.Path {
	case "/2fa", "/2fa/text":
		if x.went("/2fa/password") {
			app, step := p.AppCode(digits(code), x.Before, x.After)
			if app == nil && !a.Factor {
				return breach("a step without a right code", "of %s by %q", p.Name, code)
			}
			if app != nil {
				app.Step = step
			}
			a.Factor = true
			return nil
		}
		if x.Path == "/2fa/text" && x.went("/2fa/replace", "/2fa/recovery-wait") && !a.Text && !(a.Code && x.went("/2fa/replace")) {
			return m.texted(x, a)
		}
	case "/2fa/recovery-code":
		if !x.went("/2fa/replace") || a.Code || a.Text {
			return nil
		}
		c := p.Unspent(x.Form.Get("recovery"))
		if c == nil {
			return breach("a recovery code that is not right", "of %s: %q", p.Name, x.Form.Get("recovery"))
		}
		c.Spent, a.Code = true, true
	case "/2fa/replace":
		switch {
		case x.went("/2fa/password") && x.Form.Get("still") == "yes" && a.Code && p.Working(): // else nobody asked
			a.Factor = true
		case x.went("/2fa/setup/") || x.went("/2fa/password"):
			if !a.Code && !a.Text && !a.Replacing {
				return breach("a step skipped", "%s of %s leads to %s", x.Path, p.Name, x.Location)
			}
			if a.Replacing {
				return nil
			}
			a.Replacing, a.Code, a.Text = true, false, false
			p.endApps()
			m.endSessions(p, nil, "recovery")
			m.endAttempts(p, a)
			m.dropSetups(p)
		}
	case "/2fa/setup-code":
		if a.SetupCode || !x.went("/2fa/start", "/2fa/setup/", "/2fa/password") {
			return nil
		}
		if p.SetupCode == "" || letters(code) != letters(p.SetupCode) || x.Before.After(p.SetupTill.Add(slack)) {
			return breach("a setup code that is not right", "of %s: %q", p.Name, code)
		}
		a.SetupCode, p.SetupCode = true, ""
	case "/2fa/setup/app", "/2fa/start/again":
		if x.Path == "/2fa/start/again" {
			delete(m.Setups, m.setupName(x, a))
		}
	case "/2fa/setup/phone":
		setup := m.setup(m.setupName(x, a), p)
		switch {
		case x.Form.Get("checked") == "yes":
		case x.Form.Get("still") == "yes":
			setup.Number, setup.Proved = p.Number, time.Time{}
		default:
			if n := E164(x.Form.Get("phone")); n != setup.Number {
				setup.Number, setup.Proved = n, time.Time{}
			}
		}
	case "/2fa/setup/phone/code":
		if !x.went("/2fa/setup/scan", "/2fa/setup/code") {
			return nil
		}
		setup := m.setup(m.setupName(x, a), p)
		if setup.Number == "" && m.numbered(a, setup, x.Before) {
			return nil // the number is the person's already: no code is asked for, and none is looked at
		}
		if setup.Proved.IsZero() {
			if !m.sent(setup.Number, code, x.cookie("attempt"), x.Before) {
				return breach("a text message code that is not right", "of %s: %q to %s", p.Name, code, setup.Number)
			}
			setup.Proved = x.After
		}
	case "/2fa/password":
		if !a.Factor && !m.Enrols(a) {
			return breach("a step skipped", "%s of %s leads to %s", x.Path, p.Name, x.Location)
		}
		if p.MustChange {
			m.newPassword(p, x.Form.Get("password"), x.Actor)
			m.endSessions(p, nil, "password")
			m.endAttempts(p, a)
		}
	}
	return nil
}

// sent says whether a code went to a number for an attempt or a session, and lives.
func (m *Model) sent(number, code, whom string, now time.Time) bool {
	c := m.Codes[number+" "+digits(code)]
	return c != nil && c.For[whom] && now.Before(c.At.Add(textLife+slack))
}

// texted judges a text message code that was taken as a proof of recovery.
func (m *Model) texted(x *Exchange, a *Attempt) *Breach {
	p, code := a.Person, x.Form.Get("code")
	if !m.sent(p.Number, code, x.cookie("attempt"), x.Before) {
		return breach("a text message code that is not right", "of %s: %q", p.Name, code)
	}
	if x.After.Before(p.UsableAt.Add(-slack)) {
		return breach("a number on hold", "of %s recovers, usable from %s", p.Name, p.UsableAt)
	}
	wait := m.Delay(p)
	alive := p.Waiting != nil && x.Before.Before(p.Waiting.Until.Add(slack))
	if x.went("/2fa/recovery-wait") {
		if !alive {
			p.Waiting = &Waiting{x.Before, x.Before.Add(max(wait, delay)), x.After.Add(max(wait, delay) + open)}
		}
		a.Ended, a.Waits = "waiting", true
		return nil
	}
	if wait > 0 && (!alive || x.After.Before(p.Waiting.Open.Add(-slack))) {
		return breach("a recovery before its time", "of %s", p.Name)
	}
	a.Text, a.ByText = true, true
	return nil
}

// invited judges a password that was set by an invitation.
func (m *Model) invited(x *Exchange) *Breach {
	token := x.Set["attempt"]
	if token == "" || m.Attempts[token] != nil {
		return nil
	}
	link := m.Links[x.Path]
	if link == nil || link.Spent || link.Kind != "invitation" || x.Before.After(link.Till.Add(slack)) || link.Person.Held || link.Person.Disabled {
		return breach("an invitation that is not good", "%s", x.Path)
	}
	p := link.Person
	link.Spent = true
	m.newPassword(p, x.Form.Get("password"), x.Actor)
	m.endSessions(p, nil, "password")
	m.endAttempts(p, nil)
	m.Attempts[token] = &Attempt{Person: p, Made: x.After, Seen: x.After, By: x.Actor, Invited: true}
	return nil
}

// mailed judges a password that was set by a mailed link.
func (m *Model) mailed(x *Exchange) *Breach {
	if !x.went("/sign-in") || !strings.Contains(x.Location, "notice=sign-in.password-new") {
		return nil
	}
	link := m.Links[x.Path]
	if link == nil || link.Spent || link.Kind != "password" || x.Before.After(link.Till.Add(slack)) || link.Person.Held || link.Person.Disabled {
		return breach("a mailed link that is not good", "%s", x.Path)
	}
	p := link.Person
	link.Spent = true
	m.newPassword(p, x.Form.Get("password"), x.Actor)
	p.Mailed = true
	m.endSessions(p, nil, "password")
	m.endAttempts(p, nil)
	return nil
}

// disputed remembers a dispute: it takes away and never gives back.
func (m *Model) disputed(x *Exchange, s *Session) {
	link := m.Links[x.Path]
	if link == nil && s != nil && strings.HasPrefix(x.Path, "/account/") {
		link = &Link{Kind: "dispute", Person: s.Person, Made: x.Before.Add(-8 * 24 * time.Hour)}
		m.Links[x.Path] = link
	}
	if link == nil || link.Spent || x.Status != 200 || !strings.Contains(x.Body, "Your account is on hold") || link.Person.Held {
		return
	}
	if strings.Contains(x.Body, "This was reported on") { // before, by another link to the same change
		link.Spent = true
		return
	}
	p := link.Person
	link.Spent, p.Held, p.Waiting = true, true, nil
	m.endSessions(p, nil, "dispute")
	m.endAttempts(p, nil)
	m.dropSetups(p)
	if strings.Contains(link.About, "password was") {
		p.Password = ""
	}
	if strings.Contains(link.About, "number was changed") && !p.NumberAt.After(link.Made) || p.NumberAt.After(link.Made.Add(slack)) && link.About != "" {
		p.Number, p.NumberBy = "", ""
	}
	p.NumberMay = true
}
