package person

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Who came first has no right to stay: of the lowest class the only one goes,
// wherever it stands.
func TestTheFirstInAFullQueueIsPushedOutLikeAnyOther(t *testing.T) {
	for about, others := range map[string]Class{"before others of a better class": Plain, "before others of the best": Known} {
		synctest.Test(t, func(t *testing.T) {
			c := crowd{q: quiet(1)}
			c.send(t, "running", Turn{Class: Plain}, time.Hour)
			c.send(t, "first", Turn{Class: Slow, Address: from(0), Name: "ada"}, 0)
			for i := range maxWaiting - 1 {
				c.send(t, fmt.Sprint(i), Turn{Class: others, Address: from(i)}, 0)
			}
			c.send(t, "known", Turn{Class: Known, Address: "x"}, 0)
			if _, busy := c.soFar(); !slices.Equal(busy, []string{"first"}) || c.q.Waiting() != maxWaiting {
				t.Errorf("%s: refused %v, %d wait", about, busy, c.q.Waiting())
			}
			c.wg.Wait()
		})
	}
}
