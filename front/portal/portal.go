package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mileusna/useragent"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/manage"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/words"
	"sallyport/front/web"
)

// Portal answers the pages of sign-in, set-up, recovery and the account. It
// decides nothing: it reads a form, asks the core, and draws what the core says.
type Portal struct {
	*web.Kit
	Flow           *flow.Machine
	Manage         *manage.Manager
	Countries      func() []phone.Country // that texts may go to
	DefaultCountry string
	Charge         bool // say that networks may charge for texts
	Delayed        func(context.Context) bool
	Outbox         func() []DemoMessage // of the demo, or nil
	OutboxPath     string
	// Ended, where it is set, removes the cookies that signing out leaves elsewhere.
	Ended func(http.ResponseWriter, *http.Request)
	LetIn LetIn
	// Apps are those that somebody may enter.
	Apps func(*flow.Signed) []AppLink
}

// pages is the portal's table from step to page.
var pages = map[flow.Step]string{
	flow.Refuse:         "/sign-in",
	flow.AskPassword:    "/sign-in",
	flow.TurnedOff:      "/2fa",
	flow.Held:           "/2fa",
	flow.LaneClosed:     "/2fa",
	flow.AskInvitation:  "/2fa/start",
	flow.AskSetupCode:   "/2fa/setup-code",
	flow.OfferSetup:     "/2fa/start",
	flow.AskInstall:     "/2fa/setup/app",
	flow.AskNumber:      "/2fa/setup/phone",
	flow.AskTextCode:    "/2fa/setup/phone/code",
	flow.ShowSecret:     "/2fa/setup/scan",
	flow.AskNewFactor:   "/2fa/setup/code",
	flow.AskFactor:      "/2fa",
	flow.AskOtherProof:  "/2fa/other",
	flow.AskStillHave:   "/2fa/replace",
	flow.AskReplace:     "/2fa/replace",
	flow.Waiting:        "/2fa/recovery-wait",
	flow.AskNewPassword: "/2fa/password",
	flow.Done:           "/account/security",
}

// Routes are the portal's pages, by their patterns.
func (p *Portal) Routes() map[string]http.Handler {
	all := map[string]http.Handler{}
	for pattern, h := range p.routes() {
		all[pattern] = p.Handle(h)
	}
	return all
}

type handler = func(http.ResponseWriter, *http.Request) error

func (p *Portal) routes() map[string]handler {
	routes := map[string]handler{
		"GET /{$}":                             p.home,
		"GET /account":                         p.home,
		"GET /sign-in":                         p.getSignIn,
		"POST /sign-in":                        p.postSignIn,
		"GET /sign-out":                        p.askSignOut,
		"POST /sign-out":                       p.signOut,
		"GET /signed-out":                      p.signedOut,
		"POST /signed-out/forget":              p.forgetThis,
		"GET /2fa":                             p.getFactor,
		"POST /2fa":                            p.postFactor,
		"GET /2fa/start":                       p.getPrompt,
		"GET /2fa/start/again":                 p.askStartAgain,
		"POST /2fa/start/again":                p.startAgain,
		"POST /2fa/not-now":                    p.notNow,
		"GET /2fa/setup":                       p.carryOn,
		"GET /2fa/setup/app":                   p.getInstall,
		"POST /2fa/setup/app":                  p.postInstall,
		"GET /2fa/setup/phone":                 p.getNumber,
		"POST /2fa/setup/phone":                p.postNumber,
		"GET /2fa/setup/phone/code":            p.getNumberCode,
		"POST /2fa/setup/phone/code":           p.postNumberCode,
		"POST /2fa/setup/phone/code/again":     p.numberAgain,
		"GET /2fa/setup/phone/code/state":      p.setupState,
		"GET /2fa/setup/scan":                  p.getScan,
		"POST /2fa/setup/scan":                 p.postScan,
		"POST /2fa/setup/scan/new":             p.newQR,
		"GET /2fa/setup/qr.png":                p.setupQR,
		"GET /2fa/setup/code":                  p.getNewFactor,
		"POST /2fa/setup/code":                 p.postNewFactor,
		"GET /2fa/setup/finish":                p.getFinish,
		"POST /2fa/setup/finish":               p.postFinish,
		"GET /2fa/setup/codes.txt":             p.codesFile,
		"GET /2fa/other":                       p.getOther,
		"GET /2fa/text":                        p.getText,
		"GET /2fa/text/state":                  p.textState,
		"POST /2fa/text":                       p.postText,
		"POST /2fa/text/send":                  p.sendText,
		"POST /2fa/text/again":                 p.sendText,
		"GET /2fa/recovery-code":               p.getRecoveryCode,
		"POST /2fa/recovery-code":              p.postRecoveryCode,
		"GET /2fa/replace":                     p.getReplace,
		"POST /2fa/replace":                    p.postReplace,
		"GET /2fa/recovery-wait":               p.recoveryWait,
		"GET /2fa/setup-code":                  p.getSetupCode,
		"POST /2fa/setup-code":                 p.postSetupCode,
		"GET /2fa/password":                    p.getMustChange,
		"POST /2fa/password":                   p.postMustChange,
		"GET /invitation/{token}":              p.getInvitation,
		"POST /invitation/{token}":             p.postInvitation,
		"GET /forgot":                          p.getForgot,
		"POST /forgot":                         p.postForgot,
		"GET /forgot/sent":                     p.forgotSent,
		"GET /password/{token}":                p.getPasswordLink,
		"POST /password/{token}":               p.postPasswordLink,
		"GET /not-me/{token}":                  p.getNotMe,
		"POST /not-me/{token}":                 p.postNotMe,
		"GET /confirm":                         p.getConfirm,
		"POST /confirm":                        p.postConfirm,
		"GET /account/security":                p.security,
		"POST /account/stay":                   p.stay,
		"GET /account/activity":                p.activity,
		"GET /account/activity/{link}/not-me":  p.getOwnNotMe,
		"POST /account/activity/{link}/not-me": p.postOwnNotMe,
		"GET /account/password":                p.getPassword,
		"POST /account/password":               p.postPassword,
		"GET /account/mail":                    p.getMail,
		"POST /account/mail":                   p.postMail,
		"POST /account/mail/again":             p.mailAgain,
		"GET /account/mail/remove":             p.askRemoveMail,
		"POST /account/mail/remove":            p.removeMail,
		"GET /mail-confirmed":                  p.mailConfirmed,
		"GET /account/mail/{token}":            p.getMailLink,
		"POST /account/mail/{token}":           p.postMailLink,
		"GET /account/phone":                   p.getAccountPhone,
		"POST /account/phone":                  p.postAccountPhone,
		"GET /account/phone/code":              p.getAccountPhoneCode,
		"POST /account/phone/code":             p.postAccountPhoneCode,
		"POST /account/phone/code/again":       p.accountPhoneAgain,
		"GET /account/phone/code/state":        p.changeState,
		"GET /account/phone/remove":            p.askRemovePhone,
		"POST /account/phone/remove":           p.removePhone,
		"GET /account/app":                     p.getAccountApp,
		"POST /account/app":                    p.postAccountApp,
		"POST /account/app/new":                p.accountAppNew,
		"GET /account/app/qr.png":              p.accountQR,
		"GET /account/app/code":                p.getAccountAppCode,
		"POST /account/app/code":               p.postAccountAppCode,
		"GET /account/apps/{id}/name":          p.security,
		"POST /account/apps/{id}/name":         p.renameApp,
		"GET /account/apps/{id}/replace":       p.getAccountApp,
		"GET /account/apps/{id}/remove":        p.askRemoveApp,
		"POST /account/apps/{id}/remove":       p.removeApp,
		"GET /account/codes":                   p.getFinish,
		"POST /account/codes":                  p.postFinish,
		"GET /account/codes/new":               p.askNewCodes,
		"POST /account/codes/new":              p.newCodes,
		"GET /account/2fa/off":                 p.askTurnOff,
		"POST /account/2fa/off":                p.turnOff,
		"POST /account/browsers/sign-out":      p.signOutOthers,
		"POST /account/browsers/{id}/sign-out": p.signOutOne,
		"POST /account/browsers/{id}/forget":   p.forgetOne,
		"POST /account/let-in/{id}/withdraw":   p.withdraw,
		"GET /.well-known/change-password":     p.changePassword,
		"/":                                    p.notFound,
	}
	if p.OutboxPath != "" {
		routes["GET /demo/outbox/{secret}"] = p.outbox // the log holds patterns: the name stays out of it
	}
	return routes
}

func (p *Portal) home(w http.ResponseWriter, r *http.Request) error {
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	if s != nil && s.Over == "" {
		return web.Redirect(w, r, "/account/security")
	}
	return web.Redirect(w, r, "/sign-in")
}

func (p *Portal) notFound(http.ResponseWriter, *http.Request) error {
	return web.StatusError(http.StatusNotFound)
}

func (p *Portal) changePassword(w http.ResponseWriter, r *http.Request) error {
	return web.Redirect(w, r, "/account/password")
}

// client is the browser of a request, as the core sees it.
func (p *Portal) client(r *http.Request) flow.Client {
	at := web.Address(r, p.Proxies)
	return flow.Client{Address: at.Limit, Shown: at.Shown, Agent: agent(r.UserAgent()), Request: web.Reference(r),
		Known: p.Cookie(r, "known"), Setup: p.Cookie(r, "setup"), Session: p.Cookie(r, "session")}
}

// Client is the browser of a request, for other fronts.
func (p *Portal) Client(r *http.Request) flow.Client { return p.client(r) }

// Framed fills what every page of somebody signed in has around it, for other fronts.
func (p *Portal) Framed(f *web.Frame, s *flow.Signed) { p.frame(f, s) }

// agent names browser and system: a label for people, never an input to a rule.
func agent(header string) string {
	if len(header) > 512 {
		header = header[:512]
	}
	ua := useragent.Parse(header)
	name, system := ua.Name, ua.OS
	switch {
	case system == "macOS":
		system = "Mac"
	case strings.Contains(header, "iPhone"):
		system = "iPhone"
	}
	known := []string{"Firefox", "Chrome", "Safari", "Edge", "Opera", "Samsung Browser", "Headless Chrome"}
	if !slices.Contains(known, name) {
		name = ""
	}
	switch {
	case name != "" && system != "":
		return name + " on " + system
	case name != "":
		return name
	}
	return words.Text("activity.unknown-browser")
}

// signed reads the session of a request; nil when there is none.
func (p *Portal) signed(r *http.Request) (*flow.Signed, error) {
	s, err := p.Flow.Signed(r.Context(), p.Cookie(r, "session"))
	if s != nil && s.Session.Data.CodesWhy != "" {
		web.Returning(r, s.Session.Data.ReturnTo)
	}
	return s, err
}

// look reads the attempt of a request; nil when there is none.
func (p *Portal) look(r *http.Request) (*flow.Under, error) {
	u, err := p.Flow.Look(r.Context(), p.Cookie(r, "attempt"), p.client(r))
	if u != nil {
		web.Returning(r, u.Attempt.Data.ReturnTo)
	}
	return u, err
}

// post is what a form of an attempt sends besides its fields. A form without a
// good token changes nothing.
func (p *Portal) post(r *http.Request) (flow.Post, error) {
	form, bad := p.ReadToken(r)
	switch bad {
	case web.FormNoCookie, web.FormForged:
		return flow.Post{}, web.StatusError(http.StatusForbidden)
	case web.FormStale:
		return flow.Post{}, fault.New(fault.Invalid, "form.stale")
	}
	if form.Owned() {
		if s, err := p.signed(r); err != nil {
			return flow.Post{}, err
		} else if s != nil && !p.For(form, s.Person.ID) {
			return flow.Post{}, fault.New(fault.Invalid, "form.another")
		}
	}
	mark, ok := strings.CutPrefix(form.ReturnTo, setupMark)
	if !ok {
		mark = ""
	}
	return flow.Post{Token: p.Cookie(r, "attempt"), Form: form.ID, Setup: mark}, nil
}

// setupMark stands before the mark of a set-up in a form's token.
const setupMark = "set-up:"

// marked binds the forms of a page to the set-up that they were drawn for.
func (p *Portal) marked(w http.ResponseWriter, r *http.Request, f *web.Frame, s *flow.Setup) {
	if s != nil {
		f.FormToken, f.FormID = p.Token(w, r, setupMark+flow.SetupMark(s))
	}
}

// cookies sets what a decision opened.
func (p *Portal) cookies(w http.ResponseWriter, result flow.Result) {
	if result.Attempt != "" {
		p.SetCookie(w, "attempt", result.Attempt, 0)
	}
	if result.Session != "" {
		p.SetCookie(w, "session", result.Session, 0)
	}
	if result.Known != "" {
		p.SetCookie(w, "known", result.Known, session.KnownFor)
	}
	if result.Setup != "" {
		p.SetCookie(w, "setup", result.Setup, flow.SetupKept)
	}
}

// notices are the words that may ride along on a redirect, by their key.
var notices = map[string]string{
	"step.first": "info", "started-again": "info", "apps.full": "warning", "again.same": "done", "again.new": "done", "another-window": "info", "now-required": "warning",
	"phone.refused": "warning", "sign-in.password-new": "done", "mail.again": "done", "removed-already": "info", "form.stale": "info", "signed-out.forgotten": "done",
}

// move redirects to a page of ours, with words to show there.
func (p *Portal) move(w http.ResponseWriter, r *http.Request, to, notice string) error {
	if _, ok := notices[notice]; ok {
		to += "?notice=" + notice
	}
	return web.Redirect(w, r, to)
}

// carried is the notice that came along with a redirect.
func (p *Portal) carried(r *http.Request, f *web.Frame) {
	key := r.URL.Query().Get("notice")
	if kind, ok := notices[key]; ok && r.Method == http.MethodGet {
		f.Notices = append(f.Notices, web.Notice{Kind: kind, Text: p.Site.Say(key), Role: "status"})
	}
}

// onward goes where an attempt stands after a decision.
func (p *Portal) onward(w http.ResponseWriter, r *http.Request, result flow.Result) error {
	p.cookies(w, result)
	if result.Finished {
		p.SetCookie(w, "attempt", "", -time.Second)
		return p.arrived(w, r, result)
	}
	token := result.Attempt
	if token == "" {
		token = p.Cookie(r, "attempt")
	}
	client := p.client(r)
	if result.Setup != "" {
		client.Setup = result.Setup
	}
	u, err := p.Flow.Look(r.Context(), token, client)
	if err != nil {
		return err
	}
	if u == nil {
		return web.Redirect(w, r, "/sign-in")
	}
	if result.Attempt != "" && u.Begun() > 0 && slices.Contains(numberSteps, u.Step) {
		return p.move(w, r, "/2fa/start", result.Notice) // carry on where this browser stopped, or start again
	}
	return p.move(w, r, pages[u.Step], result.Notice)
}

// arrived is where a new session begins.
func (p *Portal) arrived(w http.ResponseWriter, r *http.Request, result flow.Result) error {
	back := web.ReturnTo(result.ReturnTo)
	switch {
	case result.Codes:
		return web.Redirect(w, r, "/2fa/setup/finish")
	case back != "":
		return web.Redirect(w, r, back)
	case result.Level == session.One:
		return web.Redirect(w, r, "/sign-in")
	}
	return web.Redirect(w, r, "/account/security")
}

// at reads the attempt for a page that belongs to some steps. Who is at another
// step is sent there; who is signed in goes to the account.
func (p *Portal) at(w http.ResponseWriter, r *http.Request, steps ...flow.Step) (*flow.Under, error) {
	u, err := p.look(r)
	if err != nil {
		return nil, err
	}
	if u == nil || u.Over != "" {
		return nil, p.noAttempt(w, r, u)
	}
	if slices.Contains(steps, u.Step) {
		return u, nil
	}
	switch u.Step {
	case flow.Held, flow.TurnedOff, flow.LaneClosed:
		return nil, p.refused(w, r, u.Step)
	}
	return nil, p.move(w, r, pages[u.Step], "step.first")
}

// noAttempt is a page of the way in without an attempt that is alive.
func (p *Portal) noAttempt(w http.ResponseWriter, r *http.Request, u *flow.Under) error {
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	if s != nil && s.Over == "" && s.Session.Level == session.Two {
		if s.Session.Data.CodesWhy != "" && strings.HasPrefix(r.URL.Path, "/2fa/setup") {
			return p.move(w, r, "/2fa/setup/finish", "another-window")
		}
		return p.move(w, r, "/account/security", "another-window")
	}
	if u == nil || u.Over == flow.OverDone || u.Over == flow.OverLeft {
		return web.Redirect(w, r, "/sign-in")
	}
	return p.over(w, r, u)
}
