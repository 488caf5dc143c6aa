package stories_test

import (
	"bufio"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDisputeRows(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.enrol("ada")
	first := p.notMe(e164)
	p.move(11 * time.Minute)
	p.setupCode("person", "reset-2fa", "ada", "--checked", "other", "--note", "x", "--keep-phone")
	p.text(e164, "An administrator reset your Example 2FA on ")
	second := p.notMe(e164)
	b := p.browser()
	b.get(first).is(want{page: "not-me", step: "0", h1: "Was this not you?", title: "Was this not you? – Example", texts: []string{" 2FA was set up for your Example account.", "It was not me", "If it was you, close this page. Nothing changes."}, absent: []string{"ada", "143"}})
	b.get(second).is(want{page: "not-me", h1: "Was this not you?", texts: []string{"an administrator reset the 2FA of your Example account."}})
	const done = "Nobody can sign in to it now. Contact the service desk. They will check who you are and give you a setup code."
	late := b.tab()
	b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold", title: "Your account is on hold – Example", texts: []string{done}, absent: []string{"This was reported", "It was not me"}})
	at := "This was reported on " + p.now().UTC().Format("2 Jan") + " "
	p.move(31 * time.Minute)
	b.get(second).is(want{page: "not-me", h1: "Your account is on hold", texts: []string{at, done}}) // pressed before
	b.get(first).is(want{page: "not-me", h1: "Your account is on hold", texts: []string{at, done}})  // on hold already
	late.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold", texts: []string{at, done}})
	// After the week that it worked, and for a link that is none.
	p.setupCode("person", "release", "ada", "--checked", "other", "--note", "x")
	p.move(7*24*time.Hour + time.Second)
	p.setupCode("person", "reset-2fa", "ada", "--checked", "other", "--note", "x", "--keep-phone")
	const unknown = "This link does not work. Check that you copied all of it."
	b.get(first).is(want{status: 410, page: "error"}).reads("This link no longer works", "This link worked for 7 days. Contact the service desk if a change was not yours.")
	b.get(first+"x").is(want{status: 404, page: "error"}).reads("This link no longer works", unknown)
	b.get("/not-me/AAAA").is(want{status: 404, page: "error"}).reads("This link no longer works", unknown)
}

// samples starts the server of all pages in all states.
func samplePages(t *testing.T) *portal {
	t.Helper()
	p := &portal{t: t, dir: t.TempDir(), read: map[string]int{}}
	port := freePort(t)
	cmd := exec.Command(program, "pages", "--port", strconv.Itoa(port))
	cmd.Dir = p.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "pages on "); ok {
			p.url = url
			return p
		}
	}
	t.Fatal("no pages")
	return nil
}

// What nothing here can bring about yet, for it takes receipts, a gateway that
// refuses, mail or apps, has its words and its place on the page all the same.
func TestRowsThatWaitForMore(t *testing.T) {
	t.Parallel()
	b := samplePages(t).browser()
	for name, w := range map[string]want{
		"setup-phone-opted-out":      {page: "setup-phone", problem: "#phone This number has blocked our text messages. Send START to Sallyport, then try again, or use a different number.", kept: []string{"phone", number}},
		"setup-phone-refused":        {page: "setup-phone", problem: "#phone " + refused, kept: []string{"phone", number}},
		"setup-phone-outage":         {page: "setup-phone", notice: "We could not send the text message. This is a problem at our end. Try again in a few minutes. Your number is kept.", kept: []string{"phone", number}},
		"setup-phone-code-delivered": {page: "setup-phone-code", texts: []string{"Delivered 12 seconds ago."}},
		"setup-phone-code-undelivered": {page: "setup-phone-code",
			notice: "The network could not deliver the text message. Check the number, or make sure the phone is on, then send again. Use a different number"},
		"other-way-password-reset": {page: "other-way", texts: []string{"Send a code to the number ending 143. Because your password was reset by mail, you can set up your app 24 hours after that."}},
		"activity-empty":           {page: "activity", h1: "Activity", texts: []string{"Nothing has happened yet."}, absent: []string{"Times are in"}},
		"activity":                 {page: "activity", texts: []string{"Wrong app code: clock 4 minutes slow", "Mobile number changed", "This was not me: Mobile number changed, 23 Nov 12:12 UTC", "Newer", "Older"}},
		"sign-in":                  {page: "sign-in", texts: []string{"to continue to Wiki", "Forgot your password?"}},
		"sign-in-password-changed": {page: "sign-in", notice: "Your password is changed. Sign in with it now.", kept: []string{"username", "ada"}},
		"wait-closed":              {page: "wait", h1: "This browser cannot sign in now", texts: []string{"Forgot your password?", "Neither works? Contact it@example.org."}},
		"signed-in":                {page: "signed-in", h1: "You are signed in", texts: []string{"as Ada Lovelace (ada) Wiki Mail Builds Continue Use a different account"}},
		"signed-out-app":           {page: "signed-out", texts: []string{"Close the browser to sign out of Wiki."}},
	} {
		got := b.get("/page/" + name)
		if w.problem == "" {
			got.is(w)
			continue
		}
		w.status = 200 // a sample is no answer to a post
		got.marked(w)
	}
}
