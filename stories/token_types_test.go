package stories_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// One app comes by both ways: the same keys sign its ID tokens and what the gate says to
// it, and neither passes for the other.
func TestTheSignedWordOfTheGateIsNoIDToken(t *testing.T) {
	t.Parallel()
	p := openProvider(t, settings{more: "apps:\n  - id: desk\n    name: Desk\n    addresses: [http://wiki.localhost]\n    groups: [everyone]\n    need: two\n    tell: [name, email, groups]\n    token: true\n" +
		"    client:\n      redirects: [\"" + desk + "\"]\n      after_sign_out: [\"https://desk.example/bye\"]\n      secret_file: desk.secret\n      refresh: true\n      no_consent: true\n"})
	ada := p.enrol("ada", "--group", "staff", "--email", "ada@example.org")
	c, wiki := p.party("desk"), ada.site(wikiApp)
	first := wiki.open("/")
	first.lets("ada")
	word := first.header.Get("Remote-Token")
	id := c.redeem(c.code(ada)).str("id_token")
	if word == "" || id == "" {
		t.Fatalf("the gate says %q, the token endpoint %q", word, id)
	}
	headOf := func(token string) (head struct{ Typ, Kid string }, aud any) {
		t.Helper()
		parts := strings.Split(token, ".")
		var says struct{ Aud any }
		for i, into := range []any{&head, &says} {
			raw, err := base64.RawURLEncoding.DecodeString(parts[i])
			if err != nil || json.Unmarshal(raw, into) != nil {
				t.Fatalf("%s: %v", token, err)
			}
		}
		return head, says.Aud
	}
	gate, atGate := headOf(word)
	client, atClient := headOf(id)
	if gate.Kid != client.Kid {
		t.Errorf("two keys: what is tested here is not what it should be: %s, %s", gate.Kid, client.Kid)
	}
	if list, _ := atClient.([]any); gate.Typ != "sallyport-gate+jwt" || atGate != "urn:sallyport:gate:desk" || client.Typ != "JWT" || len(list) != 1 || list[0] != "desk" {
		t.Errorf("the gate's is %s for %v, the client's %s for %v", gate.Typ, atGate, client.Typ, atClient)
	}
	for about, token := range map[string]string{"gate": word, "client": id} {
		asked := c.authorize(ada, "id_token_hint", token)
		if hint := asked.Get("code") != ""; hint != (about == "client") || !hint && asked.Get("error") != "invalid_request" {
			t.Errorf("the %s's as a hint: %v", about, asked)
		}
		c.userinfo(token).refuses(t, "the "+about+"'s as access token", 401, "invalid_token")
		c.refresh(token).refuses(t, "the "+about+"'s as refresh token", 400, "invalid_grant")
		if got := c.post("/oidc/introspect", "token", token); got.all["active"] != false {
			t.Errorf("the %s's is active: %v", about, got.all)
		}
	}
	leave := func(token string) (*page, string) {
		return ada.walk("/oidc/end-session?" + url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {"https://desk.example/bye"}}.Encode())
	}
	if shown, to := leave(word); to != "" || shown.status != 403 {
		t.Errorf("the gate's signs out: %d, to %q", shown.status, to)
	}
	wiki.check("GET", "/").lets("ada")
	if shown, to := leave(id); to != "https://desk.example/bye" {
		t.Errorf("the client's does not: %d %s, to %q", shown.status, shown.name(), to)
	}
	stranger := p.browser().site(wikiApp)
	for _, token := range []string{word, id} {
		if got := stranger.check("POST", "/", "Remote-Token", token, "Authorization", "Bearer "+token); got.status == 200 {
			t.Error("a token opens the door to who shows it")
		}
	}
}
