package sallyport

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The lists that ./test makes a -run or a -skip of: a test that was renamed would
// silently run no more, or twice.
func TestTheListsOfTestsNameTestsThatExist(t *testing.T) {
	script, err := os.ReadFile("test")
	if err != nil {
		t.Fatal(err)
	}
	for list, least := range map[string]int{"stories/testdata/postgres.txt": 20, "back/store/testdata/alone.txt": 5} {
		if !strings.Contains(string(script), list) {
			t.Errorf("./test does not read %s", list)
		}
		there := testsOf(t, filepath.Dir(filepath.Dir(list)))
		var listed []string
		for line := range strings.Lines(content(t, list)) {
			name := strings.TrimSuffix(line, "\n")
			if name == "" || strings.HasPrefix(name, "#") {
				continue
			}
			if !slices.Contains(there, name) {
				t.Errorf("%s: there is no test %q", list, name)
			}
			if slices.Contains(listed, name) {
				t.Errorf("%s: %s stands there twice", list, name)
			}
			listed = append(listed, name)
		}
		if len(listed) < least {
			t.Errorf("%s has only %d tests", list, len(listed))
		}
	}
	if m := regexp.MustCompile(`(?m)^walk=(\w+)`).FindSubmatch(script); m == nil || !slices.Contains(testsOf(t, "server"), string(m[1])) {
		t.Errorf("./test walks the routes by %q, which is no test of ./server", m)
	}
}

var testMark = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testsOf are the tests of a folder.
func testsOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, m := range testMark.FindAllStringSubmatch(content(t, file), -1) {
			names = append(names, m[1])
		}
	}
	return names
}

func content(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
