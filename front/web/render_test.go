package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"sallyport/core/fault"
)

func testSite(t *testing.T, o SiteOptions) *Site {
	t.Helper()
	if o.Name == "" {
		o.Name = "Acme & Co"
	}
	o.Host = "id.example.org"
	s, _, err := NewSite(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSayEscapesWhatItIsGiven(t *testing.T) {
	s := testSite(t, SiteOptions{Help: Help{Text: "it@example.org", URL: "mailto:it@example.org"}})
	at := time.Date(2026, 11, 23, 14, 32, 5, 0, time.UTC)
	for _, row := range []struct {
		key  string
		args []any
		want template.HTML
	}{
		{"sign-in.app", []any{"app", "<b>Wiki</b>"}, "to continue to &lt;b&gt;Wiki&lt;/b&gt;"},
		{"sign-in.app", []any{"app", template.HTML("<b>Wiki</b>")}, "to continue to <b>Wiki</b>"},
		{"invitation.title", nil, "Welcome to Acme &amp; Co"},
		{"page.help", nil, `Need help? <a href="mailto:it@example.org">it@example.org</a>`},
		{"other-way.text-what", []any{"ending", LTR("143")}, `Send a code to the number ending <bdi dir="ltr">143</bdi>. With it you set up your app again.`},
		{"sign-in.wait", []any{"wait", 15 * time.Minute}, "Too many sign-in attempts. Wait 15 minutes, then try again."},
		{"prompt.reset", []any{"date", at}, `An administrator reset your 2FA on <time datetime="2026-11-23T14:32:05Z" data-form="date">23 November 2026</time>. Set it up again to carry on.`},
		{"not-me.reported", []any{"when", at}, `This was reported on <time datetime="2026-11-23T14:32:05Z" data-form="when">23 Nov 14:32 UTC</time>.`},
		{"no.such-key", nil, "!no.such-key!"},
	} {
		if got := s.Say(row.key, row.args...); got != row.want {
			t.Errorf("%s: got %s, want %s", row.key, got, row.want)
		}
	}
}

func TestProblemSaysTheTriesLeft(t *testing.T) {
	s := testSite(t, SiteOptions{})
	for _, row := range []struct {
		fault *fault.Fault
		want  template.HTML
	}{
		{fault.New(fault.Invalid, "app-code.changed"), "That code has just changed. Enter the code showing now."},
		{fault.New(fault.Invalid, "app-code.changed").TriesLeft(3), "That code has just changed. Enter the code showing now. You have 3 tries left."},
		{fault.New(fault.Invalid, "app-code.changed").TriesLeft(1), "That code has just changed. Enter the code showing now. You have 1 try left."},
		{fault.New(fault.TooMany, "text.wait").After(39*time.Minute + time.Second), "Too many text messages have been sent. Try again in 40 minutes."},
	} {
		if got := s.Problem(row.fault); got.Text != row.want {
			t.Errorf("got %s, want %s", got.Text, row.want)
		}
	}
}

func TestDurationsAreRoundedUp(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{0, "1 second"}, {time.Second, "1 second"}, {89 * time.Second, "89 seconds"}, {90 * time.Second, "2 minutes"},
		{15 * time.Minute, "15 minutes"}, {14*time.Minute + time.Second, "15 minutes"}, {59 * time.Minute, "59 minutes"},
		{60 * time.Minute, "60 minutes"}, {90 * time.Minute, "90 minutes"}, {91 * time.Minute, "2 hours"},
		{24 * time.Hour, "24 hours"}, {72 * time.Hour, "72 hours"},
	} {
		if got := Duration(row.d); got != row.want {
			t.Errorf("%s: %q, want %q", row.d, got, row.want)
		}
	}
}

func TestTimesStandInThePortalsZone(t *testing.T) {
	s := testSite(t, SiteOptions{TimeZone: time.FixedZone("IST", 19800)})
	got := unmark(s.moment("when", time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)))
	if got != "24 Nov 01:30 IST" {
		t.Errorf("got %q", got)
	}
}

type testView struct {
	Frame
	Name string
}

func (v *testView) Template() string { return "greet" }
func (v *testView) Base() *Frame     { return v.On("greet", "confirm.remove-title", "name", v.Name) }

func TestAPageStandsInItsLayout(t *testing.T) {
	s := testSite(t, SiteOptions{Help: Help{URL: "javascript:alert(1)"}, Favicon: "/brand/icon.png"})
	pages := fstest.MapFS{"greet.html": {Data: []byte(`{{define "main"}}<h1>{{h1 .Base}}</h1>{{end}}`)}}
	if err := Parse(s, pages); err != nil {
		t.Fatal(err)
	}
	help := template.HTML(`Ask <a href="/help">help</a>`)
	v := &testView{Name: "<Tablet>", Frame: Frame{Problems: []Problem{{Field: "code", Text: help}}, StepLine: "wizard.step-3"}}
	var b bytes.Buffer
	if err := s.Render(&b, v); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<title>Error: Remove &lt;Tablet&gt;? – Step 3 of 6 – Acme &amp; Co</title>",
		"<h1>Remove &lt;Tablet&gt;?</h1>",
		`<a href="#code">Ask help</a>`,
		`<link rel="icon" href="/brand/icon.png">`,
		`<a href="#">alert(1)</a>`,
	} {
		if !strings.Contains(strings.ReplaceAll(b.String(), "javascript:", ""), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
	if err := s.Render(io.Discard, 1); err == nil {
		t.Error("a number was rendered")
	}
}

func TestPagesArePackedForWhomeverTakesThat(t *testing.T) {
	now := time.Now()
	k := testKit(t, "k", &now)
	pages := fstest.MapFS{"greet.html": {Data: []byte(`{{define "main"}}<h1>{{.Name}}</h1>{{end}}`)}}
	if err := Parse(k.Site, pages); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 200 {
		encoding := []string{"gzip", "br, gzip;q=0.5", "gzip;q=0", "identity", ""}[i%5]
		wg.Go(func() {
			name := strings.Repeat(fmt.Sprint(i, " "), i*i)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", encoding)
			w := httptest.NewRecorder()
			view := &testView{Name: name}
			view.FormToken = "x"
			if err := k.Page(w, r, http.StatusTeapot, view); err != nil {
				t.Error(err)
				return
			}
			if w.Code != http.StatusTeapot || w.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%q: %d, %d bytes, %v", encoding, w.Code, w.Body.Len(), w.Header())
			}
			body := io.Reader(w.Body)
			if is := w.Header().Get("Content-Encoding"); is != map[bool]string{true: "gzip"}[i%5 < 2] {
				t.Errorf("%q is answered in %q", encoding, is)
			} else if is != "" {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Error(err)
					return
				}
			}
			if text, err := io.ReadAll(body); err != nil || !strings.Contains(string(text), "<h1>"+name+"</h1>") || !strings.HasSuffix(strings.TrimSpace(string(text)), "</html>") {
				t.Errorf("page %d is another: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func TestAssetsAreKeptForEver(t *testing.T) {
	s := testSite(t, SiteOptions{Accent: "#5B2C83"})
	get := func(path, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		s.Assets().ServeHTTP(w, r)
		return w
	}
	for path, kind := range map[string]string{
		s.Stylesheet(): "text/css; charset=utf-8", s.Script(): "text/javascript; charset=utf-8", s.Icon(): "image/svg+xml",
	} {
		plain, packed := get(path, ""), get(path, "br, gzip;q=0.5")
		if plain.Code != 200 || plain.Header().Get("Content-Type") != kind {
			t.Errorf("%s: %d %s", path, plain.Code, plain.Header().Get("Content-Type"))
		}
		if plain.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s is not kept", path)
		}
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil || string(text) != plain.Body.String() {
			t.Errorf("%s differs when packed", path)
		}
	}
	if !strings.Contains(get(s.Stylesheet(), "gzip;q=0").Body.String(), "--accent:#5b2c83") {
		t.Error("the stylesheet has not the accent")
	}
	if s.Stylesheet() == testSite(t, SiteOptions{}).Stylesheet() {
		t.Error("another accent has the same address")
	}
	if got := get("/assets/none.css", ""); got.Code != http.StatusNotFound {
		t.Errorf("an unknown asset: %d", got.Code)
	}
}
