package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/back/farewell"
	"sallyport/back/seal"
	"sallyport/back/sms"
	"sallyport/back/store"
	"sallyport/config"
	"sallyport/core/grant"
	"sallyport/front/portal"
	"sallyport/front/web"
)

// Options are what a run of the portal needs besides its settings.
type Options struct {
	Config *config.Config
	Keys   *seal.KeyFile // instead of the key file
	Listen net.Listener  // instead of the configured address
	Out    io.Writer     // the ready line and the warnings
	Demo   *Demo
}

// Demo is what `sallyport demo` adds: each text message as it is sent, and a page
// with all of them.
type Demo struct {
	OutboxPath string
	OnText     func(sms.Line)
	OnReady    func(core *Core) error
}

// Server is a running portal.
type Server struct {
	core       *Core
	log        *slog.Logger
	metrics    *metrics
	draining   atomic.Bool
	asked      atomic.Int64            // when a load balancer last asked, in nanoseconds
	receipts   map[string]http.Handler // by gateway
	passes     *store.Passes
	outboxPath string
	outbox     func() []portal.DemoMessage

	probeMu  sync.Mutex
	probedAt time.Time
	probed   error
}

// The times of connections and of the end.
const (
	headerTime = 5 * time.Second
	answerTime = 30 * time.Second
	idleTime   = 60 * time.Second
	workerTime = 5 * time.Second
	headerMax  = 16 << 10
)

// Run runs the portal until ctx ends, then drains.
func Run(ctx context.Context, o Options) error {
	var err error
	collect := hurry()
	defer collect()
	if o.Keys == nil {
		if o.Keys, err = seal.ReadKeyFile(o.Config.KeyFile); err != nil {
			return err
		}
	}
	m := newMetrics()
	core, err := open(ctx, o.Config, o.Keys, m)
	if err != nil {
		return err
	}
	defer core.Close()
	defer spare(core.Hasher.Parallel())()
	s := &Server{core: core, log: newLog(o.Config, os.Stderr), metrics: m}
	s.passes = store.NewPasses(core.Store, core.Now, core.Doors.Hold)
	core.Apps.known = s.passes.Known
	site, brand, warnings, err := NewSite(o.Config, o.Demo != nil)
	if err != nil {
		return err
	}
	shown := &taps{}
	receiver := sms.NewReceiver(core.Store, core.Now, m.told)
	ways, err := gateways(o.Config, core.Now, s.log, shown.tap, s.noted(receiver.Take))
	if err != nil {
		return err
	}
	s.receipts = receipts(ways)
	routes := sms.NewRoutes(ways, first(o.Config), s.log)
	m.gateways(routes)
	if o.Demo != nil {
		shown.also = o.Demo.OnText
		s.outboxPath, s.outbox = o.Demo.OutboxPath, shown.list
		if err := o.Demo.OnReady(core); err != nil {
			return err
		}
	}
	listener := o.Listen
	if listener == nil {
		if listener, err = net.Listen("tcp", o.Config.Listen); err != nil {
			return fmt.Errorf("listen: %w; hint: %s", err, listenHint(err))
		}
	}
	httpServer, err := s.httpServer(o.Config, s.handler(site, brand))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	closeMetrics, err := s.serveMetrics(o.Config.Metrics)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer closeMetrics() // last: the end is worth a look too
	for _, line := range slices.Concat(warnings, notes(o.Config, o.Demo != nil), exposed(o.Config, o.Keys)) {
		fmt.Fprintln(o.Out, line)
	}
	workers, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	sender := &sms.Sender{Queue: core.Store, Routes: routes, Now: core.Now, Log: s.log, Done: m.worked("sender", core.Now), Sent: m.sent}
	watch := &store.Watch{Store: core.Store, Now: core.Now, Log: s.log, Fresh: s.passes.Fresh, Done: m.worked("watch", core.Now)}
	sweeper := store.Sweeper{Store: core.Store, Now: core.Now, Log: s.log, Done: m.worked("sweeper", core.Now)}
	lines, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	for _, g := range ways {
		if line, ok := g.(interface{ Run(context.Context) }); ok {
			wg.Go(func() { line.Run(lines) })
		}
	}
	wg.Go(func() {
		defer hangUp() // not before: what is inside a call is finished first
		sender.Run(workers)
	})
	wg.Go(func() { sweeper.Run(workers) })
	wg.Go(func() { watch.Run(workers) })
	wg.Go(func() { s.passes.Run(workers) })
	teller := &farewell.Teller{Queue: core.Store, Words: grant.Words{Keeper: core.Grants, Signer: core.Signer}, Now: core.Now, Log: s.log, Done: m.worked("farewells", core.Now)}
	wg.Go(func() { teller.Run(workers) })
	wg.Go(func() { s.herald(workers, m.worked("herald", core.Now)) })
	if mails := s.mails(m.worked("mailer", core.Now)); mails != nil {
		wg.Go(func() { mails.Run(workers) })
	}
	reseal := store.Reseal{Store: core.Store, Node: rand.Text(), Now: core.Now, Log: s.log, Done: m.worked("reseal", core.Now)}
	wg.Go(func() { reseal.Run(workers) })
	linking, unlink := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { s.linker(m.worked("linker", core.Now)).Run(linking) })
	wg.Go(func() { settle(workers) })
	wg.Go(func() {
		bound(workers, int64(o.Config.Hashing.Memory)<<10, core.Hasher.Parallel(), core.Hasher.Running)
	})
	failed := make(chan error, 1)
	go func() { failed <- s.serve(httpServer, listener, o.Config) }()
	fmt.Fprintf(o.Out, "sallyport is ready on %s\n", o.Config.URL)
	collect()
	s.notify("READY=1")
	select {
	case err = <-failed:
		stop()
	case <-ctx.Done():
		s.notify("STOPPING=1")
		// The workers end within their time, whatever requests still do: a text
		// that one of them queues is sent by another node, or after the restart.
		stop()
		err = s.drain(httpServer)
	}
	unlink() // last: what requests did to their end is linked too
	return errors.Join(err, waited(&wg))
}

func listenHint(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "a port below 1024 takes a right of its own: see docs/operate/tls.md, or put a proxy in front"
	}
	return "set listen to a free address"
}

func (s *Server) serve(h *http.Server, l net.Listener, c *config.Config) error {
	if c.TLS.CertFile != "" {
		return h.ServeTLS(l, "", "")
	}
	return h.Serve(timely(l)) // inside TLS its plain words would be none
}

func (s *Server) httpServer(c *config.Config, h http.Handler) (*http.Server, error) {
	server := &http.Server{Handler: counted(h), ReadHeaderTimeout: headerTime, ReadTimeout: headerTime + web.BodyTime, WriteTimeout: answerTime + 20*time.Second, IdleTimeout: idleTime,
		MaxHeaderBytes: headerMax - 4096, ErrorLog: log.New(webServer{s.log}, "", 0), ConnContext: withConn, ConnState: next}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	server.Protocols = protocols // HTTP/2 stays off while Go 1.26.8 and older can be crashed by a client
	if c.TLS.CertFile != "" {
		cert, err := newCertificate(c, s.log)
		if err != nil {
			return nil, err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get}
	}
	return server, nil
}

// waited lets the workers end, for a while.
func waited(wg *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(workerTime):
		return errors.New("a worker did not end within 5 seconds")
	}
}

// probe writes to the database at most once a second, however often it is asked.
func (s *Server) probe(ctx context.Context) error {
	s.probeMu.Lock()
	defer s.probeMu.Unlock()
	if time.Since(s.probedAt) < time.Second {
		return s.probed
	}
	s.probed, s.probedAt = s.core.Store.Ready(ctx, s.core.Now()), time.Now()
	return s.probed
}

// notes are what an operator should read at start.
func notes(c *config.Config, demo bool) (lines []string) {
	if !c.HTTPS() {
		lines = append(lines, "note: the address is http, on this machine only; cookies go without Secure")
	}
	if c.Mail.Server == "" && !demo {
		lines = append(lines, "note: no mail server is set: notices go by text message alone, and a forgotten password needs an operator")
	}
	if Hidden(c) {
		lines = append(lines, "note: "+HiddenNote)
	}
	if host, _, err := net.SplitHostPort(c.Metrics); err == nil {
		if at, err := netip.ParseAddr(host); err != nil && host != "localhost" || err == nil && !at.IsLoopback() {
			lines = append(lines, fmt.Sprintf("note: metrics are served on %s, without a password: let only your monitoring reach it", c.Metrics))
		}
	}
	if len(c.SMS.Gateways) == 0 {
		lines = append(lines, "note: no SMS gateway is set: set-up asks for no mobile number, and nobody can recover by text message")
	} else if list := c.Countries(); list != nil {
		lines = append(lines, fmt.Sprintf("note: text messages go to these countries: %v", list))
	}
	return lines
}

// HiddenNote is what an operator should read where Hidden.
const HiddenNote = "TLS is left to a proxy, but proxies is empty: all people seem to come from it, so limits per address are not applied"

// Hidden says whether people's addresses are hidden by a proxy that the settings
// do not name.
func Hidden(c *config.Config) bool {
	return len(c.Proxies) == 0 && c.TLS.CertFile == "" && !c.Loopback()
}

// exposed says which files others on this machine may read or change. It is no
// reason not to start: where a container mounts them there may be no other way.
func exposed(c *config.Config, keys *seal.KeyFile) (lines []string) {
	for _, warning := range keys.Warnings() {
		lines = append(lines, "note: "+warning)
	}
	if info, err := os.Stat(c.Data); err == nil && c.Database.Reveal() == "" && info.Mode().Perm()&0o022 != 0 {
		lines = append(lines, fmt.Sprintf("note: data folder %s: others than its owner may take the database away (mode %04o) (hint: chmod 700 %s)", c.Data, info.Mode().Perm(), c.Data))
	}
	return lines
}
