package portal

import (
	"html/template"
	"time"

	"sallyport/core/fault"
	"sallyport/front/web"
)

// mail is the forgotten password and the mail address.
func (s sampler) mail() []Sample {
	const old, fresh = "a•••@example.org", "a•••@example.net"
	forgot := func(name string, faults ...*fault.Fault) *Forgot {
		return &Forgot{Frame: s.wrong(s.frame(), faults...), Action: "/forgot", Username: name}
	}
	choose := func(faults ...*fault.Fault) *Password {
		return &Password{Frame: s.wrong(s.frame(), faults...), Action: "/password/sample", Name: sampleName, Min: 8, Link: true}
	}
	busy := choose()
	busy.Frame = s.say(busy.Frame, "warning", "busy")
	ask := func(typed string, faults ...*fault.Fault) *Mail {
		return &Mail{Frame: s.wrong(s.account(""), faults...), Action: "/account/mail", Old: true, Typed: typed}
	}
	add, limit := ask(""), fault.New(fault.TooMany, "mail.wait").After(40*time.Minute).On("mail")
	add.Old = false
	waiting := func(f web.Frame, has bool) *Mail {
		return &Mail{Frame: f, Action: "/account/mail", State: MailWaiting, Old: has, Address: fresh}
	}
	early := s.say(s.account(""), "info", "mail.early", "wait", template.HTML("12 more seconds"))
	row := func(m MailRow) *Security {
		v := s.fullSecurity()
		v.Mail = m
		return &v
	}
	dead := func(word string, signIn bool, forgot string) *Error {
		return &Error{Frame: s.frame(), Kind: ErrorLink, Text: s.site.Say(word), SignIn: signIn, Forgot: forgot}
	}
	signIn := &SignIn{Frame: s.say(s.frame(), "done", "sign-in.password-new"), Action: "/sign-in", Username: sampleName, Forgot: "/forgot"}
	return []Sample{
		{"forgot", forgot("")},
		{"forgot-empty", forgot("", invalid("username", "username.empty"))},
		{"forgot-sent", &Forgot{Frame: s.frame(), Sent: true}},
		{"password-link", choose()},
		{"password-link-short", choose(invalid("password", "new-password.short", "min", 8, "n", 5))},
		{"password-link-busy", busy},
		{"password-link-used", dead("password-link.used", true, "/forgot")},
		{"password-link-dead", dead("password-link.dead", false, "/forgot")},
		{"sign-in-password-new", signIn},
		{"mail", ask("")},
		{"mail-add", add},
		{"mail-empty", ask("", invalid("mail", "mail.empty"))},
		{"mail-wrong", ask("ada@example", invalid("mail", "mail.wrong"))},
		{"mail-same", ask("ada@example.org", invalid("mail", "mail.same"))},
		{"mail-limit", ask("ada@example.net", limit)},
		{"mail-waiting", waiting(s.account(""), true)},
		{"mail-waiting-first", waiting(s.account(""), false)},
		{"mail-again", waiting(s.say(s.account(""), "done", "mail.again"), true)},
		{"mail-early", waiting(early, true)},
		{"mail-outage", waiting(s.say(s.account(""), "info", "mail.outage"), true)},
		{"mail-confirm", &Mail{Frame: s.frame(), Action: "/account/mail/sample", State: MailConfirm, Address: "ada@example.net"}},
		{"mail-confirmed", &Mail{Frame: s.frame(), State: MailDone}},
		{"mail-dead", &Error{Frame: s.frame(), Kind: ErrorGone, Text: s.site.Say("mail.dead")}},
		{"confirm-remove-mail", &Question{Frame: s.account(""), Title: "confirm.mail-title", Text: "confirm.mail", Button: "button.remove",
			Action: "/account/mail/remove", Danger: true, Cancel: "/account/security"}},
		{"security-mail-none", row(MailRow{})},
		{"security-mail-waiting", row(MailRow{Address: old, Waiting: fresh})},
	}
}
