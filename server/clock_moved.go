//go:build testclock

package server

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// ClockVariables are the environment variables of the clock. This build is for
// tests: it adds to its clock the seconds that stand in a file.
var ClockVariables = []string{"SALLYPORT_CLOCK"}

func clock() time.Time {
	raw, err := os.ReadFile(os.Getenv("SALLYPORT_CLOCK"))
	if err != nil {
		return time.Now()
	}
	offset, err := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64)
	if err != nil {
		return time.Now()
	}
	return time.Now().Add(time.Duration(offset * float64(time.Second)))
}
