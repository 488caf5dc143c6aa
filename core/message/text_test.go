package message

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/core/words"
)

// The bounds at which ux.md 3.8 counts: a name of 20 characters, a host of 30, a
// moment of 18, a token of 26. It gives none for the telephone; its figure of
// that row is right for 18.
const (
	name20  = "Name of 20 character"
	host30  = "login.example-organisation.org"
	when18  = "23 Nov 14:32 +0545"
	phone18 = "+44 (0) 2079460000"
	token26 = "ABCDEFGHIJKLMNOPQRSTUVWX27"
)

var moment = time.Date(2026, 11, 23, 8, 47, 0, 0, time.UTC)

// longest is a writer at the bounds.
func longest(t *testing.T) Writer {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kathmandu") // it has no name but +0545
	if err != nil {
		t.Fatal(err)
	}
	return Writer{Name: name20, URL: "https://" + host30, Host: host30, Origin: true, HelpPhone: phone18, Zone: zone,
		Hash: func(token string) string { return "hash of " + token }}
}

func TestTheBoundsAreThoseOfTheTable(t *testing.T) {
	if len(name20) != 20 || len(host30) != 30 || len(when18) != 18 || len(token26) != 26 {
		t.Fatal(len(name20), len(host30), len(when18), len(token26))
	}
	if got := longest(t).When(moment); got != when18 {
		t.Errorf("the moment is %q", got)
	}
}

// The notices of ux.md 3.8 with the length that stands there.
var noticeTexts = []struct {
	notice  Notice
	pattern string
	length  int
}{
	{SetUpDone, "2FA was set up for your {Portal} account on {when}. Not you? {D}", 157},
	{AppAdded, "An app was added to your {Portal} account on {when}. Not you? {D}", 158},
	{AppReplaced, "Your {Portal} app was replaced on {when}. Not you? {D}", 147},
	{AppRemoved, "Your {Portal} app was removed on {when}. Not you? {D}", 146},
	{TwoFactorOff, "2FA was turned off for {Portal} on {when}. Not you? {D}", 148},
	{AppEnded, "Your {Portal} app was turned off after 100 wrong codes. Change your password: {P}", 145},
	{NumberChanged, "Your {Portal} number was changed on {when}. Not you? {D}", 149},
	{NumberRemoved, "Your {Portal} number was removed on {when}. Not you? {D}", 149},
	{RecoveryBegun, "Your {Portal} app was stopped for a new one, {when}. Not you? {D}", 158},
	{RecoveryWaiting, "A new {Portal} app can be set up from {when}. Not you? {D}", 151},
	{RecoveryDone, "A new {Portal} app was set up on {when}. Not you? {D}", 146},
	{RecoveryStopped, "The request for a new {Portal} app was cancelled on {when}.", 83},
	{RecoveryCode, "A {Portal} recovery code was used on {when}. Not you? {D}", 150},
	{CodesMade, "New {Portal} recovery codes were made on {when}. Not you? {D}", 154},
	{PasswordChanged, "Your {Portal} password was changed on {when}. Not you? {D}", 151},
	{PasswordReset, "Your {Portal} password was reset by mail on {when}. Not you? {D}", 157},
	{MailChanged, "Your {Portal} mail address was changed on {when}. Not you? {D}", 155},
	{WrongCodes, "Your {Portal} password was entered with wrong codes, {when}. Not you? Change it: {P}", 160},
	{LaneClosed, "Too many wrong codes. New browsers cannot use {Portal} until you change your password: {P}", 154},
	{WrongPasswords, "Over 100 wrong passwords an hour were tried on your {Portal} account. You need not do anything.", 107},
	{NewBrowser, "Sign-in to {Portal} from a new browser, {when}. Not you? Change your password: {P}", 158},
	{AccountHeld, "Your {Portal} account is on hold: someone said a change was not theirs. Call {help phone}", 107},
	{Released, "Your {Portal} account is no longer on hold. You need a setup code from an administrator.", 100},
	{WasReset, "An administrator reset your {Portal} 2FA on {when}. Not you? {D}", 157},
}

func fill(pattern string) string {
	return strings.NewReplacer("{Portal}", name20, "{when}", when18, "{host}", host30, "{help phone}", phone18,
		"{D}", "https://"+host30+"/not-me/"+token26, "{P}", "https://"+host30+"/account/password").Replace(pattern)
}

func TestEveryNoticeHasItsWordsAndLength(t *testing.T) {
	w := longest(t)
	covered := map[Notice]bool{}
	for _, row := range noticeTexts {
		covered[row.notice] = true
		got := w.text(row.notice, moment, token26)
		if got != fill(row.pattern) {
			t.Errorf("%s: %q, want %q", row.notice, got, fill(row.pattern))
		}
		if n := gsmLength(got); n != row.length || n > TextMax {
			t.Errorf("%s: %d characters, want %d", row.notice, n, row.length)
		}
		if bad := notGSM(got); bad != "" || strings.Contains(got, "{") {
			t.Errorf("%s: %q holds %q", row.notice, got, bad)
		}
		if row.notice.disputable() != strings.Contains(row.pattern, "{D}") {
			t.Errorf("%s: disputable %v", row.notice, row.notice.disputable())
		}
	}
	for _, n := range Notices {
		if !covered[n] {
			t.Errorf("%s has no row", n)
		}
	}
	for _, key := range words.Keys() {
		if n, ok := strings.CutPrefix(key, "notice."); ok && !covered[Notice(n)] && n != "held-no-phone" {
			t.Errorf("%s is nobody's text", key)
		}
	}
}

func TestWithoutATelephoneTheSentenceIsLeftOut(t *testing.T) {
	w := longest(t)
	w.HelpPhone = ""
	if got, want := w.text(AccountHeld, moment, ""), "Your "+name20+" account is on hold: someone said a change was not theirs."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestACodeTextHasItsWordsAndLength(t *testing.T) {
	w := longest(t)
	for _, row := range []struct {
		newApp bool
		body   string
		length int
	}{
		{false, "012345 is your " + name20 + " code. Do not share it. It works for 10 minutes.", 124},
		{true, "012345 is your " + name20 + " code to set up a new app. Not you? Someone has your password: change it now.", 153},
	} {
		got := w.Code("012345", row.newApp)
		if want := row.body + "\n\n@" + host30 + " #012345"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if n := gsmLength(got); n != row.length || n > TextMax {
			t.Errorf("new app %v: %d characters, want %d", row.newApp, n, row.length)
		}
		if bad := notGSM(got); bad != "" {
			t.Errorf("%q holds %q", got, bad)
		}
	}
}

// The format of origin-bound codes: the last line, "@", the host, one space, "#"
// and the code; a blank line before it.
var originBound = regexp.MustCompile(`\A[^\n]+\n\n@[a-z0-9.-]+ #[0-9]{6}\z`)

func TestTheOriginStandsOnTheLastLineOrNowhere(t *testing.T) {
	w := longest(t)
	for _, newApp := range []bool{false, true} {
		if got := w.Code("000042", newApp); !originBound.MatchString(got) {
			t.Errorf("%q", got)
		}
	}
	w.Origin = false // http, or another port than 443
	for _, newApp := range []bool{false, true} {
		if got := w.Code("000042", newApp); strings.ContainsAny(got, "@#\n") || !strings.HasPrefix(got, "000042 is your ") {
			t.Errorf("%q", got)
		}
	}
}

func TestMomentsNameTheirZone(t *testing.T) {
	utc, fixed := time.UTC, time.FixedZone("", 5*3600+1800)
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		zone *time.Location
		at   time.Time
		want string
	}{
		{nil, moment, "23 Nov 08:47 UTC"}, {utc, moment, "23 Nov 08:47 UTC"}, {london, moment, "23 Nov 08:47 GMT"},
		{london, time.Date(2026, 7, 1, 12, 0, 0, 0, utc), "1 Jul 13:00 BST"},
		{fixed, moment, "23 Nov 14:17 +0530"},
	} {
		if got := (Writer{Zone: row.zone}).When(row.at); got != row.want {
			t.Errorf("%v in %v: %q, want %q", row.at, row.zone, got, row.want)
		}
	}
}

func TestAtTheBoundsEveryTextFits(t *testing.T) {
	if err := longest(t).Check(); err != nil {
		t.Error(err)
	}
}

func TestCheckNamesTheTextThatDoesNotFit(t *testing.T) {
	for _, row := range []struct {
		about  string
		change func(*Writer)
		want   string
	}{
		{"one character too many", func(w *Writer) { w.Name += "X" },
			`the text message "notice.wrong-codes" is too long by 1 with this name and host; hint: set a shorter brand.sms_name`},
		{"a letter that takes two places", func(w *Writer) { w.Name = w.Name[:19] + "€" },
			`the text message "notice.wrong-codes" is too long by 1 with this name and host; hint: set a shorter brand.sms_name`},
		{"a zone whose summer has a longer name", func(w *Writer) { w.Name, w.Zone = w.Name+"X", berlin(t) }, ""},
		{"a zone whose summer has a longer name, and one character too many", func(w *Writer) { w.Name, w.Zone = w.Name+"XX", berlin(t) },
			`the text message "notice.wrong-codes" is too long by 1 with this name and host; hint: set a shorter brand.sms_name`},
		{"a letter that is not in GSM-7", func(w *Writer) { w.Name = "Žofie" },
			`the text message "notice.app-added" holds "Ž", which is not in GSM-7; hint: set brand.sms_name to plain letters`},
	} {
		w := longest(t)
		row.change(&w)
		for range 20 { // the first by name, not by chance
			if err := w.Check(); row.want != "" && (err == nil || err.Error() != row.want) || row.want == "" && err != nil {
				t.Errorf("%s: %v, want %s", row.about, err, row.want)
				break
			}
		}
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin") // CET, and CEST in summer
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// The basic table of GSM 03.38 has 127 characters besides the escape.
func TestTheTableOfGSMIsWhole(t *testing.T) {
	seen := map[rune]bool{}
	for _, r := range gsmBasic + gsmExtended {
		if seen[r] {
			t.Errorf("%q stands twice", r)
		}
		seen[r] = true
	}
	if n := len([]rune(gsmBasic)); n != 127 {
		t.Errorf("%d characters in the basic table", n)
	}
	if n := gsmLength("a€[é"); n != 6 {
		t.Errorf("%d places", n)
	}
}
