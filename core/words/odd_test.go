package words

import "testing"

func TestANameWithoutAValueFillsNothing(t *testing.T) {
	for _, args := range [][]any{nil, {"n"}, {"x", 1, "n"}} {
		if got := Text("code.length", args...); got != "The code has 6 digits. You entered {n}." {
			t.Errorf("%v: %q", args, got)
		}
	}
}
