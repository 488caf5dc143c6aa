package main

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const crowdOf = 10_000 // connections of no use

// connections holds ten thousand connections that idle or break, and measures
// whether others are served as before.
func (b *bench) connections() error {
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: crowdOf + 1000, Max: crowdOf + 1000}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allow %d files (hint: ulimit -Hn): %w", limit.Cur, err)
	}
	const looks = 2000
	before, err := p.served(looks)
	if err != nil {
		return err
	}
	h := &horde{host: p.host, end: make(chan struct{})}
	for n := range crowdOf {
		h.Go(func() { h.one(n) })
	}
	if !h.there(crowdOf * 95 / 100) {
		close(h.end)
		return fmt.Errorf("of %d connections only %d are open", crowdOf, h.open.Load())
	}
	during, err := p.served(looks)
	open := h.open.Load()
	held, memErr := memory(p.pid(), "VmRSS")
	close(h.end)
	h.Wait()
	if err != nil || memErr != nil {
		return fmt.Errorf("beside %d connections: %w %w", open, err, memErr)
	}
	r := row{what: "sign-in page beside 10,000 idle or broken connections", unit: "ms", ours: during, limit: before, by: "without them", goals: []goal{most("ratio", 1.2)},
		note: fmt.Sprintf("%d were open; the portal held %s MB; of 100 pages the slowest took %s ms, before %s", open, digits(held), digits(during.at(0.99)), digits(before.at(0.99)))}
	b.rows = append(b.rows, r)
	return p.stop()
}

// served measures the form of the sign-in on a new connection each time.
func (p *portal) served(times int) (took figures, err error) {
	for n := range times {
		began := time.Now()
		c, err := dial(p.host)
		if err != nil {
			return nil, err
		}
		a, err := c.do(request(p.host, "/sign-in", from(n), "", ""))
		c.Close()
		if err == nil && a.status != 200 {
			err = fmt.Errorf("/sign-in answers %d", a.status)
		}
		if err != nil {
			return nil, err
		}
		took.add(time.Since(began))
	}
	return took, nil
}

// horde is connections of no use. One that the portal closes is opened again.
type horde struct {
	sync.WaitGroup
	host string
	end  chan struct{}
	open atomic.Int64
}

// there says whether so many are open within a minute.
func (h *horde) there(many int64) bool {
	for range 600 {
		if h.open.Load() >= many {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

// one is of its sort until the end: half have asked once and idle, a quarter send
// a byte a second, a quarter headers without end.
func (h *horde) one(n int) {
	time.Sleep(time.Duration(n) * 200 * time.Microsecond) // not all in one moment
	for {
		if c, err := net.Dial("tcp", "127.0.0.1"+h.host[len("localhost"):]); err == nil {
			h.open.Add(1)
			h.bother(c, n%4)
			h.open.Add(-1)
			c.Close()
		}
		select {
		case <-h.end:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// bother holds a connection until the portal or the end closes it.
func (h *horde) bother(c net.Conn, sort int) {
	first, next := request(h.host, "/healthz", from(sort), "", ""), ""
	switch sort {
	case 2:
		first, next = []byte("G"), "E"
	case 3:
		first, next = []byte("GET / HTTP/1.1\r\n"), "X-Header: and one more\r\n"
	}
	if _, err := c.Write(first); err != nil {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for b := make([]byte, 512); ; {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	}()
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-h.end:
			c.Close()
			<-gone
			return
		case <-gone:
			return
		case <-tick.C:
			if next == "" {
				continue
			}
			if _, err := c.Write([]byte(next)); err != nil {
				c.Close()
			}
		}
	}
}
