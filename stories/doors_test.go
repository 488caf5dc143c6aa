package stories_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// One policy for every door: fifteen apps, each behind a proxy and a client of OpenID
// Connect too, and whoever may come to them. At each of the 210 crossings the gate
// and authorize say the same.
func TestTheGateAndAuthorizeSayTheSame(t *testing.T) {
	t.Parallel()
	needs := []string{"one", "two", "two within 2m"}
	groups := []string{"everyone", "staff", "board", "staff, board", "nobody"}
	var file strings.Builder
	file.WriteString("apps:\n")
	for i, need := range needs {
		for j, group := range groups {
			fmt.Fprintf(&file, "  - id: a%d%d\n    addresses: [http://a%d%d.localhost]\n    groups: [%s]\n    need: %s\n    client:\n      redirects: [http://127.0.0.1/cb]\n      auth: none\n      no_consent: true\n",
				i, j, i, j, group, need)
		}
	}
	p := open(t, settings{more: file.String(), policy: "  grace_days: 14\n", noSMS: true})

	var list []standing
	stands := func(about string, b *browser) { list = append(list, standing{about, b}) }
	stands("a stranger", p.browser())
	old := map[string]*browser{}
	for name, in := range map[string][]string{"ada": {"staff"}, "erin": {"staff", "board"}, "carol": nil, "dora": {"staff"}, "hugo": {"board"}, "ivan": {"staff"}} {
		var more []string
		for _, g := range in {
			more = append(more, "--group", g)
		}
		p.add(name, more...)
		old[name] = p.browser()
		old[name].withoutNumber(name)
	}
	for _, name := range []string{"bob", "frank", "gina"} {
		p.add(name, "--group", map[string]string{"bob": "board", "frank": "staff", "gina": "other"}[name])
		b := p.browser()
		b.enter(name, password)
		b.do("Not now")
		old[name] = b
	}
	out := old["ada"].other("ada")
	out.get("/sign-out")
	kept := out.twin()
	out.press("Sign out")
	p.move(3 * time.Minute)
	fresh := old["erin"].other("erin")
	p.cli("person", "disable", "dora")
	p.cli("person", "set", "hugo", "--group", "staff")
	p.cli("person", "sign-out", "ivan")
	stands("staff, both three minutes ago", old["ada"])
	stands("staff, signed out", out)
	stands("staff, with the cookie of before", kept)
	stands("staff and board, both just now", fresh)
	stands("staff and board, both three minutes ago", old["erin"])
	stands("in no group", old["carol"])
	stands("turned off", old["dora"])
	stands("board before, staff now", old["hugo"])
	stands("signed out by an administrator", old["ivan"])
	stands("board, a password alone", old["bob"])
	stands("staff, a password alone", old["frank"])
	stands("in another group, a password alone", old["gina"])
	forged := p.browser()
	forged.cookies["session"] = strings.Repeat("a", 43)
	stands("with a forged cookie", forged)

	crossings, kinds := 0, map[string]int{}
	for i := range needs {
		for j := range groups {
			id := fmt.Sprintf("a%d%d", i, j)
			for _, s := range list {
				gate, oidc := atTheGate(s.b, id), atAuthorize(s.b, id)
				if gate != oidc {
					t.Errorf("%s at need %q, groups %q: the gate says %q, authorize %q", s.about, needs[i], groups[j], gate, oidc)
				}
				crossings++
				kinds[gate]++
			}
		}
	}
	if crossings < 200 || len(kinds) != 5 {
		t.Errorf("%d crossings, with these answers: %v", crossings, kinds)
	}
	for kind, n := range kinds {
		if n < 5 {
			t.Errorf("%q is said %d times: the table does not tell", kind, n)
		}
	}
}

// withoutNumber walks the wizard where no text can be sent.
func (b *browser) withoutNumber(name string) {
	b.t.Helper()
	b.enter(name, password).is(want{page: "two-factor-prompt"})
	b.click("Configure 2FA").is(want{page: "setup-app"})
	b.do("Continue").is(want{page: "setup-scan"})
	b.app = b.scan()
	b.do("Continue").is(want{page: "setup-app-code"})
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	b.do("Finish", "saved", "yes").is(want{page: "security"})
}

// standing is somebody in a browser.
type standing struct {
	about string
	b     *browser
}

// step is what a door asks for next, by where it leads.
func step(b *browser, p *page, app string) string {
	b.t.Helper()
	to := p.to()
	switch {
	case p.status == http.StatusForbidden:
		return "forbid"
	case p.status != http.StatusSeeOther:
		b.t.Fatalf("%s answers %d: %s", p.url, p.status, p.brief())
	case strings.HasPrefix(to, "/sign-in?set-up=1"):
		return "set-up"
	case strings.HasPrefix(to, "/sign-in"):
		return "sign-in"
	case strings.HasPrefix(to, "/confirm"):
		return "confirm"
	case strings.HasPrefix(to, app):
		return "allow"
	}
	b.t.Fatalf("%s leads to %q", p.url, to)
	return ""
}

func atTheGate(b *browser, id string) string {
	app := "http://" + id + ".localhost"
	return step(b, b.ask("/.sallyport/hand-over?"+url.Values{"to": {app + "/page"}, "bind": {strings.Repeat("b", 64)}}.Encode()), app+"/.sallyport/enter?token=")
}

func atAuthorize(b *browser, id string) string {
	const app = "http://127.0.0.1/cb"
	p := b.ask("/oidc/authorize?" + url.Values{"client_id": {id}, "redirect_uri": {app}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}.Encode())
	if strings.HasPrefix(p.to(), app) && strings.Contains(p.to(), "error=access_denied") {
		return "forbid"
	}
	if strings.HasPrefix(p.to(), app) && !strings.Contains(p.to(), "code=") {
		b.t.Fatalf("authorize leads to %q", p.to())
	}
	return step(b, p, app)
}
