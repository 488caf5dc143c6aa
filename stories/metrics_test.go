package stories_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// measured is a portal that is measured; the second value reads its metrics.
func measured(t *testing.T, s settings) (*portal, func() samples) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s.more += "metrics: " + address + "\n"
	p := open(t, s)
	return p, func() samples { return scrape(t, address) }
}

// sample is one line of what Prometheus reads.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

type samples []sample

var (
	sampleMark = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)
	labelMark  = regexp.MustCompile(`([a-z]+)="((?:[^"\\]|\\.)*)"`)
)

func scrape(t *testing.T, address string) (all samples) {
	t.Helper()
	r, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("the metrics: %d, %v", r.StatusCode, err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		m := sampleMark.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("a line of the metrics is %q", line)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{}
		for _, l := range labelMark.FindAllStringSubmatch(m[2], -1) {
			labels[l[1]] = l[2]
		}
		all = append(all, sample{m[1], labels, value})
	}
	return all
}

// sum adds up the samples of a name that have all of these labels: pairs.
func (all samples) sum(name string, pairs ...string) (total float64) {
	for _, s := range all {
		fits := s.name == name
		for i := 0; i+1 < len(pairs); i += 2 {
			fits = fits && s.labels[pairs[i]] == pairs[i+1]
		}
		if fits {
			total += s.value
		}
	}
	return total
}

// tries are the counters of tries that are not zero: "step outcome".
func (all samples) tries() map[string]float64 {
	m := map[string]float64{}
	for _, s := range all {
		if s.name == "sallyport_sign_in_tries_total" && s.value > 0 {
			m[s.labels["step"]+" "+s.labels["outcome"]] = s.value
		}
	}
	return m
}

func (all samples) byLabel(name, label string) map[string]float64 {
	m := map[string]float64{}
	for _, s := range all {
		if s.name == name && s.value > 0 {
			m[s.labels[label]] += s.value
		}
	}
	return m
}

// since are the counters that grew, and by how much.
func since(before, after map[string]float64) map[string]float64 {
	m := map[string]float64{}
	for k, v := range after {
		if v != before[k] {
			m[k] = v - before[k]
		}
	}
	return m
}

func TestEveryTryIsCountedByWhatCameOfIt(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	before := read()
	// counts does something and says by which tries and events it is seen.
	counts := func(about string, tries, events map[string]float64, do func()) {
		t.Helper()
		do()
		after := read()
		if got := since(before.tries(), after.tries()); !maps.Equal(got, tries) {
			t.Errorf("%s: tries %v, want %v", about, got, tries)
		}
		got := since(before.byLabel("sallyport_events_total", "event"), after.byLabel("sallyport_events_total", "event"))
		if !maps.Equal(got, events) {
			t.Errorf("%s: events %v, want %v", about, got, events)
		}
		before = after
	}
	type of = map[string]float64
	var ada *browser
	counts("the guide", of{"password right": 1, "number right": 1, "new-app right": 1},
		of{"password-right": 1, "text-sent": 1, "number-proved": 1, "set-up": 1, "codes-saved": 1}, func() { ada = p.enrol("ada") })
	counts("a sign-in", of{"password right": 1, "app-code right": 1}, of{"password-right": 1, "signed-in": 1}, func() {
		p.browser().signIn("ada", ada.app).is(want{page: "security"})
	})
	b := p.browser()
	counts("a wrong password", of{"password wrong": 1}, of{"password-wrong": 1}, func() { b.enter("ada", "wrong") })
	counts("a name that nobody has", of{"password wrong": 1}, of{"password-wrong": 1}, func() { b.enter("zoe", "wrong") })
	counts("no password", of{"password free": 1}, of{}, func() { b.enter("ada", "") })
	counts("wrong app codes", of{"password right": 1, "app-code wrong": 2, "app-code free": 1}, of{"password-right": 1, "code-wrong": 2}, func() {
		b.enter("ada", password)
		for _, code := range ada.app.wrongs(2) {
			b.do("Verify", "code", code)
		}
		b.do("Verify", "code", "1")
	})
	counts("a recovery code, and the app is still there", of{"recovery-code wrong": 1, "recovery-code right": 1}, of{"code-wrong": 1, "recovery-code-used": 1, "signed-in": 1}, func() {
		b.get("/2fa/recovery-code")
		b.do("Verify", "recovery", "0000-0000-0000-0000")
		b.do("Verify", "recovery", ada.codes[0]).is(want{page: "replace"})
		b.do("Continue", "still", "yes").is(want{page: "security"})
	})
	counts("a recovery by text message", of{"password right": 1, "text wrong": 1, "text right": 1, "new-app right": 1},
		of{"password-right": 1, "text-sent": 1, "code-wrong": 1, "recovery-begun": 1, "recovery-done": 1}, func() {
			c := p.lost("ada")
			c.get("/2fa/other")
			c.do("Send SMS").is(want{page: "text-code"})
			code := p.text(e164, "to set up a new app")[:6]
			c.do("Verify", "code", ada.app.wrong())
			c.do("Verify", "code", code).is(want{page: "replace"})
			c.do("Continue").is(want{page: "setup-app"})
			c.do("Continue")
			c.anew()
			ada = c
		})
	counts("a confirmation", of{"confirm wrong": 1, "confirm right": 1}, of{"password-wrong": 1, "confirmed": 1}, func() {
		p.move(6 * time.Minute)
		ada.get("/confirm?to=/account/password")
		ada.do("Continue", "password", "wrong", "code", ada.app.code())
		ada.do("Continue", "password", password, "code", ada.app.code()).is(want{page: "password"})
	})
	code := p.setupCode("person", "reset-2fa", "ada", "--checked", "in-person", "--note", "x") // another process: not counted here
	counts("a setup code", of{"password right": 1, "setup-code wrong": 1, "setup-code right": 1}, of{"password-right": 1, "code-wrong": 1, "setup-code-used": 1}, func() {
		c := p.browser()
		c.enter("ada", password).is(want{page: "setup-code"})
		c.do("Continue", "code", "AAAA-AAAA")
		c.do("Continue", "code", code).is(want{page: "two-factor-prompt"})
	})
	p.cli("person", "disable", "ada")
	counts("an account that is turned off", of{"password stopped": 1}, of{"password-right": 1}, func() {
		p.browser().enter("ada", password).is(want{status: 403})
	})
	counts("a post to nothing", of{"app-code undue": 1}, of{}, func() {
		c := p.browser()
		c.get("/sign-in")
		c.form("/2fa", "code", "123456")
	})
	if got := before.byLabel("sallyport_limits_reached_total", "budget"); len(got) != 0 {
		t.Errorf("budgets that nobody used up: %v", got)
	}
}

func TestLimitsAreCountedByTheirBudget(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	ada := p.enrol("ada")
	b := p.lost("ada")
	for _, code := range ada.app.wrongs(10) {
		b.do("Verify", "code", code)
	}
	b.is(want{status: 429, page: "wait"})
	all := read()
	if tries := all.tries(); tries["app-code wrong"] != 10 || tries["app-code limited"] != 0 {
		t.Errorf("after ten wrong ones: %v", tries)
	}
	b.form("/2fa", "code", ada.app.code())
	b.get("/2fa/recovery-code")
	c := p.toNumber("grace")
	typed, to := washington(7)
	c.do("Send SMS", "phone", typed).is(want{page: "setup-phone-code"})
	p.code(to)
	c.do("Send SMS again") // too soon
	all = read()
	if tries := all.tries(); tries["app-code wrong"] != 10 || tries["app-code limited"] != 1 {
		t.Errorf("in the wait: %v", tries)
	}
	if got := all.byLabel("sallyport_limits_reached_total", "budget"); !maps.Equal(got, map[string]float64{"codes": 1, "text-number": 1}) {
		t.Errorf("budgets %v", got)
	}
}

func TestTextsThatStopAreCounted(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	p.pumped()
	p.move(4 * time.Minute)
	for i := range 3 {
		late := p.toNumber(fmt.Sprintf("mary%d", i))
		typed, _ := washington(51 + i)
		late.do("Send SMS", "phone", typed)
		late.page.is(want{status: 429, page: "setup-phone", problem: late.page.problems()[0]})
	}
	all := read()
	if got := all.byLabel("sallyport_texts_stopped_total", "reason"); !maps.Equal(got, map[string]float64{"prefix": 1}) {
		t.Errorf("stopped: %v", got)
	}
	if got := all.sum("sallyport_limits_reached_total", "budget", "text-prefix"); got != 3 {
		t.Errorf("%v texts were refused", got)
	}
	for _, want := range []struct {
		state string
		n     float64
	}{{"sent", 5}, {"waiting", 0}, {"failed", 0}} {
		if got := all.sum("sallyport_outbox_messages", "state", want.state); got != want.n {
			t.Errorf("%v messages are %s, not %v", got, want.state, want.n)
		}
	}
}

func TestTheFiguresOfAPortal(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	ada := p.enrol("ada")
	ada.other("ada")
	p.text(e164, "from a new browser")
	all := read() // the first: the figures of the database are read now
	for _, row := range []struct {
		about     string
		got, want float64
	}{
		{"sessions after both factors", all.sum("sallyport_sessions", "level", "2"), 2},
		{"sessions of level one", all.sum("sallyport_sessions", "level", "1"), 0},
		{"messages that were sent", all.sum("sallyport_outbox_messages", "state", "sent") + all.sum("sallyport_outbox_messages", "state", "calling"), 3}, // the last may still be told as being called
		{"the database is up", all.sum("sallyport_database_up"), 1},
		{"nothing is hashed", all.sum("sallyport_hashing_running") + all.sum("sallyport_hashing_waiting"), 0},
		{"nobody was refused a hash", all.sum("sallyport_hashing_refused_total"), 0},
		{"the database failed", all.sum("sallyport_database_failures_total"), 0},
		{"builds", all.sum("sallyport_build_info"), 1},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, not %v", row.about, row.got, row.want)
		}
	}
	if got := all.sum("sallyport_hashing_seconds_count"); got < 12 { // two passwords and ten recovery codes
		t.Errorf("%v hashes", got)
	}
	commits, changes := all.sum("sallyport_database_commits_total"), all.sum("sallyport_database_commit_changes_sum")
	if commits < 10 || changes < commits || all.sum("sallyport_database_commit_changes_count") != commits || all.sum("sallyport_database_change_seconds_count") < changes-1 {
		t.Errorf("%v commits of %v changes, %v were waited for", commits, changes, all.sum("sallyport_database_change_seconds_count"))
	}
	if got := all.sum("sallyport_schema_version"); got < 2 {
		t.Errorf("schema %v", got)
	}
	for _, worker := range []string{"sender", "sweeper"} {
		at := all.sum("sallyport_worker_success_timestamp_seconds", "worker", worker)
		if ago := p.now().Sub(time.UnixMilli(int64(at * 1000))); ago < -time.Second || ago > 2*time.Minute {
			t.Errorf("the %s did something %v ago", worker, ago)
		}
	}
	posts := all.sum("sallyport_http_request_seconds_count", "route", "/sign-in", "method", "POST", "status", "3xx")
	took := all.sum("sallyport_http_request_seconds_sum", "route", "/sign-in", "method", "POST", "status", "3xx")
	if posts != 2 || took <= 0.002 || took > 60 {
		t.Errorf("%v right passwords were answered in %v seconds", posts, took)
	}
}

// A full queue is seen as one, in all three places.
func TestBusyIsCounted(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("keeps every core busy for seconds")
	}
	p, read := measured(t, settings{hashing: "\n  memory: 262144\n  time: 10\n  threads: 1\n  parallel: 2"})
	var wg sync.WaitGroup
	var mu sync.Mutex
	busy := 0.0
	for range 8 {
		b := p.browser()
		b.get("/sign-in")
		wg.Go(func() {
			if a := b.press("Sign in", "username", "nobody", "password", "wrong"); a.status == 503 {
				mu.Lock()
				busy++
				mu.Unlock()
			}
		})
	}
	waited := 0.0
	for end := time.Now().Add(2 * time.Second); waited == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		waited = read().sum("sallyport_hashing_waiting")
	}
	wg.Wait()
	all := read()
	if busy == 0 || waited == 0 || all.sum("sallyport_hashing_refused_total") != busy || all.tries()["password busy"] != busy || all.tries()["password wrong"] != 8-busy {
		t.Errorf("%v read that it is busy, %v waited, %v were refused a place; tries %v", busy, waited, all.sum("sallyport_hashing_refused_total"), all.tries())
	}
}

// Whatever somebody types, asks for or is called: no label says it.
func TestNoLabelSaysWhoOrWhere(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	link := p.invitation("person", "add", "zebulon", "--display", "Zebulon Quill", "--email", "zq@example.org", "--group", "quills")
	b := p.browser()
	b.get(link)
	b.do("Save password", "password", password).is(want{page: "two-factor-prompt"})
	b.toScan(number, e164)
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	notMe := dispute(p.text(e164, "2FA was set up"))
	b.get("/account/activity").is(want{page: "activity"})
	for _, path := range []string{notMe, "/zebulon", "/people/zebulon?number=" + e164, "/sign-in?name=zebulon&rd=/wiki/zebulon", "/not-me/zebulonzebulon", "/account/apps/zebulon/name", "/assets/zebulon.css", "/" + b.address, "/%E2%80%AEzebulon", "//zebulon", "/account/../zebulon"} {
		b.tab().ask(path)
	}
	c := p.browser()
	c.get("/sign-in")
	c.enter("zebulon", "zebulonzebulon")
	c.enter("zebulon2", password)
	for _, row := range [][]string{{"ZEBULON", "/sign-in"}, {"GET", "/sign-in", "Host", "zebulon.example"}, {"POST", "/sign-in", "Content-Type", "zebulon"}, {"GET", "/sign-in", "Origin", "https://zebulon.example"}, {"TRACE", "/" + number}} {
		c.raw(row[0], row[1], "zebulon", row[2:]...)
	}
	p.cli("person", "reset-2fa", "zebulon", "--checked", "call-back", "--note", "zebulon called")

	secrets := append([]string{"zebulon", "quill", "example", "2025550143", "5550143", "143", b.address, "198.51.", "127.0.0.1", password, "localhost",
		strings.TrimPrefix(link, "/invitation/"), strings.TrimPrefix(notMe, "/not-me/"), b.app.secret.Text()}, b.codes...)
	for _, cookie := range b.cookies {
		secrets = append(secrets, cookie)
	}
	// A word of the program, or a pattern of an address: nothing that is made of
	// what comes in.
	word := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9]+)*$`)
	pattern := regexp.MustCompile(`^/(\.?[a-z0-9-]+|\{[a-z$]+\})?(/([a-z0-9-]+|qr\.png|codes\.txt|\{[a-z$]+\}))*/?$`)
	routes := patternsOf(t)
	all := read()
	seen := map[string]bool{}
	for _, s := range all {
		if strings.HasPrefix(s.name, "go_") || strings.HasPrefix(s.name, "process_") {
			continue
		}
		for label, value := range s.labels {
			if label == "le" || s.name == "sallyport_build_info" {
				continue
			}
			seen[label+"="+value] = true
		}
	}
	for pair := range seen {
		label, value, _ := strings.Cut(pair, "=")
		for _, secret := range secrets {
			if secret != "" && strings.Contains(strings.ToLower(value), strings.ToLower(secret)) {
				t.Errorf("%s holds %q", pair, secret)
			}
		}
		if label == "route" && value != "none" {
			if !pattern.MatchString(value) || !slices.Contains(routes, value) {
				t.Errorf("%s is no pattern of an address", pair)
			}
		} else if value != "" && !word.MatchString(value) || regexp.MustCompile(`[0-9]{3}|[0-9.]{7}`).MatchString(value) {
			t.Errorf("%s is no word of the program", pair)
		}
	}
	for _, want := range []string{"route=/invitation/{token}", "route=/not-me/{token}", "route=/account/apps/{id}/name", "route=/", "route=none", "method=other", "event=set-up"} {
		if !seen[want] {
			t.Errorf("nothing has %s: this test is blind", want)
		}
	}
}

// routesOf are the patterns of the portal, without their methods.
func patternsOf(t *testing.T) (all []string) {
	t.Helper()
	source, err := os.ReadFile("../front/portal/portal.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"(?:(?:GET|POST) )?(/[^"]*)": `).FindAllStringSubmatch(string(source), -1) {
		all = append(all, m[1])
	}
	if len(all) < 60 {
		t.Fatalf("%d routes", len(all))
	}
	return append(all, "/assets/", "/brand/")
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	p, read := measured(t, settings{})
	if len(read()) < 100 {
		t.Error("hardly any metrics")
	}
	p.browser().get("/metrics").is(want{status: 404, page: "error"})
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	address := between(string(text), "metrics: ", "\n")
	for _, path := range []string{"/", "/sign-in", "/debug/pprof/", "/metrics/x"} {
		r, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, r.StatusCode)
		}
	}
	q := install(t, settings{more: "metrics: " + address + "\n"})
	if a := q.run(q.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "hint: set metrics to a free address") || strings.Contains(a.out, "is ready") {
		t.Errorf("an address that somebody has: exit %d\n%s%s", a.code, a.out, a.err)
	}
}
