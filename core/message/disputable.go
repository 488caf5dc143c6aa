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
		events, other := records[Notice(about.Event)]
		if !other {
			events = []audit.Event{audit.Event(about.Event)}
		}
		for _, event := range events {
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
