package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// guarded are an app behind a proxy, and a client of OpenID Connect.
const (
	client  = "https://desk.example"
	guarded = `apps:
  - id: wiki
    name: Wiki
    addresses: [%s]
    groups: [everyone]
    need: two
    tell: [name, email, groups]
    token: true
  - id: desk
    name: Desk
    groups: [everyone]
    need: two
    tell: [name, email, groups]
    client:
      redirects: ["` + client + `/callback"]
      after_sign_out: ["` + client + `/bye"]
      auth: none
      refresh: true
`
)

const verifier = "a verifier that is as long as they have to be" // with - for its spaces

// authorize is a request that is in order, and endSession one to end.
var (
	authorize = "/oidc/authorize?" + url.Values{"client_id": {"desk"}, "redirect_uri": {client + "/callback"}, "response_type": {"code"}, "scope": {"openid profile email groups"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"}}.Encode()
	endSession = "/oidc/end-session?" + url.Values{"client_id": {"desk"}, "post_logout_redirect_uri": {client + "/bye"}, "state": {"s"}}.Encode()
)

func challenge() string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(verifier, " ", "-")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (r *rounds) appHost() string {
	_, host, _ := strings.Cut(r.app, "://")
	return host
}

// atApp are the headers of a request that a proxy sends on from the app's host.
func (r *rounds) atApp() []string {
	scheme, host, _ := strings.Cut(r.app, "://")
	return []string{"Host", host, "X-Forwarded-Proto", scheme}
}

func (r *rounds) handOver() string {
	return "/.sallyport/hand-over?" + url.Values{"to": {r.app + "/page"}, "bind": {strings.Repeat("b", 64)}}.Encode()
}

// sealed is where a request goes on that waits for a sign-in.
func (r *rounds) sealed(stranger *visitor) string {
	r.Helper()
	u, err := url.Parse(r.wants(http.StatusSeeOther, stranger, http.MethodGet, authorize, "").to)
	if err != nil || !strings.HasPrefix(u.Query().Get("rd"), "/oidc/enter?request=") {
		r.Fatal(u, err)
	}
	return u.Query().Get("rd")
}

// throughTheGate enters the app, and walks every route at its host; it returns the
// browser as it is there.
func (r *rounds) throughTheGate(in, stranger *visitor, routes []route, same func(but ...string)) *visitor {
	r.Helper()
	inside := *in
	inside.cookies = map[string]string{}
	keep := func(got visited) visited {
		for _, c := range (&http.Response{Header: got.header}).Cookies() {
			inside.cookies[c.Name] = c.Value
		}
		return got
	}
	left := keep(r.wants(http.StatusSeeOther, &inside, http.MethodGet, "/.sallyport/leave?rd=%2Fpage", "", r.atApp()...))
	over := r.wants(http.StatusSeeOther, in, http.MethodGet, strings.TrimPrefix(left.to, r.p.core.Config.URL), "")
	same()
	enter := strings.TrimPrefix(over.to, r.app)
	if !strings.HasPrefix(enter, "/.sallyport/enter?token=") {
		r.Fatalf("the hand-over leads to %q", over.to)
	}
	r.wants(http.StatusNotFound, &inside, http.MethodHead, enter, "", r.atApp()...)
	r.wants(http.StatusNotFound, &inside, http.MethodPost, enter, "", r.atApp()...)
	same()
	outside := inside
	outside.cookies = maps.Clone(inside.cookies)
	keep(r.wants(http.StatusSeeOther, &inside, http.MethodGet, enter, "", r.atApp()...))
	same("doors") // the one GET of the gate that writes: a token in the address opens a door, once
	r.wants(http.StatusSeeOther, &outside, http.MethodGet, enter, "", r.atApp()...)
	for _, value := range inside.cookies {
		r.secret[value] = true
	}
	if len(r.secret) == 0 || len(inside.cookies) != 2 {
		r.Fatalf("at the app a browser has %v", inside.cookies)
	}
	query := "rd=" + url.QueryEscape("//evil.example/"+hostile) + "&is=" + url.QueryEscape(hostile) + "&token=" + url.QueryEscape(hostile) + "&to=" + url.QueryEscape("https://evil.example/")
	unknown := route{pattern: "GET /.sallyport/unknown", method: http.MethodGet, paths: []string{"/.sallyport/unknown"}}
	for _, one := range append(slices.Clone(routes), unknown) {
		for _, path := range one.paths {
			for _, v := range []*visitor{stranger, &inside} {
				r.routeAtApp(v, path)
				if strings.HasPrefix(path, "/.sallyport/") {
					r.routeAtApp(v, strings.Split(path, "?")[0]+"?"+query)
				}
			}
		}
	}
	for _, v := range []*visitor{stranger, &inside} {
		r.checks(v, v == &inside)
	}
	same()
	return &inside
}

// routeAtApp asks for a route at the app's host: of all of ours the gate's alone are
// there, and none of them takes another method.
func (r *rounds) routeAtApp(v *visitor, at string) {
	r.Helper()
	path, _, _ := strings.Cut(at, "?")
	gate := strings.HasPrefix(path, "/.sallyport/")
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"} {
		got := r.knock(v, method, at, "", r.atApp()...)
		switch {
		case !gate && path != "/healthz" && path != "/readyz" || !gate && method != http.MethodGet && method != http.MethodHead:
			if got.status != http.StatusMisdirectedRequest || strings.TrimSpace(got.body) != "421 Misdirected Request" && method != http.MethodHead {
				r.Errorf("%s %s at an app's host: %s", method, at, got.brief())
			}
		case method != http.MethodGet && method != http.MethodHead:
			if got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound && got.status != http.StatusForbidden {
				r.Errorf("%s %s at an app's host: %s", method, at, got.brief())
			}
		}
	}
}

// remote is a header that says who somebody is.
var remote = regexp.MustCompile(`^Remote-(User|Groups|Name|Email|Token)$`)

// checks asks as proxies do. What they get is for them, and what a proxy passes on
// stands at the app's host: its page headers, HSTS among them, are the app's and its
// proxy's to set, and an answer without a body has nothing that a browser could load,
// frame or take for something else. So all it has is that nobody may keep it, where to
// go, and who it is.
func (r *rounds) checks(v *visitor, inside bool) {
	r.Helper()
	scheme, host, _ := strings.Cut(r.app, "://")
	for _, path := range []string{"/.sallyport/forward-auth", "/.sallyport/auth-request", "/.sallyport/ext-authz/page", "/.sallyport/ext-authz"} {
		for _, asks := range []string{host, "evil.example", ""} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"} {
				q := httptest.NewRequest(method, "http://"+host+path, nil)
				q.Host, q.RequestURI = asks, path
				q.Header = http.Header{"X-Forwarded-Proto": {scheme}, "X-Forwarded-Host": {asks}, "X-Forwarded-Method": {method}, "X-Forwarded-Uri": {"/page?" + url.QueryEscape(hostile)},
					"X-Forwarded-For": {v.address}, "Accept": {"text/html"}, "User-Agent": {hostile}}
				for name, value := range v.cookies {
					q.AddCookie(&http.Cookie{Name: name, Value: value})
				}
				direct := q.Clone(r.Context())
				direct.RemoteAddr = "192.0.2.1:1"
				w := httptest.NewRecorder()
				r.p.handler.ServeHTTP(w, direct)
				if w.Code != http.StatusForbidden || w.Body.Len() > 0 {
					r.Errorf("%s %s by no proxy: %d %q", method, path, w.Code, w.Body)
				}
				r.defended(method+" "+path+" by no proxy", visited{method: method, status: w.Code, url: path, header: w.Header()}, false)

				got, err := r.p.ask(q)
				if err != nil {
					r.Fatal(err)
				}
				r.answersAProxy(method+" "+path+" about "+asks, got)
				if lets := inside && asks == host && path != "/.sallyport/ext-authz"; lets != (got.StatusCode == http.StatusOK) {
					r.Errorf("%s %s about %q: %d", method, path, asks, got.StatusCode)
				}
			}
		}
	}
}

// answersAProxy looks at the answer of a check.
func (r *rounds) answersAProxy(what string, got *http.Response) {
	r.Helper()
	r.seen[got.StatusCode]++
	names := slices.Sorted(maps.Keys(got.Header))
	wants := []string{"Cache-Control"}
	if got.Header.Get("Location") != "" {
		wants = append(wants, "Location")
	}
	if got.StatusCode == http.StatusOK {
		wants = append(wants, "Remote-Email", "Remote-Groups", "Remote-Name", "Remote-Token", "Remote-User")
	}
	if !slices.Equal(names, wants) || !slices.Equal(got.Header.Values("Cache-Control"), []string{"no-store"}) || got.ContentLength > 0 {
		r.Errorf("%s: %d with %v", what, got.StatusCode, got.Header)
	}
	if to := got.Header.Get("Location"); to != "" && !strings.HasPrefix(to, r.app+"/.sallyport/leave?rd=%2Fpage") {
		r.Errorf("%s: leads to %q", what, to)
	}
	for name, values := range got.Header {
		if remote.MatchString(name) && len(values) != 1 {
			r.Errorf("%s: %s is said %d times", what, name, len(values))
		}
	}
}

// withTheProvider lets the client in, by a code and for tokens.
func (r *rounds) withTheProvider(in *visitor, same func(but ...string)) {
	r.Helper()
	asked := r.wants(http.StatusOK, in, http.MethodGet, authorize, "")
	same()
	agree := first(regexp.MustCompile(`action="(/oidc/consent\?[^"]*)"`), asked.body)
	if asked.name != "consent" || agree == "" {
		r.Fatal(asked.brief())
	}
	code := func(got visited) string {
		r.Helper()
		u, err := url.Parse(got.to)
		if err != nil || u.Scheme+"://"+u.Host != client || u.Query().Get("code") == "" {
			r.Fatalf("no code: %s", got.brief())
		}
		return u.Query().Get("code") // in the address by the protocol: once, for a minute, for who has the verifier
	}
	code(r.wants(http.StatusSeeOther, in, http.MethodPost, strings.ReplaceAll(agree, "&amp;", "&"), "answer=yes&token="+url.QueryEscape(first(tokenMark, asked.body))))
	same("consents", "grants", "audit", "audit_waiting")
	r.wants(http.StatusNotFound, in, http.MethodHead, authorize, "")
	same()
	given := code(r.wants(http.StatusSeeOther, in, http.MethodGet, authorize, ""))
	same("grants", "audit", "audit_waiting") // the one GET of the provider that writes: the protocol has it give a code
	program := visit(r.T, in.door)
	got := r.wants(http.StatusOK, program, http.MethodPost, "/oidc/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"desk"}, "code": {given},
		"redirect_uri": {client + "/callback"}, "code_verifier": {strings.ReplaceAll(verifier, " ", "-")}}.Encode())
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil || tokens.Access == "" {
		r.Fatal(got.body, err)
	}
	same("grants", "tokens")
	r.secret[tokens.Access], r.secret[tokens.ID] = true, true
	r.wants(http.StatusOK, in, http.MethodHead, "/oidc/end-session?id_token_hint="+tokens.ID, "") // by GET it signs out, as the protocol has it
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r.wants(http.StatusOK, program, method, "/oidc/userinfo", "", "Authorization", "Bearer "+tokens.Access)
		r.wants(http.StatusUnauthorized, program, method, "/oidc/userinfo", "", "Authorization", "Bearer "+tokens.Access+"x")
	}
	r.wants(http.StatusUnauthorized, program, http.MethodPost, "/oidc/introspect", "client_id=desk&token="+tokens.Access)
	same()
	r.wants(http.StatusOK, program, http.MethodPost, "/oidc/revoke", "client_id=desk&token="+tokens.Access)
	same("grants", "tokens")
}

// gateWithoutDatabase asks at the app's host while nobody can say who it is.
func (r *rounds) gateWithoutDatabase(inside *visitor) {
	r.Helper()
	for _, path := range []string{"/.sallyport/leave?rd=%2Fpage", "/.sallyport/enter?token=x", "/.sallyport/sign-out", "/.sallyport/problem", "/sign-in"} {
		if got := r.knock(inside, http.MethodGet, path, "", r.atApp()...); got.status == http.StatusInternalServerError {
			r.Errorf("%s at an app's host without a database: %s", path, got.brief())
		}
	}
	_, host, _ := strings.Cut(r.app, "://")
	scheme, _, _ := strings.Cut(r.app, ":")
	q := httptest.NewRequest(http.MethodGet, "http://"+host+"/.sallyport/forward-auth", nil)
	q.Header = http.Header{"X-Forwarded-Proto": {scheme}, "X-Forwarded-Host": {host}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/page"}}
	for name, value := range inside.cookies {
		q.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	got, err := r.p.ask(q)
	if err != nil {
		r.Fatal(err)
	}
	r.answersAProxy("a check without a database", got)
	if got.StatusCode != http.StatusServiceUnavailable {
		r.Errorf("a check without a database: %d", got.StatusCode)
	}
}
