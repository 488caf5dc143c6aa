package stories_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// dead says that the cookies of this browser open nothing: no page of the account,
// no step of a sign-in, and nothing that is posted.
func (b *browser) dead(about string) {
	b.t.Helper()
	for _, path := range []string{"/account/security", "/account/activity", "/account/phone", "/account/codes", "/2fa/setup/codes.txt", "/account/app/qr.png"} {
		if a := b.twin().ask(path); a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/sign-in") {
			b.t.Errorf("%s: %s answers %d to %q: %s", about, path, a.status, a.to(), a.brief())
		}
	}
	for _, path := range []string{"/2fa", "/2fa/start", "/2fa/other", "/2fa/setup/scan"} {
		if a := b.twin().ask(path); a.status != http.StatusSeeOther || a.to() != "/sign-in" {
			b.t.Errorf("%s: %s answers %d to %q: %s", about, path, a.status, a.to(), a.brief())
		}
	}
	form := b.twin()
	form.get("/sign-in").is(want{page: "sign-in"})
	for _, path := range []string{"/account/stay", "/account/password", "/account/phone", "/account/codes/new", "/2fa", "/2fa/replace", "/2fa/not-now"} {
		c := form.twin()
		a := c.form(path, "password", password2, "phone", number2, "code", "123456", "still", "yes")
		if a.status != http.StatusForbidden && (a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/sign-in")) {
			b.t.Errorf("%s: a post to %s: %d to %q", about, path, a.status, a.to())
		}
		if c.cookies["session"] != form.cookies["session"] || c.cookies["attempt"] != form.cookies["attempt"] {
			b.t.Errorf("%s: a post to %s opens something", about, path)
		}
	}
}

// TestEachStepUpHasANewName: at every step up the cookie is another one, which the
// browser has not brought, and the one before opens nothing any more.
func TestEachStepUpHasANewName(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  require: optional\n"})
	p.add("ada")
	b := p.browser()
	given := map[string]string{} // every name, by where it was given
	for _, name := range []string{"attempt", "session", "setup", "known"} {
		b.cookies[name] = strings.Repeat("planted", 6) + "x" // by whoever had this browser before
		given[b.cookies[name]] = "nobody"
	}
	fresh := func(about, name string) {
		t.Helper()
		value := b.cookies[name]
		if value == "" || given[value] != "" {
			t.Errorf("%s: %s is %q, known from %q", about, name, value, given[value])
		}
		if raw, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(raw) != 32 {
			t.Errorf("%s: %s is not 32 random bytes: %q, %v", about, name, value, err)
		}
		given[value] = about
	}

	b.enter("ada", password).is(want{page: "two-factor-prompt"})
	fresh("the password", "attempt")
	was := b.twin()
	b.do("Not now").is(want{page: "signed-in"})
	fresh("level one", "session")
	was.dead("the attempt behind level one")

	was = b.twin()
	b.click("Configure 2FA").is(want{page: "sign-in"})
	b.do("Sign in", "username", "ada", "password", password).is(want{page: "two-factor-prompt"})
	fresh("the password again", "attempt")
	b.click("Configure 2FA")
	b.do("Continue").is(want{page: "setup-phone"})
	fresh("the set-up", "setup")
	b.do("Send SMS", "phone", number)
	b.do("Verify", "code", p.code(e164)).is(want{page: "setup-scan"})
	b.app = b.scan()
	b.do("Continue")
	under := b.twin()
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	fresh("level two", "session")
	fresh("a known browser", "known")
	was.dead("the session of level one")
	under.dead("the attempt of the set-up")
	b.codes = b.saved()
	b.do("Finish", "saved", "yes").is(want{page: "security"})

	b.stale()
	was = b.twin()
	b.get("/account/phone")
	b.confirm("change your mobile number").is(want{page: "setup-phone"})
	fresh("a confirmation", "session")
	was.dead("the session before it was confirmed")

	p.move(6 * time.Minute)
	was = b.twin()
	b.get("/confirm?to=/account/browsers/sign-out").is(want{page: "confirm"})
	b.do("Continue", "password", password).is(want{page: "security"})
	fresh("a confirmation by password", "session")
	was.dead("the session before the password was shown again")

	p.move(61 * time.Minute)
	b.get("/account/activity").is(want{page: "signed-out"})
	was = b.twin()
	b.click("Sign in")
	b.do("Sign in", "password", password).is(want{page: "activity"})
	fresh("going on after idling", "session")
	was.dead("the session that idled")

	// Signing in once more where somebody is signed in.
	was = b.twin()
	p.move(31 * time.Second)
	b.get("/account/security")
	b.follow(b.form("/sign-in", "username", "ada", "password", password)).is(want{page: "app-code"})
	fresh("the password of somebody signed in", "attempt")
	under = b.twin()
	delete(under.cookies, "session")
	b.do("Verify", "code", b.app.code()).is(want{page: "security"})
	fresh("the second sign-in", "session")
	was.dead("the session of the first sign-in")
	under.dead("the attempt of the second sign-in")
	b.leave()

	p.move(31 * time.Second)
	b.enter("ada", password).is(want{page: "app-code"})
	fresh("before a recovery code", "attempt")
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", b.codes[0]).is(want{page: "replace"})
	under = b.twin()
	b.do("Continue", "still", "yes").is(want{page: "security"})
	fresh("a recovery code", "session")
	under.dead("the attempt of a recovery code")
	b.leave()

	p.cli("person", "set", "ada", "--ask-for-new-password")
	p.move(31 * time.Second)
	b.enter("ada", password).is(want{page: "app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: "password"})
	under = b.twin()
	b.do("Save password", "password", password2).is(want{page: "security"})
	fresh("a password that had to change", "session")
	fresh("a browser known anew", "known")
	under.dead("the attempt of a password that had to change")
}

// TestAnAttemptOpensNothing: with the right password alone nothing of the account
// answers, and nothing is changed by what is posted there.
func TestAnAttemptOpensNothing(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: "mail:\n  server: smtp://localhost:2\n  from: login@example.org\n"})
	owner := p.enrol("ada", "--email", "ada@example.org")
	id := p.query("SELECT id FROM factors WHERE kind = 'app'")
	known := p.query("SELECT id FROM known")
	link := p.query("SELECT id FROM links WHERE kind = 'dispute'")
	b := p.lost("ada")
	b.is(want{page: "app-code"})
	before := p.digest()
	for _, method := range []string{"GET", "POST"} {
		for _, path := range accountRoutes(t, method) {
			path = strings.NewReplacer("apps/aaaaaaaa", "apps/"+id, "browsers/aaaaaaaa", "browsers/"+known, "{link}", link).Replace(path)
			c := b.twin()
			var a *page
			if method == "GET" {
				a = c.ask(path)
			} else {
				a = c.form(path, "password", password2, "phone", number2, "country", "US", "code", "123456", "name", "x", "mail", "x@example.net", "saved", "yes", "still", "no")
			}
			if mailed := strings.HasPrefix(path, "/account/mail/aaaa"); mailed && a.status == http.StatusNotFound {
				continue // a link of a mail, which nobody got
			}
			if a.status != http.StatusForbidden && (a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/sign-in")) || c.cookies["session"] != "" {
				t.Errorf("%s %s: %d to %q: %s", method, path, a.status, a.to(), a.brief())
			}
		}
	}
	if after := p.digest(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	owner.get("/account/security").is(want{page: "security"})
	b.do("Verify", "code", owner.app.code()).is(want{page: "security"}) // the attempt itself goes on
}

// accountRoutes are the addresses below /account, as the table of routes has them.
func accountRoutes(t *testing.T, method string) (paths []string) {
	t.Helper()
	for _, path := range routesOf(t, method) {
		if strings.HasPrefix(path, "/account") {
			paths = append(paths, path)
		}
	}
	if len(paths) < 15 {
		t.Fatalf("%d routes", len(paths))
	}
	return paths
}

// TestAStolenSessionChangesNothing walks every route of the account with the cookie
// alone, a second after the confirmation has run out: what changes a factor, a
// number, an address, a password or another session asks who it is.
func TestAStolenSessionChangesNothing(t *testing.T) {
	t.Parallel()
	p := open(t, settings{policy: "  require: optional\n  phone: optional\n", more: "mail:\n  server: smtp://localhost:2\n  from: login@example.org\n"})
	owner := p.enrol("ada", "--email", "ada@example.org")
	other := owner.other("ada")
	owner.get("/account/phone").is(want{page: "setup-phone"})
	owner.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"}) // a change is under way
	code := p.code(e164two)
	thief := owner.twin()
	id := p.query("SELECT id FROM factors WHERE kind = 'app'")
	known := p.query("SELECT id FROM known ORDER BY made_at DESC LIMIT 1")
	// What shows the session's own state, or takes away and gives nothing, asks for none.
	free := map[string]bool{"GET /account": true, "GET /account/security": true, "GET /account/activity": true, "POST /account/stay": true, "GET /account/codes": true, "POST /account/codes": true,
		"GET /account/activity/{link}/not-me": true, "POST /account/activity/{link}/not-me": true, "GET /account/mail/aaaaaaaaaaaaaaaaaaaaaaaaaa": true, "POST /account/mail/aaaaaaaaaaaaaaaaaaaaaaaaaa": true}
	p.move(5*time.Minute + time.Second)
	thief.get("/account/security").is(want{page: "security"})
	tables := func() map[string]string {
		m := p.digest()
		delete(m, "sessions") // the idle end moves
		delete(m, "setups")   // what was typed too late waits for its owner to confirm
		return m
	}
	before, walked := tables(), 0
	for _, method := range []string{"GET", "POST"} {
		for _, route := range accountRoutes(t, method) {
			if free[method+" "+route] {
				delete(free, method+" "+route)
				continue
			}
			walked++
			path := strings.NewReplacer("apps/aaaaaaaa", "apps/"+id, "browsers/aaaaaaaa", "browsers/"+known).Replace(route)
			c := thief.twin()
			var a *page
			if method == "GET" {
				a = c.ask(path)
			} else {
				a = c.form(path, "password", password2, "everywhere", "yes", "phone", number2, "country", "US", "code", code, "name", "Tablet", "mail", "eve@example.net")
			}
			if image := path == "/account/app/qr.png"; image && a.status == http.StatusForbidden {
				continue // nobody is asked anything in a picture
			}
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/confirm?to=%2Faccount%2F") {
				t.Errorf("%s %s: %d to %q: %s", method, path, a.status, a.to(), a.brief())
			}
		}
	}
	if after := tables(); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	if len(free) > 0 || walked < 30 {
		t.Errorf("%d routes were walked; not there: %v", walked, free)
	}
	other.get("/account/security").is(want{page: "security"})
	p.quiet(e164)
}

// TestASignedOutCookieIsDead: the record on the server goes, whoever sends the cookie
// after that; and every page of somebody signed in has the button.
func TestASignedOutCookieIsDead(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	for _, path := range []string{"/account/security", "/account/activity", "/account/phone", "/account/app", "/account/password", "/account/codes/new", "/confirm?to=/account/phone", "/sign-in"} {
		if got := b.get(path); !strings.Contains(got.body, `action="/sign-out"`) {
			t.Errorf("%s has no way to sign out", path)
		}
	}
	was := b.twin()
	out := b.form("/sign-out", "token", b.get("/account/security").token())
	for _, name := range []string{"session", "attempt"} {
		if !regexp.MustCompile(name + `=; Path=/; Max-Age=0; HttpOnly`).MatchString(strings.Join(out.header.Values("Set-Cookie"), "\n")) {
			t.Errorf("%s is not expired: %q", name, out.header.Values("Set-Cookie"))
		}
	}
	if got := out.header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %s", got)
	}
	was.dead("a session that its owner ended")
	p.crash()
	was.dead("and after a restart")
	// The mark of a known browser is none of it: it only has a lane of its own.
	was.enter("ada", password).is(want{page: "app-code"})
}

// TestNobodyStaysIn: what a command takes away beside the running portal is gone at
// the next request, for those who are in and for those on the way.
func TestNobodyStaysIn(t *testing.T) {
	t.Parallel()
	p := open(t)
	for i, row := range []struct {
		name    string
		command []string
	}{
		{"disabled", []string{"person", "disable", "NAME"}},
		{"signed out", []string{"person", "sign-out", "NAME"}},
		{"reset", []string{"person", "reset-2fa", "NAME", "--checked", "other", "--note", "x"}},
		{"asked for a new password", []string{"person", "set", "NAME", "--ask-for-new-password"}},
		{"deleted", []string{"person", "delete", "NAME", "--yes"}},
	} {
		name, to := fmt.Sprintf("ada%d", i), fmt.Sprintf("+1202555012%d", i)
		in := p.enrolled(name, to[2:], to)
		under := p.lost(name)
		under.is(want{page: "app-code"})
		in.get("/account/security").is(want{page: "security"})
		command := append([]string{}, row.command...)
		for i := range command {
			command[i] = strings.ReplaceAll(command[i], "NAME", name)
		}
		p.cli(command...)
		for _, path := range []string{"/account/security", "/account/activity", "/account/phone", "/account/codes", "/2fa/setup/codes.txt"} {
			c := in.twin()
			if a := c.ask(path); a.status == http.StatusOK && a.name() != "signed-out" || a.status == http.StatusSeeOther && !strings.HasPrefix(a.to(), "/sign-in") {
				t.Errorf("%s: %s answers %d to %q, %s", row.name, path, a.status, a.to(), a.name())
			}
		}
		for _, path := range []string{"/account/stay", "/account/password", "/account/codes/new", "/account/browsers/sign-out"} {
			c := in.twin()
			if a := c.form(path, "password", password2); a.status != http.StatusForbidden && (a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/sign-in")) {
				t.Errorf("%s: a post to %s: %d to %q", row.name, path, a.status, a.to())
			}
		}
		under.do("Verify", "code", in.app.code())
		if under.cookies["session"] != "" || under.page.name() == "security" {
			t.Errorf("%s: whoever was on the way came in: %s", row.name, under.page.brief())
		}
	}
}

// TestAnyNumberOfSessions: as the document says, they are not bounded; known browsers
// are, and one that is forgotten signs nobody out.
func TestAnyNumberOfSessions(t *testing.T) {
	t.Parallel()
	p := open(t)
	list := []*browser{p.enrol("ada")}
	for range 11 {
		list = append(list, list[0].other("ada"))
	}
	for i, b := range list {
		if b.get("/account/security").name() != "security" {
			t.Errorf("browser %d is out: %s", i, b.page.brief())
		}
	}
	if n := strings.Count(list[0].page.text(), "Sign out Firefox on Linux"); n != 11 {
		t.Errorf("%d other sessions are listed", n)
	}
	if n := p.query("SELECT COUNT(*) FROM known"); n != "10" {
		t.Errorf("%s known browsers", n)
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "security", "sessions.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"A person may have any number of sessions", "at most 10 known browsers"} {
		if !strings.Contains(string(page), says) {
			t.Errorf("the document does not say %q", says)
		}
	}
	p.move(6 * time.Minute)
	last := list[11]
	last.get("/account/security")
	last.do("Sign out everywhere else")
	last.do("Continue", "password", password)
	last.do("Sign out everywhere else").is(want{page: "security", notice: "Signed out 11 other browsers."})
	for i, b := range list[:11] {
		if b.get("/account/security").name() != "signed-out" {
			t.Errorf("browser %d is still in", i)
		}
	}
}
