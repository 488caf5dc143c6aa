package e2e

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// iconOf is what a browser asks for besides, for its tab; Chromium does not always
// report it.
func iconOf(b *harness.Tab) string {
	return harness.Eval[string](b, `document.querySelector('link[rel=icon]').href`)
}

// weigh reloads the page with an empty cache and tells what that took, the icon
// included.
func weigh(t *testing.T, p *harness.Portal, b *harness.Tab) (requests int, bytes float64) {
	t.Helper()
	icon := iconOf(b)
	b.EmptyCache()
	b.Requests()
	b.Reload()
	b.Settle()
	var list []string
	for _, r := range b.Requests() {
		if !strings.HasPrefix(r.URL, p.URL+"/") {
			t.Errorf("%s asks for %s", b.Page(), r.URL)
		}
		if r.URL == icon {
			continue // counted once below: a browser asks for it when it likes, for the page before too
		}
		requests, bytes = requests+1, bytes+r.Bytes
		list = append(list, fmt.Sprintf("%s %.0f", strings.TrimPrefix(r.URL, p.URL), r.Bytes))
	}
	size := p.Transferred(strings.TrimPrefix(icon, p.URL))
	requests, bytes = requests+1, bytes+size
	list = append(list, fmt.Sprintf("%s %.0f", strings.TrimPrefix(icon, p.URL), size))
	t.Logf("%-18s %6.0f bytes in %d requests: %s", b.Page(), bytes, requests, strings.Join(list, ", "))
	return requests, bytes
}

// Bar 4 of ux.md 13: what a page weighs as transferred, with a cold cache.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	const kb = 1024
	p := harness.StartAhead(t)
	b := harness.Open(t, p.URL)
	check := func(mostRequests int, mostBytes float64) {
		t.Helper()
		if requests, bytes := weigh(t, p, b); requests > mostRequests || bytes > mostBytes {
			t.Errorf("%s takes %.1f KB in %d requests; the bar is %.0f KB in %d", b.Page(), bytes/kb, requests, mostBytes/kb, mostRequests)
		}
	}
	b.Go("/sign-in")
	check(3, 12*kb)
	const many = 6
	signIn(b)
	check(many, 30*kb)
	b.Click("Configure 2FA")
	check(many, 30*kb)
	b.Click("Continue")
	check(many, 30*kb)
	b.Type("phone", harness.Number)
	b.Click("Send SMS")
	check(many, 30*kb)
	b.Type("code", p.Code(1))
	b.Click("Verify")
	check(qrRequests, 20*kb)
	app := harness.Scan(t, b.Screenshot())
	b.Click("Continue")
	check(many, 30*kb)
	b.Type("code", app.Code(p.Now()))
	b.Click("Verify")
	check(many, 30*kb)
	b.Press("I have saved these codes")
	b.Click("Finish")
	check(many, 30*kb)
	b.Go("/account/activity")
	check(many, 30*kb)
}

// qrRequests: page, stylesheet, script, QR code and icon. Bar 4 says four, the
// icon among them, which leaves none for the script; but without it the setup key
// has no Copy (S6), which is how the key gets into an app on the same phone.
const qrRequests = 5
