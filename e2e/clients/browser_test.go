package clients

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// sketch puts the page of browser.md where a web server takes it from.
func (w *world) sketch(t testing.TB) *app {
	t.Helper()
	a := w.apps["sketch"]
	if a.runs {
		return a
	}
	for name, text := range harness.Printed(t, "browser.md") {
		if !strings.HasPrefix(name, "/") {
			w.write(t, filepath.Join(a.id, name), w.here(text))
		}
	}
	library, err := os.ReadFile(filepath.Join(packages(t), "oidc-client-ts", "dist", "browser", "oidc-client-ts.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, filepath.Join(a.id, "oidc-client-ts.min.js"), string(library))
	a.runs = true
	return a
}

// chromium is a browser with scripts, for a person who has no other.
func (w *world) chromium(t testing.TB) *harness.Tab {
	t.Helper()
	return harness.Open(t, w.portal).Trust()
}

// arriveIn answers whatever the portal asks in Chromium, until it has led somewhere
// else.
func (p *person) arriveIn(b *harness.Tab) {
	p.t.Helper()
	for range 12 {
		if !strings.HasPrefix(harness.Eval[string](b, `location.href`), p.w.portal+"/") {
			return
		}
		p.answerIn(b)
	}
	p.t.Fatalf("the portal goes on asking: it is %s", b.Page())
}

func (p *person) answerIn(b *harness.Tab) {
	p.t.Helper()
	switch b.Page() {
	case "sign-in":
		b.Type("username", p.name)
		b.Type("password", harness.Password)
		b.Click("Sign in")
	case "two-factor-prompt":
		b.Click("Configure 2FA")
	case "setup-app":
		b.Click("Continue")
	case "setup-scan":
		p.app = harness.Scan(p.t, b.Screenshot())
		b.Click("Continue")
	case "setup-app-code", "app-code":
		b.Type("code", p.code())
		b.Click("Verify")
	case "setup-finish":
		b.Press("I have saved these codes")
		b.Click("Finish")
	case "consent":
		b.Click("Let it in")
	default:
		p.t.Fatalf("nobody knows how to answer %q", b.Page())
	}
}

// shows waits until the page of the public client says something.
func shows(b *harness.Tab, words string) string {
	quoted, _ := json.Marshal(words) // a string always can be
	b.Wait(words, `(document.getElementById('who')?.textContent ?? '').includes(`+string(quoted)+`)`)
	return harness.Eval[string](b, `document.getElementById('who').textContent`)
}

func TestAPageWithoutAServerSignsInAndOut(t *testing.T) {
	w := open(t)
	a, p, b := w.sketch(t), w.newcomer(t), w.chromium(t)
	b.Go(a.url + "/")
	shows(b, "nobody")
	b.Click("Sign in")
	p.arriveIn(b)
	var said struct {
		who
		ACR string
		AMR []string
	}
	if err := json.Unmarshal([]byte(shows(b, `"sub"`)), &said); err != nil {
		t.Fatal(err)
	}
	if said.User != p.name || said.Name != "Ada Lovelace" || said.Email != p.name+"@example.org" || said.Groups != nil {
		t.Errorf("the page is told %+v", said)
	}
	if at := harness.Eval[string](b, `location.href`); at != a.url+"/" {
		t.Errorf("it arrives at %s", at)
	}

	b.Requests()
	b.Press("Renew")
	time.Sleep(300 * time.Millisecond)
	b.Settle()
	renewed := 0
	for _, r := range b.Requests() {
		if r.URL == w.portal+"/oidc/token" && r.Method == http.MethodPost && r.Status == http.StatusOK {
			renewed++
		}
	}
	if renewed != 1 {
		t.Errorf("it renews its tokens %d times", renewed)
	}
	shows(b, `"sub"`)

	b.Click("Sign out")
	p.arriveIn(b)
	shows(b, "nobody")
	b.Click("Sign in")
	if got := b.Page(); got != "sign-in" {
		t.Fatalf("after signing out and in it is %s", got)
	}
	p.arriveIn(b)
	shows(b, `"sub"`)
}
