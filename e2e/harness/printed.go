package harness

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var (
	named = regexp.MustCompile("(?ms)^`([^`\n]+)`[^\n]*:\n\n```\\w*\n(.*?)^```$")
	block = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
)

// Page is the text of a page of the documents, by its path below docs.
func Page(t testing.TB, names ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{Source(t), "docs"}, names...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Printed are the blocks of a page of docs/integrate by the file that they are for,
// whose name stands in the line before.
func Printed(t testing.TB, name string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, m := range named.FindAllStringSubmatch(Page(t, "integrate", name), -1) {
		files[m[1]] += m[2]
	}
	return files
}

// Unnamed are the blocks of a page of docs/integrate that are for no file, but for
// those in some languages.
func Unnamed(t testing.TB, name string, but ...string) (list []string) {
	t.Helper()
	text := Page(t, "integrate", name)
	for _, m := range block.FindAllStringSubmatch(named.ReplaceAllString(text, ""), -1) {
		if !slices.Contains(but, m[1]) {
			list = append(list, m[2])
		}
	}
	return list
}

// Block is the first block of a text in a language.
func Block(t testing.TB, text, language string) string {
	t.Helper()
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			return m[2]
		}
	}
	t.Fatalf("no block of %s is printed", language)
	return ""
}

// Write writes a file for its owner alone, with the folders above it, and returns its
// name.
func Write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
