package factor

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The message that people paste whole; its last line holds the code again.
const pasted = "012345 is your Sallyport code. Do not share it. It works for 10 minutes.\n\n@login.example.org #012345"

func TestACodeIsReadInEverySpelling(t *testing.T) {
	for _, typed := range []string{
		// The ten of ux.md 3.2.
		"012345", " 012 345 ", "012-345", "012.345", "#012345", "０１２３４５", "٠١٢٣٤٥", "012\u00a0345", "0 1 2 3 4 5", pasted,
		// And what else arrives.
		"012345\r\n", "012\t345", "012\u2009345", "012\u202f345", "012\u200b345", "\u200e012345\u200f", "\ufeff012345", "\u2068012345\u2069",
		"012–345", "012—345", "012‑345", "012−345", "012,345", "012'345", "012’345", "०१२३४५", "۰۱۲۳۴۵", "0１२٣4５", "𝟎𝟏𝟐𝟑𝟒𝟓", "＃012345", "# 012 345",
		"Code: 012345", "012345 (10 min)", "012345 012345", "G-012345 is your code", "1 of 2: 012345", "ref 1234567 code 012345",
	} {
		if got, bad := Digits(typed, "code", "app-code.empty"); got != "012345" || bad != nil {
			t.Errorf("%q: %q, %v", typed, got, bad)
		}
	}
}

func TestWhatIsNoCodeSaysWhy(t *testing.T) {
	const letters = "The code is 6 digits, with no letters."
	for _, row := range []struct{ typed, want string }{
		{"", "Enter the 6-digit code from the text message"}, {" \t\u00a0\u200b", "Enter the 6-digit code from the text message"}, {"-", "Enter the 6-digit code from the text message"}, {"#", "Enter the 6-digit code from the text message"},
		{"1", "The code has 6 digits. You entered 1."}, {"12345", "The code has 6 digits. You entered 5."}, {"12 34 5", "The code has 6 digits. You entered 5."},
		{"1234567", "The code has 6 digits. You entered 7."}, {"123 4567", "The code has 6 digits. You entered 7."}, {"٠١٢٣٤", "The code has 6 digits. You entered 5."},
		{strings.Repeat("7", 1024), "The code has 6 digits. You entered 1024."}, {strings.Repeat("7", 1025), "The code has 6 digits. You entered 1025."},
		{"12345a", letters}, {"O12345", letters}, {"½", letters}, {"123456 or 654321", letters}, {"Code 12345", letters},
		{"##1", letters}, {"८KZT", letters}, {"\xff\xfe", letters}, {"12345\x00", letters}, {"+12345", letters},
	} {
		got, bad := Digits(row.typed, "code", "text-code.empty")
		if got != "" || bad == nil || bad.Error() != row.want || bad.Field != "code" {
			t.Errorf("%q: %q, %v, want %q", row.typed, got, bad, row.want)
		}
	}
}

// asciiDigits rests on it that every range of the table holds whole runs of ten.
func TestTheDigitsOfEveryScriptAreRead(t *testing.T) {
	runs := 0
	for _, in := range unicode.Nd.R16 {
		if runs++; in.Stride != 1 || (in.Hi-in.Lo+1)%10 != 0 {
			t.Errorf("%U to %U is not made of runs of ten", in.Lo, in.Hi)
		}
	}
	for _, in := range unicode.Nd.R32 {
		if runs++; in.Stride != 1 || (in.Hi-in.Lo+1)%10 != 0 {
			t.Errorf("%U to %U is not made of runs of ten", in.Lo, in.Hi)
		}
	}
	if runs < 40 {
		t.Errorf("%d ranges", runs)
	}
	// Where Unicode itself says the value, it is the same.
	for r := rune(128); r <= unicode.MaxRune; r++ {
		plain := norm.NFKC.String(string(r))
		if unicode.Is(unicode.Nd, r) && len(plain) == 1 && rune(plain[0]) != '0'+digitValue(r) {
			t.Errorf("%U is %s, read as %d", r, plain, digitValue(r))
		}
	}
}

func TestLettersReadsWhatPeopleWrite(t *testing.T) {
	for _, row := range []struct{ typed, want string }{
		{"8KZT-4Q2M-7XPD-93HB", "8KZT4Q2M7XPD93HB"},
		{"8kzt4q2m7xpd93hb", "8KZT4Q2M7XPD93HB"},
		{" 8kzt 4q2m\u00a07xpd\t93hb\n", "8KZT4Q2M7XPD93HB"},
		{"8KZT–4Q2M—7XPD−93HB", "8KZT4Q2M7XPD93HB"},
		{"８ＫＺＴ４Ｑ２Ｍ７ＸＰＤ９３ＨＢ", "8KZT4Q2M7XPD93HB"},
		{"\u200e8KZT4Q2M\u200b7XPD93HB", "8KZT4Q2M7XPD93HB"},
		{"OoIiLl", "001111"},
		{"", ""}, {" - ", ""},
		{"7MRK-2P9D", "7MRK2P9D"},
		{"U!", "U!"},
	} {
		if got := Letters(row.typed); got != row.want {
			t.Errorf("%q: %q, want %q", row.typed, got, row.want)
		}
	}
	if got := Letters(strings.Repeat("a", EntryMax+100)); len(got) != EntryMax {
		t.Errorf("%d letters of a long text", len(got))
	}
}

// FuzzDigits holds of everything that may be typed: either six plain digits or a
// fault with words, and what is read is read the same again.
func FuzzDigits(f *testing.F) {
	for _, typed := range []string{"012345", pasted, "٠١٢٣٤٥", "012\u00a0345", "", "12345", "123456 654321", "8KZT-4Q2M-7XPD-93HB",
		"\xff\x00", "½²ⅷ", "#", strings.Repeat("1", 1025), "𝟎𝟏𝟐𝟑𝟒𝟓", "−1,2.3'4’5‘6"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, bad := Digits(typed, "code", "app-code.empty")
		if bad != nil {
			if code != "" || bad.Field != "code" || strings.ContainsAny(bad.Error(), "!{") {
				t.Fatalf("%q: %q with %v", typed, code, bad)
			}
			return
		}
		if len(code) != 6 || !allDigits(code) {
			t.Fatalf("%q was read as %q", typed, code)
		}
		for _, again := range []string{code, " " + code + "\n", "#" + code, code[:3] + "-" + code[3:]} {
			if got, _ := Digits(again, "code", "app-code.empty"); got != code {
				t.Fatalf("%q was read as %q, and %q as %q", typed, code, again, got)
			}
		}
	})
}

// FuzzLetters holds of everything that may be typed: nothing that stands between
// letters or looks like a digit is left, and a code stays what it is.
func FuzzLetters(f *testing.F) {
	for _, typed := range []string{"8KZT-4Q2M-7XPD-93HB", "8kzt 4q2m 7xpd 93hb", "oil", "\xff", "ﬃ", "ß", "İı", "\u200e-\u2014", strings.Repeat("é", 600)} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got := Letters(typed)
		if strings.ContainsAny(got, " -.,'\t\nOILabcdefghijklmnopqrstuvwxyz") {
			t.Fatalf("%q was read as %q", typed, got)
		}
		if utf8.ValidString(typed) && len(typed) <= EntryMax && !utf8.ValidString(got) {
			t.Fatalf("%q was read as %q", typed, got)
		}
		if validCode(got) && len(got) <= EntryMax && (Letters(got) != got || Letters(Grouped(got)) != got && len(got) < EntryMax/2) {
			t.Fatalf("%q was read as %q, and that as %q", typed, got, Letters(got))
		}
	})
}

// FuzzDecodeSecret holds of all data: what is accepted makes codes.
func FuzzDecodeSecret(f *testing.F) {
	f.Add(NewSecret().Encode())
	f.Add(Secret{Key: []byte("key"), Algorithm: "SHA512", Digits: 8, Period: 60, Refused: []int64{1}}.Encode())
	for _, data := range []string{"", "null", "{}", `{"Key":"AAAA","Algorithm":"MD5"}`, `{"Key":"AAAA","Digits":-1}`, `{"Key":"AAAA","Digits":32}`, `{"Key":"AAAA","Period":-1}`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSecret(data)
		if err != nil {
			return
		}
		step := s.Step(noon)
		if code := s.Code(step); len(code) != s.digits() || !allDigits(code) || step <= 0 {
			t.Fatalf("%q makes %q at step %d", data, code, step)
		}
		searchClock(s, "000000", step)
		if again, err := DecodeSecret(s.Encode()); err != nil || again.Code(step) != s.Code(step) {
			t.Fatalf("%q comes back as %+v, %v", data, again, err)
		}
	})
}

// FuzzDecodeCodes holds of all data: what is accepted can be verified against.
func FuzzDecodeCodes(f *testing.F) {
	set := NewSet(NewCodes(), nil, nil, noon, quick)
	f.Add(set.Encode())
	f.Add(NewSet(NewCodes(), nil, &set, noon, quick).Encode())
	for _, data := range []string{"", "null", "{}", `{"Hashes":["AA=="]}`, `{"Hashes":["AA=="],"Used":[true]}`, `{"Used":[false]}`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := DecodeCodes(data)
		if err != nil {
			return
		}
		if left := set.Left(); left < 0 || left > len(set.Hashes) {
			t.Fatalf("%q: %d left of %d", data, left, len(set.Hashes))
		}
		row := Factor{ID: "codes", Kind: Recovery, Data: data}
		v := Codes{Hash: func(code string, salt []byte) ([]byte, error) { return quick(code, salt), nil }, Date: day}.Verify([]Factor{row}, Try{Entered: "8KZT-4Q2M-7XPD-93HB", Now: noon})
		if v.Right == (v.Fault != nil) {
			t.Fatalf("%q: %+v", data, v)
		}
		if again, err := DecodeCodes(set.Encode()); err != nil || again.Left() != set.Left() {
			t.Fatalf("%q comes back as %+v, %v", data, again, err)
		}
	})
}
