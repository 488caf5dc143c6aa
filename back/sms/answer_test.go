package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestAFieldIsFoundByItsPath(t *testing.T) {
	const body = `{"a": {"b": [{"c": "x"}, {"c": 1.50}, true, null, []]}, "0": "zero", "": "empty", "a.b": "dotted", "d": "", "big": 123456789012345678901, "twice": 1, "twice": 2}`
	for path, want := range map[string]string{"a.b.0.c": "x", "a.b.1.c": "1.50", "a.b.2": "true", "0": "zero", "d": "", "big": "123456789012345678901", "twice": "2"} {
		a := &answer{body: []byte(body)}
		if got, ok := a.field(path); !ok || got != want {
			t.Errorf("%s is %q, %v, not %q", path, got, ok, want)
		}
	}
	for _, path := range []string{"", "b", "a", "a.b", "a.b.3", "a.b.4", "a.b.5", "a.b.-1", "a.b.00x", "a.b.0.c.x", "A.b.0.c", "a.b.0", "a.", ".a", "a.b.99999999999999999999"} {
		a := &answer{body: []byte(body)}
		if got, ok := a.field(path); ok {
			t.Errorf("%q is %q", path, got)
		}
	}
}

var sixDigits = regexp.MustCompile(`[0-9]{6}`)

// Whatever a gateway says, it is judged: what cannot be read to its end is not
// taken for success, and no number or code of it reaches the log.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{`{"messages": [{"status": "0", "id": "x"}]}`, `[{"status": 0}]`, `{"messages": [{"status"`, `<html>`, ``, `null`, " \n", `"0"`, "\ufeff{}", `{} {}`,
		strings.Repeat("[", 20000), strings.Repeat(`{"messages":`, 5000), `{"messages": [{"status": "+12025550143"}]}`, `{"messages": [{"status": "1 2 3 4 5 6"}]}`, "{\"messages\": [{\"status\": \"\xff\"}]}"} {
		f.Add(200, []byte(body), "messages.0.status", "0")
		f.Add(400, []byte(body), "0", "6")
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, path, value string) {
		a := &answer{status: status % 1000, body: body}
		h := &HTTP{OK: Means{Field: path, Values: []string{value}}, Refused: Means{Field: path, Values: []string{value + "-not"}}, Ref: path}
		ref, err := h.judge(a)
		valid := json.Valid(bytes.TrimPrefix(body, []byte("\ufeff")))
		switch {
		case err == nil && path != "" && (!valid || status%1000/100 != 2):
			t.Errorf("%d %q was taken for success", status, body)
		case errors.Is(err, ErrUnknown) && (path == "" || valid):
			t.Errorf("%d %q leaves it open: %v", status, body, err)
		case err != nil && !errors.Is(err, ErrUnknown) && sixDigits.MatchString(strings.ReplaceAll(err.Error(), path, "")):
			t.Errorf("%q says %v", body, err)
		}
		if len(ref) > 128 || strings.ContainsAny(ref, " \n\x00") {
			t.Errorf("the reference is %q", ref)
		}
	})
}
