package stories_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestEverythingKeptIsHandedOutAndDeleted(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("ada", "--display", "Ada Lovelace", "--email", "ada@example.org", "--group", "staff")
	p.enrol2("grace")
	out := p.cli("person", "export", "ada")
	var dossier map[string]any
	if err := json.Unmarshal([]byte(out), &dossier); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if dossier["username"] != "ada" || dossier["name"] != "Ada Lovelace" || dossier["mail"] != "ada@example.org" {
		t.Errorf("of the person: %v", dossier)
	}
	for _, part := range []string{"factors", "mobile_numbers", "sessions", "known_browsers", "sign_ins_under_way", "links", "messages", "activity"} {
		if list, _ := dossier[part].([]any); len(list) == 0 {
			t.Errorf("without %s:\n%s", part, out)
		}
	}
	if !strings.Contains(out, e164) || strings.Contains(out, e164two) || strings.Contains(out, "grace") {
		t.Errorf("hers and nobody else's:\n%s", out)
	}
	secrets := append([]string{owner.app.code(), owner.used, "argon2", owner.cookies["session"], owner.cookies["known"], password}, owner.codes...)
	for _, text := range p.lines(e164) {
		if strings.Contains(text.Text, "/not-me/") {
			secrets = append(secrets, strings.TrimPrefix(dispute(text.Text), "/not-me/"))
		}
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(out, secret) {
			t.Errorf("it holds the secret %q", secret)
		}
	}
	if a := p.run(p.dir, nil, "", "person", "delete", "ada"); a.code != 2 || !strings.Contains(a.err, "hint: sallyport person delete ada --yes") {
		t.Errorf("without --yes: %d %s", a.code, a.err)
	}
	owner.get("/account/security").is(want{page: "security"})
	half := p.lost("ada")
	half.is(want{page: "app-code"})
	if out := p.cli("person", "delete", "ada", "--yes"); out != "deleted ada\n" {
		t.Errorf("printed %q", out)
	}
	for _, b := range []*browser{owner, half} { // at the very next request
		if b.get("/account/security"); b.page.name() == "security" {
			t.Error("a session of somebody who was deleted goes on")
		}
	}
	half.form("/2fa", "code", owner.app.code())
	p.browser().enter("ada", password).is(want{problem: wrongDetails})
	if a := p.run(p.dir, nil, "", "person", "show", "ada"); a.code != 1 || !strings.Contains(a.err, "there is nobody of that name") {
		t.Errorf("show: %d %s", a.code, a.err)
	}
	if out := p.cli("person", "list"); strings.Contains(out, "ada") || !strings.Contains(out, "grace") {
		t.Errorf("list:\n%s", out)
	}
	p.move(time.Minute)
	p.add("ada") // the name is free again, and begins anew
	p.browser().enter("ada", password).is(want{page: "two-factor-prompt"})
	p.crash()
	if out := p.cli("person", "export", "ada"); strings.Contains(out, e164) {
		t.Errorf("the new account has the old one's number:\n%s", out)
	}
}

// enrol2 is enrol with the second number.
func (p *portal) enrol2(name string) *browser {
	p.t.Helper()
	p.add(name)
	b := p.browser()
	b.wizard(name, number2, e164two)
	return b
}
