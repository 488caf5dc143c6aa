package phone

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sallyport/core/fault"
)

// longest is how many characters a number may be typed with. The longest number
// has 15 digits: what is over this is no number, and reading it would cost time.
const longest = 64

// tooMany says whether typed is over the limit, without reading all of it.
func tooMany(typed string) bool {
	return len(typed) > longest*utf8.UTFMax || utf8.RuneCountInString(typed) > longest
}

// clean returns the ASCII digits of what was typed, and each +, without all that
// people put between them. The library would turn letters into digits and drop
// an extension without a word, so both are refused before it sees them.
func clean(typed string) (string, *fault.Fault) {
	var digits, letters strings.Builder
	var mark, digitFirst bool
	if !utf8.ValidString(typed) {
		return "", wrong("phone.symbols")
	}
	for _, r := range norm.NFKC.String(typed) {
		switch {
		case r == '+':
			digits.WriteRune(r)
		case unicode.IsDigit(r):
			digits.WriteByte(ascii(r))
			digitFirst = digitFirst || letters.Len() == 0
		case r == ';' || r == '#':
			mark = true
		case between(r):
		case unicode.IsLetter(r):
			letters.WriteRune(unicode.ToLower(r))
		default:
			return "", wrong("phone.symbols")
		}
	}
	switch word := letters.String(); {
	case word != "" && !(digitFirst && extension[word]):
		return "", wrong("phone.symbols")
	case strings.Trim(digits.String(), "+") == "":
		return "", wrong("phone.empty")
	case word != "" || mark:
		return "", wrong("phone.extension")
	}
	return digits.String(), nil
}

// extension are the words that stand before an extension.
var extension = map[string]bool{"x": true, "ext": true, "extn": true, "extension": true}

// between says whether a character may stand between digits and means nothing.
func between(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Bidi_Control) || strings.ContainsRune(separators, r)
}

// separators are the dots, slashes and brackets, the dashes that Unicode does not
// count as such (minus, and the long vowel that a Japanese keyboard types as
// one), and the characters without width that come along from an address book.
const separators = ".。·・/\u2044\u2215()[]\u2212ー\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"

// ascii turns a digit of any script into one of ASCII. Unicode keeps digits in
// whole runs from nought to nine.
func ascii(r rune) byte {
	for _, run := range unicode.Nd.R16 {
		if uint32(r) >= uint32(run.Lo) && uint32(r) <= uint32(run.Hi) {
			return '0' + byte((r-rune(run.Lo))%10)
		}
	}
	for _, run := range unicode.Nd.R32 {
		if uint32(r) >= run.Lo && uint32(r) <= run.Hi {
			return '0' + byte((r-rune(run.Lo))%10)
		}
	}
	return '0'
}
