package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program under test. It dies with us, however we end.
type process struct {
	*exec.Cmd
	lines chan string // what it prints, closed at its end
}

// run starts a program in a folder and returns how long it took until it printed
// that it is ready.
func run(folder, program string, args ...string) (*process, time.Duration, error) {
	p := &process{Cmd: exec.Command(program, args...), lines: make(chan string, 64)}
	p.Dir, p.Stderr = folder, os.Stderr
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	if err := p.Start(); err != nil {
		return nil, 0, err
	}
	ready := make(chan time.Duration, 1)
	go func() {
		defer close(ready)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			if strings.Contains(scan.Text(), " on http://") {
				ready <- time.Since(began)
			}
		}
	}()
	select {
	case took, ok := <-ready:
		if ok {
			return p, took, nil
		}
	case <-time.After(time.Minute):
	}
	return nil, 0, fmt.Errorf("%s %v is not ready; %w", program, args, p.end(syscall.SIGKILL))
}

// end ends the program with a signal and waits for it.
func (p *process) end(how syscall.Signal) error {
	if err := p.Process.Signal(how); err != nil {
		return err
	}
	err := p.Wait()
	if how == syscall.SIGKILL {
		return nil
	}
	return err
}

// cpu is the processor time that a process has used, user and system, over all
// its threads: to the nanosecond, where its stat counts in hundredths of a second.
func cpu(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("no processor times of process %d: %w", pid, err)
	}
	var sum time.Duration
	for _, task := range tasks {
		raw, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		ran, _, _ := strings.Cut(string(raw), " ")
		n, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", task, err)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// children is the processor time of the processes that a process has begun, those
// that have ended too.
func children(pid int) (sum time.Duration, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, at := range stats {
		raw, err := os.ReadFile(at)
		if err != nil {
			continue // it has ended
		}
		own, rest, _ := strings.Cut(string(raw), " ")
		fields := strings.Fields(rest[strings.LastIndex(rest, ")")+1:]) // from the state on
		switch {
		case own == strconv.Itoa(pid):
			for _, field := range fields[13:15] { // of those that have ended
				n, err := strconv.Atoi(field)
				if err != nil {
					return 0, fmt.Errorf("%s: %w", at, err)
				}
				sum += time.Duration(n) * time.Second / 100
			}
		case fields[1] == strconv.Itoa(pid):
			child, err := strconv.Atoi(own)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", at, err)
			}
			if used, err := cpu(child); err == nil { // else it has just ended
				sum += used
			}
		}
	}
	return sum, nil
}

const mb = 1 << 20

// memory is the resident memory of a process in MB: VmRSS of now, VmHWM at its
// highest since forget.
func memory(pid int, which string) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		if name != which {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		return kb * 1024 / mb, err
	}
	return 0, fmt.Errorf("process %d tells no %s", pid, which)
}

// forget begins a new VmHWM.
func forget(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
