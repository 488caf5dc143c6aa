package server

import "testing"

func TestTheCollectorGetsRoomUnderLoadAlone(t *testing.T) {
	const mib = int64(1 << 20)
	var r room
	var cycles uint64
	var ends bool
	second := func(made uint64, alive int64, want int) {
		t.Helper()
		cycles += made
		got, over := r.next(cycles, alive)
		if got != want || over != ends {
			t.Errorf("%d collections with %d MiB alive: %d percent, want %d; at its end: %v", made, alive/mib, got, want, over)
		}
	}
	second(1, 8*mib, 100)
	second(0, 8*mib, 100)
	second(5, 8*mib, 400)
	second(1, 8*mib, 400)
	second(1, 16*mib, 200)
	second(1, 64*mib, 100) // what is alive is room enough
	second(3, mib, 800)    // and there is a bound
	for range roomQuiet - 1 {
		second(0, 8*mib, 400)
	}
	ends = true // and what it used is given back, once
	second(0, 8*mib, 100)
	ends = false
	second(1, 8*mib, 100)
	second(5, 64*mib, 100) // so it is where what is alive was room enough
	for range roomQuiet - 1 {
		second(0, 64*mib, 100)
	}
	ends = true
	second(0, 64*mib, 100)
}
