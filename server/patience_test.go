package server

import (
	"net"
	"os"
	"testing"
	"time"
)

func TestTheSystemIsToldOfAWaitThatWaits(t *testing.T) {
	var told []time.Time
	tell := func(at time.Time) error { told = append(told, at); return nil }
	var p patience
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	say := func(when time.Time, news bool) {
		t.Helper()
		before := len(told)
		if err := p.until(when, tell); err != nil {
			t.Fatal(err)
		}
		if got := len(told) > before; got != news || news && !told[len(told)-1].Equal(when) {
			t.Errorf("until %v: told %v, want %v", when, told[before:], news)
		}
	}
	begin := func(when time.Time, news bool) {
		t.Helper()
		before := len(told)
		if err := p.begin(tell); err != nil {
			t.Fatal(err)
		}
		if got := len(told) > before; got != news || news && !told[len(told)-1].Equal(when) {
			t.Errorf("a wait begins: told %v, want %v to be told: %v", told[before:], when, news)
		}
	}
	begin(time.Time{}, false) // without an end, as a connection is at first
	p.end()
	say(at(5*time.Second), false) // nobody waits
	say(at(15*time.Second), false)
	begin(at(15*time.Second), true)
	say(time.Unix(1, 0), true) // whoever waits is to stop now
	say(time.Time{}, true)
	say(at(60*time.Second), true)
	say(at(60*time.Second+patienceLess), false) // a little sooner than that will do
	say(at(60*time.Second+2*patienceLess), true)
	say(at(60*time.Second), true) // but later will not
	p.end()
	say(time.Unix(1, 0), false)
	begin(time.Unix(1, 0), true) // it was to stop before it began
}

func TestAReadEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := &timelyConn{Conn: ours}
	defer c.Close()
	for range 100 {
		if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			done <- err
		}()
		if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil { // before the read, or during it
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if !os.IsTimeout(err) {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a read goes on that was to stop")
		}
	}
}
