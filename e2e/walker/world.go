package walker

import (
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
	overs   []string // addresses of hand-overs, as somebody may get hold of them
	probes  int
}

type sending struct {
	number, whom string
	at           time.Time
}

// The people of the walks: each has an area code, so that a number tells whose it is.
var people = []struct {
	name, display, mail, area string
	operator, board           bool
}{
	{"ada", "Ada Lovelace", "", "202", false, false},
	{"grace", "Grace Hopper", "grace@example.org", "415", false, true},
	{"root", "Rosa Oot", "", "312", true, true},
	{"mallory", "Mallory Finch", "mallory@example.org", "503", false, false},
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
	{name: "door", cookies: true, browsers: 1}, // of doors at apps, and addresses of hand-overs
}

// firstPassword is everybody's at first, long enough for every policy.
func firstPassword(name string) string { return "walnut orbit ladder " + name[:1] + "x sky" }

// NewWorld opens a portal with its people; nobody is enrolled.
func NewWorld(program string, policy Policy) *World {
	w := &World{Portal: Open(program, policy), Browsers: map[string]*Browser{}, numbers: map[string]int{}, asked: map[string]bool{}, Seen: map[string]int{},
		Model: &Model{Policy: policy, People: map[string]*Person{}, Sessions: map[string]*Session{}, Attempts: map[string]*Attempt{},
			Doors: map[string]*Door{}, Overs: map[string]*HandOver{}, Binds: map[string]string{},
			Setups: map[string]*Setup{}, Codes: map[string]*TextCode{}, Keys: map[string]string{}, Links: map[string]*Link{}}}
	for _, who := range people {
		args := []string{"person", "add", who.name, "--display", who.display, "--password-stdin", "--group", group(who.board)}
		if who.mail != "" {
			args = append(args, "--email", who.mail)
		}
		if who.operator {
			args = append(args, "--operator")
		}
		first := firstPassword(who.name)
		w.Portal.Run(first+"\n", args...)
		w.Model.People[who.name] = &Person{Name: who.name, Display: who.display, Mail: who.mail, Operator: who.operator, Board: who.board,
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
	b := &Browser{Name: fmt.Sprintf("%s/%d", actor, n), Actor: actor, Cookies: map[string]string{}, Sites: map[string]map[string]string{}, Typed: map[string]bool{}, Tabs: [2]*Tab{{}, {}}, address: w.newAddress()}
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
	case "leave":
		return w.leave(b, d)
	case "enter":
		return w.enter(b, d)
	case "ask":
		return w.settle(b, tab, b.send(w.Portal, d.With["method"], d.What, nil))
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
	if x.Site != nil && x.Set[doorCookie] != "" {
		w.Seen["entered an app"]++
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
			if x.Site != nil {
				at = x.Site.Origin + x.URI
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
		if w.ended(name, b) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		b := w.Browsers[name]
		if b == nil {
			continue
		}
		if found := w.probed(b); found != nil {
			return found
		}
		if len(b.Cookies) == 0 {
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
	return w.holds(b, w.Model.Sessions[b.Cookies["session"]], level)
}

func (w *World) holds(b *Browser, s *Session, level int) *Breach {
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

// plant puts a cookie into a browser: one made up, one of another browser, or one
// that was stolen.
func (w *World) plant(b *Browser, d Do) *Breach {
	how, from, _ := strings.Cut(d.With["value"], ":")
	jar, name := b.jar(d.What)
	value := jar[name]
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
			theirs, name := other.jar(d.What)
			value = theirs[name]
			if as := d.With["as"]; as != "" && value != "" {
				jar, name := b.jar(as)
				jar[name] = value
				return nil
			}
		}
	}
	if value == "" {
		delete(jar, name)
	} else {
		jar[name] = value
	}
	return nil
}
