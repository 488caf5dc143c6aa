package stories_test

import (
	"path/filepath"
	"testing"
	"time"
)

// A thief's request, which its owner cancelled after the backup was taken, must not
// wait again in the restored portal; and a notice's link still puts it on hold.
func TestARequestDoesNotComeBackWithABackup(t *testing.T) {
	t.Parallel()
	p := open(t)
	owner := p.enrol("root", "--operator")
	thief := p.lost("root")
	thief.get("/2fa/other")
	thief.do("Send SMS").is(want{page: "text-code"})
	thief.do("Verify", "code", p.code(e164)).is(want{page: "recovery-wait"})
	link := dispute(p.text(e164, "A new Example app can be set up from "))
	p.cli("backup", "portal.backup")
	owner.signIn("root", owner.app).is(want{page: "security"})
	p.text(e164, "The request for a new Example app was cancelled on ")
	p.stop()

	q := p.beside(settings{})
	q.cli("restore", filepath.Join(p.dir, "portal.backup"))
	q.start()
	q.text(e164, "The request for a new Example app was cancelled on ")
	words := want{page: "recovery-wait", h1: "The request was cancelled", texts: []string{"Example was restored from a backup on "}, absent: []string{"Send SMS"}}
	thief.in(q).get("/2fa/recovery-wait").is(words)
	q.move(25 * time.Hour)
	again := q.lost("root")
	again.get("/2fa/recovery-wait").is(words)
	again.get("/2fa/other").is(want{page: "other-way", texts: []string{"you can set up your app 24 hours after that"}})
	b := q.browser()
	b.get(link).is(want{page: "not-me", h1: "Was this not you?"})
	b.do("It was not me").is(want{page: "not-me", h1: "Your account is on hold"})
}
