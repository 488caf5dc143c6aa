package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/message"
)

// provider is an HTTP gateway on this machine that counts what it took.
type provider struct {
	at     string
	server *http.Server

	mu    sync.Mutex
	times map[string][]time.Time // of each message, by our name for it
	slow  time.Duration
	how   int // the status that it answers
}

func newProvider() (*provider, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &provider{at: l.Addr().String(), times: map[string][]time.Time{}, how: http.StatusOK}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(l) }()
	return p, nil
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	id := r.Header.Get("X-Id")
	p.mu.Lock()
	p.times[id] = append(p.times[id], time.Now())
	slow, how := p.slow, p.how
	p.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-r.Context().Done():
	}
	w.WriteHeader(how)
	fmt.Fprintf(w, `{"id": %q}`, id)
}

func (p *provider) behave(how int, slow time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.how, p.slow = how, slow
}

// took is how many messages there are, and how many of them came more than once.
func (p *provider) took() (all, twice int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, times := range p.times {
		if len(times) > 1 {
			twice++
		}
	}
	return len(p.times), twice
}

// settings are the lines of a gateway that calls the provider.
func (p *provider) settings(name string) string {
	return fmt.Sprintf("    - name: %s\n      kind: http\n      address: http://%s/send\n"+
		"      headers: ['Content-Type: application/json', 'X-Id: {{.ID}}']\n"+
		"      body: '{\"to\": {{json .To}}, \"text\": {{json .Text}}}'\n      ref_field: id\n", name, p.at)
}

// through installs a portal whose gateways are others than the outbox.
func (b *bench) through(gateways ...string) (*portal, error) {
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(p.folder, "sallyport.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	const outbox = "    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n"
	text := strings.Replace(string(raw), outbox, strings.Join(gateways, ""), 1) + "default_country: US\nbrand:\n  sms_sender: BENCH\n"
	return p, os.WriteFile(file, []byte(text), 0o600)
}

// queue lays messages into the outbox of a portal, of which each is one of a number
// of its own.
func (p *portal) queue(count int) (err error) {
	s, err := p.open(p.bench)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var set change.Set
	for i := range count {
		m := message.New("", "bench", fmt.Sprintf("+1202%07d", 2_000_000+i), "US", "123456 is your Bench code. Do not share it. It works for 10 minutes.", time.Now(), time.Hour)
		if set = append(set, message.Queued{Message: m}); len(set) == 200 || i+1 == count {
			if err := s.Apply(p.bench, set); err != nil {
				return err
			}
			set = nil
		}
	}
	return nil
}

// gateways measures the way of text messages through a provider's HTTP API.
func (b *bench) gateways() error {
	for _, part := range []func() error{b.rate, b.smpp, b.failover, b.backlog, b.waiting} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// until waits for something that takes at most a while.
func until(ctx context.Context, most time.Duration, done func() bool) error {
	for end := time.Now().Add(most); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("it took more than %s", most)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// rate is how many messages a second leave through one HTTP gateway, beside bare
// calls with connections of their own, eight at once.
func (b *bench) rate() error {
	g, err := newProvider()
	if err != nil {
		return err
	}
	defer g.server.Close()
	count := few(b, 200, 4000)
	r := row{what: "text messages a second, HTTP", unit: "1/s", by: "bare calls, 8 at once"}
	transport := &http.Transport{DisableKeepAlives: true}
	began := time.Now()
	var wg sync.WaitGroup
	work := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range work {
				ask, _ := http.NewRequest(http.MethodPost, "http://"+g.at+"/send", strings.NewReader(`{"to": "+12025550143", "text": "123456"}`))
				ask.Header.Set("X-Id", fmt.Sprint("bare", i))
				if a, err := transport.RoundTrip(ask); err == nil {
					_, _ = io.Copy(io.Discard, a.Body)
					a.Body.Close()
				}
			}
		})
	}
	for i := range count {
		work <- i
	}
	close(work)
	wg.Wait()
	r.limit = figures{float64(count) / time.Since(began).Seconds()}
	p, err := b.through(g.settings("main"))
	if err != nil {
		return err
	}
	if err := p.queue(count); err != nil {
		return err
	}
	before, _ := g.took()
	began = time.Now()
	if _, err := p.serve(); err != nil {
		return err
	}
	if err := until(b, 5*time.Minute, func() bool { n, _ := g.took(); return n >= before+count }); err != nil {
		return err
	}
	r.ours = figures{float64(count) / time.Since(began).Seconds()}
	b.rows = append(b.rows, r)
	return p.stop()
}

// failover is how long a message takes to the second gateway when the first does
// not answer, and when it refuses.
func (b *bench) failover() error {
	first, err := newProvider()
	if err != nil {
		return err
	}
	defer first.server.Close()
	second, err := newProvider()
	if err != nil {
		return err
	}
	defer second.server.Close()
	for _, how := range []struct {
		what   string
		status int
		slow   time.Duration
		goal   goal
		times  int
	}{
		{"the first refuses", http.StatusInternalServerError, 0, most("median", 50), 4},
		{"the first does not answer", http.StatusOK, time.Minute, most("median", 5100), few(b, 1, 4)},
	} {
		first.behave(how.status, how.slow)
		r := row{what: "text message by the second gateway, " + how.what, unit: "ms", goals: []goal{how.goal}, by: "from the first call to the second"}
		for range how.times { // a portal each, so that no breaker has seen the one before
			p, err := b.through(first.settings("first"), second.settings("second"))
			if err != nil {
				return err
			}
			if err := p.queue(1); err != nil {
				return err
			}
			tried, _ := first.took()
			arrived, _ := second.took()
			if _, err := p.serve(); err != nil {
				return err
			}
			if err := until(b, 10*time.Second, func() bool { n, _ := first.took(); return n > tried }); err != nil {
				return err
			}
			began := time.Now()
			if err := until(b, 10*time.Second, func() bool { n, _ := second.took(); return n > arrived }); err != nil {
				return err
			}
			r.ours.add(time.Since(began))
			if err := p.stop(); err != nil {
				return err
			}
		}
		b.rows = append(b.rows, r)
	}
	return nil
}

// backlog is the memory of a portal with many messages waiting, over that of one
// with none.
func (b *bench) backlog() error {
	g, err := newProvider()
	if err != nil {
		return err
	}
	defer g.server.Close()
	g.behave(http.StatusOK, 4*time.Second)
	count := few(b, 1000, 100_000)
	r := row{what: fmt.Sprintf("memory with %d messages waiting", count), unit: "MB", by: "with none"}
	for _, n := range []int{0, count} {
		p, err := b.through(g.settings("main"))
		if err != nil {
			return err
		}
		if err := p.queue(n); err != nil {
			return err
		}
		if _, err := p.serve(); err != nil {
			return err
		}
		time.Sleep(few(b, time.Second, 8*time.Second))
		used, err := memory(p.pid(), "VmRSS")
		if err != nil {
			return err
		}
		if n == 0 {
			r.limit = figures{used}
		} else {
			r.ours = figures{used}
		}
		if err := p.end(syscall.SIGKILL); err != nil {
			return err
		}
	}
	b.rows = append(b.rows, r)
	return nil
}

// waiting kills the portal in the middle of many messages. When it has come back,
// each of them has left once, but for those that were inside a call.
func (b *bench) waiting() error {
	g, err := newProvider()
	if err != nil {
		return err
	}
	defer g.server.Close()
	g.behave(http.StatusOK, 5*time.Millisecond)
	count := few(b, 500, 10_000)
	p, err := b.through(g.settings("main"))
	if err != nil {
		return err
	}
	if err := p.queue(count); err != nil {
		return err
	}
	for _, share := range []int{4, 2} { // killed twice, at a quarter and at the half
		if _, err := p.serve(); err != nil {
			return err
		}
		if err := until(b, 5*time.Minute, func() bool { n, _ := g.took(); return n >= count/share }); err != nil {
			return err
		}
		if err := p.end(syscall.SIGKILL); err != nil {
			return err
		}
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	left := func() int {
		s, err := p.open(b)
		if err != nil {
			return count
		}
		defer s.Close()
		g, err := s.Gauges(b, time.Now(), time.Hour)
		if err != nil {
			return count
		}
		text := func(state message.State) int { return g.Messages[store.Message{Way: message.ByText, State: state}] }
		return text(message.Waiting) + text(message.Calling)
	}
	if err := until(b, 5*time.Minute, func() bool { time.Sleep(200 * time.Millisecond); return left() == 0 }); err != nil {
		return err
	}
	took, twice := g.took()
	b.rows = append(b.rows,
		row{what: fmt.Sprintf("kill -9 with %d messages waiting: doubled", count), ours: figures{float64(twice)}, goals: []goal{never()}},
		row{what: "the same: not known", ours: figures{float64(count - took)}, goals: []goal{most("max", 16)},
			note: "two kills, eight calls at once: what was inside a call is not known, and never sent again by itself"})
	return p.stop()
}
