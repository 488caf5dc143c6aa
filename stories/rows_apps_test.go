package stories_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// What people read where an app, or the way to it, is not in order.
func TestWhatIsWrongWithTheWayToAnApp(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps + "  - id: till\n    name: Till\n    groups: [everyone]\n    client:\n      redirects: [http://127.0.0.1/cb]\n      after_sign_out: [http://127.0.0.1/bye]\n      auth: none\n"})
	b := p.enrol("ada", "--group", "staff")
	asks := func(client, redirect string) string {
		return "/oidc/authorize?" + url.Values{"client_id": {client}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}.Encode()
	}
	says := func(path string, status int, words string) {
		t.Helper()
		b.get(path).is(want{status: status, page: "error", texts: []string{words}})
	}
	says(asks("nobody", "http://127.0.0.1/cb"), 403, "The app that sent you here is not known. Open it again, or tell whoever looks after it.")
	says(asks("till", "http://127.0.0.1/other"), 403, "Till wants to get you back at an address that is not registered. Tell whoever looks after it.")
	says("/oidc/end-session?client_id=till&post_logout_redirect_uri="+url.QueryEscape("https://evil.example/"), 403, "The app wants to send you to an address that is not registered. Tell whoever looks after it.")
	says("/oidc/enter?request=x.y", 403, "What the app sent along cannot be read. Open it again, or tell whoever looks after it.")

	stranger := p.browser()
	waits := stranger.ask(asks("till", "http://127.0.0.1/cb")).to()
	at, err := url.Parse(waits)
	if err != nil || at.Path != "/sign-in" || !strings.HasPrefix(at.Query().Get("rd"), "/oidc/enter?") {
		t.Fatalf("a stranger is led to %q", waits)
	}
	p.move(61 * time.Minute)
	stranger.get(at.Query().Get("rd")).is(want{status: 410, page: "error", texts: []string{"The way into the app took too long. Open the app again."}})

	b.enter("ada", password)
	if b.page.name() == "app-code" {
		b.do("Verify", "code", b.app.code())
	}
	wiki := b.site(wikiApp)
	left := wiki.at("/.sallyport/leave?rd=%2F")
	token := strings.TrimPrefix(b.ask(strings.TrimPrefix(left.to(), p.url)).to(), wikiApp)
	without := b.site(wikiApp)
	b.get(strings.TrimPrefix(without.at(token).to(), p.url)).is(want{status: 403, page: "error", texts: []string{"Your browser is blocking cookies for this app. Allow them, then open it again."}})
	b.get(strings.TrimPrefix(wiki.at("/.sallyport/enter?token=x.y").to(), p.url)).is(want{status: 403, page: "error", texts: []string{"This way into the app is not one of ours. Open the app again."}})
	says("/.sallyport/hand-over?bind="+strings.Repeat("b", 64)+"&to="+url.QueryEscape("https://evil.example/"), 403, "This address cannot be opened. Check it, or open the app from its first page.")
	wiki.open("/board/minutes").is(want{status: 403, page: "error", texts: []string{"You may not open Wiki. If you need it, contact the service desk"}})
}
