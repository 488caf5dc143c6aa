package walker

import (
	"html"
	"regexp"
	"slices"
	"strings"
)

// shown judges a page: who may be where.
func (m *Model) shown(x *Exchange) *Breach {
	name := pageName(x.Body)
	if name == "" || x.Status >= 500 {
		return nil
	}
	a, s := m.Attempts[x.effective("attempt")], m.Sessions[x.effective("session")]
	at := x.After
	alive, under := x.open || m.Alive(s, x.Before) || m.Alive(s, at), m.Under(a, x.Before) || a != nil && a.Ended == "" && m.Under(a, at)
	switch {
	case strings.HasPrefix(name, "console-"), name == "demo-outbox":
		return breach("a page that is nobody's here", "%s at %s", name, x.Path)
	case strings.HasPrefix(x.Path, "/account/") && !strings.HasPrefix(x.Path, "/account/mail/") || x.Path == "/confirm":
		return m.account(x, s, name, alive)
	case name == "signed-in" && !alive, name == "setup-finish" && !alive:
		return breach("a page without a session", "%s at %s", name, x.Path)
	case name == "setup-finish":
		return m.codes(x, s)
	case !strings.HasPrefix(x.Path, "/2fa"):
		return nil
	}
	switch name {
	case "app-code", "other-way", "text-code", "recovery-code", "setup-code", "held":
		if !under && !(name == "held" && a != nil) {
			return breach("a page without an attempt", "%s at %s", name, x.Path)
		}
	case "recovery-wait":
		if a == nil || !under && !a.Waits {
			return breach("a page without an attempt", "%s at %s", name, x.Path)
		}
	case "replace":
		if !under || !a.Code && !a.Text {
			return breach("a step skipped", "%s at %s", name, x.Path)
		}
	case "two-factor-prompt":
		if !under || (a.Person.Enrolled || a.Person.SetupDue) && !m.Enrols(a) {
			return breach("a first enrolment of somebody who had a factor", "%s at %s", name, x.Path)
		}
	case "setup-app", "setup-phone", "setup-phone-code":
		if !under || !m.Enrols(a) {
			return breach("a first enrolment of somebody who had a factor", "%s at %s", name, x.Path)
		}
	case "setup-scan", "setup-app-code":
		if !under || !m.Enrols(a) {
			return breach("a first enrolment of somebody who had a factor", "%s at %s", name, x.Path)
		}
		setup := m.setup(m.setupName(x, a), a.Person)
		if !m.numbered(a, setup, x.Before) {
			return breach("a step skipped", "%s at %s without a number", name, x.Path)
		}
		return m.key(x, m.setupName(x, a), setup)
	case "password":
		if !under || !a.Factor && !m.Enrols(a) && !(a.Person.TurnedOff && m.Policy.Optional) {
			return breach("a step skipped", "%s at %s", name, x.Path)
		}
	}
	return nil
}

// account judges a page of the account.
func (m *Model) account(x *Exchange, s *Session, name string, alive bool) *Breach {
	if slices.Contains([]string{"signed-out", "error", "sign-in", "busy", "wait"}, name) {
		return nil
	}
	if !alive {
		return breach("an account that is not open", "%s at %s", name, x.Path)
	}
	if s.Level == 1 && x.Path != "/account/security" {
		return breach("an account at level one", "%s at %s", name, x.Path)
	}
	switch name {
	case "security":
		if level := Level(x.Body); level > s.Level {
			return breach("a session that grew", "of %s at level %d", s.Person.Name, level)
		}
		m.named(x, s)
		return nil
	case "activity", "not-me":
		return nil
	case "setup-finish":
		return m.codes(x, s)
	}
	if x.Path == "/confirm" {
		return nil
	}
	if !m.Fresh(s, x.Before) {
		return breach("a change without both factors shown just before", "%s of %s at %s", name, s.Person.Name, x.Path)
	}
	if name == "setup-scan" {
		if at := appPath.FindStringSubmatch(x.Path); at != nil {
			s.Replaces = at[1]
		} else if s.Replaces != "" {
			s.Replaces = "one of them"
		}
		return m.key(x, "session "+s.Chain, m.setup("session "+s.Chain, s.Person))
	}
	return nil
}

var keyMark = regexp.MustCompile(`id="setup-key">([A-Z2-7 ]+)<`)

// key remembers the key of an app on a page. None is ever shown in two places.
func (m *Model) key(x *Exchange, name string, setup *Setup) *Breach {
	at := keyMark.FindStringSubmatch(x.Body)
	if at == nil {
		return nil
	}
	key := strings.ReplaceAll(at[1], " ", "")
	if where := m.Keys[key]; where != "" && where != name {
		return breach("a key that was shown elsewhere", "in %s and %s", where, name)
	}
	for _, p := range m.People {
		for _, a := range p.Apps {
			if a.Key == key {
				return breach("a key of an app that is on", "of %s at %s", p.Name, x.Path)
			}
		}
	}
	m.Keys[key], setup.Key = name, key
	return nil
}

// codes remembers recovery codes on a page.
func (m *Model) codes(x *Exchange, s *Session) *Breach {
	for _, code := range Saved(x.Body) {
		known := false
		for _, c := range s.Person.Recovery {
			if c.Code != code {
				continue
			}
			known = true
			if c.Session != s.Chain || c.Dead {
				return breach("recovery codes of another session", "of %s", s.Person.Name)
			}
		}
		if x.Before.After(s.Shows.Add(slack)) {
			return breach("recovery codes that were hidden", "of %s", s.Person.Name)
		}
		if !known {
			s.Person.Recovery = append(s.Person.Recovery, &RecoveryCode{Code: code, Session: s.Chain})
		}
	}
	return nil
}

var appIDs = regexp.MustCompile(`/account/apps/([^/"]+)/replace`)

// named learns the names that the page of an account gives to its apps.
func (m *Model) named(x *Exchange, s *Session) {
	var unnamed *App
	names := map[string]bool{}
	for _, a := range s.Person.Apps {
		names[a.ID] = true
		if a.ID == "" && !a.Ended {
			if unnamed != nil {
				return
			}
			unnamed = a
		}
	}
	for _, at := range appIDs.FindAllStringSubmatch(x.Body, -1) {
		if !names[at[1]] && unnamed != nil {
			unnamed.ID, unnamed = at[1], nil
		}
	}
}

var (
	keyRun      = regexp.MustCompile(`\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b|\b[A-Z2-7]{32}\b`)
	recoveryRun = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}\b`)
	setupRun    = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}\b`)
	sixRun      = regexp.MustCompile(`\b\d{6}\b`)
	numberRun   = regexp.MustCompile(`\+?1?[ (]{0,2}\d{3}[) -]{0,2}\d{3}[ -]?\d{4}`)
)

// secrets looks for what no answer may hold: passwords, keys, codes, full numbers
// and the names of others.
func (m *Model) secrets(x *Exchange) *Breach {
	text := x.Location + "\n" + html.UnescapeString(x.Body)
	s := m.Sessions[x.effective("session")]
	for _, p := range m.People {
		if strings.Contains(text, p.Display) && !(s != nil && s.Person == p) {
			return breach("another person's page", "%s shows %q", x.Path, p.Display)
		}
		for _, word := range p.Passwords {
			if strings.Contains(text, word) {
				return breach("a password on a page", "of %s at %s", p.Name, x.Path)
			}
		}
	}
	a := m.Attempts[x.effective("attempt")]
	for _, run := range keyRun.FindAllString(text, -1) {
		key := strings.ReplaceAll(run, " ", "")
		where := m.Keys[key]
		if where != "" && !(s != nil && where == "session "+s.Chain) && !(a != nil && where == m.setupName(x, a)) {
			return breach("a key of another set-up", "at %s, of %s", x.Path, where)
		}
	}
	for _, run := range recoveryRun.FindAllString(text, -1) {
		for _, p := range m.People {
			for _, c := range p.Recovery {
				if c.Code == run && !(s != nil && s.Chain == c.Session && x.Before.Before(s.Shows.Add(slack))) {
					return breach("a recovery code on a page", "of %s at %s", p.Name, x.Path)
				}
			}
		}
	}
	for _, run := range setupRun.FindAllString(text, -1) {
		for _, p := range m.People {
			if p.SetupCode != "" && p.SetupCode == run {
				return breach("a setup code on a page", "of %s at %s", p.Name, x.Path)
			}
		}
	}
	for _, run := range sixRun.FindAllString(plain(x.Body), -1) {
		for _, p := range m.People {
			if c := m.Codes[p.Number+" "+run]; c != nil && x.Before.Before(c.At.Add(textLife)) {
				return breach("a text message code on a page", "of %s at %s", p.Name, x.Path)
			}
		}
	}
	for _, run := range numberRun.FindAllString(text, -1) {
		number := E164(run)
		for _, p := range m.People {
			if p.Number != "" && p.Number == number && !x.Typed[number] {
				return breach("a full number on a page", "of %s at %s", p.Name, x.Path)
			}
		}
	}
	return nil
}
