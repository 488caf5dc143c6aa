package walker

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Walk is one walk: a seed, and how far.
type Walk struct {
	Program string
	Seed    uint64
	Steps   int
	Policy  Policy
	Shrink  time.Duration // how long to look for fewer steps that show the same
}

// Found is a breach, with the steps that lead to it.
type Found struct {
	Walk   Walk
	Breach *Breach
	At     int  // the step of the walk
	Steps  []Do // as few as were found
	Trace  []string
	Log    string
}

func (f *Found) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, policy %q, step %d: %v\n", f.Walk.Seed, f.Walk.Policy.Name, f.At, f.Breach)
	fmt.Fprintf(&b, "%d steps show it:\n", len(f.Steps))
	for _, d := range f.Steps {
		fmt.Fprintf(&b, "  %s\n", d)
	}
	raw, _ := json.Marshal(f.Steps) // plain data always can be
	fmt.Fprintf(&b, "as data: %s\nthe last answers:\n", raw)
	for _, line := range f.Trace[max(0, len(f.Trace)-25):] {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if f.Log != "" {
		fmt.Fprintf(&b, "log of the portal:\n%s\n", f.Log[max(0, len(f.Log)-3000):])
	}
	return b.String()
}

// Result is what a walk came to.
type Result struct {
	Found *Found // or nil
	Steps int
	Seen  map[string]int
}

// Go walks.
func (k Walk) Go() (res Result, err error) {
	var found *Found
	var list []Do
	defer recovered(&err)
	w := NewWorld(k.Program, k.Policy)
	res.Seen = w.Seen
	defer w.Portal.Close()
	c := &chooser{rand.New(rand.NewPCG(k.Seed, 0)), w}
	for _, who := range people { // half of them are enrolled at first
		if c.chance(60) {
			list = append(list, Do{Do: "finish", What: who.name})
		}
	}
	for i := 0; i < k.Steps; i++ {
		if i == len(list) {
			list = append(list, c.next()...)
		}
		if bad := w.Step(list[i]); bad != nil {
			found = &Found{Walk: k, Breach: bad, At: i + 1, Steps: list[:i+1], Trace: w.Trace, Log: w.Portal.Log()}
			break
		}
	}
	if found == nil {
		for _, who := range people {
			if bad := w.Step(Do{Do: "finish", What: who.name}); bad != nil {
				steps := append(slices.Clone(list[:min(len(list), k.Steps)]), Do{Do: "finish", What: who.name})
				found = &Found{Walk: k, Breach: bad, At: k.Steps + 1, Steps: steps, Trace: w.Trace, Log: w.Portal.Log()}
				break
			}
		}
	}
	res.Steps = k.Steps
	if found != nil {
		res.Found, res.Steps = found, found.At
		w.Portal.Close()
		k.shrink(found)
	}
	return res, nil
}

func recovered(err *error) {
	switch r := recover().(type) {
	case nil:
	case trouble:
		*err = r.err
	default:
		panic(r)
	}
}

// Replay does steps on a fresh portal.
func (k Walk) Replay(steps []Do) (found *Found, err error) {
	defer recovered(&err)
	w := NewWorld(k.Program, k.Policy)
	defer w.Portal.Close()
	for i, d := range steps {
		if bad := w.Step(d); bad != nil {
			return &Found{Walk: k, Breach: bad, At: i + 1, Steps: steps[:i+1], Trace: w.Trace, Log: w.Portal.Log()}, nil
		}
	}
	return nil, nil
}

// shrink leaves out steps, in ever smaller parts, as long as the same rule is
// broken without them (Zeller's delta debugging).
func (k Walk) shrink(found *Found) {
	end := time.Now().Add(k.Shrink)
	shows := func(steps []Do) bool {
		if time.Now().After(end) {
			return false
		}
		again, err := k.Replay(steps)
		if err != nil || again == nil || again.Breach.Rule != found.Breach.Rule {
			return false
		}
		again.At = found.At
		*found = *again
		return true
	}
	for part := len(found.Steps) / 2; part >= 1; part /= 2 {
		for from := 0; from < len(found.Steps); {
			fewer := slices.Concat(found.Steps[:from], found.Steps[min(from+part, len(found.Steps)):])
			if !shows(fewer) {
				from += part
			}
		}
	}
}
