package person

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sallyport/core/fault"
)

// The bounds of passwords (PW-01, PW-02).
const (
	// MaxPassword is the most bytes a password may have; longer is refused, never cut.
	MaxPassword = 1024
	// MinPassword is the least characters where a second factor is always asked.
	MinPassword = 8
	// MinAlone is the least where the password alone opens anything.
	MinAlone = 15
)

// Rules is what a new password has to keep to besides being hard to guess.
type Rules struct {
	Min int // the least characters; MinAlone where it is not set, never below MinPassword
}

func (r Rules) min() int {
	if r.Min == 0 {
		return MinAlone
	}
	return max(r.Min, MinPassword)
}

// Short says whether a password has fewer characters than a new one would need: it
// is from a time when fewer were enough.
func (r Rules) Short(entered string) bool {
	normal, ok := Normal(entered)
	return ok && utf8.RuneCountInString(normal) < r.min()
}

// CheckNew judges a new password and returns the form in which it is hashed.
// context holds what is easy to guess here: the names of the person, of the
// mailbox, of the portal. Nothing is said about kinds of characters (PW-04).
func CheckNew(password string, rules Rules, context ...string) (string, error) {
	refuse := func(word string, args ...any) (string, error) {
		return "", fault.New(fault.Invalid, word, args...).On("password")
	}
	if password == "" {
		return refuse("new-password.empty")
	}
	if tooLong(password) {
		return refuse("new-password.long")
	}
	if !typeable(password) {
		return refuse("new-password.characters")
	}
	normal := norm.NFC.String(password)
	n, least := utf8.RuneCountInString(normal), rules.min()
	switch {
	case len(normal) > MaxPassword:
		return refuse("new-password.long")
	case n < least:
		return refuse("new-password.short", "min", least, "n", n)
	case IsCommon(normal):
		return refuse("new-password.common")
	case tooClose(normal, context):
		return refuse("new-password.context")
	}
	return normal, nil
}

// Normal is the form in which an entered password is compared, and whether there
// is one: a password that is too long or not text is nobody's. NFC is the one
// change that is made (PW-03).
func Normal(password string) (string, bool) {
	if tooLong(password) || !utf8.ValidString(password) {
		return "", false
	}
	normal := norm.NFC.String(password)
	if len(normal) > MaxPassword {
		return "", false
	}
	return normal, true
}

// tooLong keeps the normaliser from work that cannot end well. The bound itself
// is on the composed form, so that a keyboard that sends accents apart can enter
// what another set; three times as long is the most that can come to.
func tooLong(password string) bool { return len(password) > 3*MaxPassword }

// typeable says whether a password is whole text without control characters,
// which some keyboards, forms and protocols drop. U+FFFD stands where something
// before us lost a character: such a password would fit many.
func typeable(password string) bool {
	if !utf8.ValidString(password) {
		return false
	}
	return !strings.ContainsFunc(password, func(r rune) bool {
		return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp)
	})
}
