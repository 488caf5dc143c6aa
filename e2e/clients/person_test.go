package clients

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// person is somebody with a browser without scripts.
type person struct {
	*harness.Visitor
	name string
	app  *harness.App
	used int64 // the last step whose code was shown
	t    testing.TB
	w    *world
}

// newcomer is a person of whom the portal knows name and password.
func (w *world) newcomer(t testing.TB) *person {
	t.Helper()
	p := &person{name: fmt.Sprintf("ada%d", w.people.Add(1)), t: t, w: w}
	w.run(t, harness.Password+"\n", "person", "add", p.name, "--display", "Ada Lovelace", "--email", p.name+"@example.org", "--group", "staff", "--password-stdin")
	p.fresh()
	return p
}

// fresh takes another browser, which has no cookies.
func (p *person) fresh() {
	p.t.Helper()
	p.Visitor = harness.Visit(p.t, p.w.portal, fmt.Sprintf("127.0.1.%d", p.w.people.Add(1)), "127.0.0.1", p.w.authority.Root)
}

// code is what the app shows, of a step that was not shown before: the portal takes
// each once, and the steps beside the present one too.
func (p *person) code() string {
	p.t.Helper()
	const step = 30
	if p.app == nil {
		p.t.Fatalf("a code is asked for before there is an app: %s, by way of %q\n%s", p.At, p.Way, p.Body)
	}
	now := time.Now().Unix() / step
	p.used = max(p.used+1, now-1)
	for ; p.used > time.Now().Unix()/step+1; time.Sleep(100 * time.Millisecond) {
	}
	return p.app.Code(time.Unix(p.used*step, 0))
}

var key = regexp.MustCompile(`id="setup-key">([^<]*)<`)

// arrive answers whatever the portal asks, until it has led somewhere else.
func (p *person) arrive() *person {
	p.t.Helper()
	for range 12 {
		if !strings.HasPrefix(p.At.String(), p.w.portal+"/") {
			return p
		}
		if p.Status != http.StatusOK {
			p.t.Fatalf("%s is %d, by way of %q\n%s", p.At, p.Status, p.Way, p.Body)
		}
		p.answer()
	}
	p.t.Fatalf("the portal goes on asking: %s is %s", p.At, p.Page())
	return nil
}

func (p *person) answer() {
	p.t.Helper()
	switch p.Page() {
	case "sign-in":
		p.Press("Sign in", "username", p.name, "password", harness.Password)
	case "two-factor-prompt":
		p.Click("Configure 2FA")
	case "setup-app", "setup-scan":
		if m := key.FindStringSubmatch(p.Body); m != nil {
			p.app = harness.TypeIn(p.t, m[1])
		}
		p.Press("Continue")
	case "setup-app-code", "app-code":
		p.Press("Verify", "code", p.code())
	case "setup-finish":
		p.Press("Finish", "saved", "yes")
	case "consent":
		p.Press("Let it in", "answer", "yes")
	default:
		p.t.Fatalf("nobody knows how to answer %q at %s\n%s", p.Page(), p.At, p.Body)
	}
}
