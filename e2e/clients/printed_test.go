package clients

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sallyport/e2e/harness"
)

// compared is what our provider is compared with; the versions of all other packages
// are those of the pages.
const compared = "oidc-provider@9.13.3"

var (
	installs   = regexp.MustCompile(`(?m)^npm install (.+)$`)
	installing sync.Mutex
)

// packages is the folder node_modules with the packages that the pages name, which
// are installed once, outside this repository. Their scripts are not run.
func packages(t testing.TB) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	specs := []string{compared}
	for _, name := range []string{"node.md", "browser.md"} {
		for _, m := range installs.FindAllStringSubmatch(harness.Page(t, "integrate", name), -1) {
			specs = append(specs, strings.Fields(m[1])...)
		}
	}
	folder := filepath.Join(cache, "sallyport-test", "clients-"+strings.NewReplacer("/", "-", "@", "-").Replace(strings.Join(specs, "+")))
	modules := filepath.Join(folder, "node_modules")
	if _, err := os.Stat(filepath.Join(folder, "whole")); err == nil {
		return modules
	}
	args := append([]string{"install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"}, specs...)
	c := exec.CommandContext(t.Context(), harness.Need(t, "npm"), args...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if err := os.WriteFile(filepath.Join(folder, "whole"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return modules
}

// random is what `openssl rand -hex 32` prints.
func random(t testing.TB) string {
	t.Helper()
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}
