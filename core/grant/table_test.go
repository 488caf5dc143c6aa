package grant

import (
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/app/cases"
	"sallyport/core/flow"
	"sallyport/core/person"
)

// Authorize decides as the gate does about the app as a whole.
func TestAuthorizeDecidesAsTheTableSays(t *testing.T) {
	table, err := cases.Read()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 2, 40, 0, 0, time.UTC)
	k := &Keeper{Flow: &flow.Machine{Now: func() time.Time { return now }}}
	steps := map[string]Step{"allow": Enter, "confirm": Confirm, "set-up": SetUp, "sign-in": SignIn, "forbid": Forbid, "refuse": Refuse}
	n := 0
	for _, c := range table.Cases {
		if c.Place != (app.Place{}) || c.App.Need.Factors == app.None {
			continue // a client of what is open to strangers cannot be saved
		}
		n++
		a := *c.App
		a.Client = &app.Client{NoConsent: true}
		var signed *flow.Signed
		if c.Level != 0 {
			signed = &flow.Signed{Session: c.Session(now), Person: person.Person{ID: c.Person, Groups: c.Groups}, Now: now}
		}
		asked, err := k.Look(t.Context(), Request{}, &a, signed)
		if err != nil {
			t.Fatal(err)
		}
		if step := Next(Request{}, asked); step != steps[c.Answer] {
			t.Errorf("%s: step %d; want %d for %s", c, step, steps[c.Answer], c.Answer)
		}
	}
	if n < 50 {
		t.Errorf("only %d cases", n)
	}
}
