package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"sallyport/core/person"
)

// bareHash is the limit of every sign-in: the hash at its default costs.
func bareHash() {
	salt := make([]byte, 16)
	rand.Read(salt)
	argon2.IDKey([]byte(password), salt, person.Default.Time, person.Default.MemoryKiB, person.Default.Threads, 32)
}

// passwords measures whole sign-ins against the hash that is in each of them.
func (b *bench) passwords() error {
	p, err := b.install("", "")
	if err != nil {
		return err
	}
	members, err := p.enrolled(enrolment{count: 4000, phc: hard()})
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	time.Sleep(b.restTime())
	base, err := memory(p.pid(), "VmRSS")
	if err != nil {
		return err
	}
	rest := queueOf(members)
	if err := b.signInCPU(p, rest); err != nil {
		return err
	}
	if err := b.signInRate(p, rest, base); err != nil {
		return err
	}
	if err := b.givenBack(p, base); err != nil {
		return err
	}
	return p.stop()
}

func queueOf(members []member) chan member {
	queue := make(chan member, len(members))
	for _, m := range members {
		queue <- m
	}
	return queue
}

// signIn signs somebody in, from the form to the session, and returns the last
// status: 303 when all went well.
func (p *portal) signIn(m member, address string) (status int, err error) {
	b, err := browse(p.host, address)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	if status, err = b.password(m); err != nil || status != http.StatusSeeOther {
		return status, err
	}
	if _, err := b.get("/2fa"); err != nil {
		return 0, err
	}
	a, err := b.post("/2fa", "code", m.code())
	if err == nil && a.cookie("session") == "" {
		err = errNoSession
	}
	return a.status, err
}

// password gets the form and sends name and password.
func (b *browser) password(m member) (status int, err error) {
	if _, err := b.get("/sign-in"); err != nil {
		return 0, err
	}
	a, err := b.post("/sign-in", "username", m.name, "password", password)
	return a.status, err
}

// signInCPU measures what the server works for a sign-in: its form, the password,
// the form of the code, and the code.
func (b *bench) signInCPU(p *portal, queue chan member) error {
	r := row{what: "sign-in, CPU of all four requests", unit: "ms", by: "bare Argon2id", goals: []goal{most("ratio", 1.03)}}
	const batch = 4
	measure := func(pid int, to *figures, do func() error) error {
		before, err := cpu(pid)
		if err != nil {
			return err
		}
		for range batch {
			if err := do(); err != nil {
				return err
			}
		}
		after, err := cpu(pid)
		*to = append(*to, (after-before).Seconds()*1000/float64(batch))
		return err
	}
	for i := range few(b, 2, 30) {
		if err := measure(os.Getpid(), &r.limit, func() error { bareHash(); return nil }); err != nil {
			return err
		}
		err := measure(p.pid(), &r.ours, func() error {
			status, err := p.signIn(<-queue, from(i))
			if err == nil && status != http.StatusSeeOther {
				err = fmt.Errorf("a sign-in was answered with %d", status)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	b.rows = append(b.rows, r)
	return nil
}

// signInRate measures passwords taken a second while many wait, and the memory
// that they take.
func (b *bench) signInRate(p *portal, queue chan member, base float64) error {
	parallel := max(2, runtime.NumCPU())
	length := few(b, 3*time.Second, 8*time.Second)
	for _, clients := range few(b, []int{16}, []int{16, 32, 64}) {
		r := row{what: fmt.Sprintf("sign-ins a second, %d at once", clients), unit: "/s", by: "bare Argon2id, as many at once as the queue", goals: []goal{least("ratio", 0.95)}}
		held := row{what: fmt.Sprintf("memory at %d sign-ins at once", clients), unit: "MB", by: "idle, a hash for each place, 64 MB",
			limit: figures{base + float64(parallel)*64 + 64}, goals: []goal{most("ratio", 1)}}
		for range few(b, 1, 4) {
			n, _, err := rate(parallel, length, func(int) error { bareHash(); return nil })
			if err != nil {
				return err
			}
			r.limit = append(r.limit, n)
			if err := forget(p.pid()); err != nil {
				return err
			}
			good, err := p.flood(clients, length, queue)
			if err != nil {
				return err
			}
			r.ours = append(r.ours, good)
			most, err := memory(p.pid(), "VmHWM")
			if err != nil {
				return err
			}
			held.ours = append(held.ours, most)
		}
		held.goals[0] = most("max", held.limit[0])
		b.rows = append(b.rows, r, held)
	}
	return nil
}

// flood keeps so many clients signing in, and returns how many passwords were
// taken a second. A client that is told that the portal is busy comes again.
func (p *portal) flood(clients int, length time.Duration, queue chan member) (perSecond float64, err error) {
	var wg sync.WaitGroup
	errs, good := make([]error, clients), make([]figures, clients)
	began := time.Now()
	for i := range clients {
		wg.Go(func() {
			for time.Since(began) < length {
				m := <-queue
				queue <- m
				b, err := browse(p.host, from(i))
				if err != nil {
					errs[i] = err
					return
				}
				status, err := b.password(m)
				b.Close()
				switch {
				case err != nil:
					errs[i] = err
					return
				case status == http.StatusSeeOther:
					good[i].add(time.Since(began))
				case status != http.StatusServiceUnavailable:
					errs[i] = fmt.Errorf("a sign-in was answered with %d", status)
					return
				}
			}
		})
	}
	wg.Wait()
	var n float64
	var last float64
	for _, g := range good {
		n, last = n+float64(len(g)), max(last, g.max())
	}
	return n * 1000 / last, errors.Join(errs...)
}

// givenBack measures how much memory is kept after the last sign-in, and waits for
// at most a minute until it is little.
func (b *bench) givenBack(p *portal, base float64) error {
	const spare = 16
	r := row{what: "memory, at most a minute after the last sign-in", unit: "MB", by: "idle", limit: figures{base}, goals: []goal{most("median", base+spare)}}
	began := time.Now()
	for {
		held, err := memory(p.pid(), "VmRSS")
		if err != nil {
			return err
		}
		if held <= base+spare || time.Since(began) > time.Minute {
			r.ours, r.note = figures{held}, fmt.Sprintf("after %.0f s", time.Since(began).Seconds())
			break
		}
		time.Sleep(time.Second)
	}
	b.rows = append(b.rows, r)
	return nil
}
