package portal

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/words"
	"sallyport/front/web"
)

// outageRetry is when to come back after a problem at our end, for programs.
const outageRetry = 5 * time.Second

// draw writes a page in its ordinary state.
func (p *Portal) draw(w http.ResponseWriter, r *http.Request, view web.View) error {
	f := view.Base()
	p.carried(r, f)
	return p.Page(w, r, http.StatusOK, view)
}

// again draws the page of a form that was refused, with what is wrong. Faults of
// the person become problems by their field; problems at our end are notices and
// never look like theirs. What is no fault goes to the error page.
func (p *Portal) again(w http.ResponseWriter, r *http.Request, err error, view web.View) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	frame := view.Base()
	early := f.Word == "text.early" || f.Word == "mail.early"
	if early {
		f.Args = append(f.Args, "wait", moreSeconds(f.Wait))
	}
	switch {
	case f.Kind == fault.Busy || f.Kind == fault.Outage || early || f.Word == "form.stale":
		frame.Notices = append(frame.Notices, web.Notice{Kind: "info", Text: p.Site.Problem(f).Text, Role: "status"})
	default:
		frame.Problems = append(frame.Problems, p.Site.Problem(f))
	}
	status := web.Status(f)
	web.RetryAfter(w, status, f)
	return p.Page(w, r, status, view)
}

func moreSeconds(wait time.Duration) string {
	n := int((wait + time.Second - 1) / time.Second)
	if n == 1 {
		return words.Text("duration.more-second")
	}
	if n < 90 {
		return words.Text("duration.more-seconds", "n", n)
	}
	return web.Duration(wait)
}

// refusal answers what is no business of one page: an attempt that is over, a
// step that is not due, a wait. handled says that it was one of these.
func (p *Portal) refusal(w http.ResponseWriter, r *http.Request, err error) (handled bool, answer error) {
	f := fault.Of(err)
	if f == nil {
		return false, nil
	}
	switch {
	case f.Kind == fault.Gone && len(f.Word) > 8 && f.Word[:8] == "attempt.":
		u, err := p.look(r)
		if err != nil {
			return true, err
		}
		return true, p.noAttempt(w, r, u)
	case f.Word == "step.first", f.Word == "started-again":
		u, err := p.look(r)
		if err != nil {
			return true, err
		}
		if u == nil || u.Over != "" {
			return true, p.noAttempt(w, r, u)
		}
		if u.Step == flow.Held || u.Step == flow.TurnedOff || u.Step == flow.LaneClosed {
			return true, p.refused(w, r, u.Step)
		}
		return true, p.move(w, r, pages[u.Step], f.Word)
	case f.Word == "now-required":
		return true, p.move(w, r, "/2fa/start", "now-required")
	case f.Word == "code.wait":
		return true, p.codesWait(w, r, f)
	}
	return false, nil
}

// failed answers a post of an attempt that was refused: with a page of its own,
// or with the form again.
func (p *Portal) failed(w http.ResponseWriter, r *http.Request, err error, draw func() (web.View, error)) error {
	if handled, answer := p.refusal(w, r, err); handled {
		return answer
	}
	if fault.Of(err) == nil {
		return err
	}
	view, drawErr := draw()
	if drawErr != nil {
		return drawErr
	}
	if view == nil {
		return nil // answered already
	}
	return p.again(w, r, err, view)
}

// atCode is at for a page that takes a code: while none is taken the wait stands in
// its place, with the time that is left.
func (p *Portal) atCode(w http.ResponseWriter, r *http.Request, steps ...flow.Step) (*flow.Under, error) {
	u, err := p.at(w, r, steps...)
	if u == nil || u.Wait == 0 {
		return u, err
	}
	return nil, p.codesWait(w, r, fault.New(fault.TooMany, "code.wait").After(u.Wait))
}

// waits is the same for somebody signed in; done says that it has answered.
func (p *Portal) waits(w http.ResponseWriter, r *http.Request, s *flow.Signed) (done bool, err error) {
	wait, err := p.Flow.Waiting(r.Context(), s)
	if err != nil || wait == 0 {
		return err != nil, err
	}
	return true, p.codesWait(w, r, fault.New(fault.TooMany, "code.wait").After(wait))
}

// codesWait is S17 after too many wrong codes.
func (p *Portal) codesWait(w http.ResponseWriter, r *http.Request, f *fault.Fault) error {
	v := &Wait{Kind: WaitCodes, Wait: f.Wait, Retry: r.URL.Path, To: r.URL.Query().Get("to")}
	if strings.HasPrefix(v.Retry, "/2fa/text/") {
		v.Retry = "/2fa/other" // what was pressed has no page of its own
	}
	v.SignOut = true
	w.Header().Set("Retry-After", strconv.Itoa(int((f.Wait+time.Second-1)/time.Second)))
	return p.Page(w, r, http.StatusTooManyRequests, v)
}

// textsWait is S17 after too many texts: the last code may still be good.
func (p *Portal) textsWait(w http.ResponseWriter, r *http.Request, f *fault.Fault, code phone.TextCode, back string) error {
	v := &Wait{Kind: WaitTexts, Wait: f.Wait, Code: back}
	if now := p.Now(); code.Alive(now) {
		v.Life = code.FirstAt.Add(phone.CodeLife).Sub(now)
	}
	v.SignOut = true
	w.Header().Set("Retry-After", strconv.Itoa(int((f.Wait+time.Second-1)/time.Second)))
	return p.Page(w, r, http.StatusTooManyRequests, v)
}

// manyTexts says whether a fault is that too many texts were asked for.
func manyTexts(err error) (*fault.Fault, bool) {
	f := fault.Of(err)
	return f, f != nil && f.Word == "text.wait"
}

// refused is what a right password gets when nothing may follow it.
func (p *Portal) refused(w http.ResponseWriter, r *http.Request, step flow.Step) error {
	switch step {
	case flow.Held:
		return p.Page(w, r, http.StatusForbidden, &Held{})
	case flow.LaneClosed:
		v := &Wait{Kind: WaitClosed, Forgot: p.forgotAt()}
		v.SignOut = true
		return p.Page(w, r, http.StatusForbidden, v)
	}
	return p.Page(w, r, http.StatusForbidden, &Error{Kind: ErrorTurnedOff})
}

// over is S19 for an attempt: why it ended.
func (p *Portal) over(w http.ResponseWriter, r *http.Request, u *flow.Under) error {
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusForbidden
	}
	v := &SignedOut{SignIn: signInAgain(u.Attempt.Data.ReturnTo)}
	switch u.Over {
	case flow.OverWaiting:
		return p.move(w, r, "/2fa/recovery-wait", "")
	case flow.OverElsewhere:
		s := p.signInView(r, "")
		s.Notices = append(s.Notices, web.Notice{Kind: "warning", Role: "alert",
			Text: p.Site.Say("set-up-elsewhere", "time", u.Attempt.EndedAt)})
		return p.Page(w, r, status, s)
	case flow.OverIdle:
		v.Reason, v.After = EndAttempt, flow.CodeIdle
	case flow.OverSetupIdle, flow.OverLong:
		v.Reason, v.After = EndSetup, flow.SetupIdle
	case flow.OverByChange:
		v.Reason = EndFactor
	default:
		return web.Redirect(w, r, "/sign-in")
	}
	return p.Page(w, r, status, v)
}

func signInAgain(returnTo string) string {
	if back := web.ReturnTo(returnTo); back != "" {
		return "/sign-in?rd=" + template.URLQueryEscaper(back)
	}
	return "/sign-in"
}

// ended is S19 for a session: why it ended, and the way back to where they were.
func (p *Portal) ended(w http.ResponseWriter, r *http.Request, s *flow.Signed) error {
	_, back, _ := changeAt(r.URL.Path) // a form has no page of its own
	if r.Method == http.MethodGet {
		back = r.URL.RequestURI()
	}
	v := &SignedOut{SignIn: signInAgain(back)}
	times := p.Flow.Times()
	switch s.Over {
	case session.EndedByIdling:
		v.Reason, v.After = EndIdle, times.Idle
	case session.EndedByTime:
		v.Reason, v.After = EndTime, times.Length
	case session.EndedByFactor:
		v.Reason = EndFactor
	case session.EndedByPassword:
		v.Reason = EndPassword
	case session.EndedElsewhere:
		v.Reason = EndElsewhere
	case session.EndedByOperator, session.EndedByDispute:
		v.Reason = EndAdministrator
	default:
		return web.Redirect(w, r, v.SignIn)
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusForbidden
	}
	return p.Page(w, r, status, v)
}

// ErrorPage makes the page of an error.
func ErrorPage(site *web.Site) func(*http.Request, int, *fault.Fault, string) web.View {
	return func(_ *http.Request, status int, f *fault.Fault, reference string) web.View {
		v := &Error{Reference: reference}
		switch {
		case f != nil && f.Kind == fault.Invalid:
			v.Kind, v.Text = ErrorForm, site.Say(f.Word, f.Args...)
		case f != nil && (f.Kind == fault.Gone || f.Kind == fault.Missing) && words.Text(f.Word)[0] != '!':
			v.Kind, v.Text = ErrorGone, site.Say(f.Word, f.Args...)
		case f != nil && f.Kind == fault.Denied && (strings.HasPrefix(f.Word, "door.") || strings.HasPrefix(f.Word, "oidc.")):
			v.Kind, v.Text, v.SignOut = ErrorApp, site.Say(f.Word, f.Args...), true
		case status == http.StatusNotFound:
			v.Kind = ErrorMissing
		case status == http.StatusRequestEntityTooLarge:
			v.Kind = ErrorLarge
		case status >= 500:
			v.Kind = ErrorOutage
		default:
			v.Kind = ErrorDenied
		}
		return v
	}
}
