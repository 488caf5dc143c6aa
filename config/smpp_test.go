package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// overSMPP is a settings file with one smpp gateway, whose lines stand from line 7 on.
func overSMPP(lines ...string) string {
	return "url: https://a.test\ndefault_country: GB\nsms:\n  gateways:\n    - name: main\n      kind: smpp\n      " + strings.Join(lines, "\n      ") + "\n"
}

func TestAnSMPPGatewayIsReadWhole(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "smsc.password"), "hunter2\n")
	c, err := Parse([]byte(overSMPP("address: smsc.example.org:3550", "system_id: acme", "password_file: smsc.password", "system_type: sms", "tls: true", "ca_file: ca.pem", "window: 25")), filepath.Join(folder, "s.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := c.SMS.Gateways[0]
	if g.Address != "smsc.example.org:3550" || g.SystemID != "acme" || g.Password() != "hunter2" || g.SystemType != "sms" || !g.TLS || g.Window != 25 || g.CAFile != filepath.Join(folder, "ca.pem") {
		t.Errorf("got %+v", g)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, g, g); strings.Contains(shown, "hunter2") {
		t.Error("the password shows itself")
	}
	for _, address := range []string{"127.0.0.1:2775", "[::1]:2775", "localhost:1"} {
		if _, err := Parse([]byte(overSMPP("address: '"+address+"'", "system_id: acme", "password_file: smsc.password")), filepath.Join(folder, "s.yaml"), nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestFaultsOfAnSMPPGatewayAreToldWithTheirLines(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "long"), strings.Repeat("x", 64))
	write(t, filepath.Join(folder, "spaced"), "hunter 2")
	write(t, filepath.Join(folder, "good"), "hunter2")
	fine := []string{"address: a.test:2775", "system_id: acme", "password_file: good"}
	with := func(lines ...string) string { return overSMPP(append(fine, lines...)...) }
	for _, row := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", overSMPP("countries: [GB]"), []string{
			"s.yaml:5: sms.gateways[0].address: is missing (hint: write it as smsc.example.org:2775)",
			"s.yaml:5: sms.gateways[0].system_id: is missing",
			"s.yaml:5: sms.gateways[0].password_file: is missing"}},
		{"a web address", overSMPP("address: https://ada:hunter2@a.test/", fine[1], fine[2]), []string{"s.yaml:7: sms.gateways[0].address: is not a host with a port"}},
		{"no port", overSMPP("address: a.test", fine[1], fine[2]), []string{"s.yaml:7: sms.gateways[0].address: is not a host with a port"}},
		{"port 0", overSMPP("address: a.test:0", fine[1], fine[2]), []string{"s.yaml:7: sms.gateways[0].address: has no port from 1 to 65535"}},
		{"a port that is too high", overSMPP("address: a.test:65536", fine[1], fine[2]), []string{"s.yaml:7: sms.gateways[0].address: has no port from 1 to 65535"}},
		{"names that cannot be said", overSMPP(fine[0], "system_id: a b", fine[2], "system_type: thirteen-long"), []string{
			`s.yaml:8: sms.gateways[0].system_id: "a b" is not the name of an account`,
			`s.yaml:10: sms.gateways[0].system_type: "thirteen-long" is not a system type`}},
		{"no file", overSMPP(fine[0], fine[1], "password_file: gone"), []string{"s.yaml:9: sms.gateways[0].password_file: "}},
		{"a long password", overSMPP(fine[0], fine[1], "password_file: long"), []string{"s.yaml:9: sms.gateways[0].password_file: holds a password that SMPP cannot say"}},
		{"a password with a space", overSMPP(fine[0], fine[1], "password_file: spaced"), []string{"s.yaml:9: sms.gateways[0].password_file: holds a password that SMPP cannot say"}},
		{"no window", with("window: 0"), []string{"s.yaml:10: sms.gateways[0].window: 0 is not from 1 to 255"}},
		{"certificates without TLS", with("ca_file: ca.pem"), []string{"s.yaml:10: sms.gateways[0].ca_file: is given without TLS"}},
		{"keys of others", with("method: POST", "path: x", "ok_status: [200]"), []string{
			"s.yaml:10: sms.gateways[0].method: belongs to gateways of kind http",
			"s.yaml:11: sms.gateways[0].path: belongs to gateways of kind outbox",
			"s.yaml:12: sms.gateways[0].ok_status: belongs to gateways of kind http"}},
		{"keys of an SMPP gateway elsewhere", strings.Replace(overSMPP("path: x", "system_id: a", "tls: true", "window: 3", "password_file: good", "system_type: x", "address: a.test:1"), "kind: smpp", "kind: outbox\n      countries: [GB]", 1) + "insecure: true\n", []string{
			"s.yaml:9: sms.gateways[0].system_id: belongs to gateways of kind smpp",
			"s.yaml:10: sms.gateways[0].tls: belongs to gateways of kind smpp",
			"s.yaml:11: sms.gateways[0].window: belongs to gateways of kind smpp",
			"s.yaml:12: sms.gateways[0].password_file: belongs to gateways of kind smpp",
			"s.yaml:13: sms.gateways[0].system_type: belongs to gateways of kind smpp",
			"s.yaml:14: sms.gateways[0].address: belongs to gateways of kind http, "}},
	} {
		_, err := Parse([]byte(row.text), filepath.Join(folder, "s.yaml"), nil)
		if err == nil {
			t.Errorf("%s: no fault", row.name)
			continue
		}
		said := strings.ReplaceAll(err.Error(), folder+string(filepath.Separator), "")
		for _, want := range row.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in\n%s", row.name, want, said)
			}
		}
		if got := strings.Count(said, "s.yaml:"); got != len(row.want) {
			t.Errorf("%s: %d faults, not %d:\n%s", row.name, got, len(row.want), said)
		}
		if strings.Contains(said, "hunter") {
			t.Errorf("%s: shows a password:\n%s", row.name, said)
		}
	}
}
