package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/back/smpp"
	"sallyport/back/sms"
	"sallyport/config"
	"sallyport/core/message"
	"sallyport/front/portal"
	"sallyport/front/web"
)

// Gateways makes the SMS gateways of the settings, in their order, for commands.
func Gateways(c *config.Config) ([]sms.Gateway, error) {
	return gateways(c, clock, slog.New(slog.DiscardHandler), nil, nil)
}

// gateways has a line for each kind. What an outbox writes is shown to tap, too;
// what a gateway tells later goes to receipts, which commands do without.
func gateways(c *config.Config, now func() time.Time, log *slog.Logger, tap func(sms.Line), receipts sms.Receipts) (list []sms.Gateway, err error) {
	for _, g := range c.SMS.Gateways {
		var made sms.Gateway
		switch g.Kind {
		case config.KindOutbox:
			made = &sms.Outbox{Label: g.Name, Path: g.Path, Only: g.Countries, Now: now, Tap: tap}
		case config.KindHTTP:
			made, err = overHTTP(c, g, now, receipts)
		case config.KindTwilio:
			made, err = overTwilio(c, g, now, receipts)
		case config.KindVonage:
			made, err = overVonage(c, g, now, receipts)
		case config.KindSNS:
			made, err = overSNS(c, g, now)
		case config.KindSMPP:
			made, err = overSMPP(c, g, now, log, receipts)
		}
		if err != nil {
			return nil, fmt.Errorf("sms gateway %s: %w", g.Name, err)
		}
		list = append(list, made)
	}
	return list, nil
}

func overHTTP(c *config.Config, g config.Gateway, now func() time.Time, receipts sms.Receipts) (sms.Gateway, error) {
	caller, err := sms.NewCaller(g.CAFile, now)
	if err != nil {
		return nil, err
	}
	call := c.Call(g)
	h := &sms.HTTP{Caller: caller, Label: g.Name, Only: g.Countries, Origin: call.Origin, Request: call.Request, Ref: g.RefField,
		OK:      sms.Means{Status: g.OKStatus, Field: g.OKField, Values: g.OKValues},
		Refused: sms.Means{Status: g.RefusedStatus, Field: g.RefusedField, Values: g.RefusedValues}}
	if g.ReceiptSecretFile == "" {
		return h, nil
	}
	states := map[string]message.State{}
	for said, means := range g.States() {
		states[said] = message.State(means)
	}
	return &sms.ReportingHTTP{HTTP: h, Receipts: receipts, Secret: g.ReceiptSecret().Reveal, States: states,
		Fields: sms.ReceiptFields{Ref: g.ReceiptRefField, ID: g.ReceiptIDField, State: g.ReceiptStateField, Reason: g.ReceiptReasonField}}, nil
}

func overSMPP(c *config.Config, g config.Gateway, now func() time.Time, log *slog.Logger, receipts sms.Receipts) (_ sms.Gateway, err error) {
	made := &sms.SMPP{Label: g.Name, Only: g.Countries, Address: g.Address, Sender: c.Brand.SMSSender, Window: g.Window, Receipts: receipts, Now: now, Log: log,
		Account: smpp.Account{SystemID: g.SystemID, Password: g.Password(), SystemType: g.SystemType}}
	if g.TLS {
		made.TLS, err = sms.SecureSMPP(g.Address, g.CAFile)
	}
	return made, err
}

// first are the gateways that come first in a country.
func first(c *config.Config) map[string][]string {
	names := map[string][]string{}
	for _, g := range c.SMS.Gateways {
		for _, country := range g.FirstFor {
			names[country] = append(names[country], g.Name)
		}
	}
	return names
}

// receipts are the doors by which gateways tell what became of a text, by name.
func receipts(ways []sms.Gateway) map[string]http.Handler {
	doors := map[string]http.Handler{}
	for _, g := range ways {
		if h, ok := g.(http.Handler); ok {
			doors[g.Name()] = h
		}
	}
	return doors
}

func overTwilio(c *config.Config, g config.Gateway, now func() time.Time, receipts sms.Receipts) (sms.Gateway, error) {
	caller, err := sms.NewCaller(g.CAFile, now)
	if err != nil {
		return nil, err
	}
	return &sms.Twilio{Caller: caller, Receipts: receipts, Label: g.Name, Only: g.Countries, Origin: g.Origin(), Account: g.Account, Token: g.Secret().Reveal,
		Sender: c.Brand.SMSSender, Service: g.Service, Callback: receiptsAt(c, g), NoReport: c.Loopback() && g.Address == ""}, nil
}

func overVonage(c *config.Config, g config.Gateway, now func() time.Time, receipts sms.Receipts) (sms.Gateway, error) {
	caller, err := sms.NewCaller(g.CAFile, now)
	if err != nil {
		return nil, err
	}
	v := &sms.Vonage{Caller: caller, Label: g.Name, Only: g.Countries, Origin: g.Origin(), Money: g.Origin(), Account: g.Account, Secret: g.Secret().Reveal, Sender: c.Brand.SMSSender}
	if g.Address == "" {
		v.Money = "https://rest.nexmo.com"
	}
	if g.ReceiptSecretFile == "" {
		return v, nil
	}
	if g.Address != "" || !c.Loopback() {
		v.Callback = receiptsAt(c, g)
	}
	return &sms.ReportingVonage{Vonage: v, Receipts: receipts, Signature: g.ReceiptSecret().Reveal}, nil
}

func overSNS(c *config.Config, g config.Gateway, now func() time.Time) (sms.Gateway, error) {
	caller, err := sms.NewCaller(g.CAFile, now)
	if err != nil {
		return nil, err
	}
	return &sms.SNS{Caller: caller, Label: g.Name, Only: g.Countries, Origin: g.Origin(), Region: g.Region, Account: g.Account, Secret: g.Secret().Reveal, Sender: c.Brand.SMSSender}, nil
}

// noted writes down that a receipt was not kept; the provider brings it again.
func (s *Server) noted(take sms.Receipts) sms.Receipts {
	return func(ctx context.Context, r message.Receipt) error {
		err := take(ctx, r)
		if err != nil && !errors.Is(err, sms.ErrNoSuch) {
			s.log.Warn("receipt not kept", "gateway", r.Gateway, "error", err)
		}
		return err
	}
}

// receiptsAt is where a gateway sends its receipts.
func receiptsAt(c *config.Config, g config.Gateway) string { return c.URL + web.Receipts + g.Name }

// taps keeps the newest text messages of the demo, for its page.
type taps struct {
	mu    sync.Mutex
	lines []sms.Line
	also  func(sms.Line)
}

const tapsKept = 50

func (t *taps) tap(line sms.Line) {
	if t.also == nil {
		return
	}
	t.mu.Lock()
	t.lines = append(t.lines, line)
	t.lines = t.lines[max(0, len(t.lines)-tapsKept):]
	t.mu.Unlock()
	t.also(line)
}

var leadingCode = regexp.MustCompile(`^\d{6}`)

// list is the messages, newest first.
func (t *taps) list() (messages []portal.DemoMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range slices.Backward(t.lines) {
		code := leadingCode.FindString(line.Text)
		messages = append(messages, portal.DemoMessage{To: line.To, At: line.Time, Code: code, Text: strings.TrimPrefix(line.Text, code)})
	}
	return messages
}
