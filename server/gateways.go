package server

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/front/portal"
)

// gateways makes the SMS gateways of the settings, in their order.
func (s *Server) gateways(o Options) ([]sms.Gateway, *taps) {
	var list []sms.Gateway
	t := &taps{}
	if o.Demo != nil {
		t.also = o.Demo.OnText
	}
	for _, g := range o.Config.SMS.Gateways {
		switch g.Kind {
		case config.KindOutbox:
			list = append(list, &sms.Outbox{Label: g.Name, Path: g.Path, Only: g.Countries, Now: s.core.Now, Tap: t.tap})
		}
	}
	return list, t
}

// taps keeps the newest text messages of the demo, for its page.
type taps struct {
	mu    sync.Mutex
	lines []sms.Line
	also  func(sms.Line)
}

const tapsKept = 50

func (t *taps) tap(line sms.Line) {
	if t.also == nil {
		return
	}
	t.mu.Lock()
	t.lines = append(t.lines, line)
	t.lines = t.lines[max(0, len(t.lines)-tapsKept):]
	t.mu.Unlock()
	t.also(line)
}

var leadingCode = regexp.MustCompile(`^\d{6}`)

// list is the messages, newest first.
func (t *taps) list() (messages []portal.DemoMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range slices.Backward(t.lines) {
		code := leadingCode.FindString(line.Text)
		messages = append(messages, portal.DemoMessage{To: line.To, At: line.Time, Code: code, Text: strings.TrimPrefix(line.Text, code)})
	}
	return messages
}
