package main

import (
	"context"
	"fmt"
	"time"

	"sallyport/server"
)

// mailLooks greets the mail server as a mail would, without sending one.
func mailLooks(ctx context.Context, c *server.Core) []finding {
	mails := c.MailServer()
	if mails == nil {
		return []finding{{"note", "no mail server is set: notices go by text message alone, and a forgotten password needs an operator", "see mail.server in the settings file"}}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at := mails.Host + ":" + mails.Port
	if err := mails.Check(ctx); err != nil {
		return []finding{{"fault", fmt.Sprintf("mails do not leave by %s: %v", at, err), "check mail.server, mail.password_file and the server's certificate"}}
	}
	return []finding{{"ok", "the mail server " + at + " takes mails", ""}}
}
