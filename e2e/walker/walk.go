package walker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Policies are what the walks take turns with.
var Policies = []Policy{
	{Name: "required"},
	{Name: "optional", YAML: "  require: optional\n", Optional: true},
	{Name: "fourteen days of grace", YAML: "  grace_days: 14\n", Grace: 14 * 24 * time.Hour},
	{Name: "by invitation", YAML: "  enrol: invitation\n", Enrol: "invitation"},
	{Name: "by setup code", YAML: "  enrol: code\n", Enrol: "code"},
	{Name: "without setup codes", YAML: "  reset_code: false\n  phone: optional\n", NoCode: true},
}

// chooser chooses steps at random, by what the browsers show.
type chooser struct {
	*rand.Rand
	w *World
}

func (c *chooser) chance(percent int) bool { return c.IntN(100) < percent }

func pick[T any](c *chooser, list ...T) T { return list[c.IntN(len(list))] }

func (c *chooser) person() string { return people[c.IntN(len(people))].name }

// next is the next steps: one, or a few that make sense together.
func (c *chooser) next() []Do {
	switch n := c.IntN(1000); {
	case n < 30:
		return []Do{c.clock()}
	case n < 35:
		return []Do{{Do: "restart", What: pick(c, "kill", "term")}}
	case n < 50:
		what := pick(c, "reset", "reset keep", "release", "release", "invite", "disable", "enable", "enable", "sign-out", "group", "group", "new password", "new password", "new password")
		return []Do{{Do: "operator", What: what, With: map[string]string{"person": c.person()}}}
	case n < 60:
		return []Do{{Do: "finish", What: c.person()}}
	case n < 63:
		return []Do{{Do: "burn", What: c.person()}}
	case n < 70:
		return []Do{{Do: "copy"}}
	case n < 100:
		return []Do{c.plant()}
	case n < 115:
		return c.race()
	case n < 150:
		return c.signIn(c.person() + pick(c, "/1", "/2"))
	case n < 165:
		return c.message()
	case n < 185:
		return c.change()
	case n < 197:
		return c.abandoned()
	case n < 245:
		return c.doors()
	}
	b := c.w.Browsers[c.w.names[c.IntN(len(c.w.names))]]
	return c.inBrowser(b)
}

func (c *chooser) clock() Do {
	by := []time.Duration{31 * time.Second, 31 * time.Second, 31 * time.Second, 4 * time.Minute, 6 * time.Minute, 16 * time.Minute,
		61 * time.Minute, 61 * time.Minute, 5 * time.Hour, 25 * time.Hour, 73 * time.Hour, -20 * time.Second, -70 * time.Second}
	return Do{Do: "clock", By: by[c.IntN(len(by))]}
}

// plant is cookies made up, changed, moved and stolen.
func (c *chooser) plant() Do {
	in := c.w.names[c.IntN(len(c.w.names))]
	victim := pick(c, people[c.IntN(len(people))].name) + pick(c, "/1", "/2")
	switch c.IntN(7) {
	case 0, 1:
		return Do{Do: "plant", In: "session/1", What: "session", With: map[string]string{"value": "of:" + victim}}
	case 2:
		return Do{Do: "plant", In: "known/1", What: "known", With: map[string]string{"value": "of:" + victim}}
	case 3: // one cookie as another, of the same browser
		return Do{Do: "plant", In: in, What: pick(c, "attempt", "known", "setup"), With: map[string]string{"value": "of:" + in, "as": pick(c, "session", "attempt")}}
	case 4: // an actor's own, in another of their browsers
		if actor := c.w.Browsers[in].Actor; c.w.Browsers[actor+"/2"] != nil {
			return Do{Do: "plant", In: actor + "/2", What: pick(c, "attempt", "setup", "csrf", "known"), With: map[string]string{"value": "of:" + actor + "/1"}}
		}
	case 5:
		return Do{Do: "plant", In: in, What: pick(c, "session", "attempt", "known", "setup", "csrf"), With: map[string]string{"value": pick(c, "flip", "made")}}
	}
	return Do{Do: "plant", In: in, What: pick(c, "session", "attempt", "csrf"), With: map[string]string{"value": "drop"}}
}

// enters is the steps of a sign-in up to the second factor.
func (c *chooser) enters(b, who string) []Do {
	return []Do{{Do: "plant", In: b, What: "session", With: map[string]string{"value": "drop"}}, {Do: "plant", In: b, What: "attempt", With: map[string]string{"value": "drop"}},
		{Do: "open", In: b, What: "/sign-in"},
		{Do: "press", In: b, What: "Sign in", With: map[string]string{"username": who, "password": "password:" + who}}}
}

// signIn is an owner who signs in.
func (c *chooser) signIn(b string) []Do {
	who := c.w.Browsers[b].Actor
	list := append([]Do{{Do: "clock", By: 61 * time.Second}}, c.enters(b, who)...)
	return append(list, Do{Do: "press", In: b, What: "Verify", With: map[string]string{"code": "app:" + who}})
}

// change is an owner who signs in and changes something.
func (c *chooser) change() []Do {
	b := c.person() + pick(c, "/1", "/2")
	who := c.w.Browsers[b].Actor
	list := c.signIn(b)
	to := pick(c, "/account/phone", "/account/app", "app:"+who, "/account/codes/new", "/account/password", "/account/2fa/off", "/account/mail")
	later := c.chance(40)
	if later { // both factors are asked for again
		list = append(list, Do{Do: "clock", By: 6 * time.Minute})
	}
	list = append(list, Do{Do: "open", In: b, What: to})
	press := func(button string, with ...string) {
		d := Do{Do: "press", In: b, What: button, With: map[string]string{}}
		for i := 0; i+1 < len(with); i += 2 {
			d.With[with[i]] = with[i+1]
		}
		list = append(list, d)
	}
	if later {
		press("Continue", "password", "password:"+who, "code", "app:"+who)
	}
	switch to {
	case "/account/phone":
		press("Send SMS", "phone", "number:"+who, "country", "is:US")
		press("Verify", "code", "text:"+who)
	case "/account/app", "app:" + who:
		press("Continue")
		press("Verify", "code", "key:"+who)
	case "/account/codes/new":
		press("Make new codes")
		press("Finish", "saved", "is:yes")
	case "/account/password":
		press("Save password", "password", "new:"+who)
	case "/account/mail":
		press("Send link", "mail", "is:nowhere")
	default:
		press("Turn off 2FA")
	}
	return list
}

// abandoned is a recovery that stops the old app and is left there; somebody with
// the password then tries what a first enrolment would be.
func (c *chooser) abandoned() []Do {
	who := c.person()
	b := pick(c, "both/1", who+"/1", who+"/2")
	list := append(append([]Do{{Do: "clock", By: 61 * time.Minute}}, c.enters(b, who)...), Do{Do: "open", In: b, What: "/2fa/other"},
		Do{Do: "press", In: b, What: "Send SMS"}, Do{Do: "press", In: b, What: "Verify", With: map[string]string{"code": "text:" + who}},
		Do{Do: "press", In: b, What: "Continue"})
	list = append(list, c.enters("password/1", who)...)
	for _, to := range []string{"/2fa/start", "/2fa/setup/app", "/2fa/setup/phone", "/2fa/setup/scan"} {
		if c.chance(50) {
			list = append(list, Do{Do: "open", In: "password/1", What: to}, Do{Do: "post", In: "password/1", What: to, With: map[string]string{"phone": "number:" + who, "country": "is:US"}})
		}
	}
	return list
}

// race is one code entered in two browsers at once, one after the other's sign-in.
func (c *chooser) race() []Do {
	who := c.person()
	a, b := who+"/1", who+"/2"
	list := append(append([]Do{{Do: "clock", By: 61 * time.Second}}, c.enters(a, who)...), c.enters(b, who)...)
	field, value := "code", "app:"+who
	if c.chance(30) {
		field, value = "recovery", "recovery:"+who
		list = append(list, Do{Do: "open", In: a, What: "/2fa/recovery-code"}, Do{Do: "open", In: b, What: "/2fa/recovery-code"})
	}
	last := Do{Do: "atonce", In: a, What: "Verify", With: map[string]string{field: value}, More: []string{b}}
	switch c.IntN(5) {
	case 0:
		last.By = time.Duration(1+c.IntN(12)) * time.Millisecond
	case 1: // one after the other: a code is used once
		last.More = nil
		again := Do{Do: "press", In: b, What: "Verify", With: map[string]string{field: "again:" + who}}
		if field == "recovery" {
			again.With[field] = "spent:" + who
		}
		return append(list, last, again)
	}
	if list = append(list, last); field == "recovery" {
		list = append(list, Do{Do: "press", In: a, What: "Continue", With: map[string]string{"still": pick(c, "yes", "yes", "no")}})
	}
	return list
}

// message is a link out of a text or a mail, opened by whoever has it.
func (c *chooser) message() []Do {
	who := c.person()
	reader := pick(c, who+"/1", who+"/2", "phone/1", "both/1")
	switch c.IntN(6) {
	case 4: // the same, from the owner's own history
		own := who + pick(c, "/1", "/2")
		return append(c.signIn(own), Do{Do: "open", In: own, What: "/account/activity"}, Do{Do: "follow", In: own, What: "This was not me"}, Do{Do: "press", In: own, What: "It was not me"})
	case 0, 1:
		return []Do{{Do: "open", In: reader, What: "dispute:" + who}, {Do: "press", In: reader, What: "It was not me"}}
	case 2:
		reader = pick(c, who+"/1", "phone/1")
		return []Do{{Do: "open", In: reader, What: "/forgot"}, {Do: "press", In: reader, What: "Send link", With: map[string]string{"username": who}},
			{Do: "open", In: reader, What: "password:" + who}, {Do: "press", In: reader, What: "Save password", With: map[string]string{"password": "new:" + who}}}
	}
	return []Do{{Do: "open", In: who + "/1", What: pick(c, "invitation:", "invitation:", "spent:") + who}}
}

// addresses are what anybody may try to open.
var addresses = []string{"/", "/sign-in", "/sign-in", "/sign-in", "/sign-in?set-up=1", "/sign-out", "/signed-out", "/forgot", "/2fa", "/2fa/start", "/2fa/start/again", "/2fa/setup", "/2fa/setup/app",
	"/2fa/setup/phone", "/2fa/setup/phone?other=yes", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/qr.png", "/2fa/setup/code", "/2fa/setup/finish",
	"/2fa/setup/codes.txt", "/2fa/other", "/2fa/other", "/2fa/text", "/2fa/recovery-code", "/2fa/replace", "/2fa/recovery-wait", "/2fa/setup-code", "/2fa/password", "/confirm?to=/account/phone",
	"/confirm?to=/account/browsers/sign-out", "/account/security", "/account/activity", "/account/password", "/account/mail", "/account/phone",
	"/account/phone/code", "/account/phone/remove", "/account/app", "/account/app/code", "/account/app/qr.png", "/account/codes", "/account/codes/new", "/account/2fa/off", "/admin"}

// posts are forms that a hand can make, whatever page is open.
var posts = []string{"/2fa", "/2fa/not-now", "/2fa/start/again", "/2fa/setup/app", "/2fa/setup/phone", "/2fa/setup/phone/code", "/2fa/setup/scan", "/2fa/setup/scan/new", "/2fa/setup/code",
	"/2fa/setup/finish", "/2fa/text/send", "/2fa/text", "/2fa/recovery-code", "/2fa/replace", "/2fa/setup-code", "/2fa/password", "/confirm?to=/account/phone", "/confirm?to=/account/browsers/sign-out",
	"/account/password", "/account/phone", "/account/phone/code", "/account/app", "/account/app/new", "/account/app/code", "/account/codes", "/account/codes/new",
	"/account/2fa/off", "/account/phone/remove", "/account/browsers/sign-out", "/sign-out", "/signed-out/forget", "/account/stay"}

// inBrowser is what somebody does in a browser.
func (c *chooser) inBrowser(b *Browser) []Do {
	tab := 0
	if c.chance(15) {
		tab = 1
	}
	page := b.Tabs[tab].page()
	d := Do{In: b.Name, Tab: tab}
	forms := page.Forms()
	switch n := c.IntN(100); {
	case page.Body == "" || n < 9:
		d.Do, d.What = "open", pick(c, addresses...)
		if page.Body == "" && c.chance(70) {
			d.What = "/sign-in"
		}
		if c.chance(8) {
			d.What = pick(c, "app:", "history:") + c.person()
		}
	case n < 13:
		d.Do = pick(c, "back", "back", "forward")
	case n < 16:
		d.Do = "reload"
	case n < 28:
		words, _ := page.Links()
		if len(words) == 0 {
			return []Do{{Do: "open", In: b.Name, Tab: tab, What: "/"}}
		}
		d.Do, d.What = "follow", pick(c, words...)
	case n < 35:
		d.Do, d.What = "post", pick(c, posts...)
		if c.chance(15) { // somebody's rows, whoever's these are
			d.What = pick(c, "remove:", "rename:", "history:", "browser:") + c.person()
		}
		d.With = c.values(b, page, Form{Asks: []string{"code", "recovery", "password", "phone", "still", "saved"}})
	default:
		if len(forms) == 0 {
			return []Do{{Do: "open", In: b.Name, Tab: tab, What: pick(c, "/", "/sign-in", "/account/security", "/2fa")}}
		}
		f := forms[c.IntN(len(forms))]
		if strings.HasPrefix(f.Button, "Sign out") || f.Button == "Use a different account" || strings.HasPrefix(f.Button, "Neither works") {
			if !c.chance(15) {
				f = forms[c.IntN(len(forms))]
			}
		}
		d.Do, d.What, d.With = "press", f.Button, c.values(b, page, f)
		if c.chance(8) {
			d.Times = 2 + c.IntN(3)
		}
		if c.chance(3) {
			d.With["token"] = "token:" + pick(c, append(slices.Clone(c.w.names), "nobody")...)
		}
	}
	if strings.HasPrefix(d.With["code"], "app:") && c.chance(85) {
		return []Do{{Do: "clock", By: 31 * time.Second}, d}
	}
	return []Do{d}
}

// whose is the person that a browser is about: whom it signs in, else whom it aims at.
func (c *chooser) whose(b *Browser) string {
	if s := c.w.Model.Sessions[b.Cookies["session"]]; s != nil {
		return s.Person.Name
	}
	if a := c.w.Model.Attempts[b.Cookies["attempt"]]; a != nil {
		return a.Person.Name
	}
	if c.w.owns(b.Actor) && c.chance(93) {
		return b.Actor
	}
	return c.person()
}

// values is what an actor enters, of what they hold.
func (c *chooser) values(b *Browser, page *Page, f Form) map[string]string {
	with, who := map[string]string{}, c.whose(b)
	owner := b.Actor == who
	password := owner
	for _, t := range thieves {
		password = password || t.name == b.Actor && t.password
	}
	for _, field := range f.Asks {
		switch field {
		case "username":
			with[field] = who
		case "password":
			switch {
			case page.Name() == "password" || page.Name() == "invitation":
				with[field] = "new:" + who
			case password && c.chance(92):
				with[field] = "password:" + who
			default:
				with[field] = pick(c, "wrong:nonsense and more of it", "former:"+who)
			}
		case "code":
			with[field] = c.code(b, page, who, owner)
		case "recovery":
			with[field] = "letters:8KZT-4Q2M-7XPD-93HX"
			if owner {
				with[field] = pick(c, "recovery:"+who, "recovery:"+who, "recovery:"+who, "spent:"+who)
			}
		case "phone":
			with[field] = pick(c, "number:"+who, "number:"+who, "number:"+who, "is:12")
			if owner && c.chance(10) {
				with[field] = "same:" + who
			}
			with["country"] = "is:US"
		case "still":
			with[field] = pick(c, "yes", "no")
		case "saved":
			with[field] = pick(c, "is:yes", "is:yes", "is:yes", "is:")
		case "everywhere":
			with[field] = pick(c, "is:yes", "is:")
		case "name":
			with[field] = "is:Tablet"
		case "mail":
			with[field] = "is:nowhere"
		}
	}
	return with
}

// code is what is entered where a code is asked for.
func (c *chooser) code(b *Browser, page *Page, who string, owner bool) string {
	wrong := fmt.Sprintf("wrong:%06d", c.IntN(1_000_000))
	switch page.Name() {
	case "setup-phone-code", "text-code":
		return pick(c, "text:"+who, "text:"+who, "text:"+who, "text:"+who, "older:"+who, wrong, "app:"+who)
	case "setup-app-code":
		return pick(c, "key:"+who, "key:"+who, "key:"+who, wrong, "text:"+who, "app:"+who, "old:"+who)
	case "setup-code":
		if owner {
			return pick(c, "setup:"+who, "setup:"+who, "letters:7MRK-2P9D")
		}
		return "letters:7MRK-2P9D"
	}
	switch {
	case owner:
		return pick(c, "app:"+who, "app:"+who, "app:"+who, "app:"+who, "app:"+who, "before:"+who, "after:"+who, "again:"+who, "old:"+who, wrong)
	case b.Actor == "oldapp":
		return pick(c, "old:"+who, "old:"+who, wrong)
	}
	return pick(c, "app:"+who, wrong, wrong, "text:"+who)
}
