package server_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

// wire is the way to a PostgreSQL server. It counts the statements that go along it,
// and breaks off in the middle of one, at once or after a silence.
type wire struct {
	net.Listener
	db *faulty
	to string
}

// lay lays a wire to a database, and returns the address to use.
func lay(to string, db *faulty) (*wire, string, error) {
	address, err := url.Parse(to)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	w := &wire{l, db, address.Host}
	address.Host = l.Addr().String()
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(near)
		}
	}()
	return w, address.String(), nil
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
	in, out := bufio.NewReader(near), bufio.NewWriter(far)
	for first := true; ; first = false { // the first message has no letter
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		head := make([]byte, 5)
		if first {
			head = head[1:]
		}
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		body := make([]byte, max(0, int(binary.BigEndian.Uint32(head[len(head)-4:]))-4))
		if _, err := io.ReadFull(in, body); err != nil {
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
			if _, err := out.Write(append(head, body...)); err != nil {
				return
			}
			continue
		}
		how, fails := w.db.fails(text)
		if fails && !how.Late {
			_ = out.Flush()
			w.fail(near, how)
			return
		}
		if fails {
			c.mu.Lock()
			c.deaf = true
			c.mu.Unlock()
		}
		if _, err := out.Write(append(head, body...)); err != nil {
			return
		}
		if fails { // it is done, and nobody hears of it
			_ = out.Flush()
			<-c.heard
			w.fail(near, how)
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

// fail is the end of a call in a statement: nothing is heard until one side gives up.
func (w *wire) fail(near net.Conn, how failure) {
	if how.Kill {
		die()
	}
	w.db.hung.Add(1)
	defer w.db.hung.Done()
	_ = near.SetReadDeadline(time.Now().Add(how.Hang))
	_, _ = io.Copy(io.Discard, near)
}

func (c *call) hangUp() {
	_ = c.near.Close()
	_ = c.far.Close()
}
