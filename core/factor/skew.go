package factor

import (
	"sync"

	"sallyport/core/fault"
)

// Skew watches on which side of our clock the accepted codes lie. When many lie
// on the same side it is our clock that is wrong, and people are told so.
type Skew struct {
	mu      sync.Mutex
	offsets [skewKept]int64
	seen    int
}

const (
	skewKept  = 50
	skewLeast = 20 // of fewer codes nothing is concluded
)

// Saw records the offset, in steps, of a code that was accepted.
func (s *Skew) Saw(offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offsets[s.seen%skewKept] = offset
	s.seen++
}

// Ours says whether more than 40 % of the last fifty lie on the same side.
func (s *Skew) Ours() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(s.seen, skewKept)
	slow, fast := 0, 0
	for _, o := range s.offsets[:n] {
		switch {
		case o < 0:
			slow++
		case o > 0:
			fast++
		}
	}
	return n >= skewLeast && max(slow, fast)*10 > n*4
}

// Soften replaces the words of a wrong code while it is our clock that is wrong.
func (s *Skew) Soften(f *fault.Fault) *fault.Fault {
	if f == nil || !s.Ours() {
		return f
	}
	if IsClock(f) || f.Word == "app-code.wrong" || f.Word == "app-code.wrong-setup" || f.Word == "app-code.changed" {
		return fault.New(f.Kind, "app-code.our-clock").On(f.Field)
	}
	return f
}
