package sms

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sallyport/back/smpp"
	"sallyport/core/message"
)

// The times of an SMPP gateway.
const (
	enquireEach = 30 * time.Second
	redialLeast = time.Second
	redialMost  = time.Minute
	// steadyTime: a connection that held for so long did not fail at once, and
	// the waits begin anew.
	steadyTime = 10 * time.Second
	// firstTime is how long a message waits for the first connection after a start.
	firstTime = 3 * time.Second
	windowIs  = 10
)

// SMPP is a provider that is reached by SMPP 3.4, over one connection that is
// kept. A message goes out once: what the other end did not answer is not known.
type SMPP struct {
	Label    string
	Only     []string // countries; empty means all
	Address  string   // host and port
	Account  smpp.Account
	Sender   string
	TLS      *tls.Config // nil: none
	Window   int         // 0 means 10
	Receipts Receipts    // nil: receipts are left for others to take
	Now      func() time.Time
	Log      *slog.Logger

	pace      pace
	reference atomic.Uint32 // of texts in several parts

	mu      sync.Mutex
	session *smpp.Session // nil while there is none
	tried   chan struct{} // closed once the first try to connect has ended
}

// SecureSMPP is how an SMPP gateway speaks TLS: with the certificates of this
// machine and those of a file, if one is named.
func SecureSMPP(address, caFile string) (*tls.Config, error) {
	roots, err := trusted(caFile)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: host}, err
}

// Name is the gateway's name in the settings.
func (g *SMPP) Name() string { return g.Label }

// Countries are those that the gateway serves.
func (g *SMPP) Countries() []string { return g.Only }

// Run keeps the gateway bound until ctx ends, and unbinds then. After a connection
// that failed it waits, longer each time.
func (g *SMPP) Run(ctx context.Context) {
	wait, said := redialLeast, ""
	for ctx.Err() == nil {
		began := time.Now()
		s, err := g.bind(ctx, g.deliver)
		g.use(s)
		if err == nil {
			g.Log.Info("gateway bound", "gateway", g.Label)
			said = ""
			err = g.hold(ctx, s)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyTime {
			wait = redialLeast
		}
		if said != err.Error() { // once for each reason
			said = err.Error()
			g.Log.Warn("gateway not bound", "gateway", g.Label, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
		wait = min(2*wait, redialMost)
	}
}

// hold waits for the end of a session.
func (g *SMPP) hold(ctx context.Context, s *smpp.Session) error {
	select {
	case <-ctx.Done():
	case <-s.Ended():
	}
	g.use(nil)
	s.Close()
	return fmt.Errorf("the connection ended: %w", s.Err())
}

// use lets messages go by a session, or by none. It ends the first try.
func (g *SMPP) use(s *smpp.Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.session = s
	select {
	case <-g.first():
	default:
		close(g.first())
	}
}

// first is closed once the first try has ended. The lock is held.
func (g *SMPP) first() chan struct{} {
	if g.tried == nil {
		g.tried = make(chan struct{})
	}
	return g.tried
}

// bound is the session, or nil. It waits for the first try alone: what waited
// while the portal was started again must not fail for being the first.
func (g *SMPP) bound(ctx context.Context) *smpp.Session {
	g.mu.Lock()
	tried := g.first()
	g.mu.Unlock()
	select {
	case <-tried:
	case <-ctx.Done():
	case <-time.After(firstTime):
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.session
}

// bind connects and binds.
func (g *SMPP) bind(ctx context.Context, deliver func(context.Context, smpp.Delivery) smpp.Status) (*smpp.Session, error) {
	conn, err := g.dial(ctx)
	if err != nil {
		return nil, &notReached{err}
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return smpp.Bind(ctx, conn, smpp.Options{Account: g.Account, Window: cmp.Or(g.Window, windowIs), Enquire: enquireEach, Deliver: deliver})
}

func (g *SMPP) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	d := &net.Dialer{}
	if g.TLS == nil {
		return d.DialContext(ctx, "tcp", g.Address)
	}
	return (&tls.Dialer{NetDialer: d, Config: g.TLS}).DialContext(ctx, "tcp", g.Address)
}

var errUnbound = errors.New("not bound: there is no connection to the provider")

// Send hands a message over, once, in as many parts as it takes. Of several the
// last one reports, and its name is the message's.
func (g *SMPP) Send(ctx context.Context, m message.Message) (ref string, err error) {
	if wait := g.pace.left(); wait > 0 {
		return "", Busy{After: wait}
	}
	s := g.bound(ctx)
	if s == nil {
		return "", errUnbound
	}
	parts := smpp.Parts(m.Text, byte(g.reference.Add(1)))
	for i, p := range parts {
		submit := smpp.Submit{From: smpp.Sender(g.Sender), To: smpp.Number(m.To), Part: p, Life: m.ExpireAt.Sub(g.Now()), Receipt: i == len(parts)-1}
		ref, err = g.submit(ctx, s, submit, m.ID)
		if err != nil && i > 0 { // a phone may show the beginning
			return "", fmt.Errorf("part %d of %d: %v: %w", i+1, len(parts), err, ErrUnknown)
		}
		if err != nil {
			return "", err
		}
	}
	return ref, nil
}

// submit hands over a part and says what the answer means.
func (g *SMPP) submit(ctx context.Context, s *smpp.Session, m smpp.Submit, id string) (ref string, err error) {
	began := time.Now()
	var late func(context.Context, string)
	if m.Receipt && g.Receipts != nil {
		late = func(ctx context.Context, name string) { // the outbox has it as not known
			_ = g.Receipts(ctx, message.Receipt{Gateway: g.Label, ID: id, Ref: smpp.Name(name), State: message.Sent})
		}
	}
	name, err := s.Submit(ctx, m, late)
	status, _ := errors.AsType[smpp.Status](err)
	switch {
	case err == nil:
		g.pace.fine()
		return smpp.Name(name), nil
	case status == smpp.Throttled, status == smpp.QueueFull:
		return "", Busy{After: g.pace.slow(began)}
	case status == smpp.BadNumber:
		return "", fmt.Errorf("%w: %w", err, ErrRefused)
	case errors.Is(err, smpp.ErrFull):
		return "", Busy{After: redialLeast}
	case errors.Is(err, smpp.ErrNotSent):
		return "", errUnbound
	case errors.Is(err, smpp.ErrNoAnswer) && s.Err() != nil:
		return "", fmt.Errorf("the connection ended without an answer: %w", ErrUnknown)
	case errors.Is(err, smpp.ErrNoAnswer):
		return "", fmt.Errorf("no answer in time: %w", ErrUnknown)
	}
	return "", err
}

// came is what a receipt says. UNKNOWN is the provider's word for not knowing: the
// message was taken, and may have arrived.
var came = map[string]message.State{
	"SCHEDULED": message.Sent, "ENROUTE": message.Sent, "ACCEPTD": message.Sent, "UNKNOWN": message.Sent,
	"DELIVRD": message.Delivered, "EXPIRED": message.Away, "REJECTD": message.Blocked,
	"UNDELIV": message.Undelivered, "DELETED": message.Undelivered, "SKIPPED": message.Undelivered,
}

// network is why a GSM network did not deliver, by its own numbers (3GPP TS
// 29.002): those that mean the same everywhere.
var network = map[int]message.State{
	1: message.Gone, 5: message.Away, 6: message.Away, 11: message.Unfit, 13: message.Blocked, 21: message.Unfit, 27: message.Away,
}

// deliver hands a receipt on. What can be no use is acknowledged: it would come
// again and again.
func (g *SMPP) deliver(ctx context.Context, d smpp.Delivery) smpp.Status {
	state := came[d.Stat]
	switch {
	case g.Receipts == nil:
		return smpp.Again // the portal takes it
	case d.ID == "" || state == "":
		return smpp.OK
	}
	r := message.Receipt{Gateway: g.Label, State: state}
	if state.Lost() {
		r.State = cmp.Or(network[d.GSM], state)
		r.Reason = d.Stat
		if d.Err != "" {
			r.Reason += ":" + d.Err
		}
	}
	names := smpp.Names(d.ID)
	r.Ref, r.Also, r.Numbers = names[0], names[1:], d.Numbers
	switch err := g.Receipts(ctx, r); {
	case err == nil:
	case errors.Is(err, ErrNoSuch) && !errors.Is(err, errEarly): // of somebody else with this account
	default:
		return smpp.Again
	}
	return smpp.OK
}

// Reach binds and unbinds in a connection of its own. Its error says what to do.
// Receipts that come meanwhile are left to the portal.
func (g *SMPP) Reach(ctx context.Context) error {
	s, err := g.bind(ctx, func(context.Context, smpp.Delivery) smpp.Status { return smpp.Again })
	if err != nil {
		return fmt.Errorf("%w; hint: %s", err, g.remedy(err))
	}
	s.Close()
	return nil
}

// remedy is what to do about a bind that failed.
func (g *SMPP) remedy(err error) string {
	if status, ok := errors.AsType[smpp.Status](err); ok {
		switch status {
		case smpp.BadPassword, smpp.BadSystemID, smpp.BindFailed:
			return "check system_id and what stands in password_file; some providers bind only from an address that they know"
		case smpp.AlreadyUp:
			return "this account takes one connection, and the portal has it; nothing is wrong if the portal runs"
		}
		return "check system_type, and ask the provider what this status means there"
	}
	missed, ok := errors.AsType[*notReached](err)
	if !ok {
		return "it takes connections, but does not answer as an SMSC: check the port in address, and tls"
	}
	dial, _ := errors.AsType[*net.OpError](missed.cause)
	silent := (dial == nil || dial.Op != "dial") && errors.Is(missed.cause, context.DeadlineExceeded)
	if _, ok := errors.AsType[tls.RecordHeaderError](missed.cause); ok || silent || errors.Is(missed.cause, io.EOF) || errors.Is(missed.cause, syscall.ECONNRESET) {
		return "check the port in address: is it the one for TLS?"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](missed.cause); ok && invalid.Reason != x509.Expired {
		return "ask the provider about its certificate"
	}
	return remedy(missed.cause)
}

// pace holds messages back while the provider is too busy, longer each time.
type pace struct {
	mu    sync.Mutex
	until time.Time
	wait  time.Duration
}

// left is for how long none may go.
func (p *pace) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// slow notes that a message, handed over at a moment, was too many. Of those that
// were in the window together the first one counts.
func (p *pace) slow(began time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !began.Before(p.until) {
		p.wait = min(max(2*p.wait, redialLeast), redialMost)
		p.until = time.Now().Add(p.wait)
	}
	return max(time.Until(p.until), redialLeast)
}

// fine notes that a message was taken after the wait.
func (p *pace) fine() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().After(p.until) {
		p.wait = 0
	}
}
