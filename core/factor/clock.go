package factor

import (
	"fmt"
	"time"

	"sallyport/core/fault"
	"sallyport/core/words"
)

// searchClock looks for the step that a code would be right for: every step
// within ten minutes, and two minutes around each whole half hour up to fourteen
// hours (a clock set by hand in the wrong time zone). It runs only after a code
// has failed and never widens what is accepted.
func searchClock(s Secret, code string, now int64) (offset int64, ok bool) {
	near := 600 / s.period()
	for o := int64(4); o <= near; o++ {
		for _, candidate := range []int64{-o, o} {
			if same(s.Code(now+candidate), code) && !ok {
				offset, ok = candidate, true
			}
		}
	}
	for _, early := range []int64{2, 3} { // -2 and -3 are "just changed"
		if same(s.Code(now+early), code) && !ok {
			offset, ok = early, true
		}
	}
	around := 120 / s.period()
	for half := int64(1); half <= 28; half++ {
		centre := half * 1800 / s.period()
		for d := -around; d <= around; d++ {
			for _, candidate := range []int64{-(centre + d), centre + d} {
				if same(s.Code(now+candidate), code) && !ok {
					offset, ok = candidate, true
				}
			}
		}
	}
	return offset, ok
}

// clockFault says how far a phone's clock is off, rounded as people speak.
func clockFault(steps, period int64) *fault.Fault {
	words, zone := clockWords(steps, period)
	if zone {
		return fault.New(fault.Invalid, "app-code.clock-zone", "offset", words).On("code")
	}
	return fault.New(fault.Invalid, "app-code.clock", "offset", words).On("code")
}

// clockReason is the same for the audit log.
func clockReason(steps, period int64) string {
	words, _ := clockWords(steps, period)
	return "clock " + words
}

func clockWords(steps, period int64) (text string, zone bool) {
	key, off := "clock.fast", time.Duration(steps*period)*time.Second
	if off < 0 {
		key, off = "clock.slow", -off
	}
	var about string
	halves := (off + 15*time.Minute) / (30 * time.Minute)
	switch {
	case off < 90*time.Second:
		about = words.Text("clock.minute")
	case off < 12*time.Minute:
		about = words.Text("duration.minutes", "n", int((off+30*time.Second)/time.Minute))
	case halves == 1:
		about, zone = words.Text("duration.minutes", "n", 30), true
	case halves == 2:
		about, zone = words.Text("duration.hour"), true
	case halves%2 == 0:
		about, zone = words.Text("duration.hours", "n", int(halves/2)), true
	default:
		about, zone = words.Text("duration.hours", "n", fmt.Sprintf("%d½", halves/2)), true
	}
	return words.Text(key, "time", about), zone
}

// IsClock says whether a fault is about the clock of the phone.
func IsClock(f *fault.Fault) bool {
	return f != nil && (f.Word == "app-code.clock" || f.Word == "app-code.clock-zone")
}
