package harness

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// App is an authenticator app: it scans a picture with zbarimg and makes codes
// with oathtool.
type App struct {
	Label, Issuer, Secret string
	t                     testing.TB
}

// Scan reads the QR code out of a screenshot.
func Scan(t testing.TB, screenshot []byte) *App {
	t.Helper()
	path := filepath.Join(t.TempDir(), "screen.png")
	if err := os.WriteFile(path, screenshot, 0o600); err != nil {
		t.Fatal(err)
	}
	return Import(t, strings.TrimSpace(Output(t, Need(t, "zbarimg"), "--raw", "-q", "-Sdisable", "-Sqrcode.enable", path)))
}

// Import takes an otpauth link, as an app does that is opened by it.
func Import(t testing.TB, link string) *App {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		t.Fatalf("not a link for an authenticator: %q (%v)", link, err)
	}
	if strings.Contains(link, "+") {
		t.Errorf("%q: apps show a + in a link as it is", link)
	}
	q := u.Query()
	for key, want := range map[string]string{"algorithm": "SHA1", "digits": "6", "period": "30"} {
		if q.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, q.Get(key), want)
		}
	}
	return &App{Label: strings.TrimPrefix(u.Path, "/"), Issuer: q.Get("issuer"), Secret: q.Get("secret"), t: t}
}

// TypeIn makes an app of a key that was typed in.
func TypeIn(t testing.TB, key string) *App {
	return &App{Secret: strings.ReplaceAll(key, " ", ""), t: t}
}

// Code is what the app shows at a time.
func (a *App) Code(at time.Time) string {
	a.t.Helper()
	return strings.TrimSpace(Output(a.t, Need(a.t, "oathtool"), "--totp", "-b", "-N", fmt.Sprintf("@%d", at.Unix()), a.Secret))
}
