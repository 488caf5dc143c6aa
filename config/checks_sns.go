package config

import (
	"regexp"
	"strings"
)

var (
	accessKey = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)
	region    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}$`)
)

// snsChecks are the rows of what an sns gateway needs. It may go without a sender:
// Amazon then takes a number of its own where the country lets it.
func (c *Config) snsChecks(key string, g Gateway) []check {
	if g.Kind != KindSNS {
		return nil
	}
	return []check{
		{key + ".account", needed(g.Account, accessKey, "an access key ID", "AKIAIOSFODNN7EXAMPLE"), key + ".kind"},
		{key + ".secret_file", secretNeeded(g.SecretFile, "the secret access key"), key + ".kind"},
		{key + ".region", needed(g.Region, region, "a region", "eu-west-1"), key + ".kind"},
		{key + ".address", g.checkAPI, key + ".kind"},
		{key + ".kind", c.checkSenderID, "brand.sms_sender"},
	}
}

// checkSenderID: Amazon refuses each message from a name that it does not take.
func (c *Config) checkSenderID() (problem, hint string) {
	name := c.Brand.SMSSender
	switch {
	case name == "" || strings.HasPrefix(name, "+"):
		return "", ""
	case strings.Contains(name, " "):
		return "takes no sender with a space", "write brand.sms_sender without one"
	case !strings.ContainsFunc(name, func(r rune) bool { return r > '9' }):
		return "takes no sender without a letter", "give brand.sms_sender a letter, or write a number with its +"
	}
	return "", ""
}
