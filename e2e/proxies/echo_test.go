package proxies

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// echo is an app that tells what reached it, to the letter: Go's own server would
// spell the names of headers anew.
type echo struct {
	id       string
	address  string
	listener net.Listener

	mu   sync.Mutex
	seen []arrival
}

// arrival is a request as it reached an app.
type arrival struct {
	App     string
	Line    string      // the request line
	Headers [][2]string // as they were spelled, in their order
	Body    string
}

func newEcho(t *testing.T, id string) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{id: id, address: l.Addr().String(), listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(c)
		}
	}()
	return e
}

func (e *echo) close() { _ = e.listener.Close() }

func (e *echo) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		a, err := e.read(in)
		if err != nil {
			return
		}
		e.mu.Lock()
		e.seen = append(e.seen, a)
		e.mu.Unlock()
		out, _ := json.Marshal(a) // it always can be
		if strings.HasPrefix(a.Line, "HEAD ") {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(out))
		} else {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(out), out)
		}
	}
}

// read takes no byte more than a request has, so that one smuggled behind it would
// be seen too.
func (e *echo) read(in *bufio.Reader) (a arrival, err error) {
	a.App = e.id
	if a.Line, err = line(in); err != nil {
		return a, err
	}
	for {
		h, err := line(in)
		if err != nil {
			return a, err
		}
		if h == "" {
			break
		}
		name, value, _ := strings.Cut(h, ":")
		a.Headers = append(a.Headers, [2]string{name, strings.TrimSpace(value)})
	}
	var body []byte
	if strings.EqualFold(a.one("Transfer-Encoding"), "chunked") {
		if body, err = io.ReadAll(httputil.NewChunkedReader(in)); err == nil {
			_, err = line(in)
		}
	} else if length := a.one("Content-Length"); length != "" {
		n, _ := strconv.Atoi(length) // of what is no number nothing is read
		body = make([]byte, n)
		_, err = io.ReadFull(in, body)
	}
	a.Body = string(body)
	return a, err
}

func line(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}

// arrivals are all requests that carry a mark.
func (e *echo) arrivals(mark string) (list []arrival) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.seen {
		if a.one("X-Mark") == mark {
			list = append(list, a)
		}
	}
	return list
}

// all are the values of a header, by its name in any case.
func (a arrival) all(name string) (values []string) {
	for _, h := range a.Headers {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

// one is the value of a header, or "".
func (a arrival) one(name string) string { return strings.Join(a.all(name), "|") }

// target is what the request line asks for.
func (a arrival) target() string {
	_, rest, _ := strings.Cut(a.Line, " ")
	if at := strings.LastIndex(rest, " HTTP/"); at >= 0 {
		rest = rest[:at]
	}
	return rest
}
