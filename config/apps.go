package config

import (
	"fmt"
	"reflect"
	"slices"
)

// App is what people sign in to: a site behind a proxy, a client of OpenID
// Connect, or both.
type App struct {
	// ID is the short name of the app: small letters, digits and hyphens. In OpenID
	// Connect it is the client_id.
	ID string `yaml:"id"`
	// Name is what people read. Without it, the id.
	Name string `yaml:"name"`
	// Addresses are where the app is, each scheme and host, as
	// https://wiki.example.org. A client of OpenID Connect can do without.
	Addresses []string `yaml:"addresses"`
	// Groups are those whose members may enter; everyone is all people. They must be
	// given.
	Groups []string `yaml:"groups"`
	// Need is what has to be shown: none, one, two, or two within 15m (both factors,
	// not longer ago). Without it, two.
	Need string `yaml:"need"`
	// Rules are what holds for some paths and methods in the place of groups and need.
	// The first that fits decides.
	Rules []AppRule `yaml:"rules"`
	// Tell is what the app is told of a person besides the username: name, email,
	// groups.
	Tell []string `yaml:"tell"`
	// Share is a domain above the addresses, for one cookie for all apps below it.
	// Without it each host has a cookie of its own.
	Share string `yaml:"share"`
	// Token has a signed token go with each request, for an app that does not trust
	// its network.
	Token bool `yaml:"token"`
	// Client is how the app speaks OpenID Connect.
	Client AppClient `yaml:"client"`
}

// AppRule is what holds for some paths and methods of an app.
type AppRule struct {
	// Paths are the paths that it is for, each exact, or with /* at its end for all
	// below. Without it, all.
	Paths []string `yaml:"paths"`
	// Methods are the methods that it is for, in capitals. Without it, all.
	Methods []string `yaml:"methods"`
	// Groups are those whose members may enter there. Without it, those of the app.
	Groups []string `yaml:"groups"`
	// Need is what has to be shown there. Without it, what the app asks.
	Need string `yaml:"need"`
}

// AppClient is how an app speaks OpenID Connect.
type AppClient struct {
	// Redirects are the addresses that people come back to, each exact. They must be
	// given.
	Redirects []string `yaml:"redirects"`
	// AfterSignOut are the addresses that people may be sent to after signing out,
	// each exact.
	AfterSignOut []string `yaml:"after_sign_out"`
	// BackChannel is the address that is told when a session ends.
	BackChannel string `yaml:"back_channel"`
	// Auth is how the app proves itself: client_secret_basic, client_secret_post,
	// private_key_jwt, or none. Without it, client_secret_basic.
	Auth string `yaml:"auth"`
	// SecretFile names the file of the secret that the app has too: at least 32
	// characters, at random.
	SecretFile string `yaml:"secret_file" is:"file"`
	// KeysFile names the file of the app's public keys (JWKS), for private_key_jwt.
	KeysFile string `yaml:"keys_file" is:"file"`
	// Native says that the app runs on people's own machines: its port on loopback is
	// free.
	Native bool `yaml:"native"`
	// WithoutPKCE lets in an old client that cannot do PKCE.
	WithoutPKCE bool `yaml:"without_pkce"`
	// Algorithm is how tokens for it are signed: RS256, ES256 or EdDSA. Without it,
	// RS256.
	Algorithm string `yaml:"algorithm"`
	// Refresh lets it have refresh tokens.
	Refresh bool `yaml:"refresh"`
	// NoConsent has nobody asked whether the app may be told of them. For your own.
	NoConsent bool `yaml:"no_consent"`
	// AccessMinutes is how many minutes an access token lives, from 1 to 60. Without
	// it, 10.
	AccessMinutes int `yaml:"access_minutes"`

	secret, keys *Secret // pointers, as in GatewaySecret
}

// Given says whether the app speaks OpenID Connect.
func (c AppClient) Given() bool { return !reflect.ValueOf(c).IsZero() }

// Secret is what stands in secret_file, for the one who has to use it.
func (c AppClient) Secret() Secret { return valueOf(c.secret) }

// Keys are what stands in keys_file. They are no secret.
func (c AppClient) Keys() string { return valueOf(c.keys).Reveal() }

// secretLeast is how many characters the secret of a client has: it is kept as a
// plain hash, which is enough for 256 random bits and for nothing that people choose.
const secretLeast = 32

// appChecks are the rows of apps. What an app may say is checked where apps are
// judged; here, that each has a name of its own and its files.
func (c *Config) appChecks() (rows []check) {
	for i, a := range c.Apps {
		key := fmt.Sprintf("apps[%d]", i)
		rows = append(rows,
			check{key + ".id", func() (string, string) { return c.checkAppID(i) }, ""},
			check{key + ".client.secret_file", a.Client.checkSecret, ""},
		)
	}
	return rows
}

func (c *Config) checkAppID(i int) (problem, hint string) {
	id := c.Apps[i].ID
	switch {
	case id == "":
		return "is missing", "a short name, as wiki"
	case slices.IndexFunc(c.Apps, func(a App) bool { return a.ID == id }) < i:
		return quote(id) + " is the id of another app", "choose another; an app can have several addresses"
	}
	return "", ""
}

func (c AppClient) checkSecret() (problem, hint string) {
	if n := len(c.Secret().Reveal()); n > 0 && n < secretLeast {
		return fmt.Sprintf("the file holds less than %d characters", secretLeast), "make one at random: openssl rand -hex 32"
	}
	return "", ""
}

// appSecrets reads the files of apps.
func (r *reader) appSecrets() {
	for i := range r.config.Apps {
		client, key := &r.config.Apps[i].Client, fmt.Sprintf("apps[%d].client", i)
		client.secret = r.secretIn(key+".secret_file", client.SecretFile)
		client.keys = r.secretIn(key+".keys_file", client.KeysFile)
	}
}
