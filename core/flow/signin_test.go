package flow_test

import (
	"time"

	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/policy"
	"sallyport/core/session"
)

const day = 24 * time.Hour

// knownHere makes the browser one that Ada signed in with before.
func (h *house) knownHere() {
	h.Helper()
	h.b.Known = "known-cookie"
	h.quietly(session.Recognised{Browser: session.KnownBrowser{ID: "known-1", Token: flow.HashToken("known-cookie"), Person: h.ada.ID,
		MadeAt: h.now.Add(-30 * day), SeenAt: h.now.Add(-day), EndsAt: h.now.Add(session.KnownFor - day), Agent: "Firefox"}})
}

var signInRows = []row{
	{"sign in without a name", func(h *house) { h.signInAs(flow.SignIn{Password: password}) }},
	{"sign in without a password", func(h *house) { h.signIn("") }},
	{"sign in with what is no name", func(h *house) { h.signInAs(flow.SignIn{Name: "\u202e", Password: password}) }},
	{"sign in as nobody", func(h *house) { h.signInAs(flow.SignIn{Name: "bob", Password: password}) }},
	{"sign in as nobody from nowhere", func(h *house) {
		h.b.Address = ""
		h.signInAs(flow.SignIn{Name: "bob", Password: password})
	}},
	{"sign in with a wrong password, then the right one", func(h *house) { h.signIn(changed); h.signIn(password) }},
	{"sign in before there is a password", func(h *house) {
		h.with(func(p *person.Person) { p.Password = "" })
		h.signIn(password)
	}},
	{"sign in as nobody with a known browser of somebody", func(h *house) {
		h.knownHere()
		h.signInAs(flow.SignIn{Name: "bob", Password: password})
	}},
	{"a known browser has a lane of its own", func(h *house) {
		h.enrolled()
		h.knownHere()
		h.spend(limit.PasswordPair, 10, name("ada"), h.b.Address)
		h.spend(limit.PasswordName, 100, name("ada"))
		h.signIn(changed)
		h.signIn(password)
		h.appCode(h.wrong(key("phone")))
		h.appCode(h.code("phone"))
	}},
	{"a known browser is one until its last moment", func(h *house) {
		h.knownHere()
		h.later(session.KnownFor - day - time.Millisecond)
		h.signIn(changed)
		h.later(time.Millisecond)
		h.signIn(changed)
	}},
	{"the tenth wrong password of a known browser, and what follows", func(h *house) {
		h.knownHere()
		h.spend(limit.PasswordKnown, 8, "known-1")
		h.signIn(changed)
		h.signIn(changed)
		h.signIn(password)
		h.later(15*time.Minute - time.Millisecond)
		h.signIn(password)
		h.later(time.Millisecond)
		h.signIn(password)
	}},
	{"the hundredth wrong password from an address, and what follows", func(h *house) {
		h.spend(limit.PasswordAddress, 99, h.b.Address)
		h.signIn(changed)
		h.signIn(password)
		h.later(15 * time.Minute)
		h.signIn(password)
	}},
	{"ten wrong ones of a pair", func(h *house) {
		h.spend(limit.PasswordPair, 10, name("ada"), h.b.Address)
		h.signIn(password)
		h.signInAs(flow.SignIn{Name: "bob", Password: password})
	}},
	{"ten wrong ones from nowhere", func(h *house) {
		h.b.Address = ""
		h.spend(limit.PasswordPair, 10, name("ada"), "nowhere")
		h.signIn(password)
	}},
	{"the hundredth wrong one of an hour is recorded no more, and tells Ada", func(h *house) {
		h.number(mobile)
		h.spend(limit.PasswordName, 97, name("ada"))
		h.signIn(changed)
		h.signIn(changed)
		h.signIn(changed)
		h.signIn(changed)
	}},
	{"the hundredth of nobody", func(h *house) {
		h.spend(limit.PasswordName, 99, name("bob"))
		h.signInAs(flow.SignIn{Name: "bob", Password: password})
	}},
	{"a budget fills while the password waits its turn", func(h *house) {
		h.beforeCall(4, func() { h.spend(limit.PasswordPair, 10, name("ada"), h.b.Address) })
		h.signIn(password)
	}},
	{"a budget fills while a wrong one waits its turn", func(h *house) {
		h.beforeCall(4, func() { h.spend(limit.PasswordPair, 10, name("ada"), h.b.Address) })
		h.signIn(changed)
	}},
	{"the portal is too busy", func(h *house) {
		h.m.Hasher = full(h)
		h.signIn(password)
	}},
	{"a hash of other costs is raised", func(h *house) {
		h.enrolled()
		h.m.Params.Time = 2
		h.signIn(password)
		h.appCode(h.code("phone"))
		h.signIn(password)
	}},
	{"a hash of other costs is raised, but another sign-in was quicker", func(h *house) {
		h.m.Params.Time = 2
		h.beforeCall(4, func() { h.with(func(p *person.Person) { p.Password = person.Hash(password, h.m.Params) }) })
		h.signIn(password)
	}},
	{"the password changes while it is checked", func(h *house) {
		h.beforeCall(4, func() { h.with(func(p *person.Person) { p.PasswordAt = h.now }) })
		h.signIn(password)
	}},
	{"the password goes while it is checked", func(h *house) {
		h.beforeCall(4, func() { h.with(func(p *person.Person) { p.Password = "" }) })
		h.signIn(password)
	}},
	{"the person goes while the password is checked", func(h *house) {
		h.beforeCall(4, func() { h.quietly(person.Deleted{ID: h.ada.ID}) })
		h.signIn(password)
	}},
	{"the account is put on hold just before it is looked at", func(h *house) {
		h.enrolled()
		h.beforeCall(7, func() { h.with(func(p *person.Person) { p.HeldAt, p.HeldWhy = h.now, "app-added" }) })
		h.signIn(password)
	}},
	{"the account is put on hold just before the change", func(h *house) {
		h.enrolled()
		h.beforeChange(func() { h.with(func(p *person.Person) { p.HeldAt, p.HeldWhy = h.now, "app-added" }) })
		h.signIn(password)
	}},
}

var admitRows = []row{
	{"turned off", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.DisabledAt = h.now })
		h.signIn(password)
	}},
	{"on hold", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.HeldAt = h.now })
		h.signIn(password)
	}},
	{"the first time", func(h *house) {
		h.signInAs(flow.SignIn{Name: "ADA", Password: password, ReturnTo: "https://wiki.example.org/"})
	}},
	{"the first time, within days of grace", func(h *house) {
		h.m.Policy.GraceDays = 7
		h.signIn(password)
		h.later(day)
		h.signIn(password)
	}},
	{"a grace that was stored, where none is given any more", func(h *house) {
		h.with(func(p *person.Person) { p.MustBy = h.now.Add(day) })
		h.signIn(password)
	}},
	{"2FA turned off, and the hash is raised", func(h *house) {
		h.with(func(p *person.Person) { p.EnrolledAt, p.TurnedOff = start.Add(-day), true })
		h.m.Policy.Optional, h.m.Params.Time = true, 2
		h.signIn(password)
	}},
	{"the first time, by invitation", func(h *house) {
		h.m.Policy.Enrol = policy.ByInvitation
		h.signIn(password)
	}},
	{"the first time, by a setup code", func(h *house) {
		h.m.Policy.Enrol = policy.BySetupCode
		h.signIn(password)
	}},
	{"2FA turned off, where people may", func(h *house) {
		h.codes()
		h.m.Policy.Optional = true
		h.with(func(p *person.Person) { p.EnrolledAt, p.TurnedOff = start.Add(-day), true })
		h.signInAs(flow.SignIn{Name: "ada", Password: password, ReturnTo: "https://wiki.example.org/"})
		h.look()
		h.signInAs(flow.SignIn{Name: "ada", Password: password, SetUp: true})
		h.look()
	}},
	{"2FA turned off, a password too short to stand alone", func(h *house) {
		h.with(func(p *person.Person) {
			p.EnrolledAt, p.TurnedOff, p.Password = start.Add(-day), true, person.Hash("walnut orbit", cost)
		})
		h.m.Policy.Optional = true
		h.signIn("walnut orbit")
		h.mustChange("walnut orbit")
		h.mustChange(changed)
	}},
	{"a short password beside an app", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.Password = person.Hash("walnut orbit", cost) })
		h.m.Policy.Optional = true
		h.signIn("walnut orbit")
	}},
	{"a short password and no app any more", func(h *house) {
		h.with(func(p *person.Person) { p.EnrolledAt, p.Password = start.Add(-day), person.Hash("walnut orbit", cost) })
		h.m.Policy.Optional = true
		h.signIn("walnut orbit")
		h.look()
	}},
	{"a short password before the set-up", func(h *house) {
		h.with(func(p *person.Person) { p.Password = person.Hash("walnut orbit", cost) })
		h.m.Policy.Optional = true
		h.signIn("walnut orbit")
		h.mustChange(changed)
		h.install()
	}},
	{"299 wrong codes in a year", func(h *house) {
		h.enrolled()
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[0], Now: h.now, Amount: 298, Free: true},
			limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[12], Now: h.now, Amount: 1, Free: true})
		h.signIn(password)
		h.appCode(h.wrong(key("phone")))
		h.signIn(password)
	}},
	{"a form twice, at once and a minute later", func(h *house) {
		h.enrolled()
		in := flow.SignIn{Name: "ada", Password: password, Form: "form"}
		h.signInAs(in)
		h.signInAs(in)
		h.later(flow.MovedFor)
		h.signInAs(in)
		h.later(time.Millisecond)
		h.signInAs(in)
	}},
	{"a form twice, after it led on", func(h *house) {
		h.with(func(p *person.Person) { p.EnrolledAt, p.TurnedOff = start.Add(-day), true })
		h.m.Policy.Optional = true
		in := flow.SignIn{Name: "ada", Password: password, Form: "form", ReturnTo: "https://wiki.example.org/"}
		h.signInAs(in)
		h.b.Session = ""
		h.later(flow.MovedFor)
		h.signInAs(in)
	}},
	{"a form twice, after it was left", func(h *house) {
		h.enrolled()
		in := flow.SignIn{Name: "ada", Password: password, Form: "form"}
		h.signInAs(in)
		h.leave()
		h.signInAs(in)
	}},
	{"a form of somebody else", func(h *house) {
		bob := person.New("bob", h.now)
		bob.ID, bob.Password, bob.PasswordAt = "bob-id", hashed(), h.now
		h.quietly(person.Added{Person: bob})
		h.signInAs(flow.SignIn{Name: "bob", Password: password, Form: "form"})
		h.signInAs(flow.SignIn{Name: "ada", Password: password, Form: "form"})
	}},
}

// idle signs in, and waits until the session has ended by idling alone.
func idle(h *house) {
	h.signedIn()
	h.unseen(func() { h.finishCodes(true) })
	h.later(time.Hour)
}

var reviveRows = []row{
	{"the password goes on with a session that idled", func(h *house) {
		idle(h)
		in := flow.SignIn{Name: "ada", Password: password, Form: "again", ReturnTo: "https://wiki.example.org/"}
		was := h.b.Session
		h.signInAs(in)
		h.b.Session = was
		h.later(flow.MovedFor)
		h.signInAs(in)
		h.b.Session = was
		h.later(time.Millisecond)
		h.signInAs(in)
	}},
	{"a session that goes on with codes to save", func(h *house) {
		h.unseen(func() { setUp(h) })
		h.later(time.Hour)
		was := h.b.Session
		in := flow.SignIn{Name: "ada", Password: password, Form: "again"}
		h.signInAs(in)
		h.b.Session = was
		h.signInAs(in)
	}},
	{"a session that has not idled is not gone on with", func(h *house) {
		h.signedIn()
		h.later(58 * time.Minute)
		h.signIn(password)
		h.appCode(h.code("phone"))
	}},
	{"a session that is over is not gone on with", func(h *house) {
		idle(h)
		h.later(12*time.Hour - time.Hour - time.Minute)
		h.signIn(password)
	}},
	{"a session that was ended is not gone on with", func(h *house) {
		h.signedIn()
		h.unseen(func() { h.signOut(false) })
		h.later(time.Hour)
		h.signIn(password)
	}},
	{"a session of a password alone is not gone on with", func(h *house) {
		h.m.Policy.GraceDays = 7
		h.unseen(func() { h.signIn(password); h.notNow() })
		h.later(time.Hour)
		h.signIn(password)
	}},
	{"a session of somebody else is not gone on with", func(h *house) {
		bob := person.New("bob", h.now)
		bob.ID, bob.Password, bob.PasswordAt = "bob-id", hashed(), h.now
		h.quietly(person.Added{Person: bob})
		idle(h)
		h.signInAs(flow.SignIn{Name: "bob", Password: password})
	}},
	{"a session is not gone on with where the password must change", func(h *house) {
		idle(h)
		h.with(func(p *person.Person) { p.MustChange = true })
		h.signIn(password)
	}},
	{"a session that is not there is not gone on with", func(h *house) {
		h.enrolled()
		h.b.Session = "nothing"
		h.signIn(password)
	}},
	{"a session that went on and ended again", func(h *house) {
		idle(h)
		in := flow.SignIn{Name: "ada", Password: password, Form: "again"}
		was := h.b.Session
		h.unseen(func() { h.signInAs(in); h.signOut(false) })
		h.b.Session = was
		h.signInAs(in)
	}},
}
