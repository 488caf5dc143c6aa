package stories_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// An address belongs to one app, also where several claim it at the same instant: who
// comes second hears so, and nothing of theirs is kept.
func TestOfCommandsThatClaimOneAddressOneIsHeeded(t *testing.T) {
	t.Parallel()
	p := open(t)
	for round := range 4 {
		address := fmt.Sprintf("https://desk%d.example.org", round)
		said := make([]answer, 6)
		var wg sync.WaitGroup
		for i := range said {
			wg.Go(func() {
				said[i] = p.run(p.dir, nil, "", "app", "add", fmt.Sprintf("desk%d-%d", round, i), "--address", address, "--group", "staff")
			})
		}
		wg.Wait()
		won := 0
		for _, a := range said {
			switch {
			case a.code == 0:
				won++
			case !strings.Contains(a.err, address+" is the address of app desk"), !strings.Contains(a.err, "hint: "):
				t.Errorf("one that came second is told %q", a.err)
			}
		}
		if won != 1 {
			t.Errorf("of %d that claim %s %d were added", len(said), address, won)
		}
	}
	var listed []string
	for line := range strings.Lines(p.cli("app", "list", "--json")) {
		var row struct {
			ID      string
			LeftOut []string `json:"left_out"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || len(row.LeftOut) > 0 {
			t.Errorf("%s: %v", line, err)
		}
		listed = append(listed, row.ID)
	}
	if len(listed) != 4 {
		t.Errorf("listed are %v", listed)
	}
}
