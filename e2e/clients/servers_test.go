package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// openidClient, passport and goOIDC start the programs of the pages.
func (w *world) openidClient(t testing.TB) *app {
	t.Helper()
	return w.node(t, w.apps["notes"], "notes.mjs", "listen(3000,")
}

func (w *world) passport(t testing.TB) *app {
	t.Helper()
	return w.node(t, w.apps["board"], "board.cjs", "listen(3001,")
}

func (w *world) node(t testing.TB, a *app, file, listens string) *app {
	t.Helper()
	if a.runs {
		return a
	}
	script := w.write(t, filepath.Join(a.id, file), w.program_(t, "node.md", file, listens, fmt.Sprintf("listen(%d,", a.port)))
	if err := os.Symlink(packages(t), filepath.Join(w.folder, a.id, "node_modules")); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(harness.Need(t, "node"), script)
	c.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+w.root)
	w.begin(t, a.id, c, func() error { return w.answers(a.url + "/signed-out") })
	a.runs = true
	return a
}

func (w *world) goOIDC(t testing.TB) *app {
	t.Helper()
	a := w.apps["ledger"]
	if a.runs {
		return a
	}
	source := w.write(t, filepath.Join(a.id, "main.go"), w.program_(t, "go.md", "main.go", "127.0.0.1:3002", fmt.Sprintf("127.0.0.1:%d", a.port)))
	built := filepath.Join(w.folder, a.id, "ledger")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", built, source).CombinedOutput(); err != nil {
		t.Fatalf("build the program of go.md: %v\n%s", err, out)
	}
	c := exec.Command(built)
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+w.root)
	w.begin(t, a.id, c, func() error { return w.answers(a.url + "/signed-out") })
	a.runs = true
	return a
}

// program_ is a program as a page prints it, at another port.
func (w *world) program_(t testing.TB, page, file, from, to string) string {
	t.Helper()
	text := harness.Printed(t, page)[file]
	if strings.Count(text, from) != 1 {
		t.Fatalf("%s: %q does not stand once in %s", page, from, file)
	}
	return w.here(strings.Replace(text, from, to, 1))
}

// told reads what an app was told.
func told[T any](p *person, a *app) (v T) {
	p.t.Helper()
	if p.At.String() != a.url+"/" || p.Status != http.StatusOK {
		p.t.Fatalf("after signing in it is %s, %d, by way of %q\n%s\n%s", p.At, p.Status, p.Way, p.Body, p.w.log(a.id))
	}
	if err := json.Unmarshal([]byte(p.Body), &v); err != nil {
		p.t.Fatalf("%v: %s", err, p.Body)
	}
	return v
}

// claims are those of ID tokens.
type claims struct {
	Iss, Sub, Sid, Nonce, ACR string
	Aud                       any
	AMR                       []string
	Exp, Iat                  float64
	AuthTime                  float64 `json:"auth_time"`
}

// who is what userinfo says.
type who struct {
	Sub, Name, Email string
	User             string `json:"preferred_username"`
	Groups           []string
}

func (p *person) is(w who, groups bool) {
	p.t.Helper()
	want := fmt.Sprint(p.name, "Ada Lovelace", p.name+"@example.org", groups)
	if got := fmt.Sprint(w.User, w.Name, w.Email, len(w.Groups) == 1 && w.Groups[0] == "staff"); got != want || w.Sub == "" {
		p.t.Errorf("the app is told %+v, want %s", w, want)
	}
}

// truly looks at what an ID token says of a sign-in with password and app code.
func (p *person) truly(c claims, a *app, since time.Time) {
	p.t.Helper()
	if c.Iss != p.w.portal || fmt.Sprint(c.Aud) != a.id && fmt.Sprint(c.Aud) != "["+a.id+"]" || c.ACR != "urn:sallyport:two" || strings.Join(c.AMR, " ") != "pwd otp mfa" ||
		c.AuthTime < float64(since.Unix()) || c.AuthTime > float64(time.Now().Unix()) {
		p.t.Errorf("the ID token says %+v", c)
	}
}

// outAndIn signs out by the app, and in again by a code of the authenticator.
func (p *person) outAndIn(a *app, leave string) {
	p.t.Helper()
	p.Open(leave)
	p.arrive()
	if p.At.String() != a.url+"/signed-out" || p.Status != http.StatusOK || !strings.Contains(p.Body, "You are signed out.") {
		p.t.Fatalf("signing out leads to %s, %d, by way of %q\n%s\n%s", p.At, p.Status, p.Way, p.Body, p.w.log(a.id))
	}
	p.Open("/").Is(http.StatusOK, "sign-in")
	p.Open(a.url+"/").Is(http.StatusOK, "sign-in")
	p.arrive()
}

func TestOpenIDClientSignsInAndOut(t *testing.T) {
	w := open(t)
	a, p, began := w.openidClient(t), w.newcomer(t), time.Now()
	p.Open(a.url + "/")
	p.arrive()
	said := told[struct {
		Who    who
		Claims claims
	}](p, a)
	p.is(said.Who, true)
	p.truly(said.Claims, a, began)
	for range 3 {
		p.Open(a.url + "/refresh")
		p.is(told[struct{ Who who }](p, a).Who, true)
	}
	p.outAndIn(a, a.url+"/sign-out")
	p.is(told[struct{ Who who }](p, a).Who, true)
}

func TestPassportSignsInAndOut(t *testing.T) {
	w := open(t)
	a, p := w.passport(t), w.newcomer(t)
	type profile struct {
		ID, DisplayName, Username string
		Emails                    []struct{ Value string }
		IDToken                   string
	}
	p.Open(a.url + "/")
	p.arrive()
	said := told[profile](p, a)
	if said.ID == "" || said.DisplayName != "Ada Lovelace" || said.Username != p.name || len(said.Emails) != 1 || said.Emails[0].Value != p.name+"@example.org" {
		t.Errorf("the app is told %+v", said)
	}
	p.outAndIn(a, a.url+"/sign-out")
	if again := told[profile](p, a); again.ID != said.ID {
		t.Errorf("it was %s, and is %s", said.ID, again.ID)
	}
}

func TestGoOIDCSignsInAndOut(t *testing.T) {
	w := open(t)
	a, p, began := w.goOIDC(t), w.newcomer(t), time.Now()
	p.Open(a.url + "/")
	p.arrive()
	p.is(told[who](p, a), true)
	said := told[claims](p, a)
	said.Iss, said.Aud = w.portal, a.id // go-oidc has looked at these
	p.truly(said, a, began)
	p.outAndIn(a, a.url+"/sign-out")
	p.is(told[who](p, a), true)
}

// Who says no to an app goes back there, and the app hears why; later they can say
// yes.
func TestAppsHearThatSomebodySaidNo(t *testing.T) {
	w := open(t)
	ledger, notes := w.goOIDC(t), w.openidClient(t)
	p := w.newcomer(t)
	for _, row := range []struct {
		app  *app
		says string
	}{{ledger, "the portal says access_denied"}, {notes, "The sign-in has failed."}} {
		for p.Open(row.app.url + "/"); p.Page() != "consent"; {
			p.answer()
		}
		p.Press("Not now", "answer", "no")
		if !strings.HasPrefix(p.At.String(), row.app.url+"/callback?") || p.Status != http.StatusForbidden || !strings.Contains(p.Body, row.says) {
			t.Errorf("%s: no leads to %s, %d\n%s", row.app.id, p.At, p.Status, p.Body)
		}
		p.Open(row.app.url+"/").Is(http.StatusOK, "consent")
		p.arrive()
		told[who](p, row.app)
	}
}
