package portal

import (
	"net/http"
	"strings"

	"sallyport/core/flow"
	"sallyport/front/web"
)

// getFinish shows the recovery codes that wait with the session.
func (p *Portal) getFinish(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	v, ok := p.finishView(s)
	if !ok {
		return web.Redirect(w, r, "/account/security")
	}
	return p.draw(w, r, v)
}

func (p *Portal) finishView(s *flow.Signed) (*SetupFinish, bool) {
	d := s.Session.Data
	if d.CodesWhy == "" {
		return nil, false
	}
	v := &SetupFinish{Wizard: WithNumber, Action: "/2fa/setup/finish", Download: "/2fa/setup/codes.txt", NewCodes: "/account/codes/new",
		Name: s.Person.Name, Made: s.Session.CodesUntil.Add(-flow.CodesShown), Others: d.SignedOut}
	if d.CodesWhy != "setup" {
		v.Wizard = NoWizard
	}
	if s.Now.Before(s.Session.CodesUntil) {
		v.Codes = s.Session.Codes
	}
	p.frame(&v.Frame, s)
	return v, true
}

func (p *Portal) postFinish(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	saved := r.PostFormValue("saved") == "yes" || r.PostFormValue("hidden") == "yes"
	result, err := p.Flow.FinishCodes(r.Context(), p.Cookie(r, "session"), saved, p.client(r))
	if err == nil {
		if back := web.ReturnTo(result.ReturnTo); back != "" {
			return web.Redirect(w, r, back)
		}
		return web.Redirect(w, r, "/account/security")
	}
	s, ownerErr := p.owner(w, r)
	if s == nil {
		return ownerErr
	}
	if v, ok := p.finishView(s); ok {
		return p.again(w, r, err, v)
	}
	return err
}

// codesFile is the recovery codes as a text file.
func (p *Portal) codesFile(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	if len(s.Session.Codes) == 0 || !s.Now.Before(s.Session.CodesUntil) {
		return web.Redirect(w, r, "/2fa/setup/finish")
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(p.Site.Name+"-recovery-codes-"+s.Person.Name))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.txt"`)
	text := p.Site.Plain("setup-finish.print", "name", s.Person.Name, "date", s.Now) + "\r\n\r\n"
	for _, code := range s.Session.Codes {
		text += code + "\r\n"
	}
	_, err = w.Write([]byte(text + "\r\n" + p.Site.Plain("setup-finish.keep") + "\r\n"))
	return err
}
