package factor

import (
	"testing"

	"sallyport/core/fault"
)

func TestOurClockIsBlamedOnlyWhenManyPhonesAgree(t *testing.T) {
	for _, row := range []struct {
		name    string
		offsets map[int64]int
		want    bool
	}{
		{"nobody yet", nil, false},
		{"all in time", map[int64]int{0: 50}, false},
		{"too few to tell", map[int64]int{1: 10}, false},
		{"two fifths on one side are not more than two fifths", map[int64]int{1: 20, 0: 30}, false},
		{"more than two fifths on one side", map[int64]int{1: 21, 0: 29}, true},
		{"as many on both sides", map[int64]int{-1: 20, 1: 20, 0: 10}, false},
		{"all slow", map[int64]int{-1: 50}, true},
	} {
		var s Skew
		for offset, times := range row.offsets {
			for range times {
				s.Saw(offset)
			}
		}
		if got := s.Ours(); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
		soft := s.Soften(fault.New(fault.Invalid, "app-code.wrong").On("code"))
		if (soft.Word == "app-code.our-clock") != row.want || soft.Field != "code" {
			t.Errorf("%s: softened to %q", row.name, soft.Word)
		}
	}
}
