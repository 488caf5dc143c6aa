package portal

import (
	"net/http"
	"net/url"
	"strings"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/front/web"
)

// confirmFirst asks for password and code, and comes back to where the change
// begins.
func (p *Portal) confirmFirst(w http.ResponseWriter, r *http.Request) error {
	at := r.URL.Path
	if r.Method == http.MethodGet {
		at = r.URL.RequestURI()
	}
	return web.Redirect(w, r, "/confirm?to="+url.QueryEscape(at))
}

// changes are the words for what somebody is about to do, by where it begins,
// and whether the password alone is enough.
func changeAt(to string) (word, back string, passwordOnly bool) {
	u, err := url.Parse(to)
	if err != nil {
		return "", "", false
	}
	switch path := u.Path; {
	case strings.HasPrefix(path, "/.sallyport/"), strings.HasPrefix(path, "/oidc/"):
		return "change.enter-app", u.RequestURI(), false
	case strings.HasPrefix(path, "/account/phone/remove"):
		return "change.remove-number", path, false
	case strings.HasPrefix(path, "/account/phone"):
		return "change.number", strings.TrimSuffix(path, "/again"), false
	case path == "/account/app", strings.HasPrefix(path, "/account/app/"):
		return "change.add-app", "/account/app", false
	case strings.HasPrefix(path, "/account/apps/") && strings.HasSuffix(path, "/name"):
		return "change.rename-app", path, false
	case strings.HasPrefix(path, "/account/apps/") && strings.HasSuffix(path, "/replace"):
		return "change.replace-app", path, false
	case strings.HasPrefix(path, "/account/apps/"):
		return "change.remove-app", path, false
	case strings.HasPrefix(path, "/account/codes/new"):
		return "change.codes", path, false
	case strings.HasPrefix(path, "/account/2fa/off"):
		return "change.turn-off", path, false
	case strings.HasPrefix(path, "/account/mail/remove"):
		return "change.remove-mail", path, false
	case strings.HasPrefix(path, "/account/mail"):
		return "change.mail", "/account/mail", false
	case path == "/account/password":
		return "change.password", path, false
	case strings.HasPrefix(path, "/account/let-in/"):
		return "change.withdraw", "/account/security", true
	case strings.HasPrefix(path, "/account/browsers/") && strings.HasSuffix(path, "/forget"):
		return "change.forget", "/account/security", true
	case path == "/account/browsers/sign-out":
		return "change.sign-out-all", "/account/security", true
	case strings.HasPrefix(path, "/account/browsers/"):
		return "change.sign-out", "/account/security", true
	}
	return "", "", false
}

func (p *Portal) confirmView(r *http.Request, s *flow.Signed) (*Confirm, string) {
	to := web.ReturnTo(r.FormValue("to"))
	web.Returning(r, to)
	word, back, passwordOnly := changeAt(to)
	if word == "" {
		word, back = "change.password", "/account/security"
	}
	recovery := r.URL.Query().Get("with") == "recovery"
	at := "/confirm?to=" + url.QueryEscape(to)
	v := &Confirm{Action: at, Change: word, PasswordOnly: passwordOnly, Recovery: recovery, Switch: at + "&with=recovery", Cancel: "/account/security"}
	if recovery {
		v.Action, v.Switch = at+"&with=recovery", at
	}
	p.frame(&v.Frame, s)
	return v, back
}

func (p *Portal) getConfirm(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	v, _ := p.confirmView(r, s)
	if !v.PasswordOnly {
		if done, err := p.waits(w, r, s); done {
			return err
		}
	}
	return p.draw(w, r, v)
}

func (p *Portal) postConfirm(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	if err != nil && fault.Of(err) == nil {
		return err
	}
	word, back, passwordOnly := changeAt(web.ReturnTo(r.FormValue("to")))
	if word == "" {
		back = "/account/security"
	}
	var result flow.Result
	if err == nil {
		// Before anything looks at the session: the same form posted twice comes
		// with a name that has just been renewed.
		result, err = p.Flow.Confirm(r.Context(), p.Cookie(r, "session"), flow.Confirmation{Form: post.Form, Password: r.PostFormValue("password"),
			Code: r.PostFormValue("code"), Recovery: r.PostFormValue("recovery"), ByRecovery: r.URL.Query().Get("with") == "recovery",
			PasswordOnly: passwordOnly}, p.client(r))
	}
	if err == nil {
		p.cookies(w, result)
		return web.Redirect(w, r, back)
	}
	s, ownerErr := p.owner(w, r)
	if s == nil {
		return ownerErr
	}
	v, _ := p.confirmView(r, s)
	if f := fault.Of(err); f != nil && f.Word == "code.wait" {
		return p.codesWait(w, r, f)
	} else if f != nil && f.Word == "sign-in.wait" {
		return p.passwordWait(w, r, f, r.URL.RequestURI())
	}
	return p.again(w, r, err, v)
}
