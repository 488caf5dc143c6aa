package sms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connectTime is less than callTime, so that a gateway that is not there is
	// told from one that does not answer.
	connectTime = 3 * time.Second
	answerMost  = 64 << 10
)

// Caller makes the calls of gateways that speak HTTP. Certificates are checked,
// redirects are not followed, and a proxy that the environment names is not used:
// it would see codes and numbers that nobody showed it on purpose. Each call has a
// connection of its own: over one that was used before, the transport would by
// itself repeat what may have been taken already.
type Caller struct {
	transport *http.Transport
	now       func() time.Time

	mu  sync.Mutex
	off time.Duration
	at  time.Time
}

// NewCaller makes a caller that trusts the certificates of this machine and those
// of a file, if one is named.
func NewCaller(caFile string, now func() time.Time) (*Caller, error) {
	roots, err := trusted(caFile)
	if err != nil {
		return nil, err
	}
	d := &net.Dialer{}
	secure := &tls.Dialer{NetDialer: d, Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
	dial := func(with func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connectTime)
			defer cancel()
			return with(ctx, network, address)
		}
	}
	return &Caller{now: now, transport: &http.Transport{
		DialContext: dial(d.DialContext), DialTLSContext: dial(secure.DialContext),
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: answerMost,
	}}, nil
}

// trusted are the certificates of this machine and of a file.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // those of the machine
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w; hint: name a file of certificates in PEM", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate; hint: name a file of certificates in PEM", file)
	}
	return roots, nil
}

// notReached is an error from before anything was sent. It does not unwrap: the
// sender would take a connection that timed out for a call that did.
type notReached struct{ cause error }

func (e *notReached) Error() string { return "not reached: " + e.cause.Error() }

// call makes a call and reads its answer, the body only where it is wanted. What
// happens after the connection stands is ErrUnknown until there is a status; it is
// told in words of our own, since what a gateway says may hold what it was told.
func (c *Caller) call(r *http.Request, body bool) (*answer, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	began := c.now()
	resp, err := c.transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	switch {
	case err == nil:
	case !connected.Load():
		return nil, &notReached{err}
	case r.Context().Err() != nil:
		return nil, fmt.Errorf("no answer in time: %w", ErrUnknown)
	default:
		return nil, fmt.Errorf("the connection ended without an answer: %w", ErrUnknown)
	}
	defer resp.Body.Close()
	c.note(resp.Header, began)
	a := &answer{status: resp.StatusCode, after: after(resp.Header)}
	if body {
		if a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerMost+1)); err != nil || len(a.body) > answerMost {
			a.body = nil
		}
	}
	return a, nil
}

// after is how long an answer asks to wait, at most an hour; zero where it does not.
func after(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}

// note remembers how far the clocks were apart. The date of an answer is cut to
// its second, and one from a cache is old.
func (c *Caller) note(h http.Header, began time.Time) {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return
	}
	ended := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off, c.at = began.Add(ended.Sub(began)/2).Sub(theirs.Add(time.Second/2)), ended
}

// ClockOff is by how much our clock is ahead of the gateway's, as its newest
// answer had it, and when that was: never is the zero time.
func (c *Caller) ClockOff() (off time.Duration, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.off, c.at
}

// reach asks a gateway for nothing that costs. Its error says what to do.
func (c *Caller) reach(ctx context.Context, origin string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, origin+"/", nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "sallyport")
	_, err = c.tried(r, origin)
	return err
}

// tried is call with errors that say what to do.
func (c *Caller) tried(r *http.Request, origin string) (*answer, error) {
	a, err := c.call(r, true)
	if missed, ok := errors.AsType[*notReached](err); ok {
		return nil, fmt.Errorf("%w; hint: %s", err, remedy(missed.cause))
	}
	if err != nil {
		return nil, fmt.Errorf("%s takes connections, but does not answer; hint: check that it speaks HTTP, and ask the provider", origin)
	}
	return a, nil
}

// ask asks a provider what only the owner of the account may know. Its error says
// what to do.
func (c *Caller) ask(r *http.Request, origin string) (*answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	a, err := c.tried(r.WithContext(ctx), origin)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return nil, fmt.Errorf("%s does not know the account and its secret (answered %d); hint: check account and secret_file", origin, a.status)
	case a.status/100 != 2:
		return nil, fmt.Errorf("%s answered %d; hint: check account and address, and ask the provider", origin, a.status)
	}
	return a, nil
}

var amount = regexp.MustCompile(`^-?[0-9]{1,9}(\.[0-9]{1,9})?$`)

// money is an amount as a provider tells it, or "" where it is none.
func money(left, currency string) string {
	if !amount.MatchString(left) {
		return ""
	}
	return strings.TrimSpace(left + " " + currency)
}

// remedy is what to do about a gateway that was not reached.
func remedy(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "check the host in address, and that this machine can look up names"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "check the host in address: its certificate is another's"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "install ca-certificates, or name the provider's own in ca_file"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "check the clock of this machine, then ask the provider for a new certificate"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "ask the provider about its certificate"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "check the host and port in address, and that the firewall lets this machine out"
	}
	return "check address: is it https that answers there, from TLS 1.2 on?"
}
