package sms_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport/back/sms"
	"sallyport/core/message"
)

const receiptSecret = "hunter2 of receipts.key"

// reported is a gateway of kind http with a door for receipts.
func reported(t *testing.T, fields ...string) (*sms.ReportingHTTP, *ledger) {
	t.Helper()
	if len(fields) == 0 {
		fields = []string{"receipt_ref_field: id", "receipt_id_field: ref", "receipt_state_field: status", "receipt_reason_field: err"}
	}
	lines := append([]string{"kind: http", "address: https://api.example.org", "headers: ['Content-Type: application/json']", "body: '[{{json .To}}, {{json .Text}}]'", "ref_field: id",
		"receipt_states: [DELIVRD delivered, ACCEPTD sent, EXPIRED away, NOTUSED gone, LANDLN unfit, SPAM blocked, STOP opted-out, 'not delivered undelivered', 7 blocked, true delivered]"}, fields...)
	g := vendor(t, "https://login.example.org", append(lines, "receipt_secret_file: receipts.key", "")...).(*sms.ReportingHTTP)
	l := &ledger{}
	g.Receipts = l.take
	return g, l
}

// with is a request with a secret in its header.
func with(method, address, kind, body string) *http.Request {
	r := httptest.NewRequest(method, address, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+receiptSecret)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

const (
	formKind = "application/x-www-form-urlencoded"
	jsonKind = "application/json"
)

func TestReceiptsOfAnHTTPGatewayAreReadAsTheSettingsSay(t *testing.T) {
	deep := []string{"receipt_ref_field: results.0.id", "receipt_state_field: results.0.status.name", "receipt_reason_field: results.0.error.code"}
	for _, row := range []struct {
		name   string
		fields []string
		r      *http.Request
		want   message.Receipt
	}{
		{"a form", nil, with("POST", hook, formKind, "id=r1&ref=ID-1&status=DELIVRD&err=000"), message.Receipt{Ref: "r1", ID: "ID-1", State: message.Delivered}},
		{"a form with a reason", nil, with("POST", hook, formKind, "id=r1&status=EXPIRED&err=E+10"), message.Receipt{Ref: "r1", State: message.Away}},
		{"a reason of one word", nil, with("POST", hook, formKind, "id=r1&status=EXPIRED&err=0x0B"), message.Receipt{Ref: "r1", State: message.Away, Reason: "0x0B"}},
		{"a reason that is a number", nil, with("POST", hook, formKind, "id=r1&status=EXPIRED&err=%2B12025550143"), message.Receipt{Ref: "r1", State: message.Away}},
		{"an address", nil, with("GET", hook+"?id=r1&status=STOP", "", ""), message.Receipt{Ref: "r1", State: message.OptedOut}},
		{"an address and a form", nil, with("POST", hook+"?ref=ID-1", formKind, "id=r1&status=LANDLN"), message.Receipt{Ref: "r1", ID: "ID-1", State: message.Unfit}},
		{"our name alone", nil, with("GET", hook+"?ref=ID-1&status=ACCEPTD", "", ""), message.Receipt{ID: "ID-1", State: message.Sent}},
		{"two words", nil, with("GET", hook+"?id=r1&status=not+delivered", "", ""), message.Receipt{Ref: "r1", State: message.Undelivered}},
		{"JSON", nil, with("POST", hook, jsonKind+"; charset=utf-8", `{"id": 17, "status": "NOTUSED", "err": 30005}`), message.Receipt{Ref: "17", State: message.Gone, Reason: "30005"}},
		{"a number and a truth as states", nil, with("POST", hook, "application/vnd.x+json", `{"id": "r1", "status": 7}`), message.Receipt{Ref: "r1", State: message.Blocked}},
		{"a truth as a state", nil, with("POST", hook, jsonKind, `{"id": "r1", "status": true}`), message.Receipt{Ref: "r1", State: message.Delivered}},
		{"deep in JSON", deep, with("POST", hook, jsonKind, `{"results": [{"id": "r1", "status": {"name": "SPAM"}, "error": {"code": "EC_1"}}, {"id": "r2"}]}`), message.Receipt{Ref: "r1", State: message.Blocked, Reason: "EC_1"}},
		{"dots in a form are letters", deep, with("POST", hook, formKind, `results.0.id=r1&results.0.status.name=SPAM`), message.Receipt{Ref: "r1", State: message.Blocked}},
	} {
		g, l := reported(t, row.fields...)
		row.want.Gateway = "main"
		if got := posted(t, g, row.r); got != 204 || len(l.taken) != 1 || fmt.Sprint(l.taken[0]) != fmt.Sprint(row.want) {
			t.Errorf("%s: answered %d, taken %+v", row.name, got, l.taken)
		}
	}
}

func TestTheSecretOfReceiptsComesInThreeWays(t *testing.T) {
	g, l := reported(t)
	const body = "id=r1&status=DELIVRD"
	plain := func(method, address, body string, headers ...string) *http.Request {
		r := httptest.NewRequest(method, address, strings.NewReader(body))
		r.Header.Set("Content-Type", formKind)
		for _, h := range headers {
			r.Header.Add("Authorization", h)
		}
		return r
	}
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	key := "&key=" + url.QueryEscape(receiptSecret)
	for _, row := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"a bearer", plain("POST", hook, body, "Bearer "+receiptSecret), 204},
		{"a password", plain("POST", hook, body, basic("ada:"+receiptSecret)), 204},
		{"a parameter of the address", plain("GET", hook+"?"+body+key, ""), 204},
		{"a parameter of the form", plain("POST", hook, body+key), 204},
		{"nothing", plain("POST", hook, body), 403},
		{"an empty parameter", plain("POST", hook, body+"&key="), 403},
		{"an empty bearer", plain("POST", hook, body, "Bearer "), 403},
		{"another", plain("POST", hook, body, "Bearer "+receiptSecret+"x"), 403},
		{"less", plain("POST", hook, body, "Bearer "+receiptSecret[:len(receiptSecret)-1]), 403},
		{"as the name", plain("POST", hook, body, basic(receiptSecret+":")), 403},
		{"another scheme", plain("POST", hook, body, "Digest "+receiptSecret), 403},
		{"two headers", plain("POST", hook, body, "Bearer "+receiptSecret, "Bearer "+receiptSecret), 403},
		{"a wrong header beside a good parameter", plain("POST", hook, body+key, "Bearer x"), 403},
		{"the parameter twice", plain("POST", hook, body+key+key), 403},
	} {
		l.taken = nil
		if got := posted(t, g, row.r); got != row.want || (len(l.taken) > 0) != (row.want == 204) {
			t.Errorf("%s: answered %d, not %d; taken %v", row.name, got, row.want, l.taken)
		}
	}
}

func TestReceiptsOfAnHTTPGatewayThatChangeNothing(t *testing.T) {
	g, l := reported(t)
	for _, row := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"a state that the settings do not name", with("GET", hook+"?id=r1&status=BUFFRED", "", ""), 204},
		{"no state", with("GET", hook+"?id=r1", "", ""), 400},
		{"no name", with("GET", hook+"?status=DELIVRD", "", ""), 400},
		{"a name with a space", with("GET", hook+"?id=r+1&status=DELIVRD", "", ""), 400},
		{"a name that is too long", with("GET", hook+"?status=DELIVRD&id="+strings.Repeat("x", 129), "", ""), 400},
		{"a field twice", with("GET", hook+"?id=r1&status=DELIVRD&status=STOP", "", ""), 400},
		{"a field in the address and the form", with("POST", hook+"?status=DELIVRD", formKind, "id=r1&status=STOP"), 400},
		{"not a form", with("POST", hook, formKind, "id=%zz"), 400},
		{"not JSON", with("POST", hook, jsonKind, "id=r1&status=DELIVRD"), 400},
		{"half of JSON", with("POST", hook, jsonKind, `{"id": "r1", "status": "DELIVRD"`), 400},
		{"two of JSON", with("POST", hook, jsonKind, `{"id": "r1", "status": "DELIVRD"}{}`), 400},
		{"an object where a name should be", with("POST", hook, jsonKind, `{"id": {"x": 1}, "status": "DELIVRD"}`), 400},
		{"too long", with("POST", hook, formKind, "id=r1&status=DELIVRD&x="+strings.Repeat("x", 64<<10)), 400},
		{"by HEAD", with("HEAD", hook+"?id=r1&status=DELIVRD", "", ""), 405},
		{"by PUT", with("PUT", hook, formKind, "id=r1&status=DELIVRD"), 405},
	} {
		if got := posted(t, g, row.r); got != row.want || len(l.taken) > 0 {
			t.Errorf("%s: answered %d, not %d; taken %v", row.name, got, row.want, l.taken)
		}
	}
	l.err = sms.ErrNoSuch
	if got := posted(t, g, with("GET", hook+"?id=r1&status=DELIVRD", "", "")); got != 404 {
		t.Errorf("a message that is none: answered %d", got)
	}
}

func TestWithoutASecretThereIsNoDoor(t *testing.T) {
	g := newProvider(t, answering(200, "")).gateway(plain...)
	if _, door := sms.Gateway(g).(http.Handler); door {
		t.Error("there is one")
	}
}

// Every word of the settings is a state that a receipt may have.
func TestTheStatesOfTheSettingsAreThoseOfMessages(t *testing.T) {
	g, _ := reported(t)
	for said, state := range g.States {
		if !slices.Contains(message.States, state) || state != message.Sent && state != message.Delivered && !state.Lost() {
			t.Errorf("%s means %q", said, state)
		}
	}
	if len(g.States) != 10 {
		t.Errorf("there are %d", len(g.States))
	}
}

func TestNoNamedGatewayShowsASecretHoweverItIsPrinted(t *testing.T) {
	_, twilio := asTwilio(t)
	_, vonage := asVonage(t)
	_, amazon := asSNS(t)
	http, _ := reported(t)
	for _, v := range []any{twilio, *twilio, vonage, *vonage, *vonage.Vonage, amazon, *amazon, http, *http, sms.Gateway(twilio)} {
		if all := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v); strings.Contains(all, "hunter2") {
			t.Error(all)
		}
	}
}
