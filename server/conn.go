package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
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
	read    patience
	write   patience
}

// Read notes the first bytes of a header, and answers when no more come in time.
func (c *timelyConn) Read(b []byte) (int, error) {
	if err := c.read.begin(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.read.end()
	if n > 0 {
		c.begun.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && c.begun.Load() && !c.handled.Load() {
		c.Conn.Write([]byte("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	}
	return n, err
}

// Write sends within its time.
func (c *timelyConn) Write(b []byte) (int, error) {
	if err := c.write.begin(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	defer c.write.end()
	return c.Conn.Write(b)
}

// SetReadDeadline holds for the read under way, or for the next.
func (c *timelyConn) SetReadDeadline(t time.Time) error {
	return c.read.until(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline holds for the write under way, or for the next.
func (c *timelyConn) SetWriteDeadline(t time.Time) error {
	return c.write.until(t, c.Conn.SetWriteDeadline)
}

// SetDeadline is both.
func (c *timelyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// patience is how long one side of a connection waits. net/http says it seven times
// a request, and each is a timer of the system's own: so it is told what holds when
// something waits, and that alone. Of a gate's check it was a twentieth.
type patience struct {
	mu    sync.Mutex
	waits int
	want  time.Time
	told  time.Time
}

// patienceLess is how much sooner than it was said a wait may end.
const patienceLess = 500 * time.Millisecond

func (p *patience) until(t time.Time, tell func(time.Time) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.want = t
	if p.waits == 0 {
		return nil
	}
	return p.tell(tell)
}

func (p *patience) begin(tell func(time.Time) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits++
	return p.tell(tell)
}

func (p *patience) end() {
	p.mu.Lock()
	p.waits--
	p.mu.Unlock()
}

func (p *patience) tell(tell func(time.Time) error) error {
	if late := p.want.Sub(p.told); p.want.IsZero() == p.told.IsZero() && late >= 0 && late <= patienceLess {
		return nil
	}
	if err := tell(p.want); err != nil {
		return err
	}
	p.told = p.want
	return nil
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
