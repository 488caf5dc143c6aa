package factor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/core/change"
	"sallyport/core/fault"
)

// quick stands in for the slow hash.
func quick(code string, salt []byte) []byte {
	sum := sha256.Sum256(append([]byte(code+"/"), salt...))
	return sum[:]
}

func day(at time.Time) string { return at.Format("2 January 2006") }

var shownCode = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$`)

func TestASetIsTenDifferentCodesOfEightyBits(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		codes := NewCodes()
		if len(codes) != 10 {
			t.Fatalf("%d codes", len(codes))
		}
		for _, code := range codes {
			if !shownCode.MatchString(code) || seen[code] {
				t.Fatalf("%q, seen before: %v", code, seen[code])
			}
			seen[code] = true
		}
	}
	if len(alphabet) != 32 || strings.ContainsAny(alphabet, "ILOU") { // 16 letters of 5 bits
		t.Errorf("the alphabet is %q", alphabet)
	}
}

// Every letter is as likely as any other at every place: of 32,000 letters a
// place, a thousand each, within six times the spread of an even draw.
func TestTheLettersAreSpreadEvenly(t *testing.T) {
	var count [16][256]int
	for range 32000 {
		for place, letter := range []byte(RandomCode(16)) {
			count[place][letter]++
		}
	}
	for place := range count {
		for _, letter := range []byte(alphabet) {
			if n := count[place][letter]; n < 1000-190 || n > 1000+190 {
				t.Errorf("%c stands at place %d in %d of 32,000", letter, place, n)
			}
		}
	}
}

func TestCodesAreShownInGroups(t *testing.T) {
	for code, want := range map[string]string{"8KZT4Q2M7XPD93HB": "8KZT-4Q2M-7XPD-93HB", "7MRK2P9D": "7MRK-2P9D", "ABCDE": "ABCD-E", "": ""} {
		if got := Grouped(code); got != want {
			t.Errorf("%q: %q", code, got)
		}
	}
}

// kept is a set whose second code is used, made after another set.
func kept(t *testing.T) (row Factor, now, before []string) {
	t.Helper()
	before, now = NewCodes(), NewCodes()
	old := NewSet(before, nil, nil, noon.AddDate(0, 0, -30), quick)
	set := NewSet(now, nil, &old, noon.AddDate(0, 0, -1), quick)
	set.Used[1] = true
	return Factor{ID: "codes", Person: "ada", Kind: Recovery, Data: set.Encode(), Misses: 4, Version: 9}, now, before
}

func TestARecoveryCodeIsJudgedWithOneHash(t *testing.T) {
	row, now, before := kept(t)
	plain := strings.ReplaceAll(now[0], "-", "")
	for _, judged := range []struct {
		about, entered, says string
		hashes               int
		free                 bool
		effects              change.Set
	}{
		{about: "right", entered: now[0], hashes: 1},
		{about: "right, in small letters without dashes", entered: strings.ToLower(plain), hashes: 1},
		{about: "right, the last one", entered: now[9], hashes: 1},
		{about: "used", entered: now[1], says: "You have used that recovery code already. Try the next one on your list.", hashes: 1},
		{about: "of the set before", entered: before[3], says: "That code is from an older list. Use the list you saved on 22 November 2026.", hashes: 1},
		{about: "of nobody", entered: "0000-0000-0000-0000", says: "That recovery code is not correct. Check it, or try another one.", hashes: 1, effects: change.Set{Missed{ID: "codes"}}},
		{about: "empty", entered: " - ", says: "Enter a recovery code", free: true},
		{about: "an app code", entered: "123 456", says: "That looks like an app code. A recovery code has 16 letters and numbers.", free: true},
		{about: "too short", entered: "8KZT-4Q2M", says: "A recovery code has 16 letters and numbers. You entered 8.", free: true},
		{about: "too long", entered: plain + "7", says: "A recovery code has 16 letters and numbers. You entered 17.", free: true},
		{about: "counted in letters, not bytes", entered: "ééé", says: "A recovery code has 16 letters and numbers. You entered 3.", free: true},
		{about: "with a letter that no code has", entered: "U" + plain[1:], says: "That recovery code is not correct. Check it, or try another one."},
	} {
		hashes := 0
		c := Codes{Date: day, Hash: func(code string, salt []byte) ([]byte, error) { hashes++; return quick(code, salt), nil }}
		v := c.Verify([]Factor{row}, Try{Entered: judged.entered, Now: noon})
		says := ""
		if v.Fault != nil {
			if says = v.Fault.Error(); v.Fault.Field != "recovery" {
				t.Errorf("%s: stands by field %q", judged.about, v.Fault.Field)
			}
		}
		if says != judged.says || v.Right != (judged.says == "") || v.Free != judged.free || hashes != judged.hashes {
			t.Errorf("%s: right %v, %q, free %v, %d hashes", judged.about, v.Right, says, v.Free, hashes)
		}
		if !v.Right && !reflect.DeepEqual(v.Effects, judged.effects) {
			t.Errorf("%s: effects %#v", judged.about, v.Effects)
		}
	}
}

func TestARightCodeIsMarkedOnTheConditionOfItsVersion(t *testing.T) {
	row, codes, _ := kept(t)
	c := Codes{Date: day, Hash: func(code string, salt []byte) ([]byte, error) { return quick(code, salt), nil }}
	v := c.Verify([]Factor{row}, Try{Entered: codes[4], Now: noon})
	if !v.Right || len(v.Effects) != 1 || v.Factor != "codes" {
		t.Fatalf("%+v", v)
	}
	saved := v.Effects[0].(DataSaved).Factor
	set, err := DecodeCodes(saved.Data)
	if err != nil || set.Left() != 8 || !set.Used[4] || !set.Used[1] || saved.Version != row.Version || saved.Misses != 0 || !saved.UsedAt.Equal(noon) {
		t.Errorf("%+v, %+v, %v", saved, set, err)
	}
	if v = c.Verify([]Factor{saved}, Try{Entered: codes[4], Now: noon}); v.Right || v.Fault.Word != "recovery-code.used" {
		t.Errorf("the second time: %+v", v)
	}
}

func TestAHashThatDoesNotComeUsesNothingUp(t *testing.T) {
	row, codes, _ := kept(t)
	for _, bad := range []error{fault.New(fault.Busy, "busy"), fmt.Errorf("wait for a place to hash: %w", context.Canceled), errors.New("no")} {
		c := Codes{Date: day, Hash: func(string, []byte) ([]byte, error) { return nil, bad }}
		v := c.Verify([]Factor{row}, Try{Entered: codes[0], Now: noon})
		if v.Right || !v.Free || len(v.Effects) != 0 || v.Fault == nil || v.Fault.Kind != fault.Busy {
			t.Errorf("%v: %+v", bad, v)
		}
	}
}

func TestWithoutASetEveryCodeIsWrong(t *testing.T) {
	row, codes, _ := kept(t)
	gone, broken, burnt := row, row, row
	gone.EndedAt, broken.Data, burnt.Misses = noon, []byte("?"), MissesMax
	for about, rows := range map[string][]Factor{"none": nil, "ended": {gone}, "unreadable": {broken}, "a hundred misses": {burnt}, "an app": {bound("app", present, 0)}} {
		hash := func(string, []byte) ([]byte, error) { t.Errorf("%s: hashed", about); return nil, nil }
		v := Codes{Hash: hash, Date: day}.Verify(rows, Try{Entered: codes[0], Now: noon})
		if v.Right || v.Free || v.Fault.Word != "recovery-code.wrong" {
			t.Errorf("%s: %+v", about, v)
		}
	}
}

func TestASetKeepsThePersonsSaltAndTheSetBefore(t *testing.T) {
	codes := NewCodes()
	first := NewSet(codes, nil, nil, noon, quick)
	if len(first.Salt) != 32 || len(first.Hashes) != 10 || first.Before != nil || first.Left() != 10 {
		t.Errorf("%+v", first)
	}
	second := NewSet(NewCodes(), nil, &first, noon, quick)
	third := NewSet(NewCodes(), nil, &second, noon, quick)
	if !bytes.Equal(third.Salt, first.Salt) || !reflect.DeepEqual(third.Before, second.Hashes) {
		t.Error("the salt or the set before is lost")
	}
	if other := NewSet(codes, nil, nil, noon, quick); bytes.Equal(other.Salt, first.Salt) {
		t.Error("two people have one salt")
	}
	if given := NewSet(codes, []byte("salt"), nil, noon, quick); string(given.Salt) != "salt" {
		t.Errorf("the salt is %q", given.Salt)
	}
	if !bytes.Equal(first.Hashes[0], quick(Letters(codes[0]), first.Salt)) {
		t.Error("a code is hashed in another form than it is read")
	}
	if strings.Contains(string(first.Encode()), codes[0]) || strings.Contains(string(first.Encode()), Letters(codes[0])) {
		t.Error("a code is kept in clear")
	}
}

func TestWhatIsNoSetIsRefused(t *testing.T) {
	for _, data := range []string{"", "[]", `{"Hashes":["AA=="]}`, `{"Used":[true]}`, `{"Hashes":["AA=="],"Used":[true,false]}`} {
		if set, err := DecodeCodes([]byte(data)); err == nil {
			t.Errorf("%s was read as %+v", data, set)
		}
	}
}
