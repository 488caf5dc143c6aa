package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sallyport/back/sms"
)

// crash kills the portal while app codes are entered and text messages asked for.
// When it has come back it looks whether what was acknowledged is there, and
// whether what works once has worked twice.
func (b *bench) crash() error {
	p, err := b.install("", cheapPasswords)
	if err != nil {
		return err
	}
	if _, err := p.serve(); err != nil {
		return err
	}
	kills, c := few(b, 20, 1000), &crashes{portal: p}
	for done := 0; done < kills; {
		const batch = 50 // laid down beside the portal, for sign-ins that wait long end
		members, err := p.enrolled(enrolment{from: done * perKill, count: perKill * min(batch, kills-done), phc: cheap(), attempts: 2, whole: true})
		if err != nil {
			return err
		}
		for ; len(members) > 0; members, done = members[perKill:], done+1 {
			if err := c.once(members[:perKill]); err != nil {
				return fmt.Errorf("kill %d: %w", done, err)
			}
		}
	}
	if err := c.texts(); err != nil {
		return err
	}
	b.rows = append(b.rows,
		row{what: "crash: acknowledged changes lost", ours: figures{float64(c.lost)}, goals: []goal{never()},
			note: fmt.Sprintf("%d kills; %d sign-ins and %d text messages were acknowledged; %d codes were in doubt when the portal died, of which %d had counted",
				kills, c.kept, c.asked, c.doubt, c.counted)},
		row{what: "crash: one-time things used twice", ours: figures{float64(c.twice)}, goals: []goal{never()}, note: "app codes and text messages"})
	return nil
}

// perKill is how many members there are around one kill; killers is how many of
// them come at once.
const perKill, killers = 40, 8

// crashes counts what the kills have done.
type crashes struct {
	*portal
	sync.Mutex
	kept, asked, doubt, counted, lost, twice int
}

// entered is a code that was entered before a kill.
type entered struct {
	member
	code, session string // no session: the portal died before it had answered
}

// once kills the portal among sign-ins, starts it again and looks.
func (c *crashes) once(members []member) error {
	all, err := c.killed(members)
	if err != nil {
		return err
	}
	if _, err := c.serve(); err != nil {
		return err
	}
	if len(all) == 0 {
		return nil // it died before anybody came
	}
	d, err := c.desk(0, member{attempts: all[0].attempts[1:]})
	if err != nil {
		return err
	}
	defer d.Close()
	s, err := c.open(c.bench)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, e := range all {
		before, err := s.SessionsOf(c.bench, e.id)
		if err != nil {
			return err
		}
		if err := c.judge(d, e, len(before)); err != nil {
			return err
		}
	}
	return nil
}

// killed lets members sign in until the portal is killed among them.
func (c *crashes) killed(members []member) (all []entered, err error) {
	queue := queueOf(members)
	close(queue)
	var wg sync.WaitGroup
	for n := range killers {
		d, err := c.desk(n, members[n])
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			defer d.Close()
			for m := range queue {
				if n%4 == 0 && !c.askText(d, m) {
					return
				}
				e := entered{member: m, code: m.code()}
				var err error
				e.session, _, err = d.enter(m, 0, e.code)
				c.Lock()
				all = append(all, e)
				c.Unlock()
				if err != nil {
					return // the portal is dead
				}
			}
		})
	}
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
	err = c.end(syscall.SIGKILL)
	wg.Wait()
	return all, err
}

// askText asks for a text message in the member's second sign-in, and says whether
// the portal still answers.
func (c *crashes) askText(d *desk, m member) bool {
	a, err := d.do(request(d.host, "/2fa/text/send", d.address, d.cookies(m, 1), "token="+d.token))
	if err == nil && a.status == http.StatusSeeOther {
		c.Lock()
		c.asked++
		c.Unlock()
	}
	return err == nil
}

// judge looks at one code: a session that was given works still, and the code gives
// no second one. A code in doubt gives one, either before the kill or now.
func (c *crashes) judge(d *desk, e entered, before int) error {
	if e.session != "" {
		c.kept++
		a, err := d.do(request(d.host, "/account/security", d.address, "session="+e.session, ""))
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			c.lost++
		}
	} else {
		c.doubt++
		c.counted += min(1, before)
	}
	again, _, err := d.enter(e.member, 1, e.code)
	if before > 1 || before == 1 && again != "" {
		c.twice++
	}
	if before == 0 && again == "" && err == nil {
		c.lost++ // the code is spent and gave nothing
	}
	return err
}

// texts looks at the end whether each text message that was acknowledged has its
// row, and whether one went out twice.
func (c *crashes) texts() error {
	if err := c.stop(); err != nil {
		return err
	}
	s, err := c.open(c.bench)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.GiveUp(c.bench, time.Now(), time.Now()); err != nil {
		return err // what was being called when the portal died
	}
	const all = 1 << 30
	done, err := s.RecentMessages(c.bench, all)
	if err != nil {
		return err
	}
	waiting, err := s.WaitingMessages(c.bench, time.Time{}, all)
	if err != nil {
		return err
	}
	c.lost += max(0, c.asked-len(done)-len(waiting))
	raw, err := os.ReadFile(filepath.Join(c.folder, "outbox.jsonl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	sent := map[string]bool{}
	for text := range strings.Lines(string(raw)) {
		var line sms.Line
		if json.Unmarshal([]byte(text), &line) != nil {
			continue // the kill cut it
		}
		if sent[line.ID] {
			c.twice++
		}
		sent[line.ID] = true
	}
	return nil
}
