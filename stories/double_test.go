package stories_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// again presses one button of one page n times, each time as the browser was
// before: as a finger that slips does, and a browser that tries again. It goes on
// with the answer to the first.
func (b *browser) again(n int, atOnce bool, label string, fields ...string) []*page {
	b.t.Helper()
	all := []*browser{b}
	for range n - 1 {
		all = append(all, b.twin())
	}
	if _, ok := b.page.button(label); !ok {
		b.t.Fatalf("no button %q on %s: %s", label, b.page.url, b.page.brief())
	}
	answers := make([]*page, n)
	var wg sync.WaitGroup
	for i, one := range all {
		wg.Go(func() { answers[i] = one.press(label, fields...) })
		if !atOnce {
			wg.Wait()
		}
	}
	wg.Wait()
	return answers
}

// alike checks that all answers are the first one, cookies included.
func alike(t *testing.T, what string, answers []*page) *page {
	t.Helper()
	first := answers[0]
	for i, a := range answers {
		if a.status != 303 || a.to() != first.to() || !slices.Equal(a.header.Values("Set-Cookie"), first.header.Values("Set-Cookie")) {
			t.Errorf("%s, answer %d: %d to %q, cookies %q\nthe first: %d to %q, cookies %q\n%s", what, i,
				a.status, a.to(), a.header.Values("Set-Cookie"), first.status, first.to(), first.header.Values("Set-Cookie"), a.brief())
		}
	}
	return first
}

var bothWays = map[bool]string{false: "one after the other", true: "at once"}

func TestConfirmTwice(t *testing.T) {
	t.Parallel()
	p := open(t)
	b := p.enrol("ada")
	spare := slices.Clone(b.codes)
	for _, row := range []struct {
		name, change, to, field string
		code                    func() string
	}{
		{"by the app", "/account/phone", "/account/phone", "code", func() string { return b.app.code() }},
		{"by a recovery code", "/account/phone", "/account/phone", "recovery", func() string { spare = spare[1:]; return spare[0] }},
		{"by the password alone", "/account/browsers/sign-out", "/account/security", "", func() string { return "" }},
	} {
		for atOnce, how := range bothWays {
			b.stale()
			b.get("/confirm?to=" + row.change).is(want{page: "confirm"})
			if row.field == "recovery" {
				b.click("Use a recovery code instead")
			}
			before := b.cookies["session"]
			alike(t, row.name+", "+how, b.again(5, atOnce, "Continue", "password", password, row.field, row.code())).leads(row.to)
			if b.cookies["session"] == before {
				t.Errorf("%s, %s: the session kept its name", row.name, how)
			}
			if b.get(row.to); b.page.name() == "confirm" || b.page.name() == "signed-out" {
				t.Errorf("%s, %s: not confirmed but on %s", row.name, how, b.page.name())
			}
		}
	}
	b.get("/account/security").is(want{page: "security", texts: []string{"8 of 10 left"}})
	if n := strings.Count(b.get("/account/activity").text(), "Recovery code used, Firefox"); n != 2 {
		t.Errorf("%d recovery codes were used, of 2: %s", n, b.page.text())
	}
}

func TestInvitationTwice(t *testing.T) {
	t.Parallel()
	p := open(t)
	for name, atOnce := range map[string]bool{"ada": false, "grace": true} {
		link := p.invitation("person", "add", name)
		b, late := p.browser(), p.browser()
		b.get(link).is(want{page: "invitation"})
		late.get(link).is(want{page: "invitation"})
		alike(t, name+", "+bothWays[atOnce], b.again(5, atOnce, "Save password", "password", password)).leads("/2fa/start")
		b.get("/2fa/start").is(want{page: "two-factor-prompt"})
		// Another form is not the same form, whatever is entered.
		late.do("Save password", "password", password).is(want{status: 410, page: "error", texts: []string{"This invitation has been used."}})
		p.browser().enter(name, password).is(want{page: "two-factor-prompt"})
	}
}
