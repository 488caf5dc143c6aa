package server

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/docs/docstest"
)

func TestTheReferenceOfMetricsIsFresh(t *testing.T) {
	var page strings.Builder
	page.WriteString("# Metrics\n\nGenerated from the program. They are served in the form of Prometheus on the listener that `metrics` names, at `/metrics`; what each means for you, and what to do when\nit is high, stands in [metrics](../operate/metrics.md). Those of Go (`go_`) and of the process (`process_`) come besides.\n\n" +
		"| metric | kind | labels | what it is |\n|---|---|---|---|\n")
	for _, m := range Metrics() {
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, strings.Join(m.Labels, ", "), docstest.Cell(m.Help))
	}
	docstest.Page(t, "..", "metrics.md", page.String())
}
