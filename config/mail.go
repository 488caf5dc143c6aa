package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
)

// MailServer is the mail server in its parts.
type MailServer struct {
	Host, Port string
	User       string
	TLS        bool // from the start; else by STARTTLS
	Local      bool // on this machine: STARTTLS is used where it is offered
}

// MailServer returns where mails go; the zero MailServer when none are sent.
func (c *Config) MailServer() MailServer {
	m, problem, _ := readMailServer(c.Mail.Server)
	if problem != "" {
		return MailServer{}
	}
	return m
}

func readMailServer(text string) (m MailServer, problem, hint string) {
	const form = "write it as smtp://user@mail.example.org:587 or smtps://user@mail.example.org:465"
	if text == "" {
		return m, "", ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "":
		return m, "is not a mail server", form // not quoted: a password may stand in it
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return m, "has more than a host and a port", form
	}
	if _, has := u.User.Password(); has {
		return m, "holds a password", "give it as mail.password or mail.password_file"
	}
	m = MailServer{Host: u.Hostname(), Port: u.Port(), User: u.User.Username(), TLS: u.Scheme == "smtps"}
	if m.Port == "" {
		m.Port = map[bool]string{true: "465", false: "587"}[m.TLS]
	}
	ip, err := netip.ParseAddr(m.Host)
	m.Local = m.Host == "localhost" || err == nil && ip.IsLoopback()
	return m, "", ""
}

// mailChecks are the rows of mail.
func (c *Config) mailChecks() []check {
	return []check{
		{"mail.server", func() (string, string) { _, problem, hint := readMailServer(c.Mail.Server); return problem, hint }, ""},
		{c.givenOf("mail.password", "mail.password_file"), c.checkMailPassword, "mail.server"},
		{"mail.from", c.checkMailFrom, "mail.server"},
	}
}

func (c *Config) checkMailPassword() (problem, hint string) {
	user, secret := c.MailServer().User != "", c.Mail.Password != ""
	switch {
	case secret && !user:
		return "is given, but mail.server names no user", "put the user before the host, as smtp://user@host:587"
	case user && !secret:
		return "is missing: mail.server names a user", "give mail.password_file"
	}
	return "", ""
}

func (c *Config) checkMailFrom() (problem, hint string) {
	switch {
	case c.Mail.Server == "" && c.Mail.From != "":
		return "is given without mail.server", ""
	case c.Mail.Server == "":
		return "", ""
	case c.Mail.From == "":
		return "is missing beside mail.server", "give the address that mails come from"
	}
	if a, err := mail.ParseAddress(c.Mail.From); err != nil || a.Address != c.Mail.From {
		return quote(c.Mail.From) + " is not a mail address", "write it as login@example.org"
	}
	return "", ""
}

// checkMetrics keeps metrics from the listener that the world reaches.
func (c *Config) checkMetrics() (problem, hint string) {
	if c.Metrics == "" {
		return "", ""
	}
	if _, port, err := net.SplitHostPort(c.Metrics); err != nil || port == "" {
		return quote(c.Metrics) + " is not an address and a port", "write it as 127.0.0.1:9090"
	}
	if c.Metrics == c.Listen {
		return "is the same as listen", "metrics have a listener of their own"
	}
	return "", ""
}
