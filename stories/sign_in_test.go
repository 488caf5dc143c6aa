package stories_test

import (
	"strings"
	"sync"
	"testing"
	"time"
)

const wrongDetails = "#username The username or password is not correct. Check both and try again."

func TestSignInRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	p.add("off")
	p.cli("person", "disable", "off")
	p.invitation("person", "add", "invited")
	b := p.browser()
	b.get("/").is(want{page: "sign-in", step: "0", h1: "Sign in", title: "Sign in – Example"})
	for _, row := range []struct{ name, username, password, problem string }{
		{"username empty", "", "x", "#username Enter your username"},
		{"spaces alone", "   ", "x", "#username Enter your username"},
		{"password empty", "ada", "", "#password Enter your password"},
		{"wrong password", "ada", "wrong", wrongDetails},
		{"unknown name", "nobody", "wrong", wrongDetails},
		{"turned off, wrong password", "off", "wrong", wrongDetails},
		{"without a password", "invited", "wrong", wrongDetails},
		{"a mail address is no name", "ada@example.org", password, wrongDetails},
		{"no name at all", "a:b", password, wrongDetails},
		{"look-alike", "\u0430da", password, wrongDetails},
		{"right to left", "\u202eada", password, wrongDetails},
		{"markup", `<img src=x onerror="a">`, "wrong", wrongDetails},
	} {
		b := p.browser()
		b.get("/sign-in")
		b.do("Sign in", "username", row.username, "password", row.password).
			is(want{page: "sign-in", problem: row.problem, title: "Error: Sign in – Example", kept: []string{"username", strings.TrimSpace(row.username), "password", ""}})
		if strings.Contains(b.page.body, "<img src=x") {
			t.Errorf("%s: markup came through", row.name)
		}
	}
	b.do("Sign in", "username", "  ＡDA ", "password", password).is(want{page: "two-factor-prompt"})

	b = p.browser()
	b.enter("off", password).is(want{status: 403, page: "error", h1: "Your account is turned off", texts: []string{"Contact the service desk"}})
}

func TestSignInFormTooOld(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	b.get("/sign-in")
	p.move(12*time.Hour + time.Minute)
	b.do("Sign in", "username", "ada", "password", password).is(want{status: 422, page: "sign-in",
		notice: "This page was open for too long. Enter your password again.", kept: []string{"username", "ada", "password", ""}})
	b.do("Sign in", "username", "ada", "password", password).is(want{page: "two-factor-prompt"})
}

func TestSignInWithoutCookies(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.browser()
	b.get("/sign-in")
	b.cookies = map[string]string{}
	host := strings.TrimPrefix(p.url, "http://")
	answer := b.do("Sign in", "username", "ada", "password", "x")
	if answer.status != 403 && answer.status != 422 {
		t.Errorf("status %d", answer.status)
	}
	if got := strings.Join(answer.problems(), ""); !strings.Contains(got, "Your browser is blocking cookies for "+host+". Allow them, then try again.") {
		t.Errorf("problem %q", got)
	}
	if b.page.value("username") != "ada" {
		t.Error("the username was not kept")
	}
}

func TestSignInWaits(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	var wg sync.WaitGroup
	var pages [2]string
	known, unknown := p.browser(), p.browser()
	for i, b := range []*browser{known, unknown} {
		wg.Go(func() {
			name := []string{"ada", "nobody"}[i]
			for range 10 {
				b.get("/sign-in")
				b.do("Sign in", "username", name, "password", "wrong").is(want{problem: wrongDetails})
			}
			b.get("/sign-in")
			b.do("Sign in", "username", name, "password", password).is(want{status: 429, page: "wait", h1: "Wait before you try again", absent: []string{name}})
			if b.page.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			pages[i] = b.page.text()
		})
	}
	wg.Wait()
	if pages[0] != pages[1] || !strings.Contains(pages[0], "Too many sign-in attempts. Wait 15 minutes, then try again.") {
		t.Errorf("pages differ or lack the words: %q", pages)
	}
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"}) // another address is not locked out
	p.move(16 * time.Minute)
	known.enter("ada", password).is(want{page: "two-factor-prompt"})
}

func TestSignInReturns(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	p.move(31 * time.Second)
	for _, row := range []struct{ rd, to string }{
		{"/account/activity", "/account/activity"},
		{"https://evil.example/x", "/account/security"},
		{"//evil.example/x", "/account/security"},
		{`/\evil.example`, "/account/security"},
		{"/sign-out", "/account/security"},
		{"javascript:alert(1)", "/account/security"},
	} {
		b.form("/sign-out", "token", b.get("/account/security").token())
		b.get("/sign-in?rd=" + row.rd)
		b.do("Sign in", "username", "ada", "password", password)
		b.press("Verify", "code", b.app.code()).leads(row.to)
		p.move(31 * time.Second)
	}
}
