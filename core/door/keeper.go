package door

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/change"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/person"
)

// Apps are all apps at this moment.
type Apps interface{ Book() *app.Book }

// Keeper opens doors, and says what they are worth.
type Keeper struct {
	Flow *flow.Machine
	Apps Apps
}

// HandOverLife is how long a hand-over can be redeemed.
const HandOverLife = 30 * time.Second

// handOver is what the portal tells an app's host, signed.
type handOver struct {
	Nonce  string // makes the name of the door
	Family string
	Person string
	Origin string
	URI    string
	Bind   string // the hash of the cookie that the browser has there
	Ends   int64  // milliseconds
	Length int64  // when the session ends at the latest
}

// Domain is how a cookie for all hosts below a domain is named as an origin.
func Domain(share string) string { return "." + share }

// HandOver makes the token with which a browser enters an app's host. The verdict
// says why there is none.
func (k *Keeper) HandOver(s *flow.Signed, to, bind string) (token string, a *app.App, v app.Verdict, err error) {
	a, origin, uri := k.Apps.Book().Find(to)
	if a == nil {
		return "", nil, app.Verdict{Answer: app.Refuse}, nil
	}
	if v = k.Judge(a, uri, s); v.Answer != app.Allow || s == nil || s.Over != "" {
		if v.Answer == app.Allow { // an open door needs nobody to be let in
			v.Answer = app.SignIn
		}
		return "", a, v, nil
	}
	if s.Session.Family == "" {
		return "", a, app.Verdict{Answer: app.Confirm}, nil // from before there were apps: its next name has one
	}
	if len(bind) < 20 {
		return "", a, app.Verdict{Answer: app.Refuse}, nil
	}
	token, err = k.seal(handOver{Nonce: rand.Text(), Family: s.Session.Family, Person: s.Person.ID, Origin: origin, URI: uri, Bind: bind,
		Ends: s.Now.Add(HandOverLife).UnixMilli(), Length: s.Session.EndsAt.UnixMilli()})
	return token, a, v, err
}

// Judge decides for somebody signed in, or for a stranger, about reading an address
// of an app.
func (k *Keeper) Judge(a *app.App, uri string, s *flow.Signed) app.Verdict {
	var who app.Standing
	now := k.Flow.Now()
	if s != nil && s.Over == "" {
		who = app.StandingOf(s.Session, s.Person.Groups)
	}
	return a.Judge(app.Place{Method: "GET", URI: uri}, who, now)
}

// Offered are the apps that somebody signed in may enter, if need be after showing
// more, by name.
func (k *Keeper) Offered(s *flow.Signed) (list []app.App) {
	for _, a := range k.Apps.Book().All() {
		if len(a.Addresses) == 0 {
			continue
		}
		switch k.Judge(&a, "/", s).Answer {
		case app.Allow, app.Confirm, app.SetUp:
			list = append(list, a)
		}
	}
	return list
}

// errForged is a hand-over that we did not make, or that was meant for elsewhere.
var errForged = errors.New("door: no hand-over of ours")

func (k *Keeper) seal(h handOver) (string, error) {
	plain, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("make hand-over: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(plain)
	return body + "." + k.mac("hand-over", body), nil
}

func (k *Keeper) open(token string) (h handOver, err error) {
	body, mac, ok := strings.Cut(token, ".")
	if !ok || subtle.ConstantTimeCompare([]byte(mac), []byte(k.mac("hand-over", body))) != 1 {
		return h, errForged
	}
	plain, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return h, errForged
	}
	return h, json.Unmarshal(plain, &h)
}

func (k *Keeper) mac(purpose string, parts ...string) string {
	raw := make([][]byte, len(parts))
	for i, p := range parts {
		raw[i] = []byte(p)
	}
	return base64.RawURLEncoding.EncodeToString(k.Flow.Secrets.MAC("door/"+purpose, raw...))
}

// Entered is what a hand-over opened.
type Entered struct {
	Cookie string // the name of the door; empty where the browser has entered before
	URI    string // where they were going
}

// Redeem opens the door that a hand-over is for. It is good once, for thirty
// seconds, at the host that it names, in the browser that left from there: all else
// is a fault that says to begin again, with where they were going where that is known.
func (k *Keeper) Redeem(ctx context.Context, token, origin, browser, has string) (Entered, error) {
	again := fault.New(fault.Gone, "form.stale")
	h, err := k.open(token)
	if err != nil {
		return Entered{}, fault.New(fault.Denied, "door.forged")
	}
	if h.Origin != origin {
		return Entered{}, fault.New(fault.Denied, "door.forged")
	}
	entered := Entered{URI: h.URI}
	if subtle.ConstantTimeCompare([]byte(h.Bind), []byte(Bind(browser))) != 1 {
		return entered, again
	}
	cookie := k.mac("name", h.Nonce)
	if has != "" && subtle.ConstantTimeCompare([]byte(has), []byte(cookie)) == 1 {
		return entered, nil // a reload: the door is open already
	}
	if k.Flow.Now().UnixMilli() >= h.Ends {
		return entered, again
	}
	opened, err := k.openDoor(ctx, Door{ID: flow.HashToken(cookie), Family: h.Family, Person: h.Person, Origin: h.Origin, EndsAt: time.UnixMilli(h.Length)})
	if err == nil && !opened {
		err = again
	}
	if err != nil {
		return entered, err
	}
	entered.Cookie = cookie
	return entered, nil
}

// Share opens the door to all hosts below an app's domain, where the operator asks
// for that: the portal stands below it too, and hands the cookie out itself.
func (k *Keeper) Share(ctx context.Context, s *flow.Signed, a *app.App) (cookie string, err error) {
	cookie = k.mac("name", rand.Text())
	opened, err := k.openDoor(ctx, Door{ID: flow.HashToken(cookie), Family: s.Session.Family, Person: s.Person.ID, Origin: Domain(a.Share), EndsAt: s.Session.EndsAt})
	if err == nil && !opened {
		err = fault.New(fault.Gone, "form.stale")
	}
	return cookie, err
}

// openDoor stores a door, unless it has been before, or the session or the person
// behind it is no longer what it was.
func (k *Keeper) openDoor(ctx context.Context, d Door) (opened bool, err error) {
	who, err := k.Flow.People.Person(ctx, d.Person)
	if err != nil {
		return false, fmt.Errorf("read person: %w", err)
	}
	if who == nil || who.Disabled() || who.Held() {
		return false, nil
	}
	d.MadeAt = k.Flow.Now()
	err = k.Flow.Changes.Apply(ctx, change.Set{person.Unchanged{ID: who.ID, Version: who.Version}, Opened{Door: d}})
	if _, refused := errors.AsType[*change.Refused](err); refused {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open door: %w", err)
	}
	return true, nil
}

// Bind is the kept form of the cookie that binds a hand-over to a browser.
func Bind(browser string) string { return flow.HashToken("bind/" + browser) }
