package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// asked are the rows that the standards have, by their prefix. The list stands here,
// because what it was taken from is no part of this repository.
var asked = []struct {
	prefix string
	rows   int
}{
	{"PW", 11}, {"RL", 8}, {"TOTP", 11}, {"PH", 13}, {"REC", 12}, {"BIND", 4}, {"SES", 12}, {"WEB", 11}, {"OP", 22},
	{"FA", 7}, {"WA", 7}, {"RAD", 5}, {"UX", 8}, {"CR", 5}, {"ADM", 5}, {"LOG", 4}, {"PRIV", 6}, {"C", 16},
}

var (
	row      = regexp.MustCompile(`(?m)^\| ([A-Z]+-\d\d) \| (.+?) \| (.+) \|$`)
	named    = regexp.MustCompile("`([a-z0-9/]+/)?((?:Test|Fuzz)[A-Za-z0-9_]+)(/[a-z-]+)?`")
	reason   = regexp.MustCompile(`(?i)\b(?:later: (?:oidc|passkeys|RADIUS|console)|come[s]? later: |not offered\b|in work: )`)
	decision = regexp.MustCompile(`\]\((\.\./decisions/[a-z0-9-]+\.md|[a-z-]+\.md|\.\./operate/[a-z]+\.md)\)`)
	tests    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
)

// there are the tests of the repository, as folder/Name; those of its root have no folder.
func there(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range tests.FindAllStringSubmatch(string(text), -1) {
			found[strings.TrimPrefix(filepath.ToSlash(folder)+"/"+m[1], "./")] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 400 {
		t.Fatalf("%d tests: the search is blind", len(found))
	}
	return found
}

// Every requirement has a test that is there, or says why not.
func TestEveryRequirementIsShownOrSaysWhyNot(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "security", "requirements.md"))
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, a := range asked {
		for n := 1; n <= a.rows; n++ {
			missing[a.prefix+"-"+string(rune('0'+n/10))+string(rune('0'+n%10))] = true
		}
	}
	have := there(t)
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		id, shown := m[1], m[3]
		if !missing[id] {
			t.Errorf("%s stands twice, or is asked by nobody", id)
		}
		delete(missing, id)
		list := named.FindAllStringSubmatch(shown, -1)
		for _, n := range list {
			test := n[1] + n[2]
			if !have[test] {
				t.Errorf("%s names %s, which is not there", id, test)
			}
			if n[3] != "" {
				if _, err := os.Stat(filepath.Join(root, n[1], "testdata", n[3][1:]+".txtar")); err != nil {
					t.Errorf("%s names the story %s of %s, which is not there", id, n[3][1:], test)
				}
			}
		}
		links := decision.FindAllStringSubmatch(shown, -1)
		for _, l := range links {
			if _, err := os.Stat(filepath.Join(root, "docs", "security", l[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", id, l[1])
			}
		}
		if len(list) == 0 && len(links) == 0 && !reason.MatchString(shown) {
			t.Errorf("%s has neither a test nor a reason: %s", id, shown)
		}
		for _, word := range regexp.MustCompile("`[^`]*Test[A-Z][^`]*`").FindAllString(shown, -1) {
			if !named.MatchString(word) {
				t.Errorf("%s names %s, which is no folder/TestName", id, word)
			}
		}
	}
	if left := keys(missing); len(left) > 0 {
		t.Errorf("rows are missing: %v", left)
	}
}

func keys(m map[string]bool) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
