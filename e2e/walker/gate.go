package walker

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Site is an app behind a proxy. The walk plays the proxy, and the app too: what
// the check lets through is a page.
type Site struct {
	Origin string
	Nginx  bool // the proxy asks as nginx does
	Place       // what holds where no place does
	Places []Place
	Tell   []string
}

// Place is an address of an app, and what its rule asks.
type Place struct {
	URI    string
	Need   int // factors
	Within time.Duration
	Board  bool // members of that group only
}

// Sites are the apps of all walks; the settings say the same in their own words.
var Sites = []*Site{
	{Origin: "http://wiki.localhost", Tell: []string{"name", "groups"}, Place: Place{"/page", 2, 0, false}, Places: []Place{
		{"/page?q=a%20b", 2, 0, false},
		{"/open/x", 0, 0, false},
		{"/news/today", 1, 0, false},
		{"/pay/all", 2, fresh, false},
		{"/vault", 2, vaultFresh, false},
		{"/board/minutes", 2, 0, true},
		// What an app may read as something else asks for the most that it can be.
		{"/open/../pay/all", 2, fresh, false},
		{"/open/%2e%2e/board/minutes", 2, 0, true},
		{"/open//../VAULT/", 2, vaultFresh, false},
	}},
	{Origin: "http://127.0.0.1:8091", Nginx: true, Tell: []string{"email"}, Place: Place{"/", 1, 0, false}, Places: []Place{{"/deep/er?x=1", 1, 0, false}}},
	{Origin: "http://board.localhost:8081", Place: Place{"/", 2, 0, true}, Places: []Place{{"/open/x", 0, 0, false}, {"/minutes", 2, 0, true}}},
}

const vaultFresh = 2 * time.Minute

const sitesYAML = `apps:
  - id: wiki
    name: Wiki
    addresses: [http://wiki.localhost]
    groups: [everyone]
    need: two
    tell: [name, groups]
    rules:
      - paths: [/open/*]
        need: none
      - paths: [/news/*]
        need: one
      - paths: [/pay/*]
        need: two within 5m
      - paths: [/vault/*]
        need: two within 2m
      - paths: [/board/*]
        groups: [board]
  - id: news
    name: News
    addresses: [http://127.0.0.1:8091]
    groups: [everyone]
    need: one
    tell: [email]
  - id: board
    name: Board
    addresses: [http://board.localhost:8081]
    groups: [board]
    need: two
    rules:
      - paths: [/open/*]
        need: none
`

// siteOf is the app that an address leads to, with the rest of it, or nil.
func siteOf(address string) (*Site, string) {
	for _, s := range Sites {
		if uri, ok := strings.CutPrefix(address, s.Origin); ok && strings.HasPrefix(uri, "/") {
			return s, uri
		}
	}
	return nil, ""
}

func (s *Site) all() []Place { return append([]Place{s.Place}, s.Places...) }

// place is what holds at an address of the app.
func (s *Site) place(uri string) Place {
	for _, p := range s.all() {
		if p.URI == uri {
			return p
		}
	}
	p := s.Place
	p.URI = uri
	return p
}

// Door is a cookie at an app's host.
type Door struct {
	Person *Person
	Chain  string // of the session behind it
	Site   *Site
}

// HandOver is what takes a browser from the portal to an app's host.
type HandOver struct {
	Door
	Bind  string
	Made  time.Time
	Spent bool
}

// The gate's addresses and cookies.
const (
	gatePaths  = "/.sallyport/"
	leavePath  = gatePaths + "leave"
	overPath   = gatePaths + "hand-over"
	enterPath  = gatePaths + "enter"
	doorCookie = "sallyport"
	bindCookie = "sallyport-bind"
	overLife   = 30 * time.Second
)

// enters says whether a session may enter a place.
func (m *Model) enters(s *Session, p Place, now time.Time) bool {
	switch {
	case p.Need == 0:
		return true
	case !m.Alive(s, now) || s.Level < p.Need || p.Board && !s.Person.Board:
		return false
	}
	return p.Within == 0 || now.Before(s.Confirmed.Add(p.Within+slack))
}

// behind is the session behind a door, under whichever name it has now, or nil.
func (m *Model) behind(d *Door, now time.Time) *Session {
	for _, s := range m.Sessions {
		if s.Chain == d.Chain && s.Person == d.Person && m.Alive(s, now) {
			return s
		}
	}
	return nil
}

// handedOver judges what the portal sends to an app's host.
func (m *Model) handedOver(x *Exchange) *Breach {
	site, uri := siteOf(x.Location)
	if x.Path != overPath || site == nil || !strings.HasPrefix(uri, enterPath+"?") {
		return nil
	}
	to, asked := siteOf(x.Query.Get("to"))
	s := m.Sessions[x.cookie("session")]
	switch {
	case to != site:
		return breach("a hand-over to another app", "%s for %s", x.Location, x.Query.Get("to"))
	case !m.Alive(s, x.Before):
		return breach("a hand-over without a session", "to %s", site.Origin)
	case !m.enters(s, site.place(asked), x.Before):
		return breach("a hand-over against the rule", "of %s at level %d to %s", s.Person.Name, s.Level, x.Query.Get("to"))
	}
	u, err := url.Parse(x.Location)
	if err != nil {
		return breach("an address that nobody can read", "%s", x.Location)
	}
	m.Overs[u.Query().Get("token")] = &HandOver{Door: Door{s.Person, s.Chain, site}, Bind: x.Query.Get("bind"), Made: x.After}
	return nil
}

// atSite judges what an app's host answers.
func (m *Model) atSite(x *Exchange) *Breach {
	if to, err := url.Parse(x.Location); err == nil && to.Path == overPath {
		m.Binds[to.Query().Get("bind")] = x.effective(bindCookie)
	}
	switch {
	case !strings.HasPrefix(x.Path, gatePaths):
		return m.checked(x)
	case x.Set[doorCookie] != "" && x.Path == enterPath:
		return m.entered(x, x.Set[doorCookie])
	case x.Set[doorCookie] != "":
		return breach("a door that nobody was handed over to", "by %s", x.Path)
	}
	return nil
}

// entered judges a door that was opened.
func (m *Model) entered(x *Exchange, cookie string) *Breach {
	o := m.Overs[x.Query.Get("token")]
	switch {
	case o == nil:
		return breach("a hand-over that was made up", "at %s", x.Site.Origin)
	case o.Site != x.Site:
		return breach("a hand-over at another app", "of %s at %s", o.Site.Origin, x.Site.Origin)
	case o.Bind == "" || m.Binds[o.Bind] != x.cookie(bindCookie):
		return breach("a hand-over in another browser", "of %s by %s", o.Person.Name, x.Browser)
	case o.Spent:
		return breach("a hand-over used twice", "of %s by %s", o.Person.Name, x.Browser)
	case x.Before.After(o.Made.Add(overLife + slack)):
		return breach("a hand-over that is late", "of %s by %s", o.Person.Name, x.Browser)
	case m.unended(o) == nil:
		return breach("a hand-over that outlived its session", "of %s by %s", o.Person.Name, x.Browser)
	}
	o.Spent = true
	d := o.Door
	m.Doors[cookie] = &d
	return nil
}

// unended is a session of a hand-over that nobody has ended. One that has idled may
// go on, and its doors with it.
func (m *Model) unended(o *HandOver) *Session {
	for _, s := range m.Sessions {
		if s.Chain == o.Chain && s.Ended == "" && !s.Person.Held && !s.Person.Disabled {
			return s
		}
	}
	return nil
}

var toldHeaders = []string{"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Token"}

// checked judges the answer to a proxy.
func (m *Model) checked(x *Exchange) *Breach {
	place := x.Site.place(x.URI)
	who := strings.Join(x.Told["Remote-User"], ",")
	if x.Status != 200 {
		if who != "" {
			return breach("a name beside a no", "%s", x)
		}
		if !slices.Contains([]int{303, 401, 403}, x.Status) {
			return breach("an answer that no proxy knows", "%s", x)
		}
		return nil
	}
	for _, name := range toldHeaders {
		if len(x.Told[name]) != 1 {
			return breach("a header that a client can forge", "%s at %s", name, x.Site.Origin)
		}
	}
	if who == "" {
		if place.Need > 0 || len(m.tells(x, nil)) > 0 {
			return breach("an app that is open to strangers", "%s", x)
		}
		return nil
	}
	d := m.Doors[x.cookie(doorCookie)]
	switch {
	case d == nil:
		return breach("a door that nobody opened", "%s as %s", x, who)
	case d.Site != x.Site:
		return breach("a door of another app", "%s by that of %s", x, d.Site.Origin)
	case d.Person.Name != who:
		return breach("an app told of somebody else", "%s as %s, not %s", x, who, d.Person.Name)
	}
	s := m.behind(d, x.Before)
	switch {
	case s == nil:
		return breach("a door that outlived its session", "%s as %s", x, who)
	case !m.enters(s, place, x.Before):
		return breach("a door against its rule", "%s as %s at level %d, both shown %s before", x, who, s.Level, x.Before.Sub(s.Confirmed).Round(time.Second))
	}
	if wrong := m.tells(x, d.Person); len(wrong) > 0 {
		return breach("an app told what it may not know", "%s: %v", x, wrong)
	}
	if x.After.After(s.Seen) {
		s.Seen = x.After
	}
	return nil
}

// tells finds what an app was told and may not be, of a person or of nobody.
func (m *Model) tells(x *Exchange, p *Person) (wrong []string) {
	may := map[string]string{}
	if p != nil {
		may["name"], may["email"] = p.Display, p.Mail
		if p.NoMail {
			may["email"] = ""
		}
		may["groups"] = group(p.Board)
	}
	for fact, name := range map[string]string{"name": "Remote-Name", "email": "Remote-Email", "groups": "Remote-Groups", "token": "Remote-Token"} {
		want := ""
		if slices.Contains(x.Site.Tell, fact) {
			want = may[fact]
		}
		if got := strings.Join(x.Told[name], ","); got != want {
			wrong = append(wrong, name+": "+got)
		}
	}
	return wrong
}
