package store_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"sallyport/back/store"
)

// promised is a row of the table of docs/operate/privacy.md.
var promised = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| (at once|\d+ (?:hours|days)) \|$`)

func TestWhatOperatorsAreToldIsWhatIsDropped(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range promised.FindAllStringSubmatch(string(text), -1) {
		told[m[1]+", since "+m[2]+": "+m[3]] = true
	}
	for _, k := range store.Retention {
		row := k.What + ", since " + k.Since + ": " + length(k.For)
		if !told[row] {
			t.Errorf("the page does not say %q", row)
		}
		delete(told, row)
	}
	for row := range told {
		t.Errorf("the page says %q, and nothing does it", row)
	}
}

func length(d time.Duration) string {
	switch {
	case d == 0:
		return "at once"
	case d%(24*time.Hour) == 0 && d > 24*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}
