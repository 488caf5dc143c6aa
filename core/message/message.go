// Package message is what may be sent, to whom, and what became of it: text
// message codes and notices. A message is a stored row before it is anything
// else; it is sent after the change that it tells of, never in its place.
package message

import (
	"crypto/rand"
	"time"

	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/words"
)

// State is what became of a message.
type State string

// The states. A row found calling after a crash is never sent again by itself:
// it becomes unknown, and the person is offered to send again.
const (
	Waiting State = "waiting"
	Calling State = "calling"
	Sent    State = "sent"
	Failed  State = "failed"
	Refused State = "refused" // the number cannot get our messages
	Unknown State = "unknown"
	Late    State = "late" // its code expired before it could be sent
)

// What receipts tell of a text that a gateway took.
const (
	Delivered   State = "delivered"
	Away        State = "away"        // the phone is off or full
	Gone        State = "gone"        // the number is not in use
	Unfit       State = "unfit"       // a landline, or what gets no texts
	Blocked     State = "blocked"     // a filter of the network
	OptedOut    State = "opted-out"   // its owner sent STOP
	Undelivered State = "undelivered" // the network could not, and does not say why
)

// States are all states, in the order of a message's life.
var States = []State{Waiting, Calling, Sent, Failed, Refused, Unknown, Late, Delivered, Away, Gone, Unfit, Blocked, OptedOut, Undelivered}

// Lost says whether a network told that it could not deliver.
func (s State) Lost() bool {
	switch s {
	case Away, Gone, Unfit, Blocked, OptedOut, Undelivered:
		return true
	}
	return false
}

// Handed says whether a gateway may have taken a text.
func Handed(s State) bool { return s != Failed && s != Refused && s != Late }

// CodeKind is the kind of a message that holds a code; notices carry the name of
// their event.
const CodeKind = "code"

// Message is a text message or a mail, sealed at rest until it is sent, and
// without its text afterwards.
type Message struct {
	ID       string
	Person   string
	Kind     string
	Way      Way
	To       string // E.164, or a mail address
	Country  string
	Subject  string // of a mail
	Text     string
	State    State
	MadeAt   time.Time
	ExpireAt time.Time // not sent any more after this
	LeaseAt  time.Time // not before then: a mail that is tried again
	CalledAt time.Time
	DoneAt   time.Time
	Gateway  string
	Ref      string // the gateway's name for it
	Reason   string

	Code      string // the code it carries, by id: one sent again is the same
	Prefix    string // keyed hash of the start of its number
	Cost      int64  // what it takes from the day's money, in millionths
	Paid      string // the row of limits it was taken from; a text that was not sent gives it back
	EnteredAt time.Time

	Hop    int       // how many gateways failed with this very send before
	ToldAt time.Time // when its receipt came
}

// Chain names what belongs together: all sends of one code, or of one notice.
func (m Message) Chain() string {
	if m.Code != "" {
		return m.Code
	}
	return m.ID
}

// Next is the same text for another gateway to take.
func (m Message) Next(now time.Time) Message {
	next := m
	next.ID, next.Code, next.State, next.Hop = rand.Text(), m.Chain(), Waiting, m.Hop+1
	next.MadeAt, next.Gateway, next.Ref, next.Reason = now, "", "", ""
	next.LeaseAt, next.CalledAt, next.DoneAt, next.ToldAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return next
}

// Tries are, of all sends of a chain, the newest first, those of this very text:
// itself, and those that failed before it.
func (m Message) Tries(sends []Message) (tries []Message) {
	hop := m.Hop
	for _, s := range sends {
		if s.ID == m.ID || len(tries) > 0 && s.Hop == hop {
			tries, hop = append(tries, s), s.Hop-1
		}
	}
	return tries
}

// Counts says whether a text, by all sends of its chain, the newest first, is one
// in the watch over what nobody reads. However many gateways may have taken it, it
// went to one phone, once.
func (m Message) Counts(sends []Message) bool {
	if m.Kind != CodeKind || !Handed(m.State) {
		return false
	}
	for _, before := range m.Tries(sends) {
		if before.ID != m.ID && Handed(before.State) {
			return false
		}
	}
	return true
}

// New makes a text message that waits to be sent.
func New(person, kind, to, country, text string, now time.Time, life time.Duration) Message {
	return Message{ID: rand.Text(), Person: person, Kind: kind, Way: ByText, To: to, Country: country, Text: text,
		State: Waiting, MadeAt: now, ExpireAt: now.Add(life)}
}

// TestKind is the kind of a text that an operator sends to see whether it arrives.
const TestKind = "test"

// Trial is that text. It costs what any other costs.
func (w Writer) Trial(to, country string, now time.Time) QueuedOnce {
	m := New("", TestKind, to, country, words.Text("text.test", "Portal", w.Name, "when", w.When(now)), now, testLife)
	cost := w.charge(&m, now)
	cost.Free = true
	return QueuedOnce{Message: m, Cost: cost}
}

const testLife = 10 * time.Minute

// Queued stores a message for the sender. It has no condition.
type Queued struct {
	change.Mark
	Message Message
}

// Entered marks every text that carried a code as answered. It has no condition.
type Entered struct {
	change.Mark
	Code string
	At   time.Time
}

// Expired ends the time of every text that carries a code, because nobody can
// enter it any more. It has no condition.
type Expired struct {
	change.Mark
	Code string
	At   time.Time
}

// Called marks that a gateway is about to be called. The condition: the message
// waits, and its time has not come; so that of two senders one calls.
type Called struct {
	change.Mark
	ID, Gateway string
	At          time.Time
}

// Deferred puts a message back that could not be handed over, to be tried again
// later. The condition: it was being called.
type Deferred struct {
	change.Mark
	ID, Reason string
	Until      time.Time
}

// Settled writes what came of a call and drops the text. The condition: it was
// being called.
type Settled struct {
	change.Mark
	ID, Ref, Reason string
	State           State
	At              time.Time
}

// PassedOn settles a call that did not work out and queues the same text for
// another gateway. Both are paid for: the provider that did not answer may have
// sent it, and one that refused may charge all the same. The condition: it was
// being called.
type PassedOn struct {
	change.Mark
	Was  Settled
	Next Message
	Cost limit.Spent
}
