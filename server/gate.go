package server

import (
	"context"

	"sallyport/core/app"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/front/gate"
	"sallyport/front/portal"
	"sallyport/front/web"
)

// token signs who somebody is for an app that does not trust its network.
func (s *Server) token(ctx context.Context, a *app.App, c gate.Claims) (string, error) {
	algorithm := grant.RS256
	if a.Client != nil && a.Client.Algorithm != "" {
		algorithm = a.Client.Algorithm
	}
	return s.core.Signer.GateToken(ctx, algorithm, a.ID, c.Subject, c.Values, gate.TokenLife)
}

// offered are the apps that somebody may enter, as links.
func (s *Server) offered(who *flow.Signed) (list []portal.AppLink) {
	for _, a := range s.core.Doors.Offered(who) {
		list = append(list, portal.AppLink{Name: a.Name, URL: a.Addresses[0]})
	}
	return list
}

const gatePath = gate.Root

// gate stands in front of apps. Its answers are counted one by one beforehand: to
// look a counter up costs more than to count.
func (s *Server) gate(kit *web.Kit) *gate.Gate {
	var counts [app.Refuse + 1]func()
	for a := app.Allow; a <= app.Refuse; a++ {
		counts[a] = s.metrics.checks.WithLabelValues(a.String()).Inc
	}
	return &gate.Gate{Kit: kit, Doors: s.core.Doors, Passes: s.passes, Token: s.token, Checked: func(a app.Answer) { counts[a]() }}
}
