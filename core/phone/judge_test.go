package phone

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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
		for _, typed := range []string{"112", "911", "999", "000", "110", "118", "119", "116117", "+112", "00112"} {
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
		{"07911 123456", "GB", refused("United Kingdom")},
		{"07911 123456", "JE", refused("Guernsey")},
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
