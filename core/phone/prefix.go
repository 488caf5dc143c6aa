package phone

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// prefixDigits is how many digits after the country's code make a prefix.
const prefixDigits = 3

// Prefix is the start of a number in E.164 by which traffic is watched: the
// country's code and the next three digits, as "+44 791". Numbers that are sold
// to earn money by texts come in blocks that share it.
func Prefix(e164 string) string {
	digits := strings.TrimPrefix(e164, "+")
	code := len(digits) // an unknown code is a prefix by itself
	if n, err := phonenumbers.Parse(e164, ""); err == nil {
		code = len(strconv.Itoa(int(n.GetCountryCode())))
	}
	end := min(len(digits), code+prefixDigits)
	return strings.TrimSpace("+" + digits[:min(code, end)] + " " + digits[min(code, end):end])
}
