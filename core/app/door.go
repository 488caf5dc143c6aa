package app

import (
	"time"

	"sallyport/core/change"
	"sallyport/core/person"
	"sallyport/core/session"
)

// Door is a session at the host of an app, or at all hosts of a domain: what the
// cookie there names. It opens nothing by itself: the session behind it does,
// which it follows through every new name by its family, and with which it ends.
type Door struct {
	ID     string // the hash of the cookie
	Family string // of the session
	Person string
	Origin string // where the cookie is good: an origin, or a domain with a dot before it
	MadeAt time.Time
	EndsAt time.Time // with the session's length
}

// Opened stores a door. The conditions: its name is new, so that a hand-over is
// redeemed once, and its session is alive.
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
