package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sallyport/back/sms"
	"sallyport/core/message"
)

// texts measures how long a text message takes from the button to the gateway.
// The outbox answers at once, so what is left is ours.
func (b *bench) texts() error {
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return err
	}
	members, err := p.enrolled(enrolment{count: few(b, 20, 200), phc: cheap(), attempts: 1, whole: true})
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	r := row{what: "text message, button to gateway", unit: "ms", by: "the gateway's own answer (outbox)"}
	d, err := p.desk(0, members[0])
	if err != nil {
		return err
	}
	own := sms.Outbox{Path: filepath.Join(p.folder, "own.jsonl"), Now: time.Now}
	for i, m := range members {
		began := time.Now()
		if _, err := own.Send(b, message.Message{To: "+12025550143", Text: strings.Repeat("x", 100), ID: m.id}); err != nil {
			return err
		}
		r.limit.add(time.Since(began))
		ask := request(p.host, "/2fa/text/send", from(i), d.cookies(m, 0), "token="+d.token)
		began = time.Now()
		if a, err := d.do(ask); err != nil || a.status != http.StatusSeeOther {
			return errors.Join(fmt.Errorf("a text message was answered with %d", a.status), err)
		}
		line, err := p.text(i)
		if err != nil {
			return err
		}
		r.ours.add(line.Time.Sub(began))
	}
	r.goals = []goal{most("median", r.limit.median()+10)}
	b.rows = append(b.rows, r)
	return p.stop()
}

// text waits for the n-th line of the outbox, counted from 0.
func (p *portal) text(n int) (line sms.Line, err error) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		raw, err := os.ReadFile(filepath.Join(p.folder, "outbox.jsonl"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return line, err
		}
		if lines := strings.SplitAfter(string(raw), "\n"); len(lines) > n && strings.HasSuffix(lines[n], "\n") {
			return line, json.Unmarshal([]byte(lines[n]), &line)
		}
	}
	return line, fmt.Errorf("text message %d was not sent within 10 seconds", n)
}
