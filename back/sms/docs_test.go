package sms_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/server"
)

var (
	block      = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	secretFile = regexp.MustCompile(`file: (\S+)`)
	originOf   = regexp.MustCompile(`address: (https://[^/]+)`)
	// A signature holds the time and the port of the test; a library judges it.
	ofTheMoment = regexp.MustCompile(`(X-Amz-Date:|Authorization: AWS4-HMAC-SHA256) .*`)
	kindLine    = regexp.MustCompile(`kind: [a-z]+\n`)
)

// documented are the answers of each provider, in short, as it documents them: one
// that took the message, one that refuses the number, and one of another fault.
var documented = map[string]struct {
	ref                   string
	taken, refused, fault string
	status                [3]int
}{
	"twilio": {"SM00000000000000000000000000000000", `{"sid": "SM00000000000000000000000000000000", "status": "queued", "error_code": null}`,
		`{"code": 21211, "message": "The 'To' number +12025550143 is not a valid phone number.", "status": 400}`,
		`{"code": 20003, "message": "Authenticate", "status": 401}`, [3]int{201, 400, 401}},
	"vonage": {"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", `{"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"}`, vonageFault("1050", "Number barred"),
		`{"type": "https://developer.vonage.com/api-errors#unauthorized", "title": "Unauthorized"}`, [3]int{202, 422, 401}},
	"amazon": {"94f20ce6-13c5-43a0-9a9e-ca52d816e90b", snsTaken, snsFault("OptedOut", "x"), snsFault("InvalidClientTokenId", "x"), [3]int{200, 400, 403}},
	"infobip": {"2250be2d4219-3af1-78856", `{"bulkId": "1", "messages": [{"messageId": "2250be2d4219-3af1-78856", "status": {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}, "destination": "12025550143"}]}`,
		`{"messages": [{"messageId": "x", "status": {"groupId": 5, "groupName": "REJECTED", "id": 52, "name": "REJECTED_DESTINATION"}}]}`,
		`{"messages": [{"messageId": "x", "status": {"groupId": 5, "groupName": "REJECTED", "id": 12, "name": "REJECTED_NOT_ENOUGH_CREDITS"}}]}`, [3]int{200, 200, 200}},
}

func TestTheExamplesOfThePageForOperatorsWork(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate/sms.md")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, m := range block.FindAllStringSubmatch(string(page), -1) {
		text := "url: https://login.example.org\n" + m[1]
		folder := t.TempDir()
		for _, s := range secretFile.FindAllStringSubmatch(text, -1) {
			holds := "secret of " + filepath.Base(s[1])
			if strings.Contains(text, "kind: smpp") {
				holds = "hunter2" // what the SMSC of the test wants
			}
			if err := os.WriteFile(filepath.Join(folder, s[1]), []byte(holds+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := config.Parse([]byte(text), filepath.Join(folder, "sallyport.yaml"), nil)
		if err != nil {
			t.Errorf("%v\n%s", err, text)
			continue
		}
		for _, g := range c.SMS.Gateways {
			tried++
			if g.Kind == config.KindSMPP {
				t.Run(g.Name, func(t *testing.T) { exampleSMPP(t, text, folder) })
				continue
			}
			t.Run(g.Name, func(t *testing.T) { example(t, g.Name, strings.TrimPrefix(g.Origin(), "https://"), text, folder) })
		}
	}
	if most := len(documented) + 1; tried != most { // and an SMSC
		t.Errorf("the page has %d examples, not %d", tried, most)
	}
}

// exampleSMPP sends what the example says, to an SMSC of somebody else.
func exampleSMPP(t *testing.T, text, folder string) {
	c, ca := secureCentre(t)
	text = strings.Replace(text, "smsc.example.org:3550", c.addr+"\n      ca_file: "+ca.file, 1)
	settings, err := config.Parse([]byte(text), filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	list, err := server.Gateways(settings)
	if err != nil {
		t.Fatal(err)
	}
	g := list[0].(*sms.SMPP)
	if err := g.Reach(t.Context()); err != nil {
		t.Errorf("doctor: %v", err)
	}
	l := lineTo(t, c.addr, func(made *sms.SMPP) { made.TLS, made.Account, made.Sender = g.TLS, g.Account, g.Sender })
	if ref, err := l.hand(t, "100", code); err != nil || ref == "" {
		t.Errorf("%q, %v", ref, err)
	}
	if got := c.wait("submit", 1)[0]; got.Text != code || got.From != "ACME" {
		t.Errorf("it came as %+v", got)
	}
}

func example(t *testing.T, name, host, text, folder string) {
	says, status, body := documented[name], 0, ""
	p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	there := "      ca_file: " + p.ca.file + "\n"
	if origin := originOf.FindStringSubmatch(text); origin != nil {
		text = strings.Replace(text, origin[1], p.URL, 1)
	} else {
		there += "      address: " + p.URL + "\n"
	}
	g := ofAnyKind(t, folder, kindLine.ReplaceAllString(text, "$0"+there))

	status, body = says.status[0], says.taken
	if ref, err := g.Send(t.Context(), letter); err != nil || ref != says.ref {
		t.Errorf("taken: %q, %v", ref, err)
	}
	status, body = says.status[1], says.refused
	if _, err := g.Send(t.Context(), letter); !errors.Is(err, sms.ErrRefused) {
		t.Errorf("refused: %v", err)
	}
	status, body = says.status[2], says.fault
	if _, err := g.Send(t.Context(), letter); err == nil || errors.Is(err, sms.ErrRefused) || errors.Is(err, sms.ErrUnknown) {
		t.Errorf("another fault: %v", err)
	}
	got := p.got()
	if len(got) != 3 {
		t.Fatalf("three messages were %d requests", len(got))
	}
	golden(t, name, ofTheMoment.ReplaceAllString(strings.Replace(got[0], "Host: PROVIDER", "Host: "+host, 1), "$1 …"))
}

var coded = regexp.MustCompile("(?m)^\\| `([a-z_]+)`(?:, `([a-z_]+)`)?(?:, `([a-z_]+)`)? \\|")

// The words and keys of the page are those of the program.
func TestThePageForOperatorsSaysWhatIs(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate/sms.md")
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := os.ReadFile("../../core/words/en/errors.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"phone.refused", "text.outage", "text.unknown"} {
		_, rest, _ := strings.Cut(string(catalogue), "\n"+word+": ")
		words, _, _ := strings.Cut(rest, "\n")
		if words == "" || !strings.Contains(string(page), words) {
			t.Errorf("%s: %q", word, words)
		}
	}
	_, table, _ := strings.Cut(string(page), "\n## The keys\n")
	table, _, _ = strings.Cut(table, "\n## ")
	known := map[string]bool{"kind": true, "path": true}
	for _, m := range coded.FindAllStringSubmatch(table, -1) {
		for _, key := range m[1:] {
			known[key] = true
		}
	}
	for f := range reflect.TypeFor[config.Gateway]().Fields() {
		key := f.Tag.Get("yaml")
		if key != "" && !known[key] {
			t.Errorf("%s is not on the page", key)
		}
		delete(known, key)
	}
	if len(known) > 0 {
		t.Errorf("the page has keys that are none: %v", known)
	}
}

var codesRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([0-9, ]+) \\| ([0-9, ]+) \\|$")

// The codes of the page mean what it says, and what it leaves out is undelivered.
func TestThePageForOperatorsSaysWhatTheCodesMean(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate/sms.md")
	if err != nil {
		t.Fatal(err)
	}
	_, twilio := asTwilio(t)
	_, vonage := asVonage(t)
	told := [2]map[string]string{{}, {}}
	for _, m := range codesRow.FindAllStringSubmatch(string(page), -1) {
		for i := range told {
			for code := range strings.SplitSeq(m[2+i], ", ") {
				told[i][code] = m[1]
			}
		}
	}
	if len(told[0]) < 9 || len(told[1]) < 13 {
		t.Errorf("the page has %d and %d codes", len(told[0]), len(told[1]))
	}
	means := func(to *sms.Receipts, send func()) string {
		l := &ledger{}
		*to = l.take
		send()
		if len(l.taken) != 1 {
			t.Fatalf("taken %v", l.taken)
		}
		return string(l.taken[0].State)
	}
	for n := 30000; n < 30100; n++ {
		told[0][fmt.Sprint(n)] = cmp.Or(told[0][fmt.Sprint(n)], "undelivered")
	}
	for n := 1000; n < 1500; n += 10 {
		told[1][fmt.Sprint(n)] = cmp.Or(told[1][fmt.Sprint(n)], "undelivered")
	}
	for code, want := range told[0] {
		form := receiptForm("MessageStatus", "undelivered", "ErrorCode", code)
		if got := means(&twilio.Receipts, func() { posted(t, twilio, post(hook, form.Encode(), twilioSigned(hook, form))) }); got != want {
			t.Errorf("Twilio %s is %s; the page says %s", code, got, want)
		}
	}
	for code, want := range told[1] {
		body := vonageStatus("rejected", code)
		if got := means(&vonage.Receipts, func() { posted(t, vonage, bearing(vonageToken(hs256, vonageClaims(body), vonageSecret), body)) }); got != want {
			t.Errorf("Vonage %s is %s; the page says %s", code, got, want)
		}
	}
}
