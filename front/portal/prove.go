package portal

import (
	"net/http"

	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/person"
	"sallyport/front/web"
)

func (p *Portal) factorView(u *flow.Under, f *fault.Fault) *AppCode {
	v := &AppCode{Action: "/2fa", Name: u.Person.Name, Other: u.Attempt.Data.Failures >= 5, Now: u.Now, Clock: factor.IsClock(f)}
	if f != nil {
		v.Used, v.TextPage = f.Word == "app-code.used", f.Word == "app-code.is-text-sign-in"
	}
	if u.Recovery.Alive(u.Now) {
		v.Asked, v.Opens = u.Recovery.AskedAt, u.Recovery.OpenAt
	}
	return v
}

func (p *Portal) getFactor(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskFactor)
	if u == nil {
		return err
	}
	return p.draw(w, r, p.factorView(u, nil))
}

func (p *Portal) postFactor(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.SubmitFactor(r.Context(), post, r.PostFormValue("code"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskFactor)
		if u == nil {
			return nil, lookErr
		}
		return p.factorView(u, fault.Of(err)), nil
	})
}

func (p *Portal) getOther(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskFactor, flow.AskOtherProof)
	if u == nil {
		return err
	}
	v, err := p.otherView(r, u)
	if err != nil {
		return err
	}
	return p.draw(w, r, v)
}

func (p *Portal) otherView(r *http.Request, u *flow.Under) (*OtherWay, error) {
	v := &OtherWay{Recover: u.Step == flow.AskOtherProof, Delayed: p.delayed(r)}
	v.SignOut = v.Recover
	if last := factor.LastEnded(u.Factors); v.Recover && last != nil {
		switch {
		case last.EndedWhy == factor.EndedByMisses || last.EndedAt.IsZero():
			v.Ended = last.EndedAt
		case last.EndedWhy == factor.EndedByRecovery:
			v.Stopped = last.EndedAt
		}
	}
	way := u.TextWay()
	v.Text = TextWay{Hidden: !u.Need.TextProof, Ending: way.Number, Wait: way.Delay, Everybody: way.DelayWhy == "", Reset: way.DelayWhy == "mail"}
	switch {
	case way.Recovery != nil && way.Recovery.State(u.Now) == flow.RecoveryWaits:
		v.Text.Waiting, v.Text.From = true, way.Recovery.OpenAt
	case way.Recovery != nil:
		v.Text.Wait = 0
	case !way.HeldTill.IsZero():
		v.Text.Changed, v.Text.From = way.HeldFrom, way.HeldTill
	}
	v.Codes = CodesWay{Left: u.CodesLeft() > 0}
	link, err := p.Flow.People.LinkAlive(r.Context(), person.SetupCode, u.Person.ID, u.Now)
	if err != nil {
		return nil, err
	}
	v.Setup = link != nil && link.SpentAt.IsZero() && link.ReplacedAt.IsZero() && u.Now.Before(link.EndsAt) && u.Step == flow.AskOtherProof
	return v, nil
}

// sendText sends a recovery code; the page of the code is where it leads.
func (p *Portal) sendText(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.AskText(r.Context(), post, p.client(r))
	}
	if err == nil && result.Notice == flow.RecoveryWaits {
		return web.Redirect(w, r, "/2fa/recovery-wait")
	}
	if err == nil {
		return p.move(w, r, "/2fa/text", result.Notice)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskFactor, flow.AskOtherProof)
		if u == nil {
			return nil, lookErr
		}
		if u.Attempt.Data.TextCode.Digits == "" {
			return p.otherView(r, u)
		}
		if f, many := manyTexts(err); many {
			return nil, p.textsWait(w, r, f, u.Attempt.Data.TextCode, "/2fa/text")
		}
		return p.textView(r, u)
	})
}

func (p *Portal) textView(r *http.Request, u *flow.Under) (*TextCode, error) {
	code := u.Attempt.Data.TextCode
	v := &TextCode{Action: "/2fa/text", Delayed: p.delayed(r), Resend: resend("/2fa/text/again", code, u.Now)}
	if own := u.Phone(); own != nil {
		v.Ending = own.Ending()
	}
	return v, p.arrival(r, code, &v.Frame, &v.Arrival, v.Action)
}

func (p *Portal) getText(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskFactor, flow.AskOtherProof)
	if u == nil {
		return err
	}
	if u.Attempt.Data.TextCode.Digits == "" {
		return web.Redirect(w, r, "/2fa/other")
	}
	v, err := p.textView(r, u)
	if err != nil {
		return err
	}
	return p.draw(w, r, v)
}

func (p *Portal) postText(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.TextProof(r.Context(), post, r.PostFormValue("code"), p.client(r))
	}
	if err == nil && result.Step == flow.Waiting {
		return web.Redirect(w, r, "/2fa/recovery-wait")
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskFactor, flow.AskOtherProof)
		if u == nil {
			return nil, lookErr
		}
		return p.textView(r, u)
	})
}

func (p *Portal) recoveryCodeView() *RecoveryCode {
	v := &RecoveryCode{Action: "/2fa/recovery-code"}
	v.Back = web.Link{Href: "/2fa/other", Words: "button.other-way"}
	return v
}

func (p *Portal) getRecoveryCode(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskFactor, flow.AskOtherProof)
	if u == nil {
		return err
	}
	return p.draw(w, r, p.recoveryCodeView())
}

func (p *Portal) postRecoveryCode(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.CodeProof(r.Context(), post, r.PostFormValue("recovery"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskFactor, flow.AskOtherProof)
		if u == nil {
			return nil, lookErr
		}
		return p.recoveryCodeView(), nil
	})
}

func (p *Portal) replaceView(u *flow.Under) *Replace {
	v := &Replace{Action: "/2fa/replace", Ask: u.Step == flow.AskStillHave, Stops: factor.Working(u.Factors)}
	v.SignOut = true
	if u.Attempt.Data.By == flow.ByCode {
		notice := web.Notice{Kind: "info", Text: p.Site.SayCount("recovery-code.left", u.CodesLeft()), Role: "status"}
		v.Notices = append(v.Notices, notice)
	}
	return v
}

func (p *Portal) getReplace(w http.ResponseWriter, r *http.Request) error {
	u, err := p.at(w, r, flow.AskStillHave, flow.AskReplace)
	if u == nil {
		return err
	}
	return p.draw(w, r, p.replaceView(u))
}

func (p *Portal) postReplace(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.StillHave(r.Context(), post, r.PostFormValue("still"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskStillHave, flow.AskReplace)
		if u == nil {
			return nil, lookErr
		}
		return p.replaceView(u), nil
	})
}

// recoveryWait shows a recovery with a delay: in the attempt that it ended, and
// in any later one whose password was right.
func (p *Portal) recoveryWait(w http.ResponseWriter, r *http.Request) error {
	u, err := p.look(r)
	if err != nil {
		return err
	}
	if u == nil || u.Recovery == nil || u.Over != "" && u.Over != flow.OverWaiting {
		return p.noAttempt(w, r, u)
	}
	rec := u.Recovery
	v := &RecoveryWait{From: rec.OpenAt, Until: rec.Until, Left: rec.OpenAt.Sub(u.Now), At: rec.EndedAt, Signed: u.Over == "", HasApp: factor.Working(u.Factors)}
	switch rec.State(u.Now) {
	case flow.RecoveryWaits:
		v.State = RecoveryWaiting
	case flow.RecoveryIsOpen:
		v.State = RecoveryOpen
	case flow.RecoveryLapsed, flow.RecoveryUsed:
		v.State = RecoveryLapsed
	default:
		v.State = map[string]RecoveryState{flow.ByAppCode: RecoveryCancelledByCode, flow.ByChange: RecoveryCancelledByChange,
			flow.ByDispute: RecoveryDisputed, flow.ByRestoring: RecoveryRestored}[rec.Ended]
	}
	return p.draw(w, r, v)
}

func (p *Portal) setupCodeView(r *http.Request, u *flow.Under) (*SetupCode, error) {
	v := &SetupCode{Action: "/2fa/setup-code"}
	v.SignOut = true
	link, err := p.Flow.People.LinkAlive(r.Context(), person.SetupCode, u.Person.ID, u.Now)
	if link != nil {
		v.Expires = link.EndsAt
	}
	return v, err
}

func (p *Portal) getSetupCode(w http.ResponseWriter, r *http.Request) error {
	u, err := p.atCode(w, r, flow.AskSetupCode, flow.AskOtherProof)
	if u == nil {
		return err
	}
	v, err := p.setupCodeView(r, u)
	if err != nil {
		return err
	}
	return p.draw(w, r, v)
}

func (p *Portal) postSetupCode(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.SetupCodeProof(r.Context(), post, r.PostFormValue("code"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskSetupCode, flow.AskOtherProof)
		if u == nil {
			return nil, lookErr
		}
		return p.setupCodeView(r, u)
	})
}

func (p *Portal) mustChangeView(u *flow.Under) *Password {
	v := &Password{Action: "/2fa/password", Name: u.Person.Name, Min: p.Flow.Rules().Min, Must: true, Short: u.Attempt.Data.Short && !u.Person.MustChange}
	v.SignOut = true
	return v
}

func (p *Portal) getMustChange(w http.ResponseWriter, r *http.Request) error {
	u, err := p.at(w, r, flow.AskNewPassword)
	if u == nil {
		return err
	}
	return p.draw(w, r, p.mustChangeView(u))
}

func (p *Portal) postMustChange(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.MustChange(r.Context(), post, r.PostFormValue("password"), p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	return p.failed(w, r, err, func() (web.View, error) {
		u, lookErr := p.at(w, r, flow.AskNewPassword)
		if u == nil {
			return nil, lookErr
		}
		return p.mustChangeView(u), nil
	})
}

func (p *Portal) invitationView(r *http.Request, who *person.Person) (*Invitation, error) {
	v := &Invitation{Action: "/invitation/" + r.PathValue("token"), Name: who.Name, Min: p.Flow.Rules().Min, Again: who.Password != ""}
	s, err := p.signed(r)
	if err != nil {
		return nil, err
	}
	if s != nil && s.Over == "" && s.Person.ID != who.ID {
		v.Other = s.Person.Shown()
	}
	return v, nil
}

func (p *Portal) getInvitation(w http.ResponseWriter, r *http.Request) error {
	who, err := p.Flow.Invitation(r.Context(), r.PathValue("token"))
	if err != nil {
		return p.deadInvitation(w, r, err)
	}
	v, err := p.invitationView(r, who)
	if err != nil {
		return err
	}
	return p.draw(w, r, v)
}

// deadInvitation says what became of an invitation that does not work.
func (p *Portal) deadInvitation(w http.ResponseWriter, r *http.Request, err error) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Gone && f.Kind != fault.Missing {
		return err
	}
	if u, lookErr := p.look(r); lookErr == nil && u != nil && u.Over == "" && f.Word == "invitation.used" {
		return web.Redirect(w, r, pages[u.Step]) // Back after saving goes forward
	}
	return p.Page(w, r, web.Status(f), &Error{Kind: ErrorInvitation, Text: p.Site.Say(f.Word, f.Args...), SignIn: f.Word == "invitation.used"})
}

func (p *Portal) postInvitation(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	var result flow.Result
	if err == nil {
		result, err = p.Flow.AcceptInvitation(r.Context(), r.PathValue("token"), r.PostFormValue("password"), post, p.client(r))
	}
	if err == nil {
		return p.onward(w, r, result)
	}
	if f := fault.Of(err); f == nil || f.Kind == fault.Gone || f.Kind == fault.Missing {
		return p.deadInvitation(w, r, err)
	}
	who, whoErr := p.Flow.Invitation(r.Context(), r.PathValue("token"))
	if whoErr != nil {
		return p.deadInvitation(w, r, whoErr)
	}
	v, viewErr := p.invitationView(r, who)
	if viewErr != nil {
		return viewErr
	}
	return p.again(w, r, err, v)
}
