package message

import (
	"time"

	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
)

// Notice is a message that tells a person what happened to their account.
type Notice string

// The notices; their words stand in the catalogue under `notice.`.
const (
	SetUpDone       Notice = "set-up"
	AppAdded        Notice = "app-added"
	AppReplaced     Notice = "app-replaced"
	AppRemoved      Notice = "app-removed"
	TwoFactorOff    Notice = "two-factor-off"
	AppEnded        Notice = "app-ended"
	NumberChanged   Notice = "number-changed"
	NumberRemoved   Notice = "number-removed"
	RecoveryBegun   Notice = "recovery-begun"
	RecoveryWaiting Notice = "recovery-waiting"
	RecoveryDone    Notice = "recovery-done"
	RecoveryStopped Notice = "recovery-stopped"
	RecoveryCode    Notice = "recovery-code"
	CodesMade       Notice = "codes-made"
	PasswordChanged Notice = "password-changed"
	WrongCodes      Notice = "wrong-codes"
	LaneClosed      Notice = "lane-closed"
	WrongPasswords  Notice = "wrong-passwords"
	NewBrowser      Notice = "new-browser"
	AccountHeld     Notice = "held"
	Released        Notice = "released"
	WasReset        Notice = "reset"
)

// Notices lists them all.
var Notices = []Notice{SetUpDone, AppAdded, AppReplaced, AppRemoved, TwoFactorOff, AppEnded, NumberChanged,
	NumberRemoved, RecoveryBegun, RecoveryWaiting, RecoveryDone, RecoveryStopped, RecoveryCode, CodesMade,
	PasswordChanged, WrongCodes, LaneClosed, WrongPasswords, NewBrowser, AccountHeld, Released, WasReset}

// disputable says whether the notice carries a link to say "this was not me".
func (n Notice) disputable() bool {
	switch n {
	case AppEnded, RecoveryStopped, WrongCodes, LaneClosed, WrongPasswords, NewBrowser, AccountHeld, Released:
		return false
	}
	return true
}

// budget is how often a notice of this kind goes to one person by text.
func (n Notice) budget() limit.Budget {
	if n == WrongCodes || n == WrongPasswords {
		return limit.NoticeDay
	}
	return limit.NoticeKind
}

// NoticeLife is how long a notice that could not be sent is tried.
const NoticeLife = 24 * time.Hour

// Told is whom a notice goes to and what it is about.
type Told struct {
	Person person.Person
	Phones []phone.Phone // every number of that moment, and those replaced shortly before
	When   time.Time     // the moment named in the text
	About  person.Disputed
}

// Notify is the effects that tell a person: a message to each number, and the
// dispute link that they carry.
func (w Writer) Notify(n Notice, to Told, now time.Time) (set change.Set) {
	if w.NoText {
		return nil
	}
	token := ""
	if n.disputable() && len(to.Phones) > 0 {
		token = person.NewToken()
		about := to.About
		about.Event, about.At = string(n), now
		set.Add(person.LinkMade{Link: person.Link{ID: w.Hash(token), Kind: person.Dispute, Person: to.Person.ID,
			MadeAt: now, EndsAt: now.Add(person.DisputeLife), Data: about.Encode()}})
	}
	when := to.When
	if when.IsZero() {
		when = now
	}
	for _, p := range to.Phones {
		m := New(to.Person.ID, string(n), p.Number, p.Region, w.text(n, when, token), now, NoticeLife)
		set.Add(QueuedOnce{Message: m, Once: limit.Spent{Budget: n.budget(),
			Key: n.budget().Key(to.Person.ID, string(n), p.ID), Now: now}})
	}
	return set
}

// QueuedOnce queues a message unless its budget is used up; it never refuses a
// change.
type QueuedOnce struct {
	change.Mark
	Message Message
	Once    limit.Spent
}
