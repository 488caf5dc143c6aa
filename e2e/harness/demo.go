package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// Demonstration is a running `sallyport demo`.
type Demonstration struct {
	URL, Password, Outbox string
	App                   string // the example app

	t       testing.TB
	command *exec.Cmd
	log     string
	temp    string
	ended   chan error
}

var printed = regexp.MustCompile(`(?s)address\s+(http://\S+).*ada, password (\S{20})\s.*app\s+(http://[^,\s]+), .*texts\s.*(http://\S+/demo/outbox/\S+)`)

// Demo runs `sallyport demo` and reads what it prints.
func Demo(t testing.TB) *Demonstration {
	t.Helper()
	d := &Demonstration{t: t, log: filepath.Join(t.TempDir(), "log"), temp: t.TempDir(), ended: make(chan error, 1)}
	log, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	d.command = exec.Command(Program(t, ""), "demo", "--port", "0")
	d.command.Dir, d.command.Stdout, d.command.Stderr, d.command.Env = d.temp, log, log, append(os.Environ(), "TMPDIR="+d.temp)
	d.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.command.Wait() }()
	t.Cleanup(func() {
		_ = d.command.Process.Kill() // it may have ended in order before
		_ = log.Close()
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if m := printed.FindStringSubmatch(d.Printed()); m != nil && regexp.MustCompile(`is ready on`).MatchString(d.Printed()) {
			d.URL, d.Password, d.App, d.Outbox = m[1], m[2], m[3], m[4]
			return d
		}
	}
	t.Fatalf("the demo does not say that it is ready:\n%s", d.Printed())
	return nil
}

// Printed is all that the demo has printed.
func (d *Demonstration) Printed() string {
	raw, err := os.ReadFile(d.log)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(raw)
}

// Interrupt presses Ctrl-C, and looks that nothing is left.
func (d *Demonstration) Interrupt() {
	d.t.Helper()
	if err := d.command.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
	select {
	case err := <-d.ended:
		if err != nil {
			d.t.Errorf("the demo ended with %v", err)
		}
	case <-time.After(step):
		d.t.Fatal("the demo goes on after Ctrl-C")
	}
	if left, _ := filepath.Glob(filepath.Join(d.temp, "*")); len(left) != 0 {
		d.t.Errorf("the demo leaves %q", left)
	}
}
