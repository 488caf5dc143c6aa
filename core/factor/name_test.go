package factor

import (
	"strings"
	"testing"
	"unicode"
)

func TestNamesOfApps(t *testing.T) {
	for typed, want := range map[string]string{
		"Tablet":             "Tablet",
		"  my   old\tphone ": "my old phone",
		"Ada's phone, v1.2":  "Ada's phone, v1.2",
		"Dr. Smith":          "Dr. Smith",
		"1.000 codes":        "1.000 codes",
		"J.R. phone":         "J.R. phone",
		"end of sentence.":   "end of sentence.",
		"電話":                 "電話",
		"👩‍👩‍👧 phone":        "👩‍👩‍👧 phone",
		"گوشی\u200cمن":       "گوشی\u200cمن",
		"a/b: c":             "a/b: c",
		`12" tablet`:         `12" tablet`,

		strings.Repeat("x", 40): strings.Repeat("x", 40),
	} {
		if got, bad := AppName(typed); bad != nil || got != want {
			t.Errorf("%q: %q, %+v", typed, got, bad)
		}
	}
	for word, list := range map[string][]string{
		"app-name.empty":  {"", "   ", "\t\n"},
		"app-name.long":   {strings.Repeat("x", 41)},
		"app-name.unseen": {"a\u202eb", "a\u200eb", "a\u2066b", "a\x00b", "a\x1bb", "a\u200bb", "a\ufeffb", "a\u00adb", "a\xffb"},
		"app-name.address": {"https://x", "evil.com", "see EVIL.COM now", "www.evil", "WWW. evil", "bit.ly/x", "a@b.cd", "Dr.Smith", "x1.io",
			"evil．com", "evil。com", "evil․com", "пример.рф", "mailto://", "ｗｗｗ.x", "e.v.il"},
	} {
		for _, typed := range list {
			if got, bad := AppName(typed); bad == nil || bad.Word != word || bad.Field != "name" {
				t.Errorf("%q: %q, %+v, want %s", typed, got, bad, word)
			}
		}
	}
}

func FuzzAppName(f *testing.F) {
	f.Add("Tablet")
	f.Add(" www.\u202e。com ")
	f.Fuzz(func(t *testing.T, typed string) {
		name, bad := AppName(typed)
		if bad != nil {
			return
		}
		if again, bad := AppName(name); bad != nil || again != name {
			t.Errorf("%q became %q, then %q, %v", typed, name, again, bad)
		}
		if strings.Contains(name, "://") || strings.ContainsFunc(name, unicode.IsControl) || name == "" || len([]rune(name)) > NameMax {
			t.Errorf("%q became %q", typed, name)
		}
	})
}
