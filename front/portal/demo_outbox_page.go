package portal

import (
	"time"

	"sallyport/front/web"
)

// DemoOutbox shows the text messages of the demonstration.
type DemoOutbox struct {
	web.Frame
	At       string        // its own address, which nobody can guess
	Messages []DemoMessage // newest first
}

// DemoMessage is one text message. Code stands at its start when it has one.
type DemoMessage struct {
	To   string
	At   time.Time
	Code string
	Text string // what follows the code
}

// Template names the page's file.
func (v *DemoOutbox) Template() string { return "demo-outbox" }

// Base makes the frame.
func (v *DemoOutbox) Base() *web.Frame {
	v.Part = "page.demo"
	return v.On("demo-outbox", "demo-outbox.title")
}
