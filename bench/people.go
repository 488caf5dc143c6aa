package main

import (
	cryptorand "crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"time"

	"sallyport/core/change"
	"sallyport/core/door"
	"sallyport/core/flow"
	"sallyport/core/session"
)

// peopleMax is how many people the largest portal has. Ten million take about an
// hour to lay down.
var peopleMax = flag.Int("people", 1_000_000, "how many people the largest portal of -long has")

// sessionsMax is how many sessions there are beside those that are measured.
var sessionsMax = flag.Int("sessions", 1_000_000, "how many sessions the largest portal of -long has")

// crowd is a portal with people of which some are known to us.
type crowd struct {
	*portal
	count  int
	some   []member
	signIn figures
	check  figures
}

// people measures what the number of people costs: the same work beside a portal
// of a thousand, and the disk and the list that they take.
func (b *bench) people() error {
	small, err := b.crowd(1000)
	if err != nil {
		return err
	}
	for _, count := range []int{100_000, *peopleMax} {
		large, err := b.crowd(count)
		if err != nil {
			return err
		}
		if err := b.beside(small, large); err != nil {
			return err
		}
		if err := large.stop(); err != nil {
			return err
		}
		if err := b.listing(large); err != nil {
			return err
		}
		small.signIn, small.check = nil, nil
	}
	return small.stop()
}

func (b *bench) crowd(count int) (*crowd, error) {
	const some = 500
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	members, err := p.enrolled(enrolment{count: count, phc: cheap(), whole: true, every: max(1, count/some)})
	if err != nil {
		return nil, err
	}
	fmt.Printf("laid down %d people in %.0f s\n", count, time.Since(began).Seconds())
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	_, err = p.serve()
	return &crowd{portal: p, count: count, some: members}, err
}

// beside signs people in on both portals by turns.
func (b *bench) beside(small, large *crowd) error {
	const rounds = 300
	for i := range rounds {
		for _, c := range []*crowd{small, large} {
			if err := c.signInOnce(c.some[i%len(c.some)], i); err != nil {
				return fmt.Errorf("%d people: %w", c.count, err)
			}
			time.Sleep(5 * time.Millisecond) // lets the writer and its log rest
		}
	}
	by := fmt.Sprintf("at %d", small.count)
	b.rows = append(b.rows,
		row{what: fmt.Sprintf("sign-in at %d people, cheapest hash", large.count), unit: "ms", ours: large.signIn, limit: small.signIn, by: by, goals: []goal{most("ratio", 1.2)}},
		row{what: fmt.Sprintf("app code check at %d people", large.count), unit: "ms", ours: large.check, limit: small.check, by: by, goals: []goal{most("ratio", 1.2)}})
	return nil
}

func (c *crowd) signInOnce(m member, n int) error {
	b, err := browse(c.host, from(n))
	if err != nil {
		return err
	}
	defer b.Close()
	began := time.Now()
	if status, err := b.password(m); err != nil || status != http.StatusSeeOther {
		return errors.Join(fmt.Errorf("a password was answered with %d", status), err)
	}
	c.signIn.add(time.Since(began))
	if _, err := b.get("/2fa"); err != nil {
		return err
	}
	began = time.Now()
	if a, err := b.post("/2fa", "code", m.code()); err != nil || a.cookie("session") == "" {
		return errors.Join(errNoSession, err)
	}
	c.check.add(time.Since(began))
	return nil
}

// listing measures the disk of a crowd that is down, and a page of its list.
func (b *bench) listing(c *crowd) error {
	s, err := c.open(b)
	if err != nil {
		return err
	}
	defer s.Close()
	var size int64
	err = filepath.WalkDir(filepath.Join(c.folder, "data"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	disk := row{what: fmt.Sprintf("disk a person, %d people", c.count), unit: "B", ours: figures{float64(size) / float64(c.count)}, goals: []goal{most("median", 1024)},
		note: "password, app, recovery codes and number, with their rows in the limits of the day"}
	list := row{what: fmt.Sprintf("a page of the list, %d people", c.count), unit: "ms", goals: []goal{most("median", 50)}, note: "50 people by the store; the console is not built yet"}
	for range 100 {
		after := fmt.Sprintf("member%08d", rand.IntN(c.count))
		began := time.Now()
		if _, err := s.Everyone(b, after, 50); err != nil {
			return err
		}
		list.ours.add(time.Since(began))
	}
	b.rows = append(b.rows, disk, list)
	return nil
}

// sessions measures the memory of sessions that are alive and used.
func (b *bench) sessions() error {
	const count, people = 100_000, 1000
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return err
	}
	members, err := p.enrolled(enrolment{count: people, phc: cheap()})
	if err != nil {
		return err
	}
	cookies, err := p.signedIn(members, count/people)
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	time.Sleep(b.restTime())
	before, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	const clients = 8
	queue := make(chan string, len(cookies))
	for _, c := range cookies {
		queue <- c
	}
	close(queue)
	conns := make([]*conn, clients)
	for i := range conns {
		if conns[i], err = dial(p.host); err != nil {
			return err
		}
	}
	_, _, err = rate(clients, time.Hour, func(client int) error {
		cookie, ok := <-queue
		if !ok {
			return errDone
		}
		a, err := conns[client].do(request(p.host, "/account/security", from(client), "session="+cookie, ""))
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("a session was answered with %d", a.status)
		}
		return err
	})
	if !errors.Is(err, errDone) {
		return err
	}
	time.Sleep(2 * b.restTime()) // after half of it what the load used is given back
	after, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{what: "memory of 100,000 live sessions", unit: "MB", ours: figures{after - before}, goals: []goal{most("median", 30)},
		note: "each used once for a page of the account; they are rows, not memory"})
	return p.stop()
}

var errDone = errors.New("all are done")

// signedIn lays sessions, each with its door at the wiki, into the database of a
// portal that is down. The cookie of a door is "door" and that of the session.
func (p *portal) signedIn(members []member, each int) (cookies []string, err error) {
	s, err := p.open(p.bench)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, m := range members {
		var set change.Set
		for range each {
			cookie := cryptorand.Text()
			cookies = append(cookies, cookie)
			family := flow.HashToken(cookie)
			// Stored stands for the proof: these people have not signed in.
			set.Add(session.Begun{Session: session.Stored(session.Row{ID: family, Family: family, Person: m.id, Level: session.Two, Method: "app",
				MadeAt: now, SeenAt: now, EndsAt: now.Add(8 * time.Hour), ConfirmedAt: now, PasswordAt: now, Agent: "Firefox on Linux", Address: from(0), Version: 1})},
				door.Opened{Door: door.Door{ID: flow.HashToken("door" + cookie), Family: family, Person: m.id, Origin: wiki, MadeAt: now, EndsAt: now.Add(8 * time.Hour)}})
		}
		if err := s.Apply(p.bench, set); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return cookies, s.Close()
}
