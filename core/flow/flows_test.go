package flow_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "accept what the flows do as it is")

// row is something that people do in a house.
type row struct {
	name string
	does func(h *house)
}

var rows = [][]row{signInRows, admitRows, reviveRows, codeRows, setUpRows, numberRows, recoverRows, sessionRows, changeRows, passwordRows}

// What comes of every step of every flow, and what it changes, stands in a golden
// file, in words; each limit at its edge and one beyond it. A rule that changes shows
// there.
func TestWhatEveryFlowIsMadeOf(t *testing.T) {
	const file = "testdata/flows.txt"
	raw, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want, wrote := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n\n"), []string(nil)
	wrong := 0
	for _, row := range slices.Concat(rows...) {
		h := atHome(t)
		row.does(h)
		h.close()
		got := strings.TrimSpace(fmt.Sprintf("== %s\n%s", row.name, h.wrote.String()))
		wrote = append(wrote, got)
		if n := len(wrote); !*update && (n > len(want) || got != want[n-1]) {
			t.Errorf("it is now\n%s\n\nand was\n%s", got, strings.Join(want[min(n-1, len(want)):min(n, len(want))], ""))
			wrong++
		}
		if wrong == 3 {
			t.Fatal("and so on")
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(wrote, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if len(wrote) != len(want) {
		t.Errorf("%d flows, and %d in %s", len(wrote), len(want), file)
	}
}
