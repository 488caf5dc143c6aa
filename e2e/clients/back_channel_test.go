package clients

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// loggedOut reads the token that an app was sent, checks its signature with go-oidc,
// and its form by OpenID Connect Back-Channel Logout 2.4.
func (w *world) loggedOut(t testing.TB, a *app, one sent, sub, sid string) {
	t.Helper()
	if one.path != "/back-channel" || one.kind != "application/x-www-form-urlencoded" || len(one.form) != 1 || one.status != http.StatusOK {
		t.Errorf("it was sent %s, %s, %q, and answered %d", one.path, one.kind, one.form, one.status)
	}
	text := one.form.Get("logout_token")
	token := w.judged(t, a, text, "ES256")
	header := decoded(t, strings.Split(text, ".")[0])
	if header["typ"] != "logout+jwt" || header["alg"] != "ES256" || header["kid"] == nil {
		t.Errorf("its header is %v", header)
	}
	var said map[string]any
	if err := token.Claims(&said); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range said {
		names = append(names, name)
	}
	slices.Sort(names)
	if got, want := strings.Join(names, " "), "aud events exp iat iss jti sid sub"; got != want {
		t.Errorf("it says %s, not %s", got, want)
	}
	events, _ := json.Marshal(said["events"]) // it was read from JSON
	if string(events) != `{"http://schemas.openid.net/event/backchannel-logout":{}}` {
		t.Errorf("its events are %s", events)
	}
	if life := token.Expiry.Sub(token.IssuedAt); life <= 0 || life > 2*time.Minute || time.Since(token.IssuedAt).Abs() > time.Minute {
		t.Errorf("it lives for %s, from %s on", life, token.IssuedAt)
	}
	if said["jti"] == "" || said["sub"] != sub || said["sid"] != sid || sid == "" {
		t.Errorf("it says %v; the ID token said %s, %s", said, sub, sid)
	}
}

// Who signs out at the portal, or is turned off there, is signed out at the apps that
// want to know: each is told, and ends its own session.
func TestAppsHearOfTheEndOfASession(t *testing.T) {
	w := open(t)
	ledger, wiki := w.goOIDC(t), w.apache(t)
	type identity struct{ Sub, Sid string }
	for _, row := range []struct {
		name string
		end  func(*person)
	}{
		{"signing out", func(p *person) { p.Open("/").Press("Sign out") }},
		{"being turned off", func(p *person) { w.run(t, "", "person", "disable", p.name) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := w.newcomer(t)
			p.Open(ledger.url + "/")
			p.arrive()
			who := told[identity](p, ledger)
			p.Open(wiki.url + "/")
			p.arrive()
			if p.At.String() != wiki.url+"/" || !strings.Contains(p.Body, "Remote-User: "+p.name) {
				t.Fatalf("the second app says %s\n%s", p.At, p.Body)
			}
			row.end(p)
			w.loggedOut(t, ledger, ledger.heard.next(t), who.Sub, who.Sid)
			p.Open(ledger.url+"/").Is(http.StatusOK, "sign-in")
			for end := time.Now().Add(harness.Patience); ; time.Sleep(50 * time.Millisecond) {
				p.Open(wiki.url + "/")
				if p.Page() == "sign-in" {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("Apache still lets %s in", p.name)
				}
			}
		})
	}
}

// next waits for the next that is posted to an app.
func (h *heard) next(t testing.TB) sent {
	t.Helper()
	for end := time.After(harness.Patience); ; {
		h.mu.Lock()
		if len(h.sent) > 0 {
			one := h.sent[0]
			h.sent = h.sent[1:]
			h.mu.Unlock()
			return one
		}
		h.mu.Unlock()
		select {
		case <-h.news:
		case <-end:
			t.Fatal("nothing is posted to the app")
		}
	}
}
