// Package door lets a session in at the hosts of apps. A session opens a door once,
// by a signed hand-over from the portal's host to the app's; from then on the door
// answers each request of that host by itself. It makes no session and proves
// nothing: a door is as good as the session behind it, and ends with it.
package door

import (
	"time"

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
