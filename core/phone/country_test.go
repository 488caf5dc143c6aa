package phone

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestARegionIsItsOwnAndMessagesNameTheChosenCountry(t *testing.T) {
	for _, row := range []struct {
		typed, chosen   string
		allowed         []string
		region, country string
	}{
		{"07624 123456", "GB", nil, "IM", "GB"},
		{"07624 123456", "IM", nil, "IM", "IM"},
		{"07911 123456", "GB", []string{"GB"}, "GG", "GB"},
		{"07797 712345", "GB", []string{"GB", "FR"}, "JE", "GB"},
		{"+44 7797 712345", "FR", []string{"GB", "FR"}, "JE", "GB"},
		{"+44 7797 712345", "FR", []string{"GB", "JE", "FR"}, "JE", "JE"},
		{"+44 7797 712345", "FR", nil, "JE", "JE"},
		{"07123 456789", "JE", nil, "GB", "GB"},
		{"+1 787 234 5678", "US", nil, "PR", "US"},
		{"(202) 555-0143", "CA", nil, "US", "US"},
		{"+7 701 234 5678", "RU", nil, "KZ", "KZ"},
		// Ranges that are shared: the chosen country, then an allowed one.
		{"412 345 67", "SJ", nil, "SJ", "SJ"},
		{"412 345 67", "NO", nil, "NO", "NO"},
		{"+358 457 123 4567", "GB", []string{"GB", "AX"}, "AX", "AX"},
		{"+358 457 123 4567", "GB", []string{"GB", "FI"}, "FI", "FI"},
		{"312 345 6789", "VA", []string{"VA"}, "VA", "VA"},
	} {
		n, err := Parse(row.typed, row.chosen, Rules{Countries: row.allowed})
		if err != nil || n.Region != row.region || n.Country != row.country {
			t.Errorf("%s for %s of %v: region %q, country %q, %v; want %s and %s",
				row.typed, row.chosen, row.allowed, n.Region, n.Country, err, row.region, row.country)
		}
	}
}

func TestEveryCountryTakesItsMobileNumbers(t *testing.T) {
	for _, c := range Countries(nil) {
		n := phonenumbers.GetExampleNumberForType(c.Code, phonenumbers.MOBILE)
		if n == nil {
			if c.Code != "TA" { // Tristan da Cunha has no mobile network
				t.Errorf("%s has no mobile numbers", c.Name)
			}
			continue
		}
		want := phonenumbers.Format(n, phonenumbers.E164)
		typed := phonenumbers.Format(n, phonenumbers.NATIONAL)
		if c.Code == "AR" { // the library writes it in a way in which nobody dials
			typed = "011 15-2345-6789"
		}
		for _, rules := range []Rules{{}, {Countries: []string{c.Code}}} {
			run(t, rules, []row{{want, c.Code, want}, {want[1:], c.Code, want}, {typed, c.Code, want}})
		}
	}
}

func TestTheListOfCountriesIsWholeAndInOrder(t *testing.T) {
	all := Countries(nil)
	supported := phonenumbers.GetSupportedRegions()
	if len(all) != len(supported) || len(all) != 245 {
		t.Errorf("%d countries, the library has %d", len(all), len(supported))
	}
	names := map[string]bool{}
	for i, c := range all {
		if !supported[c.Code] || names[c.Name] || !regexp.MustCompile(`^\+[1-9][0-9]{0,2}$`).MatchString(c.Calling) {
			t.Errorf("%+v is unknown, stands twice or has no calling code", c)
		}
		names[c.Name] = true
		if i > 0 && plain(all[i-1].Name) >= plain(c.Name) {
			t.Errorf("%s stands before %s", all[i-1].Name, c.Name)
		}
	}
	if all[0].Name != "Afghanistan" || all[1].Name != "Åland Islands" {
		t.Errorf("the list begins %v", all[:2])
	}
	some := Countries([]string{"US", "GB", "XX"})
	if want := []Country{{"GB", "United Kingdom", "+44"}, {"US", "United States", "+1"}}; fmt.Sprint(some) != fmt.Sprint(want) {
		t.Errorf("some: %v, want %v", some, want)
	}
	some[0].Name = "changed"
	if got := Countries([]string{"GB"}); got[0].Name != "United Kingdom" {
		t.Error("the table can be changed from outside")
	}
	if Name("XX") != "" || Name("") != "" {
		t.Error("a name for nothing")
	}
}

func TestWarmReadsWithoutFault(t *testing.T) { Warm() }
