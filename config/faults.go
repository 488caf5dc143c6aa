package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong with the settings.
type Fault struct {
	Line     int    // in the file, from 1; 0 when it has none
	Key      string // "policy.grace_days"; "" when it belongs to none
	Variable string // the variable of the environment that is at fault, or ""
	Problem  string // what is wrong, in small letters
	Hint     string // what to do about it, or ""
}

// Faults is the error of Load and Parse: everything that is wrong, in the order
// of the file, then what is missing, then the environment.
type Faults struct {
	File  string // the name of the settings file, as it was given
	List  []Fault
	cause error
}

const maxPrinted = 100 // faults that Error prints; a wrong file may hold thousands

// Error prints one fault a line: "sallyport.yaml:12: policy.grace_days: …".
func (f *Faults) Error() string {
	lines := make([]string, 0, len(f.List))
	for _, fault := range f.List[:min(len(f.List), maxPrinted)] {
		lines = append(lines, fault.print(f.File))
	}
	if more := len(f.List) - maxPrinted; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more", f.File, more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns why the file could not be read, or nil: errors.Is finds
// fs.ErrNotExist.
func (f *Faults) Unwrap() error { return f.cause }

func (f Fault) print(file string) string {
	var b strings.Builder
	switch {
	case f.Variable != "":
		b.WriteString(f.Variable)
	case f.Line > 0:
		fmt.Fprintf(&b, "%s:%d", file, f.Line)
	default:
		b.WriteString(file)
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	b.WriteString(": " + f.Problem)
	if f.Hint != "" {
		b.WriteString(" (hint: " + f.Hint + ")")
	}
	return strings.Map(printable, b.String())
}

// printable keeps a key of the file from breaking lines or steering a terminal.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return unicode.ReplacementChar
	}
	return r
}

// sortFaults puts lines first, then what is missing, then variables.
func sortFaults(list []Fault) {
	group := func(f Fault) int {
		switch {
		case f.Variable != "":
			return 2
		case f.Line == 0:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(group(a), group(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Variable, b.Variable))
	})
}

// quote shows a value of the file in a problem: on one line, and not at length.
func quote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
