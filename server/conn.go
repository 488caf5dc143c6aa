package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

// timely answers 408 to a client whose header does not arrive in time. net/http
// closes such a connection without a word, and the other side cannot tell that
// from a fault of the network.
func timely(l net.Listener) net.Listener { return timelyListener{l} }

type timelyListener struct{ net.Listener }

// Accept wraps the connection.
func (l timelyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &timelyConn{Conn: c}, nil
}

type timelyConn struct {
	net.Conn
	begun   atomic.Bool // something of a header has arrived
	handled atomic.Bool // a handler has, or had, the request whose body still comes
}

// Read notes the first bytes of a header, and answers when no more come in time.
func (c *timelyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.begun.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && c.begun.Load() && !c.handled.Load() {
		c.Conn.Write([]byte("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	}
	return n, err
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// next lets a connection wait for another header. Until then what is late is the
// body of the request that has been answered: a second answer to it would be taken
// for that of the next.
func next(c net.Conn, state http.ConnState) {
	if t, ok := c.(*timelyConn); ok && state == http.StateIdle {
		t.begun.Store(false)
		t.handled.Store(false)
	}
}

// counted marks a connection as handled from when a handler has it.
func counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*timelyConn); ok {
			c.handled.Store(true)
		}
		h.ServeHTTP(w, r)
	})
}
