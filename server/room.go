package server

import "runtime/debug"

// A portal has little alive. Under a load of small requests the collector would look
// through it many times a second, which is a tenth of what a check costs, so it gets
// room while there is such a load, and gives that back after it.
const (
	roomSize  = 32 << 20
	roomLoad  = 2  // collections in a second
	roomQuiet = 10 // seconds without one
)

// room is how far the collector lets garbage lie.
type room struct {
	cycles  uint64
	quiet   int
	loaded  bool // until what the load used is given back
	percent int  // of what is alive; 0 is what Go does by itself
}

const usual = 100 // percent, as Go has it

// next is told each second how often was collected since the start, and what is
// alive, and says what percent holds now, and whether a load has just ended.
func (r *room) next(cycles uint64, alive int64) (percent int, over bool) {
	made := cycles - r.cycles
	r.cycles = cycles
	if r.quiet++; made > 0 {
		r.quiet = 0
	}
	r.loaded = r.loaded || made >= roomLoad
	if over = r.loaded && r.quiet >= roomQuiet; over {
		r.loaded = false
	}
	r.percent = usual
	if r.loaded {
		r.percent = max(usual, int(100*roomSize/max(alive, roomSize/8)))
	}
	return r.percent, over
}

// gives sets the percent, where it is another than before, and gives back after a
// load what it used: also where much is alive, which has room by itself.
func (r *room) gives(cycles uint64, alive int64) {
	before := r.percent
	switch now, over := r.next(cycles, alive); {
	case over:
		debug.SetGCPercent(now)
		debug.FreeOSMemory()
	case before == now || before == 0 && now == usual:
	case now > before+before/4 || now < before-before/4: // each setting stops the world
		debug.SetGCPercent(now)
	default:
		r.percent = before
	}
}
