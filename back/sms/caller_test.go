package sms_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/core/message"
	"sallyport/server"
)

// raw is a provider that speaks TLS, and then whatever it wants.
func raw(t *testing.T, speak func(c *tls.Conn)) (p *provider, calls *atomic.Int32) {
	t.Helper()
	p = newProvider(t, answering(200, ""))
	l, err := tls.Listen("tcp", "127.0.0.1:0", p.TLS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	calls = &atomic.Int32{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			go func() {
				defer c.Close()
				speak(c.(*tls.Conn))
			}()
		}
	}()
	p.URL = "https://" + l.Addr().String()
	return p, calls
}

// request reads one request and returns it.
func request(c net.Conn) string {
	var b bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_ = r.Write(&b)
	}
	return b.String()
}

func TestAConnectionThatBreaksLeavesOpenWhetherTheMessageWasTaken(t *testing.T) {
	answer := func(text string) func(c *tls.Conn) {
		return func(c *tls.Conn) {
			request(c)
			_, _ = c.Write([]byte(text))
		}
	}
	drip := func(before, each string) func(c *tls.Conn) {
		return func(c *tls.Conn) {
			request(c)
			_, _ = c.Write([]byte(before))
			for {
				if _, err := c.Write([]byte(each)); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	for _, row := range []struct {
		name  string
		lines []string
		speak func(c *tls.Conn)
		want  string // the error, or "" when the message was sent
	}{
		{"closes at once", plain, func(c *tls.Conn) { _ = c.Handshake() }, "the connection ended without an answer"},
		{"closes after the request", plain, answer(""), "the connection ended without an answer"},
		{"resets after the request", plain, func(c *tls.Conn) {
			request(c)
			_ = c.NetConn().(*net.TCPConn).SetLinger(0)
			_ = c.NetConn().Close()
		}, "the connection ended without an answer"},
		{"speaks something else", plain, answer("220 hello hunter2 +12025550143\r\n"), "the connection ended without an answer"},
		{"says what it was told", plain, func(c *tls.Conn) { _, _ = c.Write([]byte(request(c))) }, "the connection ended without an answer"},
		{"half a status", plain, answer("HTTP/1.1 2"), "the connection ended without an answer"},
		{"huge headers", plain, answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n"), "the connection ended without an answer"},
		{"a header that is none", plain, answer("HTTP/1.1 200 OK\r\nhunter2\r\n\r\n"), "the connection ended without an answer"},
		{"headers that drip", plain, drip("HTTP/1.1 200 OK\r\n", "X: y\r\n"), "no answer in time"},
		{"hangs", plain, func(c *tls.Conn) { request(c); request(c) }, "no answer in time"},
		{"half a body", fields, answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"messages\": [{\"status\": \"0\"}]}"), "answered 200 with what is not JSON, or not all of it"},
		{"half a body in chunks", fields, answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n{\"messages\": [{\"status\": \"0\"}]}\r\n"), "answered 200 with what is not JSON, or not all of it"},
		{"a body that drips", fields, drip("HTTP/1.1 200 OK\r\n\r\n", " "), "answered 200 with what is not JSON, or not all of it"},
		{"half a body where nobody looks", plain, answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), ""},
		{"a body without end where nobody looks", plain, drip("HTTP/1.1 200 OK\r\n\r\n", "xxxx"), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p, calls := raw(t, row.speak)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, err := p.gateway(row.lines...).Send(ctx, letter)
			told(t, err)
			if row.want == "" && err != nil || row.want != "" && (!errors.Is(err, sms.ErrUnknown) || !strings.HasPrefix(err.Error(), row.want+": ")) {
				t.Errorf("it says %v, not %q", err, row.want)
			}
			time.Sleep(50 * time.Millisecond)
			if n := calls.Load(); n != 1 {
				t.Errorf("it was called %d times", n)
			}
		})
	}
}

// The transport repeats what it may repeat by the book, a GET or a call with an
// Idempotency-Key, when a connection that was used before breaks.
func TestABrokenCallIsNotRepeatedWhateverItIs(t *testing.T) {
	var calls atomic.Int32
	p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
	})
	for _, lines := range [][]string{
		{`method: GET`, `address: ` + p.URL + `/?to={{form .To}}&text={{form .Text}}`},
		append([]string{}, `headers: ['Content-Type: application/json', 'Idempotency-Key: {{.ID}}']`, `body: '{"to": {{json .To}}, "text": {{json .Text}}}'`),
	} {
		calls.Store(0)
		g := p.gateway(lines...)
		if _, err := g.Send(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Send(t.Context(), letter); !errors.Is(err, sms.ErrUnknown) {
			t.Errorf("the second says %v", err)
		}
		if n := calls.Load(); n != 2 {
			t.Errorf("two messages were %d calls", n)
		}
	}
}

func TestAProviderThatIsNotReachedTookNothing(t *testing.T) {
	closed := func(p *provider) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p.URL = "https://" + l.Addr().String()
		_ = l.Close()
	}
	certificate := func(host string, until time.Duration) func(p *provider) {
		return func(p *provider) {
			p.TLS.Certificates = []tls.Certificate{p.ca.certificate(host, time.Now().Add(until))}
		}
	}
	for _, row := range []struct {
		name  string
		tune  func(p *provider) // before it starts
		after func(p *provider)
		says  string
		hint  string
	}{
		{"nobody listens", nil, closed, "connection refused", "check the host and port in address, and that the firewall"},
		{"an unknown signer", nil, func(p *provider) { p.ca.file = newAuthority(t).file }, "certificate signed by unknown authority", "name the provider's own in ca_file"},
		{"an old certificate", certificate("127.0.0.1", -time.Hour), nil, "certificate has expired", "check the clock of this machine"},
		{"the certificate of another address", certificate("127.0.0.2", time.Hour), nil, "certificate is valid for 127.0.0.2", "its certificate is another's"},
		{"the certificate of another name", certificate("login.example.org", time.Hour), nil, "doesn't contain any IP SANs", "its certificate is another's"},
		{"old TLS", func(p *provider) { p.TLS.MinVersion, p.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, nil, "protocol version not supported", "from TLS 1.2 on"},
		{"no TLS", nil, func(p *provider) {
			plain := newPlain(t)
			p.URL = "https://" + plain
		}, "first record does not look like a TLS handshake", "is it https that answers there"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var tuned []func(*provider)
			if row.tune != nil {
				tuned = append(tuned, row.tune)
			}
			p := newProvider(t, answering(200, ""), tuned...)
			if row.after != nil {
				row.after(p)
			}
			g := p.gateway(plain...)
			_, err := g.Send(t.Context(), letter)
			told(t, err)
			if err == nil || errors.Is(err, sms.ErrUnknown) || errors.Is(err, sms.ErrRefused) || errors.Is(err, context.DeadlineExceeded) ||
				!strings.HasPrefix(err.Error(), "not reached: ") || !strings.Contains(err.Error(), row.says) {
				t.Errorf("it says %v", err)
			}
			err = g.Reach(t.Context())
			if err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "; hint: ") || !strings.Contains(err.Error(), row.hint) {
				t.Errorf("reaching it says %v", err)
			}
			if n := len(p.got()); n != 0 {
				t.Errorf("it got %d requests", n)
			}
		})
	}
}

// newPlain is a server without TLS, and its address.
func newPlain(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: answering(200, "")}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func TestAnAddressOnThisMachineMayBePlain(t *testing.T) {
	p := newProvider(t, answering(200, ""))
	g := p.gateway(append([]string{`address: http://` + newPlain(t) + `/send`}, plain...)...)
	if _, err := g.Send(t.Context(), letter); err != nil {
		t.Error(err)
	}
	if err := g.Reach(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCertificatesOfAFileMustBeThere(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"none.pem": "", "key.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{"none.pem": "holds no certificate", "key.pem": "holds no certificate", "nowhere.pem": "no such file"} {
		c, err := config.Parse([]byte("url: https://a.test\ndefault_country: US\nsms:\n  gateways:\n    - name: main\n      kind: http\n      address: https://a.test/?{{form .To}}={{form .Text}}\n      ca_file: "+file+"\n"),
			filepath.Join(folder, "s.yaml"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.Gateways(c); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sms gateway main: ca_file: ") || !strings.Contains(err.Error(), "; hint: ") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// What people are told depends on the state that the sender makes of a call, with
// its own times.
func TestTheSenderTellsAGatewayThatIsNotThereFromOneThatDoesNotAnswer(t *testing.T) {
	silent := func(t *testing.T) *provider { // takes connections, and no handshake
		p := newProvider(t, answering(200, ""))
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		p.URL = "https://" + l.Addr().String()
		return p
	}
	hangs := func(t *testing.T) *provider {
		return newProvider(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	for _, row := range []struct {
		name     string
		provider func(t *testing.T) *provider
		want     message.State
	}{{"not there", silent, message.Failed}, {"does not answer", hangs, message.Unknown},
		{"refuses", func(t *testing.T) *provider {
			return newProvider(t, answering(200, `{"messages": [{"status": "6"}]}`))
		}, message.Refused},
		{"limits", func(t *testing.T) *provider { return newProvider(t, answering(429, "")) }, message.Failed}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := row.provider(t)
			m := letter
			m.State, m.Kind, m.MadeAt, m.ExpireAt = message.Waiting, message.CodeKind, time.Now(), time.Now().Add(time.Hour)
			queue := newOutbox(m)
			var log bytes.Buffer
			ctx, stop := context.WithCancel(t.Context())
			s := sms.Sender{Queue: queue, Routes: sms.NewRoutes([]sms.Gateway{p.gateway(fields...)}, nil, slog.New(slog.DiscardHandler)), Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))}
			ended := make(chan struct{})
			go func() { s.Run(ctx); close(ended) }()
			for until := time.Now().Add(8 * time.Second); time.Now().Before(until) && queue.row(m.ID).DoneAt.IsZero(); {
				time.Sleep(50 * time.Millisecond)
			}
			time.Sleep(1200 * time.Millisecond) // one more round
			stop()
			<-ended
			if got := queue.row(m.ID); got.State != row.want {
				t.Errorf("it is %s (%s), not %s", got.State, got.Reason, row.want)
			}
			told(t, errors.New(log.String()+queue.row(m.ID).Reason))
			if n := len(p.got()); n > 1 {
				t.Errorf("it was called %d times", n)
			}
		})
	}
}
