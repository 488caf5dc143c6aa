package person

import (
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestAMappedNameIsWhatIsStored(t *testing.T) {
	for _, c := range []struct{ why, typed, want string }{
		{"a plain name stays", "ada", "ada"},
		{"upper case is lowered", "Ada.Lovelace", "ada.lovelace"},
		{"spaces around are trimmed", "  ada\t\n", "ada"},
		{"full width is made narrow", "Ａｄａ１", "ada1"},
		{"accents apart are joined", "Rene\u0301", "ren\u00e9"},
		{"punctuation and figures", "o'neil-3_x", "o'neil-3_x"},
		{"one character is enough", "a", "a"},
		{"64 are the most", strings.Repeat("é", 64), strings.Repeat("é", 64)},
		{"64 that came apart count as 64", strings.Repeat("e\u0301", 64), strings.Repeat("é", 64)},
		{"another script", "Мария", "мария"},
		{"another script with Latin", "Мария-it", "мария-it"},
		{"figures belong to every script", "мария7", "мария7"},
		{"a capital sigma ends as sigma", "ΣΑΣ", "σασ"},
		{"right to left", "שלום", "שלום"},
		{"Japanese is written in three scripts", "山田たろう", "山田たろう"},
		{"half width kana", "ｶﾀｶﾅ", "カタカナ"},
	} {
		got, err := MapName(c.typed)
		if err != nil || got != c.want {
			t.Errorf("%s: MapName(%q) = %q, %v; want %q", c.why, c.typed, got, err, c.want)
		}
	}
}

func TestANameThatCannotBeUsedIsRefusedWithAReason(t *testing.T) {
	for _, c := range []struct{ why, typed, reason string }{
		{"nothing", "", "empty"},
		{"spaces only", " \t ", "empty"},
		{"65 characters", strings.Repeat("a", 65), "65 characters"},
		{"very long", strings.Repeat("a", 5000), "too long"},
		{"colon", "ada:x", "colon"},
		{"wide colon", "ada：x", "colon"},
		{"mail address", "ada@example.org", "mail address"},
		{"wide at", "ada＠example", "mail address"},
		{"space inside", "ada lovelace", "cannot have"},
		{"line break inside", "ada\nx", "invisible character U+000A"},
		{"null", "ada\x00", "invisible"},
		{"right-to-left override", "ada\u202ex", "invisible character U+202E"},
		{"left-to-right mark", "ada\u200e", "invisible"},
		{"zero width joiner", "ක්\u200dෂ", "invisible"},
		{"byte order mark", "\ufeffada", "invisible"},
		{"not UTF-8", "ada\xff", "not valid text"},
		{"emoji", "ada😀", "cannot have"},
		{"two scripts besides Latin", "мαрия", "mixes scripts"},
		{"right to left with Latin breaks the bidi rule", "שaלום", "cannot have"},
	} {
		got, err := MapName(c.typed)
		if err == nil || !strings.Contains(err.Error(), c.reason) || got != "" {
			t.Errorf("%s: MapName(%q) = %q, %v; want a reason with %q", c.why, c.typed, got, err, c.reason)
		}
	}
}

func TestNamesAreMappedByManyAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if got, err := MapName("МАРИЯ"); got != "мария" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzAMappedNameMapsToItself(f *testing.F) {
	for _, s := range []string{"ada", "İstanbul", "ﾊﾞ", "ΣΑΣ", "e\u0301\u0327", "K", "ß", "·", "l·l", "٣", "山田たろう", "a\u0345", "Ω", " a "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		mapped, err := MapName(typed)
		if err != nil {
			if mapped != "" {
				t.Fatalf("%q: both %q and %v", typed, mapped, err)
			}
			return
		}
		if n := utf8.RuneCountInString(mapped); n < 1 || n > MaxName || strings.ContainsAny(mapped, ":@ ") {
			t.Fatalf("%q maps to %q", typed, mapped)
		}
		again, err := MapName(mapped)
		if err != nil || again != mapped {
			t.Fatalf("%q maps to %q, which maps to %q, %v", typed, mapped, again, err)
		}
	})
}
