package server

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"sallyport/back/seal"
	"sallyport/back/sms"
	"sallyport/back/store"
	"sallyport/config"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/tally"
	"sallyport/front/web"
)

// joined is a core that is counted, with something counted of each sort.
func joined(t *testing.T) (*metrics, *Core) {
	t.Helper()
	c, err := config.Parse(fmt.Appendf(nil, "url: http://localhost:8080\ndata: %q\n", t.TempDir()), filepath.Join(t.TempDir(), "sallyport.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ParseKeyFile("test.key", seal.NewKeyFile())
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics()
	core, err := open(t.Context(), c, keys, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = core.Close() })
	m.Tried(tally.Password, tally.Right)
	m.Limited("codes")
	m.Applied(store.Applied{Took: time.Second, Entries: []audit.Entry{{Event: audit.TextsStopped, Reason: "prefix"}}})
	m.Applied(store.Applied{Took: time.Second, Refused: limit.Within{}, Err: &change.Refused{Effect: limit.Within{}}})
	m.hashed(time.Second, time.Second, false)
	m.seen(web.Seen{Route: "/sign-in", Method: "GET", Status: 200, Took: time.Second})
	m.worked("sender", time.Now)()
	m.gateways(sms.NewRoutes([]sms.Gateway{&sms.Outbox{Label: "main"}}, nil, slog.New(slog.DiscardHandler)))
	m.sent(message.Message{Country: "US", Cost: 40_000}, message.Settled{State: message.Sent}, false)
	m.told(message.Message{Gateway: "main", Country: "US", CalledAt: time.Now()}, message.Receipt{State: message.Delivered, At: time.Now()})
	return m, core
}

// page is what operators read.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/operate/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryMetricIsExplained(t *testing.T) {
	m, _ := joined(t)
	text := page(t)
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+\\*?)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(text, -1) {
		if explained[row[1]] {
			t.Errorf("%s is explained twice", row[1])
		}
		explained[row[1]] = true
	}
	for _, metric := range m.list {
		if !explained[metric.Name] {
			t.Errorf("%s is not explained", metric.Name)
		}
		delete(explained, metric.Name)
		for _, label := range metric.Labels {
			if !strings.Contains(text, "`"+label+"`") {
				t.Errorf("%s: the label %s is not explained", metric.Name, label)
			}
		}
	}
	for _, group := range []string{"go_*", "process_*"} {
		if !explained[group] {
			t.Errorf("%s are not explained", group)
		}
		delete(explained, group)
	}
	for name := range explained {
		t.Errorf("%s is explained, and is no metric", name)
	}
	for _, name := range regexp.MustCompile(`sallyport_[a-z_]+`).FindAllString(text, -1) {
		if !slices.ContainsFunc(m.list, func(m Metric) bool { return m.Name == name }) {
			t.Errorf("%s stands on the page, and is no metric", name)
		}
	}
	for _, at := range tally.Tries {
		if !strings.Contains(text, "`"+string(at)+"`") {
			t.Errorf("the step %s is not explained", at)
		}
	}
	for _, came := range tally.Outcomes {
		if !strings.Contains(text, "\n| `"+string(came)+"` | ") {
			t.Errorf("the outcome %s is not explained", came)
		}
	}
	for _, state := range message.States {
		if !strings.Contains(text, "`"+string(state)+"`") {
			t.Errorf("the state %s is not explained", state)
		}
	}
}

func TestTheListIsWhatIsServed(t *testing.T) {
	m, _ := joined(t)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for _, f := range families {
		name := f.GetName()
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		served[name] = true
		i := slices.IndexFunc(m.list, func(m Metric) bool { return m.Name == name })
		if i < 0 {
			t.Errorf("%s is served, and is not in the list", name)
			continue
		}
		if kind := strings.ToLower(f.GetType().String()); kind != m.list[i].Kind || f.GetHelp() != m.list[i].Help {
			t.Errorf("%s is a %s: %s", name, kind, f.GetHelp())
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		want := slices.Sorted(slices.Values(m.list[i].Labels))
		if !slices.Equal(labels, want) {
			t.Errorf("%s has the labels %v, not %v", name, labels, want)
		}
	}
	for _, metric := range m.list {
		if !served[metric.Name] {
			t.Errorf("%s is in the list, and is not served", metric.Name)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "go_") && !strings.HasPrefix(p.Metric, "process_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// scraped is what a scrape reads.
func scraped(m *metrics) string {
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// A scrape is answered though the database is gone, and asks it only now and then.
func TestFiguresAreReadNowAndThen(t *testing.T) {
	m, core := joined(t)
	const up, down, sessions = "sallyport_database_up 1\n", "sallyport_database_up 0\n", "sallyport_sessions{"
	if text := scraped(m); !strings.Contains(text, up) || !strings.Contains(text, sessions) {
		t.Fatal("the figures of the database are missing")
	}
	if err := core.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if text := scraped(m); !strings.Contains(text, up) || !strings.Contains(text, sessions) {
		t.Error("a second scrape reads the database again")
	}
	m.figures.readAt = time.Now().Add(-figuresKept)
	text := scraped(m)
	if !strings.Contains(text, down) || strings.Contains(text, sessions) || strings.Contains(text, "sallyport_outbox_messages{") {
		t.Error("figures of a database that is gone")
	}
	if !strings.Contains(text, "sallyport_hashing_places ") || !strings.Contains(text, `sallyport_sign_in_tries_total{outcome="right",step="password"} 1`) {
		t.Error("with the database all else is gone")
	}
}

func TestMetricsWithoutAPasswordAreToldOf(t *testing.T) {
	for address, told := range map[string]bool{"": false, "127.0.0.1:9090": false, "[::1]:9090": false, "localhost:9090": false, ":9090": true, "0.0.0.0:9090": true, "10.0.0.3:9090": true, "monitoring.internal:9090": true} {
		c := config.Default()
		c.URL, c.Metrics = "https://login.example.org", address
		if got := strings.Contains(strings.Join(notes(&c, false), "\n"), "metrics are served on "+address+","); got != told {
			t.Errorf("%q is told of: %v", address, got)
		}
	}
}
