package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// check is one row of the table: what must hold of a key. It is skipped when
// the key, or the key it builds on, has a fault already; where the key itself
// was not given, the fault stands at the one it builds on.
type check struct {
	key    string
	test   func() (problem, hint string)
	builds string
}

// check runs the whole table and places each fault where its key was given.
func (r *reader) check() {
	for _, c := range r.config.checks() {
		if r.isBad(c.key) || c.builds != "" && r.isBad(c.builds) {
			continue
		}
		if problem, hint := c.test(); problem != "" {
			r.fault(c.key, cmp.Or(r.placeOf(c.key), r.placeOf(c.builds)), problem, hint)
		}
	}
}

// isBad says whether a key or the list it stands in has a fault.
func (r *reader) isBad(key string) bool {
	for key != "" {
		if r.bad[key] {
			return true
		}
		key = above(key)
	}
	return false
}

// placeOf is where a key was given, else the item or list it belongs to.
func (r *reader) placeOf(key string) place {
	for key != "" {
		if p, ok := r.config.places[key]; ok {
			return p
		}
		key = above(key)
	}
	return place{}
}

// above is the item of a key, or the list of an item: "a[0].b", "a[0]", "a".
func above(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

// checks is the table. Its order is the struct's.
func (c *Config) checks() []check {
	rows := []check{
		{"url", c.checkURL, ""},
		{"name", c.checkName, ""},
		{"listen", c.checkListen, ""},
		{c.givenOf("tls.cert_file", "tls.key_file"), c.checkTLS, "url"},
		{"data", notEmpty(c.Data), ""},
		{c.givenOf("database", "database_file"), c.checkDatabase, ""},
		{"key_file", notEmpty(c.KeyFile), ""},
		{"default_country", c.checkDefaultCountry, ""},

		{"policy.require", oneOf(c.Policy.Require, Required, Optional), ""},
		{"policy.grace_days", between(c.Policy.GraceDays, 0, 90), ""},
		{"policy.enrol", oneOf(c.Policy.Enrol, EnrolPassword, EnrolInvitation, EnrolCode), ""},
		{"policy.phone", oneOf(c.Policy.Phone, Required, Optional, Off), ""},
		{c.givenOf("policy.reset_code", "policy.recovery_text"), c.checkRecovery, ""},
		{"policy.recovery_delay_people", within(c.Policy.RecoveryDelayPeople, 0, 30*24*time.Hour), ""},
		{"policy.recovery_delay_operators", within(c.Policy.RecoveryDelayOperators, 0, 30*24*time.Hour), ""},
		{"policy.session_idle", within(c.Policy.SessionIdle, 5*time.Minute, time.Hour), ""},
		{"policy.session_length", within(c.Policy.SessionLength, 5*time.Minute, 24*time.Hour), ""},
		{c.givenOf("policy.session_length", "policy.session_idle"), c.checkSession, "policy.session_idle"},

		// PW-09: never below; and what person.Params does not bear no portal starts with.
		{"hashing.memory", between(c.Hashing.Memory, 19456, 256<<10), ""},
		{"hashing.time", between(c.Hashing.Time, 2, 10), ""},
		{"hashing.threads", between(c.Hashing.Threads, 1, 64), ""},
		{"hashing.parallel", c.checkParallel, ""},
		{"metrics", c.checkMetrics, ""},
		{"log.format", oneOf(c.Log.Format, "text", "json"), ""},
		{"log.level", oneOf(c.Log.Level, "debug", "info", "warn", "error"), ""},
	}
	for i, text := range c.Proxies {
		rows = append(rows, check{fmt.Sprintf("proxies[%d]", i), func() (string, string) {
			_, problem, hint := readPrefix(text)
			return problem, hint
		}, ""})
	}
	return slices.Concat(rows, c.smsChecks(), c.priceChecks(), c.mailChecks(), c.appChecks(), c.brandChecks())
}

// givenOf is the key of two that was given, the first when both or none were.
func (c *Config) givenOf(first, second string) string {
	if !c.Declared(first) && c.Declared(second) {
		return second
	}
	return first
}

func notEmpty(text string) func() (string, string) {
	return func() (string, string) {
		if text == "" {
			return "is empty", ""
		}
		return "", ""
	}
}

func oneOf(text string, words ...string) func() (string, string) {
	return func() (string, string) {
		if slices.Contains(words, text) {
			return "", ""
		}
		last := len(words) - 1
		return fmt.Sprintf("%s is not %s or %s", quote(text), strings.Join(words[:last], ", "), words[last]), ""
	}
}

func between(n, least, most int) func() (string, string) {
	return func() (string, string) {
		if n < least || n > most {
			return fmt.Sprintf("%d is not from %d to %d", n, least, most), ""
		}
		return "", ""
	}
}

func within(d, least, most time.Duration) func() (string, string) {
	return func() (string, string) {
		if d < least || d > most {
			return fmt.Sprintf("%s is not from %s to %s", short(d), short(least), short(most)), ""
		}
		return "", ""
	}
}

// short prints 24h and 5m without their zeros.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (c *Config) checkURL() (problem, hint string) {
	if c.URL == "" {
		return "is missing", "write the address that people will type, as https://login.example.org"
	}
	_, problem, hint = readOrigin(c.URL)
	return problem, hint
}

func (c *Config) checkListen() (problem, hint string) {
	host, number, err := net.SplitHostPort(c.Listen)
	if err != nil || !port(number, 0) {
		return quote(c.Listen) + " is not an address and port", "write it as 127.0.0.1:8080, or :8080 for every address"
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostName(strings.ToLower(host)) {
		return quote(host) + " is not an address of this machine", ""
	}
	return "", ""
}

func (c *Config) checkTLS() (problem, hint string) {
	switch {
	case c.TLS.CertFile == "" && c.TLS.KeyFile == "":
		return "", ""
	case c.TLS.KeyFile == "":
		return "is given without tls.key_file", "give both, or none behind a proxy that ends https"
	case c.TLS.CertFile == "":
		return "is given without tls.cert_file", "give both, or none behind a proxy that ends https"
	case !c.HTTPS():
		return "is given, but url is http", "write url with https"
	}
	return "", ""
}

func (c *Config) checkDatabase() (problem, hint string) {
	if c.Database == "" && c.DatabaseFile == "" {
		return "", ""
	}
	// The error of url.Parse would show the password.
	u, err := url.Parse(c.Database.Reveal())
	if err != nil || u.Opaque != "" || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "is not a postgres:// address", "write it as postgres://user:password@host/name"
	}
	return "", ""
}

func (c *Config) checkRecovery() (problem, hint string) {
	if !c.Policy.ResetCode && (!c.Policy.RecoveryText || c.Policy.Phone == Off) {
		return "leaves no way to recover: at least one must stay on",
			"recovery_text with a mobile number, or reset_code"
	}
	return "", ""
}

func (c *Config) checkSession() (problem, hint string) {
	if c.Policy.SessionIdle > c.Policy.SessionLength {
		return fmt.Sprintf("session_idle (%s) is longer than session_length (%s)",
			short(c.Policy.SessionIdle), short(c.Policy.SessionLength)), ""
	}
	return "", ""
}

func (c *Config) checkParallel() (problem, hint string) {
	if n := c.Hashing.Parallel; n != 0 && (n < 2 || n > 1024) {
		return fmt.Sprintf("%d is not 0, or from 2 to 1024", n), "0 is one per core"
	}
	return "", ""
}
