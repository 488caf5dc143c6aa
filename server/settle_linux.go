package server

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// dropStart lets the system have back the pages of the program itself, of which the
// start has touched most and the rest of the run few. They are clean copies of the
// file: whichever is needed again is there at once. Where that cannot be done
// nothing is lost.
func dropStart() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		var may string
		line := lines.Text()
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &may); err != nil || !strings.HasSuffix(line, " "+exe) {
			continue
		}
		if may == "r-xp" || may == "r--p" { // what may be written is no copy of the file
			syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
	}
}
