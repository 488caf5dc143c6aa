// Package links lets toxiproxy cut, delay and thin out every link that text
// messages leave by, and asks of the whole program what design and documents
// promise: the same code by the next gateway within five seconds, nothing twice by
// one gateway, "not known" where the link died inside a call, and the first gateway
// again once its link is well.
package links

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The other end of every gateway is on this machine: what a text takes longer than
// five seconds is the portal's.
const (
	answerTime = 5 * time.Second
	slack      = 4 * time.Second // of a machine that does much else
)

// what became of a text at the first gateway.
const (
	sent    = "sent"
	unknown = "unknown"
	failed  = "failed"
)

// toxic is a fault of a link, in toxiproxy's words; "" takes the link down.
func toxic(kind, stream, attributes string) string {
	return fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": {%s}}`, kind, stream, attributes)
}

const up, down = "upstream", "downstream"

var rows = []struct {
	name   string
	kinds  string // of the first gateway
	toxics []string
	came   string // at the first gateway
	got    int    // texts that reached it
	within time.Duration
}{
	{"a slow link", "smpp http twilio", []string{toxic("latency", up, `"latency": 300, "jitter": 100`), toxic("latency", down, `"latency": 300, "jitter": 100`)}, sent, 1, slack},
	{"a link in slices", "smpp http twilio", []string{toxic("slicer", up, `"average_size": 3, "size_variation": 2, "delay": 500`), toxic("slicer", down, `"average_size": 3, "size_variation": 2, "delay": 500`)}, sent, 1, slack},
	{"a thin link", "smpp http", []string{toxic("bandwidth", up, `"rate": 1`), toxic("bandwidth", down, `"rate": 1`)}, sent, 1, slack},
	{"an answer that comes too late", "smpp http twilio", []string{toxic("latency", down, `"latency": 9000`)}, unknown, 1, answerTime + slack},
	{"answers that are lost", "smpp http", []string{toxic("timeout", down, `"timeout": 0`)}, unknown, 1, answerTime + slack},
	{"a link that is half open", "smpp http", []string{toxic("timeout", up, `"timeout": 0`)}, unknown, 0, answerTime + slack},
	{"a link that is reset under the answer", "smpp http twilio", []string{toxic("reset_peer", down, `"timeout": 0`)}, unknown, 1, slack},
	{"a link that is reset under the text", "smpp http", []string{toxic("reset_peer", up, `"timeout": 0`)}, unknown, 0, slack},
	{"an answer that is cut", "smpp http", []string{toxic("limit_data", down, `"bytes": 9`)}, unknown, 1, slack},
	{"a link that is down", "smpp http twilio", nil, failed, 0, slack},
}

func TestTextsTakeAnotherWayWhenALinkIsIll(t *testing.T) {
	for _, row := range rows {
		for kind := range strings.FieldsSeq(row.kinds) {
			t.Run(kind+", "+row.name, func(t *testing.T) {
				t.Parallel()
				first, second := newPeer(t, kind), newPeer(t, "http")
				link := newLink(t, first.address)
				p := start(t, first.settings("first", link.address())+second.settings("second", second.address))
				if kind == "smpp" {
					p.logged("gateway bound")
				}
				v := p.atNumber("ada")
				link.spoil(row.toxics)
				began := time.Now()
				v.press("Send SMS", "country", "US", "phone", "(202) 555-0143")

				by := second
				if row.came == sent {
					by = first
				}
				arrived := by.waitFor(t, "+12025550143")
				if took := time.Since(began); took > row.within {
					t.Errorf("the code arrived after %s, not within %s", took.Round(time.Millisecond), row.within)
				}
				if got := p.states(); !slices.Equal(got, wanted(row.came)) {
					t.Errorf("the log has %q, not %q", got, wanted(row.came))
				}
				if texts := first.texts("+12025550143"); len(texts) != row.got || len(texts) > 0 && texts[0] != arrived {
					t.Errorf("the first gateway got %q, the second %q", texts, arrived)
				}
				v.press("Verify", "code", arrived[:6])
				if v.page() != "setup-scan" {
					t.Errorf("the code %s leads to %s", arrived[:6], v.page())
				}

				link.heal()
				p.again(first)
				for _, peer := range []*peer{first, second} {
					if texts := peer.texts("+12025550143"); len(texts) > 1 {
						t.Errorf("a gateway got the code %d times", len(texts))
					}
				}
			})
		}
	}
}

// wanted is what the log has of a text, the oldest send first.
func wanted(came string) []string {
	if came == sent {
		return []string{"first sent"}
	}
	return []string{"first " + came, "second sent"}
}

// states are what became of each send of a code, the oldest first. What a receipt
// told later was sent before.
func (p *portal) states() (came []string) {
	p.t.Helper()
	for end := time.Now().Add(slack); ; time.Sleep(50 * time.Millisecond) {
		var lines []struct {
			Use, State, Gateway string
		}
		if err := json.Unmarshal([]byte(p.run("sms", "log", "--json")), &lines); err != nil {
			p.t.Fatal(err)
		}
		under := false
		came = nil
		for _, l := range slices.Backward(lines) {
			switch l.State {
			case "waiting", "calling":
				under = true
			case unknown, failed, "refused", "late":
			default:
				l.State = sent
			}
			if l.Use == "code" {
				came = append(came, l.Gateway+" "+l.State)
			}
		}
		if !under || time.Now().After(end) {
			return came
		}
	}
}

// again sends texts until one goes by a gateway whose link is well again.
func (p *portal) again(first *peer) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*answerTime)
	defer cancel()
	for ctx.Err() == nil {
		_ = p.command("sms", "test", "--wait", "1s", "(202) 555-0177").Run() // it fails where no receipt comes
		if len(first.texts("+12025550177")) > 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	p.t.Error("the first gateway gets nothing any more, though its link is well")
}
