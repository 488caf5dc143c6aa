package server

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"sallyport/back/store"
	"sallyport/config"
	"sallyport/front/oidc"
	"sallyport/front/portal"
	"sallyport/front/web"
)

// OpenBehind opens a core on a database that stands behind something.
func OpenBehind(ctx context.Context, c *config.Config, wrap func(driver.Connector) driver.Connector) (*Core, error) {
	return open(ctx, c, nil, nil, func(o *store.Options) { o.Wrap = wrap })
}

// OpenAddresses are those to which other sites may send, and whether their scripts may
// read the answer.
var OpenAddresses = oidc.Open

// OutboxPath is the address of the page that a demo has.
const OutboxPath = "/demo/outbox/aaaaaaaaaaaaaaaaaaaaaaaaaa"

// bare is a server on a core, without listeners and workers.
func bare(c *Core, log *slog.Logger) *Server {
	return &Server{core: c, log: log, passes: store.NewPasses(c.Store, c.Now, c.Doors.Hold), metrics: newMetrics(), outboxPath: OutboxPath,
		outbox: func() []portal.DemoMessage { return []portal.DemoMessage{{To: "+12025550143", Text: "a text"}} }}
}

// Handler is the portal on a core.
func (c *Core) Handler(log *slog.Logger) (http.Handler, error) {
	site, brand, _, err := NewSite(c.Config, false)
	if err != nil {
		return nil, err
	}
	return bare(c, log).handler(site, brand), nil
}

// Patterns are all routes of the portal on a core, as the program has them.
func (c *Core) Patterns() []string {
	s := bare(c, slog.New(slog.DiscardHandler))
	routes := s.routes(s.kit(&web.Site{}), &Brand{})
	return append(slices.Sorted(maps.Keys(routes)), slices.Sorted(maps.Keys(s.asking()))...)
}
