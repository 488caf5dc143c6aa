package server

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport/back/sms"
	"sallyport/back/store"
	"sallyport/core/message"
)

// The reading of the figures of the database.
const (
	figuresKept = 10 * time.Second // however often somebody asks
	figuresTime = 2 * time.Second
)

// figures are read when somebody asks for the metrics: those that this process
// has at any moment, and those of the database, which all nodes share.
type figures struct {
	core   *Core
	routes *sms.Routes // nil where nothing is sent

	waiting, running, places, connections, pool *prometheus.Desc
	up, sessions, messages, oldest, schema      *prometheus.Desc
	breaker                                     *prometheus.Desc

	mu     sync.Mutex
	readAt time.Time
	last   store.Gauges
	err    error
}

func (f *figures) hashing(m *metrics) {
	f.waiting = m.desc("sallyport_hashing_waiting", "gauge", "Hashes that wait for a place.")
	f.running = m.desc("sallyport_hashing_running", "gauge", "Hashes that are being made.")
	f.places = m.desc("sallyport_hashing_places", "gauge", "How many hashes are made at once at the most.")
}

func (f *figures) database(m *metrics) {
	f.connections = m.desc("sallyport_database_connections", "gauge", "Connections of this process to the database, by what they do.", "state")
	f.pool = m.desc("sallyport_database_connection_wait_seconds_total", "counter", "Time that was waited for a connection to the database.")
	f.up = m.desc("sallyport_database_up", "gauge", "1 when the figures of the database could be read, else 0, and they are missing.")
	f.schema = m.desc("sallyport_schema_version", "gauge", "The version of the database's tables.")
	f.sessions = m.desc("sallyport_sessions", "gauge", "Sessions that are alive, by level.", "level")
	f.messages = m.desc("sallyport_outbox_messages", "gauge", "Messages of the last 30 days, by their way and by what became of them.", "way", "state")
	f.oldest = m.desc("sallyport_outbox_oldest_seconds", "gauge", "How long the oldest message has waited to be sent, by its way; 0 when none waits.", "way")
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.waiting, f.running, f.places, f.connections, f.pool, f.up, f.schema, f.sessions, f.messages, f.oldest, f.breaker} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(f.waiting, float64(f.core.Hasher.Waiting()))
	gauge(f.running, float64(f.core.Hasher.Running()))
	gauge(f.places, float64(f.core.Hasher.Parallel()))
	pool := f.core.Store.Pool()
	gauge(f.connections, float64(pool.InUse), "in-use")
	gauge(f.connections, float64(pool.Idle), "idle")
	to <- prometheus.MustNewConstMetric(f.pool, prometheus.CounterValue, pool.WaitDuration.Seconds())
	f.positions(gauge)
	g, err := f.read()
	if err != nil {
		gauge(f.up, 0)
		return
	}
	gauge(f.up, 1)
	gauge(f.schema, float64(g.Schema))
	for level := range int64(2) {
		gauge(f.sessions, float64(g.Sessions[level+1]), strconv.FormatInt(level+1, 10))
	}
	for _, way := range []message.Way{message.ByText, message.ByMail} {
		for _, state := range message.States {
			gauge(f.messages, float64(g.Messages[store.Message{Way: way, State: state}]), string(way), string(state))
		}
		waits := time.Duration(0)
		if oldest, ok := g.Oldest[way]; ok {
			waits = max(0, f.core.Now().Sub(oldest))
		}
		gauge(f.oldest, waits.Seconds(), string(way))
	}
}

// read counts in the database, at most once in a while.
func (f *figures) read() (store.Gauges, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.readAt) < figuresKept {
		return f.last, f.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), figuresTime)
	defer cancel()
	f.last, f.err = f.core.Store.Gauges(ctx, f.core.Now(), f.core.Config.Policy.SessionIdle)
	f.readAt = time.Now()
	return f.last, f.err
}
