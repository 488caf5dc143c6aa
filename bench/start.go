package main

import (
	"os"
	"syscall"
	"time"
)

// start measures the program by itself: how long it takes until it is ready, what
// it holds while nobody asks, how large it is. The limit is a bare net/http server.
func (b *bench) start() error {
	p, err := b.install("", "")
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil { // migrates the database
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	took := row{what: "start, exec to ready", unit: "ms", by: "bare net/http", goals: []goal{most("median", 40)}}
	used := row{what: "start, CPU until ready", unit: "ms", by: "bare net/http"}
	idle := row{what: "idle memory (RSS)", unit: "MB", by: "bare net/http", goals: []goal{most("median", 25)}}
	rounds, rested := few(b, 3, 20), few(b, 1, 3)
	for i := range rounds {
		rest := i >= rounds-rested
		if err := b.startOnce(p, rest, &took, &used, &idle); err != nil {
			return err
		}
		if err := b.startBare(rest, &took, &used, &idle); err != nil {
			return err
		}
	}
	size := row{what: "binary, stripped", unit: "MB", by: "bare net/http", goals: []goal{most("median", 32)}}
	for path, to := range map[string]*figures{b.program: &size.ours, b.bare: &size.limit} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		*to = figures{float64(info.Size()) / 1e6}
	}
	b.rows = append(b.rows, took, used, idle, size)
	return nil
}

// restTime is how long a program is left alone before its memory is read.
func (b *bench) restTime() time.Duration { return few(b, 3*time.Second, 10*time.Second) }

func (b *bench) startOnce(p *portal, rest bool, took, used, idle *row) error {
	t, err := p.serve()
	if err != nil {
		return err
	}
	took.ours.add(t)
	if err := b.rest(p.process, rest, &used.ours, &idle.ours); err != nil {
		return err
	}
	return p.stop()
}

func (b *bench) startBare(rest bool, took, used, idle *row) error {
	p, _, t, err := b.bareServer()
	if err != nil {
		return err
	}
	took.limit.add(t)
	if err := b.rest(p, rest, &used.limit, &idle.limit); err != nil {
		return err
	}
	return p.end(syscall.SIGKILL)
}

// rest reads what a program has used, and later what it still holds.
func (b *bench) rest(p *process, long bool, used, idle *figures) error {
	t, err := cpu(p.Process.Pid)
	if err != nil {
		return err
	}
	used.add(t)
	if !long {
		return nil
	}
	time.Sleep(b.restTime())
	held, err := memory(p.Process.Pid, "VmRSS")
	*idle = append(*idle, held)
	return err
}
