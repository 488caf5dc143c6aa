package stories_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The files rows_*_test.go hold the rows of the UX specification, one for each
// group of screens: every message in its place, with what is kept and cleared.

// marked checks a form that was refused: all that is does, and the marks by which
// assistive technology finds the field and its words. No secret comes back.
func (p *page) marked(w want) *page {
	p.t.Helper()
	p.is(w)
	field, _, _ := strings.Cut(strings.TrimPrefix(w.problem, "#"), " ")
	tag := p.tag(field)
	if invalid, _ := attribute(tag, "aria-invalid"); invalid != "true" && field != "still" { // a radio button cannot be invalid
		p.t.Errorf("%s: %s is not marked as invalid: %s", p.url, field, tag)
	}
	if field == "still" {
		tag = "<fieldset" + between(p.main(), "<fieldset", ">") + ">"
	}
	if by, _ := attribute(tag, "aria-describedby"); !strings.Contains(" "+by+" ", " "+field+"-err ") {
		p.t.Errorf("%s: %s is described by %q", p.url, field, by)
	}
	if summary := between(p.main(), `<div class="error-summary"`, ">"); summary != ` role="alert" tabindex="-1" autofocus aria-labelledby="es-t"` {
		p.t.Errorf("%s: the summary has%s", p.url, summary)
	}
	if n := strings.Count(p.main(), " autofocus"); n != 1 {
		p.t.Errorf("%s: %d elements ask for the focus", p.url, n)
	}
	for _, secret := range []string{"password", "code", "recovery"} {
		if got := p.value(secret); got != "" {
			p.t.Errorf("%s: %s comes back as %q", p.url, secret, got)
		}
	}
	return p
}

// reads checks all that stands on a page.
func (p *page) reads(h1 string, texts ...string) *page {
	p.t.Helper()
	if want := strings.Join(append([]string{h1}, texts...), " "); p.text() != want || p.h1() != h1 {
		p.t.Errorf("%s: %q, not %q", p.url, p.text(), want)
	}
	return p
}

// tag is the field with an id.
func (p *page) tag(id string) string {
	for _, in := range inputMark.FindAllString(p.main(), -1) {
		if got, _ := attribute(in, "id"); got == id {
			return in
		}
	}
	return ""
}

// notice is the words of all notice boxes.
func (p *page) notice() string { return strings.Join(p.notices(), " | ") }

// shows checks that the notices are of a form; the time in one cannot be foretold
// to the second.
func (p *page) shows(pattern string) *page {
	p.t.Helper()
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(p.notice()) {
		p.t.Errorf("%s (%s): the notice is\n  %q, not\n  %q\n  text: %s", p.url, p.name(), p.notice(), pattern, p.brief())
	}
	return p
}

// Every error of the catalogue stands in a story, with its words.
func TestEveryErrorHasAStory(t *testing.T) {
	t.Parallel()
	catalogue, err := os.ReadFile(filepath.Join("..", "core", "words", "en", "errors.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var stories strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stories.Write(text)
	}
	rows := 0
	for line := range strings.Lines(string(catalogue)) {
		key, pattern, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(key, "#") || strings.HasPrefix(key, "duration.") {
			continue
		}
		rows++
		longest := ""
		for _, part := range regexp.MustCompile(`\{[^}]*\}`).Split(pattern, -1) {
			if len(part) > len(longest) {
				longest = part
			}
		}
		if !strings.Contains(stories.String(), longest) {
			t.Errorf("%s: %q", key, pattern)
		}
	}
	if rows < 90 {
		t.Errorf("%d errors: the reader of the catalogue is blind", rows)
	}
}

// spellings are the ways in which people and their apps write a code.
var spellings = []struct {
	name  string
	write func(code string) string
}{
	{"as it is", func(c string) string { return c }},
	{"spaces around and between", func(c string) string { return " " + c[:3] + " " + c[3:] + " " }},
	{"a dash", func(c string) string { return c[:3] + "-" + c[3:] }},
	{"a dot", func(c string) string { return c[:3] + "." + c[3:] }},
	{"a number sign", func(c string) string { return "#" + c }},
	{"wide digits", func(c string) string { return inScript(c, '０') }},
	{"Arabic digits", func(c string) string { return inScript(c, '٠') }},
	{"a space that does not break", func(c string) string { return c[:3] + "\u00a0" + c[3:] }},
	{"a space after each digit", func(c string) string { return strings.Join(strings.Split(c, ""), " ") }},
	{"the whole text message", func(c string) string {
		return c + " is your Example code. Do not share it. It works for 10 minutes.\n\n@login.example.org #" + c
	}},
}

func inScript(code string, zero rune) string {
	return strings.Map(func(r rune) rune { return r - '0' + zero }, code)
}

// zero moves the clock to a step whose code begins with a zero.
func (a app) zero() string {
	a.p.move(31 * time.Second)
	for a.code()[0] != '0' {
		a.p.move(30 * time.Second)
	}
	return a.code()
}

func TestTenSpellingsOfACode(t *testing.T) {
	t.Parallel()
	p := open(t)
	for i, spelling := range spellings {
		t.Log(spelling.name)
		name, to := fmt.Sprintf("ada%d", i), fmt.Sprintf("+120255501%02d", 10+i)
		p.add(name)
		b := p.browser()
		b.enter(name, password)
		b.click("Configure 2FA")
		b.do("Continue")
		b.do("Send SMS", "phone", to).is(want{page: "setup-phone-code"})
		b.do("Verify", "code", spelling.write(p.code(to))).is(want{page: "setup-scan"})
		b.app = b.scan()
		b.do("Continue").is(want{page: "setup-app-code"})
		b.do("Verify", "code", spelling.write(b.app.zero())).is(want{page: "setup-finish"})
		b.do("Finish", "saved", "yes").is(want{page: "security"})
		b.stale()
		code := b.app.zero()
		b.get("/account/phone").is(want{page: "confirm"})
		b.do("Continue", "password", password, "code", spelling.write(code)).is(want{page: "setup-phone"})
		code = b.app.zero()
		c := p.browser()
		c.enter(name, password)
		c.do("Verify", "code", spelling.write(code)).is(want{page: "security"})
		d := p.lost(name)
		d.get("/2fa/other")
		d.do("Send SMS").is(want{page: "text-code"})
		d.do("Verify", "code", spelling.write(p.code(to))).is(want{page: "replace"})
	}
}

// The table of numbers by country: what is typed is shown again as it was typed,
// and the text goes to the right number.
func TestNumbersByCountry(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.add("ada")
	b := p.browser()
	gb, mx, us, fr := "+447911123456", "+525512345678", "+12025550143", "+33612345678"
	for i, row := range []struct{ typed, country, name, to string }{
		{"07911 123456", "GB", "United Kingdom", gb},
		{"7911123456", "GB", "United Kingdom", gb},
		{"+44 (0)7911 123456", "GB", "United Kingdom", gb},
		{"0044 7911 123456", "GB", "United Kingdom", gb},
		{"447911123456", "GB", "United Kingdom", gb},
		{"٠٧٩١١١٢٣٤٥٦", "GB", "United Kingdom", gb},
		{"07123 456789", "GB", "United Kingdom", "+447123456789"},
		{"06 12 34 56 78", "FR", "France", fr},
		{"+33 06 12 34 56 78", "FR", "France", fr},
		{"0151 23456789", "DE", "Germany", "+4915123456789"},
		{"312 345 6789", "IT", "Italy", "+393123456789"},
		{"(202) 555-0143", "US", "United States", us},
		{"1 202 555 0143", "US", "United States", us},
		{"55 1234 5678", "MX", "Mexico", mx},
		{"044 55 1234 5678", "MX", "Mexico", mx},
		{"+52 1 55 1234 5678", "MX", "Mexico", mx},
		{"11 15 2345 6789", "AR", "Argentina", "+5491123456789"},
		{"8 912 345-67-89", "RU", "Russia", "+79123456789"},
		{"098765 43210", "IN", "India", "+919876543210"},
		{"090-1234-5678", "JP", "Japan", "+819012345678"},
	} {
		if i%5 == 0 { // the day's five texts
			p.move(25 * time.Hour)
			b.enter("ada", password)
			if i > 0 {
				b.click("Start again")
				b.do("Start again")
			}
			b.click("Configure 2FA")
			b.do("Continue").is(want{page: "setup-phone"})
		}
		p.move(11 * time.Minute)
		b.get("/2fa/setup/phone?other=yes")
		b.do("Send SMS", "phone", row.typed, "country", row.country).is(want{page: "setup-phone-code",
			texts: []string{"We sent a 6-digit code to " + row.typed + " (" + row.name + "). It works for 10 minutes."}})
		p.code(row.to)
	}
	b.get("/2fa/setup/phone?other=yes")
	for _, row := range []struct{ typed, country, words string }{
		{"020 7946 0000", "GB", landline},
		{"070 1234 5678", "GB", wrongKind},
		{"0900 123 4567", "GB", wrongKind},
		{"555-0143", "US", "This number is too short for United States. Check the number and the country."},
	} {
		b.do("Send SMS", "phone", row.typed, "country", row.country).
			marked(want{page: "setup-phone", problem: "#phone " + row.words, kept: []string{"phone", row.typed}})
	}
}
