package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sallyport/docs/docstest"
)

func TestTheReferenceOfCommandsIsFresh(t *testing.T) {
	var commands Commands
	parser, err := kong.New(&commands, kong.Name("sallyport"), kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString("# Commands\n\nGenerated from the program. `sallyport NOUN VERB`; a command exits with 0, with 1 when it failed (and says a `hint:`), and with 2 when it was called wrongly.\n" +
		"Commands may run beside a portal, on SQLite too. With every command:\n\n")
	flags(&page, parser.Model.Flags)
	for _, leaf := range parser.Model.Leaves(true) {
		fmt.Fprintf(&page, "\n## `%s`\n\n%s\n", leaf.FullPath()+arguments(leaf), leaf.Help)
		if len(leaf.Flags) > 0 {
			page.WriteString("\n")
			flags(&page, leaf.Flags)
		}
	}
	docstest.Page(t, "../..", "commands.md", page.String())
}

func arguments(n *kong.Node) (text string) {
	for _, p := range n.Positional {
		text += " " + strings.ToUpper(p.Name)
	}
	return text
}

func flags(page *strings.Builder, list []*kong.Flag) {
	page.WriteString("| flag | what it does |\n|---|---|\n")
	for _, f := range list {
		if f.Name == "help" {
			continue
		}
		name := "--" + f.Name
		switch {
		case f.IsBool() && f.Tag.Negatable != "":
			name = "--[no-]" + f.Name
		case !f.IsBool() && f.PlaceHolder != "":
			name += "=" + f.PlaceHolder
		case !f.IsBool():
			name += "=" + strings.ToUpper(f.Name)
		}
		text := f.Help
		if f.Default != "" && !f.IsBool() {
			text += " Default: `" + f.Default + "`."
		}
		fmt.Fprintf(page, "| `%s` | %s |\n", name, docstest.Cell(text))
	}
}
