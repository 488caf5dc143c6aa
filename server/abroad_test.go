package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Two apps: one behind the gate, one that speaks OpenID Connect.
const (
	wikiPage = "http://wiki.localhost:8081/page"
	callback = "https://notes.example.org/callback"

	twoApps = "apps:\n  - id: wiki\n    addresses: [http://wiki.localhost:8081]\n    groups: [everyone]\n" +
		"  - id: notes\n    groups: [everyone]\n    client:\n      redirects: [" + callback + "]\n      auth: client_secret_post\n      algorithm: EdDSA\n      secret_file: app.secret\n      refresh: true\n"
)

// away makes the request for an address that is not a path of the portal. A page of an
// app behind the gate is what its proxy asks about; a client has no pages, and only
// takes what it is brought.
func (v *visitor) away(ctx context.Context, method, at string) (*http.Request, error) {
	if strings.HasPrefix(at, "https://") {
		v.page = visited{method: method, status: http.StatusOK, name: "callback", url: at}
		return nil, nil
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	uri := u.RequestURI()
	if u.Host == host || strings.HasPrefix(uri, "/.sallyport/") {
		return http.NewRequestWithContext(ctx, method, at, nil)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.Host+"/.sallyport/forward-auth", nil)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Method": method, "Proto": u.Scheme, "Host": u.Host, "Uri": uri} {
		r.Header.Set("X-Forwarded-"+name, value)
	}
	r.Header.Set("Accept", "text/html")
	return r, nil
}

// inWiki is what the gate says of this browser.
func inWiki(v *visitor) string {
	v.Helper()
	c := *v
	c.cookies, c.late = maps.Clone(v.cookies), 0
	c.send(http.MethodGet, wikiPage)
	return fmt.Sprint("the gate answers ", c.page.status)
}

// party is the program of an app, to which a browser brings codes.
type party struct {
	code, access, refresh string
	spent                 []string // codes that were redeemed
	renewed, over         bool
}

// ownVerifier is what a code is asked for with.
const ownVerifier = "a-verifier-of-forty-three-letters-at-the-least"

// asksFor is where the app sends a browser for a code.
func asksFor(scope string) string {
	sum := sha256.Sum256([]byte(ownVerifier))
	return "/oidc/authorize?" + url.Values{"client_id": {"notes"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {scope}, "state": {"a-state"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}.Encode()
}

// ask asks the portal as a program does, that has no cookies.
func (k *party) ask(v *visitor, at string, fields ...string) (page visited, all map[string]any) {
	v.Helper()
	c := *v
	c.cookies = map[string]string{}
	c.send(http.MethodPost, at, append(fields, "client_id", "notes", "client_secret", appSecret)...)
	_ = json.Unmarshal([]byte(c.page.body), &all)
	return c.page, all
}

// turn does what the app does next: it redeems the code, renews its tokens once, and
// gives them back. What is worth nothing sends the browser for another code.
func (k *party) turn(v *visitor) bool {
	v.Helper()
	if v.page.name == "callback" {
		u, _ := url.Parse(v.page.url)
		k.code = u.Query().Get("code")
	}
	at, fields := "/oidc/token", []string{"grant_type", "authorization_code", "code", k.code, "redirect_uri", callback, "code_verifier", ownVerifier}
	switch {
	case v.page.name == "program" && v.page.status == http.StatusBadRequest:
		*k = party{spent: k.spent}
		v.get(v.start)
		return true
	case k.code == "" || k.over:
		return false
	case k.refresh == "":
		k.spent = append(k.spent, k.code)
	case !k.renewed:
		fields = []string{"grant_type", "refresh_token", "refresh_token", k.refresh}
	default:
		at, fields = "/oidc/revoke", []string{"token", k.refresh}
	}
	page, all := k.ask(v, at, fields...)
	if page.name == "" {
		page.name = "program"
	}
	v.page = page
	switch {
	case page.status != http.StatusOK:
	case at == "/oidc/revoke":
		k.over = true
	default:
		k.renewed = k.refresh != ""
		k.access, _ = all["access_token"].(string)
		k.refresh, _ = all["refresh_token"].(string)
	}
	return true
}

// holds is what the tokens of the app are worth.
func (k *party) holds(v *visitor) string {
	v.Helper()
	list := "the app holds"
	for _, token := range []string{k.access, k.refresh} {
		if token == "" {
			list += " nothing"
			continue
		}
		c := *v
		c.late = 0
		_, all := k.ask(&c, "/oidc/introspect", "token", token)
		list += fmt.Sprint(" active ", all["active"])
	}
	return list
}
