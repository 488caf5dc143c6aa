package operate

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// The pages show the files in full. Who reads the page has read the file.
func TestEachFileStandsOnAPage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(source, "docs", "operate", "files", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no files", err)
	}
	var shown []string
	var text string
	for _, name := range []string{"install.md", "tls.md"} {
		text += page(t, name)
	}
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if m[1] != "sh" {
			shown = append(shown, m[2])
		}
	}
	for _, file := range files {
		is, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(shown, string(is)) {
			t.Errorf("%s is not shown as it is (hint: put it on its page)", filepath.Base(file))
		}
		if link := "](files/" + filepath.Base(file) + ")"; !strings.Contains(text, link) {
			t.Errorf("no page leads to %s", filepath.Base(file))
		}
	}
	if len(shown) != len(files) {
		t.Errorf("%d blocks show %d files", len(shown), len(files))
	}
}

func TestTheUnitIsTight(t *testing.T) {
	analyze := harness.Need(t, "systemd-analyze")
	unit := filepath.Join(source, "docs", "operate", "files", "sallyport.service")
	// What is left is the network, and the files that its user may read.
	out, err := exec.Command(analyze, "security", "--no-pager", "--offline=true", "--threshold=11", unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	lines := strings.Fields(strings.TrimSpace(string(out)))
	if said := "systemd-analyze security` gives it 1.1 of 10"; !strings.Contains(page(t, "install.md"), said) || !slices.Contains(lines, "1.1") {
		t.Errorf("the page does not say what systemd-analyze says: %q", lines[max(0, len(lines)-8):])
	}
}

func TestTheIndexNamesEachPage(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(source, "docs", "operate", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	index := page(t, "README.md")
	for _, path := range pages {
		if name := filepath.Base(path); name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/operate/README.md does not lead to %s", name)
		}
	}
}
