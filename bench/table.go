package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are what was measured, as often as it was.
type figures []float64

// at is the figure below which a share of them lies.
func (f figures) at(share float64) float64 {
	if len(f) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(f))
	return sorted[int(share*float64(len(sorted)-1)+0.5)]
}

func (f figures) min() float64    { return f.at(0) }
func (f figures) median() float64 { return f.at(0.5) }
func (f figures) max() float64    { return f.at(1) }

// add notes a time in milliseconds.
func (f *figures) add(d time.Duration) { *f = append(*f, d.Seconds()*1000) }

func (f figures) String() string {
	if len(f) == 0 {
		return "–\t–\t–"
	}
	return fmt.Sprintf("%s\t%s\t%s", digits(f.min()), digits(f.median()), digits(f.max()))
}

// digits writes three figures that count.
func digits(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// row is a line of the table.
type row struct {
	what  string
	unit  string
	ours  figures
	limit figures // measured in the same run; none where nothing bounds it
	by    string  // what the limit is
	goals []goal
	note  string
}

// ratio is ours over the limit, by their medians.
func (r row) ratio() float64 {
	if len(r.limit) == 0 || r.limit.median() == 0 {
		return 0
	}
	return r.ours.median() / r.limit.median()
}

// goal is a bound on one figure of a row.
type goal struct {
	of    string // ratio, median or max
	least bool   // no less than the bound, else no more
	bound float64
	sure  bool // however noisy the machine is: to miss it is a fault
}

func most(of string, bound float64) goal  { return goal{of: of, bound: bound} }
func least(of string, bound float64) goal { return goal{of: of, bound: bound, least: true} }
func never() goal                         { return goal{of: "max", sure: true} }

func (g goal) met(r row) bool {
	v := map[string]float64{"ratio": r.ratio(), "median": r.ours.median(), "max": r.ours.max()}[g.of]
	if g.least {
		return v >= g.bound
	}
	return v <= g.bound
}

func (g goal) String() string {
	sign := "≤"
	if g.least {
		sign = "≥"
	}
	return fmt.Sprintf("%s %s %s", g.of, sign, strings.TrimSuffix(fmt.Sprintf("%.2f", g.bound), ".00"))
}

// verdict says whether a row reaches its target.
func (r row) verdict() (target, word string) {
	if len(r.goals) == 0 {
		return "–", "–"
	}
	var all []string
	word = "met"
	for _, g := range r.goals {
		all = append(all, g.String())
		if !g.met(r) {
			word = "MISSED"
		}
	}
	return strings.Join(all, ", "), word
}

// wrong names the rows that miss what they have to reach on any machine.
func wrong(rows []row) error {
	var names []string
	for _, r := range rows {
		for _, g := range r.goals {
			if g.sure && !g.met(r) {
				names = append(names, fmt.Sprintf("%s: %s", r.what, digits(r.ours.max())))
			}
		}
	}
	if names == nil {
		return nil
	}
	return errors.New(strings.Join(names, "; "))
}

// printTable prints the rows, then what is to be said of them.
func printTable(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tunit\tmin\tmedian\tmax\tlimit min\tmedian\tmax\tof\tratio\ttarget\t")
	for _, r := range rows {
		ratio, by := "–", "–"
		if len(r.limit) > 0 {
			ratio, by = digits(r.ratio()), r.by
		}
		target, word := r.verdict()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.unit, r.ours, r.limit, by, ratio, target, word)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, r := range rows {
		if r.note != "" {
			fmt.Fprintf(w, "%s: %s\n", r.what, r.note)
		}
	}
	return nil
}
