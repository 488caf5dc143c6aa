package server

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// held is how many kB of the program itself are in memory.
func held(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	kb, err := strconv.Atoi(regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindStringSubmatch(string(raw))[1])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestWhatOnlyTheStartHasUsedIsGivenBack(t *testing.T) {
	words := wordsHeld()
	before := held(t)
	dropStart()
	if after := held(t); after > before*3/4 {
		t.Errorf("of %d kB it still holds %d", before, after)
	}
	if again := wordsHeld(); again != words {
		t.Errorf("the program has changed: %d is now %d", words, again)
	}
}

// wordsHeld reads words that stand in the file of the program.
func wordsHeld() (sum int) {
	for _, m := range Metrics() {
		sum += len(m.Name) + len(m.Help)
	}
	return sum
}
