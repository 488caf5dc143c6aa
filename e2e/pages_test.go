package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// findings are what is wrong with the pages, by what was looked for.
type findings struct {
	sync.Mutex
	of map[string][]string
}

func (f *findings) add(kind, format string, args ...any) {
	f.Lock()
	defer f.Unlock()
	f.of[kind] = append(f.of[kind], fmt.Sprintf(format, args...))
}

var examined struct {
	sync.Once
	findings
}

// examine opens every page of `sallyport pages` once, and looks for everything.
// The tests report what concerns them.
func examine(t *testing.T, kind string) {
	t.Helper()
	examined.Do(func() {
		examined.of = map[string][]string{}
		examined.add("not examined", "the run ended early")
		everyPage(t, &examined.findings)
		delete(examined.of, "not examined")
	})
	for _, one := range append(examined.of[kind], examined.of["not examined"]...) {
		t.Error(one)
	}
}

func everyPage(t *testing.T, found *findings) {
	t.Helper()
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	program := "(() => {" + string(axe) + "\n; return true })()"
	p, names := harness.Pages(t)
	if len(names) < 200 {
		t.Fatalf("there are only %d sample pages: %q", len(names), names)
	}
	next := make(chan string, len(names))
	for _, name := range names {
		next <- name
	}
	close(next)
	const tabs = 2
	var all sync.WaitGroup
	for range tabs {
		b := harness.Open(t, p.URL)
		b.Before(still)
		all.Go(func() {
			for name := range next {
				b.Go("/page/" + name)
				harness.Eval[bool](b, "("+opened+", true)")
				lookAtWords(b, name, found)
				lookWithAxe(b, name, program, found)
				lookAtWidth(b, name, found)
			}
		})
	}
	all.Wait()
}

// still stops what moves by itself: countdowns and clocks.
const still = `window.setInterval = () => 0; performance.now = () => 0;`

// opened opens what is folded.
const opened = `document.querySelectorAll('details').forEach((e) => { e.open = true })`

// axeRun looks for violations of WCAG 2.0 to 2.2, A and AA, and of what axe calls
// best practice.
const axeRun = `axe.run(document, { resultTypes: ['violations'], runOnly: %s })
	.then((r) => r.violations.map((v) => v.id + ': ' + v.help + '\n    ' + v.nodes.map((n) => n.html.slice(0, 200) + '\n      ' + n.failureSummary.replace(/\s+/g, ' ')).join('\n    ')))`

// All rules run at both widths. Dark and light differ in colours alone, so the
// second look of a width asks for the rules about colours.
const (
	allRules    = `['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']`
	colourRules = `{ type: 'rule', values: ['color-contrast', 'link-in-text-block'] }`
)

var fourLooks = []struct {
	harness.Look
	rules string
}{{harness.Wide, allRules}, {harness.WideDark, colourRules}, {harness.SmallDark, allRules}, {harness.Small, colourRules}}

// axe finds nothing on any page in any state, light and dark, wide and small;
// the content policy stays on.
func TestAxeFindsNoViolation(t *testing.T) { examine(t, "axe") }

func lookWithAxe(b *harness.Tab, name, program string, found *findings) {
	if _, err := harness.Evaluate[bool](b, program, time.Minute); err != nil {
		found.add("axe", "%s: axe does not start: %v", name, err)
		return
	}
	for _, look := range fourLooks {
		b.Look(look.Look)
		violations, err := harness.Evaluate[[]string](b, fmt.Sprintf(axeRun, look.rules), time.Minute)
		if err != nil {
			found.add("axe", "%s %+v: %v", name, look, err)
		}
		for _, one := range violations {
			found.add("axe", "%s, %d wide, dark %v: %s", name, look.Width, look.Dark, one)
		}
	}
}

// spacing is the text spacing of WCAG 1.4.12.
const spacing = `(() => { const s = new CSSStyleSheet();
	s.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }');
	document.adoptedStyleSheets = [s]; return true })()`

// wide names what sticks out of the page, or is cut off inside it.
const wideThings = `(() => {
	const w = document.documentElement.clientWidth, out = [];
	if (document.documentElement.scrollWidth > w) out.push('the page is ' + document.documentElement.scrollWidth + ' wide');
	for (const e of document.body.querySelectorAll('*')) {
		if (!e.checkVisibility() || e.closest('.vh, .skip, svg, select')) continue;
		const r = e.getBoundingClientRect();
		if (r.right > w + 1 || r.left < -1) out.push(e.outerHTML.slice(0, 90) + ' reaches from ' + Math.round(r.left) + ' to ' + Math.round(r.right));
		if (e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 0 && getComputedStyle(e).overflowX !== 'visible' && !e.matches('input')) out.push(e.outerHTML.slice(0, 90) + ' cuts its text');
	}
	return out.slice(0, 4);
})()`

// smallTargets names what is too small to be pressed (WCAG 2.5.8), but for links
// within a sentence.
const smallTargets = `[...document.querySelectorAll('button, .button, input:not([type=hidden], [type=checkbox], [type=radio]), select')].filter((e) => e.checkVisibility() && !e.matches('.plain'))
	.filter((e) => e.getBoundingClientRect().height < 47.5).map((e) => e.outerHTML.slice(0, 90) + ' is ' + e.getBoundingClientRect().height + ' high')`

// Nothing scrolls sideways at 320 px, with the text spacing of WCAG and with text
// twice as large; what is pressed is large enough.
func TestNothingScrollsSideways(t *testing.T) { examine(t, "width") }

func lookAtWidth(b *harness.Tab, name string, found *findings) {
	b.Look(harness.Small)
	for _, how := range []struct{ what, do string }{
		{"as it is", "true"}, {"with text spacing", spacing},
		{"with 200 % text", `(document.adoptedStyleSheets = [], document.documentElement.style.setProperty('font-size', '200%'), true)`},
	} {
		harness.Eval[bool](b, how.do)
		for _, one := range harness.Eval[[]string](b, wideThings) {
			found.add("width", "%s %s at 320 px: %s", name, how.what, one)
		}
	}
	harness.Eval[bool](b, `(document.documentElement.removeAttribute('style'), true)`)
	for _, one := range harness.Eval[[]string](b, smallTargets) {
		found.add("width", "%s: %s", name, one)
	}
	b.Look(harness.Wide)
	for _, one := range harness.Eval[[]string](b, wideThings) {
		found.add("width", "%s at 1280 px: %s", name, one)
	}
}

// tokens are the colours of ux.md 13.
type tokens struct{ Bg, Surface, Text, Muted, Accent, OnAccent, Link, Control, Danger, DangerBg, Success, SuccessBg, Warning, WarningBg, Tile string }

var (
	lightTokens = tokens{"#F4F5F2", "#FFFFFF", "#17211F", "#4B5854", "#0B5E57", "#FFFFFF", "#0B5E57", "#66736F", "#B3261E", "#FDF1F0", "#1B6B3A", "#EDF6F0", "#7A4B00", "#FFF5E0", "#EDF0EC"}
	darkTokens  = tokens{"#101513", "#19201E", "#ECF1EE", "#AFBBB6", "#6CC7BA", "#06211D", "#7FD2C6", "#82918C", "#FF9A91", "#32191A", "#7FD3A0", "#14291D", "#F2C069", "#2F2410", "#232C29"}
)

// css reads one computed property, a colour as hex.
func css(b *harness.Tab, selector, property string) string {
	return harness.Eval[string](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (!e) return 'nothing is ' + %[1]q;
		const v = getComputedStyle(e).getPropertyValue(%q), c = v.match(/^rgb\((\d+), (\d+), (\d+)\)$/);
		return c ? '#' + c.slice(1).map((n) => (+n).toString(16).padStart(2, '0')).join('').toUpperCase() : v })()`, selector, property))
}

// Colours, type, widths and spacing are those of ux.md 13, as the browser
// computes them.
func TestTokensAreThoseOfTheVisualDirection(t *testing.T) {
	t.Parallel()
	p, _ := harness.Pages(t)
	b := harness.Open(t, p.URL)
	b.Before(still)
	for look, want := range map[harness.Look]tokens{harness.Wide: lightTokens, harness.WideDark: darkTokens} {
		b.Look(look)
		rows := map[string][][3]string{
			"setup-phone-code-wrong": {
				{"body", "background-color", want.Bg}, {"main", "background-color", want.Surface}, {"body", "color", want.Text},
				{".step", "color", want.Muted}, {"main form button", "background-color", want.Accent}, {"main form button", "color", want.OnAccent},
				{".error-summary", "background-color", want.DangerBg}, {".error-summary", "border-top-color", want.Danger}, {"#code-err", "color", want.Danger},
				{"#code", "border-top-color", want.Danger}, {".quiet", "border-top-color", want.Control}, {"a.link", "color", want.Link},
				{"a.link", "text-decoration-line", "underline"}, {"body", "font-size", "18px"}, {"body", "line-height", "27px"},
				{"h1", "font-size", "28px"}, {"h1", "font-weight", "700"}, {"h1", "line-height", "33.6px"}, {"main h2#again", "font-size", "20px"},
				{"#code", "font-size", "28px"}, {"#code", "letter-spacing", "5.04px"}, {"#code", "border-top-width", "2px"},
				{"main form button", "min-height", "48px"}, {"main form button", "border-top-left-radius", "6px"}, {".step", "font-size", "15px"},
			},
			"setup-phone":               {{"#phone", "border-top-color", want.Control}, {"#phone", "min-height", "48px"}, {"#phone-hint", "color", want.Muted}, {"#phone-hint", "font-size", "15px"}},
			"setup-finish":              {{".done", "background-color", want.SuccessBg}, {".done", "border-top-color", want.Success}},
			"app-code-wrong":            {{"#code", "margin-top", "8px"}},
			"two-factor-prompt-no-code": {{".warning", "background-color", want.WarningBg}, {".warning", "border-top-color", want.Warning}},
			"setup-scan":                {{".tile", "background-color", want.Tile}, {"#qr", "background-color", "#FFFFFF"}, {"#qr", "width", "240px"}, {"#qr", "height", "240px"}},
		}
		for name, checks := range rows {
			b.Go("/page/" + name)
			for _, c := range checks {
				if got := css(b, c[0], c[1]); got != c[2] {
					t.Errorf("%s, dark %v: %s of %s is %s, want %s", name, look.Dark, c[1], c[0], got, c[2])
				}
			}
		}
		b.Go("/page/setup-phone-code-wrong")
		b.Keys("\t\t\t\t")
		if c, w, o := css(b, ":focus-visible", "outline-color"), css(b, ":focus-visible", "outline-width"), css(b, ":focus-visible", "outline-offset"); c != want.Text || w != "3px" || o != "2px" {
			t.Errorf("dark %v: the focus is %s %s at %s, want %s 3px at 2px", look.Dark, w, c, o, want.Text)
		}
	}
	measures(t, b)
}

// measures are the widths and gaps that a person sees.
func measures(t *testing.T, b *harness.Tab) {
	t.Helper()
	b.Look(harness.Wide)
	b.Go("/page/setup-phone-code")
	at := harness.Eval[map[string]float64](b, `(() => { const r = (s) => document.querySelector(s).getBoundingClientRect();
		return { column: r('main form').width, 'label to field': r('#code').top - r('label[for=code]').bottom, 'field to button': r('main form button').top - r('#code').bottom,
			'code field': r('#code').width / parseFloat(getComputedStyle(document.querySelector('#code')).fontSize) } })()`)
	for name, want := range map[string][2]float64{"column": {479, 481}, "label to field": {7, 9}, "field to button": {23, 25}, "code field": {8, 9.5}} {
		if got := at[name]; got < want[0] || got > want[1] {
			t.Errorf("%s is %.1f, want %v", name, got, want)
		}
	}
	b.Go("/page/security")
	if line := harness.Eval[float64](b, `Math.max(...[...document.querySelectorAll('main p')].map((e) => e.getBoundingClientRect().width / parseFloat(getComputedStyle(e).fontSize)))`); line > 40 {
		t.Errorf("a line is %.1f em long: more than 66 letters", line)
	}
	b.Look(harness.Small)
	b.Go("/page/setup-phone-code")
	small := harness.Eval[map[string]float64](b, `(() => { const m = document.querySelector('main'), f = document.querySelector('main form button').getBoundingClientRect();
		return { margin: f.left, button: f.width, border: parseFloat(getComputedStyle(m).borderTopWidth), text: parseFloat(getComputedStyle(document.body).fontSize) } })()`)
	if small["margin"] != 16 || small["button"] != 288 || small["border"] != 0 || small["text"] != 17 {
		t.Errorf("at 320 px: %v; want a margin of 16, a full-width button, no card, text of 17", small)
	}
}

// Words on the pages: none of those that ux.md 2 rules out; one h1, one title,
// one primary button.
func TestPagesSpeakPlainly(t *testing.T) { examine(t, "words") }

func lookAtWords(b *harness.Tab, name string, found *findings) {
	text := strings.ToLower(harness.Eval[string](b, `document.body.innerText`))
	for _, word := range []string{"please", "sorry", "oops", "invalid", "forbidden", "otp", "token", "verification code", "can't", "don't", "zgotmplz", "<no value>", "{portal}", "{help}", "{app-name}", "{host}"} {
		if containsWord(text, word) {
			found.add("words", "%s says %q", name, word)
		}
	}
	at := harness.Eval[struct {
		H1, Primary, Inline  int
		Title, Heading, Page string
		Errors               bool
	}](b, `{ H1: document.querySelectorAll('h1').length, Title: document.title, Heading: document.querySelector('h1')?.textContent.trim() ?? '', Page: document.querySelector('main').dataset.page,
		Primary: [...document.querySelectorAll('main button, main .button')].filter((e) => e.checkVisibility() && !e.matches('.quiet, .plain, .danger')).length,
		Inline: document.querySelectorAll('[style], style, script:not([src])').length, Errors: !!document.querySelector('.error-summary') }`)
	if at.H1 != 1 || at.Page == "" || at.Inline != 0 {
		found.add("words", "%s: %d h1, name %q, %d inline styles or scripts", name, at.H1, at.Page, at.Inline)
	}
	// On the phone itself the link that opens the app is as much the task as
	// Continue is.
	if at.Primary > 1 && name != "setup-scan-phone" {
		found.add("words", "%s has %d primary buttons", name, at.Primary)
	}
	if strings.HasPrefix(at.Title, "Error: ") != at.Errors || !strings.Contains(at.Title, at.Heading) || !strings.HasSuffix(at.Title, " – Sallyport") {
		found.add("words", "%s: the title is %q, the heading %q", name, at.Title, at.Heading)
	}
}

func containsWord(text, word string) bool {
	for rest := text; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		letter := func(i int) bool { return i >= 0 && i < len(rest) && rest[i] >= 'a' && rest[i] <= 'z' }
		if !letter(i-1) && !letter(end) {
			return true
		}
		rest = rest[end:]
	}
}
