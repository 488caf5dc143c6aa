package message

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/words"
)

// Way is how a message goes.
type Way string

// The ways. A mail is tried again until it expires; a text message never is.
const (
	ByText Way = "text"
	ByMail Way = "mail"
)

// The kinds of mails that carry a link to act on; notices carry the name of their
// event, and mails to operators begin with "operators.".
const (
	InvitationMail = "invitation"
	PasswordMail   = "password"
	ConfirmMail    = "confirm"
)

// MailLife is how long a mail that could not be handed over is tried.
const MailLife = 72 * time.Hour

// NewMail makes a mail that waits to be sent.
func NewMail(who, kind, to, subject, text string, now time.Time, life time.Duration) Message {
	m := New(who, kind, to, "", text, now, life)
	m.Way, m.Subject = ByMail, subject
	return m
}

// mails are the notice as mails: to the address that the person has, and to the
// one that was just replaced.
func (w Writer) mails(n Notice, to Told, when time.Time, token string, now time.Time) (list []QueuedOnce) {
	if w.NoMail {
		return nil
	}
	var sent []string
	for _, address := range append([]string{to.Person.Email}, to.Mails...) {
		if address == "" || slices.Contains(sent, address) {
			continue
		}
		sent = append(sent, address)
		m := NewMail(to.Person.ID, string(n), address, "", "", now, MailLife)
		m.Subject, m.Text = w.mail(n, to, when, token)
		queued := QueuedOnce{Message: m}
		if n.daily() {
			queued.Once = limit.Spent{Budget: limit.NoticeDay, Key: limit.NoticeDay.Key(to.Person.ID, string(n), "mail"), Now: now}
		}
		list = append(list, queued)
	}
	return list
}

// mail is subject and text of a notice.
func (w Writer) mail(n Notice, to Told, when time.Time, token string) (subject, text string) {
	body, closing := "body", "mail.closing-none"
	if to.Variant != "" {
		body = to.Variant
	}
	switch {
	case n.disputable():
		closing = "mail.closing-dispute"
	case n.password():
		closing = "mail.closing-password"
	}
	args := append([]any{"when", w.When(when), "browser", to.About.Where, "Portal", w.Title, "help", w.Help,
		"D", w.DisputeLink(token), "P", w.URL + "/account/password"}, quotable(to.Args)...)
	key := "mail." + string(n) + "."
	return words.Text(key+"subject", args...), w.framed("mail.frame", to.Person.Shown(), words.Text(key+body, args...), words.Text(closing, args...))
}

// quotable takes the quotes out of an app's name, which stands between quotes: what
// somebody chose must not look as if the portal said it.
func quotable(args []any) []any {
	args = slices.Clone(args)
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i+1].(string); ok && args[i] == "app" {
			args[i+1] = strings.Map(func(r rune) rune {
				if r == '"' || unicode.In(r, unicode.Pi, unicode.Pf) || r == '„' || r == '＂' {
					return '\''
				}
				return r
			}, name)
		}
	}
	return args
}

// framed puts greeting and end around a body.
func (w Writer) framed(frame, name, body, closing string) string {
	text := words.Text(frame, "name", name, "body", body, "closing", closing, "Portal", w.Title, "url", w.URL, "help", w.Help)
	return strings.ReplaceAll(text, "\n\n\n\n", "\n\n") // a mail without a closing line
}

// Invite is the mail that carries an invitation.
func (w Writer) Invite(who person.Person, token string, now time.Time) Message {
	return w.linked(who, who.Email, InvitationMail, w.URL+"/invitation/"+token, now, person.InvitationLife)
}

// PasswordLink is the mail that carries a link to choose a new password.
func (w Writer) PasswordLink(who person.Person, token string, now time.Time) Message {
	return w.linked(who, who.Email, PasswordMail, w.URL+"/password/"+token, now, person.PasswordLife)
}

// ConfirmMail is the mail that asks whether an address is the person's.
func (w Writer) ConfirmMail(who person.Person, address, token string, now time.Time) Message {
	return w.linked(who, address, ConfirmMail, w.URL+"/account/mail/"+token, now, person.MailLife)
}

func (w Writer) linked(who person.Person, to, kind, link string, now time.Time, life time.Duration) Message {
	args := []any{"Portal", w.Title, "username", who.Name, "link", link}
	return NewMail(who.ID, kind, to, words.Text("mail."+kind+".subject", args...),
		w.framed("mail.frame", who.Shown(), words.Text("mail."+kind+".body", args...), ""), now, life)
}

// ToOperator is a mail to an operator, of a kind that stands in the catalogue
// under `operators.`; args fill its gaps.
func (w Writer) ToOperator(who person.Person, kind string, now time.Time, args ...any) Message {
	args = append(args, "Portal", w.Title)
	return NewMail(who.ID, "operators."+kind, who.Email, words.Text("operators."+kind+".subject", args...),
		w.framed("mail.frame", who.Shown(), words.Text("operators."+kind+".body", args...), ""), now, MailLife)
}
