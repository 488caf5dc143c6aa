package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const maxText = 4096 // bytes in one value

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})$`)

// set reads a text into a field, the same for the file and the environment. It
// returns what is wrong with the text, and the field is then as before.
func set(v reflect.Value, text string) (problem, hint string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return setDuration(v, text)
	case v.Kind() == reflect.Bool:
		return setBool(v, text)
	case v.Kind() == reflect.Int:
		return setInt(v, text)
	}
	return setText(v, text)
}

func setText(v reflect.Value, text string) (problem, hint string) {
	switch {
	case len(text) > maxText:
		return fmt.Sprintf("has more than %d bytes", maxText), ""
	case !utf8.ValidString(text):
		return "is not valid UTF-8", ""
	case strings.ContainsFunc(text, unseen):
		return "holds a line break or a character that cannot be seen", "write it on one line"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a space", ""
	}
	v.SetString(text)
	return "", ""
}

// unseen tells control characters, and the marks that turn the direction of
// writing and so can make a name read as another.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' ||
		r == '\u2028' || r == '\u2029'
}

func setBool(v reflect.Value, text string) (problem, hint string) {
	if text != "true" && text != "false" {
		return quote(text) + " is not true or false", ""
	}
	v.SetBool(text == "true")
	return "", ""
}

func setInt(v reflect.Value, text string) (problem, hint string) {
	if !wholeNumber.MatchString(text) {
		return quote(text) + " is not a whole number", "write digits alone, as 14"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v.OverflowInt(n) {
		return quote(text) + " is too large", ""
	}
	v.SetInt(n)
	return "", ""
}

func setDuration(v reflect.Value, text string) (problem, hint string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return quote(text) + " is not a length of time", "write a number and its unit, as 90s, 15m or 24h"
	}
	v.SetInt(int64(d))
	return "", ""
}
