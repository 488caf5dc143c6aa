package flow_test

import (
	"time"

	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
)

// textSent is the code of the recovery text.
func (h *house) textSent() string { return h.under().Attempt.Data.TextCode.Digits }

// newApp goes through the guide of a recovery from where an app is ready.
func (h *house) bind() {
	h.Helper()
	h.secret()
	h.scanned()
	h.newFactor(h.fresh())
}

// heldNumber gives Ada a number that may not serve recovery before a moment.
func (h *house) heldNumber(until time.Time) {
	h.Helper()
	p := phone.New(h.ada.ID, phone.Number{E164: mobile, Country: "US"}, h.now.Add(-time.Hour), false)
	p.ID, p.UsableAt = "number-143", until
	h.quietly(phone.Bound{Phone: p})
}

var recoverRows = []row{
	{"recovery by text, to its end", func(h *house) {
		proved(h)
		h.elsewhere(func() { h.unseen(func() { h.signIn(password) }) })
		h.askText()
		h.textProof(h.textSent())
		h.textProof(h.wrong())
		h.stillHave("")
		h.install()
		h.look()
		h.bind()
	}},
	{"recovery by code, to its end, with another number", func(h *house) {
		proved(h)
		h.codeProof(paper[0])
		h.codeProof(paper[0])
		h.stillHave("")
		h.stillHave("no")
		h.install()
		h.typeNumber(other)
		h.textCode(h.sent())
		h.later(time.Minute)
		h.bind()
	}},
	{"recovery by code, to its end, with the same number", func(h *house) {
		proved(h)
		h.unseen(func() { h.codeProof(paper[0]); h.stillHave("no"); h.install() })
		h.ownNumber()
		h.ownNumber()
		h.later(30 * time.Second)
		h.ownNumber()
		h.textCode(h.sent())
		h.bind()
	}},
	{"own number, where there is none", func(h *house) {
		h.app("phone")
		h.codes()
		h.unseen(func() { h.signIn(password); h.codeProof(paper[0]); h.stillHave("no"); h.install() })
		h.ownNumber()
	}},
	{"own number in a first set-up that was begun with another", func(h *house) {
		h.number(mobile)
		h.unseen(func() { toNumber(h) })
		h.ownNumber()
		h.typeNumber(other)
		h.ownNumber()
	}},
	{"a recovery code, and the app is still there", func(h *house) {
		proved(h)
		h.codeProof(paper[1])
		h.stillHave("yes")
		h.unseen(func() { h.signIn(password) })
		h.codeProof(paper[1])
	}},
	{"the fourth from last recovery code, and those after it", func(h *house) {
		h.app("phone")
		h.number(mobile)
		h.codes(3, 4, 5, 6, 7)
		h.unseen(func() { h.signIn(password); h.codeProof(paper[0]) })
		h.stillHave("yes")
		h.unseen(func() { h.signIn(password); h.codeProof(paper[1]) })
		h.stillHave("yes")
	}},
	{"the last but one recovery code", func(h *house) {
		h.app("phone")
		h.codes(2, 3, 4, 5, 6, 7, 8, 9)
		h.unseen(func() { h.signIn(password); h.codeProof(paper[0]) })
		h.stillHave("yes")
	}},
	{"a recovery code, and the password must change", func(h *house) {
		h.with(func(p *person.Person) { p.MustChange = true })
		proved(h)
		h.unseen(func() { h.codeProof(paper[0]) })
		h.stillHave("yes")
		h.mustChange(changed)
	}},
	{"recovery codes that are none", func(h *house) {
		proved(h)
		h.codeProof("")
		h.codeProof("8KZT")
		h.codeProof(h.code("phone"))
		h.codeProof("8KZT-4Q2M-7XPD-93HD")
	}},
	{"a wrong recovery code while a text is under way", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.codeProof("8KZT-4Q2M-7XPD-93HD")
	}},
	{"a recovery code while the portal is busy", func(h *house) {
		proved(h)
		h.m.Hasher = full(h)
		h.codeProof(paper[0])
	}},
	{"a recovery code of somebody without an app", func(h *house) {
		h.codes()
		h.with(func(p *person.Person) { p.EnrolledAt = start.Add(-day) })
		h.signIn(password)
		h.codeProof(paper[0])
		h.stillHave("yes")
		h.look()
	}},
	{"a recovery text where there is a delay", func(h *house) {
		h.m.Policy.DelayPeople = day
		proved(h)
		h.askText()
		h.textProof(h.textSent())
		h.unseen(func() { h.signIn(password) })
		h.askText()
		h.textProof("123456")
		h.later(day - time.Millisecond)
		h.unseen(func() { h.signIn(password) })
		h.askText()
		h.later(time.Millisecond)
		h.askText()
		h.textProof(h.textSent())
		h.stillHave("")
	}},
	{"a recovery text where there is a delay, and the recovery lapsed", func(h *house) {
		h.m.Policy.DelayPeople = day
		h.enrolled()
		h.asked(h.now.Add(-flow.RecoveryOpen + time.Millisecond))
		h.unseen(func() { h.signIn(password) })
		h.askText()
		h.later(time.Millisecond)
		h.textProof(h.textSent())
	}},
	{"a recovery of a number that was changed", func(h *house) {
		h.m.Policy.DelayPeople = day
		h.app("phone")
		h.number(other)
		h.asked(h.now.Add(day))
		h.unseen(func() { h.signIn(password) })
		h.askText()
	}},
	{"no number, no text", func(h *house) {
		h.app("phone")
		h.unseen(func() { h.signIn(password) })
		h.askText()
		h.textProof("123456")
	}},
	{"no text where the policy has none", func(h *house) {
		h.m.Policy.NoTextRecovery = true
		proved(h)
		h.askText()
	}},
	{"a number on hold, until its last moment", func(h *house) {
		h.app("phone")
		h.heldNumber(h.now.Add(time.Minute))
		h.unseen(func() { h.signIn(password) })
		h.later(time.Minute - time.Millisecond)
		h.askText()
		h.later(time.Millisecond)
		h.askText()
	}},
	{"ask twice: a double click, and after two seconds", func(h *house) {
		proved(h)
		h.askText()
		h.later(2*time.Second - time.Millisecond)
		h.askText()
		h.later(time.Millisecond)
		h.askText()
		h.later(28 * time.Second)
		h.askText()
		h.later(10 * time.Minute)
		h.askText()
	}},
	{"ask twice within two seconds, and the number or the code is another", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.quietly(phone.EndedAll{Person: h.ada.ID, At: h.now})
		h.number(other)
		h.askText()
		for range 5 {
			h.unseen(func() {
				h.m.TextProof(h.Context(), flow.Post{Token: h.b.attempt, Form: h.b.form()}, h.neither(), h.b.Client)
			})
		}
		h.askText()
	}},
	{"a recovery by text, and the number goes meanwhile", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText(); h.textProof(h.textSent()); h.stillHave("") })
		h.quietly(phone.EndedAll{Person: h.ada.ID, At: h.now})
		h.install()
	}},
	{"a recovery does not go on with a set-up of before", func(h *house) {
		h.unseen(func() { toNumber(h) })
		first := *h.set()
		h.unseen(func() { h.leave() })
		proved(h)
		h.unseen(func() { h.codeProof(paper[0]); h.stillHave("no") })
		h.quietly(flow.SetupBegun{Setup: first})
		h.look()
		h.install()
	}},
	{"the entry of a long name, with its date", func(h *house) {
		h.with(func(p *person.Person) { p.Name = "adabyronkingcountessoflovelace" })
		h.enrolled()
		h.unseen(func() {
			h.signInAs(flow.SignIn{Name: "adabyronkingcountessoflovelace", Password: password})
			h.codeProof(paper[0])
			h.stillHave("no")
			h.install()
			h.ownNumber()
		})
		h.textCode(h.sent())
	}},
	{"two texts for a proof in an hour, from other browsers", func(h *house) {
		h.spend(limit.TextOthersProof, 1, "ada-id")
		proved(h)
		h.askText()
		h.later(time.Minute)
		h.askText()
	}},
	{"five texts a day from other browsers", func(h *house) {
		h.spend(limit.TextOthersDay, 5, "ada-id")
		proved(h)
		h.askText()
	}},
	{"a known browser asks for texts in its own lane", func(h *house) {
		h.knownHere()
		h.spend(limit.TextOthersDay, 5, "ada-id")
		proved(h)
		h.askText()
	}},
	{"a wrong recovery text", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.textProof("")
		h.textProof("123")
		for range 5 {
			h.textProof(h.neither())
		}
		h.textProof(h.textSent())
	}},
	{"a wrong recovery text, nine wrong ones before", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.spendKey(limit.Codes, 9, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.textProof(h.neither())
		h.textProof(h.textSent())
	}},
	{"a wrong recovery text is the hundredth miss of the app", func(h *house) {
		h.enrolled()
		h.missed("phone", 99)
		h.unseen(func() { h.signIn(password); h.askText() })
		h.textProof(h.neither())
	}},
	{"a recovery text a moment late", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.later(10 * time.Minute)
		h.textProof(h.textSent())
	}},
	{"a recovery text late, and no text may go", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.later(10 * time.Minute)
		h.spend(limit.TextPersonDay, 9, h.ada.ID)
		h.textProof(h.textSent())
	}},
	{"a recovery text that another replaced", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		was := h.textSent()
		h.later(11 * time.Minute)
		h.unseen(func() { h.askText() })
		h.textProof(was)
	}},
	{"the app's code in the field of the text", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.textProof(h.code("phone"))
	}},
	{"the app's code in the field of the text, where the old app was to be stopped", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText(); h.textProof(h.textSent()) })
		h.textProof(h.code("phone"))
	}},
	{"a recovery text where no text was asked for", func(h *house) {
		proved(h)
		h.textProof("123456")
	}},
	{"a recovery text of a number that was changed", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.quietly(phone.EndedAll{Person: h.ada.ID, At: h.now})
		h.textProof("123456")
		h.number(other)
		h.textProof("123456")
	}},
	{"a password by mail, and a text: one class of proof", func(h *house) {
		h.m.Policy.MailedPasswordLag = day
		h.with(func(p *person.Person) { p.MailedPassword = true })
		proved(h)
		h.unseen(func() { h.askText() })
		h.textProof(h.textSent())
	}},
	{"recovery by text of somebody whose number was replaced a short while ago", func(h *house) {
		h.app("phone")
		h.codes()
		h.number(mobile)
		h.quietly(phone.EndedAll{Person: h.ada.ID, At: h.now.Add(-time.Hour)})
		h.number(other)
		h.unseen(func() {
			h.signIn(password)
			h.codeProof(paper[0])
			h.stillHave("no")
			h.install()
			h.typeNumber("+12025550145")
			h.textCode(h.sent())
		})
		h.secret()
		h.scanned()
		h.newFactor(h.fresh())
	}},
	{"a set-up code beside an app that works", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		proved(h)
		h.handOut("ABCDEFGH", func(*person.Link) {})
		h.setupCode("ABCDEFGH")
	}},
	{"a set-up code of somebody whose app ended", func(h *house) {
		h.number(mobile)
		h.with(func(p *person.Person) { p.EnrolledAt = start.Add(-day) })
		h.handOut("ABCDEFGH", func(*person.Link) {})
		h.signIn(password)
		h.setupCode("ABCDEFGJ")
		h.setupCode("ABCDEFGH")
		h.install()
	}},
	{"what is no step of a recovery", func(h *house) {
		proved(h)
		h.install()
		h.stillHave("no")
		h.mustChange(changed)
		h.ownNumber()
		h.notNow()
	}},
}

// neither is a code that is neither of the text nor of the app.
func (h *house) neither() string {
	for code := h.wrong(key("phone")); ; code = mistyped(code) {
		if code != h.textSent() {
			return code
		}
	}
}
