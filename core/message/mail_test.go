package message

import (
	"strings"
	"testing"
	"time"

	"sallyport/core/audit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/words"
)

// mailer is a writer whose mails can be read at a glance.
func mailer(t *testing.T) Writer {
	w := longest(t)
	w.Title, w.Help = "Example Portal", "it@example.org"
	return w
}

// noticeMails are the mails of ux.md 3.8 as they stand there.
var noticeMails = []struct {
	notice        Notice
	subject, body string
	args          []any
}{
	{SetUpDone, "2FA is on for your {Portal} account", "2FA was set up on {when} with {browser}. From now on your account asks for a code from your app after the password.", nil},
	{AppAdded, "An app was added to your {Portal} account", `An authenticator app, "Tablet", was added on {when} with {browser}. Its codes now sign you in too.`, []any{"app", "Tablet"}},
	{AppReplaced, "The app of your {Portal} account was replaced", "Your authenticator app was replaced on {when} with {browser}. Codes of the old entry no longer work; delete it.", nil},
	{AppRemoved, "An app was removed from your {Portal} account", `The authenticator app "Tablet" was removed on {when} with {browser}. Its codes no longer work.`, []any{"app", "Tablet"}},
	{TwoFactorOff, "2FA is off for your {Portal} account", "2FA was turned off on {when} with {browser}. Your password alone now signs you in.", nil},
	{AppEnded, "Your {Portal} app was turned off", "Your password was entered and then 100 wrong app codes in a row, so the app was turned off on {when}. Someone may know your password. Set up the app again when you next sign in.", nil},
	{NumberChanged, "The mobile number of your {Portal} account was changed", "Your mobile number was changed on {when} with {browser}. The new one ends in 143 and can be used for recovery from 26 Nov 14:32 UTC.", []any{"ending", "143", "from", "26 Nov 14:32 UTC"}},
	{NumberRemoved, "The mobile number of your {Portal} account was removed", "The number ending 143 was removed on {when} with {browser}. A text message can no longer help you back in.", []any{"ending", "143"}},
	{MailChanged, "The mail address of your {Portal} account was changed", "The mail address of your account was changed on {when} with {browser}. Notices now go to the new one.", nil},
	{RecoveryBegun, "A new app is being set up for your {Portal} account", "Someone proved with a text message or a recovery code that the account is theirs, on {when} with {browser}. Your old app stopped working, and a new one is being set up.", nil},
	{RecoveryWaiting, "A new app can be set up for your {Portal} account from {when}", "Someone with your password and your phone asked for it with {browser}. Nothing has changed yet. Signing in with an app code before then cancels the request.", nil},
	{RecoveryDone, "A new app was set up for your {Portal} account", "Recovery ended on {when} with {browser}: a new app and new recovery codes are in force. All old ones have stopped working.", nil},
	{RecoveryStopped, "The request for a new {Portal} app was cancelled", "The request to set up a new app was cancelled on {when}, because an app code was used. Nothing else on your account has changed.", nil},
	{RecoveryCode, "A recovery code of your {Portal} account was used", "A recovery code was used on {when} with {browser}. You have 9 left.", []any{"n", 9}},
	{CodesMade, "New recovery codes for your {Portal} account", "New recovery codes were made on {when} with {browser}. The old ones have stopped working.", nil},
	{PasswordChanged, "Your {Portal} password was changed", "Your password was changed on {when} with {browser}. Your app and recovery codes stay as they are.", nil},
	{PasswordReset, "Your {Portal} password was reset", "Your password was reset on {when} through a mailed link, and every browser was signed out. Your app and recovery codes stay as they are.", nil},
	{WrongCodes, "Someone may know your {Portal} password", "On {when} your password was entered with {browser} and then wrong codes. Nothing was opened.", nil},
	{LaneClosed, "Change your {Portal} password now", "Over the last year 300 wrong codes followed your right password, so the password counts as stolen. Browsers you have used before go on working; new ones wait until you have changed it.", nil},
	{WrongPasswords, "Someone is guessing your {Portal} password", "Over 100 wrong passwords were tried within an hour on {when}. Your account stays open to you, and you need not do anything.", nil},
	{NewBrowser, "New sign-in to {Portal}", "Your account was entered on {when} with {browser}, which you have not used before.", nil},
	{AccountHeld, "Your {Portal} account is on hold", "On {when} someone opened a link in one of our messages and said that a change was not theirs. Every browser was signed out, and nobody can sign in. Contact {help}.", nil},
	{Released, "Your {Portal} account is no longer on hold", "An administrator released your account on {when}. Sign in with your password and the setup code that you were given.", nil},
	{WasReset, "Your {Portal} 2FA was reset", "An administrator reset your 2FA on {when}. Sign in with your password and the setup code that you were given.", nil},
}

const where = "Firefox on Linux, Leeds"

func TestEveryNoticeHasItsMail(t *testing.T) {
	w := mailer(t)
	fill := func(text string) string {
		return strings.NewReplacer("{Portal}", "Example Portal", "{when}", when18, "{browser}", where, "{help}", "it@example.org").Replace(text)
	}
	covered := map[Notice]bool{}
	for _, row := range noticeMails {
		covered[row.notice] = true
		closing := "If you do not know why, contact it@example.org."
		switch {
		case row.notice.disputable():
			closing = "If this was not you, open this link within 7 days: https://" + host30 + "/not-me/" + token26
		case row.notice == AppEnded || row.notice == WrongCodes || row.notice == LaneClosed || row.notice == NewBrowser:
			closing = "If this was not you, change your password: https://" + host30 + "/account/password"
		}
		to := Told{Person: person.Person{Name: "ada", Display: "Ada"}, About: person.Disputed{Where: where}, Args: row.args}
		subject, text := w.mail(row.notice, to, moment, token26)
		if subject != fill(row.subject) {
			t.Errorf("%s: subject %q, want %q", row.notice, subject, fill(row.subject))
		}
		want := "Hello Ada,\n\n" + fill(row.body) + "\n\n" + closing + "\n\nExample Portal, https://" + host30 + "\nNeed help? it@example.org\n"
		if text != want {
			t.Errorf("%s:\n%s\nwant\n%s", row.notice, text, want)
		}
	}
	for _, n := range Notices {
		if !covered[n] {
			t.Errorf("%s has no row", n)
		}
	}
	for variant, want := range map[string]string{"changed": "because your number, password or app was changed", "lapsed": "because it was not used in time",
		"restored": "because Example Portal was restored from a backup"} {
		if _, text := w.mail(RecoveryStopped, Told{Variant: variant}, moment, ""); !strings.Contains(text, want) {
			t.Errorf("%s: %s", variant, text)
		}
	}
	if _, text := w.mail(MailChanged, Told{Variant: "removed"}, moment, ""); !strings.Contains(text, "mail address of your account was removed") {
		t.Errorf("removed: %s", text)
	}
}

func TestANoticeGoesToEveryAddressAndAQuietOneByMailAlone(t *testing.T) {
	w := mailer(t)
	to := Told{Person: person.Person{ID: "ada-id", Name: "ada", Email: "new@example.org"}, Mails: []string{"old@example.org", "new@example.org", ""}, Phones: []phone.Phone{newer}}
	for _, n := range Notices {
		var mails, texts []QueuedOnce
		for _, effect := range w.Notify(n, to, moment) {
			if q, ok := effect.(QueuedOnce); ok && q.Message.Way == ByMail {
				mails = append(mails, q)
			} else if ok {
				texts = append(texts, q)
			}
		}
		if len(mails) != 2 || mails[0].Message.To != "new@example.org" || mails[1].Message.To != "old@example.org" {
			t.Errorf("%s: %d mails", n, len(mails))
			continue
		}
		quiet := n == RecoveryStopped || n == CodesMade || n == WrongPasswords || n == NewBrowser
		if quiet != (len(texts) == 0) {
			t.Errorf("%s: %d texts beside the mails", n, len(texts))
		}
		daily := n == WrongCodes || n == WrongPasswords
		if once := mails[0].Once; daily != (once.Key != "") || daily && (once.Budget.Window != 24*time.Hour || once.Budget.Max != 1) {
			t.Errorf("%s: %+v", n, once)
		}
		if m := mails[0].Message; m.Person != "ada-id" || m.Kind != string(n) || !m.ExpireAt.Equal(moment.Add(72*time.Hour)) || m.Cost != 0 || m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("%s: %+v", n, m)
		}
		if len(texts) == 1 && n.disputable() {
			_, link, _ := strings.Cut(texts[0].Message.Text, "/not-me/")
			if !strings.Contains(mails[0].Message.Text, "/not-me/"+link) {
				t.Errorf("%s: mail and text have two links", n)
			}
		}
	}
	w.NoMail = true
	for _, effect := range w.Notify(NewBrowser, to, moment) {
		if q, ok := effect.(QueuedOnce); !ok || q.Message.Way != ByText {
			t.Errorf("without a mail server: %+v", effect)
		}
	}
}

func TestMailsWithALinkToActOn(t *testing.T) {
	w := mailer(t)
	ada := person.Person{ID: "ada-id", Name: "ada", Display: "Ada", Email: "ada@example.org"}
	for _, row := range []struct {
		mail          Message
		to            string
		subject, body string
		life          time.Duration
	}{
		{w.Invite(ada, token26, moment), "ada@example.org", "Welcome to Example Portal", "An account with the username ada was made for you. Choose a password within 72 hours: https://" + host30 + "/invitation/" + token26, 72 * time.Hour},
		{w.PasswordLink(ada, token26, moment), "ada@example.org", "Choose a new Example Portal password", "Someone asked for a new password for the username ada. Choose one within 24 hours: https://" + host30 + "/password/" + token26 + "\n\nIf it was not you, do nothing: your password stays as it is.", 24 * time.Hour},
		{w.ConfirmMail(ada, "new@example.org", token26, moment), "new@example.org", "Confirm your mail address for Example Portal", "Open this link within 24 hours to use this address for Example Portal: https://" + host30 + "/account/mail/" + token26 + "\n\nIf you did not ask for this, do nothing.", 24 * time.Hour},
	} {
		m := row.mail
		if m.To != row.to || m.Subject != row.subject || m.Way != ByMail || !m.ExpireAt.Equal(moment.Add(row.life)) {
			t.Errorf("%+v", m)
		}
		if want := "Hello Ada,\n\n" + row.body + "\n\nExample Portal, https://" + host30 + "\nNeed help? it@example.org\n"; m.Text != want {
			t.Errorf("%s:\n%s\nwant\n%s", m.Kind, m.Text, want)
		}
	}
}

func TestMailsToOperatorsLeaveNoGap(t *testing.T) {
	w := mailer(t)
	w.Prices = Prices{Currency: "EUR", Others: 1_000_000, Day: 20_000_000}
	grace := person.Person{ID: "grace-id", Name: "grace", Email: "grace@example.org"}
	mails := []Message{
		w.ToOperator(grace, "disputed", moment, "who", "Ada Lovelace", "username", "ada", "when", when18, "what", "Mobile number changed"),
		w.ToOperator(grace, "no-mail", moment, "n", 3, "names", "ada, mary, joan"),
		w.ToOperator(grace, "no-mail-one", moment, "names", "ada"),
		w.ToOperator(grace, "guessed", moment, "names", words.Text("operators.guessed.passwords", "username", "ada")),
	}
	for _, traffic := range []Traffic{{Prefix: texts(5)}, {Country: 50, CountryEntered: 3}} {
		v := w.Judge(&Message{}, Destination{Prefix: "+44 791", Hash: "h", Country: "GB"}, traffic, nil, moment)
		kind, args := StoppedKind(v.Effect[len(v.Effect)-1].(Alert).Entry)
		mails = append(mails, w.ToOperator(grace, kind, moment, args...))
	}
	for _, reason := range []string{"money-most", "money-all"} {
		entry := audit.New(moment, audit.TextsStopped, "")
		entry.Reason, entry.Note = reason, "about\n2026-11-23\nspent\n16.00 EUR\nmost\n20.00 EUR"
		kind, args := StoppedKind(entry)
		mails = append(mails, w.ToOperator(grace, kind, moment, args...))
	}
	for _, m := range mails {
		if m.To != "grace@example.org" || strings.ContainsAny(m.Subject+m.Text, "{}!") || !strings.HasPrefix(m.Subject, "Example Portal: ") {
			t.Errorf("%s: %q\n%s", m.Kind, m.Subject, m.Text)
		}
	}
	if got := mails[4].Text; !strings.Contains(got, "5 texts were sent to numbers starting +44 791 in the last hour and no code was entered") {
		t.Error(got)
	}
}
