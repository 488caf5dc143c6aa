package server_test

import (
	"slices"
	"testing"
	"time"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/manage"
	"sallyport/core/person"
)

// worst does an operation once for each call to the store, with something that
// happens before that call, and looks at what came of it.
func worst(h *house, begin func(h *house) operation, happen func(o operation), look func(o operation, r flow.Result, err error, late bool)) {
	for at := 1; ; at++ {
		o := begin(h)
		h.machine.Wait()
		h.store.set(at, func() { happen(o) })
		r, err := o.do()
		if !h.store.over() {
			if err != nil {
				h.Errorf("undisturbed: %v", err)
			}
			if at < 4 {
				h.Errorf("it asks the store %d times: this test is blind", at-1)
			}
			return
		}
		if err != nil && fault.Of(err) == nil {
			h.Errorf("before call %d: %v", at, err)
		}
		look(o, r, err, h.store.late)
		if h.Failed() {
			h.Fatalf("what happened, happened before call %d", at)
		}
	}
}

// closed looks that nobody is in, and nothing leads in.
func (o operation) closed(r flow.Result, err error, late bool, steps ...flow.Step) {
	o.Helper()
	if sessions, err := o.core.Store.SessionsOf(o.Context(), o.ID); err != nil || len(sessions) > 0 {
		o.Errorf("%d sessions go on, %v", len(sessions), err)
	}
	if !late && err == nil && r.Session != "" {
		o.Error("a session was given")
	}
	for _, token := range []string{o.attempt, r.Attempt} {
		u, err := o.machine.Look(o.Context(), token, o.client)
		if err != nil {
			o.Error(err)
		}
		if u != nil && u.Over == "" && !slices.Contains(steps, u.Step) {
			o.Errorf("an attempt goes on at step %d", u.Step)
		}
	}
}

func (o operation) stored() *person.Person {
	o.Helper()
	p, err := o.core.Store.Person(o.Context(), o.ID)
	if err != nil || p == nil {
		o.Fatalf("the person: %v", err)
	}
	return p
}

// each runs a test of its own for every operation.
func each(t *testing.T, test func(h *house, i int)) {
	t.Parallel()
	h := open(t)
	for i, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			h.T = t
			test(h, i)
		})
	}
}

func TestAHoldIsNeverOvertaken(t *testing.T) {
	each(t, func(h *house, i int) {
		worst(h, operations[i].begin, func(o operation) {
			token := person.NewToken()
			o.apply(person.LinkMade{Link: person.Link{ID: o.machine.LinkID(token), Kind: person.Dispute, Person: o.ID, MadeAt: o.time,
				EndsAt: o.time.Add(time.Hour), Data: person.Disputed{Event: "password-changed", At: o.time, Password: true}.Encode()}})
			if _, err := o.core.Manage.Press(o.Context(), manage.Objection{Token: token}, o.client); err != nil {
				o.Errorf("the dispute: %v", err)
			}
		}, func(o operation, r flow.Result, err error, late bool) {
			if p := o.stored(); !p.Held() || p.HeldWhy == "" || p.Password != "" {
				o.Errorf("held %v, because of %q, with the disputed password %v", p.Held(), p.HeldWhy, p.Password != "")
			}
			o.closed(r, err, late)
		})
	})
}

func TestATurnedOffAccountIsNeverOvertaken(t *testing.T) {
	each(t, func(h *house, i int) {
		worst(h, operations[i].begin, func(o operation) {
			if err := o.core.Manage.Disable(o.Context(), "test", o.ID); err != nil {
				o.Error(err)
			}
		}, func(o operation, r flow.Result, err error, late bool) {
			if !o.stored().Disabled() {
				o.Error("the account is on")
			}
			o.closed(r, err, late)
		})
	})
}

func TestAPasswordThatMustChangeIsNeverOvertaken(t *testing.T) {
	each(t, func(h *house, i int) {
		if operations[i].password {
			return // it is what was asked for
		}
		must := true
		worst(h, operations[i].begin, func(o operation) {
			if err := o.core.Manage.Set(o.Context(), "test", o.ID, manage.Setting{MustChange: &must}); err != nil {
				o.Error(err)
			}
		}, func(o operation, r flow.Result, err error, late bool) {
			if !o.stored().MustChange {
				o.Error("the password need not change")
			}
			o.closed(r, err, late, flow.AskNewPassword, flow.AskFactor)
		})
	})
}

// A right answer that waited its turn while wrong ones used the budget up is
// answered as one more wrong one.
func TestARightAnswerPastTheLimitIsNotTold(t *testing.T) {
	each(t, func(h *house, i int) {
		for n := range operations[i].begin(h).budgets {
			worst(h, operations[i].begin, func(o operation) {
				for range o.budgets[n].Budget.Max {
					o.apply(o.budgets[n])
				}
			}, func(o operation, _ flow.Result, err error, late bool) {
				if !late && !fault.Is(err, fault.TooMany) {
					o.Errorf("with %s used up the answer is %v", o.budgets[n].Budget.Name, err)
				}
			})
		}
	})
}

// The same form, posted at once, gets one answer, whichever is quicker.
func TestTheSameFormIsNeverOvertakenByItself(t *testing.T) {
	each(t, func(h *house, i int) {
		if !operations[i].twice {
			return
		}
		var quick flow.Result
		worst(h, operations[i].begin, func(o operation) {
			var err error
			if quick, err = o.do(); err != nil {
				o.Errorf("the quicker one: %v", err)
			}
		}, func(o operation, r flow.Result, err error, _ bool) {
			if err != nil || r.Session != quick.Session || r.Attempt != quick.Attempt || r.Known != quick.Known {
				o.Errorf("the slower one gets %+v, %v\nthe quicker one got %+v", r, err, quick)
			}
			if sessions, err := o.core.Store.SessionsOf(o.Context(), o.ID); err != nil || len(sessions) > 1 {
				o.Errorf("%d sessions, %v", len(sessions), err)
			}
		})
	})
}
