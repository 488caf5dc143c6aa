package links

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is a provider: an SMSC on Perl's Net::SMPP, or what speaks HTTP.
type peer struct {
	kind, address string

	mu  sync.Mutex
	got map[string][]string // texts by number
}

func newPeer(t *testing.T, kind string) *peer {
	t.Helper()
	p := &peer{kind: kind, got: map[string][]string{}}
	if kind == "smpp" {
		p.centre(t)
		return p
	}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.address = strings.TrimPrefix(s.URL, "http://")
	return p
}

// settings are the lines of a gateway that reaches the peer at an address.
func (p *peer) settings(name, address string) string {
	lines := "    - name: " + name + "\n      kind: " + p.kind + "\n      address: "
	switch p.kind {
	case "smpp":
		return lines + address + "\n      system_id: acme\n      password_file: ./secret\n"
	case "twilio":
		return lines + "http://" + address + "\n      account: AC00000000000000000000000000000001\n      secret_file: ./secret\n"
	}
	return lines + "http://" + address + "/send\n      headers: ['Content-Type: application/x-www-form-urlencoded']\n      body: To={{form .To}}&Body={{form .Text}}\n"
}

// ServeHTTP takes a text whose request is whole.
func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	form, bad := url.ParseQuery(string(body))
	if err != nil || bad != nil || !form.Has("To") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.take(form.Get("To"), form.Get("Body"))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, `{"sid": "SM00000000000000000000000000000001"}`)
}

func (p *peer) take(to, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got[to] = append(p.got[to], text)
}

func (p *peer) texts(to string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got[to])
}

// waitFor is the text that arrives for a number.
func (p *peer) waitFor(t *testing.T, to string) string {
	t.Helper()
	for end := time.Now().Add(3 * answerTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if texts := p.texts(to); len(texts) > 0 {
			return texts[0]
		}
	}
	t.Fatalf("nothing arrives for %s", to)
	return ""
}

// centre starts the SMSC.
func (p *peer) centre(t *testing.T) {
	t.Helper()
	c := exec.Command("perl", "../../back/sms/testdata/smpp/smsc.pl")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("%v (hint: ./test installs libnet-smpp-perl)", err)
	}
	lines := bufio.NewScanner(out)
	var said struct {
		Event, To, Octets string
		Port              int
	}
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &said) != nil || said.Port == 0 {
		t.Fatalf("the SMSC says %q (hint: ./test installs libnet-smpp-perl)", lines.Text())
	}
	p.address = fmt.Sprintf("127.0.0.1:%d", said.Port)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() {
			if json.Unmarshal(lines.Bytes(), &said) == nil && said.Event == "submit" {
				octets, _ := hex.DecodeString(said.Octets)
				p.take("+"+said.To, strings.ReplaceAll(string(octets), "\x00", "@"))
			}
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		_ = c.Wait()
	})
}
