package clients

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// heard is what is posted to an app, as the proxy before it sees it.
type heard struct {
	mu   sync.Mutex
	news chan struct{}
	sent []sent
}

// sent is one request, and how the app answered.
type sent struct {
	path, kind string
	form       url.Values
	status     int
}

func newHeard() *heard { return &heard{news: make(chan struct{}, 1)} }

// before listens before an app.
func (h *heard) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		status := &status{ResponseWriter: w}
		next.ServeHTTP(status, r)
		form, _ := url.ParseQuery(string(body)) // what is no form has no fields
		h.mu.Lock()
		h.sent = append(h.sent, sent{r.URL.Path, r.Header.Get("Content-Type"), form, status.code})
		h.mu.Unlock()
		select {
		case h.news <- struct{}{}:
		default:
		}
	})
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}
