package config

import (
	"strings"
	"testing"
)

const base = "url: https://a.test\n"

// Each row is a file and what is said of it: all of it, in this order.
var faulty = []struct {
	name string
	text string
	want []string
}{
	{"an empty file lacks the url", "", []string{"s.yaml: url: is missing (hint:"}},
	{"so does a file of comments", "# nothing\n\n", []string{"s.yaml: url: is missing"}},
	{"a file without keys", "- a\n- b\n", []string{"s.yaml:1: the file does not hold keys", "s.yaml: url: is missing"}},
	{"everything at once, with lines", `# line 1
url: ftp://a.test
nmae: Ada

policy:
  grace_days: 120
  # line 7
  require: perhaps
  enrol: [code]
  grace_dayz: 3
  recovery_text: yes
hashing: {memory: 8,
  time: "3"}
url: https://b.test
proxies:
  - 10.0.0.0/24
  - 10.0.0.1/24

  - nonsense
listen:
log: text
tls:
  cert_file: a.pem
brand:
  accent: #00FF00
  time_zone: Mars
  store_links: 1
`, []string{
		`s.yaml:2: url: "ftp://a.test" is not a web address (hint: `,
		`s.yaml:3: nmae: there is no such key (hint: did you mean name?)`,
		`s.yaml:6: policy.grace_days: 120 is not from 0 to 90`,
		`s.yaml:8: policy.require: "perhaps" is not required or optional`,
		`s.yaml:9: policy.enrol: wants one text`,
		`s.yaml:10: policy.grace_dayz: there is no such key (hint: did you mean policy.grace_days?)`,
		`s.yaml:11: policy.recovery_text: "yes" is not true or false`,
		`s.yaml:12: hashing.memory: 8 is not from 19456 to 262144`,
		`s.yaml:13: hashing.time: wants a whole number, not a text (hint: take the quotes away)`,
		`s.yaml:14: url: is given twice, first in line 2`,
		`s.yaml:17: proxies[1]: "10.0.0.1/24" is an address inside a network (hint: write 10.0.0.0/24)`,
		`s.yaml:19: proxies[2]: "nonsense" is not an address or network`,
		`s.yaml:20: listen: has no value`,
		`s.yaml:21: log: wants keys of its own`,
		`s.yaml:25: brand.accent: has no value (hint: take the line out; a value that begins with # needs quotes)`,
		`s.yaml:26: brand.time_zone: "Mars" is not a time zone`,
		`s.yaml:27: brand.store_links: "1" is not true or false`,
	}},
	{"a certificate without its key", base + "tls:\n  cert_file: a\n", []string{"s.yaml:3: tls.cert_file: is given without tls.key_file"}},
	{"a key without its certificate", base + "tls:\n  key_file: a\n", []string{"s.yaml:3: tls.key_file: is given without tls.cert_file"}},
	{"a certificate for http", "url: http://localhost\ntls: {cert_file: a, key_file: b}\n", []string{"s.yaml:2: tls.cert_file: is given, but url is http"}},

	{"a long name wants short ones, told at its line", base + "name: The Very Long Name Of A Portal\n", []string{
		"s.yaml:2: brand.app_name: is missing: name has more than 20 characters",
		"s.yaml:2: brand.sms_name: is missing: name has more than 20 characters"}},
	{"a name that text messages cannot hold", base + "name: Żółw\n", []string{"s.yaml:2: brand.sms_name: is missing: name holds a character that text messages do not (GSM-7)"}},
	{"a name too long for anything", base + "name: " + strings.Repeat("n", 41) + "\nbrand: {app_name: a, sms_name: a}\n", []string{"s.yaml:2: name: has 41 characters, more than 40"}},
	{"a name for texts with a character of two places", base + "brand:\n  sms_name: A€B\n", []string{`s.yaml:3: brand.sms_name: holds '€', which text messages do not`}},
	{"a colon ends the issuer", base + "name: 'A: B'\n", []string{`s.yaml:2: brand.app_name: "A: B" holds a colon`}},
	{"short names that are not", base + "brand:\n  app_name: " + strings.Repeat("a", 21) + "\n  sms_name: " + strings.Repeat("a", 21) + "\n",
		[]string{"s.yaml:3: brand.app_name: has 21", "s.yaml:4: brand.sms_name: has 21"}},
	{"no name", base + "name: ''\n", []string{"s.yaml:2: name: is empty"}},
	{"an unseen character", base + "name: \"A\\u202eB\"\n", []string{"s.yaml:2: name: holds a line break or a character that cannot be seen"}},
	{"two lines", base + "brand:\n  help_text: |\n    one\n    two\n", []string{"s.yaml:3: brand.help_text: holds a line break"}},
	{"a space at the end", base + "name: 'A '\n", []string{"s.yaml:2: name: begins or ends with a space"}},

	{"an outbox that others reach", base + "sms:\n  gateways:\n  - name: main\n    kind: outbox\n    path: o\n", []string{"s.yaml:5: sms.gateways[0].kind: an outbox keeps codes readable"}},
	{"kinds that are none, and the country they want", base + "sms:\n  gateways:\n    - name: main\n      kind: smtp\n    - name: Main\n      kind: pigeon\n    - name: main\n      path: x\n", []string{
		`s.yaml:5: sms.gateways[0].kind: "smtp" is not a kind of gateway`,
		`s.yaml:6: sms.gateways[1].name: "Main" is not made of small letters`,
		`s.yaml:7: sms.gateways[1].kind: "pigeon" is not a kind of gateway`,
		`s.yaml:8: sms.gateways[2].name: "main" is the name of another gateway`,
		`s.yaml:8: sms.gateways[2].kind: is missing`,
		`s.yaml: default_country: is missing`}},
	{"a gateway without anything", base + "sms:\n  gateways:\n    - {}\n    -\n    - text\n    - {user: x}\n", []string{
		"s.yaml:4: sms.gateways[0].name: is missing",
		"s.yaml:4: sms.gateways[0].kind: is missing",
		"s.yaml:5: sms.gateways[1]: has no value",
		"s.yaml:6: sms.gateways[2]: wants keys of its own",
		"s.yaml:7: sms.gateways[3].user: there is no such key",
		"s.yaml:7: sms.gateways[3].name: is missing",
		"s.yaml:7: sms.gateways[3].kind: is missing",
		"s.yaml: default_country: is missing"}},
	{"an outbox without a file", "url: http://localhost\nsms:\n  gateways:\n    - name: a\n      kind: outbox\n", []string{"s.yaml:4: sms.gateways[0].path: is missing"}},
	{"countries", base + "default_country: UK\nsms:\n  countries: [GB, gb, GB,\n    AQ]\n", []string{
		`s.yaml:2: default_country: "UK" is not a country that has mobile numbers (hint: write GB)`,
		`s.yaml:4: sms.countries[1]: "gb" is not a country that has mobile numbers (hint: write GB)`,
		`s.yaml:4: sms.countries[2]: "GB" is given twice`,
		`s.yaml:5: sms.countries[3]: "AQ" is not`}},
	{"a default country that is not allowed", base + "default_country: FR\nsms: {countries: [NO, SE]}\n", []string{"s.yaml:2: default_country: FR is not among sms.countries"}},
	{"a list that is none", base + "sms: {countries: US}\n", []string{"s.yaml:2: sms.countries: wants a list"}},

	{"no way to recover", base + "policy:\n  recovery_text: false\n  reset_code: false\n", []string{"s.yaml:4: policy.reset_code: leaves no way to recover"}},
	{"no number, so no way to recover", base + "policy:\n  phone: off\n  reset_code: false\n", []string{"s.yaml:4: policy.reset_code: leaves no way to recover"}},
	{"lengths of time", base + "policy:\n  session_idle: 2h\n  session_length: 25h\n  recovery_delay_people: -1h\n  recovery_delay_operators: 24\n", []string{
		"s.yaml:3: policy.session_idle: 2h is not from 5m to 1h",
		"s.yaml:4: policy.session_length: 25h is not from 5m to 24h",
		"s.yaml:5: policy.recovery_delay_people: -1h is not from 0s to 720h",
		`s.yaml:6: policy.recovery_delay_operators: "24" is not a length of time (hint: write a number and its unit`}},
	{"idle longer than the whole", base + "policy:\n  session_length: 30m\n", []string{"s.yaml:3: policy.session_length: session_idle (1h) is longer than session_length (30m)"}},
	{"hashing below the floor", base + "hashing:\n  memory: 19455\n  time: 1\n  threads: 0\n  parallel: 1\n", []string{
		"s.yaml:3: hashing.memory: 19455 is not from 19456", "s.yaml:4: hashing.time: 1 is not from 2",
		"s.yaml:5: hashing.threads: 0 is not from 1", "s.yaml:6: hashing.parallel: 1 is not 0, or from 2"}},
	{"numbers in other clothes", base + "policy: {grace_days: 014}\nhashing: {memory: 0x20000, time: 3.0, threads: 9999999999999999999, parallel: 1_0}\n", []string{
		`s.yaml:2: policy.grace_days: "014" is not a whole number`, `s.yaml:3: hashing.memory: "0x20000" is not`,
		`s.yaml:3: hashing.time: "3.0" is not`, `s.yaml:3: hashing.threads: "9999999999999999999" is not`, `s.yaml:3: hashing.parallel: "1_0" is not`}},

	{"every address a proxy", base + "proxies: [0.0.0.0/0, '::/0', 'fe80::1%eth0', '::ffff:10.0.0.0/104', '']\n", []string{
		`s.yaml:2: proxies[0]: "0.0.0.0/0" is every address`, `s.yaml:2: proxies[1]: "::/0" is every`,
		`s.yaml:2: proxies[2]: "fe80::1%eth0" is not`, `s.yaml:2: proxies[3]: `, `s.yaml:2: proxies[4]: "" is not`}},
	{"listen", base + "listen: 8080\n", []string{`s.yaml:2: listen: "8080" is not an address and port`}},
	{"a port too high", base + "listen: :65536\n", []string{`s.yaml:2: listen: ":65536" is not`}},
	{"log", base + "log: {format: xml, level: loud}\n", []string{`s.yaml:2: log.format: "xml" is not text or json`, `s.yaml:2: log.level: "loud" is not debug, info, warn or error`}},
	{"folders", base + "data: ''\nkey_file: ''\n", []string{"s.yaml:2: data: is empty", "s.yaml:3: key_file: is empty"}},
	{"a brand of nonsense", base + `brand:
  accent: "#12345"
  logo_light: logo.gif
  favicon: icon
  help_url: javascript:alert(1)
  privacy_url: mailto:a@b.test
  terms_url: /terms
  help_phone: call us
  sms_sender: TwelveLetter
  time_zone: Local
`, []string{"3: brand.accent", `4: brand.logo_light: "logo.gif" does not end in .svg or .png`, "5: brand.favicon", "6: brand.help_url", "7: brand.privacy_url",
		"8: brand.terms_url", "9: brand.help_phone", "10: brand.sms_sender", "11: brand.time_zone"}},
	{"a database that is none keeps its password", base + "database: mysql://u:hunter2@h/d\n", []string{"s.yaml:2: database: is not a postgres:// address"}},
	{"and so does one that cannot be read", base + "database: \"postgres://u:hunter2@h:port/d\"\n", []string{"s.yaml:2: database: is not a postgres:// address"}},
}

func TestAllFaultsAreToldAtOnceWithTheirLines(t *testing.T) {
	for _, row := range faulty {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.text), "s.yaml", nil)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the secret is shown")
			}
			got := strings.Split(err.Error(), "\n")
			for i := range max(len(got), len(row.want)) {
				switch {
				case i >= len(got):
					t.Errorf("not told: %s", row.want[i])
				case i >= len(row.want):
					t.Errorf("told besides: %s", got[i])
				case !strings.Contains(got[i], row.want[i]):
					t.Errorf("told:   %s\nwanted: %s", got[i], row.want[i])
				}
			}
		})
	}
}

func TestThousandsOfFaultsArePrintedInPart(t *testing.T) {
	_, err := Parse([]byte(base+strings.Repeat("x: 1\n", 2000)), "s.yaml", nil)
	if n := strings.Count(err.Error(), "\n"); n != maxPrinted {
		t.Errorf("%d lines", n)
	}
	if !strings.HasSuffix(err.Error(), "s.yaml: and 1900 more") {
		t.Errorf("it ends: %s", err.Error()[len(err.Error())-40:])
	}
}
