package config

import (
	"net/netip"
	"strings"
	"time"
	_ "time/tzdata" // a zone must mean the same on a machine without zone files
)

// origin is the address in its parts; the zero origin when url is no good.
func (c *Config) origin() origin {
	o, problem, _ := readOrigin(c.URL)
	if problem != "" {
		return origin{}
	}
	return o
}

// Host returns the host of url with its port, as browsers send it in Host: no
// port where it is 443 of https or 80 of http.
func (c *Config) Host() string { return c.origin().host() }

// Hostname returns the host of url without port and brackets.
func (c *Config) Hostname() string { return c.origin().name }

// HTTPS says whether people reach the portal by https, whoever ends it.
func (c *Config) HTTPS() bool { return c.origin().scheme == "https" }

// Loopback says whether url can be reached from this machine alone.
func (c *Config) Loopback() bool { return c.origin().loopback() }

// OnlyOutbox says whether no gateway is set that sends to real phones; it is
// true without any gateway.
func (c *Config) OnlyOutbox() bool {
	for _, g := range c.SMS.Gateways {
		if g.Kind != KindOutbox {
			return false
		}
	}
	return true
}

// AppName returns the name of the portal in authenticator apps.
func (c *Config) AppName() string {
	if c.Brand.AppName != "" {
		return c.Brand.AppName
	}
	return c.Name
}

// SMSName returns the name of the portal in text messages.
func (c *Config) SMSName() string {
	if c.Brand.SMSName != "" {
		return c.Brand.SMSName
	}
	return c.Name
}

// Countries returns the countries that text messages may be sent to; nil is all
// countries, and only while no gateway sends to real phones.
func (c *Config) Countries() []string {
	switch {
	case len(c.SMS.Countries) > 0:
		return c.SMS.Countries
	case c.OnlyOutbox():
		return nil
	}
	return []string{c.DefaultCountry}
}

// Prefixes returns the addresses and networks of proxies.
func (c *Config) Prefixes() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range c.Proxies {
		if p, problem, _ := readPrefix(text); problem == "" {
			all = append(all, p)
		}
	}
	return all
}

// readPrefix reads an address or a network.
func readPrefix(text string) (p netip.Prefix, problem, hint string) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), "", ""
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return p, quote(text) + " is not an address or network", "write it as 10.0.0.7 or 10.0.0.0/24"
	case p.Bits() == 0:
		return p, quote(text) + " is every address: anyone could pretend to be anyone", "name the proxies alone"
	case p.Masked() != p:
		return p, quote(text) + " is an address inside a network", "write " + p.Masked().String()
	}
	return p, "", ""
}

// Location returns the zone of times in pages and messages.
func (c *Config) Location() *time.Location {
	if zone, ok := readZone(c.Brand.TimeZone); ok {
		return zone
	}
	return time.UTC
}

// readZone loads a zone by its name; "Local" would differ from machine to machine.
func readZone(name string) (*time.Location, bool) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// Declared says whether a key, as "policy.grace_days", was given in the file or
// the environment; such a key cannot be changed elsewhere.
func (c *Config) Declared(key string) bool {
	_, ok := c.places[key]
	return ok
}
