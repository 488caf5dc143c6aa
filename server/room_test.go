package server

import "testing"

func TestTheCollectorGetsRoomUnderLoadAlone(t *testing.T) {
	const mib = int64(1 << 20)
	var r room
	var cycles uint64
	second := func(made uint64, alive int64, want int) {
		t.Helper()
		cycles += made
		if got := r.next(cycles, alive); got != want {
			t.Errorf("%d collections with %d MiB alive: %d percent, want %d", made, alive/mib, got, want)
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
	second(0, 8*mib, 100)
	second(1, 8*mib, 100)
}
