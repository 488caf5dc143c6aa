// Package phone knows mobile numbers and the codes that are texted to them. It
// reads a number in any way in which people write it, and says in plain words why
// one cannot be used. A number is for recovery alone: it signs nobody in.
//
// It refuses numbers that cannot get a text (landlines, services, emergency and
// short numbers) and those of countries that the operator does not allow, and it
// never guesses: what is not a mobile number by the tables of the networks is
// not sent to.
package phone

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"sallyport/core/fault"
)

// Number is a mobile number that texts may be sent to.
type Number struct {
	E164    string // as it is stored and sent to: + and digits
	Region  string // its own region, ISO 3166
	Country string // the region whose name messages use
	Typed   string // as the person wrote it, the only form that is shown back
}

// Ending is the last three digits: all that pages show of a number later.
func (n Number) Ending() string { return n.E164[max(0, len(n.E164)-3):] }

// Rules say which numbers the operator takes.
type Rules struct {
	Countries     []string // allowed; without any, all
	BlockInternet bool     // refuse internet phone numbers, where they can be told
	// TestNumbers takes the numbers that are kept for British films, which
	// reach nobody. It is only for the gateway that sends nothing.
	TestNumbers bool
}

// Parse reads a number as it was typed beside a chosen country. The error is a
// fault of the field.
func Parse(typed, chosen string, rules Rules) (Number, error) {
	r := reader{chosen: rules.settle(chosen), rules: rules}
	if tooMany(typed) {
		return Number{}, r.unfit("phone.long", r.chosen)
	}
	digits, problem := clean(typed)
	if problem != nil {
		return Number{}, problem
	}
	tries, problem := r.tries(digits)
	if problem != nil {
		return Number{}, problem
	}
	found := r.read(tries[0])
	for _, t := range tries[1:] {
		if found.mobile() {
			break
		}
		if other := r.read(t); other.mobile() {
			found = other
		}
	}
	if problem := r.judge(found); problem != nil {
		return Number{}, problem
	}
	return Number{E164: found.e164, Region: found.region, Country: rules.calledAs(found.region, r.chosen), Typed: typed}, nil
}

// wrong is a fault of the field of the number.
func wrong(word string, args ...any) *fault.Fault {
	return fault.New(fault.Invalid, word, args...).On("phone")
}

// reader reads numbers beside one chosen country; "" when there is no such one.
type reader struct {
	chosen string
	rules  Rules
}

// try is one way to read the digits: as they stand in a country, or, when they
// begin with +, without one.
type try struct{ digits, country string }

// tries are the ways to read what was typed, the most likely first. One after
// the first counts only when it finds a mobile number.
func (r reader) tries(typed string) ([]try, *fault.Fault) {
	rest := strings.TrimLeft(typed, "+0")
	lead := typed[:len(typed)-len(rest)]
	zeros := strings.Count(lead, "0")
	switch {
	case strings.Contains(rest, "+"):
		return nil, wrong("phone.symbols")
	case zeros == 0 && lead != "":
		return []try{{"+" + rest, ""}}, nil
	case zeros < len(lead): // +0 and 0+ are slips
		return r.national(rest), nil
	case zeros == 2: // 00 is + everywhere, but some dial 0011 or 001 for it
		return []try{{"+" + rest, ""}, {typed, r.chosen}}, nil
	case zeros > 2:
		return append(r.national(rest), try{typed, r.chosen}), nil
	}
	return r.national(typed), nil
}

// national are the ways to read a number that has no +: in the chosen country,
// there without that country's own code, and as if the + had been forgotten.
func (r reader) national(digits string) []try {
	all := []try{{digits, r.chosen}}
	if rest, ok := strings.CutPrefix(digits, strconv.Itoa(phonenumbers.GetCountryCodeForRegion(r.chosen))); ok {
		all = append(all, try{rest, r.chosen})
	}
	if !strings.HasPrefix(digits, "0") {
		all = append(all, try{"+" + digits, ""})
	}
	return all
}

// reading is what the library makes of a try.
type reading struct {
	try    try
	err    error // it is no number at all
	parsed *phonenumbers.PhoneNumber
	e164   string
	region string // "" when the number is in no range of any region
	kind   phonenumbers.PhoneNumberType
}

// mobile says whether the number is one of a mobile network. The tables of the
// United States and Canada cannot tell.
func (f reading) mobile() bool {
	return f.kind == phonenumbers.MOBILE || f.kind == phonenumbers.FIXED_LINE_OR_MOBILE
}

// read asks the library.
func (r reader) read(t try) reading {
	found := reading{try: t, kind: phonenumbers.UNKNOWN}
	found.parsed, found.err = phonenumbers.Parse(t.digits, t.country)
	if found.err != nil {
		return found
	}
	found.e164 = phonenumbers.Format(found.parsed, phonenumbers.E164)
	if without, ok := mexican(found.e164); ok {
		return r.read(try{without, ""})
	}
	if r.rules.TestNumbers && film(found.e164) {
		found.region, found.kind = "GB", phonenumbers.MOBILE
		return found
	}
	if found.kind = phonenumbers.GetNumberType(found.parsed); found.kind != phonenumbers.UNKNOWN {
		found.region = r.region(found.parsed)
	}
	return found
}

// film says whether a number is one of 07700 900000 to 900999, which the British
// regulator keeps for films: no network will ever give it to somebody.
func film(e164 string) bool {
	return strings.HasPrefix(e164, "+447700900") && len(e164) == len("+447700900000")
}

// mexican drops what had to be dialled before a Mexican mobile number until 2019
// and is still in many address books.
func mexican(e164 string) (string, bool) {
	const digits = 10
	national, ok := strings.CutPrefix(e164, "+52")
	if !ok || len(national) <= digits {
		return "", false
	}
	old := national[:len(national)-digits]
	return "+52" + national[len(old):], slices.Contains([]string{"1", "01", "044", "045"}, old)
}

// region is the number's own region. Some territories share their ranges with
// their neighbour: then what was chosen decides, then what is allowed.
func (r reader) region(n *phonenumbers.PhoneNumber) string {
	for _, region := range append([]string{r.chosen}, r.rules.Countries...) {
		if phonenumbers.IsValidNumberForRegion(n, region) {
			return region
		}
	}
	return phonenumbers.GetRegionCodeForNumber(n)
}
