package sms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/core/message"
)

const (
	vonageRef    = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
	vonageSecret = "hunter2 of vonage.signature"
)

// asVonage is a gateway of kind vonage whose provider is a stand.
func asVonage(t *testing.T) (*stand, *sms.ReportingVonage) {
	t.Helper()
	s := newStand(t, nil)
	return s, vendor(t, "https://login.example.org", "kind: vonage", "account: abcd1234", "secret_file: vonage.secret", "address: "+s.URL, "receipt_secret_file: vonage.signature", "").(*sms.ReportingVonage)
}

func vonageFault(code, title string) string {
	return `{"type": "https://developer.vonage.com/api-errors/messages#` + code + `", "title": "` + title + `", "detail": "+12025550143 is wrong", "instance": "bf0ca0bf"}`
}

func TestWhatVonageAnswers(t *testing.T) {
	s, g := asVonage(t)
	answers{
		{"taken", 202, `{"message_uuid": "` + vonageRef + `"}`, isSent, vonageRef},
		{"no number", 422, vonageFault("1170", "Invalid or Missing Msisdn Param"), isRefused, "answered 422, error 1170: the gateway refused"},
		{"a barred number", 422, vonageFault("1050", "Number barred"), isRefused, "answered 422, error 1050"},
		{"sent STOP", 422, vonageFault("1240", "Illegal Number"), isRefused, "answered 422, error 1240"},
		{"the field of the number", 422, `{"type": "https://developer.vonage.com/api-errors#invalid-params", "title": "Invalid params", "invalid_parameters": [{"name": "to", "reason": "x"}]}`, isRefused, "answered 422, title Invalid params"},
		{"the field of the sender", 422, `{"type": "https://developer.vonage.com/api-errors#invalid-params", "title": "Invalid params", "invalid_parameters": [{"name": "from", "reason": "x"}]}`, isFailed, "answered 422, title Invalid params"},
		{"a sender that is not allowed", 422, vonageFault("1120", "Illegal Sender Address"), isFailed, "answered 422, error 1120"},
		{"a wrong secret", 401, `{"type": "https://developer.vonage.com/api-errors#unauthorized", "title": "Unauthorized"}`, isFailed, "answered 401, title Unauthorized"},
		{"no money", 402, vonageFault("1070", "Partner quota exceeded"), isFailed, "answered 402, error 1070"},
		{"too many", 429, `{"title": "Rate Limit Hit"}`, isBusy, ""},
		{"throttled", 422, vonageFault("1000", "Throttled"), isBusy, ""},
		{"a code of the number behind another status", 500, vonageFault("1170", "x"), isFailed, "answered 500, error 1170"},
		{"broken", 503, `<html>`, isFailed, "answered 503"},
		{"a title that is a number", 422, `{"title": "+12025550143"}`, isFailed, "answered 422"},
		{"taken, but half of the answer", 202, `{"message_uuid": "aaaa`, isUnknown, "answered 202 with what is not JSON"},
	}.hold(t, s, g)
}

func TestTheRequestToVonage(t *testing.T) {
	s, g := asVonage(t)
	s.says(202, `{"message_uuid": "`+vonageRef+`"}`)
	m := letter
	m.ExpireAt = time.Now().Add(10*time.Minute + 500*time.Millisecond)
	if _, err := g.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	c := s.last()
	var body map[string]any
	if err := json.Unmarshal([]byte(c.body), &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"channel": "sms", "message_type": "text", "to": "12025550143", "from": "ACME", "text": m.Text, "client_ref": "ID-1", "ttl": 600.0,
		"webhook_url": hook, "webhook_version": "v1"}
	if fmt.Sprint(body) != fmt.Sprint(want) || c.method != "POST" || c.path != "/v1/messages" || c.header.Get("Content-Type") != "application/json" ||
		c.header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("abcd1234:hunter2 of vonage.secret")) {
		t.Errorf("%s %s %v\n%v\nnot\n%v", c.method, c.path, c.header, body, want)
	}
	g.Callback, g.Sender = "", "+447700900123"
	for left, ttl := range map[time.Duration]float64{-time.Minute: 20, 100 * 24 * time.Hour: 604800} {
		m.ExpireAt = time.Now().Add(left)
		if _, err := g.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		clear(body)
		if err := json.Unmarshal([]byte(s.last().body), &body); err != nil || body["ttl"] != ttl || body["from"] != "447700900123" || body["webhook_url"] != nil {
			t.Errorf("%v: %v", err, body)
		}
	}
}

// Where there is no signature secret, there is no door and nobody is told of one.
func TestVonageWithoutASignatureSecretTakesNoReceipts(t *testing.T) {
	lines := []string{"kind: vonage", "account: abcd1234", "secret_file: vonage.secret"}
	g := vendor(t, "https://login.example.org", append(lines, "")...)
	if _, door := g.(http.Handler); door || g.(*sms.Vonage).Callback != "" {
		t.Error("it has a door")
	}
	lines = append(lines, "receipt_secret_file: vonage.signature", "")
	if g := vendor(t, "http://localhost:8080", lines...).(*sms.ReportingVonage); g.Callback != "" {
		t.Errorf("Vonage is told %s", g.Callback)
	}
	if g := vendor(t, "https://login.example.org", lines...).(*sms.ReportingVonage); g.Callback != hook || g.Money != "https://rest.nexmo.com" || g.Origin != "https://api.nexmo.com" {
		t.Errorf("%s %s %s", g.Callback, g.Money, g.Origin)
	}
}

func TestTheBalanceOfVonage(t *testing.T) {
	s, g := asVonage(t)
	s.says(200, `{"value": 10.28, "autoReload": false}`)
	if left, err := g.Balance(t.Context()); err != nil || left != "10.28 EUR" {
		t.Errorf("%q, %v", left, err)
	}
	if c := s.last(); c.method != "GET" || c.path != "/account/get-balance" {
		t.Errorf("%s %s", c.method, c.path)
	}
	if err := g.Reach(t.Context()); err != nil || s.last().method != "HEAD" {
		t.Error(err)
	}
	s.says(401, `{}`)
	if _, err := g.Balance(t.Context()); err == nil || !strings.Contains(err.Error(), "hint: check account and secret_file") {
		t.Error(err)
	}
}

// vonageClaims are what a token of a receipt says.
func vonageClaims(body string, change ...any) map[string]any {
	sum := sha256.Sum256([]byte(body))
	claims := map[string]any{"iat": time.Now().Unix(), "jti": "c5ba8f24", "iss": "Vonage", "payload_hash": hex.EncodeToString(sum[:]), "api_key": "abcd1234"}
	for i := 0; i+1 < len(change); i += 2 {
		if claims[change[i].(string)] = change[i+1]; change[i+1] == nil {
			delete(claims, change[i].(string))
		}
	}
	return claims
}

// vonageToken signs claims with a head; the library of Vonage judges that.
func vonageToken(head string, claims map[string]any, secret string) string {
	text, _ := json.Marshal(claims)
	both := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString(text)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(both))
	return both + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func vonageStatus(status, code string) string {
	fault := ""
	if code != "" {
		fault = `, "error": {"type": "https://developer.vonage.com/api-errors/messages#` + code + `", "title": ` + code + `, "detail": "to +12025550143", "instance": "x"}`
	}
	return `{"message_uuid": "` + vonageRef + `", "to": "12025550143", "from": "ACME", "timestamp": "2026-11-25T23:30:00.000Z", "status": "` + status + `", "client_ref": "ID-1", "channel": "sms"` + fault + `}`
}

func bearing(token, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, hook, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestReceiptsOfVonageMean(t *testing.T) {
	_, g := asVonage(t)
	for _, row := range []struct {
		status, code string
		want         message.State
		reason       string
	}{
		{"submitted", "", message.Sent, ""}, {"delivered", "", message.Delivered, ""}, {"read", "", message.Delivered, ""},
		{"rejected", "1180", message.Away, "1180"}, {"undeliverable", "1220", message.Away, "1220"}, {"rejected", "1190", message.Gone, "1190"},
		{"rejected", "1310", message.Unfit, "1310"}, {"rejected", "1210", message.Blocked, "1210"}, {"rejected", "1280", message.Blocked, "1280"},
		{"rejected", "1240", message.OptedOut, "1240"}, {"rejected", "1330", message.Undelivered, "1330"}, {"undeliverable", "", message.Undelivered, ""},
	} {
		l := &ledger{}
		g.Receipts = l.take
		body := vonageStatus(row.status, row.code)
		status := posted(t, g, bearing(vonageToken(hs256, vonageClaims(body), vonageSecret), body))
		if want := (message.Receipt{Gateway: "main", Ref: vonageRef, ID: "ID-1", State: row.want, Reason: row.reason}); status != 204 || len(l.taken) != 1 || fmt.Sprint(l.taken[0]) != fmt.Sprint(want) {
			t.Errorf("%s %s: answered %d, taken %+v", row.status, row.code, status, l.taken)
		}
	}
}

func TestReceiptsOfVonageThatCountForNothing(t *testing.T) {
	_, g := asVonage(t)
	body := vonageStatus("delivered", "")
	sign := func(change ...any) string { return vonageToken(hs256, vonageClaims(body, change...), vonageSecret) }
	good := sign()
	now := time.Now()
	unsigned := vonageToken(`{"alg":"none"}`, vonageClaims(body), "")
	long := strings.Repeat(" ", 64<<10) + body
	of := func(body string) *http.Request {
		return bearing(vonageToken(hs256, vonageClaims(body), vonageSecret), body)
	}
	for _, row := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"good", bearing(good, body), 204},
		{"sent again after a day", bearing(sign("iat", now.Add(-24*time.Hour).Unix()), body), 204},
		{"a clock that is a little fast", bearing(sign("iat", now.Add(4*time.Minute).Unix()), body), 204},
		{"no token", bearing("", body), 403},
		{"two tokens", func() *http.Request {
			r := bearing(good, body)
			r.Header.Add("Authorization", "Bearer "+good)
			return r
		}(), 403},
		{"another scheme", func() *http.Request { r := bearing("", body); r.Header.Set("Authorization", "Basic "+good); return r }(), 403},
		{"another secret", bearing(vonageToken(hs256, vonageClaims(body), "hunter2"), body), 403},
		{"no method", bearing(unsigned, body), 403},
		{"no method, and no signature", bearing(unsigned[:strings.LastIndex(unsigned, ".")+1], body), 403},
		{"no method, signed all the same", bearing(vonageToken(`{"alg":"none"}`, vonageClaims(body), vonageSecret), body), 403},
		{"another method", bearing(vonageToken(`{"alg":"RS256"}`, vonageClaims(body), vonageSecret), body), 403},
		{"half of a token", bearing(good[:len(good)-4], body), 403},
		{"two parts", bearing(good[:strings.LastIndex(good, ".")], body), 403},
		{"another body", bearing(good, vonageStatus("rejected", "1240")), 403},
		{"truncated", bearing(good, body[:len(body)-2]), 403},
		{"no hash of the body", bearing(sign("payload_hash", nil), body), 403},
		{"no age", bearing(sign("iat", nil), body), 403},
		{"an age in words", bearing(sign("iat", "now"), body), 403},
		{"no account", bearing(sign("api_key", nil), body), 403},
		{"another account", bearing(sign("api_key", "abcd1235"), body), 403},
		{"older than a day", bearing(sign("iat", now.Add(-25*time.Hour).Unix()), body), 403},
		{"from the future", bearing(sign("iat", now.Add(6*time.Minute).Unix()), body), 403},
		{"expired", bearing(sign("exp", now.Add(-6*time.Minute).Unix()), body), 403},
		{"not JSON", of("status=delivered"), 400},
		{"a status that nobody knows", of(vonageStatus("beamed", "")), 400},
		{"no name", of(`{"status": "delivered"}`), 400},
		{"two receipts", of(body + body), 400},
		{"too long", of(long), 400},
		{"by GET", httptest.NewRequest(http.MethodGet, hook, nil), 405},
	} {
		l := &ledger{}
		g.Receipts = l.take
		if got := posted(t, g, row.r); got != row.want || (len(l.taken) > 0) != (row.want == 204) {
			t.Errorf("%s: answered %d, not %d; taken %v", row.name, got, row.want, l.taken)
		}
	}
}

// Tokens that Vonage's library signs are good here, and what it does not verify is
// good nowhere.
func TestTheLibraryOfVonageAgreesOnEveryToken(t *testing.T) {
	t.Parallel()
	_, g := asVonage(t)
	g.Receipts = (&ledger{}).take
	body := vonageStatus("delivered", "")
	type asked struct {
		Claims map[string]any `json:"claims,omitempty"`
		Token  *string        `json:"token,omitempty"`
		Secret string         `json:"secret"`
		Alg    string         `json:"alg,omitempty"`
	}
	signs := []asked{{Claims: vonageClaims(body), Secret: vonageSecret, Alg: "HS256"}, {Claims: vonageClaims(body), Secret: "another secret of theirs", Alg: "HS256"},
		{Claims: vonageClaims(body), Secret: vonageSecret, Alg: "HS512"}, {Claims: vonageClaims(body), Secret: vonageSecret, Alg: "none"},
		{Claims: vonageClaims(body, "exp", time.Now().Add(-time.Hour).Unix()), Secret: vonageSecret, Alg: "HS256"}}
	tokens := said[[]string](t, node(t, npmVonage, "vonage.cjs", signs))
	tokens = append(tokens, vonageToken(hs256, vonageClaims(body), vonageSecret), vonageToken(hs256, vonageClaims(body), vonageSecret+" "))
	var checks []asked
	for i := range tokens {
		checks = append(checks, asked{Token: &tokens[i], Secret: vonageSecret})
	}
	verdicts := said[[]bool](t, node(t, npmVonage, "vonage.cjs", checks))
	if fmt.Sprint(verdicts) != "[true false false false false true false]" {
		t.Errorf("the library says %v", verdicts)
	}
	for i, token := range tokens {
		if got := posted(t, g, bearing(token, body)); (got == 204) != verdicts[i] {
			t.Errorf("token %d: answered %d; the library says %v", i, got, verdicts[i])
		}
	}
}
