package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A sign-in takes seconds where its password is hashed at a new cost. What
// happens to the account meanwhile stands, and nothing opens.
func TestHeldWhileThePasswordIsHashedAnew(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("keeps a core busy for seconds")
	}
	p := open(t)
	owner := p.enrol("ada")
	owner.get("/account/codes/new")
	owner.do("Make new codes")
	link := dispute(p.text(e164, "New Example recovery codes were made on"))
	p.add("grace")
	p.add("eve")
	p.stop()
	settings := filepath.Join(p.dir, "sallyport.yaml")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	p.write("sallyport.yaml", strings.Replace(string(text), "memory: 19456\n  time: 2", "memory: 262144\n  time: 10", 1))
	p.start()
	for _, row := range []struct {
		name    string
		happens func()
		want    want
		account string
	}{
		{"ada", func() {
			b := p.browser()
			b.get(link)
			b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
		}, want{status: 403, page: "held"}, "on hold"},
		{"grace", func() { p.cli("person", "disable", "grace") }, want{status: 403, page: "error", h1: "Your account is turned off"}, "turned off"},
		{"eve", func() { p.asked("eve") }, want{page: "password"}, "active"},
	} {
		b := p.browser()
		b.get("/sign-in")
		answer := make(chan *page, 1)
		go func() { answer <- b.press("Sign in", "username", row.name, "password", password) }()
		time.Sleep(300 * time.Millisecond) // past the first reading
		row.happens()
		select {
		case <-answer:
			t.Errorf("%s: the sign-in was quicker: this test is blind", row.name)
			continue
		default:
		}
		b.follow(<-answer).is(row.want)
		if b.cookies["session"] != "" {
			t.Errorf("%s has a session", row.name)
		}
		if got := p.cli("person", "show", row.name); !strings.Contains(got, row.account) {
			t.Errorf("%s is not %s any more:\n%s", row.name, row.account, got)
		}
	}
}
