package flow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/message"
	"sallyport/core/phone"
	"sallyport/core/tally"
)

// Install begins the set-up, or records that an app is ready.
func (m *Machine) Install(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		var set change.Set
		result := Result{}
		if u.Setup == nil {
			s, cookie, err := m.beginSetup(u, post, client)
			if err != nil {
				return nil, Result{}, err
			}
			u.Setup, result.Setup = s, cookie
			set.Add(SetupBegun{Setup: *s})
		}
		u.Setup.Data.Installed = true
		m.secretDue(u)
		u.Setup.SeenAt = u.Now
		set.Add(SetupSaved{Setup: *u.Setup})
		u.Attempt.Data.SetupLong = true
		set.Add(AttemptSaved{Attempt: u.Attempt})
		return set, result, nil
	}, OfferSetup, AskInstall, AskNumber, AskTextCode, ShowSecret, AskNewFactor)
}

// beginSetup makes a set-up. A first one is named by a cookie of its own, so
// that it outlives the attempt in this browser; one of a recovery belongs to
// the attempt and ends with it.
func (m *Machine) beginSetup(u *Under, post Post, client Client) (*Setup, string, error) {
	s := &Setup{Person: u.Person.ID, Kind: SetupFirst, MadeAt: u.Now, SeenAt: u.Now, EndsAt: u.Now.Add(SetupKept), Agent: client.Agent, Version: 1}
	if u.Attempt.Data.Replacing {
		s.Kind, s.ID = SetupRecovery, m.setupID("attempt:"+u.Token, u.Person.ID)
		u.Attempt.Data.Setup = s.ID
		if u.Attempt.Data.By == ByText && len(u.Phones) > 0 {
			keep(s, u.Phones[len(u.Phones)-1]) // it was proved a moment ago
		}
		return s, "", nil
	}
	// Never a name that the browser brings: whoever used or filled this browser before
	// would know it, and could read the secret elsewhere with the password.
	cookie := m.derive("setup-cookie", u.Token, post.Form)
	s.ID = m.setupID(cookie, u.Person.ID)
	if u.Person.SetupDue && len(u.Phones) > 0 {
		keep(s, u.Phones[len(u.Phones)-1])
	}
	return s, cookie, nil
}

// keep takes a number that the person has already into a set-up.
func keep(s *Setup, p phone.Phone) {
	s.Data.Kept = true
	s.Data.Number = phone.Number{E164: p.Number, Region: p.Region, Country: p.Region}
}

// Number takes a mobile number and sends it a code.
func (m *Machine) Number(ctx context.Context, post Post, typed, country string, client Client) (Result, error) {
	result, err := m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		number, err := phone.Parse(typed, country, m.Numbers)
		u.Setup.Data.Typed, u.Setup.Data.Country = typed, country
		if err != nil {
			return nil, Result{}, err
		}
		if err := m.mayShare(ctx, number.E164, u.Phones); err != nil {
			return nil, Result{}, err
		}
		d, s := &u.Setup.Data, m.sendingSetup(u, number)
		if s.underWay(u.Now) {
			return nil, Result{}, nil
		}
		code, set, err := m.send(ctx, s, client, u.Now)
		if err != nil {
			return set, Result{}, err
		}
		d.Number, d.Text, d.ProvedAt, d.Kept = number, code, time.Time{}, false
		return m.saveSetup(u, set), Result{}, nil
	}, AskNumber, AskTextCode, ShowSecret, AskNewFactor)
	return result, m.late(ctx, err, typed, country, func() (change.Set, error) { return m.keepTyped(ctx, post.Token, typed, country, client) })
}

// mayShare refuses a number that too many accounts have proved, in the words of
// a number that the provider refused: nothing tells whose it is.
func (m *Machine) mayShare(ctx context.Context, e164 string, own []phone.Phone) error {
	for _, p := range own {
		if p.Number == e164 {
			return nil
		}
	}
	n, err := m.People.Sharing(ctx, e164)
	if err != nil {
		return fmt.Errorf("count accounts of number: %w", err)
	}
	if n >= phone.PerNumber {
		return fault.New(fault.Invalid, "phone.refused").On("phone")
	}
	return nil
}

func (m *Machine) sendingSetup(u *Under, number phone.Number) sending {
	own := slices.ContainsFunc(u.Phones, func(p phone.Phone) bool { return p.Number == number.E164 })
	return sending{person: u.Person.ID, lane: u.Attempt.Lane, purpose: phone.ForSetup, number: number.E164,
		country: number.Country, owner: u.Attempt.ID, before: u.Setup.Data.Text, proved: own}
}

// saveSetup adds the attempt and its set-up to a change.
func (m *Machine) saveSetup(u *Under, set change.Set) change.Set {
	u.Setup.SeenAt = u.Now
	set.Add(SetupSaved{Setup: *u.Setup}, AttemptSaved{Attempt: u.Attempt})
	return set
}

// SameNumber goes on with a number that this browser has proved within a day.
func (m *Machine) SameNumber(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		if !u.Setup.NumberProved(u.Now) {
			return nil, Result{}, fault.New(fault.Denied, "step.first")
		}
		m.secretDue(u)
		return m.saveSetup(u, nil), Result{}, nil
	}, ShowSecret, AskNewFactor)
}

// SendAgain sends the code of the set-up again.
func (m *Machine) SendAgain(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		d := &u.Setup.Data
		if d.Number.E164 == "" || u.Setup.NumberProved(u.Now) {
			return nil, Result{}, nil
		}
		before := d.Text
		code, set, err := m.send(ctx, m.sendingSetup(u, d.Number), client, u.Now)
		if err != nil {
			return set, Result{}, err
		}
		d.Text = code
		return m.saveSetup(u, set), Result{Notice: sentAgain(before, code)}, nil
	}, AskTextCode)
}

// sentAgain says whether the code that went out is the same as before.
func sentAgain(before, now phone.TextCode) string {
	if before.Digits == now.Digits {
		return "again.same"
	}
	return "again.new"
}

// TextCode checks the code that was sent to the number of the set-up.
func (m *Machine) TextCode(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	return m.tried(tally.Number)(m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		digits, bad := factor.Digits(entered, "code", "text-code.empty")
		if bad != nil {
			return nil, Result{}, bad
		}
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		d := &u.Setup.Data
		if !d.Text.For(phone.ForSetup, d.Number.E164, u.Attempt.ID) {
			if u.Setup.NumberProved(u.Now) {
				return nil, Result{}, nil
			}
			return nil, Result{}, fault.New(fault.Invalid, "text-code.guessed-out").On("code")
		}
		switch answer := d.Text.Judge(digits, u.Now); answer {
		case phone.Again:
			return nil, Result{}, nil
		case phone.Right:
			return m.numberProved(u, client), Result{}, nil
		case phone.Expired:
			return m.expired(ctx, u, client)
		case phone.Older, phone.GuessedOut:
			return m.wrongText(ctx, u, textFault(answer), client)
		default:
			return m.wrongText(ctx, u, guessed(&d.Text), client)
		}
	}, AskTextCode, ShowSecret, AskNewFactor))
}

// numberProved takes the code: it is used, and the number is this set-up's.
func (m *Machine) numberProved(u *Under, client Client) change.Set {
	d := &u.Setup.Data
	d.Text.TakenAt, d.ProvedAt = u.Now, u.Now
	m.secretDue(u)
	set := change.Set{m.within(u), m.entry(audit.NumberProved, u.Person.ID, client)}
	return m.saveSetup(u, append(set, m.answered(d.Text, u.Now)...))
}

// expired sends a new code to somebody who typed the old one too late: they hold
// the phone.
func (m *Machine) expired(ctx context.Context, u *Under, client Client) (change.Set, Result, error) {
	d := &u.Setup.Data
	code, set, err := m.send(ctx, m.sendingSetup(u, d.Number), client, u.Now)
	if f := fault.Of(err); f != nil {
		return set, Result{}, fault.New(fault.Invalid, "text-code.expired-wait").On("code").After(f.Wait)
	}
	if err != nil {
		return nil, Result{}, err
	}
	d.Text = code
	return m.saveSetup(u, set), Result{}, fault.New(fault.Invalid, "text-code.expired").On("code")
}

// wrongText counts a wrong text message code in the lane.
func (m *Machine) wrongText(ctx context.Context, u *Under, f *fault.Fault, client Client) (change.Set, Result, error) {
	u.Attempt.Data.Failures++
	set := append(m.miss(u, "text", "wrong", client), message.GuessedOut(u.Setup.Data.Text.ID, u.Setup.Data.Text.GuessesLeft(), u.Now)...)
	more, err := m.alarms(ctx, u)
	if err != nil {
		return nil, Result{}, err
	}
	return m.saveSetup(u, append(set, more...)), Result{}, m.fewest(u, f)
}

// NewFactor checks the code of the new app. When it is right one change switches
// the factor on, spends its step, stores number and recovery codes, and begins
// the session.
func (m *Machine) NewFactor(ctx context.Context, post Post, entered string, client Client) (Result, error) {
	return m.tried(tally.NewApp)(m.act(ctx, post, entered, client, func(u *Under) (change.Set, Result, error) {
		if u.Wait > 0 {
			return nil, Result{}, m.codesWait(u)
		}
		d := &u.Setup.Data
		step, v := factor.Candidate{Secret: d.Secret, Old: d.Old, Rows: u.Factors, Text: d.Text.Digits}.Verify(entered, u.Now)
		v.Fault = m.skew.Soften(v.Fault)
		if v.Right {
			m.skew.Saw(v.Offset)
			return m.switchOn(ctx, u, step, client, post.Form, entered)
		}
		if v.Free {
			return nil, Result{}, v.Fault
		}
		d.Misses++
		u.Attempt.Data.Failures++
		set := m.miss(u, "app", v.Reason, client)
		return m.saveSetup(u, set), Result{}, m.leftover(u, v.Fault)
	}, AskNewFactor))
}

// StartAgain drops the set-up of this browser and keeps nothing of it.
func (m *Machine) StartAgain(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		var set change.Set
		if u.Setup != nil {
			set.Add(SetupsDropped{ID: u.Setup.ID, Person: u.Person.ID})
		}
		u.Attempt.Data.Setup = ""
		set.Add(AttemptSaved{Attempt: u.Attempt})
		return set, Result{}, nil
	}, OfferSetup, AskInstall, AskNumber, AskTextCode, ShowSecret, AskNewFactor)
}

// NotNow puts the set-up off, where the policy lets the person: a session of
// level one.
func (m *Machine) NotNow(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "not now", client, func(u *Under) (change.Set, Result, error) {
		if !u.Need.OneFactor || u.Person.Enrolled() {
			return nil, Result{}, fault.New(fault.Denied, "now-required")
		}
		set, result, err := m.issue(ctx, u, "", client, post.Form, "not now")
		if err != nil {
			return nil, Result{}, err
		}
		entry := m.entry(audit.SetUpLater, u.Person.ID, client)
		entry.Attempt = u.Attempt.ID
		set.Add(entry)
		return set, result, nil
	}, OfferSetup, AskInvitation, AskSetupCode, AskNumber, AskTextCode, ShowSecret, AskNewFactor)
}

// OwnNumber sends a code to the number on record, which a recovery by recovery
// code proves again before it keeps it.
func (m *Machine) OwnNumber(ctx context.Context, post Post, client Client) (Result, error) {
	return m.act(ctx, post, "", client, func(u *Under) (change.Set, Result, error) {
		own := u.Phone()
		if own == nil {
			return nil, Result{}, fault.New(fault.Denied, "step.first")
		}
		number := phone.Number{E164: own.Number, Region: own.Region, Country: own.Region}
		d, s := &u.Setup.Data, m.sendingSetup(u, number)
		if s.underWay(u.Now) {
			return nil, Result{}, nil
		}
		code, set, err := m.send(ctx, s, client, u.Now)
		if err != nil {
			return set, Result{}, err
		}
		d.Number, d.Text, d.ProvedAt, d.Kept, d.Typed = number, code, time.Time{}, false, ""
		return m.saveSetup(u, set), Result{}, nil
	}, AskNumber, AskTextCode)
}
