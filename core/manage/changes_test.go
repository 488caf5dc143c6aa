package manage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/core/session"
)

var update = flag.Bool("update", false, "accept the changes as they are")

const ada = "ada-id"

var (
	inPerson = Checked{How: "in-person", Note: "showed her badge"}
	ctx      = context.Background()
)

// row is something that an operator or an owner does in a house that was made ready.
type row struct {
	name  string
	ready func(h *house)
	does  func(h *house, m *Manager) error
}

// disabled, held and so on make the house ready.
func disabled(h *house)     { h.ada.DisabledAt = now.Add(-time.Hour) }
func held(h *house)         { h.ada.HeldAt, h.ada.HeldWhy = now.Add(-time.Hour), "number-changed" }
func noPhone(h *house)      { h.phones = nil }
func noMail(h *house)       { h.ada.Email = "" }
func oneApp(h *house)       { h.factors = h.factors[:1] }
func operator(h *house)     { h.ada.Operator = true }
func stranger(h *house)     { h.ada = nil }
func gonePassword(h *house) { h.ada.Password = "" }

// stale is a house whose first session was confirmed exactly so long ago.
func stale(ago time.Duration) func(h *house) {
	return func(h *house) {
		r := h.sessions[0].Row
		r.ConfirmedAt, r.PasswordAt = now.Add(-ago), now.Add(-ago)
		h.sessions[0] = session.Stored(r)
	}
}

// overdue is one whose second session has ended on the server.
func overdue(h *house) {
	r := h.sessions[1].Row
	r.SeenAt = now.Add(-2 * time.Hour)
	h.sessions[1] = session.Stored(r)
}

// linked is one with a link of a kind, whose token is "token".
func linked(kind person.LinkKind, data []byte, more ...func(l *person.Link)) func(h *house) {
	return func(h *house) {
		l := person.Link{ID: h.kept("token"), Kind: kind, Person: ada, MadeAt: now.Add(-time.Minute), EndsAt: now.Add(time.Minute), Data: data}
		for _, one := range more {
			one(&l)
		}
		h.links[l.ID], h.alive[kind] = l, l
	}
}

func spent(l *person.Link)    { l.SpentAt = now.Add(-time.Second) }
func replaced(l *person.Link) { l.ReplacedAt = now.Add(-time.Second) }
func over(l *person.Link)     { l.EndsAt = now }
func early(l *person.Link)    { l.MadeAt = now.Add(-1000 * time.Hour) }

func all(ready ...func(h *house)) func(h *house) {
	return func(h *house) {
		for _, one := range ready {
			one(h)
		}
	}
}

func used(b limit.Budget, n int, of ...string) func(h *house) {
	return func(h *house) {
		key := b.Key(of...)
		h.limits[key] = limit.State{Key: key, Used: n, Since: now.Add(-time.Minute), Next: now.Add(-time.Minute)}
	}
}

// disputed is a dispute of a change that was made a day ago.
func disputed(about person.Disputed) func(h *house) {
	about.Event, about.At = "app-added", now.Add(-24*time.Hour)
	return linked(person.Dispute, about.Encode())
}

var (
	yes, no = true, false
	textOf  = func(s string) *string { return &s }
	byToken = Objection{Token: "token"}
	client  = flow.Client{Agent: "Firefox", Shown: "198.51.100.7"}
	adding  = func(in Adding) func(h *house, m *Manager) error {
		return func(h *house, m *Manager) error { _, err := m.Add(ctx, "cli:bob", in); return err }
	}
	setting = func(in Setting) func(h *house, m *Manager) error {
		return func(h *house, m *Manager) error { return m.Set(ctx, "cli:bob", ada, in) }
	}
	inviting = func(by Invite) func(h *house, m *Manager) error {
		return func(h *house, m *Manager) error { _, err := m.Invite(ctx, "cli:bob", ada, by); return err }
	}
	resetting = func(c Checked, keep bool) func(h *house, m *Manager) error {
		return func(h *house, m *Manager) error { _, err := m.Reset(ctx, "cli:bob", ada, c, keep); return err }
	}
	releasing = func(c Checked) func(h *house, m *Manager) error {
		return func(h *house, m *Manager) error { _, _, err := m.Release(ctx, "cli:bob", ada, c); return err }
	}
	pressing = func(by Objection) func(h *house, m *Manager) error {
		return func(h *house, m *Manager) error { _, err := m.Press(ctx, by, client); return err }
	}
	optional = policy.Policy{PhoneOptional: true, Optional: true}
)

var rows = []row{
	{"add with an invitation", nil, adding(Adding{Name: "Bob", Display: "Bob B", Email: "bob@Example.org", Groups: []string{"staff"}})},
	{"add an operator with a password", nil, adding(Adding{Name: "bob", Operator: true, Password: password})},
	{"add with an invitation by mail", nil, adding(Adding{Name: "bob", Email: "bob@example.org", Invite: ByMail})},
	{"add with an invitation by mail to nobody's address", nil, adding(Adding{Name: "bob", Invite: ByMail})},
	{"add with a password that holds the name", nil, adding(Adding{Name: "bobbyworthington", Password: "bobbyworthington"})},
	{"add with a short password", nil, adding(Adding{Name: "bob", Password: "short"})},
	{"add with no name", nil, adding(Adding{Name: ""})},
	{"add with a bad address", nil, adding(Adding{Name: "bob", Email: "bob"})},
	{"add with a hundred letters", nil, adding(Adding{Name: "bob", Display: strings.Repeat("é", 100)})},
	{"add with a hundred and one", nil, adding(Adding{Name: "bob", Display: strings.Repeat("é", 101)})},
	{"add with a name that turns others round", nil, adding(Adding{Name: "bob", Display: "a\u202eb"})},
	{"add with a group that has a line of its own", nil, adding(Adding{Name: "bob", Groups: []string{"a\nb"}})},
	{"add with a broken character", nil, adding(Adding{Name: "bob", Display: "a\ufffd"})},
	{"add somebody whose name is taken", func(h *house) { h.refuse = []change.Effect{person.Added{}} }, adding(Adding{Name: "bob", Password: password})},
	{"add, and something else is refused", func(h *house) { h.refuse = []change.Effect{person.LinkMade{}} }, adding(Adding{Name: "bob", Password: password})},

	{"set nothing", nil, setting(Setting{})},
	{"set the name and the groups", nil, setting(Setting{Display: textOf("Countess"), Groups: &[]string{"staff", "poets"}})},
	{"set another address", nil, setting(Setting{Email: textOf("countess@example.org")})},
	{"set another address while an invitation was mailed", linked(person.Invitation, []byte(person.Mailed)), setting(Setting{Email: textOf("countess@example.org")})},
	{"set another address while an invitation was handed over", linked(person.Invitation, nil), setting(Setting{Email: textOf("countess@example.org")})},
	{"set no address", nil, setting(Setting{Email: textOf("")})},
	{"make an operator", nil, setting(Setting{Operator: &yes})},
	{"make no operator", operator, setting(Setting{Operator: &no})},
	{"ask for a new password", nil, setting(Setting{MustChange: &yes})},
	{"ask for none", func(h *house) { h.ada.MustChange = true }, setting(Setting{MustChange: &no})},
	{"set a bad address", nil, setting(Setting{Email: textOf("nobody")})},
	{"set of nobody", stranger, setting(Setting{})},
	{"set, overtaken twice", func(h *house) { h.refuse = []change.Effect{person.Saved{}, person.Saved{}} }, setting(Setting{})},
	{"set, always overtaken", func(h *house) { h.refuse = make([]change.Effect, 20) }, setting(Setting{})},
	{"set, overtaken nineteen times", func(h *house) { h.refuse = make([]change.Effect, 19) }, setting(Setting{})},

	{"invite", nil, inviting(ByHand)},
	{"invite by mail", nil, inviting(ByMail)},
	{"invite by mail who has no address", noMail, inviting(ByMail)},
	{"invite who is on hold", held, inviting(ByHand)},

	{"disable", nil, func(h *house, m *Manager) error { return m.Disable(ctx, "cli:bob", ada) }},
	{"disable again", disabled, func(h *house, m *Manager) error { return m.Disable(ctx, "cli:bob", ada) }},
	{"enable", disabled, func(h *house, m *Manager) error { return m.Enable(ctx, "cli:bob", ada) }},
	{"enable again", nil, func(h *house, m *Manager) error { return m.Enable(ctx, "cli:bob", ada) }},
	{"sign out", nil, func(h *house, m *Manager) error { return m.SignOut(ctx, "cli:bob", ada) }},
	{"delete", nil, func(h *house, m *Manager) error { return m.Delete(ctx, "cli:bob", ada) }},

	{"reset", nil, resetting(inPerson, false)},
	{"reset and keep the number", nil, resetting(inPerson, true)},
	{"reset who never had a factor, or turned it off", func(h *house) { h.ada.EnrolledAt, h.ada.TurnedOff = time.Time{}, true }, resetting(inPerson, false)},
	{"reset who is on hold", held, resetting(inPerson, false)},
	{"reset without a check", nil, resetting(Checked{Note: "x"}, false)},
	{"reset by a check that is none", nil, resetting(Checked{How: "guess", Note: "x"}, false)},
	{"reset without a note", nil, resetting(Checked{How: "video", Note: " "}, false)},
	{"reset with a note of 500", nil, resetting(Checked{How: "call-back", Note: strings.Repeat("é", 500)}, true)},
	{"reset with a note of 501", nil, resetting(Checked{How: "other", Note: strings.Repeat("é", 501)}, false)},

	{"release", held, releasing(inPerson)},
	{"release whose password went", all(held, gonePassword), releasing(inPerson)},
	{"release who is not on hold", nil, releasing(inPerson)},
	{"release without a check", held, releasing(Checked{})},

	{"remove an app", nil, func(h *house, m *Manager) error { return m.RemoveApp(ctx, h.owner(), "app-2") }},
	{"remove an app while the other session is over", overdue, func(h *house, m *Manager) error { return m.RemoveApp(ctx, h.owner(), "app-1") }},
	{"remove the last app", oneApp, func(h *house, m *Manager) error { return m.RemoveApp(ctx, h.owner(), "app-1") }},
	{"remove an app of nobody", nil, func(h *house, m *Manager) error { return m.RemoveApp(ctx, h.owner(), "app-9") }},
	{"remove an app five minutes after", stale(5 * time.Minute), func(h *house, m *Manager) error { return m.RemoveApp(ctx, h.owner(), "app-1") }},
	{"remove an app just within five minutes", stale(5*time.Minute - time.Millisecond), func(h *house, m *Manager) error { return m.RemoveApp(ctx, h.owner(), "app-1") }},
	{"rename an app", nil, func(h *house, m *Manager) error { return m.RenameApp(ctx, h.owner(), "app-1", " Old phone ") }},
	{"rename an app to nothing", nil, func(h *house, m *Manager) error { return m.RenameApp(ctx, h.owner(), "app-1", "\u202e") }},
	{"rename an app late", stale(time.Hour), func(h *house, m *Manager) error { return m.RenameApp(ctx, h.owner(), "app-1", "x") }},
	{"rename an app that is gone", func(h *house) { h.refuse = []change.Effect{factor.Renamed{}} }, func(h *house, m *Manager) error { return m.RenameApp(ctx, h.owner(), "app-1", "x") }},
	{"remove the number", nil, func(h *house, m *Manager) error { return m.RemoveNumber(ctx, h.owner(), optional) }},
	{"remove the number after another", func(h *house) {
		p := phone.New(ada, phone.Number{E164: "+12025550199", Country: "US"}, now.Add(-900*time.Hour), false)
		p.ID, p.EndedAt = "phone-0", now.Add(-time.Hour)
		h.ended = []phone.Phone{p}
	}, func(h *house, m *Manager) error { return m.RemoveNumber(ctx, h.owner(), optional) }},
	{"remove the number where the policy wants one", nil, func(h *house, m *Manager) error { return m.RemoveNumber(ctx, h.owner(), policy.Policy{}) }},
	{"remove the number without an address", noMail, func(h *house, m *Manager) error { return m.RemoveNumber(ctx, h.owner(), optional) }},
	{"remove no number", noPhone, func(h *house, m *Manager) error { return m.RemoveNumber(ctx, h.owner(), optional) }},
	{"remove the number late", stale(time.Hour), func(h *house, m *Manager) error { return m.RemoveNumber(ctx, h.owner(), optional) }},
	{"sign out one", nil, func(h *house, m *Manager) error { return m.SignOutOne(ctx, h.owner(), Handle("session-2")) }},
	{"sign out one of nobody", nil, func(h *house, m *Manager) error { return m.SignOutOne(ctx, h.owner(), "session-9") }},
	{"sign out one late", stale(5 * time.Minute), func(h *house, m *Manager) error { return m.SignOutOne(ctx, h.owner(), "session-2") }},
	{"sign out the others", nil, func(h *house, m *Manager) error { return m.SignOutOthers(ctx, h.owner()) }},
	{"sign out the others late", stale(5 * time.Minute), func(h *house, m *Manager) error { return m.SignOutOthers(ctx, h.owner()) }},
	{"forget a browser", nil, func(h *house, m *Manager) error { return m.Forget(ctx, h.owner(), "known-2") }},
	{"forget a browser late", stale(5 * time.Minute), func(h *house, m *Manager) error { return m.Forget(ctx, h.owner(), "known-2") }},
	{"turn 2FA off", nil, func(h *house, m *Manager) error { return m.TurnOff(ctx, h.owner(), optional) }},
	{"turn 2FA off where it is required", nil, func(h *house, m *Manager) error { return m.TurnOff(ctx, h.owner(), policy.Policy{PhoneOptional: true}) }},
	{"turn 2FA off as an operator", operator, func(h *house, m *Manager) error { return m.TurnOff(ctx, h.owner(), optional) }},
	{"turn 2FA off late", stale(time.Hour), func(h *house, m *Manager) error { return m.TurnOff(ctx, h.owner(), optional) }},

	{"ask for a mail address", nil, func(h *house, m *Manager) error { return m.AskMail(ctx, h.owner(), "new@example.org") }},
	{"ask for the one of now", nil, func(h *house, m *Manager) error { return m.AskMail(ctx, h.owner(), "ada@example.org") }},
	{"ask for none", nil, func(h *house, m *Manager) error { return m.AskMail(ctx, h.owner(), "") }},
	{"ask for a mail address late", stale(time.Hour), func(h *house, m *Manager) error { return m.AskMail(ctx, h.owner(), "new@example.org") }},
	{"ask for a mail address too often", used(limit.MailConfirm, limit.MailConfirm.Max, ada), func(h *house, m *Manager) error { return m.AskMail(ctx, h.owner(), "new@example.org") }},
	{"ask for an address that got too many", func(h *house) {
		used(limit.MailAddress, limit.MailAddress.Max, h.manager().Flow.MailID("new@example.org"))(h)
	}, func(h *house, m *Manager) error { return m.AskMail(ctx, h.owner(), "new@example.org") }},
	{"ask again", linked(person.MailLink, person.MailAsked{Address: "new@example.org", Message: "m"}.Encode()), func(h *house, m *Manager) error { return m.AskMailAgain(ctx, h.owner()) }},
	{"ask again for nothing", nil, func(h *house, m *Manager) error { return m.AskMailAgain(ctx, h.owner()) }},
	{"ask again for what is over", linked(person.MailLink, person.MailAsked{Address: "new@example.org"}.Encode(), over), func(h *house, m *Manager) error { return m.AskMailAgain(ctx, h.owner()) }},
	{"ask again late", stale(time.Hour), func(h *house, m *Manager) error { return m.AskMailAgain(ctx, h.owner()) }},
	{"confirm a mail address", linked(person.MailLink, person.MailAsked{Address: "new@example.org"}.Encode()), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm by another link", linked(person.PasswordLink, nil), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm by no link", nil, func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm by one that was spent", linked(person.MailLink, nil, spent), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm by one that was replaced", linked(person.MailLink, nil, replaced), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm by one from before the password", linked(person.MailLink, nil, early), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm by one from before a reset", all(linked(person.MailLink, nil), func(h *house) { h.ada.ResetAt = now.Add(-time.Second) }), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm while turned off", all(linked(person.MailLink, nil), disabled), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"confirm while on hold", all(linked(person.MailLink, nil), held), func(h *house, m *Manager) error { return m.ConfirmMail(ctx, "token", client) }},
	{"remove the mail address", nil, func(h *house, m *Manager) error { return m.RemoveMail(ctx, h.owner()) }},
	{"remove the mail address without a number", noPhone, func(h *house, m *Manager) error { return m.RemoveMail(ctx, h.owner()) }},
	{"remove no mail address", noMail, func(h *house, m *Manager) error { return m.RemoveMail(ctx, h.owner()) }},
	{"remove the mail address late", stale(time.Hour), func(h *house, m *Manager) error { return m.RemoveMail(ctx, h.owner()) }},

	{"forgotten", nil, func(h *house, m *Manager) error { return m.Forgot(ctx, "Ada", client) }},
	{"forgotten by nobody", nil, func(h *house, m *Manager) error { return m.Forgot(ctx, "bob", client) }},
	{"forgotten by what is no name", nil, func(h *house, m *Manager) error { return m.Forgot(ctx, "\u202e", client) }},
	{"forgotten without an address", noMail, func(h *house, m *Manager) error { return m.Forgot(ctx, "ada", client) }},
	{"forgotten before the first", gonePassword, func(h *house, m *Manager) error { return m.Forgot(ctx, "ada", client) }},
	{"forgotten while turned off", disabled, func(h *house, m *Manager) error { return m.Forgot(ctx, "ada", client) }},
	{"forgotten while on hold", held, func(h *house, m *Manager) error { return m.Forgot(ctx, "ada", client) }},
	{"forgotten where no mail is sent", nil, func(h *house, m *Manager) error { m.Writer.NoMail = true; return m.Forgot(ctx, "ada", client) }},
	{"forgotten too often", func(h *house) { h.refuse = []change.Effect{limit.Spent{}} }, func(h *house, m *Manager) error { return m.Forgot(ctx, "ada", client) }},
	{"a new password by a link", linked(person.PasswordLink, nil), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by a link that ends now", linked(person.PasswordLink, nil, over), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by one that was used", linked(person.PasswordLink, nil, spent), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by one of another kind", linked(person.MailLink, nil), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by one of somebody without a password", all(linked(person.PasswordLink, nil), gonePassword), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by one of somebody turned off", all(linked(person.PasswordLink, nil), disabled), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by one of somebody on hold", all(linked(person.PasswordLink, nil), held), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},
	{"by one from before the password", linked(person.PasswordLink, nil, early), func(h *house, m *Manager) error { _, err := m.PasswordLink(ctx, "token"); return err }},

	{"set a new password by a link", linked(person.PasswordLink, nil), resetPassword("teapot meadow signal ant")},
	{"set a short one", linked(person.PasswordLink, nil), resetPassword("teapot")},
	{"set one by a link that was used", linked(person.PasswordLink, nil, spent), resetPassword("teapot meadow signal ant")},

	{"dispute an app", disputed(person.Disputed{Factor: "app-2"}), pressing(byToken)},
	{"dispute a number", disputed(person.Disputed{Phone: "phone-1"}), pressing(byToken)},
	{"dispute codes", disputed(person.Disputed{Codes: true}), pressing(byToken)},
	{"dispute a password", disputed(person.Disputed{Password: true}), pressing(byToken)},
	{"dispute a mail address", disputed(person.Disputed{Mail: "ada@example.org"}), pressing(byToken)},
	{"dispute a mail address that was changed since", disputed(person.Disputed{Mail: "old@example.org"}), pressing(byToken)},
	{"dispute, and the mail address changed at that moment", all(disputed(person.Disputed{}), func(h *house) {
		h.events = []audit.Entry{{Event: audit.MailChanged, At: now.Add(-24 * time.Hour)}}
	}), pressing(byToken)},
	{"dispute, and the mail address changed before", all(disputed(person.Disputed{}), func(h *house) {
		h.events = []audit.Entry{{Event: audit.MailChanged, At: now.Add(-24*time.Hour - time.Millisecond)}}
	}), pressing(byToken)},
	{"dispute, and app, number and password came at that moment", all(disputed(person.Disputed{}), func(h *house) {
		h.factors[1].AddedAt, h.phones[0].ProvedAt, h.ada.PasswordAt = now.Add(-24*time.Hour), now.Add(-24*time.Hour), now.Add(-24*time.Hour)
	}), pressing(byToken)},
	{"dispute, and a number was replaced at that moment", all(disputed(person.Disputed{}), func(h *house) {
		h.ended = []phone.Phone{{ID: "phone-0", Person: ada, ProvedAt: now.Add(-23 * time.Hour), EndedAt: now.Add(-24 * time.Hour)}, {ID: "phone-9", Person: ada, ProvedAt: now.Add(-23 * time.Hour), EndedAt: now.Add(-25 * time.Hour)}}
	}), pressing(byToken)},
	{"dispute while on hold", all(disputed(person.Disputed{}), held), pressing(byToken)},
	{"dispute twice", linked(person.Dispute, person.Disputed{}.Encode(), spent), pressing(byToken)},
	{"dispute late", linked(person.Dispute, person.Disputed{}.Encode(), over), pressing(byToken)},
	{"dispute by another link", linked(person.MailLink, nil), pressing(byToken)},
	{"dispute by no link", nil, pressing(byToken)},
	{"dispute from the activity page", disputed(person.Disputed{}), func(h *house, m *Manager) error { return pressing(Objection{Link: h.kept("token"), Owner: ada})(h, m) }},
	{"dispute from the page of somebody else", disputed(person.Disputed{}), func(h *house, m *Manager) error {
		return pressing(Objection{Link: h.kept("token"), Owner: "bob"})(h, m)
	}},
	{"dispute a fourth time", all(disputed(person.Disputed{}), used(limit.Disputes, limit.Disputes.Max, ada)), pressing(byToken)},
	{"dispute a third time", all(disputed(person.Disputed{}), used(limit.Disputes, limit.Disputes.Max-1, ada)), pressing(byToken)},

	{"test a text", nil, func(h *house, m *Manager) error {
		_, err := m.TestText(ctx, "cli:bob", "(202) 555-0143", "US")
		return err
	}},
	{"test a text without a gateway", nil, func(h *house, m *Manager) error {
		m.Writer.NoText = true
		_, err := m.TestText(ctx, "cli:bob", "(202) 555-0143", "US")
		return err
	}},
	{"test a text abroad", nil, func(h *house, m *Manager) error {
		_, err := m.TestText(ctx, "cli:bob", "+442071838750", "US")
		return err
	}},
	{"test a text to no number", nil, func(h *house, m *Manager) error { _, err := m.TestText(ctx, "cli:bob", "12", "US"); return err }},
	{"open a prefix", nil, func(h *house, m *Manager) error { return m.Forgive(ctx, "cli:bob", "+44 791") }},
	{"open a country", nil, func(h *house, m *Manager) error { return m.Forgive(ctx, "cli:bob", "GB") }},
	{"open half a prefix", nil, func(h *house, m *Manager) error { return m.Forgive(ctx, "cli:bob", "+44") }},
	{"open what is none", nil, func(h *house, m *Manager) error { return m.Forgive(ctx, "cli:bob", "gb") }},
	{"prune up to yesterday", nil, func(h *house, m *Manager) error {
		_, err := m.PruneLog(ctx, &records{}, "cli:bob", now.AddDate(0, 0, -1))
		return err
	}},
	{"prune what is younger", nil, func(h *house, m *Manager) error {
		_, err := m.PruneLog(ctx, &records{}, "cli:bob", now.AddDate(0, 0, -1).Add(time.Second))
		return err
	}},
}

func resetPassword(entered string) func(h *house, m *Manager) error {
	return func(h *house, m *Manager) error {
		h.ada.Password = person.Hash(password, m.Flow.Params)
		h.ada.MustChange = true
		m.Flow.Hasher = person.NewQueue(1)
		_, err := m.ResetPassword(ctx, "token", entered, client)
		return err
	}
}

// records is an audit log that holds what it is given.
type records struct{ list []audit.Record }

func (r *records) EachRecord(_ context.Context, f audit.Filter, use func(audit.Record) error) error {
	for _, one := range r.list {
		if one.At.Before(f.Since) {
			continue
		}
		if err := use(one); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) NewestRecords(context.Context, int) ([]audit.Record, error) { return r.list, nil }
func (r *records) PruneAudit(context.Context, time.Time) (int, error)         { return len(r.list), nil }

// Every change that an operator or an owner can make is written as one set; the
// golden file has all of it, in words. A rule that changes shows there.
func TestWhatEveryChangeIsMadeOf(t *testing.T) {
	var b strings.Builder
	for _, row := range rows {
		h := atHome()
		if row.ready != nil {
			row.ready(h)
		}
		fmt.Fprintf(&b, "== %s\n", row.name)
		if err := row.does(h, h.manager()); err != nil {
			fmt.Fprintf(&b, "refused: %v\n", err)
		}
		if said := h.said(); said != "" {
			b.WriteString(said + "\n")
		}
		if len(h.applied) > 1 || len(h.refuse) > 0 {
			fmt.Fprintf(&b, "in %d changes, with %d refusals left\n", len(h.applied), len(h.refuse))
		}
		b.WriteByte('\n')
	}
	const file = "testdata/changes.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(string(raw), "\n\n"), strings.Split(b.String(), "\n\n")
	for i, part := range got {
		if i >= len(want) || part != want[i] {
			t.Errorf("it is now\n%s\n\nand was\n%s", part, strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d changes, and %d in %s", len(got), len(want), file)
	}
}

// Whichever call of the database fails, whoever asked hears of it, and no change is
// written after it.
func TestADatabaseThatFailsIsHeardOf(t *testing.T) {
	for _, row := range rows {
		for n := 1; ; n++ {
			h := atHome()
			if row.ready != nil {
				row.ready(h)
			}
			h.calls, h.breaks = 0, n
			err := row.does(h, h.manager())
			if h.calls < n {
				break
			}
			if !errors.Is(err, errDown) {
				t.Errorf("%s: call %d fails, and it says %v", row.name, n, err)
			}
			if h.calls > n && len(h.applied) > 0 {
				t.Errorf("%s: after call %d failed it wrote\n%s", row.name, n, h.said())
			}
		}
	}
}
