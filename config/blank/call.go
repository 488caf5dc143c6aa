package blank

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Call is a request that lacks the message.
type Call struct {
	Origin        string // the scheme, host and port that are called
	Method        string
	Sender        string
	Address, Body *Text // no body is none
	Headers       []Header
}

// Header is a header of the request.
type Header struct {
	Name  string
	Value *Text
}

// Request makes the request for a message. What is wrong is said without what was
// filled in: an address may hold a secret.
func (c *Call) Request(ctx context.Context, to, text, id string) (*http.Request, error) {
	with := filling{to, text, id, c.Sender}
	address, err := c.Address.fill(with)
	if err != nil {
		return nil, errors.New("the address cannot be filled in")
	}
	var body io.Reader
	if c.Body != nil {
		filled, err := c.Body.fill(with)
		if err != nil {
			return nil, errors.New("the body cannot be filled in")
		}
		body = strings.NewReader(filled)
	}
	r, err := http.NewRequestWithContext(ctx, c.Method, address, body)
	if err != nil {
		return nil, errors.New("filled in, the address is none")
	}
	r.Header.Set("User-Agent", "sallyport")
	for _, h := range c.Headers {
		value, err := h.Value.fill(with)
		if err != nil {
			return nil, errors.New("a header cannot be filled in")
		}
		r.Header.Set(h.Name, value)
	}
	return r, nil
}

// ReadAddress reads an address, whose host is nobody's business here.
func (s Source) ReadAddress(text string) (t *Text, problem, hint string) {
	t, filled, problem, hint := s.read(text, func(before string) string {
		if strings.Contains(before, "?") {
			return "form"
		}
		return "path"
	})
	if problem != "" {
		return nil, problem, hint
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	u, err := url.Parse(filled)
	if err == nil {
		_, err = url.ParseQuery(u.RawQuery)
	}
	if err != nil || strings.ContainsFunc(filled, odd) {
		return nil, "is not a web address when it is filled in", "write a space as %20, and % as %25"
	}
	return t, "", ""
}

// ofConnection are the headers that belong to the connection and not to the
// message. Without Accept-Encoding answers come as they are.
var ofConnection = []string{"Accept-Encoding", "Connection", "Content-Length", "Expect", "Host", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"

// SplitHeader is the name of a header, as headers are written, and what stands
// behind it; "" is no name.
func SplitHeader(text string) (name, value string) {
	name, value, ok := strings.Cut(text, ":")
	if !ok || strings.Trim(name, letters) != "" {
		return "", ""
	}
	return http.CanonicalHeaderKey(name), strings.TrimSpace(value)
}

// ReadHeader reads a header as 'Name: value'.
func (s Source) ReadHeader(text string) (h Header, problem, hint string) {
	name, value := SplitHeader(text)
	switch {
	case name == "":
		return h, "is not a header", "write it in quotes, as 'Accept: application/json'"
	case slices.Contains(ofConnection, name):
		return h, name + " is not for a gateway to set", "take it out"
	case name == "Content-Type" && strings.Contains(value, "{{"):
		return h, name + " has a blank", "write it out"
	}
	t, filled, problem, hint := s.read(value, always(""))
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if problem == "" && strings.ContainsFunc(filled, control) {
		return h, "holds a line break or another control character when it is filled in", "put the value through base64, or into the body"
	}
	return Header{name, t}, problem, hint
}

// ReadBody reads a body of a content type.
func (s Source) ReadBody(contentType, text string) (t *Text, problem, hint string) {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	inJSON, inForm := kind == "application/json" || strings.HasSuffix(kind, "+json"), kind == "application/x-www-form-urlencoded"
	must := always("form")
	switch {
	case kind == "":
		return nil, "is given without its kind", "add to headers 'Content-Type: application/json' or 'Content-Type: application/x-www-form-urlencoded'"
	case inJSON:
		must = always("json")
	case !inForm:
		return nil, "is neither JSON nor a form", "Content-Type is application/json or application/x-www-form-urlencoded"
	}
	t, filled, problem, hint := s.read(text, must)
	if problem != "" {
		return nil, problem, hint
	}
	if _, err := url.ParseQuery(filled); inForm && err != nil {
		return nil, "is not a form when it is filled in", "write it as to={{form .To}}&text={{form .Text}}"
	}
	if inJSON && !json.Valid([]byte(filled)) {
		return nil, "is not JSON when it is filled in", `json brings its quotes along: {"to": {{json .To}}}`
	}
	return t, "", ""
}
