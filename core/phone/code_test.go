package phone

import (
	"slices"
	"testing"
	"time"
)

var sentAt = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

// drawn is a code with known digits.
func drawn(change func(c *TextCode)) TextCode {
	c := NewTextCode(ForRecovery, "+447911123456", "attempt", sentAt, TextCode{})
	c.Digits, c.Old = "012345", []string{"111111", "222222"}
	if change != nil {
		change(&c)
	}
	return c
}

func TestAGuessIsJudgedInOrder(t *testing.T) {
	taken := func(c *TextCode) { c.TakenAt = sentAt.Add(time.Minute) }
	guessed := func(n int) func(c *TextCode) { return func(c *TextCode) { c.Guesses = n } }
	for _, row := range []struct {
		about   string
		change  func(c *TextCode)
		entered string
		after   time.Duration
		want    Answer
	}{
		{"right", nil, "012345", time.Minute, Right},
		{"right, at 9:59.999", nil, "012345", CodeLife - time.Millisecond, Right},
		{"too late, at 10:00", nil, "012345", CodeLife, Expired},
		{"too late, still recognised", nil, "012345", CodeLife + ExpiredFor - time.Millisecond, Expired},
		{"so late that it is nothing", nil, "012345", CodeLife + ExpiredFor, Wrong},
		{"sent again: it lives no longer", func(c *TextCode) { c.SentAt, c.Sends = sentAt.Add(9*time.Minute), 3 }, "012345", CodeLife, Expired},
		{"without its zero", nil, "12345", time.Minute, Wrong},
		{"wrong", nil, "543210", time.Minute, Wrong},
		{"nothing", nil, "", time.Minute, Wrong},
		{"one that it replaced", nil, "111111", time.Minute, Older},
		{"the one before that", nil, "222222", time.Minute, Older},
		{"right before, in the same attempt", taken, "012345", 2 * time.Minute, Again},
		{"right before, and another now", taken, "543210", 2 * time.Minute, Wrong},
		{"right at the fifth guess", guessed(4), "012345", time.Minute, Right},
		{"right at the sixth guess", guessed(5), "012345", time.Minute, GuessedOut},
		{"wrong at the sixth guess", guessed(5), "543210", time.Minute, GuessedOut},
		{"the zero code", func(c *TextCode) { *c = TextCode{} }, "", time.Minute, Wrong},
	} {
		c := drawn(row.change)
		if got := c.Judge(row.entered, sentAt.Add(row.after)); got != row.want {
			t.Errorf("%s: %d, want %d", row.about, got, row.want)
		}
		if alive := c.Alive(sentAt.Add(row.after)); row.want == Right && !alive || alive && (row.want == Expired || row.want == GuessedOut || row.want == Again) {
			t.Errorf("%s: alive %v", row.about, alive)
		}
	}
}

// PH-06: a code for one browser, purpose or number is nothing for another.
func TestACodeBelongsToItsPurposeNumberAndOwner(t *testing.T) {
	c := drawn(nil)
	for _, row := range []struct {
		about         string
		purpose       Purpose
		number, owner string
		want          bool
	}{
		{"its own", ForRecovery, "+447911123456", "attempt", true},
		{"a set-up", ForSetup, "+447911123456", "attempt", false},
		{"a change", ForChange, "+447911123456", "attempt", false},
		{"another number", ForRecovery, "+447911123457", "attempt", false},
		{"another attempt", ForRecovery, "+447911123456", "another", false},
	} {
		if c.For(row.purpose, row.number, row.owner) != row.want {
			t.Errorf("%s: %v", row.about, !row.want)
		}
	}
	if (TextCode{}).For("", "", "") {
		t.Error("no code at all belongs to nobody")
	}
}

// A new code voids the one before; whose it was, it is remembered only there.
func TestANewCodeTakesThePlaceOfTheOneBefore(t *testing.T) {
	before := drawn(nil)
	next := NewTextCode(ForRecovery, before.Number, before.Owner, sentAt, before)
	if !slices.Equal(next.Old, []string{"111111", "222222", "012345"}) || next.Guesses != 0 || next.ID == before.ID {
		t.Errorf("%+v", next)
	}
	if other := NewTextCode(ForRecovery, before.Number, "another", sentAt, before); len(other.Old) > 0 {
		t.Errorf("another attempt knows %v", other.Old)
	}
	for range 10 {
		next = NewTextCode(ForRecovery, before.Number, before.Owner, sentAt, next)
	}
	if len(next.Old) != 5 {
		t.Errorf("%d are remembered", len(next.Old))
	}
}

// PH-05: over 10,000 codes every digit is as likely as any other at every place,
// within six times the spread of an even draw, and zeros in front are kept.
func TestCodesAreDrawnEvenly(t *testing.T) {
	const codes = 10_000
	var count [6][10]int
	seen := map[string]bool{}
	for range codes {
		c := NewTextCode(ForSetup, "+447911123456", "attempt", sentAt, TextCode{})
		if len(c.Digits) != 6 {
			t.Fatalf("%q", c.Digits)
		}
		seen[c.Digits] = true
		for place, digit := range []byte(c.Digits) {
			count[place][digit-'0']++
		}
	}
	for place, digits := range count {
		for digit, n := range digits {
			if n < 1000-180 || n > 1000+180 {
				t.Errorf("%d stands at place %d in %d of %d", digit, place, n, codes)
			}
		}
	}
	if len(seen) < codes-150 { // about 50 are drawn twice
		t.Errorf("%d different codes", len(seen))
	}
}
