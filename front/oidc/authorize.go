package oidc

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"sallyport/core/app"
	"sallyport/core/fault"
	"sallyport/core/grant"
	"sallyport/front/web"
)

// requestMax is how long the query of a request may be: sealed it still fits into
// an address to return to.
const requestMax = 4096

var prompts = []string{"none", "login", "consent", "select_account"}

// authorizePosted makes a GET of a post. One from another site comes without our
// cookies, which are SameSite=Lax; the redirect brings them.
func (p *Provider) authorizePosted(w http.ResponseWriter, r *http.Request) error {
	if err := web.ReadForm(w, r); err != nil {
		return err
	}
	query := r.PostForm.Encode()
	if len(query) > requestMax {
		return fault.New(fault.Denied, "oidc.broken")
	}
	return web.Redirect(w, r, Authorize+"?"+query)
}

// wrong is what a client is told by way of the browser.
type wrong struct{ code, words string }

// authorize takes a request. Until client and redirect address are known nothing
// goes anywhere; from then on the client hears of everything, with its state.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) error {
	if !p.Home(r) {
		return web.StatusError(http.StatusNotFound)
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > requestMax {
		return fault.New(fault.Denied, "oidc.broken")
	}
	a := p.Grants.Client(q.Get("client_id"))
	if a == nil || len(q["client_id"]) != 1 {
		return fault.New(fault.Denied, "oidc.unknown-app")
	}
	redirect := q.Get("redirect_uri")
	if !grant.Redirects(a.Client, redirect) || len(q["redirect_uri"]) != 1 {
		return fault.New(fault.Denied, "oidc.redirect", "app", a.Name)
	}
	req := grant.Request{Client: a.ID, Redirect: redirect, State: q.Get("state")}
	if bad := p.read(r, q, a, &req); bad != nil {
		return p.answer(w, r, req, url.Values{"error": {bad.code}, "error_description": {bad.words}})
	}
	sealed, err := p.Grants.Seal(req)
	if err != nil {
		return err
	}
	if req, err = p.Grants.Open(sealed); err != nil {
		return err
	}
	return p.proceed(w, r, a, req, sealed, false)
}

// read takes the rest of a request.
func (p *Provider) read(r *http.Request, q url.Values, a *app.App, req *grant.Request) *wrong {
	for name, values := range q {
		if len(values) > 1 {
			return &wrong{"invalid_request", "a parameter is named twice"}
		}
		if strings.ContainsRune(values[0], 0) {
			return &wrong{"invalid_request", name + " holds what no text does"}
		}
	}
	for _, name := range []string{"request", "request_uri", "registration"} {
		if q.Has(name) {
			return &wrong{name + "_not_supported", name + " is not supported"}
		}
	}
	provider, err := p.provider()
	if err != nil {
		return &wrong{"server_error", ""}
	}
	asked, err := op.ParseAuthorizeRequest(r, provider.Decoder())
	if err != nil {
		return &wrong{"invalid_request", "a parameter cannot be read"}
	}
	switch {
	case asked.ResponseType == "":
		return &wrong{"invalid_request", "response_type is missing"}
	case asked.ResponseType != protocol.ResponseTypeCode:
		return &wrong{"unsupported_response_type", "code is all there is"}
	case asked.ResponseMode != "" && asked.ResponseMode != protocol.ResponseModeQuery:
		return &wrong{"invalid_request", "response_mode query is all there is"}
	case !slices.Contains(asked.Scopes, grant.ScopeOpenID):
		return &wrong{"invalid_scope", "openid is missing"}
	case asked.CodeChallenge == "" && (!a.Client.WithoutPKCE || asked.CodeChallengeMethod != ""):
		return &wrong{"invalid_request", "code_challenge is missing"}
	case asked.CodeChallenge != "" && asked.CodeChallengeMethod != protocol.CodeChallengeMethodS256:
		return &wrong{"invalid_request", "code_challenge_method is S256"}
	case asked.CodeChallenge != "" && !grant.Challenge(asked.CodeChallenge):
		return &wrong{"invalid_request", "code_challenge is none of S256"}
	case len(asked.Prompt) > 1 && slices.Contains(asked.Prompt, "none"):
		return &wrong{"invalid_request", "prompt none stands alone"}
	case slices.ContainsFunc(asked.Prompt, func(s string) bool { return !slices.Contains(prompts, s) }):
		return &wrong{"invalid_request", "prompt is none, login, consent or select_account"}
	}
	// The library's own look, for what this one may have missed.
	if _, err := op.ValidateAuthRequestClient(p.issued(r.Context()), &protocol.AuthRequest{Scopes: slices.Clone(asked.Scopes), ResponseType: asked.ResponseType, ClientID: asked.ClientID,
		RedirectURI: asked.RedirectURI, Prompt: asked.Prompt, MaxAge: asked.MaxAge, CodeChallenge: asked.CodeChallenge, CodeChallengeMethod: asked.CodeChallengeMethod}, client{a}, nil); err != nil {
		return &wrong{"invalid_request", "the request is not in order"}
	}
	if text := q.Get("max_age"); text != "" {
		age, err := strconv.ParseInt(text, 10, 64)
		if err != nil || age < 0 {
			return &wrong{"invalid_request", "max_age is a number of seconds"}
		}
		req.MaxAge = &age
	}
	req.Nonce, req.Challenge, req.Prompt, req.Classes, req.Login = asked.Nonce, asked.CodeChallenge, asked.Prompt, asked.ACRValues, asked.LoginHint
	for _, scope := range grant.Scopes { // each once, in our order; what is not known is let go
		if slices.Contains(asked.Scopes, scope) && (scope != grant.ScopeOffline || a.Client.Refresh) {
			req.Scopes = append(req.Scopes, scope)
		}
	}
	if asked.IDTokenHint != "" {
		hint, err := p.hint(r.Context(), asked.IDTokenHint)
		if err != nil || !slices.Contains(hint.Audience, a.ID) {
			return &wrong{"invalid_request", "id_token_hint is none of ours for this client"}
		}
		req.Subject = hint.Subject
	}
	return wanted(q.Get("claims"), req)
}

// wanted reads the parameter claims (OpenID Connect Core 5.5): what is essential of
// the class, and whom it is about. Other claims come by scope.
func wanted(text string, req *grant.Request) *wrong {
	if text == "" {
		return nil
	}
	type claim struct {
		Essential bool     `json:"essential"`
		Value     string   `json:"value"`
		Values    []string `json:"values"`
	}
	var all struct {
		ID map[string]json.RawMessage `json:"id_token"`
	}
	read := func(name string) (c *claim, ok bool) {
		raw := all.ID[name]
		if raw == nil || string(raw) == "null" {
			return &claim{}, true
		}
		err := json.Unmarshal(raw, &c)
		return c, err == nil
	}
	bad := &wrong{"invalid_request", "claims cannot be read"}
	if json.Unmarshal([]byte(text), &all) != nil {
		return bad
	}
	sub, ok := read("sub")
	acr, ok2 := read("acr")
	if !ok || !ok2 {
		return bad
	}
	if sub.Value != "" {
		if req.Subject != "" && req.Subject != sub.Value {
			return &wrong{"invalid_request", "claims and id_token_hint mean two people"}
		}
		req.Subject = sub.Value
	}
	if acr.Value != "" {
		acr.Values = append(acr.Values, acr.Value)
	}
	if len(acr.Values) > 0 {
		req.Classes, req.Essential = acr.Values, acr.Essential
	}
	return nil
}

// enter is where a request goes on after a step of the way in.
func (p *Provider) enter(w http.ResponseWriter, r *http.Request) error {
	sealed := r.URL.Query().Get("request")
	a, req, err := p.opened(r, sealed)
	if err != nil {
		return err
	}
	return p.proceed(w, r, a, req, sealed, false)
}

// opened reads a request that travelled, and looks at its client again.
func (p *Provider) opened(r *http.Request, sealed string) (*app.App, grant.Request, error) {
	if !p.Home(r) {
		return nil, grant.Request{}, web.StatusError(http.StatusNotFound)
	}
	req, err := p.Grants.Open(sealed)
	if err != nil {
		return nil, req, err
	}
	a := p.Grants.Client(req.Client)
	if a == nil || !grant.Redirects(a.Client, req.Redirect) {
		return nil, req, fault.New(fault.Denied, "oidc.unknown-app")
	}
	return a, req, nil
}

// quietly is what a client hears that wants no page, by the step that would need one.
var quietly = map[grant.Step]string{
	grant.SignIn:  "login_required",
	grant.Again:   "login_required",
	grant.Confirm: "login_required",
	grant.SetUp:   "interaction_required",
	grant.Ask:     "consent_required",
}

// refusals are what a client hears in any case.
var refusals = map[grant.Step]string{
	grant.Refuse: "access_denied",
	grant.Forbid: "access_denied",
	grant.Other:  "login_required",
	grant.Unmet:  "unmet_authentication_requirements",
}

// proceed does the next step of a request; yes says that the person has just agreed.
func (p *Provider) proceed(w http.ResponseWriter, r *http.Request, a *app.App, req grant.Request, sealed string, yes bool) error {
	s, err := p.Flow.Signed(r.Context(), p.Cookie(r, "session"))
	if err != nil {
		return err
	}
	asked, err := p.Grants.Look(r.Context(), req, a, s)
	if err != nil {
		return err
	}
	asked.Answered = yes
	step, at := grant.Next(req, asked), back(sealed)
	if code := refusals[step]; code != "" {
		return p.answer(w, r, req, url.Values{"error": {code}})
	}
	if code := quietly[step]; code != "" && req.Quiet() {
		return p.answer(w, r, req, url.Values{"error": {code}})
	}
	switch step {
	case grant.SignIn, grant.Again:
		query := url.Values{"rd": {at}}
		if req.Login != "" && step == grant.SignIn {
			query.Set("name", req.Login)
		}
		if s != nil && s.Over == "" {
			query.Set("again", "1")
		}
		return web.Redirect(w, r, "/sign-in?"+query.Encode())
	case grant.Confirm:
		return web.StepUp(w, r, app.Confirm, at)
	case grant.SetUp:
		return web.StepUp(w, r, app.SetUp, at)
	case grant.Ask:
		return p.askConsent(w, r, a, req, s, sealed)
	case grant.Enter:
		if r.Method == http.MethodHead {
			return web.StatusError(http.StatusNotFound) // who only looks changes nothing
		}
		code, err := p.Grants.Give(r.Context(), req, a, s, asked, p.Client(r))
		if err != nil {
			return err
		}
		return p.answer(w, r, req, url.Values{"code": {code}})
	}
	return web.StatusError(http.StatusForbidden)
}

// answer sends the browser back to its client: with the state, letter by letter, and
// with who answers (RFC 9207).
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, req grant.Request, values url.Values) error {
	if req.State != "" {
		values.Set("state", req.State)
	}
	values.Set("iss", p.Site.BaseURL)
	join := "?"
	if strings.Contains(req.Redirect, "?") {
		join = "&"
	}
	return web.Redirect(w, r, req.Redirect+join+values.Encode())
}
