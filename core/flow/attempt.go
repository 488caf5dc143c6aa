package flow

import (
	"time"

	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/phone"
)

// The lives of an attempt.
const (
	CodeIdle    = 15 * time.Minute // between password and second factor
	SetupIdle   = 60 * time.Minute
	SetupLength = 4 * time.Hour
	// MovedFor is how long the same form posted again gets the same answer.
	MovedFor = 60 * time.Second
	// AttemptKept is how long an attempt that is over is kept, for telling its
	// browser why.
	AttemptKept = 24 * time.Hour
)

// Attempt is a sign-in under way after the right password: one record, named by
// its own cookie (ID is the cookie's hash). It opens nothing.
type Attempt struct {
	ID       string
	Person   string
	Lane     limit.Lane
	MadeAt   time.Time
	SeenAt   time.Time
	EndedAt  time.Time
	EndedWhy string
	Agent    string
	Address  string
	Data     Data
	Version  int64
}

// Data is what an attempt carries; it is sealed.
type Data struct {
	SetupCode bool   `json:",omitempty"` // proved, as the following are
	Invited   bool   `json:",omitempty"`
	Text      bool   `json:",omitempty"`
	Code      bool   `json:",omitempty"` // a recovery code; the question is open
	Replacing bool   `json:",omitempty"`
	Short     bool   `json:",omitempty"` // the password is shorter than one that may stand alone
	Factor    string `json:",omitempty"` // both were right and the password must change
	Wants     bool   `json:",omitempty"` // to set up again what was turned off
	By        string `json:",omitempty"` // what a recovery was proved with: text or recovery
	SetupLong bool   `json:",omitempty"` // the set-up's longer times apply

	ReturnTo  string         `json:",omitempty"`
	Setup     string         `json:",omitempty"` // the set-up that the attempt carries
	TextCode  phone.TextCode `json:",omitzero"`
	Recovery  string         `json:",omitempty"` // the recovery that waits
	Hint      string         `json:",omitempty"`
	Failures  int            `json:",omitempty"` // wrong codes in this attempt
	CodesLeft int            `json:",omitempty"`
	Signed    int            `json:",omitempty"`
	Moved     *Moved         `json:",omitempty"`
}

// Moved is the post that ended an attempt, so that the same form with the same
// value gets the same answer again.
type Moved struct {
	At    time.Time
	Form  string
	Value []byte // keyed hash
	Step  Step
	Level int
}

// browser names the browser of the attempt, as messages do.
func (a Attempt) browser() string { return Client{Agent: a.Agent, Shown: a.Address}.Browser() }

// idle is how long the attempt may rest.
func (a Attempt) idle() time.Duration {
	if a.Data.SetupLong {
		return SetupIdle
	}
	return CodeIdle
}

// Over says why the attempt no longer works, or "" while it does.
func (a Attempt) Over(now time.Time) string {
	switch {
	case !a.EndedAt.IsZero():
		return a.EndedWhy
	case !now.Before(a.SeenAt.Add(a.idle())) && a.Data.SetupLong:
		return OverSetupIdle
	case !now.Before(a.SeenAt.Add(a.idle())):
		return OverIdle
	case !now.Before(a.MadeAt.Add(SetupLength)):
		return OverLong
	}
	return ""
}

// Why an attempt is over.
const (
	OverDone      = "done"
	OverIdle      = "idle"
	OverSetupIdle = "setup-idle"
	OverLong      = "too-long"
	OverElsewhere = "set-up-elsewhere"
	OverWaiting   = "waiting"
	OverLeft      = "left"
	OverByChange  = "changed"
)

// AttemptBegun stores a new attempt. The condition: its name is new.
type AttemptBegun struct {
	change.Mark
	Attempt Attempt
}

// AttemptSaved writes an attempt. The condition: nobody else has since it was
// read, and it has not ended.
type AttemptSaved struct {
	change.Mark
	Attempt Attempt
}

// AttemptsEnded ends all attempts of a person but one. It has no condition.
type AttemptsEnded struct {
	change.Mark
	Person, Except, Why string
	At                  time.Time
}
