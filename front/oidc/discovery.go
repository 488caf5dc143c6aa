package oidc

import (
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"sallyport/core/app"
	"sallyport/core/grant"
)

// lookedUpFor is how long programs may keep discovery and keys: shorter than a new
// key is published before it signs.
const lookedUpFor = "public, max-age=300"

// discovery says what there is: what the library says, without what it cannot leave
// out, and with what it does not know.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) error {
	provider, err := p.provider()
	if err != nil {
		return err
	}
	text, err := json.Marshal(op.CreateDiscoveryConfig(p.issued(r.Context()), provider, storage{p}))
	if err != nil {
		return err
	}
	all := map[string]any{}
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	methods := []app.Auth{app.AuthBasic, app.AuthPost, app.AuthPrivateKeyJWT, app.AuthNone}
	for name, value := range map[string]any{
		"device_authorization_endpoint":                            nil,
		"check_session_iframe":                                     nil,
		"request_object_signing_alg_values_supported":              nil,
		"grant_types_supported":                                    []string{"authorization_code", "refresh_token"},
		"response_types_supported":                                 []string{"code"},
		"response_modes_supported":                                 []string{"query"},
		"subject_types_supported":                                  []string{"public"},
		"id_token_signing_alg_values_supported":                    grant.Algorithms,
		"token_endpoint_auth_methods_supported":                    methods,
		"token_endpoint_auth_signing_alg_values_supported":         assertedBy,
		"revocation_endpoint_auth_methods_supported":               methods,
		"revocation_endpoint_auth_signing_alg_values_supported":    assertedBy,
		"introspection_endpoint_auth_methods_supported":            methods[:3],
		"introspection_endpoint_auth_signing_alg_values_supported": assertedBy,
		"code_challenge_methods_supported":                         []string{"S256"},
		"acr_values_supported":                                     []string{grant.ClassOne, grant.ClassTwo},
		"claim_types_supported":                                    []string{"normal"},
		"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "sid",
			"preferred_username", "name", "email", "email_verified", "groups"},
		"claims_parameter_supported":                     true,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
		"authorization_response_iss_parameter_supported": true,
		"prompt_values_supported":                        prompts,
		"ui_locales_supported":                           []string{"en"},
	} {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	w.Header().Set("Cache-Control", lookedUpFor)
	write(w, http.StatusOK, all)
	return nil
}

// keys are the public keys. The first of each algorithm that an app asks for is made
// here at the latest, so that a program finds them before the first token.
func (p *Provider) keys(w http.ResponseWriter, r *http.Request) error {
	for _, a := range p.Grants.Apps.Book().All() {
		algorithm := ""
		switch {
		case a.Client != nil:
			algorithm = a.Client.Algorithm
		case !a.Token: // nothing is signed for it
			continue
		}
		if _, err := p.Signer.Current(r.Context(), algorithm); err != nil {
			return err
		}
	}
	all, err := p.Signer.Published(r.Context())
	if err != nil {
		return err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range all {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Signer.Public(), KeyID: k.KID, Algorithm: k.Algorithm, Use: "sig"})
	}
	w.Header().Set("Cache-Control", lookedUpFor)
	write(w, http.StatusOK, set)
	return nil
}
