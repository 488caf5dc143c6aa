package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// origin is the address of a portal in its parts, as browsers write them: small
// letters, and no port where it is the scheme's own.
type origin struct {
	scheme, name, port string
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// readOrigin takes an address apart, or says why it cannot be one of a portal.
func readOrigin(text string) (o origin, problem, hint string) {
	const like = "write it as https://login.example.org"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return o, quote(text) + " is not a web address", like
	case u.User != nil:
		return o, "holds a name or password", like
	case u.Path != "" && u.Path != "/":
		return o, "has a path: a portal has a host of its own", like
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return o, "has a query or fragment", like
	}
	o = origin{u.Scheme, strings.ToLower(u.Hostname()), u.Port()}
	if !hostName(o.name) || strings.HasSuffix(u.Host, ":") || o.port != "" && !port(o.port, 1) {
		return o, quote(u.Host) + " is not a host that browsers can reach", "write names with other letters in their xn-- form"
	}
	if a, err := netip.ParseAddr(o.name); err == nil {
		o.name = a.String() // the short form of an IPv6 address, as browsers send it
	}
	if o.scheme == "https" && o.port == "443" || o.scheme == "http" && o.port == "80" {
		o.port = ""
	}
	if o.scheme == "http" && !o.loopback() {
		return o, "is http: passwords and codes would travel readable",
			"use https; http is for localhost, 127.0.0.1 and [::1]"
	}
	return o, "", ""
}

// hostName accepts addresses and names. A name whose last label is a number is
// an address in disguise to browsers (127.1, 0x7f.1), so it is refused.
func hostName(name string) bool {
	if a, err := netip.ParseAddr(name); err == nil {
		return a.Zone() == "" && !a.Is4In6()
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	last := labels[len(labels)-1]
	number := strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
	return !number && len(name) <= 253
}

// port accepts the number of a port from least on, without leading zeros.
func port(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least && strconv.FormatUint(n, 10) == text
}

// loopback tells names and addresses that never leave the machine.
func (o origin) loopback() bool {
	if a, err := netip.ParseAddr(o.name); err == nil {
		return a.IsLoopback()
	}
	return o.name == "localhost" || strings.HasSuffix(o.name, ".localhost")
}

// host is the host with its port, as browsers send it.
func (o origin) host() string {
	name := o.name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if o.port != "" {
		return name + ":" + o.port
	}
	return name
}

// String is the address without a slash at its end, or "" of no origin.
func (o origin) String() string {
	if o.name == "" {
		return ""
	}
	return o.scheme + "://" + o.host()
}
