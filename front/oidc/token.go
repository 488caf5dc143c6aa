package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"sallyport/core/app"
	"sallyport/core/flow"
	"sallyport/core/grant"

	"crypto/subtle"
)

// assertedBy are the algorithms by which a client may sign an assertion.
var assertedBy = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

const (
	assertionKind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = 10 * time.Minute
	clockSkew     = time.Minute // of clients' clocks
)

// stranger is a client that did not prove itself, or not in its one way.
func stranger(r *http.Request) *failure {
	f := &failure{status: http.StatusUnauthorized, code: "invalid_client", words: "the client did not prove itself in its registered way"}
	if r.Header.Get("Authorization") != "" {
		f.ask = `Basic realm="oidc"`
	}
	return f
}

// authenticate says which client asks: it proves itself by its one registered way,
// and by no second one beside it (RFC 6749 2.3).
func (p *Provider) authenticate(r *http.Request) (*app.App, error) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	assertion, kind := r.PostForm.Get("client_assertion"), r.PostForm.Get("client_assertion_type")
	way := app.AuthNone
	switch {
	case r.Header.Get("Authorization") != "":
		name, word, ok := r.BasicAuth()
		if !ok || secret != "" || assertion != "" {
			return nil, stranger(r)
		}
		var err, err2 error
		if name, err = url.QueryUnescape(name); err == nil { // RFC 6749 2.3.1
			secret, err2 = url.QueryUnescape(word)
		}
		if err != nil || err2 != nil || id != "" && id != name {
			return nil, stranger(r)
		}
		id, way = name, app.AuthBasic
	case assertion != "" || kind != "":
		if secret != "" || kind != assertionKind {
			return nil, stranger(r)
		}
		way = app.AuthPrivateKeyJWT
		if id == "" {
			id = claimed(assertion)
		}
	case secret != "":
		way = app.AuthPost
	}
	a := p.Grants.Client(id)
	if a == nil || a.Client.Auth != way {
		return nil, stranger(r)
	}
	switch way {
	case app.AuthBasic, app.AuthPost:
		if subtle.ConstantTimeCompare([]byte(flow.HashToken(secret)), []byte(a.Client.Secret)) != 1 {
			return nil, stranger(r)
		}
	case app.AuthPrivateKeyJWT:
		ok, err := p.asserted(r.Context(), a, assertion)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, stranger(r)
		}
	}
	return a, nil
}

// claimed is who an assertion says to be from; nothing of it is believed.
func claimed(assertion string) string {
	token, err := jose.ParseSignedCompact(assertion, assertedBy)
	if err != nil {
		return ""
	}
	var c struct {
		Sub string `json:"sub"`
	}
	if json.Unmarshal(token.UnsafePayloadWithoutVerification(), &c) != nil {
		return ""
	}
	return c.Sub
}

// asserted checks an assertion (RFC 7523 3): signed by a key of the client, about
// itself, meant for us, in time, and used once.
func (p *Provider) asserted(ctx context.Context, a *app.App, assertion string) (bool, error) {
	token, err := jose.ParseSignedCompact(assertion, assertedBy)
	if err != nil || len(token.Signatures) != 1 {
		return false, nil
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal([]byte(a.Client.Keys), &set) != nil {
		return false, nil
	}
	head := token.Signatures[0].Protected
	var body []byte
	for _, k := range set.Keys {
		if head.KeyID != "" && k.KeyID != "" && k.KeyID != head.KeyID || k.Algorithm != "" && k.Algorithm != head.Algorithm || !k.IsPublic() {
			continue
		}
		if body, err = token.Verify(k); err == nil {
			break
		}
		body = nil
	}
	if body == nil {
		return false, nil
	}
	var c protocol.TokenClaims
	if json.Unmarshal(body, &c) != nil {
		return false, nil
	}
	now := p.Now()
	ours := slices.Contains(c.Audience, p.Site.BaseURL) || slices.Contains(c.Audience, p.Site.BaseURL+Token)
	ends := c.Expiration.AsTime()
	switch {
	case c.Issuer != a.ID || c.Subject != a.ID || !ours || c.JWTID == "" || c.Expiration == 0:
		return false, nil
	case !now.Before(ends.Add(clockSkew)) || ends.Sub(now) > assertionLife+clockSkew:
		return false, nil
	case c.NotBefore != 0 && c.NotBefore.AsTime().Sub(now) > clockSkew, c.IssuedAt != 0 && c.IssuedAt.AsTime().Sub(now) > clockSkew:
		return false, nil
	}
	err = p.Grants.SpendAssertion(ctx, a.ID, c.JWTID, ends.Add(clockSkew))
	if err == grant.ErrInvalid {
		return false, nil
	}
	return err == nil, err
}

// token gives tokens for a code or a refresh token.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	kind := r.PostForm.Get("grant_type")
	switch kind {
	case "authorization_code", "refresh_token":
	case "":
		return refused("invalid_request", "grant_type is missing")
	default:
		return refused("unsupported_grant_type", "authorization_code and refresh_token are all there is")
	}
	a, err := p.authenticate(r)
	if err != nil {
		return err
	}
	provider, err := p.provider()
	if err != nil {
		return err
	}
	// The client has proved itself. What is left for the library are the id and
	// what it asks for.
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		r.Form.Del(name)
	}
	r.Header.Del("Authorization")
	r.Form.Set("client_id", a.ID)
	verifier := r.PostForm.Get("code_verifier")
	ctx := context.WithValue(p.issued(r.Context()), exchangeKey{}, exchange{a, verifier != ""})
	r = r.WithContext(ctx)
	if kind == "refresh_token" {
		return p.refresh(w, r, provider)
	}
	request, err := op.ParseAccessTokenRequest(r, provider.Decoder())
	if err != nil {
		return err
	}
	switch {
	case request.Code == "" || len(request.Code) > 256:
		return refused("invalid_request", "code is missing")
	case verifier != "" && !grant.Verifier(verifier):
		return refused("invalid_grant", "a code_verifier has 43 to 128 letters, digits and -._~")
	}
	asked, of, err := op.ValidateAccessTokenRequest(ctx, request, provider)
	if err != nil {
		return worthless(err)
	}
	answer, err := op.CreateTokenResponse(ctx, asked, of, provider, true, request.Code, "")
	if err != nil {
		return err
	}
	write(w, http.StatusOK, answer)
	return nil
}

func (p *Provider) refresh(w http.ResponseWriter, r *http.Request, provider *op.Provider) error {
	ctx := r.Context()
	request, err := op.ParseRefreshTokenRequest(r, provider.Decoder())
	if err != nil {
		return err
	}
	asked, of, err := op.ValidateRefreshTokenRequest(ctx, request, provider)
	if err != nil {
		return worthless(err)
	}
	answer, err := op.CreateTokenResponse(ctx, asked, of, provider, true, "", request.RefreshToken)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, answer)
	return nil
}

// worthless lets a problem at our end be one: the library takes every error of a
// code or token for a wrong one.
func worthless(err error) error {
	of, ok := err.(*protocol.Error)
	if !ok || of.Parent == nil || of.ErrorType != protocol.InvalidGrant {
		return err
	}
	if of.Parent == grant.ErrInvalid {
		return grant.ErrInvalid
	}
	return of.Parent
}

// bearer is the access token of a request: in its header, or in the form that it
// posts, never in an address (RFC 6750 2).
func bearer(w http.ResponseWriter, r *http.Request) (string, error) {
	if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") {
		return strings.TrimSpace(token), nil
	}
	if r.Method != http.MethodPost || r.ContentLength == 0 {
		return "", nil
	}
	if err := form(w, r); err != nil {
		return "", err
	}
	return r.PostForm.Get("access_token"), nil
}

// userinfo tells an app what it may know now.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) error {
	token, err := bearer(w, r)
	if err != nil {
		return err
	}
	if token == "" {
		return &failure{status: http.StatusUnauthorized, code: "invalid_request", words: "an access token is missing", ask: `Bearer realm="oidc"`}
	}
	known, err := p.Grants.Token(r.Context(), token, grant.Access)
	if err == grant.ErrInvalid {
		return &failure{status: http.StatusUnauthorized, code: "invalid_token", words: "the access token is worth nothing", ask: `Bearer realm="oidc", error="invalid_token"`}
	}
	if err != nil {
		return err
	}
	all := claims(known, known.Token.Scopes)
	all["sub"] = known.Person.ID
	write(w, http.StatusOK, all)
	return nil
}

// introspect says what a token is worth, to the client it was made for alone.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	a, err := p.authenticate(r)
	if err != nil {
		return err
	}
	if a.Client.Auth == app.AuthNone {
		return stranger(r)
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return refused("invalid_request", "token is missing")
	}
	known, err := p.Grants.Token(r.Context(), token, "")
	if err != nil && err != grant.ErrInvalid {
		return err
	}
	if err != nil || known.App.ID != a.ID {
		write(w, http.StatusOK, map[string]bool{"active": false})
		return nil
	}
	all := map[string]any{"active": true, "iss": p.Site.BaseURL, "client_id": a.ID, "aud": a.ID, "sub": known.Person.ID, "username": known.Person.Name,
		"scope": strings.Join(known.Token.Scopes, " "), "iat": known.Token.MadeAt.Unix(), "exp": known.Token.EndsAt.Unix(),
		"acr": known.Grant.Data.Class, "auth_time": known.Grant.Data.AuthAt.Unix()}
	if known.Token.Kind == grant.Access {
		all["token_type"] = "Bearer"
	}
	write(w, http.StatusOK, all)
	return nil
}

// revoke ends a token. One that is not known is no fault (RFC 7009 2.2).
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	a, err := p.authenticate(r)
	if err != nil {
		return err
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return refused("invalid_request", "token is missing")
	}
	if err := p.Grants.Revoke(r.Context(), token, a.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
