package config

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"sallyport/config/blank"
)

// Call returns how a gateway of kind http is called. Its settings have passed
// every check, so that nothing is wrong here.
func (c *Config) Call(g Gateway) *blank.Call {
	source := c.source(g)
	o, _, _ := g.origin()
	call := &blank.Call{Origin: o.String(), Method: g.verb(), Sender: c.Brand.SMSSender}
	call.Address, _, _ = source.ReadAddress(g.Address)
	for _, text := range g.Headers {
		h, _, _ := source.ReadHeader(text)
		call.Headers = append(call.Headers, h)
	}
	if g.Body != "" {
		call.Body, _, _ = source.ReadBody(g.contentType(), g.Body)
	}
	return call
}

func (c *Config) source(g Gateway) blank.Source {
	return blank.Source{Sender: c.Brand.SMSSender, Secret: func(name string) (string, bool) {
		for _, s := range g.Secrets {
			if s.Name == name && s.value != nil {
				return s.value.Reveal(), true
			}
			if s.Name == name {
				return "", true // its file has a fault of its own
			}
		}
		return "", false
	}}
}

// verb is the method of the call.
func (g Gateway) verb() string { return cmp.Or(g.Method, http.MethodPost) }

// contentType is that of the body, or "".
func (g Gateway) contentType() string {
	for _, text := range g.Headers {
		if name, value := blank.SplitHeader(text); name == "Content-Type" {
			return value
		}
	}
	return ""
}

// origin is the part of the address that no blank may change. It is not quoted
// where it is wrong: people put passwords into addresses.
func (g Gateway) origin() (o origin, problem, hint string) {
	fixed, _, blank := strings.Cut(g.Address, "{{")
	u, err := url.Parse(fixed)
	switch {
	case g.Address == "":
		return o, "is missing", "the address that takes messages, as https://api.example.org/send"
	case err != nil || u.Host == "":
		return o, "is not a web address", "write it as https://api.example.org/send"
	case u.User != nil:
		return o, "holds a name or password", `write a header: 'Authorization: Basic {{base64 "name:" (secret "password")}}'`
	case blank && u.Path+u.RawQuery == "":
		return o, "has a blank in its host", "write the host out, and a slash after it"
	case strings.Contains(g.Address, "#"):
		return o, "has a fragment", "take it out, from # on"
	}
	return readOrigin(u.Scheme + "://" + u.Host)
}
