package stories_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// other is a second provider, which tells later what became of a text.
type other struct {
	*httptest.Server
	mu  sync.Mutex
	got []string // the names of the messages that it took
}

const receiptSecret = "receipts-only-Zq7"

// twoGateways installs a portal whose texts leave by a provider, or else by another.
func twoGateways(t *testing.T) (*portal, *provider, *other) {
	t.Helper()
	o := &other{}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	p, v := provided(t, `    - name: second
      kind: http
      address: `+o.URL+`/send
      headers: ['Content-Type: application/x-www-form-urlencoded']
      body: to={{form .To}}&text={{form .Text}}&id={{form .ID}}
      ref_field: ref
      receipt_secret_file: ./receipts.secret
      receipt_ref_field: ref
      receipt_state_field: state
      receipt_reason_field: why
      receipt_states: [OK delivered, OFF away, NONE gone, ON_ITS_WAY sent]
`)
	p.write("receipts.secret", receiptSecret+"\n")
	o.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, text, id := r.PostFormValue("to"), r.PostFormValue("text"), r.PostFormValue("id")
		raw, _ := json.Marshal(line{To: to, Text: text, ID: id})
		f, err := os.OpenFile(filepath.Join(p.dir, "outbox.jsonl"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.Write(append(raw, '\n')); err != nil {
			t.Error(err)
		}
		o.mu.Lock()
		o.got = append(o.got, "ref-"+id)
		o.mu.Unlock()
		fmt.Fprintf(w, `{"ref": "ref-%s"}`, id)
	})
	return p, v, o
}

func (o *other) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }

func (o *other) newest() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.got[len(o.got)-1]
}

// receipt tells the portal what became of a text, and returns the status.
func (p *portal) receipt(secret, ref, state string) int {
	p.t.Helper()
	body := url.Values{"ref": {ref}, "state": {state}, "why": {"77"}}.Encode()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/receipts/second", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+secret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

const undeliveredWords = "The network could not deliver the text message. Check the number, or make sure the phone is on, then send again."

func TestATextGoesByTheSecondGatewayAndIsReported(t *testing.T) {
	t.Parallel()
	p, v, o := twoGateways(t)
	p.opened()
	v.answers(saying(503, "busy"))
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	code := p.code(e164)
	if texts := v.got; len(texts) != 1 || !strings.HasPrefix(texts[0].Get("text"), code) {
		t.Errorf("the first was called with %v, and not with the code of the second, %s", texts, code)
	}
	ref := o.newest()

	// Nobody but the provider tells what became of a text.
	for _, row := range []struct {
		secret, ref, state string
		want               int
	}{
		{"guessed", ref, "OK", http.StatusForbidden},
		{"", ref, "OK", http.StatusForbidden},
		{receiptSecret, "ref-of-nobody", "OK", http.StatusNotFound},
	} {
		if got := p.receipt(row.secret, row.ref, row.state); got != row.want {
			t.Errorf("the receipt %q, %q, %s is answered with %d, not %d", row.secret, row.ref, row.state, got, row.want)
		}
	}
	if body := b.get("/2fa/setup/phone/code").body; strings.Contains(body, "Delivered") || !strings.Contains(body, `data-delivery="/2fa/setup/phone/code/state"`) {
		t.Errorf("before any receipt the page is %s", b.page.brief())
	}
	for _, state := range []string{"ON_ITS_WAY", "OK", "OK", "OFF", "NONE", "ON_ITS_WAY"} {
		if got := p.receipt(receiptSecret, ref, state); got/100 != 2 {
			t.Errorf("the receipt %s is answered with %d", state, got)
		}
	}
	if state := b.ask("/2fa/setup/phone/code/state").body; !strings.Contains(state, `"state":"delivered"`) || !strings.Contains(state, "Delivered 1 second ago.") && !strings.Contains(state, " seconds ago.") {
		t.Errorf("the script is told %s", state)
	}
	b.get("/2fa/setup/phone/code").is(want{page: "setup-phone-code", absent: []string{undeliveredWords, outageWords, "data-delivery"}})
	if !strings.Contains(b.page.text(), "Delivered ") {
		t.Errorf("the page does not say that it arrived: %s", b.page.brief())
	}
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	status := p.cli("sms", "status")
	if !strings.Contains(status, "1 sent, 1 delivered") || !strings.Contains(status, "1 failed") {
		t.Errorf("operators read:\n%s", status)
	}
	for _, hidden := range []string{receiptSecret, ref, "2025550143", code} {
		if strings.Contains(p.log.String()+status, hidden) {
			t.Errorf("log or status hold %q", hidden)
		}
	}
}

func TestATextThatTheNetworkCouldNotDeliver(t *testing.T) {
	t.Parallel()
	p, v, o := twoGateways(t)
	p.opened()
	v.answers(saying(503, "busy"))
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	code := p.code(e164)
	if got := p.receipt(receiptSecret, o.newest(), "OFF"); got/100 != 2 {
		t.Fatalf("the receipt is answered with %d", got)
	}
	b.get("/2fa/setup/phone/code").is(want{page: "setup-phone-code", absent: []string{"data-delivery"}})
	if got := b.page.notices(); len(got) != 1 || !strings.HasPrefix(got[0], undeliveredWords) {
		t.Errorf("the page says %q", got)
	}
	if state := b.ask("/2fa/setup/phone/code/state").body; !strings.Contains(state, `"state":"failed"`) {
		t.Errorf("the script is told %s", state)
	}
	// Sent again it is the same code, by the way that was used less.
	v.answers(nil)
	p.move(31 * time.Second)
	b.get("/2fa/setup/phone/code")
	b.do("Send SMS again").is(want{page: "setup-phone-code", notice: "We sent the code again. It is the same code."})
	for end := time.Now().Add(10 * time.Second); len(v.sends()) < 2 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	if got := v.sends(); len(got) != 2 || v.got[1].Get("text") != v.got[0].Get("text") {
		t.Errorf("the first was called with %v", v.got)
	}
	p.text(e164, code)
	b.get("/2fa/setup/phone/code").is(want{page: "setup-phone-code", absent: []string{undeliveredWords}})
	b.click("Use a different number").is(want{page: "setup-phone", kept: []string{"phone", number}})
	b.get("/2fa/setup/phone/code")
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
}

// On the way back in, too.
func TestARecoveryTextIsReported(t *testing.T) {
	t.Parallel()
	p, _, o := twoGateways(t)
	p.opened()
	b := p.enrol("ada")
	b.leave()
	c := p.lost("ada")
	c.get("/2fa/other")
	c.do("Send SMS").is(want{page: "text-code"}) // by the provider that reports nothing
	p.code(e164)
	p.move(2*time.Minute + time.Second)
	c.get("/2fa/text")
	c.do("Send SMS again").is(want{page: "text-code"}) // by the other
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		o.mu.Lock()
		n := len(o.got)
		o.mu.Unlock()
		if n > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("sent again it does not go by another way")
		}
	}
	if got := p.receipt(receiptSecret, o.newest(), "OK"); got/100 != 2 {
		t.Fatalf("the receipt is answered with %d", got)
	}
	if text := c.get("/2fa/text").text(); !strings.Contains(text, "Delivered ") {
		t.Errorf("the page is %s", c.page.brief())
	}
	if state := c.ask("/2fa/text/state").body; !strings.Contains(state, `"state":"delivered"`) {
		t.Errorf("the script is told %s", state)
	}
	if got := p.browser().ask("/2fa/text/state").status; got != http.StatusNotFound && got/100 != 3 {
		t.Errorf("a stranger is told %d", got)
	}
}
