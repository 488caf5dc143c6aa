package manage

import (
	"errors"
	"testing"

	"sallyport/core/change"
	"sallyport/core/limit"
)

// A question for a link is counted in its address first, looked at in the
// background, and what goes wrong is heard of once.
func TestAQuestionForALinkAfterTheAnswer(t *testing.T) {
	for _, row := range []struct {
		name   string
		breaks int
		refuse []change.Effect
		sets   int
		failed bool
	}{
		{"it is counted, and the link is sent", 0, nil, 2, false},
		{"it cannot be counted", 1, nil, 0, true},
		{"the address has asked too often", 0, []change.Effect{limit.Spent{}}, 0, false},
		{"the person cannot be read", 2, nil, 1, true},
	} {
		h := atHome()
		h.breaks, h.refuse = row.breaks, row.refuse
		m := h.manager()
		var heard []error
		from := client
		from.Address = "198.51.100.7"
		m.ForgotLater(ctx, "ada", from, func(err error) { heard = append(heard, err) })
		m.Wait()
		if len(h.applied) != row.sets || (len(heard) > 0) != row.failed || row.failed && !errors.Is(heard[0], errDown) {
			t.Errorf("%s: %d changes, and %v", row.name, len(h.applied), heard)
		}
	}
	h := atHome()
	m := h.manager()
	m.asking.Store(askingMost)
	var heard error
	m.ForgotLater(ctx, "ada", client, func(err error) { heard = err })
	if heard != errAsking || m.asking.Load() != askingMost {
		t.Errorf("one question too many: %v, %d are asked", heard, m.asking.Load())
	}
	m.asking.Store(askingMost - 1)
	heard = nil
	m.ForgotLater(ctx, "ada", client, func(err error) { heard = err })
	m.Wait()
	if heard != nil || len(h.applied) != 1 || m.asking.Load() != askingMost-1 {
		t.Errorf("the last place: %v, %d changes, %d are asked", heard, len(h.applied), m.asking.Load())
	}
}
