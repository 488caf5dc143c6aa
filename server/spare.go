package server

import "runtime"

// spare lets one more goroutine run than hashes may at once, where they could take every
// processor, and returns how it was before. A hash gives way only each 10 ms, and an
// answer waits for that at each of its steps; with one to spare it is the system that
// shares the cores, which prefers what has waited.
func spare(hashes int) (undo func()) {
	before := runtime.GOMAXPROCS(0)
	if hashes < before {
		return func() {}
	}
	runtime.GOMAXPROCS(hashes + 1)
	return func() { runtime.GOMAXPROCS(before) }
}
