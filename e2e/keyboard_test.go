package e2e

import (
	"testing"
	"time"

	"sallyport/e2e/harness"
)

// tabTo presses Tab until the thing with this name has the focus, and looks that
// the focus can be seen wherever it stops.
func tabTo(t *testing.T, b *harness.Tab, name string) {
	t.Helper()
	const most = 40
	for range most {
		b.Keys("\t")
		at := harness.Eval[struct {
			Names      []string
			Seen, Body bool
			Style      string
		}](b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			const flat = (x) => (x ?? '').replace(/\s+/g, ' ').trim();
			return { Names: [e.id, flat(e.getAttribute('aria-label')), flat(e.textContent), ...[...e.labels ?? []].map((l) => flat(l.textContent))].filter(Boolean),
				Body: e === document.body, Style: s.outlineStyle + ' ' + s.outlineWidth,
				Seen: s.outlineStyle === 'solid' && s.outlineWidth === '3px' && r.width > 0 && r.top >= -4 && r.bottom <= innerHeight + 4 }
		})()`)
		if at.Body {
			continue // the edge of the page
		}
		if !at.Seen {
			t.Errorf("on %s the focus on %q cannot be seen: %s", b.Page(), at.Names, at.Style)
		}
		for _, one := range at.Names {
			if one == name {
				return
			}
		}
	}
	t.Fatalf("Tab does not reach %s on %s", name, b.Page())
}

// The keyboard alone: Tab, Enter, Space and what is typed.
func TestTheKeyboardAloneSuffices(t *testing.T) {
	p := harness.StartAhead(t)
	b := harness.Open(t, p.URL)
	b.Go("/sign-in")
	fieldHasFocus(t, b, "username")
	b.Keys(harness.Ada)
	tabTo(t, b, "password")
	b.Keys("wrong")
	b.Enter()
	summaryHasFocus(t, b, "The username or password is not correct. Check both and try again.")
	tabTo(t, b, "The username or password is not correct. Check both and try again.")
	b.EnterKey()
	b.Wait("the focus on the field", `document.activeElement.id === 'username'`)
	tabTo(t, b, "password")
	b.Keys(harness.Password)
	b.Enter()

	b.At("two-factor-prompt")
	tabTo(t, b, "I do not have a smartphone")
	b.Keys(" ")
	b.Says("You can use an authenticator app on a tablet or computer")
	b.Reload()
	tabTo(t, b, "Skip to main content")
	b.EnterKey()
	tabTo(t, b, "Configure 2FA")
	b.Enter()
	tabTo(t, b, "Continue")
	b.Enter()
	b.At("setup-phone")
	tabTo(t, b, "phone")
	b.Enter()
	summaryHasFocus(t, b, "Enter your mobile number")
	tabTo(t, b, "country")
	b.Keys("united s")
	tabTo(t, b, "phone")
	b.Keys(harness.Number)
	tabTo(t, b, "Send SMS")
	b.Enter()
	b.At("setup-phone-code")
	fieldHasFocus(t, b, "code")
	b.Keys("12345")
	b.Enter()
	summaryHasFocus(t, b, "The code has 6 digits. You entered 5.")
	tabTo(t, b, "code")
	b.Keys(p.Code(1))
	tabTo(t, b, "Verify")
	b.Enter()
	b.At("setup-scan")
	app := harness.Scan(t, b.Screenshot())
	tabTo(t, b, "Continue")
	b.Enter()
	b.At("setup-app-code")
	fieldHasFocus(t, b, "code")
	b.Keys("000000")
	b.Enter()
	summaryHasFocus(t, b, "That code is not correct. Codes change every 30 seconds. Enter the one showing now.")
	tabTo(t, b, "code")
	b.Keys(app.Code(p.Now()))
	b.Enter()
	b.At("setup-finish")
	tabTo(t, b, "Finish")
	b.Enter()
	summaryHasFocus(t, b, "Tick the box to show that you have saved your recovery codes")
	tabTo(t, b, "saved")
	b.Keys(" ")
	tabTo(t, b, "Finish")
	b.Enter()
	b.At("security")

	tabTo(t, b, "Sign out")
	b.EnterKey()
	b.Wait("the page after signing out", `document.querySelector('main')?.dataset.page === 'signed-out'`)
	p.Ahead(time.Minute)
	b.Go("/sign-in")
	b.Wait("the focus on the username", `document.activeElement.id === 'username'`)
	b.Keys(harness.Ada + "\t" + harness.Password)
	b.Enter()
	b.At("app-code")
	fieldHasFocus(t, b, "code")
	b.Keys(app.Code(p.Now()))
	b.Enter()
	b.At("security")
}

// summaryHasFocus fails unless the page is in error as ux.md 3.1 wants it.
func summaryHasFocus(t *testing.T, b *harness.Tab, words string) {
	t.Helper()
	b.Says("There is a problem")
	b.Wait("the focus on the summary", `document.activeElement !== document.body`)
	if got := b.Focus(); got != "error-summary" {
		t.Errorf("after an error on %s the focus is on %q", b.Page(), got)
	}
	at := harness.Eval[struct{ Title, Summary, Field string }](b, `(() => { const link = document.querySelector('.error-summary a');
		return { Title: document.title, Summary: link?.textContent ?? '', Field: document.getElementById(link?.hash.slice(1) + '-err')?.innerText ?? 'Error: ' + link?.textContent } })()`)
	if at.Title[:7] != "Error: " || at.Summary != words || at.Field != "Error: "+words && at.Field != "Error:\n"+words {
		t.Errorf("%s: title %q, summary %q, field %q; want %q", b.Page(), at.Title, at.Summary, at.Field, words)
	}
}

func fieldHasFocus(t *testing.T, b *harness.Tab, id string) {
	t.Helper()
	b.Wait("the focus on "+id, `document.activeElement.id === '`+id+`'`)
}
