package proxies

import (
	"path/filepath"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// What the tests cannot run says so at its top.
func TestEachPageIsTestedOrSaysThatItIsNot(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(harness.Source(t), "docs", "integrate", "*.md"))
	if err != nil || len(found) < 7 {
		t.Fatal(found, err)
	}
	index := harness.Page(t, "integrate", "README.md")
	for _, path := range found {
		name := filepath.Base(path)
		text := harness.Page(t, "integrate", name)
		if name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("README.md does not lead to %s", name)
		}
		top, _, _ := strings.Cut(text, "\n```")
		untested := name == "traefik.md" || name == "envoy.md"
		if untested != strings.Contains(top, "\n**Untested.**") || untested != strings.Contains(index, "(untested) | ["+name+"]") {
			t.Errorf("%s: is it tested or not?", name)
		}
	}
}

// All that stands in a block of a tested page has been run: each is named for a file
// that the tests use.
func TestEachBlockIsForAFile(t *testing.T) {
	for name, files := range map[string][]string{
		"nginx.md":   {"/etc/nginx/conf.d/sallyport.conf", "/etc/nginx/snippets/sallyport-host.conf", "/etc/nginx/snippets/sallyport-app.conf", "/etc/nginx/sites-available/wiki"},
		"caddy.md":   {"/etc/caddy/Caddyfile"},
		"haproxy.md": {"/etc/haproxy/sallyport.lua", "/etc/haproxy/haproxy.cfg"},
		"README.md":  {"/etc/sallyport/sallyport.yaml"},
	} {
		have, more := harness.Printed(t, name), harness.Unnamed(t, name)
		for _, file := range files {
			if have[file] == "" {
				t.Errorf("%s has no block for %s", name, file)
			}
		}
		if len(have) != len(files) || len(more) > 0 {
			t.Errorf("%s has blocks for nobody: %d files, and %q", name, len(have), more)
		}
	}
}
