// Package operate does what docs/operate says, to the letter: the blocks of its
// pages run on a machine of their own, with its own systemd, network, users and
// ports, and somebody signs in there from outside. The machine is a set of
// namespaces over a root in memory. It ends with the test, and leaves nothing.
//
// Three things are not as on a real machine: apt-get installs nothing, since the
// packages must be there already; certbot asks no authority, but takes a
// certificate of the test's own; and docker is a stand-in that gives a program an
// empty root, since there may be no container engine.
package operate

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// insideVariable tells TestMain that it has entered, and the folder of memory.
const insideVariable = "OPERATE_INSIDE"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "docker" {
		os.Exit(docker(os.Args[1:]))
	}
	flag.Parse()
	code, err := 0, error(nil)
	if memory = os.Getenv(insideVariable); memory == "" {
		code, err = enter()
	} else if err = settle(); err == nil {
		code = m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// memory is the folder of the machines.
var memory string

// enter runs the tests in a network and with mounts of their own.
func enter() (code int, err error) {
	if os.Geteuid() != 0 {
		return 0, fmt.Errorf("namespaces and users are for root alone (hint: sudo ./test)")
	}
	folder, err := os.MkdirTemp("", "sallyport-operate-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(folder) // empty, since what was mounted there is gone
	// So that what the machine builds, without a network, needs no download.
	build := exec.Command("go", "build", "-trimpath", "-tags", "no_otel", "-ldflags=-s", "-o", os.DevNull, "./cmd/sallyport")
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	apart := []string{"--mount", "--net", "--propagation", "private"}
	if out, err := exec.Command("unshare", append(apart, "true")...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s%w (hint: in a container, give it all capabilities: docker run --privileged)", out, err)
	}
	c := exec.Command("unshare", append(append(apart, self), os.Args[1:]...)...)
	c.Stdin, c.Stdout, c.Stderr, c.Env = os.Stdin, os.Stdout, os.Stderr, append(os.Environ(), insideVariable+"="+folder)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err = c.Run(); c.ProcessState == nil || c.ProcessState.ExitCode() < 0 {
		return 0, err
	}
	return c.ProcessState.ExitCode(), nil
}

// settle makes the new network and the memory usable.
func settle() error {
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link: %w %s(hint: apt-get install -y --no-install-recommends iproute2)", err, out)
	}
	return syscall.Mount("memory", memory, "tmpfs", 0, "mode=0755")
}

// source is the folder of the sources.
const source = "../.."

// page is the text of a page of docs/operate.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(source, "docs", "operate", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var block = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// blocks are the blocks of a text in a language; between them may be headings.
func blocks(text, language string) (list []string) {
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	return list
}

// section is what stands below a heading, up to the next one.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	before, _, _ := strings.Cut(rest, "\n## ")
	return before
}
