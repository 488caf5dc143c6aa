package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"sallyport/back/sms"
	"sallyport/core/message"
)

// arrivals are the bounds of how long a text takes to arrive, in seconds.
var arrivals = []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600}

// nowhere is the gateway of a text that none took.
const nowhere = "none"

func (f *figures) gateways(m *metrics) {
	f.breaker = m.desc("sallyport_gateway_breaker", "gauge", "How a gateway stands at this node: 1 for its state, 0 for the others.", "gateway", "state")
}

// positions are how the breakers stand, where there are gateways.
func (f *figures) positions(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	if f.routes == nil {
		return
	}
	for name, at := range f.routes.Positions() {
		for _, p := range []sms.Position{sms.Closed, sms.HalfOpen, sms.Open} {
			is := 0.0
			if p == at {
				is = 1
			}
			gauge(f.breaker, is, name, string(p))
		}
	}
}

// gateways shows where texts go.
func (m *metrics) gateways(r *sms.Routes) { m.figures.routes = r }

// sent hears of each call of a gateway.
func (m *metrics) sent(text message.Message, came message.Settled, passed bool) {
	gateway := text.Gateway
	if gateway == "" {
		gateway = nowhere
	}
	m.texts.WithLabelValues(gateway, text.Country, string(came.State)).Inc()
	if passed || came.State == message.Sent || came.State == message.Unknown { // as the day's money counts them
		m.spend.WithLabelValues(gateway, text.Country).Add(float64(text.Cost) / 1e6)
	}
}

// told hears of each receipt that changed something.
func (m *metrics) told(text message.Message, r message.Receipt) {
	m.receipts.WithLabelValues(text.Gateway, text.Country, string(r.State)).Inc()
	if r.State == message.Delivered {
		m.arrival.WithLabelValues(text.Gateway).Observe(r.At.Sub(text.CalledAt).Seconds())
	}
}
