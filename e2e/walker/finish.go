package walker

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// finisher is an honest person who wants to sign in, in a new browser, with what an
// owner holds: the password, the apps that they scanned, the phone. Where none of
// these can help by the rules, an operator does.
type finisher struct {
	*World
	p   *Person
	b   *Browser
	tab *Tab

	help    []string // what an operator had to do
	apps    int      // app codes that were refused
	waited  time.Duration
	numbers int
}

// finish signs an owner in, from wherever the walk has led. It is a breach when
// that cannot be done, or takes an operator though the owner holds enough.
func (w *World) finish(p *Person) *Breach {
	if p == nil {
		return nil
	}
	w.helped++
	b := w.browser(p.Name, 100+w.helped)
	w.names = w.names[:len(w.names)-1] // no step of the walk is done in it
	defer delete(w.Browsers, b.Name)
	f := &finisher{World: w, p: p, b: b, tab: b.Tabs[0]}
	enough := f.enough()
	first := "/sign-in"
	if f.helped%2 == 0 { // the app sends them
		first = Sites[0].Origin + Sites[0].URI
	}
	found := w.get(b, f.tab, first)
	for range 90 {
		if found != nil {
			return found
		}
		if f.tab.page().Name() == "app" {
			found = f.go_("/account/security")
			continue
		}
		if f.tab.page().Name() == "security" {
			if found = w.looked([]string{b.Name}); found == nil && Level(f.tab.page().Body) < 2 {
				found = breach("an owner at level one", "%s", p.Name)
			}
			if found == nil && enough != "" && len(f.help) > 0 {
				found = breach("a dead end", "%s had %s, and an operator had to %s", p.Name, enough, strings.Join(f.help, ", "))
			}
			if found == nil {
				found = f.arrives()
			}
			return found
		}
		found = f.onward()
	}
	return breach("a dead end", "%s is at %s: %s", p.Name, f.tab.page().Name(), brief(f.tab.page().Body))
}

// enough says what the owner holds that must do, by the rules.
func (f *finisher) enough() string {
	p := f.p
	switch {
	case p.Held, p.Disabled, p.SetupDue, p.Password == "", !f.owns(p.PasswordBy):
		return ""
	}
	for _, a := range p.Apps {
		if !a.Ended && f.owns(a.By) {
			return "the password and an app"
		}
	}
	if p.Number != "" && f.owns(p.NumberBy) {
		return "the password and the phone"
	}
	if !p.Enrolled && f.Model.Policy.Enrol == "" {
		return "the password, and never had a factor"
	}
	return ""
}

func brief(body string) string {
	_, main, _ := strings.Cut(body, "<main")
	text := plain("<main" + main)
	return text[:min(len(text), 300)]
}

func (f *finisher) press(button string, with map[string]string) *Breach {
	form, ok := f.tab.page().Form(button)
	if !ok {
		return breach("a dead end", "%s finds no %q on %s: %s", f.p.Name, button, f.tab.page().Name(), brief(f.tab.page().Body))
	}
	return f.sendForm(f.b, f.tab, form, Do{With: with})
}

func (f *finisher) go_(to string) *Breach { return f.get(f.b, f.tab, to) }

func (f *finisher) operator(what string) {
	f.help = append(f.help, what)
	f.operate(what, f.p)
}

// wait waits as long as a page says.
func (f *finisher) wait(least time.Duration) {
	seconds, _ := strconv.Atoi(f.tab.page().Retry)
	by := max(time.Duration(seconds+2)*time.Second, least)
	f.waited += by
	f.Portal.Move(by)
}

// onward does what the page asks of an honest person.
func (f *finisher) onward() *Breach {
	page, p := f.tab.page(), f.p
	if page.Status == 429 && page.Name() != "wait" {
		f.wait(time.Minute)
		return f.go_(page.Path)
	}
	switch page.Name() {
	case "sign-in", "busy":
		return f.signIn(page)
	case "signed-out", "recovery-wait":
		return f.recovers(page)
	case "signed-in", "setup-finish":
		if page.Name() == "signed-in" {
			return f.levelOne()
		}
		return f.press("Finish", map[string]string{"saved": "yes"})
	case "app-code":
		return f.appCode()
	case "other-way":
		return f.other(page)
	case "text-code":
		return f.text(page, p.Number)
	case "replace":
		return f.press("Continue", map[string]string{"still": "no"})
	case "setup-code":
		if p.SetupCode == "" || f.Portal.Now().After(p.SetupTill) {
			f.operator("reset keep")
		}
		if _, ok := page.Form("Continue"); !ok {
			return f.go_("/2fa/setup-code")
		}
		return f.press("Continue", map[string]string{"code": "setup:" + p.Name})
	case "two-factor-prompt":
		return f.prompt(page)
	case "setup-app", "setup-scan":
		return f.press("Continue", nil)
	case "setup-phone":
		return f.phone(page)
	case "setup-phone-code":
		a := f.Model.Attempts[f.b.Cookies["attempt"]]
		if a == nil {
			return f.go_("/sign-in")
		}
		return f.text(page, f.Model.setup(f.Model.setupName(&Exchange{Sent: f.b.Cookies}, a), p).Number)
	case "setup-app-code":
		if strings.Contains(page.Body, "id=\"code-err\"") {
			f.Portal.Move(31 * time.Second)
		}
		return f.press("Verify", map[string]string{"code": "key:" + p.Name})
	case "password", "invitation":
		return f.press("Save password", map[string]string{"password": "new:" + p.Name})
	case "wait":
		return f.waits(page)
	case "held":
		f.operator("release")
		if link := f.newest("invitation", p, false); p.Password == "" && link != "" {
			return f.go_(link)
		}
		return f.go_("/sign-in")
	case "error":
		if strings.Contains(page.Body, "turned off") {
			f.operator("enable")
		}
		return f.go_("/sign-in")
	}
	return breach("a dead end", "%s is at %q (%d), %s: %s", p.Name, page.Name(), page.Status, page.Path, brief(page.Body))
}

func (f *finisher) signIn(page *Page) *Breach {
	p := f.p
	wrong := strings.Contains(page.Body, "The username or password is not correct")
	if p.Held && (p.Password == "" || wrong) { // a dispute in the history may have voided it
		f.operator("release")
	}
	if p.Password == "" || wrong {
		if p.Disabled { // nobody who is turned off is invited
			f.operator("enable")
		}
		f.operator("invite")
		link := f.newest("invitation", p, false)
		if link == "" {
			return breach("a dead end", "%s gets no invitation", p.Name)
		}
		return f.go_(link)
	}
	return f.press("Sign in", map[string]string{"username": p.Name, "password": "password:" + p.Name})
}

func (f *finisher) recovers(page *Page) *Breach {
	if page.Name() == "signed-out" {
		return f.go_("/sign-in")
	}
	if _, ok := page.Form("Send SMS"); ok {
		return f.press("Send SMS", nil)
	}
	if strings.Contains(page.Body, "You can set up a new app from") {
		f.Portal.Move(delay + time.Minute)
	}
	return f.go_("/sign-in")
}

// levelOne is after "Not now", or with 2FA turned off: to set up, the password again.
func (f *finisher) levelOne() *Breach { return f.go_("/sign-in?set-up=1") }

func (f *finisher) appCode() *Breach {
	f.apps++
	code := f.value(f.b, "app:"+f.p.Name)
	if f.apps > 3 || code == "000000" {
		return f.go_("/2fa/other")
	}
	if app, _ := f.p.AppCode(code, f.Portal.Now(), f.Portal.Now()); app == nil {
		f.Portal.Move(61 * time.Second) // this step and the next are spent
	}
	return f.press("Verify", map[string]string{"code": "app:" + f.p.Name})
}

// other is the page of other ways: the text message if the owner has the phone,
// after whatever has to pass first.
func (f *finisher) other(page *Page) *Breach {
	p := f.p
	mine := p.Number != "" && f.owns(p.NumberBy)
	switch {
	case mine && page.Link("Show the request") != "":
		return f.go_(page.Link("Show the request"))
	case mine && strings.Contains(page.Body, "You can use it from"):
		f.Portal.Move(hold + time.Minute)
		return f.go_("/sign-in")
	}
	if _, ok := page.Form("Send SMS"); ok && mine {
		return f.press("Send SMS", nil)
	}
	for _, c := range p.Recovery {
		if mayType := f.owns(byOf(f.Model, c)); !c.Spent && !c.Dead && mayType && page.Link("Enter a recovery code") != "" {
			if found := f.go_("/2fa/recovery-code"); found != nil || f.tab.page().Name() != "recovery-code" {
				return found
			}
			return f.press("Verify", map[string]string{"recovery": "is:" + c.Code})
		}
	}
	f.operator("reset")
	return f.go_("/sign-in")
}

func byOf(m *Model, c *RecoveryCode) string {
	if s := m.Sessions[c.Session]; s != nil {
		return s.By
	}
	return ""
}

func (f *finisher) text(page *Page, number string) *Breach {
	whom := f.b.Cookies["attempt"]
	for i := len(f.texts) - 1; i >= 0; i-- {
		t := f.texts[i]
		c := f.Model.Codes[t.To+" "+t.Text]
		if t.To == number && c.For[whom] && f.Portal.Now().Before(c.At.Add(textLife)) && !strings.Contains(page.Body, `id="code-err"`) {
			return f.press("Verify", map[string]string{"code": "is:" + t.Text})
		}
	}
	f.numbers++
	f.Portal.Move(time.Duration(f.numbers) * 3 * time.Minute)
	return f.press("Send SMS again", nil)
}

func (f *finisher) prompt(page *Page) *Breach {
	for _, words := range []string{"Carry on", "Configure 2FA"} {
		if to := page.Link(words); to != "" {
			return f.go_(to)
		}
	}
	f.operator("invite")
	return f.go_(f.newest("invitation", f.p, false))
}

func (f *finisher) phone(page *Page) *Breach {
	if form, ok := page.Form("Yes, use this number"); ok && f.owns(f.p.NumberBy) {
		return f.sendForm(f.b, f.tab, form, Do{})
	}
	if form, ok := page.Form("Continue"); ok && form.Fields.Get("checked") != "" {
		return f.sendForm(f.b, f.tab, form, Do{})
	}
	if strings.Contains(page.Body, `id="phone-err"`) {
		f.wait(61 * time.Minute)
	}
	if _, ok := page.Form("Send SMS"); !ok {
		return f.go_("/2fa/setup/phone?other=yes")
	}
	return f.press("Send SMS", map[string]string{"country": "is:US", "phone": "number:" + f.p.Name})
}

func (f *finisher) waits(page *Page) *Breach {
	if page.Status == 403 { // the lane of other browsers is closed
		f.help = nil
		f.operate("invite", f.p)
		return f.go_(f.newest("invitation", f.p, false))
	}
	f.wait(time.Minute)
	if strings.HasPrefix(page.Path, "/2fa/") || page.Path == "/2fa" {
		if a := f.Model.Attempts[f.b.Cookies["attempt"]]; a != nil && f.Model.Under(a, f.Portal.Now()) {
			return f.go_("/2fa")
		}
	}
	return f.go_("/sign-in")
}

// burn is whoever knows the password and guesses app codes until the app ends: a
// hundred misses in a row end it, and the next password leads to recovery.
func (w *World) burn(p *Person, restarts bool) *Breach {
	if p == nil || !p.Working() || p.Password == "" {
		return nil
	}
	w.helped++
	b := w.browser("password", 100+w.helped)
	w.names = w.names[:len(w.names)-1]
	defer delete(w.Browsers, b.Name)
	f := &finisher{World: w, p: p, b: b, tab: b.Tabs[0]}
	misses := 0
	defer func() { w.misses = misses }()
	for range 300 {
		page := f.tab.page()
		var found *Breach
		switch page.Name() {
		case "app-code":
			if misses > 100 {
				return breach("an app that never ends", "of %s, after %d misses", p.Name, misses)
			}
			form, _ := page.Form("Verify")
			found = f.sendForm(b, f.tab, form, Do{With: map[string]string{"code": "wrong:" + w.wrong(p, misses)}})
			misses++
		case "wait":
			if page.Status == 403 {
				return nil
			}
			f.wait(0)
			if restarts {
				w.restart([]string{"kill", "term"}[misses/10%2])
			}
			found = f.go_("/2fa")
		case "sign-in", "busy":
			if strings.Contains(page.Body, "not correct") {
				return nil
			}
			found = f.press("Sign in", map[string]string{"username": p.Name, "password": "password:" + p.Name})
		case "other-way":
			if misses > 0 {
				p.endApps()
				return w.never(f)
			}
			return nil
		case "", "signed-out":
			found = f.go_("/sign-in")
		default:
			return nil
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// never tries what a first enrolment would be, on the password alone.
func (w *World) never(f *finisher) *Breach {
	for _, to := range []string{"/2fa/start", "/2fa/setup/app", "/2fa/setup/phone", "/2fa/setup/scan", "/2fa/setup/code", "/2fa/replace"} {
		if found := f.go_(to); found != nil {
			return found
		}
		for _, form := range f.tab.page().Forms() {
			if form.Button == "Continue" {
				if found := f.sendForm(f.b, f.tab, form, Do{}); found != nil {
					return found
				}
			}
		}
	}
	if form, ok := f.tab.page().Form("Sign out"); ok {
		form.Action = "/2fa/setup/app"
		return f.sendForm(f.b, f.tab, form, Do{})
	}
	return nil
}

// wrong is a code that no app of the person shows around now.
func (w *World) wrong(p *Person, n int) string {
	now := Step(w.Portal.Now())
	for i := n*7919 + 100_000; ; i += 7919 {
		code, free := fmt.Sprintf("%06d", i%1_000_000), true
		for _, a := range p.Apps {
			for step := now - 4; step <= now+4; step++ {
				free = free && Code(a.Key, step) != code
			}
		}
		if free {
			return code
		}
	}
}
