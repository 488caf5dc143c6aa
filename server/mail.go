package server

import (
	"context"
	"time"

	"sallyport/back/mail"
	"sallyport/config"
	"sallyport/core/manage"
)

// MailServer is the mail server of the settings, or nil.
func (c *Core) MailServer() *mail.SMTP {
	at := c.Config.MailServer()
	if at == (config.MailServer{}) {
		return nil
	}
	return &mail.SMTP{Host: at.Host, Port: at.Port, User: at.User, Password: c.Config.Mail.Password.Reveal(), TLS: at.TLS, Local: at.Local,
		From: c.Config.Mail.From, Name: c.Config.Name, Hello: c.Config.Hostname(), Now: c.Now}
}

// mails is the worker that sends mails, or nil without a mail server.
func (s *Server) mails(done func()) *mail.Sender {
	server := s.core.MailServer()
	if server == nil {
		return nil
	}
	return &mail.Sender{Queue: s.core.Store, Server: server, Now: s.core.Now, Log: s.log, Done: done}
}

const heraldEvery = 5 * time.Second

// herald tells what no request tells, until ctx ends.
func (s *Server) herald(ctx context.Context, done func()) {
	h := manage.Herald{Manager: s.core.Manage, Log: s.core.Store}
	tick := time.NewTicker(heraldEvery)
	defer tick.Stop()
	for {
		switch err := h.Tell(ctx); {
		case err == nil:
			done()
		case ctx.Err() == nil:
			s.log.Warn("notices not told yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
