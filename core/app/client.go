package app

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	hexed "encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Client is how an app speaks OpenID Connect.
type Client struct {
	Redirects     []string // each exact; https, or http on loopback, where Native lets the port be free
	AfterSignOut  []string `json:",omitempty"` // post_logout_redirect_uris, exact
	BackChannel   string   `json:",omitempty"` // where the end of a session is told
	Auth          Auth     // how it proves itself at the token endpoint
	Secret        string   `json:",omitempty"` // the kept form of its secret: SHA-256 of 256 random bits, in hex
	Keys          string   `json:",omitempty"` // its JSON Web Key Set, for PrivateKeyJWT
	Native        bool     `json:",omitempty"` // runs on people's own machines
	WithoutPKCE   bool     `json:",omitempty"` // an old client that cannot; flagged
	Algorithm     string   `json:",omitempty"` // RS256 (also when empty), ES256, EdDSA
	Refresh       bool     `json:",omitempty"` // may have refresh tokens
	NoConsent     bool     `json:",omitempty"` // the operator's own app: people are not asked
	AccessMinutes int      `json:",omitempty"` // life of an access token; 0 is 10
}

// Auth is how a client proves itself.
type Auth string

// The ways.
const (
	AuthNone          Auth = "none" // public: PKCE alone
	AuthBasic         Auth = "client_secret_basic"
	AuthPost          Auth = "client_secret_post"
	AuthPrivateKeyJWT Auth = "private_key_jwt"
)

// NewSecret makes the secret of a client.
func NewSecret() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// Kept is the form in which the secret of a client is stored and compared. It is a
// plain hash: enough for 256 random bits, and for nothing that people choose.
func Kept(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hexed.EncodeToString(sum[:])
}

// SecretLeast is how many characters a secret has that was made elsewhere.
const SecretLeast = 32

// Confidential says whether it proves itself by a secret.
func (c *Client) Confidential() bool { return c.Auth == AuthBasic || c.Auth == AuthPost }

// AccessFor is how long an access token lives.
func (c *Client) AccessFor() time.Duration {
	if c.AccessMinutes == 0 {
		return 10 * time.Minute
	}
	return time.Duration(c.AccessMinutes) * time.Minute
}

func (c *Client) check() (faults []error) {
	note := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(c.Redirects) == 0 || len(c.Redirects) > listMax || len(c.AfterSignOut) > listMax {
		note("1 to %d redirect addresses; hint: https://wiki.example.org/callback", listMax)
	}
	for _, address := range c.Redirects {
		if err := c.checkAddress(address); err != nil {
			note("redirect %w", err)
		}
	}
	for _, address := range c.AfterSignOut {
		if err := c.checkAddress(address); err != nil {
			note("after_sign_out %w", err)
		}
	}
	if c.BackChannel != "" {
		if err := c.checkAddress(c.BackChannel); err != nil {
			note("back_channel %w", err)
		}
	}
	switch c.Auth {
	case AuthNone, AuthPrivateKeyJWT:
		if c.Secret != "" {
			note("a secret goes with client_secret_basic and client_secret_post; hint: take it out")
		}
	case AuthBasic, AuthPost:
		if c.Secret == "" {
			note("no secret; hint: give one, or auth: none for a public client")
		}
	default:
		note("auth %q; hint: none, client_secret_basic, client_secret_post, private_key_jwt", c.Auth)
	}
	if c.Secret != "" && (len(c.Secret) != 64 || strings.Trim(c.Secret, "0123456789abcdef") != "") {
		note("the secret is not in its kept form; hint: give it again")
	}
	if (c.Auth == AuthPrivateKeyJWT) != (c.Keys != "") {
		note("keys go with private_key_jwt; hint: give both or neither")
	} else if c.Keys != "" {
		faults = append(faults, checkKeys(c.Keys)...)
	}
	if c.WithoutPKCE && c.Auth == AuthNone {
		note("a public client has nothing but PKCE; hint: take without_pkce out")
	}
	if c.Algorithm != "" && c.Algorithm != "RS256" && c.Algorithm != "ES256" && c.Algorithm != "EdDSA" {
		note("algorithm %q; hint: RS256, ES256, EdDSA", c.Algorithm)
	}
	if c.AccessMinutes < 0 || c.AccessMinutes > 60 {
		note("access tokens live 1 to 60 minutes; hint: 10")
	}
	return faults
}

// checkKeys accepts public keys alone: what stands here is shown and backed up.
func checkKeys(text string) []error {
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(text), &set); err != nil || len(set.Keys) == 0 {
		return []error{errors.New(`keys are no key set; hint: {"keys":[{"kty":"EC",…}]}`)}
	}
	for _, key := range set.Keys {
		_, private := key["d"]
		_, shared := key["k"]
		if private || shared {
			return []error{errors.New("keys hold a private one; hint: make a new pair, and give its public half alone")}
		}
	}
	return nil
}

// checkAddress lets through what can be compared letter by letter and leads to
// nobody else: RFC 9700 2.1, OP-01.
func (c *Client) checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(address, "#\\ *") || strings.ContainsFunc(address, unshown) {
		return fmt.Errorf("%q is no address, or has a fragment or a blank; hint: https://wiki.example.org/callback", address)
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%q: %w", address, errors.New("https, or http on loopback; hint: https://wiki.example.org/callback"))
}
