package portal

import (
	"net/http"
	"net/url"
	"strings"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/manage"
	"sallyport/core/person"
	"sallyport/front/web"
)

// forgotAt is where a forgotten password leads, or "" without mail.
func (p *Portal) forgotAt() string {
	if p.Flow.Writer.NoMail {
		return ""
	}
	return "/forgot"
}

func (p *Portal) getForgot(w http.ResponseWriter, r *http.Request) error {
	if p.forgotAt() == "" {
		return web.StatusError(http.StatusNotFound)
	}
	return p.draw(w, r, &Forgot{Action: "/forgot", Username: filled(r.URL.Query().Get("name"))})
}

// postForgot answers the same for every name, before anything is looked up.
func (p *Portal) postForgot(w http.ResponseWriter, r *http.Request) error {
	if p.forgotAt() == "" {
		return web.StatusError(http.StatusNotFound)
	}
	typed := strings.TrimSpace(r.PostFormValue("username"))
	_, err := p.post(r)
	if err == nil && typed == "" {
		err = fault.New(fault.Invalid, "username.empty").On("username")
	}
	if err != nil {
		return p.again(w, r, err, &Forgot{Action: "/forgot", Username: filled(typed)})
	}
	reference := web.Reference(r)
	p.Manage.ForgotLater(r.Context(), typed, p.client(r), func(err error) {
		p.Log.Error("link for a new password not sent", "request", reference, "error", err)
	})
	return web.Redirect(w, r, "/forgot/sent")
}

func (p *Portal) forgotSent(w http.ResponseWriter, r *http.Request) error {
	return p.draw(w, r, &Forgot{Sent: true})
}

func (p *Portal) linkPasswordView(r *http.Request, name string) *Password {
	return &Password{Action: "/password/" + r.PathValue("token"), Name: name, Min: p.Flow.Rules().Min, Link: true}
}

func (p *Portal) getPasswordLink(w http.ResponseWriter, r *http.Request) error {
	who, err := p.Manage.PasswordLink(r.Context(), r.PathValue("token"))
	if err != nil {
		return p.deadPasswordLink(w, r, err)
	}
	return p.draw(w, r, p.linkPasswordView(r, who.Name))
}

func (p *Portal) postPasswordLink(w http.ResponseWriter, r *http.Request) error {
	_, err := p.post(r)
	if err != nil && fault.Of(err) == nil {
		return err
	}
	name := ""
	if err == nil {
		name, err = p.Manage.ResetPassword(r.Context(), r.PathValue("token"), r.PostFormValue("password"), p.client(r))
	}
	if err == nil {
		return web.Redirect(w, r, "/sign-in?notice=sign-in.password-new&name="+url.QueryEscape(name))
	}
	who, linkErr := p.Manage.PasswordLink(r.Context(), r.PathValue("token"))
	if linkErr != nil {
		return p.deadPasswordLink(w, r, linkErr)
	}
	return p.again(w, r, err, p.linkPasswordView(r, who.Name))
}

// deadPasswordLink says what became of a mailed link that does not work.
func (p *Portal) deadPasswordLink(w http.ResponseWriter, r *http.Request, err error) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Gone && f.Kind != fault.Missing {
		return err
	}
	v := &Error{Kind: ErrorLink, Text: p.Site.Say(f.Word, f.Args...), SignIn: f.Word == "password-link.used"}
	if f.Kind == fault.Gone {
		v.Forgot = p.forgotAt()
	}
	return p.Page(w, r, web.Status(f), v)
}

// mailView is the page of the owner's address as it stands.
func (p *Portal) mailView(r *http.Request, s *flow.Signed) (*Mail, error) {
	v := &Mail{Action: "/account/mail", Old: s.Person.Email != ""}
	p.frame(&v.Frame, s)
	waiting, err := p.Manage.WaitingMail(r.Context(), s.Person)
	if err != nil {
		return nil, err
	}
	if waiting.Address != "" && r.URL.Query().Get("other") == "" {
		v.State, v.Address = MailWaiting, person.MaskMail(waiting.Address)
		if waiting.Stuck {
			v.Notices = append(v.Notices, web.Notice{Kind: "info", Text: p.Site.Say("mail.outage"), Role: "status"})
		}
	}
	return v, nil
}

func (p *Portal) getMail(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	if p.Flow.Writer.NoMail {
		return web.StatusError(http.StatusNotFound)
	}
	if !s.Session.Confirmed(s.Now) {
		return p.confirmFirst(w, r)
	}
	v, err := p.mailView(r, s)
	if err != nil {
		return err
	}
	return p.draw(w, r, v)
}

func (p *Portal) postMail(w http.ResponseWriter, r *http.Request) error {
	typed := r.PostFormValue("mail")
	return p.askMail(w, r, typed, func(o manage.Owner) error { return p.Manage.AskMail(r.Context(), o, typed) })
}

func (p *Portal) mailAgain(w http.ResponseWriter, r *http.Request) error {
	return p.askMail(w, r, "", func(o manage.Owner) error { return p.Manage.AskMailAgain(r.Context(), o) })
}

// askMail runs a question for a link and comes back to the page that waits for it.
func (p *Portal) askMail(w http.ResponseWriter, r *http.Request, typed string, do func(manage.Owner) error) error {
	_, formErr := p.post(r)
	if formErr != nil && fault.Of(formErr) == nil {
		return formErr
	}
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	if p.Flow.Writer.NoMail {
		return web.StatusError(http.StatusNotFound)
	}
	if err = formErr; err == nil {
		err = do(manage.Owner{Signed: s, Client: p.client(r)})
	}
	f, again := fault.Of(err), strings.HasSuffix(r.URL.Path, "/again")
	switch {
	case err == nil && again:
		return p.move(w, r, "/account/mail", "mail.again")
	case err == nil:
		return web.Redirect(w, r, "/account/mail")
	case f != nil && f.Word == flow.Unconfirmed:
		return p.confirmFirst(w, r)
	case f != nil && f.Kind == fault.Gone:
		return p.move(w, r, "/account/mail", "removed-already")
	}
	v, viewErr := p.mailView(r, s)
	if viewErr != nil {
		return viewErr
	}
	if again && f != nil {
		f.Field = "" // the page that waits has none
	} else {
		v.Typed, v.State = typed, MailAsk
	}
	return p.again(w, r, err, v)
}

func (p *Portal) askRemoveMail(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, func(s *flow.Signed) (*Question, error) {
		if s.Person.Email == "" {
			return nil, nil
		}
		return &Question{Title: "confirm.mail-title", Text: "confirm.mail", Button: "button.remove", Danger: true}, nil
	})
}

func (p *Portal) removeMail(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.RemoveMail(r.Context(), o) })
}

// getMailLink shows what a link would do. Opening it changes nothing.
func (p *Portal) getMailLink(w http.ResponseWriter, r *http.Request) error {
	address, err := p.Manage.MailLink(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	return p.draw(w, r, &Mail{Action: r.URL.Path, State: MailConfirm, Address: address})
}

func (p *Portal) postMailLink(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	if err := p.Manage.ConfirmMail(r.Context(), r.PathValue("token"), p.client(r)); err != nil {
		return err
	}
	return web.Redirect(w, r, "/mail-confirmed")
}

func (p *Portal) mailConfirmed(w http.ResponseWriter, r *http.Request) error {
	return p.draw(w, r, &Mail{State: MailDone})
}
