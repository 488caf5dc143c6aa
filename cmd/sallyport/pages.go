package main

import (
	"bytes"
	"fmt"
	"html/template"
	"net"
	"net/http"

	"sallyport/config"
	"sallyport/front/portal"
	"sallyport/server"
)

// PagesCmd serves every page in every state, with sample data.
type PagesCmd struct {
	Port int `help:"The port on this machine." default:"8081"`
}

var pagesIndex = template.Must(template.New("index").Parse(`<!DOCTYPE html><html lang="en"><title>Pages</title><main><h1>Pages</h1><ul>
{{range .}}<li><a href="/page/{{.}}">{{.}}</a></li>
{{end}}</ul></main></html>`))

// Run serves the pages on loopback until it is told to stop.
func (p PagesCmd) Run(r *run) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port))
	if err != nil {
		return fmt.Errorf("listen: %w; hint: --port with a free one", err)
	}
	url := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	c, err := config.Parse([]byte("url: "+url+"\nbrand:\n  help_text: it@example.org\n  help_url: mailto:it@example.org\n  privacy_url: https://example.org/privacy\n"), "pages.yaml", nil)
	if err != nil {
		return err
	}
	site, _, _, err := server.NewSite(c, false)
	if err != nil {
		return err
	}
	names, pages := []string{}, map[string]portal.Sample{}
	for _, s := range portal.Samples(site) {
		names, pages[s.Name] = append(names, s.Name), s
	}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", site.Assets())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if r.JSON {
			w.Header().Set("Content-Type", "text/plain")
			for _, name := range names {
				fmt.Fprintln(w, name)
			}
			return
		}
		pagesIndex.Execute(w, names)
	})
	mux.HandleFunc("GET /page/{name...}", func(w http.ResponseWriter, req *http.Request) {
		s, ok := pages[req.PathValue("name")]
		if !ok {
			http.NotFound(w, req)
			return
		}
		var b bytes.Buffer
		if err := site.Render(&b, s.View); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", server.PagePolicy)
		b.WriteTo(w)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, req *http.Request) { server.SampleQR(w, req) })
	h := &http.Server{Handler: mux}
	go func() { <-r.Done(); h.Close() }()
	fmt.Fprintf(r.out, "%d pages on %s\n", len(names), url)
	if err := h.Serve(listener); err != nil && r.Err() == nil {
		return err
	}
	return nil
}
