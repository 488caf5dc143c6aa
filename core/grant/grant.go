// Package grant is what a person gives to a client of OpenID Connect: a code, then
// tokens. A code is spent once and a refresh token is replaced with each use; who
// shows one a second time ends all that came of it. A grant proves nothing by
// itself: whatever is shown later is judged again, by the same rule as every door.
package grant

import (
	"slices"
	"time"

	"sallyport/core/change"
	"sallyport/core/session"
)

// The lives of what a grant gives.
const (
	CodeLife    = time.Minute         // RFC 6749 4.1.2 lets ten pass
	IDLife      = time.Hour           // of an ID token
	OfflineLife = 30 * 24 * time.Hour // of a refresh token's family, whatever happens
	OfflineIdle = 7 * 24 * time.Hour  // of a refresh token that nobody uses
)

// The scopes that mean something here.
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	ScopeGroups  = "groups"
	ScopeOffline = "offline_access"
)

// Scopes are all of them.
var Scopes = []string{ScopeOpenID, ScopeProfile, ScopeEmail, ScopeGroups, ScopeOffline}

// The classes of authentication, as acr names them.
const (
	ClassOne = "urn:sallyport:one" // a password
	ClassTwo = "urn:sallyport:two" // a password and a second factor
)

// Grant is one authorization: what a person let a client have.
type Grant struct {
	ID, Client string
	Person     string
	Family     string // of the session it was given in
	Offline    bool   // it outlives that session
	Data       Data
	Code       string // the hash of the code
	MadeAt     time.Time
	CodeEndsAt time.Time
	SpentAt    time.Time // when the code was
	EndsAt     time.Time
	EndedAt    time.Time
	EndedWhy   string
	TellAt     time.Time // when the client has to hear that the session is over; zero: never
}

// Data is what a grant rests on.
type Data struct {
	Redirect  string
	Challenge string   `json:",omitempty"`
	Nonce     string   `json:",omitempty"`
	Scopes    []string `json:",omitempty"`
	Level     session.Level
	Method    string    `json:",omitempty"` // the second factor: app or recovery
	AuthAt    time.Time // when what Level says was last shown
	Class     string    // acr
}

// Has says whether a scope was granted.
func (d Data) Has(scope string) bool { return slices.Contains(d.Scopes, scope) }

// Methods are the names of RFC 8176 for what was shown. A recovery code is no one
// time password of a device, so it is named by "mfa" alone.
func (d Data) Methods() []string {
	switch {
	case d.Level != session.Two:
		return []string{"pwd"}
	case d.Method == "app":
		return []string{"pwd", "otp", "mfa"}
	}
	return []string{"pwd", "mfa"}
}

// Kind is what sort of token it is.
type Kind string

// The kinds.
const (
	Access  Kind = "access"
	Refresh Kind = "refresh"
)

// Token is one that a client holds. ID is its hash.
type Token struct {
	ID      string
	Kind    Kind
	Grant   string
	Scopes  []string
	MadeAt  time.Time
	EndsAt  time.Time
	SpentAt time.Time // when a refresh token was replaced
}

// Held is a token with its grant.
type Held struct {
	Token Token
	Grant Grant
}

// Consent is that a person lets an app know what some scopes say.
type Consent struct {
	ID     string
	Person string
	Client string
	Scopes []string
	MadeAt time.Time
}

// Why a grant ended.
const (
	EndedByReuse    = "reuse"     // a code or refresh token was shown twice
	EndedByClient   = "revoked"   // its client gave it back
	EndedByPerson   = "withdrawn" // the person withdrew consent
	EndedByIncident = "incident"  // with all sessions, after a change that puts them in doubt
)

// Begun stores a grant. The conditions: it is new, and a session of its family is
// alive.
type Begun struct {
	change.Mark
	Grant Grant
}

// CodeSpent spends a code. The condition: it is the client's, unspent and in time.
type CodeSpent struct {
	change.Mark
	Code, Client string
	At           time.Time
}

// Issued stores a token. The condition: it is new. Under a grant that has ended it is
// worth nothing, and whoever asks for it hears so at its first use.
type Issued struct {
	change.Mark
	Token Token
}

// RefreshSpent spends a refresh token. The condition: it is unspent and in time.
type RefreshSpent struct {
	change.Mark
	ID string
	At time.Time
}

// Ended ends a grant with all its tokens. The condition: it has not ended.
type Ended struct {
	change.Mark
	ID  string
	Why string
	At  time.Time
}

// AccessEnded ends one access token. It has no condition.
type AccessEnded struct {
	change.Mark
	ID string
}

// Consented remembers a consent. It has no condition.
type Consented struct {
	change.Mark
	Consent Consent
}

// Withdrawn forgets a consent and ends what rested on it. The condition: there is
// one.
type Withdrawn struct {
	change.Mark
	Person, Client string
	At             time.Time
}

// AssertionSpent spends the name of a client's assertion. The condition: it is new.
type AssertionSpent struct {
	change.Mark
	ID     string
	EndsAt time.Time
}

// Farewell is a client to be told that a session is over.
type Farewell struct {
	Grant, Client, Person, Family string
	TellAt                        time.Time
	Tries                         int
}

// Told takes a farewell in hand until Again, or is done with it when that is zero.
// The condition: nobody else has taken it meanwhile.
type Told struct {
	change.Mark
	Farewell Farewell
	Again    time.Time
}
