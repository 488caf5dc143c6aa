// Package door lets a session in at the hosts of apps. A session opens a door once,
// by a signed hand-over from the portal's host to the app's; from then on the door
// answers each request of that host by itself. It makes no session and proves
// nothing: a door is as good as the session behind it, and ends with it.
package door

import (
	"sync/atomic"
	"time"

	"sallyport/core/app"
	"sallyport/core/change"
	"sallyport/core/person"
	"sallyport/core/session"
)

// Door is a session at the host of an app, or at all hosts of a domain: what the
// cookie there names. It follows its session through every new name by its family.
type Door struct {
	ID     string // the hash of the cookie
	Family string // of the session
	Person string
	Origin string // where the cookie is good: an origin, or a domain with a dot before it
	MadeAt time.Time
	EndsAt time.Time // with the session's length
}

// PerPerson is how many doors a person has at most; the oldest go.
const PerPerson = 500

// Opened stores a door. The conditions: its name is new, so that a hand-over is
// redeemed once, and a session of its family is alive.
type Opened struct {
	change.Mark
	Door Door
}

// Pass is a door with all that a check needs: its session and its person, as they
// are now.
type Pass struct {
	Door    Door
	Session session.Session
	Person  person.Person
}

// Held is a pass in the form in which a check uses it, at no cost: nothing in it
// changes but the moment when its session was last seen.
type Held struct {
	Who     app.Standing
	Origin  string
	Family  string
	Session string // the row whose idle end moves
	// User, Groups, Name and Email are values of headers, made once.
	User, Groups, Name, Email []string

	until int64 // milliseconds
	idle  int64
	token atomic.Pointer[token]
	seen  atomic.Int64
	saved atomic.Int64 // what the row says of seen
}

// Alive says whether the session still holds at now.
func (h *Held) Alive(now time.Time) bool {
	at := now.UnixMilli()
	return at < h.until && at < h.seen.Load()+h.idle
}

// token is who somebody is, signed for one app.
type token struct {
	app   string
	at    int64 // milliseconds
	value []string
}

// TokenFor is the signed token of this door for an app, made anew once it is older
// than a while: to sign costs a hundred times what a check does.
func (h *Held) TokenFor(app string, now time.Time, while time.Duration, sign func() (string, error)) ([]string, error) {
	at := now.UnixMilli()
	if t := h.token.Load(); t != nil && t.app == app && at >= t.at && at-t.at < while.Milliseconds() {
		return t.value, nil
	}
	signed, err := sign()
	if err != nil {
		return nil, err
	}
	t := &token{app: app, at: at, value: []string{signed}}
	h.token.Store(t)
	return t.value, nil
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
