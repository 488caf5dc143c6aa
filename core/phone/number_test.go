package phone

import (
	"testing"
	"unicode"

	"sallyport/core/fault"
)

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

func TestTheEndingIsThreeDigits(t *testing.T) {
	for number, want := range map[string]string{"+12025550143": "143", "+1": "+1", "": ""} {
		if got := (Number{E164: number}).Ending(); got != want {
			t.Errorf("%q ends %q, want %q", number, got, want)
		}
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

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		_, _ = Parse("07911 123456", "GB", Rules{})
	}
}
