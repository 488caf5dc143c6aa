package phone

import (
	"regexp"
	"strings"
	"testing"

	"sallyport/core/fault"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// FuzzParse holds of everything that may be typed: an accepted number is one, it
// is kept as typed, it is the same when it is read again, and a refusal says why.
func FuzzParse(f *testing.F) {
	for _, typed := range []string{
		"07911 123456", "+44 (0)7911 123456", "0044 7911 123456", "٠٧٩١١١٢٣٤٥٦", "020 7946 0000", "06 12 34 56 78",
		"(202) 555-0143", "1 202 555 0143", "+52 1 55 1234 5678", "044 55 1234 5678", "11 15 2345 6789", "098765 43210",
		"8 912 345-67-89", "07911-FLOWER", "+0 33 6 12 34 56 78", "0011 44 7911 123456", "+881612345678", "+999123",
		"07700 900123", "\xff\x00", "½²ⅷ", "+12025550143;ext=12",
	} {
		for _, chosen := range []string{"GB", "US", "MX", "AR", "IT", ""} {
			f.Add(typed, chosen, "", true)
			f.Add(typed, chosen, "GB US", false)
		}
	}
	f.Fuzz(func(t *testing.T, typed, chosen, allowed string, yes bool) {
		rules := Rules{Countries: strings.Fields(allowed), BlockInternet: yes, TestNumbers: yes}
		n, err := Parse(typed, chosen, rules)
		if err != nil {
			fine := fault.Of(err)
			if fine == nil || fine.Field != "phone" || n != (Number{}) || strings.HasPrefix(err.Error(), "!") {
				t.Fatalf("%q for %q: %v with %+v", typed, chosen, err, n)
			}
			return
		}
		if !e164.MatchString(n.E164) || n.Typed != typed || Name(n.Country) == "" || !rules.allows(n.Region) {
			t.Fatalf("%q for %q: %+v", typed, chosen, n)
		}
		again, err := Parse(n.E164, chosen, rules)
		if again.Typed = typed; err != nil || again != n {
			t.Fatalf("%q for %q: %+v, read again %+v, %v", typed, chosen, n, again, err)
		}
		if far, err := Parse(n.E164, "AQ", Rules{TestNumbers: yes}); err != nil || far.E164 != n.E164 {
			t.Fatalf("%q for %q: %+v, read elsewhere %+v, %v", typed, chosen, n, far, err)
		}
	})
}
