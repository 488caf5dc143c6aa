package cli

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// browser is what a story looks at the portal with: it keeps cookies, follows
// redirects, and shows the text of one page.
type browser struct {
	http.Client
	base string
	main string // the markup of the page
}

type browserKey struct{}

func browserOf(s *testscript.TestScript) *browser { return s.Value(browserKey{}).(*browser) }

// fresh forgets all.
func (b *browser) fresh() {
	jar, _ := cookiejar.New(nil) // it has no error
	b.Client, b.main = http.Client{Jar: jar, Timeout: patience}, ""
}

var (
	mainMark   = regexp.MustCompile(`(?s)<main.*</main>`)
	nameMark   = regexp.MustCompile(`data-page="([^"]*)"`)
	formMark   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	hiddenMark = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	anyMark    = regexp.MustCompile(`<[^>]*>`)
	setupKey   = regexp.MustCompile(`id="setup-key">([^<]*)<`)
	textCode   = regexp.MustCompile(`(?m)"text":"(\d{6}) `)
)

func (b *browser) visit(s *testscript.TestScript, address string) {
	at, err := url.Parse(address)
	s.Check(err)
	if at.IsAbs() {
		b.base = at.Scheme + "://" + at.Host
	}
	answer, err := b.Get(b.base + at.RequestURI())
	s.Check(err)
	b.show(s, answer)
}

// show makes a page the standard output: "200 sign-in", then its text.
func (b *browser) show(s *testscript.TestScript, answer *http.Response) {
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	s.Check(err)
	b.main = string(body)
	name := ""
	if main := mainMark.FindString(b.main); main != "" {
		b.main = main
	}
	if m := nameMark.FindStringSubmatch(b.main); m != nil {
		name = " " + m[1]
	}
	fmt.Fprintf(s.Stdout(), "%d%s\n%s\n", answer.StatusCode, name, plain(b.main))
}

// plain is the text of markup, a line for each of its elements.
func plain(markup string) string {
	var lines []string
	for line := range strings.Lines(anyMark.ReplaceAllString(markup, "")) {
		if line = strings.TrimSpace(html.UnescapeString(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func (b *browser) press(s *testscript.TestScript, button string, fields []string) {
	for _, form := range formMark.FindAllStringSubmatch(b.main, -1) {
		if !strings.Contains(form[0], ">"+button+"</button>") {
			continue
		}
		values := url.Values{}
		for _, m := range hiddenMark.FindAllStringSubmatch(form[0], -1) {
			values.Set(m[1], html.UnescapeString(m[2]))
		}
		for _, field := range fields {
			name, value, _ := strings.Cut(field, "=")
			if file, ok := strings.CutPrefix(value, "@"); ok {
				value, _, _ = strings.Cut(s.ReadFile(file), "\n")
			}
			values.Set(name, value)
		}
		answer, err := b.PostForm(b.base+html.UnescapeString(form[1]), values)
		s.Check(err)
		b.show(s, answer)
		return
	}
	s.Fatalf("there is no button %q on\n%s", button, plain(b.main))
}

// enrol walks the guide, from the sign-in page to the last of its pages.
func (b *browser) enrol(s *testscript.TestScript, name, passwordFile string) {
	b.fresh()
	b.visit(s, "/sign-in")
	b.press(s, "Sign in", []string{"username=" + name, "password=@" + passwordFile})
	b.visit(s, "/2fa/setup/app")
	b.press(s, "Continue", nil)
	seen := len(b.codes(s))
	b.press(s, "Send SMS", []string{"country=US", fmt.Sprintf("phone=(202) 555-%04d", 143+seen)}) // a number has a limit of its own
	until(s, "a code by text message", func() bool { return len(b.codes(s)) > seen })
	b.press(s, "Verify", []string{"code=" + b.codes(s)[seen]})
	key := setupKey.FindStringSubmatch(b.main)
	if key == nil {
		s.Fatalf("there is no setup key on\n%s", plain(b.main))
	}
	b.press(s, "Continue", nil)
	b.press(s, "Verify", []string{"code=" + totp(s, key[1])})
	b.press(s, "Finish", []string{"saved=yes"})
	if !strings.Contains(b.main, `data-page="security"`) {
		s.Fatalf("%s is not enrolled:\n%s", name, plain(b.main))
	}
}

// codes are those in the text messages so far.
func (b *browser) codes(s *testscript.TestScript) (codes []string) {
	text, _ := os.ReadFile(s.MkAbs("outbox.jsonl")) // until it is there
	for _, m := range textCode.FindAllStringSubmatch(string(text), -1) {
		codes = append(codes, m[1])
	}
	return codes
}

// totp is the code that an app shows now (RFC 6238).
func totp(s *testscript.TestScript, key string) string {
	secret, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(key, " ", ""))
	s.Check(err)
	mac := hmac.New(sha1.New, secret)
	binary.Write(mac, binary.BigEndian, time.Now().Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1000000)
}
