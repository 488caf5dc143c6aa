package limit

import (
	"testing"
	"time"
)

func TestHowLongASpendingWouldBeRefused(t *testing.T) {
	money := Budget{Name: "money", Max: 1000, Window: 2 * day}
	spent := func(n int) State { return State{Used: n, Since: noon.Add(-hour)} }
	for _, row := range []struct {
		about  string
		budget Budget
		amount int64
		state  State
		wait   time.Duration
	}{
		{"an amount of nothing is one", window, 0, spent(2), 0},
		{"one too many", window, 0, State{Used: 3, Since: noon.Add(-20 * minute)}, 40 * minute},
		{"all of it at once", money, 1000, State{}, 0},
		{"more than there ever is", money, 1001, State{}, 2 * day},
		{"the very rest", money, 400, spent(600), 0},
		{"more than the rest", money, 401, spent(600), 47 * hour},
		{"one when all is spent", money, 1, spent(1000), 47 * hour},
	} {
		s := Spent{Budget: row.budget, Amount: row.amount, Now: noon}
		if got := s.Wait(row.state); got != row.wait {
			t.Errorf("%s: %v, want %v", row.about, got, row.wait)
		}
	}
}

func TestALaneIsThatOfOneBrowserOrOfAllOthers(t *testing.T) {
	for _, row := range []struct {
		lane  Lane
		known bool
		id    string
	}{
		{Known("b"), true, "b"},
		{Others, false, ""},
		{"", false, ""}, // nobody looked yet: it is no browser's
	} {
		id, known := row.lane.Browser()
		if row.lane.Known() != row.known || known != row.known || known && id != row.id {
			t.Errorf("%q: known %v, browser %q %v", row.lane, row.lane.Known(), id, known)
		}
	}
}

// The key of a day's money names the day: a row that ended with it would give the
// money of a late hour back at midnight of another zone.
func TestTheMoneyOfADayOutlastsIt(t *testing.T) {
	money := Money(5_000_000)
	if money.Max != 5_000_000 || money.Window < 2*day || money.Window > 3*day {
		t.Errorf("%+v", money)
	}
	if Prefix("a") == Prefix("b") || Prefix("a") == TextProbe.Key("a") {
		t.Error("two prefixes share a row")
	}
}
