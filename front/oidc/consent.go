package oidc

import (
	"net/http"
	"net/url"
	"slices"

	"sallyport/core/app"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/front/web"
)

// Question is what a person is asked before an app is told who they are.
type Question struct {
	App     string
	Action  string // where the answer is posted
	Person  string
	Tells   []string // keys of what it is told, in words
	Offline bool     // it keeps its access after signing out
	Signed  *flow.Signed
}

// Pages make the views of what is asked; server joins them with the portal's pages.
type Pages struct {
	Consent func(Question) web.View
	SignOut func(action string) web.View
}

// Tells are the keys of what scopes tell an app of a person.
func Tells(a *app.App, scopes []string) []string {
	words := []string{"consent.tells-name"}
	for _, row := range []struct {
		scope string
		fact  app.Fact
		word  string
	}{
		{grant.ScopeProfile, app.TellName, "consent.tells-display"},
		{grant.ScopeEmail, app.TellEmail, "consent.tells-email"},
		{grant.ScopeGroups, app.TellGroups, "consent.tells-groups"},
	} {
		if slices.Contains(scopes, row.scope) && a.Tells(row.fact) {
			words = append(words, row.word)
		}
	}
	return words
}

func (p *Provider) askConsent(w http.ResponseWriter, r *http.Request, a *app.App, req grant.Request, s *flow.Signed, sealed string) error {
	web.Returning(r, back(sealed)) // the form ends at the app
	return p.Page(w, r, http.StatusOK, p.Pages.Consent(Question{App: a.Name, Action: consentAt + "?" + url.Values{"request": {sealed}}.Encode(), Person: s.Person.Shown(),
		Tells: Tells(a, req.Scopes), Offline: slices.Contains(req.Scopes, grant.ScopeOffline), Signed: s}))
}

// posted checks the token of a form of ours.
func (p *Provider) posted(r *http.Request) (web.Form, error) {
	form, bad := p.ReadToken(r)
	switch bad {
	case web.FormGood:
		return form, nil
	case web.FormStale:
		return form, fault.New(fault.Invalid, "form.stale")
	}
	return form, web.StatusError(http.StatusForbidden)
}

// consented takes the answer of the consent page.
func (p *Provider) consented(w http.ResponseWriter, r *http.Request) error {
	form, err := p.posted(r)
	if err != nil {
		return err
	}
	sealed := r.URL.Query().Get("request")
	a, req, err := p.opened(r, sealed)
	if err != nil {
		return err
	}
	if r.PostFormValue("answer") != "yes" {
		return p.answer(w, r, req, url.Values{"error": {"access_denied"}})
	}
	s, err := p.Flow.Signed(r.Context(), p.Cookie(r, "session"))
	if err != nil {
		return err
	}
	return p.proceed(w, r, a, req, sealed, s != nil && p.For(form, s.Person.ID)) // somebody else is asked anew
}
