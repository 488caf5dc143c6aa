package portal

import (
	"time"

	"sallyport/front/web"
)

// NotMe lets whoever reads a notice stop a change (S24).
type NotMe struct {
	web.Frame
	Action   string    // /not-me/{token}
	Event    string    // the key of what happened: dispute.…
	At       time.Time // when it happened, or zero where that cannot be read now
	Done     bool      // the account is on hold now
	Reported time.Time // when it had been reported before, or zero
}

// Template names the page's file.
func (v *NotMe) Template() string { return "not-me" }

// Base makes the frame.
func (v *NotMe) Base() *web.Frame {
	if v.Done {
		return v.On("not-me", "held.title")
	}
	return v.On("not-me", "not-me.title")
}

// Held is shown after a right password while the account is on hold.
type Held struct{ web.Frame }

// Template names the page's file.
func (v *Held) Template() string { return "held" }

// Base makes the frame.
func (v *Held) Base() *web.Frame { return v.On("held", "held.title") }
