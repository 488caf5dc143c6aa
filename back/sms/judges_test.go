package sms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The judges from npm, each at the one version that was looked at.
const (
	npmTwilio = "twilio@6.2.0"
	npmVonage = "@vonage/jwt@1.11.0"
	npmPrism  = "@stoplight/prism-cli@5.14.2"
)

var installing sync.Mutex

// npm is the folder of a package outside this repository, where it is installed
// once. Scripts of packages are not run.
func npm(t *testing.T, spec string) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "sallyport-test", strings.NewReplacer("/", "-", "@", "-").Replace(spec))
	if _, err := os.Stat(filepath.Join(folder, "whole")); err == nil {
		return folder
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := []string{"install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", spec}
	if out, err := exec.CommandContext(ctx, "npm", args...).CombinedOutput(); err != nil {
		t.Fatalf("npm %s: %v\n%s\nhint: Node 20 or newer with npm, as apt-get install nodejs npm has it from Debian 13 on", strings.Join(args, " "), err, out)
	}
	if err := os.WriteFile(filepath.Join(folder, "whole"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// node runs a script of testdata/judges with a package at hand.
func node(t *testing.T, spec, script string, in any, args ...string) (out []byte) {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(filepath.Join("testdata", "judges", script))
	if err != nil {
		t.Fatal(err)
	}
	return run(t, text, []string{"NODE_PATH=" + filepath.Join(npm(t, spec), "node_modules")}, "node", append([]string{path}, args...)...)
}

// run runs a judge and returns what it says.
func run(t *testing.T, in []byte, env []string, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), env...)
	c.Stdin = bytes.NewReader(in)
	var failed bytes.Buffer
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, failed.String())
	}
	return out
}

// said reads what a judge has said.
func said[T any](t *testing.T, out []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, out))
	}
	return v
}
