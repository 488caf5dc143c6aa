package stories_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// logsAll makes an installation write every line, in JSON.
func (p *portal) logsAll() {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("sallyport.yaml", strings.Replace(string(text), "level: warn", "level: debug\n  format: json", 1))
}

// logLine is a line of the log.
type logLine struct {
	Time                  time.Time
	Level, Msg            string
	Request, Route, Error string
	Method                string
	Status                int
	MS                    float64
}

// logLines reads the log; every line of it is an object.
func (p *portal) logLines() (all []logLine) {
	p.t.Helper()
	for _, text := range strings.Split(strings.TrimSpace(p.log.String()), "\n") {
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Time.IsZero() || l.Level == "" || l.Msg == "" {
			p.t.Errorf("%v: a line of the log is %s", err, text)
		}
		all = append(all, l)
	}
	return all
}

var referenceMark = regexp.MustCompile(`^[A-Z2-7]{4}-[A-Z2-7]{4}$`)

// TestJSONLogsHoldTheRequestAndNothingOfAnybody walks the ways in, and then takes
// the database away.
func TestJSONLogsHoldTheRequestAndNothingOfAnybody(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := install(t, settings{database: server.DSN()})
	p.logsAll()
	p.start()
	t.Cleanup(p.stop)
	link := p.invitation("person", "add", "zebulon", "--display", "Zebulon Quill", "--email", "zq@mail.test")
	b := p.browser()
	b.get(link + "?name=zebulon")
	b.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
	b.toScan(number, e164)
	b.do("Continue")
	b.used = b.app.code()
	b.do("Verify", "code", b.used).is(want{page: "setup-finish"})
	b.codes = b.saved()
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	notMe := dispute(p.text(e164, "2FA was set up"))
	b.tab().ask(notMe)
	b.tab().ask("/people/zebulon?rd=/wiki/quill")
	b.raw("ZEBULON", "/zebulon", "", "Host", "zebulon.test")
	c := p.lost("zebulon")
	c.do("Verify", "code", b.app.wrong())
	c.get("/2fa/other")
	c.do("Send SMS")
	code := p.text(e164, "to set up a new app")[:6]
	c.get("/2fa/recovery-code")
	c.do("Verify", "recovery", b.codes[1])

	server.Stop()
	broken := b.tab()
	broken.get("/account/security").is(want{status: http.StatusServiceUnavailable, page: "error"})
	reference := between(plain(broken.page.main())+" ", "Reference ", " ")
	if !referenceMark.MatchString(reference) {
		t.Fatalf("the error page shows the reference %q: %s", reference, broken.page.brief())
	}
	d := p.browser()
	d.get("/sign-in")
	d.do("Sign in", "username", "zebulon", "password", password)
	p.becomes("/readyz", http.StatusServiceUnavailable)
	for end := time.Now().Add(10 * time.Second); !strings.Contains(p.log.String(), "outbox not reached") && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	p.end(syscall.SIGTERM)

	failed, answered := 0, map[string]bool{}
	names := map[string]int{}
	for _, l := range p.logLines() {
		names[l.Msg]++
		switch {
		case l.Msg == "answered":
			if !referenceMark.MatchString(l.Request) || answered[l.Request] || l.Status < 200 || l.Status > 599 || l.MS <= 0 || l.Route == "" || l.Method == "" {
				t.Errorf("a request is told as %+v", l)
			}
			answered[l.Request] = true
		case l.Level == "ERROR":
			if !referenceMark.MatchString(l.Request) {
				t.Errorf("an error without its request: %+v", l)
			}
			if l.Request == reference {
				failed++
				if l.Msg != "request failed" || l.Route != "GET /account/security" || !strings.Contains(l.Error, "database unavailable") {
					t.Errorf("the line of the error page is %+v", l)
				}
			}
		}
	}
	if failed != 1 || !answered[reference] {
		t.Errorf("%d error lines have the reference of the page, %s; answered: %v", failed, reference, answered[reference])
	}
	for _, msg := range []string{"answered", "request failed", "sign-in failed", "not ready", "outbox not reached", "draining"} {
		if names[msg] == 0 {
			t.Errorf("no line %q: this test is blind", msg)
		}
	}
	secrets := append([]string{password, "zebulon", "Quill", "zq@mail", b.app.secret.Text(), b.used, code, "2025550143", "555-0143", b.address, c.address, b.agent, "?",
		strings.TrimPrefix(link, "/invitation/"), strings.TrimPrefix(notMe, "/not-me/")}, b.codes...)
	for _, browser := range []*browser{b, c, d} {
		for name, cookie := range browser.cookies {
			if cookie == "" {
				t.Errorf("an empty cookie %s", name)
			}
			secrets = append(secrets, cookie)
		}
	}
	for _, secret := range secrets {
		for _, line := range strings.Split(p.log.String(), "\n") {
			if strings.Contains(strings.ToLower(line), strings.ToLower(secret)) {
				t.Errorf("the log holds %q: %s", secret, line)
			}
		}
	}
}

// What a gateway has to say goes into the log, and the number does not.
func TestLogsOfAGatewayNameNoNumber(t *testing.T) {
	t.Parallel()
	p := install(t)
	p.logsAll()
	if err := os.Mkdir(filepath.Join(p.dir, "outbox.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(p.stop)
	b := p.toNumber("zebulon")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	for end := time.Now().Add(10 * time.Second); !strings.Contains(p.log.String(), "text message not sent"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no line about the text")
		}
	}
	for _, l := range p.logLines() {
		if l.Msg == "text message not sent" && (l.Level != "WARN" || l.Error == "") {
			t.Errorf("%+v", l)
		}
	}
	for _, never := range []string{"2025550143", "0143", "zebulon"} {
		if strings.Contains(p.log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
}
