package walker

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// jar is the cookies of a browser at a host: the portal's, or an app's after an @.
func (b *Browser) jar(cookie string) (jar map[string]string, name string) {
	name, origin, elsewhere := strings.Cut(cookie, "@")
	if !elsewhere {
		return b.Cookies, name
	}
	return b.at(origin), name
}

func (b *Browser) at(origin string) map[string]string {
	if b.Sites[origin] == nil {
		b.Sites[origin] = map[string]string{}
	}
	return b.Sites[origin]
}

// visit sends a request to an app's host: the gate's own addresses go to the portal,
// about all others its proxy asks, and shows what it is told.
func (b *Browser) visit(p *Portal, method string, site *Site, uri string) *Exchange {
	u := must2(url.Parse(uri))
	x := &Exchange{Actor: b.Actor, Browser: b.Name, Method: method, Path: u.Path, Query: u.Query(), Site: site, URI: uri, Sent: maps.Clone(b.at(site.Origin)), Set: map[string]string{}, Typed: b.Typed}
	own, to := strings.HasPrefix(uri, gatePaths), p.URL+gatePaths+"forward-auth"
	switch {
	case own:
		to = p.URL + uri
	case site.Nginx:
		to = p.URL + gatePaths + "auth-request"
	}
	r := must2(http.NewRequest("GET", to, nil))
	host := strings.TrimPrefix(site.Origin, "http://")
	r.Header = http.Header{"Accept": {"text/html"}, "X-Forwarded-For": {b.address}, "X-Forwarded-Proto": {"http"}, "User-Agent": {agent}}
	if own {
		r.Host = host
	} else {
		r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Uri"], r.Header["X-Forwarded-Method"] = []string{host}, []string{uri}, []string{method}
	}
	b.exchange(p, x, r)
	if own {
		return x
	}
	if site.Nginx && x.Status == http.StatusUnauthorized && x.Location != "" {
		x.Status = http.StatusSeeOther // as its settings have it
	}
	if x.Status == http.StatusOK {
		x.Body = `<main data-page="app">`
	}
	return x
}

// leave goes from an app's host to the portal, and stops where it would come back:
// the address of the hand-over is there for whoever gets hold of it.
func (w *World) leave(b *Browser, d Do) *Breach {
	site, uri := siteOf(d.What)
	if site == nil {
		return nil
	}
	to := site.Origin + leavePath + "?rd=" + url.QueryEscape(uri)
	for range 3 {
		x := b.send(w.Portal, "GET", to, nil)
		if found := w.heard(b, x); found != nil {
			return found
		}
		if x.Lost || x.Status != http.StatusSeeOther {
			return nil
		}
		if to = x.Location; strings.Contains(to, enterPath+"?") {
			w.overs = append(w.overs, to)
			return nil
		}
	}
	return nil
}

// enter redeems a hand-over that somebody got hold of: the newest, or an older one,
// at its own host or at another.
func (w *World) enter(b *Browser, d Do) *Breach {
	if len(w.overs) == 0 {
		return nil
	}
	at := len(w.overs) - 1
	if d.With["which"] == "older" {
		at = w.calls % len(w.overs)
	}
	to := w.overs[at]
	if _, uri := siteOf(to); d.What != "" {
		to = d.What + uri
	}
	return w.get(b, b.Tabs[d.Tab%2], to)
}

// probed asks at each door of a browser, as a program does that follows nowhere:
// at a place that is shut to it, where there is one, and at any other by turns.
func (w *World) probed(b *Browser) *Breach {
	for _, origin := range slices.Sorted(maps.Keys(b.Sites)) {
		if b.Sites[origin][doorCookie] == "" {
			continue
		}
		site, _ := siteOf(origin + "/")
		w.probes++
		x := b.send(w.Portal, "POST", origin+w.temptation(site, b.Sites[origin][doorCookie]).URI, nil)
		if found := w.heard(b, x); found != nil {
			return found
		}
		if found := w.mayEnter(b, x); found != nil {
			return found
		}
		if found := w.misplaced(b, site); found != nil {
			return found
		}
	}
	return nil
}

// misplaced asks at another app with the cookie of this one, which is of no use there.
func (w *World) misplaced(b *Browser, site *Site) *Breach {
	other := Sites[w.probes%len(Sites)]
	if other == site {
		return nil
	}
	at := b.at(other.Origin)
	before, had := at[doorCookie]
	at[doorCookie] = b.Sites[site.Origin][doorCookie]
	all := other.all()
	found := w.heard(b, b.send(w.Portal, "POST", other.Origin+all[w.probes/len(Sites)%len(all)].URI, nil))
	at[doorCookie] = before
	if !had {
		delete(at, doorCookie)
	}
	return found
}

func (w *World) temptation(site *Site, cookie string) Place {
	all := site.all()
	if d := w.Model.Doors[cookie]; d != nil && w.probes%3 > 0 {
		now := w.Portal.Now()
		s := w.Model.behind(d, now)
		shut := slices.DeleteFunc(slices.Clone(all), func(p Place) bool { return s == nil || w.Model.enters(s, p, now) })
		if len(shut) > 0 {
			return shut[w.probes%len(shut)]
		}
	}
	return all[w.probes%len(all)]
}

// mayEnter is the model of actors at an app: who holds too little for any session
// holds too little for its doors.
func (w *World) mayEnter(b *Browser, x *Exchange) *Breach {
	d := w.Model.Doors[x.cookie(doorCookie)]
	if x.Status != http.StatusOK || len(x.Told["Remote-User"]) == 0 || x.Told["Remote-User"][0] == "" || d == nil {
		return nil
	}
	if s := w.Model.behind(d, x.Before); s != nil {
		return w.holds(b, s, s.Level)
	}
	return nil
}

// ended says whether a browser has a door of a session that is over: those are asked
// once more.
func (w *World) ended(name string, b *Browser) (news bool) {
	for origin, jar := range b.Sites {
		d := w.Model.Doors[jar[doorCookie]]
		if over := name + origin + jar[doorCookie]; d != nil && !w.asked[over] && w.Model.behind(d, w.Portal.Now()) == nil {
			w.asked[over], news = true, true
		}
	}
	return news
}

// arrives opens an address of an app for an owner who is signed in, and must come
// there, or hear that it is for others.
func (f *finisher) arrives() *Breach {
	site := Sites[f.helped%len(Sites)]
	places := site.all()
	place := places[f.helped/len(Sites)%len(places)]
	if place.Within > 0 { // what they have shown has grown old meanwhile
		f.Portal.Move(place.Within + time.Second)
	}
	found := f.go_(site.Origin + place.URI)
	for range 6 {
		if found != nil {
			return found
		}
		switch page := f.tab.page(); {
		case page.Name() == "app":
			return nil
		case page.Status == http.StatusForbidden && place.Board && !f.p.Board && strings.Contains(page.Body, "You may not open"):
			return nil
		case page.Name() == "confirm" && place.Within > 0:
			if app, _ := f.p.AppCode(f.value(f.b, "app:"+f.p.Name), f.Portal.Now(), f.Portal.Now()); app == nil {
				f.Portal.Move(61 * time.Second)
			}
			found = f.press("Continue", map[string]string{"password": "password:" + f.p.Name, "code": "app:" + f.p.Name})
		default:
			return breach("a dead end on the way to an app", "%s asked for %s and is at %q (%d): %s", f.p.Name, site.Origin+place.URI, page.Name(), page.Status, brief(page.Body))
		}
	}
	return breach("a dead end on the way to an app", "%s confirms without end", f.p.Name)
}

// doors is steps at the hosts of apps, mostly of an owner who is signed in.
func (c *chooser) doors() []Do {
	b := c.person() + pick(c, "/1", "/2")
	list := c.atDoor(b)
	if s := c.w.Model.Sessions[c.w.Browsers[b].Cookies["session"]]; !c.w.Model.Alive(s, c.w.Portal.Now()) && c.chance(80) {
		list = append(c.signIn(b), list...)
	}
	return list
}

func (c *chooser) atDoor(b string) []Do {
	who, other := c.w.Browsers[b].Actor, "door/1"
	site := pick(c, Sites...)
	places := site.all()
	to := site.Origin + places[c.IntN(len(places))].URI
	open := Do{Do: "open", In: b, What: to}
	again := Do{Do: "press", In: b, What: "Continue", With: map[string]string{"password": "password:" + who, "code": "app:" + who}}
	switch c.IntN(8) {
	case 0: // from the app to the sign-in, and back
		list := []Do{{Do: "clock", By: 61 * time.Second}, {Do: "plant", In: b, What: "session", With: map[string]string{"value": "drop"}}, {Do: "plant", In: b, What: "attempt", With: map[string]string{"value": "drop"}},
			open, {Do: "press", In: b, What: "Sign in", With: map[string]string{"username": who, "password": "password:" + who}}}
		return append(list, Do{Do: "press", In: b, What: "Verify", With: map[string]string{"code": "app:" + who}})
	case 1: // both factors again, where the app asks for them
		open.What = Sites[0].Origin + pick(c, "/pay/all", "/vault", "/open/../pay/all")
		return []Do{{Do: "clock", By: pick(c, time.Minute, 3*time.Minute, 6*time.Minute)}, open, again}
	case 2, 3:
		return []Do{open}
	case 4: // a cookie of one app, or of the portal, somewhere else
		from := pick(c, Sites...).Origin
		name := pick(c, doorCookie+"@"+from, doorCookie+"@"+from, doorCookie+"@"+from, "session")
		as := pick(c, doorCookie+"@"+site.Origin, doorCookie+"@"+site.Origin, doorCookie+"@"+site.Origin, "session", "known")
		return []Do{{Do: "plant", In: other, What: name, With: map[string]string{"value": "of:" + b, "as": as}}, {Do: "open", In: other, What: to}}
	case 5: // as a guest, a program, another browser
		in := c.w.names[c.IntN(len(c.w.names))]
		return []Do{{Do: "ask", In: in, What: to, With: map[string]string{"method": pick(c, "GET", "POST", "HEAD", "post", "DELETE")}}}
	}
	return c.handOver(b, other, site, to)
}

// handOver is a hand-over that is held up between the portal and the app, and
// redeemed by whoever has got hold of it, after something has happened.
func (c *chooser) handOver(b, thief string, site *Site, to string) []Do {
	who := c.w.Browsers[b].Actor
	list := []Do{{Do: "leave", In: b, What: to}}
	in := pick(c, b, b, thief, thief, who+"/1", who+"/2")
	if in != b && c.chance(80) { // who has been at the app has a cookie of theirs
		list = append(list, Do{Do: "open", In: in, What: site.Origin + leavePath + "?rd=/"})
	}
	switch c.IntN(9) {
	case 0:
		list = append(list, Do{Do: "clock", By: pick(c, 29*time.Second, 33*time.Second, 40*time.Second, -70*time.Second)})
	case 1:
		list = append(list, Do{Do: "open", In: b, What: "/sign-out"}, Do{Do: "press", In: b, What: "Sign out"})
	case 2:
		list = append(list, Do{Do: "operator", What: pick(c, "disable", "reset", "sign-out", "group"), With: map[string]string{"person": who}})
	case 3:
		list = append(list, Do{Do: "restart", What: pick(c, "kill", "term")})
	}
	enter := Do{Do: "enter", In: in}
	if c.chance(20) {
		enter.What = pick(c, Sites...).Origin
	}
	if c.chance(10) {
		enter.With = map[string]string{"which": "older"}
	}
	list = append(list, enter)
	if c.chance(60) { // and once more, after the cookie is lost, or in another browser
		again := Do{Do: "enter", In: pick(c, b, thief)}
		return append(list, Do{Do: "plant", In: again.In, What: doorCookie + "@" + site.Origin, With: map[string]string{"value": "drop"}}, again)
	}
	return list
}
