package stories_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
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

// provider is an SMS provider with an HTTP API, over TLS. What it takes it writes
// into the outbox of its portal, where the stories read it.
type provider struct {
	*httptest.Server
	t      *testing.T
	outbox string

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) // nil takes the message
	got    []url.Values
}

const token = "hunter2/+&"

// provided installs a portal whose texts leave by a provider.
func provided(t *testing.T, more string) (*portal, *provider) {
	t.Helper()
	v := &provider{t: t}
	v.Server = httptest.NewUnstartedServer(http.HandlerFunc(v.take))
	v.Config.ErrorLog = log.New(io.Discard, "", 0)
	v.StartTLS()
	t.Cleanup(v.Close)
	p := install(t, settings{noSMS: true, more: "default_country: US\nsms:\n  gateways:\n    - name: provider\n      kind: http\n      address: " + v.URL + `/messages
      headers:
        - 'Authorization: Basic {{base64 "example:" (secret "token")}}'
        - 'Content-Type: application/x-www-form-urlencoded'
      body: to={{form .To}}&text={{form .Text}}&id={{form .ID}}
      secrets:
        - name: token
          file: ./provider.token
      ca_file: ./provider.pem
      ok_field: status
      ok_values: [queued]
      ref_field: sid
      refused_field: code
      refused_values: [21211]
` + more})
	p.write("provider.token", token+"\n")
	p.write("provider.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw})))
	v.mu.Lock() // the server is there already
	v.outbox = filepath.Join(p.dir, "outbox.jsonl")
	v.mu.Unlock()
	return p, v
}

func (p *portal) opened() *portal {
	p.t.Helper()
	p.start()
	p.t.Cleanup(func() {
		p.stop()
		if p.t.Failed() {
			p.t.Logf("log of the portal:\n%s", p.log)
		}
	})
	return p
}

func (v *provider) take(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return // doctor
	}
	name, word, _ := r.BasicAuth()
	if err := r.ParseForm(); err != nil || name != "example" || word != token || r.URL.Path != "/messages" {
		v.t.Errorf("%s %s by %q, %q: %v", r.Method, r.URL, name, word, err)
	}
	v.mu.Lock()
	v.got = append(v.got, r.PostForm)
	answer, outbox := v.answer, v.outbox
	v.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	line, _ := json.Marshal(line{To: r.PostForm.Get("to"), Text: r.PostForm.Get("text"), ID: r.PostForm.Get("id")})
	f, err := os.OpenFile(outbox, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
		f.Close()
	}
	if err != nil {
		v.t.Error(err)
	}
	fmt.Fprint(w, `{"status": "queued", "sid": "SM1"}`)
}

func (v *provider) answers(answer func(w http.ResponseWriter, r *http.Request)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = answer
}

func saying(status int, body string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// sends is how often the provider was called with each message.
func (v *provider) sends() (to []string) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[string]bool{}
	for _, form := range v.got {
		to = append(to, form.Get("to"))
		if id := form.Get("id"); seen[id] {
			v.t.Errorf("the message %s was sent twice", id)
		} else {
			seen[id] = true
		}
	}
	return to
}

// notice loads a page until it tells of something.
func (b *browser) notice(path, words string) {
	b.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if slices.Contains(b.get(path).notices(), words) {
			return
		}
	}
	b.t.Fatalf("%s never says %q: %v", path, words, b.page.notices())
}

const (
	outageWords  = "We could not send the text message. This is a problem at our end. Try again in a few minutes. Your number is kept."
	refusedWords = "We cannot send a text message to this number. Check it, or use a different number."
	unknownWords = "We do not know whether the text message went out. If it does not arrive, choose ‘Send SMS again’. It is the same code."
)

func TestTextsLeaveByAnHTTPGateway(t *testing.T) {
	t.Parallel()
	p, v := provided(t, "")
	p.opened()
	b := p.enrol("ada")
	if got := v.sends(); !slices.Equal(got, []string{e164, e164}) { // the code and the notice
		t.Errorf("the provider got %v", got)
	}
	b.leave()
	c := p.lost("ada")
	c.get("/2fa/other")
	c.do("Send SMS").is(want{page: "text-code"})
	c.do("Verify", "code", p.code(e164))
	if got := v.sends(); len(got) != 3 {
		t.Errorf("the provider got %v", got)
	}
}

func TestANumberThatTheProviderRefuses(t *testing.T) {
	t.Parallel()
	p, v := provided(t, "")
	p.opened()
	v.answers(saying(400, `{"code": 21211, "message": "The 'To' number `+e164+` is not a valid phone number."}`))
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.notice("/2fa/setup/phone/code", refusedWords)
	b.is(want{page: "setup-phone-code", notice: refusedWords, absent: []string{"problem at our end", "could not deliver"}})
	if strings.Contains(b.page.body, "data-delivery") {
		t.Error("the script goes on asking, and loads the page again and again")
	}
	v.answers(nil)
	b.click("Use a different number").is(want{page: "setup-phone", kept: []string{"phone", number}})
	b.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	b.do("Verify", "code", p.code(e164two)).is(want{page: "setup-scan"})
	if got := v.sends(); !slices.Equal(got, []string{e164, e164two}) {
		t.Errorf("the provider got %v", got)
	}
}

func TestAProviderThatFails(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"is down":          saying(503, "busy"),
		"limits":           saying(429, `{"code": 20429}`),
		"lies":             saying(200, `{"status": "failed", "message": "no credit"}`),
		"leads elsewhere":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) },
		"knows no account": saying(401, "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, v := provided(t, "")
			p.opened()
			v.answers(answer)
			b := p.toNumber("ada")
			b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
			b.notice("/2fa/setup/phone/code", outageWords)
			b.get("/2fa/setup/phone?other=yes").is(want{page: "setup-phone", kept: []string{"phone", number}}) // the number is kept
			v.answers(nil)
			time.Sleep(1500 * time.Millisecond) // nothing is sent by itself that was told as failed
			if got := v.sends(); len(got) != 1 {
				t.Errorf("the provider got %v", got)
			}
			p.move(31 * time.Second)
			b.get("/2fa/setup/phone/code")
			b.do("Send SMS again").is(want{page: "setup-phone-code", notice: "We sent the code again. It is the same code."})
			b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
			if got := v.sends(); len(got) != 2 || v.got[0].Get("text") != v.got[1].Get("text") {
				t.Errorf("the provider got %v", v.got)
			}
			for _, hidden := range []string{token, "hunter2", "2025550143", v.got[0].Get("text")[:6]} {
				if strings.Contains(p.log.String(), hidden) {
					t.Errorf("the log holds %q", hidden)
				}
			}
			if !strings.Contains(p.log.String(), "gateway=provider state=failed") {
				t.Errorf("the log does not tell:\n%s", p.log)
			}
		})
	}
}

func TestAProviderThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	p, v := provided(t, "")
	p.opened()
	v.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	b.notice("/2fa/setup/phone/code", unknownWords)
	v.answers(nil)
	p.move(11 * time.Second)
	time.Sleep(1500 * time.Millisecond) // nobody sends it again by itself
	p.crash()
	time.Sleep(1500 * time.Millisecond)
	if got := v.sends(); len(got) != 1 {
		t.Errorf("the provider got %v", got)
	}
	p.move(20 * time.Second)
	b.get("/2fa/setup/phone/code")
	b.do("Send SMS again").is(want{notice: "We sent the code again. It is the same code."})
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
}

// stranger is the certificate of an authority that nobody asked for.
func stranger(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	as := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, as, as, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

func TestDoctorLooksAtGateways(t *testing.T) {
	t.Parallel()
	p, v := provided(t, "")
	doctor := func(env ...string) string {
		t.Helper()
		a := p.run(p.dir, env, "", "doctor")
		if (a.code != 0) != strings.Contains(a.out, "fault  ") {
			t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
		}
		if strings.Contains(a.out+a.err, "hunter2") {
			t.Errorf("the secret is shown:\n%s%s", a.out, a.err)
		}
		return a.out
	}
	has := func(out string, all ...string) {
		t.Helper()
		for _, text := range all {
			if !strings.Contains(out, text) {
				t.Errorf("without %q:\n%s", text, out)
			}
		}
	}
	out := doctor("HTTPS_PROXY=http://127.0.0.1:1")
	has(out, "ok     sms gateway provider: the request can be filled in whole\n",
		"ok     sms gateway provider answers at "+v.URL+", and its certificate is good\n",
		"ok     the clock of this machine agrees with that of sms gateway provider\n",
		"note   text messages go to real phones and no money is counted", "hint: set sms.prices, sms.currency and sms.budget_day\n",
		"note   HTTPS_PROXY is set, and gateways do not use it")
	if strings.Contains(out, "fault  ") || strings.Contains(out, "can be read by others") {
		t.Errorf("what is well is a fault:\n%s", out)
	}
	if n := len(v.sends()); n != 0 {
		t.Errorf("doctor sent %d messages", n)
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// A proxy is never asked for a host on this machine, so this one is elsewhere.
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := proxy.Accept()
			if err != nil {
				close(asked)
				return
			}
			asked <- c
			c.Close()
		}
	}()
	p.write("sallyport.yaml", strings.Replace(string(text), v.URL, "https://provider.invalid", 1))
	has(doctor("HTTPS_PROXY=http://"+proxy.Addr().String(), "https_proxy=http://"+proxy.Addr().String()), "fault  sms gateway provider: not reached: ")
	proxy.Close()
	if c, ok := <-asked; ok {
		t.Errorf("the proxy of the environment was asked by %v", c.RemoteAddr())
	}
	p.write("sallyport.yaml", string(text))

	if err := os.Chmod(filepath.Join(p.dir, "provider.token"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.move(40 * time.Second)
	has(doctor(), "fault  the clock of this machine is about 40 seconds fast by that of sms gateway provider", "hint: check time synchronisation",
		"provider.token can be read by others (-rw-r--r--)", "hint: chmod 600 ")
	p.move(-80 * time.Second)
	has(doctor(), "fault  the clock of this machine is about 40 seconds slow by that of sms gateway provider")
	p.move(40 * time.Second)

	own := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}))
	if err := os.Remove(filepath.Join(p.dir, "provider.pem")); err != nil {
		t.Fatal(err)
	}
	has(doctor(), "fault  sms gateway provider: ca_file: open ", "hint: name a file of certificates in PEM\n")
	if a := p.run(p.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "sms gateway provider: ca_file: ") || !strings.Contains(a.err, "\nhint: ") {
		t.Errorf("serve: %d %s", a.code, a.err)
	}
	// ca_file adds to what this machine trusts.
	p.write("provider.pem", stranger(t))
	has(doctor(), "fault  sms gateway provider: not reached: ")
	p.write("machine.pem", own)
	has(doctor("SSL_CERT_FILE="+filepath.Join(p.dir, "machine.pem")), "answers at "+v.URL+", and its certificate is good\n")

	unsigned := strings.Replace(string(text), "      ca_file: ./provider.pem\n", "", 1)
	p.write("sallyport.yaml", unsigned)
	has(doctor(), "fault  sms gateway provider: not reached: ", "certificate signed by unknown authority", "hint: install ca-certificates, or name the provider's own in ca_file\n")
	v.Close()
	has(doctor(), "fault  sms gateway provider: not reached: ", "connection refused", "hint: check the host and port in address")

	p.write("sallyport.yaml", unsigned+"  prices: [US 0.01]\n  currency: USD\n")
	if out := doctor(); strings.Contains(out, "no money is counted") {
		t.Errorf("money is counted:\n%s", out)
	}
	p.write("sallyport.yaml", strings.Replace(unsigned, "{{form .Text}}", "{{.Text}}", 1))
	line := 1 + strings.Count(unsigned[:strings.Index(unsigned, "      body: ")], "\n")
	if a := p.run(p.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, fmt.Sprintf("sallyport.yaml:%d: sms.gateways[0].body: {{.Text}} does not end in form", line)) {
		t.Errorf("a template without its function: %d %s", a.code, a.err)
	}
}
