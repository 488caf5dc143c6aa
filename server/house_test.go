package server_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/config"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/server"
)

// house is a portal without its listeners, on a clock that the tests move.
type house struct {
	*testing.T
	core    *server.Core
	machine *flow.Machine
	store   *between
	time    time.Time
	people  int
	plain   policy.Policy
}

const word = "walnut orbit ladder sky"

func open(t *testing.T) *house {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sallyport-test-") // how fast a disk is shall not matter
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.WriteFile(filepath.Join(folder, "sallyport.key"), seal.NewKeyFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := "url: http://localhost:8080\nsms:\n  gateways:\n    - name: outbox\n      kind: outbox\n      path: ./outbox.jsonl\n"
	c, err := config.Parse([]byte(settings), filepath.Join(folder, "sallyport.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	core, err := server.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = core.Close() })
	h := &house{T: t, core: core, machine: core.Flow, store: &between{Store: core.Store}, time: time.Now(), plain: core.Flow.Policy}
	m := core.Flow
	m.People, m.History, m.Attempts, m.Sessions, m.Changes = h.store, h.store, h.store, h.store, h.store
	m.Params = person.Params{MemoryKiB: 8, Time: 1, Threads: 1} // nothing here is worth guessing
	clock := func() time.Time { return h.time }
	m.Now, core.Manage.Now = clock, clock
	return h
}

// apply changes what is stored, beside the machine.
func (h *house) apply(effects ...change.Effect) {
	h.Helper()
	if err := h.store.Store.Apply(h.Context(), effects); err != nil {
		h.Fatal(err)
	}
}

// member is somebody in a browser of their own.
type member struct {
	*house
	person.Person
	client  flow.Client
	secret  factor.Secret
	code    string // the one recovery code
	attempt string
	session string
}

// newcomer has a password and nothing else.
func (h *house) newcomer(differs func(p *person.Person)) *member {
	h.Helper()
	h.machine.Policy = h.plain
	h.people++
	p := person.New(fmt.Sprintf("name%d", h.people), h.time)
	p.Password, p.PasswordAt = person.Hash(word, h.machine.Params), h.time
	if differs != nil {
		differs(&p)
	}
	h.apply(person.Added{Person: p})
	address := fmt.Sprintf("192.0.2.%d/%d", h.people%250, h.people)
	return &member{house: h, Person: p, client: flow.Client{Address: address, Shown: address, Agent: "Firefox on Linux"}}
}

// holder has an app and a number.
func (h *house) holder() *member {
	h.Helper()
	m := h.newcomer(func(p *person.Person) { p.EnrolledAt = h.time })
	m.secret = factor.NewSecret()
	h.apply(factor.Bound{Factor: factor.New(factor.App, m.ID, "Phone app", m.secret.Encode(), h.time)},
		phone.Bound{Phone: phone.New(m.ID, phone.Number{E164: "+1" + m.number(), Country: "US"}, h.time, false)})
	return m
}

// withCode has a recovery code besides.
func (m *member) withCode() *member {
	m.code = factor.RandomCode(16)
	codes := factor.NewSet([]string{m.code}, nil, nil, m.time, person.HashWithSalt)
	m.apply(factor.Bound{Factor: factor.New(factor.Recovery, m.ID, "", codes.Encode(), m.time)})
	return m
}

// number is one of a prefix of its own: many texts that nobody enters close one.
func (m *member) number() string {
	areas := []int{202, 212, 213, 214, 215, 216, 301, 303, 305, 310, 312, 313, 314, 404, 405, 408, 410, 412, 414, 415, 503, 504, 512, 513, 602, 612, 615, 617, 702, 713}
	return fmt.Sprintf("%d555%04d", areas[m.people%len(areas)], m.people)
}

// entry is the password in a form of its own.
func (m *member) entry() flow.SignIn {
	return flow.SignIn{Name: m.Name, Password: word, Form: rand.Text(), Browser: rand.Text()}
}

// post is a form of its own in the attempt.
func (m *member) post() flow.Post { return flow.Post{Token: m.attempt, Form: rand.Text()} }

// must is for what comes before the operation under test.
func (m *member) must(r flow.Result, err error) {
	m.Helper()
	if err != nil {
		m.Fatalf("before it begins: %v", err)
	}
	if r.Attempt != "" {
		m.attempt = r.Attempt
	}
	if r.Session != "" {
		m.session, m.client.Session = r.Session, r.Session
	}
	if r.Known != "" {
		m.client.Known = r.Known
	}
	if r.Setup != "" {
		m.client.Setup = r.Setup
	}
}

// enter is past the password.
func (m *member) enter() *member {
	m.Helper()
	m.must(m.machine.SignIn(m.Context(), m.entry(), m.client))
	return m
}

// now is the code of the app; each is of a later step than the one before.
func (m *member) now() string {
	m.time = m.time.Add(31 * time.Second)
	return m.secret.Code(m.secret.Step(m.time))
}

// signedIn is signed in by app code.
func (m *member) signedIn() *member {
	m.Helper()
	m.enter()
	m.must(m.machine.SubmitFactor(m.Context(), m.post(), m.now(), m.client))
	return m
}

// look is where the attempt stands.
func (m *member) look() *flow.Under {
	m.Helper()
	u, err := m.machine.Look(m.Context(), m.attempt, m.client)
	if err != nil || u == nil {
		m.Fatalf("no attempt: %v", err)
	}
	return u
}

// spent is one try of a budget.
func (h *house) spent(b limit.Budget, of ...string) limit.Spent {
	return limit.Spent{Budget: b, Key: b.Key(of...), Now: h.time}
}

// codes is what wrong codes of a lane are counted in.
func (m *member) codes(lane string) []limit.Spent {
	return []limit.Spent{m.spent(limit.Codes, m.ID, lane)}
}

// lane is where wrong passwords and codes of a session count.
func (m *member) lane() string {
	m.Helper()
	s, err := m.core.Store.Session(m.Context(), flow.HashToken(m.session))
	if err != nil || s == nil {
		m.Fatalf("no session: %v", err)
	}
	return string(limit.Known(s.Known))
}
