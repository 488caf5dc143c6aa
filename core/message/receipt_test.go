package message

import (
	"testing"

	"sallyport/core/words"
)

func TestEveryStateHasWordsForOperators(t *testing.T) {
	seen := map[string]State{}
	for _, s := range States {
		text := words.Text("text-state." + string(s))
		if text == "" || seen[text] != "" {
			t.Errorf("%s and %s are both %q", s, seen[text], text)
		}
		seen[text] = s
	}
}

// A receipt moves a text forward or leaves it: from no end it leads to another.
func TestAnEndStaysAnEnd(t *testing.T) {
	ends := 0
	for _, from := range States {
		for _, to := range States {
			e, changes, early := Receipt{State: to, Ref: "r"}.Take(Message{ID: "m", State: from})
			switch {
			case from == Waiting || from == Calling:
				if !early || changes {
					t.Errorf("%s: %s is taken before the call has come back", from, to)
				}
			case from == Sent && (to == Delivered || to.Lost()), from == Unknown && (to == Sent || to == Delivered || to.Lost()):
				if !changes || e.From != from || e.State != to || e.ID != "m" {
					t.Errorf("%s does not become %s: %+v", from, to, e)
				}
			case changes || early:
				t.Errorf("%s becomes %s", from, to)
			default:
				ends++
			}
		}
	}
	if ends == 0 {
		t.Error("no end was seen")
	}
}

func TestOneThatArrivedSpeaksForAll(t *testing.T) {
	sends := []Message{{ID: "new", State: Sent}, {ID: "old", State: Delivered}}
	if got := Best(sends); got.ID != "old" {
		t.Errorf("%s speaks", got.ID)
	}
	sends[1].State = Gone
	if got := Best(sends); got.ID != "new" {
		t.Errorf("%s speaks", got.ID)
	}
	sends = []Message{{ID: "third", State: Failed, Hop: 2}, {ID: "second", State: Failed, Hop: 1}, {ID: "first", State: Unknown}}
	if got := Best(sends); got.ID != "first" {
		t.Errorf("%s speaks, and the text may arrive", got.ID)
	}
	sends[1].Hop = 0 // the unknown one is of an earlier send
	if got := Best(sends); got.ID != "third" {
		t.Errorf("%s speaks of another send", got.ID)
	}
	if got := Best(nil); got != nil {
		t.Errorf("nothing was sent, and %+v speaks", got)
	}
}
