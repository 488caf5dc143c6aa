package message

import (
	"testing"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/person"
	"sallyport/core/phone"
)

// Every notice with a link has its event, or the page of activity could not
// dispute what the text message can.
func TestEveryNoticeWithALinkIsTiedToItsEntry(t *testing.T) {
	w := longest(t)
	events := map[Notice]audit.Event{SetUpDone: audit.SetUp, AppAdded: audit.AppAdded, AppReplaced: audit.AppReplaced, AppRemoved: audit.AppRemoved,
		TwoFactorOff: audit.TwoFactorOff, NumberChanged: audit.NumberChanged, NumberRemoved: audit.NumberRemoved, RecoveryBegun: audit.RecoveryBegun,
		RecoveryWaiting: audit.RecoveryWaiting, RecoveryDone: audit.RecoveryDone, RecoveryCode: audit.RecoveryCode, CodesMade: audit.CodesMade,
		PasswordChanged: audit.PasswordChanged, PasswordReset: audit.PasswordReset, MailChanged: audit.MailChanged, WasReset: audit.Reset}
	for _, n := range Notices {
		if n.disputable() != (events[n] != "") {
			t.Errorf("%s: no event is known", n)
			continue
		}
		set := change.Set{audit.New(moment, audit.PasswordRight, ada.ID), audit.New(moment, events[n], ada.ID), audit.New(moment, events[n], "bob-id")}
		set.Add(w.Notify(n, Told{Person: ada, Phones: []phone.Phone{newer}}, moment)...)
		Tie(set)
		link := ""
		for _, effect := range set {
			if made, ok := effect.(person.LinkMade); ok {
				link = made.Link.ID
			}
		}
		if got := set[1].(audit.Entry).Link; got != link || (link == "") == n.disputable() {
			t.Errorf("%s: the entry has the link %q, want %q", n, got, link)
		}
		if set[0].(audit.Entry).Link+set[2].(audit.Entry).Link != "" {
			t.Errorf("%s: another entry has a link", n)
		}
	}
}
