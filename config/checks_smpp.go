package config

import (
	"net"
	"regexp"
	"strings"
)

var (
	smppName = regexp.MustCompile(`^[!-~]{1,63}$`)
	smppType = regexp.MustCompile(`^[!-~]{1,12}$`)
)

const windowMost = 255

// smppChecks are the rows of one gateway: what an smpp gateway needs.
func (c *Config) smppChecks(key string, g Gateway) (rows []check) {
	add := func(name string, test func() (string, string)) {
		rows = append(rows, check{key + "." + name, test, key + ".kind"})
	}
	if g.Kind != KindSMPP {
		return nil
	}
	add("address", func() (string, string) { return checkHostPort(g.Address) })
	add("system_id", func() (string, string) {
		if g.SystemID == "" {
			return "is missing", "the name of your account at the provider"
		}
		return matching(g.SystemID, smppName, "the name of an account", "it was given to you: letters, digits and signs, at most 63")()
	})
	add("password_file", func() (string, string) {
		switch {
		case g.PasswordFile == "":
			return "is missing", "the file that holds the password of system_id, and nothing else"
		case g.Password() != "" && !smppName.MatchString(g.Password()):
			return "holds a password that SMPP cannot say", "at most 63 letters, digits and signs, without spaces"
		}
		return "", ""
	})
	add("system_type", matching(g.SystemType, smppType, "a system type", "it was given to you: at most 12 letters, digits and signs"))
	if c.Declared(key + ".window") {
		add("window", between(g.Window, 1, windowMost))
	}
	if !g.TLS && c.Declared(key+".ca_file") {
		add("ca_file", func() (string, string) { return "is given without TLS", "write tls: true beside it" })
	}
	return rows
}

// checkHostPort says what is wrong with host:port. The text is not quoted: people
// put passwords into addresses.
func checkHostPort(address string) (problem, hint string) {
	const like = "write it as smsc.example.org:2775"
	host, number, err := net.SplitHostPort(address)
	switch {
	case address == "":
		return "is missing", like
	case err != nil || !hostName(strings.ToLower(host)) && net.ParseIP(host) == nil:
		return "is not a host with a port", like
	case !port(number, 1):
		return "has no port from 1 to 65535", like
	}
	return "", ""
}

// Password is that of an smpp gateway.
func (g Gateway) Password() string { return valueOf(g.password).Reveal() }
