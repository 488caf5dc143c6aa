package portal

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"rsc.io/qr"

	"sallyport/core/audit"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/front/web"
)

// wizard says which step lines the pages carry: none on the way of a recovery.
func wizard(u *flow.Under) Wizard {
	switch {
	case u.Attempt.Data.Replacing:
		return NoWizard
	case u.Need.Phone:
		return WithNumber
	}
	return AppOnly
}

func (p *Portal) getPrompt(w http.ResponseWriter, r *http.Request) error {
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	u, err := p.look(r)
	if err != nil {
		return err
	}
	if s != nil && s.Over == "" && s.Session.Level == session.One && (u == nil || u.Over != "") {
		// Setting up on the strength of an old password alone would let a stolen
		// cookie bind an app: the password is asked again.
		return web.Redirect(w, r, "/sign-in?set-up=1")
	}
	if u, err = p.at(w, r, flow.OfferSetup, flow.AskInvitation, flow.AskNumber, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor); u == nil {
		return err
	}
	v, err := p.promptView(r, u)
	if err != nil {
		return err
	}
	return p.draw(w, r, v)
}

func (p *Portal) promptView(r *http.Request, u *flow.Under) (*Prompt, error) {
	v := &Prompt{NeedNumber: u.Need.Phone, Required: !u.Need.OneFactor, Due: u.Need.MustBy, NotNow: u.Need.OneFactor && !u.Person.Enrolled(),
		Begun: u.Begun(), Invitation: u.Step == flow.AskInvitation}
	v.SignOut = !v.NotNow
	if v.Required {
		v.Due = time.Time{} // the grace has passed
	}
	if !v.Due.IsZero() {
		v.DaysLeft = int((v.Due.Sub(u.Now) + 24*time.Hour - 1) / (24 * time.Hour))
	}
	if v.Begun > 0 && u.Setup != nil {
		v.KeptNumber = u.Setup.NumberProved(u.Now)
	}
	switch u.Person.ResetWhy {
	case "reset":
		v.Reset = u.Person.ResetAt
	case "released":
		v.Released = u.Person.ResetAt
	}
	if !u.Person.SetupDue {
		v.Reset, v.Released = time.Time{}, time.Time{}
	}
	other, err := p.Flow.Elsewhere(r.Context(), u)
	if err != nil {
		return nil, err
	}
	if other != nil {
		v.Elsewhere = other.MadeAt
	}
	alarm, err := p.Flow.Alarm(r.Context(), u.Person.ID, u.Attempt.ID)
	if err != nil {
		return nil, err
	}
	if alarm != nil {
		v.NoCode = alarm.At
	}
	return v, nil
}

func (p *Portal) carryOn(w http.ResponseWriter, r *http.Request) error {
	u, err := p.look(r)
	if err != nil {
		return err
	}
	if u == nil || u.Over != "" {
		return p.noAttempt(w, r, u)
	}
	if u.Step == flow.OfferSetup {
		return web.Redirect(w, r, "/2fa/setup/app")
	}
	return web.Redirect(w, r, pages[u.Step])
}

func (p *Portal) askStartAgain(w http.ResponseWriter, r *http.Request) error {
	u, err := p.at(w, r, flow.OfferSetup, flow.AskNumber, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor)
	if u == nil {
		return err
	}
	v := &Question{Title: "confirm.restart-title", Text: "confirm.restart", Button: "button.start-again", Action: "/2fa/start/again", Cancel: "/2fa/start"}
	return p.draw(w, r, v)
}

// plain answers the posts of an attempt that have no field of their own.
func (p *Portal) plain(w http.ResponseWriter, r *http.Request, do func(flow.Post) (flow.Result, error)) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = do(post)
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	if handled, answer := p.refusal(w, r, err); handled {
		return answer
	}
	if f := fault.Of(err); f != nil && f.Word == "form.stale" {
		u, lookErr := p.look(r)
		if lookErr != nil {
			return lookErr
		}
		if u != nil && u.Over == "" {
			return p.move(w, r, pages[u.Step], "form.stale")
		}
		return p.noAttempt(w, r, u)
	}
	return err
}

func (p *Portal) startAgain(w http.ResponseWriter, r *http.Request) error {
	return p.plain(w, r, func(post flow.Post) (flow.Result, error) { return p.Flow.StartAgain(r.Context(), post, p.client(r)) })
}

func (p *Portal) notNow(w http.ResponseWriter, r *http.Request) error {
	return p.plain(w, r, func(post flow.Post) (flow.Result, error) { return p.Flow.NotNow(r.Context(), post, p.client(r)) })
}

func (p *Portal) getInstall(w http.ResponseWriter, r *http.Request) error {
	u, err := p.at(w, r, flow.OfferSetup, flow.AskInstall, flow.AskNumber, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor)
	if u == nil {
		return err
	}
	v := &SetupApp{Wizard: wizard(u), Action: "/2fa/setup/app"}
	v.SignOut = true
	if v.Wizard != NoWizard {
		v.Back = web.Link{Href: "/2fa/start", Words: "page.back"}
	}
	p.marked(w, r, &v.Frame, u.Setup)
	return p.draw(w, r, v)
}

func (p *Portal) postInstall(w http.ResponseWriter, r *http.Request) error {
	return p.plain(w, r, func(post flow.Post) (flow.Result, error) { return p.Flow.Install(r.Context(), post, p.client(r)) })
}

// countries is the list of the select, with one chosen.
func (p *Portal) countries(chosen string) (list []Country) {
	if chosen == "" {
		chosen = p.DefaultCountry
	}
	for _, c := range p.Countries() {
		list = append(list, Country{Code: c.Code, Name: c.Name, Calling: c.Calling, Selected: c.Code == chosen})
	}
	return list
}

var numberSteps = []flow.Step{flow.AskNumber, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor}

func (p *Portal) getNumber(w http.ResponseWriter, r *http.Request) error {
	u, err := p.at(w, r, numberSteps...)
	if u == nil {
		return err
	}
	if !u.Need.Phone {
		return p.move(w, r, pages[u.Step], "")
	}
	v := p.numberView(r, u)
	if r.URL.Query().Get("other") == "" {
		v.Checked, v.Still = checked(u)
	}
	p.marked(w, r, &v.Frame, u.Setup)
	return p.draw(w, r, v)
}

// checked is the number that the page offers to go on with: one proved in this
// browser, or the one on record, which is proved again either way.
func checked(u *flow.Under) (proved, still string) {
	if u.Setup.NumberProved(u.Now) {
		return u.Setup.Data.Number.Ending(), ""
	}
	if own := u.Phone(); own != nil && u.Attempt.Data.Replacing && u.Setup.Data.Number.E164 == "" {
		return "", own.Ending()
	}
	return "", ""
}

func (p *Portal) numberView(r *http.Request, u *flow.Under) *SetupPhone {
	d := u.Setup.Data
	v := &SetupPhone{Wizard: wizard(u), Action: "/2fa/setup/phone", Countries: p.countries(d.Country), Number: d.Typed,
		Delayed: p.delayed(r), Charge: p.Charge, Other: "/2fa/setup/phone?other=yes"}
	v.SignOut, v.Back = true, web.Link{Href: "/2fa/setup/app", Words: "page.back"}
	return v
}

func (p *Portal) delayed(r *http.Request) bool { return p.Delayed != nil && p.Delayed(r.Context()) }

func (p *Portal) postNumber(w http.ResponseWriter, r *http.Request) error {
	typed, country := r.PostFormValue("phone"), r.PostFormValue("country")
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		switch {
		case r.PostFormValue("checked") == "yes":
			result, err = p.Flow.SameNumber(r.Context(), post, p.client(r))
			if err == nil {
				return p.onward(w, r, result)
			}
		case r.PostFormValue("still") == "yes":
			result, err = p.Flow.OwnNumber(r.Context(), post, p.client(r))
		default:
			result, err = p.Flow.Number(r.Context(), post, typed, country, p.client(r))
		}
	}
	if err == nil {
		p.cookies(w, result)
		return web.Redirect(w, r, "/2fa/setup/phone/code")
	}
	if f, many := manyTexts(err); many && r.PostFormValue("still") != "yes" {
		f.Field = "phone"
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, err := p.at(w, r, numberSteps...)
		if u == nil {
			return nil, err
		}
		v := p.numberView(r, u)
		if r.PostFormValue("still") != "yes" {
			v.Number, v.Countries = typed, p.countries(country)
		}
		return v, nil
	})
}

func (p *Portal) getNumberCode(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor)
	if u == nil {
		return err
	}
	if !u.Need.Phone {
		return p.move(w, r, pages[u.Step], "")
	}
	if u.Setup.Data.Text.Owner != u.Attempt.ID && !u.Setup.NumberProved(u.Now) {
		return web.Redirect(w, r, "/2fa/setup/phone") // a code of yesterday's attempt: the number is checked again
	}
	v, err := p.numberCodeView(r, u)
	if err != nil {
		return err
	}
	p.marked(w, r, &v.Frame, u.Setup)
	return p.draw(w, r, v)
}

func (p *Portal) numberCodeView(r *http.Request, u *flow.Under) (*SetupPhoneCode, error) {
	d := u.Setup.Data
	v := &SetupPhoneCode{Wizard: wizard(u), Action: "/2fa/setup/phone/code", Number: d.Typed, Country: phone.Name(d.Number.Country),
		OtherNumber: "/2fa/setup/phone?other=yes",
		Resend:      resend("/2fa/setup/phone/code/again", d.Text, u.Now)}
	if v.Number == "" {
		v.Number = "…" + d.Number.Ending()
	}
	v.SignOut, v.Back = true, web.Link{Href: "/2fa/setup/phone", Words: "page.back"}
	err := p.arrival(r, d.Text, &v.Frame, &v.Arrival, v.Action)
	otherNumber(v.Notices, v.OtherNumber)
	return v, err
}

// resend is what the block under a text message code says of the gaps.
func resend(again string, code phone.TextCode, now time.Time) Resend {
	gap := flow.Gap(code)
	return Resend{Again: again, Gap: gap, Wait: max(0, code.SentAt.Add(gap).Sub(now))}
}

func (p *Portal) postNumberCode(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.TextCode(r.Context(), post, r.PostFormValue("code"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, err := p.at(w, r, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor)
		if u == nil {
			return nil, err
		}
		return p.numberCodeView(r, u)
	})
}

func (p *Portal) numberAgain(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.SendAgain(r.Context(), post, p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskTextCode, flow.ShowSecret, flow.AskNewFactor)
		if u == nil {
			return nil, lookErr
		}
		if f, many := manyTexts(err); many {
			return nil, p.textsWait(w, r, f, u.Setup.Data.Text, "/2fa/setup/phone/code")
		}
		return p.numberCodeView(r, u)
	})
}

func (p *Portal) getScan(w http.ResponseWriter, r *http.Request) error {
	if u, err := p.at(w, r, flow.ShowSecret, flow.AskNewFactor); u == nil {
		return err
	}
	u, err := p.Flow.Secret(r.Context(), flow.Post{Token: p.Cookie(r, "attempt")}, p.client(r))
	if err != nil {
		if handled, answer := p.refusal(w, r, err); handled {
			return answer
		}
		return err
	}
	v := &SetupScan{Wizard: wizard(u), Action: "/2fa/setup/scan", NewCode: "/2fa/setup/scan/new", QR: "/2fa/setup/qr.png",
		OldEntry: u.Person.Enrolled()}
	p.scanView(r, v, u.Setup)
	v.SignOut, v.Back = true, web.Link{Href: "/2fa/setup/phone/code", Words: "page.back"}
	if !u.Need.Phone || u.Setup.Data.Kept {
		v.Back.Href = "/2fa/setup/app"
	}
	p.marked(w, r, &v.Frame, u.Setup)
	return p.draw(w, r, v)
}

// scanView fills what the pages with a QR code share.
func (p *Portal) scanView(r *http.Request, v *SetupScan, s *flow.Setup) {
	v.Link = template.URL(s.Data.Secret.Link(p.Site.AppName, s.Data.Label))
	v.Key, v.Name = s.Data.Secret.Groups(), s.Data.Label
	v.OnPhone = onPhone(r)
	switch s.Data.Renewed {
	case "asked":
		v.Notices = append(v.Notices, web.Notice{Kind: "info", Text: p.Site.Say("setup-scan.made-new"), Role: "status"})
	case "old":
		v.Notices = append(v.Notices, web.Notice{Kind: "info", Text: p.Site.Say("setup-scan.too-old"), Role: "status"})
	}
}

// onPhone guesses whether the page is read on the phone itself. A wrong guess
// loses nothing: both orders hold the same parts.
func onPhone(r *http.Request) bool {
	if hint := r.Header.Get("Sec-CH-UA-Mobile"); hint != "" {
		return hint == "?1"
	}
	ua := r.UserAgent()
	return strings.Contains(ua, "iPhone") || strings.Contains(ua, "Android") && strings.Contains(ua, "Mobile")
}

func (p *Portal) postScan(w http.ResponseWriter, r *http.Request) error {
	return p.plain(w, r, func(post flow.Post) (flow.Result, error) { return p.Flow.Scanned(r.Context(), post, p.client(r)) })
}

func (p *Portal) newQR(w http.ResponseWriter, r *http.Request) error {
	return p.plain(w, r, func(post flow.Post) (flow.Result, error) {
		result, err := p.Flow.NewSecret(r.Context(), post, p.client(r))
		return result, err
	})
}

func (p *Portal) setupQR(w http.ResponseWriter, r *http.Request) error {
	u, err := p.look(r)
	if err != nil {
		return err
	}
	if u == nil || u.Over != "" || u.Setup == nil || (u.Step != flow.ShowSecret && u.Step != flow.AskNewFactor) {
		return web.StatusError(http.StatusNotFound)
	}
	return p.qr(w, u.Setup)
}

// qr draws the link as a PNG with white margins, in the dark theme too.
func (p *Portal) qr(w http.ResponseWriter, s *flow.Setup) error {
	if len(s.Data.Secret.Key) == 0 {
		return web.StatusError(http.StatusNotFound)
	}
	code, err := qr.Encode(s.Data.Secret.Link(p.Site.AppName, s.Data.Label), qr.M)
	if err != nil {
		return err
	}
	code.Scale = 6
	w.Header().Set("Content-Type", "image/png")
	_, err = w.Write(code.PNG())
	return err
}

func (p *Portal) newFactorView(u *flow.Under, err error) *SetupAppCode {
	v := &SetupAppCode{Wizard: wizard(u), Action: "/2fa/setup/code", Scan: "/2fa/setup/scan", Name: u.Setup.Data.Label, Now: u.Now,
		Clock: factor.IsClock(fault.Of(err)), Checklist: u.Setup.Data.Misses >= 2}
	v.SignOut, v.Back = true, web.Link{Href: "/2fa/setup/scan", Words: "page.back"}
	return v
}

func (p *Portal) getNewFactor(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskNewFactor)
	if u == nil {
		return err
	}
	v := p.newFactorView(u, nil)
	p.marked(w, r, &v.Frame, u.Setup)
	return p.draw(w, r, v)
}

func (p *Portal) postNewFactor(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.NewFactor(r.Context(), post, r.PostFormValue("code"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	if f := fault.Of(err); f != nil && f.Word == "phone.refused" {
		return p.move(w, r, pages[flow.AskNumber], f.Word)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskNewFactor)
		if u == nil {
			return nil, lookErr
		}
		return p.newFactorView(u, err), nil
	})
}

// eventKey is the key of what happened, in words.
func eventKey(e audit.Entry) string {
	switch e.Event {
	case audit.SignedIn, audit.CodeWrong:
		if e.Method != "" {
			return "activity." + string(e.Event) + "." + e.Method
		}
	}
	return "activity." + string(e.Event)
}
