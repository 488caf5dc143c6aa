//go:build !testclock

package server

import "time"

// ClockVariables are the environment variables of the clock: none.
var ClockVariables []string

func clock() time.Time { return time.Now() }
