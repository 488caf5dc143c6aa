// Package web is what the web fronts share: the site as people see it, its
// layout, its words in HTML and the files that browsers load beside a page. It
// decides nothing and keeps nothing.
package web

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
)

// SiteOptions are the plain values that a Site is made from.
type SiteOptions struct {
	Name       string // the portal's name, as people read it
	AppName    string // the name that authenticator apps show; the name without it
	SMSName    string // the name in text messages; the name without it
	Host       string
	BaseURL    string
	Help       Help
	Privacy    string // addresses of pages of the operator, or ""
	Terms      string
	SignInNote string // one line of the operator's own below the sign-in form
	LogoLight  string // paths under /brand/, or ""
	LogoDark   string
	Favicon    string
	Accent     string // one hex colour, or ""
	TimeZone   *time.Location
	HTTPS      bool
	StoreLinks bool // whether the set-up links to app stores
	Demo       bool
}

// Help says where people get help.
type Help struct{ Text, URL, Phone string }

// Site is one portal as people see it: its name, its look and its pages. It
// is made once at start and only read afterwards.
type Site struct {
	SiteOptions
	palette Palette
	assets  map[string]asset
	sheet   string
	script  string
	icon    string
	pages   map[string]func() (*template.Template, error)
}

// NewSite makes a site. Warnings are for the operator to read at start: what
// was asked for, and what is done instead.
func NewSite(o SiteOptions) (*Site, []string, error) {
	if o.Name == "" {
		return nil, nil, fmt.Errorf("the portal has no name")
	}
	if o.AppName == "" {
		o.AppName = o.Name
	}
	if o.SMSName == "" {
		o.SMSName = o.Name
	}
	if o.TimeZone == nil {
		o.TimeZone = time.UTC
	}
	palette, warnings, err := paletteOf(o.Accent)
	if err != nil {
		return nil, nil, err
	}
	s := &Site{SiteOptions: o, palette: palette, pages: map[string]func() (*template.Template, error){}}
	if err := s.buildAssets(); err != nil {
		return nil, nil, err
	}
	return s, warnings, nil
}

// HelpHTML is where people get help: a link where there is an address.
func (s *Site) HelpHTML() template.HTML {
	words := template.HTMLEscapeString(s.HelpText())
	if s.Help.URL == "" {
		return template.HTML(words)
	}
	return template.HTML(`<a href="` + template.HTMLEscapeString(safeURL(s.Help.URL)) + `">` + words + `</a>`)
}

// HelpText is the same in words alone.
func (s *Site) HelpText() string { return s.Help.Words(s.Name) }

// Words says where help is in words alone: at worst the portal's own name.
func (h Help) Words(portal string) string {
	for _, text := range []string{h.Text, strings.TrimPrefix(h.URL, "mailto:"), h.Phone} {
		if text != "" {
			return text
		}
	}
	return portal
}

// safeURL lets through the sorts of address that an operator may name, so that
// a slip in the settings cannot become a script.
func safeURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "#"
	}
	switch u.Scheme {
	case "", "https", "http", "mailto", "tel":
		return address
	}
	return "#"
}
