package gate

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/door"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/front/web"
)

// Routes are the gate's addresses for browsers.
func (g *Gate) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET " + leave:             g.Handle(g.leave),
		"GET " + enter:             g.Handle(g.enter),
		"GET " + handOver:          g.Handle(g.handOver),
		"GET " + Root + "problem":  g.Handle(g.problem),
		"GET " + Root + "sign-out": g.Handle(g.signOut),
	}
}

// Host says whether a host is that of an app: there the gate's own addresses are
// answered, and nothing else.
func (g *Gate) Host(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, Root) && g.site(r).App != nil
}

// site is the app whose host a browser is at.
func (g *Gate) site(r *http.Request) app.Site {
	book := g.Doors.Apps.Book()
	if scheme, ok := one(r.Header, "X-Forwarded-Proto"); ok && g.proxy(r.RemoteAddr) {
		return book.Site(scheme, r.Host)
	}
	if s := book.Site("https", r.Host); s.App != nil || r.TLS != nil {
		return s
	}
	return book.Site("http", r.Host)
}

// leave is where a browser leaves an app's host for the portal. The cookie that it
// gets binds its way back: who follows a hand-over of somebody else has another, or
// none. Tabs share it.
func (g *Gate) leave(w http.ResponseWriter, r *http.Request) error {
	site := g.site(r)
	if site.App == nil {
		return web.StatusError(http.StatusNotFound)
	}
	browser := bound(r, site.Origin)
	if browser == "" {
		browser = base64.RawURLEncoding.EncodeToString([]byte(rand.Text() + rand.Text()))
		set(w, named(bindCookie, site.Origin), browser, site.Origin, "")
	}
	return g.ask(w, r, site.Origin, r.URL.Query().Get("rd"), browser)
}

// ask goes to the portal, to come back to an address of this host.
func (g *Gate) ask(w http.ResponseWriter, r *http.Request, origin, uri, browser string) error {
	if a, _, rest := g.Doors.Apps.Book().Find(origin + uri); a == nil || !strings.HasPrefix(uri, "/") {
		uri = "/"
	} else {
		uri = rest
	}
	if len(url.QueryEscape(origin+uri)) > returnMax {
		uri = "/"
	}
	return web.Redirect(w, r, g.Site.BaseURL+handOver+"?"+url.Values{"to": {origin + uri}, "bind": {door.Bind(browser)}}.Encode())
}

// addressMax is how long an address can be that one returns to; a longer one leads
// to the first page.
const addressMax = 2000

// returnMax is how long it can be as it stands in the address to return to, which
// with all of it has 4096 characters at most.
const returnMax = 3900

// bound is the cookie that binds hand-overs to this browser, or "".
func bound(r *http.Request, origin string) string {
	value := cookie(r.Header["Cookie"], named(bindCookie, origin))
	if len(value) < 40 || len(value) > tokenMax {
		return ""
	}
	return value
}

func set(w http.ResponseWriter, name, value, origin, domain string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", Domain: domain, HttpOnly: true,
		Secure: strings.HasPrefix(origin, "https:"), SameSite: http.SameSiteLaxMode})
}

// handOver is the portal's side: sign in, step up, and go back with a token.
func (g *Gate) handOver(w http.ResponseWriter, r *http.Request) error {
	if !g.Home(r) {
		return web.StatusError(http.StatusNotFound)
	}
	s, err := g.Doors.Flow.Signed(r.Context(), g.Cookie(r, "session"))
	if err != nil {
		return err
	}
	to, bind := r.URL.Query().Get("to"), r.URL.Query().Get("bind")
	token, a, v, err := g.Doors.HandOver(s, to, bind)
	if err != nil {
		return err
	}
	switch v.Answer {
	case app.Allow:
		return g.over(w, r, s, a, to, token)
	case app.Forbid:
		return fault.New(fault.Denied, "door.forbidden", "app", a.Name)
	case app.SignIn, app.SetUp, app.Confirm:
		return web.StepUp(w, r, v.Answer, r.URL.RequestURI())
	}
	if a != nil && bind == "" { // a link to the app itself: its host begins the way
		return web.Redirect(w, r, to)
	}
	return fault.New(fault.Denied, "door.refused")
}

// over goes back to the app's host. Where apps share a cookie with the portal's own
// domain there is nothing to hand over.
func (g *Gate) over(w http.ResponseWriter, r *http.Request, s *flow.Signed, a *app.App, to, token string) error {
	_, origin, uri := g.Doors.Apps.Book().Find(to)
	if a.Share != "" && g.Site.HTTPS && app.Below(g.hostname(), a.Share) {
		cookie, err := g.Doors.Share(r.Context(), s, a)
		if err != nil {
			return err
		}
		set(w, sharedCookie, cookie, origin, a.Share)
		return web.Redirect(w, r, origin+uri)
	}
	return web.Redirect(w, r, origin+enter+"?token="+token)
}

func (g *Gate) hostname() string {
	return app.HostOf(g.Site.BaseURL)
}

// enter redeems a hand-over at the app's host.
func (g *Gate) enter(w http.ResponseWriter, r *http.Request) error {
	site := g.site(r)
	if site.App == nil || r.Method != http.MethodGet {
		return web.StatusError(http.StatusNotFound)
	}
	browser := bound(r, site.Origin)
	if browser == "" {
		return web.Redirect(w, r, g.Site.BaseURL+Root+"problem?is=no-cookies")
	}
	name := named(doorCookie, site.Origin)
	entered, err := g.Doors.Redeem(r.Context(), r.URL.Query().Get("token"), site.Origin, browser, cookie(r.Header["Cookie"], name))
	switch f := fault.Of(err); {
	case f != nil && f.Kind == fault.Gone:
		return g.ask(w, r, site.Origin, entered.URI, browser) // late, or a reload: once more
	case f != nil:
		return web.Redirect(w, r, g.Site.BaseURL+Root+"problem?is=forged")
	case err != nil:
		return err
	}
	if entered.Cookie != "" {
		set(w, name, entered.Cookie, site.Origin, "")
	}
	return web.Redirect(w, r, site.Origin+entered.URI)
}

// problem says on the portal what went wrong at an app's host, where it has no
// pages of its own.
func (g *Gate) problem(_ http.ResponseWriter, r *http.Request) error {
	if !g.Home(r) {
		return web.StatusError(http.StatusNotFound)
	}
	switch r.URL.Query().Get("is") {
	case "no-cookies":
		return fault.New(fault.Denied, "door.no-cookies")
	case "forged":
		return fault.New(fault.Denied, "door.forged")
	}
	return web.StatusError(http.StatusNotFound)
}

// signOut leads to the portal, which asks first.
func (g *Gate) signOut(w http.ResponseWriter, r *http.Request) error {
	if g.Home(r) {
		return web.Redirect(w, r, "/sign-out")
	}
	return web.Redirect(w, r, g.Site.BaseURL+"/sign-out")
}

// EndShared removes the cookies of domains when somebody signs out at the portal.
func (g *Gate) EndShared(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(sharedCookie); errors.Is(err, http.ErrNoCookie) {
		return
	}
	gone := map[string]bool{}
	for _, a := range g.Doors.Apps.Book().All() {
		if a.Share != "" && !gone[a.Share] {
			gone[a.Share] = true
			http.SetCookie(w, &http.Cookie{Name: sharedCookie, Path: "/", Domain: a.Share, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode, MaxAge: -1, Expires: time.Unix(1, 0)})
		}
	}
}

// Leads says what app an address to return to hands over to, and where.
func (g *Gate) Leads(returnTo string) (name string, origins []string) {
	query, ok := strings.CutPrefix(returnTo, handOver+"?")
	if !ok {
		return "", nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", nil
	}
	a, origin, _ := g.Doors.Apps.Book().Find(values.Get("to"))
	if a == nil {
		return "", nil
	}
	return a.Name, []string{origin}
}
