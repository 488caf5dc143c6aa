// Package audit is the record of what happened. An entry is part of the change
// it tells of, so that nothing happens unrecorded and nothing is recorded that
// did not happen. Entries never hold codes, secrets, passwords or full numbers.
package audit

import (
	"crypto/rand"
	"fmt"
	"time"

	"sallyport/core/change"
)

// Event names what happened, for machines; its words stand in the catalogue
// under `activity.` and the event's name.
type Event string

// The events.
const (
	PasswordRight   Event = "password-right"
	PasswordWrong   Event = "password-wrong"
	SignedIn        Event = "signed-in" // Method says with what
	SignedOut       Event = "signed-out"
	SessionsEnded   Event = "sessions-ended"
	CodeWrong       Event = "code-wrong" // Method says which, Reason why
	SetUp           Event = "set-up"
	SetUpLater      Event = "set-up-later"
	AppAdded        Event = "app-added"
	AppReplaced     Event = "app-replaced"
	AppRemoved      Event = "app-removed"
	AppRenamed      Event = "app-renamed"
	AppEnded        Event = "app-ended"
	TwoFactorOff    Event = "two-factor-off"
	TextSent        Event = "text-sent"
	NumberProved    Event = "number-proved"
	NumberChanged   Event = "number-changed"
	NumberRemoved   Event = "number-removed"
	RecoveryBegun   Event = "recovery-begun"
	RecoveryWaiting Event = "recovery-waiting"
	RecoveryDone    Event = "recovery-done"
	RecoveryStopped Event = "recovery-stopped"
	RecoveryCode    Event = "recovery-code-used"
	CodesMade       Event = "codes-made"
	CodesSaved      Event = "codes-saved"
	PasswordSet     Event = "password-set"
	PasswordChanged Event = "password-changed"
	PasswordAsked   Event = "password-asked" // a mailed link
	PasswordReset   Event = "password-reset"
	MailAsked       Event = "mail-asked"
	MailChanged     Event = "mail-changed"
	MailRemoved     Event = "mail-removed"
	Confirmed       Event = "confirmed"
	SetupCodeUsed   Event = "setup-code-used"
	BrowserForgot   Event = "browser-forgotten"
	Disputed        Event = "disputed" // Reason: what; Method not-held: the account went on, as it was held too often that day
	Released        Event = "released"
	PersonAdded     Event = "person-added"
	PersonChanged   Event = "person-changed"
	PersonDeleted   Event = "person-deleted"
	PersonExported  Event = "person-exported"
	PersonDisabled  Event = "person-disabled"
	PersonEnabled   Event = "person-enabled"
	Invited         Event = "invited"
	Reset           Event = "two-factor-reset"
	Limited         Event = "limited"
	TextsStopped    Event = "texts-stopped"       // Reason: prefix, country, money-most, money-all
	TextsOpened     Event = "texts-opened"        // Note: the prefix or country that an operator opened
	Restored        Event = "restored"            // the database was made from a backup; Note says which
	GuardedAdded    Event = "guarded-app-added"   // Note: the id of what people sign in to
	GuardedChanged  Event = "guarded-app-changed" // Note: its id, and what is new
	GuardedRemoved  Event = "guarded-app-removed" // Note: its id
	KeyRotated      Event = "key-rotated"         // Reason: the number of the new data key, or the new key that signs tokens
	Exported        Event = "audit-exported"
	Pruned          Event = "audit-pruned" // Note says up to when
)

// What apps do by OpenID Connect; Note names the app.
const (
	AppEntered       Event = "app-entered"
	ConsentGiven     Event = "consent-given"
	ConsentWithdrawn Event = "consent-withdrawn"
	CodeReused       Event = "code-reused"    // an authorization code came twice
	RefreshReused    Event = "refresh-reused" // a refresh token came twice
)

// DisputedOnly is the Method of a Disputed that did not put the account on hold, as
// that was done as often as it may be in a day.
const DisputedOnly = "not-held"

// Events are all of them.
var Events = []Event{
	PasswordRight, PasswordWrong, SignedIn, SignedOut, SessionsEnded, CodeWrong, SetUp, SetUpLater, AppAdded, AppReplaced,
	AppRemoved, AppRenamed, AppEnded, TwoFactorOff, TextSent, NumberProved, NumberChanged, NumberRemoved, RecoveryBegun,
	RecoveryWaiting, RecoveryDone, RecoveryStopped, RecoveryCode, CodesMade, CodesSaved, PasswordSet, PasswordChanged,
	PasswordAsked, PasswordReset, MailAsked, MailChanged, MailRemoved, Confirmed, SetupCodeUsed, BrowserForgot, Disputed,
	Released, PersonAdded, PersonChanged, PersonDeleted, PersonExported, PersonDisabled, PersonEnabled, Invited,
	Reset, Limited, TextsStopped, TextsOpened, Restored, GuardedAdded, GuardedChanged, GuardedRemoved, KeyRotated, Exported, Pruned,
	AppEntered, ConsentGiven, ConsentWithdrawn, CodeReused, RefreshReused,
}

// What Limited was about, as Method.
const (
	LimitedPassword = "password" // over a hundred wrong ones within an hour
	LimitedLane     = "lane"     // 300 wrong codes in a year: closed to new browsers
)

// Erased stands where somebody was named who has been deleted, with a colon and a
// keyed hash behind it, which the entry of the deletion has too.
const Erased = "erased"

// Portal is the actor of what the portal does by itself.
const Portal = "portal"

// Entry is one thing that happened. It is an effect: appending has no condition.
type Entry struct {
	change.Mark
	ID      string
	At      time.Time
	Person  string // whom it concerns; empty where no account matches
	Actor   string // who did it: a person's id, or `cli:` and a system user
	Event   Event
	Method  string // app, text, recovery, setup-code, password
	Reason  string // why a try failed, or how an operator checked
	Attempt string // the attempt it belongs to, so that one can be followed
	Note    string // an operator's words
	Address string
	Agent   string
	Request string
	Link    string // the link that disputes it, by the hash of its token; or ""
}

// New makes an entry with a fresh id.
func New(at time.Time, event Event, person string) Entry {
	return Entry{ID: fmt.Sprintf("%011X", at.UnixMilli()) + rand.Text()[:15], At: at, Event: event, Person: person, Actor: person}
}
