package words

import "testing"

func TestFillReplacesOnlyKnownGaps(t *testing.T) {
	for _, row := range []struct{ pattern, want string }{
		{"plain", "plain"},
		{"{n} left", "3 left"},
		{"for {app} ({n})", "for {app} (3)"},
		{"open { brace", "open { brace"},
		{"{n}{n}", "33"},
	} {
		got := Fill(row.pattern, func(gap string) (string, bool) { return "3", gap == "n" })
		if got != row.want {
			t.Errorf("Fill(%q) = %q, want %q", row.pattern, got, row.want)
		}
	}
}

func TestTextShowsUnknownKeys(t *testing.T) {
	if got := Text("no-such-key"); got != "!no-such-key!" {
		t.Errorf("got %q", got)
	}
	if got := Text("code.length", "n", 5); got != "The code has 6 digits. You entered 5." {
		t.Errorf("got %q", got)
	}
}
