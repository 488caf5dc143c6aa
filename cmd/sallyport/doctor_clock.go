package main

import (
	"fmt"
	"net"
	"time"

	"github.com/beevik/ntp"

	"sallyport/server"
)

// clockOff is how far this clock may be from a time server's before codes fail for
// people whose phones are a little off too: a sixth of a step.
const clockOff = 5 * time.Second

// clockLooks holds this clock against the time server of the settings.
func clockLooks(c *server.Core) []finding {
	at := c.Config.TimeServer
	if at == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(at); err != nil {
		at = net.JoinHostPort(at, "123")
	}
	answer, err := ntp.QueryWithOptions(at, ntp.QueryOptions{Timeout: 5 * time.Second})
	if err == nil {
		err = answer.Validate()
	}
	if err != nil {
		return []finding{{"note", fmt.Sprintf("the time server %s did not say what time it is: %v", at, err), "check time_server, and that UDP to it is let through"}}
	}
	off := time.Until(c.Now()) - answer.ClockOffset // the portal's clock is the system's, but in tests
	if off.Abs() > clockOff {
		word := "fast"
		if off < 0 {
			word = "slow"
		}
		return []finding{{"fault", fmt.Sprintf("this clock is %v %s: people's app codes fail", off.Abs().Round(100*time.Millisecond), word), "switch time synchronisation on, as with systemctl enable --now systemd-timesyncd"}}
	}
	return []finding{{"ok", fmt.Sprintf("this clock is right to within %v", max(off.Abs(), 100*time.Millisecond).Round(100*time.Millisecond)), ""}}
}
