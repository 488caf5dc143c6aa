package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"sallyport/back/store"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

const password = "walnut orbit ladder sky"

// hard and cheap are the password hashed at the costs of the default, and at the
// least that may be set.
var (
	hard  = sync.OnceValue(func() string { return person.Hash(password, person.Default) })
	cheap = sync.OnceValue(func() string { return person.Hash(password, person.Floor) })
)

// member is somebody in the database, with what their browser and phone hold.
type member struct {
	id, name string
	secret   factor.Secret
	attempts []string // cookies of sign-ins whose password was right
	known    string   // the cookie of their known browser
}

// code is what the member's app shows now.
func (m member) code() string { return m.secret.Code(m.secret.Step(time.Now())) }

// enrolment is what members are laid into the database with. All share one
// password: hashing it once for each would take hours.
type enrolment struct {
	from, count int
	phc         string
	attempts    int  // sign-ins under way
	whole       bool // recovery codes and a number too
	every       int  // so many are one that is returned; 0 returns all
}

// enrol lays members into the database, a few hundred with each change, and
// returns one of each so many.
func enrol(ctx context.Context, s *store.Store, e enrolment) ([]member, error) {
	const batch = 200
	var members []member
	var set change.Set
	for i := range e.count {
		m, effects := e.member(e.from + i)
		if set = append(set, effects...); i%max(1, e.every) == 0 {
			members = append(members, m)
		}
		if i+1 < e.count && (i+1)%batch != 0 {
			continue
		}
		if err := s.Apply(ctx, set); err != nil {
			return nil, fmt.Errorf("enrol: %w", err)
		}
		set = nil
	}
	return members, nil
}

func (e enrolment) member(n int) (member, change.Set) {
	now := time.Now()
	who := person.New(fmt.Sprintf("member%08d", n), now)
	who.Display, who.Email = fmt.Sprintf("Member Number %d", n), who.Name+"@example.org"
	who.Password, who.PasswordAt, who.EnrolledAt = e.phc, now, now
	m := member{id: who.ID, name: who.Name, secret: factor.NewSecret(), known: rand.Text()}
	app := factor.New(factor.App, who.ID, "Phone", m.secret.Encode(), now)
	app.Step = m.secret.Step(now) - 10
	set := change.Set{person.Added{Person: who}, factor.Bound{Factor: app}}
	if e.whole {
		codes := factor.NewSet(factor.NewCodes(), nil, nil, now, func(code string, salt []byte) []byte { return append([]byte(code), salt[:16]...) })
		set.Add(factor.Bound{Factor: factor.New(factor.Recovery, who.ID, "", codes.Encode(), now)},
			phone.Bound{Phone: phone.New(who.ID, phone.Number{E164: fmt.Sprintf("+1202%07d", 2_000_000+n), Country: "US"}, now, false)})
	}
	set.Add(m.begin(e.attempts, now)...)
	return m, set
}

// begin gives the member's known browser so many sign-ins whose password was right.
func (m *member) begin(attempts int, now time.Time) (set change.Set) {
	if attempts == 0 {
		return nil
	}
	known := session.KnownBrowser{ID: rand.Text(), Token: flow.HashToken(m.known), Person: m.id, MadeAt: now, SeenAt: now, EndsAt: now.Add(session.KnownFor)}
	set.Add(session.Recognised{Browser: known})
	m.attempts = nil
	for range attempts {
		cookie := rand.Text()
		m.attempts = append(m.attempts, cookie)
		set.Add(flow.AttemptBegun{Attempt: flow.Attempt{ID: flow.HashToken(cookie), Person: m.id, Lane: limit.Known(known.ID), MadeAt: now, SeenAt: now, Version: 1}})
	}
	return set
}

// newcomer has a password and nothing else.
const newcomer = "newcomer"

// addNewcomer adds somebody to a portal that is down.
func (p *portal) addNewcomer() error {
	s, err := p.open(p.bench)
	if err != nil {
		return err
	}
	who := person.New(newcomer, time.Now())
	who.Password, who.PasswordAt = cheap(), time.Now()
	return errors.Join(s.Apply(p.bench, change.Set{person.Added{Person: who}}), s.Close())
}
