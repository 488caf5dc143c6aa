package door

import (
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unique"

	"sallyport/core/app"
	"sallyport/core/person"
	"sallyport/core/session"
)

// Guest is a person as apps are told of them. All doors of one person share it: a
// portal holds doors by the ten thousand.
type Guest struct {
	person string
	groups []string
	told   [4]string   // values of headers
	idle   int64       // milliseconds
	gone   atomic.Bool // its doors are shut: the next request reads them again
	doors  int32       // that are remembered
	key    uint64      // by which they are
}

// What is told.
const (
	user = iota
	groups
	name
	mail
)

func newGuest(who person.Person, idle time.Duration) *Guest {
	g := &Guest{groups: slices.Clone(who.Groups), idle: idle.Milliseconds()}
	for i, group := range g.groups {
		g.groups[i] = unique.Make(group).Value()
	}
	g.told[groups] = unique.Make(header(strings.Join(who.Groups, ","))).Value()
	// One text for all: each by itself would take its own place.
	parts := [...]string{who.ID, header(who.Name), header(who.Shown()), header(who.Email)}
	all := strings.Join(parts[:], "")
	for i, to := range [...]*string{&g.person, &g.told[user], &g.told[name], &g.told[mail]} {
		*to, all = all[:len(parts[i])], all[len(parts[i]):]
	}
	return g
}

// header makes a text fit for a line of HTTP.
func header(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// Person is the id of the person.
func (g *Guest) Person() string { return g.person }

// InGroups are the groups of the person, not to be changed.
func (g *Guest) InGroups() []string { return g.groups }

// User, Groups, Name and Mail are values of headers, made once.
func (g *Guest) User() []string   { return g.told[user : user+1 : user+1] }
func (g *Guest) Groups() []string { return g.told[groups : groups+1 : groups+1] }
func (g *Guest) Name() []string   { return g.told[name : name+1 : name+1] }
func (g *Guest) Mail() []string   { return g.told[mail : mail+1 : mail+1] }

// size is about how many bytes a guest takes.
func (g *Guest) size() int {
	size := 176 + len(g.person) + 16*len(g.groups)
	for i := range g.told {
		size += len(g.told[i])
	}
	return size
}

// Held is a pass in the form in which a check uses it, at no cost: nothing in it
// changes but the moment when its session was last seen. What a check reads comes
// first, so that it lies together.
type Held struct {
	id [32]byte // the cookie's hash, where it is remembered
	*Guest
	origin unique.Handle[string]
	until  int64 // milliseconds
	seen   atomic.Int64

	saved   atomic.Int64 // what the row says of seen
	token   atomic.Pointer[token]
	bothAt  int64    // milliseconds
	session [32]byte // the row whose idle end moves
	level   uint8
	since   uint32 // when it was read, in seconds of the memory
}

// Hold makes of a pass what checks use; nil when it holds no more.
func (k *Keeper) Hold(p Pass, now time.Time) *Held {
	until, over := k.Flow.Holds(p.Person, p.Session, now)
	if over != "" || len(p.Session.ID) != 2*len(Held{}.session) {
		return nil
	}
	who := app.StandingOf(p.Session, nil)
	h := &Held{Guest: newGuest(p.Person, k.Flow.Times().Idle), origin: unique.Make(p.Door.Origin), level: uint8(who.Level), bothAt: who.BothAt.UnixMilli(),
		until: min(until.UnixMilli(), p.Door.EndsAt.UnixMilli())}
	if _, err := hex.Decode(h.session[:], []byte(p.Session.ID)); err != nil || p.Session.Person != h.person {
		return nil
	}
	h.seen.Store(p.Session.SeenAt.UnixMilli())
	h.saved.Store(p.Session.SeenAt.UnixMilli())
	return h
}

// join makes a door one of a guest who is remembered, and says no where that guest is
// not as this door has just found them.
func (h *Held) join(g *Guest) bool {
	if g.gone.Load() || g.person != h.person || g.told != h.told || g.idle != h.idle || !slices.Equal(g.groups, h.groups) {
		return false
	}
	h.Guest = g
	return true
}

// Who is what the session behind the door proves.
func (h *Held) Who() app.Standing {
	return app.Standing{Person: h.person, Groups: h.groups, Level: session.Level(h.level), BothAt: time.UnixMilli(h.bothAt)}
}

// At says whether the door is at an origin.
func (h *Held) At(origin string) bool { return h.origin.Value() == origin }

// Below says whether the door is at all hosts of a domain.
func (h *Held) Below(domain string) bool {
	at := h.origin.Value()
	return len(at) == len(domain)+1 && at[0] == '.' && at[1:] == domain
}

// Session is the row whose idle end moves.
func (h *Held) Session() string { return hex.EncodeToString(h.session[:]) }

// Alive says whether the session still holds at now, of somebody who was not
// forgotten.
func (h *Held) Alive(now time.Time) bool {
	at := now.UnixMilli()
	return at < h.until && at < h.seen.Load()+h.idle && !h.gone.Load()
}

// token is who somebody is, signed for one app.
type token struct {
	app       string
	at, until int64 // milliseconds
	value     []string
}

// TokenFor is the signed token of this door for an app, made anew once it is older
// than a while: to sign costs a hundred times what a check does.
func (h *Held) TokenFor(app string, now time.Time, while time.Duration, sign func() (string, error)) ([]string, error) {
	at := now.UnixMilli()
	if t := h.token.Load(); t != nil && t.app == app && at >= t.at && at < t.until {
		return t.value, nil
	}
	signed, err := sign()
	if err != nil {
		return nil, err
	}
	t := &token{app: app, at: at, until: at + while.Milliseconds(), value: []string{signed}}
	h.token.Store(t)
	return t.value, nil
}

// signed is how many bytes the token takes, after one that is too old is dropped.
func (h *Held) signed(now time.Time) int {
	t := h.token.Load()
	if t == nil {
		return 0
	}
	if now.UnixMilli() >= t.until {
		h.token.CompareAndSwap(t, nil)
		return 0
	}
	return 96 + len(t.value[0])
}

// seenEvery is how often the idle end is written.
const seenEvery = time.Minute

// Touch moves the idle end, and says whether it is time to write it down: at most
// once a minute, and to one caller.
func (h *Held) Touch(now time.Time) bool {
	at := now.UnixMilli()
	if at > h.seen.Load() {
		h.seen.Store(at)
	}
	saved := h.saved.Load()
	return at-saved >= seenEvery.Milliseconds() && h.saved.CompareAndSwap(saved, at)
}
