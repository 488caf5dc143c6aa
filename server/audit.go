package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"sallyport/core/audit"
	"sallyport/core/manage"
)

// linker is the worker that links the audit log and signs its heads. The log lines
// carry each head away from whoever may write the database.
func (s *Server) linker(done func()) *audit.Linker {
	return &audit.Linker{Chain: s.core.Store, Node: rand.Text(), Now: s.core.Now, Done: done,
		Failed: func(err error) { s.log.Warn("audit log not linked yet", "error", err) },
		Signed: func(h audit.Head) {
			s.log.Info("audit head", "seq", h.Seq, "link", h.Link, "at", h.At.Format(time.RFC3339Nano), "sign", h.Sign)
		}}
}

// VerifyAudit checks the audit log, and heads that a file has; "" is none.
func (c *Core) VerifyAudit(ctx context.Context, heads string) (*audit.Report, error) {
	if heads == "" {
		return c.Store.VerifyAudit(ctx, nil)
	}
	f, err := os.Open(heads)
	if err != nil {
		return nil, fmt.Errorf("read heads: %w; hint: --head takes a file with what sallyport audit head printed, or with the portal's log in JSON", err)
	}
	defer f.Close()
	kept, err := manage.Heads(f)
	if err != nil {
		return nil, err
	}
	return c.Store.VerifyAudit(ctx, kept)
}

// AuditHead is where the audit log ends now. It links what waits first, where no
// portal runs that would.
func (c *Core) AuditHead(ctx context.Context) (*audit.Head, error) {
	for n := 1; n > 0; {
		var err error
		if n, err = c.Store.LinkEntries(ctx, 512); err != nil {
			return nil, err
		}
	}
	head, err := c.Store.AuditHead(ctx, c.Now())
	if head == nil && err == nil {
		err = errors.New("the audit log is empty; hint: add somebody first: sallyport person add")
	}
	return head, err
}
