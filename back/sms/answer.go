package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Means is which answers mean something: those with one of the statuses, if any
// are named, that have one of the values in a field, if one is named.
type Means struct {
	Status []int
	Field  string // names with dots between; a number is a place in a list
	Values []string
}

// anything says that nothing is named.
func (m Means) anything() bool { return len(m.Status) == 0 && m.Field == "" }

func (m Means) fit(a *answer) bool {
	if len(m.Status) > 0 && !slices.Contains(m.Status, a.status) {
		return false
	}
	value, ok := a.field(m.Field)
	return m.Field == "" || ok && slices.Contains(m.Values, value)
}

// answer is what a gateway said.
type answer struct {
	status int
	after  time.Duration // how long it asks to wait
	body   []byte        // nil where it was not whole, too long, or not wanted
	tree   any
	read   bool
	sound  bool
}

// whole says whether the body is JSON to its end.
func (a *answer) whole() bool {
	if !a.read {
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(a.body, []byte("\ufeff"))))
		d.UseNumber()
		a.read, a.sound = true, d.Decode(&a.tree) == nil
		if _, err := d.Token(); err != io.EOF { // something stands behind it
			a.sound = false
		}
	}
	return a.sound
}

// field is the text, number or truth value at a path.
func (a *answer) field(path string) (value string, ok bool) {
	if path == "" || !a.whole() {
		return "", false
	}
	at := a.tree
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return "", false
			}
			at = v[i]
		default:
			return "", false
		}
	}
	switch v := at.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

var (
	// Numbers and codes have six digits or more; what a provider calls its faults
	// has not.
	shown   = regexp.MustCompile(`^[A-Za-z0-9 _.:-]{1,60}$`)
	hidden  = regexp.MustCompile(`[0-9]([ .:-]?[0-9]){5}`)
	visible = regexp.MustCompile(`^[!-~]{1,128}$`)
)

// words are the answer for the log: its status, and what it says in a field where
// that can hold neither a number nor a code.
func (a *answer) words(field string) string {
	value, ok := a.field(field)
	if !ok || !shown.MatchString(value) || hidden.MatchString(value) {
		return fmt.Sprintf("answered %d", a.status)
	}
	return fmt.Sprintf("answered %d, %s %s", a.status, field, value)
}

// ref is the gateway's name for the message, or "".
func (a *answer) ref(field string) string {
	value, _ := a.field(field)
	if !visible.MatchString(value) {
		return ""
	}
	return value
}

// particular is an error of one message: the gateway is well, and says that it does
// not take this one. Whoever chooses what is sent must not put it out of use.
type particular struct{ words string }

func (p particular) Error() string { return p.words }

// fault is the error of an answer that took nothing.
func (a *answer) fault(field string) error {
	if a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity {
		return particular{a.words(field)}
	}
	return errors.New(a.words(field))
}
