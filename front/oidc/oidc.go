// Package oidc speaks OpenID Connect with apps: it lets people in by the code flow
// with PKCE, and tells apps who they are. It decides nothing: who may enter is
// app.Judge's decision, what a grant is worth is core/grant's. Of the library it
// takes the steps of the classic path, and closes what that leaves open: plain
// challenges, codes that are not spent at once, the implicit flow, answers without
// an issuer.
package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/front/web"
)

// Where everything is.
const (
	Discovery  = "/.well-known/openid-configuration"
	Authorize  = "/oidc/authorize"
	Enter      = "/oidc/enter"
	consentAt  = "/oidc/consent"
	Token      = "/oidc/token"
	Userinfo   = "/oidc/userinfo"
	Introspect = "/oidc/introspect"
	Revoke     = "/oidc/revoke"
	EndSession = "/oidc/end-session"
	KeysAt     = "/oidc/keys"
)

// Open are the addresses to which other sites may post, and whether their scripts may
// read the answers: for web.Kit.
var Open = map[string]bool{Discovery: true, KeysAt: true, Token: true, Userinfo: true, Revoke: true, Introspect: false, Authorize: false, EndSession: false}

// Provider answers for OpenID Connect.
type Provider struct {
	*web.Kit
	Flow   *flow.Machine
	Grants *grant.Keeper
	Signer *grant.Signer
	Client func(*http.Request) flow.Client          // the browser of a request
	Ended  func(http.ResponseWriter, *http.Request) // what else goes with a session; or nil
	Pages  Pages

	once sync.Once
	op   *op.Provider
	bad  error
}

// Routes are the provider's addresses.
func (p *Provider) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET " + Discovery:   p.program(p.discovery),
		"GET " + KeysAt:      p.program(p.keys),
		"POST " + Token:      p.program(p.token),
		"GET " + Userinfo:    p.program(p.userinfo),
		"POST " + Userinfo:   p.program(p.userinfo),
		"POST " + Introspect: p.program(p.introspect),
		"POST " + Revoke:     p.program(p.revoke),
		"GET " + Authorize:   p.Handle(p.authorize),
		"POST " + Authorize:  p.Handle(p.authorizePosted),
		"GET " + Enter:       p.Handle(p.enter),
		"POST " + consentAt:  p.Handle(p.consented),
		"GET " + EndSession:  p.Handle(p.endSession),
		"POST " + EndSession: p.Handle(p.endSession),
		"POST " + leaveAt:    p.Handle(p.leave),
	}
}

// provider is the library's, made when it is first needed: it takes longer than the
// rest of the start.
func (p *Provider) provider() (*op.Provider, error) {
	p.once.Do(func() {
		options := []op.Option{op.WithCrypto(names{}), op.WithCustomEndpoints(op.NewEndpoint(Authorize), op.NewEndpoint(Token), op.NewEndpoint(Userinfo),
			op.NewEndpoint(Revoke), op.NewEndpoint(EndSession), op.NewEndpoint(KeysAt)), op.WithCustomIntrospectionEndpoint(op.NewEndpoint(Introspect))}
		if !p.Site.HTTPS {
			options = append(options, op.WithAllowInsecure())
		}
		p.op, p.bad = op.NewProvider(&op.Config{CodeMethodS256: true, AuthMethodPost: true, AuthMethodPrivateKeyJWT: true, GrantTypeRefreshToken: true,
			SupportedScopes: grant.Scopes, BackChannelLogoutSupported: true, BackChannelLogoutSessionSupported: true}, storage{p}, op.StaticIssuer(p.Site.BaseURL), options...)
	})
	return p.op, p.bad
}

// issued is a context in which the library knows who issues.
func (p *Provider) issued(ctx context.Context) context.Context {
	return op.ContextWithIssuer(ctx, p.Site.BaseURL)
}

// failure is what a program is told: RFC 6749 5.2.
type failure struct {
	status int
	code   string
	words  string
	ask    string // WWW-Authenticate
}

func (f *failure) Error() string { return f.code + ": " + f.words }

func refused(code, words string) *failure {
	return &failure{status: http.StatusBadRequest, code: code, words: words}
}

// program makes a handler of a function whose errors programs read.
func (p *Provider) program(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.Home(r) {
			p.Fail(w, r, web.StatusError(http.StatusNotFound))
			return
		}
		if err := h(w, r); err != nil {
			p.failed(w, r, err)
		}
	})
}

func (p *Provider) failed(w http.ResponseWriter, r *http.Request, err error) {
	f, ours := errors.AsType[*failure](err)
	of, library := errors.AsType[*protocol.Error](err)
	switch {
	case ours:
	case errors.Is(err, grant.ErrInvalid):
		f = refused("invalid_grant", "the code or token is worth nothing")
	case library && of.ErrorType != protocol.ServerError:
		f = refused(string(of.ErrorType), of.Description)
		if of.ErrorType == protocol.InvalidClient {
			f.status = http.StatusUnauthorized
		}
	case errors.Is(err, fault.ErrDown):
		f = &failure{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", words: "try again"}
		w.Header().Set("Retry-After", "5")
	default:
		f = &failure{status: http.StatusInternalServerError, code: "server_error", words: "reference " + web.Reference(r)}
	}
	if f.status >= 500 && r.Context().Err() == nil {
		p.Log.Error("request failed", "request", web.Reference(r), "route", r.Pattern, "error", err)
	}
	if f.ask != "" {
		w.Header().Set("WWW-Authenticate", f.ask)
	}
	body := map[string]string{"error": f.code}
	if f.words != "" {
		body["error_description"] = f.words
	}
	write(w, f.status, body)
}

// write answers a program.
func write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	w.Write(body)
}

// form reads what a program posted: in the body, and nowhere else.
func form(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery != "" {
		return refused("invalid_request", "parameters stand in the body")
	}
	if err := web.ReadForm(w, r); err != nil {
		return refused("invalid_request", "the body is no form, or names something twice")
	}
	return nil
}

// back is where a step of the way in comes back to.
func back(sealed string) string { return Enter + "?" + url.Values{"request": {sealed}}.Encode() }

// Leads says what app an address to return to enters, and where that is.
func (p *Provider) Leads(returnTo string) (name string, origins []string) {
	u, err := url.Parse(returnTo)
	if err != nil {
		return "", nil
	}
	if u.Path == EndSession {
		q := u.Query()
		if l, err := p.readLeaving(q.Get("client_id"), q.Get("post_logout_redirect_uri"), ""); err == nil && l.to != "" {
			return l.app.Name, []string{origin(l.to)}
		}
		return "", nil
	}
	if u.Path != Enter {
		return "", nil
	}
	req, err := p.Grants.Open(u.Query().Get("request"))
	if err != nil {
		return "", nil
	}
	a := p.Grants.Client(req.Client)
	if a == nil || !grant.Redirects(a.Client, req.Redirect) {
		return "", nil
	}
	return a.Name, []string{origin(req.Redirect)}
}

// origin is the scheme and host of an address that was checked.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
