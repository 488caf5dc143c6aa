//go:build !race

package server_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// settled is somebody signed in twice who goes to a page of the account.
func settled(start string) func(t *testing.T, d door) *visitor {
	return func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.start, v.next = start, ""
		return v
	}
}

// presses is a form of the account page, pressed wherever it stands.
func presses(action string) func(v *visitor) bool {
	mark := regexp.MustCompile(`action="(` + action + `)"`)
	return func(v *visitor) bool {
		to := first(mark, v.page.body)
		if !at("security")(v) || to == "" {
			return false
		}
		v.post(to)
		return true
	}
}

// gone is when it stands there no more.
func gone(action string) func(v *visitor) bool {
	mark := regexp.MustCompile(`action="` + action + `"`)
	return func(v *visitor) bool { return at("security")(v) && !mark.MatchString(v.page.body) }
}

// browsers counts the other browsers on the account page.
func (v *visitor) browsers() string {
	v.Helper()
	c := *v
	c.late = 0
	c.send(http.MethodGet, "/account/security")
	return fmt.Sprintf("%d other browsers signed in, %d known", len(otherMark.FindAllString(c.page.body, -1)), len(knownMark.FindAllString(c.page.body, -1)))
}

// knownBrowsers leaves out who is signed in: whose answer is lost signs in once more.
func (v *visitor) knownBrowsers() string {
	v.Helper()
	_, known, _ := strings.Cut(v.browsers(), ", ")
	return known
}

var (
	otherMark = regexp.MustCompile(`action="/account/browsers/[^/"]+/sign-out"`)
	knownMark = regexp.MustCompile(`action="/account/browsers/[^/"]+/forget"`)
)

// ownApp is where something is done to the one app.
func ownApp(v *visitor, what string) string {
	v.Helper()
	v.get("/account/security")
	id := first(regexp.MustCompile(`/account/apps/([^/"]+)/`+what), v.page.body)
	if id == "" {
		v.Fatalf("no app: %s", v.page.brief())
	}
	v.page = visited{}
	return "/account/apps/" + id + "/" + what
}

// dead says that a code of before opens nothing.
func (v *visitor) dead(when, field, value string) {
	v.Helper()
	c := v.elsewhere()
	c.get("/sign-in")
	c.goOn()
	c.follow()
	if c.page.name == "app-code" && field == "recovery" {
		c.get("/2fa/recovery-code")
	}
	if !slices.Contains([]string{"app-code", "recovery-code"}, c.page.name) {
		v.Errorf("%s no code is asked for, but %s", when, c.page.brief())
		return
	}
	if c.post(c.page.url, field, value); c.page.status != http.StatusUnprocessableEntity {
		v.Errorf("%s an old code is answered by %s", when, c.page.brief())
	}
}

// accountErrands are what people change of their own accounts.
var accountErrands = []errand{
	{name: "another mail address", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/mail")(t, d)
		v.wish = "other." + v.mail
		return v
	}, done: func(v *visitor) bool {
		return at("mail")(v) && v.page.url == "/mail-confirmed" || shows("Mail o•••@")(v)
	}},
	{name: "no mail address", begin: settled("/account/mail/remove"), done: shows("Mail None")},
	{name: "no number", more: "policy:\n  phone: optional\n", begin: settled("/account/phone/remove"), done: shows("Add a mobile number")},
	{name: "another number, asked for twice", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/phone")(t, d)
		v.number = numbered(visitors.Add(1))
		v.until(at("setup-phone-code"))
		v.turn = onceMore("setup-phone-code", "/account/phone/code/again")
		return v
	}, done: func(v *visitor) bool { return shows("Number ending " + v.number[7:])(v) }},
	{name: "no second factor", more: "policy:\n  require: optional\n", begin: settled("/account/2fa/off"), done: shows("2FA is off")},
	{name: "new recovery codes", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/codes/new")(t, d)
		v.oldCode = v.codes[0]
		return v
	}, done: func(v *visitor) bool { return at("security")(v) && v.shown },
		after: func(v *visitor, when string) { v.dead(when, "recovery", v.oldCode) }},
	{name: "an app in the place of another", begin: func(t *testing.T, d door) *visitor {
		v := settled("")(t, d)
		v.start, v.oldApp = ownApp(v, "replace"), v.app
		v.turn = onceMore("setup-scan", "/account/app/new")
		return v
	}, done: func(v *visitor) bool { return at("security")(v) && !strings.Contains(v.page.body, v.start) },
		after: func(v *visitor, when string) {
			v.move(31 * time.Second)
			v.dead(when, "code", v.oldApp.Code(v.oldApp.Step(v.now())))
		}},
	{name: "another name of an app", begin: func(t *testing.T, d door) *visitor {
		v := settled("")(t, d)
		v.start, v.wish = ownApp(v, "name"), "Kitchen"
		v.turn = func(v *visitor) bool {
			if !at("security")(v) || !strings.Contains(v.page.body, `name="name"`) {
				return false
			}
			v.post(v.start, "name", v.wish)
			return true
		}
		return v
	}, done: func(v *visitor) bool { return at("security")(v) && strings.HasSuffix(appNames(v.page.body), v.wish) }},
	{name: "signing out everywhere else", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/security")(t, d)
		v.turn = presses("/account/browsers/sign-out")
		return v
	}, done: gone("/account/browsers/sign-out")},
	{name: "signing out one browser", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/security")(t, d)
		v.turn = presses(`/account/browsers/[^/"]+/sign-out`)
		return v
	}, done: gone(`/account/browsers/[^/"]+/sign-out`)},
	{name: "forgetting a browser", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/security")(t, d)
		third := v.elsewhere()
		third.move(30 * time.Second)
		third.get("/sign-in")
		third.until(at("security"))
		third.leaves()
		v.besides = func(v *visitor) string { return v.other.knownBrowsers() }
		v.turn = presses(`/account/browsers/[^/"]+/forget`)
		return v
	}, done: gone(`/account/browsers/[^/"]+/forget`)},
	{name: "forgetting this browser", begin: func(t *testing.T, d door) *visitor {
		v := settled("/sign-out")(t, d)
		v.besides = func(v *visitor) string { return v.other.browsers() }
		v.turn = func(v *visitor) bool {
			if !at("signed-out")(v) {
				return false
			}
			v.post("/signed-out/forget")
			return true
		}
		return v
	}, done: func(v *visitor) bool {
		return at("signed-out")(v) && !strings.Contains(v.page.body, "/signed-out/forget")
	}},
	{name: "a dispute from the activity", begin: func(t *testing.T, d door) *visitor {
		v := enrol(t, d, false).twice()
		v.get("/account/activity")
		v.start, v.next = first(regexp.MustCompile(`"(/account/activity/[^/"]+/not-me)"`), v.page.body), ""
		v.page = visited{}
		return v
	}, done: func(v *visitor) bool {
		return v.page.name == "held" || at("not-me")(v) && strings.Contains(v.page.words(), "Nobody can sign in to it now")
	}},
}

// leaves signs out, and leaves the browser a known one.
func (v *visitor) leaves() {
	v.Helper()
	for range 5 {
		v.get("/sign-out")
		v.post("/sign-out")
		if v.follow(); at("signed-out")(v) {
			return
		}
	}
	v.Fatalf("not signed out: %s", v.page.brief())
}

// onceMore asks once for what a page has asked for already.
func onceMore(page, action string) func(v *visitor) bool {
	return func(v *visitor) bool {
		if !at(page)(v) || v.twiced {
			return false
		}
		if strings.HasSuffix(action, "/again") {
			v.text("+1"+v.number, " is your ")  // the one that stops working
			v.move(2*time.Minute + time.Second) // sooner none would be sent
		}
		v.post(action)
		v.twiced = true
		return true
	}
}

// newcomer has a password and begins to sign in.
func newcomer(t *testing.T, d door) *visitor {
	v := visit(t, d)
	v.order(order{Do: "add", Name: v.name, Mail: v.mail})
	v.move(time.Minute)
	v.start = "/sign-in"
	return v
}

// wayErrands are what people meet on their way in.
var wayErrands = []errand{
	{name: "not now", more: "policy:\n  require: optional\n", begin: func(t *testing.T, d door) *visitor {
		v := newcomer(t, d)
		v.turn = func(v *visitor) bool {
			if !at("two-factor-prompt")(v) {
				return false
			}
			v.post("/2fa/not-now")
			return true
		}
		return v
	}, done: func(v *visitor) bool {
		return (at("signed-in")(v) || at("security")(v)) && strings.Contains(v.page.words(), "2FA is off")
	}},
	{name: "a password that must change", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false)
		v.order(order{Do: "must-change", Name: v.name})
		return v.comes("")
	}, done: at("security")},
	{name: "going on after a pause", begin: func(t *testing.T, d door) *visitor {
		v := settled("/account/security")(t, d)
		v.move(61 * time.Minute)
		return v
	}, done: at("security")},
	{name: "a first set-up by setup code", more: "policy:\n  enrol: code\n", begin: func(t *testing.T, d door) *visitor {
		v := newcomer(t, d)
		v.setup = v.order(order{Do: "reset-2fa", Name: v.name}).Text
		return v
	}, done: at("security")},
	{name: "a first set-up by invitation", more: "policy:\n  enrol: invitation\n", begin: func(t *testing.T, d door) *visitor {
		v := visit(t, d)
		v.link = "/invitation/" + v.order(order{Do: "add", Name: v.name, Mail: v.mail, N: 1}).Text
		v.start, v.next = v.link, word
		return v
	}, done: at("security")},
	{name: "a text message, asked for twice", begin: func(t *testing.T, d door) *visitor {
		v := newcomer(t, d)
		v.until(at("setup-phone-code"))
		v.turn = onceMore("setup-phone-code", "/2fa/setup/phone/code/again")
		return v
	}, done: at("setup-scan")},
	{name: "a set-up begun again", begin: func(t *testing.T, d door) *visitor {
		v := newcomer(t, d)
		v.until(at("setup-scan"))
		again := onceMore("setup-scan", "/2fa/setup/scan/new")
		v.turn = func(v *visitor) bool {
			switch {
			case again(v):
			case at("setup-scan")(v):
				v.get("/2fa/start/again")
			case at("confirm")(v):
				v.post("/2fa/start/again")
			default:
				return false
			}
			return true
		}
		return v
	}, done: at("two-factor-prompt")},
	{name: "recovery by a second text message", begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false).comes("text")
		v.until(at("text-code"))
		v.turn = onceMore("text-code", "/2fa/text/again")
		return v
	}, done: at("replace")},
}

// entered is somebody inside an app behind the gate.
func entered(t *testing.T, d door) *visitor {
	v := settled(wikiPage)(t, d)
	v.besides = inWiki
	v.get(wikiPage)
	if v.page.name != "inside" {
		t.Fatalf("not in the app: %s", v.page.brief())
	}
	v.page = visited{}
	return v
}

// letIn is somebody who has let an app know who they are.
func letIn(t *testing.T, d door, scope string) *visitor {
	v, k := settled(asksFor(scope))(t, d), &party{}
	v.besides, v.turn = k.holds, k.turn
	v.until(func(*visitor) bool { return k.access != "" })
	v.page = visited{}
	return v
}

// appErrands are what people do with apps.
var appErrands = []errand{
	{name: "into an app behind the gate", more: twoApps, begin: func(t *testing.T, d door) *visitor {
		v := signedInTwice(t, d, false).comes("")
		v.start, v.next, v.besides = wikiPage, "", inWiki
		return v
	}, done: at("inside")},
	{name: "out of an app behind the gate", more: twoApps, begin: func(t *testing.T, d door) *visitor {
		v := entered(t, d)
		v.start = "/sign-out"
		return v
	}, done: at("signed-out")},
	{name: "into an app by OpenID Connect", more: twoApps, begin: func(t *testing.T, d door) *visitor {
		v, k := settled(asksFor("openid offline_access"))(t, d), &party{}
		v.besides, v.turn, v.program = k.holds, k.turn, k
		return v
	}, done: func(v *visitor) bool { return v.program.over }, after: func(v *visitor, when string) {
		for _, code := range v.program.spent {
			if page, _ := v.program.ask(v, "/oidc/token", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", ownVerifier); page.status != http.StatusBadRequest {
				v.Errorf("%s a code is redeemed again: %s", when, page.brief())
			}
		}
	}},
	{name: "no longer letting an app know", more: twoApps, begin: func(t *testing.T, d door) *visitor {
		v := letIn(t, d, "openid offline_access")
		v.start, v.turn = "/account/security", presses(`/account/let-in/[^/"]+/withdraw`)
		return v
	}, done: gone(`/account/let-in/[^/"]+/withdraw`)},
	{name: "signing out for an app", more: twoApps, begin: func(t *testing.T, d door) *visitor {
		v := letIn(t, d, "openid")
		v.start = "/oidc/end-session"
		v.turn = func(v *visitor) bool {
			if !at("confirm")(v) {
				return false
			}
			v.post("/oidc/sign-out")
			return true
		}
		return v
	}, done: at("signed-out")},
}
