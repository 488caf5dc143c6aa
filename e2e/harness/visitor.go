package harness

import (
	"context"
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
)

// Visitor is somebody's browser on another machine, without scripts: it has an
// address of its own, trusts one authority, keeps cookies, follows redirects, and
// shows one page.
type Visitor struct {
	http.Client
	Base   string      // the portal
	Forged http.Header // what it says besides, as a browser never would

	Status int
	Header http.Header
	Proto  string
	Body   string
	At     *url.URL
	Set    []*http.Cookie // all cookies that it was ever given, as they came
	Way    []string       // where the last request was led, as it was told

	t testing.TB
}

// Patience is how long a visitor waits for an answer.
const Patience = 30 * time.Second

// Visit opens a browser at an address of the network 127.0.0.0/8. Every name
// leads it to one host.
func Visit(t testing.TB, base, from, to string, trusted *x509.Certificate) *Visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &Visitor{t: t, Base: base, Forged: http.Header{}}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{TLSClientConfig: Trusting(trusted), ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address) // it has made this one itself
			return dialer.DialContext(ctx, network, net.JoinHostPort(to, port))
		}}
	v.Client = http.Client{Jar: jar, Transport: transport, Timeout: Patience, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 20 {
			v.t.Fatalf("it is led in a circle: %q", v.Way)
		}
		v.Set = append(v.Set, r.Response.Cookies()...)
		v.Way = append(v.Way, r.Response.Header.Get("Location"))
		return nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return v
}

// For is the visitor for a part of a test.
func (v *Visitor) For(t testing.TB) *Visitor { v.t = t; return v }

// Send sends a request and shows where it leads.
func (v *Visitor) Send(method, address string, body io.Reader) *Visitor {
	v.t.Helper()
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.Base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, values := range v.Forged {
		r.Header[name] = values
	}
	v.Way = nil
	answer, err := v.Do(r)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, address, err)
	}
	v.Status, v.Header, v.Proto, v.Body, v.At = answer.StatusCode, answer.Header, answer.Proto, string(text), answer.Request.URL
	v.Set = append(v.Set, answer.Cookies()...)
	return v
}

// Open opens an address; one that begins with / is the portal's.
func (v *Visitor) Open(address string) *Visitor {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.Base + address
	}
	return v.Send(http.MethodGet, address, nil)
}

var (
	pageMark   = regexp.MustCompile(`<main[^>]* data-page="([^"]*)"`)
	formMark   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	hiddenMark = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	keyMark    = regexp.MustCompile(`id="setup-key">([^<]*)<`)
	tagMark    = regexp.MustCompile(`<[^>]*>`)
)

// Page is the name of the page.
func (v *Visitor) Page() string {
	if m := pageMark.FindStringSubmatch(v.Body); m != nil {
		return m[1]
	}
	return ""
}

// Is checks the page on show.
func (v *Visitor) Is(status int, page string) *Visitor {
	v.t.Helper()
	if v.Status != status || v.Page() != page {
		v.t.Fatalf("%s is %d %q, not %d %q, by way of %q\n%s", v.At, v.Status, v.Page(), status, page, v.Way, strings.Join(strings.Fields(tagMark.ReplaceAllString(v.Body, " ")), " "))
	}
	return v
}

// Press sends the form with a button on it, with fields filled in.
func (v *Visitor) Press(button string, pairs ...string) *Visitor {
	v.t.Helper()
	for _, m := range formMark.FindAllStringSubmatch(v.Body, -1) {
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
		action, err := v.At.Parse(html.UnescapeString(m[1]))
		if err != nil {
			v.t.Fatal(err)
		}
		return v.Send(http.MethodPost, action.String(), strings.NewReader(form.Encode()))
	}
	v.t.Fatalf("%s has no button %s\n%s", v.At, button, v.Body)
	return nil
}

// Click follows a link.
func (v *Visitor) Click(words string) *Visitor {
	v.t.Helper()
	m := regexp.MustCompile(`<a[^>]* href="([^"]*)"[^>]*>` + regexp.QuoteMeta(words) + `</a>`).FindStringSubmatch(v.Body)
	if m == nil {
		v.t.Fatalf("%s has no link %s\n%s", v.At, words, v.Body)
	}
	to, err := v.At.Parse(html.UnescapeString(m[1]))
	if err != nil {
		v.t.Fatal(err)
	}
	return v.Open(to.String())
}

// Accept follows an invitation, chooses a password and sets up an app, of which it
// shows the portal a code as of now. The set-up must not ask for a number.
func (v *Visitor) Accept(invitation string, now time.Time) *App {
	v.t.Helper()
	v.Open(invitation).Is(http.StatusOK, "invitation")
	v.Press("Save password", "password", Password).Is(http.StatusOK, "two-factor-prompt")
	v.Click("Configure 2FA").Is(http.StatusOK, "setup-app")
	v.Press("Continue").Is(http.StatusOK, "setup-scan")
	m := keyMark.FindStringSubmatch(v.Body)
	if m == nil {
		v.t.Fatal("there is no setup key")
	}
	app := TypeIn(v.t, m[1])
	v.Press("Continue").Is(http.StatusOK, "setup-app-code")
	v.Press("Verify", "code", app.Code(now)).Is(http.StatusOK, "setup-finish")
	v.Press("Finish", "saved", "yes")
	return app
}

// SignIn fills in the sign-in page on show; code is what the app says.
func (v *Visitor) SignIn(name, code string) *Visitor {
	v.t.Helper()
	v.Is(http.StatusOK, "sign-in")
	v.Press("Sign in", "username", name, "password", Password).Is(http.StatusOK, "app-code")
	return v.Press("Verify", "code", code)
}
