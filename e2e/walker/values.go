package walker

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// newest is the newest link of a kind.
func (w *World) newest(kind string, p *Person, spent bool) string {
	best := ""
	for path, l := range w.Model.Links {
		if l.Kind == kind && l.Person == p && l.Spent == spent && strings.Count(path, "/") == 2 && (best == "" || l.Made.After(w.Model.Links[best].Made)) {
			best = path
		}
	}
	return best
}

// address is where an open step leads: a path, or a link somebody was sent.
func (w *World) address(b *Browser, what string) string {
	kind, name, ok := strings.Cut(what, ":")
	if !ok || strings.HasPrefix(what, "/") || strings.HasPrefix(what, "http://") { // here, or at an app
		return what
	}
	p := w.Model.People[name]
	switch kind {
	case "app": // a page of one of a person's apps
		for _, a := range p.Apps {
			if a.ID != "" {
				return "/account/apps/" + a.ID + "/replace"
			}
		}
	case "remove", "rename": // the same, as the form that changes it
		for _, a := range p.Apps {
			if a.ID != "" && !a.Ended {
				return "/account/apps/" + a.ID + map[string]string{"remove": "/remove", "rename": "/name"}[kind]
			}
		}
	case "history": // the dispute of an entry in a person's own history
		for _, n := range w.names {
			other := w.Browsers[n]
			if s := w.Model.Sessions[other.Cookies["session"]]; s != nil && s.Person == p {
				for _, t := range other.Tabs {
					if to := t.page().Link("This was not me"); to != "" {
						return to
					}
				}
			}
		}
	case "browser": // a row of where a person is signed in
		for _, n := range w.names {
			other := w.Browsers[n]
			if s := w.Model.Sessions[other.Cookies["session"]]; s != nil && s.Person == p {
				for _, t := range other.Tabs {
					for _, f := range t.page().Forms() {
						if strings.HasPrefix(f.Action, "/account/browsers/") && f.Action != "/account/browsers/sign-out" {
							return f.Action
						}
					}
				}
			}
		}
	case "spent":
		return w.newest("invitation", p, true)
	default:
		return w.newest(kind, p, false)
	}
	return ""
}

// value is what is entered for a word. Words that name a person end in :NAME.
func (w *World) value(b *Browser, word string) string {
	kind, name, _ := strings.Cut(word, ":")
	p := w.Model.People[name]
	if p == nil && kind != "is" && kind != "token" && kind != "wrong" && kind != "letters" {
		return word
	}
	now := w.Portal.Now()
	switch kind {
	case "is", "wrong", "letters":
		return name
	case "token":
		if other := w.Browsers[name]; other != nil {
			for _, f := range other.Tabs[0].page().Forms() {
				return f.Fields.Get("token")
			}
		}
		return "none"
	case "password":
		if p.Password == "" {
			return p.Passwords[len(p.Passwords)-1]
		}
		return p.Password
	case "former":
		if len(p.Passwords) < 2 {
			return "nothing that it ever was"
		}
		return p.Passwords[len(p.Passwords)-2]
	case "new":
		w.words++
		return fmt.Sprintf("teapot meadow signal %s %d", []string{"ant", "bee", "cod", "doe"}[w.words%4], w.words)
	case "app", "before", "after", "again", "old":
		return w.appCode(b, p, kind, now)
	case "key": // of the set-up on this browser's page
		if at := keyMark.FindStringSubmatch(b.Tabs[0].page().Body + b.Tabs[1].page().Body); at != nil {
			return Code(strings.ReplaceAll(at[1], " ", ""), Step(now))
		}
		if a := w.Model.Attempts[b.Cookies["attempt"]]; a != nil {
			if s := w.Model.setupOf(&Exchange{Sent: b.Cookies}, a); s != nil && s.Key != "" {
				return Code(s.Key, Step(now))
			}
		}
		if s := w.Model.Sessions[b.Cookies["session"]]; s != nil {
			if setup := w.Model.Setups["session "+s.Chain]; setup != nil && setup.Key != "" {
				return Code(setup.Key, Step(now))
			}
		}
	case "text", "older":
		return w.textCode(b, p, kind)
	case "recovery", "spent":
		for _, c := range p.Recovery {
			if (c.Spent || c.Dead) == (kind == "spent") {
				return c.Code
			}
		}
	case "setup":
		if p.SetupCode != "" {
			return p.SetupCode
		}
	case "number", "same":
		if kind == "same" && p.Number != "" {
			return p.Number
		}
		return w.newNumber(b, p)
	}
	return "000000"
}

// appCode is a code of an app that this actor holds.
func (w *World) appCode(b *Browser, p *Person, kind string, now time.Time) string {
	step := Step(now) + map[string]int64{"before": -1, "after": 1}[kind]
	for _, a := range slices.Backward(p.Apps) {
		switch {
		case kind == "old" && a.Ended:
			return Code(a.Key, step)
		case kind == "again" && !a.Ended && a.Step > 0:
			return Code(a.Key, a.Step)
		case kind != "old" && kind != "again" && !a.Ended && (a.By == b.Actor || b.Actor == p.Name && w.owns(a.By)):
			return Code(a.Key, step)
		}
	}
	return "000000"
}

func (w *World) owns(actor string) bool { return w.Model.People[actor] != nil }

// reads says whether an actor reads the texts to a number.
func reads(actor, number string, p *Person) bool {
	thiefs := number[len(number)-2] >= '5'
	return thiefs != (actor == p.Name) || actor == "phone" || actor == "both"
}

func (w *World) textCode(b *Browser, p *Person, kind string) string {
	skip := map[string]int{"older": 1}[kind]
	for _, t := range slices.Backward(w.texts) {
		if w.ownerOf(t.To) == p && reads(b.Actor, t.To, p) {
			if skip--; skip < 0 {
				return t.Text
			}
		}
	}
	return "000000"
}

// newNumber is one that nobody has used: the owner's below 50, thieves' from there.
func (w *World) newNumber(b *Browser, p *Person) string {
	first, from := 0, p.Name
	if b.Actor != p.Name {
		first, from = 50, "thieves of "+p.Name
	}
	w.numbers[from]++
	for _, who := range people {
		if who.name == p.Name {
			return fmt.Sprintf("(%s) 555-01%02d", who.area, first+w.numbers[from]%50)
		}
	}
	return ""
}
