package stories_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is the resident memory of the portal in MiB: VmRSS of now, VmHWM at its highest.
func (p *portal) memory(which string) (mib float64) {
	p.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if name, value, _ := strings.Cut(line, ":"); name == which {
			if _, err := fmt.Sscan(value, &mib); err != nil {
				p.t.Fatal(err)
			}
			return mib / 1024
		}
	}
	p.t.Fatalf("no %s", which)
	return 0
}

// TestFiveHundredSignInsAtOnce: whoever has no turn is told so, and nothing else
// fails. Its memory stays near what the hashes take; how fast it is then, the bench
// measures on a quiet machine.
func TestFiveHundredSignInsAtOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("keeps every core busy for ten seconds")
	}
	const length, most, parallel = 10 * time.Second, 500, 2
	p := open(t, settings{hashing: fmt.Sprintf("\n  memory: 65536\n  time: 3\n  threads: 4\n  parallel: %d", parallel)})
	p.add("ada")
	idle := p.memory("VmRSS")
	client := &http.Client{Timeout: 50 * time.Second, CheckRedirect: plainClient.CheckRedirect,
		Transport: &http.Transport{MaxIdleConnsPerHost: most, MaxConnsPerHost: most}}
	var mu sync.Mutex
	answers := map[int]int{}
	var wg sync.WaitGroup
	end := time.Now().Add(length)
	for n := range most {
		b, token := p.browser(), ""
		word := password
		if n%5 == 0 {
			word = "wrong words here"
		}
		wg.Go(func() {
			for time.Now().Before(end) {
				c := b.twin()
				if token == "" {
					r, _ := http.NewRequest("GET", p.url+"/sign-in", nil)
					r.Header.Set("X-Forwarded-For", b.address)
					if got := c.over(client, r); got != nil {
						token, b.cookies = got.token(), c.cookies
					}
					continue
				}
				form := url.Values{"username": {"ada"}, "password": {word}, "token": {token}}
				r, _ := http.NewRequest("POST", p.url+"/sign-in", strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("X-Forwarded-For", b.address)
				got := c.over(client, r)
				mu.Lock()
				switch {
				case got == nil:
					answers[0]++
				case got.status == http.StatusServiceUnavailable && (got.name() != "busy" || got.header.Get("Retry-After") == ""):
					answers[-1]++
				default:
					answers[got.status]++
				}
				mu.Unlock()
				if got != nil && got.status == http.StatusServiceUnavailable {
					time.Sleep(200 * time.Millisecond) // no machine has the patience of people
				}
			}
		})
	}
	var slow []time.Duration
	for time.Now().Before(end) {
		begun := time.Now()
		if got := p.status("/healthz"); got != http.StatusOK {
			t.Errorf("/healthz: %d", got)
		}
		slow = append(slow, time.Since(begun))
		time.Sleep(50 * time.Millisecond)
	}
	wg.Wait()
	for status, n := range answers {
		if !slices.Contains([]int{http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}, status) {
			t.Errorf("%d answers were %d (0: none; -1: 503 and not busy)", n, status)
		}
	}
	if answers[http.StatusSeeOther] == 0 || answers[http.StatusServiceUnavailable] == 0 {
		t.Errorf("this test is blind: %v", answers)
	}
	slices.Sort(slow)
	t.Logf("answers %v, /healthz %v at the median of %d, memory from %.0f to %.0f MiB", answers, slow[len(slow)/2], len(slow), idle, p.memory("VmHWM"))
	if line, got := idle+parallel*64+64, p.memory("VmHWM"); got > line {
		t.Errorf("the portal took up to %.0f MiB; with %d hashes at once the line is %.0f", got, parallel, line)
	}
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
}

// over sends a request through a client of its own; nil when there is no answer.
func (b *browser) over(client *http.Client, r *http.Request) *page {
	for k, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	a, err := client.Do(r)
	if err != nil {
		return nil
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return nil
	}
	for _, c := range a.Cookies() {
		b.cookies[c.Name] = c.Value
	}
	return &page{b.t, a.StatusCode, a.Header, string(body), r.URL.RequestURI()}
}
