package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"
)

// wiki is the app of the gate's rows. Nobody is there: its proxy asks, and that is
// what is measured.
const (
	wiki = "http://wiki.localhost"
	apps = "apps:\n  - id: wiki\n    name: Wiki\n    addresses: [" + wiki + "]\n    groups: [everyone]\n    need: two\n    tell: [name, groups]\n" +
		"    rules:\n      - paths: [/open/*]\n        need: none\n      - paths: [/admin/*]\n        need: two within 15m\n" + till
)

// checker is a proxy's connection. It writes the same bytes each time and reads an
// answer without a body, at as little cost as can be.
type checker struct {
	net.Conn
	r *bufio.Reader
}

func dialChecker(host string) (*checker, error) {
	c, err := net.DialTimeout("tcp", loopback(host), answerTime)
	if err != nil {
		return nil, err
	}
	return &checker{c, bufio.NewReaderSize(c, 4096)}, nil
}

// ask sends a request and fails unless the answer has the status.
func (c *checker) ask(request []byte, status string) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || string(line[9:12]) != status {
		return fmt.Errorf("a check was answered with %q", line)
	}
	for len(line) > 2 {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// question is what a proxy sends: what it has of the browser, and what it adds.
func question(host, path, cookie string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate, br\r\n"+
		"Cookie: theme=dark; wiki_session=0123456789abcdef0123456789abcdef", path, host)
	if cookie != "" {
		fmt.Fprintf(&b, "; sallyport=%s", cookie)
	}
	b.WriteString("\r\nSec-Fetch-Mode: navigate\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: wiki.localhost\r\n" +
		"X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /some/page.html?x=1\r\n\r\n")
	return b.Bytes()
}

const checkPath = "/.sallyport/forward-auth"

// asking is a kind of check at one server.
type asking struct {
	host      string
	pid       int
	questions [][]byte // one for each session
	status    string
}

// load asks over 64 connections for a while, and says how many checks a second
// there were, and the processor time of the server for each, in microseconds.
func (a asking) load(length time.Duration) (perSecond, micros float64, err error) {
	const proxies = 64
	conns := make([]*checker, proxies)
	for i := range conns {
		if conns[i], err = dialChecker(a.host); err != nil {
			return 0, 0, err
		}
		defer conns[i].Close()
		if err := conns[i].ask(a.questions[0], a.status); err != nil {
			return 0, 0, err
		}
	}
	before, err := cpu(a.pid)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	perSecond, _, err = rate(proxies, length, func(n int) error {
		return conns[n].ask(a.questions[rand.IntN(len(a.questions))], a.status)
	})
	if err != nil {
		return 0, 0, err
	}
	count := perSecond * time.Since(began).Seconds()
	after, err := cpu(a.pid)
	return perSecond, (after - before).Seconds() * 1e6 / count, err
}

// alone asks one check after the other, and gives each its time in microseconds.
func (a asking) alone(times int) (took figures, err error) {
	c, err := dialChecker(a.host)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for n := range times {
		began := time.Now()
		if err := c.ask(a.questions[n%len(a.questions)], a.status); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began).Seconds()*1e6)
	}
	return took, nil
}

// guarded is a portal with sessions, and their doors at the wiki.
func (b *bench) guarded(people, each int) (*portal, []string, error) {
	p, err := b.install("", cheapPasswords+apps)
	if err != nil {
		return nil, nil, err
	}
	members, err := p.enrolled(enrolment{count: people, phc: cheap()})
	if err != nil {
		return nil, nil, err
	}
	cookies, err := p.signedIn(members, each)
	if err != nil {
		return nil, nil, err
	}
	_, err = p.serve()
	return p, cookies, err
}

// signed is the checks of so many sessions.
func (p *portal) signed(cookies []string) asking {
	a := asking{host: p.host, pid: p.pid(), status: "200"}
	for _, c := range cookies {
		a.questions = append(a.questions, question(p.host, checkPath, "door"+c))
	}
	return a
}

// unsigned is those of strangers.
func (p *portal) unsigned() asking {
	return asking{p.host, p.pid(), [][]byte{question(p.host, checkPath, "")}, "303"}
}

// gate measures what a check costs, of somebody signed in and of a stranger, beside
// a bare handler that answers with the same headers.
func (b *bench) gate() error {
	p, cookies, err := b.guarded(500, 2)
	if err != nil {
		return err
	}
	bare, host, _, err := b.bareServer()
	if err != nil {
		return err
	}
	defer bare.end(syscall.SIGKILL)
	if err := p.each(cookies, 8); err != nil { // from now on they are known
		return err
	}
	limit := func(path, status string) asking {
		return asking{host, bare.Process.Pid, [][]byte{question(host, path, "door"+cookies[0])}, status}
	}
	for _, kind := range []struct {
		what       string
		ours, bare asking
	}{{"signed in", p.signed(cookies), limit("/check/allowed", "200")}, {"not signed in", p.unsigned(), limit("/check/denied", "303")}} {
		if err := b.checks(kind.what, kind.ours, kind.bare); err != nil {
			return err
		}
	}
	if b.mode == "long" {
		if err := b.denials(p); err != nil {
			return err
		}
	}
	return p.stop()
}

// checks measures one kind of check, by turns with the bare handler.
func (b *bench) checks(kind string, ours, bare asking) error {
	used := row{what: "gate check, " + kind + ", 64 at once: CPU", unit: "µs", by: "bare net/http", goals: []goal{most("ratio", 1.3)}}
	many := row{what: "gate checks a second, " + kind + ", 64 at once", unit: "/s", by: "bare net/http"}
	one := row{what: "gate check, " + kind + ", one after the other", unit: "µs", by: "bare net/http", goals: []goal{most("ratio", 1.2)}}
	if kind != "signed in" {
		one.goals = nil
	}
	length, rounds, times := few(b, 300*time.Millisecond, 2*time.Second), few(b, 2, 9), few(b, 200, 1000)
	for range rounds {
		for _, side := range []struct {
			asking
			used, many, one *figures
		}{{ours, &used.ours, &many.ours, &one.ours}, {bare, &used.limit, &many.limit, &one.limit}} {
			took, err := side.alone(times)
			if err != nil {
				return err
			}
			perSecond, micros, err := side.load(length)
			if err != nil {
				return err
			}
			*side.one, *side.many, *side.used = append(*side.one, took...), append(*side.many, perSecond), append(*side.used, micros)
		}
	}
	b.rows = append(b.rows, used, many, one)
	return nil
}

// denials measures what a million strangers leave behind.
func (b *bench) denials(p *portal) error {
	const many = 1_000_000
	a := p.unsigned()
	if _, _, err := a.load(2 * time.Second); err != nil { // what connections cost is not counted
		return err
	}
	time.Sleep(b.restTime())
	before, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	for done := 0.0; done < many; {
		perSecond, _, err := a.load(5 * time.Second)
		if err != nil {
			return err
		}
		done += perSecond * 5
	}
	time.Sleep(b.restTime())
	after, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{what: "memory that a million checks of strangers leave", unit: "MB", ours: figures{max(0, after-before)}, goals: []goal{most("median", 5)},
		note: fmt.Sprintf("before %s MB, after %s", digits(before), digits(after))})
	return nil
}

// doors measures sessions with their doors by the hundred thousand and by the
// million: what they hold in memory, and what they add to a check.
func (b *bench) doors() error {
	few, cookies, err := b.guarded(500, 2)
	if err != nil {
		return err
	}
	some := few.signed(cookies)
	for _, people := range []int{50_000, *sessionsMax / 2} {
		many, cookies, err := b.guarded(people, 2)
		if err != nil {
			return err
		}
		if people == 50_000 {
			if err := b.live(many, cookies); err != nil {
				return err
			}
		}
		rand.Shuffle(len(cookies), func(i, j int) { cookies[i], cookies[j] = cookies[j], cookies[i] })
		if err := b.amid(some, many.signed(cookies[:1000]), 2*people); err != nil {
			return err
		}
		if err := many.stop(); err != nil {
			return err
		}
	}
	return few.stop()
}

// live measures the memory of sessions whose doors are all used.
func (b *bench) live(p *portal, cookies []string) error {
	const connections = 8
	time.Sleep(b.restTime())
	before, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	for range 2 {
		if err := p.each(cookies, connections); err != nil {
			return err
		}
	}
	time.Sleep(2 * b.restTime()) // after half of it what the load used is given back
	after, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{what: "memory of 100,000 live sessions with their doors", unit: "MB", ours: figures{after - before}, goals: []goal{most("median", 30)},
		note: fmt.Sprintf("%d doors, each used twice", len(cookies))})
	return nil
}

// each asks once for every door.
func (p *portal) each(cookies []string, connections int) error {
	failed := make(chan error, connections)
	for n := range connections {
		go func() {
			c, err := dialChecker(p.host)
			for i := n; err == nil && i < len(cookies); i += connections {
				err = c.ask(question(p.host, checkPath, "door"+cookies[i]), "200")
			}
			failed <- err
		}()
	}
	var first error
	for range connections {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return first
}

// amid measures the checks of a thousand sessions among many more, beside those of
// a portal that has no others.
func (b *bench) amid(alone, amid asking, sessions int) error {
	by := "at 1000"
	used := row{what: fmt.Sprintf("gate check at %d sessions: CPU", sessions), unit: "µs", by: by, goals: []goal{most("ratio", 1.2)}}
	one := row{what: fmt.Sprintf("gate check at %d sessions, one after the other", sessions), unit: "µs", by: by, goals: []goal{most("ratio", 1.2)},
		note: "of 1,000 of them, each known after its first check"}
	first := row{what: fmt.Sprintf("first check of a door at %d sessions", sessions), unit: "µs", note: "which reads the database"}
	var err error
	if first.ours, err = amid.alone(len(amid.questions)); err != nil {
		return err
	}
	for range 5 {
		for _, side := range []struct {
			asking
			used, one *figures
		}{{amid, &used.ours, &one.ours}, {alone, &used.limit, &one.limit}} {
			took, err := side.alone(1000)
			if err != nil {
				return err
			}
			_, micros, err := side.load(2 * time.Second)
			if err != nil {
				return err
			}
			*side.one, *side.used = append(*side.one, took...), append(*side.used, micros)
		}
	}
	b.rows = append(b.rows, used, one, first)
	return nil
}
