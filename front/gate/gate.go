// Package gate stands in front of apps behind a reverse proxy. The proxy asks it
// about each request, and it answers what core/app's Judge says: let it pass, with
// who it is, or who are you, or no. What it cannot understand it denies. It signs
// nobody in: that is the portal's, from where a browser is handed over to the host
// of the app.
package gate

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/door"
	"sallyport/front/web"
)

// Gate answers proxies, and browsers at the gate's own addresses.
type Gate struct {
	*web.Kit
	Doors  *door.Keeper
	Passes Passes
	// Token signs who somebody is for an app that does not trust its network; or nil.
	Token func(ctx context.Context, a *app.App, claims Claims) (string, error)
	// Checked, where it is set, hears of each answer of a check. It must not wait.
	Checked func(a app.Answer)
}

// Passes is what doors are worth.
type Passes interface {
	// Held is what the door of a cookie's hash is worth, or nil.
	Held(ctx context.Context, id [32]byte) (*door.Held, error)
	// Known says whether what is remembered can be relied on.
	Known() bool
	// Seen notes that a session was used.
	Seen(session string)
}

// Root is where all addresses of the gate begin, on every host.
const Root = "/.sallyport/"

// The addresses.
const (
	forwardAuth = Root + "forward-auth"
	authRequest = Root + "auth-request"
	extAuthz    = Root + "ext-authz"
	leave       = Root + "leave"
	enter       = Root + "enter"
	handOver    = Root + "hand-over"
)

// way is how a proxy asks and takes an answer.
type way int

const (
	byForward way = iota // what the client is to get
	byNginx              // 200, 401 and 403 alone, with Location where a page should go there
	byEnvoy              // the request itself, below a prefix
)

// Check answers proxies. It is false for an address that is none of theirs. They write
// it plainly: who spells it otherwise wants to get past a proxy that keeps browsers out.
func (g *Gate) Check(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.RawPath == "" && r.URL.Path == forwardAuth { // most of all requests: nothing in it to escape
		g.check(w, r, byForward)
		return true
	}
	switch path := r.URL.EscapedPath(); {
	case path == authRequest:
		g.check(w, r, byNginx)
	case path == extAuthz || strings.HasPrefix(path, extAuthz+"/"):
		g.check(w, r, byEnvoy)
	default:
		return false
	}
	return true
}

// asked is what a proxy asks about.
type asked struct {
	method, scheme, host, uri string
}

// read is what a proxy says of the request. Each is said exactly once: of two
// nobody knows which the app will believe.
func read(r *http.Request, by way) (q asked, ok bool) {
	if by == byEnvoy {
		uri := strings.TrimPrefix(r.RequestURI, extAuthz)
		if uri == "" || uri[0] != '/' {
			return q, false
		}
		q = asked{method: r.Method, host: r.Host, uri: uri}
		q.scheme, ok = one(r.Header, "X-Forwarded-Proto")
		return q, ok
	}
	var ok1, ok2, ok3 bool
	q.method, ok = one(r.Header, "X-Forwarded-Method")
	q.scheme, ok1 = one(r.Header, "X-Forwarded-Proto")
	q.host, ok2 = one(r.Header, "X-Forwarded-Host")
	q.uri, ok3 = one(r.Header, "X-Forwarded-Uri")
	return q, ok && ok1 && ok2 && ok3
}

func one(h http.Header, name string) (string, bool) {
	if values := h[name]; len(values) == 1 && values[0] != "" {
		return values[0], true
	}
	return "", false
}

// empty is what an app is told that may not know, or where there is nobody.
var empty = []string{""}

func (g *Gate) check(w http.ResponseWriter, r *http.Request, by way) {
	h := w.Header()
	h["Cache-Control"] = noStore
	q, ok := read(r, by)
	proxy := g.proxy(r.RemoteAddr)
	if !proxy {
		g.Headers(h) // whoever it is came here itself: this is an answer like any other of ours
	}
	if !ok || !proxy {
		g.answer(w, http.StatusForbidden, app.Refuse)
		return
	}
	book := g.Doors.Apps.Book()
	if book == nil { // nobody can say now which apps there are
		g.answer(w, http.StatusServiceUnavailable, app.Refuse)
		return
	}
	site := book.Site(q.scheme, q.host)
	if site.App == nil {
		g.answer(w, http.StatusForbidden, app.Refuse)
		return
	}
	held, err := g.held(r, site)
	if err != nil {
		g.Log.Warn("check failed", "error", err)
		g.answer(w, http.StatusServiceUnavailable, app.Refuse)
		return
	}
	var who app.Standing
	if held != nil {
		who = held.Who()
	}
	now := g.Now()
	v := site.App.Judge(app.Place{Method: q.method, URI: q.uri}, who, now)
	if v.Answer != app.Allow {
		g.deny(w, r, by, site, q, v)
		return
	}
	told := held
	if held != nil && v.Need.Factors == app.None && site.App.Judge(app.Place{}, who, now).Answer != app.Allow {
		told = nil // an open path names nobody to the app whom the app itself would not let in
	}
	if err := g.tell(r.Context(), h, site.App, told); err != nil {
		g.Log.Warn("check failed", "error", err)
		g.answer(w, http.StatusServiceUnavailable, app.Refuse)
		return
	}
	if held != nil && held.Touch(now) {
		g.Passes.Seen(held.Session())
	}
	g.answer(w, http.StatusOK, app.Allow)
}

var noStore = []string{"no-store"}

// tell sets each header that says who it is, or empties it.
func (g *Gate) tell(ctx context.Context, h http.Header, a *app.App, held *door.Held) error {
	h["Remote-User"], h["Remote-Groups"], h["Remote-Name"], h["Remote-Email"], h["Remote-Token"] = empty, empty, empty, empty, empty
	if held == nil {
		return nil
	}
	h["Remote-User"] = held.User()
	for _, f := range a.Tell {
		switch f {
		case app.TellGroups:
			h["Remote-Groups"] = held.Groups()
		case app.TellName:
			h["Remote-Name"] = held.Name()
		case app.TellEmail:
			h["Remote-Email"] = held.Mail()
		}
	}
	if !a.Token || g.Token == nil {
		return nil
	}
	token, err := held.TokenFor(a.ID, g.Now(), TokenEvery, func() (string, error) { return g.Token(ctx, a, claims(a, held)) })
	if err == nil {
		h["Remote-Token"] = token
	}
	return err
}

// Claims are what a signed token says: what the headers say, and who it is for good.
type Claims struct {
	Subject string // the person's id, which is never given to somebody else
	Values  map[string]any
}

func claims(a *app.App, held *door.Held) Claims {
	c := Claims{Subject: held.Person(), Values: map[string]any{"preferred_username": held.User()[0]}}
	for _, f := range a.Tell {
		switch f {
		case app.TellGroups:
			c.Values["groups"] = held.InGroups()
		case app.TellName:
			c.Values["name"] = held.Name()[0]
		case app.TellEmail:
			c.Values["email"] = held.Mail()[0]
		}
	}
	return c
}

// A token lives for two minutes, and is made anew after half of that.
const (
	TokenLife  = 2 * time.Minute
	TokenEvery = time.Minute
)

func (g *Gate) answer(w http.ResponseWriter, status int, a app.Answer) {
	w.WriteHeader(status)
	if g.Checked != nil {
		g.Checked(a)
	}
}

// deny says no in the way that the client and its proxy can use: a page goes to
// where it may be opened, everything else gets a plain answer.
func (g *Gate) deny(w http.ResponseWriter, r *http.Request, by way, site app.Site, q asked, v app.Verdict) {
	status := http.StatusUnauthorized
	if v.Answer == app.Forbid || v.Answer == app.Refuse {
		status = http.StatusForbidden
	}
	if v.Answer != app.Refuse && page(r, q.method) {
		back := q.uri
		if len(site.Origin)+len(back) > addressMax { // written into another it would be too long for proxies
			back = "/"
		}
		w.Header()["Location"] = []string{site.Origin + leave + "?rd=" + url.QueryEscape(back)}
		if status = http.StatusSeeOther; by == byNginx {
			status = http.StatusUnauthorized
		}
	}
	g.answer(w, status, v.Answer)
}

// page says whether a browser asks for a page, and not a script for data: those
// cannot follow to another host, and would take the sign-in page for their answer.
func page(r *http.Request, method string) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	return r.Header.Get("X-Requested-With") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// proxy says whether a peer is one that the settings name.
func (g *Gate) proxy(peer string) bool {
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap().WithZone("")
	for _, p := range g.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// The cookies. Where an address is https its host alone can set them, but for the
// one of a whole domain, for which the operator has asked.
const (
	doorCookie   = "sallyport"
	bindCookie   = "sallyport-bind"
	sharedCookie = "__Secure-sallyport"
	hostOnly     = "__Host-"
)

// named is a cookie's name at an origin.
func named(name, origin string) string {
	if strings.HasPrefix(origin, "https:") {
		return hostOnly + name
	}
	return name
}

// tokenMax is longer than any name of a door is.
const tokenMax = 128

// held is what the door of this request is worth, or nil: the host's own, else
// that of its domain.
func (g *Gate) held(r *http.Request, site app.Site) (*door.Held, error) {
	own := doorCookie
	if strings.HasPrefix(site.Origin, "https:") {
		own = hostOnly + doorCookie
	}
	h, err := g.through(r, own, site.Origin, "")
	if h != nil || err != nil || site.App.Share == "" {
		return h, err
	}
	return g.through(r, sharedCookie, "", site.App.Share)
}

// through is the door of one cookie, if it is of this host or of its domain: one
// app's cookie is of no use at another.
func (g *Gate) through(r *http.Request, name, origin, domain string) (*door.Held, error) {
	token := cookie(r.Header["Cookie"], name)
	if token == "" || len(token) > tokenMax {
		return nil, nil
	}
	var buf [tokenMax]byte
	id := sha256.Sum256(buf[:copy(buf[:], token)])
	h, err := g.Passes.Held(r.Context(), id)
	if err != nil || h == nil {
		return nil, err
	}
	if domain == "" && h.At(origin) || domain != "" && h.Below(domain) {
		return h, nil
	}
	return nil, nil
}

// cookie is the value of a cookie; of two of one name neither counts.
func cookie(lines []string, name string) (value string) {
	found := false
	for _, line := range lines {
		for line != "" {
			var part string
			part, line, _ = strings.Cut(line, ";")
			part = strings.TrimLeft(part, " ")
			if len(part) <= len(name) || part[len(name)] != '=' || part[:len(name)] != name {
				continue
			}
			if found {
				return ""
			}
			found, value = true, part[len(name)+1:]
		}
	}
	return value
}
