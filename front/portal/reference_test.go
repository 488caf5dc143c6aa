package portal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"sallyport/docs/docstest"
)

func TestTheReferenceOfPagesIsFresh(t *testing.T) {
	var page strings.Builder
	page.WriteString("# Pages and addresses\n\nGenerated from the program.\n\n## Pages\n\nEvery page says its name in `<main data-page=\"…\">`, and the step of the wizard in `data-step`.\n\n| page | heading | steps |\n|---|---|---|\n")
	headings, steps := map[string][]string{}, map[string][]string{}
	site := sampleSite(t, nil)
	samples := Samples(site)
	for _, sample := range samples {
		f := sample.View.Base()
		heading := site.Plain(f.Heading, f.Gaps...)
		if !slices.Contains(headings[f.Page], heading) {
			headings[f.Page] = append(headings[f.Page], heading)
		}
		if step := fmt.Sprint(f.Step); !slices.Contains(steps[f.Page], step) {
			steps[f.Page] = append(steps[f.Page], step)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(headings)) {
		slices.Sort(steps[name])
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", name, docstest.Cell(strings.Join(headings[name], " · ")), strings.Join(steps[name], ", "))
	}
	page.WriteString("\n## Addresses\n\n| address | asks | besides |\n|---|---|---|\n")
	methods := map[string][]string{}
	for pattern := range (&Portal{OutboxPath: "/demo/outbox/{secret}"}).routes() {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "any", pattern
		}
		path = strings.TrimSuffix(path, "{$}")
		methods[path] = append(methods[path], method)
	}
	for path, ways := range map[string]string{"/assets/…": "GET", "/brand/…": "GET", "/healthz": "GET", "/readyz": "GET"} {
		methods[path] = []string{ways}
	}
	about := map[string]string{"/healthz": "the program is alive", "/readyz": "database and keys answer, and the node is not about to stop",
		"/assets/…": "style, script and icon", "/brand/…": "your logo and icon", "/demo/outbox/{secret}": "the text messages of `sallyport demo`, at an address that it prints"}
	delete(methods, "/")
	methods["/"] = []string{"GET"}
	about["/"] = "to the account, or to sign-in"
	for _, path := range slices.Sorted(maps.Keys(methods)) {
		slices.Sort(methods[path])
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", path, strings.Join(methods[path], ", "), about[path])
	}
	docstest.Page(t, "../..", "pages.md", page.String())
}
