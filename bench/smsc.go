package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// smsc is an SMSC on this machine that takes every message (SMPP 3.4).
type smsc struct {
	net.Listener
	mu    sync.Mutex
	taken []time.Time
}

const (
	submitSM = 4
	response = 0x80000000
)

func newSMSC() (*smsc, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &smsc{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s, nil
}

// serve answers each request with a name, which fits binds and messages alike.
func (s *smsc) serve(c net.Conn) {
	defer c.Close()
	in, head := bufio.NewReader(c), make([]byte, 16)
	for n := 0; ; n++ {
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		size, command := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
		if size < 16 || size > 1<<16 {
			return
		}
		if _, err := in.Discard(int(size) - 16); err != nil {
			return
		}
		if command >= response {
			continue
		}
		if command == submitSM {
			s.mu.Lock()
			s.taken = append(s.taken, time.Now())
			s.mu.Unlock()
		}
		name := fmt.Sprintf("%d\x00", n)
		answer := binary.BigEndian.AppendUint32(nil, uint32(16+len(name)))
		answer = binary.BigEndian.AppendUint32(answer, command|response)
		answer = binary.BigEndian.AppendUint32(answer, 0)
		answer = append(append(answer, head[12:16]...), name...)
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func (s *smsc) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

// bound installs a portal with one bind at the SMSC.
func (b *bench) bound(s *smsc) (*portal, error) {
	p, err := b.through(fmt.Sprintf("    - name: main\n      kind: smpp\n      address: %s\n      system_id: bench\n      password_file: ./smsc.password\n", s.Addr()))
	if err != nil {
		return nil, err
	}
	return p, os.WriteFile(filepath.Join(p.folder, "smsc.password"), []byte("bench\n"), 0o600)
}

// smpp measures the way of text messages through one bind: how many a second, and
// how long one takes from the button.
func (b *bench) smpp() error {
	s, err := newSMSC()
	if err != nil {
		return err
	}
	defer s.Close()
	count := few(b, 200, 4000)
	r := row{what: "text messages a second, one SMPP bind", unit: "1/s", by: "bare submits, 8 in the window"}
	bare, err := s.bare(count)
	if err != nil {
		return err
	}
	r.limit = figures{bare}
	p, err := b.bound(s)
	if err != nil {
		return err
	}
	if err := p.queue(count); err != nil {
		return err
	}
	before := s.count()
	began := time.Now()
	if _, err := p.serve(); err != nil {
		return err
	}
	if err := until(b, 5*time.Minute, func() bool { return s.count() >= before+count }); err != nil {
		return err
	}
	r.ours = figures{float64(count) / time.Since(began).Seconds()}
	b.rows = append(b.rows, r)
	if err := p.stop(); err != nil {
		return err
	}
	return b.pressed(s)
}

// bare submits messages without a product, eight under way, and says how many a second.
func (s *smsc) bare(count int) (rate float64, err error) {
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	body := strings.Repeat("x", 140)
	answered := make(chan error, 8)
	go func() {
		head := make([]byte, 16)
		for {
			if _, err := io.ReadFull(c, head); err != nil {
				answered <- err
				return
			}
			_, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head))-16)
			answered <- err
		}
	}()
	began, under := time.Now(), 0
	for i := range count {
		if under == 8 {
			if err := <-answered; err != nil {
				return 0, err
			}
			under--
		}
		pdu := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
		pdu = binary.BigEndian.AppendUint32(pdu, submitSM)
		pdu = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(pdu, 0), uint32(i+1))
		if _, err := c.Write(append(pdu, body...)); err != nil {
			return 0, err
		}
		under++
	}
	for ; under > 0; under-- {
		if err := <-answered; err != nil {
			return 0, err
		}
	}
	return float64(count) / time.Since(began).Seconds(), nil
}

// pressed is the time from the button to the SMSC.
func (b *bench) pressed(s *smsc) error {
	p, err := b.bound(s)
	if err != nil {
		return err
	}
	members, err := p.enrolled(enrolment{count: few(b, 20, 200), phc: cheap(), attempts: 1, whole: true})
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	time.Sleep(time.Second) // the bind
	r := row{what: "text message, button to SMSC", unit: "ms", goals: []goal{most("median", 20)}}
	d, err := p.desk(0, members[0])
	if err != nil {
		return err
	}
	for i, m := range members {
		before := s.count()
		ask := request(p.host, "/2fa/text/send", from(i), d.cookies(m, 0), "token="+d.token)
		began := time.Now()
		if a, err := d.do(ask); err != nil || a.status != http.StatusSeeOther {
			return errors.Join(fmt.Errorf("a text message was answered with %d", a.status), err)
		}
		if err := until(b, 10*time.Second, func() bool { return s.count() > before }); err != nil {
			return err
		}
		s.mu.Lock()
		r.ours.add(s.taken[len(s.taken)-1].Sub(began))
		s.mu.Unlock()
	}
	r.note = fmt.Sprintf("99 of 100 within %s ms", digits(r.ours.at(0.99)))
	b.rows = append(b.rows, r)
	return p.stop()
}
