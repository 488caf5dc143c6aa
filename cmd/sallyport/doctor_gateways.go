package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"sallyport/config"
	"sallyport/server"
)

// clockMost is how far two clocks may be apart before somebody should look.
const clockMost = 5 * time.Second

// reached is a gateway that can be asked whether it is there.
type reached interface {
	Reach(ctx context.Context) error
}

// timed is one that tells the time, too.
type timed interface {
	ClockOff() (off time.Duration, at time.Time)
}

// gateways looks at the ways of text messages; nothing is sent.
func gateways(ctx context.Context, c *config.Config) (found []finding) {
	if !c.OnlyOutbox() && len(c.SMS.Prices) == 0 {
		found = append(found, finding{"note", "text messages go to real phones and no money is counted: only the limits for each number and person hold their cost", "set sms.prices, sms.currency and sms.budget_day"})
	}
	list, err := server.Gateways(c)
	if err != nil {
		return append(found, faulty(err))
	}
	for i, g := range list {
		at, ok := g.(reached)
		if !ok {
			continue
		}
		set := c.SMS.Gateways[i]
		if set.Kind == config.KindHTTP {
			found = append(found, finding{"ok", fmt.Sprintf("sms gateway %s: the request can be filled in whole", g.Name()), ""})
		}
		found = append(found, readable(set)...)
		if set.Kind == config.KindSMPP {
			found = append(found, overSMPP(ctx, set, at)...)
			continue
		}
		found = append(found, reach(ctx, g.Name(), set.Origin(), at)...)
	}
	return append(found, proxied(c)...)
}

// faulty is an error that says what to do.
func faulty(err error) finding {
	what, do, _ := strings.Cut(err.Error(), "; hint: ")
	return finding{"fault", what, do}
}

// readable looks at the files of a gateway's secrets.
func readable(g config.Gateway) (found []finding) {
	for _, file := range g.SecretFiles() {
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
			found = append(found, finding{"note", fmt.Sprintf("%s can be read by others (%v)", file, info.Mode().Perm()), "chmod 600 " + file})
		}
	}
	return found
}

// overSMPP binds to an SMSC and unbinds.
func overSMPP(ctx context.Context, set config.Gateway, g reached) []finding {
	if err := g.Reach(ctx); err != nil {
		return []finding{faulty(fmt.Errorf("sms gateway %s: %w", set.Name, err))}
	}
	found := []finding{{"ok", fmt.Sprintf("sms gateway %s: the SMSC at %s lets %s in", set.Name, set.Address, set.SystemID), ""}}
	host, _, _ := net.SplitHostPort(set.Address)
	if ip := net.ParseIP(host); !set.TLS && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		found = append(found, finding{"note", fmt.Sprintf("sms gateway %s speaks no TLS: codes and the password can be read on their way", set.Name), "set tls: true with the port that the provider has for it, or reach the provider by a VPN"})
	}
	return found
}

// prepaid is a gateway that can be asked what money is left.
type prepaid interface {
	Balance(ctx context.Context) (amount string, err error)
}

func reach(ctx context.Context, name, origin string, g reached) []finding {
	err, left := g.Reach(ctx), ""
	if p, ok := g.(prepaid); ok && err == nil {
		left, err = p.Balance(ctx)
	}
	if err != nil {
		return []finding{faulty(fmt.Errorf("sms gateway %s: %w", name, err))}
	}
	found := []finding{{"ok", fmt.Sprintf("sms gateway %s answers at %s", name, origin), ""}}
	if strings.HasPrefix(origin, "https:") {
		found[0].What += ", and its certificate is good"
	}
	if left != "" {
		found = append(found, finding{"ok", fmt.Sprintf("sms gateway %s has a balance of %s", name, left), ""})
	}
	clock, ok := g.(timed)
	if !ok {
		return found
	}
	off, at := clock.ClockOff()
	switch {
	case at.IsZero():
		found = append(found, finding{"note", fmt.Sprintf("sms gateway %s does not tell the time, so this clock was not held against it", name), "set time_server to have it held against one"})
	case off.Abs() > clockMost:
		way := "fast"
		if off < 0 {
			way = "slow"
		}
		found = append(found, finding{"fault", fmt.Sprintf("the clock of this machine is about %d seconds %s by that of sms gateway %s: codes of apps may fail", int(off.Abs().Seconds()+0.5), way, name),
			"check time synchronisation, as with timedatectl"})
	default:
		found = append(found, finding{"ok", fmt.Sprintf("the clock of this machine agrees with that of sms gateway %s", name), ""})
	}
	return found
}

// proxied tells of a proxy that the environment names and gateways do not use.
func proxied(c *config.Config) []finding {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		if os.Getenv(name) != "" && !c.OnlyOutbox() {
			return []finding{{"note", name + " is set, and gateways do not use it: they call their providers themselves", "let this machine reach them through the firewall"}}
		}
	}
	return nil
}
