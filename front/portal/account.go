package portal

import (
	"crypto/subtle"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/manage"
	"sallyport/core/person"
	"sallyport/core/session"
	"sallyport/front/web"
)

// frame fills what every page of somebody signed in has around it.
func (p *Portal) frame(f *web.Frame, s *flow.Signed) {
	f.Who, f.SignOut, f.Owner = s.Person.Shown(), true, s.Person.ID
	times := p.Flow.Times()
	idle := min(times.Idle, s.Session.EndsAt.Sub(s.Now))
	f.Ending = &web.Ending{Idle: int(idle / time.Second), Hard: int(s.Session.EndsAt.Sub(s.Now) / time.Second), Stay: "/account/stay"}
}

// owner reads the session of somebody who may see their account; who may not is
// answered here.
func (p *Portal) owner(w http.ResponseWriter, r *http.Request) (*flow.Signed, error) {
	s, err := p.signed(r)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		if u, err := p.look(r); err != nil {
			return nil, err
		} else if u != nil && u.Over == "" && u.Step == flow.AskNewPassword {
			return nil, web.Redirect(w, r, pages[u.Step]) // nothing else before the new password
		}
		return nil, web.Redirect(w, r, "/sign-in?rd="+url.QueryEscape(r.URL.Path))
	case s.Over != "":
		return nil, p.ended(w, r, s)
	case s.Session.Level == session.One && r.URL.Path != "/account/security":
		return nil, web.Redirect(w, r, "/account/security")
	}
	return s, nil
}

// stay keeps a session alive because its owner asked for it.
func (p *Portal) stay(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	s, err := p.signed(r)
	if err != nil {
		return err
	}
	if s == nil || s.Over != "" {
		return web.StatusError(http.StatusForbidden)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (p *Portal) security(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	v, err := p.securityView(r, s)
	if err != nil {
		return err
	}
	if d := s.Session.Data; d.Notice != "" || d.SignedOut > 0 {
		v.Notices = append(v.Notices, p.banner(d))
		if err := p.Flow.Noticed(r.Context(), s); err != nil && !refused(err) {
			return err
		}
	}
	if id := r.PathValue("id"); id != "" {
		if !s.Session.Confirmed(s.Now) {
			return p.confirmFirst(w, r)
		}
		for i := range v.Apps {
			if v.Apps[i].ID == id {
				v.Apps[i].Renaming, v.Apps[i].Typed = true, v.Apps[i].Name
			}
		}
	}
	return p.draw(w, r, v)
}

// banner is what a change left to be said.
func (p *Portal) banner(d session.Data) web.Notice {
	var text []string
	if d.Notice != "" {
		args := make([]any, len(d.NoticeArgs))
		for i, a := range d.NoticeArgs {
			args[i] = a
		}
		text = append(text, string(p.Site.Say(d.Notice, args...)))
	}
	if d.SignedOut > 0 {
		text = append(text, string(p.Site.SayCount("setup-finish.others", d.SignedOut)))
	}
	notice := web.Notice{Kind: "done", Text: template.HTML(strings.Join(text, " ")), Role: "status"}
	if strings.HasPrefix(d.Notice, flow.FewCodes) {
		notice.Kind, notice.Link = "warning", web.Link{Href: "/account/codes/new", Words: "recovery-code.make"}
	}
	return notice
}

func (p *Portal) securityView(r *http.Request, s *flow.Signed) (*Security, error) {
	v := &Security{Now: s.Now, TwoFactor: factor.Working(s.Factors), LevelOne: s.Session.Level == session.One}
	p.frame(&v.Frame, s)
	if v.LevelOne {
		return v, nil
	}
	apps := factor.Of(s.Factors, factor.App)
	for _, a := range apps {
		v.Apps = append(v.Apps, AppRow{ID: a.ID, Name: a.Name, Added: a.AddedAt, Used: a.UsedAt})
	}
	v.AddApp = len(apps) < flow.AppsMax
	v.TurnOff = p.Flow.Policy.Optional && !s.Person.Operator
	v.HasNumber = !p.Flow.Writer.NoText && !p.Flow.Policy.NoPhone
	if n := len(s.Phones); n > 0 {
		own := s.Phones[n-1]
		v.Number = NumberRow{Ending: own.Ending(), Checked: own.ProvedAt, Removable: p.Flow.Policy.PhoneOptional && s.Person.Email != ""}
		if own.UsableAt.After(s.Now) {
			v.Number.Changed, v.Number.From = own.ProvedAt, own.UsableAt
		}
	}
	if v.HasMail = !p.Flow.Writer.NoMail; v.HasMail {
		waiting, err := p.Manage.WaitingMail(r.Context(), s.Person)
		if err != nil {
			return nil, err
		}
		v.Mail = MailRow{Address: person.MaskMail(s.Person.Email), Waiting: person.MaskMail(waiting.Address)}
	}
	v.Password = s.Person.PasswordAt
	for _, row := range factor.Of(s.Factors, factor.Recovery) {
		if set, err := factor.DecodeCodes(row.Data); err == nil {
			v.Codes = CodesRow{Left: set.Left(), Made: set.MadeAt, Unsaved: !set.Saved}
			v.Unsaved = !set.Saved && s.Session.Data.CodesWhy == ""
		}
	}
	alarm, err := p.Flow.Alarm(r.Context(), s.Person.ID, "")
	if err != nil {
		return nil, err
	}
	if alarm != nil {
		v.NoCode = alarm.At
	}
	if v.Browsers, err = p.browsers(r, s); err != nil {
		return nil, err
	}
	if p.LetIn.List != nil {
		if v.LetIn, err = p.LetIn.List(r.Context(), s); err != nil {
			return nil, err
		}
	}
	events, err := p.Flow.History.Events(r.Context(), s.Person.ID, 10, 0)
	if err != nil {
		return nil, err
	}
	v.Events = p.events(events, s.Now)
	return v, nil
}

// browsers lists where the owner is signed in, this browser first, and below the
// known browsers that are signed out.
func (p *Portal) browsers(r *http.Request, s *flow.Signed) (rows []BrowserRow, err error) {
	sessions, err := p.Flow.Sessions.SessionsOf(r.Context(), s.Person.ID)
	if err != nil {
		return nil, err
	}
	known, err := p.Flow.Sessions.KnownBrowsers(r.Context(), s.Person.ID)
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for _, other := range sessions {
		if other.Over(s.Now, p.Flow.Times()) != "" {
			continue
		}
		alive[other.Known] = other.Known != ""
		row := BrowserRow{ID: manage.Handle(other.ID), Name: other.Agent, From: other.Address, Active: other.SeenAt, This: other.ID == s.Session.ID, Known: other.Known != ""}
		if row.This {
			rows = append([]BrowserRow{row}, rows...)
		} else {
			rows = append(rows, row)
		}
	}
	for _, b := range known {
		if !alive[b.ID] && s.Now.Before(b.EndsAt) {
			rows = append(rows, BrowserRow{ID: b.ID, Name: b.Agent, From: b.Address, Active: b.SeenAt, Known: true, Out: true})
		}
	}
	return rows, nil
}

func (p *Portal) events(entries []audit.Entry, now time.Time) (rows []EventRow) {
	more := map[string]bool{} // attempts in which a code was entered, or none was needed
	for _, e := range entries {
		if e.Event == audit.PasswordRight && more[e.Attempt] {
			continue // the later entry says what came of it
		}
		switch e.Event {
		case audit.SignedIn, audit.SetUp, audit.SetUpLater, audit.RecoveryDone, audit.CodeWrong:
			more[e.Attempt] = e.Attempt != ""
		}
		row := EventRow{At: e.At, What: eventKey(e), Reason: wrongReason(e), Browser: e.Agent, Place: e.Address}
		if e.Link != "" && now.Before(e.At.Add(person.DisputeLife)) {
			row.NotMe = "/account/activity/" + e.Link + "/not-me"
		}
		rows = append(rows, row)
	}
	return rows
}

// wrongReason is why a code failed, where that says more than that it did.
func wrongReason(e audit.Entry) string {
	if e.Event != audit.CodeWrong || e.Reason == "wrong" {
		return ""
	}
	return e.Reason
}

const perPage, pagesMost = 50, 10_000

// lastPage finds the last page that has something on it, below one that has not.
func (p *Portal) lastPage(r *http.Request, who string, empty int) (int, error) {
	var failed error
	n := sort.Search(empty, func(page int) bool {
		rows, err := p.Flow.History.Events(r.Context(), who, 1, page*perPage)
		failed = errors.Join(failed, err)
		return len(rows) == 0
	})
	return max(0, n-1), failed
}

func (p *Portal) activity(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	page = max(0, min(page, pagesMost))
	entries, err := p.Flow.History.Events(r.Context(), s.Person.ID, perPage+1, page*perPage)
	if err != nil {
		return err
	}
	if len(entries) == 0 && page > 0 {
		last, err := p.lastPage(r, s.Person.ID, page)
		if err != nil {
			return err
		}
		return web.Redirect(w, r, "/account/activity?page="+strconv.Itoa(last))
	}
	v := &Activity{Zone: "UTC"}
	if zone := p.Site.TimeZone; zone != nil {
		v.Zone = zone.String()
	}
	if len(entries) > perPage {
		entries, v.Older = entries[:perPage], "/account/activity?page="+strconv.Itoa(page+1)
	}
	if page > 0 {
		v.Newer = "/account/activity?page=" + strconv.Itoa(page-1)
	}
	for _, row := range p.events(entries, s.Now) {
		day := p.Site.Day(row.At)
		if n := len(v.Days); n == 0 || !v.Days[n-1].Date.Equal(day) {
			v.Days = append(v.Days, ActivityDay{Date: day})
		}
		last := &v.Days[len(v.Days)-1]
		last.Events = append(last.Events, row)
	}
	p.frame(&v.Frame, s)
	return p.draw(w, r, v)
}

// refused says whether a change was overtaken by another.
func refused(err error) bool {
	return fault.Of(err) == nil && strings.HasPrefix(err.Error(), "change refused")
}

// change runs an owner's change and goes back to the account page.
func (p *Portal) change(w http.ResponseWriter, r *http.Request, do func(manage.Owner) error) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	err = do(manage.Owner{Signed: s, Client: p.client(r)})
	f := fault.Of(err)
	switch {
	case err == nil:
		return web.Redirect(w, r, "/account/security")
	case f != nil && f.Word == flow.Unconfirmed:
		return p.confirmFirst(w, r)
	case f != nil && f.Kind == fault.Gone:
		return p.move(w, r, "/account/security", "removed-already")
	case f != nil && f.Kind == fault.Denied:
		v, viewErr := p.securityView(r, s)
		if viewErr != nil {
			return viewErr
		}
		return p.again(w, r, err, v)
	}
	return err
}

// ask draws a question before a change, once its owner has confirmed.
func (p *Portal) ask(w http.ResponseWriter, r *http.Request, make func(s *flow.Signed) (*Question, error)) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	if !s.Session.Confirmed(s.Now) {
		return p.confirmFirst(w, r)
	}
	v, err := make(s)
	if err != nil {
		return err
	}
	if v == nil {
		return p.move(w, r, "/account/security", "removed-already")
	}
	v.Action, v.Cancel = r.URL.Path, "/account/security"
	p.frame(&v.Frame, s)
	return p.draw(w, r, v)
}

func (p *Portal) askRemoveApp(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, func(s *flow.Signed) (*Question, error) {
		for _, a := range factor.Of(s.Factors, factor.App) {
			if a.ID == r.PathValue("id") {
				return &Question{Title: "confirm.remove-title", Text: "confirm.remove", Button: "button.remove", Args: []any{"name", a.Name}, Danger: true}, nil
			}
		}
		return nil, nil
	})
}

func (p *Portal) removeApp(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.RemoveApp(r.Context(), o, r.PathValue("id")) })
}

func (p *Portal) renameApp(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("name")
	var invalid *fault.Fault
	err := p.change(w, r, func(o manage.Owner) error {
		err := p.Manage.RenameApp(r.Context(), o, r.PathValue("id"), name)
		if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
			invalid = f
		}
		return err
	})
	if invalid == nil {
		return err
	}
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	v, err := p.securityView(r, s)
	if err != nil {
		return err
	}
	for i := range v.Apps {
		if v.Apps[i].ID == r.PathValue("id") {
			v.Apps[i].Renaming, v.Apps[i].Typed = true, name
		}
	}
	return p.again(w, r, invalid, v)
}

func (p *Portal) askRemovePhone(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, func(s *flow.Signed) (*Question, error) {
		if len(s.Phones) == 0 {
			return nil, nil
		}
		return &Question{Title: "confirm.number-title", Text: "confirm.number", Button: "button.remove", Danger: true}, nil
	})
}

func (p *Portal) removePhone(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.RemoveNumber(r.Context(), o, p.Flow.Policy) })
}

func (p *Portal) askTurnOff(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, func(*flow.Signed) (*Question, error) {
		return &Question{Title: "confirm.off-title", Text: "confirm.off", Button: "security.turn-off", Danger: true}, nil
	})
}

func (p *Portal) turnOff(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.TurnOff(r.Context(), o, p.Flow.Policy) })
}

func (p *Portal) askNewCodes(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, func(s *flow.Signed) (*Question, error) {
		q := &Question{Title: "confirm.codes-title", Text: "confirm.codes", Button: "button.make-codes"}
		for _, row := range factor.Of(s.Factors, factor.Recovery) {
			if set, err := factor.DecodeCodes(row.Data); err == nil {
				q.Count = set.Left()
			}
		}
		return q, nil
	})
}

func (p *Portal) newCodes(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	_, err := p.Flow.NewCodes(r.Context(), p.Cookie(r, "session"), p.client(r))
	if err == nil {
		return web.Redirect(w, r, "/account/codes")
	}
	return p.unconfirmed(w, r, err, nil)
}

func (p *Portal) signOutOne(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.SignOutOne(r.Context(), o, r.PathValue("id")) })
}

func (p *Portal) signOutOthers(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.SignOutOthers(r.Context(), o) })
}

func (p *Portal) forgetOne(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error { return p.Manage.Forget(r.Context(), o, r.PathValue("id")) })
}

func (p *Portal) passwordView(s *flow.Signed) *Password {
	v := &Password{Action: "/account/password", Name: s.Person.Name, Min: p.Flow.Rules().Min, Everywhere: true}
	p.frame(&v.Frame, s)
	return v
}

func (p *Portal) getPassword(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	if !s.Session.Confirmed(s.Now) {
		return p.confirmFirst(w, r)
	}
	return p.draw(w, r, p.passwordView(s))
}

func (p *Portal) postPassword(w http.ResponseWriter, r *http.Request) error {
	post, err := p.post(r)
	if err != nil {
		return err
	}
	everywhere := r.PostFormValue("everywhere") != ""
	result, err := p.Flow.ChangePassword(r.Context(), p.Cookie(r, "session"),
		flow.NewPassword{Form: post.Form, Password: r.PostFormValue("password"), Others: everywhere}, p.client(r))
	if err == nil {
		p.cookies(w, result)
		return web.Redirect(w, r, "/account/security")
	}
	return p.unconfirmed(w, r, err, func(s *flow.Signed) (web.View, error) {
		v := p.passwordView(s)
		v.Everywhere = everywhere
		return v, nil
	})
}

func (p *Portal) outbox(w http.ResponseWriter, r *http.Request) error {
	if subtle.ConstantTimeCompare([]byte(r.URL.Path), []byte(p.OutboxPath)) != 1 {
		return web.StatusError(http.StatusNotFound)
	}
	return p.draw(w, r, &DemoOutbox{At: p.OutboxPath, Messages: p.Outbox()})
}
