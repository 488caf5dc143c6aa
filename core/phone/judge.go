package phone

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"sallyport/core/fault"
)

// noCountry is what the library calls the region of satellite phones and of
// services that belong to no country.
const noCountry = "001"

// judge says why a number cannot be used, or nil. The country comes first: who
// corrects a number should not learn only then that it is the wrong country.
func (r reader) judge(f reading) *fault.Fault {
	if f.err != nil {
		return r.unreadable(f)
	}
	region := f.region
	if region == "" {
		region = r.sharing(int(f.parsed.GetCountryCode()))
	}
	switch {
	case region == noCountry:
		return wrong("phone.kind")
	case !r.rules.allows(region):
		return r.unfit("phone.country", region)
	case f.mobile():
		return nil
	}
	switch f.kind {
	case phonenumbers.UNKNOWN:
		return r.unfit(length(f.parsed, region), region)
	case phonenumbers.FIXED_LINE:
		return wrong("phone.landline")
	case phonenumbers.VOIP:
		if r.rules.BlockInternet {
			return wrong("phone.internet")
		}
		return nil
	}
	return wrong("phone.kind")
}

// unfit is a fault that names a country. Without one the form was made by hand,
// as every country of the select has a name.
func (r reader) unfit(word, region string) *fault.Fault {
	name := Name(r.rules.calledAs(region, r.chosen))
	if name == "" {
		return fault.New(fault.Invalid, "form.broken").On("phone")
	}
	return wrong(word, "country", name)
}

// unreadable says why the library finds no number in a try.
func (r reader) unreadable(f reading) *fault.Fault {
	digits, region := f.try.digits, r.chosen
	if strings.HasPrefix(digits, "+") && digits != "+" {
		code := callingCode(digits[1:])
		if code == 0 {
			return wrong("phone.country-code", "code", digits[:min(len(digits), 4)])
		}
		region = r.sharing(code)
	}
	switch {
	case region == noCountry:
		return wrong("phone.kind")
	case Name(region) != "" && !r.rules.allows(region):
		return r.unfit("phone.country", region)
	case errors.Is(f.err, phonenumbers.ErrNumTooLong):
		return r.unfit("phone.long", region)
	case errors.Is(f.err, phonenumbers.ErrInvalidCountryCode): // after a way to dial abroad, as 011
		return r.unfit("phone.not-mobile", region)
	}
	return r.unfit("phone.short", region)
}

// callingCode is the calling code that digits begin with; 0 when there is none.
// No calling code is the beginning of another.
func callingCode(digits string) int {
	known := phonenumbers.GetSupportedCallingCodes()
	for n := 1; n <= min(3, len(digits)); n++ {
		if code, err := strconv.Atoi(digits[:n]); err == nil && known[code] {
			return code
		}
	}
	return 0
}

// sharing is the region to name for a number of which only the calling code is
// sure: the chosen one if it has that code, then one that is allowed.
func (r reader) sharing(code int) string {
	for _, region := range append([]string{r.chosen}, r.rules.Countries...) {
		if phonenumbers.GetCountryCodeForRegion(region) == code {
			return region
		}
	}
	return phonenumbers.GetRegionCodeForCountryCode(code)
}

// length is the word for a number in no range: by the lengths of the region's
// mobile numbers, as others do not matter to who wants to give one.
func length(n *phonenumbers.PhoneNumber, region string) string {
	lengths := mobileLengths(region)
	digits := int32(len(phonenumbers.GetNationalSignificantNumber(n)))
	switch {
	case len(lengths) > 0 && digits < slices.Min(lengths):
		return "phone.short"
	case len(lengths) > 0 && digits > slices.Max(lengths):
		return "phone.long"
	}
	return "phone.not-mobile"
}

// mobileLengths are the lengths that mobile numbers of a region have. A table
// that is empty means the lengths of the region's numbers in general.
func mobileLengths(region string) []int32 {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil // the tables are part of the program; then only the words are less exact
	}
	for _, m := range all.GetMetadata() {
		if m.GetId() != region {
			continue
		}
		if lengths := m.GetMobile().GetPossibleLength(); len(lengths) > 0 && lengths[0] > 0 {
			return lengths
		}
		return m.GetGeneralDesc().GetPossibleLength()
	}
	return nil
}
