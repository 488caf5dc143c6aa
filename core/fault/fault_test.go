package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestOfWhichKindAnErrorIs(t *testing.T) {
	wrong := New(Invalid, "code.wrong")
	for _, row := range []struct {
		about    string
		err      error
		kind     Kind
		is, mine bool
	}{
		{"of that kind", wrong, Invalid, true, true},
		{"of another kind", wrong, Denied, false, true},
		{"within other words", fmt.Errorf("try: %w", wrong), Invalid, true, true},
		{"internal", errors.New("a mistake"), Invalid, false, false},
		{"internal, and no kind", errors.New("a mistake"), 0, false, false},
		{"the database is down", fmt.Errorf("read: %w", ErrDown), Outage, false, false},
		{"none", nil, Invalid, false, false},
	} {
		if got := Is(row.err, row.kind); got != row.is {
			t.Errorf("%s: %v", row.about, got)
		}
		if got := Of(row.err) != nil; got != row.mine {
			t.Errorf("%s: a person may read it: %v", row.about, got)
		}
	}
}
