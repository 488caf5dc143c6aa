package portal

import (
	"time"

	"sallyport/front/web"
)

// Security is everything about one's own sign-in (S15).
type Security struct {
	web.Frame
	Now       time.Time
	TwoFactor bool      // whether 2FA is on
	LevelOne  bool      // a session by password alone sees no more than that
	NoCode    time.Time // when somebody knew the password and no code, or zero
	Unsaved   bool      // the recovery codes were never saved
	Apps      []AppRow
	AddApp    bool // whether one more may be added
	Number    NumberRow
	HasNumber bool // whether there is a section for the number at all
	HasMail   bool // likewise for the mail address
	Mail      MailRow
	Password  time.Time
	Codes     CodesRow
	Browsers  []BrowserRow
	LetIn     []LetInRow
	Skips     []SkipRow
	Events    []EventRow
	TurnOff   bool // whether the policy lets the person turn 2FA off
}

// AppRow is one authenticator app.
type AppRow struct {
	ID, Name    string
	Added, Used time.Time
	Renaming    bool   // the row shows a field for the name
	Typed       string // what stands in it
}

// NumberRow is the mobile number.
type NumberRow struct {
	Ending    string // the last digits, or ""
	Checked   time.Time
	Changed   time.Time // while it does not serve recovery yet, else zero
	From      time.Time // from when it does
	Removable bool
}

// MailRow is the mail address, masked.
type MailRow struct{ Address, Waiting string }

// CodesRow is the set of recovery codes.
type CodesRow struct {
	Left    int
	Made    time.Time
	Unsaved bool
}

// BrowserRow is a session, or a known browser that is signed out.
type BrowserRow struct {
	ID     string
	Name   string // browser and system in words
	Place  string // city, or ""
	From   string // the address, where no city is known
	Active time.Time
	This   bool
	Known  bool // this browser is known: it can be forgotten too
	Out    bool // signed out; only known
}

// SkipRow is a browser that is not asked for a code.
type SkipRow struct {
	ID, Name string
	Until    time.Time
}

// EventRow is one thing that happened, in words.
type EventRow struct {
	At      time.Time
	What    string // the key of its words
	Reason  string // why a try failed, or ""
	Browser string
	Place   string
	NotMe   string // where it is disputed, or ""
}

// Signed lists the browsers that are signed in.
func (v *Security) Signed() []BrowserRow { return v.browsers(false) }

// Out lists known browsers that are signed out.
func (v *Security) Out() []BrowserRow { return v.browsers(true) }

func (v *Security) browsers(out bool) (rows []BrowserRow) {
	for _, row := range v.Browsers {
		if row.Out == out {
			rows = append(rows, row)
		}
	}
	return rows
}

// Template names the page's file.
func (v *Security) Template() string { return "security" }

// Base makes the frame.
func (v *Security) Base() *web.Frame {
	v.Account, v.SignOut = true, true
	return v.On("security", "security.title")
}
