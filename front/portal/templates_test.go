package portal

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// A page is read when somebody asks for it, so a broken one must not get that far.
func TestEveryPageIsDrawnBySomeSample(t *testing.T) {
	drawn := map[string]bool{}
	for _, sample := range Samples(sampleSite(t, nil)) {
		drawn[sample.View.Template()] = true
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d pages, %v", len(names), err)
	}
	for _, name := range names {
		if !drawn[strings.TrimSuffix(path.Base(name), ".html")] {
			t.Errorf("%s is drawn by no sample", name)
		}
	}
}
