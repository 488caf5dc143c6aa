package stories_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// bySMPP installs a portal whose texts leave by SMPP, to an SMSC on Perl's
// Net::SMPP. What it takes is written down where an outbox would have it.
func bySMPP(t *testing.T) *portal {
	t.Helper()
	smsc := exec.Command("perl", "../back/sms/testdata/smpp/smsc.pl")
	in, err := smsc.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := smsc.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := smsc.Start(); err != nil {
		t.Fatalf("%v (hint: ./test installs libnet-smpp-perl)", err)
	}
	lines := bufio.NewScanner(out)
	var said struct {
		Event, To, Octets string
		Port              int
	}
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &said) != nil || said.Port == 0 {
		t.Fatalf("the SMSC says %q", lines.Text())
	}
	p := install(t, settings{noSMS: true, more: fmt.Sprintf("default_country: US\nsms:\n  gateways:\n    - name: smsc\n      kind: smpp\n      address: 127.0.0.1:%d\n      system_id: acme\n      password_file: ./smsc.password\n", said.Port)})
	p.write("smsc.password", "hunter2\n")
	read := make(chan struct{})
	go func() {
		defer close(read)
		all := ""
		for lines.Scan() {
			if json.Unmarshal(lines.Bytes(), &said) == nil && said.Event == "submit" {
				octets, _ := hex.DecodeString(said.Octets)
				raw, _ := json.Marshal(line{To: "+" + said.To, Text: strings.ReplaceAll(string(octets), "\x00", "@")})
				all += string(raw) + "\n"
				p.write("outbox.jsonl", all)
			}
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		_ = smsc.Wait()
	})
	return p
}

// The Perl of the SMSC reports numbers that end in 2 as off, and others as barred.
func TestATextGoesBySMPPAndIsReported(t *testing.T) {
	t.Parallel()
	p := bySMPP(t)
	if a := p.run(p.dir, nil, "", "doctor"); !strings.Contains(a.out, "sms gateway smsc: the SMSC at 127.0.0.1:") || !strings.Contains(a.out, " lets acme in") {
		t.Errorf("doctor says\n%s", a.out)
	}
	p.opened()
	b := p.toNumber("ada")
	b.do("Send SMS", "phone", "(202) 555-0102").is(want{page: "setup-phone-code"})
	code := p.code("+12025550102")
	told := ""
	for end := time.Now().Add(10 * time.Second); !strings.Contains(told, `"state":"failed"`) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		told = b.ask("/2fa/setup/phone/code/state").body
	}
	b.get("/2fa/setup/phone/code").is(want{page: "setup-phone-code", absent: []string{"data-delivery"}})
	if got := b.page.notices(); len(got) != 1 || !strings.HasPrefix(got[0], undeliveredWords) {
		t.Errorf("the page says %q, and its script %s", got, told)
	}
	b.do("Verify", "code", code).is(want{page: "setup-scan"}) // it came after all
	if status := p.cli("sms", "status"); !strings.Contains(status, "1 sent, 0 delivered, 1 not delivered") {
		t.Errorf("operators read:\n%s", status)
	}
	for _, hidden := range []string{"hunter2", "2025550102", code} {
		if strings.Contains(p.log.String(), hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
	p.write("smsc.password", "wrong\n")
	if a := p.run(p.dir, nil, "", "doctor"); a.code != 1 || !strings.Contains(a.out, "ESME_RINVPASWD") || !strings.Contains(a.out, "check system_id and what stands in password_file") {
		t.Errorf("with a wrong password doctor says\n%s", a.out)
	}
}
