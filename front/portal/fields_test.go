package portal

import (
	"regexp"
	"strings"
	"testing"
)

var (
	inputs    = regexp.MustCompile(`<input [^>]*>`)
	wholeForm = regexp.MustCompile(`(?s)<form .*?</form>`)
)

// UX-01, UX-02: what a field is for stands in the words that password managers and
// phones read, on every page that has it, and nothing keeps anybody from pasting.
func TestFieldsSayWhatTheyAreFor(t *testing.T) {
	site := sampleSite(t, nil)
	code := []string{`type="text"`, `inputmode="numeric"`, `autocomplete="one-time-code"`}
	found := map[string]int{}
	for _, sample := range Samples(site) {
		page := draw(t, site, sample)
		for _, form := range wholeForm.FindAllString(page, -1) {
			for _, in := range inputs.FindAllString(form, -1) {
				name := regexp.MustCompile(` name="([^"]*)"`).FindStringSubmatch(in)
				if name == nil || strings.Contains(in, `type="hidden"`) {
					continue
				}
				var asked []string
				switch {
				case name[1] == "username":
					asked = []string{`type="text"`, `autocomplete="username"`}
				case name[1] == "password" && strings.Contains(in, "new-password"):
					asked = []string{`type="password"`, `autocomplete="new-password"`}
					if !strings.Contains(form, `autocomplete="username"`) {
						t.Errorf("%s: a new password without the name beside it", sample.Name)
					}
				case name[1] == "password":
					asked = []string{`type="password"`, `autocomplete="current-password"`}
				case name[1] == "phone":
					asked = []string{`type="tel"`, `autocomplete="tel"`}
				case name[1] == "code" && strings.Contains(page, `data-page="setup-code"`):
					asked = []string{`type="text"`}
				case name[1] == "code":
					asked = code
				case name[1] == "mail":
					asked = []string{`autocomplete="email"`}
				}
				// The first page loads no script (decision 0005), so that nothing could show it.
				if name[1] == "password" && strings.Contains(page, "<script") && !strings.Contains(form, `aria-controls="password" data-show="`) {
					t.Errorf("%s: a password that cannot be shown", sample.Name)
				}
				for _, has := range asked {
					if !strings.Contains(in, has) {
						t.Errorf("%s: %s has no %s", sample.Name, in, has)
					}
				}
				found[name[1]]++
				for _, hinders := range []string{"maxlength", "pattern", "onpaste"} {
					if strings.Contains(in, hinders) {
						t.Errorf("%s: %s has %s", sample.Name, in, hinders)
					}
				}
			}
			if n := strings.Count(form, `name="code"`); n > 1 {
				t.Errorf("%s: %d boxes for one code", sample.Name, n)
			}
		}
	}
	for _, name := range []string{"username", "password", "phone", "code", "mail", "recovery"} {
		if found[name] == 0 {
			t.Errorf("no page has a field %s: this test is blind", name)
		}
	}
}
