// Package app is what people sign in to: where it is, who may enter, and what is
// asked of them there. One function, Judge, decides for every door. An app that
// nobody is named for admits nobody, and what is not understood is refused.
package app

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport/core/change"
)

// App is what people sign in to: a site behind a proxy, a client of OpenID
// Connect, or both.
type App struct {
	ID        string   // small letters, digits and hyphens; the client id in OpenID Connect
	Name      string   // as people read it
	Addresses []string // scheme and host, as https://wiki.example.org; none for a client alone
	Access             // what holds where no rule does
	Rules     []Rule   `json:",omitempty"` // the first that fits decides
	Tell      []Fact   `json:",omitempty"` // what it is told besides the username
	Share     string   `json:",omitempty"` // the parent domain of a shared cookie, or ""
	Token     bool     `json:",omitempty"` // whether it gets a signed token with each request
	Client    *Client  `json:",omitempty"` // how it speaks OpenID Connect, or nil
	Declared  bool     `json:"-"`          // by the settings file: nothing else changes it
	Version   int64    `json:"-"`
	Unread    string   `json:"-"` // why its row could not be read: then nothing else is known
}

// Access is who may enter, and what is asked of them.
type Access struct {
	Groups []string // one of these, or Everyone; nobody without any
	Need   Need
}

// Everyone stands among groups for all people.
const Everyone = "everyone"

// Rule is what holds for some paths and methods of an app. Without groups those
// of the app hold, without a need what the app asks.
type Rule struct {
	Paths   []string `json:",omitempty"` // each exact, or with /* at its end; all without any
	Methods []string `json:",omitempty"` // all without any
	Access
}

// Fact is something that an app may be told of a person.
type Fact string

// The facts.
const (
	TellName   Fact = "name"
	TellEmail  Fact = "email"
	TellGroups Fact = "groups"
)

// Factors is how much has to be shown.
type Factors string

// What can be asked. The zero value asks for what nobody can show.
const (
	None Factors = "none" // the door is open, also for strangers
	One  Factors = "one"
	Two  Factors = "two"
)

// Need is what a door asks: so many factors, and both not longer ago than Within,
// where that is set.
type Need struct {
	Factors Factors
	Within  time.Duration `json:",omitempty"`
}

// The bounds of "within".
const (
	WithinMin = time.Minute
	WithinMax = 24 * time.Hour
)

// ParseNeed reads none, one, two, or two within 15m.
func ParseNeed(text string) (Need, error) {
	factors, within, ok := strings.Cut(text, " within ")
	need := Need{Factors: Factors(factors)}
	if ok {
		d, err := time.ParseDuration(within)
		if err != nil || d == 0 {
			return Need{}, fmt.Errorf("%q is no length of time; hint: two within 15m", within)
		}
		need.Within = d
	}
	return need, need.check()
}

func (n Need) check() error {
	switch {
	case n.Factors != None && n.Factors != One && n.Factors != Two:
		return fmt.Errorf("%q is not what can be asked; hint: none, one, two, or two within 15m", n.Factors)
	case n.Within == 0:
		return nil
	case n.Factors != Two:
		return errors.New("within goes with two; hint: two within 15m")
	case n.Within < WithinMin || n.Within > WithinMax:
		return fmt.Errorf("within is from %s to %s; hint: two within 15m", short(WithinMin), short(WithinMax))
	}
	return nil
}

// String is how ParseNeed reads it.
func (n Need) String() string {
	if n.Within > 0 {
		return string(n.Factors) + " within " + short(n.Within)
	}
	return string(n.Factors)
}

// above says whether a need asks for more than another.
func (n Need) above(other Need) bool {
	if n.Factors != other.Factors {
		return n.Factors == Two || n.Factors == One && other.Factors == None
	}
	return n.Within > 0 && (other.Within == 0 || n.Within < other.Within)
}

func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = text[:len(text)-2]
	}
	if strings.HasSuffix(text, "h0m") {
		text = text[:len(text)-2]
	}
	return text
}

// Bounds of what an app may say.
const (
	idMax    = 40
	nameMax  = 60
	listMax  = 50
	pathMax  = 512
	hostMax  = 253
	groupMax = 100
)

// methods are those that a rule can name.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// Check says everything that is wrong with an app, each with what to do. What
// passes can be judged; the same check stands before saving and after loading.
func (a App) Check() (faults []error) {
	note := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if a.Unread != "" {
		note("its row cannot be read: %s; hint: sallyport app remove %s, and add it again", a.Unread, a.ID)
		return faults
	}
	if !plainID(a.ID) {
		note("id %q: small letters, digits and hyphens, at most %d, a letter first; hint: wiki", a.ID, idMax)
	}
	if a.Name == "" || utf8.RuneCountInString(a.Name) > nameMax || strings.ContainsFunc(a.Name, unshown) || strings.TrimSpace(a.Name) != a.Name {
		note("name %q: 1 to %d characters that can be seen; hint: Wiki", a.Name, nameMax)
	}
	if len(a.Addresses) == 0 && a.Client == nil {
		note("no address; hint: https://%s.example.org", a.ID)
	}
	if len(a.Addresses) == 0 && (len(a.Rules) > 0 || a.Share != "" || a.Token) {
		note("rules, share and token are for requests to an address; hint: give one, or take them out")
	}
	if max(len(a.Addresses), len(a.Rules), len(a.Tell)) > listMax {
		note("more than %d addresses, rules or facts; hint: make two apps of it", listMax)
	}
	for _, address := range a.Addresses {
		if _, err := Origin(address); err != nil {
			note("address %w", err)
		}
	}
	if len(a.Groups) == 0 {
		note("no groups: nobody could enter; hint: name groups, or %s", Everyone)
	}
	if err := a.Need.check(); err != nil {
		note("need: %w", err)
	}
	faults = append(faults, checkGroups("", a.Groups)...)
	for i, r := range a.Rules {
		faults = append(faults, r.check(fmt.Sprintf("rule %d: ", i+1))...)
	}
	for _, f := range a.Tell {
		if f != TellName && f != TellEmail && f != TellGroups {
			note("%q is nothing that can be told; hint: name, email, groups", f)
		}
	}
	if a.Share != "" {
		faults = append(faults, a.checkShare()...)
	}
	if a.Client != nil {
		faults = append(faults, a.Client.check()...)
	}
	if a.Client != nil && a.Need.Factors == None {
		note("need none tells a client of OpenID Connect of nobody; hint: need one or two, and a rule for the paths that are open")
	}
	return faults
}

func checkGroups(where string, groups []string) (faults []error) {
	if len(groups) > listMax {
		faults = append(faults, fmt.Errorf("%smore than %d groups; hint: make one group of some", where, listMax))
	}
	for _, g := range groups {
		if g == "" || len(g) > groupMax || strings.ContainsFunc(g, unshown) || strings.Contains(g, ",") || strings.TrimSpace(g) != g {
			faults = append(faults, fmt.Errorf("%sgroup %q: 1 to %d bytes that can be seen, without a comma; hint: staff", where, g, groupMax))
		}
	}
	return faults
}

func (r Rule) check(where string) (faults []error) {
	faults = checkGroups(where, r.Groups)
	if r.Need != (Need{}) {
		if err := r.Need.check(); err != nil {
			faults = append(faults, fmt.Errorf("%sneed: %w", where, err))
		}
	}
	if max(len(r.Paths), len(r.Methods)) > listMax {
		faults = append(faults, fmt.Errorf("%smore than %d paths or methods; hint: make two rules of it", where, listMax))
	}
	if len(r.Paths) == 0 && len(r.Methods) == 0 {
		faults = append(faults, fmt.Errorf("%sneither paths nor methods; hint: what holds everywhere stands beside the rules", where))
	}
	for _, p := range r.Paths {
		if err := checkPath(p); err != nil {
			faults = append(faults, fmt.Errorf("%spath %w", where, err))
		}
	}
	for _, m := range r.Methods {
		if !slices.Contains(methods[:], m) {
			faults = append(faults, fmt.Errorf("%smethod %q; hint: one of %s", where, m, strings.Join(methods[:], " ")))
		}
	}
	return faults
}

// checkPath lets through paths in the form in which they are compared, so that a
// rule cannot be written that never fits.
func checkPath(p string) error {
	body, all := strings.CutSuffix(p, "/*")
	shortest := folded(seen(tidy(body)))
	if all {
		shortest = strings.TrimSuffix(shortest, "/")
	}
	switch {
	case !strings.HasPrefix(p, "/"), len(p) > pathMax, strings.ContainsFunc(p, unshown), strings.ContainsAny(body, "*?#%;\\"):
		return fmt.Errorf("%q: begins with /, has no * but at its end after /, and none of ? # %% ; \\; hint: /admin/*", p)
	case body != shortest && (all || shortest == "/" || body != shortest+"/"):
		return fmt.Errorf("%q is not in its plainest form; hint: %s", p, shortest+p[len(body):])
	}
	return nil
}

// checkShare: a cookie for a whole domain goes to every host below it, so the
// domain must be above every address, and have a dot.
func (a App) checkShare() (faults []error) {
	last := a.Share[strings.LastIndexByte(a.Share, '.')+1:]
	if !strings.Contains(a.Share, ".") || !plainHost(a.Share) || strings.Trim(last, "0123456789") == "" {
		return []error{fmt.Errorf("share %q is no domain; hint: example.org", a.Share)}
	}
	for _, address := range a.Addresses {
		origin, err := Origin(address)
		if err == nil && !Below(HostOf(origin), a.Share) {
			faults = append(faults, fmt.Errorf("share %q is not above %s; hint: take one of them out", a.Share, address))
		}
	}
	return faults
}

// Below says whether a host is a domain or stands below it.
func Below(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// plainID says whether a name can stand in addresses, tables and tokens.
func plainID(id string) bool {
	return id != "" && len(id) <= idMax && id[0] >= 'a' && id[0] <= 'z' && !strings.HasSuffix(id, "-") &&
		!strings.ContainsFunc(id, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' })
}

func unshown(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
}

// Origin is an address in the one form in which addresses are compared: scheme
// and host in small letters, without the scheme's own port. http is for loopback
// hosts only.
func Origin(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.Opaque != "",
		u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "", strings.HasSuffix(address, "?"), strings.HasSuffix(address, "#"):
		return "", fmt.Errorf("%q is not scheme and host alone; hint: https://wiki.example.org", address)
	}
	origin, ok := OriginOf(u.Scheme, u.Host)
	if !ok {
		return "", fmt.Errorf("%q has no host that a rule can name; hint: https://wiki.example.org", address)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", fmt.Errorf("%q is http; hint: https, or http for this machine alone", address)
	}
	return origin, nil
}

// loopback says whether a host is this machine whoever asks.
func loopback(host string) bool {
	ipv4 := strings.HasPrefix(host, "127.") && strings.Trim(host, "0123456789.") == "" && strings.Count(host, ".") == 3
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ipv4 || host == "::1"
}

// Saved stores an app. The condition: it is as it was read, or new.
type Saved struct {
	change.Mark
	App App
}

// Removed drops an app. The condition: there is one of that id.
type Removed struct {
	change.Mark
	ID string
}
