package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxName      = 40
	maxShortName = 20 // in apps and text messages
)

// gsm7 are the characters that a text message holds in 7 bits; any other makes
// all of its characters take 16. Those that take two places are left out.
const gsm7 = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡" +
	"ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

var (
	colour = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
	phone  = regexp.MustCompile(`^\+?[0-9][0-9 ()/.-]{1,24}$`)
	sender = regexp.MustCompile(`^([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9 ]{0,9}[A-Za-z0-9]|\+[1-9][0-9]{6,14})$`)
)

// brandChecks are the rows of brand. All but the names may be empty.
func (c *Config) brandChecks() []check {
	b := c.Brand
	return []check{
		{"brand.app_name", c.checkAppName, "name"},
		{"brand.sms_name", c.checkSMSName, "name"},
		{"brand.logo_light", ending(b.LogoLight, ".svg", ".png"), ""},
		{"brand.logo_dark", ending(b.LogoDark, ".svg", ".png"), ""},
		{"brand.favicon", ending(b.Favicon, ".svg", ".png", ".ico"), ""},
		{"brand.accent", matching(b.Accent, colour, "a colour", `"#0B5E57", in quotes`), ""},
		{"brand.help_text", atMost(b.HelpText, 200), ""},
		{"brand.help_url", webAddress(b.HelpURL, true), ""},
		{"brand.help_phone", matching(b.HelpPhone, phone, "a telephone number", "+44 20 7946 0000"), ""},
		{"brand.sign_in_note", atMost(b.SignInNote, 300), ""},
		{"brand.privacy_url", webAddress(b.PrivacyURL, false), ""},
		{"brand.terms_url", webAddress(b.TermsURL, false), ""},
		{"brand.sms_sender", matching(b.SMSSender, sender, "a sender of text messages",
			"up to 11 letters and digits, or a number with +"), ""},
		{"brand.time_zone", c.checkZone, ""},
	}
}

func (c *Config) checkName() (problem, hint string) {
	if c.Name == "" {
		return "is empty", ""
	}
	return atMost(c.Name, maxName)()
}

// checkAppName: apps cut long names, and a colon ends the issuer in the
// address of a QR code.
func (c *Config) checkAppName() (problem, hint string) {
	name := c.AppName()
	switch {
	case c.Brand.AppName == "" && utf8.RuneCountInString(name) > maxShortName:
		return fmt.Sprintf("is missing: name has more than %d characters", maxShortName),
			"give a short one for authenticator apps"
	case strings.Contains(name, ":"):
		return fmt.Sprintf("%s holds a colon, which authenticator apps do not read", quote(name)),
			"give brand.app_name without one"
	}
	return atMost(name, maxShortName)()
}

func (c *Config) checkSMSName() (problem, hint string) {
	const short = "give a short one in plain letters for text messages"
	name := c.SMSName()
	odd := strings.IndexFunc(name, func(r rune) bool { return !strings.ContainsRune(gsm7, r) })
	switch {
	case c.Brand.SMSName == "" && utf8.RuneCountInString(name) > maxShortName:
		return fmt.Sprintf("is missing: name has more than %d characters", maxShortName), short
	case c.Brand.SMSName == "" && odd >= 0:
		return "is missing: name holds a character that text messages do not (GSM-7)", short
	case odd >= 0:
		r, _ := utf8.DecodeRuneInString(name[odd:])
		return fmt.Sprintf("holds %q, which text messages do not (GSM-7)", r), ""
	}
	return atMost(name, maxShortName)()
}

func (c *Config) checkZone() (problem, hint string) {
	if _, ok := readZone(c.Brand.TimeZone); !ok {
		return quote(c.Brand.TimeZone) + " is not a time zone", "write it as Europe/London, or UTC"
	}
	return "", ""
}

func atMost(text string, most int) func() (string, string) {
	return func() (string, string) {
		if n := utf8.RuneCountInString(text); n > most {
			return fmt.Sprintf("has %d characters, more than %d", n, most), ""
		}
		return "", ""
	}
}

func matching(text string, form *regexp.Regexp, what, like string) func() (string, string) {
	return func() (string, string) {
		if text != "" && !form.MatchString(text) {
			return quote(text) + " is not " + what, "write it as " + like
		}
		return "", ""
	}
}

func ending(name string, endings ...string) func() (string, string) {
	return func() (string, string) {
		if name != "" && !slices.Contains(endings, strings.ToLower(filepath.Ext(name))) {
			return fmt.Sprintf("%s does not end in %s", quote(filepath.Base(name)), strings.Join(endings, " or ")), ""
		}
		return "", ""
	}
}

// webAddress accepts what a link may hold, and so no javascript: and no data:.
func webAddress(text string, mail bool) func() (string, string) {
	return func() (string, string) {
		if text == "" {
			return "", ""
		}
		u, err := url.Parse(text)
		web := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
		post := mail && err == nil && u.Scheme == "mailto" && strings.Contains(u.Opaque, "@")
		switch {
		case web || post:
			return "", ""
		case mail:
			return quote(text) + " is not a web or mail address", "write it as https://… or mailto:…"
		}
		return quote(text) + " is not a web address", "write it as https://…"
	}
}
