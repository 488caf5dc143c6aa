package config

import "regexp"

var vonageKey = regexp.MustCompile(`^[0-9A-Za-z]{4,64}$`)

// vonageChecks are the rows of what a vonage gateway needs.
func (c *Config) vonageChecks(key string, g Gateway) []check {
	if g.Kind != KindVonage {
		return nil
	}
	return []check{
		{key + ".account", needed(g.Account, vonageKey, "an API key", "abcd1234"), key + ".kind"},
		{key + ".secret_file", secretNeeded(g.SecretFile, "the API secret"), key + ".kind"},
		{key + ".address", g.checkAPI, key + ".kind"},
		{key + ".kind", c.checkSender, "brand.sms_sender"},
	}
}
