package web

import (
	"net/http"
	"strings"
	"time"
)

// Seen is a request as the log and counters see it. Nothing of it says who asked,
// from where, or for what: an address may hold a token, and a query a name.
type Seen struct {
	Route  string // the pattern that answered, without its method
	Method string
	Status int
	Took   time.Duration
}

// NoRoute is the route of what the guard refused before any route.
const NoRoute = "none"

// seeing tells of a request when it has been answered.
func (k *Kit) seeing(r *http.Request, a *answer, begun time.Time) {
	s := Seen{Route: NoRoute, Method: "other", Status: a.status, Took: time.Since(begun)}
	if _, pattern, ok := strings.Cut(r.Pattern, " "); ok {
		s.Route = pattern
	} else if r.Pattern != "" {
		s.Route = r.Pattern
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		s.Method = r.Method
	}
	if s.Status == 0 {
		s.Status = http.StatusOK // as net/http does for a handler that wrote nothing
	}
	k.Log.Debug("answered", "request", Reference(r), "method", s.Method, "route", s.Route, "status", s.Status, "ms", float64(s.Took.Microseconds())/1000)
	if k.Seen != nil {
		k.Seen(s)
	}
}

// answer remembers the status that was sent.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the first status that is an answer.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
