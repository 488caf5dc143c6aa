package stories_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chrony is a real time server on a port of its own; it leaves this machine's
// clock alone.
func chrony(t *testing.T) (port int) {
	t.Helper()
	program, err := exec.LookPath("chronyd")
	if err != nil {
		program = "/usr/sbin/chronyd"
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("chronyd is missing (hint: apt-get install -y --no-install-recommends chrony)")
	}
	dir, port := t.TempDir(), freePort(t)
	conf := fmt.Sprintf("port %d\ncmdport 0\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 8\npidfile %[2]s/pid\n", port, dir)
	path := filepath.Join(dir, "chrony.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-d", "-x", "-U", "-u", account(t, "root").Username, "-f", path)
	if os.Geteuid() != 0 {
		cmd = exec.Command(program, "-d", "-x", "-U", "-f", path)
	}
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("log of chronyd:\n%s", log.String())
		}
	})
	return port
}

func TestDoctorHoldsTheClockAgainstATimeServer(t *testing.T) {
	t.Parallel()
	port := chrony(t)
	p := install(t, settings{more: fmt.Sprintf("time_server: 127.0.0.1:%d\n", port)})
	var a answer
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if a = p.run(p.dir, nil, "", "doctor"); strings.Contains(a.out, "this clock is") {
			break
		}
	}
	if a.code != 0 || !strings.Contains(a.out, "ok     this clock is right to within 100ms") {
		t.Errorf("doctor exits %d\n%s%s", a.code, a.out, a.err)
	}
	for offset, want := range map[time.Duration]string{40 * time.Second: "this clock is 40s fast: people's app codes fail", -40 * time.Second: "this clock is 40s slow: people's app codes fail"} {
		p.move(offset)
		a = p.run(p.dir, nil, "", "doctor")
		if a.code != 1 || !strings.Contains(a.out, want) || !strings.Contains(a.out, "hint: switch time synchronisation on") {
			t.Errorf("%v: doctor exits %d\n%s", offset, a.code, a.out)
		}
		p.move(-offset)
	}
	silent := install(t, settings{more: fmt.Sprintf("time_server: 127.0.0.1:%d\n", freePort(t))})
	if a := silent.run(silent.dir, nil, "", "doctor"); a.code != 0 || !strings.Contains(a.out, "did not say what time it is") || !strings.Contains(a.out, "hint: check time_server") {
		t.Errorf("nobody answers: doctor exits %d\n%s", a.code, a.out)
	}
}

func TestDoctorLooksAtTheCertificate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		about, name string
		until       time.Duration
		code        int
		line        string
	}{
		{"good", "localhost", 90 * 24 * time.Hour, 0, "ok     the certificate is for localhost and good until "},
		{"soon", "localhost", 20 * 24 * time.Hour, 0, "note   the certificate ends on "},
		{"ended", "localhost", -time.Hour, 1, "fault  the certificate ended on "},
		{"another host", "mail.example.org", 90 * 24 * time.Hour, 1, "fault  the certificate is not for localhost, but for [mail.example.org]"},
	} {
		dir := t.TempDir()
		cert, key := certify(t, dir, row.name, time.Now().Add(row.until))
		p := install(t, settings{url: "https://localhost:9443", more: fmt.Sprintf("tls:\n  cert_file: %s\n  key_file: %s\n", cert, key), noSMS: true})
		a := p.run(p.dir, nil, "", "doctor")
		if a.code != row.code || !strings.Contains(a.out, row.line) || !strings.Contains(row.line, "ok ") && !strings.Contains(a.out, "hint: ") {
			t.Errorf("%s: doctor exits %d\n%s%s", row.about, a.code, a.out, a.err)
		}
	}
}
