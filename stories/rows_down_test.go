package stories_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/storetest"
)

// outages are what people get whose request our end cannot answer: at sign-in and
// at a dispute the page says so itself and keeps what was typed, elsewhere a page
// of its own does.
func outages(p *portal, signIn, dispute, account *browser) {
	p.t.Helper()
	signIn.do("Sign in", "username", "ada", "password", password).is(want{status: 503, page: "sign-in", title: "Sign in – Example", retry: "5",
		notice: "We cannot check passwords right now. This is a problem at our end. Try again in a few minutes.", kept: []string{"username", "ada", "password", ""}})
	dispute.do("It was not me").is(want{status: 503, page: "not-me", h1: "Was this not you?", title: "Was this not you? – Example", retry: "5",
		notice: "We cannot do this right now. Try again in a few minutes, and contact the service desk.", absent: []string{"1 Jan", "2FA was set up", "Nobody can sign in"}})
	account.get("/account/security")
}

// reference checks the short number that the log has too.
func (p *portal) reference(of *page) {
	p.t.Helper()
	m := regexp.MustCompile(`Reference ([0-9A-Z]{4}-[0-9A-Z]{4})$`).FindStringSubmatch(of.text())
	if m == nil {
		p.t.Fatalf("%s: no reference: %s", of.url, of.text())
	}
	for end := time.Now().Add(10 * time.Second); !strings.Contains(p.log.String(), m[1]); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) { // the log comes by another way than the answer
			p.t.Fatalf("%s: the log does not know %s", of.url, m[1])
		}
	}
}

const ours = "Try again in a few minutes. What you entered before this page is saved."

// TestTheDatabaseIsDown: 503, and when it is back the same forms do what they say.
func TestTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	p := open(t, settings{database: server.DSN()})
	account := p.enrol("ada")
	signIn, dispute, link := p.browser(), p.browser(), p.notMe(e164)
	signIn.get("/sign-in")
	dispute.get(link).is(want{page: "not-me"})
	server.Stop()
	outages(p, signIn, dispute, account)
	account.page.is(want{status: 503, page: "error", h1: "There is a problem with Example", title: "There is a problem with Example – Example", retry: "5", texts: []string{ours}})
	p.reference(account.page)
	server.Start()
	p.becomes("/readyz", 200)
	account.get("/account/security").is(want{page: "security"})
	signIn.do("Sign in", "username", "ada", "password", password).is(want{page: "app-code"})
	dispute.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
}

// change runs one statement on the portal's database, behind its back.
func (p *portal) change(statement string) {
	p.t.Helper()
	db := p.base()
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		p.t.Fatal(err)
	}
}

// TestAFaultOfOurs: what should never happen gets 500, and says no more of it.
func TestAFaultOfOurs(t *testing.T) {
	t.Parallel()
	p := open(t)
	account := p.enrol("ada")
	p.change("CREATE TABLE kept AS SELECT id, data FROM factors")
	p.change("UPDATE factors SET data = (SELECT number FROM phones)") // sealed for another place
	account.get("/account/security").is(want{status: 500, page: "error", h1: "There is a problem with Example", title: "There is a problem with Example – Example",
		texts: []string{ours}, absent: []string{"factor", "seal", "500"}})
	p.reference(account.page)
	p.change("UPDATE factors SET data = (SELECT data FROM kept WHERE kept.id = factors.id)")
	account.get("/account/security").is(want{page: "security"})
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.get("/nowhere").is(want{status: 404, page: "error", step: "0", title: "Page not found – Example"}).
		reads("Page not found", "If you typed the address, check it.", "Go to the start")
	b.click("Go to the start").is(want{page: "security"})
	b.form("/account/password", "token", "", "password", password2)
	b.page = b.raw("POST", "/account/password", "password=x")
	b.is(want{status: 403, page: "error", title: "You cannot open this page – Example"}).
		reads("You cannot open this page", "Ask the service desk if you think you should be able to.", "Go to the start")
	b.click("Go to the start").is(want{page: "security"})
	b.page = b.raw("POST", "/account/password", strings.Repeat("x", 70<<10))
	b.is(want{status: 413, page: "error", title: "That was too large – Example"}).reads("That was too large", "Shorten what you entered, then try again.")
	b.page = b.raw("POST", "/sign-in", "username=a%00")
	b.is(want{status: 422, page: "error", title: "There is a problem – Example"}).reads("There is a problem", "Something in what you sent cannot be read. Type it again.")
}

// TestBusyElsewhere keeps the hashing queue full: every page that hashes says so in
// its own place, uses up nothing, and works a moment later.
func TestBusyElsewhere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("keeps every core busy for seconds")
	}
	const cheap, dear = "memory: 19456\n  time: 2\n  threads: 1\n  parallel: 2", "memory: 131072\n  time: 10\n  threads: 1\n  parallel: 2"
	p := open(t, settings{hashing: "\n  " + cheap})
	owner := p.enrol("ada")
	link := p.invitation("person", "add", "grace")
	must := p.enrolled("mary", number2, e164two)
	p.cli("person", "set", "mary", "--ask-for-new-password")
	p.move(31 * time.Second)
	chosen := p.browser()
	chosen.enter("mary", password)
	chosen.do("Verify", "code", must.app.code()).is(want{page: "password", h1: "Choose a new password"})
	p.stop()
	text, err := os.ReadFile(filepath.Join(p.dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("sallyport.yaml", strings.Replace(string(text), cheap, dear, 1))
	p.start()
	lost := p.lost("ada") // a right password is hashed again at the new cost
	lost.get("/2fa/recovery-code").is(want{page: "recovery-code"})
	invited, changing, making := p.browser(), owner.twin(), owner.twin()
	invited.get(link).is(want{page: "invitation"})
	changing.get("/account/password").is(want{page: "password"})
	making.get("/account/codes/new").is(want{page: "confirm", h1: "Make new recovery codes?"})

	busy := want{status: 503, retry: "5", notice: "Many people are signing in at the moment. Try again in a few seconds. Nothing was used up.",
		kept: []string{"password", "", "recovery", "", "code", ""}}
	var all sync.WaitGroup
	answered := func(b *browser, page, button string, fields ...string) {
		all.Go(func() {
			w := busy
			w.page = page
			b.do(button, fields...).is(w)
		})
	}
	flood := make([]*browser, 30)
	for i := range flood {
		flood[i] = p.browser()
		flood[i].get("/sign-in")
	}
	for _, b := range flood {
		all.Go(func() { b.press("Sign in", "username", "nobody", "password", "wrong") })
	}
	time.Sleep(200 * time.Millisecond)
	answered(lost, "recovery-code", "Verify", "recovery", owner.codes[0])
	answered(invited, "invitation", "Save password", "password", password2)
	answered(changing, "password", "Save password", "password", password2)
	answered(chosen, "password", "Save password", "password", password2)
	all.Wait()
	// Known browsers come first, and wait only for each other.
	owner.get("/confirm?to=/account/phone").is(want{page: "confirm"})
	code, told := owner.app.code(), make(chan *page, 24)
	for range cap(told) {
		b := owner.twin()
		all.Go(func() { told <- b.press("Continue", "password", password, "code", code) })
	}
	time.Sleep(200 * time.Millisecond)
	answered(making, "security", "Make new codes")
	all.Wait()
	close(told)
	n := 0
	for a := range told {
		if a.status == 503 {
			n++
			w := busy
			w.page = "confirm"
			a.is(w)
		}
	}
	if n == 0 {
		t.Error("nobody who confirmed was told to try again")
	}
	lost.do("Verify", "recovery", owner.codes[0]).is(want{page: "replace", notice: "You have 9 recovery codes left."})
	invited.do("Save password", "password", password2).is(want{page: "two-factor-prompt"})
	chosen.do("Save password", "password", password2).is(want{page: "security"})
}
