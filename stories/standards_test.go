package stories_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The rows of docs/security/requirements.md that no other story shows.

// PW-04: a password is asked to change on evidence alone, never by its age.
func TestAPasswordDoesNotAge(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	p.move(2 * 365 * 24 * time.Hour)
	p.browser().signIn("ada", owner.app).is(want{page: "security", texts: []string{"Password Changed"}})
}

// PH-02, PH-08: a number that was typed but not proved is nothing, in the wizard and in
// the account; and no number is the name of an account.
func TestAnUnprovedNumberServesNothing(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	owner.get("/account/phone")
	owner.do("Send SMS", "phone", number2).is(want{page: "setup-phone-code"})
	p.code(e164two)
	owner.get("/account/security").is(want{texts: []string{"Number ending 143"}, absent: []string{"199"}})
	b := p.lost("ada")
	b.get("/2fa/other").is(want{texts: []string{"the number ending 143"}, absent: []string{"199"}})
	b.do("Send SMS").is(want{page: "text-code"})
	p.text(e164, "to set up a new app")
	p.quiet(e164two)
	if n := p.query("SELECT COUNT(*) FROM phones"); n != "1" {
		t.Errorf("%s numbers are kept", n)
	}
	for _, name := range []string{number, e164, strings.TrimPrefix(e164, "+1")} {
		p.browser().enter(name, password).is(want{page: "sign-in", problem: wrongDetails})
	}
}

// PH-06: a code that one browser asked for is a wrong one in another, also where that
// one has a code of its own, and one for a set-up is none for recovery.
func TestACodeIsForItsBrowserAndPurpose(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	p.move(11 * time.Minute)
	first, second := p.lost("ada"), p.lost("ada")
	first.get("/2fa/other")
	first.do("Send SMS").is(want{page: "text-code"})
	code := p.text(e164, "to set up a new app")[:6]
	second.ask("/2fa/text").leads("/2fa/other") // it has asked for none
	if a := second.form("/2fa/text", "token", second.get("/2fa").token(), "code", code); a.status != http.StatusSeeOther || a.to() != "/2fa?notice=step.first" {
		t.Errorf("without a code of its own: %d to %q", a.status, a.to())
	}
	p.move(31 * time.Second)
	second.get("/2fa/other")
	second.do("Send SMS").is(want{page: "text-code"})
	other := p.text(e164, "to set up a new app")[:6]
	if other == code { // one in a million
		t.Fatal("both codes are the same")
	}
	second.do("Verify", "code", code).is(want{page: "text-code", problem: "#code " + wrongText})
	first.do("Verify", "code", other).is(want{page: "text-code", problem: "#code " + wrongText})
	first.do("Verify", "code", code).is(want{page: "replace"})

	// The same number, proved again in a set-up: that code does not recover.
	third := p.lost("ada")
	third.get("/2fa/recovery-code")
	third.do("Verify", "recovery", owner.codes[0]).is(want{page: "replace"})
	third.do("Continue", "still", "no").is(want{page: "setup-app"})
	third.do("Continue").is(want{page: "setup-phone"})
	p.move(61 * time.Minute)
	third = p.lost("ada")
	third.get("/2fa/recovery-code")
	third.do("Verify", "recovery", owner.codes[1]).is(want{page: "replace"})
	third.do("Continue").is(want{page: "setup-app"})
	third.do("Continue").is(want{page: "setup-phone"})
	third.do("Yes, use this number").is(want{page: "setup-phone-code"})
	setUp := p.text(e164, " code. Do not share it.")[:6]
	fourth := p.lost("ada")
	fourth.is(want{page: "other-way"})
	fourth.do("Send SMS").is(want{page: "text-code"})
	if recover := p.text(e164, "to set up a new app")[:6]; recover != setUp {
		fourth.do("Verify", "code", setUp).is(want{page: "text-code", problem: "#code " + wrongText})
	}
}

// REC-11: whoever asks for a password link or a text message again and again changes
// nothing for the owner, and sends no more than a few.
func TestAskingForRecoveryChangesNothing(t *testing.T) {
	t.Parallel()
	p, m := mailed(t)
	owner := p.enrol("ada", "--email", adaMail)
	m.mail(adaMail, "2FA is on")
	was := p.query("SELECT version FROM people WHERE name = 'ada'")
	for range 50 {
		b := p.browser()
		b.get("/forgot")
		b.do("Send link", "username", "ada").is(want{page: "forgot", h1: "Check your mail"})
	}
	for range 3 {
		m.mail(adaMail, "Choose a new Example password")
	}
	m.quiet(adaMail)
	if now := p.query("SELECT version FROM people WHERE name = 'ada'"); now != was {
		t.Errorf("the account was written: version %s, before %s", now, was)
	}
	owner.get("/account/security").is(want{page: "security", texts: []string{"2FA is on"}})
	owner.other("ada").get("/account/security").is(want{page: "security"})
}

// UX-08, and what is not there is not there.
func TestWellKnownNames(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.browser().ask("/.well-known/change-password").leads("/account/password")
	for _, path := range []string{"/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200", "/.well-known/", "/.well-known/oauth-authorization-server", "/.well-known/webauthn"} {
		if a := p.browser().ask(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// UX-04, SES-05: one simple action moves the idle end, as often as one likes, and
// never the end in all.
func TestStayingSignedIn(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	end := p.query("SELECT ends_at FROM sessions")
	stay := func() int {
		b.get("/sign-in") // which moves nothing by itself in the same minute
		return b.form("/account/stay").status
	}
	seen := func() string { return p.query("SELECT seen_at FROM sessions") }
	for range 12 {
		p.move(58*time.Minute + 30*time.Second)
		before := seen()
		if got := stay(); got != http.StatusNoContent {
			t.Fatalf("to stay: %d", got)
		}
		for wait := time.Now().Add(5 * time.Second); seen() == before && time.Now().Before(wait); {
			time.Sleep(20 * time.Millisecond) // the idle end is moved beside the answer
		}
	}
	b.get("/account/security").is(want{page: "security"})
	if now := p.query("SELECT ends_at FROM sessions"); now != end {
		t.Errorf("the end in all moved from %s to %s", end, now)
	}
	p.move(20 * time.Minute)
	b.get("/account/security").is(want{page: "signed-out", texts: []string{"You were signed in for 12 hours."}})
	if got := b.form("/account/stay").status; got != http.StatusForbidden {
		t.Errorf("to stay after the end: %d", got)
	}
}

// WEB-10: an operator's picture is a picture: what a file holds besides does not run.
func TestALogoRunsNothing(t *testing.T) {
	t.Parallel()
	p := install(t)
	settings, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("sallyport.yaml", strings.Replace(string(settings), "brand:\n", "brand:\n  logo_light: ./logo.svg\n", 1))
	p.write("logo.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	p.serve()
	got := p.browser().ask("/brand/logo.svg")
	if policy := got.header.Get("Content-Security-Policy"); got.status != 200 || got.header.Get("Content-Type") != "image/svg+xml" || policy != "default-src 'none'; style-src 'unsafe-inline'; sandbox" ||
		got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if page := p.browser().get("/sign-in"); !strings.Contains(page.body, `<img src="/brand/logo.svg"`) {
		t.Error("the page has no logo: this test is blind")
	}
	p.stop()
	p.write("logo.svg", "<svg>"+strings.Repeat(" ", 64<<10)+"</svg>")
	if a := p.run(p.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "more than 65536") || !strings.Contains(a.err, "hint: ") {
		t.Errorf("a file that is too large: %d %s", a.code, a.err)
	}
}

// LOG-01: two refusals, of which one was right: the log of changes has each with its
// method, browser, address and request, in UTC.
func TestAnEntrySaysWhoWhatAndWhence(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	b := p.lost("ada")
	b.do("Verify", "code", owner.app.wrong())
	b.get("/2fa/recovery-code")
	b.do("Verify", "recovery", "0000-0000-0000-0000")
	var dossier struct {
		Activity []map[string]any `json:"activity"`
	}
	if err := json.Unmarshal([]byte(p.cli("person", "export", "ada")), &dossier); err != nil || len(dossier.Activity) < 6 {
		t.Fatalf("%v, %d entries", err, len(dossier.Activity))
	}
	found := map[string]bool{}
	for _, e := range dossier.Activity {
		at, err := time.Parse(time.RFC3339, fmt.Sprint(e["at"]))
		if _, offset := at.Zone(); err != nil || offset != 0 {
			t.Errorf("the time of %v is not in UTC: %v", e, err)
		}
		if e["event"] == "code-wrong" {
			found[fmt.Sprint(e["method"])] = e["address"] == b.address && strings.Contains(fmt.Sprint(e["browser"]), "Firefox on Linux")
		}
	}
	if !found["app"] || !found["recovery"] {
		t.Errorf("wrong codes: %v of %v", found, dossier.Activity)
	}
}

// New codes are made in the account, and lead back there: not to where the sign-in
// that began the session once led.
func TestNewCodesLeadBackToTheAccount(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada")
	p.move(31 * time.Second)
	b := p.browser()
	b.app = owner.app
	b.get("/sign-in?rd=/account/activity")
	b.do("Sign in", "username", "ada", "password", password)
	b.do("Verify", "code", owner.app.code()).is(want{page: "activity"})
	b.newCodes()
	b.do("Finish", "saved", "yes").is(want{page: "security"})
	if b.page.url != "/account/security" {
		t.Errorf("it leads to %s", b.page.url)
	}
}
