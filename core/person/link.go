package person

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"sallyport/core/change"
)

// LinkKind is what a link or a code that was handed out is for.
type LinkKind string

// The kinds, and how long each works.
const (
	Invitation LinkKind = "invitation"
	SetupCode  LinkKind = "setup-code"
	Dispute    LinkKind = "dispute"
	// PasswordLink chooses a new password, and came by mail.
	PasswordLink LinkKind = "password"
	// MailLink confirms a mail address.
	MailLink LinkKind = "mail"
)

// Mailed is the Data of an invitation that went out by mail.
const Mailed = "mailed"

// The lives of links.
const (
	InvitationLife = 72 * time.Hour
	SetupCodeLife  = 24 * time.Hour
	DisputeLife    = 7 * 24 * time.Hour
	PasswordLife   = 24 * time.Hour
	MailLife       = 24 * time.Hour
	// LinkKept is how long a dead link is recognised, so that its owner is told
	// what became of it.
	LinkKept = 30 * 24 * time.Hour
)

// Link is something that was handed to a person and works once: an invitation,
// a setup code, a dispute link. ID is the keyed hash of its token.
type Link struct {
	ID         string
	Kind       LinkKind
	Person     string
	MadeAt     time.Time
	EndsAt     time.Time
	SpentAt    time.Time
	ReplacedAt time.Time
	Data       []byte // of a dispute: what the notice was about; of a mail link: MailAsked; of an invitation: Mailed; sealed
}

// Disputed is what a dispute link is about.
type Disputed struct {
	Event    string    `json:",omitempty"` // the number of the notice's words
	At       time.Time `json:",omitzero"`
	Factor   string    `json:",omitempty"` // what the change bound
	Phone    string    `json:",omitempty"`
	Codes    bool      `json:",omitempty"`
	Password bool      `json:",omitempty"`
	Recovery string    `json:",omitempty"`
	Mail     string    `json:",omitempty"`
	Where    string    `json:",omitempty"` // browser and system, for the operator
}

// Encode is what a dispute link is about, as Link.Data.
func (d Disputed) Encode() []byte {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // a struct of plain fields always encodes
	}
	return data
}

// MailAsked is what a link that confirms an address is about, as Link.Data.
type MailAsked struct {
	Address string
	Message string // the mail that carries the link
}

// Encode is Link.Data.
func (a MailAsked) Encode() []byte {
	data, err := json.Marshal(a)
	if err != nil {
		panic(err) // a struct of plain fields always encodes
	}
	return data
}

// AskedMail reads Link.Data; what cannot be read is nothing.
func AskedMail(l Link) (a MailAsked) {
	if json.Unmarshal(l.Data, &a) != nil {
		return MailAsked{}
	}
	return a
}

// NewToken makes the random part of a link: 130 bits.
func NewToken() string { return rand.Text() }

// LinkMade stores a link. When it replaces the others of its kind that are
// alive (there is only one invitation and one setup code), Replace is set.
type LinkMade struct {
	change.Mark
	Link    Link
	Replace bool
}

// LinksReplaced ends the links of one kind of a person that are alive. It has no
// condition.
type LinksReplaced struct {
	change.Mark
	Kind   LinkKind
	Person string
	At     time.Time
}

// LinkSpent uses a link up. The condition: it is alive at that time.
type LinkSpent struct {
	change.Mark
	ID string
	At time.Time
}
