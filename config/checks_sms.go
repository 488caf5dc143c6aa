package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// kinds are the kinds of gateways.
var kinds = map[string]bool{
	KindOutbox: true, KindHTTP: true, KindTwilio: true, KindVonage: true, KindSNS: true, KindSMPP: true,
}

var gatewayName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// regions are the countries and territories that have mobile numbers: those of
// ISO 3166 with an own numbering plan, and Ascension, Tristan da Cunha, Kosovo.
var regions = strings.Fields(`
	AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ
	BR BS BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO
	DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU
	GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW
	KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
	MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT
	PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA
	TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK
	YE YT ZA ZM ZW`)

// smsChecks are the rows of sms: each gateway, each country.
func (c *Config) smsChecks() []check {
	rows := countryChecks("sms.countries", c.SMS.Countries)
	for i, g := range c.SMS.Gateways {
		key := fmt.Sprintf("sms.gateways[%d]", i)
		rows = append(rows,
			check{key + ".name", func() (string, string) { return c.checkGatewayName(i) }, ""},
			check{key + ".kind", func() (string, string) { return checkKind(g) }, ""},
			check{key + ".kind", func() (string, string) { return c.checkOutbox(g) }, "url"},
			check{key + ".path", func() (string, string) { return checkPath(g) }, key + ".kind"},
		)
		rows = append(rows, countryChecks(key+".countries", g.Countries)...)
		rows = append(rows, countryChecks(key+".first_for", g.FirstFor)...)
		for j, country := range g.FirstFor {
			rows = append(rows, check{fmt.Sprintf("%s.first_for[%d]", key, j), func() (string, string) {
				if len(g.Countries) > 0 && !slices.Contains(g.Countries, country) {
					return country + " is not among the countries of this gateway", "add it there"
				}
				return "", ""
			}, key + ".countries"})
		}
		rows = append(rows, c.strayChecks(key, g)...)
		rows = append(rows, c.httpChecks(key, g)...)
		rows = append(rows, c.receiptChecks(key, g)...)
		rows = append(rows, c.twilioChecks(key, g)...)
		rows = append(rows, c.vonageChecks(key, g)...)
		rows = append(rows, c.snsChecks(key, g)...)
		rows = append(rows, c.smppChecks(key, g)...)
	}
	return rows
}

func (c *Config) checkGatewayName(i int) (problem, hint string) {
	name := c.SMS.Gateways[i].Name
	same := func(g Gateway) bool { return g.Name == name }
	switch {
	case name == "":
		return "is missing", "a short name, as main"
	case !gatewayName.MatchString(name):
		return quote(name) + " is not made of small letters, digits and hyphens", "at most 32, and a letter first"
	case slices.IndexFunc(c.SMS.Gateways, same) < i:
		return quote(name) + " is the name of another gateway", ""
	}
	return "", ""
}

func checkKind(g Gateway) (problem, hint string) {
	switch {
	case g.Kind == "":
		return "is missing", "write kind: http, or kind: outbox"
	case !kinds[g.Kind]:
		return quote(g.Kind) + " is not a kind of gateway", "write kind: http to call any provider; docs/operate/sms.md has all kinds"
	}
	return "", ""
}

// checkOutbox keeps codes from lying readable on a server that others use.
func (c *Config) checkOutbox(g Gateway) (problem, hint string) {
	if g.Kind == KindOutbox && !c.Loopback() && !c.Insecure {
		return "an outbox keeps codes readable in a file, and url is not loopback",
			"use another gateway, or insecure: true for a trial"
	}
	return "", ""
}

func checkPath(g Gateway) (problem, hint string) {
	switch {
	case g.Kind == KindOutbox && g.Path == "":
		return "is missing", "the file to append messages to, as path: ./outbox.jsonl"
	case g.Kind != KindOutbox && g.Path != "":
		return "belongs to gateways of kind outbox", "take the line out"
	}
	return "", ""
}

func countryChecks(key string, list []string) []check {
	var rows []check
	for i, code := range list {
		rows = append(rows, check{fmt.Sprintf("%s[%d]", key, i), func() (string, string) {
			if slices.Index(list, code) < i {
				return quote(code) + " is given twice", ""
			}
			return checkCountry(code)
		}, ""})
	}
	return rows
}

func checkCountry(code string) (problem, hint string) {
	if slices.Contains(regions, code) {
		return "", ""
	}
	hint = "two capital letters, as GB"
	if upper := strings.ToUpper(code); slices.Contains(regions, upper) {
		hint = "write " + upper
	} else if upper == "UK" {
		hint = "write GB"
	}
	return quote(code) + " is not a country that has mobile numbers", hint
}

func (c *Config) checkDefaultCountry() (problem, hint string) {
	if !c.OnlyOutbox() && !c.Declared("default_country") {
		return "is missing", "with a gateway that sends to real phones, say the country that numbers without + are read in"
	}
	if problem, hint = checkCountry(c.DefaultCountry); problem != "" {
		return problem, hint
	}
	if len(c.SMS.Countries) > 0 && !slices.Contains(c.SMS.Countries, c.DefaultCountry) {
		return c.DefaultCountry + " is not among sms.countries", "add it there, or give another default_country"
	}
	return "", ""
}
