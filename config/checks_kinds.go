package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// keysOf are the keys that only some kinds of gateways have.
var keysOf = map[string][]string{
	"account":     {KindTwilio, KindVonage, KindSNS},
	"secret_file": {KindTwilio, KindVonage, KindSNS},
	"service":     {KindTwilio},
	"region":      {KindSNS},
	"address":     {KindHTTP, KindTwilio, KindVonage, KindSNS, KindSMPP},
	"ca_file":     {KindHTTP, KindTwilio, KindVonage, KindSNS, KindSMPP},

	"method": {KindHTTP}, "headers": {KindHTTP}, "body": {KindHTTP}, "secrets": {KindHTTP},
	"ok_status": {KindHTTP}, "ok_field": {KindHTTP}, "ok_values": {KindHTTP}, "ref_field": {KindHTTP},
	"refused_status": {KindHTTP}, "refused_field": {KindHTTP}, "refused_values": {KindHTTP},

	"system_id": {KindSMPP}, "password_file": {KindSMPP}, "system_type": {KindSMPP}, "tls": {KindSMPP}, "window": {KindSMPP},

	"receipt_secret_file": {KindHTTP, KindVonage},
	"receipt_ref_field":   {KindHTTP}, "receipt_id_field": {KindHTTP}, "receipt_state_field": {KindHTTP},
	"receipt_reason_field": {KindHTTP}, "receipt_states": {KindHTTP},
}

// strayChecks are the rows of keys that belong to other kinds.
func (c *Config) strayChecks(key string, g Gateway) (rows []check) {
	for _, name := range slices.Sorted(maps.Keys(keysOf)) {
		owners := keysOf[name]
		if c.Declared(key+"."+name) && !slices.Contains(owners, g.Kind) {
			rows = append(rows, check{key + "." + name, func() (string, string) {
				return "belongs to gateways of kind " + strings.Join(owners, ", "), "take it out"
			}, key + ".kind"})
		}
	}
	return rows
}

// apis are where the providers answer that are called by name.
var apis = map[string]string{
	KindTwilio: "https://api.twilio.com", KindVonage: "https://api.nexmo.com", KindSNS: "https://sns.%s.amazonaws.com",
}

// Origin is the scheme and host that a gateway calls.
func (g Gateway) Origin() string {
	if api := apis[g.Kind]; api != "" && g.Address == "" {
		if g.Kind == KindSNS {
			return fmt.Sprintf(api, g.Region)
		}
		return api
	}
	o, _, _ := g.origin()
	return o.String()
}

// checkAPI accepts an address in the place of the provider's own.
func (g Gateway) checkAPI() (problem, hint string) {
	if g.Address == "" {
		return "", ""
	}
	o, problem, hint := g.origin()
	if rest, found := strings.CutPrefix(strings.ToLower(g.Address), o.String()); problem == "" && (!found || strings.Trim(rest, "/") != "") {
		return "has more than a scheme and a host", "the rest is known; write it as https://api.example.org, or take it out"
	}
	return problem, hint
}

// checkSender: without a sender the provider would refuse each message.
func (c *Config) checkSender() (problem, hint string) {
	if c.Brand.SMSSender == "" {
		return "has no sender", "set brand.sms_sender to the name or number that the provider lets you send from"
	}
	return "", ""
}

// needed is a check of a text that must be there in some form.
func needed(text string, form interface{ MatchString(string) bool }, what, like string) func() (string, string) {
	return func() (string, string) {
		switch {
		case text == "":
			return "is missing", what + ", as " + like
		case !form.MatchString(text):
			return "is not " + what, "write it as " + like
		}
		return "", ""
	}
}

// secretNeeded is a check of the name of a file that a kind cannot be without.
func secretNeeded(file, holds string) func() (string, string) {
	return func() (string, string) {
		if file == "" {
			return "is missing", "the file that holds " + holds
		}
		return "", ""
	}
}

// Secret is what stands in secret_file, for the gateway that has to use it.
func (g Gateway) Secret() Secret { return valueOf(g.secret) }

// ReceiptSecret is what stands in receipt_secret_file, or "".
func (g Gateway) ReceiptSecret() Secret { return valueOf(g.receiptSecret) }

func valueOf(s *Secret) Secret {
	if s == nil {
		return ""
	}
	return *s
}

// SecretFiles are the files of a gateway that nobody else should read.
func (g Gateway) SecretFiles() (files []string) {
	for _, s := range g.Secrets {
		files = append(files, s.File)
	}
	for _, file := range []string{g.SecretFile, g.ReceiptSecretFile, g.PasswordFile} {
		if file != "" {
			files = append(files, file)
		}
	}
	return files
}

// gatewaySecrets reads the secrets of gateways from their files.
func (r *reader) gatewaySecrets() {
	for i := range r.config.SMS.Gateways {
		g, key := &r.config.SMS.Gateways[i], fmt.Sprintf("sms.gateways[%d]", i)
		for j := range g.Secrets {
			g.Secrets[j].value = r.secretIn(fmt.Sprintf("%s.secrets[%d].file", key, j), g.Secrets[j].File)
		}
		g.secret = r.secretIn(key+".secret_file", g.SecretFile)
		g.receiptSecret = r.secretIn(key+".receipt_secret_file", g.ReceiptSecretFile)
		g.password = r.secretIn(key+".password_file", g.PasswordFile)
	}
}

// secretIn reads the file that a key names; nil where none is named.
func (r *reader) secretIn(key, file string) *Secret {
	if file == "" || r.isBad(key) {
		return nil
	}
	secret, err := readSecret(file)
	if err != nil {
		r.fault(key, r.placeOf(key), quote(file)+" cannot be read: "+err.Error(), unread(err, file))
	}
	return &secret
}
