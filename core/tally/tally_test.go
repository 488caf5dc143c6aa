package tally

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sallyport/core/fault"
)

func TestOutcomesByTheirTable(t *testing.T) {
	seen := []Outcome{Stopped} // which the flow alone knows
	for _, row := range []struct {
		about string
		err   error
		want  Outcome
	}{
		{"right", nil, Right},
		{"a wrong code", fault.New(fault.Invalid, "code.wrong").Miss(), Wrong},
		{"a wrong code within other words", fmt.Errorf("try: %w", fault.New(fault.Invalid, "code.wrong").Miss()), Wrong},
		{"the wrong one that begins a wait", fault.New(fault.TooMany, "code.wait").Miss(), Wrong},
		{"nothing entered", fault.New(fault.Invalid, "code.empty"), Free},
		{"in a wait", fault.New(fault.TooMany, "code.wait"), Limited},
		{"no place to hash", fault.New(fault.Busy, "busy"), Busy},
		{"not due", fault.New(fault.Denied, "step.first"), Undue},
		{"the attempt is over", fault.New(fault.Gone, "attempt.idle"), Undue},
		{"the browser went away", fmt.Errorf("wait: %w", context.Canceled), Gone},
		{"it took too long", context.DeadlineExceeded, Failed},
		{"the database is down", fmt.Errorf("read: %w", fault.ErrDown), Failed},
		{"an outage in words", fault.New(fault.Outage, "sign-in.outage"), Failed},
		{"anything else", errors.New("a mistake"), Failed},
	} {
		if got := Of(row.err); got != row.want {
			t.Errorf("%s: %s, not %s", row.about, got, row.want)
		}
		seen = append(seen, row.want)
	}
	for _, outcome := range Outcomes {
		if !slices.Contains(seen, outcome) {
			t.Errorf("nothing comes to %s", outcome)
		}
	}
}
