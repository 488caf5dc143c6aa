package phone

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"sallyport/core/fault"
	"sallyport/core/words"
)

// The words of the step that asks for a number.
const (
	empty     = "Enter your mobile number"
	symbols   = "Mobile number can only include digits, spaces and + ( ) - ."
	extended  = "Enter the number without an extension"
	landline  = "This looks like a landline number. Enter a mobile number that can get text messages."
	kind      = "This kind of number cannot get our text messages. Enter an ordinary mobile number."
	internet  = "This looks like an internet phone number. Enter a number from a mobile network."
	broken    = "Something in what you sent cannot be read. Type it again."
	check     = "Check the number and the country."
	noTextsTo = "We cannot send text messages to %s. Use another number or contact {help}."
)

func short(country string) string {
	return "This number is too short for " + country + ". " + check
}

func long(country string) string {
	return "This number is too long for " + country + ". " + check
}

func notMobile(country string) string {
	return "This does not look like a mobile number in " + country + ". " + check
}

func refused(country string) string { return fmt.Sprintf(noTextsTo, country) }

func code(code string) string {
	return "We do not know the country code " + code + ". Check the start of the number."
}

// outcome is the number in E.164 or the words of the fault.
func outcome(t *testing.T, typed, chosen string, rules Rules) string {
	t.Helper()
	n, err := Parse(typed, chosen, rules)
	if err == nil {
		if n.Typed != typed {
			t.Errorf("%q is kept as %q", typed, n.Typed)
		}
		return n.E164
	}
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid || f.Field != "phone" || n != (Number{}) {
		t.Errorf("%q for %s: %#v with %+v, want a fault of the field and no number", typed, chosen, err, n)
	}
	return err.Error()
}

type row struct{ typed, chosen, want string }

func run(t *testing.T, rules Rules, rows []row) {
	t.Helper()
	for _, r := range rows {
		if got := outcome(t, r.typed, r.chosen, rules); got != r.want {
			t.Errorf("%q for %s: %s, want %s", r.typed, r.chosen, got, r.want)
		}
	}
}

func TestTheTableOfTheSpecification(t *testing.T) {
	run(t, Rules{}, []row{
		{"07911 123456", "GB", "+447911123456"},
		{"7911123456", "GB", "+447911123456"},
		{"+44 (0)7911 123456", "GB", "+447911123456"},
		{"0044 7911 123456", "GB", "+447911123456"},
		{"447911123456", "GB", "+447911123456"},
		{"٠٧٩١١١٢٣٤٥٦", "GB", "+447911123456"},
		{"07123 456789", "GB", "+447123456789"},
		{"020 7946 0000", "GB", landline},
		{"070 1234 5678", "GB", kind},
		{"0900 123 4567", "GB", kind},
		{"06 12 34 56 78", "FR", "+33612345678"},
		{"+33 06 12 34 56 78", "FR", "+33612345678"},
		{"0151 23456789", "DE", "+4915123456789"},
		{"312 345 6789", "IT", "+393123456789"},
		{"0312 345 6789", "IT", landline},
		{"(202) 555-0143", "US", "+12025550143"},
		{"1 202 555 0143", "US", "+12025550143"},
		{"555-0143", "US", short("United States")},
		{"55 1234 5678", "MX", "+525512345678"},
		{"044 55 1234 5678", "MX", "+525512345678"},
		{"+52 1 55 1234 5678", "MX", "+525512345678"},
		{"11 15 2345 6789", "AR", "+5491123456789"},
		{"8 912 345-67-89", "RU", "+79123456789"},
		{"098765 43210", "IN", "+919876543210"},
		{"090-1234-5678", "JP", "+819012345678"},
	})
}

func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	run(t, Rules{}, []row{
		// What a keyboard or an address book puts between the digits.
		{"\u202a+44 7911\u00a0123456\u202c", "US", "+447911123456"},
		{"\u200b07911\u2011123\u2013456\ufeff", "GB", "+447911123456"},
		{"+44.7911.123.456", "US", "+447911123456"},
		{"0151/234 567-89", "DE", "+4915123456789"},
		{"[+44] 7911\u2212123456", "US", "+447911123456"},
		{"\t07911 123456\r\n", "GB", "+447911123456"},
		{"０９０ー１２３４ー５６７８", "JP", "+819012345678"},
		{"＋４４ ７９１１ １２３４５６", "JP", "+447911123456"},
		{"०९८७६५ ४३२१०", "IN", "+919876543210"},
		{"𝟎𝟕𝟗𝟏𝟏 𝟏𝟐𝟑𝟒𝟓𝟔", "GB", "+447911123456"},
		{"𞥐𞥗𞥙𞥑𞥑 𞥑𞥒𞥓𞥔𞥕𞥖", "GB", "+447911123456"},
		// With the code of a country, the chosen one does not matter.
		{"+44 7911 123456", "FR", "+447911123456"},
		{"++44 7911 123456", "FR", "+447911123456"},
		{"0044 7911 123456", "US", "+447911123456"},
		{"011 44 7911 123456", "US", "+447911123456"},
		{"+44 7911 123456", "", "+447911123456"},
		{"+44 7911 123456", "ZZ", "+447911123456"},
		// Other ways to dial abroad that begin with two zeros.
		{"0011 44 7911 123456", "AU", "+447911123456"},
		{"001 44 7911 123456", "HK", "+447911123456"},
		{"000 7911 123456", "GB", "+447911123456"},
		// Slips at the beginning.
		{"+07911 123456", "GB", "+447911123456"},
		{"0+44 7911 123456", "GB", "+447911123456"},
		{"+0044 7911 123456", "GB", "+447911123456"},
		{"00+33 6 12 34 56 78", "GB", "+33612345678"},
		{"+0 33 6 12 34 56 78", "US", "+33612345678"},
		// The code of a country without its plus.
		{"4915123456789", "DE", "+4915123456789"},
		{"39 312 345 6789", "IT", "+393123456789"},
		{"33612345678", "GB", "+33612345678"},
		{"447911123456", "US", "+447911123456"},
		{"447911123456", "nowhere", "+447911123456"},
		// Mexico before 2019.
		{"045 55 1234 5678", "MX", "+525512345678"},
		{"01 55 1234 5678", "MX", "+525512345678"},
		{"52 1 55 1234 5678", "MX", "+525512345678"},
		{"5215512345678", "US", "+525512345678"},
		{"0052 1 55 1234 5678", "GB", "+525512345678"},
		{"+52 044 55 1234 5678", "MX", "+525512345678"},
		{"+52 2 55 1234 5678", "MX", long("Mexico")},
	})
}

func TestWhyANumberIsRefused(t *testing.T) {
	run(t, Rules{}, []row{
		{"", "GB", empty},
		{" \t\u200b", "GB", empty},
		{"+", "GB", empty},
		{"( ) -", "GB", empty},
		{"07911-FLOWER", "GB", symbols},
		{"ada@example.org", "GB", symbols},
		{"x", "GB", symbols},
		{"ext 12", "GB", symbols},
		{"tel:+447911123456", "GB", symbols},
		{"07911,123456", "GB", symbols},
		{"*#06#", "GB", symbols},
		{"07911+123456", "GB", symbols},
		{"07911 12345\x00", "GB", symbols},
		{"07911 12345\xff", "GB", symbols},
		{"07911 12345\u0301", "GB", symbols},
		{"07911 123456 📱", "GB", symbols},
		{"(202) 555-0143 x12", "US", extended},
		{"(202) 555-0143 Ext. 12", "US", extended},
		{"(202) 555-0143 extension 12", "US", extended},
		{"(202) 555-0143;12", "US", extended},
		{"+12025550143;ext=12", "US", symbols}, // = is one
		{"(202) 555-0143#12", "US", extended},
		{"(202) 555-0143 Ⓧ12", "US", extended},
		{"06 12 34 56", "FR", short("France")},
		{"06 12 34 56 78 90", "FR", long("France")},
		{"06 39 12 34 56", "FR", notMobile("France")},
		{"+33 6 12 34 56", "GB", short("France")},
		{"07911 123", "GB", short("United Kingdom")},
		{"0", "GB", short("United Kingdom")},
		{"00", "GB", short("United Kingdom")},
		{"+0", "GB", short("United Kingdom")},
		{"0000000000", "GB", short("United Kingdom")},
		{"+44", "GB", short("United Kingdom")},
		{"+44 7911 123", "JE", short("Jersey")},
		{"+44 7911 123", "FR", short("United Kingdom")},
		{"07911 123456 123456 123456 123456", "GB", long("United Kingdom")},
		{"+44 7911 123456 123456 123456 123456", "US", long("United Kingdom")},
		{"07700 900123", "GB", notMobile("United Kingdom")},
		{"0800 123 4567", "GB", kind},   // free
		{"0845 123 4567", "GB", kind},   // shared cost
		{"07640 123456", "GB", kind},    // pager
		{"03701 234567", "GB", kind},    // for organisations
		{"+881 612 345678", "GB", kind}, // satellite: of no country
		{"+883 510 012 345", "GB", kind},
		{"+800 1234 5678", "GB", kind},
		{"+881", "GB", kind},
		{"+999 123 4567", "GB", code("+999")},
		{"00 999 123 4567", "GB", code("+999")},
		{"+21", "GB", code("+21")},
		{"011 999 123 4567", "US", notMobile("United States")},
		{"07911 123456", "", broken},
		{"07911 123456", "<script>", broken},
		{strings.Repeat("1", 65), "", broken},
		{strings.Repeat("1", 65), "GB", long("United Kingdom")},
		{strings.Repeat("x", 1<<20), "GB", long("United Kingdom")},
		{strings.Repeat("1", 64), "GB", long("United Kingdom")},
		{"07911 123456" + strings.Repeat(" ", 52), "GB", "+447911123456"},
		{"٠٧٩١١١٢٣٤٥٦" + strings.Repeat("\u3000", 53), "GB", "+447911123456"},
		{"07911 123456" + strings.Repeat(" ", 53), "GB", long("United Kingdom")},
	})
}

func TestEmergencyAndShortNumbersAreRefusedEverywhere(t *testing.T) {
	for _, c := range Countries(nil) {
		for _, typed := range []string{"112", "911", "999", "000", "110", "118", "119", "116117", "62226", "+112", "00112"} {
			if n, err := Parse(typed, c.Code, Rules{}); err == nil {
				t.Errorf("%s for %s is taken as %s", typed, c.Code, n.E164)
			}
		}
	}
}

func TestInternetNumbersAreTheOperatorsChoice(t *testing.T) {
	const voip = "056 1234 5678"
	run(t, Rules{}, []row{{voip, "GB", "+445612345678"}})
	run(t, Rules{BlockInternet: true}, []row{{voip, "GB", internet}, {"07911 123456", "GB", "+447911123456"}})
	// Without its 0 the digits say more about Belgium than about the internet.
	run(t, Rules{}, []row{{"32470123456", "DE", "+32470123456"}})
}

func TestFilmNumbersAreOnlyForTheOutbox(t *testing.T) {
	run(t, Rules{TestNumbers: true}, []row{
		{"07700 900000", "GB", "+447700900000"},
		{"07700 900999", "GB", "+447700900999"},
		{"+44 7700 900123", "US", "+447700900123"},
		{"447700900123", "US", "+447700900123"},
		{"07700 901000", "GB", notMobile("United Kingdom")},
		{"07700 9001234", "GB", long("United Kingdom")},
	})
	run(t, Rules{TestNumbers: true, Countries: []string{"FR"}}, []row{{"+447700900123", "FR", refused("United Kingdom")}})
}

func TestOnlyAllowedCountriesGetTexts(t *testing.T) {
	run(t, Rules{Countries: []string{"US"}}, []row{
		{"(876) 210-1234", "US", refused("Jamaica")},
		{"+1 416 555 0143", "US", refused("Canada")},
		{"+44 7911 123456", "US", refused("Guernsey")},
		{"+44 20 7946 0000", "US", refused("United Kingdom")},
		{"+44 7911 123", "US", refused("United Kingdom")},
		{"+44", "US", refused("United Kingdom")},
		{"+1 787 234 5678", "US", "+17872345678"}, // Puerto Rico
		{"+1 340 642 1234", "US", "+13406421234"}, // US Virgin Islands
		{"+1 671 300 1234", "US", "+16713001234"}, // Guam
		{"+1 670 234 5678", "US", "+16702345678"}, // Northern Marianas
		{"+1 684 733 1234", "US", "+16847331234"}, // American Samoa
		// There is no select: the number is read in the one country there is.
		{"(202) 555-0143", "", "+12025550143"},
		{"(202) 555-0143", "FR", "+12025550143"},
	})
	run(t, Rules{Countries: []string{"CA", "FR"}}, []row{
		{"+1 416", "FR", short("Canada")},
		{"+1 202 555 0143", "FR", refused("United States")},
		{"07911 123456", "GB", refused("Guernsey")},
		{"07911", "GB", refused("United Kingdom")},
		{"0", "GB", refused("United Kingdom")},
	})
	run(t, Rules{Countries: []string{"JE"}}, []row{
		{"07797 712345", "JE", "+447797712345"},
		{"07123 456789", "JE", refused("United Kingdom")},
	})
	run(t, Rules{Countries: []string{"NO", "FI"}}, []row{
		{"406 12 345", "NO", "+4740612345"},
		{"+358 457 123 4567", "FI", "+3584571234567"},
	})
}

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
		for _, rules := range []Rules{{}, {Countries: []string{c.Code}}} {
			run(t, rules, []row{{want, c.Code, want}, {want[1:], c.Code, want}, {typed, c.Code, want}})
		}
	}
}

func TestTheEndingIsThreeDigits(t *testing.T) {
	for number, want := range map[string]string{"+12025550143": "143", "+1": "+1", "": ""} {
		if got := (Number{E164: number}).Ending(); got != want {
			t.Errorf("%q ends %q, want %q", number, got, want)
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

func TestAllDigitsAreKnown(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsDigit(r) {
			continue
		}
		// Where the digit before it is no digit, a run begins: with nought.
		if !unicode.IsDigit(r-1) && ascii(r) != '0' {
			t.Errorf("%U is read as %c", r, ascii(r))
		}
		if unicode.IsDigit(r-1) && ascii(r) != '0'+(ascii(r-1)-'0'+1)%10 {
			t.Errorf("%U is read as %c after %c", r, ascii(r), ascii(r-1))
		}
	}
	if ascii('a') != '0' {
		t.Error("a letter is a digit")
	}
}

func TestEveryFaultHasWordsAndTheirGapsAreFilled(t *testing.T) {
	for _, typed := range []string{"", "x", "1x1", "1", "+999", "020 7946 0000", "070 1234 5678", "0639123456", "+4412345678901234"} {
		_, err := Parse(typed, "GB", Rules{})
		var f *fault.Fault
		if !errors.As(err, &f) {
			t.Fatalf("%q: %v", typed, err)
		}
		pattern, ok := words.Pattern(f.Word)
		if !ok || strings.ContainsAny(err.Error(), "!{}") {
			t.Errorf("%q: %q of %q", typed, err, pattern)
		}
	}
}

func TestWarmReadsWithoutFault(t *testing.T) { Warm() }

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		_, _ = Parse("07911 123456", "GB", Rules{})
	}
}
