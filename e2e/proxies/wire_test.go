package proxies

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// wire is a connection to a proxy over which anything can be said.
type wire struct {
	t    *testing.T
	w    *world
	p    *proxy
	name string // in the handshake
	c    *tls.Conn
	in   *bufio.Reader
}

func (w *world) wire(t *testing.T, p *proxy, host string) *wire {
	t.Helper()
	x := &wire{t: t, w: w, p: p, name: host}
	t.Cleanup(x.hangUp)
	return x
}

func (x *wire) hangUp() {
	if x.c != nil {
		_ = x.c.Close()
		x.c = nil
	}
}

func (x *wire) dial() {
	x.t.Helper()
	trust := harness.Trusting(x.p.trusted)
	trust.ServerName, trust.NextProtos = x.name, []string{"http/1.1"}
	c, err := tls.Dial("tcp", fmt.Sprintf("%s:%d", x.p.address, x.w.port), trust)
	if err != nil {
		x.t.Fatal(err)
	}
	x.c, x.in = c, bufio.NewReader(c)
}

// reply is what came back; a status of 0 is a connection that was closed.
type reply struct {
	status int
	header http.Header
	body   string
}

// say says one request, as it stands, and reads one answer.
func (x *wire) say(text string) reply {
	x.t.Helper()
	for again := x.c != nil; ; again = false {
		if x.c == nil {
			x.dial()
		}
		_ = x.c.SetDeadline(time.Now().Add(harness.Patience))
		_, err := io.WriteString(x.c, text)
		var answer *http.Response
		if err == nil {
			method, _, _ := strings.Cut(text, " ")
			answer, err = http.ReadResponse(x.in, &http.Request{Method: method})
		}
		if err != nil {
			x.hangUp()
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				x.t.Fatalf("no answer to %q", text)
			}
			if again { // it may have been closed since the last time
				continue
			}
			return reply{}
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.Close {
			x.hangUp()
		}
		return reply{answer.StatusCode, answer.Header, string(body)}
	}
}

// get is a request of a page by a browser, with further lines.
func (x *wire) get(target string, lines ...string) reply {
	x.t.Helper()
	return x.say(x.head("GET", target, lines...))
}

func (x *wire) head(method, target string, lines ...string) string {
	return strings.Join(append([]string{method + " " + target + " HTTP/1.1", fmt.Sprintf("Host: %s:%d", x.name, x.w.port), "Accept: text/html"}, lines...), "\r\n") + "\r\n\r\n"
}

// arrived is what the app tells of a request that has reached it.
func arrived(t testing.TB, status int, body string) (a arrival) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &a); status != http.StatusOK || err != nil {
		t.Fatalf("it has not reached an app: %d, %v\n%s", status, err, body)
	}
	return a
}

var marks atomic.Int64

// mark is a header by which a request can be found again where it arrives.
func mark() (value, line string) {
	value = fmt.Sprint(marks.Add(1))
	return value, "X-Mark: " + value
}

// nowhere fails if a request with a mark has reached an app.
func (w *world) nowhere(t *testing.T, what, mark string) {
	t.Helper()
	for _, a := range w.apps {
		for _, one := range a.arrivals(mark) {
			t.Errorf("%s: it has reached %s as %+v", what, a.id, one)
		}
	}
}

// cookieOf is the value of a cookie that a visitor has for a host.
func cookieOf(t testing.TB, s *somebody, host, name string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.w.url(host)+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Jar.Cookies(r.URL) {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatalf("there is no cookie %s for %s", name, host)
	return ""
}
