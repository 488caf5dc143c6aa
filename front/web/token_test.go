package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

type testSecrets string

// MAC is a keyed hash for tests.
func (k testSecrets) MAC(purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte(string(k)+purpose))
	for _, p := range parts {
		h.Write([]byte{byte(len(p))})
		h.Write(p)
	}
	return h.Sum(nil)
}

func testKit(t *testing.T, key string, now *time.Time) *Kit {
	t.Helper()
	site, _, err := NewSite(SiteOptions{Name: "Sallyport", AppName: "Sallyport", Host: "localhost:8080", BaseURL: "http://localhost:8080"})
	if err != nil {
		t.Fatal(err)
	}
	return &Kit{Site: site, Secrets: testSecrets(key), Now: func() time.Time { return *now }}
}

// drawn is a form as a browser got it: its token and its cookie.
func drawn(k *Kit, returnTo string) (token string, cookie *http.Cookie) {
	w := httptest.NewRecorder()
	token, _ = k.Token(w, httptest.NewRequest("GET", "/sign-in", nil), returnTo)
	return token, w.Result().Cookies()[0]
}

func sent(token string, cookie *http.Cookie) *http.Request {
	r := httptest.NewRequest("POST", "/sign-in", strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return r
}

func TestATokenIsGoodOnlyWithItsCookieAndInItsTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)
	k := testKit(t, "ours", &now)
	token, cookie := drawn(k, "/account/activity")
	other, otherCookie := drawn(k, "")
	foreign, foreignCookie := drawn(testKit(t, "theirs", &now), "")
	for _, row := range []struct {
		name   string
		token  string
		cookie *http.Cookie
		later  time.Duration
		want   FormFault
	}{
		{"as it was drawn", token, cookie, 0, FormGood},
		{"at the end of its time", token, cookie, FormLife, FormGood},
		{"a second too late", token, cookie, FormLife + time.Second, FormStale},
		{"without the cookie", token, nil, 0, FormNoCookie},
		{"with another browser's cookie", token, otherCookie, 0, FormForged},
		{"another browser's token", other, cookie, 0, FormForged},
		{"of another installation", foreign, foreignCookie, 0, FormNoCookie},
		{"another installation's token with our cookie", foreign, cookie, 0, FormForged},
		{"empty", "", cookie, 0, FormForged},
		{"the address changed", strings.Replace(token, ".L", ".M", 1), cookie, 0, FormForged},
		{"cut", token[:len(token)-1], cookie, 0, FormForged},
	} {
		k.Now = func() time.Time { return now.Add(row.later) }
		form, got := k.ReadToken(sent(row.token, row.cookie))
		if got != row.want {
			t.Errorf("%s: fault %d, want %d", row.name, got, row.want)
		}
		if got == FormGood && form.ReturnTo != "/account/activity" {
			t.Errorf("%s: returns to %q", row.name, form.ReturnTo)
		}
	}
}

func TestEachAnswerHasAnotherToken(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)
	k := testKit(t, "ours", &now)
	seen := map[string]bool{}
	for range 100 {
		token, _ := drawn(k, "")
		if seen[token] {
			t.Fatal("the same token twice: a compressed page would give it away")
		}
		seen[token] = true
	}
}

func TestCookiesAreNamedByTheAddress(t *testing.T) {
	now := time.Now()
	k := testKit(t, "ours", &now)
	for _, https := range []bool{false, true} {
		k.Site.HTTPS = https
		w := httptest.NewRecorder()
		k.SetCookie(w, "session", "x", 0)
		c := w.Result().Cookies()[0]
		name := "session"
		if https {
			name = "__Host-session"
		}
		if c.Name != name || c.Secure != https || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 0 || !c.Expires.IsZero() {
			t.Errorf("https %v: %+v", https, c)
		}
	}
}
