package sms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sallyport/core/message"
)

// HTTP is any provider with an HTTP API: how it is called and what its answers
// mean are settings.
type HTTP struct {
	*Caller
	Label   string
	Only    []string // countries; empty means all
	Origin  string   // scheme, host and port
	Request func(ctx context.Context, to, text, id string) (*http.Request, error)
	OK      Means  // the message was taken; without a status, 200 to 299
	Refused Means  // the number cannot get it; without anything, no answer says so
	Ref     string // the field with the provider's name for the message, or ""
}

// Name is the gateway's name in the settings.
func (h *HTTP) Name() string { return h.Label }

// Countries are those that the gateway serves.
func (h *HTTP) Countries() []string { return h.Only }

// Send calls the provider once.
func (h *HTTP) Send(ctx context.Context, m message.Message) (ref string, err error) {
	r, err := h.Request(ctx, m.To, m.Text, m.ID)
	if err != nil {
		return "", err
	}
	a, err := h.call(r, h.OK.Field+h.Refused.Field+h.Ref != "")
	if err != nil {
		return "", err
	}
	return h.judge(a)
}

// judge says what an answer means. One with a good status that cannot be read to
// its end leaves open whether the message was taken.
func (h *HTTP) judge(a *answer) (ref string, err error) {
	switch {
	case !h.Refused.anything() && h.Refused.fit(a):
		return "", fmt.Errorf("%s: %w", a.words(h.Refused.Field), ErrRefused)
	case a.status == http.StatusTooManyRequests && a.after > 0 && !h.goodStatus(a.status):
		return "", Busy{After: a.after}
	case !h.goodStatus(a.status):
		return "", a.fault(h.Refused.Field)
	case h.OK.Field != "" && !a.whole():
		return "", fmt.Errorf("answered %d with what is not JSON, or not all of it: %w", a.status, ErrUnknown)
	case !h.OK.fit(a):
		return "", errors.New(a.words(h.OK.Field))
	}
	return a.ref(h.Ref), nil
}

func (h *HTTP) goodStatus(status int) bool {
	if len(h.OK.Status) > 0 {
		return slices.Contains(h.OK.Status, status)
	}
	return status/100 == 2
}

// Reach says whether the provider can be called, without sending anything.
func (h *HTTP) Reach(ctx context.Context) error { return h.reach(ctx, h.Origin) }
