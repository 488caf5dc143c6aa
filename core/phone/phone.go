package phone

import (
	"crypto/rand"
	"time"

	"sallyport/core/change"
)

// Hold is how long a number that replaced another cannot serve recovery.
const Hold = 72 * time.Hour

// Heard is how long a number that was replaced is told of further changes of
// number: while the one in its place is on hold.
const Heard = Hold

// PerNumber is how many accounts one number may serve.
const PerNumber = 5

// Phone is a mobile number that a person has proved by a text message code. It
// is for recovery only and never signs anybody in by itself.
type Phone struct {
	ID       string
	Person   string
	Number   string // E.164; sealed at rest, found by keyed hash
	Region   string // whose name messages use
	ProvedAt time.Time
	UsableAt time.Time // when it may serve recovery
	EndedAt  time.Time
}

// New makes a proved phone. replaces says whether the person had another.
func New(person string, number Number, now time.Time, replaces bool) Phone {
	p := Phone{ID: rand.Text(), Person: person, Number: number.E164, Region: number.Country, ProvedAt: now, UsableAt: now}
	if replaces {
		p.UsableAt = now.Add(Hold)
	}
	return p
}

// Ending is the last three digits: all that pages show of a number.
func (p Phone) Ending() string { return p.Number[max(0, len(p.Number)-3):] }

// Bound stores a proved number. The condition: at most five accounts have it.
type Bound struct {
	change.Mark
	Phone Phone
}

// Voided takes a number away that a dispute names, as if it had never been there:
// whoever bound it hears of nothing more. It has no condition.
type Voided struct {
	change.Mark
	ID, Person string
	At         time.Time
}

// EndedAll ends all numbers of a person but one. It has no condition.
type EndedAll struct {
	change.Mark
	Person, Except string
	At             time.Time
}
