package server

import "sallyport/config"

// Endpoint is an address that clients of OpenID Connect are told.
type Endpoint struct{ Name, Address string }

// Endpoints are those of the portal.
func Endpoints(c *config.Config) []Endpoint {
	return []Endpoint{
		{"issuer", c.URL},
		{"discovery", c.URL + "/.well-known/openid-configuration"},
		{"authorization", c.URL + "/oidc/authorize"},
		{"token", c.URL + "/oidc/token"},
		{"userinfo", c.URL + "/oidc/userinfo"},
		{"introspection", c.URL + "/oidc/introspect"},
		{"revocation", c.URL + "/oidc/revoke"},
		{"end session", c.URL + "/oidc/end-session"},
		{"keys", c.URL + "/oidc/keys"},
	}
}
