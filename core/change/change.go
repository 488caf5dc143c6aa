// Package change is how a decision leaves the core: as one set of conditional
// effects, which the store applies in one transaction, all or nothing. What a
// decision rests on is itself an effect with a condition (a version, an unspent
// step, a budget), so that of two decisions about the same thing one wins.
package change

import "fmt"

// Effect is one thing to be done. Each noun's package has its own; back/store
// knows how each is written and which condition it must meet.
type Effect interface{ Effect() }

// Mark makes a struct that embeds it an Effect.
type Mark struct{}

// Effect marks the struct.
func (Mark) Effect() {}

// Set is one decision. The zero Set changes nothing.
type Set []Effect

// Add appends effects, leaving out nil.
func (s *Set) Add(effects ...Effect) {
	for _, e := range effects {
		if e != nil {
			*s = append(*s, e)
		}
	}
}

// Refused says which effect's condition did not hold. Nothing was changed.
type Refused struct{ Effect Effect }

// Error names the kind of effect.
func (r *Refused) Error() string { return fmt.Sprintf("change refused: %T", r.Effect) }
