package walker

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// confirmed judges both factors shown again.
func (m *Model) confirmed(x *Exchange, s *Session) *Breach {
	token := x.Set["session"]
	if token == "" {
		return nil
	}
	if before := m.Sessions[token]; before != nil {
		if s == nil || before.Chain != s.Chain || x.Before.After(before.Made.Add(repeat+slack)) {
			return breach("a session given again", "to %s by %s", before.Person.Name, x.Path)
		}
		return nil
	}
	if !m.Alive(s, x.Before) {
		return breach("a session that is over goes on", "by %s", x.Path)
	}
	p := s.Person
	if x.Form.Get("password") != p.Password {
		return breach("a confirmation without the password", "of %s", p.Name)
	}
	next := *s
	next.Made, next.Seen, next.Password = x.After, x.After, x.After
	app, step := p.AppCode(digits(x.Form.Get("code")), x.Before, x.After)
	code := p.Unspent(x.Form.Get("recovery"))
	switch to := x.Query.Get("to"); {
	case strings.HasPrefix(to, "/account/browsers/"):
	case x.Query.Get("with") == "recovery" && code != nil:
		code.Spent, next.Confirmed = true, x.After
	case x.Query.Get("with") != "recovery" && app != nil:
		app.Step, next.Confirmed = step, x.After
	default:
		return breach("a confirmation without a right code", "of %s to %s", p.Name, to)
	}
	s.Ended = "renewed"
	m.Sessions[token] = &next
	return nil
}

var (
	appPath     = regexp.MustCompile(`^/account/apps/([^/]+)/(replace|remove|name)$`)
	browserPath = regexp.MustCompile(`^/account/browsers/`)
)

// owned judges a change in an account.
func (m *Model) owned(x *Exchange, s *Session) *Breach {
	path := x.Path
	done := x.changed() || path == "/account/codes/new" && x.went("/account/codes") || path == "/account/app" && x.went("/account/app/code") ||
		path == "/account/phone" && x.went("/account/phone/code") || path == "/account/mail" && x.went("/account/mail")
	if !done || path == "/account/stay" || strings.HasPrefix(path, "/account/mail/") && x.Location == "/mail-confirmed" {
		return nil
	}
	if path == "/account/codes" { // Finish
		if s != nil {
			s.Shows = time.Time{}
		}
		return nil
	}
	switch {
	case !m.Alive(s, x.Before):
		return breach("a change in an account that is not open", "by %s", path)
	case s.Level == 1 && x.changed(): // it is led there from everywhere; what it may change is its own page alone
		return nil
	case browserPath.MatchString(path) && !m.PasswordFresh(s, x.Before), !browserPath.MatchString(path) && !m.Fresh(s, x.Before):
		return breach("a change without both factors shown just before", "of %s by %s", s.Person.Name, path)
	}
	p := s.Person
	others := func() { m.endSessions(p, s, "changed"); m.endAttempts(p, nil); p.Waiting = nil }
	switch {
	case path == "/account/phone":
		m.setup("session "+s.Chain, p).Number = E164(x.Form.Get("phone"))
	case path == "/account/phone/code":
		setup := m.setup("session "+s.Chain, p)
		if !m.sent(setup.Number, x.Form.Get("code"), s.Chain, x.Before) {
			return breach("a text message code that is not right", "of %s: %q to %s", p.Name, x.Form.Get("code"), setup.Number)
		}
		p.number(setup.Number, x.Actor, x.After)
		others()
	case path == "/account/app/code":
		setup := m.setup("session "+s.Chain, p)
		step := codeStep(setup.Key, digits(x.Form.Get("code")), x.Before, x.After)
		if setup.Key == "" || step == 0 {
			return breach("an app by a wrong code", "of %s by %q", p.Name, x.Form.Get("code"))
		}
		for _, a := range p.Apps {
			a.Ended = a.Ended || a.ID != "" && a.ID == s.Replaces
		}
		p.bind(setup.Key, x.Actor, step)
		setup.Key = ""
		others()
	case path == "/account/codes/new":
		p.endCodes()
		s.Shows = x.After.Add(codesShow)
		others()
	case path == "/account/password":
		m.newPassword(p, x.Form.Get("password"), x.Actor)
		if x.Form.Get("everywhere") != "" {
			m.endSessions(p, s, "password")
		}
		m.endAttempts(p, nil)
	case path == "/account/2fa/off":
		p.TurnedOff = true
		p.endApps()
		p.endCodes()
		others()
	case path == "/account/mail/remove":
		p.NoMail = true
	case path == "/account/phone/remove":
		p.Number, p.NumberBy = "", ""
		others()
	case path == "/account/browsers/sign-out":
		m.endSessions(p, s, "elsewhere")
		m.endAttempts(p, nil)
	default:
		return m.row(path, p, others)
	}
	return nil
}

// row judges a change of one of a person's rows: it is theirs.
func (m *Model) row(path string, p *Person, others func()) *Breach {
	at := appPath.FindStringSubmatch(path)
	if at == nil {
		return nil
	}
	for _, other := range m.People {
		if other != p && slices.ContainsFunc(other.Apps, func(a *App) bool { return a.ID == at[1] }) {
			return breach("a change of somebody else's", "%s by %s", path, p.Name)
		}
	}
	if at[2] == "remove" {
		for _, a := range p.Apps {
			a.Ended = a.Ended || a.ID == at[1]
		}
		others()
	}
	return nil
}
