package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// allowed is every status that an overloaded portal may answer with.
var allowed = []int{http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}

// overload sends ten times as many passwords as the portal can take, whether or
// not it has answered those before.
func (b *bench) overload() error {
	p, err := b.install("", "")
	if err != nil {
		return err
	}
	members, err := p.enrolled(enrolment{count: 2000, phc: hard()})
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	each, length := figures{}, few(b, 5*time.Second, 20*time.Second)
	before, err := cpu(p.pid())
	if err != nil {
		return err
	}
	capacity, err := p.flood(16, length, queueOf(members))
	after, failed := cpu(p.pid())
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	calm := (after - before).Seconds() * 1000 / (capacity * length.Seconds())
	time.Sleep(4 * time.Second) // what waits is answered
	length = few(b, 10*time.Second, time.Minute)
	probe := &probe{host: p.host, end: make(chan struct{})}
	probe.Go(probe.run)
	if before, err = cpu(p.pid()); err != nil {
		return err
	}
	s := p.storm(members, 10*capacity, length)
	after, err = cpu(p.pid())
	close(probe.end)
	probe.Wait()
	if err = errors.Join(err, probe.err); err != nil {
		return err
	}
	each.add((after - before) / time.Duration(max(1, s.answers[http.StatusSeeOther])))
	b.rows = append(b.rows,
		row{what: "overload, ten times capacity: passwords taken", unit: "/s", ours: figures{s.good(length)}, limit: figures{capacity}, by: "16 at once", goals: []goal{least("ratio", 0.95)},
			note: fmt.Sprintf("%d were sent in %s, answered %s", s.sent, length, s.told())},
		row{what: "overload: CPU of the portal, a password that is taken", unit: "ms", ours: each, limit: figures{calm}, by: "16 at once", goals: []goal{most("ratio", 1.05)},
			note: "what the ten cost who are sent away is in it; not what they cost the program that sends them, on the same cores"},
		row{what: "/healthz meanwhile", unit: "ms", ours: probe.took, goals: []goal{most("max", 100)}},
		row{what: "answers that are none of 303, 422, 429, 503", ours: figures{float64(s.wrong())}, goals: []goal{never()}})
	return p.stop()
}

// storm counts what became of passwords that nobody waited for.
type storm struct {
	sync.Mutex
	sent    int
	answers map[int]int // by status; 0 is no answer
}

func (s *storm) note(status int) {
	s.Lock()
	defer s.Unlock()
	s.answers[status]++
}

func (s *storm) good(length time.Duration) float64 {
	return float64(s.answers[http.StatusSeeOther]) / length.Seconds()
}

func (s *storm) wrong() (n int) {
	for status, count := range s.answers {
		if !slices.Contains(allowed, status) {
			n += count
		}
	}
	return n
}

func (s *storm) told() (text string) {
	for _, status := range slices.Sorted(maps.Keys(s.answers)) {
		text += fmt.Sprintf(" %d × %d", s.answers[status], status)
	}
	return text
}

// storm sends passwords at a rate, each on a connection of its own.
func (p *portal) storm(members []member, perSecond float64, length time.Duration) *storm {
	s := &storm{answers: map[int]int{}}
	var wg sync.WaitGroup
	for began := time.Now(); time.Since(began) < length; s.sent++ {
		time.Sleep(time.Until(began.Add(time.Duration(float64(s.sent) / perSecond * float64(time.Second)))))
		n := s.sent
		wg.Go(func() {
			b, err := browse(p.host, from(n))
			if err != nil {
				s.note(0)
				return
			}
			defer b.Close()
			status, err := b.password(members[n%len(members)])
			if err != nil {
				status = 0
			}
			s.note(status)
		})
	}
	wg.Wait()
	return s
}

// probe asks for the address of load balancers ten times a second.
type probe struct {
	sync.WaitGroup
	host string
	end  chan struct{}
	took figures
	err  error
}

func (p *probe) run() {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-p.end:
			return
		case <-tick.C:
		}
		began := time.Now()
		c, err := dial(p.host)
		if err == nil {
			var a answer
			if a, err = c.do(request(p.host, "/healthz", from(1), "", "")); err == nil && a.status != http.StatusOK {
				err = fmt.Errorf("/healthz answers %d", a.status)
			}
			c.Close()
		}
		if p.err = err; err != nil {
			return
		}
		p.took.add(time.Since(began))
	}
}
