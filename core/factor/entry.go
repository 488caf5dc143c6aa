package factor

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sallyport/core/fault"
)

// EntryMax is how many bytes of a code field are looked at; a pasted text
// message is shorter.
const EntryMax = 1024

// Digits reads a code field: six digits in any script, with whatever spaces,
// dashes and marks people and their apps put between them, or a whole pasted
// message that holds exactly one run of six digits. field and empty name the
// form's field and the words for an empty one. Faults of this kind are no tries.
func Digits(typed, field, empty string) (string, *fault.Fault) {
	if len(typed) > EntryMax {
		return "", fault.New(fault.Invalid, "code.length", "n", len([]rune(typed))).On(field)
	}
	text := asciiDigits(norm.NFKC.String(typed))
	code := strings.TrimPrefix(stripMarks(text), "#")
	if allDigits(code) && len(code) == 6 {
		return code, nil
	}
	if run, ok := onlyRun(text); ok {
		return run, nil
	}
	switch {
	case code == "":
		return "", fault.New(fault.Invalid, empty).On(field)
	case !allDigits(code):
		return "", fault.New(fault.Invalid, "code.letters").On(field)
	}
	return "", fault.New(fault.Invalid, "code.length", "n", len(code)).On(field)
}

// asciiDigits turns the decimal digits of every script into 0 to 9.
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 || !unicode.IsDigit(r) {
			return r
		}
		return '0' + digitValue(r)
	}, text)
}

// digitValue is the value of a decimal digit: every range of Unicode's table
// begins with a zero and holds whole runs of ten.
func digitValue(r rune) rune {
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return (r - rune(in.Lo)) % 10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return (r - rune(in.Lo)) % 10
		}
	}
	return 0
}

// stripMarks drops what stands between digits: spaces of all kinds, invisible
// marks, dashes, dots, commas and apostrophes.
func stripMarks(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Zs, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r):
			return -1
		case strings.ContainsRune("-.,'’‘−", r):
			return -1
		}
		return r
	}, text)
}

// onlyRun finds the one distinct run of six digits in a text.
func onlyRun(text string) (string, bool) {
	found := ""
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(run) != 6 || run == found {
			continue
		}
		if found != "" {
			return "", false
		}
		found = run
	}
	return found, found != ""
}

func allDigits(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// Letters reads a field for recovery and setup codes: Crockford's base 32, with
// the letters that look like digits taken for them.
func Letters(typed string) string {
	if len(typed) > EntryMax {
		typed = typed[:EntryMax]
	}
	text := strings.ToUpper(stripMarks(norm.NFKC.String(typed)))
	return strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(text)
}
