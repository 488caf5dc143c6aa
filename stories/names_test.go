package stories_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var nameSamples = flag.Int("names", 60, "how often each kind of name is tried in TestNothingTellsNamesApart")

// nameKind is what can be true of a name that somebody types. All have the same length.
type nameKind struct {
	name  string
	about string
	make  func(p *portal, name, typed, to string)
}

var nameKinds = []nameKind{
	{"unknowns", "unknown", func(*portal, string, string, string) {}},
	{"passonly", "has a password alone", func(p *portal, name, _, _ string) { p.add(name, "--email", name+"@example.org") }},
	{"holders1", "has 2FA", func(p *portal, name, typed, to string) {
		p.add(name, "--email", name+"@example.org")
		p.browser().wizard(name, typed, to)
	}},
	{"turnoffs", "turned off", func(p *portal, name, typed, to string) {
		p.add(name, "--email", name+"@example.org")
		p.browser().wizard(name, typed, to)
		p.cli("person", "disable", name)
	}},
	{"heldhere", "on hold", func(p *portal, name, typed, to string) {
		p.add(name, "--email", name+"@example.org")
		p.browser().wizard(name, typed, to)
		list := p.lines(to)
		c := p.browser()
		c.get(dispute(list[len(list)-1].Text))
		c.do("It was not me").is(want{h1: "Your account is on hold"})
	}},
	{"invitees", "invited, without a password", func(p *portal, name, _, _ string) { p.cli("person", "add", name, "--email", name+"@example.org") }},
	{"deleted1", "deleted", func(p *portal, name, _, _ string) {
		p.add(name, "--email", name+"@example.org")
		p.cli("person", "delete", name, "--yes")
	}},
}

// apartNames has a person of each kind.
func apartNames(t *testing.T) *portal {
	t.Helper()
	p := open(t, settings{more: "mail:\n  server: smtp://localhost:2\n  from: login@example.org\n"})
	for i, kind := range nameKinds {
		kind.make(p, kind.name, fmt.Sprintf("(202) 555-01%02d", 50+i), fmt.Sprintf("+120255501%02d", 50+i))
	}
	return p
}

// probe is an answer with what differs from one to the next taken out.
type probe struct {
	answer string
	took   time.Duration
	work   time.Duration // of the portal's processor: a busy machine does not blur it
}

var (
	tokenValue = regexp.MustCompile(`name="(?:token|form)" value="[^"]*"`)
	timeValue  = regexp.MustCompile(`(?s)<time [^>]*>.*?</time>|data-countdown="\d+"|You can try again in \d+ \w+`)
)

// asks posts a form and takes the time until it is answered.
func (b *browser) asks(path string, form url.Values, name string) probe {
	b.t.Helper()
	r, err := http.NewRequest("POST", b.p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	begun, used := time.Now(), b.p.work()
	got := b.send(r)
	took, work := time.Since(begun), b.p.work()-used
	header := got.header.Clone()
	header.Del("Date")
	header.Del("Retry-After") // the wait goes on meanwhile
	var lines []string
	for name, values := range header {
		lines = append(lines, fmt.Sprintf("%s: %q", name, values))
	}
	slices.Sort(lines)
	body := timeValue.ReplaceAllString(tokenValue.ReplaceAllString(got.body, "TOKEN"), "TIME")
	return probe{fmt.Sprintf("%d\n%s\n%s", got.status, strings.Join(lines, "\n"), strings.ReplaceAll(body, name, "NAME")), took, work}
}

// work is the processor time that the portal has used.
func (p *portal) work() (sum time.Duration) {
	p.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		p.t.Fatalf("no processor times: %v", err)
	}
	for _, task := range tasks {
		raw, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		var ran int64
		if _, err := fmt.Sscan(string(raw), &ran); err != nil {
			p.t.Fatal(err)
		}
		sum += time.Duration(ran)
	}
	return sum
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// alikeToAll tries each kind of name in turn, in an order of its own each time, and
// compares the answers to the byte.
func alikeToAll(t *testing.T, p *portal, rounds int, try func(name string) probe) (times, works map[string][]time.Duration) {
	t.Helper()
	times, works = map[string][]time.Duration{}, map[string][]time.Duration{}
	first := ""
	for round := range rounds {
		if round%20 == 19 {
			p.move(time.Hour + time.Second) // no budget of a name is used up
		}
		for _, i := range rand.Perm(len(nameKinds)) {
			kind := nameKinds[i]
			got := try(kind.name)
			times[kind.about] = append(times[kind.about], got.took)
			works[kind.about] = append(works[kind.about], got.work)
			if first == "" {
				first = got.answer
			}
			if got.answer != first {
				t.Fatalf("a name that is %s is answered by\n%s\nanother by\n%s", kind.about, got.answer, first)
			}
		}
	}
	return times, works
}

// apartBy compares the medians of what was measured with that of unknown names: they
// are apart by less than the spread.
func apartBy(t *testing.T, what string, of map[string][]time.Duration) {
	t.Helper()
	const base = "unknown"
	for _, list := range of {
		slices.Sort(list)
	}
	spread := func(list []time.Duration) time.Duration { return quantile(list, 0.75) - quantile(list, 0.25) }
	for _, kind := range nameKinds {
		list := of[kind.about]
		noise := max(spread(list), spread(of[base]))
		t.Logf("%s: %-28s median %v, spread %v", what, kind.about, quantile(list, 0.5), noise)
		if far := (quantile(list, 0.5) - quantile(of[base], 0.5)).Abs(); far >= noise {
			t.Errorf("%s: a name that is %s: the median is %v away from that of unknown ones; the spread is %v", what, kind.about, far, noise)
		}
	}
}

// TestNothingTellsNamesApart: what is true of a name shows neither in the answer to
// a wrong password nor in its time; nor when a new password is asked for.
func TestNothingTellsNamesApart(t *testing.T) {
	t.Parallel()
	p := apartNames(t)
	times, works := alikeToAll(t, p, *nameSamples, func(name string) probe {
		b := p.browser() // at an address of its own: no limit answers
		b.get("/sign-in")
		return b.asks("/sign-in", url.Values{"username": {name}, "password": {"wrong words here"}, "token": {b.page.token()}}, name)
	})
	apartBy(t, "time", times)
	apartBy(t, "work", works)
	times, _ = alikeToAll(t, p, *nameSamples, func(name string) probe { // the work is done after the answer, and is not alike
		b := p.browser()
		b.get("/forgot")
		return b.asks("/forgot", url.Values{"username": {name}, "token": {b.page.token()}}, name)
	})
	apartBy(t, "time", times)
}

// TestTheWaitTellsNoNamesApart: whoever has tried too often is told so alike.
func TestTheWaitTellsNoNamesApart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("each try is held back by seconds")
	}
	p := apartNames(t)
	last := make([]string, len(nameKinds))
	var wg sync.WaitGroup
	for i, kind := range nameKinds {
		wg.Go(func() {
			b := p.browser()
			b.get("/sign-in")
			form := url.Values{"username": {kind.name}, "password": {"wrong words here"}, "token": {b.page.token()}}
			for range 12 {
				last[i] += b.asks("/sign-in", form, kind.name).answer
			}
		})
	}
	wg.Wait()
	if !strings.Contains(last[0], "429") {
		t.Errorf("nobody has to wait: %s", last[0])
	}
	for i, kind := range nameKinds {
		if last[i] != last[0] {
			t.Errorf("a name that is %s is answered by\n%s\nan unknown one by\n%s", kind.about, last[i], last[0])
		}
	}
}
