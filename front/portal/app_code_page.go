package portal

import (
	"time"

	"sallyport/front/web"
)

// AppCode asks for the second factor at each sign-in (S9).
type AppCode struct {
	web.Frame
	Action   string    // /2fa
	Name     string    // the username
	Remember int       // days for "Do not ask again", or 0
	Other    bool      // after several failures the other way is a button
	Used     bool      // the code was used already: the script says how long to wait
	Clock    bool      // the clock of the phone is wrong: say how to set it
	TextPage bool      // a text message code was typed: link to its page
	Asked    time.Time // when somebody asked for a new app, or zero
	Opens    time.Time // from when that can be done
	Now      time.Time
}

// Template names the page's file.
func (v *AppCode) Template() string { return "app-code" }

// Base makes the frame.
func (v *AppCode) Base() *web.Frame { return v.On("app-code", "app-code.title") }
