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
	PasswordReset   Notice = "password-reset"
	MailChanged     Notice = "mail-changed"
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
	PasswordChanged, PasswordReset, MailChanged, WrongCodes, LaneClosed, WrongPasswords, NewBrowser, AccountHeld, Released, WasReset}

// disputable says whether the notice carries a link to say "this was not me".
func (n Notice) disputable() bool {
	switch n {
	case AppEnded, RecoveryStopped, WrongCodes, LaneClosed, WrongPasswords, NewBrowser, AccountHeld, Released:
		return false
	}
	return true
}

// password says whether the notice tells its reader to change the password.
func (n Notice) password() bool {
	switch n {
	case AppEnded, WrongCodes, LaneClosed, NewBrowser:
		return true
	}
	return false
}

// quiet says whether the notice goes by text only to people without a mail
// address.
func (n Notice) quiet() bool {
	switch n {
	case RecoveryStopped, CodesMade, WrongPasswords, NewBrowser:
		return true
	}
	return false
}

// daily says whether the notice goes out once a day, whichever way it goes.
func (n Notice) daily() bool { return n == WrongCodes || n == WrongPasswords }

// budget is how often a notice of this kind goes to one person by text.
func (n Notice) budget() limit.Budget {
	if n.daily() {
		return limit.NoticeDay
	}
	return limit.NoticeKind
}

// NoticeLife is how long a notice that could not be sent is tried.
const NoticeLife = 24 * time.Hour

// Told is whom a notice goes to and what it is about.
type Told struct {
	Person  person.Person
	Mails   []string      // besides the person's own: the address just replaced
	Phones  []phone.Phone // every number of that moment, and those replaced shortly before
	When    time.Time     // the moment named in the text
	About   person.Disputed
	Args    []any  // what else the mail says: names and values of its gaps
	Variant string // another body of the mail, by the end of its key
}

// Notify is the effects that tell a person: a message to each address and number,
// and the dispute link that they carry.
func (w Writer) Notify(n Notice, to Told, now time.Time) (set change.Set) {
	token := ""
	if n.disputable() {
		token = person.NewToken() // also without a text: the activity page disputes by its row
		about := to.About
		about.Event, about.At = string(n), now
		set.Add(person.LinkMade{Link: person.Link{ID: w.Hash(token), Kind: person.Dispute, Person: to.Person.ID,
			MadeAt: now, EndsAt: now.Add(person.DisputeLife), Data: about.Encode()}})
	}
	when := to.When
	if when.IsZero() {
		when = now
	}
	mails := w.mails(n, to, when, token, now)
	for _, m := range mails {
		set.Add(m)
	}
	if w.NoText || n.quiet() && len(mails) > 0 {
		return set
	}
	for _, p := range to.Phones {
		m := New(to.Person.ID, string(n), p.Number, p.Region, w.text(n, when, token), now, NoticeLife)
		cost := w.charge(&m, now)
		cost.Free = true // a notice is never held back by money
		set.Add(QueuedOnce{Message: m, Cost: cost, Once: limit.Spent{Budget: n.budget(),
			Key: n.budget().Key(to.Person.ID, string(n), p.ID), Now: now}})
	}
	return set
}

// QueuedOnce queues a message unless its budget is used up; it never refuses a
// change. A zero Once is always queued. Only what is queued costs money.
type QueuedOnce struct {
	change.Mark
	Message Message
	Once    limit.Spent
	Cost    limit.Spent
}
