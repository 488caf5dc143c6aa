// Package harness runs Sallyport as a stranger would: the program that was built,
// a browser, a phone's authenticator made of zbarimg and oathtool, and the texts
// from the outbox. It looks into nothing: no store, no package of the product.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// packages are the Debian packages of the programs that tests run. What is
// missing fails the test, with the command that installs it.
var packages = map[string]string{
	"chromium": "chromium fonts-dejavu-core", "zbarimg": "zbar-tools", "oathtool": "oathtool", "w3m": "w3m",
	"nginx": "nginx", "caddy": "caddy", "haproxy": "haproxy", "systemd-analyze": "systemd", "unshare": "util-linux", "ip": "iproute2",
	"apache2": "apache2-bin libapache2-mod-auth-openidc", "npm": "nodejs npm", "node": "nodejs npm",
}

// Need returns the path of a program.
func Need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; install it: apt-get install -y --no-install-recommends %s", name, packages[name])
	}
	return path
}

// Output runs a program for at most 20 seconds and returns what it prints.
func Output(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		text := ""
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			text = string(exit.Stderr)
		}
		t.Fatalf("%s %q: %v\n%s", name, args, err, text)
	}
	return string(out)
}

var (
	// scratch holds what one run of the tests builds and what its browser writes.
	scratch  string
	programs struct {
		sync.Mutex
		built map[string]string
	}
)

// Source is the folder of the sources.
func Source(t testing.TB) string {
	t.Helper()
	folder, err := filepath.Abs("..")
	for ; err == nil && len(folder) > 1; folder = filepath.Dir(folder) {
		if _, missing := os.Stat(filepath.Join(folder, "cmd", "sallyport")); missing == nil {
			return folder
		}
	}
	t.Fatal("the sources are not above this folder", err)
	return ""
}

// Program builds sallyport, once for each set of tags.
func Program(t testing.TB, tags string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if path := programs.built[tags]; path != "" {
		return path
	}
	path := filepath.Join(scratch, "sallyport"+tags)
	c := exec.Command("go", "build", "-tags", tags, "-o", path, "./cmd/sallyport")
	c.Dir, c.Env = Source(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if programs.built == nil {
		programs.built = map[string]string{}
	}
	programs.built[tags] = path
	return path
}

// Main runs the tests and leaves nothing behind: no browser, no folder, and
// nothing that all tests have shared, which the functions given put an end to.
func Main(m *testing.M, ends ...func()) {
	var err error
	if scratch, err = os.MkdirTemp("", "sallyport-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	closeBrowser()
	for _, end := range ends {
		end()
	}
	_ = os.RemoveAll(scratch) // a temporary folder; a browser that dies late may still write
	os.Exit(code)
}
