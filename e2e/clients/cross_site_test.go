package clients

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// elsewhere is another site with one page.
func (w *world) elsewhere(t testing.TB, page string) string {
	t.Helper()
	return w.listen(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(rw, `<!doctype html><html lang="en"><title>Elsewhere</title>`+page)
	})) + "/"
}

// form is one that another site posts to the portal, by itself or by a button.
func form(action string, values url.Values, also string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<form id="f" method="post" action="%s">`, html.EscapeString(action))
	for name := range values {
		fmt.Fprintf(&b, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(values.Get(name)))
	}
	return b.String() + `<button>Go on</button></form>` + also
}

// came is the answer of the portal that led to the page of the public client, which
// has taken it out of its address by then.
func (w *world) came(t testing.TB, b *harness.Tab) url.Values {
	t.Helper()
	var last url.Values
	for _, r := range b.Requests() {
		if u, err := url.Parse(r.URL); err == nil && strings.HasPrefix(r.URL, w.apps["sketch"].url+"/?") {
			last = u.Query()
		}
	}
	return last
}

// A form that another site posts comes without the portal's cookie, which is Lax. The
// session is found nevertheless, and nobody signs in anew.
func TestAPostFromAnotherSiteFindsTheSession(t *testing.T) {
	w := open(t)
	a, p, b := w.sketch(t), w.newcomer(t), w.chromium(t)
	first := w.request(t, "sketch")
	b.Go(first.at(w.portal))
	p.arriveIn(b)
	b.Wait("the app", `!!document.getElementById("who")?.textContent`)
	if q := w.came(t, b); q.Get("code") == "" || q.Get("iss") != w.portal {
		t.Fatalf("the first sign-in is answered by %q", q)
	}

	r := w.request(t, "sketch")
	b.Go(w.elsewhere(t, form(w.portal+"/oidc/authorize", r.Values, `<script>document.getElementById('f').submit()</script>`)))
	b.Wait("the app", `location.href.startsWith(`+quoted(a.url)+`) && !!document.getElementById("who")?.textContent`)
	asked := b.Requests()
	var ways []string
	var q url.Values
	for _, one := range asked {
		if u, err := url.Parse(one.URL); err == nil && strings.HasPrefix(one.URL, w.portal) {
			ways = append(ways, one.Method+" "+u.Path)
		} else if err == nil && strings.HasPrefix(one.URL, a.url+"/?") {
			q = u.Query()
		}
	}
	if got, want := strings.Join(ways, ", "), "POST /oidc/authorize, GET /oidc/authorize"; got != want {
		t.Errorf("the way leads by %s, not %s", got, want)
	}
	if q.Get("code") == "" || q.Get("state") != r.Get("state") || q.Get("iss") != w.portal {
		t.Fatalf("the answer is %q", q)
	}
	if got := w.redeem(t, a, granted{r, q.Get("code")}, r.verifier); got.Status != http.StatusOK || w.judged(t, a, got.ID, "RS256").Nonce != r.nonce {
		t.Errorf("the code brings %d %s", got.Status, got.Error)
	}
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string always can be
	return string(text)
}

// A link or a form of another site signs nobody out: the portal asks first. So it
// does with the ID token of somebody else.
func TestAnotherSiteSignsNobodyOut(t *testing.T) {
	w := open(t)
	p, b := w.newcomer(t), w.chromium(t)
	b.Go("/")
	for b.Page() != "security" {
		p.answerIn(b)
	}
	other := w.newcomer(t)
	g := other.grant(w.request(t, "notes"))
	theirs := w.redeem(t, g.app, g, g.verifier).ID
	end := w.portal + "/oidc/end-session"
	back := url.Values{"client_id": {"sketch"}, "post_logout_redirect_uri": {w.apps["sketch"].url + "/"}}
	for name, page := range map[string]string{
		"a link":                            `<a href="` + end + `">Go on</a>`,
		"a link that leads back":            `<a href="` + html.EscapeString(end+"?"+back.Encode()) + `">Go on</a>`,
		"a form":                            form(end, url.Values{}, ""),
		"a form that leads back":            form(end, back, ""),
		"a link with another's ID token":    `<a href="` + html.EscapeString(end+"?id_token_hint="+theirs) + `">Go on</a>`,
		"a link to the page after the form": `<a href="` + html.EscapeString(w.portal+"/oidc/sign-out?"+back.Encode()) + `">Go on</a>`,
		"a form for the page after it":      form(w.portal+"/oidc/sign-out?"+back.Encode(), url.Values{"token": {"x"}}, ""),
		"the portal's own form":             form(w.portal+"/sign-out", url.Values{"token": {"x"}}, ""),
	} {
		b.Go(w.elsewhere(t, page))
		b.Click("Go on")
		if got := b.Page(); got != "confirm" && strings.HasPrefix(name, "a link") && !strings.Contains(name, "after") {
			t.Errorf("%s leads to %s", name, got)
		}
		b.Go("/")
		if got := b.Page(); got != "security" {
			t.Fatalf("after %s it is %s", name, got)
		}
	}
	b.Go(w.elsewhere(t, form(end, back, "")))
	b.Click("Go on")
	b.Says("Sign out?")
	b.Click("Sign out")
	b.Wait("the app", `location.href.startsWith(`+quoted(w.apps["sketch"].url)+`)`)
	b.Go("/")
	b.At("sign-in")
}
