// Package docstest compares pages that are made from the program with those that
// lie in docs/reference. It is for tests alone.
package docstest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated pages of docs/reference anew")

// Page fails when docs/reference/NAME is not the page, or writes it with -update.
// root is the way to the module's folder.
func Page(t *testing.T, root, name, page string) {
	t.Helper()
	path := filepath.Join(root, "docs", "reference", name)
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	is, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(is) != page {
		t.Errorf("docs/reference/%s is stale: %s\n(hint: go test %s -update)", name, difference(string(is), page), "./...")
	}
}

// difference is the first line that differs.
func difference(is, want string) string {
	a, b := strings.Split(is, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return "it says\n  " + x + "\nthe program says\n  " + y
		}
	}
	return "the end of the file"
}

// Cell is a text as it stands in a table.
func Cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
