package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sallyport/config"
	"sallyport/core/message"
	"sallyport/core/phone"
	"sallyport/front/oidc"
	"sallyport/front/portal"
	"sallyport/front/web"
)

// brandMax is the size of a logo or icon that an operator may set.
const brandMax = 64 << 10

// NewSite makes the look of the portal from the settings, and the warnings that
// an operator should read.
func NewSite(c *config.Config, demo bool) (*web.Site, *Brand, []string, error) {
	b, err := loadBrand(c)
	if err != nil {
		return nil, nil, nil, err
	}
	site, warnings, err := web.NewSite(web.SiteOptions{Name: c.Name, AppName: c.AppName(), SMSName: c.SMSName(), Host: c.Host(), BaseURL: c.URL,
		Help:    web.Help{Text: c.Brand.HelpText, URL: c.Brand.HelpURL, Phone: c.Brand.HelpPhone},
		Privacy: c.Brand.PrivacyURL, Terms: c.Brand.TermsURL, SignInNote: c.Brand.SignInNote,
		LogoLight: b.address(c.Brand.LogoLight), LogoDark: b.address(c.Brand.LogoDark), Favicon: b.address(c.Brand.Favicon),
		Accent: c.Brand.Accent, TimeZone: c.Location(), HTTPS: c.HTTPS(), StoreLinks: c.Brand.StoreLinks, Demo: demo})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("brand: %w", err)
	}
	if err := portal.ParsePages(site); err != nil {
		return nil, nil, nil, err
	}
	return site, b, warnings, nil
}

// Brand is the operator's own pictures, read once at start.
type Brand struct{ files map[string]picture }

type picture struct {
	kind string
	data []byte
}

func loadBrand(c *config.Config) (*Brand, error) {
	b := &Brand{files: map[string]picture{}}
	for key, path := range map[string]string{"brand.logo_light": c.Brand.LogoLight, "brand.logo_dark": c.Brand.LogoDark, "brand.favicon": c.Brand.Favicon} {
		if path == "" {
			continue
		}
		kind := map[string]string{".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon"}[strings.ToLower(filepath.Ext(path))]
		if kind == "" {
			return nil, fmt.Errorf("%s: %s is neither SVG nor PNG; hint: convert it", key, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if len(data) > brandMax {
			return nil, fmt.Errorf("%s: %s has %d bytes, more than %d; hint: make it smaller", key, path, len(data), brandMax)
		}
		b.files[b.address(path)] = picture{kind, data}
	}
	return b, nil
}

func (b *Brand) address(path string) string {
	if path == "" {
		return ""
	}
	return "/brand/" + filepath.Base(path)
}

// ServeHTTP serves the pictures; an SVG is served as an image that runs nothing.
func (b *Brand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := b.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", p.kind)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Write(p.data)
}

// handler joins the web fronts into one.
func (s *Server) handler(site *web.Site, brand *Brand) http.Handler {
	kit, mux := s.kit(site), http.NewServeMux()
	for pattern, h := range s.routes(kit, brand) {
		mux.Handle(pattern, h)
	}
	guarded, asked := kit.Guard(mux), s.asking()
	gate := s.gate(kit)
	// The guard stands outside every route, redirects of the mux included; only
	// the two questions of a load balancer come by any name.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close") // who comes again finds another node
		}
		if strings.HasPrefix(r.URL.Path, gatePath) && gate.Check(w, r) {
			return // before the guard: a proxy asks, about somebody else's request
		}
		if h := asked[r.Method+" "+r.URL.Path]; h != nil {
			kit.Headers(w.Header())
			h(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

func (s *Server) kit(site *web.Site) *web.Kit {
	kit := &web.Kit{Site: site, Secrets: s.core.Store, Proxies: s.core.Config.Prefixes(), Now: s.core.Now, Log: s.log, ErrorPage: portal.ErrorPage(site), Seen: s.metrics.seen}
	gate := s.gate(kit)
	kit.Hosts, kit.Leads, kit.Open = gate.Host, gate.Leads, oidc.Open
	return kit
}

// routes are all that the guard lets through, by their patterns.
func (s *Server) routes(kit *web.Kit, brand *Brand) map[string]http.Handler {
	p := &portal.Portal{Kit: kit, Flow: s.core.Flow, Manage: s.core.Manage, DefaultCountry: s.core.Config.DefaultCountry,
		Charge: s.core.Config.Brand.NetworkChargeNote, Delayed: s.delayed, Outbox: s.outbox, OutboxPath: s.outboxPath}
	p.Countries = sync.OnceValue(func() []phone.Country { return phone.Countries(s.core.Config.Countries()) })
	gate := s.gate(kit)
	p.Ended, p.Apps, p.LetIn = gate.EndShared, s.offered, s.letIn()
	all := p.Routes()
	all["GET /assets/"], all["GET /brand/"] = kit.Site.Assets(), brand
	for pattern, h := range gate.Routes() {
		all[pattern] = h
	}
	provider := s.oidc(kit, p, gate)
	for pattern, h := range provider.Routes() {
		all[pattern] = h
	}
	kit.Leads = func(returnTo string) (string, []string) {
		if name, origins := provider.Leads(returnTo); name != "" {
			return name, origins
		}
		return gate.Leads(returnTo)
	}
	for name, h := range s.receipts {
		all["POST "+web.Receipts+name], all["GET "+web.Receipts+name] = h, h // each says what it takes
	}
	return all
}

// asking are the questions of a load balancer.
func (s *Server) asking() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /healthz": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) },
		"GET /readyz":  s.ready,
	}
}

// ready tells a load balancer whether this node can do its work: the database
// takes a write, and the node is not about to stop.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	w.Header().Set("Cache-Control", "no-store")
	s.asked.Store(time.Now().UnixNano())
	if s.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	if err := s.probe(ctx); err != nil {
		s.log.Warn("not ready", "error", err)
		http.Error(w, "the database does not take a write", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
}

// delayed says whether people should be told that text messages are late: fewer
// than 80 % of the last 20 sends were taken.
func (s *Server) delayed(ctx context.Context) bool {
	const last, least = 20, 16
	recent, err := s.core.Store.RecentMessages(ctx, 3*last) // a text has a row for each gateway
	if recent = texts(recent); err != nil || len(recent) < last {
		return false
	}
	taken := 0
	for _, m := range recent[:last] {
		if m.State == message.Sent || m.State == message.Delivered {
			taken++
		}
	}
	return taken < least
}

// texts are messages, the newest first, without what another gateway got instead.
func texts(rows []message.Message) (list []message.Message) {
	next := map[string]int{}
	for _, m := range rows {
		if hop, ok := next[m.Chain()]; !ok || hop != m.Hop+1 {
			list = append(list, m)
		}
		next[m.Chain()] = m.Hop
	}
	return list
}

func newLog(c *config.Config, out *os.File) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
