package portal

import (
	"time"

	"sallyport/front/web"
)

// Activity is a person's own history (S26).
type Activity struct {
	web.Frame
	Zone  string // the portal's time zone, by its name
	Days  []ActivityDay
	Newer string // addresses of the pages beside this one, or ""
	Older string
}

// ActivityDay is what happened on one day.
type ActivityDay struct {
	Date   time.Time // a moment of it
	Events []EventRow
}

// Template names the page's file.
func (v *Activity) Template() string { return "activity" }

// Base makes the frame.
func (v *Activity) Base() *web.Frame {
	v.Account, v.SignOut = true, true
	v.Back = web.Link{Href: "/account/security", Words: "security.title"}
	return v.On("activity", "activity.title")
}
