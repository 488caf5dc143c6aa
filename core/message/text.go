package message

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sallyport/core/words"
)

// TextMax is how many GSM-7 characters one text message holds.
const TextMax = 160

// Writer writes texts with the names that the operator has set.
type Writer struct {
	Title     string // as mails call the portal: name
	Help      string // whom to ask, in words
	NoMail    bool   // no mail server is set: no mail is sent
	Name      string // as texts call the portal: brand.sms_name
	URL       string // scheme and host, without a slash at the end
	Host      string
	Origin    bool // the portal is on HTTPS port 443: codes carry their origin
	HelpPhone string
	Zone      *time.Location
	Hash      func(token string) string // the kept form of a link's token
	NoText    bool                      // no gateway is set: nothing is sent
	Prices    Prices
}

// Code is the text that carries a code. Its last line is in the origin-bound
// form, so that phones fill the code only on our pages.
func (w Writer) Code(digits string, newApp bool) string {
	key := "text.code"
	if newApp {
		key = "text.code-new-app"
	}
	text := words.Text(key, "code", digits, "Portal", w.Name)
	if w.Origin {
		text += words.Text("text.origin", "host", w.Host, "code", digits)
	}
	return text
}

// ZoneOr is the portal's zone, or UTC.
func (w Writer) ZoneOr() *time.Location {
	if w.Zone == nil {
		return time.UTC
	}
	return w.Zone
}

// When is a moment as texts and notices write it: "23 Nov 14:32 UTC".
func (w Writer) When(at time.Time) string {
	at = at.In(w.ZoneOr())
	if name, _ := at.Zone(); strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return at.Format("2 Jan 15:04 -0700")
	}
	return at.Format("2 Jan 15:04 MST")
}

// text is the text of a notice.
func (w Writer) text(n Notice, when time.Time, token string) string {
	key := "notice." + string(n)
	if n == AccountHeld && w.HelpPhone == "" {
		key += "-no-phone"
	}
	return words.Text(key, "Portal", w.Name, "when", w.When(when), "help-phone", w.HelpPhone,
		"D", w.DisputeLink(token), "P", w.URL+"/account/password")
}

// DisputeLink is the address of S24 for a token.
func (w Writer) DisputeLink(token string) string { return w.URL + "/not-me/" + token }

// Check counts every text with the names as they are set, and says which one
// would not fit into a single message, and by how much.
func (w Writer) Check() error {
	when := w.longestMoment()
	texts := map[string]string{"text.code": w.Code("000000", false), "text.code-new-app": w.Code("000000", true),
		"text.test": words.Text("text.test", "Portal", w.Name, "when", w.When(when))}
	for _, n := range Notices {
		texts["notice."+string(n)] = w.text(n, when, strings.Repeat("X", 26))
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		text := texts[key]
		if bad := notGSM(text); bad != "" {
			return fmt.Errorf("the text message %q holds %q, which is not in GSM-7; hint: set brand.sms_name to plain letters", key, bad)
		}
		if over := gsmLength(text) - TextMax; over > 0 {
			return fmt.Errorf("the text message %q is too long by %d with this name and host; hint: set a shorter brand.sms_name", key, over)
		}
	}
	return nil
}

// longestMoment is a moment that takes as many letters as any: a zone may have a
// longer name in summer.
func (w Writer) longestMoment() (longest time.Time) {
	for month := time.January; month <= time.December; month++ {
		at := time.Date(2026, month, 23, 14, 32, 0, 0, time.UTC)
		if longest.IsZero() || len(w.When(at)) > len(w.When(longest)) {
			longest = at
		}
	}
	return longest
}

// The characters of GSM 03.38: the basic table, and those that take two places.
const (
	gsmBasic    = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€"
)

// notGSM returns the first character that a plain text message cannot hold.
func notGSM(text string) string {
	for _, r := range text {
		if !strings.ContainsRune(gsmBasic, r) && !strings.ContainsRune(gsmExtended, r) {
			return string(r)
		}
	}
	return ""
}

func gsmLength(text string) (n int) {
	for _, r := range text {
		n++
		if strings.ContainsRune(gsmExtended, r) {
			n++
		}
	}
	return n
}
