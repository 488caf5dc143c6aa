// Package factor is the second factors: authenticators bound to a person. Each
// kind answers the same two questions, and nobody outside this package knows
// how: what is asked (Challenge), and is this the answer (Verify).
package factor

import (
	"crypto/rand"
	"time"

	"sallyport/core/change"
	"sallyport/core/fault"
)

// Kind names a kind of factor.
type Kind string

// The kinds. An app makes codes from the time; recovery codes are for the day
// when no app works.
const (
	App      Kind = "app"
	Recovery Kind = "recovery"
)

// MissesMax is how many misses in a row end an authenticator (SP 800-63B-4 3.2.2).
const MissesMax = 100

// Factor is an authenticator bound to a person: a row of kind and sealed data.
type Factor struct {
	ID       string
	Person   string
	Kind     Kind
	Name     string
	Data     []byte // what the kind needs; sealed at rest
	Step     int64  // the last time step that was accepted
	Misses   int    // wrong codes in a row
	AddedAt  time.Time
	UsedAt   time.Time
	EndedAt  time.Time
	EndedWhy string
	Version  int64
}

// New makes a factor with a fresh id.
func New(kind Kind, person, name string, data []byte, now time.Time) Factor {
	return Factor{ID: rand.Text(), Person: person, Kind: kind, Name: name, Data: data, AddedAt: now, Version: 1}
}

// Works says whether the factor can prove anything.
func (f Factor) Works() bool { return f.EndedAt.IsZero() && f.Misses < MissesMax }

// Why a factor ended.
const (
	EndedByMisses   = "misses"
	EndedByRecovery = "recovery"
	EndedByRemoval  = "removed"
	EndedByReplace  = "replaced"
	EndedByReset    = "reset"
	EndedByTurnOff  = "turned-off"
	EndedByDispute  = "dispute"
)

// Of picks the rows of a kind that work.
func Of(rows []Factor, kind Kind) (of []Factor) {
	for _, f := range rows {
		if f.Kind == kind && f.Works() {
			of = append(of, f)
		}
	}
	return of
}

// Working says whether any app works. Recovery codes do not count: they are a
// way back, never the factor itself.
func Working(rows []Factor) bool { return len(Of(rows, App)) > 0 }

// LastEnded is the newest app that ended, or nil.
func LastEnded(rows []Factor) *Factor {
	var last *Factor
	for i, f := range rows {
		if f.Kind == App && !f.Works() && (last == nil || f.EndedAt.After(last.EndedAt)) {
			last = &rows[i]
		}
	}
	return last
}

// Try is an answer to be judged.
type Try struct {
	Entered string
	Now     time.Time
	Text    string // the text message code that is alive in this attempt, if any
	Last    string // the offset of the failed code before, see Verdict.Hint
}

// Verdict is what a kind says of an answer. Its effects belong into the same
// change as what the answer opens: they hold the condition that it is unspent.
type Verdict struct {
	Right   bool
	Factor  string // the row that it was right for
	Effects change.Set
	Fault   *fault.Fault // why it was wrong, in words for the person
	Reason  string       // why, for the audit log
	Free    bool         // it counts as no try
	Hint    string       // to be handed to the next Try of the same attempt
	Offset  int64        // steps between the phone's clock and ours
}

// Verifier is a kind of factor. A new one is a file here and a line in Kinds.
type Verifier interface {
	// Challenge is what the person's device is asked, before Verify; nil where
	// nothing needs to be asked.
	Challenge(rows []Factor, now time.Time) ([]byte, error)
	// Verify judges an answer by the person's rows of this kind.
	Verify(rows []Factor, try Try) Verdict
}

// Bound stores a new factor. It has no condition.
type Bound struct {
	change.Mark
	Factor Factor
}

// Ended ends a factor. The condition: it had not ended.
type Ended struct {
	change.Mark
	ID, Person, Why string
	At              time.Time
}

// EndedAll ends every factor of a person, of one kind or of all when Kind is
// empty, but Except. It has no condition.
type EndedAll struct {
	change.Mark
	Person, Except, Why string
	Kind                Kind
	At                  time.Time
}

// StepSpent marks a time step as used, and with it all earlier ones (RFC 6238
// section 5.2). The condition: the step is unspent and the factor works.
type StepSpent struct {
	change.Mark
	ID   string
	Step int64
	At   time.Time
}

// Missed counts a wrong code. It has no condition.
type Missed struct {
	change.Mark
	ID string
}

// DataSaved writes the sealed data of a factor. The condition: the factor works,
// and nobody else has written it since it was read.
type DataSaved struct {
	change.Mark
	Factor Factor
}

// Renamed names a factor. The condition: it is the person's and works.
type Renamed struct {
	change.Mark
	ID, Person, Name string
}

// Voided ends a factor that a dispute names. It has no condition: it may have
// ended already.
type Voided struct {
	change.Mark
	ID, Person string
	At         time.Time
}
