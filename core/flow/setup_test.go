package flow_test

import (
	"time"

	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
)

// toNumber, toText, toSecret and toCode lead to a step of the guide.
func toNumber(h *house) { h.signIn(password); h.install() }
func toText(h *house)   { toNumber(h); h.typeNumber(mobile) }
func toSecret(h *house) { toText(h); h.textCode(h.sent()) }
func toCode(h *house)   { toSecret(h); h.secret(); h.scanned() }
func setUp(h *house)    { toCode(h); h.newFactor(h.fresh()) }

// ready is a house in which something was done that is not written down.
func ready(does func(h *house), then func(h *house)) func(h *house) {
	return func(h *house) {
		h.unseen(func() { does(h) })
		then(h)
	}
}

// elsewhere does something in another browser.
func (h *house) elsewhere(does func()) {
	here := h.b
	h.b = h.browser("Safari", "198.51.100.8")
	does()
	h.b = here
}

var setUpRows = []row{
	{"the guide, to its end", func(h *house) {
		h.hashes = true
		h.signInAs(flow.SignIn{Name: "ada", Password: password, ReturnTo: "https://wiki.example.org/"})
		h.install()
		h.install()
		h.typeNumber(mobile)
		h.textCode(h.sent())
		h.textCode(h.sent())
		h.secret()
		h.secret()
		h.scanned()
		h.newFactor(h.fresh())
		h.finishCodes(false)
		h.finishCodes(true)
		h.finishCodes(true)
	}},
	{"the guide without numbers", func(h *house) {
		h.m.Policy.NoPhone = true
		h.signIn(password)
		h.install()
		h.secret()
		h.scanned()
		h.newFactor(h.fresh())
	}},
	{"the guide of somebody who is signed in elsewhere", func(h *house) {
		h.m.Policy.GraceDays = 7
		h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.notNow() }) })
		h.elsewhere(func() { h.unseen(func() { toCode(h) }) })
		h.later(time.Minute)
		h.unseen(func() { toCode(h) })
		h.newFactor(h.fresh())
	}},
	{"the guide in the place of a session of a password alone", func(h *house) {
		h.m.Policy.GraceDays = 7
		h.unseen(func() { h.signIn(password); h.notNow(); h.later(time.Minute); toCode(h) })
		h.newFactor(h.fresh())
	}},
	{"a guide goes on in the same browser", func(h *house) {
		h.unseen(func() { toSecret(h); h.leave() })
		h.signIn(password)
		h.look()
		h.install()
	}},
	{"a guide is not seen in another browser", func(h *house) {
		h.unseen(func() { toSecret(h) })
		h.b.attempt = ""
		h.elsewhere(func() { h.signIn(password); h.look() })
	}},
	{"a guide is kept for two days", func(h *house) {
		h.unseen(func() { toSecret(h) })
		h.later(flow.SetupKept - time.Millisecond)
		h.signIn(password)
		h.look()
		h.later(time.Millisecond)
		h.look()
		h.install()
	}},
	{"a set-up of somebody else's", func(h *house) {
		h.unseen(func() { toSecret(h); h.leave() })
		bob := person.New("bob", h.now)
		bob.ID, bob.Password, bob.PasswordAt = "bob-id", hashed(), h.now
		h.quietly(person.Added{Person: bob})
		h.signInAs(flow.SignIn{Name: "bob", Password: password})
		h.look()
	}},
	{"a secret for a day", func(h *house) {
		h.unseen(func() { toCode(h) })
		h.later(flow.SetupLife - time.Millisecond)
		h.unseen(func() { h.signIn(password) })
		h.look()
		h.secret()
		h.later(time.Millisecond)
		h.look()
		h.sameNumber()
		h.typeNumber(mobile)
		h.textCode(h.sent())
		h.look()
		h.secret()
	}},
	{"a secret that ended while the number was kept", func(h *house) {
		h.m.Policy.NoPhone = true
		h.unseen(func() { h.signIn(password); h.install(); h.secret(); h.scanned() })
		h.later(flow.SetupLife)
		h.unseen(func() { h.signIn(password) })
		h.look()
		h.scanned()
		h.secret()
	}},
	{"another secret, because it was asked for, seven times", ready(toSecret, func(h *house) {
		h.newSecret()
		for range 5 {
			h.unseen(func() { h.newSecret() })
		}
		h.newSecret()
	})},
	{"the wrong code of a new app", ready(toCode, func(h *house) {
		h.newFactor("")
		h.newFactor(h.wrong(h.set().Data.Secret))
		h.newFactor(h.set().Data.Text.Digits)
	})},
	{"the code of the secret before", ready(toSecret, func(h *house) {
		before := h.set().Data.Secret
		h.unseen(func() { h.newSecret(); h.scanned() })
		h.newFactor(codeOf(before, h.now))
	})},
	{"a new app whose code is of the next half minute", ready(toCode, func(h *house) {
		h.newFactor(codeOf(h.set().Data.Secret, h.now.Add(30*time.Second)))
	})},
	{"a new app after ten wrong codes", ready(toCode, func(h *house) {
		h.spendKey(limit.Codes, 9, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.newFactor(h.wrong(h.set().Data.Secret))
		h.newFactor(h.fresh())
	})},
	{"a code before its step", ready(toText, func(h *house) {
		h.newFactor("123456")
		h.scanned()
		h.appCode("123456")
	})},
	{"start again", ready(toSecret, func(h *house) {
		h.b.mark = flow.SetupMark(h.set())
		h.startAgain()
		h.install()
		h.b.mark = ""
		h.startAgain()
		h.install()
		h.b.mark = flow.SetupMark(h.set())
		h.typeNumber(mobile)
	})},
	{"a form that was drawn for the set-up before", ready(toNumber, func(h *house) {
		h.b.mark = flow.SetupMark(h.set())
		h.later(time.Second)
		h.unseen(func() { h.startAgain(); h.b.mark, h.b.Setup = "", ""; h.install() })
		h.b.mark = "mark of before"
		h.typeNumber(mobile)
	})},
	{"not now", func(h *house) {
		h.m.Policy.GraceDays = 7
		h.signInAs(flow.SignIn{Name: "ada", Password: password, ReturnTo: "https://wiki.example.org/"})
		h.notNow()
	}},
	{"not now in the last moment of the grace, and after it", func(h *house) {
		h.m.Policy.GraceDays = 7
		h.unseen(func() { h.signIn(password); h.leave() })
		h.later(7*day - time.Millisecond)
		h.unseen(func() { h.signIn(password) })
		h.notNow()
		h.later(time.Millisecond)
		h.unseen(func() { h.signIn(password) })
		h.notNow()
	}},
	{"not now, where it is required", func(h *house) {
		h.unseen(func() { h.signIn(password) })
		h.notNow()
	}},
	{"not now of somebody who was enrolled before", func(h *house) {
		h.m.Policy.Optional = true
		h.with(func(p *person.Person) { p.EnrolledAt, p.TurnedOff = start.Add(-day), true })
		h.unseen(func() {
			h.codes()
			h.signInAs(flow.SignIn{Name: "ada", Password: password, SetUp: true})
			h.codeProof(paper[0])
			h.stillHave("no")
		})
		h.install()
		h.notNow()
	}},
	{"a set-up code of an operator", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.unseen(func() { h.signIn(password) })
		h.setupCode("")
		h.setupCode("ABCD-EFG")
		h.setupCode("ABCD-EFGHJ")
		h.setupCode("ABCD-EFGH")
		h.handOut("ABCDEFGH", func(*person.Link) {})
		h.setupCode("abcd efgh")
		h.install()
	}},
	{"a set-up code of another kind", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.unseen(func() { h.signIn(password) })
		h.handOut("ABCDEFGH", func(l *person.Link) { l.Kind = person.Invitation })
		h.setupCode("ABCDEFGH")
	}},
	{"a set-up code that was used", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.unseen(func() { h.signIn(password) })
		h.handOut("ABCDEFGH", func(l *person.Link) { l.SpentAt = h.now })
		h.setupCode("ABCDEFGH")
	}},
	{"a set-up code with a newer one", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.unseen(func() { h.signIn(password) })
		h.handOut("ABCDEFGH", func(l *person.Link) { l.ReplacedAt = h.now })
		h.setupCode("ABCDEFGH")
	}},
	{"a set-up code until its last moment", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.handOut("ABCDEFGH", func(l *person.Link) { l.EndsAt = h.now.Add(time.Second) })
		h.unseen(func() { h.signIn(password) })
		h.later(time.Second)
		h.setupCode("ABCDEFGH")
		h.later(-time.Millisecond)
		h.setupCode("ABCDEFGH")
	}},
	{"a set-up code after ten wrong ones", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.unseen(func() { h.signIn(password) })
		h.handOut("ABCDEFGH", func(*person.Link) {})
		h.spendKey(limit.Codes, 9, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.setupCode("ABCDEFGJ")
		h.setupCode("ABCDEFGH")
	}},
	{"a reset account sets up by a code", func(h *house) {
		h.number(mobile)
		h.with(func(p *person.Person) { p.EnrolledAt, p.SetupDue, p.ResetAt = start.Add(-day), true, start })
		h.handOut("ABCDEFGH", func(*person.Link) {})
		h.signIn(password)
		h.setupCode("ABCDEFGH")
		h.setupCode("ABCDEFGH")
		h.install()
		h.secret()
		h.scanned()
		h.newFactor(h.fresh())
	}},
	{"a reset account without a number needs a code, and has none to keep", func(h *house) {
		h.m.Policy.NoResetCode = true
		h.with(func(p *person.Person) { p.EnrolledAt, p.SetupDue, p.ResetAt = start.Add(-day), true, start })
		h.handOut("ABCDEFGH", func(*person.Link) {})
		h.signIn(password)
		h.setupCode("ABCDEFGH")
		h.install()
	}},
	{"a reset account whose number was kept recovers by text", func(h *house) {
		h.number(mobile)
		h.m.Policy.NoResetCode = true
		h.with(func(p *person.Person) { p.EnrolledAt, p.SetupDue, p.ResetAt = start.Add(-day), true, start })
		h.signIn(password)
		h.look()
	}},
	{"a browser with a set-up and a new app elsewhere", func(h *house) {
		h.unseen(func() { toCode(h) })
		h.later(time.Minute)
		h.elsewhere(func() { h.unseen(func() { setUp(h) }) })
		h.newFactor(h.wrong(key("phone")))
	}},
	{"two new apps at once", func(h *house) {
		h.unseen(func() { toCode(h) })
		there := h.browser("Safari", "198.51.100.8")
		here := h.b
		h.b = there
		h.unseen(func() {
			h.signIn(password)
			h.install()
			h.typeNumber(other)
			h.textCode(h.sent())
			h.secret()
			h.scanned()
		})
		code := h.fresh()
		h.b = here
		h.beforeChange(func() {
			if _, err := h.m.NewFactor(h.Context(), flow.Post{Token: there.attempt, Form: "there"}, code, there.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.newFactor(h.fresh())
	}},
	{"the new app's form twice", ready(toCode, func(h *house) {
		token, code := h.b.attempt, h.fresh()
		for range 2 {
			h.postAs("new app's code", flow.Post{Token: token, Form: "form"}, func(p flow.Post) (flow.Result, error) {
				return h.m.NewFactor(h.Context(), p, code, h.b.Client)
			})
		}
	})},
	{"the guide waits an hour, and no longer", ready(toNumber, func(h *house) {
		h.later(flow.SetupIdle - time.Millisecond)
		h.look()
		h.later(time.Millisecond)
		h.look()
		h.typeNumber(mobile)
		h.signIn(password)
		h.say("  typed %q", h.set().Data.Typed)
	})},
	{"a number that comes late to no attempt, and to one without a set-up", func(h *house) {
		h.unseen(func() { h.signIn(password) })
		was := h.b.attempt
		h.b.attempt = "nothing"
		h.typeNumber(mobile)
		h.b.attempt = was
		h.later(flow.SetupIdle)
		h.typeNumber(mobile)
	}},
	{"codes that nobody prepared", func(h *house) {
		h.unseen(func() { toSecret(h); h.scanned() })
		h.newFactor(h.fresh())
	}},
	{"codes that nobody prepared, of a set-up that goes meanwhile", func(h *house) {
		h.unseen(func() { toSecret(h); h.scanned() })
		code := h.fresh()
		h.beforeCall(4, func() { h.quietly(flow.SetupsDropped{Person: h.ada.ID}) })
		h.newFactor(code)
	}},
	{"codes are prepared of a set-up that is gone", func(h *house) {
		h.hashes = true
		h.unseen(func() { toSecret(h) })
		h.beforeCall(3, func() { h.quietly(flow.SetupsDropped{Person: h.ada.ID}) })
		h.secret()
	}},
	{"a number that comes late is not kept over one that was proved", ready(toSecret, func(h *house) {
		h.later(flow.SetupIdle)
		h.typeNumber(other)
	})},
	{"what comes late, at the edges of what is kept", ready(toNumber, func(h *house) {
		h.later(flow.SetupIdle)
		for _, typed := range []string{string64, string64 + "1"} {
			h.do("a number late", func() (flow.Result, error) {
				return h.m.Number(h.Context(), flow.Post{Token: h.b.attempt, Form: h.b.form()}, typed, "US", h.b.Client)
			})
		}
		h.do("of a country late", func() (flow.Result, error) {
			return h.m.Number(h.Context(), flow.Post{Token: h.b.attempt, Form: h.b.form()}, mobile, "USA", h.b.Client)
		})
	})},
}

const string64 = "0000000000000000000000000000000000000000000000000000000000000000"

// handOut gives Ada a set-up code.
func (h *house) handOut(code string, edit func(l *person.Link)) {
	h.Helper()
	l := person.Link{ID: h.m.SetupCodeID(h.ada.ID, code), Kind: person.SetupCode, Person: h.ada.ID, MadeAt: h.now, EndsAt: h.now.Add(person.SetupCodeLife)}
	edit(&l)
	h.quietly(person.LinkMade{Link: l})
}

// sharedBy makes a number that of so many others.
func (h *house) sharedBy(n int, number string) {
	h.Helper()
	for range n {
		p := person.New("n"+factor.RandomCode(8), h.now)
		h.quietly(person.Added{Person: p}, phone.Bound{Phone: phone.New(p.ID, phone.Number{E164: number, Country: "US"}, h.now, false)})
	}
}

var numberRows = []row{
	{"a number that is none, and one that is", ready(toNumber, func(h *house) {
		h.typeNumber("12")
		h.typeNumber("+442071838750")
		h.typeNumber(mobile)
		h.look()
	})},
	{"a number that four share", ready(toNumber, func(h *house) {
		h.sharedBy(4, mobile)
		h.typeNumber(mobile)
	})},
	{"a number that five share", ready(toNumber, func(h *house) {
		h.sharedBy(5, mobile)
		h.typeNumber(mobile)
	})},
	{"a number that five share by the time that the app is there", ready(toCode, func(h *house) {
		h.sharedBy(5, mobile)
		h.newFactor(h.fresh())
		h.look()
		h.typeNumber(other)
	})},
	{"the same number twice, within the gap and after it", ready(toText, func(h *house) {
		h.later(30*time.Second - time.Millisecond)
		h.typeNumber(mobile)
		h.sendAgain()
		h.later(time.Millisecond)
		h.typeNumber(mobile)
		h.later(2*time.Minute - time.Millisecond)
		h.typeNumber(mobile)
		h.later(time.Millisecond)
		h.typeNumber(mobile)
		h.later(2 * time.Minute)
		h.typeNumber(mobile)
		h.sendAgain()
	})},
	{"another number", ready(toText, func(h *house) {
		h.typeNumber(other)
		h.textCode(h.sent())
	})},
	{"another number in the place of one that was proved", ready(toSecret, func(h *house) {
		h.sendAgain()
		h.typeNumber(other)
	})},
	{"send again after the code's life", ready(toText, func(h *house) {
		h.later(10 * time.Minute)
		h.sendAgain()
	})},
	{"send again, the same", ready(toText, func(h *house) {
		h.later(time.Minute)
		h.sendAgain()
	})},
	{"a code that is none", ready(toText, func(h *house) { h.textCode(""); h.textCode("12") })},
	{"five wrong text codes", ready(toText, func(h *house) {
		for range 5 {
			h.textCode(mistyped(h.sent()))
		}
		h.textCode(h.sent())
		h.later(time.Minute)
		h.sendAgain()
		h.textCode(h.sent())
	})},
	{"a text code that another replaced", ready(toText, func(h *house) {
		was := h.sent()
		h.later(10 * time.Minute)
		h.unseen(func() { h.sendAgain() })
		h.textCode(was)
	})},
	{"a text code in its last moment", ready(toText, func(h *house) {
		h.later(10*time.Minute - time.Millisecond)
		h.textCode(h.sent())
	})},
	{"a text code a moment late", ready(toText, func(h *house) {
		h.later(10 * time.Minute)
		h.textCode(h.sent())
	})},
	{"a text code late, and no text may go", ready(toText, func(h *house) {
		h.later(10 * time.Minute)
		h.spend(limit.TextPersonDay, 9, h.ada.ID)
		h.textCode(h.sent())
	})},
	{"a text code after ten wrong codes", ready(toText, func(h *house) {
		h.spendKey(limit.Codes, 9, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.textCode(mistyped(h.sent()))
		h.textCode(h.sent())
	})},
	{"wrong text codes, with seven codes left in the lane", ready(toText, func(h *house) {
		h.spendKey(limit.Codes, 6, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		for range 3 {
			h.textCode(mistyped(h.sent()))
		}
	})},
	{"wrong text codes, and few are left of both", ready(toText, func(h *house) {
		h.textCode(mistyped(h.sent()))
		h.textCode(mistyped(h.sent()))
		h.spendKey(limit.Codes, 4, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.textCode(mistyped(h.sent()))
		h.textCode(mistyped(h.sent()))
	})},
	{"a text code of another attempt", ready(toText, func(h *house) {
		code := h.sent()
		h.unseen(func() { h.leave(); h.signIn(password) })
		h.textCode(code)
		h.later(time.Minute)
		h.sendAgain()
	})},
	{"a text code of another attempt, and the number is proved", ready(toText, func(h *house) {
		code := h.sent()
		h.unseen(func() { h.textCode(code); h.leave(); h.signIn(password) })
		h.textCode(code)
		h.sameNumber()
	})},
	{"a number proved for a day", ready(toSecret, func(h *house) {
		h.later(flow.SetupLife - time.Millisecond)
		h.unseen(func() { h.signIn(password) })
		h.sameNumber()
		h.later(time.Millisecond)
		h.sameNumber()
	})},
	{"texts of a person: five an hour", func(h *house) {
		h.spend(limit.TextPersonHour, 4, h.ada.ID)
		h.unseen(func() { toText(h) })
		h.typeNumber(other)
	}},
	{"texts of a known browser: three a day", func(h *house) {
		h.knownHere()
		h.spend(limit.TextKnownDay, 2, h.ada.ID, string(limit.Known("known-1")))
		h.unseen(func() { toNumber(h) })
		h.typeNumber(mobile)
		h.typeNumber(other)
	}},
	{"texts from one address: twenty an hour", func(h *house) {
		h.spend(limit.TextAddress, 19, h.b.Address)
		h.unseen(func() { toNumber(h) })
		h.typeNumber(mobile)
		h.later(time.Minute)
		h.sendAgain()
	}},
	{"a text from nowhere", func(h *house) {
		h.b.Address = ""
		h.unseen(func() { toText(h) })
		h.textCode(h.sent())
	}},
	{"a text asked for from two addresses", ready(toText, func(h *house) {
		h.later(time.Minute)
		h.sendAgain()
		h.later(3 * time.Minute)
		h.b.Address = "198.51.100.9"
		h.sendAgain()
		h.textCode(h.sent())
	})},
	{"a prefix where nobody reads", func(h *house) {
		h.unread(5, mobile)
		h.unseen(func() { toNumber(h) })
		h.typeNumber(other)
		h.typeNumber(other)
	}},
	{"a prefix where nobody reads, and a budget that is used up", func(h *house) {
		h.unread(5, mobile)
		h.unseen(func() { toNumber(h) })
		h.spend(limit.TextPersonHour, 5, h.ada.ID)
		h.typeNumber(other)
	}},
	{"a prefix where nobody reads, and one's own number", func(h *house) {
		h.unread(5, mobile)
		h.number(mobile)
		h.codes()
		h.with(func(p *person.Person) { p.EnrolledAt = start.Add(-day) })
		h.unseen(func() { h.signIn(password); h.codeProof(paper[0]); h.stillHave("no"); h.install() })
		h.ownNumber()
	}},
	{"the set-up is changed by another form at once", ready(toNumber, func(h *house) {
		h.beforeChange(func() {
			if _, err := h.m.Install(h.Context(), flow.Post{Token: h.b.attempt, Form: "x"}, h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.typeNumber(mobile)
	})},
	{"the same number in two forms at once", ready(toNumber, func(h *house) {
		h.beforeCall(4, func() {
			if _, err := h.m.Number(h.Context(), flow.Post{Token: h.b.attempt, Form: "x"}, mobile, "US", h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.typeNumber(mobile)
	})},
}

// unread are texts to a prefix that nobody answered.
func (h *house) unread(n int, number string) {
	h.Helper()
	for range n {
		h.queued(number, h.now.Add(-10*time.Minute))
	}
}
