package stories_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const twilioAccount = "AC00000000000000000000000000000001"

// named is Twilio and Vonage at once, over http on this machine. What they take
// they write into the outbox of the portal, where the stories read it.
type named struct {
	*httptest.Server
	t      *testing.T
	outbox string

	mu   sync.Mutex
	got  []map[string]string // the newest last; address is where its receipts go
	lost bool                // the answers do not come back
}

// names installs a portal whose texts leave by one of them.
func names(t *testing.T, lines ...string) (*portal, *named) {
	t.Helper()
	v := &named{t: t}
	v.Server = httptest.NewServer(http.HandlerFunc(v.take))
	t.Cleanup(v.Close)
	p := install(t, settings{noSMS: true, more: "default_country: US\nsms:\n  gateways:\n    - name: main\n      address: " + v.URL +
		"\n      secret_file: ./provider.secret\n      " + strings.Join(lines, "\n      ") + "\n"})
	p.extra = append(p.extra, "SALLYPORT_BRAND_SMS_SENDER=ACME")
	p.write("provider.secret", token+"\n")
	p.write("receipts.secret", token+" for receipts\n")
	v.mu.Lock() // the server is there already
	v.outbox = filepath.Join(p.dir, "outbox.jsonl")
	v.mu.Unlock()
	return p, v
}

func (v *named) take(w http.ResponseWriter, r *http.Request) {
	name, word, _ := r.BasicAuth()
	if r.Method == http.MethodHead {
		return
	}
	if word != token {
		v.t.Errorf("%s %s by %q, %q", r.Method, r.URL, name, word)
	}
	body, _ := io.ReadAll(r.Body)
	var m map[string]string
	switch r.URL.Path {
	case "/2010-04-01/Accounts/" + twilioAccount + "/Balance.json":
		fmt.Fprint(w, `{"balance": "12.50", "currency": "USD"}`)
		return
	case "/account/get-balance":
		fmt.Fprint(w, `{"value": 7.5}`)
		return
	case "/2010-04-01/Accounts/" + twilioAccount + "/Messages.json":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			v.t.Error(err)
		}
		m = map[string]string{"to": form.Get("To"), "text": form.Get("Body"), "address": form.Get("StatusCallback")}
	case "/v1/messages":
		var all map[string]any
		if err := json.Unmarshal(body, &all); err != nil {
			v.t.Error(err)
		}
		m = map[string]string{"to": "+" + all["to"].(string), "text": all["text"].(string), "address": fmt.Sprint(all["webhook_url"]), "id": all["client_ref"].(string)}
	default:
		v.t.Errorf("%s %s", r.Method, r.URL)
		return
	}
	v.mu.Lock()
	v.got = append(v.got, m)
	m["ref"] = fmt.Sprintf("SM%032d", len(v.got))
	lost, outbox := v.lost, v.outbox
	v.mu.Unlock()
	written, _ := json.Marshal(line{To: m["to"], Text: m["text"], ID: m["ref"]})
	f, err := os.OpenFile(outbox, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.Write(append(written, '\n'))
		f.Close()
	}
	if err != nil {
		v.t.Error(err)
	}
	if lost {
		<-r.Context().Done()
		return
	}
	if m["id"] != "" {
		w.WriteHeader(202)
		fmt.Fprintf(w, `{"message_uuid": %q}`, m["ref"])
		return
	}
	w.WriteHeader(201)
	fmt.Fprintf(w, `{"sid": %q}`, m["ref"])
}

func (v *named) newest() map[string]string {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.got) == 0 {
		v.t.Fatal("nothing was taken")
	}
	return v.got[len(v.got)-1]
}

// twilio is a signed receipt of a message.
func (v *named) twilio(m map[string]string, status, code string) *http.Request {
	v.t.Helper()
	form := url.Values{"AccountSid": {twilioAccount}, "MessageSid": {m["ref"]}, "MessageStatus": {status}, "To": {m["to"]}, "From": {"ACME"}}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	text := m["address"]
	for _, key := range slices.Sorted(maps.Keys(form)) {
		text += key + form.Get(key)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	r, err := http.NewRequest(http.MethodPost, m["address"], strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return r
}

// vonage is a signed receipt of a message.
func (v *named) vonage(m map[string]string, status string) *http.Request {
	v.t.Helper()
	body := fmt.Sprintf(`{"message_uuid": %q, "to": %q, "status": %q, "client_ref": %q, "channel": "sms"}`, m["ref"], m["to"], status, m["id"])
	sum := sha256.Sum256([]byte(body))
	claims, _ := json.Marshal(map[string]any{"iat": time.Now().Unix(), "iss": "Vonage", "api_key": "abcd1234", "payload_hash": hex.EncodeToString(sum[:])})
	both := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	mac := hmac.New(sha256.New, []byte(token+" for receipts"))
	mac.Write([]byte(both))
	r, err := http.NewRequest(http.MethodPost, m["address"], strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+both+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	return r
}

// posts sends a receipt and wants a status, without a word.
func (v *named) posts(r *http.Request, want int) {
	v.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != want || len(body) > 0 && want != 421 {
		v.t.Errorf("answered %d with %q, not %d", resp.StatusCode, body, want)
	}
}

// told is what the page's script hears of its text.
func (b *browser) told(want string) {
	b.t.Helper()
	if got := b.ask("/2fa/setup/phone/code/state").body; !strings.Contains(got, `"state":"`+want+`"`) {
		b.t.Errorf("the script hears %s, not %s", got, want)
	}
}

func TestReceiptsOfTwilio(t *testing.T) {
	t.Parallel()
	p, v := names(t, "kind: twilio", "account: "+twilioAccount)
	p.opened()
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	code := p.code(e164)
	m := v.newest()
	if !strings.HasPrefix(m["address"], p.url+"/receipts/main?id=") {
		t.Errorf("receipts go to %s", m["address"])
	}
	b.told("waiting")

	forged := v.twilio(m, "delivered", "")
	forged.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(make([]byte, 20)))
	v.posts(forged, 403)
	elsewhere := v.twilio(m, "delivered", "")
	elsewhere.Host = "evil.example.org"
	v.posts(elsewhere, 421)
	other := map[string]string{"address": p.url + "/receipts/main", "ref": "SM99999999999999999999999999999999", "to": e164}
	v.posts(v.twilio(other, "delivered", ""), 404)
	b.told("waiting")

	v.posts(v.twilio(m, "sent", ""), 204)
	b.told("waiting")
	v.posts(v.twilio(m, "delivered", ""), 204)
	b.told("delivered")
	v.posts(v.twilio(m, "undelivered", "30003"), 204) // late, and it arrived
	v.posts(v.twilio(m, "delivered", ""), 204)
	p.crash()
	b.told("delivered")
	b.get("/2fa/setup/phone/code")
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	for _, hidden := range []string{"hunter2", e164[1:], code, "X-Twilio", m["ref"]} {
		if strings.Contains(p.log.String(), hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
}

// Twilio took the text, and its answer was lost: the receipt says that it arrived.
func TestAReceiptOfATextWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	p, v := names(t, "kind: twilio", "account: "+twilioAccount)
	p.opened()
	v.lost = true
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.notice("/2fa/setup/phone/code", unknownWords)
	v.posts(v.twilio(v.newest(), "delivered", ""), 204)
	b.told("delivered")
}

func TestReceiptsOfVonage(t *testing.T) {
	t.Parallel()
	p, v := names(t, "kind: vonage", "account: abcd1234", "receipt_secret_file: ./receipts.secret")
	p.opened()
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	p.code(e164)
	m := v.newest()
	forged := v.vonage(m, "delivered")
	forged.Header.Set("Authorization", forged.Header.Get("Authorization")[:60])
	v.posts(forged, 403)
	b.told("waiting")
	v.posts(v.vonage(m, "undeliverable"), 204)
	b.told("failed")
	v.posts(v.vonage(m, "delivered"), 204) // what it came to in the end stays
	b.told("failed")
}

// Some providers report by GET, with the secret in the address.
func TestReceiptsByGET(t *testing.T) {
	t.Parallel()
	p, _ := provided(t, "      receipt_secret_file: ./receipts.secret\n      receipt_ref_field: id\n      receipt_state_field: status\n      receipt_states: [DELIVRD delivered, UNDELIV undelivered]\n")
	p.write("receipts.secret", token+" for receipts\n")
	p.opened()
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	p.code(e164)
	key := "&key=" + url.QueryEscape(token+" for receipts")
	for _, row := range []struct {
		query string
		want  int
		state string
	}{{"id=SM1&status=DELIVRD", 403, "waiting"}, {"id=SM1&status=DELIVRD&key=x", 403, "waiting"}, {"id=SM1" + key, 400, "waiting"}, {"id=SM1&status=BUFFRED" + key, 204, "waiting"},
		{"id=SM1&status=UNDELIV" + key, 204, "failed"}, {"id=SM1&status=DELIVRD" + key, 204, "failed"}} {
		resp, err := http.Get(p.url + "/receipts/provider?" + row.query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != row.want {
			t.Errorf("%s: answered %d, not %d", row.query, resp.StatusCode, row.want)
		}
		b.told(row.state)
	}
	if log := p.log.String(); strings.Contains(log, "hunter2") || strings.Contains(log, "DELIVRD") {
		t.Errorf("the log holds the request:\n%s", log)
	}
}

func TestDoctorTellsBalances(t *testing.T) {
	t.Parallel()
	for kind, row := range map[string]struct{ more, left string }{"twilio": {"account: " + twilioAccount, "12.50 USD"}, "vonage": {"account: abcd1234", "7.5 EUR"}} {
		p, v := names(t, "kind: "+kind, row.more)
		if err := os.Chmod(filepath.Join(p.dir, "provider.secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		a := p.run(p.dir, nil, "", "doctor")
		for _, words := range []string{"ok     sms gateway main answers at " + v.URL + "\n", "ok     sms gateway main has a balance of " + row.left + "\n", "provider.secret can be read by others"} {
			if !strings.Contains(a.out, words) {
				t.Errorf("%s: without %q:\n%s", kind, words, a.out)
			}
		}
		if strings.Contains(a.out+a.err, "hunter2") {
			t.Errorf("the secret is shown:\n%s%s", a.out, a.err)
		}
	}
}
