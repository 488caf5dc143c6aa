package portal

import (
	"sallyport/front/web"
)

// Mail changes the address that notices go to (S23).
type Mail struct {
	web.Frame
	Action  string // /account/mail, or the address of the link
	State   MailState
	Old     bool   // there is an address now
	Typed   string // kept after an error
	Address string // waiting: masked; confirm: whole, to whoever holds the link
}

// MailState says how far a change of address has come.
type MailState uint8

// The states.
const (
	MailAsk     MailState = iota
	MailWaiting           // a link was sent
	MailConfirm           // the link was opened
	MailDone              // the address is the person's
)

// Is compares states in the page: ask, waiting, confirm or confirmed.
func (s MailState) Is(name string) bool {
	return []string{"ask", "waiting", "confirm", "confirmed"}[s] == name
}

// Template names the page's file.
func (v *Mail) Template() string { return "mail" }

// Base makes the frame.
func (v *Mail) Base() *web.Frame {
	title := []string{"mail.title-add", "forgot.title-sent", "mail.title-confirm", "mail.title-confirmed"}[v.State]
	if v.State == MailAsk && v.Old {
		title = "mail.title"
	}
	return v.On("mail", title)
}
