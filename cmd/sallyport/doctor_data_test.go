package main

import (
	"strings"
	"testing"
)

func TestRoom(t *testing.T) {
	const gib = 1 << 30
	for _, row := range []struct {
		name      string
		free, all uint64
		level     string
	}{
		{"half of a disk", 50 * gib, 100 * gib, "ok"},
		{"just enough of a large one", 5 * gib, 100 * gib, "ok"},
		{"less than 5 %", 5*gib - 1, 100 * gib, "note"},
		{"just enough of a small one", gib, 2 * gib, "ok"},
		{"less than 1 GiB", gib - 1, 2 * gib, "note"},
		{"full", 0, 2 * gib, "note"},
	} {
		got := room("data", row.free, row.all)
		if got.Level != row.level || (got.Do == "") != (row.level == "ok") || !strings.HasPrefix(got.What, "data has ") {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}
