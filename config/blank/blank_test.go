package blank

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func source() Source {
	return Source{Sender: "ACME", Secret: func(name string) (string, bool) { return "hun ter&2", name == "token" }}
}

const text = "123456 is \"your\" code & more.\n\n@a.test #123456 é"

func TestBlanksAreFilledInAsTheirPlaceWantsIt(t *testing.T) {
	rows := []struct {
		name, text, want string
		must             ending
	}{
		{"json", `{"to": {{json .To}}, "text": {{json .Text}}, "<": {{json "<&>"}}}`,
			`{"to": "+442071838750", "text": "123456 is \"your\" code & more.\n\n@a.test #123456 é", "<": "<&>"}`, always("json")},
		{"a number in JSON", `[{{digits .To}}, {{.To | digits | json}}]`, `[442071838750, "442071838750"]`, always("json")},
		{"a form", `to={{form .To}}&text={{form .Text}}&key={{form (secret "token")}}`,
			`to=%2B442071838750&text=123456+is+%22your%22+code+%26+more.%0A%0A%40a.test+%23123456+%C3%A9&key=hun+ter%262`, always("form")},
		{"a path", `/{{path .To}}/{{path .Text}}`, `/+442071838750/123456%20is%20%22your%22%20code%20&%20more.%0A%0A@a.test%20%23123456%20%C3%A9`, always("path")},
		{"base64 joins", `Basic {{base64 "ada:" (secret "token")}}`, "Basic YWRhOmh1biB0ZXImMg==", always("")},
		{"a header as it is", `Bearer {{secret "token"}} {{.ID}} {{.Sender}}`, "Bearer hun ter&2 id-1 ACME", always("")},
		{"two functions", `{{base64 (json .To)}}`, "Iis0NDIwNzE4Mzg3NTAi", always("")},
	}
	for _, row := range rows {
		read, _, problem, _ := source().read(row.text, row.must)
		if problem != "" {
			t.Errorf("%s: %s", row.name, problem)
			continue
		}
		got, err := read.fill(filling{To: "+442071838750", Text: text, ID: "id-1", Sender: "ACME"})
		if err != nil || got != row.want {
			t.Errorf("%s: %v\n%s\n%s", row.name, err, got, row.want)
		}
	}
}

func TestWhatATemplateMayNotHold(t *testing.T) {
	rows := []struct{ text, problem, hint string }{
		{`{{.Text}}`, "{{.Text}} does not end in json", "{{json .Text}}"},
		{`{{form .Text}}`, "{{form .Text}} does not end in json", ""},
		{`{{json .Text | form}}`, "does not end in json", ""},
		{`{{secret "token"}}`, "does not end in json", ""},
		{`{{json .Txet}}`, "names .Txet, which there is not", "{{.ID}}"},
		{`{{json .To.Text}}`, "names .To.Text", ""},
		{`{{json .}}`, "holds ., which is no value", ""},
		{`{{json 1}}`, "holds 1, which is no value", ""},
		{`{{json nil}}`, "holds nil", ""},
		{`{{$x := .To}}{{json $x}}`, "sets a variable", ""},
		{`{{json $}}`, "holds $", ""},
		{`{{if .To}}x{{end}}`, "holds a command", ""},
		{`{{range .To}}x{{end}}`, "holds a command", ""},
		{`{{with .To}}x{{end}}`, "holds a command", ""},
		{`{{template "x"}}`, "holds a command", ""},
		{`{{define "x"}}y{{end}}`, "defines another template", ""},
		{`{{block "x" .}}y{{end}}`, "defines another template", ""},
		{`{{print .To | json}}`, "calls print, which is no function here", "base64"},
		{`{{call .To | json}}`, "calls call", ""},
		{`{{json (printf "%s" .To)}}`, "calls printf", ""},
		{`{{json json}}`, "calls json, which is no function here", ""},
		{`{{shout .To}}`, `cannot be read: function "shout" not defined`, "digits"},
		{`{{json .To`, "cannot be read: unclosed action", ""},
		{`{{json}}`, "cannot be filled in: <json>: wrong number of args for json", ""},
		{`{{json .To .Text}}`, "cannot be filled in: <json>: wrong number of args for json", ""},
		{`{{json (.To "x")}}`, "cannot be filled in", ""},
		{`{{json (secret "other")}}`, `names the secret "other", which is not among secrets`, "with its file"},
		{`{{json (secret .To)}}`, "calls secret without one name in quotes", ""},
		{`{{json (secret)}}`, "calls secret without one name in quotes", ""},
		{`{{"token" | secret | json}}`, "calls secret without one name in quotes", ""},
	}
	for _, row := range rows {
		_, filled, problem, hint := source().read(row.text, always("json"))
		if !strings.Contains(problem, row.problem) || !strings.Contains(hint, row.hint) || hint == "" {
			t.Errorf("%s: %q (hint: %s), filled in as %q", row.text, problem, hint, filled)
		}
		if strings.Contains(problem+hint, "hun ter") {
			t.Errorf("%s: the secret is shown", row.text)
		}
	}
	none := source()
	none.Sender = ""
	if _, _, problem, hint := none.read(`{{json .Sender}}`, always("json")); !strings.Contains(problem, "brand.sms_sender is not given") || hint == "" {
		t.Errorf("without a sender: %s", problem)
	}
}

func TestAddressesHeadersAndBodiesAreFilledInOnceWhenTheyAreRead(t *testing.T) {
	s := source()
	address := func(text string) string { _, problem, _ := s.ReadAddress(text); return problem }
	header := func(text string) string { _, problem, _ := s.ReadHeader(text); return problem }
	body := func(kind string) func(string) string {
		return func(text string) string { _, problem, _ := s.ReadBody(kind, text); return problem }
	}
	const asForm, asJSON = "application/x-www-form-urlencoded", "application/json"
	rows := []struct {
		read          func(string) string
		text, problem string
	}{
		{address, `https://a.test/x`, ""},
		{address, `https://a.test/{{path .To}}/x?text={{form .Text}}&n={{digits .To}}`, ""},
		{address, `https://a.test/{{form .To}}`, "does not end in path"},
		{address, `https://a.test/?to={{path .To}}`, "does not end in form"},
		{address, `https://a.test/?to={{.To}}`, "does not end in form"},
		{address, `https://a.test/?text={{form .Text}}%`, "is not a web address when it is filled in"},
		{address, `https://a.test/%zz{{digits .To}}`, "is not a web address when it is filled in"},
		{address, `https://a.test/a b`, "is not a web address when it is filled in"},
		{address, `https://a.test/ü`, "is not a web address when it is filled in"},

		{header, `Authorization: Bearer {{secret "token"}}`, ""},
		{header, `X-Text: {{base64 .Text}}`, ""},
		{header, `X-Text: {{.Text}}`, "holds a line break"},
		{header, `X-Text: {{json .Text}}`, ""},
		{header, `Authorization Bearer x`, "is not a header"},
		{header, `: x`, "is not a header"},
		{header, `A b: x`, "is not a header"},
		{header, `Ä: x`, "is not a header"},
		{header, `host: a.test`, "Host is not for a gateway to set"},
		{header, `CONTENT-LENGTH: 3`, "Content-Length is not for a gateway to set"},
		{header, `accept-encoding: gzip`, "Accept-Encoding is not"},
		{header, `Content-Type: {{.To}}`, "Content-Type has a blank"},

		{body(asForm), `to={{form .To}}&text={{form .Text}}`, ""},
		{body(asForm), `to={{json .To}}`, "does not end in form"},
		{body(asForm), `to={{form .To}};text={{form .Text}}`, "is not a form when it is filled in"},
		{body(asForm + "; charset=utf-8"), `to={{form .To}}`, ""},
		{body(asForm), `to=%{{form .To}}`, "is not a form when it is filled in"},
		{body(asForm), `to=%zz`, "is not a form when it is filled in"},
		{body(asJSON), `{"to": {{json .To}}}`, ""},
		{body("Application/vnd.api+JSON; charset=utf-8"), `{"to": {{json .To}}}`, ""},
		{body(asJSON), `{"to": "{{json .To}}"}`, "is not JSON when it is filled in"},
		{body(asJSON), `{"to": {{json .To}},}`, "is not JSON when it is filled in"},
		{body(asJSON), `to={{json .To}}`, "is not JSON when it is filled in"},
		{body(asJSON), `{"to": {{form .To}}}`, "does not end in json"},
		{body("text/xml"), `<to>{{.To}}</to>`, "is neither JSON nor a form"},
		{body(""), `x`, "is given without its kind"},
	}
	for _, row := range rows {
		if problem := row.read(row.text); problem != row.problem && (row.problem == "" || !strings.Contains(problem, row.problem)) {
			t.Errorf("%s: %q, not %q", row.text, problem, row.problem)
		}
	}
	s.Secret = func(string) (string, bool) { return "one\r\nX-Other: two", true }
	if problem := header(`Authorization: Bearer {{secret "token"}}`); !strings.Contains(problem, "holds a line break") {
		t.Errorf("a secret of two lines: %q", problem)
	}
}

func TestARequestHoldsTheMessageAndShowsNoSecret(t *testing.T) {
	s := source()
	c := &Call{Origin: "https://a.test", Method: "POST", Sender: s.Sender}
	c.Address, _, _ = s.ReadAddress(`https://a.test/{{path (secret "token")}}/x?from={{form .Sender}}`)
	h, _, _ := s.ReadHeader(`authorization: Basic {{base64 "ada:" (secret "token")}}`)
	c.Headers = []Header{h}
	c.Body, _, _ = s.ReadBody("application/json", `{"to": {{json .To}}, "text": {{json .Text}}, "id": {{json .ID}}}`)
	r, err := c.Request(context.Background(), "+442071838750", text, "id-1")
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ To, Text, ID string }
	raw, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(raw, &got); err != nil || got.To != "+442071838750" || got.Text != text || got.ID != "id-1" {
		t.Errorf("the body is %s, %v", raw, err)
	}
	if r.Method != "POST" || r.URL.String() != "https://a.test/hun%20ter&2/x?from=ACME" || r.ContentLength != int64(len(raw)) {
		t.Errorf("%s %s, %d bytes", r.Method, r.URL, r.ContentLength)
	}
	if r.Header.Get("Authorization") != "Basic YWRhOmh1biB0ZXImMg==" || r.Header.Get("User-Agent") != "sallyport" || len(r.Header) != 2 {
		t.Errorf("headers %v", r.Header)
	}
	for _, v := range []any{s, c, *c, c.Headers} {
		if all := fmt.Sprintf("%v %+v %#v %s", v, v, v, v); strings.Contains(all, "hun") {
			t.Error(all)
		}
	}
}

// What could be filled in once can be filled in always, and comes out whole.
func FuzzTextsWithBlanks(f *testing.F) {
	for _, text := range []string{`{"to": {{json .To}}}`, `to={{form .To}}&x={{form .Text}}`, `https://a.test/{{path .To}}?{{form .ID}}`, `A: {{base64 .To (secret "token")}}`,
		`{{if .To}}{{end}}`, `{{- /* x */ -}}`, `{{.To | digits | json}}`, `{{"a" | json}}`, "{{`a`|json}}"} {
		f.Add(text, "+442071838750", "x")
	}
	f.Fuzz(func(t *testing.T, text, to, words string) {
		s := source()
		if body, _, problem, _ := s.read(text, always("form")); problem == "" {
			if _, err := body.fill(filling{to, words, "id", "ACME"}); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		body, problem, _ := s.ReadBody("application/x-www-form-urlencoded", text+"&fuzz={{form .Text}}")
		if problem == "" {
			filled, err := body.fill(filling{to, words, "id", "ACME"})
			form, bad := url.ParseQuery(filled)
			if err != nil || bad != nil || form["fuzz"][len(form["fuzz"])-1] != words {
				t.Errorf("%q is %q: %v, %v", text, filled, err, bad)
			}
		}
		h, problem, _ := s.ReadHeader(text)
		if problem == "" && (h.Name == "" || http.CanonicalHeaderKey(h.Name) != h.Name) {
			t.Errorf("%q is the header %q", text, h.Name)
		}
	})
}
