package flow_test

import (
	"context"
	"time"

	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/session"
)

// stands writes down how the session stands.
func (h *house) stands() {
	h.Helper()
	h.do("session", func() (flow.Result, error) {
		s, err := h.m.Signed(h.Context(), h.b.Session)
		switch {
		case err != nil:
			return flow.Result{}, err
		case s == nil:
			h.say("  no session")
		default:
			until, over := h.m.Holds(s.Person, s.Session, h.now)
			h.say("  session %q, holds %q until %s ahead", s.Over, over, until.Sub(h.now))
		}
		return flow.Result{}, nil
	})
}

// whole is a confirmation with both factors.
func (h *house) whole() flow.Confirmation {
	return flow.Confirmation{Password: password, Code: h.code("phone")}
}

var sessionRows = []row{
	{"a session that is seen once a minute", func(h *house) {
		h.enrolled()
		h.unseen(func() { h.signIn(password); h.appCode(h.code("phone")) })
		h.later(time.Minute - time.Millisecond)
		h.stands()
		h.later(time.Millisecond)
		h.stands()
		h.later(time.Hour - time.Millisecond)
		h.stands()
		h.later(time.Hour)
		h.stands()
		h.finishCodes(true)
	}},
	{"no session", func(h *house) {
		h.stands()
		h.b.Session = "nothing"
		h.stands()
		h.finishCodes(true)
		h.confirm(flow.Confirmation{Password: password})
	}},
	{"a session of somebody who was turned off", func(h *house) {
		h.signedIn()
		h.with(func(p *person.Person) { p.DisabledAt = h.now })
		h.stands()
		h.newCodes()
	}},
	{"a session of somebody on hold", func(h *house) {
		h.signedIn()
		h.with(func(p *person.Person) { p.HeldAt = h.now })
		h.stands()
	}},
	{"a session of somebody who is gone", func(h *house) {
		h.signedIn()
		h.beforeCall(2, func() { h.quietly(person.Deleted{ID: h.ada.ID}) })
		h.stands()
	}},
	{"a session of a password alone ends with the grace", func(h *house) {
		h.m.Policy.GraceDays, h.m.Policy.Length, h.m.Policy.Idle = 1, 30*day, 30*day
		h.unseen(func() { h.signIn(password); h.notNow() })
		h.later(day - time.Millisecond)
		h.stands()
		h.later(time.Millisecond)
		h.stands()
	}},
	{"a session of a password alone that ends before the grace", func(h *house) {
		h.m.Policy.GraceDays = 30
		h.unseen(func() { h.signIn(password); h.notNow() })
		h.stands()
		h.confirm(flow.Confirmation{Password: password, PasswordOnly: true})
		h.later(12 * time.Hour)
		h.stands()
	}},

	{"confirm with both", func(h *house) {
		h.signedIn()
		h.confirm(h.whole())
		h.stands()
	}},
	{"confirm with a password alone", func(h *house) {
		h.signedIn()
		h.later(10 * time.Minute)
		h.confirm(flow.Confirmation{Password: password, PasswordOnly: true})
		h.newCodes()
	}},
	{"confirm with a recovery code", func(h *house) {
		h.signedIn()
		h.confirm(flow.Confirmation{Password: password, ByRecovery: true, Recovery: paper[0]})
		h.mailSays("recovery-code", "You have 9 left")
	}},
	{"confirm with nothing", func(h *house) {
		h.signedIn()
		h.confirm(flow.Confirmation{Code: h.code("phone")})
		h.confirm(flow.Confirmation{Password: password})
		h.confirm(flow.Confirmation{Password: password, ByRecovery: true})
	}},
	{"confirm with a wrong password, to the tenth", func(h *house) {
		h.signedIn()
		h.spend(limit.PasswordKnown, 8, h.ada.ID, string(h.lane()))
		h.confirm(flow.Confirmation{Password: changed, Code: h.code("phone")})
		h.confirm(flow.Confirmation{Password: changed, Code: h.code("phone")})
		h.confirm(h.whole())
		h.later(15 * time.Minute)
		h.confirm(h.whole())
	}},
	{"confirm with a password of other form", func(h *house) {
		h.signedIn()
		h.confirm(flow.Confirmation{Password: password + "\xff", Code: h.code("phone")})
	}},
	{"confirm with wrong codes, to the tenth", func(h *house) {
		h.signedIn()
		wrong := flow.Confirmation{Password: password, Code: h.wrong(key("phone"))}
		for range 10 {
			h.confirm(wrong)
		}
		h.waits()
		h.confirm(h.whole())
		h.changeNumber(other)
		h.later(15 * time.Minute)
		h.waits()
		h.confirm(h.whole())
	}},
	{"confirm with a wrong recovery code", func(h *house) {
		h.signedIn()
		h.confirm(flow.Confirmation{Password: password, ByRecovery: true, Recovery: "8KZT-4Q2M-7XPD-93HD"})
	}},
	{"confirm with the hundredth wrong code of the app", func(h *house) {
		h.signedIn()
		h.missed("phone", 99)
		h.confirm(flow.Confirmation{Password: password, Code: h.wrong(key("phone"))})
	}},
	{"confirm in a session that is no known browser's, with the fifth wrong code", func(h *house) {
		h.signedIn()
		h.unknown()
		h.spendKey(limit.Codes, 4, limit.Codes.Key(h.ada.ID, string(limit.Others)))
		h.confirm(flow.Confirmation{Password: password, Code: h.wrong(key("phone"))})
	}},
	{"confirm where the lane is closed", func(h *house) {
		h.signedIn()
		h.unknown()
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[0], Now: h.now, Amount: 300, Free: true})
		h.confirm(h.whole())
		h.waits()
	}},
	{"confirm twice by one form", func(h *house) {
		h.signedIn()
		was, in := h.b.Session, h.whole()
		in.Form = "form"
		h.confirm(in)
		h.b.Session = was
		h.confirm(in)
		h.b.Session = was
		other := in
		other.Code = "123456"
		h.confirm(other)
		h.b.Session = was
		h.later(flow.MovedFor)
		h.confirm(in)
		h.b.Session = was
		h.later(time.Millisecond)
		h.confirm(in)
	}},
	{"confirm twice, and the new session was ended", func(h *house) {
		h.signedIn()
		was, in := h.b.Session, h.whole()
		in.Form = "form"
		h.confirm(in)
		h.unseen(func() { h.signOut(false) })
		h.b.Session = was
		h.confirm(in)
	}},
	{"confirm by the same form at once", func(h *house) {
		h.signedIn()
		in := h.whole()
		in.Form = "form"
		h.beforeCall(5, func() {
			if _, err := h.m.Confirm(h.Context(), h.b.Session, in, h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.confirm(in)
	}},
	{"confirm by the same form at once, with a recovery code", func(h *house) {
		h.signedIn()
		in := flow.Confirmation{Form: "form", Password: password, ByRecovery: true, Recovery: paper[0]}
		h.beforeCall(6, func() {
			if _, err := h.m.Confirm(h.Context(), h.b.Session, in, h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.confirm(in)
	}},
	{"confirm in a session that idled", func(h *house) {
		h.signedIn()
		h.later(time.Hour)
		h.confirm(h.whole())
	}},
	{"confirm while the portal is busy", func(h *house) {
		h.signedIn()
		h.m.Hasher = full(h)
		h.confirm(h.whole())
	}},

	{"sign out", func(h *house) {
		h.signedIn()
		h.signOut(false)
		h.signOut(false)
		h.b.Session = ""
		h.signOut(true)
	}},
	{"sign out, and forget the browser", func(h *house) {
		h.signedIn()
		h.signOut(true)
		h.signIn(password)
	}},
	{"sign out, and forget a browser that is forgotten", func(h *house) {
		h.signedIn()
		h.b.Known = ""
		h.signOut(true)
		h.b.Known = "nothing"
		h.signOut(true)
	}},
	{"forget a cookie", func(h *house) {
		h.signedIn()
		forget := func() {
			h.do("forget", func() (flow.Result, error) { return flow.Result{}, h.m.ForgetCookie(h.Context(), h.b.Known) })
		}
		forget()
		h.b.Known = ""
		forget()
	}},
	{"a banner that was shown", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.newApp("", false); h.newAppCode(codeOf(h.changing().Data.Secret, h.now)) })
		h.do("noticed", func() (flow.Result, error) { return flow.Result{}, h.m.Noticed(h.Context(), h.signed()) })
	}},
	{"codes that were not saved in time", func(h *house) {
		h.unseen(func() { setUp(h) })
		h.later(flow.CodesShown)
		h.finishCodes(true)
	}},
	{"codes that wait go on under a new name", func(h *house) {
		h.unseen(func() { setUp(h) })
		h.later(time.Minute)
		h.confirm(flow.Confirmation{Password: password, PasswordOnly: true})
	}},
}

// lane is that of the session.
func (h *house) lane() limit.Lane { return limit.Known(h.signed().Session.Known) }

// unknown makes the session one of no known browser.
func (h *house) unknown() {
	h.Helper()
	s := h.signed().Session
	s.Known = ""
	h.quietly(session.Saved{Session: s})
}

// waits writes down how long somebody signed in waits for the next code.
func (h *house) waits() {
	h.Helper()
	h.do("waiting", func() (flow.Result, error) {
		wait, err := h.m.Waiting(h.Context(), h.signed())
		h.say("  waits %s", wait)
		return flow.Result{}, err
	})
}

// changing is the change under way in the session.
func (h *house) changing() *flow.Setup {
	h.Helper()
	c, err := h.m.Change(context.Background(), h.b.Session, flow.SetupNumber, flow.SetupAdd, flow.SetupReplace)
	h.m.Wait()
	if err != nil || c.Setup == nil {
		h.Fatalf("no change is under way: %v", err)
	}
	return c.Setup
}
