package server

import (
	"runtime"
	"testing"
)

func TestHashesLeaveAProcessorForAllElse(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	for hashes, want := range map[int]int{before - 1: before, before: before + 1, before + 3: before + 4} {
		undo := spare(hashes)
		if got := runtime.GOMAXPROCS(0); got != want {
			t.Errorf("beside %d hashes %d run, want %d", hashes, got, want)
		}
		undo()
		if got := runtime.GOMAXPROCS(0); got != before {
			t.Errorf("after %d hashes it stays %d, not %d", hashes, got, before)
		}
	}
}
