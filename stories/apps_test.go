package stories_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const deskApp = "http://desk.localhost"

// What a command changes holds for the next request, though nobody restarts the portal.
func TestAnAppOfACommandIsHeededAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t, settings{more: apps})
	b := p.enrol("ada", "--group", "staff")
	desk := b.site(deskApp)
	desk.check("GET", "/").stops(403)

	p.cli("app", "add", "desk", "--address", deskApp, "--group", "staff", "--tell", "groups")
	desk.open("/").lets("ada")
	for _, step := range []struct {
		args   []string
		uri    string
		status int
	}{
		{[]string{"app", "set", "desk", "--group", "board"}, "/", 403},
		{[]string{"app", "set", "desk", "--group", "board", "--group", "staff"}, "/", 200},
		{[]string{"app", "set", "desk", "--rule", "paths=/vault/* groups=board"}, "/vault/1", 403},
		{[]string{"app", "set", "desk", "--rule", "paths=/vault/* groups=board"}, "/x/..;y/%56AULT/1", 403},
		{[]string{"app", "set", "desk", "--rule", "paths=/vault/* groups=board"}, "/vaults", 200},
		{[]string{"app", "set", "desk", "--rule", ""}, "/vault/1", 200},
		{[]string{"person", "set", "ada", "--group", "math"}, "/", 403},
		{[]string{"person", "set", "ada", "--group", "staff"}, "/", 200},
		{[]string{"app", "remove", "desk"}, "/", 403},
	} {
		p.cli(step.args...)
		answer := desk.check("POST", step.uri)
		if answer.status != step.status {
			t.Errorf("after %s: %s is answered %d, want %d", strings.Join(step.args, " "), step.uri, answer.status, step.status)
		}
	}
	b.site(wikiApp).open("/").lets("ada") // another is as it was
}

// A row that somebody edited, or that a newer program wrote, opens nothing, and is told.
func TestAnAppThatIsNotUnderstoodIsShut(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"a need that nobody knows":            `"Factors":"one"→"Factors":"three"`,
		"a condition that nobody knows":       `"Factors":"one"→"Factors":"one","Networks":["10.0.0.0/8"]`,
		"a key that nobody knows":             `"Name":"Desk"→"Name":"Desk","Countries":["GB"]`,
		"a rule that nobody could have saved": `"Name":"Desk"→"Name":"Desk","Rules":[{"Paths":["/a//b"],"Groups":null,"Need":{"Factors":"one"}}]`,
		"a text that is cut off":              `}}→}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			b := p.enrol("ada")
			desk := b.site(deskApp)
			p.cli("app", "add", "desk", "--name", "Desk", "--address", deskApp, "--group", "everyone", "--need", "one")
			desk.open("/").lets("ada")
			p.stop()
			was := p.query("SELECT data FROM apps WHERE id = 'desk'")
			before, after, _ := strings.Cut(edit, "→")
			if !strings.Contains(was, before) {
				t.Fatalf("the row has no %s: %s", before, was)
			}
			if _, err := p.base().Exec("UPDATE apps SET data = $1 WHERE id = 'desk'", strings.Replace(was, before, after, 1)); err != nil {
				t.Fatal(err)
			}
			p.start()
			desk.check("POST", "/").stops(403)

			var row struct {
				ID      string   `json:"id"`
				Groups  []string `json:"groups"`
				LeftOut []string `json:"left_out"`
			}
			list := p.cli("app", "list", "--json")
			if err := json.Unmarshal([]byte(list), &row); err != nil || row.ID != "desk" || row.Groups != nil || len(row.LeftOut) != 1 || !strings.HasPrefix(row.LeftOut[0], "app desk: ") {
				t.Errorf("app list says %s (%v)", list, err)
			}
			doctor := p.run(p.dir, os.Environ(), "", "doctor")
			if doctor.code != 1 || !strings.Contains(doctor.out, "fault  app desk: ") || !strings.Contains(doctor.out, "it is left out, and nobody enters\n       hint: ") {
				t.Errorf("doctor says %d\n%s", doctor.code, doctor.out)
			}
			p.cli("app", "remove", "desk")
			p.cli("app", "add", "desk", "--address", deskApp, "--group", "everyone", "--need", "one")
			desk.open("/").lets("ada")
		})
	}
}
