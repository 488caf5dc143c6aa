// Command bench prints the figures of the product, each beside the limit that the
// machine sets, measured in the same run. It starts everything that it measures,
// on 127.0.0.1 alone, and leaves nothing behind.
//
//	go run .              the rows that take minutes
//	go run . -long        those that take longer: people by the million, a thousand kills
//	go run . -short       that it runs: less of everything, in under a minute
//	go run . -only start,pages
//
// A figure that misses its target is told in the table: machines are noisy. It fails where
// something was lost or happened twice, or an answer was none of those that there may be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// group measures rows that share their set-up.
type group struct {
	name string
	in   string // the runs that it belongs to
	run  func(*bench) error
}

// groups stand in the order in which they run: what wants a quiet machine first.
var groups = []group{
	{"start", "short usual", (*bench).start},
	{"pages", "short usual", (*bench).pages},
	{"commits", "short usual", (*bench).commits},
	{"gate", "short usual", (*bench).gate},
	{"nginx", "short usual", (*bench).nginx},
	{"tokens", "short usual", (*bench).tokens},
	{"codes", "short usual", (*bench).codes},
	{"texts", "short usual", (*bench).texts},
	{"gateways", "short usual", (*bench).gateways},
	{"audit", "short usual", (*bench).auditLog},
	{"passwords", "short usual", (*bench).passwords},
	{"people", "long", (*bench).people},
	{"sessions", "long", (*bench).sessions},
	{"doors", "long", (*bench).doors},
	{"overload", "short long", (*bench).overload},
	{"connections", "long", (*bench).connections},
	{"crash", "short long", (*bench).crash},
}

// bench is one run.
type bench struct {
	context.Context
	mode    string // short, usual or long
	scratch string
	program string // sallyport, stripped
	bare    string // the same work without a product around it
	rows    []row
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{Context: ctx, mode: "usual"}
	short := flag.Bool("short", false, "only see that it runs, in under a minute")
	long := flag.Bool("long", false, "the rows that take long")
	only := flag.String("only", "", "these groups alone, separated by commas")
	flag.Parse()
	switch {
	case *short:
		b.mode = "short"
	case *long:
		b.mode = "long"
	}
	if err := b.all(strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// all runs the groups of this run, or those that were named, and prints the table.
func (b *bench) all(only []string) (err error) {
	began := time.Now()
	if b.scratch, err = os.MkdirTemp("", "sallyport-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.scratch)
	if b.program, err = b.build("sallyport", "..", "./cmd/sallyport"); err != nil {
		return err
	}
	if b.bare, err = b.build("bare", ".", "./bare"); err != nil {
		return err
	}
	for _, g := range groups {
		if len(only) > 0 && !slices.Contains(only, g.name) || len(only) == 0 && !strings.Contains(g.in, b.mode) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%5.0f s  %s\n", time.Since(began).Seconds(), g.name)
		if err := g.run(b); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	fmt.Printf("%s, %s, %d cores, %s, %.0f s\n\n", b.mode, time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), runtime.Version(), time.Since(began).Seconds())
	return errors.Join(printTable(os.Stdout, b.rows), wrong(b.rows))
}

// build builds a program without cgo and symbols, as it ships.
func (b *bench) build(name, from, pkg string) (string, error) {
	path := filepath.Join(b.scratch, name)
	args := []string{"build", "-tags", "no_otel", "-ldflags=-s", "-o", path}
	if b.mode != "short" {
		args = append(args, "-trimpath") // all of it anew, but as it ships
	}
	cmd := exec.CommandContext(b, "go", append(args, pkg)...)
	cmd.Dir, cmd.Env = from, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// few is how much of something is done in the short run, and otherwise.
func few[T any](b *bench, short, else_ T) T {
	if b.mode == "short" {
		return short
	}
	return else_
}
