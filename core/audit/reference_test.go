package audit

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sallyport/core/words"
	"sallyport/docs/docstest"
)

// events are the values of all constants of type Event, with what stands beside.
func events(t *testing.T) (names []string, beside map[string]string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	beside = map[string]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Event" {
			name, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			names = append(names, name)
			beside[name] = strings.TrimSpace(spec.Comment.Text())
		}
		return true
	})
	slices.Sort(names)
	return names, beside
}

func TestTheReferenceOfEventsIsFresh(t *testing.T) {
	var page strings.Builder
	page.WriteString("# Events of the audit log\n\nGenerated from the program. An entry has a time, an event, and where they apply a method, a reason, the person it concerns, the actor, a note, and the browser\n" +
		"and address it came from. It never holds codes, secrets, passwords or whole numbers. How people and operators read it stands behind each.\n\n" +
		"| event | on pages | besides |\n|---|---|---|\n")
	names, beside := events(t)
	if len(names) < 40 {
		t.Fatalf("%d events", len(names))
	}
	var listed []string
	for _, e := range Events {
		listed = append(listed, string(e))
	}
	if slices.Sort(listed); !slices.Equal(listed, names) {
		t.Errorf("Events lists %q, the constants are %q", listed, names)
	}
	for _, name := range names {
		said, ok := words.Pattern("activity." + name)
		if !ok {
			t.Errorf("activity.%s has no words", name)
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", name, docstest.Cell(said), docstest.Cell(beside[name]))
	}
	docstest.Page(t, "../..", "events.md", page.String())
}
