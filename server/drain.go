package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// The end. A load balancer that asks /readyz every second hears of it before
// connections are refused; where none has asked lately nobody is waited for.
const (
	drainTime  = 10 * time.Second // for requests under way
	noticeTime = 3 * time.Second  // for load balancers to look elsewhere
	askedLast  = 10 * time.Second
)

// drain answers what is under way and, after load balancers had time to see it,
// takes nothing new.
func (s *Server) drain(h *http.Server) error {
	s.draining.Store(true)
	asked := time.Since(time.Unix(0, s.asked.Load())) < askedLast
	s.log.Info("draining", "balanced", asked)
	if asked {
		time.Sleep(noticeTime)
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off", "after", drainTime.String())
		return h.Close()
	}
	return nil
}

// webServer writes what net/http has to say: clients that speak no HTTP or no TLS.
type webServer struct{ log *slog.Logger }

// Write writes one line.
func (w webServer) Write(line []byte) (int, error) {
	w.log.Debug("web server", "error", strings.TrimSpace(string(line)))
	return len(line), nil
}
