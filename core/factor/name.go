package factor

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sallyport/core/fault"
)

// NameMax is the most characters of an app's name.
const NameMax = 40

// AppName reads the name that somebody gives to an app. It stands in mails about
// the account, and whoever took a session over may have chosen it: what is not
// seen, or turns what stands beside it, is refused, and so is what mail programs
// make a link of. Spaces at the ends go, and those in a row become one.
func AppName(typed string) (string, *fault.Fault) {
	name := strings.Join(strings.Fields(typed), " ")
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", fault.New(fault.Invalid, "app-name.empty").On("name")
	case n > NameMax:
		return "", fault.New(fault.Invalid, "app-name.long", "n", n).On("name")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unseen):
		return "", fault.New(fault.Invalid, "app-name.unseen").On("name")
	case address.MatchString(norm.NFKC.String(name)):
		return "", fault.New(fault.Invalid, "app-name.address").On("name")
	}
	return name, nil
}

// unseen says whether a character is not seen or changes the direction of others;
// the joiners of emoji and of some scripts change only what they stand in.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' || unicode.Is(unicode.Bidi_Control, r)
}

// address is what looks like one of the web, or of a mailbox: a scheme, www., or a
// dot between a letter or digit and two letters or more. "v1.2" and "Dr. Smith" are
// none, "Dr.Smith" is.
var address = regexp.MustCompile(`(?i)://|www\.|[\pL\pM\pN][.。]\pL\pM*\pL`)
