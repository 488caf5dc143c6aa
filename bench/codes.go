package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// codes measures the check of an app code: from a password that was right to a
// session, with its step spent for good.
func (b *bench) codes() error {
	if err := b.codesOn("SQLite", nil); err != nil {
		return err
	}
	server, err := b.postgres()
	if err != nil {
		return err
	}
	err = b.codesOn("PostgreSQL", server)
	return errors.Join(err, server.remove())
}

const desks = 32

func (b *bench) codesOn(name string, server *postgresServer) error {
	database := ""
	if server != nil {
		database = server.address
	}
	p, err := b.install(database, cheapPasswords)
	if err != nil {
		return err
	}
	length, rounds, alone := few(b, time.Second, 4*time.Second), few(b, 1, 3), few(b, 100, 1000)
	members, err := p.enrolled(enrolment{count: alone + int(length.Seconds())*rounds*few(b, 5000, 8000), phc: cheap(), attempts: 2})
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	if database == "" {
		if err := b.codeAlone(p, members[:alone]); err != nil {
			return err
		}
	}
	if err := b.codesAtOnce(name, p, server, members[alone:], rounds, length); err != nil {
		return err
	}
	return p.stop()
}

// enrolled lays members into the database of a portal that is down.
func (p *portal) enrolled(e enrolment) ([]member, error) {
	s, err := p.open(p.bench)
	if err != nil {
		return nil, err
	}
	members, err := enrol(p.bench, s, e)
	return members, errors.Join(err, s.Close())
}

// desk is a connection with a csrf cookie and a form that is good with it.
type desk struct {
	*conn
	host, address, csrf, token string
}

// desk asks for the form of a code once: its token is good for every attempt.
func (p *portal) desk(n int, of member) (*desk, error) {
	b, err := browse(p.host, from(n))
	if err != nil {
		return nil, err
	}
	b.cookies["attempt"] = of.attempts[0]
	if _, err := b.get("/2fa"); err != nil {
		return nil, err
	}
	if b.token() == "" {
		return nil, fmt.Errorf("no form for a code: %s", b.page)
	}
	return &desk{b.conn, p.host, b.address, b.cookies["csrf"], b.token()}, nil
}

// cookies are those of a member's browser in one of their sign-ins.
func (d *desk) cookies(m member, attempt int) string {
	return fmt.Sprintf("csrf=%s; attempt=%s; known=%s", d.csrf, m.attempts[attempt], m.known)
}

// enter enters a code and returns the session that it gave, or "".
func (d *desk) enter(m member, attempt int, code string) (session string, took time.Duration, err error) {
	ask := request(d.host, "/2fa", d.address, d.cookies(m, attempt), "token="+d.token+"&code="+code)
	began := time.Now()
	a, err := d.do(ask)
	took = time.Since(began)
	if a.status == http.StatusSeeOther {
		return a.cookie("session"), took, err
	}
	return "", took, err
}

var errNoSession = errors.New("a right code gave no session")

// codeAlone measures one check after the other, and that no code serves twice.
func (b *bench) codeAlone(p *portal, members []member) error {
	bare, host, _, err := b.bareServer()
	if err != nil {
		return err
	}
	defer bare.end(syscall.SIGKILL)
	limit, err := dial(host)
	if err != nil {
		return err
	}
	d, err := p.desk(0, members[0])
	if err != nil {
		return err
	}
	r := row{what: "app code check, password to session", unit: "ms", by: "bare net/http, HMAC, one fdatasync", goals: []goal{most("median", 0.5)}}
	var empty figures
	codes := make([]string, len(members))
	before, err := cpu(p.pid())
	if err != nil {
		return err
	}
	for i, m := range members {
		for path, to := range map[string]*figures{"/": &empty, "/durable": &r.limit} {
			ask := request(host, path, d.address, "attempt="+m.attempts[0], "token="+d.token+"&code=123456")
			began := time.Now()
			if _, err := limit.do(ask); err != nil {
				return err
			}
			to.add(time.Since(began))
		}
		codes[i] = m.code()
		session, took, err := d.enter(m, 0, codes[i])
		if err != nil || session == "" {
			return errors.Join(errNoSession, err)
		}
		r.ours.add(took)
	}
	after, err := cpu(p.pid())
	if err != nil {
		return err
	}
	replayed := 0
	for i, m := range members[:min(50, len(members))] {
		session, _, err := d.enter(m, 1, codes[i])
		if err != nil {
			return err
		}
		replayed += min(1, len(session))
	}
	r.note = fmt.Sprintf("the round trip on a kept connection, of which net/http itself takes %s ms; the server works %s ms for it; of %d codes entered again, %d were taken",
		digits(empty.median()), digits((after-before).Seconds()*1000/float64(len(members))), min(50, len(members)), replayed)
	if replayed > 0 {
		return fmt.Errorf("%d codes were taken twice", replayed)
	}
	b.rows = append(b.rows, r)
	return nil
}

// codesAtOnce measures how many checks a second there are, and how long one waits.
func (b *bench) codesAtOnce(name string, p *portal, server *postgresServer, members []member, rounds int, length time.Duration) error {
	var own func() (float64, error)
	r := row{what: fmt.Sprintf("app code checks, %d at once, %s", desks, name), unit: "/s"}
	if p.database == "" {
		r.goals, r.by = []goal{least("median", 5000)}, "32 fdatasyncs at once"
		own = func() (float64, error) { return syncsAtOnce(p.folder, length/4) }
	} else {
		r.goals, r.by = []goal{least("ratio", 0.25)}, "one row a commit, 32 connections"
		own = func() (float64, error) { return postgresRate(b, p.database, length/4) }
	}
	wait := row{what: "worst wait of these, " + name, unit: "ms"}
	if p.database == "" {
		wait.goals = []goal{most("max", 50)}
	}
	var all []*desk
	for n := range desks {
		d, err := p.desk(n, members[n])
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	queue := make(chan member, len(members))
	for _, m := range members {
		queue <- m
	}
	var check work
	for range rounds {
		limit, err := own()
		if err != nil {
			return err
		}
		before, err := worked(p, server)
		if err != nil {
			return err
		}
		n, worst, took, err := enterAll(all, queue, length)
		if err != nil {
			return err
		}
		after, err := worked(p, server)
		if err != nil {
			return err
		}
		check.add(n, before, after)
		r.ours, r.limit = append(r.ours, n/took.Seconds()), append(r.limit, limit)
		wait.ours.add(worst)
	}
	r.note = fmt.Sprintf("for one the portal works %s ms, whoever asks %s ms", digits(check.each(check.portal)), digits(check.each(check.asker)))
	b.rows = append(b.rows, r, wait)
	if server != nil {
		b.rows[len(b.rows)-2].note += fmt.Sprintf(", the database %s ms", digits(check.each(check.database)))
	}
	return nil
}

// work is the processor time that everybody has used who shares the cores.
type work struct {
	count                   float64
	portal, database, asker time.Duration
}

// worked is what was used so far.
func worked(p *portal, server *postgresServer) (w work, err error) {
	if w.portal, err = cpu(p.pid()); err != nil {
		return w, err
	}
	if w.asker, err = cpu(os.Getpid()); err != nil || server == nil {
		return w, err
	}
	w.database, err = children(server.Process.Pid)
	return w, err
}

func (w *work) add(count float64, from, to work) {
	w.count += count
	w.portal += to.portal - from.portal
	w.database += to.database - from.database
	w.asker += to.asker - from.asker
}

// each is the milliseconds for one.
func (w work) each(used time.Duration) float64 { return used.Seconds() * 1000 / w.count }

// enterAll lets all desks enter codes for a while, or until nobody is left.
func enterAll(all []*desk, queue chan member, length time.Duration) (n float64, worst, took time.Duration, err error) {
	began, counts := time.Now(), make([]figures, len(all))
	var wg sync.WaitGroup
	errs := make([]error, len(all))
	for i, d := range all {
		wg.Go(func() {
			for time.Since(began) < length {
				select {
				case m := <-queue:
					session, took, err := d.enter(m, 0, m.code())
					if err != nil || session == "" {
						errs[i] = errors.Join(errNoSession, err)
						return
					}
					counts[i].add(took)
				default:
					return
				}
			}
		})
	}
	wg.Wait()
	took = time.Since(began)
	for _, c := range counts {
		n += float64(len(c))
		worst = max(worst, time.Duration(c.max()*float64(time.Millisecond)))
	}
	return n, worst, took, errors.Join(errs...)
}

// syncsAtOnce is how many fdatasyncs a second 32 files take.
func syncsAtOnce(folder string, length time.Duration) (float64, error) {
	commits := make([]func() error, desks)
	for i := range commits {
		commit, done, err := syncer(folder)
		if err != nil {
			return 0, err
		}
		defer done()
		commits[i] = commit
	}
	n, _, err := rate(desks, length, func(writer int) error { return commits[writer]() })
	return n, err
}
