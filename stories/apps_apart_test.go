package stories_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The portal moves to the host of an app that was added before, at another port: cookies
// know no ports, so the app would be sent the portal's session with each request.
func TestAnAppAtTheHostThatThePortalMovesToIsShut(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	p.cli("app", "add", "desk", "--address", deskApp, "--group", "everyone", "--need", "one")
	p.cli("app", "add", "till", "--address", "http://till.localhost", "--group", "everyone", "--need", "one")
	desk, till := b.site(deskApp), b.site("http://till.localhost")
	desk.open("/").lets("ada")
	till.open("/").lets("ada")

	at, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	moved := fmt.Sprintf("http://Desk.localhost:%s", at.Port())
	p.restart("url: "+p.url, "url: "+moved)
	desk.check("GET", "/").stops(403)
	till.check("GET", "/").lets("ada")
	const why = "app desk: http://desk.localhost has the host of the portal itself"
	var listed []string
	for line := range strings.Lines(p.cli("app", "list", "--json")) {
		var row struct {
			ID      string
			LeftOut []string `json:"left_out"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, left := range row.LeftOut {
			row.ID += " " + strings.TrimPrefix(left, why)
		}
		listed = append(listed, row.ID)
	}
	if !slices.Equal(listed, []string{"till", "desk ; hint: an app has a host of its own, as cookies know no ports: give it another address, or the portal another url"}) {
		t.Errorf("app list says %q", listed)
	}
	for _, to := range []string{"desk", deskApp, deskApp + ":80/page"} {
		if a := p.run(p.dir, nil, "", "app", "check", "ada", to); a.code != 1 || !strings.Contains(a.err, why+": it is left out, and nobody enters\nhint: ") {
			t.Errorf("app check %s says %d %s%s", to, a.code, a.out, a.err)
		}
	}
	if a := p.run(p.dir, nil, "", "doctor"); a.code != 1 || !strings.Contains(a.out, "fault  "+why+": it is left out, and nobody enters\n       hint: ") {
		t.Errorf("doctor says %d\n%s", a.code, a.out)
	}

	p.cli("app", "set", "desk", "--address", "http://desk2.localhost")
	b.site("http://desk2.localhost").check("GET", "/").stops(303)
	p.cli("app", "check", "ada", "http://desk2.localhost")
	if a := p.run(p.dir, nil, "", "app", "set", "desk", "--address", deskApp); a.code != 1 || !strings.Contains(a.err, "has the host of the portal itself") {
		t.Errorf("back to the portal's host: %d %s", a.code, a.err)
	}
}
