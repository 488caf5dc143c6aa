package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sallyport/back/store"
	"sallyport/core/app"
	"sallyport/core/audit"
	"sallyport/core/tally"
	"sallyport/front/web"
)

// Metric is one metric, for its reference.
type Metric struct {
	Name, Kind, Help string
	Labels           []string
}

// Metrics are all that the portal serves, in the order of the reference. Those of
// Go and of the process (go_, process_) come besides.
func Metrics() []Metric { return newMetrics().list }

// metrics counts what this process does. Every label is a word of the program: a
// name, a number or an address of somebody is never one, nor is anything that a
// browser sent.
type metrics struct {
	registry *prometheus.Registry
	list     []Metric
	figures  figures

	tries, limits, events, stopped, refused *prometheus.CounterVec
	texts, receipts, spend, checks          *prometheus.CounterVec
	requests, arrival                       *prometheus.HistogramVec
	workers                                 *prometheus.GaugeVec
	busy, commits, retries, failed          prometheus.Counter
	waited, hashing, changes, applied       prometheus.Observer
}

// seconds are the bounds of what is timed: from the sign-in form to a request that
// waits for its place in the hashing queue.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.tries = m.counter("sallyport_sign_in_tries_total", "Answers to a password or a code, by what was asked and what came of it.", "step", "outcome")
	m.limits = m.counter("sallyport_limits_reached_total", "Tries and texts that were refused because a budget was used up.", "budget")
	m.events = m.counter("sallyport_events_total", "Entries that this process appended to the audit log.", "event", "method")
	m.stopped = m.counter("sallyport_texts_stopped_total", "Times that operators were told of texts that stopped, or are about to.", "reason")
	m.requests = m.histogram("sallyport_http_request_seconds", "Time to answer a request, by the pattern of its address.", seconds, "route", "method", "status")
	m.figures.hashing(m)
	m.waited = m.histogram("sallyport_hashing_wait_seconds", "Time that a hash waited for its place.", seconds).WithLabelValues()
	m.hashing = m.histogram("sallyport_hashing_seconds", "Time that making a hash took.", seconds).WithLabelValues()
	m.busy = m.counter("sallyport_hashing_refused_total", "Hashes that got no place: the answer was busy.").WithLabelValues()
	m.commits = m.counter("sallyport_database_commits_total", "Transactions that were committed.").WithLabelValues()
	m.changes = m.histogram("sallyport_database_commit_changes", "Changes that one transaction committed.", []float64{1, 2, 4, 8, 16, 32, 64}).WithLabelValues()
	m.applied = m.histogram("sallyport_database_change_seconds", "Time that a change waited until it was durable or refused.", seconds).WithLabelValues()
	m.retries = m.counter("sallyport_database_retries_total", "Changes that PostgreSQL broke off in favour of another, and that were tried again.").WithLabelValues()
	m.refused = m.counter("sallyport_database_refused_total", "Changes whose condition did not hold, by the condition.", "condition")
	m.failed = m.counter("sallyport_database_failures_total", "Changes that the database did not take.").WithLabelValues()
	m.checks = m.counter("sallyport_gate_checks_total", "Answers to a proxy that asked about a request.", "answer")
	m.texts = m.counter("sallyport_texts_total", "Calls that handed a text message to a gateway, by what came of them.", "gateway", "country", "state")
	m.receipts = m.counter("sallyport_text_receipts_total", "Texts of which a gateway told later what became of them.", "gateway", "country", "state")
	m.arrival = m.histogram("sallyport_text_delivery_seconds", "Time from handing a text to a gateway until it told that the text had arrived.", arrivals, "gateway")
	m.spend = m.counter("sallyport_texts_spent_total", "What texts cost by the price table, in its currency, as this process sent them.", "gateway", "country")
	m.figures.database(m)
	m.figures.gateways(m)
	m.workers = m.gauge("sallyport_worker_success_timestamp_seconds", "When a worker last did its work without a failure.", "worker")
	m.gauge("sallyport_build_info", "1, with what was built.", "version", "go", "commit").WithLabelValues(built()).Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for a := app.Allow; a <= app.Refuse; a++ {
		m.checks.WithLabelValues(a.String())
	}
	for _, at := range tally.Tries { // a rate needs the zero before the first
		for _, came := range tally.Outcomes {
			m.tries.WithLabelValues(string(at), string(came))
		}
	}
	return m
}

func (m *metrics) add(name, kind, help string, labels []string) {
	m.list = append(m.list, Metric{Name: name, Kind: kind, Help: help, Labels: labels})
}

func (m *metrics) desc(name, kind, help string, labels ...string) *prometheus.Desc {
	m.add(name, kind, help, labels)
	return prometheus.NewDesc(name, help, labels, nil)
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	m.add(name, "counter", help, labels)
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	m.add(name, "gauge", help, labels)
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

func (m *metrics) histogram(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	m.add(name, "histogram", help, labels)
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)
	m.registry.MustRegister(h)
	return h
}

// join lets the core be counted.
func (m *metrics) join(c *Core) {
	c.Flow.Tally, c.Hasher.Seen = m, m.hashed
	m.figures.core = c
	m.registry.MustRegister(&m.figures) // not before: it has nothing to read
}

// Tried implements tally.Counter.
func (m *metrics) Tried(at tally.Try, came tally.Outcome) {
	m.tries.WithLabelValues(string(at), string(came)).Inc()
}

// Limited implements tally.Counter.
func (m *metrics) Limited(budget string) { m.limits.WithLabelValues(budget).Inc() }

// hashed hears of each job of the hashing queue.
func (m *metrics) hashed(waited, ran time.Duration, busy bool) {
	m.waited.Observe(waited.Seconds())
	if busy {
		m.busy.Inc()
		return
	}
	m.hashing.Observe(ran.Seconds())
}

// Committed implements store.Observer.
func (m *metrics) Committed(sets int) {
	m.commits.Inc()
	m.changes.Observe(float64(sets))
}

// Applied implements store.Observer.
func (m *metrics) Applied(a store.Applied) {
	m.applied.Observe(a.Took.Seconds())
	switch {
	case a.Refused != nil:
		m.refused.WithLabelValues(fmt.Sprintf("%T", a.Refused)).Inc()
	case a.Err != nil && !errors.Is(a.Err, context.Canceled): // the browser went away before it was written
		m.failed.Inc()
	}
	for _, e := range a.Entries {
		m.events.WithLabelValues(string(e.Event), e.Method).Inc()
		if e.Event == audit.TextsStopped {
			m.stopped.WithLabelValues(e.Reason).Inc()
		}
	}
}

// Retried implements store.Observer.
func (m *metrics) Retried() { m.retries.Inc() }

// seen hears of each request.
func (m *metrics) seen(s web.Seen) {
	m.requests.WithLabelValues(s.Route, s.Method, fmt.Sprintf("%dxx", s.Status/100)).Observe(s.Took.Seconds())
}

// worked notes the success of a worker.
func (m *metrics) worked(worker string, now func() time.Time) func() {
	at := m.workers.WithLabelValues(worker)
	return func() { at.Set(float64(now().UnixMilli()) / 1000) }
}

// handler serves the metrics. It answers a few at a time: each reads the database
// at most once in a while.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return mux
}

// serveMetrics serves the metrics on a listener of their own, so that the address
// of the portal never shows them.
func (s *Server) serveMetrics(address string) (end func() error, err error) {
	if address == "" {
		return func() error { return nil }, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w; hint: set metrics to a free address", err)
	}
	h := &http.Server{Handler: s.metrics.handler(), ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: headerMax - 4096, ErrorLog: log.New(webServer{s.log}, "", 0)}
	go func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("metrics are served no more", "error", err)
		}
	}()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return h.Shutdown(ctx)
	}, nil
}

// built is what the program knows of its own making.
func built() (version, release, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", "", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value[:min(12, len(s.Value))]
		}
	}
	return info.Main.Version, info.GoVersion, commit
}
