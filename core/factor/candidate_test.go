package factor

import (
	"strings"
	"testing"
	"time"
)

// fresh is the app that is being set up.
var fresh = Secret{Key: []byte("the key on the screen")}

func TestACandidateIsJudgedInOrder(t *testing.T) {
	c := Candidate{Secret: fresh, Old: []Secret{second}, Rows: rows(0), Text: "314159"}
	const older = "That code is from an older {app-name} entry. In your app, use the newest one, or go back and scan again."
	for _, row := range []struct {
		about, entered, says, reason string
		free                         bool
		step                         int64
	}{
		{about: "of now", entered: fresh.Code(at), step: at},
		{about: "the one before", entered: fresh.Code(at - 1), step: at - 1},
		{about: "the one after", entered: fresh.Code(at + 1), step: at + 1},
		{about: "of the text message", entered: "314159", says: "That is the code from the text message. Enter the code that {app-name} shows in your app.", reason: "text message code", free: true},
		{about: "two steps ago", entered: fresh.Code(at - 2), says: saysChanged, reason: "just changed"},
		{about: "three steps ago", entered: fresh.Code(at - 3), says: saysChanged, reason: "just changed"},
		{about: "a slow clock", entered: fresh.Code(at - 8), says: "Your phone's clock is about 4 minutes slow. " + saysClock, reason: "clock 4 minutes slow"},
		{about: "a fast clock, told at once", entered: fresh.Code(at + 8), says: "Your phone's clock is about 4 minutes fast. " + saysClock, reason: "clock 4 minutes fast"},
		{about: "of the QR code before this one", entered: second.Code(at), says: older, reason: "older entry"},
		{about: "of the app that works", entered: present.Code(at), says: older, reason: "older entry"},
		{about: "of the app that was replaced", entered: former.Code(at), says: older, reason: "older entry"},
		{about: "of nothing", entered: "000000", says: "That code is not correct. Codes change every 30 seconds. Enter the one showing now.", reason: "wrong"},
		{about: "empty", entered: "", says: "Enter the 6-digit code from your app", reason: "unreadable", free: true},
		{about: "a recovery code", entered: "8KZT4Q2M7XPD93HB", says: "That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’.", reason: "unreadable", free: true},
	} {
		step, v := c.Verify(row.entered, noon)
		says := ""
		if v.Fault != nil {
			says = v.Fault.Error()
		}
		if step != row.step || says != row.says || v.Right != (row.says == "") || v.Reason != row.reason || v.Free != row.free {
			t.Errorf("%s: step %d, right %v, %q (%s), free %v", row.about, step, v.Right, says, v.Reason, v.Free)
		}
	}
}

func TestATextMessageCodeThatIsTheAppsIsTaken(t *testing.T) {
	if _, v := (Candidate{Secret: fresh, Text: fresh.Code(at)}).Verify(fresh.Code(at), noon); !v.Right {
		t.Errorf("%v", v.Fault)
	}
}

// The clock search of ux.md 10.2: every offset with its words. The page has just
// shown the secret, so each is told at once.
func TestTheClockSearchByItsTable(t *testing.T) {
	const zone = "The time zone may be wrong. "
	for _, row := range []struct {
		steps int64
		want  string // what follows "about", "" when it is not found
	}{
		{2, "a minute fast"},
		{3, "2 minutes fast"}, {4, "2 minutes fast"}, {5, "3 minutes fast"}, {8, "4 minutes fast"}, {19, "10 minutes fast"}, {20, "10 minutes fast"},
		{-4, "2 minutes slow"}, {-8, "4 minutes slow"}, {-17, "9 minutes slow"}, {-20, "10 minutes slow"},
		{21, ""}, {-21, ""}, {55, ""}, {-55, ""},
		{56, "30 minutes fast"}, {60, "30 minutes fast"}, {-64, "30 minutes slow"}, {65, ""},
		{115, ""}, {116, "1 hour fast"}, {-120, "1 hour slow"}, {124, "1 hour fast"}, {125, ""},
		{-180, "1½ hours slow"}, {240, "2 hours fast"}, {-660, "5½ hours slow"}, {-1440, "12 hours slow"}, {1440, "12 hours fast"},
		{1620, "13½ hours fast"}, {1676, "14 hours fast"}, {1684, "14 hours fast"}, {-1684, "14 hours slow"},
		{1685, ""}, {-1685, ""}, {1740, ""}, {2880, ""},
	} {
		_, v := Candidate{Secret: fresh}.Verify(fresh.Code(at+row.steps), noon)
		want := "That code is not correct. Codes change every 30 seconds. Enter the one showing now."
		if row.want != "" {
			want = "Your phone's clock is about " + row.want + ". "
			if abs(row.steps) > 20 {
				want += zone
			}
			want += saysClock
		}
		if got := v.Fault.Error(); got != want || row.want != "" && v.Offset != row.steps {
			t.Errorf("%d steps: %q, offset %d; want %q", row.steps, got, v.Offset, want)
		}
	}
}

func abs(n int64) int64 { return max(n, -n) }

// 545 steps are looked at in all, so that a random typo seldom matches: the three
// that are accepted, the two that have just changed, and those of the clock.
func TestTheClockSearchLooksAt545Steps(t *testing.T) {
	count := 0
	for offset := int64(-1750); offset <= 1750; offset++ {
		near, edge := abs(offset) <= 20, abs(offset) <= 30
		for half := int64(1); half <= 28; half++ {
			near = near || abs(abs(offset)-60*half) <= 4
			edge = edge || half%5 == 1 && abs(abs(offset)-60*half) <= 6 || abs(abs(abs(offset)-60*half)-4) <= 1
		}
		if near {
			count++
		}
		if !edge || abs(offset) <= 1 || offset == -2 || offset == -3 {
			continue // far from the edges, or decided before the search
		}
		code := fresh.Code(at + offset)
		o, ok := searchClock(fresh, code, at)
		if byChance := ok && o != offset && fresh.Code(at+o) == code; !byChance && (ok != near || ok && o != offset) {
			t.Errorf("offset %d: found %v at %d", offset, ok, o)
		}
	}
	if count != 545 {
		t.Errorf("%d steps are looked at", count)
	}
}

// An imported secret may have steps of a minute: the times are the same.
func TestTheClockSearchCountsTimeNotSteps(t *testing.T) {
	long := Secret{Key: fresh.Key, Period: 60}
	now := long.Step(noon)
	for _, row := range []struct {
		steps int64
		want  string
	}{{2, "2 minutes fast"}, {-4, "4 minutes slow"}, {10, "10 minutes fast"}, {11, ""}, {30, "30 minutes fast"}, {-60, "1 hour slow"}, {840, "14 hours fast"}} {
		_, v := Candidate{Secret: long}.Verify(long.Code(now+row.steps), noon)
		if got := v.Fault.Error(); strings.Contains(got, "clock") != (row.want != "") || !strings.Contains(got, row.want) {
			t.Errorf("%d minutes: %q, want %q", row.steps, got, row.want)
		}
	}
}

func TestATimeNearTheBeginningIsNoFault(t *testing.T) {
	for _, now := range []time.Time{time.Unix(0, 0), time.Unix(31, 0)} {
		if _, v := (Candidate{Secret: fresh}).Verify("000000", now); v.Right {
			t.Errorf("right at %v", now)
		}
	}
}
