package flow

import (
	"time"

	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/phone"
)

// The life of a set-up.
const (
	SetupLife = 24 * time.Hour // of a QR code and of a checked number
	SetupKept = 48 * time.Hour // so that after a day the number is filled in, and the page says why the QR code is new
	SetupsMax = 5              // open at once for one person; a sixth ends the one idle longest
)

// The kinds of set-ups. A first one outlives its attempt in the browser that
// began it; every other one ends with the attempt or session that it is part of.
const (
	SetupFirst    = "first"
	SetupRecovery = "recovery"
	SetupNumber   = "number"  // a changed number, in a session
	SetupReplace  = "replace" // another app in the place of one
	SetupAdd      = "add"
)

// Setup is the state of a wizard. Nothing of it is shared between browsers: a
// password thief must not read the secret that the owner is scanning, nor leave
// a number behind that the owner then accepts.
type Setup struct {
	ID     string // the keyed hash of what names it: a cookie, an attempt, a session
	Person string
	Kind   string
	MadeAt time.Time
	SeenAt time.Time
	EndsAt time.Time
	Agent  string
	Data   SetupData
	Codes  Prepared // written by itself, while the person scans
	// Version grows with each write of Data.
	Version int64
}

// SetupData is what a set-up holds; it is sealed.
type SetupData struct {
	Installed bool            `json:",omitempty"`
	Typed     string          `json:",omitempty"`
	Country   string          `json:",omitempty"`
	Number    phone.Number    `json:",omitzero"`
	ProvedAt  time.Time       `json:",omitzero"`
	Kept      bool            `json:",omitempty"` // the number is one that the person has already
	Text      phone.TextCode  `json:",omitzero"`
	Secret    factor.Secret   `json:",omitzero"`
	SecretAt  time.Time       `json:",omitzero"`
	Old       []factor.Secret `json:",omitempty"`
	Scanned   bool            `json:",omitempty"`
	Renewed   string          `json:",omitempty"` // why the QR code is a new one: asked or old
	Misses    int             `json:",omitempty"`
	Label     string          `json:",omitempty"` // the account part of the entry
	Factor    string          `json:",omitempty"` // the app that is replaced
}

// Prepared is a set of recovery codes, made and hashed while the person scans,
// so that the last step waits for no hashing.
type Prepared struct {
	Codes []string        `json:",omitempty"`
	Set   *factor.CodeSet `json:",omitempty"`
}

// NumberProved says whether the set-up's number was proved, within its life.
func (s Setup) NumberProved(now time.Time) bool {
	return s.Data.Kept || !s.Data.ProvedAt.IsZero() && now.Before(s.Data.ProvedAt.Add(SetupLife))
}

// secretFresh says whether the QR code can still be used.
func (s Setup) secretFresh(now time.Time) bool {
	return len(s.Data.Secret.Key) > 0 && now.Before(s.Data.SecretAt.Add(SetupLife))
}

// begun says how far the set-up is, as the number of the step in the guide.
func (s Setup) begun(now time.Time, withPhone bool) int {
	switch {
	case s.Data.Scanned && s.secretFresh(now):
		return 6
	case s.secretFresh(now) || s.NumberProved(now) || !withPhone && s.Data.Installed:
		return 5
	case s.Data.Number.E164 != "":
		return 4
	case s.Data.Installed:
		return 3
	}
	return 1
}

// SetupBegun stores a new set-up, in the place of one with the same name, and
// ends the one idle longest when the person has five open. It has no condition.
type SetupBegun struct {
	change.Mark
	Setup Setup
}

// SetupSaved writes a set-up. The condition: nobody else has since it was read.
type SetupSaved struct {
	change.Mark
	Setup Setup
}

// CodesPrepared writes the prepared recovery codes of a set-up. It has no
// condition: a set-up that is gone needs none.
type CodesPrepared struct {
	change.Mark
	ID    string
	Codes Prepared
}

// SetupsDropped ends set-ups of a person: one, or all when ID is empty. It has
// no condition.
type SetupsDropped struct {
	change.Mark
	ID, Person string
}

// SetupMark tells a set-up from another of the same browser: forms carry it, so
// that one drawn before somebody started again changes nothing.
func SetupMark(s *Setup) string {
	if s == nil {
		return ""
	}
	return HashToken(s.ID + s.MadeAt.String())[:12]
}
