package sms_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The SMSCs of these tests are fair judges: an old client of somebody else gets on
// with them, and finds its message by the receipt.
func TestKannelGetsOnWithTheSMSCs(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *centre{"npm": func(t *testing.T) *centre { return npmCentre(t) }, "Perl": perlCentre} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			admin, send := kannel(t, c.addr)
			asked := url.Values{"username": {"u"}, "password": {"p"}, "to": {"12025550101"}, "from": {"ACME"}, "text": {"hello €"}, "charset": {"UTF-8"}, "dlr-mask": {"3"}, "dlr-url": {"http://127.0.0.1:9/"}}
			eventually(t, func() error { return says(send+"/cgi-bin/sendsms?"+asked.Encode(), "Accepted for delivery") })
			got := c.wait("submit", 1)[0]
			if got.To != "12025550101" || got.From != "ACME" || got.Receipt != 1 || got.Text != "hello €" && got.Octets != "68656c6c6f201b65" {
				t.Errorf("Kannel's message came as %+v", got)
			}
			if reported := c.wait("reported", 1)[0]; reported.Status != 0 {
				t.Errorf("Kannel answered the receipt %#x", reported.Status)
			}
			eventually(t, func() error {
				return errors.Join(says(admin+"/status.txt?password=x", "DLR: received 1,"), says(admin+"/status.txt?password=x", "DLR: 0 queued"))
			})
		})
	}
}

// says fetches a page and looks for words.
func says(address, words string) error {
	answer, err := http.Get(address)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && !strings.Contains(string(body), words) {
		err = fmt.Errorf("%s says %s", address, body)
	}
	return err
}

// kannel runs Kannel as a client of an SMSC that answers with hexadecimal names
// and reports decimal ones, which Kannel has to be told.
func kannel(t *testing.T, smsc string) (admin, send string) {
	t.Helper()
	var ports [3]string
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
		_ = l.Close()
	}
	_, port, _ := net.SplitHostPort(smsc)
	settings := filepath.Join(t.TempDir(), "kannel.conf")
	text := fmt.Sprintf(`group = core
admin-port = %s
admin-interface = 127.0.0.1
admin-password = x
smsbox-port = %s
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-level = 3

group = smsc
smsc = smpp
host = 127.0.0.1
port = %s
transceiver-mode = true
smsc-username = acme
smsc-password = hunter2
system-type = sms
msg-id-type = 0x01
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %s
sendsms-interface = 127.0.0.1
log-level = 3

group = sendsms-user
username = u
password = p
`, ports[0], ports[1], port, ports[2])
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	admin, send = "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[2]
	box := func(name string) {
		cmd, said := exec.Command("/usr/sbin/"+name, settings), &bytes.Buffer{}
		cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(settings), said, said
		if err := cmd.Start(); err != nil {
			t.Fatalf("%v (hint: ./test installs kannel)", err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s says\n%s", name, said)
			}
		})
	}
	box("bearerbox")
	eventually(t, func() error { return says(admin+"/status.txt?password=x", "(online") })
	box("smsbox")
	return admin, send
}
