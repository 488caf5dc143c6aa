package oidc

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"sallyport/core/app"
	"sallyport/core/grant"
)

// storage is what the library asks: each answer is core/grant's.
type storage struct{ *Provider }

var errNone = errors.New("oidc: there is no such way here")

// exchange is a request of a client that has proved itself.
type exchange struct {
	app      *app.App
	verifier bool // it came with a verifier
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) exchange {
	e, _ := ctx.Value(exchangeKey{}).(exchange)
	return e
}

// names are the names of access tokens, which the library would encrypt: they are
// random, and mean nothing.
type names struct{}

// Encrypt drops the subject.
func (names) Encrypt(text string) (string, error) {
	name, _, _ := strings.Cut(text, ":")
	return name, nil
}

// Decrypt is for what never is.
func (names) Decrypt(string) (string, error) { return "", errNone }

// client is an app as the library sees it.
type client struct{ *app.App }

func (c client) GetID() string                    { return c.ID }
func (c client) RedirectURIs() []string           { return c.Client.Redirects }
func (c client) PostLogoutRedirectURIs() []string { return c.Client.AfterSignOut }
func (c client) ApplicationType() op.ApplicationType {
	if c.Client.Native {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

// AuthMethod is what the library asks again; by then the client has proved itself,
// and one that never can is told apart alone.
func (c client) AuthMethod() protocol.AuthMethod {
	if c.Client.Auth == app.AuthNone {
		return protocol.AuthMethodNone
	}
	return protocol.AuthMethodBasic
}
func (c client) ResponseTypes() []protocol.ResponseType {
	return []protocol.ResponseType{protocol.ResponseTypeCode}
}
func (c client) GrantTypes() []protocol.GrantType {
	if c.Client.Refresh {
		return []protocol.GrantType{protocol.GrantTypeCode, protocol.GrantTypeRefreshToken}
	}
	return []protocol.GrantType{protocol.GrantTypeCode}
}
func (c client) LoginURL(sealed string) string                                { return back(sealed) }
func (c client) AccessTokenType() op.AccessTokenType                          { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration                               { return grant.IDLife }
func (c client) DevMode() bool                                                { return true } // http is let through for loopback alone, when the app is saved
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string     { return asIs }
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return asIs }
func (c client) IsScopeAllowed(scope string) bool                             { return scope == grant.ScopeGroups }
func (c client) IDTokenUserinfoClaimsAssertion() bool                         { return true }
func (c client) ClockSkew() time.Duration                                     { return 0 }

func asIs(scopes []string) []string { return scopes }

// asked is a grant as the library sees it: for a code an op.AuthRequest.
type asked struct{ *renewed }

// renewed is one for a refresh token.
type renewed struct {
	*grant.Known
	scopes []string
	spent  string
}

func (a renewed) GetAMR() []string             { return a.Grant.Data.Methods() }
func (a renewed) GetAudience() []string        { return []string{a.Grant.Client} }
func (a renewed) GetAuthTime() time.Time       { return a.Grant.Data.AuthAt }
func (a renewed) GetClientID() string          { return a.Grant.Client }
func (a renewed) GetScopes() []string          { return a.scopes }
func (a renewed) GetSubject() string           { return a.Grant.Person }
func (a *renewed) SetCurrentScopes(s []string) { a.scopes = s }

func (a asked) GetID() string                          { return a.Grant.ID }
func (a asked) GetACR() string                         { return a.Grant.Data.Class }
func (a asked) GetNonce() string                       { return a.Grant.Data.Nonce }
func (a asked) GetState() string                       { return "" }
func (a asked) Done() bool                             { return true }
func (a asked) GetRedirectURI() string                 { return a.Grant.Data.Redirect }
func (a asked) GetResponseType() protocol.ResponseType { return protocol.ResponseTypeCode }
func (a asked) GetResponseMode() protocol.ResponseMode { return "" }
func (a asked) GetCodeChallenge() *protocol.CodeChallenge {
	if a.Grant.Data.Challenge == "" {
		return nil
	}
	return &protocol.CodeChallenge{Challenge: a.Grant.Data.Challenge, Method: protocol.CodeChallengeMethodS256}
}

// AuthRequestByCode spends the code, once for all that ask at once. A verifier
// without a challenge, and a challenge without a verifier, are worth nothing
// (RFC 9700 4.8).
func (s storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	e := exchangeOf(ctx)
	if e.app == nil {
		return nil, errNone
	}
	known, err := s.Grants.Spend(ctx, code, e.app.ID)
	if err != nil {
		return nil, err
	}
	if e.verifier != (known.Grant.Data.Challenge != "") {
		return nil, grant.ErrInvalid
	}
	return asked{&renewed{Known: known, scopes: known.Grant.Data.Scopes}}, nil
}

// TokenRequestByRefreshToken reads a refresh token; it is spent when it is replaced.
func (s storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	e := exchangeOf(ctx)
	if e.app == nil {
		return nil, errNone
	}
	known, err := s.Grants.Refreshed(ctx, token, e.app.ID)
	if err != nil {
		return nil, err
	}
	return &renewed{Known: known, scopes: known.Grant.Data.Scopes, spent: token}, nil
}

// CreateAccessToken makes the token of a code alone.
func (s storage) CreateAccessToken(ctx context.Context, request op.TokenRequest) (string, time.Time, error) {
	access, _, ends, err := s.CreateAccessAndRefreshTokens(ctx, request, "")
	return access, ends, err
}

// CreateAccessAndRefreshTokens makes the tokens of a code or of a refresh token.
func (s storage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, _ string) (access, refresh string, ends time.Time, err error) {
	of := of(request)
	if of == nil {
		return "", "", time.Time{}, errNone
	}
	t, err := s.Grants.Issue(ctx, of.Grant, of.scopes, of.spent)
	return t.Access, t.Refresh, t.EndsAt, err
}

func of(request any) *renewed {
	switch r := request.(type) {
	case asked:
		return r.renewed
	case *renewed:
		return r
	}
	return nil
}

// SetUserinfoFromRequest puts into an ID token what its app may know.
func (s storage) SetUserinfoFromRequest(_ context.Context, info *protocol.UserInfo, request op.IDTokenRequest, scopes []string) error {
	of := of(request)
	if of == nil {
		return errNone
	}
	info.Subject = of.Grant.Person
	for name, value := range claims(of.Known, scopes) {
		info.AppendClaims(name, value)
	}
	info.AppendClaims("acr", of.Grant.Data.Class)
	info.AppendClaims("sid", s.Grants.Sid(of.Grant.Family, of.Grant.Client))
	return nil
}

// claims are what an app is told of a person: what the scopes ask for and the app's
// settings allow.
func claims(of *grant.Known, scopes []string) map[string]any {
	all := map[string]any{}
	for _, scope := range scopes {
		switch {
		case scope == grant.ScopeProfile:
			all["preferred_username"] = of.Person.Name
			if of.App.Tells(app.TellName) {
				all["name"] = of.Person.Shown()
			}
		case scope == grant.ScopeEmail && of.App.Tells(app.TellEmail) && of.Person.Email != "":
			// It was confirmed by a mailed link, or an operator answers for it.
			all["email"], all["email_verified"] = of.Person.Email, true
		case scope == grant.ScopeGroups && of.App.Tells(app.TellGroups):
			all["groups"] = append([]string{}, of.Person.Groups...)
		}
	}
	return all
}

// GetClientByClientID is the app that has proved itself, or one that only asks.
func (s storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	a := s.Grants.Client(id)
	if a == nil {
		return nil, errNone
	}
	return client{a}, nil
}

// AuthorizeClientIDSecret asks whether the client is the one that has proved itself.
func (s storage) AuthorizeClientIDSecret(ctx context.Context, id, _ string) error {
	if e := exchangeOf(ctx); e.app == nil || e.app.ID != id {
		return errNone
	}
	return nil
}

// signingKey is one of ours as the library sees it.
type signingKey struct{ grant.Signing }

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm {
	return jose.SignatureAlgorithm(k.Key.Algorithm)
}
func (k signingKey) ID() string { return k.KID }

type privateKey struct{ signingKey }

func (k privateKey) Key() any { return k.Signer }

type publicKey struct{ signingKey }

func (k publicKey) Key() any                           { return k.Signer.Public() }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.SignatureAlgorithm() }

// SigningKey is the key that signs for the client that has proved itself.
func (s storage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	e := exchangeOf(ctx)
	if e.app == nil {
		return nil, errNone
	}
	k, err := s.Signer.Current(ctx, e.app.Client.Algorithm)
	return privateKey{signingKey{k}}, err
}

// SignatureAlgorithms are all that sign here.
func (s storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}, nil
}

// KeySet are the keys that are published.
func (s storage) KeySet(ctx context.Context) (keys []op.Key, err error) {
	all, err := s.Signer.Published(ctx)
	for _, k := range all {
		keys = append(keys, publicKey{signingKey{k}})
	}
	return keys, err
}

// DeleteAuthRequest has nothing to delete: a request was never stored, and its code
// is spent.
func (s storage) DeleteAuthRequest(context.Context, string) error { return nil }

// SetUserinfoFromScopes leaves all to SetUserinfoFromRequest.
func (s storage) SetUserinfoFromScopes(context.Context, *protocol.UserInfo, string, string, []string) error {
	return nil
}

// What follows the library asks on ways that are not open here.

// CreateAuthRequest is never asked: requests travel with the browser.
func (s storage) CreateAuthRequest(context.Context, *protocol.AuthRequest, string) (op.AuthRequest, error) {
	return nil, errNone
}

// AuthRequestByID is never asked.
func (s storage) AuthRequestByID(context.Context, string) (op.AuthRequest, error) {
	return nil, errNone
}

// SaveAuthCode is never asked.
func (s storage) SaveAuthCode(context.Context, string, string) error { return errNone }

// TerminateSession is never asked.
func (s storage) TerminateSession(context.Context, string, string) error { return errNone }

// RevokeToken is never asked.
func (s storage) RevokeToken(context.Context, string, string, string) *protocol.Error {
	return protocol.ErrServerError()
}

// GetRefreshTokenInfo is never asked.
func (s storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

// SetUserinfoFromToken is never asked.
func (s storage) SetUserinfoFromToken(context.Context, *protocol.UserInfo, string, string, string) error {
	return errNone
}

// SetIntrospectionFromToken is never asked.
func (s storage) SetIntrospectionFromToken(context.Context, *protocol.IntrospectionResponse, string, string, string) error {
	return errNone
}

// GetPrivateClaimsFromScopes is never asked: access tokens hold no claims.
func (s storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errNone
}

// GetKeyByIDAndClientID is never asked: assertions are checked before.
func (s storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNone
}

// ValidateJWTProfileScopes is never asked.
func (s storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNone
}

// Health is never asked.
func (s storage) Health(context.Context) error { return nil }
