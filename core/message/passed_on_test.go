package message

import (
	"slices"
	"testing"
	"time"

	"sallyport/core/change"
	"sallyport/core/limit"
)

func TestWhichTextsAGatewayMayHaveTaken(t *testing.T) {
	never := []State{Failed, Refused, Late}
	for _, s := range States {
		if Handed(s) == slices.Contains(never, s) {
			t.Errorf("%s: %v", s, Handed(s))
		}
	}
}

// All sends of one code are one chain, however often it is passed on; each send
// begins anew.
func TestATextThatIsPassedOnStaysInItsChain(t *testing.T) {
	for about, code := range map[string]string{"a code": "code", "a notice": ""} {
		first := New("ada", CodeKind, "+447911123456", "GB", "text", moment, time.Hour)
		first.Code, first.Gateway, first.Ref, first.State, first.CalledAt = code, "one", "r", Failed, moment
		second := first.Next(moment.Add(time.Second))
		third := second.Next(moment.Add(2 * time.Second))
		if second.Chain() != first.Chain() || third.Chain() != first.Chain() || code != "" && first.Chain() != code {
			t.Errorf("%s: chains %q, %q, %q", about, first.Chain(), second.Chain(), third.Chain())
		}
		if first.Hop != 0 || second.Hop != 1 || third.Hop != 2 || second.ID == first.ID || third.ID == second.ID {
			t.Errorf("%s: hops %d, %d, %d", about, first.Hop, second.Hop, third.Hop)
		}
		if second.State != Waiting || second.Gateway+second.Ref != "" || !second.CalledAt.IsZero() || second.ExpireAt != first.ExpireAt || second.Text != first.Text {
			t.Errorf("%s: %+v", about, second)
		}
	}
}

// What nobody reads is told even when a budget holds the text back; how much money
// is left is not, as nothing was spent.
func TestWhatIsSeenOfATextThatIsHeldBack(t *testing.T) {
	effect := change.Set{limit.Cleared{}}
	for why, want := range map[string]int{"text-prefix": 1, "text-country": 1, limit.Money(0).Name: 0, limit.TextProbe.Name: 0, "": 0} {
		if got := (Verdict{Why: why, Effect: effect}).Seen(); len(got) != want {
			t.Errorf("%q: %v", why, got)
		}
	}
}

func TestMoneyIsWrittenWithTwoPlaces(t *testing.T) {
	w := Writer{Prices: Prices{Currency: "EUR"}}
	for millionths, want := range map[int64]string{0: "0.00 EUR", 3_100_000: "3.10 EUR", 40_000: "0.04 EUR", 12_059_999: "12.05 EUR", 990_000: "0.99 EUR"} {
		if got := w.Amount(millionths); got != want {
			t.Errorf("%d: %q, want %q", millionths, got, want)
		}
	}
	if Ripe != 3*time.Minute {
		t.Errorf("a text counts after %v", Ripe)
	}
}
