package config

import "regexp"

var (
	twilioAccount = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	twilioService = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
)

// twilioChecks are the rows of what a twilio gateway needs.
func (c *Config) twilioChecks(key string, g Gateway) []check {
	if g.Kind != KindTwilio {
		return nil
	}
	return []check{
		{key + ".account", needed(g.Account, twilioAccount, "an Account SID", "AC and 32 small letters and digits"), key + ".kind"},
		{key + ".secret_file", secretNeeded(g.SecretFile, "the Auth Token"), key + ".kind"},
		{key + ".service", matching(g.Service, twilioService, "a Messaging Service", "MG and 32 small letters and digits"), key + ".kind"},
		{key + ".address", g.checkAPI, key + ".kind"},
		{key + ".kind", func() (string, string) {
			if g.Service != "" {
				return "", ""
			}
			return c.checkSender()
		}, "brand.sms_sender"},
	}
}
