package phone

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"sallyport/core/words"
)

// Country is a row of the list beside a mobile number.
type Country struct {
	Code    string // ISO 3166
	Name    string // as the portal says it
	Calling string // the calling code with its plus, as +44
}

// countryWord begins the keys of the names of countries.
const countryWord = "country."

// Name is what the portal calls a country, or "" when it knows none of that code.
func Name(region string) string {
	name, _ := words.Pattern(countryWord + region)
	return name
}

// Countries lists the countries of that list in the order of their names;
// without a list all of them. A code that has no name is left out.
func Countries(allowed []string) []Country {
	return slices.DeleteFunc(slices.Clone(table()), func(c Country) bool {
		return len(allowed) > 0 && !slices.Contains(allowed, c.Code)
	})
}

// table is made once: it never changes while the program runs.
var table = sync.OnceValue(func() []Country {
	var all []Country
	for _, key := range words.Keys() {
		code, ok := strings.CutPrefix(key, countryWord)
		if !ok {
			continue
		}
		calling := "+" + strconv.Itoa(phonenumbers.GetCountryCodeForRegion(code))
		all = append(all, Country{Code: code, Name: Name(code), Calling: calling})
	}
	slices.SortFunc(all, func(a, b Country) int { return strings.Compare(plain(a.Name), plain(b.Name)) })
	return all
})

// plain drops the accents of a name: the Åland Islands stand under A.
func plain(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(name)))
}

// parents are the countries that cover a territory: their people think of the
// number as one of the country, and an operator who allows it means both.
var parents = map[string]string{
	"GG": "GB", "JE": "GB", "IM": "GB",
	"PR": "US", "VI": "US", "GU": "US", "MP": "US", "AS": "US",
	"AX": "FI", "SJ": "NO",
}

// allows says whether texts may go to a region: it or its parent is in the list.
func (r Rules) allows(region string) bool {
	if len(r.Countries) == 0 {
		return Name(region) != ""
	}
	return slices.Contains(r.Countries, region) || slices.Contains(r.Countries, parents[region])
}

// calledAs is the country that messages name for a region: that which the person
// chose or the operator allowed, where it covers the region.
func (r Rules) calledAs(region, chosen string) string {
	parent := parents[region]
	byParent := len(r.Countries) > 0 && !slices.Contains(r.Countries, region) && slices.Contains(r.Countries, parent)
	if parent != "" && (parent == chosen || byParent) {
		return parent
	}
	return region
}

// settle returns the country that a number without + is read in. Where only one
// is allowed the page has no select, so what came with the form is not asked.
// "" stands for a country that does not exist: the form was made by hand.
func (r Rules) settle(chosen string) string {
	switch {
	case len(r.Countries) == 1:
		return r.Countries[0]
	case Name(chosen) == "":
		return ""
	}
	return chosen
}

// Warm reads a few numbers and makes the list, because the first ones cost
// milliseconds while patterns are compiled. It is for after the start, so that it
// delays nobody. It leaves most countries cold: all of them keep 6 MB.
func Warm() {
	table()
	for _, typed := range []string{"07911 123456", "+1 202 555 0143", "+49 151 23456789", "+33 6 12 34 56 78"} {
		_, _ = Parse(typed, "GB", Rules{})
	}
}
