package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sallyport/core/fault"
)

// refusing gives a kit pages without a template, which nothing can draw.
func refusing(k *Kit) {
	k.ErrorPage = func(_ *http.Request, status int, _ *fault.Fault, reference string) View {
		return &bare{words: fmt.Sprint(status, " ", reference)}
	}
}

type bare struct {
	Frame
	words string
}

func (v *bare) Template() string { return "none" }
func (v *bare) Base() *Frame     { return &v.Frame }

func TestRequestsAreSeenByTheirPattern(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)
	k := testKit(t, "ours", &now)
	var log bytes.Buffer
	k.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	refusing(k)
	var seen []Seen
	k.Seen = func(s Seen) { seen = append(seen, s) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /invitation/{token}", func(w http.ResponseWriter, r *http.Request) { time.Sleep(2 * time.Millisecond) })
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusSeeOther) })
	mux.HandleFunc("GET /early", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
	})
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic("ada was here") })
	mux.HandleFunc("GET /folder/", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/", k.Handle(func(http.ResponseWriter, *http.Request) error { return StatusError(http.StatusNotFound) }))
	guarded := k.Guard(mux)
	const secret = "QWERTYUIOPASDFGHJKLZXCVBNM"
	for _, row := range []struct {
		method, address, host, body string
		want                        Seen
	}{
		{"GET", "/invitation/" + secret, "", "", Seen{Route: "/invitation/{token}", Method: "GET", Status: 200}},
		{"HEAD", "/invitation/" + secret + "?name=ada", "", "", Seen{Route: "/invitation/{token}", Method: "HEAD", Status: 200}},
		{"POST", "/sign-in", "", "password=" + secret, Seen{Route: "/sign-in", Method: "POST", Status: 303}},
		{"GET", "/early", "", "", Seen{Route: "/early", Method: "GET", Status: 418}},
		{"GET", "/folder", "", "", Seen{Route: "/folder/", Method: "GET", Status: 307}},
		{"GET", "/people/ada?token=" + secret, "", "", Seen{Route: "/", Method: "GET", Status: 404}},
		{"GET", "/people//" + secret, "", "", Seen{Route: "/", Method: "GET", Status: 307}},
		{"GET", "/broken", "", "", Seen{Route: "/broken", Method: "GET", Status: 500}},
		{"GET", "/sign-in", secret + ".example", "", Seen{Route: NoRoute, Method: "GET", Status: 421}},
		{secret, "/sign-in", "", "", Seen{Route: NoRoute, Method: "other", Status: 405}},
		{"GET", "/%00" + secret, "", "", Seen{Route: NoRoute, Method: "GET", Status: 400}},
		{"POST", "/sign-in", "", strings.Repeat("x", BodyMax+1), Seen{Route: NoRoute, Method: "POST", Status: 413}},
	} {
		seen = nil
		r := httptest.NewRequest(row.method, row.address, strings.NewReader(row.body))
		r.Host = "localhost:8080"
		if row.host != "" {
			r.Host = row.host
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("User-Agent", secret)
		guarded.ServeHTTP(httptest.NewRecorder(), r)
		if len(seen) != 1 {
			t.Errorf("%s %s is seen %d times", row.method, row.address, len(seen))
			continue
		}
		if seen[0].Took <= 0 || row.want.Route == "/invitation/{token}" && seen[0].Took < 2*time.Millisecond {
			t.Errorf("%s %s took %v", row.method, row.address, seen[0].Took)
		}
		if seen[0].Took = 0; seen[0] != row.want {
			t.Errorf("%s %s is seen as %+v, not %+v", row.method, row.address, seen[0], row.want)
		}
	}
	if n := strings.Count(log.String(), "msg=answered request="); n != 12 {
		t.Errorf("%d lines of 12 requests", n)
	}
	for _, never := range []string{secret, "name=ada", "/people", "password", "192.0.2.1"} {
		if strings.Contains(log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
	if t.Failed() {
		t.Log(log.String())
	}
}

// What an error page shows as its reference, every line about that request has.
func TestErrorLinesCarryTheReferenceOfThePage(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)
	k := testKit(t, "ours", &now)
	var log bytes.Buffer
	k.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	shown := ""
	k.ErrorPage = func(_ *http.Request, _ int, _ *fault.Fault, reference string) View {
		shown = reference
		return &bare{} // it has no template: making it fails too
	}
	for name, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"request failed": func(http.ResponseWriter, *http.Request) error { return fmt.Errorf("read: %w", fault.ErrDown) },
		"panic":          func(http.ResponseWriter, *http.Request) error { panic("oh") },
	} {
		log.Reset()
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = "localhost:8080"
		k.Guard(k.Handle(h)).ServeHTTP(httptest.NewRecorder(), r)
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if shown == "" || len(lines) < 3 || !strings.Contains(log.String(), "msg=\""+name) && !strings.Contains(log.String(), "msg="+name) {
			t.Errorf("%s: reference %q, %d lines", name, shown, len(lines))
		}
		for _, line := range lines {
			if !strings.Contains(line, "request="+shown) {
				t.Errorf("%s: a line without %s: %s", name, shown, line)
			}
		}
	}
}
