package factor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/core/fault"
)

func TestAnImportedSecretHasItsBounds(t *testing.T) {
	for _, row := range []struct {
		digits, period int
		fine           bool
	}{
		{6, 30, true}, {8, 30, true}, {5, 30, false}, {9, 30, false},
		{6, 1, true}, {6, 300, true}, {6, 301, false}, {6, -1, false},
	} {
		_, err := DecodeSecret([]byte(fmt.Sprintf(`{"Key":"AAAA","Digits":%d,"Period":%d}`, row.digits, row.period)))
		if (err == nil) != row.fine {
			t.Errorf("%d digits every %d seconds: %v", row.digits, row.period, err)
		}
	}
}

func TestAFieldIsReadUpToItsBound(t *testing.T) {
	const code = "123456"
	if got, bad := Digits(code+strings.Repeat(" ", EntryMax-len(code)), "code", "empty"); got != code {
		t.Errorf("at the bound: %q, %v", got, bad)
	}
	if got, bad := Digits(code+strings.Repeat(" ", EntryMax-len(code)+1), "code", "empty"); bad == nil || bad.Word != "code.length" {
		t.Errorf("past it: %q, %v", got, bad)
	}
	if got := Letters(strings.Repeat(" ", EntryMax-1) + "AB"); got != "A" {
		t.Errorf("letters: %q", got)
	}
}

func TestAnEntryThatEndedIsRememberedNinetyDays(t *testing.T) {
	for ago, want := range map[time.Duration]bool{0: true, 90 * 24 * time.Hour: true, 90*24*time.Hour + 1: false} {
		if got := (Apps{}).fromOld([]Factor{ended("former", former, ago)}, former.Code(at), noon); got != want {
			t.Errorf("after %v: %v", ago, got)
		}
	}
}

func TestTheNewestAppThatEndedIsTheLast(t *testing.T) {
	newer, older := ended("newer", second, time.Hour), ended("older", former, 2*time.Hour)
	codes := Factor{ID: "codes", Kind: Recovery, EndedAt: noon}
	for _, rows := range [][]Factor{{newer, older}, {older, newer}, {older, newer, bound("present", present, 0), codes}} {
		if last := LastEnded(rows); last == nil || last.ID != "newer" {
			t.Errorf("%v", last)
		}
	}
	if last := LastEnded([]Factor{bound("present", present, 0), codes}); last != nil {
		t.Errorf("nothing ended: %v", last)
	}
}

func TestOurClockIsJudgedByTheLastFifty(t *testing.T) {
	saw := func(runs ...[2]int64) *Skew { // offset, times
		var s Skew
		for _, run := range runs {
			for range run[1] {
				s.Saw(run[0])
			}
		}
		return &s
	}
	for _, row := range []struct {
		about string
		s     *Skew
		want  bool
	}{
		{"nineteen are too few", saw([2]int64{1, 19}), false},
		{"twenty are enough", saw([2]int64{1, 20}), true},
		{"a fast past is forgotten", saw([2]int64{1, 50}, [2]int64{0, 30}), false},
		{"but not at once", saw([2]int64{1, 50}, [2]int64{0, 29}), true},
		{"the newest count, not the first", saw([2]int64{0, 50}, [2]int64{-1, 21}), true},
	} {
		if got := row.s.Ours(); got != row.want {
			t.Errorf("%s: %v", row.about, got)
		}
	}
}

func TestOnlyWhatAClockExplainsIsSoftened(t *testing.T) {
	var wrong, right Skew
	for range 50 {
		wrong.Saw(1)
		right.Saw(0)
	}
	for word, soft := range map[string]bool{"app-code.wrong": true, "app-code.wrong-setup": true, "app-code.changed": true,
		"app-code.clock": true, "app-code.clock-zone": true, "app-code.used": false, "app-code.older": false} {
		f := fault.New(fault.Invalid, word)
		if got := wrong.Soften(f); (got.Word == "app-code.our-clock") != soft || got.Kind != fault.Invalid {
			t.Errorf("%s: %+v", word, got)
		}
		if got := right.Soften(f); got != f {
			t.Errorf("%s while our clock is right: %+v", word, got)
		}
	}
	if wrong.Soften(nil) != nil || IsClock(nil) {
		t.Error("no fault became one")
	}
}

// A refused step still passes as the one before: until that is over it is kept.
func TestARefusedStepIsKeptWhileItCouldPass(t *testing.T) {
	old := present
	old.Refused = []int64{at - 1, at, at + 1}
	kept, ok := saved(ahead([]Factor{bound("present", old, 0)}, noon.Add(30*time.Second), 8, ahead([]Factor{bound("present", old, 0)}, noon, 8, "").Hint))
	if !ok {
		t.Fatal("not told")
	}
	secret, err := DecodeSecret(kept.Data)
	if want := []int64{at, at + 1, at + 8, at + 9}; err != nil || !slices.Equal(secret.Refused, want) {
		t.Errorf("refused %v, want %v (%v)", secret.Refused, want, err)
	}
	if v := apps.Verify([]Factor{kept}, Try{Entered: present.Code(at), Now: noon.Add(30 * time.Second)}); v.Right {
		t.Error("a refused step passes as the one before")
	}
}

func TestARightCandidateTellsOfItsClock(t *testing.T) {
	for offset := int64(-1); offset <= 1; offset++ {
		if step, v := (Candidate{Secret: fresh}).Verify(fresh.Code(at+offset), noon); !v.Right || step != at+offset || v.Offset != offset {
			t.Errorf("offset %d: step %d, offset %d", offset, step-at, v.Offset)
		}
	}
}

func TestEveryDigitIsReadInAPastedMessage(t *testing.T) {
	for digit := range 10 {
		code := strings.Repeat(fmt.Sprint(digit), 6)
		if got, bad := Digits("Code: "+code+". Do not share it.", "code", "empty"); got != code {
			t.Errorf("%q, %v", got, bad)
		}
	}
}
