package server_test

import (
	"crypto/rand"
	"time"

	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/manage"
	"sallyport/core/person"
)

// operation is something that a person does, prepared up to its last click.
type operation struct {
	*member
	do      func() (flow.Result, error)
	budgets []limit.Spent // what wrong answers here are counted in
}

// operations are all that open something or write the person.
var operations = []struct {
	name     string
	password bool // it sets a new password
	twice    bool // the same form posted twice gets the same answer
	begin    func(h *house) operation
}{
	{"a first sign-in", false, true, func(h *house) operation {
		return signIn(h.newcomer(nil))
	}},
	{"a sign-in that hashes the password anew", false, true, func(h *house) operation {
		return signIn(h.newcomer(func(p *person.Person) {
			p.Password = person.Hash(word, person.Params{MemoryKiB: 16, Time: 1, Threads: 1})
		}))
	}},
	{"a sign-in that begins the grace", false, true, func(h *house) operation {
		m := h.newcomer(nil)
		h.machine.Policy.GraceDays = 14
		return signIn(m)
	}},
	{"a sign-in without 2FA", false, true, func(h *house) operation {
		m := h.newcomer(func(p *person.Person) { p.EnrolledAt, p.TurnedOff = h.time, true })
		h.machine.Policy.Optional = true
		return signIn(m)
	}},
	{"a sign-in after idling", false, true, func(h *house) operation {
		m := h.holder().signedIn()
		h.time = h.time.Add(61 * time.Minute)
		in := m.entry()
		known, err := h.core.Store.KnownBrowser(h.Context(), flow.HashToken(m.client.Known), m.ID)
		if err != nil || known == nil {
			h.Fatalf("the browser is not known: %v", err)
		}
		return operation{m, func() (flow.Result, error) { return m.machine.SignIn(h.Context(), in, m.client) },
			[]limit.Spent{h.spent(limit.PasswordKnown, known.ID)}}
	}},
	{"an app code", false, true, func(h *house) operation {
		m := h.holder().enter()
		post, code := m.post(), m.now()
		return operation{m, func() (flow.Result, error) { return m.machine.SubmitFactor(h.Context(), post, code, m.client) }, m.codes(string(limit.Others))}
	}},
	{"putting the set-up off", false, true, func(h *house) operation {
		m := h.newcomer(nil)
		h.machine.Policy.Optional = true
		post := m.enter().post()
		return operation{m, func() (flow.Result, error) { return m.machine.NotNow(h.Context(), post, m.client) }, nil}
	}},
	{"the last step of a set-up", false, true, func(h *house) operation {
		m := h.newcomer(nil).enter()
		m.must(m.machine.Install(h.Context(), m.post(), m.client))
		return m.toNewFactor()
	}},
	{"a recovery code", false, false, func(h *house) operation {
		m := h.holder().withCode().enter()
		post := m.post()
		return operation{m, func() (flow.Result, error) { return m.machine.CodeProof(h.Context(), post, m.code, m.client) }, m.codes(string(limit.Others))}
	}},
	{"a recovery code of somebody who has the app", false, true, func(h *house) operation {
		m := h.holder().withCode().enter()
		m.must(m.machine.CodeProof(h.Context(), m.post(), m.code, m.client))
		post := m.post()
		return operation{m, func() (flow.Result, error) { return m.machine.StillHave(h.Context(), post, "yes", m.client) }, nil}
	}},
	{"a text message code", false, false, func(h *house) operation {
		m := h.holder().enter()
		m.must(m.machine.AskText(h.Context(), m.post(), m.client))
		post, code := m.post(), m.look().Attempt.Data.TextCode.Digits
		return operation{m, func() (flow.Result, error) { return m.machine.TextProof(h.Context(), post, code, m.client) }, m.codes(string(limit.Others))}
	}},
	{"stopping the old app", false, false, func(h *house) operation {
		m := h.holder().proved()
		post := m.post()
		return operation{m, func() (flow.Result, error) { return m.machine.StillHave(h.Context(), post, "no", m.client) }, nil}
	}},
	{"the last step of a recovery", false, true, func(h *house) operation {
		m := h.holder().proved()
		m.must(m.machine.StillHave(h.Context(), m.post(), "no", m.client))
		m.must(m.machine.Install(h.Context(), m.post(), m.client))
		return m.toNewFactor()
	}},
	{"an invitation", true, true, func(h *house) operation {
		m := h.newcomer(func(p *person.Person) { p.Password = "" })
		token, err := h.core.Manage.Invite(h.Context(), "test", m.ID, manage.ByHand)
		if err != nil {
			h.Fatal(err)
		}
		post := m.post()
		return operation{m, func() (flow.Result, error) {
			return m.machine.AcceptInvitation(h.Context(), token, word, post, m.client)
		}, nil}
	}},
	{"a password that must change", true, true, func(h *house) operation {
		m := h.holder()
		must := m.Person
		must.MustChange = true
		h.apply(person.Saved{Person: must})
		m.signedIn()
		post := m.post()
		return operation{m, func() (flow.Result, error) {
			return m.machine.MustChange(h.Context(), post, "teapot meadow signal ant", m.client)
		}, nil}
	}},
	{"a confirmation by app code", false, true, func(h *house) operation {
		m := h.holder().signedIn()
		in := flow.Confirmation{Form: rand.Text(), Password: word, Code: m.now()}
		return confirm(m, in)
	}},
	{"a confirmation by recovery code", false, true, func(h *house) operation {
		m := h.holder().withCode().signedIn()
		return confirm(m, flow.Confirmation{Form: rand.Text(), Password: word, Recovery: m.code, ByRecovery: true})
	}},
	{"another password", true, true, func(h *house) operation {
		m := h.holder().signedIn()
		in := flow.NewPassword{Form: rand.Text(), Password: "teapot meadow signal ant", Others: true}
		return operation{m, func() (flow.Result, error) {
			return m.machine.ChangePassword(h.Context(), m.session, in, m.client)
		}, nil}
	}},
	{"another number", false, false, func(h *house) operation {
		m := h.holder().signedIn()
		h.people++
		m.must(m.machine.ChangeNumber(h.Context(), m.session, m.number(), "US", m.client))
		c, err := m.machine.Change(h.Context(), m.session, flow.SetupNumber)
		if err != nil {
			h.Fatal(err)
		}
		code := c.Setup.Data.Text.Digits
		return operation{m, func() (flow.Result, error) { return m.machine.ChangeNumberCode(h.Context(), m.session, code, m.client) }, m.codes(m.lane())}
	}},
	{"another app", false, false, func(h *house) operation {
		m := h.holder().signedIn()
		c, err := m.machine.NewApp(h.Context(), m.session, "", false, m.client)
		if err != nil {
			h.Fatal(err)
		}
		code := c.Setup.Data.Secret.Code(c.Setup.Data.Secret.Step(h.time))
		return operation{m, func() (flow.Result, error) { return m.machine.NewAppCode(h.Context(), m.session, code, m.client) }, m.codes(m.lane())}
	}},
}

func signIn(m *member) operation {
	in := m.entry()
	return operation{m, func() (flow.Result, error) { return m.machine.SignIn(m.Context(), in, m.client) },
		[]limit.Spent{m.spent(limit.PasswordAddress, m.client.Address)}}
}

func confirm(m *member, in flow.Confirmation) operation {
	return operation{m, func() (flow.Result, error) { return m.machine.Confirm(m.Context(), m.session, in, m.client) },
		append(m.codes(m.lane()), m.spent(limit.PasswordKnown, m.ID, m.lane()))}
}

// proved has proved the number, on the way to another app.
func (m *member) proved() *member {
	m.Helper()
	m.enter()
	m.must(m.machine.AskText(m.Context(), m.post(), m.client))
	m.must(m.machine.TextProof(m.Context(), m.post(), m.look().Attempt.Data.TextCode.Digits, m.client))
	return m
}

// toNewFactor is the code of a new app, with the recovery codes made before.
func (m *member) toNewFactor() operation {
	m.Helper()
	if m.look().Step == flow.AskNumber {
		m.must(m.machine.Number(m.Context(), m.post(), m.number(), "US", m.client))
		m.must(m.machine.TextCode(m.Context(), m.post(), m.look().Setup.Data.Text.Digits, m.client))
	}
	m.must(m.machine.Scanned(m.Context(), m.post(), m.client))
	s := m.look().Setup
	set := factor.NewSet([]string{"code"}, nil, nil, m.time, func(string, []byte) []byte { return []byte("hash") })
	m.apply(flow.CodesPrepared{ID: s.ID, Codes: flow.Prepared{Codes: []string{"code"}, Set: &set}}) // hashing takes its time
	post, code := m.post(), s.Data.Secret.Code(s.Data.Secret.Step(m.time))
	return operation{m, func() (flow.Result, error) { return m.machine.NewFactor(m.Context(), post, code, m.client) }, m.codes(string(limit.Others))}
}
