package flow

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/tally"
)

// What a recovery was proved with.
const (
	ByText = "text"
	ByCode = "recovery"
)

// TextWay says how a person can recover by text message now.
type TextWay struct {
	Number   string // its last three digits; empty when there is none
	HeldTill time.Time
	HeldFrom time.Time
	Delay    time.Duration
	DelayWhy string
	Recovery *Recovery // one that waits or is open
}

// Usable says whether a code can be asked for.
func (w TextWay) Usable(now time.Time) bool {
	return w.Number != "" && !w.HeldTill.After(now) && (w.Recovery == nil || w.Recovery.State(now) == RecoveryIsOpen)
}

// TextWay is what page and rule both go by.
func (u *Under) TextWay() (w TextWay) {
	p := u.Phone()
	if p == nil || !u.Need.TextProof {
		return w
	}
	w = TextWay{Number: p.Ending(), Delay: u.Need.Delay, DelayWhy: u.Need.DelayWhy}
	if p.UsableAt.After(u.Now) {
		w.HeldTill, w.HeldFrom = p.UsableAt, p.ProvedAt
	}
	if u.Recovery.Alive(u.Now) && u.Recovery.Phone == p.ID {
		w.Recovery = u.Recovery
	}
	return w
}

// AskText sends a recovery code by text message to the number that was proved.
func (m *Machine) AskText(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		way := u.TextWay()
		if way.Recovery != nil && way.Recovery.State(u.Now) == RecoveryWaits {
			return nil, Result{Notice: RecoveryWaits}, nil
		}
		if !way.Usable(u.Now) {
			return nil, Result{}, fault.New(fault.Denied, "step.first")
		}
		p := u.Phone()
		before := u.Attempt.Data.TextCode
		if before.For(phone.ForRecovery, p.Number, u.Attempt.ID) && before.Alive(u.Now) && u.Now.Before(before.SentAt.Add(2*time.Second)) {
			return nil, Result{}, nil // a double click: the text is on its way
		}
		code, set, err := m.send(ctx, sending{person: u.Person.ID, lane: u.Attempt.Lane, purpose: phone.ForRecovery,
			number: p.Number, country: p.Region, owner: u.Attempt.ID, before: before, proved: true}, client, u.Now)
		if err != nil {
			return set, Result{}, err
		}
		u.Attempt.Data.TextCode = code
		set.Add(AttemptSaved{Attempt: u.Attempt})
		result := Result{}
		if before.Digits != "" {
			result.Notice = sentAgain(before, code)
		}
		return set, result, nil
	}, AskFactor, AskOtherProof)
}

// TextProof checks a recovery code from a text message. It never opens a session.
// An app code typed here is taken as such.
func (m *Machine) TextProof(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	return m.tried(tally.Text)(m.act(ctx, post, entered, client, func(u *Under) (change.Set, Result, error) {
		digits, bad := factor.Digits(entered, "code", "text-code.empty")
		if bad != nil {
			return nil, Result{}, bad
		}
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		p, code := u.Phone(), &u.Attempt.Data.TextCode
		if u.Attempt.Data.Text {
			return nil, Result{}, nil
		}
		if p == nil || !code.For(phone.ForRecovery, p.Number, u.Attempt.ID) || !u.TextWay().Usable(u.Now) {
			return nil, Result{}, fault.New(fault.Denied, "step.first")
		}
		answer := code.Judge(digits, u.Now)
		if answer == phone.Right {
			return m.textProved(u, p, client)
		}
		v := factor.Apps{App: m.AppName, Name: u.Person.Name}.Verify(u.Factors, factor.Try{Entered: digits, Now: u.Now})
		if v.Right && u.Step == AskFactor {
			return m.appCodeRight(ctx, u, v, client, post.Form, entered)
		}
		return m.wrongProof(ctx, u, answer, v, client)
	}, AskFactor, AskOtherProof, AskReplace))
}

// wrongProof is a wrong entry on the page of the text message: a miss of the
// code, of the app that it was compared with, and once in the lane.
func (m *Machine) wrongProof(ctx context.Context, u *Under, answer phone.Answer, v factor.Verdict, client Client) (change.Set, Result, error) {
	code := &u.Attempt.Data.TextCode
	if answer == phone.Expired {
		p := u.Phone()
		next, set, err := m.send(ctx, sending{person: u.Person.ID, lane: u.Attempt.Lane, purpose: phone.ForRecovery,
			number: p.Number, country: p.Region, owner: u.Attempt.ID, before: *code, proved: true}, client, u.Now)
		if f := fault.Of(err); f != nil {
			return set, Result{}, fault.New(fault.Invalid, "text-code.expired-wait").On("code").After(f.Wait)
		}
		if err != nil {
			return nil, Result{}, err
		}
		*code = next
		set.Add(AttemptSaved{Attempt: u.Attempt})
		return set, Result{}, fault.New(fault.Invalid, "text-code.expired").On("code")
	}
	f := textFault(answer)
	if answer == phone.Wrong {
		f = guessed(code)
	}
	set := append(m.miss(u, "text", "wrong", client), message.GuessedOut(code.ID, code.GuessesLeft(), u.Now)...)
	for _, effect := range v.Effects {
		if missed, ok := effect.(factor.Missed); ok {
			set.Add(missed)
		}
	}
	set.Add(m.ended(u, v.Effects, client)...)
	u.Attempt.Data.Failures++
	set.Add(AttemptSaved{Attempt: u.Attempt})
	more, err := m.alarms(ctx, u)
	if err != nil {
		return nil, Result{}, err
	}
	set.Add(more...)
	return set, Result{}, m.fewest(u, f)
}

// textProved takes the code. Without a delay, or when a recovery is open, the
// attempt goes on to S13; with one a recovery is written and the attempt ends.
func (m *Machine) textProved(u *Under, p *phone.Phone, client Client) (change.Set, Result, error) {
	code := &u.Attempt.Data.TextCode
	code.TakenAt = u.Now
	set := change.Set{m.within(u), person.Unchanged{ID: u.Person.ID, Version: u.Person.Version}}
	set.Add(m.answered(*code, u.Now)...)
	if u.Need.Delay > 0 && u.TextWay().Recovery == nil {
		r := Recovery{ID: rand.Text(), Person: u.Person.ID, Phone: p.ID, AskedAt: u.Now,
			OpenAt: u.Now.Add(u.Need.Delay), Until: u.Now.Add(u.Need.Delay + RecoveryOpen)}
		u.Attempt.EndedAt, u.Attempt.EndedWhy, u.Attempt.Data.Recovery = u.Now, OverWaiting, r.ID
		set.Add(RecoveryAsked{Recovery: r}, AttemptSaved{Attempt: u.Attempt}, m.entry(audit.RecoveryWaiting, u.Person.ID, client))
		set.Add(m.Writer.Notify(message.RecoveryWaiting, message.Told{Person: u.Person, Phones: u.Phones, When: r.OpenAt,
			About: person.Disputed{Recovery: r.ID, Where: client.Browser()}}, u.Now)...)
		return set, Result{Step: Waiting}, nil
	}
	u.Attempt.Data.Text, u.Attempt.Data.By = true, ByText
	u.Attempt.Data.SetupLong = true
	set.Add(AttemptSaved{Attempt: u.Attempt})
	return set, Result{}, nil
}

// CodeProof checks a recovery code.
func (m *Machine) CodeProof(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	return m.tried(tally.Recovery)(m.act(ctx, post, entered, client, func(u *Under) (change.Set, Result, error) {
		if u.Attempt.Data.Code {
			return nil, Result{}, nil // the same form twice, before the question is answered
		}
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		v := m.codes(ctx, client, u.Person.Name).Verify(u.Factors, factor.Try{Entered: entered, Now: u.Now})
		if !v.Right {
			return m.missed(ctx, u, v, factor.Recovery, client)
		}
		u.Attempt.Data.Code, u.Attempt.Data.By, u.Attempt.Data.SetupLong = true, ByCode, true
		u.Attempt.Data.CodesLeft = u.CodesLeft() - 1
		set := append(change.Set{m.within(u), person.Unchanged{ID: u.Person.ID, Version: u.Person.Version}}, v.Effects...)
		entry := m.entry(audit.RecoveryCode, u.Person.ID, client)
		entry.Attempt = u.Attempt.ID
		set.Add(AttemptSaved{Attempt: u.Attempt}, entry)
		set.Add(m.Writer.Notify(message.RecoveryCode, message.Told{Person: u.Person, Phones: u.Phones, Args: []any{"n", u.Attempt.Data.CodesLeft},
			About: person.Disputed{Where: client.Browser()}}, u.Now)...)
		return set, Result{}, nil
	}, AskFactor, AskOtherProof, AskStillHave, AskReplace))
}

// codes is the verifier of recovery codes; its one hash takes its turn.
func (m *Machine) codes(ctx context.Context, client Client, name string) factor.Codes {
	return factor.Codes{
		Hash: func(code string, salt []byte) (hash []byte, err error) {
			err = m.Hasher.Do(ctx, person.Turn{Class: person.Plain, Address: client.Address, Name: name}, func() {
				hash = person.HashWithSalt(code, salt)
			})
			return hash, err
		},
		Date: func(at time.Time) string { return at.UTC().Format("2 January 2006") },
	}
}

// StillHave answers the question after a recovery code. Yes: the app stays, and
// the code was the second factor. No: the app is stopped now, before anything
// new is bound.
func (m *Machine) StillHave(ctx context.Context, post Post, answer string, client Client) (Result, error) {
	return m.act(ctx, post, answer, client, func(u *Under) (change.Set, Result, error) {
		switch {
		case u.Step == AskStillHave && answer == "yes":
			set, result, err := m.signedIn(ctx, u, string(factor.Recovery), client, post.Form, answer)
			return few(set, u.CodesLeft()), result, err
		case u.Step == AskStillHave && answer != "no":
			return nil, Result{}, fault.New(fault.Invalid, "replace.choose").On("still")
		}
		return m.stopOld(ctx, u, client), Result{}, nil
	}, AskStillHave, AskReplace)
}

// few leaves word with the session that begins when few recovery codes are left.
func few(set change.Set, left int) change.Set {
	word := FewCodes
	if left == 1 {
		word += ".one"
	}
	for i, effect := range set {
		if begun, ok := effect.(session.Begun); ok && left <= 3 {
			begun.Session.Data.Notice, begun.Session.Data.NoticeArgs = word, []string{"n", strconv.Itoa(left)}
			set[i] = begun
		}
	}
	return set
}

// FewCodes is the word of a session whose owner should make new recovery codes.
const FewCodes = "recovery-code.left"

// stopOld revokes what the person cannot use any more, whether or not it still
// works, ends what rested on it and tells every address.
func (m *Machine) stopOld(_ context.Context, u *Under, client Client) change.Set {
	u.Attempt.Data.Replacing, u.Attempt.Data.Code, u.Attempt.Data.Text = true, false, false
	u.Attempt.Data.SetupLong = true
	set := change.Set{
		person.Unchanged{ID: u.Person.ID, Version: u.Person.Version},
		factor.EndedAll{Person: u.Person.ID, Kind: factor.App, Why: factor.EndedByRecovery, At: u.Now},
		session.EndedAll{Person: u.Person.ID, Why: session.EndedByFactor, At: u.Now},
		AttemptsEnded{Person: u.Person.ID, Except: u.Attempt.ID, Why: OverByChange, At: u.Now},
		SetupsDropped{Person: u.Person.ID},
		AttemptSaved{Attempt: u.Attempt},
		m.entry(audit.RecoveryBegun, u.Person.ID, client),
	}
	set.Add(m.Writer.Notify(message.RecoveryBegun, message.Told{Person: u.Person, Phones: u.Phones,
		About: person.Disputed{Where: client.Browser()}}, u.Now)...)
	return set
}

// SetupCodeProof checks a setup code that an operator handed out.
func (m *Machine) SetupCodeProof(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	return m.tried(tally.SetupCode)(m.act(ctx, post, entered, client, func(u *Under) (change.Set, Result, error) {
		if u.Attempt.Data.SetupCode {
			return nil, Result{}, nil
		}
		code := factor.Letters(entered)
		switch n := len([]rune(code)); {
		case n == 0:
			return nil, Result{}, fault.New(fault.Invalid, "setup-code.empty").On("code")
		case n != 8:
			return nil, Result{}, fault.New(fault.Invalid, "setup-code.length", "n", n).On("code")
		case u.Wait > 0:
			return nil, Result{}, m.codesWait(u)
		}
		link, err := m.People.Link(ctx, m.SetupCodeID(u.Person.ID, code))
		if err != nil {
			return nil, Result{}, err
		}
		if f := setupCodeFault(link, u.Person.ID, u.Now); f != nil {
			if f.Word != "setup-code.wrong" {
				return nil, Result{}, f
			}
			return m.missed(ctx, u, factor.Verdict{Fault: f, Reason: "wrong"}, "setup-code", client)
		}
		u.Attempt.Data.SetupCode, u.Attempt.Data.SetupLong = true, true
		entry := m.entry(audit.SetupCodeUsed, u.Person.ID, client)
		entry.Attempt = u.Attempt.ID
		return change.Set{m.within(u), person.LinkSpent{ID: link.ID, At: u.Now}, AttemptSaved{Attempt: u.Attempt}, entry}, Result{}, nil
	}, AskSetupCode, AskOtherProof))
}

// SetupCodeID is the kept form of a setup code: short codes need a key.
func (m *Machine) SetupCodeID(who, code string) string { return m.derive("setup-code", who, code) }

func setupCodeFault(link *person.Link, who string, now time.Time) *fault.Fault {
	wrong := fault.New(fault.Invalid, "setup-code.wrong").On("code")
	switch {
	case link == nil || link.Kind != person.SetupCode || link.Person != who || !link.SpentAt.IsZero():
		return wrong
	case !link.ReplacedAt.IsZero():
		return fault.New(fault.Invalid, "setup-code.older").On("code")
	case !now.Before(link.EndsAt):
		return fault.New(fault.Invalid, "setup-code.expired").On("code")
	}
	return nil
}
