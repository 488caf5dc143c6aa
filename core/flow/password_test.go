package flow_test

import (
	"time"

	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/session"
)

// invited gives Ada an invitation whose token is "token".
func (h *house) invited(edit func(l *person.Link)) {
	h.Helper()
	l := person.Link{ID: h.m.LinkID("token"), Kind: person.Invitation, Person: h.ada.ID, MadeAt: h.now, EndsAt: h.now.Add(person.InvitationLife)}
	edit(&l)
	h.quietly(person.LinkMade{Link: l})
}

// newcomer is Ada without a password, invited.
func newcomer(h *house) {
	h.with(func(p *person.Person) { p.Password, p.PasswordAt = "", time.Time{} })
	h.invited(func(*person.Link) {})
}

var passwordRows = []row{
	{"accept an invitation", func(h *house) {
		newcomer(h)
		h.accept("token", "short")
		h.accept("token", changed)
		h.install()
		h.accept("token", changed)
	}},
	{"accept an invitation twice by one form", func(h *house) {
		newcomer(h)
		in := flow.Post{Form: "form"}
		post := func(entered string) {
			h.postAs("accept", in, func(p flow.Post) (flow.Result, error) {
				return h.m.AcceptInvitation(h.Context(), "token", entered, p, h.b.Client)
			})
		}
		post(changed)
		post(changed)
		post(password)
		h.later(flow.MovedFor)
		post(changed)
		h.later(time.Millisecond)
		post(changed)
	}},
	{"accept an invitation twice, and the attempt was left", func(h *house) {
		newcomer(h)
		post := func() {
			h.postAs("accept", flow.Post{Form: "form"}, func(p flow.Post) (flow.Result, error) {
				return h.m.AcceptInvitation(h.Context(), "token", changed, p, h.b.Client)
			})
		}
		post()
		h.unseen(func() { h.leave() })
		post()
	}},
	{"accept an invitation at once in two browsers", func(h *house) {
		newcomer(h)
		h.beforeCall(5, func() {
			if _, err := h.m.AcceptInvitation(h.Context(), "token", changed, flow.Post{Form: "x"}, h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.accept("token", changed)
	}},
	{"an invitation, and the person changes meanwhile", func(h *house) {
		newcomer(h)
		h.beforeCall(6, func() { h.with(func(p *person.Person) { p.Display = "Ada" }) })
		h.accept("token", changed)
	}},
	{"an invitation, and the person goes meanwhile", func(h *house) {
		newcomer(h)
		h.beforeCall(5, func() { h.quietly(person.Deleted{ID: h.ada.ID}) })
		h.accept("token", changed)
	}},
	{"an invitation within days of grace", func(h *house) {
		h.m.Policy.GraceDays = 7
		newcomer(h)
		h.accept("token", changed)
	}},
	{"an invitation of somebody who had a password", func(h *house) {
		h.enrolled()
		h.signedIn()
		h.asked(h.now.Add(day))
		h.with(func(p *person.Person) { p.MustChange = true })
		h.invited(func(*person.Link) {})
		h.b.attempt = ""
		h.accept("token", changed)
	}},
	{"an invitation by mail of somebody who was enrolled", func(h *house) {
		h.enrolled()
		h.invited(func(l *person.Link) { l.Data = []byte(person.Mailed) })
		h.accept("token", changed)
	}},
	{"an invitation by mail of somebody new", func(h *house) {
		h.invited(func(l *person.Link) { l.Data = []byte(person.Mailed) })
		h.accept("token", changed)
	}},
	{"an invitation with the password of before", func(h *house) {
		h.invited(func(*person.Link) {})
		h.accept("token", password)
	}},
	{"an invitation while the portal is busy", func(h *house) {
		newcomer(h)
		h.m.Hasher = full(h)
		h.accept("token", changed)
	}},
	{"an invitation that is none", func(h *house) {
		h.accept("token", changed)
		h.invited(func(l *person.Link) { l.Kind = person.Dispute })
		h.accept("token", changed)
	}},
	{"an invitation that was used", func(h *house) {
		h.invited(func(l *person.Link) { l.SpentAt = h.now })
		h.accept("token", changed)
	}},
	{"an invitation with a newer one", func(h *house) {
		h.invited(func(l *person.Link) { l.ReplacedAt = h.now })
		h.accept("token", changed)
	}},
	{"an invitation until its last moment", func(h *house) {
		newcomer(h)
		h.later(person.InvitationLife)
		h.accept("token", changed)
		h.later(-time.Millisecond)
		h.accept("token", changed)
	}},
	{"an invitation of somebody who was turned off", func(h *house) {
		newcomer(h)
		h.with(func(p *person.Person) { p.DisabledAt = h.now })
		h.accept("token", changed)
	}},
	{"an invitation of somebody on hold", func(h *house) {
		newcomer(h)
		h.with(func(p *person.Person) { p.HeldAt = h.now })
		h.accept("token", changed)
	}},
	{"a password that names Ada or the portal", func(h *house) {
		newcomer(h)
		h.with(func(p *person.Person) {
			p.Name, p.Display, p.Email = "adalovelace", "Countess King", "analytical@example.org"
		})
		for _, entered := range []string{"adalovelace", "countess king", "analytical@example.org"} {
			h.accept("token", entered)
		}
		h.m.Context = []string{"Difference Engine"}
		h.accept("token", "difference engine")
	}},

	{"a new password that was due before the code", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.MustChange = true })
		h.unseen(func() { h.signIn(password) })
		h.beforeCall(3, func() {
			if _, err := h.m.SubmitFactor(h.Context(), flow.Post{Token: h.b.attempt, Form: "x"}, h.code("phone"), h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.mustChange(changed)
	}},
	{"a new password where there is no attempt", func(h *house) { h.mustChange(changed) }},
	{"a new password in an attempt that is over", func(h *house) {
		h.enrolled()
		h.with(func(p *person.Person) { p.MustChange = true })
		h.unseen(func() {
			h.signIn(password)
			h.appCode(h.code("phone"))
			h.m.Leave(h.Context(), h.b.attempt, h.b.Client)
		})
		h.mustChange(changed)
	}},

	{"change the password, the others stay", func(h *house) {
		h.signedIn()
		h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.appCode(h.code("phone")) }) })
		h.changePassword(flow.NewPassword{Password: changed})
	}},
	{"change the password, the others end", func(h *house) {
		h.signedIn()
		h.elsewhere(func() { h.unseen(func() { h.signIn(password); h.appCode(h.code("phone")) }) })
		h.changePassword(flow.NewPassword{Password: changed, Others: true})
	}},
	{"change the password to what is none", func(h *house) {
		h.signedIn()
		h.changePassword(flow.NewPassword{Password: "short"})
		h.changePassword(flow.NewPassword{Password: password})
	}},
	{"change the password, unconfirmed", func(h *house) {
		h.signedIn()
		h.later(session.Fresh - time.Minute)
		h.changePassword(flow.NewPassword{Password: changed})
	}},
	{"change the password, and the confirmation ends meanwhile", func(h *house) {
		h.signedIn()
		h.beforeCall(3, func() { h.later(session.Fresh) })
		h.changePassword(flow.NewPassword{Password: changed})
	}},
	{"change the password while the portal is busy", func(h *house) {
		h.signedIn()
		h.m.Hasher = full(h)
		h.changePassword(flow.NewPassword{Password: changed})
	}},
	{"change the password twice by one form", func(h *house) {
		h.signedIn()
		in := flow.NewPassword{Form: "form", Password: changed}
		h.changePassword(in)
		h.changePassword(in)
		h.changePassword(flow.NewPassword{Form: "other", Password: changed})
		h.later(flow.MovedFor)
		h.changePassword(in)
		h.later(time.Millisecond)
		h.changePassword(in)
	}},
	{"change the password twice at once by one form", func(h *house) {
		h.signedIn()
		in := flow.NewPassword{Form: "form", Password: changed, Others: true}
		h.beforeCall(5, func() {
			if _, err := h.m.ChangePassword(h.Context(), h.b.Session, in, h.b.Client); err != nil {
				h.Fatal(err)
			}
		})
		h.changePassword(in)
	}},
	{"a new password opens a closed lane", func(h *house) {
		h.signedIn()
		h.asked(h.now.Add(day))
		h.quietly(limit.Spent{Budget: limit.Year, Key: limit.YearKeys(h.ada.ID, h.now)[0], Now: h.now, Amount: 300, Free: true})
		h.changePassword(flow.NewPassword{Password: changed})
		h.elsewhere(func() { h.signIn(changed); h.look() })
	}},
}
