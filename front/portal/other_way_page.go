package portal

import (
	"time"

	"sallyport/front/web"
)

// OtherWay offers the ways in without the app (S10).
type OtherWay struct {
	web.Frame
	Recover bool      // no app works any more: prove and set one up again
	Ended   time.Time // the app ended by 100 wrong codes, or zero
	Stopped time.Time // the app was stopped for a new one, or zero
	Delayed bool      // text messages are delayed at the moment
	Text    TextWay
	Codes   CodesWay
	Setup   bool // a setup code is alive
}

// TextWay says how a text message can help.
type TextWay struct {
	Hidden    bool          // the policy does not offer it
	Ending    string        // the last digits of the number, or "" without one
	Changed   time.Time     // when the number changed, while it cannot be used yet
	From      time.Time     // from when it can be used, or a waiting request opens
	Waiting   bool          // a request waits: From says until when
	Wait      time.Duration // how long a new app has to wait, or 0
	Everybody bool          // the wait is for everybody,
	Reset     bool          // or for a password reset by mail; else for administrators
}

// CodesWay says how a recovery code can help.
type CodesWay struct {
	Hidden bool // the policy does not offer it
	Left   bool // whether there are any
}

// Open says whether a text message can be asked for now.
func (w TextWay) Open() bool { return !w.Hidden && w.Ending != "" && w.From.IsZero() }

// Nothing says that only help is left.
func (v *OtherWay) Nothing() bool {
	return !v.Text.Open() && !v.Text.Waiting && v.Text.Changed.IsZero() && (v.Codes.Hidden || !v.Codes.Left) && !v.Setup
}

// Template names the page's file.
func (v *OtherWay) Template() string { return "other-way" }

// Base makes the frame.
func (v *OtherWay) Base() *web.Frame {
	if !v.Recover {
		v.Back = web.Link{Href: "/2fa", Words: "other-way.back"}
	}
	if v.Nothing() {
		return v.On("other-way", "other-way.title-help")
	}
	return v.On("other-way", "other-way.title")
}
