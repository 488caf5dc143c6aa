package walker

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Do is one step of a walk: data, which is replayed on a fresh portal, whole or in
// part. What it names is looked for when it is done; where that is not there the
// step does nothing.
type Do struct {
	Do    string            `json:"do"`
	In    string            `json:"in,omitempty"` // the browser
	Tab   int               `json:"tab,omitempty"`
	What  string            `json:"what,omitempty"` // an address, a button, a link, a cookie, a command
	With  map[string]string `json:"with,omitempty"` // what is entered, by its name: see value
	More  []string          `json:"more,omitempty"` // other browsers that do the same at once
	Times int               `json:"times,omitempty"`
	By    time.Duration     `json:"by,omitempty"`
}

func (d Do) String() string {
	s := fmt.Sprintf("%-8s", d.Do)
	for _, part := range []string{d.In, quoted(d.What)} {
		if part != "" {
			s += " " + part
		}
	}
	if d.Tab > 0 {
		s += " in another tab"
	}
	for _, name := range slices.Sorted(maps.Keys(d.With)) {
		s += fmt.Sprintf(" %s=%s", name, d.With[name])
	}
	if len(d.More) > 0 {
		s += " at once with " + strings.Join(d.More, ", ")
	}
	if d.Times > 1 {
		s += fmt.Sprintf(" %d times", d.Times)
	}
	if d.By != 0 {
		s += " " + d.By.String()
	}
	return s
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

// World is a portal with everybody who uses it, and the model.
type World struct {
	Portal   *Portal
	Model    *Model
	Browsers map[string]*Browser
	Trace    []string
	Seen     map[string]int // the pages that were shown, and the posts that opened something

	names   []string // of the browsers, in order
	sends   []sending
	texts   []Text
	mails   int
	numbers map[string]int
	asked   map[string]bool // sessions that ended, in a browser: asked once
	words   int
	calls   int
	helped  int
	misses  int // of the last burn
	skipped int
}

type sending struct {
	number, whom string
	at           time.Time
}

// The people of the walks: each has an area code, so that a number tells whose it is.
var people = []struct {
	name, display, mail, area string
	operator                  bool
}{
	{"ada", "Ada Lovelace", "", "202", false},
	{"grace", "Grace Hopper", "grace@example.org", "415", false},
	{"root", "Rosa Oot", "", "312", true},
	{"mallory", "Mallory Finch", "mallory@example.org", "503", false},
}

// The actors besides the owners, and what they hold.
var thieves = []struct {
	name                                 string
	password, phone, mail, apps, cookies bool
	browsers                             int
}{
	{name: "guesser", browsers: 1},                        // names only
	{name: "password", password: true, browsers: 2},       //
	{name: "phone", phone: true, mail: true, browsers: 1}, // with the texts and mails on it
	{name: "both", password: true, phone: true, browsers: 1},
	{name: "oldapp", password: true, apps: true, browsers: 1}, // apps that ended
	{name: "session", cookies: true, browsers: 1},             // of sessions
	{name: "known", password: true, cookies: true, browsers: 1},
}

// firstPassword is everybody's at first, long enough for every policy.
func firstPassword(name string) string { return "walnut orbit ladder " + name[:1] + "x sky" }

// NewWorld opens a portal with its people; nobody is enrolled.
func NewWorld(program string, policy Policy) *World {
	w := &World{Portal: Open(program, policy), Browsers: map[string]*Browser{}, numbers: map[string]int{}, asked: map[string]bool{}, Seen: map[string]int{},
		Model: &Model{Policy: policy, People: map[string]*Person{}, Sessions: map[string]*Session{}, Attempts: map[string]*Attempt{},
			Setups: map[string]*Setup{}, Codes: map[string]*TextCode{}, Keys: map[string]string{}, Links: map[string]*Link{}}}
	for _, who := range people {
		args := []string{"person", "add", who.name, "--display", who.display, "--password-stdin"}
		if who.mail != "" {
			args = append(args, "--email", who.mail)
		}
		if who.operator {
			args = append(args, "--operator")
		}
		first := firstPassword(who.name)
		w.Portal.Run(first+"\n", args...)
		w.Model.People[who.name] = &Person{Name: who.name, Display: who.display, Mail: who.mail, Operator: who.operator,
			Password: first, PasswordBy: who.name, Passwords: []string{first}}
		w.browser(who.name, 1)
		w.browser(who.name, 2)
	}
	for _, t := range thieves {
		for n := range t.browsers {
			w.browser(t.name, n+1)
		}
	}
	w.Portal.Start()
	return w
}

func (w *World) browser(actor string, n int) *Browser {
	b := &Browser{Name: fmt.Sprintf("%s/%d", actor, n), Actor: actor, Cookies: map[string]string{}, Typed: map[string]bool{}, Tabs: [2]*Tab{{}, {}}, address: w.newAddress()}
	w.Browsers[b.Name] = b
	w.names = append(w.names, b.Name)
	return b
}

func (w *World) newAddress() string {
	w.calls++
	return fmt.Sprintf("198.%d.%d.%d", 18+w.calls/62500%2, w.calls/250%250, 1+w.calls%250)
}

// Step does one step and holds what came of it against the model.
func (w *World) Step(d Do) *Breach {
	w.note("— %s", d)
	b := w.Browsers[d.In]
	found := w.step(d, b)
	if found == nil {
		found = w.looked(append([]string{d.In}, d.More...))
	}
	w.absorb()
	return found
}

func (w *World) note(format string, args ...any) {
	w.Trace = append(w.Trace, fmt.Sprintf(format, args...))
}

func (w *World) step(d Do, b *Browser) *Breach {
	switch d.Do {
	case "clock":
		w.Portal.Move(d.By)
		return nil
	case "restart":
		w.restart(d.What)
		return nil
	case "operator":
		w.operate(d.What, w.Model.People[d.With["person"]])
		return nil
	case "finish":
		return w.finish(w.Model.People[d.What])
	case "burn":
		return w.burn(w.Model.People[d.What], d.Times > 1)
	case "copy":
		return w.copied()
	}
	if b == nil {
		return nil
	}
	tab := b.Tabs[d.Tab%2]
	switch d.Do {
	case "open":
		if to := w.address(b, d.What); to != "" {
			return w.get(b, tab, to)
		}
	case "follow":
		if to := tab.page().Link(d.What); to != "" {
			return w.get(b, tab, to)
		}
	case "reload":
		if at := tab.page().Path; at != "" {
			return w.get(b, tab, at)
		}
	case "back":
		tab.At = max(0, tab.At-1)
		return nil
	case "forward":
		tab.At = max(0, min(len(tab.Pages)-1, tab.At+1))
		return nil
	case "plant":
		return w.plant(b, d)
	case "press":
		if f, ok := tab.page().Form(d.What); ok {
			return w.sendForm(b, tab, f, d)
		}
	case "post":
		f := Form{Action: w.address(b, d.What), Fields: url.Values{}}
		if f.Action == "" {
			break
		}
		for _, on := range tab.page().Forms() {
			f.Fields.Set("token", on.Fields.Get("token"))
		}
		return w.sendForm(b, tab, f, d)
	case "atonce":
		return w.atOnce(d)
	}
	w.skipped++
	return nil
}

// filled is a form with what somebody enters.
func (w *World) filled(b *Browser, f Form, d Do) url.Values {
	form := maps.Clone(f.Fields)
	for _, name := range slices.Sorted(maps.Keys(d.With)) {
		v := w.value(b, d.With[name])
		if v == "" && (name == "saved" || name == "everywhere") {
			form.Del(name)
			continue
		}
		form.Set(name, v)
	}
	if n := E164(form.Get("phone")); n != "" {
		b.Typed[n] = true
	}
	return form
}

// sendForm sends a form once, or a few times at once as a finger that slips does.
func (w *World) sendForm(b *Browser, tab *Tab, f Form, d Do) *Breach {
	form, foreign := w.filled(b, f, d), false
	if _, from, ok := strings.Cut(d.With["token"], "token:"); ok {
		other := w.Browsers[from]
		foreign = other == nil || form.Get("token") == "none" || other.Tabs[0].page().csrf != b.Cookies["csrf"]
	}
	if f.Action == "/sign-in" {
		b.address = w.newAddress() // the pauses after wrong passwords are real ones
	}
	if d.Times < 2 {
		x := b.send(w.Portal, "POST", f.Action, form)
		x.Foreign = foreign
		return w.settle(b, tab, x)
	}
	answers := make([]*Exchange, d.Times)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = b.send(w.Portal, "POST", f.Action, form) })
	}
	all.Wait()
	for _, x := range answers {
		x.Foreign = foreign
		if found := w.heard(b, x); found != nil {
			return found
		}
	}
	return w.follow(b, tab, answers[0])
}

// atOnce presses the same button in several browsers at once; where the step says
// so the program is killed meanwhile.
func (w *World) atOnce(d Do) *Breach {
	type one struct {
		b *Browser
		f Form
		v url.Values
		x *Exchange
	}
	var list []*one
	for _, name := range append([]string{d.In}, d.More...) {
		b := w.Browsers[name]
		if b == nil {
			continue
		}
		if f, ok := b.Tabs[0].page().Form(d.What); ok {
			if f.Action == "/sign-in" {
				b.address = w.newAddress()
			}
			list = append(list, &one{b: b, f: f, v: w.filled(b, f, d)})
		}
	}
	var all sync.WaitGroup
	for _, o := range list {
		all.Go(func() { o.x = o.b.send(w.Portal, "POST", o.f.Action, o.v) })
	}
	if d.By > 0 {
		time.Sleep(d.By)
		w.Portal.End(syscall.SIGKILL)
		w.Portal.Start()
	}
	all.Wait()
	slices.SortStableFunc(list, func(a, b *one) int { return a.x.After.Compare(b.x.After) })
	for _, o := range list {
		if found := w.heard(o.b, o.x); found != nil {
			return found
		}
	}
	for _, o := range list {
		if found := w.follow(o.b, o.b.Tabs[0], o.x); found != nil {
			return found
		}
	}
	return nil
}

func (w *World) get(b *Browser, tab *Tab, to string) *Breach {
	return w.settle(b, tab, b.send(w.Portal, "GET", to, nil))
}

// settle takes an answer in, and goes where it leads.
func (w *World) settle(b *Browser, tab *Tab, x *Exchange) *Breach {
	if found := w.heard(b, x); found != nil {
		return found
	}
	return w.follow(b, tab, x)
}

// heard holds one answer against the model.
func (w *World) heard(b *Browser, x *Exchange) *Breach {
	w.note("  %s", x)
	if !x.Lost {
		b.keep(x)
	}
	if x.Status >= 500 && x.Status != 503 {
		return breach("an answer that says it is broken", "%s", x)
	}
	if name := pageName(x.Body); name != "" {
		w.Seen["page "+name]++
	}
	if token := x.Set["session"]; token != "" && w.Model.Sessions[token] == nil {
		w.Seen["opened by "+x.Path]++
	}
	found := w.Model.Saw(x)
	w.sending(x)
	return found
}

func (w *World) follow(b *Browser, tab *Tab, x *Exchange) *Breach {
	for range 12 {
		if x.Lost {
			return nil
		}
		if x.Status != 303 {
			at := x.Path
			if len(x.Query) > 0 {
				at += "?" + x.Query.Encode()
			}
			tab.show(&Page{Path: at, Body: x.Body, Status: x.Status, Retry: x.Retry, csrf: b.Cookies["csrf"]})
			return nil
		}
		x = b.send(w.Portal, "GET", x.Location, nil)
		if found := w.heard(b, x); found != nil {
			return found
		}
	}
	return breach("redirects without end", "at %s", x.Path)
}

// looked asks from outside what is open: in the browsers of the step, and in those
// whose session has ended.
func (w *World) looked(names []string) *Breach {
	for name, b := range w.Browsers {
		token := b.Cookies["session"]
		if s := w.Model.Sessions[token]; s != nil && s.Ended != "" && !w.asked[name+token] {
			w.asked[name+token], names = true, append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		b := w.Browsers[name]
		if b == nil || len(b.Cookies) == 0 {
			continue
		}
		x := b.send(w.Portal, "GET", "/account/security", nil)
		if found := w.heard(b, x); found != nil {
			return found
		}
		if x.Status != 200 || pageName(x.Body) != "security" {
			continue
		}
		if found := w.mayHave(b, Level(x.Body)); found != nil {
			return found
		}
	}
	return nil
}

// mayHave is the model of actors: who holds too little for any session.
func (w *World) mayHave(b *Browser, level int) *Breach {
	s := w.Model.Sessions[b.Cookies["session"]]
	bound := slices.ContainsFunc(s.Person.Apps, func(a *App) bool { return a.By == b.Actor })
	switch {
	case b.Actor == "guesser":
		return breach("a session of somebody who holds nothing", "of %s", s.Person.Name)
	case level == 2 && slices.Contains([]string{"password", "oldapp", "known"}, b.Actor) && !bound:
		return breach("a session of somebody without a second factor", "%s has one of %s", b.Actor, s.Person.Name)
	}
	return nil
}

// sending remembers for whom a code was asked for, and waits for it.
func (w *World) sending(x *Exchange) {
	if x.Method != "POST" || x.Lost {
		return
	}
	number, whom := "", x.cookie("attempt")
	a, s := w.Model.Attempts[whom], w.Model.Sessions[x.effective("session")]
	again := strings.Contains(x.Body, "We have sent a new one")
	switch {
	case strings.HasPrefix(x.Path, "/2fa/text") && (x.went("/2fa/text") || again) && a != nil:
		number = a.Person.Number
	case strings.HasPrefix(x.Path, "/2fa/setup/phone") && (x.went("/2fa/setup/phone/code") || again) && a != nil:
		number = w.Model.setup(w.Model.setupName(x, a), a.Person).Number
	case strings.HasPrefix(x.Path, "/account/phone") && (x.went("/account/phone/code") || again) && s != nil:
		number, whom = w.Model.setup("session "+s.Chain, s.Person).Number, s.Chain
	}
	if number == "" {
		return
	}
	w.sends = append(w.sends, sending{number, whom, time.Now()})
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); time.Sleep(4 * time.Millisecond) {
		if w.absorb()[number] {
			return
		}
	}
}

var (
	codeText = regexp.MustCompile(`^(\d{6}) is your`)
	linkText = regexp.MustCompile(`/(not-me|password|invitation)/[A-Za-z0-9]+`)
)

// absorb reads the texts and mails that came.
func (w *World) absorb() (codes map[string]bool) {
	codes = map[string]bool{}
	for _, t := range w.Portal.Texts() {
		if at := codeText.FindStringSubmatch(t.Text); at != nil {
			codes[t.To] = true
			name := t.To + " " + at[1]
			if w.Model.Codes[name] == nil {
				w.Model.Codes[name] = &TextCode{At: w.Portal.Now(), For: map[string]bool{}}
			}
			for _, s := range w.sends {
				if s.number == t.To && time.Since(s.at) < 3*time.Second {
					w.Model.Codes[name].For[s.whom] = true
				}
			}
			w.texts = append(w.texts, Text{w.Portal.Now(), t.To, at[1]})
			continue
		}
		w.link(t.Text, w.ownerOf(t.To))
	}
	mails := w.Portal.mails.all()
	for _, l := range mails[w.mails:] {
		for _, p := range w.Model.People {
			if p.Mail == l.To {
				w.link(l.Text, p)
			}
		}
	}
	w.mails = len(mails)
	return codes
}

func (w *World) ownerOf(number string) *Person {
	for _, who := range people {
		if strings.HasPrefix(number, "+1"+who.area) {
			return w.Model.People[who.name]
		}
	}
	return nil
}

// link remembers what a message hands out.
func (w *World) link(text string, p *Person) {
	at := linkText.FindStringSubmatch(text)
	if at == nil || p == nil || w.Model.Links[at[0]] != nil {
		return
	}
	kind := map[string]string{"not-me": "dispute", "password": "password", "invitation": "invitation"}[at[1]]
	till := w.Portal.Now().Add(map[string]time.Duration{"dispute": 7 * 24 * time.Hour, "password": 24 * time.Hour, "invitation": 72 * time.Hour}[kind])
	w.Model.Links[at[0]] = &Link{Kind: kind, Person: p, Made: w.Portal.Now(), Till: till, About: text}
}

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
	if !ok || strings.HasPrefix(what, "/") {
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

// plant puts a cookie into a browser: one made up, one of another browser, or one
// that was stolen.
func (w *World) plant(b *Browser, d Do) *Breach {
	how, from, _ := strings.Cut(d.With["value"], ":")
	value := b.Cookies[d.What]
	switch how {
	case "drop":
		value = ""
	case "flip":
		if value != "" {
			last := byte('A')
			if value[len(value)-1] == 'A' {
				last = 'B'
			}
			value = value[:len(value)-1] + string(last)
		}
	case "made":
		value = strings.Repeat("abcdefghijklmnopqrstuvwxyz012345", 2)[:43]
	case "of":
		if other := w.Browsers[from]; other != nil {
			value = other.Cookies[d.What]
			if as := d.With["as"]; as != "" && value != "" {
				b.Cookies[as] = value
				return nil
			}
		}
	}
	if value == "" {
		delete(b.Cookies, d.What)
	} else {
		b.Cookies[d.What] = value
	}
	return nil
}

func (w *World) restart(how string) {
	signal := syscall.SIGTERM
	if how == "kill" {
		signal = syscall.SIGKILL
	}
	w.Portal.End(signal)
	w.Portal.Start()
}

var setupCodeText = regexp.MustCompile(`(?m)^[0-9A-Z]{4}-[0-9A-Z]{4}$`)

// operate is what an operator does by the command line.
func (w *World) operate(what string, p *Person) {
	if p == nil {
		return
	}
	m, now := w.Model, w.Portal.Now()
	checked := []string{"--checked", "in-person", "--note", "came to the desk"}
	all := func() { m.endSessions(p, nil, "operator"); m.endAttempts(p, nil) }
	switch what {
	case "reset", "reset keep":
		if p.Held {
			return
		}
		args := append([]string{"person", "reset-2fa", p.Name}, checked...)
		if what == "reset keep" {
			args = append(args, "--keep-phone")
		}
		m.StartAgain(p, setupCodeText.FindString(w.Portal.Run("", args...)), now, what == "reset keep")
	case "release":
		if !p.Held {
			return
		}
		out := w.Portal.Run("", append([]string{"person", "release", p.Name}, checked...)...)
		m.StartAgain(p, setupCodeText.FindString(out), now, true)
		w.link(out, p)
	case "invite":
		if !p.Held {
			w.link(w.Portal.Run("", "person", "invite", p.Name, "--no-mail"), p)
		}
	case "disable":
		w.Portal.Run("", "person", "disable", p.Name)
		p.Disabled = true
		all()
	case "enable":
		w.Portal.Run("", "person", "enable", p.Name)
		p.Disabled = false
	case "sign-out":
		w.Portal.Run("", "person", "sign-out", p.Name)
		all()
	case "new password":
		w.Portal.Run("", "person", "set", p.Name, "--ask-for-new-password")
		p.MustChange = true
		all()
	}
}

// copied looks for secrets in a copy of the database, and in the log.
func (w *World) copied() *Breach {
	raw, log := w.Portal.Database(), []byte(w.Portal.Log())
	look := func(what, secret string) *Breach {
		if secret != "" && (bytes.Contains(raw, []byte(secret)) || bytes.Contains(log, []byte(secret))) {
			return breach("a secret in the database or the log", "%s", what)
		}
		return nil
	}
	for _, b := range w.Browsers {
		for _, name := range []string{"session", "attempt", "known", "setup"} {
			if found := look("a cookie "+name, b.Cookies[name]); found != nil {
				return found
			}
		}
	}
	for key := range w.Model.Keys {
		for _, form := range []string{key, string(decoded(key)), hex.EncodeToString(decoded(key))} {
			if found := look("the key of an app", form); found != nil {
				return found
			}
		}
	}
	for path := range w.Model.Links {
		if found := look("a link", path[strings.LastIndex(path, "/")+1:]); found != nil && strings.Count(path, "/") == 2 {
			return found
		}
	}
	for _, p := range w.Model.People {
		secrets := slices.Concat(p.Passwords, []string{p.SetupCode, letters(p.SetupCode), p.Number, strings.TrimPrefix(p.Number, "+")})
		for _, c := range p.Recovery {
			secrets = append(secrets, c.Code, letters(c.Code))
		}
		for _, s := range secrets {
			if found := look("a secret of "+p.Name, s); found != nil {
				return found
			}
		}
	}
	return nil
}
