package sms_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/core/message"
)

// vendor makes the one gateway of a settings file whose lines are given.
// Each secret file holds its name.
func vendor(t *testing.T, url string, lines ...string) sms.Gateway {
	t.Helper()
	folder := t.TempDir()
	text := "url: " + url + "\ndefault_country: US\nbrand:\n  sms_sender: ACME\nsms:\n  gateways:\n    - name: main\n      " + strings.Join(lines, "\n      ") + "\n"
	for _, m := range secretFile.FindAllStringSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(folder, m[1]), []byte("hunter2 of "+m[1]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ofAnyKind(t, folder, text)
}

// call is what came to a provider.
type call struct {
	method, path, body string
	header             http.Header
}

// stand is a provider over plain http on this machine.
type stand struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(w http.ResponseWriter, r *http.Request)
}

func newStand(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *stand {
	t.Helper()
	s := &stand{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.calls = append(s.calls, call{r.Method, r.RequestURI, string(body), r.Header})
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stand) last() call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

func (s *stand) says(status int, body string, headers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// What an attempt to send can be.
const (
	isSent    = "sent"
	isRefused = "refused"
	isFailed  = "failed"
	isUnknown = "not known"
	isBusy    = "busy"
)

// outcome is what an answer of a gateway means to the sender.
func outcome(err error) string {
	if _, ok := errors.AsType[sms.Busy](err); ok {
		return isBusy
	}
	switch {
	case err == nil:
		return isSent
	case errors.Is(err, sms.ErrRefused):
		return isRefused
	case errors.Is(err, sms.ErrUnknown):
		return isUnknown
	}
	return isFailed
}

// answers is a table of what a provider may say to a message.
type answers []struct {
	name   string
	status int
	body   string
	want   string
	says   string // the reference, or what the error begins with
}

// hold sends a message for each row.
func (rows answers) hold(t *testing.T, s *stand, g sms.Gateway) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			before := len(s.calls)
			s.says(row.status, row.body, "Retry-After", "7")
			ref, err := g.Send(t.Context(), letter)
			told(t, err)
			if got := outcome(err); got != row.want || err == nil && ref != row.says || err != nil && (!strings.HasPrefix(err.Error(), row.says) || ref != "") {
				t.Errorf("it is %s (%q, %v), not %s (%s)", got, ref, err, row.want, row.says)
			}
			if busy, ok := errors.AsType[sms.Busy](err); ok && busy.After != 7*time.Second {
				t.Errorf("it asks to wait %v", busy.After)
			}
			if n := len(s.calls) - before; n != 1 {
				t.Errorf("it was called %d times", n)
			}
		})
	}
}

// ledger takes receipts, and answers as it is told.
type ledger struct {
	taken []message.Receipt
	err   error
}

func (l *ledger) take(_ context.Context, r message.Receipt) error {
	if l.err != nil {
		return l.err
	}
	l.taken = append(l.taken, r)
	return nil
}

// posted hands a request to a gateway and returns the status of its answer, which
// has no body.
func posted(t *testing.T, g http.Handler, r *http.Request) int {
	t.Helper()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		t.Errorf("the answer to a receipt says %q", w.Body)
	}
	return w.Code
}
