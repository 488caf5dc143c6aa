// Package person is somebody who can sign in: names, passwords, and the links
// that are handed to them. It never compares a password outside the hashing
// queue and never holds one longer than that.
package person

import (
	"crypto/rand"
	"time"

	"sallyport/core/change"
)

// Person is somebody who can sign in.
type Person struct {
	ID         string
	Name       string // mapped (RFC 8265); what is signed in with
	Display    string // what is shown; Name where it is empty
	Email      string // sealed at rest
	Groups     []string
	Operator   bool   // allowed into the console; "administrator" on pages
	Password   string // the argon2 string, sealed at rest; empty before the first
	PasswordAt time.Time
	// MailedPassword: the password came by a mailed link, and the person has not
	// signed in with an app code or a recovery code since.
	MailedPassword bool
	MustChange     bool // nothing opens before a new password is chosen
	MadeAt         time.Time
	EnrolledAt     time.Time // the first factor went on; never cleared
	MustBy         time.Time // the last moment of the grace, stored when first required
	TurnedOff      bool      // 2FA was turned off by its owner, where the policy lets them
	SetupDue       bool      // reset or released: a setup code leads on
	ResetAt        time.Time
	ResetWhy       string // reset or released
	HeldAt         time.Time
	HeldWhy        string // the change that was disputed
	DisabledAt     time.Time
	Version        int64
}

// New makes a person with a fresh id. name must be mapped.
func New(name string, now time.Time) Person {
	return Person{ID: rand.Text(), Name: name, MadeAt: now, Version: 1}
}

// Shown is how pages name the person.
func (p Person) Shown() string {
	if p.Display != "" {
		return p.Display
	}
	return p.Name
}

// Enrolled says whether the person ever had a factor. Who has, never enrols on
// a password again.
func (p Person) Enrolled() bool { return !p.EnrolledAt.IsZero() }

// Held says whether the account is on hold after a dispute.
func (p Person) Held() bool { return !p.HeldAt.IsZero() }

// Disabled says whether an operator turned the account off.
func (p Person) Disabled() bool { return !p.DisabledAt.IsZero() }

// Added stores a new person. The condition: the name is free.
type Added struct {
	change.Mark
	Person Person
}

// Saved writes a person. The condition: nobody else has since it was read.
type Saved struct {
	change.Mark
	Person Person
}

// Unchanged writes nothing. The condition: the person is as it was read, so that
// a hold or a turned-off account cannot be overtaken by a decision under way.
type Unchanged struct {
	change.Mark
	ID      string
	Version int64
}

// Deleted drops a person and everything that is bound to them, and erases what
// names them in the audit log. The condition: there is such a person.
type Deleted struct {
	change.Mark
	ID string
}
