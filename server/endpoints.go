package server

import (
	"sallyport/config"
	"sallyport/front/oidc"
)

// Endpoint is an address that clients of OpenID Connect are told.
type Endpoint struct{ Name, Address string }

// Endpoints are those of the portal.
func Endpoints(c *config.Config) []Endpoint {
	return []Endpoint{
		{"issuer", c.URL},
		{"discovery", c.URL + oidc.Discovery},
		{"authorization", c.URL + oidc.Authorize},
		{"token", c.URL + oidc.Token},
		{"userinfo", c.URL + oidc.Userinfo},
		{"introspection", c.URL + oidc.Introspect},
		{"revocation", c.URL + oidc.Revoke},
		{"end session", c.URL + oidc.EndSession},
		{"keys", c.URL + oidc.KeysAt},
	}
}
