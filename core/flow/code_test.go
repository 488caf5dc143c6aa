package flow_test

import (
	"time"

	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/session"
)

// missed gives an app so many misses in a row.
func (h *house) missed(app string, n int) {
	h.Helper()
	for range n {
		h.quietly(factor.Missed{ID: "app-" + app})
	}
}

// asked is a recovery that waits until a moment.
func (h *house) asked(open time.Time) flow.Recovery {
	h.Helper()
	r := flow.Recovery{ID: "recovery-1", Person: h.ada.ID, Phone: "number-143", AskedAt: h.now, OpenAt: open, Until: open.Add(flow.RecoveryOpen)}
	h.quietly(flow.RecoveryAsked{Recovery: r})
	return r
}

// proved is Ada, enrolled, with the right password: an app code is asked for.
func proved(h *house) {
	h.enrolled()
	h.unseen(func() { h.signIn(password) })
}

var codeRows = []row{
	{"an app code", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.MailedPassword = true })
		h.unseen(func() {
			h.signInAs(flow.SignIn{Name: "ada", Password: password, ReturnTo: "https://wiki.example.org/"})
		})
		h.appCode(h.code("phone"))
		h.later(30 * time.Second)
		h.signIn(password)
		h.appCode(h.code("phone"))
	}},
	{"an app code that was used", func(h *house) {
		proved(h)
		h.unseen(func() { h.appCode(h.code("phone")); h.signIn(password) })
		h.appCode(h.code("phone"))
	}},
	{"an app code that is none", func(h *house) {
		proved(h)
		h.appCode("")
		h.appCode("12345")
	}},
	{"ten wrong ones, the alarm from the fifth, and the wait", func(h *house) {
		proved(h)
		for range 10 {
			h.appCode(h.wrong(key("phone")))
		}
		h.appCode(h.code("phone"))
		h.codeProof(paper[0])
		h.askText()
		h.later(15*time.Minute - time.Millisecond)
		h.signIn(password)
		h.appCode(h.code("phone"))
		h.later(time.Millisecond)
		h.appCode(h.code("phone"))
	}},
	{"the second and the third wait are longer, and no longer after that", func(h *house) {
		h.enrolled()
		lane := limit.Codes.Key(h.ada.ID, string(limit.Others))
		for range 4 {
			h.spendKey(limit.Codes, 9, lane)
			h.unseen(func() { h.signIn(password) })
			h.appCode(h.wrong(key("phone")))
			h.later(time.Hour)
		}
	}},
	{"a right code takes the wrong ones back", func(h *house) {
		proved(h)
		h.spendKey(limit.Codes, 7, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.appCode(h.code("phone"))
		h.later(time.Minute)
		h.signIn(password)
		h.look()
	}},
	{"two apps, two misses", func(h *house) {
		h.app("tablet")
		proved(h)
		h.appCode(h.wrong(key("phone"), key("tablet")))
		h.appCode(h.code("tablet"))
	}},
	{"the hundredth miss of an app ends it", func(h *house) {
		h.app("tablet")
		h.enrolled()
		h.missed("phone", 98)
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.wrong(key("phone"), key("tablet")))
		h.appCode(h.wrong(key("phone"), key("tablet")))
		h.appCode(h.wrong(key("phone"), key("tablet")))
	}},
	{"the year of other browsers closes their lane", func(h *house) {
		h.enrolled()
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[3], Now: h.now, Amount: 298, Free: true})
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.wrong(key("phone")))
		h.appCode(h.wrong(key("phone")))
		h.appCode(h.code("phone"))
	}},
	{"two apps close it in one", func(h *house) {
		h.app("tablet")
		h.enrolled()
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[0], Now: h.now, Amount: 298, Free: true})
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.wrong(key("phone"), key("tablet")))
	}},
	{"the year of a known browser forgets it", func(h *house) {
		h.enrolled()
		h.knownHere()
		h.quietly(limit.Spent{Budget: limit.KnownYear, Key: limit.KnownYear.Key(h.ada.ID, "known-1"), Now: h.now, Amount: 98, Free: true})
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.wrong(key("phone")))
		h.appCode(h.wrong(key("phone")))
		h.appCode(h.code("phone"))
		h.signIn(password)
	}},
	{"the year of a known browser that is known no more", func(h *house) {
		h.enrolled()
		h.knownHere()
		h.quietly(limit.Spent{Budget: limit.KnownYear, Key: limit.KnownYear.Key(h.ada.ID, "known-1"), Now: h.now, Amount: 99, Free: true})
		h.unseen(func() { h.signIn(password) })
		h.quietly(session.Forgot{ID: "known-1", Person: h.ada.ID})
		h.appCode(h.wrong(key("phone")))
		h.appCode(h.code("phone"))
	}},
	{"the year of a known browser passes", func(h *house) {
		h.enrolled()
		h.knownHere()
		h.quietly(limit.Spent{Budget: limit.KnownYear, Key: limit.KnownYear.Key(h.ada.ID, "known-1"), Now: h.now.Add(-365 * day), Amount: 100, Free: true})
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.wrong(key("phone")))
	}},
	{"the year of a known browser passes at its end", func(h *house) {
		h.enrolled()
		h.knownHere()
		h.unseen(func() { h.signIn(password) })
		h.quietly(limit.Spent{Budget: limit.KnownYear, Key: limit.KnownYear.Key(h.ada.ID, "known-1"), Now: h.now.Add(time.Millisecond - 365*day), Amount: 100, Free: true})
		h.look()
		h.later(time.Millisecond)
		h.look()
	}},
	{"an app code cancels a recovery that waits", func(h *house) {
		h.enrolled()
		h.asked(h.now.Add(day))
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.code("phone"))
	}},
	{"an app code cancels a recovery that is open", func(h *house) {
		h.enrolled()
		h.asked(h.now)
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.code("phone"))
	}},
	{"an app code leaves a recovery alone that lapsed", func(h *house) {
		h.enrolled()
		h.asked(h.now.Add(-flow.RecoveryOpen))
		h.unseen(func() { h.signIn(password) })
		h.appCode(h.code("phone"))
	}},
	{"the code of a text in the field of the app", func(h *house) {
		proved(h)
		h.unseen(func() { h.askText() })
		h.appCode(h.under().Attempt.Data.TextCode.Digits)
		h.appCode(h.wrong(key("phone")))
		h.later(10 * time.Minute)
		h.appCode(h.wrong(key("phone")))
	}},
	{"a wrong app code with two apps and a text", func(h *house) {
		h.app("tablet")
		proved(h)
		h.unseen(func() { h.askText() })
		h.appCode(h.wrong(key("phone"), key("tablet")))
	}},
	{"a phone whose clock is fast, told at the second code", func(h *house) {
		proved(h)
		ahead := func() string { return codeOf(key("phone"), h.now.Add(5*time.Minute)) }
		h.appCode(ahead())
		h.later(30 * time.Second)
		h.appCode(ahead())
	}},
	{"a password that must change after the code", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.MustChange = true })
		h.unseen(func() { h.signIn(password) })
		h.mustChange(changed)
		h.appCode(h.code("phone"))
		h.mustChange("short")
		h.mustChange(password)
		h.b.Known = "some cookie"
		h.mustChange(changed)
	}},
	{"a code at once in two browsers", func(h *house) {
		proved(h)
		first := *h.b
		h.b = h.browser("Safari", "198.51.100.8")
		h.unseen(func() { h.signIn(password) })
		h.beforeCall(3, func() {
			if _, err := h.m.SubmitFactor(h.Context(), flow.Post{Token: first.attempt, Form: "first"}, h.code("phone"), first.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.appCode(h.code("phone"))
	}},
	{"wrong codes fill the lane just before a right one", func(h *house) {
		proved(h)
		h.beforeCall(3, func() { h.spendKey(limit.Codes, 10, limit.Codes.Key(h.ada.ID, string(limit.Others))) })
		h.appCode(h.code("phone"))
	}},
	{"a form of an attempt that is not there", func(h *house) {
		h.enrolled()
		h.b.attempt = "nothing"
		h.appCode(h.code("phone"))
		h.b.attempt = ""
		h.appCode(h.code("phone"))
	}},
	{"a form of an attempt whose person is gone", func(h *house) {
		proved(h)
		h.beforeCall(2, func() { h.quietly(person.Deleted{ID: h.ada.ID}) })
		h.appCode(h.code("phone"))
	}},
	{"the app code's form twice", func(h *house) {
		proved(h)
		token, code := h.b.attempt, h.code("phone")
		post := func(form, code string) {
			h.postAs("app code", flow.Post{Token: token, Form: form}, func(p flow.Post) (flow.Result, error) {
				return h.m.SubmitFactor(h.Context(), p, code, h.b.Client)
			})
		}
		post("form", code)
		post("form", code)
		h.b.Known = ""
		post("form", code)
		h.b.Known = "another"
		h.later(flow.MovedFor)
		post("form", code)
		post("other form", code)
		post("form", h.wrong(key("phone")))
		h.later(time.Millisecond)
		post("form", code)
	}},
	{"the app code's form twice, after the session ended", func(h *house) {
		proved(h)
		token, code := h.b.attempt, h.code("phone")
		post := func() {
			h.postAs("app code", flow.Post{Token: token, Form: "form"}, func(p flow.Post) (flow.Result, error) {
				return h.m.SubmitFactor(h.Context(), p, code, h.b.Client)
			})
		}
		h.unseen(func() { post(); h.signOut(false) })
		post()
	}},
	{"an attempt until its last moment", func(h *house) {
		proved(h)
		h.later(flow.CodeIdle - time.Millisecond)
		h.look()
		h.appCode("")
		h.later(time.Millisecond)
		h.appCode(h.code("phone"))
	}},
	{"an attempt in which codes are tried for hours", func(h *house) {
		proved(h)
		for range 17 {
			h.later(14 * time.Minute)
			h.do("wrong", func() (flow.Result, error) {
				return h.m.SubmitFactor(h.Context(), flow.Post{Token: h.b.attempt, Form: h.b.form()}, h.wrong(key("phone")), h.b.Client)
			})
			h.look()
		}
		h.later(2*time.Minute - time.Millisecond)
		h.look()
		h.later(time.Millisecond)
		h.look()
	}},
	{"another session of the browser ends with the new one", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.finishCodes(true) })
		h.later(time.Minute)
		h.signIn(password)
		h.appCode(h.code("phone"))
		h.signIn(password)
		h.later(time.Minute)
		h.unseen(func() { h.signOut(false) })
		h.appCode(h.code("phone"))
	}},
	{"a cookie that four share", func(h *house) {
		h.b.Known = "shared"
		for i := range 4 {
			h.shares(i, "shared")
		}
		proved(h)
		h.appCode(h.code("phone"))
	}},
	{"a cookie that five share", func(h *house) {
		h.b.Known = "shared"
		for i := range 5 {
			h.shares(i, "shared")
		}
		proved(h)
		h.appCode(h.code("phone"))
	}},
	{"our clock is wrong", func(h *house) {
		proved(h)
		for range 20 {
			h.unseen(func() {
				h.appCode(codeOf(key("phone"), h.now.Add(30*time.Second)))
				h.later(time.Minute)
				h.signIn(password)
			})
		}
		h.appCode(h.wrong(key("phone")))
	}},
	{"leaving", func(h *house) {
		proved(h)
		h.leave()
		h.leave()
		h.b.attempt = ""
		h.leave()
	}},
}
