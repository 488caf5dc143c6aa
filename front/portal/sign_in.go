package portal

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/session"
	"sallyport/front/web"
)

// wantsSetUp stands in the form's token, before the address to return to, when
// somebody with a session of level one asked to set up 2FA.
const wantsSetUp = "configure:"

func (p *Portal) signInView(r *http.Request, username string) *SignIn {
	return &SignIn{Action: "/sign-in", App: p.Destination(r), Username: username, Forgot: p.forgotAt()}
}

// filled is a name that an address fills the form in with: nothing of it is
// believed.
func filled(name string) string {
	if utf8.RuneCountInString(name) > 64 || !utf8.ValidString(name) {
		return ""
	}
	return name
}

// getSignIn draws the form. The address to return to rides in its token, so that
// nothing is stored before the password is right.
func (p *Portal) getSignIn(w http.ResponseWriter, r *http.Request) error {
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	name, setUp := filled(r.URL.Query().Get("name")), false
	if s != nil {
		setUp = r.URL.Query().Get("set-up") != "" && s.Session.Level == session.One
		again := setUp || r.URL.Query().Get("again") != ""
		if s.Over == "" && !again {
			return p.signedIn(w, r, s)
		}
		name = s.Person.Name
	}
	if u, err := p.look(r); err != nil {
		return err
	} else if u != nil && u.Over == "" && r.URL.Query().Get("rd") == "" && s == nil {
		return web.Redirect(w, r, pages[u.Step]) // Back after signing in goes forward again
	}
	back := web.ReturnTo(r.URL.Query().Get("rd"))
	web.Returning(r, back)
	v := p.signInView(r, name)
	if s != nil && s.Over == "" && setUp {
		back = wantsSetUp + back
	}
	v.FormToken, v.FormID = p.Token(w, r, back)
	return p.draw(w, r, v)
}

func (p *Portal) signedIn(w http.ResponseWriter, r *http.Request, s *flow.Signed) error {
	v := &SignedIn{Person: s.Person.Shown(), Name: s.Person.Name, Next: "/account/security", Off: s.Session.Level == session.One}
	if back := web.ReturnTo(r.URL.Query().Get("rd")); back != "" {
		v.Next = back
	}
	if p.Apps != nil {
		v.Apps = p.Apps(s)
	}
	p.frame(&v.Frame, s)
	return p.draw(w, r, v)
}

func (p *Portal) postSignIn(w http.ResponseWriter, r *http.Request) error {
	username := strings.TrimSpace(r.PostFormValue("username"))
	form, bad := p.ReadToken(r)
	back, setUp := strings.CutPrefix(form.ReturnTo, wantsSetUp)
	back = web.ReturnTo(back)
	web.Returning(r, back)
	view := p.signInView(r, username)
	view.FormToken, view.FormID = p.Token(w, r, form.ReturnTo)
	switch bad {
	case web.FormNoCookie:
		if r.PostFormValue("token") == "" {
			return web.StatusError(http.StatusForbidden)
		}
		return p.signInAgain(w, r, fault.New(fault.Denied, "sign-in.cookies"), view)
	case web.FormForged:
		return web.StatusError(http.StatusForbidden)
	case web.FormStale:
		return p.signInAgain(w, r, fault.New(fault.Invalid, "sign-in.stale"), view)
	}
	result, err := p.Flow.SignIn(r.Context(), flow.SignIn{Name: username, Password: r.PostFormValue("password"), Form: form.ID,
		Browser: p.Browser(r), ReturnTo: back, SetUp: setUp}, p.client(r))
	if err != nil {
		return p.signInAgain(w, r, err, view)
	}
	if result.Session == "" && result.Attempt == "" {
		return p.refused(w, r, result.Step)
	}
	return p.onward(w, r, result)
}

// signInAgain draws the form with what is wrong: the same page for every name.
func (p *Portal) signInAgain(w http.ResponseWriter, r *http.Request, err error, view *SignIn) error {
	f := fault.Of(err)
	switch {
	case f == nil:
		f = fault.New(fault.Outage, "sign-in.outage").After(outageRetry)
		p.Log.Error("sign-in failed", "request", web.Reference(r), "error", err)
	case f.Word == "sign-in.wait":
		return p.passwordWait(w, r, f, "/sign-in")
	case f.Kind == fault.Busy:
		w.Header().Set("Retry-After", "5")
		return p.Page(w, r, http.StatusServiceUnavailable, &Busy{SignIn: *view})
	case f.Word == "sign-in.wrong":
		view.BothWrong = true
	case f.Word == "sign-in.stale":
		view.Notices = append(view.Notices, web.Notice{Kind: "info", Text: p.Site.Say(f.Word), Role: "status"})
		return p.Page(w, r, http.StatusUnprocessableEntity, view)
	}
	return p.again(w, r, f, view)
}

// passwordWait is S17 after too many wrong passwords.
func (p *Portal) passwordWait(w http.ResponseWriter, r *http.Request, f *fault.Fault, retry string) error {
	w.Header().Set("Retry-After", strconv.Itoa(int((f.Wait+time.Second-1)/time.Second)))
	return p.Page(w, r, http.StatusTooManyRequests, &Wait{Kind: WaitPassword, Wait: f.Wait, Retry: retry})
}

func (p *Portal) askSignOut(w http.ResponseWriter, r *http.Request) error {
	v := &Question{Title: "confirm.sign-out-title", Button: "button.sign-out", Action: "/sign-out", Cancel: "/"}
	return p.draw(w, r, v)
}

// signOut ends session and attempt of this browser.
func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil && fault.Of(err) == nil {
		return err // a stale form may still sign out
	}
	client := p.client(r)
	forget := r.PostFormValue("forget") == "yes"
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	if err := p.Flow.SignOut(r.Context(), p.Cookie(r, "session"), forget, client); err != nil {
		return err
	}
	if err := p.Flow.Leave(r.Context(), p.Cookie(r, "attempt"), client); err != nil {
		return err
	}
	p.SetCookie(w, "session", "", -time.Second)
	p.SetCookie(w, "attempt", "", -time.Second)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	if p.Ended != nil {
		p.Ended(w, r)
	}
	switch then := r.PostFormValue("then"); {
	case then == "sign-in", then == "recover" && s == nil:
		return web.Redirect(w, r, "/sign-in")
	case then == "recover":
		return web.Redirect(w, r, "/sign-in?name="+url.QueryEscape(s.Person.Name))
	case strings.HasPrefix(then, "/invitation/") && web.ReturnTo(then) == then:
		return web.Redirect(w, r, then)
	}
	return web.Redirect(w, r, "/signed-out")
}

func (p *Portal) signedOut(w http.ResponseWriter, r *http.Request) error {
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	if s != nil && s.Over == "" {
		return web.Redirect(w, r, "/account/security")
	}
	v := &SignedOut{Reason: EndChosen, Known: p.Cookie(r, "known") != "", SignIn: "/sign-in"}
	return p.draw(w, r, v)
}

// forgetThis drops this browser's mark as a known one: it then counts as new.
func (p *Portal) forgetThis(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	if err := p.Flow.ForgetCookie(r.Context(), p.Cookie(r, "known")); err != nil {
		return err
	}
	p.SetCookie(w, "known", "", -time.Second)
	p.SetCookie(w, "setup", "", -time.Second)
	return p.move(w, r, "/signed-out", "signed-out.forgotten")
}
