package factor

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"sallyport/core/change"
)

// noon is the fixed clock: five seconds into its step.
var noon = time.Date(2026, 11, 23, 14, 32, 5, 0, time.UTC)

// ada's app, the one it replaced a week ago, and another that works beside it.
var (
	present = Secret{Key: []byte("the present app's key")}
	former  = Secret{Key: []byte("the former app's key.")}
	second  = Secret{Key: []byte("the second app's key.")}
	at      = present.Step(noon)
	apps    = Apps{App: "Sallyport", Name: "ada"}
)

// bound is a row of a secret; spent is the step it was last used for.
func bound(id string, s Secret, spent int64) Factor {
	return Factor{ID: id, Person: "ada", Kind: App, Data: s.Encode(), Step: spent, Misses: 7, Version: 3}
}

func ended(id string, s Secret, ago time.Duration) Factor {
	f := bound(id, s, 0)
	f.EndedAt, f.EndedWhy = noon.Add(-ago), EndedByReplace
	return f
}

// rows are what ada has: the former app is remembered for its codes alone.
func rows(spent int64) []Factor {
	return []Factor{ended("former", former, 7*24*time.Hour), bound("present", present, spent)}
}

const (
	saysWrong   = "That code is not correct. Enter the code showing now for {app-name} (ada)."
	saysUsed    = "That code has been used already. Wait for the next one, then enter it."
	saysChanged = "That code has just changed. Enter the code showing now."
	saysOlder   = "That code is from an older {app-name} entry. Use the newest one and delete the old one."
	saysText    = "That is a text message code. Enter it on the text message page."
	saysClock   = "Turn on automatic date and time on the phone, then enter the next code."
)

func missed(ids ...string) (set change.Set) {
	for _, id := range ids {
		set.Add(Missed{ID: id})
	}
	return set
}

// The order of checks that the pages promise, with their words.
func TestACodeIsJudgedInOrder(t *testing.T) {
	for _, row := range []struct {
		about   string
		rows    []Factor
		entered string
		text    string // the text message code that is alive
		says    string // "" when it is right
		reason  string
		free    bool
		effects change.Set
	}{
		{about: "of now", rows: rows(0), entered: present.Code(at), effects: change.Set{StepSpent{ID: "present", Step: at, At: noon}}},
		{about: "the one before", rows: rows(0), entered: present.Code(at - 1), effects: change.Set{StepSpent{ID: "present", Step: at - 1, At: noon}}},
		{about: "the one after", rows: rows(0), entered: present.Code(at + 1), effects: change.Set{StepSpent{ID: "present", Step: at + 1, At: noon}}},
		{about: "newer than the last one", rows: rows(at - 1), entered: present.Code(at), effects: change.Set{StepSpent{ID: "present", Step: at, At: noon}}},
		{about: "right, though a text message says the same", rows: rows(0), entered: present.Code(at), text: present.Code(at),
			effects: change.Set{StepSpent{ID: "present", Step: at, At: noon}}},

		{about: "of the text message", rows: rows(0), entered: "314159", text: "314159", says: saysText, reason: "text message code", free: true},
		{about: "of the text message, and used", rows: rows(at), entered: present.Code(at), text: present.Code(at), says: saysText, reason: "text message code", free: true},
		{about: "of the text message, and of a slow clock", rows: rows(0), entered: present.Code(at - 8), text: present.Code(at - 8), says: saysText, reason: "text message code", free: true},

		{about: "twice", rows: rows(at), entered: present.Code(at), says: saysUsed, reason: "used already", effects: missed("present")},
		{about: "the one before, after the one of now", rows: rows(at), entered: present.Code(at - 1), says: saysUsed, reason: "used already", effects: missed("present")},
		{about: "used, though another text message code is alive", rows: rows(at), entered: present.Code(at), text: "314159", says: saysUsed, reason: "used already", effects: missed("present")},
		{about: "used, and of an older entry with the same key", rows: append(rows(at), ended("copy", present, time.Hour)), entered: present.Code(at), says: saysUsed, reason: "used already", effects: missed("present")},

		{about: "two steps ago", rows: rows(0), entered: present.Code(at - 2), says: saysChanged, reason: "just changed", effects: missed("present")},
		{about: "three steps ago", rows: rows(0), entered: present.Code(at - 3), says: saysChanged, reason: "just changed", effects: missed("present")},
		{about: "two steps ago, before the last one", rows: rows(at), entered: present.Code(at - 2), says: saysChanged, reason: "just changed", effects: missed("present")},

		{about: "four minutes ago", rows: rows(0), entered: present.Code(at - 8), says: "Your phone's clock is about 4 minutes slow. " + saysClock, reason: "clock 4 minutes slow", effects: missed("present")},
		{about: "four minutes ahead", rows: rows(0), entered: present.Code(at + 8), says: saysWrong, reason: "wrong", effects: missed("present")},
		{about: "of an older entry", rows: rows(0), entered: former.Code(at + 1), says: saysOlder, reason: "older entry", effects: missed("present")},
		{about: "of an older entry, but not now", rows: rows(0), entered: former.Code(at + 2), says: saysWrong, reason: "wrong", effects: missed("present")},
		{about: "of an entry that is forgotten", rows: []Factor{ended("former", former, 91*24*time.Hour), bound("present", present, 0)}, entered: former.Code(at), says: saysWrong, reason: "wrong", effects: missed("present")},
		{about: "of the entry before the last", rows: append(rows(0), ended("newer", second, time.Hour)), entered: former.Code(at), says: saysWrong, reason: "wrong", effects: missed("present")},
		{about: "of nothing", rows: rows(0), entered: "000000", says: saysWrong, reason: "wrong", effects: missed("present")},
		{about: "of nothing, against both apps", rows: append(rows(0), bound("second", second, 0)), entered: "000000", says: saysWrong, reason: "wrong", effects: missed("present", "second")},
		{about: "of the second app", rows: append(rows(0), bound("second", second, 0)), entered: second.Code(at), effects: change.Set{StepSpent{ID: "second", Step: at, At: noon}}},
		{about: "of the second app, used there", rows: append(rows(0), bound("second", second, at)), entered: second.Code(at), says: saysUsed, reason: "used already", effects: missed("present", "second")},
		{about: "with no app at all", rows: []Factor{ended("former", former, 91*24*time.Hour)}, entered: former.Code(at), says: saysWrong, reason: "wrong"},
		{about: "with an app that a hundred misses ended", rows: []Factor{func() Factor { f := bound("present", present, 0); f.Misses = MissesMax; return f }()}, entered: present.Code(at), says: saysWrong, reason: "wrong"},

		{about: "empty", rows: rows(0), entered: " ", says: "Enter the 6-digit code from your app", reason: "unreadable", free: true},
		{about: "too short", rows: rows(0), entered: "1234", says: "The code has 6 digits. You entered 4.", reason: "unreadable", free: true},
		{about: "letters", rows: rows(0), entered: "12345x", says: "The code is 6 digits, with no letters.", reason: "unreadable", free: true},
		{about: "like a recovery code", rows: rows(0), entered: "8kzt-4q2m-7xpd-93hb", says: "That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’.", reason: "unreadable", free: true},
		{about: "like a recovery code of digits alone", rows: rows(0), entered: "1234-5678-9012-3456", says: "That looks like a recovery code. Choose ‘I cannot use my app’, then ‘Recovery code’.", reason: "unreadable", free: true},
		{about: "sixteen letters that no recovery code has", rows: rows(0), entered: "uuuu-uuuu-uuuu-uuuu", says: "The code is 6 digits, with no letters.", reason: "unreadable", free: true},
	} {
		v := apps.Verify(row.rows, Try{Entered: row.entered, Now: noon, Text: row.text})
		says := ""
		if v.Fault != nil {
			says = v.Fault.Error()
		}
		if says != row.says || v.Right != (row.says == "") || v.Reason != row.reason || v.Free != row.free {
			t.Errorf("%s: right %v, %q (%s), free %v", row.about, v.Right, says, v.Reason, v.Free)
		}
		if v.Fault != nil && v.Fault.Field != "code" {
			t.Errorf("%s: the fault stands by field %q", row.about, v.Fault.Field)
		}
		if !reflect.DeepEqual(v.Effects, row.effects) {
			t.Errorf("%s: effects %#v, want %#v", row.about, v.Effects, row.effects)
		}
	}
}

// 6 before 7: a code that would be right for a slow clock and for an older entry
// too is told as that of the clock. The search needs some thousand keys.
func TestTheClockIsToldBeforeTheOlderEntry(t *testing.T) {
	slow := map[string]bool{}
	for o := int64(4); o <= 20; o++ {
		slow[present.Code(at-o)] = true
	}
	for i := 0; ; i++ {
		other := Secret{Key: append([]byte{byte(i), byte(i >> 8), byte(i >> 16)}, former.Key...)}
		if code := other.Code(at); slow[code] {
			v := apps.Verify([]Factor{ended("other", other, time.Hour), bound("present", present, 0)}, Try{Entered: code, Now: noon})
			if v.Offset >= 0 || !IsClock(v.Fault) {
				t.Errorf("%s: offset %d, %v", code, v.Offset, v.Fault)
			}
			return
		}
	}
}

func TestOnlyOneStepEitherSidePasses(t *testing.T) {
	for _, offset := range []int64{-1684, -120, -60, -20, -8, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 20, 60, 120, 1684} {
		// At both ends of a step, and in it.
		for _, within := range []time.Duration{-5 * time.Second, 0, 24*time.Second + 999*time.Millisecond} {
			v := apps.Verify(rows(0), Try{Entered: present.Code(at + offset), Now: noon.Add(within)})
			if v.Right != (offset >= -1 && offset <= 1) {
				t.Errorf("offset %d, %v into the step: %v", offset, within, v.Right)
			}
			if v.Right && v.Offset != offset {
				t.Errorf("offset %d is reported as %d", offset, v.Offset)
			}
		}
	}
}

// Whatever comes before, a step that was accepted is never accepted again, nor
// any before it.
func TestAStepIsAcceptedOnce(t *testing.T) {
	for spent := at - 3; spent <= at+1; spent++ {
		for step := at - 1; step <= at+1; step++ {
			v := apps.Verify(rows(spent), Try{Entered: present.Code(step), Now: noon})
			if v.Right != (step > spent) {
				t.Errorf("after step %d, step %d: %v", spent-at, step-at, v.Right)
			}
		}
	}
}

// ahead enters a code of a phone whose clock is fast.
func ahead(factors []Factor, now time.Time, steps int64, last string) Verdict {
	return apps.Verify(factors, Try{Entered: present.Code(present.Step(now) + steps), Now: now, Last: last})
}

func saved(v Verdict) (f Factor, ok bool) {
	for _, e := range v.Effects {
		if d, is := e.(DataSaved); is {
			return d.Factor, true
		}
	}
	return f, false
}

func TestACodeOfTheFutureIsNotToldOnTheFirst(t *testing.T) {
	for _, offset := range []int64{2, 3, 4, 8, 20, 120, 1684} {
		v := ahead(rows(0), noon, offset, "")
		if v.Fault.Error() != saysWrong || v.Offset != 0 || v.Hint == "" || v.Free || v.Right {
			t.Errorf("offset %d: %q, offset %d, hint %q", offset, v.Fault, v.Offset, v.Hint)
		}
		if _, is := saved(v); is {
			t.Errorf("offset %d is written to the factor", offset)
		}
	}
}

func TestASecondCodeOfTheFutureTellsOfTheClock(t *testing.T) {
	first := ahead(rows(0), noon, 8, "")
	for _, row := range []struct {
		about string
		later time.Duration
		ahead int64
		told  bool
	}{
		{"the next one", 30 * time.Second, 8, true},
		{"one step off", 30 * time.Second, 9, true},
		{"one step off the other way", 60 * time.Second, 7, true},
		{"twelve minutes later", 12 * time.Minute, 8, true},
		{"two steps off", 30 * time.Second, 10, false},
		{"two steps off the other way", 90 * time.Second, 6, false},
		{"the same code again", 30 * time.Second, 7, false},
		{"the same code at once", 0, 8, false},
	} {
		v := ahead(rows(0), noon.Add(row.later), row.ahead, first.Hint)
		if told := IsClock(v.Fault); told != row.told || told != (v.Offset == row.ahead) || !told && v.Fault.Error() != saysWrong {
			t.Errorf("%s: %q, offset %d", row.about, v.Fault, v.Offset)
		}
		if row.told && row.ahead == 8 && v.Fault.Error() != "Your phone's clock is about 4 minutes fast. "+saysClock {
			t.Errorf("%s: %q", row.about, v.Fault)
		}
		if _, is := saved(v); is != row.told {
			t.Errorf("%s: written to the factor: %v", row.about, is)
		}
	}
}

func TestATypoInBetweenDoesNotHideTheClock(t *testing.T) {
	first := ahead(rows(0), noon, 8, "")
	typo := apps.Verify(rows(0), Try{Entered: "000000", Now: noon, Last: first.Hint})
	third := ahead(rows(0), noon.Add(time.Minute), 8, typo.Hint)
	if !IsClock(third.Fault) {
		t.Errorf("%q, then %q", typo.Fault, third.Fault)
	}
}

func TestAnotherAttemptOrAppTellsNothing(t *testing.T) {
	first := ahead(rows(0), noon, 8, "")
	if v := ahead(rows(0), noon.Add(time.Minute), 8, ""); IsClock(v.Fault) {
		t.Errorf("another attempt: %q", v.Fault)
	}
	both := append(rows(0), bound("second", second, 0))
	v := apps.Verify(both, Try{Entered: second.Code(at + 9), Now: noon, Last: first.Hint})
	if IsClock(v.Fault) {
		t.Errorf("another app: %q", v.Fault)
	}
	for _, hint := range []string{"8/123456", "present/8/x/123456", "present/8", "///", "present/x/1/123456"} {
		if v := ahead(rows(0), noon, 8, hint); IsClock(v.Fault) {
			t.Errorf("after %q: %q", hint, v.Fault)
		}
	}
}

// What was told would hand a guesser two codes: both are refused when their time
// comes, with the words of a used one, and the miss is kept.
func TestTheStepsThatWereToldAreRefusedWhenTheyCome(t *testing.T) {
	later := noon.Add(3 * time.Minute) // six steps: the first code's time is still to come
	told := ahead(rows(0), later, 8, ahead(rows(0), noon, 8, "").Hint)
	kept, ok := saved(told)
	if !ok {
		t.Fatalf("not told: %q", told.Fault)
	}
	secret, err := DecodeSecret(kept.Data)
	if want := []int64{at + 8, at + 14}; err != nil || !slices.Equal(secret.Refused, want) {
		t.Errorf("refused %v, want %v (%v)", secret.Refused, want, err)
	}
	if kept.Misses != 8 || kept.Version != 3 || kept.Step != 0 || !bytes.Equal(secret.Key, present.Key) {
		t.Errorf("the row is written as %+v", kept)
	}
	after := []Factor{kept}
	for step := at + 5; step <= at+18; step++ {
		come := time.Unix(step*30+1, 0)
		v := apps.Verify(after, Try{Entered: present.Code(step), Now: come})
		refused := step == at+8 || step == at+14
		if v.Right == refused || refused && v.Fault.Error() != saysUsed {
			t.Errorf("step %d: right %v, %v", step-at, v.Right, v.Fault)
		}
	}
	if v := apps.Verify(after, Try{Entered: present.Code(at + 8), Now: time.Unix((at+9)*30, 0)}); v.Right {
		t.Error("a refused step passes as the one before")
	}
}

func TestRefusedStepsAreForgottenWhenTheirTimeHasPassed(t *testing.T) {
	old := present
	old.Refused = []int64{at - 100, at - 2, at - 1, at + 3}
	factors := []Factor{bound("present", old, 0)}
	kept, ok := saved(ahead(factors, noon.Add(30*time.Second), 8, ahead(factors, noon, 8, "").Hint))
	if !ok {
		t.Fatal("not told")
	}
	secret, _ := DecodeSecret(kept.Data)
	if want := []int64{at + 3, at + 8, at + 9}; !slices.Equal(secret.Refused, want) {
		t.Errorf("refused %v, want %v", secret.Refused, want)
	}
}

func TestAThirdCodeOfTheFutureIsToldToo(t *testing.T) {
	hint := ahead(rows(0), noon, 8, "").Hint
	for i := range 3 {
		v := ahead(rows(0), noon.Add(time.Duration(i+1)*30*time.Second), 8, hint)
		if hint = v.Hint; !IsClock(v.Fault) {
			t.Errorf("code %d: %q", i+2, v.Fault)
		}
	}
}

func TestAppsHaveNoChallenge(t *testing.T) {
	for _, v := range []Verifier{Apps{}, Codes{}} {
		if asked, err := v.Challenge(nil, noon); asked != nil || err != nil {
			t.Errorf("%T asks %q, %v", v, asked, err)
		}
	}
}

func TestOnlyAnAppIsAFactorThatWorks(t *testing.T) {
	burnt := bound("burnt", present, 0)
	burnt.Misses = MissesMax
	codes := Factor{ID: "codes", Kind: Recovery}
	for _, row := range []struct {
		about string
		rows  []Factor
		want  bool
	}{
		{"none", nil, false}, {"recovery codes alone", []Factor{codes}, false}, {"ended", []Factor{ended("x", present, 0)}, false},
		{"a hundred misses", []Factor{burnt}, false}, {"one of many", []Factor{codes, burnt, bound("y", second, 0)}, true},
	} {
		if Working(row.rows) != row.want {
			t.Errorf("%s: %v", row.about, !row.want)
		}
	}
	if f := bound("z", present, 0); f.Works() {
		f.Misses = MissesMax - 1
		if !f.Works() {
			t.Error("ends at 99")
		}
	}
}
