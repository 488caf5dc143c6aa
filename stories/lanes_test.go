package stories_test

import (
	"testing"
	"time"
)

// What strangers spend behind the address of a known browser is not that browser's.
func TestAKnownBrowserIsInNoBudgetOfItsAddress(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	b.leave()
	stranger := p.browser()
	stranger.address = b.address
	for range 10 {
		if status := stranger.enter("ada", "wrong").status; status != 422 {
			t.Fatalf("a wrong password is answered with %d", status)
		}
		p.move(time.Minute) // past its pause
	}
	if status := stranger.enter("ada", password).status; status != 429 {
		t.Errorf("the eleventh try of a stranger is answered with %d", status)
	}
	b.enter("ada", password).is(want{page: "app-code"})
}
