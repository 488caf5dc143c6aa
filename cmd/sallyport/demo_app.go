package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The example app of the demo, and the reverse proxy in front of it. The proxy does
// what the settings of docs/integrate make nginx, Caddy and HAProxy do, by the same
// addresses: it asks about each request, hands /.sallyport/ to the portal, and lets
// nothing through that the browser says of itself.

//go:embed demo_app.html
var demoPage string

//go:embed demo_app.css
var demoStyle string

var demoTemplate = template.Must(template.New("app").Parse(demoPage))

// told are the headers by which an app is told who it is.
var told = []string{"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups"}

// exampleApp shows what it was sent.
func exampleApp() http.Handler {
	mux := http.NewServeMux()
	page := func(title string, pay bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			type header struct{ Name, Value string }
			v := struct {
				Title   string
				Pay     bool
				Headers []header
			}{Title: title, Pay: pay}
			for _, name := range append(slices.Clone(told), "Cookie") {
				value := r.Header.Get(name)
				if value == "" {
					value = "–"
				}
				v.Headers = append(v.Headers, header{name, value})
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'")
			demoTemplate.Execute(w, v)
		}
	}
	mux.HandleFunc("GET /{$}", page("Welcome", false))
	mux.HandleFunc("GET /pay", page("Pay", true))
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		io.WriteString(w, demoStyle)
	})
	return mux
}

// demoProxy stands in front of the example app.
type demoProxy struct {
	portal *url.URL
	client *http.Client
	gate   *httputil.ReverseProxy
	app    http.Handler
}

func newDemoProxy(portal string) (*demoProxy, error) {
	at, err := url.Parse(portal)
	if err != nil {
		return nil, fmt.Errorf("read the portal's address: %w", err)
	}
	p := &demoProxy{portal: at, app: exampleApp(), client: &http.Client{Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	p.gate = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	return p, nil
}

// ServeHTTP asks, and lets the request through or gives the answer on.
func (p *demoProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/.sallyport/") {
		p.gate.ServeHTTP(w, r)
		return
	}
	answer, err := p.ask(r)
	if err != nil {
		http.Error(w, "The portal does not answer.", http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		for _, name := range []string{"Location", "Cache-Control"} {
			if value := answer.Header.Get(name); value != "" {
				w.Header().Set(name, value)
			}
		}
		w.WriteHeader(answer.StatusCode)
		return
	}
	p.app.ServeHTTP(w, cleaned(r, answer.Header))
}

// ask asks the gate about a request.
func (p *demoProxy) ask(r *http.Request) (*http.Response, error) {
	check, err := http.NewRequestWithContext(r.Context(), http.MethodGet, p.portal.JoinPath("/.sallyport/forward-auth").String(), nil)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Cookie", "Accept", "Sec-Fetch-Mode", "X-Requested-With"} {
		check.Header[name] = r.Header[name]
	}
	check.Header.Set("X-Forwarded-Method", r.Method)
	check.Header.Set("X-Forwarded-Proto", "http")
	check.Header.Set("X-Forwarded-Host", r.Host)
	check.Header.Set("X-Forwarded-Uri", r.RequestURI)
	return p.client.Do(check)
}

// cleaned is a request without what its browser says of who it is, and without the
// cookies of the portal; with what the gate says.
func cleaned(r *http.Request, gate http.Header) *http.Request {
	r = r.Clone(r.Context())
	for name := range r.Header {
		if strings.HasPrefix(strings.ToLower(strings.ReplaceAll(name, "_", "-")), "remote-") {
			delete(r.Header, name)
		}
	}
	for _, name := range told {
		r.Header.Set(name, gate.Get(name))
	}
	cookies := r.Cookies()
	r.Header.Del("Cookie")
	for _, c := range cookies {
		if name := strings.TrimPrefix(strings.TrimPrefix(c.Name, "__Host-"), "__Secure-"); name != "sallyport" && name != "sallyport-bind" {
			r.AddCookie(c)
		}
	}
	return r
}

// serveDemoApp serves the example app on a port beside the portal's, until the demo
// ends. Its host is another name of this machine, as cookies know no ports.
func serveDemoApp(portal string, l net.Listener) (end func(), err error) {
	proxy, err := newDemoProxy(portal)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	go server.Serve(l)
	return func() { server.Close() }, nil
}
