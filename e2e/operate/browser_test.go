package operate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// browser is somebody's browser on another machine: it has an address of its own,
// trusts one authority, and shows one page.
type browser struct {
	http.Client
	t      *testing.T
	base   string
	forged http.Header // what it says besides, as a browser never would

	status int
	header http.Header
	proto  string
	body   string
	at     *url.URL
	set    []*http.Cookie // all cookies that it was ever given, as they came
}

// open opens a browser at an address of the network 127.0.0.0/8, which leads from
// every name to this machine.
func open(t *testing.T, base, address string, trusted *x509.Certificate) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, base: base, forged: http.Header{}}
	pool := x509.NewCertPool()
	if trusted != nil {
		pool.AddCert(trusted)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(to) // it has made this one itself
			return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
		}}
	b.Client = http.Client{Jar: jar, Transport: transport, Timeout: patience, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		b.set = append(b.set, r.Response.Cookies()...)
		return nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return b
}

// send sends a request and shows where it leads.
func (b *browser) send(method, address string, body io.Reader) *browser {
	b.t.Helper()
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range b.forged {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := b.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	b.status, b.header, b.proto, b.body, b.at = answer.StatusCode, answer.Header, answer.Proto, string(text), answer.Request.URL
	b.set = append(b.set, answer.Cookies()...)
	return b
}

// visit opens an address; one that begins with / is the portal's.
func (b *browser) visit(address string) *browser {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	return b.send(http.MethodGet, address, nil)
}

var (
	pageMark   = regexp.MustCompile(`<main[^>]* data-page="([^"]*)"`)
	formMark   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	hiddenMark = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	keyMark    = regexp.MustCompile(`id="setup-key">([^<]*)<`)
	tagMark    = regexp.MustCompile(`<[^>]*>`)
)

// page is the name of the page.
func (b *browser) page() string {
	if m := pageMark.FindStringSubmatch(b.body); m != nil {
		return m[1]
	}
	return ""
}

// is checks the page on show.
func (b *browser) is(status int, page string) *browser {
	b.t.Helper()
	if b.status != status || b.page() != page {
		b.t.Fatalf("%s is %d %q, not %d %q\n%s", b.at, b.status, b.page(), status, page, strings.Join(strings.Fields(tagMark.ReplaceAllString(b.body, " ")), " "))
	}
	return b
}

// press sends the form with a button on it, with fields filled in.
func (b *browser) press(button string, pairs ...string) *browser {
	b.t.Helper()
	for _, m := range formMark.FindAllStringSubmatch(b.body, -1) {
		if !strings.Contains(m[0], ">"+button+"<") {
			continue
		}
		form := url.Values{}
		for _, hidden := range hiddenMark.FindAllStringSubmatch(m[0], -1) {
			form.Set(hidden[1], html.UnescapeString(hidden[2]))
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		action, err := b.at.Parse(html.UnescapeString(m[1]))
		if err != nil {
			b.t.Fatal(err)
		}
		return b.send(http.MethodPost, action.String(), strings.NewReader(form.Encode()))
	}
	b.t.Fatalf("%s has no button %s", b.at, button)
	return nil
}

// click follows a link.
func (b *browser) click(words string) *browser {
	b.t.Helper()
	m := regexp.MustCompile(`<a[^>]* href="([^"]*)"[^>]*>` + regexp.QuoteMeta(words) + `</a>`).FindStringSubmatch(b.body)
	if m == nil {
		b.t.Fatalf("%s has no link %s\n%s", b.at, words, b.body)
	}
	return b.visit(html.UnescapeString(m[1]))
}

const password = "walnut orbit ladder sky"

// accept follows an invitation, chooses a password and sets up an app.
func (b *browser) accept(invitation string) (app *harness.App) {
	b.t.Helper()
	b.visit(invitation).is(http.StatusOK, "invitation")
	b.press("Save password", "password", password).is(http.StatusOK, "two-factor-prompt")
	b.click("Configure 2FA").is(http.StatusOK, "setup-app")
	b.press("Continue").is(http.StatusOK, "setup-scan")
	m := keyMark.FindStringSubmatch(b.body)
	if m == nil {
		b.t.Fatal("there is no setup key")
	}
	app = harness.TypeIn(b.t, m[1])
	b.press("Continue").is(http.StatusOK, "setup-app-code")
	b.press("Verify", "code", app.Code(time.Now())).is(http.StatusOK, "setup-finish")
	b.press("Finish", "saved", "yes").is(http.StatusOK, "security")
	return app
}

// signIn signs in; the code is that of the next 30 seconds, since the one of these
// may be used up.
func (b *browser) signIn(name string, app *harness.App) *browser {
	b.t.Helper()
	b.visit("/sign-in").is(http.StatusOK, "sign-in")
	b.press("Sign in", "username", name, "password", password).is(http.StatusOK, "app-code")
	return b.press("Verify", "code", app.Code(time.Now().Add(30*time.Second))).is(http.StatusOK, "security")
}
