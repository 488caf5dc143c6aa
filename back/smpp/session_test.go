package smpp

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// centre is the other end, by hand.
type centre struct {
	t      *testing.T
	conn   net.Conn
	buffer []byte
}

// next is the next unit that comes.
func (c *centre) next() (head, []byte) {
	c.t.Helper()
	h, body, err := readUnit(c.conn, c.buffer)
	if err != nil {
		c.t.Errorf("nothing came: %v", err)
	}
	return h, body
}

func (c *centre) say(h head, body string) {
	c.t.Helper()
	if _, err := c.conn.Write(unit(h, []byte(body))); err != nil {
		c.t.Errorf("nobody listens: %v", err)
	}
}

// answer answers the next unit, which must be of a kind.
func (c *centre) answer(want command, status Status, body string) {
	c.t.Helper()
	h, _ := c.next()
	if h.command != want {
		c.t.Errorf("%#x came, not %#x", h.command, want)
	}
	c.say(head{want | answers, status, h.sequence}, body)
}

// hush reads whatever comes, and answers nothing.
func (c *centre) hush() { _, _ = io.Copy(io.Discard, c.conn) }

var good = Options{Account: Account{"acme", "hunter2", "sms"}, Window: 2}

// bound runs a test with a session, inside a bubble of its own time.
func bound(t *testing.T, o Options, test func(t *testing.T, c *centre, s *Session)) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := &centre{t, theirs, make([]byte, unitMost)}
		go c.answer(bindTransceiver, OK, "centre\x00")
		s, err := Bind(t.Context(), ours, o)
		if err != nil {
			t.Fatal(err)
		}
		test(t, c, s)
		_ = theirs.Close()
		s.Close()
	})
}

var submit = Submit{From: Sender("ACME"), To: Number("+12025550143"), Part: Part{Octets: []byte("hello")}, Life: 5 * time.Minute, Receipt: true}

func TestABindThatFailsSaysWhy(t *testing.T) {
	for name, do := range map[string]struct {
		centre func(c *centre)
		want   string
	}{
		"a wrong password": {func(c *centre) { c.answer(bindTransceiver, BadPassword, "") }, "bind: answered 0x0E, ESME_RINVPASWD"},
		"nobody":           {func(c *centre) { c.next(); _ = c.conn.Close() }, "bind: EOF"},
		"silence":          {(*centre).hush, "bind: no answer"},
		"another protocol": {func(c *centre) { c.next(); _, _ = io.WriteString(c.conn, "HTTP/1.1 400 Bad Request\r\n\r\n"); c.hush() }, "bind: a unit has an impossible length"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				go do.centre(&centre{t, theirs, make([]byte, unitMost)})
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, err := Bind(ctx, ours, good)
				if err == nil || err.Error() != do.want {
					t.Errorf("%v, not %s", err, do.want)
				}
				_ = theirs.Close()
			})
		})
	}
}

func TestTheBindSaysWhoBinds(t *testing.T) {
	if got, want := string(good.bind()), "acme\x00hunter2\x00sms\x00\x34\x00\x00\x00"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestASubmitHasItsNameFromTheAnswer(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		go func() {
			h, body := c.next()
			if want := "\x00\x05\x00ACME\x00\x01\x0112025550143\x00\x00\x00\x00\x00000000000500000R\x00\x01\x00\x00\x00\x05hello"; string(body) != want {
				t.Errorf("%q, not %q", body, want)
			}
			c.say(head{submitSM | answers, OK, h.sequence}, "1A2F\x00")
		}()
		if id, err := s.Submit(t.Context(), submit, nil); id != "1A2F" || err != nil {
			t.Errorf("%q, %v", id, err)
		}
		go c.answer(submitSM, Throttled, "")
		if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, Throttled) {
			t.Errorf("%v", err)
		}
		go func() { h, _ := c.next(); c.say(head{genericNack, OK, h.sequence}, "") }()
		if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, badCommand) {
			t.Errorf("%v", err)
		}
	})
}

// An answer to another question, or to none, is not taken for ours.
func TestAnswersThatNobodyAskedForAreDropped(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			h, _ := c.next()
			c.say(head{submitSM | answers, OK, h.sequence + 1}, "wrong\x00")
			c.say(head{enquireLink | answers, OK, h.sequence}, "")
			c.say(head{submitSM | answers, OK, h.sequence}, "right\x00")
			c.say(head{submitSM | answers, OK, h.sequence}, "again\x00")
		}()
		if id, err := s.Submit(t.Context(), submit, nil); id != "right" || err != nil {
			t.Errorf("%q, %v", id, err)
		}
		<-done
	})
}

func TestTheWindowHoldsTwo(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		go c.hush()
		ctx, cancel := context.WithCancel(t.Context())
		came := make(chan error, 2)
		for range 2 {
			go func() { _, err := s.Submit(ctx, submit, nil); came <- err }()
		}
		synctest.Wait()
		began := time.Now()
		if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, ErrFull) || time.Since(began) != placeTime {
			t.Errorf("the third: %v after %s", err, time.Since(began))
		}
		cancel()
		for range 2 {
			if err := <-came; !errors.Is(err, ErrNoAnswer) {
				t.Errorf("left: %v", err)
			}
		}
		// Who goes away leaves the place taken: the other end is still at it.
		if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, ErrFull) {
			t.Errorf("then: %v", err)
		}
		time.Sleep(lateTime)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Submit(ctx, submit, nil); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("after a minute: %v", err)
		}
	})
}

func TestALateAnswerIsTold(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		go func() {
			h, _ := c.next()
			time.Sleep(20 * time.Second)
			c.say(head{submitSM | answers, OK, h.sequence}, "late\x00")
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		told := make(chan string, 1)
		if _, err := s.Submit(ctx, submit, func(_ context.Context, id string) { told <- id }); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("%v", err)
		}
		if id := <-told; id != "late" {
			t.Errorf("%q", id)
		}
		synctest.Wait()
		if len(s.places) != 0 {
			t.Error("its place is still taken")
		}
	})
}

func TestALostConnectionLeavesOpenWhatWasInTheWindow(t *testing.T) {
	for name, lose := range map[string]func(c *centre){
		"cut":     func(c *centre) { _ = c.conn.Close() },
		"unbound": func(c *centre) { c.say(head{unbind, OK, 9}, ""); c.next() },
	} {
		t.Run(name, func(t *testing.T) {
			bound(t, good, func(t *testing.T, c *centre, s *Session) {
				go func() { c.next(); lose(c) }()
				if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, ErrNoAnswer) {
					t.Errorf("%v", err)
				}
				<-s.Ended()
				if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, ErrNotSent) {
					t.Errorf("then %v", err)
				}
			})
		})
	}
}

// An other end that takes nothing any more cannot have taken it.
func TestWhatCouldNotBeWrittenWasNotSent(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		began := time.Now()
		if _, err := s.Submit(t.Context(), submit, nil); !errors.Is(err, ErrNotSent) || time.Since(began) != writeTime {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if s.Err() == nil {
			t.Error("the session goes on")
		}
	})
}

func TestEnquiriesGoBothWays(t *testing.T) {
	o := good
	o.Enquire = 30 * time.Second
	bound(t, o, func(t *testing.T, c *centre, s *Session) {
		began := time.Now()
		for range 3 {
			c.answer(enquireLink, OK, "")
		}
		if took := time.Since(began); took != 90*time.Second {
			t.Errorf("three took %s", took)
		}
		c.say(head{enquireLink, OK, 77}, "")
		if h, _ := c.next(); h != (head{enquireLink | answers, OK, 77}) {
			t.Errorf("answered with %+v", h)
		}
		c.say(head{0x103, OK, 78}, "data_sm")
		if h, _ := c.next(); h != (head{genericNack, badCommand, 78}) {
			t.Errorf("what we do not know: %+v", h)
		}
		go c.hush()
		<-s.Ended()
		if took := time.Since(began); took != 130*time.Second {
			t.Errorf("it ended after %s", took)
		}
	})
}

func TestClosingUnbinds(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		go s.Close()
		c.answer(unbind, OK, "")
		<-s.Ended()
	})
}

func TestADeliveryIsAnsweredAsTheStoreSays(t *testing.T) {
	var got []Delivery
	o, says := good, OK
	o.Deliver = func(_ context.Context, d Delivery) Status { got = append(got, d); return says }
	bound(t, o, func(t *testing.T, c *centre, _ *Session) {
		for _, row := range []struct {
			body       []byte
			says, want Status
		}{
			{delivery(4, appendixB, ""), OK, OK},
			{delivery(4, appendixB, ""), Again, Again},
			{delivery(0, "STOP", ""), Again, OK}, // a person: dropped
			{[]byte("nonsense"), OK, Never},
		} {
			says = row.says
			c.say(head{deliverSM, OK, 5}, string(row.body))
			if h, body := c.next(); h != (head{deliverSM | answers, row.want, 5}) || string(body) != "\x00" {
				t.Errorf("%.40q: %+v %q", row.body, h, body)
			}
		}
		if len(got) != 2 || got[0].ID != "0000006703" {
			t.Errorf("told were %+v", got)
		}
	})
}

// A receipt can wait for the answer to the very call that it is about.
func TestReceiptsDoNotHoldUpAnswers(t *testing.T) {
	o, free := good, make(chan struct{})
	o.Deliver = func(context.Context, Delivery) Status { <-free; return OK }
	bound(t, o, func(t *testing.T, c *centre, s *Session) {
		go func() {
			h, _ := c.next()
			for i := range handsMost {
				c.say(head{deliverSM, OK, uint32(i)}, string(delivery(4, appendixB, "")))
			}
			c.say(head{deliverSM, OK, 99}, string(delivery(4, appendixB, "")))
			if got, _ := c.next(); got != (head{deliverSM | answers, Again, 99}) {
				t.Errorf("one too many: %+v", got)
			}
			c.say(head{submitSM | answers, OK, h.sequence}, "1\x00")
		}()
		if id, err := s.Submit(t.Context(), submit, nil); id != "1" || err != nil {
			t.Errorf("%q, %v", id, err)
		}
		close(free)
		for range handsMost {
			if h, _ := c.next(); h.status != OK {
				t.Errorf("%+v", h)
			}
		}
	})
}

func TestAnImpossibleLengthEndsTheSession(t *testing.T) {
	bound(t, good, func(t *testing.T, c *centre, s *Session) {
		if _, err := io.WriteString(c.conn, "\x7f\xff\xff\xff\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x07"); err != nil {
			t.Fatal(err)
		}
		if h, _ := c.next(); h != (head{genericNack, badLength, 7}) {
			t.Errorf("answered with %+v", h)
		}
		<-s.Ended()
		synctest.Wait()
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), "impossible length") {
			t.Errorf("%v", err)
		}
	})
}
