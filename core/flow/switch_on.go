package flow

import (
	"context"
	"fmt"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// prepare makes and hashes the recovery codes of a set-up in the background, once
// however often it is asked, and closes the channel when it has ended. The
// set-up's last step makes them itself when this failed.
func (m *Machine) prepare(s *Setup, rows []factor.Factor) <-chan struct{} {
	done := make(chan struct{})
	if s.Codes.Set != nil {
		close(done)
		return done
	}
	if other, busy := m.preparing.LoadOrStore(s.ID, done); busy {
		return other.(chan struct{})
	}
	id, before := s.ID, lastSet(rows)
	m.background.Go(func() {
		defer close(done)
		defer m.preparing.Delete(id)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if now, err := m.Attempts.Setup(ctx, id); err != nil || now == nil || now.Codes.Set != nil {
			return
		}
		if made, err := m.makeCodes(ctx, before, person.Turn{Class: person.Plain, Address: "set-up"}); err == nil {
			m.Changes.Apply(ctx, change.Set{CodesPrepared{ID: id, Codes: made}})
		}
	})
	return done
}

// prepared returns the recovery codes of a set-up: those that were made while the
// person scanned, or new ones.
func (m *Machine) prepared(ctx context.Context, s *Setup, rows []factor.Factor, client Client) (Prepared, error) {
	if s.Codes.Set != nil {
		return s.Codes, nil
	}
	select {
	case <-m.prepare(s, rows):
	case <-ctx.Done(): // the codes are still being hashed
		return Prepared{}, fault.New(fault.Busy, "busy").After(5 * time.Second)
	}
	now, err := m.Attempts.Setup(ctx, s.ID)
	if err != nil {
		return Prepared{}, fmt.Errorf("read set-up: %w", err)
	}
	switch {
	case now == nil:
		return Prepared{}, errOvertaken // the same form, posted twice, was quicker
	case now.Codes.Set != nil:
		return now.Codes, nil
	}
	made, err := m.makeCodes(ctx, lastSet(rows), person.Turn{Class: person.Known, Address: client.Address})
	return made, busyWords(err, "busy")
}

// lastSet is the newest set of recovery codes, ended or not: its salt is kept.
func lastSet(rows []factor.Factor) *factor.CodeSet {
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].Kind != factor.Recovery {
			continue
		}
		if set, err := factor.DecodeCodes(rows[i].Data); err == nil {
			return &set
		}
	}
	return nil
}

// makeCodes makes a set of recovery codes; its hashes take their turn in the queue.
func (m *Machine) makeCodes(ctx context.Context, before *factor.CodeSet, turn person.Turn) (Prepared, error) {
	codes := factor.NewCodes()
	var failed error
	set := factor.NewSet(codes, nil, before, m.Now(), func(code string, salt []byte) (hash []byte) {
		if failed == nil {
			failed = m.Hasher.Do(ctx, turn, func() { hash = person.HashWithSalt(code, salt) })
		}
		return hash
	})
	if failed != nil {
		return Prepared{}, failed
	}
	return Prepared{Codes: codes, Set: &set}, nil
}

// switchOn is the end of a first set-up and of a recovery.
func (m *Machine) switchOn(ctx context.Context, u *Under, step int64, client Client, form, value string) (change.Set, Result, error) {
	made, err := m.prepared(ctx, u.Setup, u.Factors, client)
	if err != nil {
		return nil, Result{}, err
	}
	first := !u.Person.Enrolled()
	app := factor.New(factor.App, u.Person.ID, appName(nil, ""), u.Setup.Data.Secret.Encode(), u.Now)
	app.Step, app.UsedAt = step, u.Now
	codes := factor.New(factor.Recovery, u.Person.ID, "", made.Set.Encode(), u.Now)
	set := change.Set{m.within(u),
		factor.EndedAll{Person: u.Person.ID, Kind: factor.Recovery, Why: factor.EndedByReplace, At: u.Now},
		factor.EndedAll{Person: u.Person.ID, Kind: factor.App, Why: factor.EndedByRecovery, At: u.Now},
		factor.Bound{Factor: app}, factor.Bound{Factor: codes}}
	phones, about := u.Phones, person.Disputed{Factor: app.ID, Codes: true, Where: client.Browser()}
	if more, bound := m.bindNumber(u); bound != nil {
		if err := m.mayShare(ctx, bound.Number, nil); err != nil { // others were quicker
			u.Setup.Data.Number, u.Setup.Data.ProvedAt = phone.Number{}, time.Time{}
			return m.saveSetup(u, nil), Result{}, err
		}
		set.Add(more...)
		if phones, err = m.Hearing(ctx, u.Person.ID, append(phones, *bound)...); err != nil {
			return nil, Result{}, err
		}
		about.Phone = bound.ID
	}
	if u.Person.EnrolledAt.IsZero() {
		u.Person.EnrolledAt = u.Now
	}
	u.Person.SetupDue, u.Person.TurnedOff, u.Person.MailedPassword = false, false, false
	set.Add(person.Saved{Person: u.Person})
	u.Person.Version++
	issued, result, err := m.issue(ctx, u, string(factor.App), client, form, value)
	if err != nil {
		return nil, Result{}, err
	}
	others, err := m.othersSignedIn(ctx, u.Person.ID, HashToken(result.Session), u.Now)
	if err != nil {
		return nil, Result{}, err
	}
	why := "setup"
	if !first {
		why = "recovery"
	}
	showCodes(issued, made.Codes, why, others, u.Now)
	result.Codes = true
	set.Add(issued...)
	set.Add(m.cleanUp(u, HashToken(result.Session))...)
	event, notice := audit.SetUp, message.SetUpDone
	if !first {
		event, notice = audit.RecoveryDone, message.RecoveryDone
		set.Add(RecoveryEnded{Person: u.Person.ID, Why: ByUse, At: u.Now})
	}
	entry := m.entry(event, u.Person.ID, client)
	entry.Attempt = u.Attempt.ID
	set.Add(entry)
	set.Add(m.Writer.Notify(notice, message.Told{Person: u.Person, Phones: phones, About: about}, u.Now)...)
	return set, result, nil
}

// bindNumber binds the number that the set-up proved, unless it is the person's
// already. A number that replaces another is on hold.
func (m *Machine) bindNumber(u *Under) (set change.Set, bound *phone.Phone) {
	d := u.Setup.Data
	if d.Number.E164 == "" || d.Kept || !u.Setup.NumberProved(u.Now) {
		return nil, nil
	}
	for _, p := range u.Phones {
		if p.Number == d.Number.E164 {
			return nil, nil
		}
	}
	p := phone.New(u.Person.ID, d.Number, u.Now, len(u.Phones) > 0)
	return change.Set{phone.EndedAll{Person: u.Person.ID, At: u.Now}, phone.Bound{Phone: p}}, &p
}

// CodesShown is how long recovery codes stay on screen.
const CodesShown = 30 * time.Minute

// showCodes leaves the codes with the session that is about to begin, for its
// owner to save.
func showCodes(issued change.Set, codes []string, why string, others int, now time.Time) {
	for i, effect := range issued {
		if begun, ok := effect.(session.Begun); ok {
			begun.Session.Codes, begun.Session.CodesUntil = codes, now.Add(CodesShown)
			begun.Session.Data.CodesWhy, begun.Session.Data.SignedOut = why, others
			issued[i] = begun
		}
	}
}

// othersSignedIn counts the sessions that a change ends.
func (m *Machine) othersSignedIn(ctx context.Context, who, except string, now time.Time) (n int, err error) {
	all, err := m.Sessions.SessionsOf(ctx, who)
	if err != nil {
		return 0, fmt.Errorf("read sessions: %w", err)
	}
	for _, s := range all {
		if s.ID != except && s.Over(now, m.Times()) == "" {
			n++
		}
	}
	return n, nil
}

// cleanUp ends everything else that is under way: other set-ups, other attempts
// and all sessions but the one to keep, those of level one too.
func (m *Machine) cleanUp(u *Under, keep string) change.Set {
	return change.Set{
		session.EndedAll{Person: u.Person.ID, Except: keep, Why: session.EndedByFactor, At: u.Now},
		SetupsDropped{Person: u.Person.ID},
		AttemptsEnded{Person: u.Person.ID, Except: u.Attempt.ID, Why: OverElsewhere, At: u.Now},
	}
}
