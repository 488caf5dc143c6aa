package stories_test

import (
	"testing"
	"time"
)

// A form that lay open too long is drawn anew for whoever is still under way, and
// for nobody else.
func TestAFormOfYesterdayDrawsNoPageOfAnAttempt(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.browser()
	token := b.get("/sign-in").token()
	p.move(13 * time.Hour)
	for _, path := range []string{"/2fa", "/2fa/text", "/2fa/text/send", "/2fa/recovery-code", "/2fa/replace", "/2fa/setup-code", "/2fa/password",
		"/2fa/setup/app", "/2fa/setup/phone", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/code", "/2fa/not-now"} {
		b.form(path, "token", token, "code", "123456", "recovery", "8KZT-4Q2M-7XPD-93HB", "password", password2).leads("/sign-in")
	}
}
