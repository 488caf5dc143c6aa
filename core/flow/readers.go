package flow

import (
	"context"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// People reads persons and what is bound to them. What is not there is nil or
// empty, never an error.
type People interface {
	Person(ctx context.Context, id string) (*person.Person, error)
	PersonByName(ctx context.Context, name string) (*person.Person, error)
	// Factors are all of a person's, ended ones too, oldest first.
	Factors(ctx context.Context, person string) ([]factor.Factor, error)
	// Phones are those of a person that have not ended.
	Phones(ctx context.Context, person string) ([]phone.Phone, error)
	// PhonesEnded are those of a person that were replaced or removed after a
	// moment, oldest first; what a dispute voided is not among them.
	PhonesEnded(ctx context.Context, person string, after time.Time) ([]phone.Phone, error)
	// Sharing is how many persons have proved this number.
	Sharing(ctx context.Context, e164 string) (int, error)
	// Link is an invitation, setup code or dispute by the hash of its token.
	Link(ctx context.Context, id string) (*person.Link, error)
	// LinkAlive is the person's link of a kind that is alive, or the newest.
	LinkAlive(ctx context.Context, kind person.LinkKind, person string, now time.Time) (*person.Link, error)
}

// History reads what happened.
type History interface {
	// Events are the newest entries about a person.
	Events(ctx context.Context, person string, most, skip int) ([]audit.Entry, error)
	// EventsOf are the newest entries of some kinds about a person.
	EventsOf(ctx context.Context, person string, kinds []audit.Event, most int) ([]audit.Entry, error)
}

// Attempts reads what is under way.
type Attempts interface {
	Attempt(ctx context.Context, id string) (*Attempt, error)
	Setup(ctx context.Context, id string) (*Setup, error)
	// SetupsOpen are the first set-ups of a person that have not passed their end.
	SetupsOpen(ctx context.Context, person string, now time.Time) ([]Setup, error)
	// Recovery is the person's newest.
	Recovery(ctx context.Context, person string) (*Recovery, error)
	// Standing is all that stands of a person, read at once.
	Standing(ctx context.Context, of Subject) (Standing, error)
	// Sends are all messages of a chain, the newest first.
	Sends(ctx context.Context, chain string) ([]message.Message, error)
	// Traffic is what became of the ripe code texts to a prefix and to a country.
	Traffic(ctx context.Context, prefix, country string, now time.Time) (message.Traffic, error)
}

// Subject is whom a decision is about, and what is asked besides what every
// decision rests on. What is empty is not asked.
type Subject struct {
	Person string
	Setup  string   // an id
	Known  string   // the hash of a cookie
	Limits []string // keys
}

// Standing is what stands of a person. Without a person there is nothing else.
type Standing struct {
	Person   *person.Person
	Factors  []factor.Factor // as People has them
	Phones   []phone.Phone
	Recovery *Recovery
	Setup    *Setup
	Known    *session.KnownBrowser
	Limits   map[string]limit.State
}

// Sessions reads sessions and known browsers.
type Sessions interface {
	Session(ctx context.Context, id string) (*session.Session, error)
	SessionsOf(ctx context.Context, person string) ([]session.Session, error)
	// KnownBrowser is the row of a cookie and a person.
	KnownBrowser(ctx context.Context, token, person string) (*session.KnownBrowser, error)
	KnownBrowsers(ctx context.Context, person string) ([]session.KnownBrowser, error)
	// KnownByCookie counts the persons who share a cookie.
	KnownByCookie(ctx context.Context, token string) (int, error)
}

// Changes applies changes and reads budgets.
type Changes interface {
	// Apply makes all effects of a set in one transaction, or none. When a
	// condition does not hold the error is a *change.Refused.
	Apply(ctx context.Context, set change.Set) error
	Limits(ctx context.Context, keys []string) (map[string]limit.State, error)
}
