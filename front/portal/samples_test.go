package portal

import (
	"bytes"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sallyport/core/words"
	"sallyport/front/web"
)

func sampleSite(t *testing.T, change func(*web.SiteOptions)) *web.Site {
	t.Helper()
	o := web.SiteOptions{
		Name: "Sallyport", Host: "id.example.org", BaseURL: "https://id.example.org", HTTPS: true, StoreLinks: true,
		Help:       web.Help{Text: "it@example.org", URL: "mailto:it@example.org"},
		Privacy:    "https://example.org/privacy",
		SignInNote: "Use the name and password of your work account.",
	}
	if change != nil {
		change(&o)
	}
	site, _, err := web.NewSite(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := ParsePages(site); err != nil {
		t.Fatal(err)
	}
	return site
}

func draw(t *testing.T, site *web.Site, sample Sample) string {
	t.Helper()
	var b bytes.Buffer
	if err := site.Render(&b, sample.View); err != nil {
		t.Fatalf("%s: %v", sample.Name, err)
	}
	return b.String()
}

var (
	unknownWord = regexp.MustCompile(`![a-z0-9.-]+!`)
	gap         = regexp.MustCompile(`\{[A-Za-z-]+\}`)
	scriptWords = regexp.MustCompile(` data-(tick|tick-one|step-left|minutes?|seconds?|hours?)="[^"]*"`)
	ids         = regexp.MustCompile(` id="([^"]*)"`)
	pointers    = regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby|aria-controls|data-say|data-tell|href)="(#?[^"]*)"`)
	form        = regexp.MustCompile(`(?s)<form method="post".*?</form>`)
)

func TestEverySampleIsAWholePage(t *testing.T) {
	for name, change := range map[string]func(*web.SiteOptions){
		"usual": nil,
		"other": func(o *web.SiteOptions) { o.StoreLinks, o.LogoLight, o.Accent = false, "/brand/logo.svg", "#FFE000" },
	} {
		site := sampleSite(t, change)
		seen := map[string]bool{}
		for _, sample := range Samples(site) {
			page := draw(t, site, sample)
			if seen[sample.Name] {
				t.Errorf("%s: two samples have this name", sample.Name)
			}
			seen[sample.Name] = true
			if found := unknownWord.FindString(page); found != "" {
				t.Errorf("%s %s: unknown word %s", name, sample.Name, found)
			}
			if found := gap.FindString(scriptWords.ReplaceAllString(page, "")); found != "" {
				t.Errorf("%s %s: gap %s is not filled", name, sample.Name, found)
			}
			for _, bad := range []string{" style=", "ZgotmplZ", "<script>", "onclick", "<no value>", " required>", " maxlength", " placeholder"} {
				if strings.Contains(page, bad) {
					t.Errorf("%s %s: the page has %q", name, sample.Name, bad)
				}
			}
			if n := strings.Count(page, "<h1>"); n != 1 {
				t.Errorf("%s %s: %d headings of the first level", name, sample.Name, n)
			}
			checkIDs(t, sample.Name, page)
			for _, one := range form.FindAllString(page, -1) {
				if strings.Count(one, `name="token"`) != 1 {
					t.Errorf("%s: a form without a token: %s", sample.Name, one)
				}
			}
		}
	}
}

// checkIDs says whether everything that points into the page finds its target.
func checkIDs(t *testing.T, name, page string) {
	t.Helper()
	have := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(page, -1) {
		if have[m[1]] {
			t.Errorf("%s: the id %q stands twice", name, m[1])
		}
		have[m[1]] = true
	}
	for _, m := range pointers.FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[0], "href=") {
			if id, ok := strings.CutPrefix(m[1], "#"); ok && !have[id] {
				t.Errorf("%s: the link to #%s leads nowhere", name, id)
			}
			continue
		}
		for _, id := range strings.Fields(m[1]) {
			if !have[id] {
				t.Errorf("%s:%s finds nothing", name, m[0])
			}
		}
	}
}

func TestProblemsStandInTitleSummaryAndField(t *testing.T) {
	site := sampleSite(t, nil)
	for _, sample := range Samples(site) {
		page, problems := draw(t, site, sample), sample.View.Base().Problems
		if strings.Contains(page, "<title>Error: ") != (len(problems) > 0) {
			t.Errorf("%s: the title and the problems differ", sample.Name)
		}
		for _, p := range problems {
			if p.Field == "" {
				continue
			}
			if !strings.Contains(page, `<a href="#`+p.Field+`">`) || !strings.Contains(page, `id="`+p.Field+`-err"`) {
				t.Errorf("%s: the problem of %s stands in one place only", sample.Name, p.Field)
			}
		}
		if len(problems) > 0 && strings.Count(page, " autofocus") != 1 {
			t.Errorf("%s: the summary shares the focus", sample.Name)
		}
	}
}

func TestStepsHaveTheGuidesNumbers(t *testing.T) {
	site := sampleSite(t, nil)
	want := map[string]string{
		"setup-app":            `data-page="setup-app" data-step="1">|Steps 1 and 2 of 6`,
		"setup-phone":          `data-page="setup-phone" data-step="3">|Step 3 of 6`,
		"setup-phone-code":     `data-page="setup-phone-code" data-step="4">|Step 4 of 6`,
		"setup-scan":           `data-page="setup-scan" data-step="5">|Step 5 of 6`,
		"setup-app-code":       `data-page="setup-app-code" data-step="6">|Step 6 of 6`,
		"setup-app-short":      `data-step="1">|Steps 1 and 2 of 4`,
		"setup-scan-short":     `data-step="5">|Step 3 of 4`,
		"setup-app-code-short": `data-step="6">|Step 4 of 4`,
		"setup-finish":         `data-page="setup-finish" data-step="7">`,
		"setup-phone-account":  `data-step="0">|Change your mobile number`,
		"setup-phone-still":    `data-step="0">|Is the number ending <bdi dir="ltr">143</bdi> still yours?`,
		"app-code":             `data-page="app-code" data-step="0">`,
	}
	for _, sample := range Samples(site) {
		for part := range strings.SplitSeq(want[sample.Name], "|") {
			if !strings.Contains(draw(t, site, sample), part) {
				t.Errorf("%s has not %q", sample.Name, part)
			}
		}
		delete(want, sample.Name)
	}
	if len(want) > 0 {
		t.Errorf("no samples for %v", want)
	}
}

func TestSetupScanKeepsItsLinkAndItsPicture(t *testing.T) {
	site := sampleSite(t, nil)
	for _, sample := range Samples(site) {
		if sample.View.Template() != "setup-scan" {
			continue
		}
		page := draw(t, site, sample)
		for _, part := range []string{
			`href="` + html.EscapeString(SampleLink) + `"`,
			`width="240" height="240" alt="QR code for your authenticator app. If you cannot scan it, use the setup key on this page."`,
			`<code id="setup-key">` + sampleKey + `</code>`,
		} {
			if !strings.Contains(page, part) {
				t.Errorf("%s has not %s", sample.Name, part)
			}
		}
	}
}

func TestSignInLoadsThreeThings(t *testing.T) {
	site := sampleSite(t, nil)
	page := draw(t, site, Samples(site)[0])
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") {
		t.Error("the first sight of the sign-in page loads more than its stylesheet and the icon")
	}
	if strings.Contains(page, "<button type=\"button\"") {
		t.Error("the sign-in page has a button that needs the script")
	}
}

func TestEveryWordOfAPageIsUsed(t *testing.T) {
	catalogue, err := os.ReadFile(filepath.Join("..", "..", "core", "words", "en", "pages.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, pattern := range []string{"*.go", "pages/*.html", "../web/*.go", "../web/layout.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	site := sampleSite(t, nil)
	var shown strings.Builder
	for _, sample := range Samples(site) {
		shown.WriteString(draw(t, site, sample))
	}
	for line := range strings.Lines(string(catalogue)) {
		key, _, ok := strings.Cut(line, ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.Contains(source.String(), `"`+key+`"`) || strings.Contains(source.String(), `"`+strings.TrimSuffix(key, ".one")+`"`) {
			continue
		}
		// Some keys are put together; then their words stand on a sample.
		pattern, _ := words.Pattern(key)
		longest := ""
		for part := range strings.SplitSeq(gap.ReplaceAllString(html.EscapeString(pattern), "\x00"), "\x00") {
			if len(part) > len(longest) {
				longest = part
			}
		}
		if !strings.Contains(shown.String(), strings.ReplaceAll(longest, "&#39;", "'")) {
			t.Errorf("nothing uses %s", key)
		}
	}
}

func TestPagesStaySmall(t *testing.T) {
	site := sampleSite(t, nil)
	for _, sample := range Samples(site) {
		size := len(draw(t, site, sample))
		if size > 16<<10 {
			t.Errorf("%s has %d bytes", sample.Name, size)
		}
		if sample.Name == sample.View.Template() {
			t.Logf("%s: %d bytes", sample.Name, size)
		}
	}
}
