package message

import (
	"time"

	"sallyport/core/change"
)

// Receipt is what a gateway tells of a text after it took it.
type Receipt struct {
	Gateway string
	Ref     string   // the gateway's name for the text
	Also    []string // other ways to write that name, where a gateway uses several
	Numbers []string // digits of the numbers it names: of texts of one name, that to one of them is meant
	ID      string   // our own name for it, or "" where the gateway does not repeat it
	State   State    // Sent, Delivered, or one that is Lost
	Reason  string   // the provider's word or number for why; never a phone number
	At      time.Time
}

// Received writes what a receipt told. The condition: the text is still in the
// state that the receipt was judged by.
type Received struct {
	change.Mark
	ID, Ref, Reason string
	From, State     State
	At              time.Time
}

// Take judges a receipt of a text. What a text came to in the end stays, so that
// a receipt that comes twice, late or out of its order changes nothing. One that
// comes while the call is still under way has to wait for the call's own answer.
func (r Receipt) Take(m Message) (e Received, changes, early bool) {
	news := r.State == Delivered || r.State.Lost()
	switch m.State {
	case Waiting, Calling:
		return e, false, true
	case Sent:
		changes = news
	case Unknown:
		changes = news || r.State == Sent
	}
	return Received{ID: m.ID, Ref: r.Ref, Reason: r.Reason, From: m.State, State: r.State, At: r.At}, changes, false
}

// Best is what is known of a code by all its sends, the newest first: that one of
// them arrived, or else what became of the newest.
func Best(sends []Message) *Message {
	for i, m := range sends {
		if m.State == Delivered {
			return &sends[i]
		}
	}
	if len(sends) == 0 {
		return nil
	}
	best := &sends[0]
	for i := 1; i < len(sends) && best.State == Failed && sends[i-1].Hop > 0; i++ {
		if sends[i].State == Unknown { // by the gateway before it may arrive
			return &sends[i]
		}
	}
	return best
}
