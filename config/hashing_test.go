package config

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/core/person"
)

// What the settings take is what serve starts with: no more, and no less.
func TestTheSettingsBearWhatTheProgramBears(t *testing.T) {
	for _, p := range []person.Params{
		{MemoryKiB: 19456, Time: 2, Threads: 1}, {MemoryKiB: 262144, Time: 10, Threads: 64},
		{MemoryKiB: 19455, Time: 2, Threads: 1}, {MemoryKiB: 262145, Time: 2, Threads: 1}, {MemoryKiB: 4 << 20, Time: 2, Threads: 1},
		{MemoryKiB: 65536, Time: 1, Threads: 1}, {MemoryKiB: 65536, Time: 11, Threads: 1}, {MemoryKiB: 65536, Time: 64, Threads: 1},
		{MemoryKiB: 65536, Time: 3, Threads: 0}, {MemoryKiB: 65536, Time: 3, Threads: 65},
	} {
		text := fmt.Sprintf("%shashing:\n  memory: %d\n  time: %d\n  threads: %d\n", base, p.MemoryKiB, p.Time, p.Threads)
		_, err := Parse([]byte(text), "s.yaml", nil)
		if started := p.Check(); (err == nil) != (started == nil) {
			t.Errorf("%+v: the settings say %v, the program %v", p, err, started)
		}
	}
	_, err := Parse([]byte(base+"hashing:\n  memory: 262145\n  time: 11\n"), "s.yaml", nil)
	want := "s.yaml:3: hashing.memory: 262145 is not from 19456 to 262144\ns.yaml:4: hashing.time: 11 is not from 2 to 10"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("it says %v", err)
	}
}
