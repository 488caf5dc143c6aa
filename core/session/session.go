// Package session is the proof that all the policy asks for was shown. A
// session comes from Issue, which only core/flow calls, or from Stored, which
// only back/store calls; one made in any other way is proof of nothing.
package session

import (
	"errors"
	"time"

	"sallyport/core/change"
	"sallyport/core/policy"
)

// Level says what a session proves.
type Level int

// One is a password alone, where the policy lets somebody put off the set-up.
// Two is a password and a second factor.
const (
	One Level = 1
	Two Level = 2
)

// Row is a session as it is kept. ID is the hash of the cookie's name.
type Row struct {
	ID          string
	Person      string
	Family      string // stays the same through every new name
	Level       Level
	Method      string // the second factor that was shown: app, recovery, or none
	Known       string // the known browser, if it is one
	MadeAt      time.Time
	SeenAt      time.Time
	EndsAt      time.Time // whatever happens
	EndedAt     time.Time
	EndedWhy    string
	ConfirmedAt time.Time // both factors were last shown
	PasswordAt  time.Time // the password was last shown
	Agent       string
	Address     string
	Data        Data
	Codes       []string // recovery codes on screen, until Finish or CodesUntil; sealed
	CodesUntil  time.Time
	Version     int64
}

// Data is what a session carries that nobody but its owner may read.
type Data struct {
	CodesWhy   string   `json:",omitempty"` // recovery codes wait to be saved: setup, recovery or codes
	Change     string   `json:",omitempty"` // the set-up of a change under way
	ReturnTo   string   `json:",omitempty"`
	Notice     string   `json:",omitempty"` // a banner for the next page: its key
	NoticeArgs []string `json:",omitempty"`
	SignedOut  int      `json:",omitempty"` // other browsers signed out with the change

	// Posted is the keyed hash of the form that changed the password, so that it
	// gets the same answer again.
	Posted   []byte    `json:",omitempty"`
	PostedAt time.Time `json:",omitzero"`
}

type proof struct{ level Level }

// Session is a Row with its proof.
type Session struct {
	Row
	proof proof
}

// Proved is what an attempt has shown.
type Proved struct {
	Password bool
	Factor   string // the method that was right, or empty
}

var errUnproved = errors.New("session: what was proved is less than what is needed")

// Issue makes a session when what was proved meets the need, at the level that
// was proved. It is the only maker of new sessions.
func Issue(proved Proved, need policy.Need, row Row) (Session, error) {
	switch {
	case !need.Known || !proved.Password:
		return Session{}, errUnproved
	case proved.Factor != "":
		row.Level, row.Method = Two, proved.Factor
	case need.OneFactor:
		row.Level, row.Method = One, ""
	default:
		return Session{}, errUnproved
	}
	return Session{Row: row, proof: proof{row.Level}}, nil
}

// Renewed is the row of a session that goes on under a new name: with everything
// but recovery codes whose time on screen has passed, and with a family where it is
// from before sessions had one.
func (r Row) Renewed(now time.Time) Row {
	if r.Family == "" {
		r.Family = r.ID
	}
	if !now.Before(r.CodesUntil) {
		r.Codes = nil
	}
	return r
}

// Stored makes a session of a row that was read from the database.
func Stored(row Row) Session { return Session{Row: row, proof: proof{row.Level}} }

// Proven is the level that the session proves; zero for one that was made in
// any other way than by Issue and Stored.
func (s Session) Proven() Level { return s.proof.level }

// Times are the limits of a session's life.
type Times struct {
	Idle   time.Duration // without a request
	Length time.Duration // in all
}

// Over says why a session no longer works at now, or "" while it does.
func (s Session) Over(now time.Time, times Times) string {
	switch {
	case s.Proven() == 0:
		return EndedUnknown
	case !s.EndedAt.IsZero():
		return s.EndedWhy
	case !now.Before(s.EndsAt):
		return EndedByTime
	case !now.Before(s.SeenAt.Add(times.Idle)):
		return EndedByIdling
	}
	return ""
}

// Why a session ended.
const (
	EndedUnknown    = "unknown"
	EndedByTime     = "time"
	EndedByIdling   = "idle"
	EndedByOwner    = "signed-out"
	EndedElsewhere  = "elsewhere"
	EndedByPassword = "password"
	EndedByFactor   = "factor"
	EndedByOperator = "operator"
	EndedByDispute  = "dispute"
	EndedByRenewal  = "renewed" // the same session goes on under a new name
)

// InDoubt says whether the end of all sessions came with something after which
// nothing that was granted before may go on, not even what outlives a session.
func InDoubt(why string) bool {
	return why == EndedElsewhere || why == EndedByPassword || why == EndedByFactor || why == EndedByOperator || why == EndedByDispute
}

// Fresh is how long a confirmation lasts for further changes.
const Fresh = 5 * time.Minute

// Confirmed says whether both factors were shown within the last five minutes.
func (s Session) Confirmed(now time.Time) bool {
	return s.Proven() == Two && now.Before(s.ConfirmedAt.Add(Fresh)) && !now.Before(s.ConfirmedAt)
}

// PasswordConfirmed says whether the password was shown within the last five minutes.
func (s Session) PasswordConfirmed(now time.Time) bool {
	return s.Confirmed(now) || s.Proven() != 0 && now.Before(s.PasswordAt.Add(Fresh)) && !now.Before(s.PasswordAt)
}

// Begun stores a new session. The condition: it has its proof, and its name is new.
type Begun struct {
	change.Mark
	Session Session
}

// Saved writes a session's confirmations and data. The condition: it has not
// ended, and nobody else has written it since it was read.
type Saved struct {
	change.Mark
	Session Session
}

// Seen moves the idle end. It has no condition.
type Seen struct {
	change.Mark
	ID string
	At time.Time
}

// Ended ends one session. The condition: it is the person's, and had not ended;
// Lenient drops it, where something else in the same change may have ended it.
type Ended struct {
	change.Mark
	Lenient    bool
	ID, Person string
	Why        string
	At         time.Time
}

// EndedAll ends every session of a person but one. It has no condition.
type EndedAll struct {
	change.Mark
	Person, Except string
	Why            string
	At             time.Time
}
