package clients

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// All that stands in a block of a page has been run: it is for a file that the tests
// use, or a command whose words they take.
func TestEachBlockIsRunAsItIsPrinted(t *testing.T) {
	for name, files := range map[string][]string{
		"apache.md":  {settings, "/etc/apache2/wiki-secret.conf", "/etc/apache2/sites-enabled/wiki.conf", "/var/www/html/signed-out.html"},
		"browser.md": {settings, "index.html", "sketch.js"},
		"go.md":      {settings, "main.go"},
		"node.md":    {settings, "notes.mjs", "board.cjs"},
		"oidc.md":    {settings},
	} {
		have, more := harness.Printed(t, name), harness.Unnamed(t, name, "sh")
		for _, file := range files {
			if have[file] == "" {
				t.Errorf("%s has no block for %s", name, file)
			}
		}
		if len(have) != len(files) || len(more) > 0 {
			t.Errorf("%s has blocks for nobody: %d files, and %q", name, len(have), more)
		}
	}
	found, err := filepath.Glob(filepath.Join(harness.Source(t), "docs", "integrate", "*.md"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	for _, path := range found {
		name := filepath.Base(path)
		if apps := strings.Contains(harness.Printed(t, name)[settings], "    client:\n"); apps != slices.Contains(pages(), name) {
			t.Errorf("%s: are its settings run or not?", name)
		}
	}
}

// The lines of oidc.md make of a client that does what they say an app that people
// sign in to, with the claims that the page promises, and out of.
func TestTheAppOfThePageForAnyClientSignsInAndOut(t *testing.T) {
	w := open(t)
	p, a, began := w.newcomer(t), w.apps["desk"], time.Now()
	g := p.grant(w.request(t, a.id, "scope", "openid profile email groups"))
	got := w.redeem(t, a, g, g.verifier)
	if got.Status != http.StatusOK || got.Access == "" || got.Refresh != "" {
		t.Fatalf("for its code it gets %d %v", got.Status, got.All)
	}
	id := w.judged(t, a, got.ID, "RS256")
	var says claims
	var is who
	if err := id.Claims(&says); err != nil {
		t.Fatal(err)
	}
	if err := id.Claims(&is); err != nil {
		t.Fatal(err)
	}
	p.truly(says, a, began)
	p.is(is, true)
	if says.Sid == "" || says.Nonce != g.nonce {
		t.Errorf("the ID token says %+v", says)
	}

	leave := url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {a.url + "/"}, "state": {"x"}}
	p.Open(w.portal + "/oidc/end-session?" + leave.Encode())
	if p.At.String() != a.url+"/?state=x" {
		t.Errorf("signing out leads to %s, by way of %q", p.At, p.Way)
	}
	if got := w.userinfo(t, w.portal, got.Access); got.Status != http.StatusUnauthorized {
		t.Errorf("after signing out its token gets %d", got.Status)
	}
	p.Open(w.portal+"/").Is(http.StatusOK, "sign-in")
}
