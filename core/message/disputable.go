package message

import (
	"encoding/json"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/person"
)

// records is under which events the audit log keeps what a notice tells of, where
// that is not the notice's own name alone.
var records = map[Notice][]audit.Event{
	RecoveryCode:    {audit.RecoveryCode},
	WasReset:        {audit.Reset},
	PasswordChanged: {audit.PasswordChanged, audit.PasswordSet},
	MailChanged:     {audit.MailChanged, audit.MailRemoved},
}

// Record is the event under which the audit log keeps what a notice tells of.
func (n Notice) Record() audit.Event {
	if events := records[n]; len(events) > 0 {
		return events[0]
	}
	return audit.Event(n)
}

// Tie notes on each entry of a change the link that disputes it, so that the
// owner's page of activity can offer it too. The link's token is known to none
// but the notice.
func Tie(set change.Set) {
	links := map[audit.Event]person.Link{}
	for _, effect := range set {
		made, ok := effect.(person.LinkMade)
		if !ok || made.Link.Kind != person.Dispute {
			continue
		}
		var about person.Disputed
		if json.Unmarshal(made.Link.Data, &about) != nil {
			continue
		}
		links[Notice(about.Event).Record()] = made.Link
		for _, event := range records[Notice(about.Event)] {
			links[event] = made.Link
		}
	}
	for i, effect := range set {
		if entry, ok := effect.(audit.Entry); ok && links[entry.Event].Person == entry.Person {
			entry.Link = links[entry.Event].ID
			set[i] = entry
		}
	}
}
