package person

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// MaxName is the most characters that a name to sign in with may have.
const MaxName = 64

// MapName is the form of a name that is stored, looked up and counted: RFC 8265
// UsernameCaseMapped. It is used when a person is added, where the error tells
// the operator why not, and at sign-in, where any error is an unknown name.
func MapName(typed string) (string, error) {
	name := strings.TrimSpace(typed)
	if name == "" {
		return "", errors.New("name is empty; type at least one character")
	}
	if len(name) > 4*MaxName*utf8.UTFMax { // decomposed it may be longer than mapped
		return "", fmt.Errorf("name is too long; it may have %d characters", MaxName)
	}
	if !utf8.ValidString(name) {
		return "", errors.New("name is not valid text; type it again")
	}
	if err := visible(name); err != nil {
		return "", err
	}
	mapped, err := enforce(name)
	if err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(mapped); n > MaxName {
		return "", fmt.Errorf("name has %d characters; it may have %d", n, MaxName)
	}
	switch {
	case strings.ContainsRune(mapped, ':'):
		return "", errors.New("name has a colon; leave it out (basic auth ends the name there)")
	case strings.ContainsRune(mapped, '@'):
		return "", errors.New("name has an @; a mail address is not a name to sign in with")
	}
	if err := oneScript(mapped); err != nil {
		return "", err
	}
	return mapped, nil
}

// visible refuses what cannot be seen: control characters, bidi marks, joiners.
// RFC 8265 lets joiners stand in some scripts; two names that differ only in one
// look the same, so here they may not.
func visible(name string) error {
	for _, r := range name {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return fmt.Errorf("name has the invisible character %U; leave it out", r)
		}
	}
	return nil
}

// enforce maps until nothing changes: once is not always enough (RFC 8264,
// section 7), and a stored name must map to itself.
func enforce(name string) (string, error) {
	for range 4 {
		mapped, err := precis.UsernameCaseMapped.String(name)
		if err != nil {
			return "", fmt.Errorf("name has a character that a name cannot have; use letters, digits and punctuation without spaces (%w)", err)
		}
		if mapped == name {
			return mapped, nil
		}
		name = mapped
	}
	return "", errors.New("name has no stable form; use plain letters")
}

// oneScript says whether a name keeps to Latin, the common characters and one
// other script.
func oneScript(name string) error {
	scripts := writtenIn(name)
	if len(scripts) < 2 {
		return nil
	}
	// Scripts that are written together count as one (UTS 39, section 5.1).
	for _, together := range [][]string{
		{"Han", "Hiragana", "Katakana"},
		{"Han", "Hangul"},
		{"Han", "Bopomofo"},
	} {
		if within(scripts, together) {
			return nil
		}
	}
	return errors.New("name mixes scripts; use one besides Latin")
}

// writtenIn lists the scripts of a name besides Latin and the common ones.
func writtenIn(name string) map[string]bool {
	found := map[string]bool{}
	for _, r := range name {
		if unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited) {
			continue
		}
		found[script(r)] = true
	}
	return found
}

func script(r rune) string {
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "unknown"
}

func within(set map[string]bool, list []string) bool {
	left := len(set)
	for _, s := range list {
		if set[s] {
			left--
		}
	}
	return left == 0
}
