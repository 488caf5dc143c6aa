package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"sallyport/core/message"
)

// SMTP is a mail server. Certificates are checked against the system's roots.
type SMTP struct {
	Host, Port     string
	User, Password string
	TLS            bool // from the start; else by STARTTLS
	Local          bool // on this machine: STARTTLS only where it is offered
	From, Name     string
	Hello          string // this host, as it greets
	Roots          *x509.CertPool
	Now            func() time.Time
}

// Send hands one mail over, by a connection of its own.
func (s *SMTP) Send(ctx context.Context, m message.Message) error {
	msg, err := s.message(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // whatever went wrong in saying good-bye
	}
	return plain(err)
}

// Check greets the server, and signs in where a user is set, without sending.
func (s *SMTP) Check(ctx context.Context) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return plain(err)
	}
	return client.Close()
}

func (s *SMTP) client(ctx context.Context) (*gomail.Client, error) {
	port, err := strconv.Atoi(s.Port)
	if err != nil {
		return nil, fmt.Errorf("mail server: port %q is no number", s.Port)
	}
	timeout := callTime
	if end, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(end), time.Second)
	}
	options := []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(timeout), gomail.WithHELO(s.Hello), gomail.WithoutNoop(),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12, RootCAs: s.Roots})}
	switch {
	case s.TLS:
		options = append(options, gomail.WithSSL())
	case s.Local:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	client, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	return client, nil
}

// message builds a mail in plain text. Programs must not answer it (RFC 3834,
// section 5).
func (s *SMTP) message(m message.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent()) // a version is nobody's business
	if err := msg.FromFormat(s.Name, s.From); err != nil {
		return nil, errors.New("the address that mails come from cannot be used")
	}
	if err := msg.To(m.To); err != nil {
		return nil, errors.New("the address cannot be used")
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(s.Now())
	msg.SetMessageIDWithValue(m.ID + "@" + s.Hello)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	return msg, nil
}

// plain is an error without addresses, which the library and servers put into
// theirs: only what was being done, and the server's code.
func plain(err error) error {
	var sending *gomail.SendError
	var answer *textproto.Error
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var dial *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &name):
		return fmt.Errorf("the certificate of the mail server is not good: %w", certificate(unknown, invalid, name))
	case errors.As(err, &sending):
		failed := fmt.Errorf("the mail server answered %d (%s)", sending.ErrorCode(), sending.Reason)
		if sending.ErrorCode() >= 500 && !sending.IsTemp() {
			return fmt.Errorf("%w: %w", ErrRefused, failed)
		}
		return failed
	case errors.As(err, &answer):
		return fmt.Errorf("the mail server answered %d", answer.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the mail server did not answer in time")
	case errors.As(err, &dial):
		return fmt.Errorf("the mail server was not reached: %w", dial)
	}
	return fmt.Errorf("the mail server: %w", err)
}

// certificate is the one of three errors that there is.
func certificate(unknown x509.UnknownAuthorityError, invalid x509.CertificateInvalidError, name x509.HostnameError) error {
	switch {
	case unknown.Cert != nil:
		return unknown
	case invalid.Cert != nil:
		return invalid
	}
	return name
}
