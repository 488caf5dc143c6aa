package server_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/back/store"
	"sallyport/server"
)

// besides are rows that a digest leaves out, by their table. No worker of a portal
// runs here that would write on its own.
var besides = map[string]string{
	"meta": "name <> 'probe'", // whether the database takes a write is asked by writing: /readyz
}

// digest tells apart any two states of the database, by its tables.
func (p *premises) digest(t *testing.T) map[string]string {
	t.Helper()
	p.core.Flow.Wait()
	p.core.Manage.Wait()
	db := p.beside(t)
	version, err := store.SchemaVersion(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := store.Options{}.Tables(t.Context(), version)
	if err != nil || len(tables) < 25 {
		t.Fatal(tables, err)
	}
	sums := map[string]string{}
	for _, of := range tables {
		table, but := of.Name, ""
		if without := besides[table]; without != "" {
			but = " WHERE " + without
		}
		rows, err := db.Query("SELECT * FROM " + table + but + " ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		sum := sha256.New()
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(sum, "%q\n", values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		sums[table] = fmt.Sprintf("%x", sum.Sum(nil)[:4])
	}
	return sums
}

// beside is the database without the portal.
func (p *premises) beside(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.folder, "data", "sallyport.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// rounds is a walk along every route of the program.
type rounds struct {
	*testing.T
	p      *premises
	https  bool
	app    string          // the origin of an app behind the gate
	seen   map[int]int     // answers, by their status
	secret map[string]bool // what stands in no address
}

// hostile is what nobody may read as it was written.
const hostile = `"><img src=x>`

// knock sends a request as a browser, which it leaves as it was.
func (r *rounds) knock(v *visitor, method, at, body string, header ...string) visited {
	r.Helper()
	q, err := http.NewRequestWithContext(r.Context(), method, r.p.core.Config.URL+at, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("User-Agent", "Mozilla/5.0 "+hostile)
	q.Header.Set("X-Forwarded-For", v.address)
	for name, value := range v.cookies {
		q.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			q.Host = header[i+1]
			continue
		}
		q.Header.Set(header[i], header[i+1])
	}
	c := *v
	c.cookies = maps.Clone(v.cookies)
	a, err := r.p.ask(q)
	if err != nil {
		r.Fatal(err)
	}
	c.shows(method, at, a)
	r.seen[c.page.status]++
	r.defended(fmt.Sprintf("%s %s%s (%d)", method, q.Host, at, c.page.status), c.page, q.Host == r.appHost())
	return c.page
}

// wants is knock for a status.
func (r *rounds) wants(status int, v *visitor, method, at, body string, header ...string) visited {
	r.Helper()
	got := r.knock(v, method, at, body, header...)
	if got.status != status {
		r.Errorf("%s %s %v: not %d but %s", method, at, header, status, got.brief())
	}
	return got
}

var (
	inlined = regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:`)
	loaded  = regexp.MustCompile(`(?:\ssrc|\saction|<link [^>]*href)="([^"]*)"`)
)

// defended checks what stands in standards.md, WEB-03 to WEB-09, on an answer.
func (r *rounds) defended(what string, v visited, atApp bool) {
	r.Helper()
	file := v.status == http.StatusOK && (strings.HasPrefix(v.url, "/assets/") || strings.HasPrefix(v.url, "/brand/"))
	policy, hsts, kept := server.PagePolicy, "", "no-store"
	if r.https {
		hsts = "max-age=31536000; includeSubDomains"
	}
	if file {
		kept = v.header.Get("Cache-Control")
	}
	at, _, _ := strings.Cut(v.url, "?")
	shared, program := server.OpenAddresses[at]
	program = program && !atApp
	own := "same-origin"
	if program && shared && v.status != http.StatusMisdirectedRequest { // scripts of other sites may read it: that is what it is for
		own = "cross-origin"
		if v.status == http.StatusOK && (at == "/.well-known/openid-configuration" || at == "/oidc/keys") {
			kept = "public, max-age=300"
		}
	}
	if file && strings.HasPrefix(v.url, "/brand/") {
		policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
	}
	probe := at == "/healthz" || at == "/readyz" // a load balancer's, by whatever name, and no browser's
	if atApp && r.https && v.status != http.StatusMisdirectedRequest && !probe {
		hsts = "max-age=31536000" // hosts below an app's are not ours
	}
	if v.name == "consent" || at == "/oidc/end-session" && v.name == "confirm" && strings.Contains(v.url, "post_logout_redirect_uri=") {
		policy += " " + client // browsers follow the redirects of a form to where its page says alone
	}
	for name, want := range map[string]string{"Content-Security-Policy": policy, "Strict-Transport-Security": hsts, "Cache-Control": kept,
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": own} {
		if got := v.header.Values(name); want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			r.Errorf("%s: %s is %q, not %q", what, name, got, want)
		}
	}
	kind := v.header.Get("Content-Type")
	if v.body != "" && !strings.Contains(kind, "charset=utf-8") && !(program && kind == "application/json") && // which is UTF-8 by RFC 8259
		!slices.Contains([]string{"image/png", "image/svg+xml", "image/x-icon"}, kind) {
		r.Errorf("%s: the type is %q", what, kind)
	}
	for _, c := range (&http.Response{Header: v.header}).Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != r.https || strings.HasPrefix(c.Name, "__Host-") != r.https {
			r.Errorf("%s: the cookie %s", what, c)
		}
	}
	to := v.to
	if strings.HasPrefix(at, "/.sallyport/") || strings.HasPrefix(at, "/oidc/") { // from an app to us, and back to where it is
		for _, origin := range []string{r.p.core.Config.URL, r.app, client} {
			if rest, ok := strings.CutPrefix(to, origin+"/"); ok {
				to = "/" + rest
				break
			}
		}
	}
	if v.to != "" && (to[0] != '/' || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n<")) {
		r.Errorf("%s: leads to %q", what, v.to)
	}
	for secret := range r.secret {
		if strings.Contains(v.to, secret) {
			r.Errorf("%s: leads to %q, with a secret in it", what, v.to)
		}
	}
	if found := inlined.FindString(v.body); found != "" && strings.HasPrefix(kind, "text/html") {
		r.Errorf("%s: %q on the page", what, found)
	}
	if strings.Contains(v.body, hostile) || strings.Contains(v.body, "<img src=x") {
		r.Errorf("%s: what was sent came through", what)
	}
	for _, m := range loaded.FindAllStringSubmatch(v.body, -1) {
		if strings.HasPrefix(kind, "text/html") && (!strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//")) {
			r.Errorf("%s: the page needs %q", what, m[1])
		}
	}
}

// route is one of the table, with its gaps filled: by what is there, and by what is not.
type route struct {
	pattern, method string
	paths           []string
}

var pathGap = regexp.MustCompile(`\{[a-z]+\}`)

func (r *rounds) routes(there map[string]string) (list []route) {
	r.Helper()
	for _, pattern := range r.p.core.Patterns() {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "", pattern
		}
		path = strings.TrimSuffix(path, "{$}")
		one := route{pattern: pattern, method: method, paths: []string{pathGap.ReplaceAllString(path, "aaaaaaaaaaaaaaaaaaaaaaaaaa")}}
		if pathGap.MatchString(path) {
			real := there[path]
			if real == "" {
				r.Errorf("nothing real is known for %s", pattern)
			}
			one.paths = append(one.paths, real)
		}
		if strings.HasSuffix(path, "/") && path != "/" {
			one.paths = append(one.paths, there[path])
		}
		if real := there[pattern]; real != "" {
			one.paths = append(one.paths, real)
		}
		list = append(list, one)
	}
	if len(list) < 80 {
		r.Fatalf("%d routes: this test is blind", len(list))
	}
	return list
}

// TestEveryRouteKeepsItsDefences walks the table of routes as the program has it,
// as strangers, on the way in and signed in, through every sort of answer.
func TestEveryRouteKeepsItsDefences(t *testing.T) {
	t.Parallel()
	for _, https := range []bool{false, true} {
		t.Run(map[bool]string{true: "https", false: "http"}[https], func(t *testing.T) {
			t.Parallel()
			walk(t, https)
		})
	}
}

// begun are pages that begin something when they are opened: a key that is nobody's
// until its code is entered, in place of one that was drawn and not used.
var begun = map[string]string{
	"GET /account/app":               "draws a key",
	"GET /account/apps/{id}/replace": "draws a key",
}

func walk(t *testing.T, https bool) {
	more := "brand:\n  logo_light: ./logo.svg\n"
	if https {
		more += "insecure: true\n"
	}
	wiki := map[bool]string{true: "https", false: "http"}[https] + "://wiki.localhost"
	p := site(t, more+fmt.Sprintf(guarded, wiki), https)
	r := &rounds{T: t, p: p, https: https, app: wiki, seen: map[int]int{}, secret: map[string]bool{}}
	in := enrol(t, p, false).twice()
	in.start = "/account/mail"
	in.until(at("mail"))
	in.post("/account/mail", "mail", "new@example.org")
	comes := in.comes("")
	comes.get("/sign-in")
	comes.until(at("app-code"))
	wizard := visit(t, p)
	wizard.order(order{Do: "add", Name: wizard.name})
	wizard.get("/sign-in")
	wizard.until(at("setup-phone-code"))
	worn := in.comes("")
	worn.get("/sign-in")
	worn.until(at("app-code"))
	stranger := visit(t, p)
	stranger.get("/sign-in")
	asked := visit(t, p)
	asked.name, asked.mail = in.name, in.mail
	asked.get("/forgot")
	asked.goOn()
	guest := visit(t, p)
	tail := func(to, holding, mark string) string {
		return mark + first(regexp.MustCompile(regexp.QuoteMeta(mark)+`(\S+)`), in.text(to, holding))
	}
	in.get("/account/activity")
	activity := first(regexp.MustCompile(`"(/account/activity/[^/"]+/not-me)"`), in.page.body)
	in.get("/account/security")
	app := first(regexp.MustCompile(`/account/apps/([^/]+)/remove`), in.page.body)
	there := map[string]string{
		"/invitation/{token}":             "/invitation/" + in.order(order{Do: "add", Name: guest.name, N: 1}).Text,
		"/password/{token}":               tail(in.mail, "/password/", "/password/"),
		"/not-me/{token}":                 tail("+1"+in.number, "2FA was set up", "/not-me/"),
		"/account/mail/{token}":           tail("new@example.org", "/account/mail/", "/account/mail/"),
		"/account/activity/{link}/not-me": activity,
		"/account/apps/{id}/name":         "/account/apps/" + app + "/name",
		"/account/apps/{id}/replace":      "/account/apps/" + app + "/replace",
		"/account/apps/{id}/remove":       "/account/apps/" + app + "/remove",
		"/account/browsers/{id}/sign-out": first(regexp.MustCompile(`"(/account/browsers/[^/"]+/sign-out)"`), in.page.body),
		"/account/browsers/{id}/forget":   "/account/browsers/aaaaaaaa/forget",
		"/account/let-in/{id}/withdraw":   "/account/let-in/wiki/withdraw",
		"/demo/outbox/{secret}":           server.OutboxPath,
		"GET /.sallyport/hand-over":       r.handOver(),
		"GET /.sallyport/problem":         "/.sallyport/problem?is=forged",
		"GET /oidc/authorize":             authorize,
		"GET /oidc/enter":                 r.sealed(stranger),
		"GET /oidc/end-session":           endSession,
		"/assets/":                        first(regexp.MustCompile(`"(/assets/[^"]+\.css)"`), in.page.body),
		"/brand/":                         "/brand/logo.svg",
	}
	for name, gone := range map[string]string{"activity": activity, "app": app} {
		if gone == "" {
			t.Fatalf("no %s: %s", name, in.page.brief())
		}
	}
	everybody := []*visitor{stranger, in, comes, wizard}
	if stride > 1 {
		everybody = everybody[:2]
	}
	for _, v := range everybody {
		for name, value := range v.cookies {
			if !strings.HasSuffix(name, "csrf") {
				r.secret[value] = true
			}
		}
		r.secret[v.number] = true
	}
	routes := r.routes(there)
	query := "?rd=" + url.QueryEscape("//evil.example/"+hostile) + "&name=" + url.QueryEscape(hostile) + "&notice=x&to=" + url.QueryEscape("https://evil.example/"+hostile) + "&page=1"
	see := func(v *visitor, one route) {
		for _, path := range one.paths {
			more := query
			if strings.Contains(path, "?") {
				more = "&" + query[1:]
			}
			for _, at := range []string{path, path + more} {
				got := r.knock(v, http.MethodGet, at, "")
				head := r.knock(v, http.MethodHead, at, "")
				if !strings.HasSuffix(path, "z") && (got.status != head.status || sansToken(got.to) != sansToken(head.to)) { // the questions of a load balancer are GET
					t.Errorf("%s: GET is answered by %d to %q, HEAD by %d to %q", at, got.status, got.to, head.status, head.to)
				}
			}
		}
	}
	for _, one := range routes { // once, so that what is said once has been said
		see(in, one)
	}
	before := p.digest(t)
	same := func(but ...string) {
		t.Helper()
		after := p.digest(t)
		for table := range after {
			if before[table] != after[table] && !slices.Contains(but, table) {
				t.Errorf("%s: something was written", table)
			}
		}
		before = after
	}
	for _, one := range routes {
		if begun[one.pattern] == "" {
			for _, v := range everybody {
				see(v, one)
			}
		}
	}
	same()
	for _, one := range routes {
		if begun[one.pattern] != "" {
			see(in, one)
		}
	}
	same("setups", "sessions")
	for _, one := range routes {
		for _, path := range one.paths {
			if !strings.Contains(path, "?") {
				r.refuses(one, path, everybody)
			}
		}
	}
	same()
	inside := r.throughTheGate(in, stranger, routes, same)
	r.withTheProvider(in, same)
	p.db.arm(1, failure{On: true})
	for _, one := range routes {
		for _, path := range one.paths {
			for _, v := range everybody {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					if got := r.knock(v, method, path, "token="+url.QueryEscape(first(tokenMark, v.page.body))); got.status == http.StatusInternalServerError {
						t.Errorf("%s %s without a database: %s", method, path, got.brief())
					}
				}
			}
		}
	}
	r.gateWithoutDatabase(inside)
	p.db.arm(0, failure{})
	same()
	for range 10 {
		worn.post("/2fa", "code", worn.wrongCode())
	}
	for _, one := range routes {
		for _, path := range one.paths {
			r.knock(worn, http.MethodGet, path, "")
		}
	}
	if _, err := p.beside(t).Exec("UPDATE factors SET data = x'00' WHERE person = (SELECT person FROM factors LIMIT 1)"); err != nil {
		t.Fatal(err)
	}
	for _, one := range routes {
		for _, path := range one.paths {
			r.knock(worn, http.MethodGet, path, "")
			r.knock(in, http.MethodGet, path, "")
		}
	}
	in.move(10 * 24 * time.Hour) // links, attempts and sessions have ended
	for _, one := range routes {
		for _, path := range one.paths {
			for _, v := range everybody {
				r.knock(v, http.MethodGet, path, "")
			}
		}
	}
	for _, status := range []int{200, 303, 400, 403, 404, 405, 410, 413, 415, 421, 422, 429, 500, 503} {
		if r.seen[status] == 0 {
			t.Errorf("no answer was %d: %v", status, r.seen)
		}
	}
	t.Logf("%d routes, answers %v", len(routes), r.seen)
}

// sansToken is an address without a hand-over, of which no two are alike.
func sansToken(to string) string {
	to, _, _ = strings.Cut(to, "?token=")
	return to
}

// wrongCode is a code that the app does not show, nor ever showed lately.
func (v *visitor) wrongCode() string {
	step := v.app.Step(v.now())
	for n := 0; ; n++ {
		code, near := fmt.Sprintf("%06d", n*7919%1000000), false
		for o := int64(-1900); o < 1900 && !near; o++ {
			near = v.app.Code(step+o) == code
		}
		if !near {
			return code
		}
	}
}

// refuses sends what is refused at every route, whoever asks.
func (r *rounds) refuses(one route, path string, everybody []*visitor) {
	r.Helper()
	for _, v := range everybody {
		token := "token=" + url.QueryEscape(first(tokenMark, v.page.body))
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			for _, foreign := range []string{"evil.example", "127.0.0.1:8080", "localhost.evil.example:8080"} {
				if one.method+path == method+"/healthz" || one.method+path == method+"/readyz" {
					r.wants(http.StatusOK, v, method, path, "", "Host", foreign)
					continue
				}
				got := r.wants(http.StatusMisdirectedRequest, v, method, path, token, "Host", foreign)
				if strings.TrimSpace(got.body) != "421 Misdirected Request" || len(got.header.Values("Set-Cookie")) > 0 || got.to != "" {
					r.Errorf("%s %s by the name %s reads %q", method, path, foreign, got.body)
				}
			}
		}
		if _, program := server.OpenAddresses[path]; program {
			r.refusesOfPrograms(v, path)
			continue
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"} {
			if got := r.wants(http.StatusMethodNotAllowed, v, method, path, token); got.header.Get("Allow") == "" {
				r.Errorf("%s %s: no Allow", method, path)
			}
		}
		r.wants(http.StatusBadRequest, v, http.MethodGet, path+"%00", "")
		for _, row := range []struct {
			status int
			body   string
			header []string
		}{
			{http.StatusForbidden, token, []string{"Sec-Fetch-Site", "cross-site"}},
			{http.StatusForbidden, token, []string{"Sec-Fetch-Site", "same-site"}},
			{http.StatusForbidden, token, []string{"Origin", "https://evil.example"}},
			{http.StatusForbidden, token, []string{"Origin", "null"}},
			{http.StatusUnsupportedMediaType, `{"token":"x"}`, []string{"Content-Type", "text/plain"}},
			{http.StatusUnsupportedMediaType, `{"token":"x"}`, []string{"Content-Type", "application/json"}},
			{http.StatusRequestEntityTooLarge, token + "&x=" + strings.Repeat("x", 64<<10), nil},
			{http.StatusUnprocessableEntity, token + "&x=1&x=2", nil},
			{http.StatusUnprocessableEntity, token + "&x=%00", nil},
			{http.StatusBadRequest, token + "&x=%zz", nil},
		} {
			r.wants(row.status, v, http.MethodPost, path, row.body, row.header...)
		}
		if one.method != http.MethodPost {
			continue
		}
		for _, other := range []string{"", "token=x.y.z.w", "token=" + url.QueryEscape(first(tokenMark, everybody[0].elsewhere().front()))} {
			r.wants(http.StatusForbidden, v, http.MethodPost, path, other)
		}
	}
}

// refusesOfPrograms is the same at the addresses of OpenID Connect, to which other sites
// may send: they are told no otherwise, and are shown nothing of a session.
func (r *rounds) refusesOfPrograms(v *visitor, path string) {
	r.Helper()
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"} {
		if got := r.wants(http.StatusMethodNotAllowed, v, method, path, ""); got.header.Get("Allow") == "" {
			r.Errorf("%s %s: no Allow", method, path)
		}
	}
	for _, row := range []struct {
		body   string
		header []string
	}{
		{"token=x", []string{"Origin", "https://evil.example"}},
		{`{"token":"x"}`, []string{"Content-Type", "application/json"}},
		{"token=x&x=" + strings.Repeat("x", 64<<10), nil},
		{"token=x&x=1&x=2", nil},
		{"token=x&x=%00", nil},
		{"token=x&x=%zz", nil},
	} {
		got := r.knock(v, http.MethodPost, path, row.body, row.header...)
		if got.status == http.StatusOK || got.status >= 500 || len(got.header.Values("Set-Cookie")) > 0 && got.status < 400 || got.header.Get("Access-Control-Allow-Credentials") != "" {
			r.Errorf("POST %s %v: %s, %v", path, row.header, got.brief(), got.header)
		}
	}
}

// front is the sign-in page of a browser that comes for the first time.
func (v *visitor) front() string {
	v.get("/sign-in")
	return v.page.body
}
