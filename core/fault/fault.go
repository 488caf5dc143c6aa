// Package fault is the one kind of error that a person may read. Everything
// else that goes wrong is internal: it is logged once, at the front, and shown
// as a problem at our end.
package fault

import (
	"errors"
	"time"

	"sallyport/core/words"
)

// Kind says what sort of fault it is; each front maps it once to its own answer.
type Kind uint8

// The kinds of faults.
const (
	Invalid Kind = iota + 1 // what was entered is wrong; the person can correct it
	Denied                  // it may not be done, whatever is entered
	Missing                 // there is no such thing
	Gone                    // there was such a thing; it is used up, replaced or too old
	TooMany                 // a budget of tries or messages is used up; Wait says for how long
	Busy                    // a place in the hashing queue did not come free in time
	Outage                  // a problem at our end that passes
)

// Fault is an error whose words stand in the catalogue.
type Fault struct {
	Kind  Kind
	Field string // the field of the form it belongs to, or ""
	Word  string // the key of its words
	Args  []any  // names and values of the gaps
	Wait  time.Duration
	Left  int // tries left, when few enough to say; else 0

	Missed bool // it was a wrong try, and cost one
}

// New makes a fault with the words of a key; args fill the gaps.
func New(kind Kind, word string, args ...any) *Fault {
	return &Fault{Kind: kind, Word: word, Args: args}
}

// On names the field that the fault belongs to.
func (f *Fault) On(field string) *Fault {
	f.Field = field
	return f
}

// After says how long to wait before trying again.
func (f *Fault) After(wait time.Duration) *Fault {
	f.Wait = wait
	return f
}

// TriesLeft says how many tries are left.
func (f *Fault) TriesLeft(n int) *Fault {
	f.Left = n
	return f
}

// Miss says that it was a wrong try, and cost one.
func (f *Fault) Miss() *Fault {
	f.Missed = true
	return f
}

// Error returns the words of the fault.
func (f *Fault) Error() string { return words.Text(f.Word, f.Args...) }

// Of returns the fault inside err, or nil when err is internal.
func Of(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return nil
}

// Is says whether err is a fault of that kind.
func Is(err error, kind Kind) bool {
	f := Of(err)
	return f != nil && f.Kind == kind
}

// ErrDown marks an internal error that comes from the database not answering:
// fronts say that the problem is at our end and passes, and no try is counted.
var ErrDown = errors.New("database unavailable")
