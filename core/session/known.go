package session

import (
	"time"

	"sallyport/core/change"
)

// The life of a known browser.
const (
	KnownFor       = 180 * 24 * time.Hour // from last use
	KnownPerPerson = 10
	KnownPerCookie = 5
)

// KnownBrowser is one that has signed in with both factors before. It gets its
// own lane of tries and nothing else: never a factor, never a longer session.
type KnownBrowser struct {
	ID     string
	Token  string // the hash of the cookie, which up to five people share
	Person string
	MadeAt time.Time
	SeenAt time.Time
	EndsAt time.Time
	Agent  string
	// Address is where it was last used from.
	Address string
}

// Recognised stores a known browser or moves its end, and drops the oldest of
// a person who has more than ten. It has no condition.
type Recognised struct {
	change.Mark
	Browser KnownBrowser
}

// SeenAgain moves the end of a known browser. The condition: it is one still.
type SeenAgain struct {
	change.Mark
	Browser KnownBrowser
}

// Forgot drops one known browser of a person. The condition: there is one. Lenient drops
// it, for what has to count in any case: who has the cookie can have it forgotten meanwhile.
type Forgot struct {
	change.Mark
	ID, Person string
	Lenient    bool
}

// ForgotCookie drops every row of a cookie, whoever shares it. It has no condition.
type ForgotCookie struct {
	change.Mark
	Token string
}

// ForgotAll drops the known browsers of a person but one. It has no condition.
type ForgotAll struct {
	change.Mark
	Person, Except string
}
