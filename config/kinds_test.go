package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ofKind is a settings file with one gateway, whose lines stand from line 8 on.
func ofKind(lines ...string) string {
	return "url: https://a.test\ndefault_country: GB\nbrand: {sms_sender: ACME}\nsms:\n  gateways:\n    - name: main\n      " + strings.Join(lines, "\n      ") + "\n"
}

const sid = "00000000000000000000000000000000"

// named are gateways without faults that are called by their provider's name.
var named = map[string][]string{
	"twilio": {"kind: twilio", "account: AC" + sid, "secret_file: provider.key", "service: MG" + sid, "address: https://api.dublin.ie1.twilio.com/", "ca_file: ca.pem"},
	"vonage": {"kind: vonage", "account: abcd1234", "secret_file: provider.key", "receipt_secret_file: receipts.key"},
	"sns":    {"kind: sns", "account: AKIAIOSFODNN7EXAMPLE", "secret_file: provider.key", "region: us-gov-west-1"},
	"http": {"kind: http", "address: https://api.example.org", "headers: ['Content-Type: application/json']", "body: '[{{json .To}}, {{json .Text}}]'", "ref_field: id",
		"receipt_secret_file: receipts.key", "receipt_ref_field: results.0.id", "receipt_id_field: ref", "receipt_state_field: status", "receipt_reason_field: err",
		"receipt_states: [DELIVRD delivered, 'not delivered undelivered', STOP opted-out]"},
}

func TestGatewaysOfANamedKindAreReadWhole(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "provider.key"), "hunter2\n")
	write(t, filepath.Join(folder, "receipts.key"), "hunter2 for receipts\n")
	origins := map[string]string{"twilio": "https://api.dublin.ie1.twilio.com", "vonage": "https://api.nexmo.com", "sns": "https://sns.us-gov-west-1.amazonaws.com", "http": "https://api.example.org"}
	for kind, lines := range named {
		c, err := Parse([]byte(ofKind(lines...)), filepath.Join(folder, "s.yaml"), nil)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		g := c.SMS.Gateways[0]
		secret := map[bool]string{true: "", false: "hunter2"}[kind == "http"]
		receipts := map[bool]string{true: "hunter2 for receipts", false: ""}[kind == "http" || kind == "vonage"]
		if g.Origin() != origins[kind] || g.Secret().Reveal() != secret || g.ReceiptSecret().Reveal() != receipts {
			t.Errorf("%s: %s %+v", kind, g.Origin(), g)
		}
		if n := len(g.SecretFiles()); n != map[string]int{"twilio": 1, "vonage": 2, "sns": 1, "http": 1}[kind] || slices.Contains(g.SecretFiles(), "") {
			t.Errorf("%s: secrets in %v", kind, g.SecretFiles())
		}
		if kind == "http" && fmt.Sprint(g.States()) != "map[DELIVRD:delivered STOP:opted-out not delivered:undelivered]" {
			t.Errorf("the states are %v", g.States())
		}
		var log strings.Builder
		for _, v := range []any{c, *c, g, &g} {
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
			fmt.Fprintf(&log, "%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v)
			if encoded, err := json.Marshal(v); err == nil {
				log.Write(encoded)
			}
		}
		if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s: a secret shows itself", kind)
		}
	}
}

func TestFaultsOfNamedKindsAreToldWithTheirLines(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "provider.key"), "hunter2\n")
	write(t, filepath.Join(folder, "receipts.key"), "hunter2 for receipts\n")
	but := func(kind string, changes ...string) []string {
		lines := slices.Clone(named[kind])
		for _, change := range changes {
			key, value, _ := strings.Cut(change, ":")
			at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, key+":") })
			switch {
			case at < 0:
				lines = append(lines, change)
			case value == "":
				lines = slices.Delete(lines, at, at+1)
			default:
				lines[at] = change
			}
		}
		return lines
	}
	for _, row := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"twilio alone", []string{"kind: twilio"}, []string{"6: sms.gateways[0].account: is missing", "6: sms.gateways[0].secret_file: is missing"}},
		{"not an account", but("twilio", "account: SK"+sid), []string{"8: sms.gateways[0].account: is not an Account SID"}},
		{"not a service", but("twilio", "service: AC"+sid), []string{`10: sms.gateways[0].service: "AC` + sid + `" is not a Messaging Service`}},
		{"a path", but("twilio", "address: https://api.twilio.com/2010-04-01"), []string{"11: sms.gateways[0].address: has more than a scheme and a host"}},
		{"a query", but("twilio", "address: https://api.twilio.com?a=b"), []string{"11: sms.gateways[0].address: has more than a scheme and a host"}},
		{"a blank", but("twilio", "address: https://api.twilio.com/{{.To}}"), []string{"11: sms.gateways[0].address: has more than a scheme and a host"}},
		{"a password", but("twilio", "address: https://ada:hunter2@api.twilio.com"), []string{"11: sms.gateways[0].address: holds a name or password"}},
		{"http", but("twilio", "address: http://api.twilio.com"), []string{"11: sms.gateways[0].address: is http: "}},
		{"a file that is not there", but("twilio", "secret_file: nowhere"), []string{`9: sms.gateways[0].secret_file: "`}},
		{"a region", but("twilio", "region: eu-west-1"), []string{"13: sms.gateways[0].region: belongs to gateways of kind sns (hint: take it out)"}},
		{"a body", but("twilio", "body: x"), []string{"13: sms.gateways[0].body: belongs to gateways of kind http (hint: take it out)"}},
		{"its receipts are signed with its token", but("twilio", "receipt_secret_file: receipts.key"), []string{"13: sms.gateways[0].receipt_secret_file: belongs to gateways of kind http, vonage"}},
		{"vonage alone", []string{"kind: vonage"}, []string{"6: sms.gateways[0].account: is missing", "6: sms.gateways[0].secret_file: is missing"}},
		{"not a key", but("vonage", "account: 'a b'"), []string{"8: sms.gateways[0].account: is not an API key"}},
		{"a service", but("vonage", "service: MG"+sid), []string{"11: sms.gateways[0].service: belongs to gateways of kind twilio"}},
		{"sns alone", []string{"kind: sns"}, []string{"6: sms.gateways[0].account: is missing", "6: sms.gateways[0].secret_file: is missing", "6: sms.gateways[0].region: is missing"}},
		{"not a region", but("sns", "region: eu-west-1.evil.example"), []string{"10: sms.gateways[0].region: is not a region"}},
		{"an outbox has none", []string{"kind: outbox", "path: x", "account: x", "secret_file: provider.key", "address: https://a.test\ninsecure: true"}, []string{
			"9: sms.gateways[0].account: belongs to gateways of kind twilio, vonage, sns",
			"10: sms.gateways[0].secret_file: belongs", "11: sms.gateways[0].address: belongs to gateways of kind http, twilio"}},

		{"receipts without a secret", but("http", "receipt_secret_file:"), []string{
			"12: sms.gateways[0].receipt_ref_field: is given without receipt_secret_file", "13: sms.gateways[0].receipt_id_field: is given", "14: sms.gateways[0].receipt_state_field: is given",
			"15: sms.gateways[0].receipt_reason_field: is given", "16: sms.gateways[0].receipt_states: is given"}},
		{"a secret that can be guessed", but("http", "receipt_secret_file: provider.key"), []string{"12: sms.gateways[0].receipt_secret_file: holds a secret of 7 characters, fewer than 16"}},
		{"no message could be found", but("http", "receipt_ref_field:", "receipt_id_field:"), []string{"6: sms.gateways[0].receipt_ref_field: is missing"}},
		{"no name of theirs is known", but("http", "ref_field:"), []string{"12: sms.gateways[0].receipt_ref_field: is given without ref_field"}},
		{"no state", but("http", "receipt_state_field:", "receipt_states:"), []string{"6: sms.gateways[0].receipt_state_field: is missing", "6: sms.gateways[0].receipt_states: is missing"}},
		{"states", but("http", "receipt_states: [DELIVRD, A lost, DELIVRD delivered, DELIVRD away, ' sent']"), []string{
			`17: sms.gateways[0].receipt_states[4]: begins or ends with a space`, `17: sms.gateways[0].receipt_states[0]: "DELIVRD" does not end in what it means`, `17: sms.gateways[0].receipt_states[1]: "A lost" does not`,
			`17: sms.gateways[0].receipt_states[3]: "DELIVRD" is given twice`}},
		{"paths", but("http", "receipt_ref_field: a..b", "receipt_id_field: a b", "receipt_reason_field: .", "receipt_state_field: a."), []string{
			"13: sms.gateways[0].receipt_ref_field: ", "14: sms.gateways[0].receipt_id_field: ", "15: sms.gateways[0].receipt_state_field: ", "16: sms.gateways[0].receipt_reason_field: "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(ofKind(row.lines...)), filepath.Join(folder, "s.yaml"), nil)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the secret is shown")
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), filepath.Join(folder, "s.yaml"), "s.yaml"), "\n")
			if len(got) != len(row.want) {
				t.Fatalf("told:\n%s", strings.Join(got, "\n"))
			}
			for i, want := range row.want {
				if !strings.HasPrefix(got[i], "s.yaml:"+want) {
					t.Errorf("told:   %s\nwanted: %s", got[i], want)
				}
			}
		})
	}
}

// Without brand.sms_sender only those go that have another sender.
func TestWhoNeedsASender(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "provider.key"), "hunter2\n")
	write(t, filepath.Join(folder, "receipts.key"), "hunter2 for receipts\n")
	for _, row := range []struct {
		lines []string
		needs bool
	}{{named["twilio"], false}, {slices.Delete(slices.Clone(named["twilio"]), 3, 4), true}, {named["vonage"], true}, {named["sns"], false}} {
		_, err := Parse([]byte(strings.Replace(ofKind(row.lines...), "brand: {sms_sender: ACME}\n", "\n", 1)), filepath.Join(folder, "s.yaml"), nil)
		if needs := err != nil && strings.Contains(err.Error(), "sms.gateways[0].kind: has no sender"); needs != row.needs || (err != nil) != row.needs {
			t.Errorf("%v: %v", row.lines, err)
		}
	}
}

func TestEveryKeyBelongsToAKind(t *testing.T) {
	for _, key := range slices.Sorted(maps.Keys(keysOf)) {
		for _, kind := range keysOf[key] {
			if !kinds[kind] {
				t.Errorf("%s belongs to %s, which is not built", key, kind)
			}
		}
	}
}
