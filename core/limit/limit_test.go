package limit

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// window is a budget without waits, waiting one with them, gaps one that keeps
// its spendings apart.
var (
	window  = Budget{Name: "window", Max: 3, Window: hour}
	waiting = Budget{Name: "waiting", Max: 3, Window: hour, Waits: [3]time.Duration{15 * minute, 30 * minute, hour}}
	gaps    = Budget{Name: "gaps", Max: 3, Window: 10 * minute, Gaps: [2]time.Duration{30 * time.Second, 2 * minute}}
)

func TestWaitAndLeftByTheirTable(t *testing.T) {
	for _, row := range []struct {
		about  string
		budget Budget
		state  State
		wait   time.Duration
		left   int
	}{
		{"nobody spent", window, State{}, 0, 3},
		{"one of three", window, State{Used: 1, Since: noon.Add(-minute)}, 0, 2},
		{"the last one allowed", window, State{Used: 2, Since: noon.Add(-minute)}, 0, 1},
		{"used up: until the window of the first has passed", window, State{Used: 3, Since: noon.Add(-20 * minute)}, 40 * minute, 0},
		{"counted past its end", window, State{Used: 9, Since: noon.Add(-59 * minute)}, minute, 0},
		{"a moment before the window's end", window, State{Used: 3, Since: noon.Add(-hour + time.Millisecond)}, time.Millisecond, 0},
		{"at the window's end", window, State{Used: 3, Since: noon.Add(-hour)}, 0, 3},
		{"long after", window, State{Used: 3, Since: noon.Add(-100 * day)}, 0, 3},
		{"a wait in an old row counts for nothing when it is over", window, State{Used: 1, Since: noon.Add(-minute), Until: noon}, 0, 2},

		{"with waits: nobody spent", waiting, State{}, 0, 3},
		{"with waits: two of three", waiting, State{Used: 2, Since: noon.Add(-minute)}, 0, 1},
		{"with waits: a wait goes on", waiting, State{Since: noon.Add(-minute), Until: noon.Add(14 * minute), Level: 1}, 14 * minute, 0},
		{"with waits: a wait outlives the window", waiting, State{Since: noon.Add(-2 * hour), Until: noon.Add(minute), Level: 3}, minute, 0},
		{"with waits: it has just ended", waiting, State{Since: noon.Add(-15 * minute), Until: noon, Level: 1}, 0, 3},
		{"with waits: it has a moment to go", waiting, State{Until: noon.Add(1), Level: 1}, 1, 0},
		{"with waits: the number alone does not refuse, the wait does", waiting, State{Used: 2, Since: noon, Level: 2}, 0, 1},

		{"with gaps: nobody spent", gaps, State{}, 0, 3},
		{"with gaps: too early", gaps, State{Used: 1, Since: noon.Add(-10 * time.Second), Next: noon.Add(20 * time.Second)}, 20 * time.Second, 0},
		{"with gaps: at the end of the gap", gaps, State{Used: 1, Since: noon.Add(-30 * time.Second), Next: noon}, 0, 2},
		{"with gaps: used up, whatever the gap says", gaps, State{Used: 3, Since: noon.Add(-4 * minute), Next: noon.Add(-minute)}, 6 * minute, 0},
		{"with gaps: a gap ends with its window", gaps, State{Used: 1, Since: noon.Add(-10 * minute), Next: noon.Add(minute)}, 0, 3},
	} {
		if got := row.budget.Wait(row.state, noon); got != row.wait {
			t.Errorf("%s: wait %v, want %v", row.about, got, row.wait)
		}
		if got := row.budget.Left(row.state, noon); got != row.left {
			t.Errorf("%s: %d left, want %d", row.about, got, row.left)
		}
	}
}

func TestAClockThatWentBackNeverOpensABudget(t *testing.T) {
	used := State{Used: 3, Since: noon.Add(hour)} // written by a node whose clock is ahead
	if got := window.Wait(used, noon); got != 2*hour {
		t.Errorf("wait %v", got)
	}
	if got := window.Left(used, noon); got != 0 {
		t.Errorf("%d left", got)
	}
}

func TestTheYearIsThirteenMonthsAcrossItsEnds(t *testing.T) {
	for _, row := range []struct {
		now         time.Time
		first, last string
	}{
		{noon, "year/ada/202611", "year/ada/202511"},
		{time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), "year/ada/202612", "year/ada/202512"},
		{time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "year/ada/202701", "year/ada/202601"},
		{time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC), "year/ada/202603", "year/ada/202503"}, // no 31st in February
		{time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC), "year/ada/202802", "year/ada/202702"},
		// Nodes in different zones count in the same month.
		{time.Date(2027, 1, 1, 5, 0, 0, 0, time.FixedZone("", 6*3600)), "year/ada/202612", "year/ada/202512"},
	} {
		keys := YearKeys("ada", row.now)
		if len(keys) != 13 || keys[0] != row.first || keys[12] != row.last {
			t.Errorf("%v: %v", row.now, keys)
		}
		if once := slices.Compact(slices.Sorted(slices.Values(keys))); len(once) != 13 {
			t.Errorf("%v: a month stands twice: %v", row.now, keys)
		}
	}
}

// A miss stays among the keys for at least 365 days and for at most 13 months.
func TestAMissCountsForAtLeastAYear(t *testing.T) {
	for start := range 400 {
		at := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, start)
		key := YearKeys("ada", at)[0]
		if !slices.Contains(YearKeys("ada", at.Add(365*day)), key) {
			t.Errorf("a miss of %v is forgotten within 365 days", at)
		}
		if slices.Contains(YearKeys("ada", at.AddDate(0, 13, 1)), key) {
			t.Errorf("a miss of %v still counts after 13 months", at)
		}
	}
	if Year.Window < 365*day+31*day {
		t.Errorf("the row of a month ends after %v, before its last day is a year old", Year.Window)
	}
}

// The chance to guess an app code with a stolen password: each of the misses of
// a year tries one of a million codes, of which three steps are right.
func TestTheOddsOfGuessingInAYearAreUnderOneInAThousand(t *testing.T) {
	const steps, codes = 3, 1_000_000
	odds := float64(YearMax) * steps / codes
	if odds >= 1e-3 || odds < 8.9e-4 || odds > 9.1e-4 {
		t.Errorf("%d × %d / %d = %v", YearMax, steps, codes, odds)
	}
}

// A thief who paces the guesses of one lane gets this far in a day; the year's
// count stops them within it, the 100 misses of one authenticator earlier.
func TestTheWaitsLeaveTenHonestTriesAndFewGuesses(t *testing.T) {
	if Codes.Max < 10 || guessesADay() != 260 {
		t.Errorf("%d tries, %d guesses in a day", Codes.Max, guessesADay())
	}
	for i, want := range []time.Duration{15 * minute, 30 * minute, hour} {
		if Codes.Waits[i] != want {
			t.Errorf("wait %d is %v, want %v", i+1, Codes.Waits[i], want)
		}
	}
}

// guessesADay counts what somebody who waits no longer than they must gets: Max,
// then a wait, and so on.
func guessesADay() (n int) {
	for spent, level := time.Duration(0), 0; spent < day; level++ {
		n += Codes.Max
		spent += Codes.Waits[min(level, 2)]
	}
	return n
}

// The figures of the one table of numbers, and of the document that explains them.
func TestTheFiguresAreThoseOfTheTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/security/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{} // a budget's figures as the document writes them
	for _, cells := range documented.FindAllStringSubmatch(string(text), -1) {
		written[cells[1]] = cells[2] + " in " + cells[3]
	}
	said := map[time.Duration]string{10 * minute: "10 minutes", 15 * minute: "15 minutes", hour: "1 hour", day: "24 hours", 60 * day: "60 days", 365 * day: "365 days"}
	if written["year"] != fmt.Sprintf("%d in 365 days", YearMax) {
		t.Errorf("the document says %q of the year", written["year"])
	}
	for _, row := range []struct {
		budget Budget
		max    int
		window time.Duration
	}{
		{PasswordPair, 10, 15 * minute}, {PasswordAddress, 100, 15 * minute}, {PasswordKnown, 10, 15 * minute},
		{PasswordName, 100, hour}, {Codes, 10, 15 * minute},
		{TextNumber, 3, 10 * minute}, {TextNumberDay, 10, day}, {TextPersonHour, 5, hour}, {TextPersonDay, 10, day},
		{TextOthersDay, 5, day}, {TextOthersProof, 2, hour}, {TextKnownDay, 3, day}, {TextAddress, 20, hour},
		{LinkHour, 3, hour}, {LinkDay, 10, day}, {LinkAddress, 20, hour}, {MailConfirm, 3, 10 * minute}, {MailAddress, 10, day}, {Told, 1, 60 * day},
		{TextProbe, 1, 10 * minute}, {TextAlert, 1, day}, {NoticeKind, 1, 10 * minute}, {NoticeDay, 1, day}, {Disputes, 3, day}, {KnownYear, 100, 365 * day},
	} {
		if row.budget.Max != row.max || row.budget.Window != row.window {
			t.Errorf("%s: %d in %v, want %d in %v", row.budget.Name, row.budget.Max, row.budget.Window, row.max, row.window)
		}
		if want := fmt.Sprintf("%d in %s", row.max, said[row.window]); written[row.budget.Name] != want {
			t.Errorf("%s: the document says %q, want %q", row.budget.Name, written[row.budget.Name], want)
		}
		delete(written, row.budget.Name)
	}
	if delete(written, "year"); len(written) != 0 {
		t.Errorf("the document knows budgets that are not there: %v", written)
	}
	if TextNumber.Gaps != [2]time.Duration{30 * time.Second, 2 * minute} || MailConfirm.Gaps != TextNumber.Gaps {
		t.Errorf("gaps %v, %v", TextNumber.Gaps, MailConfirm.Gaps)
	}
	for _, b := range []Budget{PasswordPair, PasswordAddress, PasswordKnown} {
		if b.Waits != [3]time.Duration{15 * minute, 15 * minute, 15 * minute} {
			t.Errorf("%s waits %v", b.Name, b.Waits)
		}
	}
}

// documented is a row of the document's table of budgets.
var documented = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [^|]+ \\| ([0-9]+) \\| ([^|]+) \\|")

func TestNamesOfBudgetsKeepTheirRowsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range []Budget{PasswordPair, PasswordAddress, PasswordKnown, PasswordName, Codes, TextNumber, TextNumberDay,
		TextPersonHour, TextPersonDay, TextOthersDay, TextOthersProof, TextKnownDay, TextAddress, LinkHour, LinkDay, LinkAddress, MailConfirm, MailAddress, Told, TextProbe, TextAlert, Money(1), NoticeKind, NoticeDay, Disputes, Year, KnownYear} {
		key := b.Key("x")
		if seen[key] || key != b.Name+"/x" {
			t.Errorf("%q stands twice", key)
		}
		seen[key] = true
	}
	if a, b := Codes.Key("ada", string(Others)), Codes.Key("ada", string(Known("1"))); a == b {
		t.Errorf("both lanes are %q", a)
	}
}

func TestOnlyALaneWithABrowserIsKnown(t *testing.T) {
	for lane, want := range map[Lane]bool{"": false, Others: false, Known("ada"): true} {
		if lane.Known() != want {
			t.Errorf("%q: %v", lane, !want)
		}
	}
}
