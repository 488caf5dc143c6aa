package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// What a submit can come to besides the status of an answer.
var (
	// ErrNotSent: nothing was handed over.
	ErrNotSent = errors.New("the session is not open")
	// ErrFull: as much as the window holds waits for answers.
	ErrFull = errors.New("the window is full")
	// ErrNoAnswer: it was handed over, and nobody answered.
	ErrNoAnswer = errors.New("no answer")
	// ErrEnded: the other end unbound, or we did.
	ErrEnded = errors.New("unbound")
)

// The times of a session.
const (
	writeTime  = 3 * time.Second
	placeTime  = time.Second      // to wait for a place in the window
	answerTime = 10 * time.Second // an enquiry unanswered for so long ends the session
	lateTime   = time.Minute      // an answer is taken for so long
	unbindTime = time.Second
)

// handsMost is how many deliveries are dealt with at once. More are sent back, to
// come again: nothing piles up here.
const handsMost = 16

// Options are how a session is held.
type Options struct {
	Account
	Window  int
	Enquire time.Duration // between enquiries
	// Deliver is called for each delivery that tells of a message, several at once,
	// until the session's end. What it returns is the answer.
	Deliver func(ctx context.Context, d Delivery) Status
}

// Session is a bound connection. Its goroutines end with it.
type Session struct {
	conn    net.Conn
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	places  chan struct{} // the window
	hands   chan struct{}
	pen     chan struct{} // held to write
	all     sync.WaitGroup

	mu      sync.Mutex
	last    uint32
	waiting map[uint32]*asked
	cause   error
}

// asked is what we wait to hear an answer to.
type asked struct {
	command  command
	sequence uint32
	answer   chan answer
	windowed bool
	late     func(ctx context.Context, id string) // nobody waits any more
}

// answer is a unit that answers: its status, and the name that it gives.
type answer struct {
	status Status
	id     string
}

// Bind binds over a connection, which it closes where that fails.
func Bind(ctx context.Context, conn net.Conn, o Options) (*Session, error) {
	s := &Session{conn: conn, options: o, places: make(chan struct{}, max(1, o.Window)), hands: make(chan struct{}, handsMost),
		pen: make(chan struct{}, 1), waiting: map[uint32]*asked{}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.all.Go(s.listen)
	a, err := s.ask(ctx, bindTransceiver, o.bind(), nil)
	if err == nil && a.status != OK {
		err = a.status
	}
	if err != nil {
		if cause := s.Err(); cause != nil && !errors.As(err, new(Status)) {
			err = cause
		}
		s.end(ErrEnded)
		s.all.Wait()
		return nil, fmt.Errorf("bind: %w", err)
	}
	if o.Enquire > 0 {
		s.all.Go(s.enquire)
	}
	return s, nil
}

// Ended is closed when the session has ended.
func (s *Session) Ended() <-chan struct{} { return s.ctx.Done() }

// Err is why the session ended, or nil.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Submit hands a message over and returns the provider's name for it. Where ctx
// ends first, an answer that comes later calls late, if one is given.
func (s *Session) Submit(ctx context.Context, m Submit, late func(ctx context.Context, id string)) (id string, err error) {
	wait := time.NewTimer(placeTime)
	defer wait.Stop()
	select {
	case s.places <- struct{}{}:
	case <-s.ctx.Done():
		return "", ErrNotSent
	case <-ctx.Done():
		return "", ErrFull
	case <-wait.C:
		return "", ErrFull
	}
	a, err := s.ask(ctx, submitSM, m.body(), late)
	if err == nil && a.status != OK {
		err = a.status
	}
	return a.id, err
}

// ask writes a unit and waits for its answer.
func (s *Session) ask(ctx context.Context, c command, body []byte, late func(ctx context.Context, id string)) (answer, error) {
	a := s.expect(c)
	if err := s.write(ctx, head{c, OK, a.sequence}, body); err != nil {
		s.forget(a)
		return answer{}, err
	}
	select {
	case got := <-a.answer:
		return got, nil
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case got := <-a.answer: // it came first after all
		return got, nil
	default:
	}
	a.late = late
	time.AfterFunc(lateTime, func() { s.forget(a) }) // it keeps its place in the window until then
	return answer{}, ErrNoAnswer
}

// expect opens a place for an answer.
func (s *Session) expect(c command) *asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = s.last&0x7fffffff%0x7fffffff + 1
	a := &asked{command: c, sequence: s.last, answer: make(chan answer, 1), windowed: c == submitSM}
	s.waiting[a.sequence] = a
	return a
}

// forget gives up waiting, and the place in the window with it.
func (s *Session) forget(a *asked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[a.sequence] == a {
		s.close(a)
	}
}

// close takes a question out of the list. The lock is held.
func (s *Session) close(a *asked) {
	delete(s.waiting, a.sequence)
	if a.windowed {
		<-s.places
	}
}

// write writes a unit. Where it fails the other end did not get all of it, so
// that it cannot have been taken; and nothing can follow it.
func (s *Session) write(ctx context.Context, h head, body []byte) error {
	select {
	case s.pen <- struct{}{}:
		defer func() { <-s.pen }()
	case <-s.ctx.Done():
		return ErrNotSent
	case <-ctx.Done():
		return ErrNotSent
	}
	if s.ctx.Err() != nil {
		return ErrNotSent
	}
	by := time.Now().Add(writeTime)
	if d, ok := ctx.Deadline(); ok && d.Before(by) {
		by = d
	}
	err := s.conn.SetWriteDeadline(by)
	if err == nil {
		_, err = s.conn.Write(unit(h, body))
	}
	if err != nil {
		s.end(fmt.Errorf("write: %w", err))
		return ErrNotSent
	}
	return nil
}

// end ends the session, for the first reason that there is.
func (s *Session) end(cause error) {
	s.mu.Lock()
	if s.cause == nil {
		s.cause = cause
	}
	s.mu.Unlock()
	s.cancel()
	_ = s.conn.Close()
}

// Close unbinds and ends the session, and waits until nothing of it is left.
func (s *Session) Close() {
	if s.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(s.ctx, unbindTime)
		_, _ = s.ask(ctx, unbind, nil, nil)
		cancel()
	}
	s.end(ErrEnded)
	s.all.Wait()
}

// enquire asks now and then whether the other end is still there.
func (s *Session) enquire() {
	tick := time.NewTicker(s.options.Enquire)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, min(answerTime, s.options.Enquire))
		_, err := s.ask(ctx, enquireLink, nil, nil)
		cancel()
		if err != nil {
			s.end(errors.New("the other end answers no more"))
			return
		}
	}
}

// listen reads until the end. It never waits for anybody else, or an answer could
// not be read while a delivery is dealt with that waits for it.
func (s *Session) listen() {
	r, buffer := bufio.NewReader(s.conn), make([]byte, unitMost)
	for {
		h, body, err := readUnit(r, buffer)
		if errors.Is(err, errLength) {
			_ = s.write(s.ctx, head{genericNack, badLength, h.sequence}, nil)
		}
		if err == nil {
			err = s.heard(h, body)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// heard deals with a unit. An error ends the session.
func (s *Session) heard(h head, body []byte) error {
	if h.command&answers != 0 {
		s.answered(h, body)
		return nil
	}
	reply := head{h.command | answers, OK, h.sequence}
	switch h.command {
	case deliverSM:
		return s.delivered(reply, readDelivery(body))
	case enquireLink:
		return s.write(s.ctx, reply, nil)
	case unbind:
		_ = s.write(s.ctx, reply, nil)
		return ErrEnded
	}
	return s.write(s.ctx, head{genericNack, badCommand, h.sequence}, nil)
}

// answered hands an answer to the one who waits for it. One that nobody asked for
// is dropped.
func (s *Session) answered(h head, body []byte) {
	s.mu.Lock()
	a := s.waiting[h.sequence]
	if a == nil || h.command != a.command|answers && h.command != genericNack {
		s.mu.Unlock()
		return
	}
	got := answer{status: h.status}
	if h.command == genericNack && h.status == OK {
		got.status = badCommand
	}
	if a.command == submitSM && got.status == OK {
		f := &fields{rest: body}
		got.id = plain([]byte(f.text(idMost)))
	}
	s.close(a)
	a.answer <- got
	late := a.late
	s.mu.Unlock()
	if late != nil && got.status == OK {
		s.hand(func() { late(s.ctx, got.id) })
	}
}

// delivered deals with a delivery beside the reading, if there is a hand free. A
// person's answer is acknowledged and dropped.
func (s *Session) delivered(reply head, d Delivery) error {
	switch {
	case !d.readable:
		reply.status = Never
	case !d.receipt:
	case s.hand(func() {
		reply.status = s.options.Deliver(s.ctx, d)
		_ = s.write(s.ctx, reply, []byte{0})
	}):
		return nil
	default:
		reply.status = Again
	}
	return s.write(s.ctx, reply, []byte{0})
}

// hand does something beside the reading, if there is a hand free.
func (s *Session) hand(do func()) bool {
	select {
	case s.hands <- struct{}{}:
	default:
		return false
	}
	s.all.Go(func() {
		defer func() { <-s.hands }()
		do()
	})
	return true
}
