package portal

import (
	"net/http"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/phone"
	"sallyport/front/web"
)

// unconfirmed answers a change in the account that was refused.
func (p *Portal) unconfirmed(w http.ResponseWriter, r *http.Request, err error, draw func(s *flow.Signed) (web.View, error)) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	switch {
	case f.Word == flow.Unconfirmed:
		return p.confirmFirst(w, r)
	case f.Word == "code.wait":
		return p.codesWait(w, r, f)
	case f.Word == "step.first", f.Word == "removed-already", f.Word == "apps.full":
		return p.move(w, r, "/account/security", f.Word)
	}
	s, ownerErr := p.owner(w, r)
	if s == nil {
		return ownerErr
	}
	if draw == nil {
		draw = func(s *flow.Signed) (web.View, error) { return p.securityView(r, s) }
	}
	v, drawErr := draw(s)
	if drawErr != nil {
		return drawErr
	}
	return p.again(w, r, err, v)
}

func (p *Portal) accountPhoneView(r *http.Request, s *flow.Signed, typed, country string) *SetupPhone {
	v := &SetupPhone{Account: true, Action: "/account/phone", Countries: p.countries(country), Number: typed, Delayed: p.delayed(r), Charge: p.Charge}
	p.frame(&v.Frame, s)
	v.Back = web.Link{Href: "/account/security", Words: "security.title"}
	return v
}

func (p *Portal) getAccountPhone(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), flow.SetupNumber)
	if err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	typed, country := "", ""
	if c.Setup != nil {
		typed, country = c.Setup.Data.Typed, c.Setup.Data.Country
	}
	return p.draw(w, r, p.accountPhoneView(r, s, typed, country))
}

func (p *Portal) postAccountPhone(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	typed, country := r.PostFormValue("phone"), r.PostFormValue("country")
	_, err := p.Flow.ChangeNumber(r.Context(), p.Cookie(r, "session"), typed, country, p.client(r))
	if err == nil {
		return web.Redirect(w, r, "/account/phone/code")
	}
	if f, many := manyTexts(err); many {
		f.Field = "phone"
	}
	return p.unconfirmed(w, r, err, func(s *flow.Signed) (web.View, error) { return p.accountPhoneView(r, s, typed, country), nil })
}

func (p *Portal) accountPhoneCodeView(r *http.Request, c *flow.Changing) (*SetupPhoneCode, error) {
	d := c.Setup.Data
	v := &SetupPhoneCode{Action: "/account/phone/code", Number: d.Typed, Country: phone.Name(d.Number.Country), OtherNumber: "/account/phone",
		Resend: resend("/account/phone/code/again", d.Text, c.Now)}
	p.frame(&v.Frame, c.Signed)
	v.Back = web.Link{Href: "/account/phone", Words: "page.back"}
	err := p.arrival(r, d.Text, &v.Frame, &v.Arrival, v.Action)
	otherNumber(v.Notices, v.OtherNumber)
	return v, err
}

// changing draws a page of a change under way; without one it goes to the account.
func (p *Portal) changing(w http.ResponseWriter, r *http.Request, cause error, draw func(c *flow.Changing) (web.View, error), kinds ...string) error {
	if cause != nil {
		if f := fault.Of(cause); f == nil || f.Word == flow.Unconfirmed || f.Word == "code.wait" || f.Word == "step.first" || f.Kind == fault.Gone {
			return p.unconfirmed(w, r, cause, nil)
		}
	}
	if s, err := p.owner(w, r); s == nil {
		return err
	}
	c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), kinds...)
	if err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	if c.Setup == nil {
		return web.Redirect(w, r, "/account/security")
	}
	v, err := draw(c)
	if err != nil {
		return err
	}
	if cause != nil {
		return p.again(w, r, cause, v)
	}
	if done, err := p.waits(w, r, c.Signed); done {
		return err
	}
	return p.draw(w, r, v)
}

func (p *Portal) getAccountPhoneCode(w http.ResponseWriter, r *http.Request) error {
	return p.changing(w, r, nil, func(c *flow.Changing) (web.View, error) { return p.accountPhoneCodeView(r, c) }, flow.SetupNumber)
}

func (p *Portal) postAccountPhoneCode(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	_, err := p.Flow.ChangeNumberCode(r.Context(), p.Cookie(r, "session"), r.PostFormValue("code"), p.client(r))
	if err == nil {
		return web.Redirect(w, r, "/account/security")
	}
	if f := fault.Of(err); f != nil && f.Word == "phone.refused" {
		return p.move(w, r, "/account/phone", f.Word)
	}
	return p.changing(w, r, err, func(c *flow.Changing) (web.View, error) { return p.accountPhoneCodeView(r, c) }, flow.SetupNumber)
}

func (p *Portal) accountPhoneAgain(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	result, err := p.Flow.ChangeNumberAgain(r.Context(), p.Cookie(r, "session"), p.client(r))
	if err == nil {
		return p.move(w, r, "/account/phone/code", result.Notice)
	}
	if f, many := manyTexts(err); many {
		c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), flow.SetupNumber)
		if err != nil || c.Setup == nil {
			return web.Redirect(w, r, "/account/phone")
		}
		return p.textsWait(w, r, f, c.Setup.Data.Text, "/account/phone/code")
	}
	return p.changing(w, r, err, func(c *flow.Changing) (web.View, error) { return p.accountPhoneCodeView(r, c) }, flow.SetupNumber)
}
