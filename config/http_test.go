package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// overHTTP is a settings file with one http gateway, whose lines stand from line 9 on.
func overHTTP(lines ...string) string {
	return "url: https://a.test\ndefault_country: GB\nbrand:\n  sms_sender: ACME\nsms:\n  gateways:\n    - name: main\n      kind: http\n      " +
		strings.Join(lines, "\n      ") + "\n"
}

// whole is a gateway without faults.
var whole = []string{
	`address: https://api.example.org/v1/{{path .ID}}?key={{form (secret "key")}}`,
	`headers:`,
	`  - 'Authorization: Basic {{base64 "ada:" (secret "key")}}'`,
	`  - "Content-Type: application/json"`,
	`body: '{"to": {{json (digits .To)}}, "from": {{json .Sender}}, "text": {{json .Text}}}'`,
	`secrets: [{name: key, file: provider.key}]`,
	`ok_status: [200, 202]`,
	`ok_field: messages.0.status`,
	`ok_values: [0, queued, true, 07]`,
	`ref_field: id`,
	`refused_status: [400]`,
	`refused_field: code`,
	`refused_values: [21211, "21614"]`,
	`ca_file: ca.pem`,
}

func TestAnHTTPGatewayIsReadWhole(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "provider.key"), "hunter2\r\n")
	c, err := Parse([]byte(overHTTP(whole...)), filepath.Join(folder, "s.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := c.SMS.Gateways[0]
	if g.CAFile != filepath.Join(folder, "ca.pem") || fmt.Sprint(g.OKStatus, g.OKValues, g.RefusedStatus, g.RefusedValues) != "[200 202] [0 queued true 07] [400] [21211 21614]" {
		t.Errorf("got %+v", g)
	}
	call := c.Call(g)
	r, err := call.Request(t.Context(), "+442071838750", "a \"b\"\nc", "id-1")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	if call.Origin != "https://api.example.org" || r.Method != "POST" || r.URL.String() != "https://api.example.org/v1/id-1?key=hunter2" ||
		r.Header.Get("Authorization") != "Basic YWRhOmh1bnRlcjI=" || string(body) != `{"to": "442071838750", "from": "ACME", "text": "a \"b\"\nc"}` {
		t.Errorf("%s %s %v %s", r.Method, r.URL, r.Header, body)
	}
}

func TestAGatewaysSecretNeverShowsItself(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "provider.key"), "hunter2\n")
	c, err := Parse([]byte(overHTTP(whole...)), filepath.Join(folder, "s.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	g := c.SMS.Gateways[0]
	for _, v := range []any{c, *c, g, g.Secrets, c.Call(g), *c.Call(g)} {
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		fmt.Fprintf(&log, "%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v)
		if encoded, err := json.Marshal(v); err == nil {
			log.Write(encoded)
		}
	}
	if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Error(log.String())
	}
}

func TestFaultsOfAnHTTPGatewayAreToldWithTheirLines(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "provider.key"), "hunter2\n")
	write(t, filepath.Join(folder, "lines"), "hunter2\nhunter3\n")
	const (
		address = `address: https://api.example.org/send`
		form    = `headers: ['Content-Type: application/x-www-form-urlencoded']`
		body    = `body: to={{form .To}}&text={{form .Text}}`
	)
	rows := []struct {
		name  string
		lines []string
		want  []string // all that is told, in this order
	}{
		{"nothing but its kind", nil, []string{"s.yaml:7: sms.gateways[0].address: is missing", "s.yaml:8: sms.gateways[0].kind: the request says {{.To}} nowhere"}},
		{"no text", []string{address, form, `body: to={{form .To}}`}, []string{"s.yaml:8: sms.gateways[0].kind: the request says {{.Text}} nowhere"}},
		{"each template has its fault", []string{
			`address: https://api.example.org/{{.ID}}`,
			`headers:`, `  - 'Content-Type: application/json'`, `  - 'X-Text: {{.Text}}'`, `  - 'Host: a'`, `  - X`, `  - 'content-type: x'`, `  - X-To: 3`,
			`body: '{"to": "{{json .To}}"}'`,
		}, []string{
			"s.yaml:9: sms.gateways[0].address: {{.ID}} does not end in path (hint: path makes a value safe there",
			"s.yaml:12: sms.gateways[0].headers[1]: holds a line break",
			"s.yaml:13: sms.gateways[0].headers[2]: Host is not for a gateway to set",
			"s.yaml:14: sms.gateways[0].headers[3]: is not a header (hint: write it in quotes",
			"s.yaml:15: sms.gateways[0].headers[4]: Content-Type is given twice",
			"s.yaml:16: sms.gateways[0].headers[5]: wants one text (hint: a text with a colon in it needs quotes)",
			"s.yaml:17: sms.gateways[0].body: is not JSON when it is filled in (hint: json brings its quotes along",
		}},
		{"a body without its kind", []string{address, body}, []string{"s.yaml:10: sms.gateways[0].body: is given without its kind"}},
		{"a body to get", []string{`method: GET`, address, form, body}, []string{"s.yaml:12: sms.gateways[0].body: is given, and method is GET"}},
		{"a method", []string{`method: post`, address, form, body}, []string{`s.yaml:9: sms.gateways[0].method: "post" is not POST, PUT or GET`}},
		{"secrets", []string{address, form, body, `secrets:`, `  - name: a`, `    file: nowhere`, `  - name: A`, `    file: provider.key`, `  - file: provider.key`, `  - name: a`}, []string{
			`s.yaml:14: sms.gateways[0].secrets[0].file: "`,
			`s.yaml:15: sms.gateways[0].secrets[1].name: "A" is not made of small letters`,
			"s.yaml:17: sms.gateways[0].secrets[2].name: is missing",
			`s.yaml:18: sms.gateways[0].secrets[3].name: "a" is the name of another secret`,
			"s.yaml:18: sms.gateways[0].secrets[3].file: is empty"}},
		{"a secret that nobody has", []string{address, form, `body: to={{form .To}}&text={{form .Text}}&k={{form (secret "key")}}`},
			[]string{`s.yaml:11: sms.gateways[0].body: names the secret "key", which is not among secrets`}},
		{"a secret of two lines in a header", []string{address, `headers: ['Content-Type: application/x-www-form-urlencoded', 'X: {{secret "k"}}']`, body, `secrets: [{name: k, file: lines}]`},
			[]string{`s.yaml:10: sms.gateways[0].headers[1]: holds a line break`}},
		{"answers", []string{address, form, body, `ok_status: [200, 99, x]`, `ok_field: a..b`, `ok_values: [1]`, `ref_field: a b`, `refused_status: [600]`, `refused_values: [1]`}, []string{
			`s.yaml:12: sms.gateways[0].ok_status[2]: "x" is not a whole number`,
			"s.yaml:12: sms.gateways[0].ok_status[1]: 99 is not from 200 to 599",
			`s.yaml:13: sms.gateways[0].ok_field: "a..b" is not the path of a field`,
			`s.yaml:15: sms.gateways[0].ref_field: "a b" is not the path`,
			`s.yaml:16: sms.gateways[0].refused_status[0]: 600 is not from 200 to 599`,
			`s.yaml:17: sms.gateways[0].refused_values: is given without refused_field`}},
		{"fields without values", []string{address, form, body, `ok_field: a`, `refused_field: b`}, []string{
			"s.yaml:7: sms.gateways[0].ok_values: is missing beside ok_field", "s.yaml:7: sms.gateways[0].refused_values: is missing beside refused_field"}},
		{"a success that refuses", []string{address, form, body, `refused_status: [200, 400]`}, []string{"s.yaml:12: sms.gateways[0].refused_status[0]: 200 is a success too"}},
		{"a path", []string{address, form, body, `path: x`}, []string{"s.yaml:12: sms.gateways[0].path: belongs to gateways of kind outbox"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(overHTTP(row.lines...)), filepath.Join(folder, "s.yaml"), nil)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Error("the secret is shown")
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), filepath.Join(folder, "s.yaml"), "s.yaml"), "\n")
			if len(got) != len(row.want) {
				t.Fatalf("told:\n%s", strings.Join(got, "\n"))
			}
			for i, want := range row.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("told:   %s\nwanted: %s", got[i], want)
				}
			}
		})
	}
}

func TestAddressesThatAGatewayMayCall(t *testing.T) {
	rows := []struct{ address, problem string }{
		{"https://api.example.org", ""},
		{"https://api.example.org:8443/a", ""},
		{"https://api.example.org?x=1", ""},
		{"http://127.0.0.1:8080/a/{{path .ID}}", ""},
		{"http://[::1]/a", ""},
		{"http://localhost:13013/cgi-bin/sendsms?id={{form .ID}}", ""},
		{"http://api.example.org/a", "is http: "},
		{"http://10.0.0.7/a", "is http: "},
		{"http://localhost.example.org/", "is http: "},
		{"https://ada:hunter2@api.example.org/a", "holds a name or password"},
		{"https://{{digits .To}}.example.org/a", "is not a web address"},
		{"https://api.example.org{{path .ID}}", "has a blank in its host"},
		{"https://api.example.org:{{digits .To}}/", "has a blank in its host"},
		{"https://api.example.org/#hunter2", "has a fragment"},
		{"https:///a", "is not a web address"},
		{"ftp://a.example.org/hunter2", "is not a web address"},
		{"api.example.org/hunter2", "is not a web address"},
		{"https://api_x.example.org/", "is not a host that browsers can reach"},
		{"https://127.1/", "is not a host"},
		{"https://a.test:0/", "is not a host"},
		{"https://a.test:99999/", "is not a host"},
	}
	for _, row := range rows {
		text := overHTTP("address: '"+row.address+"'", `headers: ['Content-Type: application/json']`, `body: '[{{json .To}}, {{json .Text}}]'`)
		_, err := Parse([]byte(text), "s.yaml", nil)
		switch {
		case row.problem == "" && err != nil, row.problem != "" && err == nil:
			t.Errorf("%s: %v", row.address, err)
		case err != nil && (!strings.HasPrefix(err.Error(), "s.yaml:9: sms.gateways[0].address: ") || !strings.Contains(err.Error(), row.problem)):
			t.Errorf("%s: %v, not %q", row.address, err, row.problem)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the password is shown: %v", row.address, err)
		}
	}
}

func TestKeysOfHTTPBelongToHTTP(t *testing.T) {
	text := "url: http://localhost\nsms:\n  gateways:\n    - name: o\n      kind: outbox\n      path: o\n"
	for _, line := range []string{"method: GET", "headers: [a]", "body: x", "secrets: [{name: a, file: b}]", "ok_status: [200]", "ok_field: x", "ok_values: [x]",
		"ref_field: x", "refused_status: [400]", "refused_field: x", "refused_values: [x]"} {
		_, err := Parse([]byte(text+"      "+line+"\n"), "s.yaml", nil)
		key, _, _ := strings.Cut(line, ":")
		if err == nil || !strings.Contains(err.Error(), "s.yaml:7: sms.gateways[0]."+key+": belongs to gateways of kind http (hint: take it out)") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
