package server_test

import (
	"testing"

	"sallyport/core/audit"
	"sallyport/core/flow"
	"sallyport/core/message"
)

// A finger that slips sends one form twice: the slower one is led on to the code
// that the quicker one sent, whichever call of its own it was at.
func TestANumberTypedTwiceIsLedOn(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(m *member){
		"the first number of a change": func(*member) {},
		"a second one": func(m *member) {
			m.people++
			m.must(m.machine.ChangeNumber(m.Context(), m.session, m.number(), "US", m.client))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			worst(h, func(h *house) operation {
				m := h.holder().signedIn()
				before(m)
				h.people++
				typed := m.number()
				return operation{m, func() (flow.Result, error) {
					return m.machine.ChangeNumber(h.Context(), m.session, typed, "US", m.client)
				}, nil}
			}, func(o operation) {
				if _, err := o.do(); err != nil {
					o.Errorf("the quicker one: %v", err)
				}
			}, func(o operation, _ flow.Result, err error, _ bool) {
				if err != nil {
					o.Errorf("the slower one: %v", err)
				}
				kept, err := o.core.Store.Kept(o.Context(), o.ID)
				codes := map[string]int{}
				for _, m := range kept.Messages {
					if m.Kind == message.CodeKind {
						codes[m.To]++
					}
				}
				for to, n := range codes {
					if n > 1 {
						o.Errorf("%d texts to %s", n, to)
					}
				}
				if err != nil || len(codes) == 0 {
					o.Errorf("texts %v, %v", codes, err)
				}
			})
		})
	}
}

func TestAPasswordPostedTwiceIsChangedOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	worst(h, func(h *house) operation {
		m := h.holder().signedIn()
		in := flow.NewPassword{Form: "form", Password: "teapot meadow signal ant", Others: true}
		return operation{m, func() (flow.Result, error) { return m.machine.ChangePassword(h.Context(), m.session, in, m.client) }, nil}
	}, func(o operation) {
		if _, err := o.do(); err != nil {
			o.Errorf("the quicker one: %v", err)
		}
	}, func(o operation, _ flow.Result, err error, _ bool) {
		entries, readErr := o.core.Store.EventsOf(o.Context(), o.ID, []audit.Event{audit.PasswordChanged}, 10)
		if err != nil || readErr != nil || len(entries) != 1 {
			o.Errorf("it was changed %d times, %v, %v", len(entries), err, readErr)
		}
	})
}
