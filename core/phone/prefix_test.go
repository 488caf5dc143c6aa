package phone

import "testing"

func TestAPrefixIsTheCountrysCodeAndThreeDigits(t *testing.T) {
	for number, want := range map[string]string{
		"+12025550143":   "+1 202",
		"+447911123456":  "+44 791",
		"+33612345678":   "+33 612",
		"+3584112345678": "+358 411",
		"+37493123456":   "+374 931",
		"+99912345":      "+99912345", // no country has it
		"+1":             "+1",
		"":               "+",
	} {
		if got := Prefix(number); got != want {
			t.Errorf("Prefix(%q) = %q, want %q", number, got, want)
		}
	}
}
