package stories_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fresh opens a connection for each request, as a balancer may.
var fresh = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// asks asks a client for an address; 0 is a connection that was not taken, or that
// the end cut off before it was looked at.
func (p *portal) asks(client *http.Client, path string) (status int, err error) {
	r, err := client.Get(p.url + path)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, err
}

// TestALoadBalancerHearsOfTheEnd: it asks and sends, sees 503 before any connection
// is refused, and none of what it sent or had begun to send is lost.
func TestALoadBalancerHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	p.becomes("/readyz", http.StatusOK)

	var up, ended atomic.Bool
	up.Store(true)
	var sent, alive atomic.Int64
	var heard, refused time.Time
	ctx, enough := context.WithTimeout(t.Context(), 20*time.Second)
	defer enough()
	var wg sync.WaitGroup
	wg.Go(func() { // the checks
		for ctx.Err() == nil && refused.IsZero() {
			status, err := p.asks(fresh, "/readyz")
			switch {
			case err != nil:
				t.Errorf("a check broke off: %v", err)
			case status == http.StatusServiceUnavailable && heard.IsZero():
				heard = time.Now()
				up.Store(false)
			case status == 0:
				refused = time.Now()
			}
			if !heard.IsZero() && refused.IsZero() {
				if status, err := p.asks(fresh, "/healthz"); err == nil && status == http.StatusOK {
					alive.Add(1)
				} else if status != 0 || err != nil {
					t.Errorf("/healthz answers %d while it drains, %v", status, err)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		ended.Store(true)
	})
	kept := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	for i := range 4 { // the requests: over new connections, and over ones that are kept
		client := fresh
		if i%2 == 1 {
			client = kept
		}
		wg.Go(func() {
			for ctx.Err() == nil && up.Load() {
				if status, err := p.asks(client, "/sign-in"); err != nil || status != http.StatusOK {
					t.Errorf("a request is lost: %d, %v", status, err)
				}
				sent.Add(1)
			}
		})
	}
	under := p.slowly(t)
	time.Sleep(300 * time.Millisecond)
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); up.Load() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := read().sum("sallyport_database_up"); got != 1 {
		t.Error("no metrics while it drains")
	}
	r, err := kept.Get(p.url + "/sign-in")
	if err != nil || !r.Close {
		t.Errorf("a late request: %v, and the connection stays", err)
	}
	for end := time.Now().Add(15 * time.Second); !ended.Load() && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	answer := under() // nobody else gets in by now
	wg.Wait()
	if !strings.HasPrefix(answer, "HTTP/1.1 422 ") || !strings.Contains(answer, "not correct") {
		t.Errorf("what was under way got %.80q", answer)
	}
	if heard.IsZero() || refused.IsZero() || heard.After(refused) {
		t.Fatalf("503 at %v, refused at %v", heard, refused)
	}
	if told := heard.Sub(begun); told > time.Second {
		t.Errorf("503 came %v after SIGTERM", told)
	}
	if notice := refused.Sub(heard); notice < 2*time.Second || notice > 6*time.Second {
		t.Errorf("between 503 and the end are %v", notice)
	}
	if sent.Load() < 10 || alive.Load() < 5 {
		t.Errorf("%d requests, %d times alive: this test is blind", sent.Load(), alive.Load())
	}
	p.stop()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
}

// slowly begins to sign in, and returns what sends the rest and reads the answer.
func (p *portal) slowly(t *testing.T) (finish func() string) {
	t.Helper()
	b := p.browser()
	token := b.get("/sign-in").token()
	body := "username=nobody&password=wrong&token=" + token
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /sign-in HTTP/1.1\r\nHost: %s\r\nCookie: csrf=%s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		strings.TrimPrefix(p.url, "http://"), b.cookies["csrf"], len(body), body[:10])
	return func() string {
		io.WriteString(c, body[10:])
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		raw, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("what was under way: %v", err)
		}
		return string(raw)
	}
}

// Where nobody asks whether it is ready, nobody is waited for.
func TestWithoutALoadBalancerItEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.browser().get("/sign-in").is(want{page: "sign-in"})
	begun := time.Now()
	p.stop()
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the end took %v", took)
	}
}
