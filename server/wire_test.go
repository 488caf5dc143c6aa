//go:build !race

package server_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"sallyport/back/storetest"
)

// wire is the way to a PostgreSQL server. It counts the statements that go along it,
// and breaks off in the middle of one.
type wire struct {
	net.Listener
	db *faulty
	to string
}

// lay lays a wire to an empty database, and returns the address to use.
func lay(t *testing.T, db *faulty) string {
	t.Helper()
	address, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l, db, address.Host}
	address.Host = l.Addr().String()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(near)
		}
	}()
	return address.String()
}

// call is a connection.
type call struct {
	near, far net.Conn
	mu        sync.Mutex
	deaf      bool          // what the server says is not passed on any more
	heard     chan struct{} // it has said something since
}

func (w *wire) join(near net.Conn) {
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = near.Close()
		return
	}
	c := &call{near: near, far: far, heard: make(chan struct{}, 1)}
	go c.back()
	defer c.hangUp()
	for first := true; ; first = false { // the first message has no letter
		head := make([]byte, 5)
		if first {
			head = head[1:]
		}
		if _, err := io.ReadFull(near, head); err != nil {
			return
		}
		body := make([]byte, max(0, int(binary.BigEndian.Uint32(head[len(head)-4:]))-4))
		if _, err := io.ReadFull(near, body); err != nil {
			return
		}
		text := ""
		switch {
		case first:
		case head[0] == 'Q':
			text = string(bytes.TrimRight(body, "\x00"))
		case head[0] == 'E':
			text = "Execute"
		}
		if text == "" {
			if _, err := far.Write(append(head, body...)); err != nil {
				return
			}
			continue
		}
		how, fails := w.db.fails(text)
		if fails && !how.Late {
			return
		}
		if fails {
			c.mu.Lock()
			c.deaf = true
			c.mu.Unlock()
		}
		if _, err := far.Write(append(head, body...)); err != nil {
			return
		}
		if fails { // it is done, and nobody hears of it
			<-c.heard
			return
		}
	}
}

// back passes on what the server says.
func (c *call) back() {
	defer c.hangUp()
	for part := make([]byte, 32<<10); ; {
		n, err := c.far.Read(part)
		c.mu.Lock()
		deaf := c.deaf
		c.mu.Unlock()
		if deaf {
			select {
			case c.heard <- struct{}{}:
			default:
			}
		}
		if err != nil {
			return
		}
		if !deaf {
			if _, err := c.near.Write(part[:n]); err != nil {
				return
			}
		}
	}
}

func (c *call) hangUp() {
	_ = c.near.Close()
	_ = c.far.Close()
}

// TestABrokenWireOpensNothing loses the connection to PostgreSQL in the middle of
// every errand, before a statement and after a commit.
func TestABrokenWireOpensNothing(t *testing.T) {
	apart := func(t *testing.T) door {
		p := &premises{}
		return furnished(t, p, "database: "+lay(t, &p.db)+"\n", false)
	}
	t.Run("before a statement", func(t *testing.T) {
		errandsIn(t, apart, failure{}, func(t *testing.T, e errand, d door, c course) {
			for n := 1; e.disturbed(t, d, c, n, failure{}, 0) && !t.Failed(); n += 11 * *every {
			}
		})
	})
	how := failure{Late: true, Only: "COMMIT"}
	t.Run("after a commit", func(t *testing.T) {
		errandsIn(t, apart, how, func(t *testing.T, e errand, d door, c course) {
			for n := 1; e.disturbed(t, d, c, n, how, 0) && !t.Failed(); n += 2 * *every {
			}
		})
	})
}
