package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gomail "github.com/wneessen/go-mail"

	"sallyport/core/change"
	"sallyport/core/message"
)

// outbox is the queue of one test, with the rules that back/storetest holds the
// real one to.
type outbox struct {
	mu    sync.Mutex
	rows  map[string]*message.Message
	calls map[string]int
}

func (o *outbox) WaitingMails(_ context.Context, now time.Time, most int) (list []message.Message, _ error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.rows {
		if m.State == message.Waiting && !m.LeaseAt.After(now) && m.ExpireAt.After(now) && len(list) < most {
			list = append(list, *m)
		}
	}
	return list, nil
}

func (o *outbox) Apply(_ context.Context, set change.Set) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, effect := range set {
		switch e := effect.(type) {
		case message.Called:
			if o.rows[e.ID].State != message.Waiting {
				return &change.Refused{Effect: e}
			}
			o.rows[e.ID].State = message.Calling
		case message.Deferred:
			o.rows[e.ID].State, o.rows[e.ID].LeaseAt, o.rows[e.ID].Reason = message.Waiting, e.Until, e.Reason
		case message.Settled:
			o.rows[e.ID].State, o.rows[e.ID].Reason = e.State, e.Reason
		default:
			return fmt.Errorf("%T", e)
		}
	}
	return nil
}

func (o *outbox) Again(context.Context, time.Time) error { return nil }
func (o *outbox) Woken() <-chan struct{}                 { return nil }

// server answers by the address.
type server struct{ box *outbox }

func (s server) Send(_ context.Context, m message.Message) error {
	s.box.mu.Lock()
	s.box.calls[m.To]++
	n := s.box.calls[m.To]
	s.box.mu.Unlock()
	switch {
	case strings.HasPrefix(m.To, "never@"):
		return fmt.Errorf("%w: 550", ErrRefused)
	case strings.HasPrefix(m.To, "third@") && n < 3, strings.HasPrefix(m.To, "down@"):
		return errors.New("not reached")
	}
	return nil
}

func TestAMailIsTriedUntilItIsTakenRefusedOrTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &outbox{rows: map[string]*message.Message{}, calls: map[string]int{}}
		for _, to := range []string{"first@example.org", "third@example.org", "never@example.org", "down@example.org"} {
			m := message.NewMail("ada", "set-up", to, "subject", "text", time.Now(), message.MailLife)
			box.rows[m.ID] = &m
		}
		s := &Sender{Queue: box, Server: server{box}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		state := func(to string) message.State {
			synctest.Wait()
			box.mu.Lock()
			defer box.mu.Unlock()
			for _, m := range box.rows {
				if m.To == to+"@example.org" {
					return m.State
				}
			}
			return ""
		}
		calls := func(to string) int {
			box.mu.Lock()
			defer box.mu.Unlock()
			return box.calls[to+"@example.org"]
		}
		time.Sleep(1500 * time.Millisecond)
		if state("first") != message.Sent || state("never") != message.Failed || state("third") != message.Waiting || state("down") != message.Waiting {
			t.Errorf("at first: %v %v %v %v", state("first"), state("never"), state("third"), state("down"))
		}
		time.Sleep(4 * time.Minute)
		if state("third") != message.Sent || calls("third") != 3 {
			t.Errorf("after two failures: %v, %d calls", state("third"), calls("third"))
		}
		time.Sleep(message.MailLife)
		if n := calls("down"); n < 140 || n > 170 { // a minute, then twice as long, then every half hour for three days
			t.Errorf("a server that is down for three days was called %d times", n)
		}
		if calls("first") != 1 || calls("never") != 1 {
			t.Errorf("calls: %d and %d", calls("first"), calls("never"))
		}
		stop()
		<-done
	})
}

func TestTheMailItself(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)
	s := &SMTP{From: "login@example.org", Name: "Exämple, Portal", Hello: "login.example.org", Now: func() time.Time { return at }}
	m := message.NewMail("ada", "set-up", "ada@example.org", "2FA is on für Ada", "Hello Ada,\n\na line\n", at, time.Hour)
	msg, err := s.message(m)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if _, err := msg.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Message-ID: <" + m.ID + "@login.example.org>", "Auto-Submitted: auto-generated", "To: <ada@example.org>",
		"Date: Mon, 23 Nov 2026 14:32:00 +0000", "Content-Type: text/plain; charset=UTF-8", "Hello Ada,\r\n\r\na line\r\n"} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("without %q:\n%s", line, text.String())
		}
	}
	if strings.Contains(text.String(), "User-Agent") || strings.Contains(text.String(), "X-Mailer") {
		t.Errorf("it names the program:\n%s", text.String())
	}
	for _, to := range []string{"a@b.test\r\nBcc: eve@x.test", "", "a@b.test, eve@x.test"} {
		m.To = to
		if _, err := s.message(m); err == nil || strings.Contains(err.Error(), "eve") {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestErrorsNameNoAddress(t *testing.T) {
	err := plain(&gomail.SendError{Reason: gomail.ErrSMTPRcptTo})
	if err == nil || strings.Contains(err.Error(), "@") {
		t.Errorf("%v", err)
	}
}
