package sms_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/core/message"
)

const (
	twilioAccount = "AC00000000000000000000000000000001"
	twilioToken   = "hunter2 of twilio.token"
	twilioSID     = "SM0123456789abcdef0123456789abcdef"
	hook          = "https://login.example.org/receipts/main"
)

// asTwilio is a gateway of kind twilio whose provider is a stand.
func asTwilio(t *testing.T, lines ...string) (*stand, *sms.Twilio) {
	t.Helper()
	s := newStand(t, func(http.ResponseWriter, *http.Request) {})
	return s, vendor(t, "https://login.example.org", append([]string{"kind: twilio", "account: " + twilioAccount, "secret_file: twilio.token", "address: " + s.URL}, lines...)...).(*sms.Twilio)
}

func TestWhatTwilioAnswers(t *testing.T) {
	s, g := asTwilio(t)
	answers{
		{"taken", 201, `{"sid": "` + twilioSID + `", "status": "queued", "error_code": null, "to": "+12025550143"}`, isSent, twilioSID},
		{"no number", 400, `{"code": 21211, "message": "The 'To' number +12025550143 is not a valid phone number.", "status": 400}`, isRefused, "answered 400, code 21211: the gateway refused"},
		{"sent STOP", 400, `{"code": 21610, "status": 400}`, isRefused, "answered 400, code 21610"},
		{"no texts", 400, `{"code": 21614, "status": 400}`, isRefused, "answered 400, code 21614"},
		{"a landline", 400, `{"code": 21635, "status": 400}`, isRefused, "answered 400, code 21635"},
		{"not from this sender", 400, `{"code": 21612, "status": 400}`, isFailed, "answered 400, code 21612"},
		{"a sender that is none", 400, `{"code": 21606, "status": 400}`, isFailed, "answered 400, code 21606"},
		{"a country that is closed", 400, `{"code": 21408, "status": 400}`, isFailed, "answered 400, code 21408"},
		{"a code of the number behind another status", 500, `{"code": 21211}`, isFailed, "answered 500, code 21211"},
		{"a wrong token", 401, `{"code": 20003, "message": "Authenticate", "status": 401}`, isFailed, "answered 401, code 20003"},
		{"an account that is closed", 403, `{"code": 20005, "status": 403}`, isFailed, "answered 403, code 20005"},
		{"too many", 429, `{"code": 20429, "status": 429}`, isBusy, ""},
		{"too many of this sender", 400, `{"code": 21611, "status": 400}`, isBusy, ""},
		{"broken", 500, `<html>`, isFailed, "answered 500"},
		{"away", 503, ``, isFailed, "answered 503"},
		{"200 is not how it takes one", 200, `{"sid": "` + twilioSID + `"}`, isFailed, "answered 200"},
		{"taken, but half of the answer", 201, `{"sid": "SM01`, isUnknown, "answered 201 with what is not JSON"},
		{"taken, and no name", 201, `{}`, isSent, ""},
	}.hold(t, s, g)
}

// The form, the address and the password are those of Twilio's own client.
func TestTheRequestToTwilioIsThatOfItsClient(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		lines []string
		from  string
	}{
		{"from a sender", nil, "from"},
		{"from a service", []string{"service: MG00000000000000000000000000000002"}, "messagingServiceSid"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, g := asTwilio(t, row.lines...)
			s.says(201, `{"sid": "`+twilioSID+`"}`)
			m := letter
			m.ExpireAt = time.Now().Add(10 * time.Minute)
			if ref, err := g.Send(t.Context(), m); err != nil || ref != twilioSID {
				t.Fatalf("%q, %v", ref, err)
			}
			ours := s.last()
			form, err := url.ParseQuery(ours.body)
			if err != nil {
				t.Fatal(err)
			}
			valid, err := strconv.Atoi(form.Get("ValidityPeriod"))
			if err != nil || valid < 590 || valid > 600 {
				t.Errorf("it is valid for %q", form.Get("ValidityPeriod"))
			}
			from := map[string]string{"from": "ACME", "messagingServiceSid": "MG00000000000000000000000000000002"}[row.from]
			sent, _ := json.Marshal(map[string]any{"account": twilioAccount, "token": twilioToken, "origin": s.URL, "message": map[string]any{
				"to": m.To, "body": m.Text, row.from: from, "statusCallback": hook + "?id=ID-1", "validityPeriod": valid}})
			if sid := said[string](t, node(t, npmTwilio, "twilio_client.cjs", nil, string(sent))); sid != twilioSID {
				t.Errorf("its client read %q", sid)
			}
			theirs := s.last()
			other, err := url.ParseQuery(theirs.body)
			if err != nil || !reflect.DeepEqual(form, other) {
				t.Errorf("the form is\n%v\nnot\n%v", form, other)
			}
			if ours.method != theirs.method || ours.path != theirs.path || ours.header.Get("Authorization") != theirs.header.Get("Authorization") ||
				ours.header.Get("Content-Type") != theirs.header.Get("Content-Type") {
				t.Errorf("the request is %s %s %v\nnot %s %s %v", ours.method, ours.path, ours.header, theirs.method, theirs.path, theirs.header)
			}
		})
	}
}

func TestTwilioKeepsAMessageNoLongerThanItsCode(t *testing.T) {
	s, g := asTwilio(t)
	s.says(201, `{"sid": "`+twilioSID+`"}`)
	for left, want := range map[time.Duration]string{0: "1", -time.Minute: "1", 30*time.Second + 500*time.Millisecond: "30", 72 * time.Hour: "36000"} {
		m := letter
		m.ExpireAt = time.Now().Add(left)
		if _, err := g.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if form, err := url.ParseQuery(s.last().body); err != nil || form.Get("ValidityPeriod") != want {
			t.Errorf("%v: %q, %v", left, form.Get("ValidityPeriod"), err)
		}
	}
}

// Twilio refuses messages whose receipts go to an address that only we can reach.
func TestTwilioIsToldNoAddressOfThisMachine(t *testing.T) {
	for _, row := range []struct {
		url, address string
		want         bool
	}{{"https://login.example.org", "", false}, {"http://localhost:8080", "", true}, {"http://localhost:8080", "address: http://127.0.0.1:1", false}} {
		lines := []string{"kind: twilio", "account: " + twilioAccount, "secret_file: twilio.token"}
		if row.address != "" {
			lines = append(lines, row.address)
		}
		g := vendor(t, row.url, lines...).(*sms.Twilio)
		if g.NoReport != row.want || g.Callback != row.url+"/receipts/main" {
			t.Errorf("%v: %v, %s", row, g.NoReport, g.Callback)
		}
	}
	s := newStand(t, func(http.ResponseWriter, *http.Request) {})
	s.says(201, `{"sid": "`+twilioSID+`"}`)
	g := vendor(t, "http://localhost:8080", "kind: twilio", "account: "+twilioAccount, "secret_file: twilio.token", "address: "+s.URL).(*sms.Twilio)
	g.NoReport = true
	if _, err := g.Send(t.Context(), letter); err != nil || strings.Contains(s.last().body, "StatusCallback") {
		t.Errorf("%v: %s", err, s.last().body)
	}
}

func TestTheBalanceOfTwilio(t *testing.T) {
	s, g := asTwilio(t)
	s.says(200, `{"currency": "USD", "account_sid": "`+twilioAccount+`", "balance": "-12.5300"}`)
	if left, err := g.Balance(t.Context()); err != nil || left != "-12.5300 USD" {
		t.Errorf("%q, %v", left, err)
	}
	if c := s.last(); c.method != "GET" || c.path != "/2010-04-01/Accounts/"+twilioAccount+"/Balance.json" {
		t.Errorf("%s %s", c.method, c.path)
	}
	s.says(401, `{"code": 20003}`)
	if err := g.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "hint: check account and secret_file") {
		t.Error(err)
	}
	s.says(404, ``)
	if err := g.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "answered 404; hint: ") {
		t.Error(err)
	}
	s.Close()
	if err := g.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "; hint: ") {
		t.Error(err)
	}
}

// twilioSigned signs a form as the documentation says; its library judges that.
func twilioSigned(address string, form url.Values) string {
	var b strings.Builder
	b.WriteString(address)
	for _, key := range slices.Sorted(maps.Keys(form)) {
		b.WriteString(key + form.Get(key))
	}
	mac := hmac.New(sha1.New, []byte(twilioToken))
	mac.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// receiptForm is a receipt as Twilio posts it.
func receiptForm(change ...string) url.Values {
	form := url.Values{"AccountSid": {twilioAccount}, "ApiVersion": {"2010-04-01"}, "From": {"ACME"}, "To": {"+12025550143"}, "MessageSid": {twilioSID}, "SmsSid": {twilioSID},
		"MessageStatus": {"delivered"}, "SmsStatus": {"delivered"}, "RawDlrDoneDate": {"2611252330"}}
	for i := 0; i+1 < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

func post(address, body, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	return r
}

// What the library calls good is good, and what it calls forged is forged.
func TestTheLibraryOfTwilioAgreesOnEverySignature(t *testing.T) {
	t.Parallel()
	_, g := asTwilio(t)
	g.Receipts = (&ledger{}).take
	odd := receiptForm("ErrorMessage", "é + & = %20 \U0001F512", "From", "+447700900123", "empty", "")
	type row struct {
		name    string
		at      string
		form    url.Values
		changed url.Values // what arrives; nil is the same
	}
	rows := []row{
		{"as it is", hook, receiptForm(), nil},
		{"with our name for it", hook + "?id=ID-1", receiptForm(), nil},
		{"with the port", "https://login.example.org:443/receipts/main", receiptForm(), nil},
		{"odd letters", hook, odd, nil},
		{"another state", hook, receiptForm("MessageStatus", "undelivered"), receiptForm()},
		{"another message", hook, receiptForm(), receiptForm("MessageSid", strings.Replace(twilioSID, "0", "1", 1))},
		{"one field more", hook, receiptForm(), receiptForm("ErrorCode", "30003")},
		{"another gateway", "https://login.example.org/receipts/other", receiptForm(), nil},
		{"another host", "https://login.example.com/receipts/main", receiptForm(), nil},
		{"another port", "https://login.example.org:8443/receipts/main", receiptForm(), nil},
		{"not https", "http://login.example.org/receipts/main", receiptForm(), nil},
		{"a query that we did not give", hook + "?id=ID-2", receiptForm(), nil},
	}
	type asked struct {
		Token     string            `json:"token"`
		URL       string            `json:"url"`
		Params    map[string]string `json:"params"`
		Signature *string           `json:"signature,omitempty"`
	}
	flat := func(form url.Values) map[string]string {
		all := map[string]string{}
		for key := range form {
			all[key] = form.Get(key)
		}
		return all
	}
	var signs, checks []asked
	for _, r := range rows {
		signs = append(signs, asked{twilioToken, r.at, flat(r.form), nil})
	}
	signatures := said[[]string](t, node(t, npmTwilio, "twilio.cjs", signs))
	arrives := func(r row) (string, url.Values) {
		query := ""
		if r.at == hook+"?id=ID-1" {
			query = "?id=ID-1"
		}
		if r.changed != nil {
			return hook + query, r.changed
		}
		return hook + query, r.form
	}
	for i, r := range rows {
		if ours := twilioSigned(r.at, r.form); ours != signatures[i] {
			t.Errorf("%s: the test signs %s, the library %s", r.name, ours, signatures[i])
		}
		at, form := arrives(r)
		checks = append(checks, asked{twilioToken, at, flat(form), &signatures[i]})
	}
	verdicts := said[[]bool](t, node(t, npmTwilio, "twilio.cjs", checks))
	good := 0
	for i, r := range rows {
		at, form := arrives(r)
		status := posted(t, g, post(at, form.Encode(), signatures[i]))
		if want := map[bool]int{true: 204, false: 403}[verdicts[i]]; status != want {
			t.Errorf("%s: answered %d; the library says %v", r.name, status, verdicts[i])
		}
		if verdicts[i] {
			good++
		}
	}
	if good != 4 {
		t.Errorf("the library finds %d good", good)
	}
}

func TestReceiptsOfTwilioMean(t *testing.T) {
	_, g := asTwilio(t)
	for _, row := range []struct {
		status, code string
		want         message.State
		reason       string
	}{
		{"accepted", "", message.Sent, ""}, {"queued", "", message.Sent, ""}, {"sending", "", message.Sent, ""}, {"sent", "", message.Sent, ""},
		{"delivered", "", message.Delivered, ""}, {"read", "", message.Delivered, ""}, {"delivered", "30003", message.Delivered, ""},
		{"undelivered", "30003", message.Away, "30003"}, {"undelivered", "30005", message.Gone, "30005"}, {"undelivered", "30006", message.Unfit, "30006"},
		{"undelivered", "30007", message.Blocked, "30007"}, {"failed", "30004", message.Blocked, "30004"}, {"failed", "30034", message.Blocked, "30034"},
		{"failed", "21610", message.OptedOut, "21610"}, {"undelivered", "30008", message.Undelivered, "30008"}, {"failed", "", message.Undelivered, ""},
		{"canceled", "", message.Undelivered, ""}, {"failed", "+12025550143", message.Undelivered, ""}, {"failed", "30008 2025550143", message.Undelivered, ""},
	} {
		l := &ledger{}
		g.Receipts = l.take
		form := receiptForm("MessageStatus", row.status, "ErrorCode", row.code)
		status := posted(t, g, post(hook+"?id=ID-1", form.Encode(), twilioSigned(hook+"?id=ID-1", form)))
		if status != 204 || len(l.taken) != 1 {
			t.Errorf("%s %s: answered %d, taken %v", row.status, row.code, status, l.taken)
			continue
		}
		r := l.taken[0]
		if r.Gateway != "main" || r.Ref != twilioSID || r.ID != "ID-1" || r.State != row.want || r.Reason != row.reason {
			t.Errorf("%s %s: %+v", row.status, row.code, r)
		}
	}
}

func TestReceiptsOfTwilioThatCountForNothing(t *testing.T) {
	_, g := asTwilio(t)
	sign := func(form url.Values) string { return twilioSigned(hook, form) }
	form := receiptForm()
	body := form.Encode()
	long := receiptForm("Extra", strings.Repeat("x", 64<<10))
	unknown, other, short := receiptForm("MessageStatus", "beamed"), receiptForm("AccountSid", "AC00000000000000000000000000000009"), receiptForm("MessageSid", twilioSID[:20])
	// The signed text of both is the same: a status that was hidden in another name.
	hidden := receiptForm("MessageStatus", "undelivered")
	split := receiptForm()
	split.Del("MessageStatus")
	split.Set("MessageStatusun", "delivered")
	if sign(hidden) != sign(split) {
		t.Fatal("the two forms are not signed alike")
	}
	for _, row := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"no signature", post(hook, body, ""), 403},
		{"an empty signature", func() *http.Request {
			r := post(hook, body, "")
			r.Header["X-Twilio-Signature"] = []string{""}
			return r
		}(), 403},
		{"two signatures", func() *http.Request {
			r := post(hook, body, sign(form))
			r.Header.Add("X-Twilio-Signature", "x")
			return r
		}(), 403},
		{"half of a signature", post(hook, body, sign(form)[:14]), 403},
		{"signed with another token", post(hook, body, "q1ldDSXtd0HRDcyNLvz+8hSGUwE="), 403},
		{"truncated", post(hook, body[:len(body)-10], sign(form)), 403},
		{"empty", post(hook, "", sign(form)), 403},
		{"signed for another host", post(hook, body, twilioSigned("https://evil.example.org/receipts/main", form)), 403},
		{"another account", post(hook, other.Encode(), sign(other)), 403},
		{"a parameter twice", post(hook, body+"&MessageStatus=failed", sign(form)), 400},
		{"the same value twice", post(hook, body+"&MessageStatus=delivered", sign(form)), 400},
		{"a status in the address", post(hook+"?MessageStatus=failed", body, sign(form)), 400},
		{"not a form", post(hook, "%zz=1", sign(form)), 400},
		{"a status that nobody knows", post(hook, unknown.Encode(), sign(unknown)), 400},
		{"a name that is none", post(hook, short.Encode(), sign(short)), 400},
		{"a name and a value split elsewhere", post(hook, split.Encode(), sign(split)), 400},
		{"too long", post(hook, long.Encode(), sign(long)), 400},
		{"by GET", httptest.NewRequest(http.MethodGet, hook+"?"+body, nil), 405},
		{"by PUT", httptest.NewRequest(http.MethodPut, hook, strings.NewReader(body)), 405},
	} {
		l := &ledger{}
		g.Receipts = l.take
		if got := posted(t, g, row.r); got != row.want || len(l.taken) > 0 {
			t.Errorf("%s: answered %d, not %d; taken %v", row.name, got, row.want, l.taken)
		}
	}
}

// The host that a request names counts for nothing, either way; and one that comes
// twice is passed on twice, since who keeps messages knows what it changes.
func TestReceiptsComeByTheAddressOfTheSettings(t *testing.T) {
	_, g := asTwilio(t)
	l := &ledger{}
	g.Receipts = l.take
	form := receiptForm()
	for range 2 {
		r := post("http://10.0.0.7:8080/receipts/main", form.Encode(), twilioSigned(hook, form))
		if got := posted(t, g, r); got != 204 {
			t.Errorf("answered %d", got)
		}
	}
	if len(l.taken) != 2 || l.taken[0].ID != "" {
		t.Errorf("taken %v", l.taken)
	}
}

func TestWhatTheStoreSaysIsTheAnswerToAReceipt(t *testing.T) {
	_, g := asTwilio(t)
	l := &ledger{}
	g.Receipts = l.take
	form := receiptForm()
	for _, row := range []struct {
		err  error
		want int
	}{{nil, 204}, {sms.ErrNoSuch, 404}, {fmt.Errorf("receipt: %w", sms.ErrNoSuch), 404}, {errors.New("the disk is full"), 503}} {
		l.err = row.err
		if got := posted(t, g, post(hook, form.Encode(), twilioSigned(hook, form))); got != row.want {
			t.Errorf("%v: answered %d", row.err, got)
		}
	}
	g.Receipts = nil
	if got := posted(t, g, post(hook, form.Encode(), twilioSigned(hook, form))); got != 404 {
		t.Errorf("where nobody takes them: answered %d", got)
	}
}
