package flow_test

import (
	"context"
	"strings"
	"time"

	"sallyport/core/audit"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/words"
)

// mailSays looks into the newest mail of a kind of the last step.
func (h *house) mailSays(kind, what string) {
	h.Helper()
	for _, set := range h.applied {
		for _, effect := range set {
			if q, ok := effect.(message.QueuedOnce); ok && q.Message.Kind == kind && q.Message.Way == message.ByMail {
				if !strings.Contains(q.Message.Text, what) {
					h.Errorf("the mail %s does not say %q: %s", kind, what, q.Message.Text)
				}
				return
			}
		}
	}
	h.Errorf("no mail %s", kind)
}

// moved is the code of the number that is to replace the present one.
func (h *house) moved() string { return h.changing().Data.Text.Digits }

var changeRows = []row{
	{"change the number", func(h *house) {
		h.signedIn()
		h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.appCode(h.code("phone")) }) })
		h.changeNumber(other)
		h.changeCode(h.moved())
		h.mailSays("number-changed", "144")
	}},
	{"the first number", func(h *house) {
		h.app("phone")
		h.codes()
		h.signedIn()
		h.changeNumber(mobile)
		h.changeCode(h.moved())
	}},
	{"a number after one that was removed, until the last moment of the hold", func(h *house) {
		h.app("phone")
		h.signedIn()
		h.quietly(audit.New(h.now.Add(time.Millisecond-phone.Hold), audit.NumberRemoved, h.ada.ID))
		h.changeNumber(mobile)
		h.later(0)
		h.changeCode(h.moved())
	}},
	{"a number after one that was removed long ago", func(h *house) {
		h.app("phone")
		h.signedIn()
		h.quietly(audit.New(h.now.Add(-phone.Hold), audit.NumberRemoved, h.ada.ID))
		h.changeNumber(mobile)
		h.changeCode(h.moved())
	}},
	{"a number after one that was replaced a moment ago hears of it, and so does that before", func(h *house) {
		h.app("phone")
		for i, n := range []string{"+12025550145", "+12025550146", "+12025550147"} {
			h.number(n)
			h.quietly(phone.EndedAll{Person: h.ada.ID, At: h.now.Add(time.Duration(i)*time.Hour - phone.Heard)})
		}
		h.number(mobile)
		h.signedIn()
		h.changeNumber(other)
		h.changeCode(h.moved())
	}},
	{"the same number", func(h *house) {
		h.signedIn()
		h.changeNumber("202 555 0143")
		h.changeNumber("12")
		h.changeAgain()
		h.changeCode("123456")
	}},
	{"a new number that five share", func(h *house) {
		h.signedIn()
		h.sharedBy(5, other)
		h.changeNumber(other)
	}},
	{"a new number that five share by the time that it is proved", func(h *house) {
		h.signedIn()
		h.changeNumber(other)
		h.sharedBy(5, other)
		h.changeCode(h.moved())
		h.changeNumber("+12025550145")
	}},
	{"a new number twice, and sent again", func(h *house) {
		h.signedIn()
		h.changeNumber(other)
		h.changeNumber(other)
		h.changeAgain()
		h.later(30 * time.Second)
		h.changeAgain()
		h.changeNumber("+12025550145")
		h.changeCode(h.moved())
	}},
	{"wrong codes of a new number", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber(other) })
		h.changeCode("")
		for range 5 {
			h.changeCode(mistyped(h.moved()))
		}
		h.changeCode(h.moved())
	}},
	{"a wrong code of a new number, the tenth in the lane", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber(other) })
		h.spendKey(limit.Codes, 9, limit.Codes.Key(h.ada.ID, string(h.lane())))
		h.changeCode(mistyped(h.moved()))
		h.changeCode(h.moved())
	}},
	{"a code of a new number a moment late", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber(other) })
		h.later(4*time.Minute - time.Millisecond)
		h.unseen(func() { h.confirm(h.whole()) })
		h.later(4 * time.Minute)
		h.unseen(func() { h.confirm(h.whole()) })
		h.later(2*time.Minute + time.Millisecond)
		was := h.moved()
		h.changeCode(was)
		h.later(time.Second)
		h.changeCode(was)
	}},
	{"a code of a new number late, and no text may go", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber(other) })
		h.later(4 * time.Minute)
		h.unseen(func() { h.confirm(h.whole()) })
		h.later(4 * time.Minute)
		h.unseen(func() { h.confirm(h.whole()) })
		h.later(2 * time.Minute)
		h.spend(limit.TextPersonDay, 9, h.ada.ID)
		h.changeCode(h.moved())
	}},
	{"a code of a new number where the lane is closed", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber(other) })
		h.unknown()
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[0], Now: h.now, Amount: 300, Free: true})
		h.changeCode(h.moved())
	}},
	{"a change of number a moment after the confirmation's end", func(h *house) {
		h.signedIn()
		h.later(session.Fresh - time.Minute - time.Millisecond)
		h.changeNumber(other)
		h.later(time.Millisecond)
		h.changeNumber("+12025550145")
		h.unseen(func() { h.confirm(h.whole()) })
		h.say("  typed %q, number %q", h.changing().Data.Typed, h.changing().Data.Number.E164)
	}},
	{"a change of number in a session that idled, and in one that was ended", func(h *house) {
		h.signedIn()
		h.later(time.Hour)
		h.changeNumber(other)
		h.later(11 * time.Hour)
		h.changeNumber(other)
	}},
	{"a change of number in no session", func(h *house) {
		h.b.Session = "nothing"
		h.changeNumber(other)
	}},
	{"a change under way ends after an hour", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber(other) })
		at := h.now.Add(flow.SetupIdle)
		for h.now.Add(4 * time.Minute).Before(at) {
			h.later(4 * time.Minute)
			h.unseen(func() { h.confirm(h.whole()) })
		}
		h.now = at.Add(-time.Millisecond)
		h.changeAgain()
		h.now = at
		h.changeAgain()
	}},
	{"the same number change in two forms at once", func(h *house) {
		h.signedIn()
		h.beforeCall(4, func() {
			if _, err := h.m.ChangeNumber(h.Context(), h.b.Session, other, "US", h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.changeNumber(other)
	}},
	{"a number in two forms at once, in a change that was begun", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.changeNumber("+12025550145") })
		h.beforeCall(5, func() {
			if _, err := h.m.ChangeNumber(h.Context(), h.b.Session, other, "US", h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.changeNumber(other)
	}},
	{"the same number change in two forms at once, with one begun before", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("", false); h.changeNumber(other); h.later(time.Minute) })
		h.beforeCall(5, func() {
			if _, err := h.m.ChangeNumberAgain(h.Context(), h.b.Session, h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.changeAgain()
	}},

	{"add an app", func(h *house) {
		h.signedIn()
		h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.appCode(h.code("phone")) }) })
		h.newApp("", false)
		h.newApp("", false)
		h.newAppScanned()
		h.newApp("", true)
		h.newAppCode("")
		h.newAppCode(h.wrong(h.changing().Data.Secret, key("phone")))
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
		h.newApp("", false)
		h.unseen(func() { h.newAppCode(codeOf(h.changing().Data.Secret, h.now)) })
		h.newApp("", false)
	}},
	{"replace an app", func(h *house) {
		h.enrolled()
		h.app("tablet")
		h.signedIn()
		h.newApp("app-watch", false)
		h.newApp("app-tablet", false)
		h.newApp("app-phone", false)
		h.newApp("app-phone", false)
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},
	{"two changes of a session: the newer one goes on", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("app-phone", false) })
		h.newApp("", false)
		h.changeCode("123456")
		h.newAppScanned()
	}},
	{"a code for a new app that was not begun", func(h *house) {
		h.signedIn()
		h.newAppCode("123456")
		h.newAppScanned()
		h.changeNumber(other)
		h.newAppCode("123456")
	}},
	{"a code for a new app, the tenth wrong one", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("", false) })
		h.spendKey(limit.Codes, 9, limit.Codes.Key(h.ada.ID, string(h.lane())))
		h.newAppCode(h.wrong(h.changing().Data.Secret, key("phone")))
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},
	{"a code for a new app where the lane is closed", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("", false) })
		h.unknown()
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[0], Now: h.now, Amount: 300, Free: true})
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},
	{"the third app by the name that is given", func(h *house) {
		for _, name := range []string{"", " 2"} {
			f := factor.New(factor.App, h.ada.ID, words.Text("app.name")+name, key("phone").Encode(), start)
			h.quietly(factor.Bound{Factor: f})
		}
		h.with(func(p *person.Person) { p.EnrolledAt = start })
		h.signedIn()
		h.unseen(func() { h.newApp("", false) })
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},
	{"names of new apps", func(h *house) {
		h.signedIn()
		h.unseen(func() {
			h.newApp("", false)
			h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
			h.newApp("", false)
		})
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},

	{"new recovery codes", func(h *house) {
		h.signedIn()
		h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.appCode(h.code("phone")) }) })
		h.newCodes()
		h.finishCodes(true)
		h.stands()
	}},
	{"new recovery codes, unconfirmed", func(h *house) {
		h.signedIn()
		h.later(session.Fresh)
		h.newCodes()
	}},
	{"new recovery codes while the portal is busy", func(h *house) {
		h.signedIn()
		h.m.Hasher = full(h)
		h.newCodes()
	}},
	{"new recovery codes, and the confirmation ends meanwhile", func(h *house) {
		h.signedIn()
		h.beforeCall(3, func() { h.later(session.Fresh) })
		h.newCodes()
	}},
	{"the newest set that can be read has the salt", func(h *house) {
		h.codes()
		h.app("phone")
		h.quietly(factor.EndedAll{Person: h.ada.ID, Kind: factor.Recovery, Why: factor.EndedByReplace, At: start})
		h.quietly(factor.Bound{Factor: factor.New(factor.Recovery, h.ada.ID, "", []byte("{"), start)})
		h.signedIn()
		h.newCodes()
	}},
	{"a recovery that waits ends with a change", func(h *house) {
		h.signedIn()
		h.asked(h.now.Add(day))
		h.unseen(func() { h.newApp("", false) })
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},
	{"the person changes just before a change", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("", false) })
		h.beforeChange(func() { h.with(func(p *person.Person) { p.Display = "Ada" }) })
		h.newAppCode(codeOf(h.changing().Data.Secret, h.now))
	}},
	{"a change is read", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("", false) })
		for _, kinds := range [][]string{nil, {flow.SetupNumber}, {flow.SetupNumber, flow.SetupAdd}} {
			c, err := h.m.Change(context.Background(), h.b.Session, kinds...)
			h.say("%v: %t %v", kinds, c.Setup != nil, err)
		}
	}},
}
