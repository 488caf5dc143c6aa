package portal

import (
	"net/http"
	"net/url"

	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/front/web"
)

// getAccountApp begins to add an app, or to replace the one that the address names.
func (p *Portal) getAccountApp(w http.ResponseWriter, r *http.Request) error {
	if s, err := p.owner(w, r); s == nil {
		return err
	}
	replaces := r.PathValue("id")
	if replaces == "" {
		c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), flow.SetupReplace)
		if err == nil && c.Setup != nil && r.URL.Query().Get("add") == "" && c.Setup.Data.Scanned {
			replaces = c.Setup.Data.Factor
		}
	}
	if fromElsewhere(r) {
		return web.Redirect(w, r, "/account/security")
	}
	c, err := p.Flow.NewApp(r.Context(), p.Cookie(r, "session"), replaces, false, p.client(r))
	if err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	return p.draw(w, r, p.accountScanView(r, c))
}

// fromElsewhere says whether another site led here. A link of theirs must not
// begin a change, nor put one in the place of the one under way.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

func (p *Portal) accountScanView(r *http.Request, c *flow.Changing) *SetupScan {
	v := &SetupScan{Action: "/account/app", NewCode: "/account/app/new", QR: "/account/app/qr.png", OldEntry: c.Setup.Kind == flow.SetupReplace}
	p.scanView(r, v, c.Setup)
	p.frame(&v.Frame, c.Signed)
	v.Back = web.Link{Href: "/account/security", Words: "security.title"}
	return v
}

func (p *Portal) postAccountApp(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	_, err := p.Flow.NewAppScanned(r.Context(), p.Cookie(r, "session"), p.client(r))
	if err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	return web.Redirect(w, r, "/account/app/code")
}

func (p *Portal) accountAppNew(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), flow.SetupAdd, flow.SetupReplace)
	if err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	replaces := ""
	if c.Setup != nil {
		replaces = c.Setup.Data.Factor
	}
	if _, err = p.Flow.NewApp(r.Context(), p.Cookie(r, "session"), replaces, true, p.client(r)); err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	if replaces != "" {
		return web.Redirect(w, r, "/account/apps/"+url.PathEscape(replaces)+"/replace")
	}
	return web.Redirect(w, r, "/account/app")
}

func (p *Portal) accountQR(w http.ResponseWriter, r *http.Request) error {
	if s, err := p.owner(w, r); s == nil {
		return err
	}
	c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), flow.SetupAdd, flow.SetupReplace)
	if err != nil {
		return err
	}
	if c.Setup == nil {
		return web.StatusError(http.StatusNotFound)
	}
	return p.qr(w, c.Setup)
}

func (p *Portal) accountAppCodeView(c *flow.Changing, err error) *SetupAppCode {
	scan := "/account/app"
	if c.Setup.Data.Factor != "" {
		scan = "/account/apps/" + url.PathEscape(c.Setup.Data.Factor) + "/replace"
	}
	v := &SetupAppCode{Action: "/account/app/code", Scan: scan, Name: c.Setup.Data.Label, Now: c.Now,
		Clock: factor.IsClock(fault.Of(err)), Checklist: c.Setup.Data.Misses >= 2}
	p.frame(&v.Frame, c.Signed)
	v.Back = web.Link{Href: scan, Words: "page.back"}
	return v
}

func (p *Portal) getAccountAppCode(w http.ResponseWriter, r *http.Request) error {
	return p.changing(w, r, nil, func(c *flow.Changing) (web.View, error) { return p.accountAppCodeView(c, nil), nil }, flow.SetupAdd, flow.SetupReplace)
}

func (p *Portal) postAccountAppCode(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	_, err := p.Flow.NewAppCode(r.Context(), p.Cookie(r, "session"), r.PostFormValue("code"), p.client(r))
	if err == nil {
		return web.Redirect(w, r, "/account/security")
	}
	return p.changing(w, r, err, func(c *flow.Changing) (web.View, error) { return p.accountAppCodeView(c, err), nil }, flow.SetupAdd, flow.SetupReplace)
}
